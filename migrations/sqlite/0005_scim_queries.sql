-- What SCIM queries are answered from without looking at everybody.

-- Texts of a user's resource by which clients look users up, folded as filters compare them and cut to 200 characters, once for each
-- of several values. The attribute `unknown` marks a user whose texts were not written yet: a look-up has to judge them, too.
CREATE TABLE user_search_key (
  workspace_id TEXT NOT NULL,
  attribute TEXT NOT NULL,
  value TEXT NOT NULL,
  user_id TEXT NOT NULL,
  PRIMARY KEY (workspace_id, attribute, value, user_id)
);
CREATE INDEX user_search_key_user ON user_search_key (workspace_id, user_id);

-- SQL folds ASCII as the program does, and nothing else.
INSERT INTO user_search_key (workspace_id, attribute, value, user_id)
SELECT workspace_id, 'unknown', '', id FROM users
WHERE source = 'scim' AND state <> 'deleted' AND LENGTH(CAST(resource AS BLOB)) <> LENGTH(resource);

INSERT INTO user_search_key (workspace_id, attribute, value, user_id)
SELECT workspace_id, 'displayName', SUBSTR(LOWER(JSON_EXTRACT(resource, '$.displayName')), 1, 200), id FROM users
WHERE source = 'scim' AND state <> 'deleted' AND LENGTH(CAST(resource AS BLOB)) = LENGTH(resource)
AND JSON_TYPE(resource, '$.displayName') = 'text';

INSERT INTO user_search_key (workspace_id, attribute, value, user_id)
SELECT DISTINCT workspace_id, 'emails', SUBSTR(LOWER(address), 1, 200), id FROM (
  SELECT u.workspace_id, u.id, CASE WHEN e.type = 'object' THEN JSON_EXTRACT(e.value, '$.value') END AS address
  FROM users u, JSON_EACH(u.resource, '$.emails') e
  WHERE u.source = 'scim' AND u.state <> 'deleted' AND LENGTH(CAST(u.resource AS BLOB)) = LENGTH(u.resource)
) AS found WHERE address IS NOT NULL;

CREATE INDEX users_provisioned ON users (workspace_id, id) WHERE source = 'scim' AND state <> 'deleted';
CREATE INDEX users_created ON users (workspace_id, created_at, id);
CREATE INDEX users_updated ON users (workspace_id, updated_at, id);
CREATE INDEX user_group_created ON user_group (workspace_id, created_at, id);
CREATE INDEX user_group_updated ON user_group (workspace_id, updated_at, id);
DROP INDEX group_member_user;
CREATE INDEX group_member_user ON group_member (workspace_id, user_id, group_id);
CREATE INDEX user_search_key_unknown ON user_search_key (user_id) WHERE attribute = 'unknown';
