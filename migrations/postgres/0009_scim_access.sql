-- How SCIM clients get in: the PostgreSQL twin of migrations/sqlite, which has the comments that matter.

ALTER TABLE credential ADD COLUMN networks TEXT COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE credential ADD COLUMN replaced_by TEXT COLLATE "C";
ALTER TABLE credential ADD COLUMN auth_method TEXT COLLATE "C";
ALTER TABLE credential ADD COLUMN public_key TEXT COLLATE "C";

CREATE TABLE access_token (
  token_hash BYTEA NOT NULL PRIMARY KEY,
  workspace_id TEXT COLLATE "C" NOT NULL,
  client_id TEXT COLLATE "C" NOT NULL,
  created_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL
);
CREATE INDEX access_token_end ON access_token (expires_at);

CREATE TABLE client_assertion (
  workspace_id TEXT COLLATE "C" NOT NULL,
  client_id TEXT COLLATE "C" NOT NULL,
  jti_hash BYTEA NOT NULL,
  expires_at BIGINT NOT NULL,
  PRIMARY KEY (workspace_id, client_id, jti_hash)
);
CREATE INDEX client_assertion_end ON client_assertion (expires_at);

CREATE TABLE scim_request (
  workspace_id TEXT COLLATE "C" NOT NULL,
  id TEXT COLLATE "C" NOT NULL,
  credential_id TEXT COLLATE "C" NOT NULL,
  at BIGINT NOT NULL,
  method TEXT COLLATE "C" NOT NULL,
  path TEXT COLLATE "C" NOT NULL,
  status BIGINT NOT NULL,
  scim_type TEXT COLLATE "C",
  detail TEXT COLLATE "C",
  duration_ms BIGINT NOT NULL,
  request_id TEXT COLLATE "C" NOT NULL,
  ip TEXT COLLATE "C" NOT NULL,
  user_agent TEXT COLLATE "C" NOT NULL,
  PRIMARY KEY (workspace_id, id)
);
CREATE INDEX scim_request_newest ON scim_request (workspace_id, credential_id, at, id);
CREATE INDEX scim_request_at ON scim_request (at);
