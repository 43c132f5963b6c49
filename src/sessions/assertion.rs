//! Assertions: who a session speaks for, signed for one application, which verifies it by itself. It is good for 60 seconds,
//! whatever happens to the session: give one out only for a session that was judged a moment ago.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::principal::{Compact, Principal};
use crate::app::App;
use crate::base::clock::UnixMillis;
use crate::base::text::hex;
use crate::error::Result;
use crate::signing;
use crate::signing::assertion::{Claims, LIFETIME_SECONDS, TYPE, is_fresh, names, require_audience};

/// Assertions that are remembered at the most.
const REMEMBERED: usize = 10_000;

/// A signed assertion.
#[derive(Clone, Debug)]
pub struct Assertion {
    /// A compact JWS.
    pub text: String,
    pub expires_at: UnixMillis,
}

/// Assertions of the last seconds, by session and audience: a browser asks for many things at once.
#[derive(Default)]
pub struct Assertions {
    known: Mutex<HashMap<(Compact, String), Known>>,
}

struct Known {
    assertion: Assertion,
    issued_at: UnixMillis,
    /// What the principal was read at: another number may mean another role.
    loaded_seq: i64,
    signed_in_at: UnixMillis,
}

impl Known {
    fn holds(&self, principal: &Principal, now: UnixMillis) -> bool {
        self.loaded_seq == principal.loaded_seq && self.signed_in_at == principal.signed_in_at && self.is_fresh(now)
    }

    fn is_fresh(&self, now: UnixMillis) -> bool {
        is_fresh(self.issued_at, self.assertion.expires_at, now)
    }
}

impl Assertions {
    fn find(&self, key: &(Compact, String), principal: &Principal, now: UnixMillis) -> Option<Assertion> {
        self.held().get(key).filter(|known| known.holds(principal, now)).map(|known| known.assertion.clone())
    }

    fn remember(&self, key: (Compact, String), known: Known, now: UnixMillis) {
        let mut all = self.held();
        if all.len() >= REMEMBERED {
            all.retain(|_, known| known.is_fresh(now));
        }
        if all.len() >= REMEMBERED {
            all.clear();
        }
        all.insert(key, known);
    }

    fn held(&self) -> MutexGuard<'_, HashMap<(Compact, String), Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A new assertion about a principal that was judged a moment ago.
///
/// # Errors
/// 400 naming `audience` unless it has 1 to 255 visible ASCII characters; 503 if there is no key to sign with.
pub async fn issue(app: &App, principal: &Principal, audience: &str) -> Result<Assertion> {
    require_audience(audience)?;
    issue_at(app, principal, audience, app.clock.now()).await
}

/// The assertion for the header of forward auth: one that is at most 20 seconds old, and good for 40 more.
///
/// # Errors
/// As `issue`.
pub async fn for_principal(app: &App, principal: &Principal, audience: &str) -> Result<String> {
    require_audience(audience)?;
    let now = app.clock.now();
    let key = (principal.session, audience.to_owned());
    if let Some(known) = app.assertions.find(&key, principal, now) {
        return Ok(known.text);
    }
    let assertion = issue_at(app, principal, audience, now).await?;
    let text = assertion.text.clone();
    let (loaded_seq, signed_in_at) = (principal.loaded_seq, principal.signed_in_at);
    app.assertions.remember(key, Known { assertion, issued_at: now, loaded_seq, signed_in_at }, now);
    Ok(text)
}

async fn issue_at(app: &App, principal: &Principal, audience: &str, now: UnixMillis) -> Result<Assertion> {
    let (iat, email) = (now / 1000, principal.email());
    let exp = iat + LIFETIME_SECONDS;
    let claims = Claims {
        iss: &app.config.public_url,
        aud: audience,
        sub: principal.user_id(),
        sid: &principal.session.text(),
        email: (!email.is_empty()).then_some(email),
        workspace: principal.workspace_slug(),
        role: principal.role().as_str(),
        groups: names(principal.groups()),
        auth_time: principal.signed_in_at / 1000,
        iat,
        exp,
        jti: &unique(app),
    };
    let text = signing::sign(app, TYPE, &claims).await?;
    Ok(Assertion { text, expires_at: exp * 1000 })
}

fn unique(app: &App) -> String {
    let mut bytes = [0; 16];
    app.random.fill(&mut bytes);
    hex(&bytes)
}
