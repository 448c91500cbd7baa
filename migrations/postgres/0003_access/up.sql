-- A role may let its holders manage people who hold given roles, and grants on given types of things.
alter table roles add column manages_roles jsonb not null default '[]';
alter table roles add column manages_grants_on jsonb not null default '[]';
alter table roles add column deleted_at timestamptz;
-- The built-in role has been there from the beginning, and so has its first version. Its id follows from its name.
insert into revisions (entity, entity_id, version, as_of, data)
select 'role', 'c8644fe2-628f-8d57-8f84-6456e8e96377', version, as_of, jsonb_build_object(
    'name', name, 'description', description, 'manages_roles', manages_roles, 'manages_grants_on', manages_grants_on)
from roles where name = 'admin';

-- What a person may be on one thing. One row for each person and thing for ever: withdrawn, it holds no roles.
create table grants (
    id uuid primary key,
    user_id uuid not null references users (id),
    resource_type text collate "C" not null,
    resource_id text collate "C" not null,
    roles jsonb not null,
    title text,
    description text,
    valid_until timestamptz,
    created_at timestamptz not null,
    version bigint not null,
    as_of timestamptz not null,
    by_user uuid,
    by_client uuid,
    unique (user_id, resource_type, resource_id)
);
create index grants_by_resource on grants (resource_type, resource_id, user_id);

-- What is known of things themselves; a thing without a row is one without attributes. A deleted one keeps its row.
create table resources (
    resource_type text collate "C" not null,
    resource_id text collate "C" not null,
    title text,
    description text,
    attributes jsonb not null,
    created_at timestamptz not null,
    deleted_at timestamptz,
    moved_at timestamptz not null,
    version bigint not null,
    as_of timestamptz not null,
    by_user uuid,
    by_client uuid,
    primary key (resource_type, resource_id)
);
create index resources_by_move on resources (moved_at);

-- The chain over the audit log: each event once, in the order in which it was sealed. What may be erased enters as salted
-- hashes; erasing it erases the salt, and the chain stays whole.
create table audit_seals (
    position bigint primary key,
    event_id uuid not null unique,
    salt bytea,
    address_hash bytea not null,
    user_agent_hash bytea not null,
    details_hash bytea not null,
    mac bytea not null,
    sealed_at timestamptz not null
);

-- The one sealer: its lease, its key (sealed under the master key), where the chain ends, and the latest instant in it.
create table audit_sealer (
    id bigint primary key check (id = 1),
    sealed_key bytea,
    position bigint not null,
    mac bytea not null,
    newest_at timestamptz,
    holder uuid,
    leased_until timestamptz
);
insert into audit_sealer (id, position, mac) values (1, 0, '');
