//! One response, verified over and over in one thread of this process: by the product, by libxmlsec1 alone, and by the parts of
//! the product each alone. They take turns every few milliseconds, so that a disturbance of the machine hits all alike.

use std::hint::black_box;
use std::time::{Duration, Instant};

use curfew::saml::assertion::{self, Expected};
use curfew::saml::judge::{Trust, judge};
use curfew::saml::sealed::EncryptedAssertions;
use curfew::saml::settings::AttributeMapping;
use curfew::saml::{gate, second_verify, verify};
use samael::crypto::{CertificateDer, Crypto, CryptoProvider, ReduceMode};

use super::saml_provider::{Asked, ENTITY_ID, Provider};
use super::settings::Settings;
use super::statistics::{median, rate, shown, spread};
use super::table::{Goal, Table};

/// Of each contender before the next one has its turn.
const SLICE: Duration = Duration::from_millis(20);

/// A response that everybody accepts, and what they need for that.
pub struct Trial {
    pub asked: Asked,
    pub xml: String,
    certificates: Vec<Vec<u8>>,
}

impl Trial {
    pub fn make(provider: &Provider, now: i64) -> Self {
        let asked = Asked {
            acs_url: "https://id.bench.test/saml/bench/acs".to_owned(),
            audience: "https://id.bench.test/saml/bench/metadata".to_owned(),
            request_id: "_request".to_owned(),
            email: "person.1@saml.test".to_owned(),
            now,
            number: 1,
        };
        let xml = provider.response(&asked);
        Self { asked, xml, certificates: vec![provider.certificate_der()] }
    }

    pub fn trust(&self) -> Trust {
        Trust {
            certificates: self.certificates.clone(),
            decryption_keys: Vec::new(),
            encrypted_assertions: EncryptedAssertions::Optional,
            filler: [7; 32],
            attributes: AttributeMapping::default(),
        }
    }

    pub fn expected(&self) -> Expected {
        Expected {
            now: self.asked.now,
            clock_skew_ms: 180_000,
            acs_url: self.asked.acs_url.clone(),
            service_provider_entity_id: self.asked.audience.clone(),
            identity_provider_entity_id: ENTITY_ID.to_owned(),
            request_id: self.asked.request_id.clone(),
            asked: assertion::Asked::default(),
        }
    }

    /// Responses a second that the product judges, in a turn of this length.
    pub fn judged(&self, length: Duration) -> f64 {
        let (trust, expected) = (self.trust(), self.expected());
        let (begun, mut count) = (Instant::now(), 0_u64);
        while begun.elapsed() < length {
            let verdict = judge(black_box(self.xml.as_bytes()), &trust, &expected);
            assert!(verdict.is_ok(), "a genuine response is refused: {verdict:?}");
            count += 1;
        }
        count as f64 / begun.elapsed().as_secs_f64()
    }
}

/// Seconds that each contender took for a response, for each round.
#[derive(Default)]
struct Times {
    whole: Vec<f64>,
    bare: Vec<f64>,
    usual: Vec<f64>,
    first: Vec<f64>,
    second: Vec<f64>,
    gate: Vec<f64>,
}

pub fn measure(trial: &Trial, settings: &Settings, table: &mut Table) {
    let mut times = Times::default();
    for _ in 0..settings.rounds {
        let [whole, bare, usual, first, second, gate] = round(trial, settings.turn);
        times.whole.push(whole);
        times.bare.push(bare);
        times.usual.push(usual);
        times.first.push(first);
        times.second.push(second);
        times.gate.push(gate);
    }
    report(times, trial.xml.len(), table);
}

/// Each contender for so long, in slices.
fn round(trial: &Trial, length: Duration) -> [f64; 6] {
    let (trust, expected) = (trial.trust(), trial.expected());
    let (xml, certificates) = (trial.xml.as_str(), trial.certificates.as_slice());
    let single = CertificateDer::from(certificates[0].clone());
    let several = [single.clone()];
    let envelope = gate::admit(xml.as_bytes()).expect("the gate admits it");
    let whole = || judge(black_box(xml.as_bytes()), &trust, &expected).is_ok();
    let bare = || Crypto::verify_signed_xml(black_box(xml), &single, Some("ID")).is_ok();
    let usual = || Crypto::reduce_xml_to_signed(black_box(xml), &several, ReduceMode::default()).is_ok();
    let first = || verify::signed_octets(black_box(xml), certificates).is_ok();
    let second = || second_verify::signed_octets(black_box(xml), certificates, &envelope).is_ok();
    let gate = || gate::admit(black_box(xml.as_bytes())).is_ok();
    let contenders: [&dyn Fn() -> bool; 6] = [&whole, &bare, &usual, &first, &second, &gate];
    let (mut counts, mut spent) = ([0_u64; 6], [Duration::ZERO; 6]);
    while spent.iter().any(|spent| *spent < length) {
        for (number, contender) in contenders.iter().enumerate() {
            let begun = Instant::now();
            while begun.elapsed() < SLICE {
                assert!(contender(), "a genuine response is refused by contender {number}");
                counts[number] += 1;
            }
            spent[number] += begun.elapsed();
        }
    }
    std::array::from_fn(|number| spent[number].as_secs_f64() / counts[number] as f64)
}

fn report(times: Times, octets: usize, table: &mut Table) {
    let ratios: Vec<f64> = times.bare.iter().zip(&times.whole).map(|(bare, whole)| bare / whole).collect();
    let parts: Vec<f64> = times.second.iter().zip(&times.first).map(|(second, first)| second / first).collect();
    let Times { whole, bare, usual, first, second, gate } = times;
    let (whole, bare, usual) = (median(whole), median(bare), median(usual));
    let (first, second, gate) = (median(first), median(second), median(gate));
    let measured = || rate(1.0 / whole);
    table.ratio(
        &format!("SAML, a response of {octets} bytes judged on one core: gate, both verifiers, checks"),
        format!("libxmlsec1 alone (samael, verify_signed_xml): {}", rate(1.0 / bare)),
        measured(),
        bare / whole,
        &spread(&ratios),
        Goal::AtLeast(0.6),
    );
    for (name, seconds) in [("as the product asks it, PreDigest", first), ("as it does by default", usual)] {
        let reference = format!("samael, {name}: {}", rate(1.0 / seconds));
        table.ratio("SAML, the same response judged", reference, measured(), seconds / whole, "", Goal::None);
    }
    table.ratio(
        "SAML, what the second verifier takes of one core, octets compared included",
        format!("the first one: {}", shown(first)),
        shown(second),
        second / first,
        &spread(&parts),
        Goal::AtMost(0.5),
    );
    table.ratio(
        "SAML, what the gate takes",
        format!("the whole: {}", shown(whole)),
        shown(gate),
        gate / whole,
        "",
        Goal::None,
    );
}
