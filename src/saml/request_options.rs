//! From the settings of an identity provider and its metadata to how it is asked.

use super::identity_provider::IdentityProvider;
use super::request::RequestOptions;
use super::settings::{Binding, ProviderSettings};
use crate::error::{Error, NOT_FOUND, Result};

/// Whether requests to it are signed: because it is set so, or because it refuses others.
pub fn signed(settings: &ProviderSettings, provider: &IdentityProvider) -> bool {
    settings.sign_requests || provider.want_signed_requests
}

impl RequestOptions {
    /// The binding is the one that is set, if the metadata has an address for it, else the other.
    ///
    /// # Errors
    /// 404 if the metadata has no address at all.
    pub fn of(settings: &ProviderSettings, provider: &IdentityProvider) -> Result<Self> {
        let redirect = provider.sso_redirect_url.as_ref().map(|url| (Binding::Redirect, url));
        let post = provider.sso_post_url.as_ref().map(|url| (Binding::Post, url));
        let chosen = match settings.sso_binding {
            Binding::Redirect => redirect.or(post),
            Binding::Post => post.or(redirect),
        };
        let none = || Error::new(NOT_FOUND, "the identity provider has no address to sign in at");
        let (binding, destination) = chosen.ok_or_else(none)?;
        Ok(Self {
            binding,
            destination: destination.clone(),
            sign: signed(settings, provider),
            force_authn: settings.force_authn,
            authn_contexts: settings.authn_contexts.clone(),
            name_id_format: settings.name_id_format.clone(),
        })
    }
}
