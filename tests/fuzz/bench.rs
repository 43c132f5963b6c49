//! What mutants are made of, and what may come of one: a refusal, or exactly what an original says, read from exactly the octets
//! that were signed in it.

use std::collections::HashSet;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use curfew::saml::assertion::{Expected, Identity};
use curfew::saml::judge::{Trust, judge};
use curfew::saml::refusal::Refusal;
use curfew::saml::{gate, sealed};
use samael::crypto::{CertificateDer, Crypto, CryptoProvider, ReduceMode};

use crate::corpus::Corpus;
use crate::dice::Dice;
use crate::mutate::tree::elements;
use crate::mutate::{Mutant, mutant};

/// A response that mutants are made of, and whose provider judges them.
pub struct Seed {
    pub name: String,
    /// `None`: the made-up provider.
    pub provider: Option<String>,
    text: String,
    trust: Trust,
    expected: Expected,
}

pub struct Bench {
    pub seeds: Vec<Seed>,
    /// The identities of all originals.
    identities: Vec<Identity>,
    /// What is signed in the originals.
    signed: HashSet<String>,
}

/// What came of a mutant.
pub enum Verdict {
    /// It says what an original says.
    Accepted,
    Refused(Refusal),
    /// What must not be, in a sentence.
    Wrong(String),
}

impl Bench {
    /// The good responses of the corpus, and the interesting inputs that were kept.
    pub fn open(corpus: &Corpus) -> Self {
        let mut bench = Self { seeds: Vec::new(), identities: Vec::new(), signed: HashSet::new() };
        for case in corpus.cases.iter().filter(|case| case.is_good()) {
            let xml = gate::decode(&corpus.form_value(case)).expect("a good response is base64");
            let text = String::from_utf8(xml).expect("a good response is UTF-8");
            let seed = seed(corpus, case.name.clone(), case.provider.clone(), text);
            let identity = judge(seed.text.as_bytes(), &seed.trust, &seed.expected);
            let identity = identity.unwrap_or_else(|refusal| panic!("{}: {refusal}", case.name));
            bench.signed.extend(signed_octets(&seed.text, &seed.trust));
            bench.signed.extend(signed_octets(&without_own_signature(&seed.text), &seed.trust));
            bench.identities.push(identity);
            bench.seeds.push(seed);
        }
        bench.add_kept(corpus);
        bench
    }

    /// Inputs that earlier runs kept: `PROVIDER--CHECK--NUMBER.b64`, as `keep` writes them.
    fn add_kept(&mut self, corpus: &Corpus) {
        let Ok(entries) = fs::read_dir(corpus.folder().join("fuzz")) else { return };
        let mut files: Vec<_> = entries.filter_map(|entry| entry.ok().map(|entry| entry.path())).collect();
        files.sort_unstable();
        for file in files {
            let name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            let provider = name.split("--").next().filter(|provider| *provider != OWN).map(str::to_owned);
            let value = fs::read_to_string(&file).unwrap_or_default();
            let text = STANDARD.decode(value.trim()).ok().and_then(|octets| String::from_utf8(octets).ok());
            if let Some(text) = text {
                self.seeds.push(seed(corpus, name, provider, text));
            }
        }
    }

    /// What is refused among the seeds already: it is not interesting once more.
    pub fn refusals(&self) -> Vec<Refusal> {
        self.seeds.iter().filter_map(|seed| judge(seed.text.as_bytes(), &seed.trust, &seed.expected).err()).collect()
    }

    /// What comes today of each input that was kept: its name, with the check that refused it then, and the refusal.
    pub fn kept(&self) -> Vec<(&str, Option<Refusal>)> {
        let kept = self.seeds.iter().filter(|seed| seed.name.contains("--"));
        kept.map(|seed| (seed.name.as_str(), judge(seed.text.as_bytes(), &seed.trust, &seed.expected).err())).collect()
    }

