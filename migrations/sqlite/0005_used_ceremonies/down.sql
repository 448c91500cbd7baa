drop table used_ceremonies;
