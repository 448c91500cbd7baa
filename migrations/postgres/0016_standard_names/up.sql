-- Tables, columns and indexes get standard names. Rows are kept, and in them only the names of two scopes
-- change: audit events and revisions are covered by the hash chain of the audit log, and this migration changes none of them.

drop view standing_records;

alter table standings rename to account_states;
alter table used_ceremonies rename to used_tokens;
alter table grants rename to role_assignments;
alter table audit_seals rename to audit_chain_entries;
alter table audit_sealer rename to audit_chain_state;

alter table account_states rename column moved_at to changed_at;
alter table used_tokens rename column ceremony_hash to token_hash;
alter table resources rename column moved_at to changed_at;
alter table clients rename column moved_at to changed_at;
alter table clients rename column moves to state_version;
alter table clients rename column people_epoch to user_authorizations_epoch;
alter table clients rename column authority_epoch to permissions_epoch;
alter table authorizations rename column told_at to notified_at;
alter table authorizations rename column keep_until to retain_until;
alter table refresh_families rename column n to generation;
alter table refresh_families rename column advanced_at to rotated_at;
alter table invitations rename column email_vouched to email_confirmed;
alter table invitations rename column maker_session to creator_session;
alter table invitations rename column maker_authorization to creator_authorization;
alter table invitations rename column maker_token to creator_token;
alter table roles rename column manages_grants_on to manages_assignments_on;
alter table revisions rename column sealed_in to chain_position;

alter index standings_by_move rename to account_states_by_change;
alter index clients_by_move rename to clients_by_change;
alter index resources_by_move rename to resources_by_change;
alter index used_ceremonies_by_expiry rename to used_tokens_by_expiry;
alter index grants_by_resource rename to role_assignments_by_resource;
alter index authorizations_by_end rename to authorizations_by_retention;
alter index revisions_by_seal rename to revisions_by_chain_position;
alter index users_unfolded rename to users_without_search_text;

-- Constraints are named after their table.
alter table account_states rename constraint standings_pkey to account_states_pkey;
alter table account_states rename constraint standings_user_id_fkey to account_states_user_id_fkey;
alter table used_tokens rename constraint used_ceremonies_pkey to used_tokens_pkey;
alter table role_assignments rename constraint grants_pkey to role_assignments_pkey;
alter table role_assignments rename constraint grants_user_id_fkey to role_assignments_user_id_fkey;
alter table role_assignments rename constraint grants_user_id_resource_type_resource_id_key to role_assignments_user_id_resource_type_resource_id_key;
alter table audit_chain_entries rename constraint audit_seals_pkey to audit_chain_entries_pkey;
alter table audit_chain_entries rename constraint audit_seals_event_id_key to audit_chain_entries_event_id_key;
alter table audit_chain_state rename constraint audit_sealer_pkey to audit_chain_state_pkey;
alter table audit_chain_state rename constraint audit_sealer_id_check to audit_chain_state_id_check;

-- The scopes that name role assignments.
update clients
set scopes = replace(replace(scopes::text, '"grants:read"', '"role-assignments:read"'), '"grants:write"', '"role-assignments:write"')::jsonb
where scopes::text like '%"grants:%';
update authorizations
set scopes = replace(replace(scopes::text, '"grants:read"', '"role-assignments:read"'), '"grants:write"', '"role-assignments:write"')::jsonb
where scopes::text like '%"grants:%';
update consents
set scopes = replace(replace(scopes::text, '"grants:read"', '"role-assignments:read"'), '"grants:write"', '"role-assignments:write"')::jsonb
where scopes::text like '%"grants:%';

create view account_state_records as
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
        -- While a cached copy of the session or of its earlier key may exist; one row over the limit shows that there are more.
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
        -- For the maximum lifetime of an access token plus one hour; one row over the limit shows that there are more.
        'revoked', coalesce(
            (select jsonb_agg(a.id order by a.revoked_at, a.id) from
                (select id, revoked_at from authorizations
                 where user_id = u.id and revoked_at > now() - interval '2 hours' and epoch = s.session_epoch
                 order by revoked_at desc, id limit 65) a), '[]')
    ) as record
from account_states s
join users u on u.id = s.user_id;
