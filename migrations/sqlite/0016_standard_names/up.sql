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

drop index standings_by_move;
create index account_states_by_change on account_states (changed_at);
drop index clients_by_move;
create index clients_by_change on clients (changed_at);
drop index resources_by_move;
create index resources_by_change on resources (changed_at);
drop index used_ceremonies_by_expiry;
create index used_tokens_by_expiry on used_tokens (expires_at);
drop index grants_by_resource;
create index role_assignments_by_resource on role_assignments (resource_type, resource_id, user_id);
drop index authorizations_by_end;
create index authorizations_by_retention on authorizations (retain_until);
drop index revisions_by_seal;
create index revisions_by_chain_position on revisions (chain_position, entity, entity_id, version);
drop index users_unfolded;
create index users_without_search_text on users (id) where search_text is null;

-- The scopes that name role assignments.
update clients
set scopes = replace(replace(scopes, '"grants:read"', '"role-assignments:read"'), '"grants:write"', '"role-assignments:write"')
where scopes like '%"grants:%';
update authorizations
set scopes = replace(replace(scopes, '"grants:read"', '"role-assignments:read"'), '"grants:write"', '"role-assignments:write"')
where scopes like '%"grants:%';
update consents
set scopes = replace(replace(scopes, '"grants:read"', '"role-assignments:read"'), '"grants:write"', '"role-assignments:write"')
where scopes like '%"grants:%';

create view account_state_records as
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
        -- While a cached copy of the session or of its earlier key may exist; one row over the limit shows that there are more.
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
        -- For the maximum lifetime of an access token plus one hour; one row over the limit shows that there are more.
        'revoked', json(
            (select json_group_array(lower(hex(a.id)) order by a.revoked_at, a.id) from
                (select id, revoked_at from authorizations
                 where user_id = u.id and revoked_at > cast((unixepoch('subsec') - 7200) * 1000000 as integer)
                   and epoch = s.session_epoch
                 order by revoked_at desc, id limit 65) a))
    ) as record
from account_states s
join users u on u.id = s.user_id;
