drop view standing_records;
create view standing_records as
select
    s.user_id,
    s.version,
    jsonb_build_object(
        'user_id', u.id,
        'version', s.version,
        'username', u.username,
        'email', u.email,
        'email_verified', u.email_verified,
        'display_name', u.display_name,
        'status', u.status,
        'session_epoch', s.session_epoch,
        'roles', coalesce(
            (select jsonb_agg(r.role order by r.role) from user_roles r where r.user_id = u.id), '[]'),
        'passkeys', coalesce(
            (select jsonb_agg(p.id order by p.created_at, p.id) from passkeys p
             where p.user_id = u.id and p.revoked_at is null), '[]'),
        'ended', coalesce(
            (select jsonb_agg(e.id order by e.ended_at, e.id) from sessions e
             where e.user_id = u.id and e.absolute_end > now() - interval '1 day' and e.ended_at is not null
               and e.epoch = s.session_epoch), '[]')
    ) as record
from standings s
join users u on u.id = s.user_id;

drop table outbox;
drop table signing_keys;
drop table consents;
drop table refresh_families;
drop table authorizations;
drop table client_origins;
drop index clients_by_move;
alter table clients drop column moved_at;
alter table clients drop column moves;
alter table clients drop column revoked_tokens;
alter table clients drop column people_epoch;
alter table clients drop column token_epoch;
alter table clients drop column deleted_at;
alter table clients drop column metadata;
-- A public client has no secret, and the schema before this one knows none: it goes.
delete from clients where secret_hash is null;
alter table clients alter column secret_hash set not null;
