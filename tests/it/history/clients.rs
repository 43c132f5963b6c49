//! The clients of a history: people who sign in, applications that ask, and administrators who end sessions. Each is a task
//! with its own luck, and goes on until the world stops.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::sleep;

use super::dice::Dice;
use super::plan::Plan;
use super::record::{Outcome, Verdict};
use super::single_use;
use super::wire::{Wire, once};
use super::world::{BOSS, Live, PATIENCE, World, outcome};
use super::{orders, record::SECOND};

/// An administrator signs in again before the sign-in is too old for what they do (ten minutes).
const RECENT: u64 = 4 * 60 * SECOND;

/// Lets everybody begin.
pub fn start(world: &Arc<World>, plan: &Plan) -> Vec<JoinHandle<()>> {
    let mut tasks = Vec::new();
    let mut number = 0;
    let mut dice = || {
        number += 1;
        Dice::new(plan.seed, number)
    };
    for replica in 0..world.ports.len() {
        for _ in 0..plan.askers {
            tasks.push(tokio::spawn(ask(world.clone(), replica, dice(), plan.asking_pause)));
        }
    }
    for _ in 0..plan.people {
        tasks.push(tokio::spawn(sign_in(world.clone(), dice(), plan.sign_in_pause)));
    }
    for administrator in 1..=world.administrators {
        tasks.push(tokio::spawn(administrate(world.clone(), administrator, dice(), plan.revoking_pause)));
    }
    tasks.push(tokio::spawn(log_everybody_out(world.clone(), dice(), plan.everybody_pause)));
    tasks.push(tokio::spawn(provision(world.clone(), dice(), plan.provisioning_pause)));
    tasks.push(tokio::spawn(single_use::sign_in_twice(world.clone(), dice(), plan.single_use_pause)));
    tasks
}

/// A pause of around so long.
pub async fn rest(dice: &mut Dice, pause: Duration) {
    let around = u64::try_from(pause.as_micros()).unwrap_or_default();
    sleep(Duration::from_micros(dice.between(around / 2, around * 3 / 2 + 1))).await;
}

async fn ask(world: Arc<World>, replica: usize, mut dice: Dice, pause: Duration) {
    let mut wire = Wire::to(world.ports[replica]);
    while !world.is_over() {
        let verdict = match world.any_session(&mut dice) {
            Some(live) => world.check(&mut wire, replica, &live).await,
            None => Verdict::Silent,
        };
        match verdict {
            // It has enough to do without us.
            Verdict::Silent | Verdict::Unavailable => sleep(Duration::from_millis(15)).await,
            _ => rest(&mut dice, pause).await,
        }
    }
}

async fn sign_in(world: Arc<World>, mut dice: Dice, pause: Duration) {
    while !world.is_over() {
        let user = dice.below(world.people.len());
        world.sign_in(world.any_replica(&mut dice), user).await;
        rest(&mut dice, pause).await;
    }
}

/// Somebody whose session may be ended by others, and who then signs in again.
struct Caller {
    user: usize,
    session: Option<(Live, u64)>,
}

impl Caller {
    fn new(user: usize) -> Self {
        Self { user, session: None }
    }

    async fn session(&mut self, world: &World, dice: &mut Dice) -> Option<Live> {
        let now = world.recorder.now();
        if self.session.as_ref().is_none_or(|(_, since)| now > since + RECENT) {
            let live = world.sign_in(world.any_replica(dice), self.user).await;
            self.session = live.map(|live| (live, now));
        }
        self.session.as_ref().map(|(live, _)| live.clone())
    }

    // Refused, whatever the reason: with a new session it may go better.
    fn heard(&mut self, outcome: Outcome) {
        if outcome == Outcome::Refused {
            self.session = None;
        }
    }
}

async fn administrate(world: Arc<World>, user: usize, mut dice: Dice, pause: Duration) {
    let mut caller = Caller::new(user);
    while !world.is_over() {
        if let Some(session) = caller.session(&world, &mut dice).await
            && let Some(target) = world.any_session(&mut dice)
        {
            let replica = world.any_replica(&mut dice);
            let order = match dice.below(10) {
                0..=2 if target.user != user && (BOSS + 1..world.people.len()).contains(&target.user) => {
                    orders::log_user_out(&world, &session, target.user)
                }
                3..=4 if target.session != session.session => orders::log_out(&target),
                _ if target.session != session.session && !target.id.is_empty() => {
                    orders::end_session(&session, &target)
                }
                _ => orders::log_out(&session),
            };
            let (outcome, _) = world.revoke(replica, &order).await;
            caller.heard(outcome);
            if order.scope == super::record::Scope::Session(session.session) {
                caller.session = None;
            }
        }
        rest(&mut dice, pause).await;
    }
}

async fn log_everybody_out(world: Arc<World>, mut dice: Dice, pause: Duration) {
    let mut caller = Caller::new(BOSS);
    rest(&mut dice, pause).await;
    while !world.is_over() {
        if let Some(session) = caller.session(&world, &mut dice).await {
            let order = match dice.below(4) {
                0 => orders::change_allowlist(&session),
                _ => orders::log_all_users_out(&session),
            };
            let (outcome, _) = world.revoke(world.any_replica(&mut dice), &order).await;
            caller.heard(outcome);
        }
        rest(&mut dice, pause).await;
    }
}

/// The identity provider takes members' access away and gives it back, one at a time.
async fn provision(world: Arc<World>, mut dice: Dice, pause: Duration) {
    let members: Vec<usize> = (world.administrators + 1..world.people.len()).collect();
    let mut certain = vec![true; world.people.len()];
    while !world.is_over() {
        rest(&mut dice, pause).await;
        let user = *dice.pick(&members);
        let order = orders::deactivate(&world, user, certain[user]);
        let (outcome, _) = world.revoke(world.any_replica(&mut dice), &order).await;
        // What is under way may still come after the way back: then nobody knows any more.
        certain[user] &= outcome == Outcome::Done;
        certain[user] &= give_back(&world, &mut dice, user).await == Outcome::Done;
    }
}

async fn give_back(world: &World, dice: &mut Dice, user: usize) -> Outcome {
    let mut heard = Outcome::Unknown;
    for _ in 0..4 {
        let replica = world.any_replica(dice);
        let answer = once(world.ports[replica], &orders::set_active(world, user, true), PATIENCE).await;
        heard = outcome(answer.as_ref());
        if heard == Outcome::Done || world.is_over() {
            break;
        }
        sleep(Duration::from_millis(300)).await;
    }
    heard
}
