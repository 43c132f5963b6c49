//! Filters and paths: made by the grammar of RFC 7644, then spoilt, or not.

use super::words::{ATTRIBUTES, LETTERS, NAMES, PARTS, SIGNS};
use crate::history::dice::Dice;

const OPERATORS: [&str; 13] = ["eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le", "EQ", "pr", "xx", "="];
const LITERALS: [&str; 20] = [
    "\"x\"",
    "\"\"",
    "'x'",
    "x",
    "true",
    "False",
    "null",
    "0",
    "-1.5e3",
    "1e999",
    "\"2026-01-23T04:56:22Z\"",
    "\"\\u0000\"",
    "\"\\ud800\"",
    "\"\\\"",
    "\"50%_\\\\'\"",
    "\"\u{1f980}\u{301}\"",
    "\"work\"",
    "(x)",
    "[1]",
    "99999999999999999999999999999999",
];

/// A filter, right in two of three.
pub fn filter(dice: &mut Dice) -> String {
    let whole = expression(dice, 3);
    if dice.below(3) > 0 { whole } else { spoilt(dice, &whole) }
}

/// The path of an operation, right in two of three.
pub fn path(dice: &mut Dice) -> String {
    let name = attribute(dice);
    let whole = match dice.below(4) {
        0 | 1 => name,
        2 => format!("{name}[{}]", expression(dice, 1)),
        _ => format!("{name}[{}].{}", expression(dice, 1), dice.pick(&PARTS)),
    };
    if dice.below(3) > 0 { whole } else { spoilt(dice, &whole) }
}

/// Filters that are too much: too deep, too long, of too many terms.
pub fn enormous(dice: &mut Dice) -> String {
    let depth = *dice.pick(&[65, 2_000, 100_000]);
    let (open, close) = *dice.pick(&[("(", ")"), ("not (", ")"), ("emails[", "]"), ("( ", " )")]);
    match dice.below(5) {
        0 | 1 => format!("{}title pr{}", open.repeat(depth), close.repeat(depth)),
        2 => open.repeat(depth),
        3 => vec!["title pr"; *dice.pick(&[800, 1_025, 50_000])].join(*dice.pick(&[" and ", " or ", " and not "])),
        _ => format!(
            "title co \"{}\"",
            dice.pick(&["x", "\\\\", "\u{df}", "\\u0041"]).repeat(*dice.pick(&[4_000, 200_000]))
        ),
    }
}

fn expression(dice: &mut Dice, depth: usize) -> String {
    let choices = if depth == 0 { 3 } else { 9 };
    match dice.below(choices) {
        0 | 1 => format!("{} {} {}", attribute(dice), dice.pick(&OPERATORS), literal(dice)),
        2 => format!("{} pr", attribute(dice)),
        3 => format!("not ({})", expression(dice, depth - 1)),
        4 => format!("({})", expression(dice, depth - 1)),
        5 => format!("{} and {}", expression(dice, depth - 1), expression(dice, depth - 1)),
        6 => format!("{} or {}", expression(dice, depth - 1), expression(dice, depth - 1)),
        7 => format!("{}[{}]", attribute(dice), expression(dice, depth - 1)),
        _ => {
            let (name, inner) = (attribute(dice), expression(dice, depth - 1));
            format!("{name}[{inner}].{} {} {}", dice.pick(&PARTS), dice.pick(&OPERATORS), literal(dice))
        }
    }
}

fn attribute(dice: &mut Dice) -> String {
    let name = dice.pick(&ATTRIBUTES);
    if dice.below(3) == 0 { format!("{name}.{}", dice.pick(&PARTS)) } else { (*name).to_owned() }
}

fn literal(dice: &mut Dice) -> String {
    if dice.below(3) == 0 { format!("\"{}\"", dice.pick(&NAMES)) } else { (*dice.pick(&LITERALS)).to_owned() }
}

/// The text with a few letters too many, too few or exchanged.
pub fn spoilt(dice: &mut Dice, text: &str) -> String {
    let mut letters: Vec<char> = text.chars().collect();
    for _ in 0..=dice.below(3) {
        let at = dice.below(letters.len() + 1);
        match dice.below(6) {
            0 => letters.truncate(at),
            1 => letters.extend(letters[at..].to_vec()),
            2 => letters.iter_mut().for_each(|letter| *letter = swapped(*letter)),
            3 => letters.insert(at, *dice.pick(&LETTERS)),
            4 if at < letters.len() => {
                letters.remove(at);
            }
            _ => letters.insert(at, *dice.pick(&SIGNS)),
        }
    }
    letters.into_iter().collect()
}

fn swapped(letter: char) -> char {
    if letter.is_ascii_lowercase() { letter.to_ascii_uppercase() } else { letter.to_ascii_lowercase() }
}
