//! The ids of resources among which every match is: what the keys of `plan.rs` find, after an id and in order. Nothing is
//! judged.

use std::collections::BTreeSet;

use super::client::Client;
use super::plan::Key;
use super::schema::ResourceType;
use super::user_store::After;
use super::{group_store, user_store};
use crate::db::Read;
use crate::error::Result;
use crate::users::search_key::{self, DISPLAY_NAME, EMAILS, after_prefix};

/// Ids in order, without gaps: nothing that was to be found lies between two of them.
pub struct Candidates {
    pub ids: Vec<String>,
    /// Whether there may be others after the last one.
    pub more: bool,
}

/// What is found after an id; `limit`, at least 1, for each of the keys at the most.
pub async fn list(client: &Client, kind: ResourceType, keys: &[Key], after: &str, limit: i64) -> Result<Candidates> {
    let mut read = client.app.db.read().await?;
    let after = After { workspace: &client.workspace, id: after, limit };
    let full = usize::try_from(limit).unwrap_or(usize::MAX);
    let mut merged = BTreeSet::new();
    let mut end: Option<String> = None;
    for key in keys {
        let found = match kind {
            ResourceType::User => users(&mut read, after, key).await?,
            ResourceType::Group => groups(&mut read, after, key).await?,
        };
        // A list that was cut says nothing of what comes after its last id.
        if let Some(last) = found.last().filter(|_| found.len() >= full) {
            end = Some(end.map_or_else(|| last.clone(), |end| end.min(last.clone())));
        }
        merged.extend(found);
    }
    let is_known = |id: &String| end.as_ref().is_none_or(|end| id <= end);
    Ok(Candidates { ids: merged.into_iter().filter(is_known).collect(), more: end.is_some() })
}

async fn users(read: &mut Read, after: After<'_>, key: &Key) -> Result<Vec<String>> {
    match key {
        Key::Id(id) => user_store::by_id(read, after, id).await,
        Key::UserName(name) => user_store::by_name(read, after, name).await,
        Key::ExternalId(external) => user_store::by_external_id(read, after, external).await,
        Key::Email(address) => user_store::by_search_key(read, after, EMAILS, &search_key::cut(address)).await,
        Key::DisplayName(name) => user_store::by_search_key(read, after, DISPLAY_NAME, &search_key::cut(name)).await,
        Key::Group(group) => user_store::by_group(read, after, group).await,
        Key::UserNamePrefix(prefix) => match after_prefix(prefix) {
            Some(end) => user_store::by_name_range(read, after, prefix, &end).await,
            None => user_store::every(read, after).await,
        },
        Key::DisplayNamePrefix(prefix) => {
            let prefix = search_key::cut(prefix);
            match after_prefix(&prefix) {
                Some(end) => user_store::by_search_key_range(read, after, DISPLAY_NAME, &prefix, &end).await,
                None => user_store::every(read, after).await,
            }
        }
        Key::Changed(range) => user_store::by_change(read, after, range.from, range.to).await,
        Key::Created(range) => user_store::by_creation(read, after, range.from, range.to).await,
        Key::Member(_) | Key::Every => user_store::every(read, after).await,
    }
}

async fn groups(read: &mut Read, after: After<'_>, key: &Key) -> Result<Vec<String>> {
    match key {
        Key::Id(id) => group_store::by_id(read, after, id).await,
        Key::ExternalId(external) => group_store::by_external_id(read, after, external).await,
        Key::DisplayName(name) => group_store::by_name(read, after, name).await,
        Key::Member(user) => group_store::by_member(read, after, user).await,
        Key::DisplayNamePrefix(prefix) => match after_prefix(prefix) {
            Some(end) => group_store::by_name_range(read, after, prefix, &end).await,
            None => group_store::every(read, after).await,
        },
        Key::Changed(range) => group_store::by_change(read, after, range.from, range.to).await,
        Key::Created(range) => group_store::by_creation(read, after, range.from, range.to).await,
        Key::UserName(_) | Key::UserNamePrefix(_) | Key::Email(_) | Key::Group(_) | Key::Every => {
            group_store::every(read, after).await
        }
    }
}
