-- What a receipt counts: sessions that nobody ended, in the order of their use, but those of people whom something happened to.
DROP INDEX session_live;
CREATE INDEX session_live ON session (workspace_id, workspace_epoch, last_seen_at) WHERE ended_at IS NULL;
CREATE INDEX users_changed ON users (workspace_id, id) WHERE epoch > 0 OR state <> 'active';
