-- SCIM schemas that a workspace declares for itself (RFC 7643 §7).

-- Changes with every change of the workspace's schemas and never comes back; empty if there are none. It is compared for
-- equality only, so a copy in memory is told from the truth even after a restore.
ALTER TABLE workspace ADD COLUMN scim_schemas_stamp TEXT NOT NULL DEFAULT '';

CREATE TABLE scim_schema (
  workspace_id TEXT NOT NULL REFERENCES workspace (id),
  -- The URN in lower case: it is compared whatever its case.
  urn_key TEXT NOT NULL,
  urn TEXT NOT NULL,
  resource_type TEXT NOT NULL,
  required BIGINT NOT NULL,
  document TEXT NOT NULL,
  version BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL,
  -- From then on it exists for nobody; the row stays until what was kept by it is gone from every resource.
  deleted_at BIGINT,
  PRIMARY KEY (workspace_id, urn_key)
);

-- The values of unique attributes, as SHA-256 of their compared form: the key is what makes them unique.
CREATE TABLE scim_unique (
  workspace_id TEXT NOT NULL,
  urn_key TEXT NOT NULL,
  attribute_key TEXT NOT NULL,
  value_hash BLOB NOT NULL,
  resource_id TEXT NOT NULL,
  PRIMARY KEY (workspace_id, urn_key, attribute_key, value_hash)
);
CREATE INDEX scim_unique_resource ON scim_unique (workspace_id, resource_id);
