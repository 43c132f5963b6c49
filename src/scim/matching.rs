//! Pure: whether a resource, or one value of an attribute, fulfils a filter. Comparison goes by the type and case rule of
//! the attribute (RFC 7644 §3.4.2.2): instants as instants, numbers as numbers, text folded as sign-in folds it. Of several
//! values one has to match. An attribute without a value differs from everything but null.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::sync::atomic::{self, AtomicUsize};

use serde_json::{Number, Value};

use super::attribute::{Attribute, AttributeType as Kind};
use super::filter::{Filter, Operator, literal_text};
use super::path::AttributePath;
use super::resource::Resource;
use super::schema::{Definition, ResourceType};
use super::values;
use crate::base::canonical;

/// Whether the resource, as `resource::render` shows it whole, fulfils the filter.
pub fn matches(filter: &Filter, kind: ResourceType, resource: &Value) -> bool {
    matches_in(filter, kind.definition(), resource)
}

/// As `matches`, for a workspace's own definition.
pub fn matches_in(filter: &Filter, definition: &Definition, resource: &Value) -> bool {
    matches_within(filter, definition, resource, &Effort::default())
}

/// As `matches_in`, for one of many resources. If the effort is spent, the answer is none.
pub fn matches_within(filter: &Filter, definition: &Definition, resource: &Value, effort: &Effort) -> bool {
    resource.as_object().is_some_and(|resource| holds(filter, Scope::Resource(definition, resource), effort))
}

/// What was compared so far, in bytes. A filter may have a thousand terms, a resource a hundred addresses, and a workspace many
/// resources: whoever judges them stops where that becomes too much.
#[derive(Debug, Default)]
pub struct Effort(AtomicUsize);

impl Effort {
    /// Some tenths of a second, in which a thread does nothing else.
    const MOST: usize = 8_000_000;
    /// A comparison of nothing.
    const LEAST: usize = 8;

    /// Whether nothing more is judged.
    pub fn is_spent(&self) -> bool {
        self.0.load(atomic::Ordering::Relaxed) > Self::MOST
    }

    fn spend(&self, value: Option<&Value>) {
        let length = value.and_then(Value::as_str).map_or(0, str::len);
        self.0.fetch_add(Self::LEAST + length, atomic::Ordering::Relaxed);
    }
}

/// Whether one value of a complex attribute fulfils the filter in its brackets.
pub(super) fn selects(filter: &Filter, attribute: &Attribute, value: &Value) -> bool {
    holds(filter, Scope::Value(attribute, value), &Effort::default())
}

/// The values of an attribute: one, several or none.
pub(super) fn each(value: &Value) -> &[Value] {
    match value {
        Value::Array(values) => values,
        one => std::slice::from_ref(one),
    }
}

/// What the paths of a filter start from.
#[derive(Clone, Copy)]
enum Scope<'a> {
    Resource(&'a Definition, &'a Resource),
    Value(&'a Attribute, &'a Value),
}

/// The values that a path leads to, and the attribute they are of.
struct Found<'a> {
    attribute: &'a Attribute,
    values: Vec<&'a Value>,
}

fn holds(filter: &Filter, scope: Scope<'_>, effort: &Effort) -> bool {
    if effort.is_spent() {
        return false;
    }
    match filter {
        Filter::And(parts) => parts.iter().all(|part| holds(part, scope, effort)),
        Filter::Or(parts) => parts.iter().any(|part| holds(part, scope, effort)),
        Filter::Not(inner) => !holds(inner, scope, effort),
        Filter::Present(path) => {
            effort.spend(None);
            scope.find(path).is_some_and(|found| found.values.into_iter().any(is_filled))
        }
        Filter::Compare { path, operator, value } => compare(scope.find(path), *operator, value, effort),
        Filter::ValuePath { path, filter } => scope.find(path).is_some_and(|found| {
            found.values.iter().any(|value| holds(filter, Scope::Value(found.attribute, value), effort))
        }),
    }
}

impl<'a> Scope<'a> {
    fn find(self, path: &AttributePath) -> Option<Found<'a>> {
        match self {
            Scope::Resource(definition, resource) => {
                let place = definition.place(path.urn.as_deref(), &path.name, path.sub.as_deref())?;
                let values = each(place.read(resource)?);
                Some(match place.sub {
                    None => Found { attribute: place.attribute, values: values.iter().collect() },
                    Some(sub) => Found {
                        attribute: sub,
                        values: values.iter().filter_map(|value| value.get(sub.name.as_str())).flat_map(each).collect(),
                    },
                })
            }
            Scope::Value(attribute, value) => {
                let is_plain = path.urn.is_none() && path.sub.is_none();
                if is_plain && attribute.kind != Kind::Complex && path.name.eq_ignore_ascii_case("value") {
                    return Some(Found { attribute, values: vec![value] });
                }
                let sub = attribute.sub(&path.name).filter(|_| is_plain)?;
                Some(Found {
                    attribute: sub,
                    values: value.get(sub.name.as_str()).into_iter().flat_map(each).collect(),
                })
            }
        }
    }
}

