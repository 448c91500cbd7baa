drop index users_unfolded;
drop index users_by_name;
alter table users drop column search_text;
alter table users drop column sort_name;
