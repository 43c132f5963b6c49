//! Mutants of a SAML response: what becomes of it by a few changes that know what an element, a signature and an ID are.
//! The dice decide everything, so that a mutant can be had again.

pub mod octets;
pub mod tree;

mod details;
mod forge;
mod structure;
mod words;

use super::dice::{self, Dice};

/// A change of a document, with another one to take from. `None`: there was nothing to change in that way.
type Change = fn(&mut Dice, &str, &str) -> Option<String>;

/// Those that change nothing a conforming reader sees, or only what isn't signed, come more often: what they make gets further.
const CHANGES: [(&str, Change); 47] = [
    ("duplicate", structure::duplicate),
    ("delete", structure::delete),
    ("move", structure::relocate),
    ("copy", structure::copy),
    ("rename", structure::rename),
    ("prefix", structure::prefix),
    ("wrap", structure::wrap),
    ("unwrap", structure::unwrap),
    ("exchange", structure::exchange),
    ("splice", structure::splice),
    ("splice", structure::splice),
    ("graft", structure::graft),
    ("nest", structure::nest),
    ("value", details::value),
    ("drop attribute", details::drop_attribute),
    ("add attribute", details::add_attribute),
    ("add attribute", details::add_attribute),
    ("rename attribute", details::rename_attribute),
    ("reorder", details::reorder),
    ("reorder", details::reorder),
    ("quotes", details::quotes),
    ("quotes", details::quotes),
    ("namespace", details::namespace),
    ("instant", details::instant),
    ("algorithm", details::algorithm),
    ("text", details::replace_text),
    ("text", details::replace_text),
    ("into text", details::insert_into_text),
    ("reference", details::reference),
    ("reference", details::reference),
    ("between tags", details::between_tags),
    ("between tags", details::between_tags),
    ("within tag", details::within_tag),
    ("within tag", details::within_tag),
    ("surroundings", details::surroundings),
    ("identity", forge::identity),
    ("evil assertion", forge::evil_assertion),
    ("evil assertion", forge::evil_assertion),
    ("move signature", forge::move_signature),
    ("foreign signature", forge::foreign_signature),
    ("foreign part", forge::foreign_part),
    ("swap ids", forge::swap_ids),
    ("copy id", forge::copy_id),
    ("refer", forge::refer),
    ("base64", forge::base64_letter),
    ("key info", forge::key_info),
    ("prefix list", forge::prefix_list),
];

/// What came out, and by which changes.
#[derive(Clone, Debug)]
pub struct Mutant {
    pub octets: Vec<u8>,
    pub changes: Vec<&'static str>,
}

/// One to four changes, mostly one; one in ten is spoilt in its octets, too.
pub fn mutant(dice: &mut Dice, base: &str, other: &str) -> Mutant {
    let mut text = base.to_owned();
    let mut changes = Vec::new();
    let wanted = [1, 1, 1, 2, 2, 3, 4][dice.below(7)];
    // Some changes find nothing to change; another does.
    for _ in 0..wanted * 3 {
        let (name, change) = CHANGES[dice.below(CHANGES.len())];
        if let Some(changed) = change(dice, &text, other) {
            text = changed;
            changes.push(name);
        }
        if changes.len() == wanted {
            break;
        }
    }
    let mut octets = text.into_bytes();
    if dice.below(10) == 0 || changes.is_empty() {
        changes.push(octets::spoil(dice, &mut octets));
    }
    Mutant { octets, changes }
}

#[test]
fn the_same_dice_make_the_same_mutant() {
    let base = r##"<p:Response ID="_r"><a:Assertion ID="_a"><ds:Signature><ds:Reference URI="#_a"/></ds:Signature>x</a:Assertion></p:Response>"##;
    let made =
        |seed| (0..200).map(|number| mutant(&mut dice::Dice::new(seed, number), base, base).octets).collect::<Vec<_>>();
    assert_eq!(made(1), made(1));
    assert_ne!(made(1), made(2));
    let different: std::collections::BTreeSet<Vec<u8>> = made(1).into_iter().collect();
    assert!(different.len() > 120, "{} of 200 mutants are different", different.len());
}
