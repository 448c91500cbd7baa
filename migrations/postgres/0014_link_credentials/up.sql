-- What the creator of a link was authenticated by: a session, an app's authorization and the session behind it, or a service's own
-- access token. Null for links created before, and for those created with a client's secret or on the command line.
alter table invitations add column maker_session uuid;
alter table invitations add column maker_authorization uuid;
alter table invitations add column maker_token uuid;
