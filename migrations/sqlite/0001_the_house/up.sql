-- The one set-up row: what the installation was begun with, and the link for its first administrator.
create table setup (
    id integer primary key not null check (id = 1),
    key_check blob not null,
    rp_id text not null,
    token_hash blob,
    expires_at integer,
    completed_at integer,
    user_id blob
) strict;

create table users (
    id blob primary key not null,
    username text not null unique,
    email text,
    email_verified integer not null,
    display_name text not null,
    status text not null check (status in ('invited', 'active', 'suspended', 'deleted')),
    attributes text not null,
    created_at integer not null,
    version integer not null,
    as_of integer not null,
    by_user blob,
    by_client blob
) strict;
create index users_by_email on users (email);

-- Every name that anybody ever had: it is never given to another person.
create table usernames (
    username text primary key not null,
    user_id blob not null references users (id)
) strict;

create table roles (
    name text primary key not null,
    description text not null,
    version integer not null,
    as_of integer not null,
    by_user blob,
    by_client blob
) strict;
insert into roles (name, description, version, as_of)
values ('admin', 'Administers people, passkeys, sessions and clients', 1, cast(unixepoch('subsec') * 1000000 as integer));

create table user_roles (
    user_id blob not null references users (id),
    role text not null references roles (name),
    primary key (user_id, role)
) strict;
create index user_roles_by_role on user_roles (role, user_id);

create table passkeys (
    id blob primary key not null,
    user_id blob not null references users (id),
    credential_id blob not null unique,
    credential text not null,
    name text not null,
    aaguid blob not null,
    transports text not null,
    sign_count integer not null,
    backup_eligible integer not null,
    backup_state integer not null,
    enrolled_session blob,
    enrolled_passkey blob,
    created_at integer not null,
    last_used_at integer,
    revoked_at integer,
    revoked_reason text,
    version integer not null,
    as_of integer not null,
    by_user blob,
    by_client blob
) strict;
create index passkeys_by_user on passkeys (user_id, created_at);

create table sessions (
    id blob primary key not null,
    user_id blob not null references users (id),
    passkeys text not null,
    epoch integer not null,
    auth_time integer not null,
    acr text not null,
    amr text not null,
    address text,
    user_agent text,
    created_at integer not null,
    absolute_end integer not null,
    ended_at integer,
    end_reason text
) strict;
create index sessions_by_user on sessions (user_id, absolute_end);

-- One counter a person: its row lock orders the changes of what decides about them.
create table standings (
    user_id blob primary key not null references users (id),
    version integer not null,
    session_epoch integer not null,
    moved_at integer not null
) strict;
create index standings_by_move on standings (moved_at);

create table clients (
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

create table invitations (
    id blob primary key not null,
    token_hash blob not null unique,
    purpose text not null check (purpose in ('join', 'recover', 'add_device')),
    user_id blob references users (id),
    email text,
    display_name text,
    roles text not null,
    by_session blob,
    created_at integer not null,
    expires_at integer not null,
    voided_at integer,
    used_at integer,
    used_by blob,
    by_user blob,
    by_client blob
) strict;
create index invitations_by_user on invitations (user_id);

create table audit_events (
    id blob primary key not null,
    at integer not null,
    actor text not null,
    action text not null,
    subject blob,
    client blob,
    passkey blob,
    address text,
    user_agent text,
    outcome text not null check (outcome in ('success', 'refused')),
    reason text,
    details text not null
) strict;
create index audit_events_by_time on audit_events (at, id);
create index audit_events_by_subject on audit_events (subject, at, id);
create index audit_events_by_actor on audit_events (actor, at, id);

create table revisions (
    entity text not null,
    entity_id blob not null,
    version integer not null,
    as_of integer not null,
    by_user blob,
    by_client blob,
    data text not null,
    primary key (entity, entity_id, version)
) strict;

-- Record and version in one statement, and so of one snapshot.
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
