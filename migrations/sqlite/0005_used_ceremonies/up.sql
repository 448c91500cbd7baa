-- Ceremonies that were used, until they would have expired: the row is written in the transaction of what the ceremony decides.
create table used_ceremonies (
    ceremony_hash blob primary key not null,
    expires_at integer not null
) strict, without rowid;
create index used_ceremonies_by_expiry on used_ceremonies (expires_at);
