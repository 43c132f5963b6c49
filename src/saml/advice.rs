//! Pure: what an administrator changes at the identity provider when a check fails, in the labels of that product, as
//! docs/saml/ has them. A table; `{acs}`, `{entity}` and `{login}` in it are our own addresses.

use super::product::Product::{self, AdFs, Authentik, EntraId, Generic, Google, JumpCloud, Keycloak, Okta, OneLogin};

/// Our addresses, for the places in a sentence.
pub struct Ours<'a> {
    pub acs_url: &'a str,
    pub entity_id: &'a str,
    pub login_url: &'a str,
}

/// Checks, each by its whole name or by its beginning up to a dot, and what to do: for products by their labels, for all
/// others by [`Generic`], which every row has.
type Row = (&'static [&'static str], &'static [(Product, &'static str)]);

const ADDRESS: &[(Product, &str)] = &[
    (Okta, "Set Single sign-on URL to {acs} and tick Use this for Recipient URL and Destination URL."),
    (EntraId, "Under Basic SAML Configuration set Reply URL (Assertion Consumer Service URL) to {acs}."),
    (Google, "Under Service provider details set ACS URL to {acs}."),
    (Keycloak, "Set Valid redirect URIs and Master SAML Processing URL of the client to {acs}."),
    (Authentik, "Set ACS URL of the SAML provider to {acs}."),
    (
        OneLogin,
        "Under Configuration set Recipient and ACS (Consumer) URL to {acs}, and let the ACS (Consumer) URL Validator match it.",
    ),
    (JumpCloud, "Under SSO set ACS URLs, Default URL, to {acs}."),
    (AdFs, "In the relying party trust set the SAML 2.0 WebSSO service URL to {acs}."),
    (
        Generic,
        "Set the ACS URL (also called reply, consumer or recipient URL) to {acs}, to the letter. If that is set, public_url of this server is another.",
    ),
];

const AUDIENCE: &[(Product, &str)] = &[
    (Okta, "Set Audience URI (SP Entity ID) to {entity}."),
    (EntraId, "Under Basic SAML Configuration set Identifier (Entity ID) to {entity}, and let it be the only one."),
    (Google, "Under Service provider details set Entity ID to {entity}."),
    (Keycloak, "Set Client ID of the client to {entity}."),
    (Authentik, "Set Audience of the SAML provider to {entity}."),
    (OneLogin, "Under Configuration set Audience (EntityID) to {entity}."),
    (JumpCloud, "Under SSO set SP Entity ID to {entity}."),
    (AdFs, "Add {entity} to Relying party trust identifiers."),
    (
        Generic,
        "Set the audience (also called entity id or identifier of the service provider) to {entity}, to the letter.",
    ),
];

const ISSUER: &[(Product, &str)] = &[
    (
        Okta,
        "This is the metadata of another application: import that of Sign On, SAML Signing Certificates, Actions, View IdP metadata.",
    ),
    (EntraId, "This is another tenant: import Federation Metadata XML of this application."),
    (
        Authentik,
        "Issuer of the SAML provider differs from the imported metadata: each application needs one of its own. Download Metadata again and import it.",
    ),
    (JumpCloud, "IdP Entity ID was changed, or belongs to another application: Export Metadata and import it."),
    (
        Generic,
        "The metadata that was imported here is that of another identity provider or application: export it again and import it.",
    ),
];

const UNASKED: &[(Product, &str)] = &[
    (
        Okta,
        "The sign-in began at the tile. Hide it under General, App visibility, and add a Bookmark App with {login}.",
    ),
    (EntraId, "The sign-in began in My Apps. Set Sign on URL to {login}: then the tile begins here."),
    (Google, "The sign-in began in the app launcher. Let people begin at {login}."),
    (Keycloak, "The sign-in began at Keycloak. Empty IDP-Initiated SSO URL name, and set Home URL to {login}."),
    (Authentik, "The sign-in began at authentik. Set Launch URL of the application to {login}."),
    (OneLogin, "The sign-in began at OneLogin. Set SAML initiator to Service Provider, and Login URL to {login}."),
    (
        JumpCloud,
        "The sign-in began in the User Portal. Switch Show this application in User Portal off, and add a Bookmark with {login}.",
    ),
    (Generic, "The sign-in began at the identity provider, or in another window. Let people begin at {login}."),
];

