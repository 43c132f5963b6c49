-- What provisioning means: groups that let people in, groups that give roles, and the brake on many leaving at once.

-- Whether groups let a user in, kept up to date by whatever changes it: 1 for everybody whom that doesn't concern.
ALTER TABLE users ADD COLUMN group_access BIGINT NOT NULL DEFAULT 1;

-- Provisioned users need one of these; without any, everybody may. A group that is deleted stays here: nobody is let in by
-- its disappearing.
CREATE TABLE access_group (
  workspace_id TEXT NOT NULL REFERENCES workspace (id),
  group_id TEXT NOT NULL,
  PRIMARY KEY (workspace_id, group_id)
);

-- The role that a group gives: 'admin' or 'member'.
CREATE TABLE group_role (
  workspace_id TEXT NOT NULL REFERENCES workspace (id),
  group_id TEXT NOT NULL,
  role TEXT NOT NULL,
  PRIMARY KEY (workspace_id, group_id)
);

ALTER TABLE policy ADD COLUMN link_by_verified_email BIGINT NOT NULL DEFAULT 0;
-- More users than this within ten minutes wait for approval, and more than this share of them; 0 is no limit.
ALTER TABLE policy ADD COLUMN deprovision_hold_count BIGINT NOT NULL DEFAULT 50;
ALTER TABLE policy ADD COLUMN deprovision_hold_percent BIGINT NOT NULL DEFAULT 20;

-- One row for a workspace, made when it is first needed: its lock makes counting and deciding one.
CREATE TABLE scim_hold (
  workspace_id TEXT NOT NULL PRIMARY KEY REFERENCES workspace (id),
  held_since BIGINT,
  held_requests BIGINT NOT NULL,
  last_held_at BIGINT,
  -- An approval's end, and how many users it still lets through; none is any number.
  approved_until BIGINT NOT NULL,
  approved_left BIGINT
);

-- Users who lost access by provisioning, by the instant; what an approval let through is not here.
CREATE TABLE scim_deprovisioned (
  workspace_id TEXT NOT NULL REFERENCES workspace (id),
  at BIGINT NOT NULL,
  users BIGINT NOT NULL,
  PRIMARY KEY (workspace_id, at)
);
