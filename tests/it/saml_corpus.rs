//! The way of a SAML response from form value to identity, over the recorded corpus in fixtures/saml, with the clock standing
//! where the corpus was made: what must come of each response, and what it may cost.

use std::collections::BTreeSet;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use curfew::saml::{gate, judge, time, verify};
use rustix::time::{ClockId, clock_gettime};
use serde_json::Value;

use crate::support::corpus::{Case, Corpus};

/// A certificate on P-256 that signed nothing here.
const UNRELATED_CERTIFICATE: &str = "MIIBBTCBraADAgECAgEBMAoGCCqGSM49BAMCMAwxCjAIBgNVBAMMAXQwIBcNMjYwMTAxMDAwMDAwWhgPMjEyNTEyMDgwMDAwMDBaMAwxCjAIBgNVBAMMAXQwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAASMr1kk/dKJZNTuKBrKBwPTOg20EDFXhIAo3cttL/4TId6phS3Gh6E6DO6r9SjWzIfsCnTLqrKu2dXpEhalHiKHMAoGCCqGSM49BAMCA0cAMEQCIH6ANJ39ezBArmnvy3KuhpIERM/SSf+qjYfKs8g6SCw6AiBPJocY9dOrZhNWpx9dkzlI+ylQuAzJjVmEdFVmNjNyHA==";

/// Processor time of a thread that one response may take.
const LIMIT: Duration = Duration::from_millis(200);
/// A build for debugging may take so many times as long: the second verifier and our own reading are not optimised.
const UNOPTIMISED: u32 = 6;
/// Longest form value that is stored; a larger one is a recipe.
const LARGEST: usize = 64 * 1024;

/// What a limit of ours refuses, and no attack: the two verifiers don't say the same of it.
const KNOWN_DISAGREEMENT: &str = "sig-two-keys-of-one-provider";

fn limit() -> Duration {
    if cfg!(debug_assertions) { LIMIT * UNOPTIMISED } else { LIMIT }
}

/// Processor time of this thread so far.
fn spent() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    let seconds = u64::try_from(time.tv_sec).expect("time goes forward");
    Duration::new(seconds, u32::try_from(time.tv_nsec).expect("less than a second"))
}

#[test]
fn the_corpus_is_whole() {
    let corpus = Corpus::recorded();
    let (good, hostile): (Vec<&Case>, Vec<&Case>) = corpus.cases.iter().partition(|case| case.is_good());
    assert!(good.len() >= 40 && hostile.len() >= 650, "{} good, {} hostile", good.len(), hostile.len());
    let families: BTreeSet<&str> = hostile.iter().map(|case| case.family.as_str()).collect();
    assert!(families.len() >= 25, "{families:?}");
    let names: BTreeSet<&str> = corpus.cases.iter().map(|case| case.name.as_str()).collect();
    assert_eq!(names.len(), corpus.cases.len(), "two cases have one name");
    let mut listed = BTreeSet::new();
    for case in &corpus.cases {
        let folder = if case.is_good() { "good" } else { "hostile" };
        match case.entry["file"].as_str() {
            Some(file) => {
                assert_eq!(file, format!("{folder}/{}.b64", case.name), "a file is named after its attack");
                let length = corpus.form_value(case).len();
                assert!(length <= LARGEST, "{file} has {length} octets: make a recipe of it");
                listed.insert(file.to_owned());
            }
            None => assert!(case.entry["recipe"].is_object(), "{} is neither stored nor made", case.name),
        }
    }
    for folder in ["good", "hostile"] {
        for entry in std::fs::read_dir(corpus.folder().join(folder)).expect("the folder is there") {
            let name = entry.expect("a file").file_name();
            let file = format!("{folder}/{}", name.to_string_lossy());
            assert!(listed.contains(&file), "{file} is not in the manifest");
        }
    }
}

#[test]
fn good_responses_give_the_identity() {
    let corpus = Corpus::recorded();
    for case in corpus.cases.iter().filter(|case| case.is_good()) {
        let name = &case.name;
        let identity = corpus.judge(case).unwrap_or_else(|refusal| panic!("{name}: {refusal}"));
        let whose = &case.entry["identity"];
        let ends = identity.session_not_on_or_after.map(time::format_instant);
        assert_eq!(Value::from(identity.name_id), whose["name_id"], "{name}");
        assert_eq!(Value::from(identity.email), whose["email"], "{name}");
        assert_eq!(Value::from(identity.display_name), whose["display_name"], "{name}");
        assert_eq!(Value::from(identity.groups), whose["groups"], "{name}");
        assert_eq!(Value::from(ends), whose["session_not_on_or_after"], "{name}");
    }
}

