//! Mutants of good SAML responses through the whole sign-in: who comes in is who an original says, and nothing is a fault of ours.
//! Many more of them, without a server: `tests/fuzz`.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use curfew::saml::{gate, sealed};

use crate::history::dice::{self, Dice};
use crate::scim_bad_input::plan::say;
use crate::support::consumer::Consumer;
use crate::support::corpus::Corpus;
use crate::support::{Database, true_now};

#[path = "../fuzz/mutate/mod.rs"]
mod mutate;

/// Mutants on each database.
const MUTANTS: u64 = 250;

fn seed() -> u64 {
    let chosen = std::env::var("CURFEW_FUZZ_SEED").ok().and_then(|text| text.parse().ok());
    chosen.unwrap_or_else(|| u64::try_from(true_now()).unwrap_or_default() % 1_000_000_000)
}

/// The good responses of the made-up provider that are not encrypted.
fn originals(corpus: &Corpus) -> Vec<String> {
    let good = corpus.cases.iter().filter(|case| case.is_good() && case.provider.is_none());
    let texts = good.map(|case| {
        let xml = gate::decode(&corpus.form_value(case)).expect("a good response is base64");
        String::from_utf8(xml).expect("a good response is UTF-8")
    });
    texts.filter(|text| !sealed::may_be_sealed(text.as_bytes())).collect()
}

on_both_databases! {
    async fn mutants_sign_nobody_else_in(database: Database) {
        let corpus = Arc::new(Corpus::recorded());
        let originals = originals(&corpus);
        let mut consumer = Consumer::start(database, corpus.clone()).await;
        consumer.trust(None).await;
        let seed = seed();
        say(&format!("saml fuzz: {MUTANTS} sign-ins on {database:?}; again with CURFEW_FUZZ_SEED={seed}"));
        let mut accepted = 0;
        for number in 0..MUTANTS {
            let mut dice = Dice::new(seed, number);
            let (base, other) = (dice.pick(&originals), dice.pick(&originals));
            let mutant = mutate::mutant(&mut dice, base, other);
            consumer.forget();
            let outcome = consumer.post(&STANDARD.encode(&mutant.octets), "").await;
            let (status, text) = (outcome.reply.status, &outcome.reply.text);
            let what = format!("seed {seed}, mutant {number}, {:?}: {status} {text}", mutant.changes);
            match &outcome.token {
                Some(token) => {
                    accepted += 1;
                    assert_eq!(consumer.whose(token).await, corpus.setting("user"), "{what}");
                }
                None => assert!((400..500).contains(&status), "{what}"),
            }
        }
        say(&format!("saml fuzz: {accepted} of {MUTANTS} accepted on {database:?}"));
        let users = consumer.app.all_items(&consumer.owner, "/api/v1/users").await;
        assert!(users.iter().all(|user| user["email"] != corpus.setting("victim")), "somebody else was made");
    }
}
