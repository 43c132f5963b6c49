-- SCIM schemas that a workspace declares: the PostgreSQL twin of migrations/sqlite, which has the comments that matter.

ALTER TABLE workspace ADD COLUMN scim_schemas_stamp TEXT COLLATE "C" NOT NULL DEFAULT '';

CREATE TABLE scim_schema (
  workspace_id TEXT COLLATE "C" NOT NULL REFERENCES workspace (id),
  urn_key TEXT COLLATE "C" NOT NULL,
  urn TEXT COLLATE "C" NOT NULL,
  resource_type TEXT COLLATE "C" NOT NULL,
  required BIGINT NOT NULL,
  document TEXT COLLATE "C" NOT NULL,
  version BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL,
  deleted_at BIGINT,
  PRIMARY KEY (workspace_id, urn_key)
);

CREATE TABLE scim_unique (
  workspace_id TEXT COLLATE "C" NOT NULL,
  urn_key TEXT COLLATE "C" NOT NULL,
  attribute_key TEXT COLLATE "C" NOT NULL,
  value_hash BYTEA NOT NULL,
  resource_id TEXT COLLATE "C" NOT NULL,
  PRIMARY KEY (workspace_id, urn_key, attribute_key, value_hash)
);
CREATE INDEX scim_unique_resource ON scim_unique (workspace_id, resource_id);
