-- Clients become relying parties: what RFC 7591 calls client metadata is one document, read and written whole.
alter table clients alter column secret_hash drop not null;
alter table clients add column metadata jsonb not null default '{}';
alter table clients alter column metadata drop default;
alter table clients add column deleted_at timestamptz;
-- What decides about a client's tokens, and a counter of every change of it (a version counts changes by people).
alter table clients add column token_epoch bigint not null default 0;
alter table clients alter column token_epoch drop default;
alter table clients add column people_epoch bigint not null default 0;
alter table clients alter column people_epoch drop default;
alter table clients add column revoked_tokens jsonb not null default '[]';
alter table clients alter column revoked_tokens drop default;
alter table clients add column moves bigint not null default 1;
alter table clients alter column moves drop default;
alter table clients add column moved_at timestamptz not null default now();
alter table clients alter column moved_at drop default;
create index clients_by_move on clients (moved_at);

-- The web origins of registered redirect URIs: who may ask across origins.
create table client_origins (
    origin text not null,
    client_id uuid not null references clients (id),
    primary key (origin, client_id)
);

-- What a person let a client have, once. Codes, tokens and refresh families belong to one and die with it.
create table authorizations (
    id uuid primary key,
    user_id uuid not null references users (id),
    client_id uuid not null references clients (id),
    -- The session that it hangs on now, and the `sid` that the client was told.
    session_id uuid not null,
    sid uuid not null,
    epoch bigint not null,
    client_epoch bigint not null,
    passkeys jsonb not null,
    scopes jsonb not null,
    resources jsonb not null,
    claims jsonb not null,
    offline boolean not null,
    nonce text,
    auth_time timestamptz not null,
    acr text not null,
    amr jsonb not null,
    redirect_uri text not null,
    code_hash bytea not null unique,
    code_challenge text,
    code_expires_at timestamptz not null,
    code_used_at timestamptz,
    created_at timestamptz not null,
    -- When the session ends, used or not: what is not offline ends with it.
    session_end timestamptz not null,
    -- Until the last token that it could give has ended: a second use of the code is noticed until then.
    keep_until timestamptz not null,
    revoked_at timestamptz,
    revoked_reason text,
    -- When its client was told that the session is over.
    told_at timestamptz
);
create index authorizations_by_user on authorizations (user_id, revoked_at);
create index authorizations_by_session on authorizations (session_id);
create index authorizations_by_end on authorizations (keep_until);

create table refresh_families (
    id uuid primary key,
    authorization_id uuid not null unique references authorizations (id) on delete cascade,
    n bigint not null,
    advanced_at timestamptz not null,
    expires_at timestamptz not null,
    created_at timestamptz not null
);

create table consents (
    user_id uuid not null references users (id),
    client_id uuid not null references clients (id),
    scopes jsonb not null,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    primary key (user_id, client_id)
);

create table signing_keys (
    id uuid primary key,
    algorithm text not null,
    generation bigint not null,
    public jsonb not null,
    sealed bytea not null,
    published_at timestamptz not null,
    signs_from timestamptz not null,
    retires_at timestamptz,
    compromised_at timestamptz,
    created_at timestamptz not null,
    version bigint not null,
    as_of timestamptz not null,
    by_user uuid,
    by_client uuid,
    unique (algorithm, generation)
);

-- Work that follows a commit; any instance does it, under a lease. Rows of one queue wait for each other, others do not.
create table outbox (
    id uuid primary key,
    kind text not null,
    queue text not null,
    payload jsonb not null,
    created_at timestamptz not null,
    due_at timestamptz not null,
    attempts bigint not null,
    leased_until timestamptz
);
create index outbox_by_due on outbox (due_at, queue);

drop view standing_records;
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
               and e.epoch = s.session_epoch), '[]'),
        -- As long as an access token may live, and an hour more; one more than the record promises says that there are others.
        'revoked', coalesce(
            (select jsonb_agg(a.id order by a.revoked_at, a.id) from
                (select id, revoked_at from authorizations
                 where user_id = u.id and revoked_at > now() - interval '2 hours' and epoch = s.session_epoch
                 order by revoked_at desc, id limit 65) a), '[]')
    ) as record
from standings s
join users u on u.id = s.user_id;