/// Each by the check that the manifest names; and what isn't refused here doesn't name the victim.
#[test]
fn hostile_responses_are_refused_for_what_is_wrong_with_them() {
    let corpus = Corpus::recorded();
    let victim = corpus.setting("victim");
    let mut wrong = Vec::new();
    for case in corpus.cases.iter().filter(|case| !case.is_good()) {
        let (name, why) = (&case.name, &case.why);
        match (corpus.judge(case), case.verdict()) {
            (Ok(identity), None) => {
                let stolen = identity.name_id == victim || identity.email.as_deref() == Some(victim);
                if stolen {
                    wrong.push(format!("{name} ({why}) gives the victim"));
                }
            }
            (Ok(_), Some(check)) => wrong.push(format!("{name} ({why}) is accepted, where {check} was to refuse")),
            (Err(refusal), None) => wrong.push(format!("{name} ({why}) is refused here: {refusal}")),
            (Err(refusal), Some(check)) if refusal.check != check => {
                wrong.push(format!("{name} ({why}): {check} was to refuse, not {refusal}"));
            }
            (Err(refusal), Some(_)) => {
                let disagreement = refusal.check == "signature.disagreement";
                if disagreement != (name == KNOWN_DISAGREEMENT) {
                    wrong.push(format!("{name} ({why}): do the verifiers agree? {refusal}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} of the corpus:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn no_response_holds_a_thread() {
    let corpus = Corpus::recorded();
    // What is read and allocated once in a process.
    let _ = corpus.judge(corpus.case("valid-sign-both"));
    let mut dear: Vec<(Duration, &str)> = Vec::new();
    for case in &corpus.cases {
        let value = corpus.form_value(case);
        let (trust, expected) = (corpus.trust(case.provider.as_deref()), corpus.expected(case.provider.as_deref()));
        let before = spent();
        let _ = gate::decode(&value).and_then(|xml| judge::judge(&xml, &trust, &expected));
        dear.push((spent() - before, case.name.as_str()));
    }
    dear.sort_unstable();
    let (cost, name) = dear.last().expect("the corpus has cases");
    assert!(*cost <= limit(), "{name} takes {cost:?}: {:?}", &dear[dear.len() - 5..]);
}

/// A padding that is wrong, a tag, a key, and a signature under a good encryption: one refusal, in about the same time.
#[test]
fn failures_behind_a_key_look_alike() {
    let corpus = Corpus::recorded();
    let reference = corpus.case("enc-plain-tampered");
    let said = corpus.judge(reference).expect_err("it was changed");
    for name in [
        "enc-cbc-padding",
        "enc-cbc-iv",
        "enc-cbc-padding-block",
        "enc-gcm-tag",
        "enc-key-zero",
        "enc-key-short",
        "enc-plain-unsigned-cbc",
    ] {
        let case = corpus.case(name);
        assert_eq!(corpus.judge(case).expect_err(name), said, "{name}");
        let (usual, cost) = least(&corpus, reference, case);
        assert!(cost < usual * 2 && usual < cost * 2, "{name} takes {cost:?}, a wrong signature {usual:?}");
    }
}

/// Processor time of one judgement of each, by turns: the least of many, since a busy machine only adds to it.
fn least(corpus: &Corpus, one: &Case, other: &Case) -> (Duration, Duration) {
    let cost = |case: &Case| {
        let before = spent();
        let _ = corpus.judge(case);
        spent() - before
    };
    let costs = (0..21).map(|_| (cost(one), cost(other)));
    costs.fold((Duration::MAX, Duration::MAX), |least, cost| (least.0.min(cost.0), least.1.min(cost.1)))
}

#[test]
fn certificates_are_required_and_tried_one_by_one() {
    let corpus = Corpus::recorded();
    let unrelated = STANDARD.decode(UNRELATED_CERTIFICATE).expect("base64");
    let xml = gate::decode(&corpus.form_value(corpus.case("valid-sign-both"))).expect("base64");
    let refused = |certificates: &[Vec<u8>]| verify::verify(&xml, certificates).map_err(|refusal| refusal.check);
    assert_eq!(refused(&[]), Err("signature.no-certificate"));
    assert_eq!(refused(&[Vec::new()]), Err("signature.invalid"));
    assert_eq!(refused(std::slice::from_ref(&unrelated)), Err("signature.invalid"));
    let mut rollover = vec![unrelated];
    rollover.extend(corpus.trust(None).certificates);
    assert!(refused(&rollover).is_ok(), "a certificate further back verifies it");
}
