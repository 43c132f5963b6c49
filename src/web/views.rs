//! How sessions, people and receipts look in JSON: shapes that several rooms answer with.

use poem_openapi::Object;
use serde::Serialize;

use crate::base::clock::rfc3339;
use crate::base::ids::SessionId;
use crate::sessions::model::{Count, Facts, Receipt};

/// One signed-in browser or client.
#[derive(Clone, Debug, Object, Serialize)]
pub struct SessionView {
    pub id: String,
    pub user_id: String,
    /// `password`, `saml` or `setup`.
    pub method: String,
    pub created_at: String,
    /// When the person proved last who they are.
    pub signed_in_at: String,
    pub last_seen_at: String,
    /// When it ends, whatever happens.
    pub expires_at: String,
    /// When it ends if it is not used.
    pub idle_expires_at: String,
    /// Address it was last used from.
    pub ip: String,
    pub user_agent: String,
    /// Whether it is the caller's own.
    pub current: bool,
}

/// A person.
#[derive(Clone, Debug, Object, Serialize)]
pub struct HolderView {
    pub id: String,
    pub user_name: String,
    pub email: String,
    pub display_name: String,
    /// `owner`, `admin` or `member`.
    pub role: String,
    /// `invited`, `active`, `suspended` or `deprovisioned`.
    pub state: String,
    /// Who keeps the record: `local`, `scim` or `saml`.
    pub source: String,
}

/// A tenant.
#[derive(Clone, Debug, Object, Serialize)]
pub struct TenantView {
    pub id: String,
    pub slug: String,
    pub name: String,
}

/// A session with its person and workspace.
#[derive(Clone, Debug, Object, Serialize)]
pub struct WhoView {
    pub session: SessionView,
    pub user: HolderView,
    pub workspace: TenantView,
}

/// A session in a list.
#[derive(Clone, Debug, Object, Serialize)]
pub struct ListedSession {
    #[oai(flatten)]
    #[serde(flatten)]
    pub session: SessionView,
    pub user: HolderView,
}

/// A page of sessions, newest first.
#[derive(Clone, Debug, Object, Serialize)]
pub struct SessionPage {
    pub items: Vec<ListedSession>,
    /// Send it as `after` for the next page; absent on the last.
    pub next: Option<String>,
}

/// Which replicas had applied a revocation when it was acknowledged.
#[derive(Clone, Debug, Object, Serialize)]
pub struct ReplicasView {
    pub applied: Vec<String>,
    pub fenced: Vec<String>,
}

/// Proof of a revocation.
#[derive(Clone, Debug, Object, Serialize)]
pub struct ReceiptView {
    /// Number of this revocation in the installation.
    pub sequence: i64,
    /// The epoch that holds since; 0 for a single session or a selection.
    pub epoch: i64,
    /// `workspace`, `user`, `session` or `selection`.
    pub scope: String,
    pub trigger: String,
    pub reason: String,
    /// Sessions that ended.
    pub sessions: i64,
    /// Users they belonged to.
    pub users: i64,
    /// Whether counting stopped early, so that the answer doesn't wait for it: then there were at least so many.
    pub more: bool,
    /// API keys that were revoked with them.
    pub api_keys: i64,
    pub spared_session: Option<String>,
    pub replicas: ReplicasView,
    pub revoked_at: String,
    pub duration_ms: f64,
    /// The receipt as a compact JWS, for whoever wants to prove it; null if nothing could be signed at that moment.
    pub jws: Option<String>,
}

impl From<Receipt> for ReceiptView {
    fn from(receipt: Receipt) -> Self {
        let Count { sessions, users, more } = receipt.ended;
        Self {
            sequence: receipt.sequence,
            epoch: receipt.epoch,
            scope: receipt.scope.into(),
            trigger: receipt.trigger.as_str().into(),
            reason: receipt.reason,
            sessions,
            users,
            more,
            api_keys: receipt.api_keys,
            spared_session: receipt.spared_session.map(|id| id.to_string()),
            replicas: ReplicasView { applied: receipt.replicas.applied, fenced: receipt.replicas.fenced },
            revoked_at: receipt.revoked_at,
            duration_ms: receipt.duration_ms,
            jws: receipt.jws,
        }
    }
}

/// A session as `caller` sees it.
pub fn session_view(facts: &Facts, current: Option<&SessionId>) -> SessionView {
    let session = &facts.session;
    SessionView {
        id: session.id.to_string(),
        user_id: session.user.to_string(),
        method: session.method.as_str().into(),
        created_at: rfc3339(session.created_at),
        signed_in_at: rfc3339(session.signed_in_at),
        last_seen_at: rfc3339(session.last_seen_at),
        expires_at: rfc3339(session.expires_at(&facts.policy)),
        idle_expires_at: rfc3339(session.idle_expires_at(&facts.policy)),
        ip: session.last_ip.clone(),
        user_agent: session.user_agent.clone(),
        current: current == Some(&session.id),
    }
}

/// The person of a session.
pub fn holder_view(facts: &Facts) -> HolderView {
    let user = &facts.user;
    HolderView {
        id: user.id.to_string(),
        user_name: user.user_name.clone(),
        email: user.email.clone(),
        display_name: user.display_name.clone(),
        role: user.role.as_str().into(),
        state: user.state.as_str().into(),
        source: user.source.clone(),
    }
}

/// A session, its person and its workspace.
pub fn who(facts: &Facts, current: Option<&SessionId>) -> WhoView {
    let workspace = &facts.workspace;
    WhoView {
        session: session_view(facts, current),
        user: holder_view(facts),
        workspace: TenantView {
            id: workspace.id.to_string(),
            slug: workspace.slug.clone(),
            name: workspace.name.clone(),
        },
    }
}
