//! What a change of an identity provider does to sessions, and to people who want to come back: carried out in the transaction
//! of the change, or counted beforehand.

use serde_json::{Value, json};

use super::affected::{Cause, Reach, Required, affected, required_domains};
use super::configure::Change;
use super::provider::{StoredProvider, begins_to_vouch};
use super::provider_store as store;
use super::settings::ProviderSettings;
use super::ways_in::{changed, ways_in};
use crate::actor::Actor;
use crate::app::App;
use crate::base::ids::{ProviderId, WorkspaceId};
use crate::db::{Read, Write};
use crate::error::Result;
use crate::policy::model::OnChange;
use crate::policy::{rules, store as policies};
use crate::sessions::model::{Count, Named, Scope, Trigger};
use crate::sessions::revoke::{self, Order, Revoked};
use crate::sessions::seen;
use crate::sessions::selection::{COUNT_LIMIT, Selection, store as selections};
use crate::users::ways_store;
use crate::workspaces::store as workspaces;

/// People who are named in advance, at the most.
pub const SAMPLE: i64 = 20;

/// A provider before and after a change; `None`: it is not there.
#[derive(Clone, Copy, Debug)]
pub struct Step<'a> {
    pub before: Option<&'a StoredProvider>,
    pub after: Option<&'a StoredProvider>,
}

/// What was done with the sessions.
pub struct Outcome {
    pub revoked: Option<Revoked>,
    /// For the audit log.
    pub details: Value,
}

/// Ends the sessions that the request says, or else the policy, within the transaction of the change. The workspace is locked,
/// and sign-ins are kept away from it (`revoke::hold_sign_ins`).
///
/// # Errors
/// 401 `session-ended` if the caller's own session, which is spared, has ended meanwhile.
pub async fn carry_out(
    tx: &mut Write,
    app: &App,
    actor: &Actor,
    change: &Change<'_>,
    step: Step<'_>,
    reason: &str,
) -> Result<Outcome> {
    let policy = policies::load(tx, change.workspace).await?;
    let chosen = rules::on_change(change.sessions, policy.on_saml_change);
    let reach = reach(tx, change.workspace, step).await?;
    let spare = actor.session.clone();
    let scope = match chosen {
        OnChange::LogAllUsersOut => Some(Scope::Workspace { spare, include_api_keys: false }),
        OnChange::LogOutAffected if !reach.affected.is_nothing() => {
            Some(Scope::Selection { selection: Selection::of_change(reach.affected.clone()), spare })
        }
        OnChange::LogOutAffected | OnChange::Keep => None,
    };
    let mut details = json!({"sessions": chosen.as_str()});
    if !reach.because.is_empty() {
        details["affected_because"] = words(&reach.because);
    }
    let Some(scope) = scope else { return Ok(Outcome { revoked: None, details }) };
    let trigger = Trigger::SamlChange;
    let order = Order { workspace: change.workspace, scope, trigger, reason, target_label: change.label };
    let revoked = revoke::revoke(tx, app, actor, &order).await?;
    let receipt = revoked.receipt();
    details["revocation"] = json!({
        "sequence": receipt.sequence,
        "scope": receipt.scope,
        "sessions": receipt.ended.sessions,
        "users": receipt.ended.users,
        "more": receipt.ended.more,
    });
    Ok(Outcome { revoked: Some(revoked), details })
}

fn words(because: &[Cause]) -> Value {
    because.iter().map(|cause| cause.as_str()).collect()
}

