//! Pure: what an administrator enters at their identity provider to set single sign-on up, in the labels of its product, as
//! docs/saml/ has them. A table; `{acs}`, `{entity}` and `{login}` in it are our own addresses, `{pattern}` is a regular
//! expression that matches the first of them alone.

use super::configure::ServiceProvider;
use super::product::Product;

/// What there is to do at one product.
#[derive(Debug)]
pub struct Guide {
    pub product: Product,
    /// In our own addresses.
    pub slug: &'static str,
    /// In the choice of products.
    pub title: &'static str,
    /// Where its application is made.
    pub begin: &'static str,
    /// Labels, and the values to copy there.
    values: &'static [(&'static str, &'static str)],
    /// Labels, and what to choose there.
    pub choices: &'static [(&'static str, &'static str)],
    /// Where its metadata is.
    pub metadata: &'static str,
}

/// A value to copy, under the product's own label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Labelled {
    pub label: &'static str,
    pub value: String,
}

const SIGN_IN_URL: &str = "{login}";

/// Every product that we know, in the order of the choice; the last one is any other.
pub static GUIDES: [Guide; 9] = [
    Guide {
        product: Product::Okta,
        slug: "okta",
        title: "Okta",
        begin: "Applications → Applications → Create App Integration → SAML 2.0 → Configure SAML",
        values: &[("Single sign-on URL", "{acs}"), ("Audience URI (SP Entity ID)", "{entity}")],
        choices: &[
            ("Use this for Recipient URL and Destination URL", "ticked"),
            ("Name ID format", "EmailAddress"),
            ("Application username", "Email"),
            ("Response, Assertion Signature", "Signed, RSA-SHA256 and SHA256"),
            ("Attribute Statements", "firstName: user.firstName; lastName: user.lastName"),
        ],
        metadata: "Sign On → SAML Signing Certificates → the active one → Actions → View IdP metadata",
    },
    Guide {
        product: Product::EntraId,
        slug: "entra-id",
        title: "Microsoft Entra ID",
        begin: "Entra ID → Enterprise apps → New application → Create your own application → Single sign-on → SAML",
        values: &[
            ("Identifier (Entity ID)", "{entity}"),
            ("Reply URL (Assertion Consumer Service URL)", "{acs}"),
            ("Sign on URL", SIGN_IN_URL),
        ],
        choices: &[
            ("Unique User Identifier (Name ID)", "user.mail, format Email address"),
            ("Attributes & Claims", "as they are"),
            ("Signing Option", "Sign SAML assertion, with SHA-256"),
        ],
        metadata: "SAML Certificates → Federation Metadata XML → Download",
    },
    Guide {
        product: Product::Google,
        slug: "google-workspace",
        title: "Google Workspace",
        begin: "admin.google.com → Apps → Web and mobile apps → Add app → Add custom SAML app",
        values: &[("ACS URL", "{acs}"), ("Entity ID", "{entity}")],
        choices: &[
            ("Start URL", "empty"),
            ("Name ID format", "EMAIL"),
            ("Name ID", "Basic Information > Primary email"),
            ("Attribute mapping", "First name: firstName; Last name: lastName"),
            ("User access", "ON"),
        ],
        metadata: "Google Identity Provider details → Download metadata",
    },
    Guide {
        product: Product::Keycloak,
        slug: "keycloak",
        title: "Keycloak",
        begin: "Clients → Create client, Client type SAML",
        values: &[
            ("Client ID", "{entity}"),
            ("Valid redirect URIs", "{acs}"),
            ("Master SAML Processing URL", "{acs}"),
            ("Home URL", SIGN_IN_URL),
        ],
        choices: &[
            ("Name ID format", "email, with Force name ID format on"),
            ("Include AuthnStatement", "on"),
            ("Sign documents, Sign assertions", "on, either or both, with RSA_SHA256"),
            ("Client scopes → … -dedicated → Add mapper", "X500 givenName, X500 surname, X500 email"),
        ],
        metadata: "Action → Download adapter config → SAML Metadata IDPSSODescriptor",
    },
    Guide {
        product: Product::Authentik,
        slug: "authentik",
        title: "authentik",
        begin: "Applications → Applications → New Application → SAML Provider",
        values: &[("ACS URL", "{acs}"), ("Audience", "{entity}"), ("Launch URL", SIGN_IN_URL)],
        choices: &[
            ("Service Provider Binding", "Post"),
            ("Signing Certificate", "one with an RSA or EC key"),
            ("Sign assertions", "on"),
            ("Property mappings", "the defaults"),
            ("NameID Property Mapping", "authentik default SAML Mapping: Email"),
        ],
        metadata: "the provider’s page → Metadata → Download",
    },
    Guide {
        product: Product::OneLogin,
        slug: "onelogin",
        title: "OneLogin",
        begin: "Applications → Applications → Add App → SAML Custom Connector (Advanced) → Configuration",
        values: &[
            ("Audience (EntityID)", "{entity}"),
            ("Recipient", "{acs}"),
            ("ACS (Consumer) URL Validator", "{pattern}"),
            ("ACS (Consumer) URL", "{acs}"),
            ("Login URL", SIGN_IN_URL),
        ],
        choices: &[
            ("SAML initiator", "Service Provider"),
            ("SAML nameID format", "Email"),
            ("SAML signature element", "Assertion, Response or Both"),
            ("Parameters", "NameID value: Email; firstName and lastName, with Include in SAML assertion"),
            ("SAML Signature Algorithm", "SHA-256"),
        ],
        metadata: "More Actions → SAML Metadata",
    },
    Guide {
        product: Product::JumpCloud,
        slug: "jumpcloud",
        title: "JumpCloud",
        begin: "SSO Applications → Add New Application → Custom Application → Manage Single Sign-On (SSO)",
        values: &[("SP Entity ID", "{entity}"), ("ACS URLs → Default URL", "{acs}"), ("Login URL", SIGN_IN_URL)],
        choices: &[
            ("IdP Entity ID", "an address of your own, another one for each application"),
            ("SAMLSubject NameID", "email"),
            ("Signature Algorithm", "RSA-SHA256"),
            ("Sign", "Assertion, Response or both"),
            ("Declare Redirect Endpoint", "on"),
            ("Attributes", "firstname: firstName; lastname: lastName"),
        ],
        metadata: "Export Metadata, once the application is activated",
    },
    Guide {
        product: Product::AdFs,
        slug: "ad-fs",
        title: "AD FS",
        begin: "AD FS Management → Relying Party Trusts → Add Relying Party Trust → Claims aware",
        values: &[("SAML 2.0 WebSSO protocol, service URL", "{acs}"), ("Relying party trust identifiers", "{entity}")],
        choices: &[
            ("Configure Certificate (token encryption)", "none"),
            ("Secure hash algorithm", "SHA-256"),
            (
                "Edit Claim Issuance Policy, first rule",
                "Send LDAP Attributes as Claims: E-Mail-Addresses, Given-Name, Surname",
            ),
            ("… second rule", "Transform an Incoming Claim: E-Mail Address to Name ID, format Email"),
        ],
        metadata: "https://your server/FederationMetadata/2007-06/FederationMetadata.xml",
    },
    Guide {
        product: Product::Generic,
        slug: "other",
        title: "Another product",
        begin: "a new SAML 2.0 application, also called service provider or relying party",
        values: &[
            ("ACS URL (also reply, consumer or recipient URL)", "{acs}"),
            ("Entity ID (also audience or identifier)", "{entity}"),
            ("Metadata URL", "{entity}"),
            ("Sign-in URL", SIGN_IN_URL),
        ],
        choices: &[
            ("NameID", "the e-mail address; or a stable id, and an attribute email"),
            ("Attributes", "displayName; or firstName and lastName"),
            ("Signature", "of the assertion, the response or both, with SHA-256 or better"),
        ],
        metadata: "what it calls federation metadata or IdP metadata, as XML",
    },
];

