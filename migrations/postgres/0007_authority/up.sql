-- The client that registered a client; null where an administrator or the command did.
alter table clients add column registered_by_client uuid;
-- Raised by every change that loosens a client: consents given before it no longer count.
alter table clients add column consent_epoch bigint not null default 0;
-- Raised when a client loses its secret, a scope or its access: links that it made before no longer work.
alter table clients add column authority_epoch bigint not null default 0;
-- The consent_epoch of the client that the person was asked about.
alter table consents add column client_epoch bigint not null default 0;
create index consents_by_client on consents (client_id);
-- The session epoch of the user and the authority epoch of the client that made the link, as they were then.
alter table invitations add column user_epoch bigint;
alter table invitations add column client_epoch bigint;
update invitations set user_epoch = (select s.session_epoch from standings s where s.user_id = invitations.by_user);
update invitations set client_epoch = 0 where by_client is not null;
create index invitations_by_time on invitations (created_at, id);
