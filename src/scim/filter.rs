//! Pure: filters (RFC 7644 §3.4.2.2) as our own tree, read once and then judged. The grammar is `grammar.rs`, the judging
//! `matching.rs`; which index a store may read first is `plan.rs`.

use std::borrow::Cow;

use serde_json::Value;

use super::attribute::{Attribute, AttributeType};
use super::error::ScimError;
use super::grammar;
pub use super::matching::{Effort, matches, matches_in, matches_within};
use super::path::AttributePath;
use super::schema::{Definition, Place, ResourceType};

/// How a value is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    Eq,
    Ne,
    Co,
    Sw,
    Ew,
    Gt,
    Ge,
    Lt,
    Le,
}

impl Operator {
    /// Whether it asks which of two values is the greater.
    pub fn is_ordering(self) -> bool {
        matches!(self, Self::Gt | Self::Ge | Self::Lt | Self::Le)
    }
}

/// A condition on a resource; inside `ValuePath`, on one value of an attribute, where paths name sub-attributes.
#[derive(Clone, Debug, PartialEq)]
pub enum Filter {
    And(Vec<Filter>),
    Or(Vec<Filter>),
    Not(Box<Filter>),
    /// `value` is null, a boolean, a number or a text.
    Compare {
        path: AttributePath,
        operator: Operator,
        value: Value,
    },
    Present(AttributePath),
    ValuePath {
        path: AttributePath,
        filter: Box<Filter>,
    },
}

impl Filter {
    /// How many comparisons it holds.
    pub fn terms(&self) -> usize {
        match self {
            Self::And(parts) | Self::Or(parts) => parts.iter().map(Self::terms).sum(),
            Self::Not(inner) | Self::ValuePath { filter: inner, .. } => inner.terms(),
            Self::Compare { .. } | Self::Present(_) => 1,
        }
    }
}

/// Reads a filter, in every form that `normalise.rs` lists. Whether its attributes exist is not asked: one that doesn't has
/// no value (RFC 7644 §3.4.2.1).
///
/// # Errors
/// 400 `invalidFilter`: not the grammar, longer than 8 KiB, more than 64 brackets deep or 1,024 terms, or about `password`.
pub fn parse(text: &str) -> Result<Filter, ScimError> {
    let filter = grammar::filter(text).map_err(|reason| ScimError::invalid_filter(format!("the filter {reason}")))?;
    if any_path(&filter, &|path| path.name.eq_ignore_ascii_case("password")) {
        return Err(ScimError::invalid_filter("password can't be filtered by"));
    }
    Ok(filter)
}

/// Refuses what RFC 7644 §3.4.2.2 wants refused, ordering booleans or binary values; and what nobody may learn.
///
/// # Errors
/// 400 `invalidFilter` naming the attribute.
pub fn check(filter: &Filter, kind: ResourceType) -> Result<(), ScimError> {
    check_in(filter, kind.definition())
}

/// As `check`, for a workspace's own definition.
///
/// # Errors
/// As `check`.
pub fn check_in(filter: &Filter, definition: &Definition) -> Result<(), ScimError> {
    match filter {
        Filter::And(parts) | Filter::Or(parts) => parts.iter().try_for_each(|part| check_in(part, definition)),
        Filter::Not(inner) => check_in(inner, definition),
        Filter::Compare { path, operator, .. } => judge_place(find(definition, path), path, Some(*operator)),
        Filter::Present(path) => judge_place(find(definition, path), path, None),
        Filter::ValuePath { path, filter } => {
            let place = find(definition, path);
            judge_place(place, path, None)?;
            place.map_or(Ok(()), |place| check_values(filter, place.sub.unwrap_or(place.attribute)))
        }
    }
}

/// As `check_in`, for the filter in the brackets behind an attribute.
///
/// # Errors
/// As `check`.
pub(super) fn check_values(filter: &Filter, attribute: &Attribute) -> Result<(), ScimError> {
    match filter {
        Filter::And(parts) | Filter::Or(parts) => parts.iter().try_for_each(|part| check_values(part, attribute)),
        Filter::Not(inner) => check_values(inner, attribute),
        Filter::Compare { path, operator, .. } => judge(attribute, attribute.sub(&path.name), path, Some(*operator)),
        Filter::Present(path) => judge(attribute, attribute.sub(&path.name), path, None),
        Filter::ValuePath { filter, .. } => check_values(filter, attribute),
    }
}

