//! Pure: what one PATCH operation makes of one attribute (RFC 7644 §3.5.2.1–3): of the whole of it or of a sub-attribute. The
//! values that a filter selects are `select.rs`; which attribute it is, `patch.rs`. Nothing is changed in place: the value
//! before goes in, the value after comes out, and `None` is no value.

use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value};

use super::attribute::{Attribute, AttributeType, Mutability};
use super::error::ScimError;
use super::patch::OperationKind;
use super::resource::Resource;
use super::values::{self, Source};
use crate::base::canonical;

/// One operation, arrived at the attribute it is about.
pub(super) struct Change<'a> {
    pub(super) kind: OperationKind,
    pub(super) attribute: &'a Attribute,
    /// The name of the attribute in details.
    pub(super) label: &'a str,
    pub(super) value: Option<&'a Value>,
}

impl Change<'_> {
    /// The whole attribute: `members`, `name`, `active`.
    pub(super) fn whole(&self, before: Option<Value>) -> Result<Option<Value>, ScimError> {
        match self.kind {
            OperationKind::Remove => self.removed(before),
            OperationKind::Replace if self.attribute.multi_valued => Ok(array(self.given()?)),
            OperationKind::Add if self.attribute.multi_valued => self.appended(before),
            _ if self.attribute.kind == AttributeType::Complex => self.merged(before),
            OperationKind::Add => Ok(self.cleaned()?.or(before)),
            OperationKind::Replace => self.cleaned(),
        }
    }

    /// A sub-attribute: `name.givenName`; of every value if there are several: `emails.type`.
    pub(super) fn part(&self, sub: &Attribute, before: Option<Value>) -> Result<Option<Value>, ScimError> {
        let mut elements = elements(before);
        if elements.is_empty() && self.kind != OperationKind::Remove {
            elements.push(Value::Object(Map::new()));
        }
        for parts in elements.iter_mut().filter_map(Value::as_object_mut) {
            self.set(sub, parts)?;
        }
        Ok(self.assembled(elements))
    }

    /// Sets or removes a sub-attribute of one value. A value that loses its `value` has nothing left to say.
    pub(super) fn set(&self, sub: &Attribute, parts: &mut Resource) -> Result<(), ScimError> {
        let label = format!("{}.{}", self.label, sub.name);
        if sub.mutability == Mutability::ReadOnly {
            return Err(ScimError::mutability(format!("{label} is read-only")));
        }
        let after = match self.value.filter(|_| self.kind != OperationKind::Remove) {
            Some(value) => values::attribute(sub, &label, value.clone(), Source::Request)?,
            None => None,
        };
        let before = parts.get(&sub.name);
        let after = match (after, before) {
            (Some(Value::Array(more)), Some(Value::Array(kept))) if self.kind == OperationKind::Add => {
                let all = kept.iter().cloned().chain(more).collect();
                values::attribute(sub, &label, Value::Array(all), Source::Request)?
            }
            (after, _) => after,
        };
        if sub.mutability == Mutability::Immutable && before.is_some() && before != after.as_ref() {
            return Err(ScimError::mutability(format!("{label} can't be changed")));
        }
        match after {
            Some(after) => {
                parts.insert(sub.name.clone(), after);
            }
            None if self.kind == OperationKind::Add => {}
            None if sub.required => return Err(ScimError::mutability(format!("{label} is required"))),
            None if sub.name == "value" => parts.clear(),
            None => {
                parts.remove(&sub.name);
            }
        }
        Ok(())
    }

    /// The elements as the value of the attribute again, without those that have nothing left.
    pub(super) fn assembled(&self, elements: Vec<Value>) -> Option<Value> {
        let is_empty = |element: &Value| element.as_object().is_some_and(Map::is_empty);
        let mut elements = elements.into_iter().filter(|element| !is_empty(element));
        if self.attribute.multi_valued { array(elements.collect()) } else { elements.next() }
    }

    /// The operation's value as the attribute would keep it.
    fn cleaned(&self) -> Result<Option<Value>, ScimError> {
        let value = self.value.cloned().unwrap_or(Value::Null);
        values::attribute(self.attribute, self.label, value, Source::Request)
    }

    /// The operation's values as the attribute would keep them; a single one may stand without its array.
    pub(super) fn given(&self) -> Result<Vec<Value>, ScimError> {
        let items = match self.value {
            None | Some(Value::Null) => return Ok(Vec::new()),
            Some(Value::Array(items)) => items.clone(),
            Some(one) => vec![one.clone()],
        };
        Ok(elements(values::attribute(self.attribute, self.label, Value::Array(items), Source::Request)?))
    }

    fn appended(&self, before: Option<Value>) -> Result<Option<Value>, ScimError> {
        let mut elements = elements(before);
        let mut known: HashMap<String, usize> =
            elements.iter().enumerate().map(|(index, element)| (identity(self.attribute, element), index)).collect();
        let mut touched = Vec::new();
        for value in self.given()? {
            let identity = identity(self.attribute, &value);
            match known.get(&identity).copied() {
                Some(index) => {
                    absorb(self.attribute, &mut elements[index], value);
                    touched.push(index);
                }
                None => {
                    known.insert(identity, elements.len());
                    touched.push(elements.len());
                    elements.push(value);
                }
            }
        }
        self.require_few(&elements)?;
        settle_primary(self.attribute, &mut elements, &touched);
        Ok(array(elements))
    }

    /// Judged at each step and not only at the end: what grows without limit would be gone through anew by every operation.
    pub(super) fn require_few(&self, elements: &[Value]) -> Result<(), ScimError> {
        // By its label: an attribute of a workspace's own schema may be called members, too.
        if self.label != "members" && elements.len() > values::MOST_VALUES {
            let most = values::MOST_VALUES;
            return Err(ScimError::invalid_value(format!("{} must not have more than {most} values", self.label)));
        }
        Ok(())
    }

    /// Sub-attributes that the value doesn't name stay (RFC 7644 §3.5.2.3).
    fn merged(&self, before: Option<Value>) -> Result<Option<Value>, ScimError> {
        let given = match self.value {
            None | Some(Value::Null) => return Ok(before.filter(|_| self.kind == OperationKind::Add)),
            Some(Value::Object(given)) => given.clone(),
            Some(Value::String(text)) if self.attribute.sub("value").is_some() => {
                Map::from_iter([("value".to_owned(), Value::String(text.clone()))])
            }
            Some(_) => return Err(ScimError::invalid_value(format!("{} must be an object", self.label))),
        };
        let mut parts = match before {
            Some(Value::Object(parts)) => parts,
            _ => Map::new(),
        };
        for (name, value) in &given {
            let Some(sub) = self.attribute.sub(name) else { continue };
            if sub.mutability != Mutability::ReadOnly {
                let step = Change { kind: self.kind, attribute: self.attribute, label: self.label, value: Some(value) };
                step.set(sub, &mut parts)?;
            }
        }
        Ok((!parts.is_empty()).then_some(Value::Object(parts)))
    }

    /// With a value, removes the values it lists and no other: read literally, Entra ID's form would empty the group.
    fn removed(&self, before: Option<Value>) -> Result<Option<Value>, ScimError> {
        let Some(listed) = self.listed()? else { return Ok(None) };
        let ids: HashSet<&str> = listed.iter().filter_map(|value| value.get("value")?.as_str()).collect();
        let is_listed = |element: &Value| match element.get("value") {
            Some(Value::String(id)) if self.attribute.name == "members" => ids.contains(id.as_str()),
            _ => listed.iter().any(|value| names(self.attribute, value, element)),
        };
        Ok(array(elements(before).into_iter().filter(|element| !is_listed(element)).collect()))
    }

    /// The values that a removal lists. `None`: it lists nothing and means all.
    pub(super) fn listed(&self) -> Result<Option<Vec<Value>>, ScimError> {
        let value = match self.value {
            Some(value) if self.attribute.multi_valued && !value.is_null() => value,
            _ => return Ok(None),
        };
        let listed = self.given()?;
        if listed.is_empty() && value.as_array().is_none_or(|items| !items.is_empty()) {
            return Err(ScimError::invalid_value(format!("the values of {} to remove can't be told", self.label)));
        }
        Ok(Some(listed))
    }
}

