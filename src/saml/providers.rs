//! The identity providers of a workspace: listed, made, changed, switched off, deleted; each change in one transaction with what
//! it does to sessions.

use serde_json::{Value, json};

use super::configure::{self, Change};
use super::consequences::Step;
use super::identity_provider::IdentityProvider;
use super::metadata_source::{Source, obtain};
use super::provider::{Outline, StoredProvider, begins_to_vouch, changed};
use super::sealed::EncryptedAssertions;
use super::wanted::{Given, Wanted, Which, is_same, require_distinct, require_owner_for_roles, require_verified};
use super::{
    certificate, encryption_keys, enforcement, metadata_refresh, provider_store as store, setup_links, signing_keys,
};
use crate::actor::Actor;
use crate::app::App;
use crate::base::clock::UnixMillis;
use crate::base::ids::{ProviderId, WorkspaceId};
use crate::db::{Read, Write};
use crate::error::{CONFLICT, Error, NOT_FOUND, PRECONDITION_FAILED, Result, WOULD_LOCK_OUT_CALLER};
use crate::policy::model::Method;
use crate::sessions::model::{Facts, Receipt};
use crate::sessions::revoke::{self, Revoked};
use crate::sessions::seen;
use crate::transact;
use crate::users::store as users;
use crate::workspaces::store as workspaces;

/// Providers of a workspace at the most.
pub const MOST_PROVIDERS: usize = 20;

/// A provider after a change of it, and the receipt if sessions were ended with it.
pub struct Saved {
    /// As it was; `None`: it is new.
    pub before: Option<StoredProvider>,
    pub provider: StoredProvider,
    pub receipt: Option<Receipt>,
}

/// The providers of a workspace, the oldest first.
pub async fn list(app: &App, workspace: &WorkspaceId) -> Result<Vec<StoredProvider>> {
    store::list(&mut app.db.read().await?, workspace).await
}

/// What tells them apart, the oldest first.
pub async fn outlines(app: &App, workspace: &WorkspaceId) -> Result<Vec<Outline>> {
    store::list_outlines(&mut app.db.read().await?, workspace).await
}

/// # Errors
/// 404 if there is none with this id.
pub async fn load(app: &App, workspace: &WorkspaceId, id: &str) -> Result<StoredProvider> {
    let found = store::find(&mut app.db.read().await?, workspace, &ProviderId::from_text(id)).await?;
    found.ok_or_else(|| Error::not_found("identity provider"))
}

/// Makes or changes a provider. `caller`: the session that asks, if one does. A change that leaves everything as it is changes
/// nothing, logs nobody out and is not noted, unless metadata is imported.
///
/// # Errors
/// 400 naming the setting; 403 naming `roles`; 404; 409 for an entity id or a name that is there, for one provider too many,
/// naming `provider` if one that was not named would be replaced, naming `enforcement`, if metadata is being fetched for this
/// workspace, and if the caller would switch off what they signed in by; 412 for another version; 422 naming `metadata_xml`,
/// `metadata_url` or `domains`; 503 if too much metadata is being fetched.
pub async fn save(
    app: &App,
    actor: &Actor,
    caller: Option<&Facts>,
    change: &Change<'_>,
    wanted: &Wanted<'_>,
) -> Result<Saved> {
    // Before anything is locked: the other side may take its time.
    let source = obtain(app, change.workspace, wanted).await?;
    let wanted = &Source::given(source.as_ref(), wanted);
    let parsed = source.as_ref().map(|source| &source.provider);
    if change.encrypted_assertions == Some(EncryptedAssertions::Required) {
        // Before anything is refused for want of it: there is a key to encrypt to.
        encryption_keys::published(app, change.workspace).await?;
    }
    let wants_signatures = parsed.is_some_and(|parsed| parsed.want_signed_requests);
    if wants_signatures || wanted.settings.sign_requests == Some(true) {
        // Before a request must be signed: there is a key, which metadata shows.
        signing_keys::published(app, change.workspace).await?;
    }
    let id = ProviderId::generate(app.clock.now(), app.random.as_ref());
    // What was used a moment ago, here, counts as used.
    seen::note(app).await;
    let (before, provider, revoked) = transact!(app.db, |tx| {
        lock(tx, change.workspace).await?;
        let given = given(&id, app.clock.now(), change, parsed);
        let plan = plan(tx, change.workspace, wanted, &given).await?;
        Source::require_newest(source.as_ref(), plan.before.as_ref(), &plan.after)?;
        let by = caller.map(|caller| &caller.user.id);
        enforcement::require_ready(tx, change.workspace, plan.before.as_ref(), &plan.after, by, given.now).await?;
        match &plan.before {
            Some(before) if is_same(before, &plan.after) && !wanted.is_import() => {
                let after = left_as_it_is(tx, app, change.workspace, before, source.as_ref()).await?;
                Ok((plan.before, after, None))
            }
            _ => {
                let revoked = write(tx, app, actor, caller, change, &plan, source.as_ref()).await?;
                Ok((plan.before, plan.after, revoked))
            }
        }
    })?;
    Ok(Saved { before, provider, receipt: revoke::acknowledge_some(app, revoked).await? })
}

