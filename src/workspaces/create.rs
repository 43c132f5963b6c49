//! Creating a workspace with its first owner: one transaction.

use serde_json::json;

use super::model::{Workspace, is_slug};
use super::store;
use crate::actor::Actor;
use crate::app::App;
use crate::audit::{self, Entry, Target};
use crate::base::ids::WorkspaceId;
use crate::base::text::line;
use crate::error::{CONFLICT, Error, Result};
use crate::policy::model::Policy;
use crate::sessions::model::Role;
use crate::transact;
use crate::users::manage::{NewUser, create_user};
use crate::users::model::{Source, User};

/// What a workspace begins with.
pub struct NewWorkspace<'a> {
    pub slug: &'a str,
    pub name: &'a str,
    pub owner_email: &'a str,
    /// A hash of the pool's. Absent: the owner is invited and chooses one behind a set-up link.
    pub password_hash: Option<String>,
}

/// A new workspace and its owner.
pub struct Created {
    pub workspace: Workspace,
    pub owner: User,
}

/// Creates a workspace.
///
/// # Errors
/// 400 naming the field that is malformed; 409 if the slug is taken.
pub async fn create(app: &App, actor: &Actor, new: &NewWorkspace<'_>) -> Result<Created> {
    if !is_slug(new.slug) {
        return Err(Error::invalid("slug", "must be 1 to 63 of a-z, 0-9 and hyphens inside"));
    }
    let name = line(new.name, 100).ok_or_else(|| Error::invalid("name", "must have 1 to 100 characters"))?;
    let now = app.clock.now();
    let id = WorkspaceId::generate(now, app.random.as_ref());
    let workspace = Workspace { id, slug: new.slug.to_owned(), name: name.to_owned(), epoch: 0, created_at: now };
    let owner = NewUser {
        user_name: new.owner_email,
        email: Some(new.owner_email),
        display_name: new.owner_email,
        role: Role::Owner,
        source: Source::Local,
        password_hash: new.password_hash.clone(),
        ..NewUser::default()
    };
    let owner = transact!(app.db, |tx| {
        store::insert(tx, &workspace).await.map_err(|error| taken(error, new.slug))?;
        crate::policy::store::create(tx, &workspace.id, &Policy::default(), now).await?;
        audit::store::create_head(tx, &workspace.id).await?;
        let target = Target::new("workspace", workspace.id.as_str(), &workspace.slug);
        let entry = Entry::done("workspace.created", target).with(json!({"name": workspace.name}));
        audit::append(tx, &workspace.id, now, actor, &entry).await?;
        create_user(tx, app, actor, &workspace.id, &owner).await
    })?;
    Ok(Created { workspace, owner })
}

fn taken(error: Error, slug: &str) -> Error {
    if error.is_unique_violation() {
        return Error::new(CONFLICT, format!("there is a workspace {slug:?} already")).with_field("slug");
    }
    error
}
