//! Pure: PATCH (RFC 7644 §3.5.2): reads the message in every form that identity providers send it, and applies its operations to
//! a resource, in order and all or none. What an operation does to an attribute is `change.rs` and `select.rs`; the
//! result obeys the rules of `resource::parse`. Storing it, and what follows from it, is the caller's.
//!
//! A path that names nothing is refused; a name in a pathless object that names nothing is ignored, as in a POST.

use serde_json::Value;

use super::attribute::{Attribute, Mutability, Schema};
use super::change::Change;
use super::error::ScimError;
use super::filter::{self, Filter};
use super::matching;
use super::path::{self, Path};
use super::resource::{self, Resource};
use super::schema::{Definition, Place, ResourceType, Target};
use super::values::Source;

/// The most operations of one message.
pub const MOST_OPERATIONS: usize = 1_000;

/// How much the operations of one message may go through, in bytes of what is kept: some tenths of a second, in which the
/// resource is locked.
const MOST_EFFORT: usize = 4_000_000;

/// What an operation does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OperationKind {
    Add,
    Replace,
    Remove,
}

/// One operation of a PATCH message.
#[derive(Clone, Debug, PartialEq)]
pub struct Operation {
    pub kind: OperationKind,
    /// `None` is the resource itself; never so for a removal.
    pub path: Option<Path>,
    /// Never `None` for an addition or replacement.
    pub value: Option<Value>,
}

/// Reads a message. `schemas` may be missing, `Operations` and `op` in any case, an empty or null path is none.
///
/// # Errors
/// 400 `invalidSyntax`: as `json::object`, no or no list of operations, an unknown `op`. 400 `invalidPath`. 400 `invalidValue`: an
/// addition or replacement without a value. 400 `noTarget`: a removal without a path. 413: more than
/// `MOST_OPERATIONS`.
pub fn parse(body: &[u8]) -> Result<Vec<Operation>, ScimError> {
    from_object(super::json::object(body)?)
}

/// As `parse`, for an object that `json::object` has read (the `data` of a bulk operation).
///
/// # Errors
/// As `parse`.
pub fn from_object(mut message: Resource) -> Result<Vec<Operation>, ScimError> {
    let Some(Value::Array(operations)) = take(&mut message, "operations") else {
        return Err(ScimError::invalid_syntax("Operations must be an array"));
    };
    match operations.len() {
        0 => Err(ScimError::invalid_syntax("Operations must not be empty")),
        1..=MOST_OPERATIONS => operations.into_iter().map(operation).collect(),
        _ => Err(ScimError::payload_too_large(format!("there must not be more than {MOST_OPERATIONS} operations"))),
    }
}

/// The resource after the operations. `before` may hold read-only attributes (`id`, `meta`, `groups`): they come out as they went
/// in, and an `id` that a client repeats is compared with it, so give it.
///
/// # Errors
/// 400 `mutability`, `noTarget`, `invalidPath`, `invalidValue`; 413 for operations that compare too much; then nothing of it is
/// to be kept.
pub fn apply(kind: ResourceType, before: &Resource, operations: &[Operation]) -> Result<Resource, ScimError> {
    apply_in(kind.definition(), before, operations)
}

/// As `apply`, for a workspace's own definition.
///
/// # Errors
/// As `apply`.
pub fn apply_in(definition: &Definition, before: &Resource, operations: &[Operation]) -> Result<Resource, ScimError> {
    let is_read_only = |name: &str| definition.attribute(name).is_some_and(|a| a.mutability == Mutability::ReadOnly);
    let (fixed, working): (Resource, Resource) = before.clone().into_iter().partition(|(name, _)| is_read_only(name));
    let mut patch = Patch { definition, fixed, working, effort: 0 };
    for operation in operations {
        patch.operate(operation)?;
    }
    let mut after = resource::clean(definition, patch.working, Source::Stored)?;
    resource::require_extensions(definition, &after, Some(before))?;
    after.extend(patch.fixed);
    Ok(after)
}

fn take(message: &mut Resource, name: &str) -> Option<Value> {
    let name = message.keys().find(|key| key.eq_ignore_ascii_case(name))?.clone();
    message.remove(&name)
}

