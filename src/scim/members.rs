//! Pure: the part of a group's PATCH that is about its members, as changes of a set of ids, so that a store can carry it out in
//! time proportional to the change and not to the group. What it can't put that way it leaves to `patch::apply`.

use serde_json::Value;

use super::attribute::Attribute;
use super::change::Change;
use super::error::ScimError;
use super::filter::{Filter, Operator};
use super::patch::{Operation, OperationKind};
use super::path::Path;
use super::resource::Resource;
use super::schema::{Definition, ResourceType, Target};
use crate::users::groups::model::MemberChange;

/// The operations of a PATCH, parted. They are about different attributes, so the order between the two is free.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Separated {
    pub members: Vec<MemberChange>,
    /// For `patch::apply`, with a resource without members.
    pub others: Vec<Operation>,
}

/// Parts the operations. `None` if one of them selects members otherwise than by id, or changes a part of them: then read
/// all members and use `patch::apply` for everything.
///
/// # Errors
/// 400 as `patch::apply` for the values of members.
pub fn separate(operations: &[Operation]) -> Result<Option<Separated>, ScimError> {
    let definition = ResourceType::Group.definition();
    let Some(members) = definition.attribute("members") else { return Ok(None) };
    let parting = Parting { definition, members };
    let mut separated = Separated::default();
    for operation in operations {
        if !parting.take(operation, &mut separated)? {
            return Ok(None);
        }
    }
    Ok(Some(separated))
}

struct Parting<'a> {
    definition: &'a Definition,
    members: &'a Attribute,
}