/// What a change of nothing leaves: that its metadata was fetched, if it was.
async fn left_as_it_is(
    tx: &mut Write,
    app: &App,
    workspace: &WorkspaceId,
    before: &StoredProvider,
    source: Option<&Source>,
) -> Result<StoredProvider> {
    match source.and_then(|source| source.document.as_deref()) {
        Some(document) => metadata_refresh::remember_same(tx, app, workspace, before, document).await,
        None => Ok(before.clone()),
    }
}

/// Switches a provider off.
///
/// # Errors
/// 404 if it isn't on; 409 naming `provider` if none is named and several are on, and if the caller signed in by it, or by SAML
/// and it is the last.
pub async fn disable(
    app: &App,
    actor: &Actor,
    caller: Option<&Facts>,
    change: &Change<'_>,
    which: Which<'_>,
) -> Result<Option<Receipt>> {
    let wanted = Wanted { enabled: Some(false), ..Wanted::of(which) };
    let id = ProviderId::generate(app.clock.now(), app.random.as_ref());
    seen::note(app).await;
    let revoked = transact!(app.db, |tx| {
        lock(tx, change.workspace).await?;
        require_on(&wanted, &store::list_outlines(tx, change.workspace).await?)?;
        let plan = plan(tx, change.workspace, &wanted, &given(&id, app.clock.now(), change, None)).await?;
        write(tx, app, actor, caller, change, &plan, None).await
    })?;
    revoke::acknowledge_some(app, revoked).await
}

/// Deletes a provider. Whom it vouched for keeps their account. If one with its entity id comes back, they are known again: by its
/// identifiers, or, if an owner stands behind the new one, by their address.
///
/// # Errors
/// 404; 412 for another version; 409 as for `disable`.
pub async fn delete(
    app: &App,
    actor: &Actor,
    caller: Option<&Facts>,
    change: &Change<'_>,
    id: &str,
    if_version: Option<i64>,
) -> Result<Option<Receipt>> {
    let wanted = Wanted { if_version, ..Wanted::of(Which::Id(id)) };
    seen::note(app).await;
    let revoked = transact!(app.db, |tx| {
        lock(tx, change.workspace).await?;
        let before = deletable(tx, caller, change.workspace, &wanted).await?;
        if store::delete(tx, change.workspace, &before.id, before.version).await? == 0 {
            return Err(overtaken());
        }
        let details = json!({"provider": named(&before), "entity_id": before.entity_id});
        let step = Step { before: Some(&before), after: None };
        configure::finish(tx, app, actor, change, step, "security.saml_deleted", details).await
    })?;
    revoke::acknowledge_some(app, revoked).await
}

/// Sign-ins that are ending, then the workspace: in the order of every revocation, and of the end of a sign-in.
async fn lock(tx: &mut Write, workspace: &WorkspaceId) -> Result<()> {
    revoke::hold_sign_ins(tx, workspace).await?;
    workspaces::lock(tx, workspace).await
}

/// The provider that is meant is on. Without a name only one is meant: asked a second time, the next one would be.
pub(super) fn require_on(wanted: &Wanted<'_>, known: &[Outline]) -> Result<()> {
    if wanted.which == Which::Default && known.iter().filter(|provider| provider.enabled).count() > 1 {
        let text = "several identity providers are on: name the one to switch off";
        return Err(Error::new(CONFLICT, text).with_field("provider"));
    }
    let missing = || Error::new(NOT_FOUND, "no identity provider is switched on");
    wanted.target(known, None)?.filter(|provider| provider.enabled).map(|_| ()).ok_or_else(missing)
}

/// The provider that may be deleted.
pub(super) async fn deletable(
    db: &mut Read,
    caller: Option<&Facts>,
    workspace: &WorkspaceId,
    wanted: &Wanted<'_>,
) -> Result<StoredProvider> {
    let known = store::list_outlines(db, workspace).await?;
    let missing = || Error::not_found("identity provider");
    let before = find_before(db, workspace, wanted, &known, None).await?.ok_or_else(missing)?;
    require_other_way(db, caller, workspace, &before).await?;
    Ok(before)
}

pub(super) fn given<'a>(
    id: &'a ProviderId,
    now: UnixMillis,
    change: &Change<'_>,
    parsed: Option<&'a IdentityProvider>,
) -> Given<'a> {
    Given {
        id,
        now,
        entity_id: parsed.map(|parsed| parsed.entity_id.as_str()),
        by_owner: change.by_owner,
        encrypted_assertions: change.encrypted_assertions,
    }
}

/// A provider before and after a change that may be made.
pub(super) struct Plan {
    pub before: Option<StoredProvider>,
    pub after: StoredProvider,
}

