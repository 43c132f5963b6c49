//! The identity provider of the workspace, as the Security page and the overview show it.

use super::saml_provider::url_of;
use crate::base::clock::UnixMillis;
use crate::console::overview::SamlNotice;
use crate::console::parts::{Badge, CopyField, Count, Moment, Tone};
use crate::console::sso::{CertificateRow, IdentityProvider, OwnCertificates};
use crate::error::Result;
use crate::saml::configure::{self, ServiceProvider};
use crate::saml::{certificate, certificate_watch};
use crate::web::authenticate::Caller;

const DAY_MS: i64 = 24 * 60 * 60 * 1000;
/// From here on a certificate is said to end soon.
const SOON_MS: i64 = 30 * DAY_MS;

/// What there is to show.
pub struct Shown {
    /// The provider, if one is switched on and its metadata can be read.
    pub provider: Option<IdentityProvider>,
    pub state: Badge,
    /// One sentence without its stop.
    pub detail: String,
}

/// Whether a provider is switched on.
pub async fn is_configured(caller: &Caller) -> Result<bool> {
    let stored = configure::find(&caller.app, &caller.facts.workspace.id).await?;
    Ok(stored.is_some_and(|stored| stored.enabled))
}

/// The provider of the caller's workspace.
pub async fn load(caller: &Caller) -> Result<Shown> {
    let stored = configure::find(&caller.app, &caller.facts.workspace.id).await?;
    let Some(stored) = stored.filter(|stored| stored.enabled) else {
        return Ok(Shown {
            provider: None,
            state: badge(Tone::Neutral, "Off"),
            detail: "People sign in with passwords".into(),
        });
    };
    let now = caller.app.clock.now();
    let Ok(parsed) = configure::parse(&caller.app, &stored.metadata) else {
        let detail = format!("The metadata of {} ran out: import it anew", stored.entity_id);
        return Ok(Shown { provider: None, state: badge(Tone::Danger, "Metadata expired"), detail });
    };
    let certificates: Vec<_> = parsed.certificates.iter().map(|der| certificate::shown(der)).collect();
    let last_end = certificates.iter().filter_map(|certificate| certificate.not_after).max();
    let detail = match last_end {
        Some(end) => format!("{}, certificate until {}", parsed.entity_id, Moment::from_millis(end).text),
        None => parsed.entity_id.clone(),
    };
    let provider = IdentityProvider {
        id: stored.id.to_string(),
        version: stored.version,
        url: url_of(&stored),
        name: stored.name,
        sso_url: parsed.sso_redirect_url.or(parsed.sso_post_url).unwrap_or_default(),
        entity_id: parsed.entity_id,
        certificates: certificates.into_iter().map(|certificate| row(certificate, now)).collect(),
    };
    let state = if caller.facts.policy.saml_allowed {
        state_until(last_end, now)
    } else {
        badge(Tone::Warning, "Not allowed by the policy")
    };
    Ok(Shown { provider: Some(provider), state, detail })
}

/// What administrators should know of their identity providers.
pub async fn notices(caller: &Caller) -> Result<Vec<SamlNotice>> {
    let found = certificate_watch::notices(&caller.app, &caller.facts.workspace.id).await?;
    let shown = found.into_iter().map(|notice| SamlNotice {
        tone: match notice.kind {
            "certificate_expired" | "metadata_unusable" => Tone::Danger,
            "metadata_roll_over" => Tone::Info,
            _ => Tone::Warning,
        },
        text: notice.text,
    });
    Ok(shown.collect())
}

/// What an identity provider's administrator enters about us.
pub fn service_provider(caller: &Caller) -> Vec<CopyField> {
    let us = ServiceProvider::of(&caller.app, &caller.facts.workspace.slug);
    let field = |id: &str, label: &str, value: String| CopyField { id: id.into(), label: label.into(), value };
    vec![
        field("sp_entity_id", "Entity ID (audience)", us.entity_id.clone()),
        field("sp_acs_url", "ACS URL (reply URL)", us.acs_url),
        field("sp_metadata_url", "Metadata URL", us.entity_id),
        field("sp_login_url", "Sign-in URL", us.login_url),
    ]
}

/// Where our certificates are, as files.
pub fn own_certificates(us: &ServiceProvider) -> OwnCertificates {
    OwnCertificates {
        signing_url: us.signing_certificate_url.clone(),
        encryption_url: us.encryption_certificate_url.clone(),
    }
}

/// Certificates in DER, as pages show them.
pub fn certificate_rows(certificates: &[Vec<u8>], now: UnixMillis) -> Vec<CertificateRow> {
    certificates.iter().map(|der| row(certificate::shown(der), now)).collect()
}

fn row(certificate: certificate::Shown, now: UnixMillis) -> CertificateRow {
    let unknown = || Moment { iso: String::new(), text: "not known".to_owned() };
    CertificateRow {
        state: certificate_state(certificate.not_after, now),
        not_after: certificate.not_after.map_or_else(unknown, Moment::from_millis),
        subject: certificate.subject,
        sha256: certificate.sha256,
    }
}

fn certificate_state(not_after: Option<UnixMillis>, now: UnixMillis) -> Badge {
    match not_after.map(|end| end - now) {
        Some(left) if left < 0 => badge(Tone::Danger, "Expired"),
        Some(left) if left < SOON_MS => {
            let days = Count::of(left / DAY_MS, "day", "days");
            Badge { tone: Tone::Warning, text: format!("Expires in {}", days.phrase) }
        }
        _ => badge(Tone::Success, "Valid"),
    }
}

/// A provider that renews its key has two certificates for a while: the one that ends last counts.
fn state_until(last_end: Option<UnixMillis>, now: UnixMillis) -> Badge {
    match last_end.map(|end| end - now) {
        Some(left) if left < 0 => badge(Tone::Warning, "Certificate expired"),
        Some(left) if left < SOON_MS => badge(Tone::Warning, "Certificate expires soon"),
        _ => badge(Tone::Success, "On"),
    }
}

fn badge(tone: Tone, text: &str) -> Badge {
    Badge { tone, text: text.to_owned() }
}
