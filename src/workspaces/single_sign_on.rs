//! Who has to sign in at an identity provider: people of the domains for which a provider is required, but for owners, who are
//! the way in when it fails. It lapses with the domain's verification, with the provider, and with a policy that admits no SAML.

use super::model::domain_of;
use super::store;
use crate::app::App;
use crate::base::ids::WorkspaceId;
use crate::db::Read;
use crate::error::{Error, Result, SSO_REQUIRED};
use crate::policy::store as policies;
use crate::sessions::model::Role;
use crate::users::model::User;
use crate::users::single_sign_on::list_required;

/// The domains whose people have to.
pub async fn required_domains(db: &mut Read, workspace: &WorkspaceId) -> Result<Vec<String>> {
    let named = list_required(db, workspace).await?;
    if named.is_empty() || !policies::load(db, workspace).await?.saml_allowed {
        return Ok(Vec::new());
    }
    let verified = store::list_verified(db, workspace).await?;
    Ok(named.into_iter().filter(|name| verified.contains(name)).collect())
}

/// Whether this person has to: by the domain of their e-mail address, or of their user name if that is one.
pub async fn is_required(db: &mut Read, user: &User) -> Result<bool> {
    if user.role == Role::Owner {
        return Ok(false);
    }
    let required = required_domains(db, &user.workspace).await?;
    let addresses = [Some(user.user_name.as_str()), user.email.as_deref()];
    Ok(addresses.into_iter().flatten().filter_map(domain_of).any(|domain| required.contains(&domain)))
}

/// As `is_required`, for whoever has no transaction.
///
/// # Errors
/// 503 if the database doesn't answer.
pub async fn has_to(app: &App, user: &User) -> Result<bool> {
    is_required(&mut app.db.read().await?, user).await
}

/// What a person is told who tries another way, and has proved who they are.
pub fn refusal(app: &App, slug: &str) -> Error {
    let address = format!("{}/saml/{slug}/login", app.config.public_url);
    Error::new(SSO_REQUIRED, format!("people of your domain sign in with single sign-on: {address}"))
}
