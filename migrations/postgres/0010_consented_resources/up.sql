-- The resources (RFC 8707) that the user was shown and consented to, beside the scopes.
alter table consents add column resources jsonb not null default '[]';
