//! One member more in a large group, beside one member more in a small one.

use std::time::Duration;

use curfew::base::ids::GroupId;
use serde_json::{Value, json};

use super::scim::{Provider, Trial};
use super::statistics::{Rounds, grouped, median_seconds, shown};
use super::table::{Goal, Table};

/// Members in a round.
const MEMBERS: usize = 10;
const PAUSE: Duration = Duration::from_millis(20);

pub async fn measure(trial: &Trial<'_>, table: &mut Table) {
    let people = trial.people;
    let (mut provider, mut rounds) = (trial.provider().await, Rounds::default());
    // Who is in neither group.
    let mut strangers = (people.members..people.crowd.users).cycle();
    for _ in 0..trial.settings.rounds {
        let (mut few, mut many) = (Vec::new(), Vec::new());
        for user in strangers.by_ref().take(MEMBERS) {
            let user = people.crowd.user_id(user);
            few.push(come_and_go(&mut provider, &people.few, &user).await);
            many.push(come_and_go(&mut provider, &people.many, &user).await);
        }
        rounds.push(median_seconds(&few), median_seconds(&many));
    }
    let (reference, measured, spread) = rounds.medians();
    table.ratio(
        &format!("SCIM, one member more in a group of {}", grouped(people.members)),
        format!("in a group of 5: {}", shown(reference)),
        shown(measured),
        measured / reference,
        &spread,
        Goal::AtMost(2.0),
    );
}

/// Adds a member and takes them out again, so that the group stays as large as it was; gives how long adding took.
async fn come_and_go(provider: &mut Provider, group: &GroupId, user: &str) -> Duration {
    let add = json!({"op": "add", "path": "members", "value": [{"value": user}]});
    let took = change(provider, group, &add).await;
    tokio::time::sleep(PAUSE).await;
    change(provider, group, &json!({"op": "remove", "path": format!("members[value eq \"{user}\"]")})).await;
    tokio::time::sleep(PAUSE).await;
    took
}

async fn change(provider: &mut Provider, group: &GroupId, operation: &Value) -> Duration {
    let path = format!("/Groups/{group}?excludedAttributes=members");
    let patch = json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": [operation]});
    provider.ask("PATCH", &path, &patch.to_string(), 200).await
}