/// The values of an attribute.
pub(super) fn elements(value: Option<Value>) -> Vec<Value> {
    match value {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Array(elements)) => elements,
        Some(one) => vec![one],
    }
}

fn array(elements: Vec<Value>) -> Option<Value> {
    (!elements.is_empty()).then_some(Value::Array(elements))
}

/// What makes a value the same one: its `value` and `type` (RFC 7643 §2.4); of a member, whom it names; else all it says.
fn identity(attribute: &Attribute, element: &Value) -> String {
    let part = |name: &str| element.get(name).and_then(Value::as_str);
    match part("value") {
        Some(id) if attribute.name == "members" => id.to_owned(),
        Some(value) => {
            let is_exact = attribute.sub("value").is_some_and(|sub| sub.case_exact);
            let value = if is_exact { value.to_owned() } else { canonical::fold(value) };
            format!("{value}\n{}", canonical::fold(part("type").unwrap_or_default()))
        }
        None => match element {
            Value::String(text) if !attribute.case_exact => canonical::fold(text),
            other => other.to_string(),
        },
    }
}

/// Whether `wanted` names `element`: by `value`, and by `type` if it has one; without a `value` by all it says.
fn names(attribute: &Attribute, wanted: &Value, element: &Value) -> bool {
    let parts = match (wanted, element) {
        (Value::Object(parts), _) => parts,
        (Value::String(wanted), Value::String(element)) if !attribute.case_exact => {
            return canonical::fold(wanted) == canonical::fold(element);
        }
        _ => return wanted == element,
    };
    let has_value = parts.contains_key("value");
    let mut telling = parts.iter().filter(|(name, _)| !has_value || matches!(name.as_str(), "value" | "type"));
    telling.all(|(name, part)| {
        let is_exact = attribute.sub(name).is_none_or(|sub| sub.case_exact);
        match (part.as_str(), element.get(name.as_str()).and_then(Value::as_str)) {
            (Some(left), Some(right)) if !is_exact => canonical::fold(left) == canonical::fold(right),
            _ => Some(part) == element.get(name.as_str()),
        }
    })
}

/// Adds to a value what a value of the same identity says beyond it.
fn absorb(attribute: &Attribute, element: &mut Value, value: Value) {
    let Some(parts) = element.as_object_mut() else { return };
    let Value::Object(more) = value else { return };
    for (name, value) in more {
        let is_immutable = attribute.sub(&name).is_some_and(|sub| sub.mutability == Mutability::Immutable);
        if !is_immutable && !matches!(name.as_str(), "value" | "type") {
            parts.insert(name, value);
        }
    }
}

/// Whoever becomes primary is the only one (RFC 7644 §3.5.2). Two at once are left for the final check to refuse.
pub(super) fn settle_primary(attribute: &Attribute, elements: &mut [Value], touched: &[usize]) {
    let is_primary = |element: &Value| element.get("primary") == Some(&Value::Bool(true));
    if attribute.sub("primary").is_none() || !touched.iter().any(|index| is_primary(&elements[*index])) {
        return;
    }
    for (index, element) in elements.iter_mut().enumerate() {
        if is_primary(element) && !touched.contains(&index) {
            element["primary"] = Value::Bool(false);
        }
    }
}
