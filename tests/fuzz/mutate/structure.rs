//! Mutations of elements: copied, moved, removed, renamed, wrapped, exchanged with those of another response.

use super::dice::Dice;
use super::tree::{Element, elements, put};
use super::words;

/// One of the elements.
pub fn any(dice: &mut Dice, text: &str) -> Option<Element> {
    let all = elements(text);
    if all.is_empty() { None } else { Some(dice.pick(&all).clone()) }
}

/// A place in a document where an element may stand: before or behind another, or first or last in it.
pub fn place(dice: &mut Dice, text: &str) -> Option<usize> {
    let element = any(dice, text)?;
    Some(match (dice.below(4), element.close) {
        (0, _) | (2.., None) => element.whole.start,
        (1, _) => element.whole.end,
        (2, Some(_)) => element.tag.end,
        (_, Some(close)) => close.start,
    })
}

fn insert(text: &str, at: usize, new: &str) -> String {
    put(text, at..at, new)
}

pub fn duplicate(dice: &mut Dice, text: &str, _other: &str) -> Option<String> {
    let element = any(dice, text)?;
    Some(insert(text, element.whole.end, &text[element.whole.clone()]))
}

pub fn delete(dice: &mut Dice, text: &str, _other: &str) -> Option<String> {
    let element = any(dice, text)?;
    Some(put(text, element.whole, ""))
}

pub fn relocate(dice: &mut Dice, text: &str, _other: &str) -> Option<String> {
    let element = any(dice, text)?;
    let rest = put(text, element.whole.clone(), "");
    let at = place(dice, &rest)?;
    Some(insert(&rest, at, &text[element.whole]))
}

pub fn copy(dice: &mut Dice, text: &str, _other: &str) -> Option<String> {
    let element = any(dice, text)?;
    let at = place(dice, text)?;
    Some(insert(text, at, &text[element.whole]))
}

/// Another local name in both tags.
pub fn rename(dice: &mut Dice, text: &str, _other: &str) -> Option<String> {
    let element = any(dice, text)?;
    let name = &text[element.name.clone()];
    let prefix = name.split_once(':').map_or("", |(prefix, _)| prefix);
    let separator = if prefix.is_empty() { "" } else { ":" };
    let new = format!("{prefix}{separator}{}", dice.pick(&words::NAMES));
    Some(with_name(text, &element, &new))
}

/// Another prefix in both tags.
pub fn prefix(dice: &mut Dice, text: &str, _other: &str) -> Option<String> {
    let element = any(dice, text)?;
    let new = format!("{}{}", dice.pick(&words::PREFIXES), element.local(text));
    Some(with_name(text, &element, &new))
}

fn with_name(text: &str, element: &Element, new: &str) -> String {
    // The end tag first: what stands before it doesn't move.
    let closed = match &element.close {
        Some(close) => put(text, close.clone(), &format!("</{new}>")),
        None => text.to_owned(),
    };
    put(&closed, element.name.clone(), new)
}

pub fn wrap(dice: &mut Dice, text: &str, _other: &str) -> Option<String> {
    let element = any(dice, text)?;
    let &(before, behind) = dice.pick(&words::WRAPPERS);
    let wrapped = [before, &text[element.whole.clone()], behind].concat();
    Some(put(text, element.whole, &wrapped))
}

/// The tags go, what is between them stays.
pub fn unwrap(dice: &mut Dice, text: &str, _other: &str) -> Option<String> {
    let element = any(dice, text)?;
    let inside = element.inside()?;
    Some(put(text, element.whole, &text[inside]))
}

pub fn exchange(dice: &mut Dice, text: &str, _other: &str) -> Option<String> {
    let (one, two) = (any(dice, text)?, any(dice, text)?);
    let (first, second) = if one.whole.start <= two.whole.start { (one, two) } else { (two, one) };
    if first.whole.end > second.whole.start {
        return None;
    }
    let late = put(text, second.whole.clone(), &text[first.whole.clone()]);
    Some(put(&late, first.whole, &text[second.whole]))
}

/// The element of the same name in another response takes the place of this one's.
pub fn splice(dice: &mut Dice, text: &str, other: &str) -> Option<String> {
    let element = any(dice, text)?;
    let name = element.local(text);
    let same: Vec<Element> = elements(other).into_iter().filter(|twin| twin.local(other) == name).collect();
    if same.is_empty() {
        return None;
    }
    let twin = dice.pick(&same);
    Some(put(text, element.whole, &other[twin.whole.clone()]))
}

/// An element of another response, anywhere.
pub fn graft(dice: &mut Dice, text: &str, other: &str) -> Option<String> {
    let element = any(dice, other)?;
    let at = place(dice, text)?;
    Some(insert(text, at, &other[element.whole]))
}

/// A whole other response, or the same, within this one.
pub fn nest(dice: &mut Dice, text: &str, other: &str) -> Option<String> {
    let root = elements(other).into_iter().next()?;
    let at = place(dice, text)?;
    Some(insert(text, at, &other[root.whole]))
}
