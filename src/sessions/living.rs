//! Pure: the SQL of a session that lives, for the statements that list, count or end many of them.

// The policy lets it live, but for how long it was idle. $2 now; `p` is the policy.
macro_rules! unexpired {
    ($session:literal) => {
        concat!(
            $session,
            ".created_at > $2 - p.absolute_ms AND (",
            $session,
            ".not_after IS NULL OR ",
            $session,
            ".not_after > $2) AND ((",
            $session,
            ".method = 'saml' AND p.saml_allowed = 1) OR (",
            $session,
            ".method <> 'saml' AND p.password_allowed = 1)) "
        )
    };
}

// The stamps hold, or it is the spared one; nobody and no time ended it. $1 workspace, $2 now.
macro_rules! live {
    () => {
        concat!(
            " s.workspace_id = $1 AND s.ended_at IS NULL \
         AND (s.workspace_epoch = w.epoch OR s.id = w.spared_session) AND (s.user_epoch = u.epoch OR s.id = u.spared_session) AND u.state = 'active' \
         AND s.last_seen_at > $2 - p.idle_ms AND ",
            $crate::sessions::living::unexpired!("s")
        )
    };
}

macro_rules! live_from {
    () => {
        " FROM session s JOIN workspace w ON w.id = s.workspace_id \
         JOIN users u ON u.workspace_id = s.workspace_id AND u.id = s.user_id \
         JOIN policy p ON p.workspace_id = s.workspace_id WHERE "
    };
}

pub(crate) use {live, live_from, unexpired};