const ALGORITHM: &[(Product, &str)] = &[
    (Okta, "Under Advanced set Signature Algorithm to RSA-SHA256 and Digest Algorithm to SHA256."),
    (EntraId, "Under SAML Certificates set Signing Algorithm to SHA-256."),
    (Keycloak, "Set Signature algorithm of the client to RSA_SHA256."),
    (Authentik, "Set Digest algorithm to SHA256 and Signature algorithm to RSA-SHA256."),
    (OneLogin, "Under SSO set SAML Signature Algorithm to SHA-256."),
    (JumpCloud, "Set Signature Algorithm to RSA-SHA256."),
    (AdFs, "In Properties, Advanced, of the relying party trust set Secure hash algorithm to SHA-256."),
    (Generic, "Let it sign with RSA or ECDSA and SHA-256 or better: SHA-1 is refused."),
];

const UNSIGNED: &[(Product, &str)] = &[
    (Okta, "Under Advanced set Response and Assertion Signature to Signed."),
    (EntraId, "Under SAML Certificates set Signing Option to Sign SAML response and assertion."),
    (Keycloak, "Switch Sign documents or Sign assertions of the client on."),
    (Authentik, "Switch Sign assertions on, and choose a Signing Certificate."),
    (OneLogin, "Set SAML signature element to Assertion, Response or Both."),
    (JumpCloud, "Let Sign say Assertion or Response."),
    (Generic, "Let it sign the assertion, the response or both."),
];

const CERTIFICATE: &[(Product, &str)] = &[
    (
        Okta,
        "Another certificate is active. Import View IdP metadata of the active one under Sign On, SAML Signing Certificates. If it encrypts, give it our metadata again.",
    ),
    (
        EntraId,
        "The certificate was changed. Download Federation Metadata XML and import it. If it encrypts, renew the certificate under Token encryption from our metadata.",
    ),
    (Google, "Another certificate is chosen under Service provider details. Download metadata and import it."),
    (
        Keycloak,
        "The realm's key was changed. Import SAML Metadata IDPSSODescriptor of Download adapter config. If Encrypt assertions is on, renew the key under Keys from our metadata.",
    ),
    (
        Authentik,
        "Signing Certificate was changed. Download Metadata of the provider and import it. If there is an Encryption Certificate, renew it from our metadata.",
    ),
    (OneLogin, "The certificate was changed. Import More Actions, SAML Metadata."),
    (JumpCloud, "The certificate was regenerated. Export Metadata and import it."),
    (AdFs, "The token-signing certificate was rolled over. Import FederationMetadata.xml again."),
    (
        Generic,
        "It signs with a certificate that is not in the imported metadata: import the metadata again. If it encrypts, give it our metadata again.",
    ),
];

const ENCRYPTION: &[(Product, &str)] = &[
    (
        Okta,
        "See Assertion Encryption: Encrypted with AES256-GCM, RSA-OAEP and the certificate of our metadata, or Unencrypted where that is allowed here.",
    ),
    (
        EntraId,
        "See Token encryption: import the certificate of our metadata and activate it, or remove it where assertions in the clear are allowed here.",
    ),
    (
        Keycloak,
        "See Encrypt assertions under Keys of the client: with the certificate of our metadata, or off where assertions in the clear are allowed here.",
    ),
    (
        Authentik,
        "See Encryption Certificate of the SAML provider: that of our metadata, or none where assertions in the clear are allowed here.",
    ),
    (
        OneLogin,
        "See Encrypt assertion under Configuration: with the certificate of our metadata, or off where assertions in the clear are allowed here.",
    ),
    (
        AdFs,
        "See Properties, Encryption, of the relying party trust: the certificate of our metadata, or none where assertions in the clear are allowed here.",
    ),
    (
        Generic,
        "Let it encrypt the whole assertion to the certificate of our metadata at {entity}, with AES-GCM and RSA-OAEP; or not at all, where that is allowed here.",
    ),
];

