//! After a fault has healed: every replica answers, and all say the same of every session, within five seconds. The other
//! clients go on meanwhile, so two answers may differ because something happened between them; they don't differ for long.

use std::time::{Duration, Instant};

use futures_util::future::join_all;

use super::record::{Discord, Outcome, Revocation, SECOND, Scope, Verdict};
use super::wire::Wire;
use super::world::{Live, World};

/// How long it may take.
const WITHIN: Duration = Duration::from_secs(5);
/// How often whoever still differs is asked once more, one session at a time.
const TRIES: usize = 4;
/// Unknown outcomes of the last so long are looked at.
const RECENT: u64 = 30 * SECOND;

/// Waits until all agree; writes down what they don't agree on.
pub async fn reached(world: &World) -> bool {
    let began = Instant::now();
    let mut open = world.known();
    let unsettled = unsettled(world);
    // What nobody knows the end of comes first.
    open.sort_by_key(|live| !unsettled.iter().any(|revocation| may_end(revocation, live)));
    let mut wires: Vec<Wire> = world.ports.iter().map(|port| Wire::to(*port)).collect();
    loop {
        let said = ask_all(world, &mut wires, &open).await;
        let mut differ = Vec::new();
        for (index, live) in open.into_iter().enumerate() {
            let verdicts: Vec<Verdict> = said.iter().map(|verdicts| verdicts[index]).collect();
            if !agree(&verdicts) {
                differ.push((live, verdicts));
            }
        }
        if differ.is_empty() {
            return true;
        }
        if began.elapsed() > WITHIN {
            let still = at_once(world, &mut wires, differ).await;
            let agreed = still.is_empty();
            note(world, still);
            return agreed;
        }
        open = differ.into_iter().map(|(live, _)| live).collect();
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// What differs although all are asked at the same moment, each time. A long list takes a while to ask about, and what was
/// ended meanwhile was denied by the slower ones only.
async fn at_once(world: &World, wires: &mut [Wire], differ: Vec<(Live, Vec<Verdict>)>) -> Vec<(Live, Vec<Verdict>)> {
    let mut still = Vec::new();
    for (live, mut verdicts) in differ {
        for _ in 0..TRIES {
            let one = std::slice::from_ref(&live);
            verdicts = ask_all(world, wires, one).await.into_iter().flatten().collect();
            if agree(&verdicts) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        if !agree(&verdicts) {
            still.push((live, verdicts));
        }
    }
    still
}

fn agree(verdicts: &[Verdict]) -> bool {
    [Verdict::Accepted, Verdict::Denied].iter().any(|one| verdicts.iter().all(|verdict| verdict == one))
}

/// What each replica says of each session. One that can't answer is not asked about the rest.
async fn ask_all(world: &World, wires: &mut [Wire], open: &[Live]) -> Vec<Vec<Verdict>> {
    let asking = wires.iter_mut().enumerate().map(|(replica, wire)| async move {
        let mut verdicts = Vec::with_capacity(open.len());
        for live in open {
            let verdict = world.check(wire, replica, live).await;
            verdicts.push(verdict);
            if matches!(verdict, Verdict::Silent | Verdict::Unavailable) {
                break;
            }
        }
        verdicts.resize(open.len(), Verdict::Silent);
        verdicts
    });
    join_all(asking).await
}

fn unsettled(world: &World) -> Vec<Revocation> {
    let now = world.recorder.now();
    let history = world.recorder.history();
    let recent = history.revocations.iter().rev().take_while(|revocation| revocation.returned + RECENT > now);
    recent.filter(|revocation| revocation.outcome == Outcome::Unknown).cloned().collect()
}

fn may_end(revocation: &Revocation, live: &Live) -> bool {
    match revocation.scope {
        Scope::Session(session) => session == live.session,
        Scope::User(user) => user == live.user,
        Scope::Workspace | Scope::Everything => revocation.spared != Some(live.session),
    }
}

fn note(world: &World, differ: Vec<(Live, Vec<Verdict>)>) {
    let at = world.recorder.now();
    let discords = differ.into_iter().map(|(live, verdicts)| Discord { session: live.session, verdicts, at });
    // One tells as much as a hundred.
    world.recorder.history().discords.extend(discords.take(5));
}
