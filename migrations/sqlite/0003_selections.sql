-- Revocations of selected sessions.

-- The sequence number of the newest one: a sign-in that began before it may not end in a session.
ALTER TABLE workspace ADD COLUMN selection_seq BIGINT NOT NULL DEFAULT 0;
