//! Looking users up, for people: by part of a name, with what their sessions say; and by what somebody typed.

use super::model::{Found, Search, User};
use super::store;
use crate::app::App;
use crate::base::canonical;
use crate::base::ids::{UserId, WorkspaceId};
use crate::base::page::{Page, PageRequest};
use crate::error::Result;
use crate::sessions::model::UserState;

/// A page of users, by name.
pub async fn search(app: &App, workspace: &WorkspaceId, wanted: &Search, page: &PageRequest) -> Result<Page<Found>> {
    let after = page.after.as_ref().map_or("", |(_, id)| id.as_str());
    let now = app.clock.now();
    let rows = store::search(&mut app.db.read().await?, workspace, wanted, now, after, page.limit + 1).await?;
    Ok(page.page(rows, |found| (found.user.created_at, found.user.id.to_string())))
}

/// How many users there are, of a state or of every state.
pub async fn count(app: &App, workspace: &WorkspaceId, state: Option<UserState>) -> Result<i64> {
    store::count(&mut app.db.read().await?, workspace, state).await
}

/// The user whom a text names in full: by id, by user name, or by an e-mail address that only one has.
pub async fn find_named(app: &App, workspace: &WorkspaceId, text: &str) -> Result<Option<User>> {
    let mut read = app.db.read().await?;
    if let Some(user) = store::find(&mut read, workspace, &UserId::from_text(text)).await? {
        return Ok(Some(user));
    }
    let Ok(key) = canonical::key(text) else { return Ok(None) };
    if let Some(user) = store::find_by_name(&mut read, workspace, &key).await? {
        return Ok(Some(user));
    }
    let mut found = store::list_by_email(&mut read, workspace, &key).await?;
    Ok(if found.len() == 1 { found.pop() } else { None })
}
