-- Encrypted assertions: the PostgreSQL twin of migrations/sqlite, which has the comments that matter.

ALTER TABLE saml_provider ADD COLUMN encrypted_assertions TEXT COLLATE "C" NOT NULL DEFAULT 'optional';

CREATE TABLE saml_encryption_key (
  workspace_id TEXT COLLATE "C" NOT NULL REFERENCES workspace (id),
  generation BIGINT NOT NULL,
  certificate BYTEA NOT NULL,
  sealed_key BYTEA NOT NULL,
  created_at BIGINT NOT NULL,
  PRIMARY KEY (workspace_id, generation)
);
