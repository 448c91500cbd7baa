drop index invitations_by_time;
alter table invitations drop column client_epoch;
alter table invitations drop column user_epoch;
drop index consents_by_client;
alter table consents drop column client_epoch;
alter table clients drop column authority_epoch;
alter table clients drop column consent_epoch;
alter table clients drop column registered_by_client;
