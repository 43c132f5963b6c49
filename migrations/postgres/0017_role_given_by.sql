-- Which identity provider gave a role: the PostgreSQL twin of migrations/sqlite, which has the comments that matter.
ALTER TABLE users ADD COLUMN role_given_by TEXT COLLATE "C";
