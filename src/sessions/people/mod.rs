//! Pure: several people at once, as one argument of a statement.

pub mod store;

use crate::base::ids::UserId;

/// Ids as the JSON array that the statements here take.
pub fn listed(users: &[UserId]) -> String {
    serde_json::Value::from(users.iter().map(UserId::to_string).collect::<Vec<String>>()).to_string()
}