const NAME_ID: &[(Product, &str)] = &[
    (Okta, "Set Application username to Email, and fill in the address of that person."),
    (
        EntraId,
        "Under Attributes & Claims set Unique User Identifier (Name ID) to user.mail, and fill it in for that person.",
    ),
    (Google, "Set Name ID to Basic Information > Primary email and Name ID format to EMAIL."),
    (Keycloak, "Set Name ID format to email with Force name ID format on, or add the mapper X500 email."),
    (Authentik, "Set NameID Property Mapping to authentik default SAML Mapping: Email, or keep the mapping Email."),
    (OneLogin, "Under Parameters set NameID value to Email, and fill it in for that person."),
    (JumpCloud, "Set SAMLSubject NameID to email."),
    (
        AdFs,
        "Put the rule that sends E-Mail-Addresses before the one that makes Name ID of it, and fill in the address of that person.",
    ),
    (Generic, "Let it send the e-mail address as NameID, or a stable NameID and the address in an attribute email."),
];

const DOMAIN: &[(Product, &str)] = &[
    (Okta, "Set Application username to Email, or verify the domain of that address here."),
    (EntraId, "Set the claim to user.mail, or verify the domain here; guests have addresses of their own domain."),
    (Google, "The address is of a secondary domain: verify it here too."),
    (
        Generic,
        "Verify the domain of that address here, or let the identity provider send an address of a verified one.",
    ),
];

const SIGNED_IN: &[(Product, &str)] = &[
    (Keycloak, "Switch Include AuthnStatement of the client on."),
    (Generic, "Let it send an AuthnStatement with its AuthnInstant: that and when the person signed in."),
];

const ANEW: &[(Product, &str)] = &[(
    Generic,
    "It answered from an old session: let it heed ForceAuthn, or switch force_authn of this provider off here. If it heeds it, compare the clocks.",
)];

const CONTEXT: &[(Product, &str)] = &[(
    Generic,
    "It signed the person in in another way than authn_contexts of this provider name: let it ask for a stronger one, or set here the class that the response names.",
)];

const SESSION: &[(Product, &str)] = &[
    (
        Keycloak,
        "The session at Keycloak ended before the person came here: see the session settings of the realm and client.",
    ),
    (Authentik, "Make Session valid not on or after longer."),
    (Generic, "The session there had ended: make its lifetime (SessionNotOnOrAfter) longer, and compare the clocks."),
];

const REFUSED_THERE: &[(Product, &str)] = &[
    (Okta, "Okta refused: see Assignments of the application, and its System Log."),
    (EntraId, "Entra ID refused: see Users and groups of the application, and its sign-in logs."),
    (Google, "Google refused: see User access of the application."),
    (Keycloak, "Keycloak refused: see the events of the realm."),
    (Authentik, "authentik refused: see Policy / Group / User Bindings of the application."),
    (OneLogin, "OneLogin refused: see Access of the application."),
    (JumpCloud, "JumpCloud refused: see User Groups of the application."),
    (AdFs, "AD FS refused: see Event Viewer, AD FS, Admin, event 364, and the Access control policy."),
    (
        Generic,
        "The identity provider refused by itself: see its log, and whether the application is assigned to that person.",
    ),
];

const CLOCK: &[(Product, &str)] = &[
    (
        AdFs,
        "Compare the clocks of both machines (they may differ by 3 minutes), and set NotBeforeSkew of the relying party trust.",
    ),
    (
        Generic,
        "Compare the clocks: they may differ by 3 minutes, and a response may be 5 minutes old. Set up a time service on both machines.",
    ),
];

