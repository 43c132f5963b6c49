//! Pure: which attributes an answer shows (RFC 7644 §3.9, RFC 7643 §7 "returned"). What `never` may be shown isn't, whatever is
//! asked for; names that don't exist are ignored.

use serde_json::{Map, Value};

use super::attribute::{Attribute, AttributeType, Returned, Schema};
use super::error::ScimError;
use super::resource::Resource;
use super::schema::{Definition, Target};

/// The most paths of a list: each is looked for in every resource that is shown.
const MOST_PATHS: usize = 500;

/// `attributes` and `excludedAttributes` as they were asked for. The default asks for neither.
#[derive(Clone, Debug, Default)]
pub struct Projection {
    only: Vec<String>,
    without: Vec<String>,
    /// Also what is only shown when it is asked for.
    is_whole: bool,
}

impl Projection {
    /// From lists of attribute paths, as POST `/.search` has them. An empty list is none.
    ///
    /// # Errors
    /// 400 `invalidValue` if both are given, or one names too much.
    pub fn new(attributes: Option<&[String]>, excluded: Option<&[String]>) -> Result<Self, ScimError> {
        let (only, without) = (attributes.unwrap_or_default().to_vec(), excluded.unwrap_or_default().to_vec());
        if !only.is_empty() && !without.is_empty() {
            return Err(ScimError::invalid_value("attributes and excludedAttributes can't be given together"));
        }
        if only.len().max(without.len()) > MOST_PATHS {
            let text = format!("attributes and excludedAttributes must not have more than {MOST_PATHS} paths");
            return Err(ScimError::invalid_value(text));
        }
        Ok(Self { only, without, is_whole: false })
    }

    /// All that may be shown to anybody: what filters and orders judge.
    pub fn whole() -> Self {
        Self { is_whole: true, ..Self::default() }
    }

    /// From query parameters: paths with commas between.
    ///
    /// # Errors
    /// As `new`.
    pub fn parse(attributes: Option<&str>, excluded: Option<&str>) -> Result<Self, ScimError> {
        Self::new(Some(&paths(attributes)), Some(&paths(excluded)))
    }

    /// Whether an attribute may be in the answer, so that it has to be read. A yes too many costs only time.
    pub fn shows(&self, name: &str) -> bool {
        let named =
            |paths: &[String]| paths.iter().any(|path| path.to_ascii_lowercase().contains(&name.to_ascii_lowercase()));
        let excluded = self.without.iter().any(|path| path.eq_ignore_ascii_case(name));
        !excluded && (self.only.is_empty() || named(&self.only))
    }

    /// Copies what is to be shown. `own` is what the server says of the resource and goes before `stored`.
    pub(super) fn apply(&self, definition: &Definition, own: &Resource, stored: &Resource) -> Resource {
        let asked = Asked {
            only: (!self.only.is_empty()).then(|| targets(definition, &self.only)),
            without: targets(definition, &self.without),
            is_whole: self.is_whole,
        };
        let mut shown = Resource::new();
        for attribute in definition.common.iter().chain(&definition.core.attributes) {
            let value = own.get(&attribute.name).or_else(|| stored.get(&attribute.name));
            if let Some(value) = value.and_then(|value| asked.show(None, attribute, value)) {
                shown.insert(attribute.name.clone(), value);
            }
        }
        for schema in &definition.extensions {
            let Some(Value::Object(parts)) = stored.get(&schema.id) else { continue };
            let kept = schema.attributes.iter().filter_map(|attribute| {
                let value = asked.show(Some(schema), attribute, parts.get(&attribute.name)?)?;
                Some((attribute.name.clone(), value))
            });
            let kept: Resource = kept.collect();
            if !kept.is_empty() {
                shown.insert(schema.id.clone(), Value::Object(kept));
            }
        }
        shown
    }
}

fn paths(text: Option<&str>) -> Vec<String> {
    let names = text.unwrap_or_default().split(',').map(str::trim);
    names.filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

fn targets<'a>(definition: &'a Definition, paths: &[String]) -> Vec<Target<'a>> {
    paths.iter().filter_map(|path| definition.resolve(path)).collect()
}

/// The paths that name something.
struct Asked<'a> {
    only: Option<Vec<Target<'a>>>,
    without: Vec<Target<'a>>,
    is_whole: bool,
}

/// How much of an attribute some paths name.
enum Extent<'a> {
    Nothing,
    Whole,
    Parts(Vec<&'a Attribute>),
}

impl Asked<'_> {
    fn show(&self, schema: Option<&Schema>, attribute: &Attribute, value: &Value) -> Option<Value> {
        if attribute.is_hidden() {
            return None;
        }
        let is_always = attribute.returned == Returned::Always;
        let by_default = |part: &Attribute| self.is_whole || part.returned != Returned::Request;
        let always = |part: &Attribute| part.returned == Returned::Always;
        match &self.only {
            Some(only) => match extent(only, schema, attribute) {
                Extent::Nothing if !is_always => None,
                Extent::Nothing | Extent::Whole => copy(attribute, value, &by_default),
                Extent::Parts(parts) if is_always => {
                    copy(attribute, value, &|part| by_default(part) || is_among(&parts, part))
                }
                Extent::Parts(parts) => copy(attribute, value, &|part| always(part) || is_among(&parts, part)),
            },
            None if attribute.returned == Returned::Request && !self.is_whole => None,
            None => match extent(&self.without, schema, attribute) {
                Extent::Whole if !is_always => None,
                Extent::Nothing | Extent::Whole => copy(attribute, value, &by_default),
                Extent::Parts(parts) => {
                    copy(attribute, value, &|part| always(part) || (by_default(part) && !is_among(&parts, part)))
                }
            },
        }
    }
}