/// Whose sessions a change affects, whether it is written already or not.
async fn reach(db: &mut Read, workspace: &WorkspaceId, step: Step<'_>) -> Result<Reach> {
    let is_other = |id: &ProviderId| [step.before, step.after].into_iter().flatten().all(|own| own.id != *id);
    let in_force = store::list_settings(db, workspace).await?;
    let others: Vec<ProviderSettings> =
        in_force.into_iter().filter(|(id, ..)| is_other(id)).map(|(_, _, settings)| settings).collect();
    let verified = workspaces::list_verified(db, workspace).await?;
    let domains = |own: Option<&StoredProvider>| {
        let own = own.filter(|own| own.enabled).map(|own| &own.settings);
        required_domains(others.iter().chain(own), &verified)
    };
    Ok(affected(step.before, step.after, &Required { before: domains(step.before), after: domains(step.after) }))
}

/// Whose sessions a choice would end.
#[derive(Clone, Debug, Default)]
pub struct WouldEnd {
    pub count: Count,
    /// The first of them by name.
    pub sample: Vec<Named>,
}

/// What a change would do, for each choice of what becomes of sessions. To keep them ends none.
#[derive(Clone, Debug)]
pub struct Consequences {
    /// What would be done: as the request says, or else the policy.
    pub chosen: OnChange,
    /// Why some are affected.
    pub because: Vec<Cause>,
    pub affected: WouldEnd,
    pub everybody: WouldEnd,
    /// Active users who can sign in now, and couldn't any more, counted up to `COUNT_LIMIT`.
    pub cannot_sign_in: i64,
    pub cannot_sign_in_more: bool,
    /// The first of them by name.
    pub cannot_sign_in_sample: Vec<Named>,
}

impl Consequences {
    /// Sessions that would end.
    pub fn would_end(&self) -> i64 {
        self.count().sessions
    }

    /// Sessions that would end, and of how many people.
    pub fn count(&self) -> Count {
        match self.chosen {
            OnChange::Keep => Count::default(),
            OnChange::LogOutAffected => self.affected.count,
            OnChange::LogAllUsersOut => self.everybody.count,
        }
    }
}

/// Counts what a change that is not made yet would do. Changes nothing.
pub async fn preview(app: &App, actor: &Actor, change: &Change<'_>, step: Step<'_>) -> Result<Consequences> {
    // What was used a moment ago, here, counts as used.
    seen::note(app).await;
    let workspace = change.workspace;
    let mut read = app.db.read().await?;
    let policy = policies::load(&mut read, workspace).await?;
    let Reach { because, affected } = reach(&mut read, workspace, step).await?;
    let affected = match affected.is_nothing() {
        true => WouldEnd::default(),
        false => would_end(&mut read, app, actor, workspace, &Selection::of_change(affected)).await?,
    };
    let everybody = would_end(&mut read, app, actor, workspace, &Selection::default()).await?;
    let (providers, verified) =
        (store::list(&mut read, workspace).await?, workspaces::list_verified(&mut read, workspace).await?);
    let ways = ways_in(&providers, &verified);
    let mut left = ways_in(&changed(&providers, step.before, step.after), &verified);
    if let Some(after) = step.after.filter(|after| begins_to_vouch(step.before, after)) {
        left.forget_provider(&after.entity_id);
    }
    let lost = ways_store::count_losers(&mut read, workspace, &ways, &left, COUNT_LIMIT + 1).await?;
    Ok(Consequences {
        chosen: rules::on_change(change.sessions, policy.on_saml_change),
        because,
        affected,
        everybody,
        cannot_sign_in: lost.min(COUNT_LIMIT),
        cannot_sign_in_more: lost > COUNT_LIMIT,
        cannot_sign_in_sample: ways_store::list_losers(&mut read, workspace, &ways, &left, SAMPLE).await?,
    })
}

async fn would_end(
    read: &mut Read,
    app: &App,
    actor: &Actor,
    workspace: &WorkspaceId,
    selection: &Selection,
) -> Result<WouldEnd> {
    let (spare, now) = (actor.session.as_ref(), app.clock.now());
    let count = selections::count(read, workspace, selection, spare, now).await?;
    let sample = selections::sample_people(read, workspace, selection, spare, now, SAMPLE).await?;
    Ok(WouldEnd { count, sample })
}