/// The first row that fits a check counts.
const ADVICE: &[Row] = &[
    (&["check.destination", "check.recipient"], ADDRESS),
    (&["check.audience"], AUDIENCE),
    (&["check.response-issuer", "check.assertion-issuer"], ISSUER),
    (&["check.in-response-to", "check.confirmation-in-response-to"], UNASKED),
    (&["gate.signature-algorithm", "gate.digest-algorithm"], ALGORITHM),
    (&["gate.unsigned"], UNSIGNED),
    (&["signature.invalid", "signature.no-certificate"], CERTIFICATE),
    (&["encryption", "gate.encrypted-assertion", "gate.encrypted-id"], ENCRYPTION),
    (&["check.name-id", "assertion.name-id", "user.no-email"], NAME_ID),
    (&["user.domain"], DOMAIN),
    (&["check.authn-statement"], SIGNED_IN),
    (&["check.force-authn"], ANEW),
    (&["check.authn-context"], CONTEXT),
    (&["check.session-expired"], SESSION),
    (&["gate.no-assertion", "check.status"], REFUSED_THERE),
    (
        &[
            "check.response-issue-instant",
            "check.assertion-issue-instant",
            "check.confirmation-expired",
            "check.expired",
            "check.not-yet-valid",
            "check.authn-instant",
        ],
        CLOCK,
    ),
    (
        &["flow.provider-changed"],
        &[(Generic, "The settings here were changed while the person signed in: begin again.")],
    ),
    (
        &["flow.provider-expired"],
        &[
            (
                Google,
                "The imported metadata has ended: rotate the certificate at Google, Download metadata, and import it.",
            ),
            (Generic, "The validUntil of the imported metadata has passed: export it again and import it."),
        ],
    ),
    (
        &["flow", "replay"],
        &[(Generic, "The response was used before, or sessions were ended meanwhile: begin again at {login}.")],
    ),
    (
        &["user.owner"],
        &[(Generic, "Let an owner or operator import the metadata here: owners sign in by no other provider.")],
    ),
    (&["user.not-active"], &[(Generic, "Reactivate that person here under Users, or where they are provisioned.")]),
    (&["user.gone"], &[(Generic, "Invite or provision that person here again.")]),
    (
        &["user.unknown"],
        &[(Generic, "Invite or provision that person first, or switch just_in_time_users on in the policy.")],
    ),
    (
        &["user.not-linked"],
        &[(
            Generic,
            "That person is here, and this provider links nobody by their address: switch link_existing of it on here.",
        )],
    ),
    (
        &["user.ambiguous"],
        &[(
            Generic,
            "Several users here have that e-mail address: give all but one another, or let the NameID be a user name.",
        )],
    ),
    (&["user.no-access-group"], &[(Generic, "Put that person into a group that gives access here.")]),
    (&["user.race"], &[(Generic, "Try again: the same person signed in twice at once.")]),
    (
        &["signature.disagreement"],
        &[(
            Generic,
            "One of the two verifiers accepts the response and the other doesn't. Tell us, with this outline.",
        )],
    ),
    (
        &["signature", "gate", "assertion", "check"],
        &[(
            Generic,
            "The message is not as the standard has it. See whether a proxy or an extension changes it on the way.",
        )],
    ),
];

/// What to do about a failed check, by its whole name; one or two sentences. `None` for a check that no row knows.
pub fn advice(check: &str, product: Product, ours: &Ours<'_>) -> Option<String> {
    let room = check.split('.').next().unwrap_or(check);
    let (_, texts) = ADVICE.iter().find(|(checks, _)| checks.iter().any(|known| *known == check || *known == room))?;
    let of = |wanted: Product| texts.iter().find(|(product, _)| *product == wanted).map(|(_, text)| *text);
    let text = of(product).or_else(|| of(Generic))?;
    Some(text.replace("{acs}", ours.acs_url).replace("{entity}", ours.entity_id).replace("{login}", ours.login_url))
}
