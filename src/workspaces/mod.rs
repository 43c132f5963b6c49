//! Workspaces: the tenants. Creating one gives it a policy, an allowlist that is off, an audit chain and an owner.

mod create;
mod domain_proof;
mod domain_removal;
pub mod domain_rules;
mod domains;
pub mod http;
pub mod model;
pub mod single_sign_on;
pub mod store;

pub use create::{Created, NewWorkspace, create};
pub use domain_proof::{Proved, prove_domain};
pub use domain_removal::{Removal, preview_removal, remove_domain};
pub use domains::{add_domain, list_domains, load_domain, verified_domains, verify_domain};

use crate::app::App;
use crate::error::{Error, Result};
use model::{Workspace, is_slug};

/// The workspace of a slug.
///
/// # Errors
/// 404 if there is none.
pub async fn load(app: &App, slug: &str) -> Result<Workspace> {
    let found = store::find_by_slug(&mut app.db.read().await?, slug).await?;
    found.ok_or_else(|| {
        Error::new(crate::error::NOT_FOUND, format!("there is no workspace {slug:?}")).with_field("workspace")
    })
}

/// The workspace of a slug, whatever somebody typed.
pub async fn find(app: &App, slug: &str) -> Result<Option<Workspace>> {
    if !is_slug(slug) {
        return Ok(None);
    }
    store::find_by_slug(&mut app.db.read().await?, slug).await
}

/// The workspace of an installation that has only one: nobody has to type its name.
pub async fn find_only(app: &App) -> Result<Option<Workspace>> {
    let mut found = store::list_two(&mut app.db.read().await?).await?;
    Ok(if found.len() == 1 { found.pop() } else { None })
}
