-- How far an address is known to be the user's: entered by somebody, vouched for by an administrator, or verified by mail.
drop view standing_records;
alter table users add column email_state text not null default 'unverified'
    check (email_state in ('unverified', 'vouched', 'verified'));
alter table users add column email_verified_at integer;
alter table users add column email_verified_by blob;
update users set email_state = 'vouched' where email_verified = 1;
alter table users drop column email_verified;
create view standing_records as
select
    s.user_id,
    s.version,
    json_object(
        'user_id', lower(hex(u.id)),
        'version', s.version,
        'username', u.username,
        'email', u.email,
        'email_verified', json(iif(u.email_state <> 'unverified', 'true', 'false')),
        'display_name', u.display_name,
        'status', u.status,
        'session_epoch', s.session_epoch,
        'roles', json(
            (select json_group_array(r.role order by r.role) from user_roles r where r.user_id = u.id)),
        'passkeys', json(
            (select json_group_array(lower(hex(p.id)) order by p.created_at, p.id) from passkeys p
             where p.user_id = u.id and p.revoked_at is null)),
        -- While a copy of the session or of its earlier key may exist; one more than the record promises says that there are others.
        'ended', json(
            (select json_group_array(lower(hex(e.id)) order by e.ended_at, e.id) from
                (select id, ended_at from sessions
                 where user_id = u.id and listed_until > cast(unixepoch('subsec') * 1000000 as integer)
                   and ended_at is not null and epoch = s.session_epoch
                 order by ended_at desc, id limit 65) e)),
        'stepped_up', json(
            (select json_group_array(json_object('id', lower(hex(e.id)), 'auth_time', e.auth_time) order by e.auth_time, e.id) from
                (select id, auth_time from sessions
                 where user_id = u.id and listed_until > cast(unixepoch('subsec') * 1000000 as integer)
                   and ended_at is null and epoch = s.session_epoch
                 order by auth_time desc, id limit 65) e)),
        -- As long as an access token may live, and an hour more; one more than the record promises says that there are others.
        'revoked', json(
            (select json_group_array(lower(hex(a.id)) order by a.revoked_at, a.id) from
                (select id, revoked_at from authorizations
                 where user_id = u.id and revoked_at > cast((unixepoch('subsec') - 7200) * 1000000 as integer)
                   and epoch = s.session_epoch
                 order by revoked_at desc, id limit 65) a))
    ) as record
from standings s
join users u on u.id = s.user_id;

-- When a user was renamed to a name (null: their first one), and when a session was first opened under it (null: never). Names
-- of before count as used if their user ever signed in.
alter table usernames add column renamed_at integer;
alter table usernames add column used_at integer;
update usernames set used_at = (select min(s.created_at) from sessions s where s.user_id = usernames.user_id);
create index usernames_by_user on usernames (user_id);

-- Who acted, the client through which they did, and the account on which machine where a process acted.
alter table audit_events add column by_user blob;
alter table audit_events add column by_client blob;
alter table audit_events add column operator text;
create index audit_events_by_client on audit_events (by_client, at);

-- A link covers the revisions that were sealed with it; the layout says what else it covers.
alter table audit_seals add column layout integer not null default 1;
alter table audit_seals add column revisions integer not null default 0;
alter table audit_seals add column revisions_hash blob;
alter table revisions add column sealed_in integer;
create index revisions_by_seal on revisions (sealed_in, entity, entity_id, version);
