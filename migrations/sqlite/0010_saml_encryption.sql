-- Encrypted assertions.

-- `optional` or `required`.
ALTER TABLE saml_provider ADD COLUMN encrypted_assertions TEXT NOT NULL DEFAULT 'optional';

-- Key pairs that assertions are encrypted to. The newest two of a workspace count. The private half is sealed under a key that
-- is not in the database.
CREATE TABLE saml_encryption_key (
  workspace_id TEXT NOT NULL REFERENCES workspace (id),
  -- 1, 2, 3, …: of two processes that make the next one, one wins.
  generation BIGINT NOT NULL,
  certificate BLOB NOT NULL,
  sealed_key BLOB NOT NULL,
  created_at BIGINT NOT NULL,
  PRIMARY KEY (workspace_id, generation)
);
