-- Names as people look for them: without case and accents, in one order on every database. Computed by the service, which fills in
-- the rows that were there before when it starts.
alter table users add column sort_name text;
alter table users add column search_text text;
create index users_by_name on users (sort_name, id);
create index users_unfolded on users (id) where search_text is null;
