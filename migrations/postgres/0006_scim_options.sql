-- What an identity provider's token may choose: the PostgreSQL twin of migrations/sqlite, which has the comments that matter.

ALTER TABLE credential ADD COLUMN patch_response TEXT NOT NULL DEFAULT 'resource';
