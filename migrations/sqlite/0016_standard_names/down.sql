-- The earlier names.

drop view account_state_records;

drop index users_without_search_text;
drop index revisions_by_chain_position;
drop index authorizations_by_retention;
drop index role_assignments_by_resource;
drop index used_tokens_by_expiry;
drop index resources_by_change;
drop index clients_by_change;
drop index account_states_by_change;

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

create index standings_by_move on standings (moved_at);
create index clients_by_move on clients (moved_at);
create index resources_by_move on resources (moved_at);
create index used_ceremonies_by_expiry on used_ceremonies (expires_at);
create index grants_by_resource on grants (resource_type, resource_id, user_id);
create index authorizations_by_end on authorizations (keep_until);
create index revisions_by_seal on revisions (sealed_in, entity, entity_id, version);
create index users_unfolded on users (id) where search_text is null;

-- The earlier names of scopes.
update clients
set scopes = replace(replace(scopes, '"role-assignments:read"', '"grants:read"'), '"role-assignments:write"', '"grants:write"')
where scopes like '%"role-assignments:%';
update authorizations
set scopes = replace(replace(scopes, '"role-assignments:read"', '"grants:read"'), '"role-assignments:write"', '"grants:write"')
where scopes like '%"role-assignments:%';
update consents
set scopes = replace(replace(scopes, '"role-assignments:read"', '"grants:read"'), '"role-assignments:write"', '"grants:write"')
where scopes like '%"role-assignments:%';

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
