-- Several identity providers in a workspace: the PostgreSQL twin of migrations/sqlite, which has the comments that matter.

ALTER TABLE saml_provider DROP CONSTRAINT saml_provider_pkey;
ALTER TABLE saml_provider ADD COLUMN id TEXT COLLATE "C";
ALTER TABLE saml_provider ADD COLUMN name TEXT COLLATE "C";
ALTER TABLE saml_provider ADD COLUMN settings TEXT COLLATE "C" NOT NULL DEFAULT '{}';
ALTER TABLE saml_provider ADD COLUMN created_at BIGINT;
ALTER TABLE saml_provider ADD COLUMN metadata_url TEXT COLLATE "C";
ALTER TABLE saml_provider ADD COLUMN fetched_at BIGINT;
ALTER TABLE saml_provider ADD COLUMN fetch_error TEXT COLLATE "C";
ALTER TABLE saml_provider ADD COLUMN tested_at BIGINT;
ALTER TABLE saml_provider ADD COLUMN tested_by TEXT COLLATE "C";
UPDATE saml_provider SET id = workspace_id, name = SUBSTR(entity_id, 1, 100), created_at = updated_at;
ALTER TABLE saml_provider ALTER COLUMN id SET NOT NULL;
ALTER TABLE saml_provider ALTER COLUMN name SET NOT NULL;
ALTER TABLE saml_provider ALTER COLUMN created_at SET NOT NULL;
ALTER TABLE saml_provider ADD PRIMARY KEY (workspace_id, id);
ALTER TABLE saml_provider ADD UNIQUE (workspace_id, entity_id);

ALTER TABLE saml_flow ADD COLUMN provider_id TEXT COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE saml_flow ADD COLUMN purpose TEXT COLLATE "C" NOT NULL DEFAULT 'sign_in';
ALTER TABLE saml_flow ADD COLUMN begun_by TEXT COLLATE "C";
UPDATE saml_flow SET provider_id = workspace_id;
