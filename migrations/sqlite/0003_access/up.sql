-- A role may let its holders manage people who hold given roles, and grants on given types of things.
alter table roles add column manages_roles text not null default '[]';
alter table roles add column manages_grants_on text not null default '[]';
alter table roles add column deleted_at integer;
-- The built-in role has been there from the beginning, and so has its first version. Its id follows from its name.
insert into revisions (entity, entity_id, version, as_of, data)
select 'role', x'c8644fe2628f8d578f846456e8e96377', version, as_of, json_object(
    'name', name, 'description', description, 'manages_roles', json(manages_roles), 'manages_grants_on', json(manages_grants_on))
from roles where name = 'admin';

-- What a person may be on one thing. One row for each person and thing for ever: withdrawn, it holds no roles.
create table grants (
    id blob primary key not null,
    user_id blob not null references users (id),
    resource_type text not null,
    resource_id text not null,
    roles text not null,
    title text,
    description text,
    valid_until integer,
    created_at integer not null,
    version integer not null,
    as_of integer not null,
    by_user blob,
    by_client blob,
    unique (user_id, resource_type, resource_id)
) strict;
create index grants_by_resource on grants (resource_type, resource_id, user_id);

-- What is known of things themselves; a thing without a row is one without attributes. A deleted one keeps its row.
create table resources (
    resource_type text not null,
    resource_id text not null,
    title text,
    description text,
    attributes text not null,
    created_at integer not null,
    deleted_at integer,
    moved_at integer not null,
    version integer not null,
    as_of integer not null,
    by_user blob,
    by_client blob,
    primary key (resource_type, resource_id)
) strict;
create index resources_by_move on resources (moved_at);

-- The chain over the audit log: each event once, in the order in which it was sealed. What may be erased enters as salted
-- hashes; erasing it erases the salt, and the chain stays whole.
create table audit_seals (
    position integer primary key not null,
    event_id blob not null unique,
    salt blob,
    address_hash blob not null,
    user_agent_hash blob not null,
    details_hash blob not null,
    mac blob not null,
    sealed_at integer not null
) strict;

-- The one sealer: its lease, its key (sealed under the master key), where the chain ends, and the latest instant in it.
create table audit_sealer (
    id integer primary key not null check (id = 1),
    sealed_key blob,
    position integer not null,
    mac blob not null,
    newest_at integer,
    holder blob,
    leased_until integer
) strict;
insert into audit_sealer (id, position, mac) values (1, 0, x'');