/// The guide of a product in one of our addresses.
pub fn find(slug: &str) -> Option<&'static Guide> {
    GUIDES.iter().find(|guide| guide.slug == slug)
}

/// The guide of a product.
pub fn of(product: Product) -> &'static Guide {
    let found = GUIDES.iter().find(|guide| guide.product == product);
    found.unwrap_or(&GUIDES[GUIDES.len() - 1])
}

impl Guide {
    /// The values to copy, for one workspace.
    pub fn values_for(&self, us: &ServiceProvider) -> Vec<Labelled> {
        let filled = |template: &str| match template {
            "{pattern}" => pattern(&us.acs_url),
            other => {
                let text = other.replace("{acs}", &us.acs_url);
                text.replace("{entity}", &us.entity_id).replace("{login}", &us.login_url)
            }
        };
        self.values.iter().map(|(label, template)| Labelled { label, value: filled(template) }).collect()
    }
}

/// A regular expression that matches an address and nothing else.
fn pattern(address: &str) -> String {
    let mut written = String::from("^");
    for character in address.chars() {
        if !character.is_ascii_alphanumeric() && !matches!(character, ':' | '-' | '_' | '~') {
            written.push('\\');
        }
        written.push(character);
    }
    written.push('$');
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    fn us() -> ServiceProvider {
        let base = "https://login.example.com/saml/acme";
        ServiceProvider {
            entity_id: format!("{base}/metadata"),
            acs_url: format!("{base}/acs"),
            login_url: format!("{base}/login"),
            slo_url: format!("{base}/slo"),
            signing_certificate_url: format!("{base}/signing.pem"),
            encryption_certificate_url: format!("{base}/encryption.pem"),
        }
    }

    #[test]
    fn every_product_is_told_both_addresses() {
        for guide in &GUIDES {
            let values = guide.values_for(&us());
            for wanted in [us().acs_url, us().entity_id] {
                assert!(values.iter().any(|labelled| labelled.value == wanted), "{}: {wanted}", guide.slug);
            }
            assert!(values.iter().all(|labelled| !labelled.value.contains('{')), "{values:?}");
            assert_eq!(find(guide.slug).map(|found| found.product), Some(guide.product));
            assert_eq!(of(guide.product).slug, guide.slug);
        }
    }

    #[test]
    fn the_validator_matches_our_address_alone() {
        let onelogin = of(Product::OneLogin).values_for(&us());
        let validator = onelogin.iter().find(|labelled| labelled.label.contains("Validator")).expect("a validator");
        assert_eq!(validator.value, r"^https:\/\/login\.example\.com\/saml\/acme\/acs$");
    }
}