impl Parting<'_> {
    /// False if the operation can't be put as a change of a set.
    fn take(&self, operation: &Operation, into: &mut Separated) -> Result<bool, ScimError> {
        let is_about_members = match &operation.path {
            Some(Path::Attribute(path)) => self.is_members(&path.text()),
            Some(Path::Values { attribute, .. }) => self.is_members(&attribute.text()),
            None => return self.take_pathless(operation, into),
        };
        if !is_about_members {
            into.others.push(operation.clone());
            return Ok(true);
        }
        match &operation.path {
            Some(Path::Attribute(path)) if path.sub.is_none() => {
                into.members.push(self.change(operation.kind, operation.value.as_ref())?);
                Ok(true)
            }
            Some(Path::Values { filter, sub: None, .. }) if operation.kind == OperationKind::Remove => {
                let Some(ids) = ids_of(filter) else { return Ok(false) };
                into.members.push(MemberChange::Remove(ids));
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    fn take_pathless(&self, operation: &Operation, into: &mut Separated) -> Result<bool, ScimError> {
        let object = match &operation.value {
            Some(Value::Object(object)) => object,
            Some(Value::Array(_)) => {
                into.members.push(self.change(operation.kind, operation.value.as_ref())?);
                return Ok(true);
            }
            _ => {
                into.others.push(operation.clone());
                return Ok(true);
            }
        };
        let mut others = Resource::new();
        for (name, value) in object {
            if self.is_members(name.split('[').next().unwrap_or(name)) {
                let is_whole = !name.contains('[') && !self.has_sub(name);
                if !is_whole {
                    return Ok(false);
                }
                into.members.push(self.change(operation.kind, Some(value))?);
            } else {
                others.insert(name.clone(), value.clone());
            }
        }
        if !others.is_empty() {
            into.others.push(Operation { value: Some(Value::Object(others)), ..operation.clone() });
        }
        Ok(true)
    }

    fn change(&self, kind: OperationKind, value: Option<&Value>) -> Result<MemberChange, ScimError> {
        let change = Change { kind, attribute: self.members, label: "members", value };
        Ok(match kind {
            OperationKind::Add => MemberChange::Add(users(change.given()?)?),
            OperationKind::Replace => MemberChange::Replace(users(change.given()?)?),
            OperationKind::Remove => match change.listed()? {
                Some(listed) => MemberChange::Remove(ids(&listed)),
                None => MemberChange::Replace(Vec::new()),
            },
        })
    }

    fn is_members(&self, path: &str) -> bool {
        match self.definition.resolve(path) {
            Some(Target::Attribute(place)) => std::ptr::eq(place.attribute, self.members),
            _ => false,
        }
    }

    fn has_sub(&self, path: &str) -> bool {
        matches!(self.definition.resolve(path), Some(Target::Attribute(place)) if place.sub.is_some())
    }
}

/// Refuses members that say that they are groups: only users can be in a group.
///
/// # Errors
/// 400 `invalidValue`.
pub fn only_users(members: Option<&Value>) -> Result<(), ScimError> {
    let is_group = |member: &Value| {
        member.get("type").and_then(Value::as_str).is_some_and(|kind| kind.eq_ignore_ascii_case("Group"))
    };
    if members.and_then(Value::as_array).is_some_and(|members| members.iter().any(is_group)) {
        return Err(ScimError::invalid_value("members: a group can't be in a group, only users can"));
    }
    Ok(())
}

fn users(values: Vec<Value>) -> Result<Vec<String>, ScimError> {
    let listed = ids(&values);
    only_users(Some(&Value::Array(values)))?;
    Ok(listed)
}

fn ids(values: &[Value]) -> Vec<String> {
    values.iter().filter_map(|value| value.get("value")?.as_str()).map(str::to_owned).collect()
}

/// The ids that a filter of `value eq "…"`, joined by `or`, selects.
fn ids_of(filter: &Filter) -> Option<Vec<String>> {
    match filter {
        Filter::Compare { path, operator: Operator::Eq, value: Value::String(id) } => {
            path.text().eq_ignore_ascii_case("value").then(|| vec![id.clone()])
        }
        Filter::Or(parts) => Some(parts.iter().map(ids_of).collect::<Option<Vec<_>>>()?.concat()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::scim::patch;

    fn operations(operations: Value) -> Vec<Operation> {
        patch::parse(json!({"Operations": operations}).to_string().as_bytes()).expect("valid")
    }

    fn play(changes: &[MemberChange], mut members: Vec<String>) -> Vec<String> {
        for change in changes {
            match change {
                MemberChange::Add(ids) => members.extend(ids.clone()),
                MemberChange::Remove(ids) => members.retain(|member| !ids.contains(member)),
                MemberChange::Replace(ids) => members.clone_from(ids),
            }
        }
        members.sort();
        members.dedup();
        members
    }

    #[test]
    fn case_45_46_and_54_parting_means_what_applying_means() {
        for list in [
            json!([{"op": "Add", "path": "members", "value": [{"$ref": null, "value": "c"}, {"value": "a"}]}]),
            json!([{"op": "Remove", "path": "members", "value": [{"$ref": null, "value": "a"}, {"value": "x"}]}]),
            json!([{"op": "remove", "path": "members[value eq \"a\" or value eq \"b\"]"}, {"op": "add", "path": "members", "value": ["b"]}]),
            json!([{"op": "remove", "path": "members"}, {"op": "add", "value": [{"value": "d"}]}]),
            json!([{"op": "replace", "value": {"id": "g", "displayName": "New", "members": [{"value": "b"}, {"value": "e"}]}}]),
            json!([{"op": "remove", "path": "members", "value": []}, {"op": "replace", "path": "externalId", "value": "x"}]),
            json!([{"op": "add", "path": "members", "value": {"value": "z"}}, {"op": "replace", "path": "members", "value": null}]),
        ] {
            let operations = operations(list.clone());
            let before = json!({"id": "g", "displayName": "Old", "members": [{"value": "a"}, {"value": "b"}]});
            let before = before.as_object().cloned().expect("object");
            let whole = patch::apply(ResourceType::Group, &before, &operations).expect("valid");
            let mut expected =
                whole.get("members").map(|members| ids(members.as_array().expect("array"))).unwrap_or_default();
            expected.sort();
            let separated = separate(&operations).expect("valid").expect("separable");
            assert_eq!(play(&separated.members, vec!["a".into(), "b".into()]), expected, "{list}");
            let mut rest = before.clone();
            rest.remove("members");
            let rest = patch::apply(ResourceType::Group, &rest, &separated.others).expect("valid");
            assert_eq!(
                (rest.get("displayName"), rest.get("externalId")),
                (whole.get("displayName"), whole.get("externalId"))
            );
        }
    }

    #[test]
    fn what_needs_the_members_themselves_is_left_whole() {
        for list in [
            json!([{"op": "remove", "path": "members[type eq \"User\"]"}]),
            json!([{"op": "replace", "path": "members.type", "value": "User"}]),
            json!([{"op": "replace", "value": {"members[value eq \"a\"].type": "User"}}]),
        ] {
            assert_eq!(separate(&operations(list)), Ok(None));
        }
    }

    #[test]
    fn members_that_cannot_be_told_are_refused() {
        for list in [
            json!([{"op": "remove", "path": "members", "value": [{"$ref": null, "value": null}]}]),
            json!([{"op": "add", "path": "members", "value": [{"value": 1}]}]),
            json!([{"op": "add", "path": "members", "value": 1}]),
            json!([{"op": "add", "path": "members", "value": [{"value": "g", "type": "group"}]}]),
            json!([{"op": "replace", "value": {"members": [{"value": "a"}, {"value": "g", "type": "Group"}]}}]),
        ] {
            let refused = separate(&operations(list.clone()));
            assert_eq!(refused.expect_err(&list.to_string()).scim_type, Some("invalidValue"));
        }
    }
}