fn operation(item: Value) -> Result<Operation, ScimError> {
    let Value::Object(mut item) = item else {
        return Err(ScimError::invalid_syntax("an operation must be an object"));
    };
    let kind = match take(&mut item, "op").as_ref().and_then(Value::as_str).map(str::to_ascii_lowercase).as_deref() {
        Some("add") => OperationKind::Add,
        Some("replace") => OperationKind::Replace,
        Some("remove") => OperationKind::Remove,
        _ => return Err(ScimError::invalid_syntax("op must be add, replace or remove")),
    };
    let path = match take(&mut item, "path") {
        None | Some(Value::Null) => None,
        Some(Value::String(text)) if text.trim().is_empty() => None,
        Some(Value::String(text)) => Some(path::parse(&text)?),
        Some(_) => return Err(ScimError::invalid_path("path must be a text")),
    };
    let value = take(&mut item, "value");
    match kind {
        OperationKind::Remove if path.is_none() => Err(ScimError::no_target("a removal needs a path")),
        OperationKind::Add | OperationKind::Replace if value.is_none() => {
            Err(ScimError::invalid_value("an addition or replacement needs a value"))
        }
        _ => Ok(Operation { kind, path, value }),
    }
}

/// A resource under change.
struct Patch<'a> {
    definition: &'a Definition,
    /// What nobody may change.
    fixed: Resource,
    working: Resource,
    /// What the operations so far went through.
    effort: usize,
}

/// What to do at a place.
#[derive(Clone, Copy)]
struct Step<'a> {
    kind: OperationKind,
    value: Option<&'a Value>,
}

