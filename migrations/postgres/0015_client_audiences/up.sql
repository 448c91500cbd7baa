-- An index of the audiences in clients.metadata: finds the resource server of an audience. A change of a client
-- checks under a lock that each audience belongs to one client; clients of earlier versions may share one.
create table client_audiences (
    audience text not null,
    client_id uuid not null references clients (id),
    primary key (audience, client_id)
);

insert into client_audiences (audience, client_id)
select distinct name.value, clients.id
from clients
cross join lateral jsonb_array_elements_text(coalesce(clients.metadata -> 'audiences', '[]')) as name (value)
where clients.deleted_at is null;
