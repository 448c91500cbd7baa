drop table audit_sealer;
drop table audit_seals;
drop table resources;
drop table grants;
delete from revisions where entity in ('role', 'grant', 'resource');
alter table roles drop column deleted_at;
alter table roles drop column manages_grants_on;
alter table roles drop column manages_roles;
