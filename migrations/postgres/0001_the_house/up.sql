-- The one set-up row: what the installation was begun with, and the link for its first administrator.
create table setup (
    id bigint primary key check (id = 1),
    key_check bytea not null,
    rp_id text not null,
    token_hash bytea,
    expires_at timestamptz,
    completed_at timestamptz,
    user_id uuid
);

create table users (
    id uuid primary key,
    username text not null unique,
    email text,
    email_verified boolean not null,
    display_name text not null,
    status text not null check (status in ('invited', 'active', 'suspended', 'deleted')),
    attributes jsonb not null,
    created_at timestamptz not null,
    version bigint not null,
    as_of timestamptz not null,
    by_user uuid,
    by_client uuid
);
create index users_by_email on users (email);

-- Every name that anybody ever had: it is never given to another person.
create table usernames (
    username text primary key,
    user_id uuid not null references users (id)
);

create table roles (
    name text primary key,
    description text not null,
    version bigint not null,
    as_of timestamptz not null,
    by_user uuid,
    by_client uuid
);
insert into roles (name, description, version, as_of)
values ('admin', 'Administers people, passkeys, sessions and clients', 1, now());

create table user_roles (
    user_id uuid not null references users (id),
    role text not null references roles (name),
    primary key (user_id, role)
);
create index user_roles_by_role on user_roles (role, user_id);

create table passkeys (
    id uuid primary key,
    user_id uuid not null references users (id),
    credential_id bytea not null unique,
    credential jsonb not null,
    name text not null,
    aaguid uuid not null,
    transports jsonb not null,
    sign_count bigint not null,
    backup_eligible boolean not null,
    backup_state boolean not null,
    enrolled_session uuid,
    enrolled_passkey uuid,
    created_at timestamptz not null,
    last_used_at timestamptz,
    revoked_at timestamptz,
    revoked_reason text,
    version bigint not null,
    as_of timestamptz not null,
    by_user uuid,
    by_client uuid
);
create index passkeys_by_user on passkeys (user_id, created_at);

create table sessions (
    id uuid primary key,
    user_id uuid not null references users (id),
    passkeys jsonb not null,
    epoch bigint not null,
    auth_time timestamptz not null,
    acr text not null,
    amr jsonb not null,
    address text,
    user_agent text,
    created_at timestamptz not null,
    absolute_end timestamptz not null,
    ended_at timestamptz,
    end_reason text
);
create index sessions_by_user on sessions (user_id, absolute_end);

-- One counter a person: its row lock orders the changes of what decides about them.
create table standings (
    user_id uuid primary key references users (id),
    version bigint not null,
    session_epoch bigint not null,
    moved_at timestamptz not null
);
create index standings_by_move on standings (moved_at);

create table clients (
    id uuid primary key,
    name text not null,
    secret_hash bytea not null,
    scopes jsonb not null,
    enabled boolean not null,
    created_at timestamptz not null,
    version bigint not null,
    as_of timestamptz not null,
    by_user uuid,
    by_client uuid
);

create table invitations (
    id uuid primary key,
    token_hash bytea not null unique,
    purpose text not null check (purpose in ('join', 'recover', 'add_device')),
    user_id uuid references users (id),
    email text,
    display_name text,
    roles jsonb not null,
    by_session uuid,
    created_at timestamptz not null,
    expires_at timestamptz not null,
    voided_at timestamptz,
    used_at timestamptz,
    used_by uuid,
    by_user uuid,
    by_client uuid
);
create index invitations_by_user on invitations (user_id);

create table audit_events (
    id uuid primary key,
    at timestamptz not null,
    actor text not null,
    action text collate "C" not null,
    subject uuid,
    client uuid,
    passkey uuid,
    address text,
    user_agent text,
    outcome text not null check (outcome in ('success', 'refused')),
    reason text,
    details jsonb not null
);
create index audit_events_by_time on audit_events (at, id);
create index audit_events_by_subject on audit_events (subject, at, id);
create index audit_events_by_actor on audit_events (actor, at, id);

create table revisions (
    entity text not null,
    entity_id uuid not null,
    version bigint not null,
    as_of timestamptz not null,
    by_user uuid,
    by_client uuid,
    data jsonb not null,
    primary key (entity, entity_id, version)
);

-- Record and version in one statement, and so of one snapshot.
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
        'ended', coalesce(
            (select jsonb_agg(e.id order by e.ended_at, e.id) from sessions e
             where e.user_id = u.id and e.absolute_end > now() - interval '1 day' and e.ended_at is not null
               and e.epoch = s.session_epoch), '[]')
    ) as record
from standings s
join users u on u.id = s.user_id;
