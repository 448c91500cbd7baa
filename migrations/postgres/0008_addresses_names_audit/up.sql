-- How far an address is known to be the user's: entered by somebody, vouched for by an administrator, or verified by mail.
drop view standing_records;
alter table users add column email_state text not null default 'unverified'
    check (email_state in ('unverified', 'vouched', 'verified'));
alter table users add column email_verified_at timestamptz;
alter table users add column email_verified_by uuid;
update users set email_state = 'vouched' where email_verified;
alter table users drop column email_verified;
create view standing_records as
select
    s.user_id,
    s.version,
    jsonb_build_object(
        'user_id', u.id,
        'version', s.version,
        'username', u.username,
        'email', u.email,
        'email_verified', u.email_state <> 'unverified',
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

-- When a user was renamed to a name (null: their first one), and when a session was first opened under it (null: never). Names
-- of before count as used if their user ever signed in.
alter table usernames add column renamed_at timestamptz;
alter table usernames add column used_at timestamptz;
update usernames set used_at = (select min(s.created_at) from sessions s where s.user_id = usernames.user_id);
create index usernames_by_user on usernames (user_id);

-- Who acted, the client through which they did, and the account on which machine where a process acted.
alter table audit_events add column by_user uuid;
alter table audit_events add column by_client uuid;
alter table audit_events add column operator text;
create index audit_events_by_client on audit_events (by_client, at);

-- A link covers the revisions that were sealed with it; the layout says what else it covers.
alter table audit_seals add column layout bigint not null default 1;
alter table audit_seals add column revisions bigint not null default 0;
alter table audit_seals add column revisions_hash bytea;
alter table revisions add column sealed_in bigint;
create index revisions_by_seal on revisions (sealed_in, entity, entity_id, version);
