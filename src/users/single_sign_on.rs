//! Domains whose people have to sign in at their identity provider, as providers that are switched on say it; and the owners who
//! can get in by a password when such a provider fails. Who has to is decided in `workspaces/single_sign_on.rs`.

use serde::Deserialize;

use super::model::User;
use super::single_sign_on_store as store;
use crate::base::ids::{UserId, WorkspaceId};
use crate::db::Read;
use crate::error::{Error, LAST_OWNER, Result};
use crate::sessions::model::{Role, UserState};

/// What is read here of a provider's settings (`saml/settings.rs`).
#[derive(Default, Deserialize)]
#[serde(default)]
struct Settings {
    enforcement: String,
    domains: Vec<String>,
}

/// Domains for which a provider that is switched on is required, verified or not.
pub async fn list_required(db: &mut Read, workspace: &WorkspaceId) -> Result<Vec<String>> {
    let mut domains = Vec::new();
    for text in store::list_settings(db, workspace).await? {
        domains.extend(required_by(&text)?);
    }
    Ok(domains)
}

fn required_by(settings: &str) -> Result<Vec<String>> {
    let settings: Settings = serde_json::from_str(settings).map_err(Error::internal)?;
    Ok(if settings.enforcement == "required" { settings.domains } else { Vec::new() })
}

/// Whether an active owner has a password.
pub async fn has_owner_with_password(db: &mut Read, workspace: &WorkspaceId) -> Result<bool> {
    let nobody = UserId::from_text("");
    Ok(store::count_owners_with_password(db, workspace, &nobody).await? > 0)
}

/// Refuses to let the last owner go who could get in without the identity provider, while it is required. The workspace is locked.
///
/// # Errors
/// 409 `last-owner`.
pub(super) async fn keep_a_password(db: &mut Read, user: &User) -> Result<()> {
    let counts = user.role == Role::Owner && user.state == UserState::Active && user.password_hash.is_some();
    if !counts || list_required(db, &user.workspace).await?.is_empty() {
        return Ok(());
    }
    if store::count_owners_with_password(db, &user.workspace, &user.id).await? == 0 {
        let text =
            "single sign-on is required, and this is the last owner who has a password: nobody could get in without it";
        return Err(Error::new(LAST_OWNER, text));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_who_requires_it_names_domains() {
        let read = |text: &str| required_by(text).expect("settings");
        assert_eq!(read(r#"{"enforcement": "required", "domains": ["a.test", "b.test"]}"#), ["a.test", "b.test"]);
        for optional in ["{}", r#"{"domains": ["a.test"]}"#, r#"{"enforcement": "optional", "domains": ["a.test"]}"#] {
            assert!(read(optional).is_empty(), "{optional}");
        }
        assert!(required_by("nonsense").is_err());
    }
}
