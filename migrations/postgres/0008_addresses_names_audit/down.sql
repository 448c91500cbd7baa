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
alter table users add column email_verified boolean not null default false;
update users set email_verified = true where email_state <> 'unverified';
alter table users drop column email_verified_by;
alter table users drop column email_verified_at;
alter table users drop column email_state;
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
        -- While a copy of the session or of its earlier key may exist; one more than the record promises says that there are others.
        'ended', coalesce(
            (select jsonb_agg(e.id order by e.ended_at, e.id) from
                (select id, ended_at from sessions
                 where user_id = u.id and listed_until > now() and ended_at is not null and epoch = s.session_epoch
                 order by ended_at desc, id limit 65) e), '[]'),
        'stepped_up', coalesce(
            (select jsonb_agg(jsonb_build_object(
                'id', e.id, 'auth_time', (extract(epoch from e.auth_time) * 1000000)::bigint) order by e.auth_time, e.id) from
                (select id, auth_time from sessions
                 where user_id = u.id and listed_until > now() and ended_at is null and epoch = s.session_epoch
                 order by auth_time desc, id limit 65) e), '[]'),
        -- As long as an access token may live, and an hour more; one more than the record promises says that there are others.
        'revoked', coalesce(
            (select jsonb_agg(a.id order by a.revoked_at, a.id) from
                (select id, revoked_at from authorizations
                 where user_id = u.id and revoked_at > now() - interval '2 hours' and epoch = s.session_epoch
                 order by revoked_at desc, id limit 65) a), '[]')
    ) as record
from standings s
join users u on u.id = s.user_id;