impl Patch<'_> {
    fn operate(&mut self, operation: &Operation) -> Result<(), ScimError> {
        let step = Step { kind: operation.kind, value: operation.value.as_ref() };
        match &operation.path {
            Some(path) => self.with_path(path, step),
            None if step.kind == OperationKind::Remove => Err(ScimError::no_target("a removal needs a path")),
            None => self.without_path(step),
        }
    }

    fn with_path(&mut self, path: &Path, step: Step<'_>) -> Result<(), ScimError> {
        let definition = self.definition;
        let unknown = |name: String| ScimError::invalid_path(format!("there is no attribute {name}"));
        match path {
            Path::Attribute(name) if name.urn.is_none() && name.name.eq_ignore_ascii_case("schemas") => Ok(()),
            Path::Attribute(name) => match definition.resolve(&name.text()) {
                Some(Target::Extension(schema)) => self.at_extension(schema, step),
                Some(Target::Attribute(place)) => self.at(place, None, step),
                None => Err(unknown(name.text())),
            },
            Path::Values { attribute, filter, sub } => {
                let place = definition.place(attribute.urn.as_deref(), &attribute.name, sub.as_deref());
                self.at(place.ok_or_else(|| unknown(attribute.text()))?, Some(filter), step)
            }
        }
    }

    fn without_path(&mut self, step: Step<'_>) -> Result<(), ScimError> {
        let definition = self.definition;
        match (step.value, definition.attribute("members")) {
            (Some(Value::Object(object)), _) => {
                object.iter().try_for_each(|(name, value)| self.named(name, Step { value: Some(value), ..step }))
            }
            (Some(Value::Array(_)), Some(attribute)) => {
                let members = Place { extension: None, attribute, sub: None };
                self.at(members, None, step)
            }
            _ => Err(ScimError::invalid_value("without a path the value must be an object")),
        }
    }

    /// One name of a pathless object: an attribute, a dotted or URN path (Entra ID), or a whole value path.
    fn named(&mut self, name: &str, step: Step<'_>) -> Result<(), ScimError> {
        let definition = self.definition;
        if name.contains('[') {
            return self.with_path(&path::parse(name)?, step);
        }
        match definition.resolve(name) {
            None => Ok(()),
            Some(_) if name.eq_ignore_ascii_case("schemas") => Ok(()),
            Some(Target::Extension(schema)) => self.at_extension(schema, step),
            Some(Target::Attribute(place)) if self.repeats(place, step.value) => Ok(()),
            Some(Target::Attribute(place)) => self.at(place, None, step),
        }
    }

    /// Whether a client only repeats a read-only attribute as it is, as Okta does with `id`.
    fn repeats(&self, place: Place<'_>, value: Option<&Value>) -> bool {
        let is_fixed = place.extension.is_none() && place.attribute.mutability == Mutability::ReadOnly;
        is_fixed
            && place.sub.is_none()
            && (value == self.fixed.get(&place.attribute.name) || value == Some(&Value::Null))
    }

    fn at_extension(&mut self, schema: &Schema, step: Step<'_>) -> Result<(), ScimError> {
        match (step.kind, step.value) {
            (OperationKind::Remove, _) | (OperationKind::Replace, Some(Value::Null)) => self.without_extension(schema),
            (_, Some(Value::Object(parts))) => parts.iter().try_for_each(|(name, value)| {
                let Some(attribute) = schema.attribute(name) else { return Ok(()) };
                let place = Place { extension: Some(schema), attribute, sub: None };
                self.at(place, None, Step { value: Some(value), ..step })
            }),
            _ => Err(ScimError::invalid_value(format!("{} must be an object", schema.id))),
        }
    }

    fn without_extension(&mut self, schema: &Schema) -> Result<(), ScimError> {
        let Some(parts) = self.working.get(&schema.id) else { return Ok(()) };
        if schema.required {
            return Err(ScimError::mutability(format!("{} is required", schema.id)));
        }
        let is_fixed = |attribute: &&Attribute| {
            attribute.mutability == Mutability::Immutable && parts.get(attribute.name.as_str()).is_some()
        };
        if let Some(fixed) = schema.attributes.iter().find(is_fixed) {
            return Err(ScimError::mutability(format!("{}:{} can't be changed", schema.id, fixed.name)));
        }
        self.working.remove(&schema.id);
        Ok(())
    }

    fn at(&mut self, place: Place<'_>, selection: Option<&Filter>, step: Step<'_>) -> Result<(), ScimError> {
        let Place { extension, attribute, sub } = place;
        let label = place.label();
        if attribute.mutability == Mutability::ReadOnly {
            return Err(ScimError::mutability(format!("{label} is read-only")));
        }
        if let Some(filter) = selection {
            if attribute.sub_attributes.is_empty() && !attribute.multi_valued {
                return Err(ScimError::invalid_path(format!("{label} has no values to select among")));
            }
            // Whether it matched would tell what nobody may read.
            filter::check_values(filter, attribute).map_err(|refused| ScimError::invalid_path(refused.detail))?;
        }
        let mut container = self.open(extension);
        let before = container.remove(&attribute.name);
        self.effort = self.effort.saturating_add(effort(attribute, &label, selection, step, before.as_ref()));
        if self.effort > MOST_EFFORT {
            return Err(ScimError::payload_too_large("the operations compare too much: send fewer of them at once"));
        }
        let frozen = if attribute.mutability == Mutability::Immutable { before.clone() } else { None };
        let change = Change { kind: step.kind, attribute, label: &label, value: step.value };
        let after = match (selection, sub) {
            (Some(filter), sub) => change.selected(filter, sub, before)?,
            (None, Some(sub)) => change.part(sub, before)?,
            (None, None) => change.whole(before)?,
        };
        if frozen.is_some() && frozen != after {
            return Err(ScimError::mutability(format!("{label} can't be changed")));
        }
        match after {
            Some(after) => container.insert(attribute.name.clone(), after),
            None if attribute.required => return Err(ScimError::mutability(format!("{label} is required"))),
            None => None,
        };
        self.close(extension, container);
        Ok(())
    }

    /// Takes out what holds the attribute: the resource, or an extension of it. An error in between ends the whole patch.
    fn open(&mut self, extension: Option<&Schema>) -> Resource {
        match extension {
            None => std::mem::take(&mut self.working),
            Some(schema) => match self.working.remove(&schema.id) {
                Some(Value::Object(parts)) => parts,
                _ => Resource::new(),
            },
        }
    }

    fn close(&mut self, extension: Option<&Schema>, container: Resource) {
        match extension {
            None => self.working = container,
            Some(_) if container.is_empty() => {}
            Some(schema) => {
                self.working.insert(schema.id.clone(), Value::Object(container));
            }
        }
    }
}

/// What an operation goes through, about: the bytes of the values that are kept, once for each term of its filter, or for each
/// value whose removal it asks for. Members are told apart by their ids, which is next to nothing.
fn effort(
    attribute: &Attribute,
    label: &str,
    selection: Option<&Filter>,
    step: Step<'_>,
    before: Option<&Value>,
) -> usize {
    let is_by_id = label == "members";
    let times = match (selection, step.value) {
        (Some(filter), _) => filter.terms(),
        (None, _) if !attribute.multi_valued => return 0,
        (None, Some(Value::Array(listed))) if step.kind == OperationKind::Remove && !is_by_id => listed.len(),
        (None, _) => 1,
    };
    let weight = |value: &Value| if is_by_id { 2 } else { 16 + length(value) };
    let size: usize = before.map_or(0, |before| matching::each(before).iter().map(weight).sum());
    size.saturating_mul(times)
}

fn length(value: &Value) -> usize {
    match value {
        Value::String(text) => text.len(),
        Value::Array(items) => items.iter().map(length).sum(),
        Value::Object(parts) => parts.values().map(length).sum(),
        Value::Null | Value::Bool(_) | Value::Number(_) => 1,
    }
}

#[cfg(test)]
mod tests;
