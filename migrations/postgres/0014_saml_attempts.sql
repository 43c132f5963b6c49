-- Attempts to sign in by SAML: the PostgreSQL twin of migrations/sqlite, which has the comments that matter.

CREATE TABLE saml_attempt (
  workspace_id TEXT COLLATE "C" NOT NULL,
  id TEXT COLLATE "C" NOT NULL,
  at BIGINT NOT NULL,
  provider_id TEXT COLLATE "C",
  purpose TEXT COLLATE "C" NOT NULL,
  outcome TEXT COLLATE "C" NOT NULL,
  refused_check TEXT COLLATE "C",
  request_id TEXT COLLATE "C" NOT NULL,
  ip TEXT COLLATE "C" NOT NULL,
  checks TEXT COLLATE "C" NOT NULL,
  clock_difference_ms BIGINT,
  certificate TEXT COLLATE "C",
  outline TEXT COLLATE "C",
  person TEXT COLLATE "C",
  user_id TEXT COLLATE "C",
  begun_by TEXT COLLATE "C",
  PRIMARY KEY (workspace_id, id)
);
CREATE INDEX saml_attempt_newest ON saml_attempt (workspace_id, at, id);
CREATE INDEX saml_attempt_at ON saml_attempt (at);
