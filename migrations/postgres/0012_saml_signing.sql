-- Signed requests: the PostgreSQL twin of migrations/sqlite, which has the comments that matter.

CREATE TABLE saml_key (
  workspace_id TEXT COLLATE "C" NOT NULL REFERENCES workspace (id),
  key_use TEXT COLLATE "C" NOT NULL,
  generation BIGINT NOT NULL,
  certificate BYTEA NOT NULL,
  sealed_key BYTEA NOT NULL,
  created_at BIGINT NOT NULL,
  signs_since BIGINT,
  PRIMARY KEY (workspace_id, key_use, generation)
);

INSERT INTO saml_key (workspace_id, key_use, generation, certificate, sealed_key, created_at)
  SELECT workspace_id, 'encryption', generation, certificate, sealed_key, created_at FROM saml_encryption_key;

DROP TABLE saml_encryption_key;

ALTER TABLE saml_flow ADD COLUMN authn_not_before BIGINT;
