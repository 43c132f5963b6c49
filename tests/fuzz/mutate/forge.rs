//! Mutations that an attacker would think of: signatures moved, IDs copied, an evil assertion beside or around the signed one.

use super::dice::Dice;
use super::structure::place;
use super::tree::{Attribute, Element, attributes, elements, put, texts};
use super::words;

fn named(dice: &mut Dice, text: &str, names: &[&str]) -> Option<Element> {
    let all: Vec<Element> = elements(text).into_iter().filter(|one| names.contains(&one.local(text))).collect();
    if all.is_empty() { None } else { Some(dice.pick(&all).clone()) }
}

fn ids(text: &str) -> Vec<Attribute> {
    let all = elements(text);
    let attributes = all.iter().flat_map(|element| attributes(text, element));
    attributes.filter(|one| text[one.name.clone()].eq_ignore_ascii_case("id")).collect()
}

/// The text with another identity in every place of the own one.
fn as_victim(text: &str) -> String {
    text.replace("mallory@corp.test", words::VICTIM).replace("Mallory", "Admin")
}

/// The identity changed, and nothing else.
pub fn identity(_dice: &mut Dice, text: &str, _other: &str) -> Option<String> {
    Some(as_victim(text)).filter(|changed| changed != text)
}

/// An assertion of the victim's, without signature, before, behind, around or in place of the signed one.
pub fn evil_assertion(dice: &mut Dice, text: &str, _other: &str) -> Option<String> {
    let assertion = named(dice, text, &["Assertion"])?;
    let signed = &text[assertion.whole.clone()];
    let mut evil = as_victim(signed);
    if let Some(signature) = elements(&evil).into_iter().find(|one| one.local(&evil) == "Signature") {
        evil = put(&evil, signature.whole, "");
    }
    if dice.below(2) == 0 {
        let id = ids(&evil).into_iter().next()?;
        evil = put(&evil, id.value, "_evil");
    }
    let inside = elements(&evil).into_iter().next()?.inside()?;
    match dice.below(5) {
        0 => Some(put(text, assertion.whole.start..assertion.whole.start, &evil)),
        1 => Some(put(text, assertion.whole.end..assertion.whole.end, &evil)),
        2 => Some(put(text, assertion.whole, &evil)),
        3 => Some(put(text, assertion.whole.clone(), &put(&evil, inside.end..inside.end, signed))),
        _ => {
            let rest = put(text, assertion.whole.clone(), &evil);
            let at = place(dice, &rest)?;
            Some(put(&rest, at..at, signed))
        }
    }
}

pub fn move_signature(dice: &mut Dice, text: &str, _other: &str) -> Option<String> {
    let signature = named(dice, text, &["Signature"])?;
    let rest = if dice.below(3) == 0 { text.to_owned() } else { put(text, signature.whole.clone(), "") };
    let at = place(dice, &rest)?;
    Some(put(&rest, at..at, &text[signature.whole]))
}

/// The signature of another response, here.
pub fn foreign_signature(dice: &mut Dice, text: &str, other: &str) -> Option<String> {
    let own = named(dice, text, &["Signature"])?;
    let foreign = named(dice, other, &["Signature"])?;
    Some(put(text, own.whole, &other[foreign.whole]))
}

/// A part of another response's signature, here.
pub fn foreign_part(dice: &mut Dice, text: &str, other: &str) -> Option<String> {
    let parts = ["SignedInfo", "SignatureValue", "KeyInfo", "DigestValue", "Reference", "CipherValue", "EncryptedKey"];
    let own = named(dice, text, &parts)?;
    let foreign = named(dice, other, &[own.local(text)])?;
    Some(put(text, own.whole, &other[foreign.whole]))
}

pub fn swap_ids(dice: &mut Dice, text: &str, _other: &str) -> Option<String> {
    let all = ids(text);
    if all.len() < 2 {
        return None;
    }
    let one = dice.below(all.len() - 1);
    let (first, second) = (&all[one], &all[one + 1]);
    let late = put(text, second.value.clone(), &text[first.value.clone()]);
    Some(put(&late, first.value.clone(), &text[second.value.clone()]))
}