fn find<'a>(definition: &'a Definition, path: &AttributePath) -> Option<Place<'a>> {
    definition.place(path.urn.as_deref(), &path.name, path.sub.as_deref())
}

fn judge_place(place: Option<Place<'_>>, path: &AttributePath, operator: Option<Operator>) -> Result<(), ScimError> {
    place.map_or(Ok(()), |place| {
        let part = if operator.is_some() { place.attribute.sub("value") } else { None };
        judge(place.attribute, place.sub.or(part), path, operator)
    })
}

/// `part` is the sub-attribute that counts, if there is one.
fn judge(
    attribute: &Attribute,
    part: Option<&Attribute>,
    path: &AttributePath,
    operator: Option<Operator>,
) -> Result<(), ScimError> {
    if attribute.is_hidden() || part.is_some_and(Attribute::is_hidden) {
        return Err(ScimError::invalid_filter(format!("{} can't be filtered by", path.text())));
    }
    let kind = part.unwrap_or(attribute).kind;
    let has_order = !matches!(kind, AttributeType::Boolean | AttributeType::Binary);
    if !has_order && operator.is_some_and(Operator::is_ordering) {
        return Err(ScimError::invalid_filter(format!("{} has no order", path.text())));
    }
    Ok(())
}

/// A literal as text: a number stands for its digits, since clients leave out quotes.
pub(super) fn literal_text(value: &Value) -> Option<Cow<'_, str>> {
    match value {
        Value::String(text) => Some(Cow::Borrowed(text)),
        Value::Number(number) => Some(Cow::Owned(number.to_string())),
        _ => None,
    }
}

fn any_path(filter: &Filter, test: &impl Fn(&AttributePath) -> bool) -> bool {
    match filter {
        Filter::And(parts) | Filter::Or(parts) => parts.iter().any(|part| any_path(part, test)),
        Filter::Not(inner) => any_path(inner, test),
        Filter::Compare { path, .. } | Filter::Present(path) => test(path),
        Filter::ValuePath { path, filter } => test(path) || any_path(filter, test),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scm_04_the_password_is_no_criterion() {
        for text in ["password eq \"x\"", "title pr and not (PassWord sw \"x\")", "a[password pr]"] {
            assert_eq!(parse(text).expect_err(text).scim_type, Some("invalidFilter"));
        }
    }

    #[test]
    fn what_has_no_order_is_not_ordered() {
        let check = |text: &str| check(&parse(text).expect(text), ResourceType::User);
        assert!(check("active gt true").is_err() && check("title pr and x509Certificates.value le \"x\"").is_err());
        assert!(check("active eq true and title gt \"x\" and unknown lt 1").is_ok());
    }

    #[test]
    fn case_56_hostile_filters_are_refused() {
        let deep = |depth: usize| format!("{}title pr{}", "(".repeat(depth), ")".repeat(depth));
        let nots = |depth: usize| format!("{}title pr{}", "not (".repeat(depth), ")".repeat(depth));
        let terms = |count: usize| vec!["a pr"; count].join(" or ");
        assert!(parse(&deep(60)).is_ok() && parse(&nots(60)).is_ok() && parse(&terms(1_000)).is_ok());
        for hostile in
            [deep(65), deep(2_000), deep(100_000), nots(65), terms(1_025), "a".repeat(1 << 20), "\u{0}".into()]
        {
            let error = parse(&hostile).expect_err("hostile");
            assert_eq!((error.status, error.scim_type), (400, Some("invalidFilter")));
        }
        for broken in
            ["a eq \"\\u0000\"", "a eq \"\\ud800\"", "a.b.c pr", "ä pr", "1 pr", "a eq \"\n\"", "a pr and or b pr"]
        {
            assert!(parse(broken).is_err(), "{broken:?}");
        }
    }
}
