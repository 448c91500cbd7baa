-- Ceremonies that were used, until they would have expired: the row is written in the transaction of what the ceremony decides.
create table used_ceremonies (
    ceremony_hash bytea primary key,
    expires_at timestamptz not null
);
create index used_ceremonies_by_expiry on used_ceremonies (expires_at);