/// An ID that is there already, once more: on another element, under any spelling.
pub fn copy_id(dice: &mut Dice, text: &str, _other: &str) -> Option<String> {
    let all = ids(text);
    if all.is_empty() {
        return None;
    }
    let id = text[dice.pick(&all).value.clone()].to_owned();
    let every = elements(text);
    let element = dice.pick(&every);
    let name = dice.pick(&["ID", "Id", "id", "xml:id", "AssertionID"]);
    Some(put(text, element.name.end..element.name.end, &format!(" {name}=\"{id}\"")))
}

/// What a Reference refers to.
pub fn refer(dice: &mut Dice, text: &str, _other: &str) -> Option<String> {
    let reference = named(dice, text, &["Reference"])?;
    let uri = attributes(text, &reference).into_iter().find(|one| &text[one.name.clone()] == "URI")?;
    let all = ids(text);
    let new = match dice.below(4) {
        0 => String::new(),
        1 => "#xpointer(/)".to_owned(),
        2 => format!("{} ", &text[uri.value.clone()]),
        _ if all.is_empty() => "#".to_owned(),
        _ => format!("#{}", &text[dice.pick(&all).value.clone()]),
    };
    Some(put(text, uri.value, &new))
}

/// A letter of a value in base64: a digest, a signature, a certificate, a ciphertext.
pub fn base64_letter(dice: &mut Dice, text: &str, _other: &str) -> Option<String> {
    let values = ["DigestValue", "SignatureValue", "X509Certificate", "CipherValue", "Modulus"];
    let element = named(dice, text, &values)?;
    let inside = element.inside()?;
    let runs = texts(text);
    let run = runs.into_iter().find(|run| run.start >= inside.start && run.end <= inside.end)?;
    if !text[run.clone()].is_ascii() || run.is_empty() {
        return None;
    }
    let at = run.start + dice.below(run.len());
    match dice.below(5) {
        0 => Some(put(text, at..at + 1, "")),
        1 => Some(put(text, at..at, "\n")),
        2 => Some(put(text, run.end..run.end, "=")),
        3 => Some(put(text, at..run.end, "")),
        _ => Some(put(text, at..at + 1, dice.pick::<&str>(&["A", "B", "/", "+", "9", "-"]))),
    }
}

/// KeyInfo is a hint that nobody should follow: without it, or with more in it, the verdict is the same.
pub fn key_info(dice: &mut Dice, text: &str, _other: &str) -> Option<String> {
    let element = named(dice, text, &["KeyInfo"])?;
    let prefix = text[element.name.clone()].split_once(':').map_or(String::new(), |(prefix, _)| format!("{prefix}:"));
    match dice.below(3) {
        0 => Some(put(text, element.whole, "")),
        1 => Some(put(text, element.inside()?, &format!("<{prefix}KeyName>x</{prefix}KeyName>"))),
        _ => Some(put(text, element.tag.end..element.tag.end, &format!("<{prefix}KeyName>y</{prefix}KeyName>"))),
    }
}

/// A PrefixList for canonicalisation, where there is none.
pub fn prefix_list(dice: &mut Dice, text: &str, _other: &str) -> Option<String> {
    let element = named(dice, text, &["Transform", "CanonicalizationMethod"])?;
    let list = dice.pick(&["xs", "saml samlp", "#default", "nothing", "ds saml samlp xs xsi", ""]);
    let uri = "http://www.w3.org/2001/10/xml-exc-c14n#";
    let child = format!("<ec:InclusiveNamespaces xmlns:ec=\"{uri}\" PrefixList=\"{list}\"/>");
    let name = &text[element.name.clone()];
    let tag = text[element.tag.clone()].trim_end_matches("/>").trim_end_matches('>');
    Some(put(text, element.whole, &format!("{tag}>{child}</{name}>")))
}
