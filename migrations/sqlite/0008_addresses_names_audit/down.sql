drop index revisions_by_seal;
alter table revisions drop column sealed_in;
alter table audit_seals drop column revisions_hash;
alter table audit_seals drop column revisions;
alter table audit_seals drop column layout;

drop index audit_events_by_client;
alter table audit_events drop column operator;
alter table audit_events drop column by_client;
alter table audit_events drop column by_user;

drop index usernames_by_user;
alter table usernames drop column used_at;
alter table usernames drop column renamed_at;

drop view standing_records;
alter table users add column email_verified integer not null default 0;
update users set email_verified = 1 where email_state <> 'unverified';
alter table users drop column email_verified_by;
alter table users drop column email_verified_at;
alter table users drop column email_state;
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
