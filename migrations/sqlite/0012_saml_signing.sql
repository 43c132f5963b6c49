-- Signed requests.

-- Key pairs of a workspace, whatever they are for: 0010's, and those with which it signs. The newest two of each use count. The
-- private half is sealed under a key that is not in the database.
CREATE TABLE saml_key (
  workspace_id TEXT NOT NULL REFERENCES workspace (id),
  -- `encryption` or `signing`.
  key_use TEXT NOT NULL,
  -- 1, 2, 3, …: of two processes that make the next one, one wins.
  generation BIGINT NOT NULL,
  certificate BLOB NOT NULL,
  sealed_key BLOB NOT NULL,
  created_at BIGINT NOT NULL,
  -- Of a key to sign with: absent while it is only shown, so that identity providers learn of it.
  signs_since BIGINT,
  PRIMARY KEY (workspace_id, key_use, generation)
);

INSERT INTO saml_key (workspace_id, key_use, generation, certificate, sealed_key, created_at)
  SELECT workspace_id, 'encryption', generation, certificate, sealed_key, created_at FROM saml_encryption_key;

DROP TABLE saml_encryption_key;

-- If the request asked the person to prove anew who they are: an earlier AuthnInstant is refused.
ALTER TABLE saml_flow ADD COLUMN authn_not_before BIGINT;
