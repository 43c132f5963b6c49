//! The recorded corpus through the whole consumer service: who is signed in by a response, and what a refused one is told.

use std::collections::BTreeMap;
use std::sync::Arc;

use curfew::saml::{gate, sealed};

use crate::support::Database;
use crate::support::consumer::{Consumer, Outcome};
use crate::support::corpus::{Case, Corpus};

/// Encrypted to the key of the corpus, which this server doesn't have: each is refused, for whatever reason.
fn is_encrypted(value: &str) -> bool {
    sealed::may_be_sealed(&gate::decode(value).unwrap_or_default())
}

/// A refusal is a 4xx that sets no session; of what was too large the body alone is judged.
#[track_caller]
fn refused(outcome: &Outcome, case: &Case) {
    let (reply, name, why) = (&outcome.reply, &case.name, &case.why);
    assert!((400..500).contains(&reply.status), "{name} ({why}): {} {}", reply.status, reply.text);
    assert!(outcome.token.is_none(), "{name} ({why}) sets a session");
    assert!(reply.text.len() < 16 * 1024, "{name}: a refusal repeats what was sent");
}

#[track_caller]
fn leads_home(outcome: &Outcome, case: &Case) {
    let location = outcome.reply.header("location").unwrap_or_default();
    let local = location.starts_with('/') && !location.starts_with("//") && !location.contains('\\');
    assert!(local, "{} leads to {location:?}", case.name);
}

async fn judge(consumer: &mut Consumer, corpus: &Corpus, case: &Case) {
    consumer.trust(case.provider.as_deref()).await;
    let value = corpus.form_value(case);
    if case.entry["recipe"].is_object() {
        // It is made of another case, whose assertion was used.
        consumer.app.sql("DELETE FROM saml_replay").await;
    }
    let outcome = consumer.post(&value, case.entry["relay"].as_str().unwrap_or_default()).await;
    if is_encrypted(&value) || (case.verdict().is_some() && !case.is_good()) {
        return refused(&outcome, case);
    }
    consumer.forget();
    let later = case.refused_by.as_deref().filter(|check| check.starts_with("user."));
    if let Some(check) = later {
        refused(&outcome, case);
        assert_eq!(consumer.newest_refusal().await, check, "{}", case.name);
        return;
    }
    let (name, status) = (&case.name, outcome.reply.status);
    let Some(token) = &outcome.token else {
        let check = consumer.newest_refusal().await;
        panic!("{name} ({}) is refused: {status} {check}", case.why)
    };
    assert_eq!(consumer.whose(token).await, corpus.setting("user"), "{}", case.name);
    leads_home(&outcome, case);
}

/// All of it on SQLite; on PostgreSQL, where nothing but the writing is different, one in eight, and all that get so far.
fn chosen(corpus: &Corpus, database: Database) -> Vec<&Case> {
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    let mut chosen: Vec<&Case> = Vec::new();
    for case in &corpus.cases {
        let of_family = seen.entry(case.family.as_str()).or_default();
        *of_family += 1;
        if database == Database::Sqlite || case.verdict().is_none() || *of_family % 8 == 1 {
            chosen.push(case);
        }
    }
    // One change of the provider for all its responses.
    chosen.sort_by(|one, other| one.provider.cmp(&other.provider));
    chosen
}

on_both_databases! {
    async fn every_recorded_response_is_answered(database: Database) {
        let corpus = Arc::new(Corpus::recorded());
        let mut consumer = Consumer::start(database, corpus.clone()).await;
        for case in chosen(&corpus, database) {
            judge(&mut consumer, &corpus, case).await;
        }
        let victims = consumer.app.all_items(&consumer.owner, "/api/v1/users").await;
        let victim = corpus.setting("victim");
        assert!(victims.iter().all(|user| user["email"] != victim), "a response made the victim's account");
    }

    /// The same response again, and its assertion in another envelope.
    async fn a_recorded_response_is_used_once(database: Database) {
        let corpus = Arc::new(Corpus::recorded());
        let mut consumer = Consumer::start(database, corpus.clone()).await;
        consumer.trust(None).await;
        let value = corpus.form_value(corpus.case("valid-sign-assertion"));
        assert!(consumer.post(&value, "").await.token.is_some());
        assert!(consumer.post(&value, "").await.token.is_none(), "in a sign-in of its own");
        assert_eq!(consumer.newest_refusal().await, "replay");
    }
}