impl Found<'_> {
    /// A complex attribute is compared by its `value` (RFC 7643 §2.4), as in `members eq "id"`.
    fn simple(self) -> Self {
        match self.attribute.sub("value") {
            Some(part) => Self {
                values: self
                    .values
                    .into_iter()
                    .filter_map(|value| value.get(part.name.as_str()))
                    .flat_map(each)
                    .collect(),
                attribute: part,
            },
            None => self,
        }
    }
}

fn is_filled(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(parts) => !parts.is_empty(),
        Value::Bool(_) | Value::Number(_) => true,
    }
}

fn compare(found: Option<Found<'_>>, operator: Operator, literal: &Value, effort: &Effort) -> bool {
    effort.spend(None);
    match found.map(Found::simple) {
        Some(found) if !found.values.is_empty() => found.values.iter().any(|&value| {
            effort.spend(Some(value));
            test(found.attribute, value, operator, literal)
        }),
        _ => match operator {
            Operator::Eq => literal.is_null(),
            Operator::Ne => !literal.is_null(),
            _ => false,
        },
    }
}

fn test(attribute: &Attribute, value: &Value, operator: Operator, literal: &Value) -> bool {
    let is_textual = matches!(operator, Operator::Co | Operator::Sw | Operator::Ew);
    let order = match (attribute.kind, value, literal) {
        (Kind::Boolean, Value::Bool(left), _) if !operator.is_ordering() => {
            values::boolean(literal).map(|right| left.cmp(&right))
        }
        (Kind::Integer | Kind::Decimal, Value::Number(left), Value::Number(right)) => order_of_numbers(left, right),
        (Kind::DateTime, Value::String(left), Value::String(right)) if !is_textual => {
            values::moment(left).zip(values::moment(right)).map(|(left, right)| left.cmp(&right))
        }
        (_, Value::String(left), _) => match literal_text(literal) {
            Some(right) => return test_text(attribute, left, operator, &right),
            None => None,
        },
        _ => None,
    };
    fulfils(operator, order)
}

/// `co`, `sw` and `ew` take the literal as it stands: no character of it is a pattern.
fn test_text(attribute: &Attribute, left: &str, operator: Operator, right: &str) -> bool {
    let (left, right) = (comparable(attribute, left), comparable(attribute, right));
    match operator {
        Operator::Co => left.contains(&*right),
        Operator::Sw => left.starts_with(&*right),
        Operator::Ew => left.ends_with(&*right),
        _ => fulfils(operator, Some(left.cmp(&right))),
    }
}

fn comparable<'a>(attribute: &Attribute, text: &'a str) -> Cow<'a, str> {
    if attribute.case_exact { Cow::Borrowed(text) } else { Cow::Owned(canonical::fold(text)) }
}

/// `None` is the order of values that have none.
fn fulfils(operator: Operator, order: Option<Ordering>) -> bool {
    match operator {
        Operator::Eq => order == Some(Ordering::Equal),
        Operator::Ne => order != Some(Ordering::Equal),
        Operator::Gt => order == Some(Ordering::Greater),
        Operator::Ge => matches!(order, Some(Ordering::Greater | Ordering::Equal)),
        Operator::Lt => order == Some(Ordering::Less),
        Operator::Le => matches!(order, Some(Ordering::Less | Ordering::Equal)),
        Operator::Co | Operator::Sw | Operator::Ew => false,
    }
}

