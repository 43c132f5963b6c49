//! How the consequences of a change look in JSON.

use poem_openapi::Object;
use serde::Serialize;

use super::affected::Cause;
use super::consequences::{Consequences, WouldEnd};
use crate::sessions::model::Named;

/// A person in a sample.
#[derive(Serialize, Object)]
pub(super) struct SamplePersonView {
    id: String,
    user_name: String,
    display_name: String,
}

/// Sessions that would end.
#[derive(Serialize, Object)]
pub(super) struct WouldEndView {
    sessions: i64,
    /// Of how many people.
    users: i64,
    /// Whether counting stopped early: then there are at least so many.
    more: bool,
    /// The first of the people by name, 20 at the most.
    sample: Vec<SamplePersonView>,
}

/// People who can sign in now, and couldn't any more.
#[derive(Serialize, Object)]
pub(super) struct CannotSignInView {
    users: i64,
    /// Whether counting stopped early: then there are at least so many.
    more: bool,
    /// The first of them by name, 20 at the most.
    sample: Vec<SamplePersonView>,
}

/// What a change of an identity provider would do, for each choice of `sessions`. The caller's own session is spared.
#[derive(Serialize, Object)]
pub(super) struct SamlConsequencesView {
    /// What would be done: the request's `sessions`, else the policy's `on_saml_change`.
    sessions: String,
    /// Why sessions are affected: `deleted`, `disabled`, `entity_id`, `certificates`, `mapping`, `enforcement`; none: none are.
    affected_because: Vec<String>,
    keep: WouldEndView,
    log_out_affected: WouldEndView,
    log_all_users_out: WouldEndView,
    /// Active people who would have no way to sign in any more.
    cannot_sign_in: CannotSignInView,
}

impl From<Consequences> for SamlConsequencesView {
    fn from(found: Consequences) -> Self {
        Self {
            sessions: found.chosen.as_str().to_owned(),
            affected_because: found.because.into_iter().map(Cause::as_str).map(str::to_owned).collect(),
            keep: WouldEndView::from(WouldEnd::default()),
            log_out_affected: found.affected.into(),
            log_all_users_out: found.everybody.into(),
            cannot_sign_in: CannotSignInView {
                users: found.cannot_sign_in,
                more: found.cannot_sign_in_more,
                sample: people(found.cannot_sign_in_sample),
            },
        }
    }
}

impl From<WouldEnd> for WouldEndView {
    fn from(found: WouldEnd) -> Self {
        let WouldEnd { count, sample } = found;
        Self { sessions: count.sessions, users: count.users, more: count.more, sample: people(sample) }
    }
}

fn people(sample: Vec<Named>) -> Vec<SamplePersonView> {
    let shown = |person: Named| SamplePersonView {
        id: person.id.to_string(),
        user_name: person.user_name,
        display_name: person.display_name,
    };
    sample.into_iter().map(shown).collect()
}