fn extent<'a>(targets: &[Target<'a>], schema: Option<&Schema>, attribute: &Attribute) -> Extent<'a> {
    let mut parts = Vec::new();
    for target in targets {
        match target {
            Target::Extension(named) if schema.is_some_and(|schema| std::ptr::eq(schema, *named)) => {
                return Extent::Whole;
            }
            Target::Attribute(place) if std::ptr::eq(place.attribute, attribute) => match place.sub {
                Some(sub) => parts.push(sub),
                None => return Extent::Whole,
            },
            Target::Extension(_) | Target::Attribute(_) => {}
        }
    }
    if parts.is_empty() { Extent::Nothing } else { Extent::Parts(parts) }
}

fn is_among(parts: &[&Attribute], part: &Attribute) -> bool {
    parts.iter().any(|named| std::ptr::eq(*named, part))
}

/// A copy without nulls, without empty values, and of complex values only the wanted sub-attributes.
fn copy(attribute: &Attribute, value: &Value, wanted: &dyn Fn(&Attribute) -> bool) -> Option<Value> {
    match value {
        Value::Null => None,
        Value::Array(items) => {
            let items: Vec<Value> = items.iter().filter_map(|item| copy(attribute, item, wanted)).collect();
            (!items.is_empty()).then_some(Value::Array(items))
        }
        Value::Object(parts) if attribute.kind == AttributeType::Complex => {
            let parts: Map<String, Value> =
                parts.iter().filter_map(|(name, value)| part(attribute, name, value, wanted)).collect();
            (!parts.is_empty()).then_some(Value::Object(parts))
        }
        plain => Some(plain.clone()),
    }
}

fn part(
    attribute: &Attribute,
    name: &str,
    value: &Value,
    wanted: &dyn Fn(&Attribute) -> bool,
) -> Option<(String, Value)> {
    let sub = attribute.sub(name).filter(|sub| !sub.is_hidden() && wanted(sub))?;
    Some((sub.name.clone(), copy(sub, value, wanted)?))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::scim::schema::ResourceType;

    const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

    fn shown(attributes: Option<&str>, excluded: Option<&str>) -> Value {
        let own = json!({"schemas": ["s"], "id": "u1", "meta": {"version": "v", "created": "c"}});
        let stored = json!({
            "userName": "ann", "password": "p", "nickName": null, "name": {"givenName": "Ann", "familyName": "J"},
            "emails": [{"value": "a", "type": "work", "primary": false}, {"value": "b"}],
            ENTERPRISE: {"department": "d", "manager": {"value": "m", "displayName": "M"}},
        });
        let object = |value: &Value| value.as_object().cloned().expect("object");
        let projection = Projection::parse(attributes, excluded).expect("one of the two");
        Value::Object(projection.apply(ResourceType::User.definition(), &object(&own), &object(&stored)))
    }

    #[test]
    fn case_12_only_what_is_asked_for_and_what_is_always_there() {
        let base = |more: Value| {
            let mut base = json!({"schemas": ["s"], "id": "u1"});
            base.as_object_mut().expect("object").extend(more.as_object().cloned().expect("object"));
            base
        };
        assert_eq!(shown(Some("USERNAME,password,unknown"), None), base(json!({"userName": "ann"})));
        assert_eq!(
            shown(Some("name.givenname , meta.version"), None),
            base(json!({"name": {"givenName": "Ann"}, "meta": {"version": "v"}}))
        );
        assert_eq!(shown(Some("emails.type"), None), base(json!({"emails": [{"type": "work"}]})));
        let department = format!("{ENTERPRISE}:department");
        assert_eq!(shown(Some(&department), None), base(json!({ENTERPRISE: {"department": "d"}})));
        let manager = format!("{ENTERPRISE}:manager.value");
        assert_eq!(shown(Some(&manager), None), base(json!({ENTERPRISE: {"manager": {"value": "m"}}})));
        assert_eq!(shown(Some("nothing"), None), base(json!({})));
    }

    #[test]
    fn case_47_everything_but_what_is_excluded() {
        let all = shown(None, None);
        assert!(all.get("password").is_none() && all.get("nickName").is_none());
        assert_eq!(all[ENTERPRISE]["manager"]["displayName"], "M");
        let less = shown(None, Some(&format!("emails,name.familyName,id,schemas,meta,{ENTERPRISE}")));
        assert_eq!(less, json!({"schemas": ["s"], "id": "u1", "userName": "ann", "name": {"givenName": "Ann"}}));
        assert_eq!(shown(None, Some("emails.value"))["emails"], json!([{"type": "work", "primary": false}]));
    }

    #[test]
    fn case_12_both_are_refused() {
        assert_eq!(Projection::parse(Some("a"), Some("b")).expect_err("both").status, 400);
        assert!(Projection::parse(Some(""), Some(" , b")).is_ok());
    }

    #[test]
    fn case_12_a_list_has_an_end() {
        let paths = |count: usize| vec!["id"; count].join(",");
        for (only, without) in [(Some(paths(MOST_PATHS)), None), (None, Some(paths(MOST_PATHS)))] {
            assert!(Projection::parse(only.as_deref(), without.as_deref()).is_ok());
        }
        for (only, without) in [(Some(paths(MOST_PATHS + 1)), None), (None, Some(paths(MOST_PATHS + 1)))] {
            let refused = Projection::parse(only.as_deref(), without.as_deref()).expect_err("too many");
            assert_eq!(refused.scim_type, Some("invalidValue"));
        }
    }
}
