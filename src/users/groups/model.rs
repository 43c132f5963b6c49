//! Pure: a group, and changes of who is in it.

use serde_json::{Map, Value};

use crate::base::clock::UnixMillis;
use crate::base::ids::{GroupId, WorkspaceId};

/// A group without its members.
#[derive(Clone, Debug)]
pub struct Group {
    pub id: GroupId,
    pub workspace: WorkspaceId,
    pub display_name: String,
    pub external_id: Option<String>,
    /// Further SCIM attributes as the identity provider keeps them.
    pub resource: Map<String, Value>,
    pub version: i64,
    pub created_at: UnixMillis,
    pub updated_at: UnixMillis,
}

/// One step; steps are taken in order. The ids are as a client wrote them and may be nobody's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MemberChange {
    /// These are members, whether or not they were.
    Add(Vec<String>),
    /// These are no members any more; the others stay.
    Remove(Vec<String>),
    /// These and no others are members.
    Replace(Vec<String>),
}
