//! Pure: the checks of a sign-in in their order, numbered, and what became of each: passed, failed or not reached.
//!
//! The verdict is the first that failed. What follows it and doesn't depend on it is judged all the same, so that an
//! administrator sees everything that is wrong at once. `assertion.rs` judges those that are called `check.…`.

use super::refusal::Refusal;

/// One check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// The check of a [`Refusal`]; or what stands before the dot, of all refusals that begin so.
    pub name: &'static str,
    /// What is so if it passed: a sentence without its stop.
    pub title: &'static str,
    /// Where it is demanded.
    pub source: &'static str,
}

const fn step(name: &'static str, title: &'static str, source: &'static str) -> Step {
    Step { name, title, source }
}

/// Every check; its number is its place, counted from 1. Nothing is judged before the first five have passed.
pub const STEPS: [Step; 32] = [
    step("flow", "This browser began the sign-in, and it is still open", "Profiles §4.1.4.3"),
    step("gate", "The message has the one form that is understood", "Bindings §3.5.4"),
    step("encryption", "It is encrypted as the settings want, or in the clear where that is allowed", "Core §2.3.4"),
    step("signature", "A certificate of the identity provider verifies every signature", "Profiles §4.1.4.3"),
    step("assertion", "The assertion can be read in one way only", "Core §2.3.3"),
    step("check.response-version", "The response is SAML 2.0", "Core §3.2.2"),
    step("check.assertion-version", "The assertion is SAML 2.0", "Core §2.3.3"),
    step("check.status", "The status is Success", "Core §3.2.2.2"),
    step("check.destination", "Destination is our ACS URL", "Bindings §3.5.5.2"),
    step(
        "check.response-issuer",
        "The response was issued by the identity provider that was asked",
        "Profiles §4.1.4.2",
    ),
    step(
        "check.assertion-issuer",
        "The assertion was issued by the identity provider that was asked",
        "Profiles §4.1.4.2",
    ),
    step("check.in-response-to", "The response answers our request", "Profiles §4.1.4.3"),
    step("check.response-issue-instant", "The response was issued just now", "Core §3.2.2"),
    step("check.assertion-issue-instant", "The assertion was issued just now", "Core §2.3.3"),
    step("check.bearer", "There is a bearer confirmation", "Profiles §4.1.4.2"),
    step("check.recipient", "Its Recipient is our ACS URL", "Profiles §4.1.4.3"),
    step("check.confirmation-in-response-to", "It answers our request", "Profiles §4.1.4.3"),
    step("check.confirmation-not-before", "It has no NotBefore", "Profiles §4.1.4.2"),
    step("check.confirmation-expired", "Its NotOnOrAfter has not passed", "Profiles §4.1.4.3"),
    step("check.conditions", "There are conditions", "Profiles §4.1.4.2"),
    step("check.expired", "Their NotOnOrAfter has not passed", "Core §2.5.1.2"),
    step("check.not-yet-valid", "Their NotBefore has passed", "Core §2.5.1.2"),
    step("check.period", "Their NotBefore is before their NotOnOrAfter", "Core §2.5.1.2"),
    step("check.audience", "Every audience restriction names our entity id", "Core §2.5.1.4"),
    step("check.authn-statement", "It says that the person signed in", "Profiles §4.1.4.2"),
    step("check.authn-instant", "The person signed in before now", "Core §2.7.2"),
    step("check.force-authn", "If the request asked for a proof anew, the person signed in after it", "Core §3.4.1"),
    step("check.authn-context", "The person signed in in one of the ways that were asked for", "Core §3.3.2.2.1"),
    step("check.session-expired", "The person's session there goes on", "Profiles §4.1.4.3"),
    step("check.name-id", "There is a NameID that can be used", "Core §8.3"),
    step("replay", "The assertion was not used before", "Profiles §4.1.4.5"),
    step("user", "This person may sign in here", "settings of the workspace"),
];

/// What became of one check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    Passed,
    Failed(Refusal),
    NotReached,
}

/// What became of every check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checklist {
    /// One for each of [`STEPS`].
    outcomes: Vec<Outcome>,
}

impl Default for Checklist {
    /// Nothing was reached yet.
    fn default() -> Self {
        Self { outcomes: vec![Outcome::NotReached; STEPS.len()] }
    }
}

impl Checklist {
    /// Notes the result of the check that is called so; an error is what was wrong.
    ///
    /// # Panics
    /// If none is: a check that nobody counts must not pass. Whoever judges responses takes it for a refusal (`pool.rs`).
    pub fn note(&mut self, check: &'static str, result: Result<(), String>) {
        let place = place(check).expect("what is judged is one of the steps");
        self.outcomes[place] = match result {
            Ok(()) => Outcome::Passed,
            Err(detail) => Outcome::Failed(Refusal::new(check, detail)),
        };
    }

    /// The way has come to this check: those before it that were not judged have passed.
    pub fn reach(&mut self, check: &str) {
        let before = place(check).unwrap_or_default();
        for outcome in &mut self.outcomes[..before] {
            if *outcome == Outcome::NotReached {
                *outcome = Outcome::Passed;
            }
        }
    }

    /// The way ended at the check of this refusal.
    pub fn refuse(&mut self, refusal: Refusal) {
        self.reach(refusal.check);
        if let Some(place) = place(refusal.check) {
            self.outcomes[place] = Outcome::Failed(refusal);
        }
    }

    /// The way was gone to its end: everything that was not judged has passed.
    pub fn complete(&mut self) {
        for outcome in self.outcomes.iter_mut().filter(|outcome| **outcome == Outcome::NotReached) {
            *outcome = Outcome::Passed;
        }
    }

    /// The first check that failed; if none did, the first required one that was not judged.
    pub fn verdict(&self) -> Result<(), Refusal> {
        let failed = self.outcomes.iter().find_map(|outcome| match outcome {
            Outcome::Failed(refusal) => Some(refusal.clone()),
            Outcome::Passed | Outcome::NotReached => None,
        });
        let forgotten = || {
            let left = |(step, outcome): &(&Step, &Outcome)| {
                step.name.starts_with("check.") && **outcome == Outcome::NotReached
            };
            self.steps().find(left).map(|(step, _)| Refusal::new(step.name, "this check was not judged"))
        };
        failed.or_else(forgotten).map_or(Ok(()), Err)
    }

    /// Every check with what became of it, in order.
    pub fn steps(&self) -> impl Iterator<Item = (&'static Step, &Outcome)> {
        STEPS.iter().zip(&self.outcomes)
    }
}

/// The check that a name belongs to.
pub fn step_of(check: &str) -> Option<&'static Step> {
    place(check).map(|place| &STEPS[place])
}

fn place(check: &str) -> Option<usize> {
    let room = check.split('.').next().unwrap_or(check);
    STEPS.iter().position(|step| step.name == check || step.name == room)
}
