//! The barrier: after a revocation's commit, wait until no replica can answer from an older belief.

use serde::Serialize;

/// Which replicas had applied a revocation when it was acknowledged, and which were shut out instead.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Applied {
    pub applied: Vec<String>,
    pub fenced: Vec<String>,
}

/// Waits for every replica that holds a lease. None does while every check reads the database: the commit itself is the
/// moment from which all of them refuse, and the answering replica is the one to name.
pub fn barrier(replica: &str) -> Applied {
    Applied { applied: vec![replica.to_owned()], fenced: Vec::new() }
}
