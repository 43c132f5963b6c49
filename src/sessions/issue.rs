//! Issuing a session, in the transaction of the sign-in that earned it. The stamps are those read when the sign-in began.
//!
//! No stamp of a session can tell whether it belonged to a selection that was revoked while its sign-in was under way: nobody
//! knows what to match before there is a session. So a sign-in that a revocation of a selection overtook ends in none.

use super::model::Session;
use super::selection;
use super::store::{self, NewSession};
use crate::actor::Origin;
use crate::app::App;
use crate::base::clock::UnixMillis;
use crate::base::ids::{SessionId, UserId, WorkspaceId};
use crate::base::secret::{Secret, SecretKind};
use crate::base::text::clipped;
use crate::db::Write;
use crate::error::{Error, FORBIDDEN, Result};
use crate::policy::model::Method;

/// The epochs as they were when a sign-in began. A session carries them for ever: one that raced with a revocation is born dead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamps {
    pub workspace_epoch: i64,
    pub user_epoch: i64,
}

/// The right to issue a session in this transaction.
#[derive(Clone, Copy, Debug)]
pub struct Held {
    workspace_epoch: i64,
}

impl Held {
    /// The workspace's epoch, which nobody raises until the transaction ends.
    pub fn workspace_epoch(&self) -> i64 {
        self.workspace_epoch
    }
}

/// Keeps revocations of selections away until the transaction ends: each is wholly before it, or finds the session that is
/// issued in it. `None` if one was carried out since the sign-in began, which the head `began` tells: then it begins again.
///
/// Call it before the transaction locks the head or the audit log, which a revocation locks after the workspace.
pub async fn hold(tx: &mut Write, workspace: &WorkspaceId, began: i64) -> Result<Option<Held>> {
    let (newest, workspace_epoch) = selection::store::hold(tx, workspace).await?;
    Ok((newest <= began).then_some(Held { workspace_epoch }))
}

/// What a sign-in knows of the session it earned.
pub struct Earned<'a> {
    pub held: Held,
    pub workspace: &'a WorkspaceId,
    pub user: &'a UserId,
    pub method: Method,
    pub stamps: Stamps,
    pub origin: &'a Origin,
    /// SAML: entity id of the identity provider, NameID, SessionIndex, SessionNotOnOrAfter.
    pub provider: Option<&'a str>,
    pub subject: Option<&'a str>,
    pub session_index: Option<&'a str>,
    /// SAML: what else was said of the NameID, as JSON (`saml/name_id.rs`).
    pub name_id_form: Option<&'a str>,
    pub not_after: Option<UnixMillis>,
    /// When the person proved who they are, if that was not just now: SAML's AuthnInstant.
    pub signed_in_at: Option<UnixMillis>,
}

/// Writes a new session and gives its token, which nobody can ask for again.
///
/// # Errors
/// 403 if none of the groups that let people in has this user. One who leaves the last of them while this goes on loses the
/// epoch with it, as with any loss of access.
pub async fn issue(tx: &mut Write, app: &App, earned: &Earned<'_>) -> Result<(Session, Secret)> {
    let now = app.clock.now();
    let token = Secret::generate(SecretKind::Session, app.random.as_ref());
    let ip = earned.origin.ip_text();
    let session = Session {
        id: SessionId::generate(now, app.random.as_ref()),
        workspace: earned.workspace.clone(),
        user: earned.user.clone(),
        method: earned.method,
        workspace_epoch: earned.stamps.workspace_epoch,
        user_epoch: earned.stamps.user_epoch,
        created_at: now,
        signed_in_at: earned.signed_in_at.map_or(now, |at| at.min(now)),
        last_seen_at: now,
        not_after: earned.not_after,
        last_ip: ip.clone(),
        ip,
        user_agent: clipped(&earned.origin.user_agent, 300),
        ended_at: None,
        end_cause: None,
    };
    let new = NewSession {
        session: &session,
        token: &token.hash(),
        provider: earned.provider,
        subject: earned.subject,
        session_index: earned.session_index,
        name_id_form: earned.name_id_form,
    };
    match store::insert(tx, &new).await? {
        true => Ok((session, token)),
        false => Err(Error::new(FORBIDDEN, "you are in none of the groups that give access here")),
    }
}
