//! The last step of writing a resource that holds something of the workspace's own schemas: they must still be the ones it
//! was judged by, and its unique values must be nobody else's. It comes after the audit entry of the change, whose lock
//! every change of the workspace's schemas takes, too (`change.rs`).

use std::time::Duration;

use super::store;
use crate::db::Write;
use crate::error::{BUSY, CONFLICT, Error, Result};
use crate::scim::client::Client;
use crate::scim::resource::Resource;
use crate::scim::schema::ResourceType;
use crate::scim::unique;

/// Keeps what a resource has now of the workspace's own schemas, instead of what it had before. A workspace without any pays
/// nothing.
///
/// # Errors
/// 409 naming the attribute whose value another resource has; 503 if a schema was changed during the request.
pub async fn keep(
    tx: &mut Write,
    client: &Client,
    kind: ResourceType,
    id: &str,
    before: &Resource,
    after: &Resource,
) -> Result<()> {
    let definition = client.definition(kind);
    // What a schema keeps that this request doesn't know: declared since it began, or being deleted.
    let is_lost =
        |name: &String| name.contains(':') && !after.contains_key(name) && definition.extension(name).is_none();
    let differs = client.own.as_ref().is_some_and(|own| own.differ(before, after));
    if !differs && !before.keys().any(is_lost) {
        return Ok(());
    }
    let stamp = client.own.as_ref().map_or("", |own| own.stamp.as_str());
    if store::load_stamp(tx, &client.workspace).await? != stamp {
        let text = "the schemas of this workspace were changed meanwhile; try again";
        return Err(Error::new(BUSY, text).with_retry_after(Duration::from_secs(1)));
    }
    let (had, has) = (unique::keys(definition, before), unique::keys(definition, after));
    if had == has {
        return Ok(());
    }
    store::delete_values_of(tx, &client.workspace, id).await?;
    for key in &has {
        if store::insert_value(tx, &client.workspace, id, key).await? == 0 {
            let text = format!("another {} of this workspace has this value", kind.name().to_ascii_lowercase());
            return Err(Error::new(CONFLICT, text).with_field(key.label.clone()));
        }
    }
    Ok(())
}
