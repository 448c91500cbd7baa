-- Clients become relying parties: what RFC 7591 calls client metadata is one document, read and written whole. The table is
-- made anew, because a column's demand can't be changed here.
create table clients_made_anew (
    id blob primary key not null,
    name text not null,
    secret_hash blob,
    scopes text not null,
    metadata text not null,
    enabled integer not null,
    deleted_at integer,
    -- What decides about a client's tokens, and a counter of every change of it (a version counts changes by people).
    token_epoch integer not null,
    people_epoch integer not null,
    revoked_tokens text not null,
    moves integer not null,
    moved_at integer not null,
    created_at integer not null,
    version integer not null,
    as_of integer not null,
    by_user blob,
    by_client blob
) strict;
insert into clients_made_anew
select id, name, secret_hash, scopes, '{}', enabled, null, 0, 0, '[]', 1, cast(unixepoch('subsec') * 1000000 as integer),
       created_at, version, as_of, by_user, by_client
from clients;
drop table clients;
alter table clients_made_anew rename to clients;
create index clients_by_move on clients (moved_at);

-- The web origins of registered redirect URIs: who may ask across origins.
create table client_origins (
    origin text not null,
    client_id blob not null references clients (id),
    primary key (origin, client_id)
) strict;

-- What a person let a client have, once. Codes, tokens and refresh families belong to one and die with it.
create table authorizations (
    id blob primary key not null,
    user_id blob not null references users (id),
    client_id blob not null references clients (id),
    -- The session that it hangs on now, and the `sid` that the client was told.
    session_id blob not null,
    sid blob not null,
    epoch integer not null,
    client_epoch integer not null,
    passkeys text not null,
    scopes text not null,
    resources text not null,
    claims text not null,
    offline integer not null,
    nonce text,
    auth_time integer not null,
    acr text not null,
    amr text not null,
    redirect_uri text not null,
    code_hash blob not null unique,
    code_challenge text,
    code_expires_at integer not null,
    code_used_at integer,
    created_at integer not null,
    -- When the session ends, used or not: what is not offline ends with it.
    session_end integer not null,
    -- Until the last token that it could give has ended: a second use of the code is noticed until then.
    keep_until integer not null,
    revoked_at integer,
    revoked_reason text,
    -- When its client was told that the session is over.
    told_at integer
) strict;
create index authorizations_by_user on authorizations (user_id, revoked_at);
create index authorizations_by_session on authorizations (session_id);
create index authorizations_by_end on authorizations (keep_until);

create table refresh_families (
    id blob primary key not null,
    authorization_id blob not null unique references authorizations (id) on delete cascade,
    n integer not null,
    advanced_at integer not null,
    expires_at integer not null,
    created_at integer not null
) strict;

create table consents (
    user_id blob not null references users (id),
    client_id blob not null references clients (id),
    scopes text not null,
    created_at integer not null,
    updated_at integer not null,
    primary key (user_id, client_id)
) strict;

create table signing_keys (
    id blob primary key not null,
    algorithm text not null,
    generation integer not null,
    public text not null,
    sealed blob not null,
    published_at integer not null,
    signs_from integer not null,
    retires_at integer,
    compromised_at integer,
    created_at integer not null,
    version integer not null,
    as_of integer not null,
    by_user blob,
    by_client blob,
    unique (algorithm, generation)
) strict;

-- Work that follows a commit; any instance does it, under a lease. Rows of one queue wait for each other, others do not.
create table outbox (
    id blob primary key not null,
    kind text not null,
    queue text not null,
    payload text not null,
    created_at integer not null,
    due_at integer not null,
    attempts integer not null,
    leased_until integer
) strict;
create index outbox_by_due on outbox (due_at, queue);

drop view standing_records;
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
               and e.ended_at is not null and e.epoch = s.session_epoch)),
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
