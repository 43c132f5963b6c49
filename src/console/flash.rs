//! What just happened, told once on the next page. It travels in a cookie that lives for a minute and holds one of the
//! codes below, never text: nobody can put words of their own on our pages.

use poem::Request;

use super::Flash;
use super::parts::Tone;
use crate::app::App;
use crate::web::authenticate::{cookie, timed_cookie};

/// Something that a page tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    SessionEnded,
    SessionWasGone,
    SelectionEnded,
    UserLoggedOut,
    UserSuspended,
    UserReactivated,
    PolicySaved,
    AllowlistSaved,
    SamlSaved,
    TokenRevoked,
    DeprovisioningApproved,
    DomainAdded,
    DomainVerified,
    DomainRemoved,
    ProviderAdded,
    ProviderSaved,
    ProviderSwitchedOn,
    ProviderSwitchedOff,
    ProviderDeleted,
    SetupLinkRevoked,
}

const CODES: [(Told, &str, Tone, &str); 20] = [
    (Told::SessionEnded, "session-ended", Tone::Success, "The session was logged out. It is refused from now on."),
    (Told::SessionWasGone, "session-was-gone", Tone::Info, "That session had ended already."),
    (
        Told::SelectionEnded,
        "selection-ended",
        Tone::Success,
        "The sessions that matched were ended. They are refused from now on.",
    ),
    (Told::UserLoggedOut, "user-logged-out", Tone::Success, "All sessions of this user were logged out."),
    (
        Told::UserSuspended,
        "user-suspended",
        Tone::Success,
        "The user was suspended, and their sessions were logged out.",
    ),
    (
        Told::UserReactivated,
        "user-reactivated",
        Tone::Success,
        "The user may sign in again. Sessions of before stay ended.",
    ),
    (
        Told::PolicySaved,
        "policy-saved",
        Tone::Success,
        "The session policy was saved. It holds for every session from its next request on.",
    ),
    (Told::AllowlistSaved, "allowlist-saved", Tone::Success, "The IP allowlist was saved. It holds from now on."),
    (
        Told::SamlSaved,
        "saml-saved",
        Tone::Success,
        "The identity provider was saved. Test it in a private window before you close this one.",
    ),
    (Told::TokenRevoked, "token-revoked", Tone::Success, "The token was revoked. It is refused from now on."),
    (
        Told::DeprovisioningApproved,
        "deprovisioning-approved",
        Tone::Success,
        "Approved for an hour. What was held happens when the identity provider sends it again, or start it there.",
    ),
    (
        Told::DomainAdded,
        "domain-added",
        Tone::Info,
        "The domain was added. It counts once its TXT record is there and you have verified it.",
    ),
    (Told::DomainVerified, "domain-verified", Tone::Success, "The domain is verified: its people may sign in by SAML."),
    (Told::DomainRemoved, "domain-removed", Tone::Success, "The domain was removed. Sessions of its people stay."),
    (
        Told::ProviderAdded,
        "provider-added",
        Tone::Success,
        "The identity provider is here, switched off. Look at what was read, then go on below.",
    ),
    (Told::ProviderSaved, "provider-saved", Tone::Success, "The identity provider was saved. It holds from now on."),
    (Told::ProviderSwitchedOn, "provider-on", Tone::Success, "The identity provider is switched on."),
    (Told::ProviderSwitchedOff, "provider-off", Tone::Success, "The identity provider is switched off."),
    (Told::ProviderDeleted, "provider-deleted", Tone::Success, "The identity provider was deleted."),
    (
        Told::SetupLinkRevoked,
        "setup-link-revoked",
        Tone::Success,
        "The set-up link was revoked. Its browser is out, too.",
    ),
];

/// Before the milliseconds that logging all users out took.
const TOOK: &str = "took-";

fn cookie_name(app: &App) -> &'static str {
    if app.config.secure_cookies() { "__Host-curfew-flash" } else { "curfew-flash" }
}

fn set_cookie(app: &App, value: &str, seconds: i64) -> String {
    timed_cookie(app, cookie_name(app), value, seconds)
}

/// The `Set-Cookie` that tells the next page.
pub fn tell(app: &App, told: Told) -> String {
    let code = CODES.iter().find(|(known, ..)| *known == told).map_or("", |(_, code, ..)| *code);
    set_cookie(app, code, 60)
}

/// The `Set-Cookie` that tells the receipt how long the revocation took.
pub fn tell_duration(app: &App, duration_ms: f64) -> String {
    set_cookie(app, &format!("{TOOK}{:.0}", duration_ms.max(1.0)), 60)
}

/// The `Set-Cookie` that forgets what was told; `None` if there is nothing to forget.
pub fn forget(app: &App, request: &Request) -> Option<String> {
    read(app, request).map(|_| set_cookie(app, "", 0))
}

fn read<'a>(app: &App, request: &'a Request) -> Option<&'a str> {
    cookie(request.headers(), cookie_name(app)).ok().flatten()
}

/// The message for this page.
pub fn message(app: &App, request: &Request) -> Option<Flash> {
    let value = read(app, request)?;
    let (_, _, tone, text) = CODES.iter().find(|(_, code, ..)| *code == value)?;
    Some(Flash { tone: *tone, text: (*text).to_owned() })
}

/// How long the revocation took that this page shows the receipt of, in milliseconds.
pub fn duration_ms(app: &App, request: &Request) -> Option<u32> {
    read(app, request)?.strip_prefix(TOOK)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_code_is_its_own() {
        for (index, (told, code, ..)) in CODES.iter().enumerate() {
            assert!(code.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'));
            assert!(CODES.iter().skip(index + 1).all(|(other, twin, ..)| other != told && twin != code));
        }
    }
}