fn order_of_numbers(left: &Number, right: &Number) -> Option<Ordering> {
    match (left.as_i64(), right.as_i64()) {
        (Some(left), Some(right)) => Some(left.cmp(&right)),
        _ => left.as_f64()?.partial_cmp(&right.as_f64()?),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::scim::attribute::Schema;
    use crate::scim::filter::parse;

    fn ann() -> Value {
        json!({
            "id": "u1", "userName": "Straße@Corp.test", "externalId": "Ext-1", "active": false, "title": "50% off_\\'",
            "name": {"familyName": "Jensen"},
            "emails": [{"value": "ann@corp.test", "type": "work", "primary": true}, {"value": "a@home.test", "type": "home"}],
            "roles": [{"value": "x", "primary": true}],
            "meta": {"resourceType": "User", "created": "2026-01-23T04:56:22.000Z"},
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {"department": "R&D", "manager": {"value": "u2"}},
        })
    }

    #[track_caller]
    fn expect(wanted: bool, filters: &[&str]) {
        for text in filters {
            assert_eq!(matches(&parse(text).expect(text), ResourceType::User, &ann()), wanted, "{text}");
        }
    }

    #[test]
    fn case_10_text_compares_by_the_case_rule_of_the_attribute() {
        expect(true, &["userName eq \"STRASSE@CORP.TEST\"", "userName sw \"strasse\"", "userName ew \"CORP.test\""]);
        expect(
            true,
            &["name.familyName gt \"jense\"", "name.familyName le \"JENSEN\"", "externalId eq \"Ext-1\"", "id eq u1"],
        );
        expect(
            false,
            &[
                "externalId eq \"ext-1\"",
                "id eq \"U1\"",
                "userName eq \"strase@corp.test\"",
                "name.familyName lt \"jensen\"",
            ],
        );
        expect(
            true,
            &["nickName ne \"x\"", "nickName eq null", "title ne null", "unknown ne \"x\"", "userName ne \"x\""],
        );
        expect(
            false,
            &["nickName eq \"x\"", "nickName gt \"\"", "nickName pr", "unknown pr", "name pr and title eq null"],
        );
    }

    #[test]
    fn case_10_booleans_dates_and_numbers_compare_as_what_they_are() {
        expect(true, &["active eq false", "active eq \"False\"", "active ne true", "active eq False"]);
        expect(false, &["active eq true", "active gt true", "active eq \"no\"", "active co \"als\""]);
        expect(
            true,
            &["meta.created eq \"2026-01-22T20:56:22-08:00\"", "meta.created lt \"2026-01-23T04:56:22.001Z\""],
        );
        expect(false, &["meta.created gt \"2026-01-23T04:56:22Z\"", "meta.created lt \"never\""]);
        let document = json!({"id": "urn:x:E", "attributes": [{"name": "floor", "type": "integer"}]});
        let definition = ResourceType::User.definition().extended([Schema::from_document(document).expect("valid")]);
        let resource = json!({"urn:x:E": {"floor": 9}});
        let holds = |text: &str| matches_in(&parse(text).expect(text), &definition, &resource);
        assert!(holds("urn:x:E:floor lt 10") && holds("urn:x:E:floor eq 9.0") && !holds("urn:x:E:floor gt 9"));
    }

    #[test]
    fn case_11_several_values_and_value_paths() {
        expect(
            true,
            &["emails co \"home\"", "emails.type eq \"home\"", "emails[type eq \"work\" and primary eq true]"],
        );
        expect(true, &["emails[type eq \"work\"].value eq \"ANN@corp.test\"", "not (emails[type eq \"other\"])"]);
        expect(
            false,
            &["emails[type eq \"home\" and primary eq true]", "emails[type eq \"work\" and value co \"home\"]"],
        );
        expect(true, &["name[familyName eq \"jensen\"]", "emails pr", "emails[value pr]", "emails.value pr"]);
        let enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
        expect(true, &[&format!("{enterprise}:department eq \"r&d\""), &format!("{enterprise}:manager eq \"u2\"")]);
        expect(true, &[&format!("{enterprise}:manager.value eq \"u2\""), "meta.resourceType eq \"User\""]);
        let group = json!({"displayName": "G", "members": [{"value": "u1"}, {"value": "u2"}]});
        let filter = parse("displayName eq \"g\" and members eq \"u2\"").expect("valid");
        assert!(matches(&filter, ResourceType::Group, &group));
    }

    #[test]
    fn case_44_booleans_of_values_may_be_text() {
        expect(true, &["roles[primary eq \"True\"]", "roles[primary eq \"true\"].value eq x"]);
    }

    #[test]
    fn case_76_no_character_is_a_pattern() {
        expect(true, &["title co \"% off_\"", "title ew \"\\\\'\"", "title sw \"50%\""]);
        expect(false, &["title co \"5_%\"", "title sw \"%\"", "title eq \"50% off.*\""]);
    }

    #[test]
    fn case_56_judging_comes_to_an_end() {
        let addresses: Vec<Value> = (0..100).map(|_| json!({"value": "ä".repeat(250)})).collect();
        let (definition, resource) = (ResourceType::User.definition(), json!({"emails": addresses}));
        let effort = Effort::default();
        let few = parse("emails co \"z\" or emails eq \"y\"").expect("valid");
        assert!(!matches_within(&few, definition, &resource, &effort) && !effort.is_spent());
        let many = parse(&vec!["emails co \"z\""; 450].join(" or ")).expect("valid");
        assert!(!matches_within(&many, definition, &resource, &effort) && effort.is_spent());
    }
}
