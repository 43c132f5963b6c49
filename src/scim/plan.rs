//! Pure: which indexes a query reads. Every resource that a filter matches is found by one of the keys that it is given here;
//! what else they find is left to `matching.rs`. A conjunction takes its best part, a disjunction all its parts, and what an index
//! can't tell is looked for among all.

use serde_json::Value;

use super::attribute::Attribute;
use super::filter::{Filter, Operator, literal_text};
use super::path::AttributePath;
use super::schema::{Definition, ResourceType};
use super::values;
use crate::base::canonical;
use crate::base::clock::UnixMillis;

/// Look-ups of one query at the most.
const MOST_KEYS: usize = 100;
/// Of these, look-ups that may each find a great part of all there are: more of them cost more than all.
const MOST_WIDE_KEYS: usize = 10;

/// What is looked up, in the order of how little it is likely to find. Texts that aren't exact are folded.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Key {
    /// The id, exactly.
    Id(String),
    UserName(String),
    /// The external id, exactly. It never is an id of ours.
    ExternalId(String),
    /// One of the e-mail addresses of a user, of whatever type.
    Email(String),
    DisplayName(String),
    /// Groups of the user with exactly this id.
    Member(String),
    /// Users of the group with exactly this id.
    Group(String),
    UserNamePrefix(String),
    DisplayNamePrefix(String),
    Changed(Instants),
    Created(Instants),
    /// All there are.
    Every,
}

/// Instants from one to another, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Instants {
    pub from: UnixMillis,
    pub to: UnixMillis,
}

impl Instants {
    fn both(self, other: Self) -> Self {
        Self { from: self.from.max(other.from), to: self.to.min(other.to) }
    }
}

/// The keys of a filter; none if nothing can match. Without a filter that is `Every`.
pub fn keys(filter: Option<&Filter>, definition: &Definition) -> Vec<Key> {
    match filter {
        Some(filter) => of_filter(filter, Scope { definition, within: None }),
        None => vec![Key::Every],
    }
}

/// What paths start from: the resource, or a value of a complex attribute.
#[derive(Clone, Copy)]
struct Scope<'a> {
    definition: &'a Definition,
    within: Option<&'a Attribute>,
}

fn of_filter(filter: &Filter, scope: Scope<'_>) -> Vec<Key> {
    match filter {
        Filter::And(parts) => best(parts.iter().map(|part| of_filter(part, scope))),
        Filter::Or(parts) => union(parts.iter().map(|part| of_filter(part, scope))),
        Filter::Compare { path, operator, value } => of_comparison(path, *operator, value, scope),
        // One value that fulfils a filter fulfils each part of it that must hold.
        Filter::ValuePath { path, filter } if scope.within.is_none() => match scope.find(path) {
            Found::Nothing => Vec::new(),
            Found::Attribute(attribute, None) => of_filter(filter, Scope { within: Some(attribute), ..scope }),
            Found::Attribute(_, Some(_)) | Found::Other => vec![Key::Every],
        },
        Filter::Present(path) if matches!(scope.find(path), Found::Nothing) => Vec::new(),
        Filter::Not(_) | Filter::Present(_) | Filter::ValuePath { .. } => vec![Key::Every],
    }
}

/// The part that finds least. Ranges of instants that must both hold are one range.
fn best(parts: impl Iterator<Item = Vec<Key>>) -> Vec<Key> {
    let mut parts: Vec<Vec<Key>> = parts.collect();
    let (mut changed, mut created) = (Vec::new(), Vec::new());
    for part in &parts {
        match part.as_slice() {
            [Key::Changed(range)] => changed.push(*range),
            [Key::Created(range)] => created.push(*range),
            _ => {}
        }
    }
    parts.extend(changed.into_iter().reduce(Instants::both).map(|range| vec![Key::Changed(range)]));
    parts.extend(created.into_iter().reduce(Instants::both).map(|range| vec![Key::Created(range)]));
    let cost = |part: &Vec<Key>| {
        let width = part.iter().map(|key| match key {
            Key::Changed(range) | Key::Created(range) => range.to.saturating_sub(range.from),
            _ => 0,
        });
        (part.iter().map(rank).max(), part.len(), width.max())
    };
    parts.into_iter().min_by_key(cost).unwrap_or_else(|| vec![Key::Every])
}

fn union(parts: impl Iterator<Item = Vec<Key>>) -> Vec<Key> {
    let mut keys: Vec<Key> = parts.flatten().collect();
    keys.sort();
    keys.dedup();
    let wide = keys.iter().filter(|key| is_wide(key)).count();
    let is_too_much = keys.len() > MOST_KEYS || wide > MOST_WIDE_KEYS || keys.contains(&Key::Every);
    if is_too_much { vec![Key::Every] } else { keys }
}

fn is_wide(key: &Key) -> bool {
    rank(key) >= 6
}

