-- Revocations of selected sessions: the PostgreSQL twin of migrations/sqlite, which has the comments that matter.

ALTER TABLE workspace ADD COLUMN selection_seq BIGINT NOT NULL DEFAULT 0;
