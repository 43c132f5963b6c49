//! Pure: filters (RFC 7644 §3.4.2.2) as our own tree, read once and then judged by `matches`, or asked by `lookup` which index
//! a store may read first. The grammar is `grammar.rs`, the judging `matching.rs`.

use std::borrow::Cow;

use serde_json::Value;

use super::attribute::AttributeType;
use super::error::ScimError;
use super::grammar;
pub use super::matching::{matches, matches_in};
use super::path::AttributePath;
use super::schema::{Definition, ResourceType};
use crate::base::canonical;

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

/// An equality that every match fulfils, so that a store can read an index and leave the rest to `matches`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lookup {
    /// The id, exactly.
    Id(String),
    /// `canonical::fold` of the user name: the `canonical::key` of whoever has it.
    UserName(String),
    /// The external id, exactly. It never is an id of ours.
    ExternalId(String),
    /// `canonical::fold` of an e-mail address of type "work". The index must hold every such address of a user.
    WorkEmail(String),
    /// `canonical::fold` of the display name.
    DisplayName(String),
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

/// Refuses what RFC 7644 §3.4.2.2 wants refused: ordering booleans or binary values.
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
        Filter::Compare { path, operator, .. } if operator.is_ordering() => {
            let place = definition.place(path.urn.as_deref(), &path.name, path.sub.as_deref());
            let kind = place.map(|place| place.sub.unwrap_or(place.attribute).kind);
            if matches!(kind, Some(AttributeType::Boolean | AttributeType::Binary)) {
                return Err(ScimError::invalid_filter(format!("{} has no order", path.text())));
            }
            Ok(())
        }
        Filter::Compare { .. } | Filter::Present(_) | Filter::ValuePath { .. } => Ok(()),
    }
}

/// The index to read for a filter: that of an equality which it is, or which its top-level `and` has; the most selective one.
pub fn lookup(filter: &Filter) -> Option<Lookup> {
    match filter {
        Filter::And(parts) => parts.iter().filter_map(lookup).min(),
        Filter::Compare { path, operator: Operator::Eq, value } if is_core(path) && path.sub.is_none() => {
            let text = literal_text(value)?;
            match path.name.to_ascii_lowercase().as_str() {
                "id" => Some(Lookup::Id(text.into_owned())),
                "username" => Some(Lookup::UserName(canonical::fold(&text))),
                "externalid" => Some(Lookup::ExternalId(text.into_owned())),
                "displayname" => Some(Lookup::DisplayName(canonical::fold(&text))),
                _ => None,
            }
        }
        Filter::ValuePath { path, filter } if is_core(path) && path.name.eq_ignore_ascii_case("emails") => {
            work_email(filter)
        }
        _ => None,
    }
}

fn work_email(filter: &Filter) -> Option<Lookup> {
    let mut terms = Vec::new();
    flatten(filter, &mut terms);
    let equal_to = |wanted: &str| {
        terms.iter().find_map(|term| match term {
            Filter::Compare { path, operator: Operator::Eq, value } if path.name.eq_ignore_ascii_case(wanted) => {
                literal_text(value)
            }
            _ => None,
        })
    };
    let is_work = equal_to("type").is_some_and(|kind| kind.eq_ignore_ascii_case("work"));
    is_work.then(|| equal_to("value")).flatten().map(|address| Lookup::WorkEmail(canonical::fold(&address)))
}

/// The terms that must all hold.
fn flatten<'a>(filter: &'a Filter, terms: &mut Vec<&'a Filter>) {
    match filter {
        Filter::And(parts) => parts.iter().for_each(|part| flatten(part, terms)),
        term => terms.push(term),
    }
}

/// A literal as text: a number stands for its digits, since clients leave out quotes.
pub(super) fn literal_text(value: &Value) -> Option<Cow<'_, str>> {
    match value {
        Value::String(text) => Some(Cow::Borrowed(text)),
        Value::Number(number) => Some(Cow::Owned(number.to_string())),
        _ => None,
    }
}

fn is_core(path: &AttributePath) -> bool {
    let is_ours =
        |urn: &String| ResourceType::ALL.iter().any(|kind| kind.definition().core.id.eq_ignore_ascii_case(urn));
    path.urn.as_ref().is_none_or(is_ours)
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

    fn index(text: &str) -> Option<Lookup> {
        lookup(&parse(text).expect(text))
    }

    #[test]
    fn case_48_the_index_of_an_equality_is_named() {
        assert_eq!(index("userName eq \"ANN@Corp.test\""), Some(Lookup::UserName("ann@corp.test".into())));
        assert_eq!(index("externalId eq jyoung"), Some(Lookup::ExternalId("jyoung".into())));
        assert_eq!(index("externalId eq 12345"), Some(Lookup::ExternalId("12345".into())));
        let work = Some(Lookup::WorkEmail("ann@corp.test".into()));
        assert_eq!(index("emails[type eq \"work\"].value eq \"Ann@corp.test\""), work);
        assert_eq!(index("Emails[Type eq \"Work\" and value eq \"ann@corp.test\"]"), work);
        assert_eq!(index("id eq \"g\" and members eq \"u\""), Some(Lookup::Id("g".into())));
        assert_eq!(index("displayName eq \"A\" and (userName eq \"b\")"), Some(Lookup::UserName("b".into())));
        let core = "urn:ietf:params:scim:schemas:core:2.0:User:userName eq \"b\"";
        assert_eq!(index(core), Some(Lookup::UserName("b".into())));
    }

    #[test]
    fn no_index_is_named_for_what_need_not_hold() {
        for text in [
            "userName eq \"a\" or id eq \"b\"",
            "not (userName eq \"a\")",
            "userName ne \"a\"",
            "userName sw \"a\"",
            "emails.value eq \"a\"",
            "emails[value eq \"a\"]",
            "emails[type eq \"home\" and value eq \"a\"]",
            "emails[type eq \"work\" or value eq \"a\"]",
            "urn:other:User:userName eq \"a\"",
            "id pr",
            "externalId eq null",
        ] {
            assert_eq!(index(text), None, "{text}");
        }
    }

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
