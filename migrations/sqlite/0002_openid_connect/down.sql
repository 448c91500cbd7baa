drop view standing_records;
create view standing_records as
select
    s.user_id,
    s.version,
    json_object(
        'user_id', lower(hex(u.id)),
        'version', s.version,
        'username', u.username,
        'email', u.email,
        'email_verified', json(iif(u.email_verified, 'true', 'false')),
        'display_name', u.display_name,
        'status', u.status,
        'session_epoch', s.session_epoch,
        'roles', json(
            (select json_group_array(r.role order by r.role) from user_roles r where r.user_id = u.id)),
        'passkeys', json(
            (select json_group_array(lower(hex(p.id)) order by p.created_at, p.id) from passkeys p
             where p.user_id = u.id and p.revoked_at is null)),
        'ended', json(
            (select json_group_array(lower(hex(e.id)) order by e.ended_at, e.id) from sessions e
             where e.user_id = u.id and e.absolute_end > cast((unixepoch('subsec') - 86400) * 1000000 as integer)
               and e.ended_at is not null and e.epoch = s.session_epoch))
    ) as record
from standings s
join users u on u.id = s.user_id;

drop table outbox;
drop table signing_keys;
drop table consents;
drop table refresh_families;
drop table authorizations;
drop table client_origins;
create table clients_as_before (
    id blob primary key not null,
    name text not null,
    secret_hash blob not null,
    scopes text not null,
    enabled integer not null,
    created_at integer not null,
    version integer not null,
    as_of integer not null,
    by_user blob,
    by_client blob
) strict;
-- A public client has no secret, and the schema before this one knows none: it goes.
insert into clients_as_before
select id, name, secret_hash, scopes, enabled, created_at, version, as_of, by_user, by_client
from clients where secret_hash is not null;
drop table clients;
alter table clients_as_before rename to clients;
