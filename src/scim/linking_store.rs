//! The statement that makes a member somebody whom the identity provider keeps.

use serde_json::{Map, Value};

use crate::args;
use crate::base::clock::UnixMillis;
use crate::db::Write;
use crate::error::{Error, Result};
use crate::users::model::User;

/// Name, address, password and state stay.
pub async fn take_over(
    tx: &mut Write,
    member: &User,
    external_id: Option<&str>,
    resource: &Map<String, Value>,
    active: bool,
    now: UnixMillis,
) -> Result<()> {
    let sql = "UPDATE users SET source = 'scim', external_id = $3, resource = $4, provider_active = $5, updated_at = $6, \
               version = version + 1 WHERE workspace_id = $1 AND id = $2 AND source <> 'scim' AND role = 'member'";
    let resource = serde_json::to_string(resource).map_err(Error::internal)?;
    tx.execute(sql, args![&member.workspace, &member.id, external_id, resource, active, now]).await?;
    Ok(())
}
