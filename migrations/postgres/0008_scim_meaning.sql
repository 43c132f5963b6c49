-- What provisioning means: the PostgreSQL twin of migrations/sqlite, which has the comments that matter.

ALTER TABLE users ADD COLUMN group_access BIGINT NOT NULL DEFAULT 1;

CREATE TABLE access_group (
  workspace_id TEXT COLLATE "C" NOT NULL REFERENCES workspace (id),
  group_id TEXT COLLATE "C" NOT NULL,
  PRIMARY KEY (workspace_id, group_id)
);

CREATE TABLE group_role (
  workspace_id TEXT COLLATE "C" NOT NULL REFERENCES workspace (id),
  group_id TEXT COLLATE "C" NOT NULL,
  role TEXT COLLATE "C" NOT NULL,
  PRIMARY KEY (workspace_id, group_id)
);

ALTER TABLE policy ADD COLUMN link_by_verified_email BIGINT NOT NULL DEFAULT 0;
ALTER TABLE policy ADD COLUMN deprovision_hold_count BIGINT NOT NULL DEFAULT 50;
ALTER TABLE policy ADD COLUMN deprovision_hold_percent BIGINT NOT NULL DEFAULT 20;

CREATE TABLE scim_hold (
  workspace_id TEXT COLLATE "C" NOT NULL PRIMARY KEY REFERENCES workspace (id),
  held_since BIGINT,
  held_requests BIGINT NOT NULL,
  last_held_at BIGINT,
  approved_until BIGINT NOT NULL,
  approved_left BIGINT
);

CREATE TABLE scim_deprovisioned (
  workspace_id TEXT COLLATE "C" NOT NULL REFERENCES workspace (id),
  at BIGINT NOT NULL,
  users BIGINT NOT NULL,
  PRIMARY KEY (workspace_id, at)
);
