//! Pure: which product an identity provider is, by the addresses in its metadata, so that advice can use its labels.

use url::Url;

use super::identity_provider::IdentityProvider;

/// A product whose labels are known (docs/saml/).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Product {
    Okta,
    EntraId,
    Google,
    Keycloak,
    Authentik,
    OneLogin,
    JumpCloud,
    AdFs,
    /// Any other.
    Generic,
}

/// Hosts, with everything below them, that belong to one product.
const HOSTS: [(Product, &[&str]); 5] = [
    (Product::Okta, &["okta.com", "oktapreview.com", "okta-emea.com", "okta-gov.com", "okta.mil"]),
    (
        Product::EntraId,
        &[
            "login.microsoftonline.com",
            "login.microsoftonline.us",
            "login.partner.microsoftonline.cn",
            "sts.windows.net",
        ],
    ),
    (Product::Google, &["accounts.google.com"]),
    (Product::OneLogin, &["onelogin.com"]),
    (Product::JumpCloud, &["jumpcloud.com"]),
];

impl Product {
    /// Its name, as people write it; for [`Product::Generic`] a description.
    pub fn name(self) -> &'static str {
        match self {
            Self::Okta => "Okta",
            Self::EntraId => "Microsoft Entra ID",
            Self::Google => "Google Workspace",
            Self::Keycloak => "Keycloak",
            Self::Authentik => "authentik",
            Self::OneLogin => "OneLogin",
            Self::JumpCloud => "JumpCloud",
            Self::AdFs => "AD FS",
            Self::Generic => "the identity provider",
        }
    }

    /// The product of this metadata.
    pub fn of(provider: &IdentityProvider) -> Self {
        let addresses = [provider.sso_redirect_url.as_deref(), provider.sso_post_url.as_deref()];
        let all = addresses.into_iter().flatten().chain([provider.entity_id.as_str()]);
        all.map(Self::of_address).find(|product| *product != Self::Generic).unwrap_or(Self::Generic)
    }

    /// The product of an entity id or sign-in address.
    pub fn of_address(address: &str) -> Self {
        let Ok(url) = Url::parse(address) else { return Self::Generic };
        let host = url.host_str().unwrap_or_default();
        let known = HOSTS.iter().find(|(_, hosts)| hosts.iter().any(|known| is_below(host, known)));
        known.map_or_else(|| Self::of_path(url.path()), |(product, _)| *product)
    }

    /// Products that people run under names of their own have paths of their own.
    fn of_path(path: &str) -> Self {
        let path = path.to_ascii_lowercase();
        if path.contains("/adfs/ls") || path.ends_with("/adfs/services/trust") {
            return Self::AdFs;
        }
        if path.contains("/application/saml/") {
            return Self::Authentik;
        }
        let realm = path.split_once("/realms/").is_some_and(|(_, realm)| {
            let rest = realm.split_once('/').map_or("", |(_, rest)| rest);
            !realm.is_empty() && (rest.is_empty() || rest.starts_with("protocol/saml"))
        });
        if realm { Self::Keycloak } else { Self::Generic }
    }
}

fn is_below(host: &str, known: &str) -> bool {
    host == known || host.strip_suffix(known).is_some_and(|rest| rest.ends_with('.'))
}
