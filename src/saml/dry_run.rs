//! Changes of identity providers that are judged and counted, and not made.

use super::configure::Change;
use super::consequences::{self, Consequences, Step};
use super::enforcement;
use super::metadata_source::{Source, obtain};
use super::provider::StoredProvider;
use super::providers::{deletable, given, outlines, plan, require_on, require_other_way};
use super::wanted::{Wanted, Which, is_same};
use crate::actor::Actor;
use crate::app::App;
use crate::base::ids::ProviderId;
use crate::error::Result;
use crate::policy::model::OnChange;
use crate::sessions::model::Facts;

/// A change that is not made.
pub struct Foreseen {
    /// The provider as it is; `None`: it would be new.
    pub before: Option<StoredProvider>,
    pub after: StoredProvider,
    pub consequences: Consequences,
}

/// What `providers::save` would make of it, and what that would do, without doing it.
///
/// # Errors
/// As `providers::save`.
pub async fn save(
    app: &App,
    actor: &Actor,
    caller: Option<&Facts>,
    change: &Change<'_>,
    wanted: &Wanted<'_>,
) -> Result<Foreseen> {
    let source = obtain(app, change.workspace, wanted).await?;
    let wanted = &Source::given(source.as_ref(), wanted);
    let id = ProviderId::generate(app.clock.now(), app.random.as_ref());
    let given = given(&id, app.clock.now(), change, source.as_ref().map(|source| &source.provider));
    let mut read = app.db.read().await?;
    let plan = plan(&mut read, change.workspace, wanted, &given).await?;
    if let Some(before) = plan.before.as_ref().filter(|before| before.enabled && !plan.after.enabled) {
        require_other_way(&mut read, caller, change.workspace, before).await?;
    }
    let by = caller.map(|caller| &caller.user.id);
    let now = app.clock.now();
    enforcement::require_ready(&mut read, change.workspace, plan.before.as_ref(), &plan.after, by, now).await?;
    drop(read);
    let mut found = consequences::preview(app, actor, change, plan.step()).await?;
    if plan.before.as_ref().is_some_and(|before| is_same(before, &plan.after)) && !wanted.is_import() {
        // It would be no change.
        found.chosen = OnChange::Keep;
    }
    Ok(Foreseen { before: plan.before, after: plan.after, consequences: found })
}

/// What `providers::disable` would do, without doing it.
///
/// # Errors
/// As `providers::disable`.
pub async fn disable(
    app: &App,
    actor: &Actor,
    caller: Option<&Facts>,
    change: &Change<'_>,
    which: Which<'_>,
) -> Result<Foreseen> {
    let wanted = Wanted { enabled: Some(false), ..Wanted::of(which) };
    let known = outlines(app, change.workspace).await?;
    require_on(&wanted, &known)?;
    save(app, actor, caller, change, &wanted).await
}

/// What `providers::delete` would do, without doing it.
///
/// # Errors
/// As `providers::delete`.
pub async fn delete(
    app: &App,
    actor: &Actor,
    caller: Option<&Facts>,
    change: &Change<'_>,
    id: &str,
    if_version: Option<i64>,
) -> Result<Consequences> {
    let wanted = Wanted { if_version, ..Wanted::of(Which::Id(id)) };
    let mut read = app.db.read().await?;
    let before = deletable(&mut read, caller, change.workspace, &wanted).await?;
    drop(read);
    consequences::preview(app, actor, change, Step { before: Some(&before), after: None }).await
}
