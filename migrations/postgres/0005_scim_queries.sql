-- SCIM queries: the PostgreSQL twin of migrations/sqlite, which has the comments that matter.

CREATE TABLE user_search_key (
  workspace_id TEXT COLLATE "C" NOT NULL,
  attribute TEXT COLLATE "C" NOT NULL,
  value TEXT COLLATE "C" NOT NULL,
  user_id TEXT COLLATE "C" NOT NULL,
  PRIMARY KEY (workspace_id, attribute, value, user_id)
);
CREATE INDEX user_search_key_user ON user_search_key (workspace_id, user_id);

INSERT INTO user_search_key (workspace_id, attribute, value, user_id)
SELECT workspace_id, 'unknown', '', id FROM users
WHERE source = 'scim' AND state <> 'deleted' AND OCTET_LENGTH(resource) <> CHAR_LENGTH(resource);

INSERT INTO user_search_key (workspace_id, attribute, value, user_id)
SELECT workspace_id, 'displayName', SUBSTR(LOWER((CAST(resource AS JSONB) ->> 'displayName') COLLATE "C"), 1, 200), id FROM users
WHERE source = 'scim' AND state <> 'deleted' AND OCTET_LENGTH(resource) = CHAR_LENGTH(resource)
AND jsonb_typeof(CAST(resource AS JSONB) -> 'displayName') = 'string';

INSERT INTO user_search_key (workspace_id, attribute, value, user_id)
SELECT DISTINCT workspace_id, 'emails', SUBSTR(LOWER(address COLLATE "C"), 1, 200), id FROM (
  SELECT u.workspace_id, u.id, e.value ->> 'value' AS address
  FROM users u CROSS JOIN LATERAL jsonb_array_elements(
    CASE WHEN jsonb_typeof(CAST(u.resource AS JSONB) -> 'emails') = 'array' THEN CAST(u.resource AS JSONB) -> 'emails' ELSE '[]' END
  ) AS e (value)
  WHERE u.source = 'scim' AND u.state <> 'deleted' AND OCTET_LENGTH(u.resource) = CHAR_LENGTH(u.resource)
) AS found WHERE address IS NOT NULL;

CREATE INDEX users_provisioned ON users (workspace_id, id) WHERE source = 'scim' AND state <> 'deleted';
CREATE INDEX users_created ON users (workspace_id, created_at, id);
CREATE INDEX users_updated ON users (workspace_id, updated_at, id);
CREATE INDEX user_group_created ON user_group (workspace_id, created_at, id);
CREATE INDEX user_group_updated ON user_group (workspace_id, updated_at, id);
DROP INDEX group_member_user;
CREATE INDEX group_member_user ON group_member (workspace_id, user_id, group_id);
CREATE INDEX user_search_key_unknown ON user_search_key (user_id) WHERE attribute = 'unknown';
