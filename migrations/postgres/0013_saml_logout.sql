-- Single logout: the PostgreSQL twin of migrations/sqlite, which has the comments that matter.

ALTER TABLE session ADD COLUMN name_id_form TEXT COLLATE "C";

CREATE INDEX session_by_subject ON session (workspace_id, provider, subject, id)
  WHERE ended_at IS NULL AND subject IS NOT NULL;

CREATE TABLE saml_logout_flow (
  workspace_id TEXT COLLATE "C" NOT NULL,
  request_id TEXT COLLATE "C" NOT NULL,
  browser_hash BYTEA NOT NULL,
  provider TEXT COLLATE "C" NOT NULL,
  created_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  used_at BIGINT,
  PRIMARY KEY (workspace_id, request_id)
);
CREATE UNIQUE INDEX saml_logout_flow_browser ON saml_logout_flow (workspace_id, browser_hash);

CREATE TABLE saml_logged_out (
  workspace_id TEXT COLLATE "C" NOT NULL,
  name_hash BYTEA NOT NULL,
  issued_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  PRIMARY KEY (workspace_id, name_hash)
);
