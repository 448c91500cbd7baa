alter table consents drop column resources;
