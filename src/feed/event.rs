//! Pure: a revocation as the feed tells it.

use crate::base::clock::UnixMillis;
use crate::base::ids::WorkspaceId;

/// One revocation. Its sequence number is given by the database when it is appended.
#[derive(Clone, Debug)]
pub struct Event<'a> {
    pub workspace: &'a WorkspaceId,
    /// `workspace`, `user` or `session`.
    pub scope: &'static str,
    /// The user or session concerned; `None` for the whole workspace.
    pub target: Option<&'a str>,
    /// The epoch that holds from now on, of the workspace or the user.
    pub epoch: i64,
    pub spared_session: Option<&'a str>,
    pub cause: &'static str,
    pub at: UnixMillis,
}