fn rank(key: &Key) -> u8 {
    match key {
        Key::Id(_) => 0,
        Key::UserName(_) => 1,
        Key::ExternalId(_) => 2,
        Key::Email(_) => 3,
        Key::DisplayName(_) => 4,
        Key::Member(_) => 5,
        Key::Group(_) => 6,
        Key::UserNamePrefix(_) => 7,
        Key::DisplayNamePrefix(_) => 8,
        Key::Changed(_) => 9,
        Key::Created(_) => 10,
        Key::Every => 11,
    }
}

enum Found<'a> {
    /// There is no such attribute, so no resource has a value of it.
    Nothing,
    /// A core or common attribute, and perhaps its sub-attribute.
    Attribute(&'a Attribute, Option<&'a Attribute>),
    /// Something that no index knows.
    Other,
}

impl<'a> Scope<'a> {
    fn find(self, path: &AttributePath) -> Found<'a> {
        match self.within {
            None => match self.definition.place(path.urn.as_deref(), &path.name, path.sub.as_deref()) {
                None => Found::Nothing,
                Some(place) if place.extension.is_some() => Found::Other,
                Some(place) => Found::Attribute(place.attribute, place.sub),
            },
            Some(attribute) if path.urn.is_none() && path.sub.is_none() => match attribute.sub(&path.name) {
                Some(sub) => Found::Attribute(attribute, Some(sub)),
                None => Found::Other,
            },
            Some(_) => Found::Other,
        }
    }
}

fn of_comparison(path: &AttributePath, operator: Operator, value: &Value, scope: Scope<'_>) -> Vec<Key> {
    let found = match scope.find(path) {
        // What isn't there equals null, differs from the rest, and has no other relation to anything.
        Found::Nothing => match operator {
            Operator::Eq => value.is_null().then_some(Key::Every),
            Operator::Ne => (!value.is_null()).then_some(Key::Every),
            _ => None,
        },
        Found::Attribute(attribute, sub) => {
            // A complex attribute is compared by its value.
            let sub = sub.or_else(|| attribute.sub("value"));
            match (attribute.name.as_str(), sub.map(|sub| sub.name.as_str())) {
                ("meta", Some(name @ ("created" | "lastModified"))) => match of_instant(name, operator, value) {
                    Some(key) => Some(key),
                    None => return of_no_instant(operator, value),
                },
                (name, sub_name) => {
                    let exact = sub.unwrap_or(attribute).case_exact;
                    let text = literal_text(value);
                    let key = text.and_then(|text| of_text((name, sub_name), exact, operator, &text, scope));
                    Some(key.unwrap_or(Key::Every))
                }
            }
        }
        Found::Other => Some(Key::Every),
    };
    found.into_iter().collect()
}

fn of_text(name: (&str, Option<&str>), exact: bool, operator: Operator, text: &str, scope: Scope<'_>) -> Option<Key> {
    use ResourceType::{Group, User};
    let (as_is, folded) = (|| text.to_owned(), || canonical::fold(text));
    let key = match (scope.definition.kind, name, operator) {
        (_, ("id", None), Operator::Eq) if exact => Key::Id(as_is()),
        (_, ("externalId", None), Operator::Eq) if exact => Key::ExternalId(as_is()),
        (User, ("userName", None), Operator::Eq) => Key::UserName(folded()),
        (User, ("userName", None), Operator::Sw) => Key::UserNamePrefix(folded()),
        (_, ("displayName", None), Operator::Eq) => Key::DisplayName(folded()),
        (_, ("displayName", None), Operator::Sw) => Key::DisplayNamePrefix(folded()),
        (User, ("emails", Some("value")), Operator::Eq) => Key::Email(folded()),
        (User, ("groups", Some("value")), Operator::Eq) if exact => Key::Group(as_is()),
        (Group, ("members", Some("value")), Operator::Eq) if exact => Key::Member(as_is()),
        _ => return None,
    };
    let is_wide = matches!(&key, Key::UserNamePrefix(prefix) | Key::DisplayNamePrefix(prefix) if prefix.is_empty());
    (!is_wide).then_some(key)
}

/// An instant between two milliseconds is taken for the one before: what is found needlessly is judged.
fn of_instant(name: &str, operator: Operator, value: &Value) -> Option<Key> {
    let at = values::moment(value.as_str()?)?.timestamp_millis();
    let range = match operator {
        Operator::Eq => Instants { from: at, to: at },
        Operator::Gt | Operator::Ge => Instants { from: at, to: i64::MAX },
        Operator::Lt | Operator::Le => Instants { from: i64::MIN, to: at },
        Operator::Ne | Operator::Co | Operator::Sw | Operator::Ew => return None,
    };
    Some(if name == "created" { Key::Created(range) } else { Key::Changed(range) })
}

/// A text that is no instant is neither before nor after one. Anything else is compared as text, which no index helps with.
fn of_no_instant(operator: Operator, value: &Value) -> Vec<Key> {
    let is_compared = operator.is_ordering() || operator == Operator::Eq;
    if is_compared && value.as_str().is_some_and(|text| values::moment(text).is_none()) {
        Vec::new()
    } else {
        vec![Key::Every]
    }
}

#[cfg(test)]
mod tests;
