-- The identity provider (saml_provider.id) whose groups gave a user the role that they have: it can take it back. NULL: a person
-- gave it, or SCIM.
ALTER TABLE users ADD COLUMN role_given_by TEXT;
