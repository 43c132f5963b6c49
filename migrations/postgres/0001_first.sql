-- The first schema: the PostgreSQL twin of migrations/sqlite, which has the comments that matter.

-- The sequence number of the newest revocation. One row: its lock makes commit order and sequence one.
CREATE TABLE head (
  id BIGINT NOT NULL PRIMARY KEY CHECK (id = 1),
  seq BIGINT NOT NULL
);
INSERT INTO head (id, seq) VALUES (1, 0);

-- What a replica has to know to stop believing a session. The reason a person gave is in the audit log.
CREATE TABLE revocation (
  seq BIGINT NOT NULL PRIMARY KEY,
  workspace_id TEXT COLLATE "C" NOT NULL,
  scope TEXT COLLATE "C" NOT NULL,
  target TEXT COLLATE "C",
  epoch BIGINT NOT NULL,
  spared_session TEXT COLLATE "C",
  cause TEXT COLLATE "C" NOT NULL,
  at BIGINT NOT NULL
);

CREATE TABLE workspace (
  id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  slug TEXT COLLATE "C" NOT NULL,
  name TEXT COLLATE "C" NOT NULL,
  epoch BIGINT NOT NULL,
  spared_session TEXT COLLATE "C",
  -- The newest revocation of the whole workspace: what a page says to somebody whom it logged out.
  epoch_raised_at BIGINT,
  epoch_cause TEXT COLLATE "C",
  created_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX workspace_slug ON workspace (slug);

CREATE TABLE policy (
  workspace_id TEXT COLLATE "C" NOT NULL PRIMARY KEY REFERENCES workspace (id),
  absolute_ms BIGINT NOT NULL,
  idle_ms BIGINT NOT NULL,
  password_allowed BIGINT NOT NULL,
  saml_allowed BIGINT NOT NULL,
  just_in_time BIGINT NOT NULL,
  on_saml_change TEXT COLLATE "C" NOT NULL,
  on_ip_allowlist_change TEXT COLLATE "C" NOT NULL,
  version BIGINT NOT NULL,
  updated_at BIGINT NOT NULL
);

CREATE TABLE ip_allowlist (
  workspace_id TEXT COLLATE "C" NOT NULL PRIMARY KEY REFERENCES workspace (id),
  mode TEXT COLLATE "C" NOT NULL,
  entries TEXT COLLATE "C" NOT NULL,
  version BIGINT NOT NULL,
  updated_at BIGINT NOT NULL
);

CREATE TABLE domain (
  workspace_id TEXT COLLATE "C" NOT NULL REFERENCES workspace (id),
  domain TEXT COLLATE "C" NOT NULL,
  challenge TEXT COLLATE "C" NOT NULL,
  verified_at BIGINT,
  PRIMARY KEY (workspace_id, domain)
);

-- A deleted user keeps the row, without a name: nothing that referred to it can come to mean somebody else.
CREATE TABLE users (
  workspace_id TEXT COLLATE "C" NOT NULL REFERENCES workspace (id),
  id TEXT COLLATE "C" NOT NULL,
  user_name TEXT COLLATE "C" NOT NULL,
  user_name_key TEXT COLLATE "C",
  -- The key that a deleted user had: nobody comes back under it by merely signing in.
  buried_key TEXT COLLATE "C",
  email TEXT COLLATE "C",
  email_key TEXT COLLATE "C",
  display_name TEXT COLLATE "C" NOT NULL,
  role TEXT COLLATE "C" NOT NULL,
  state TEXT COLLATE "C" NOT NULL,
  -- What the identity provider says, whatever an administrator does: 0 once it switched the user off.
  provider_active BIGINT NOT NULL,
  source TEXT COLLATE "C" NOT NULL,
  external_id TEXT COLLATE "C",
  epoch BIGINT NOT NULL,
  -- The sequence number that raised the epoch last: a sign-in that began before it may not end in a session.
  epoch_seq BIGINT NOT NULL,
  spared_session TEXT COLLATE "C",
  password_hash TEXT COLLATE "C",
  resource TEXT COLLATE "C" NOT NULL,
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
  workspace_id TEXT COLLATE "C" NOT NULL REFERENCES workspace (id),
  id TEXT COLLATE "C" NOT NULL,
  display_name TEXT COLLATE "C" NOT NULL,
  display_key TEXT COLLATE "C" NOT NULL,
  external_id TEXT COLLATE "C",
  resource TEXT COLLATE "C" NOT NULL,
  version BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL,
  PRIMARY KEY (workspace_id, id)
);
CREATE INDEX user_group_name ON user_group (workspace_id, display_key);
CREATE INDEX user_group_external ON user_group (workspace_id, external_id);

CREATE TABLE group_member (
  workspace_id TEXT COLLATE "C" NOT NULL,
  group_id TEXT COLLATE "C" NOT NULL,
  user_id TEXT COLLATE "C" NOT NULL,
  PRIMARY KEY (workspace_id, group_id, user_id)
);
CREATE INDEX group_member_user ON group_member (workspace_id, user_id);

-- Who a person is at an identity provider: never a bare e-mail address.
CREATE TABLE identity (
  workspace_id TEXT COLLATE "C" NOT NULL,
  provider TEXT COLLATE "C" NOT NULL,
  subject TEXT COLLATE "C" NOT NULL,
  user_id TEXT COLLATE "C" NOT NULL,
  linked_at BIGINT NOT NULL,
  PRIMARY KEY (workspace_id, provider, subject)
);

CREATE TABLE session (
  workspace_id TEXT COLLATE "C" NOT NULL,
  id TEXT COLLATE "C" NOT NULL,
  user_id TEXT COLLATE "C" NOT NULL,
  token_hash BYTEA NOT NULL,
  method TEXT COLLATE "C" NOT NULL,
  provider TEXT COLLATE "C",
  subject TEXT COLLATE "C",
  session_index TEXT COLLATE "C",
  workspace_epoch BIGINT NOT NULL,
  user_epoch BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  signed_in_at BIGINT NOT NULL,
  last_seen_at BIGINT NOT NULL,
  -- A limit of its own, such as SAML's SessionNotOnOrAfter; the policy's limits are applied at reading.
  not_after BIGINT,
  ip TEXT COLLATE "C" NOT NULL,
  last_ip TEXT COLLATE "C" NOT NULL,
  user_agent TEXT COLLATE "C" NOT NULL,
  ended_at BIGINT,
  end_cause TEXT COLLATE "C",
  PRIMARY KEY (workspace_id, id)
);
CREATE UNIQUE INDEX session_token ON session (token_hash);
CREATE INDEX session_by_user ON session (workspace_id, user_id);
CREATE INDEX session_live ON session (workspace_id, workspace_epoch, last_seen_at);

CREATE TABLE credential (
  workspace_id TEXT COLLATE "C" NOT NULL REFERENCES workspace (id),
  id TEXT COLLATE "C" NOT NULL,
  kind TEXT COLLATE "C" NOT NULL,
  name TEXT COLLATE "C" NOT NULL,
  token_hash BYTEA NOT NULL,
  scopes TEXT COLLATE "C" NOT NULL,
  created_at BIGINT NOT NULL,
  created_by TEXT COLLATE "C" NOT NULL,
  expires_at BIGINT,
  last_used_at BIGINT,
  last_used_ip TEXT COLLATE "C",
  revoked_at BIGINT,
  PRIMARY KEY (workspace_id, id)
);
CREATE UNIQUE INDEX credential_token ON credential (token_hash);

CREATE TABLE setup_link (
  token_hash BYTEA NOT NULL PRIMARY KEY,
  workspace_id TEXT COLLATE "C" NOT NULL,
  user_id TEXT COLLATE "C" NOT NULL,
  -- The stamps of the session that it may earn: a revocation since voids it.
  workspace_epoch BIGINT NOT NULL,
  user_epoch BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  used_at BIGINT
);
CREATE INDEX setup_link_user ON setup_link (workspace_id, user_id);

CREATE TABLE sign_in_failure (
  workspace_id TEXT COLLATE "C" NOT NULL,
  account TEXT COLLATE "C" NOT NULL,
  failures BIGINT NOT NULL,
  first_at BIGINT NOT NULL,
  blocked_until BIGINT NOT NULL,
  PRIMARY KEY (workspace_id, account)
);

CREATE TABLE saml_provider (
  workspace_id TEXT COLLATE "C" NOT NULL PRIMARY KEY REFERENCES workspace (id),
  entity_id TEXT COLLATE "C" NOT NULL,
  metadata TEXT COLLATE "C" NOT NULL,
  enabled BIGINT NOT NULL,
  -- Whether an owner or operator made these settings: an owner signs in by no others.
  by_owner BIGINT NOT NULL,
  version BIGINT NOT NULL,
  updated_at BIGINT NOT NULL
);

-- One SAML sign-in under way, bound to the browser that began it.
CREATE TABLE saml_flow (
  workspace_id TEXT COLLATE "C" NOT NULL,
  request_id TEXT COLLATE "C" NOT NULL,
  browser_hash BYTEA NOT NULL,
  return_to TEXT COLLATE "C" NOT NULL,
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
  workspace_id TEXT COLLATE "C" NOT NULL,
  provider TEXT COLLATE "C" NOT NULL,
  assertion_id TEXT COLLATE "C" NOT NULL,
  expires_at BIGINT NOT NULL,
  PRIMARY KEY (workspace_id, provider, assertion_id)
);

CREATE TABLE idempotency (
  workspace_id TEXT COLLATE "C" NOT NULL,
  actor TEXT COLLATE "C" NOT NULL,
  idempotency_key TEXT COLLATE "C" NOT NULL,
  request_hash BYTEA NOT NULL,
  response TEXT COLLATE "C" NOT NULL,
  created_at BIGINT NOT NULL,
  PRIMARY KEY (workspace_id, actor, idempotency_key)
);

CREATE TABLE audit_head (
  workspace_id TEXT COLLATE "C" NOT NULL PRIMARY KEY REFERENCES workspace (id),
  sequence BIGINT NOT NULL,
  hash BYTEA NOT NULL
);

-- `entry` is the canonical text that the hash covers; the other columns repeat parts of it to filter by.
CREATE TABLE audit (
  workspace_id TEXT COLLATE "C" NOT NULL,
  sequence BIGINT NOT NULL,
  at BIGINT NOT NULL,
  action TEXT COLLATE "C" NOT NULL,
  actor_id TEXT COLLATE "C" NOT NULL,
  target_id TEXT COLLATE "C" NOT NULL,
  entry TEXT COLLATE "C" NOT NULL,
  hash BYTEA NOT NULL,
  PRIMARY KEY (workspace_id, sequence)
);
CREATE INDEX audit_action ON audit (workspace_id, action, sequence);
