-- Replicas, their leases, and what several of them have to know.

-- A running process that may answer from memory until its lease runs out. A fenced one must register anew.
CREATE TABLE replica (
  id TEXT NOT NULL PRIMARY KEY,
  -- Raised at each registration: of two processes under one id, only the newer one's statements find their row.
  incarnation BIGINT NOT NULL,
  name TEXT NOT NULL,
  -- The head when the newest lease was granted, and the newest revocation that was applied.
  granted_seq BIGINT NOT NULL,
  acked_seq BIGINT NOT NULL,
  fenced BIGINT NOT NULL,
  started_at BIGINT NOT NULL,
  renewed_at BIGINT NOT NULL
);

-- Which database this is (PostgreSQL: system identifier and timeline): another one may have lost revocations.
ALTER TABLE head ADD COLUMN timeline TEXT NOT NULL DEFAULT '';

-- Whose session a revocation of one session ended.
ALTER TABLE revocation ADD COLUMN user_id TEXT;
CREATE INDEX revocation_at ON revocation (at);

-- The address of last use as 32 hexadecimal digits of its IPv6 form, so that a network is a range. Empty: unknown.
ALTER TABLE session ADD COLUMN last_ip_key TEXT NOT NULL DEFAULT '';

-- Public keys of the processes; a private one never leaves its process.
CREATE TABLE signing_key (
  kid TEXT NOT NULL PRIMARY KEY,
  replica TEXT NOT NULL,
  jwk TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  last_used_at BIGINT NOT NULL
);
CREATE INDEX signing_key_created ON signing_key (created_at);