impl Plan {
    pub fn step(&self) -> Step<'_> {
        Step { before: self.before.as_ref(), after: Some(&self.after) }
    }
}

pub(super) async fn plan(
    db: &mut Read,
    workspace: &WorkspaceId,
    wanted: &Wanted<'_>,
    given: &Given<'_>,
) -> Result<Plan> {
    let known = store::list_outlines(db, workspace).await?;
    let before = find_before(db, workspace, wanted, &known, given.entity_id).await?;
    if before.is_none() && known.len() >= MOST_PROVIDERS {
        let text = format!("a workspace has at most {MOST_PROVIDERS} identity providers");
        return Err(Error::new(CONFLICT, text));
    }
    let after = wanted.applied(before.as_ref(), given)?;
    require_distinct(&after, &known)?;
    require_owner_for_roles(before.as_ref(), &after, given.by_owner)?;
    if before.as_ref().is_none_or(|before| before.settings.domains != after.settings.domains) {
        let verified = workspaces::list_verified(db, workspace).await?;
        require_verified(&after.settings.domains, &verified)?;
    }
    Ok(Plan { before, after })
}

/// The provider that is to be changed, in the version that is meant; `None`: it is to be made.
async fn find_before(
    db: &mut Read,
    workspace: &WorkspaceId,
    wanted: &Wanted<'_>,
    known: &[Outline],
    entity_id: Option<&str>,
) -> Result<Option<StoredProvider>> {
    let Some(target) = wanted.target(known, entity_id)? else {
        // Whoever has a version has seen one, which is gone.
        return if wanted.if_version.is_some() { Err(overtaken()) } else { Ok(None) };
    };
    let before = store::find(db, workspace, &target.id).await?;
    let other = |before: &StoredProvider| wanted.if_version.is_some_and(|version| version != before.version);
    if before.as_ref().is_some_and(other) {
        return Err(overtaken());
    }
    Ok(before)
}

fn overtaken() -> Error {
    Error::new(PRECONDITION_FAILED, "the identity provider was changed since you read it")
}

async fn write(
    tx: &mut Write,
    app: &App,
    actor: &Actor,
    caller: Option<&Facts>,
    change: &Change<'_>,
    plan: &Plan,
    source: Option<&Source>,
) -> Result<Option<Revoked>> {
    let after = &plan.after;
    setup_links::admit_change(tx, app, actor, change.workspace, plan.before.as_ref(), after).await?;
    if let Some(source) = source {
        metadata_refresh::remember(tx, app, change.workspace, after, source.document.as_deref()).await?;
    }
    let mut action = "security.saml_changed";
    match &plan.before {
        None => store::insert(tx, change.workspace, after).await?,
        Some(before) => {
            if before.enabled && !after.enabled {
                action = "security.saml_disabled";
                require_other_way(tx, caller, change.workspace, before).await?;
            }
            if store::update(tx, change.workspace, after, before.version).await? == 0 {
                return Err(overtaken());
            }
        }
    }
    let mut details = details(plan, source.map(|source| &source.provider));
    if begins_to_vouch(plan.before.as_ref(), after) {
        // They are linked anew by their address.
        details["links_dropped"] = users::unlink_identities(tx, change.workspace, &after.entity_id).await?.into();
    }
    configure::finish(tx, app, actor, change, plan.step(), action, details).await
}

/// What the audit log says of it.
fn details(plan: &Plan, parsed: Option<&IdentityProvider>) -> Value {
    let mut details = json!({
        "provider": named(&plan.after),
        "entity_id": plan.after.entity_id,
        "created": plan.before.is_none(),
        "changed": changed(plan.before.as_ref(), &plan.after),
    });
    if let Some(parsed) = parsed {
        let fingerprints = parsed.certificates.iter().map(|der| certificate::fingerprint(der));
        details["certificates"] = fingerprints.collect();
    }
    details
}

fn named(provider: &StoredProvider) -> Value {
    json!({"id": provider.id.as_str(), "name": provider.name})
}

/// Whoever signed in by a provider doesn't switch it off, or the last one.
pub(super) async fn require_other_way(
    db: &mut Read,
    caller: Option<&Facts>,
    workspace: &WorkspaceId,
    provider: &StoredProvider,
) -> Result<()> {
    let Some(caller) = caller.filter(|caller| caller.session.method == Method::Saml) else { return Ok(()) };
    let known = store::list_outlines(db, workspace).await?;
    let is_last = !known.iter().any(|other| other.enabled && other.id != provider.id);
    let own = store::find_provider_of_session(db, workspace, &caller.session.id).await?;
    if provider.enabled && (is_last || own.as_ref() == Some(&provider.entity_id)) {
        let text = "you signed in with SAML: sign in with a password before you switch it off";
        return Err(Error::new(WOULD_LOCK_OUT_CALLER, text));
    }
    Ok(())
}
