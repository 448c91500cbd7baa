alter table invitations drop column maker_token;
alter table invitations drop column maker_authorization;
alter table invitations drop column maker_session;
