-- Several identity providers in a workspace.

CREATE TABLE saml_provider_next (
  workspace_id TEXT NOT NULL REFERENCES workspace (id),
  entity_id TEXT NOT NULL,
  metadata TEXT NOT NULL,
  enabled BIGINT NOT NULL,
  -- Whether an owner or operator made these settings: an owner signs in by no others.
  by_owner BIGINT NOT NULL,
  -- Rises with every change: a sign-in that began before it is not ended after it.
  version BIGINT NOT NULL,
  updated_at BIGINT NOT NULL,
  -- `optional` or `required`.
  encrypted_assertions TEXT NOT NULL DEFAULT 'optional',
  id TEXT NOT NULL,
  name TEXT NOT NULL,
  -- JSON; what is not in it is as if it had never been set.
  settings TEXT NOT NULL DEFAULT '{}',
  created_at BIGINT NOT NULL,
  -- Where the metadata came from, when it did last, and why it didn't since.
  metadata_url TEXT,
  fetched_at BIGINT,
  fetch_error TEXT,
  -- The last successful test of these settings, and the user who made it.
  tested_at BIGINT,
  tested_by TEXT,
  PRIMARY KEY (workspace_id, id),
  UNIQUE (workspace_id, entity_id)
);

-- The one that a workspace had gets an id that is there already.
INSERT INTO saml_provider_next (workspace_id, entity_id, metadata, enabled, by_owner, version, updated_at,
  encrypted_assertions, id, name, created_at)
SELECT workspace_id, entity_id, metadata, enabled, by_owner, version, updated_at,
  encrypted_assertions, workspace_id, SUBSTR(entity_id, 1, 100), updated_at
FROM saml_provider;

DROP TABLE saml_provider;
ALTER TABLE saml_provider_next RENAME TO saml_provider;

-- The provider that a sign-in was sent to, and may be answered by.
ALTER TABLE saml_flow ADD COLUMN provider_id TEXT NOT NULL DEFAULT '';
-- `sign_in`, or `test`: a test makes no session.
ALTER TABLE saml_flow ADD COLUMN purpose TEXT NOT NULL DEFAULT 'sign_in';
-- The user who tests.
ALTER TABLE saml_flow ADD COLUMN begun_by TEXT;
UPDATE saml_flow SET provider_id = workspace_id;
