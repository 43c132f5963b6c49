-- Links by which an IT contact, who has no account here, sets an identity provider up.

CREATE TABLE saml_setup_link (
  workspace_id TEXT NOT NULL REFERENCES workspace (id),
  id TEXT NOT NULL,
  -- Whom it is for, as whoever made it wrote.
  name TEXT NOT NULL,
  -- What it is for: `sso`.
  intent TEXT NOT NULL,
  -- SHA-256 of the code that opens it, once.
  code_hash BLOB NOT NULL,
  -- The one provider that it may change; NULL until the contact makes it.
  provider_id TEXT,
  created_by TEXT NOT NULL,
  -- The epochs when it was made: it works while they are the current ones.
  workspace_epoch BIGINT NOT NULL,
  user_epoch BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  -- When the code was used, SHA-256 of what that browser got for it, and until when that works.
  opened_at BIGINT,
  browser_hash BLOB,
  browser_until BIGINT,
  revoked_at BIGINT,
  PRIMARY KEY (workspace_id, id)
);
CREATE UNIQUE INDEX saml_setup_link_code ON saml_setup_link (code_hash);
CREATE UNIQUE INDEX saml_setup_link_browser ON saml_setup_link (browser_hash);
CREATE INDEX saml_setup_link_end ON saml_setup_link (expires_at);
