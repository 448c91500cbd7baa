-- The earlier names.

drop view account_state_records;

alter table audit_chain_state rename constraint audit_chain_state_id_check to audit_sealer_id_check;
alter table audit_chain_state rename constraint audit_chain_state_pkey to audit_sealer_pkey;
alter table audit_chain_entries rename constraint audit_chain_entries_event_id_key to audit_seals_event_id_key;
alter table audit_chain_entries rename constraint audit_chain_entries_pkey to audit_seals_pkey;
alter table role_assignments rename constraint role_assignments_user_id_resource_type_resource_id_key to grants_user_id_resource_type_resource_id_key;
alter table role_assignments rename constraint role_assignments_user_id_fkey to grants_user_id_fkey;
alter table role_assignments rename constraint role_assignments_pkey to grants_pkey;
alter table used_tokens rename constraint used_tokens_pkey to used_ceremonies_pkey;
alter table account_states rename constraint account_states_user_id_fkey to standings_user_id_fkey;
alter table account_states rename constraint account_states_pkey to standings_pkey;

alter index users_without_search_text rename to users_unfolded;
alter index revisions_by_chain_position rename to revisions_by_seal;
alter index authorizations_by_retention rename to authorizations_by_end;
alter index role_assignments_by_resource rename to grants_by_resource;
alter index used_tokens_by_expiry rename to used_ceremonies_by_expiry;
alter index resources_by_change rename to resources_by_move;
alter index clients_by_change rename to clients_by_move;
alter index account_states_by_change rename to standings_by_move;

alter table revisions rename column chain_position to sealed_in;
alter table roles rename column manages_assignments_on to manages_grants_on;
alter table invitations rename column creator_token to maker_token;
alter table invitations rename column creator_authorization to maker_authorization;
alter table invitations rename column creator_session to maker_session;
alter table invitations rename column email_confirmed to email_vouched;
alter table refresh_families rename column rotated_at to advanced_at;
alter table refresh_families rename column generation to n;
alter table authorizations rename column retain_until to keep_until;
alter table authorizations rename column notified_at to told_at;
alter table clients rename column permissions_epoch to authority_epoch;
alter table clients rename column user_authorizations_epoch to people_epoch;
alter table clients rename column state_version to moves;
alter table clients rename column changed_at to moved_at;
alter table resources rename column changed_at to moved_at;
alter table used_tokens rename column token_hash to ceremony_hash;
alter table account_states rename column changed_at to moved_at;

alter table audit_chain_state rename to audit_sealer;
alter table audit_chain_entries rename to audit_seals;
alter table role_assignments rename to grants;
alter table used_tokens rename to used_ceremonies;
alter table account_states rename to standings;

-- The earlier names of scopes.
update clients
set scopes = replace(replace(scopes::text, '"role-assignments:read"', '"grants:read"'), '"role-assignments:write"', '"grants:write"')::jsonb
where scopes::text like '%"role-assignments:%';
update authorizations
set scopes = replace(replace(scopes::text, '"role-assignments:read"', '"grants:read"'), '"role-assignments:write"', '"grants:write"')::jsonb
where scopes::text like '%"role-assignments:%';
update consents
set scopes = replace(replace(scopes::text, '"role-assignments:read"', '"grants:read"'), '"role-assignments:write"', '"grants:write"')::jsonb
where scopes::text like '%"role-assignments:%';

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
