-- Whether the address in an invitation counts as the new user's: an administrator in person, or the command line, wrote it.
alter table invitations add column email_vouched boolean not null default false;
