//! Mutations of attributes, namespaces, texts and references; some change nothing that a conforming reader sees.

use super::dice::Dice;
use super::structure::any;
use super::tree::{Attribute, attributes, elements, put, texts};
use super::words;

/// An attribute of any element that `wanted` takes by name and value.
fn attribute(dice: &mut Dice, text: &str, wanted: impl Fn(&str, &str) -> bool) -> Option<Attribute> {
    let all: Vec<Attribute> = elements(text).iter().flat_map(|element| attributes(text, element)).collect();
    let right: Vec<Attribute> =
        all.into_iter().filter(|one| wanted(&text[one.name.clone()], &text[one.value.clone()])).collect();
    if right.is_empty() { None } else { Some(dice.pick(&right).clone()) }
}

fn some_attribute(dice: &mut Dice, text: &str) -> Option<Attribute> {
    attribute(dice, text, |_, _| true)
}

/// A boundary between two characters of a range.
fn boundary(dice: &mut Dice, text: &str, range: std::ops::Range<usize>) -> usize {
    let mut at = range.start + dice.below(range.len() + 1);
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

pub fn value(dice: &mut Dice, text: &str, _other: &str) -> Option<String> {
    let one = some_attribute(dice, text)?;
    let new = match dice.below(4) {
        0 => text[some_attribute(dice, text)?.value].to_owned(),
        1 => format!("{} ", &text[one.value.clone()]),
        2 => text[one.value.clone()].to_ascii_uppercase(),
        _ => (*dice.pick(&words::VALUES)).to_owned(),
    };
    Some(put(text, one.value, &new))
}

pub fn drop_attribute(dice: &mut Dice, text: &str, _other: &str) -> Option<String> {
    let one = some_attribute(dice, text)?;
    Some(put(text, one.whole, ""))
}

pub fn add_attribute(dice: &mut Dice, text: &str, _other: &str) -> Option<String> {
    let element = any(dice, text)?;
    Some(put(text, element.name.end..element.name.end, dice.pick::<&str>(&words::ATTRIBUTES)))
}

pub fn rename_attribute(dice: &mut Dice, text: &str, _other: &str) -> Option<String> {
    let one = some_attribute(dice, text)?;
    let name = &text[one.name.clone()];
    let new = match dice.below(4) {
        0 => name.to_ascii_lowercase(),
        1 => name.to_ascii_uppercase(),
        2 => format!("{}{name}", dice.pick(&words::PREFIXES)),
        _ => text[some_attribute(dice, text)?.name].to_owned(),
    };
    Some(put(text, one.name, &new))
}

/// Two attributes of one element change places: canonicalisation puts them back.
pub fn reorder(dice: &mut Dice, text: &str, _other: &str) -> Option<String> {
    let element = any(dice, text)?;
    let all = attributes(text, &element);
    let [first, .., last] = all.as_slice() else { return None };
    let late = put(text, last.whole.clone(), &text[first.whole.clone()]);
    Some(put(&late, first.whole.clone(), &text[last.whole.clone()]))
}

/// Apostrophes in place of quotes.
pub fn quotes(dice: &mut Dice, text: &str, _other: &str) -> Option<String> {
    let one = attribute(dice, text, |_, value| !value.contains('\''))?;
    let (name, value) = (&text[one.name.clone()], &text[one.value.clone()]);
    Some(put(text, one.whole.clone(), &format!("{name}='{value}'")))
}

pub fn namespace(dice: &mut Dice, text: &str, _other: &str) -> Option<String> {
    let one = attribute(dice, text, |name, _| name.starts_with("xmlns"))?;
    Some(put(text, one.value, dice.pick::<&str>(&words::NAMESPACES)))
}

pub fn instant(dice: &mut Dice, text: &str, _other: &str) -> Option<String> {
    let one = attribute(dice, text, |_, value| value.ends_with('Z') && value.contains('T'))?;
    Some(put(text, one.value, dice.pick::<&str>(&words::INSTANTS)))
}

pub fn algorithm(dice: &mut Dice, text: &str, _other: &str) -> Option<String> {
    let one = attribute(dice, text, |name, _| name == "Algorithm")?;
    Some(put(text, one.value, dice.pick::<&str>(&words::ALGORITHMS)))
}

pub fn replace_text(dice: &mut Dice, text: &str, _other: &str) -> Option<String> {
    let all = texts(text);
    if all.is_empty() {
        return None;
    }
    let run = dice.pick(&all).clone();
    let at = boundary(dice, text, run.clone());
    match dice.below(4) {
        0 => Some(put(text, at..run.end, "")),
        1 => Some(put(text, at..at, " ")),
        _ => Some(put(text, run, dice.pick::<&str>(&words::TEXTS))),
    }
}

/// Something within a text: a comment, a reference, a character that nobody sees.
pub fn insert_into_text(dice: &mut Dice, text: &str, _other: &str) -> Option<String> {
    let all = texts(text);
    if all.is_empty() {
        return None;
    }
    let run = dice.pick(&all).clone();
    let at = boundary(dice, text, run);
    Some(put(text, at..at, dice.pick::<&str>(&words::INSERTS)))
}

/// A character of a text as a reference to it.
pub fn reference(dice: &mut Dice, text: &str, _other: &str) -> Option<String> {
    let all = texts(text);
    if all.is_empty() {
        return None;
    }
    let run = dice.pick(&all).clone();
    let at = boundary(dice, text, run.clone());
    let character = text[at..run.end].chars().next().filter(|c| *c != '&')?;
    let code = u32::from(character);
    let new = if dice.below(2) == 0 { format!("&#{code};") } else { format!("&#x{code:X};") };
    Some(put(text, at..at + character.len_utf8(), &new))
}

/// White space, or something else, between two tags.
pub fn between_tags(dice: &mut Dice, text: &str, _other: &str) -> Option<String> {
    let at = any(dice, text)?.whole.start;
    let new = if dice.below(3) == 0 { *dice.pick(&words::INSERTS) } else { *dice.pick(&[" ", "\n", "\t", "\r\n  "]) };
    Some(put(text, at..at, new))
}

/// White space within a tag: canonicalisation takes it out.
pub fn within_tag(dice: &mut Dice, text: &str, _other: &str) -> Option<String> {
    let element = any(dice, text)?;
    Some(put(text, element.name.end..element.name.end, dice.pick::<&str>(&[" ", "\n", "\t\t", "\r\n"])))
}

/// An XML declaration, a document type, a mark, text behind the root.
pub fn surroundings(dice: &mut Dice, text: &str, other: &str) -> Option<String> {
    let head = *dice.pick(&words::HEADS);
    Some(match dice.below(4) {
        0 => [text, head].concat(),
        1 => [text, other].concat(),
        _ => [head, text].concat(),
    })
}
