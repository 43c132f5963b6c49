-- Links by which an IT contact sets an identity provider up: the PostgreSQL twin of migrations/sqlite, which has the comments
-- that matter.

CREATE TABLE saml_setup_link (
  workspace_id TEXT COLLATE "C" NOT NULL REFERENCES workspace (id),
  id TEXT COLLATE "C" NOT NULL,
  name TEXT COLLATE "C" NOT NULL,
  intent TEXT COLLATE "C" NOT NULL,
  code_hash BYTEA NOT NULL,
  provider_id TEXT COLLATE "C",
  created_by TEXT COLLATE "C" NOT NULL,
  workspace_epoch BIGINT NOT NULL,
  user_epoch BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  opened_at BIGINT,
  browser_hash BYTEA,
  browser_until BIGINT,
  revoked_at BIGINT,
  PRIMARY KEY (workspace_id, id)
);
CREATE UNIQUE INDEX saml_setup_link_code ON saml_setup_link (code_hash);
CREATE UNIQUE INDEX saml_setup_link_browser ON saml_setup_link (browser_hash);
CREATE INDEX saml_setup_link_end ON saml_setup_link (expires_at);
