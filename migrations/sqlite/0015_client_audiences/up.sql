-- The names of clients as resource servers, by which a token request finds the server that a token is for.
create table client_audiences (
    audience text not null,
    client_id blob not null references clients (id),
    primary key (audience, client_id)
) strict;

insert into client_audiences (audience, client_id)
select distinct name.value, clients.id
from clients, json_each(clients.metadata, '$.audiences') as name
where clients.deleted_at is null;