    /// The mutant of a number, and what it was made of.
    pub fn mutant(&self, seed: u64, number: u64) -> (&Seed, Mutant) {
        let mut dice = Dice::new(seed, number);
        let (base, other) = (dice.pick(&self.seeds), dice.pick(&self.seeds));
        (base, mutant(&mut dice, &base.text, &other.text))
    }

    /// What comes of a mutant. One in eight goes through its form value, which is spoilt, too.
    pub fn judge(&self, seed: &Seed, octets: &[u8], dice: &mut Dice) -> Verdict {
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            if dice.below(8) > 0 {
                return judge(octets, &seed.trust, &seed.expected).map(|identity| (identity, octets.to_vec()));
            }
            let mut value = STANDARD.encode(octets).into_bytes();
            if dice.below(2) == 0 {
                crate::mutate::octets::spoil(dice, &mut value);
            }
            let decoded = gate::decode(&String::from_utf8_lossy(&value))?;
            let identity = judge(&decoded, &seed.trust, &seed.expected)?;
            Ok((identity, decoded))
        }));
        match outcome {
            Err(_panic) => Verdict::Wrong("the verification panicked".to_owned()),
            Ok(Err(refusal)) => Verdict::Refused(refusal),
            Ok(Ok((identity, octets))) => self.accepted(seed, &identity, &octets),
        }
    }

    fn accepted(&self, seed: &Seed, identity: &Identity, octets: &[u8]) -> Verdict {
        if !self.identities.contains(identity) {
            return Verdict::Wrong(format!("an identity that no original has: {identity:?}"));
        }
        let text = String::from_utf8_lossy(octets);
        match signed_octets(&text, &seed.trust) {
            Some(signed) if self.signed.contains(&signed) => Verdict::Accepted,
            // The signature may be within what is encrypted: then the identity says it all.
            _ if sealed::may_be_sealed(octets) => Verdict::Accepted,
            Some(_) => Verdict::Wrong("octets that were not signed in an original".to_owned()),
            None => Verdict::Wrong("libxmlsec1 alone finds nothing signed in it".to_owned()),
        }
    }
}

fn seed(corpus: &Corpus, name: String, provider: Option<String>, text: String) -> Seed {
    let (trust, expected) = (corpus.trust(provider.as_deref()), corpus.expected(provider.as_deref()));
    Seed { name, provider, text, trust, expected }
}

/// The name of the made-up provider in the name of a file.
const OWN: &str = "own";

/// What libxmlsec1 by itself says is signed, with one of the certificates.
fn signed_octets(text: &str, trust: &Trust) -> Option<String> {
    trust.certificates.iter().find_map(|certificate| {
        let certificate = [CertificateDer::from(certificate.clone())];
        let mode = ReduceMode::PreDigest;
        Crypto::reduce_xml_to_signed_with_allowed_algorithms(text, &certificate, mode, None).ok()
    })
}

/// A response that has lost its own signature: what is left is that of its assertion, and as good.
fn without_own_signature(text: &str) -> String {
    let all = elements(text);
    let assertion =
        all.iter().find(|element| element.local(text) == "Assertion").map_or(text.len(), |one| one.tag.start);
    let own = all.iter().find(|element| element.local(text) == "Signature" && element.tag.start < assertion);
    own.map_or_else(|| text.to_owned(), |own| [&text[..own.whole.start], &text[own.whole.end..]].concat())
}

/// Writes an input into a folder; gives the file's name.
pub fn keep(folder: &Path, seed: &Seed, what: &str, number: u64, octets: &[u8]) -> String {
    let plain: String = what.chars().map(|c| if c.is_ascii_alphanumeric() || c == '.' { c } else { '-' }).collect();
    let name = format!("{}--{plain}--{number}.b64", seed.provider.as_deref().unwrap_or(OWN));
    fs::create_dir_all(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    fs::write(folder.join(&name), STANDARD.encode(octets)).expect("the folder is ours");
    name
}
