-- How SCIM clients get in: limits of a token, OAuth clients and their access tokens, and what was asked with each.

-- Networks that it may be used from, as CIDRs with spaces between; empty: from anywhere.
ALTER TABLE credential ADD COLUMN networks TEXT NOT NULL DEFAULT '';
-- The token that took its place; `expires_at` says until when both work.
ALTER TABLE credential ADD COLUMN replaced_by TEXT;
-- How an OAuth client proves who it is: `secret` or `private_key_jwt`. NULL for what is no client.
ALTER TABLE credential ADD COLUMN auth_method TEXT;
-- The client's public key as a JWK.
ALTER TABLE credential ADD COLUMN public_key TEXT;

-- Short-lived tokens of OAuth clients. They are worth nothing once their client is revoked.
CREATE TABLE access_token (
  token_hash BLOB NOT NULL PRIMARY KEY,
  workspace_id TEXT NOT NULL,
  client_id TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL
);
CREATE INDEX access_token_end ON access_token (expires_at);

-- Assertions that clients have used, by the hash of their `jti`, until nobody could use them again.
CREATE TABLE client_assertion (
  workspace_id TEXT NOT NULL,
  client_id TEXT NOT NULL,
  jti_hash BLOB NOT NULL,
  expires_at BIGINT NOT NULL,
  PRIMARY KEY (workspace_id, client_id, jti_hash)
);
CREATE INDEX client_assertion_end ON client_assertion (expires_at);

-- The newest requests of each token and client. No value that was sent is in it.
CREATE TABLE scim_request (
  workspace_id TEXT NOT NULL,
  id TEXT NOT NULL,
  credential_id TEXT NOT NULL,
  at BIGINT NOT NULL,
  method TEXT NOT NULL,
  path TEXT NOT NULL,
  status BIGINT NOT NULL,
  scim_type TEXT,
  detail TEXT,
  duration_ms BIGINT NOT NULL,
  request_id TEXT NOT NULL,
  ip TEXT NOT NULL,
  user_agent TEXT NOT NULL,
  PRIMARY KEY (workspace_id, id)
);
CREATE INDEX scim_request_newest ON scim_request (workspace_id, credential_id, at, id);
CREATE INDEX scim_request_at ON scim_request (at);
