-- Replicas: the PostgreSQL twin of migrations/sqlite, which has the comments that matter.

CREATE TABLE replica (
  id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  incarnation BIGINT NOT NULL,
  name TEXT COLLATE "C" NOT NULL,
  granted_seq BIGINT NOT NULL,
  acked_seq BIGINT NOT NULL,
  fenced BIGINT NOT NULL,
  started_at BIGINT NOT NULL,
  renewed_at BIGINT NOT NULL
);

ALTER TABLE head ADD COLUMN timeline TEXT COLLATE "C" NOT NULL DEFAULT '';

ALTER TABLE revocation ADD COLUMN user_id TEXT COLLATE "C";
CREATE INDEX revocation_at ON revocation (at);

ALTER TABLE session ADD COLUMN last_ip_key TEXT COLLATE "C" NOT NULL DEFAULT '';

CREATE TABLE signing_key (
  kid TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  replica TEXT COLLATE "C" NOT NULL,
  jwk TEXT COLLATE "C" NOT NULL,
  created_at BIGINT NOT NULL,
  last_used_at BIGINT NOT NULL
);
CREATE INDEX signing_key_created ON signing_key (created_at);
