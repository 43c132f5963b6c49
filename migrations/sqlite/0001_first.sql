-- The first schema. Ids are UUIDv7 text, times unix milliseconds, flags 0 or 1. The PostgreSQL twin differs only in
-- the names of the types; a test compares the two table by table.

-- The sequence number of the newest revocation. One row: its lock makes commit order and sequence one.
CREATE TABLE head (
  id BIGINT NOT NULL PRIMARY KEY CHECK (id = 1),
  seq BIGINT NOT NULL
);
INSERT INTO head (id, seq) VALUES (1, 0);

-- What a replica has to know to stop believing a session. The reason a person gave is in the audit log.
CREATE TABLE revocation (
  seq BIGINT NOT NULL PRIMARY KEY,
  workspace_id TEXT NOT NULL,
  scope TEXT NOT NULL,
  target TEXT,
  epoch BIGINT NOT NULL,
  spared_session TEXT,
  cause TEXT NOT NULL,
  at BIGINT NOT NULL
);

CREATE TABLE workspace (
  id TEXT NOT NULL PRIMARY KEY,
  slug TEXT NOT NULL,
  name TEXT NOT NULL,
  epoch BIGINT NOT NULL,
  spared_session TEXT,
  -- The newest revocation of the whole workspace: what a page says to somebody whom it logged out.
  epoch_raised_at BIGINT,
  epoch_cause TEXT,
  created_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX workspace_slug ON workspace (slug);

CREATE TABLE policy (
  workspace_id TEXT NOT NULL PRIMARY KEY REFERENCES workspace (id),
  absolute_ms BIGINT NOT NULL,
  idle_ms BIGINT NOT NULL,
  password_allowed BIGINT NOT NULL,
  saml_allowed BIGINT NOT NULL,
  just_in_time BIGINT NOT NULL,
  on_saml_change TEXT NOT NULL,
  on_ip_allowlist_change TEXT NOT NULL,
  version BIGINT NOT NULL,
  updated_at BIGINT NOT NULL
);

CREATE TABLE ip_allowlist (
  workspace_id TEXT NOT NULL PRIMARY KEY REFERENCES workspace (id),
  mode TEXT NOT NULL,
  entries TEXT NOT NULL,
  version BIGINT NOT NULL,
  updated_at BIGINT NOT NULL
);

CREATE TABLE domain (
  workspace_id TEXT NOT NULL REFERENCES workspace (id),
  domain TEXT NOT NULL,
  challenge TEXT NOT NULL,
  verified_at BIGINT,
  PRIMARY KEY (workspace_id, domain)
);

-- A deleted user keeps the row, without a name: nothing that referred to it can come to mean somebody else.
CREATE TABLE users (
  workspace_id TEXT NOT NULL REFERENCES workspace (id),
  id TEXT NOT NULL,
  user_name TEXT NOT NULL,
  user_name_key TEXT,
  -- The key that a deleted user had: nobody comes back under it by merely signing in.
  buried_key TEXT,
  email TEXT,
  email_key TEXT,
  display_name TEXT NOT NULL,
  role TEXT NOT NULL,
  state TEXT NOT NULL,
  -- What the identity provider says, whatever an administrator does: 0 once it switched the user off.
  provider_active BIGINT NOT NULL,
  source TEXT NOT NULL,
  external_id TEXT,
  epoch BIGINT NOT NULL,
  -- The sequence number that raised the epoch last: a sign-in that began before it may not end in a session.
  epoch_seq BIGINT NOT NULL,
  spared_session TEXT,
  password_hash TEXT,
  resource TEXT NOT NULL,
  version BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL,
  deleted_at BIGINT,
  PRIMARY KEY (workspace_id, id)
);
CREATE UNIQUE INDEX users_name ON users (workspace_id, user_name_key);
CREATE INDEX users_buried ON users (workspace_id, buried_key);
CREATE INDEX users_email ON users (workspace_id, email_key);
CREATE INDEX users_external ON users (workspace_id, external_id);

-- Groups as identity providers push them. Membership grants nothing by itself.
CREATE TABLE user_group (
  workspace_id TEXT NOT NULL REFERENCES workspace (id),
  id TEXT NOT NULL,
  display_name TEXT NOT NULL,
  display_key TEXT NOT NULL,
  external_id TEXT,
  resource TEXT NOT NULL,
  version BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL,
  PRIMARY KEY (workspace_id, id)
);
CREATE INDEX user_group_name ON user_group (workspace_id, display_key);
CREATE INDEX user_group_external ON user_group (workspace_id, external_id);

CREATE TABLE group_member (
  workspace_id TEXT NOT NULL,
  group_id TEXT NOT NULL,
  user_id TEXT NOT NULL,
  PRIMARY KEY (workspace_id, group_id, user_id)
);
CREATE INDEX group_member_user ON group_member (workspace_id, user_id);

-- Who a person is at an identity provider: never a bare e-mail address.
CREATE TABLE identity (
  workspace_id TEXT NOT NULL,
  provider TEXT NOT NULL,
  subject TEXT NOT NULL,
  user_id TEXT NOT NULL,
  linked_at BIGINT NOT NULL,
  PRIMARY KEY (workspace_id, provider, subject)
);

CREATE TABLE session (
  workspace_id TEXT NOT NULL,
  id TEXT NOT NULL,
  user_id TEXT NOT NULL,
  token_hash BLOB NOT NULL,
  method TEXT NOT NULL,
  provider TEXT,
  subject TEXT,
  session_index TEXT,
  workspace_epoch BIGINT NOT NULL,
  user_epoch BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  signed_in_at BIGINT NOT NULL,
  last_seen_at BIGINT NOT NULL,
  -- A limit of its own, such as SAML's SessionNotOnOrAfter; the policy's limits are applied at reading.
  not_after BIGINT,
  ip TEXT NOT NULL,
  last_ip TEXT NOT NULL,
  user_agent TEXT NOT NULL,
  ended_at BIGINT,
  end_cause TEXT,
  PRIMARY KEY (workspace_id, id)
);
CREATE UNIQUE INDEX session_token ON session (token_hash);
CREATE INDEX session_by_user ON session (workspace_id, user_id);
CREATE INDEX session_live ON session (workspace_id, workspace_epoch, last_seen_at);

CREATE TABLE credential (
  workspace_id TEXT NOT NULL REFERENCES workspace (id),
  id TEXT NOT NULL,
  kind TEXT NOT NULL,
  name TEXT NOT NULL,
  token_hash BLOB NOT NULL,
  scopes TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  created_by TEXT NOT NULL,
  expires_at BIGINT,
  last_used_at BIGINT,
  last_used_ip TEXT,
  revoked_at BIGINT,
  PRIMARY KEY (workspace_id, id)
);
CREATE UNIQUE INDEX credential_token ON credential (token_hash);

CREATE TABLE setup_link (
  token_hash BLOB NOT NULL PRIMARY KEY,
  workspace_id TEXT NOT NULL,
  user_id TEXT NOT NULL,
  -- The stamps of the session that it may earn: a revocation since voids it.
  workspace_epoch BIGINT NOT NULL,
  user_epoch BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  used_at BIGINT
);
CREATE INDEX setup_link_user ON setup_link (workspace_id, user_id);

CREATE TABLE sign_in_failure (
  workspace_id TEXT NOT NULL,
  account TEXT NOT NULL,
  failures BIGINT NOT NULL,
  first_at BIGINT NOT NULL,
  blocked_until BIGINT NOT NULL,
  PRIMARY KEY (workspace_id, account)
);

CREATE TABLE saml_provider (
  workspace_id TEXT NOT NULL PRIMARY KEY REFERENCES workspace (id),
  entity_id TEXT NOT NULL,
  metadata TEXT NOT NULL,
  enabled BIGINT NOT NULL,
  -- Whether an owner or operator made these settings: an owner signs in by no others.
  by_owner BIGINT NOT NULL,
  version BIGINT NOT NULL,
  updated_at BIGINT NOT NULL
);

-- One SAML sign-in under way, bound to the browser that began it.
CREATE TABLE saml_flow (
  workspace_id TEXT NOT NULL,
  request_id TEXT NOT NULL,
  browser_hash BLOB NOT NULL,
  return_to TEXT NOT NULL,
  workspace_epoch BIGINT NOT NULL,
  began_seq BIGINT NOT NULL,
  provider_version BIGINT NOT NULL,
  restarts BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  used_at BIGINT,
  PRIMARY KEY (workspace_id, request_id)
);

CREATE UNIQUE INDEX saml_flow_browser ON saml_flow (workspace_id, browser_hash);

-- Assertions that were used, until nobody could use them again.
CREATE TABLE saml_replay (
  workspace_id TEXT NOT NULL,
  provider TEXT NOT NULL,
  assertion_id TEXT NOT NULL,
  expires_at BIGINT NOT NULL,
  PRIMARY KEY (workspace_id, provider, assertion_id)
);

CREATE TABLE idempotency (
  workspace_id TEXT NOT NULL,
  actor TEXT NOT NULL,
  idempotency_key TEXT NOT NULL,
  request_hash BLOB NOT NULL,
  response TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  PRIMARY KEY (workspace_id, actor, idempotency_key)
);

CREATE TABLE audit_head (
  workspace_id TEXT NOT NULL PRIMARY KEY REFERENCES workspace (id),
  sequence BIGINT NOT NULL,
  hash BLOB NOT NULL
);

-- `entry` is the canonical text that the hash covers; the other columns repeat parts of it to filter by.
CREATE TABLE audit (
  workspace_id TEXT NOT NULL,
  sequence BIGINT NOT NULL,
  at BIGINT NOT NULL,
  action TEXT NOT NULL,
  actor_id TEXT NOT NULL,
  target_id TEXT NOT NULL,
  entry TEXT NOT NULL,
  hash BLOB NOT NULL,
  PRIMARY KEY (workspace_id, sequence)
);
CREATE INDEX audit_action ON audit (workspace_id, action, sequence);
