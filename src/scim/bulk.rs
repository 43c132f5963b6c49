//! Pure: the envelope of a bulk request (RFC 7644 §3.7) and its references. An envelope that can't be read is refused whole; an
//! operation that can't be carried out keeps its refusal and hinders no other. Every new resource gets its id before
//! anything is written, so that a reference stands for an id in whichever direction it points. The order is
//! `bulk_order.rs`; carrying it out, `bulk_run.rs`.

use std::collections::HashMap;

use serde_json::Value;

use super::error::ScimError;
use super::json;
use super::patch;
use super::resource::{self, Resource};
use super::schema::{Definition, ResourceType};
use super::version::Condition;

/// The most operations of one request.
pub const MOST_OPERATIONS: usize = 1_000;
/// How a reference to a new resource begins.
const REFERENCE: &str = "bulkId:";

/// What an operation does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    Post,
    Put,
    Patch,
    Delete,
}

impl Method {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        let known = [Self::Post, Self::Put, Self::Patch, Self::Delete];
        known.into_iter().find(|method| method.as_str().eq_ignore_ascii_case(text))
    }
}

/// A bulk request.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// How many operations may fail before the rest is left undone; `None`: all may.
    pub most_errors: Option<usize>,
    pub operations: Vec<Operation>,
}

/// One operation of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Operation {
    pub method: Method,
    pub bulk_id: Option<String>,
    /// What to do, or why it can't be done.
    pub task: Result<Task, ScimError>,
}

impl Operation {
    /// Positions of the operations that create what this one refers to, each before or after it.
    pub fn needs(&self) -> &[usize] {
        match &self.task {
            Ok(task) => &task.needs,
            Err(_) => &[],
        }
    }
}

/// Something to do with one resource.
#[derive(Clone, Debug, PartialEq)]
pub struct Task {
    pub kind: ResourceType,
    /// As the client wrote it; of a new resource, empty until `assign`.
    pub id: String,
    pub work: Work,
    pub condition: Option<Condition>,
    needs: Vec<usize>,
}

/// What to do with it.
#[derive(Clone, Debug, PartialEq)]
pub enum Work {
    Create(Resource),
    Replace(Resource),
    Patch(Vec<patch::Operation>),
    Delete,
}

/// Reads a request. `definitions` says what a resource of a kind may hold.
///
/// # Errors
/// 400 `invalidSyntax`: as `json::object`, no operations, or one that is no object with a known method and a path. 400
/// `invalidValue`: `failOnErrors` that is no positive number, or one bulkId for two new resources. 413: more than
/// `MOST_OPERATIONS`.
pub fn parse<'a>(body: &[u8], definitions: impl Fn(ResourceType) -> &'a Definition) -> Result<Request, ScimError> {
    let mut message = json::object(body)?;
    let most_errors = match take(&mut message, "failOnErrors") {
        None | Some(Value::Null) => None,
        Some(value) => {
            let most = value.as_u64().filter(|most| *most > 0);
            let most = most.ok_or_else(|| ScimError::invalid_value("failOnErrors must be a number greater than 0"))?;
            Some(usize::try_from(most).unwrap_or(usize::MAX))
        }
    };
    let Some(Value::Array(items)) = take(&mut message, "Operations") else {
        return Err(ScimError::invalid_syntax("Operations must be an array"));
    };
    match items.len() {
        0 => return Err(ScimError::invalid_syntax("Operations must not be empty")),
        1..=MOST_OPERATIONS => {}
        _ => {
            let text = format!("there must not be more than {MOST_OPERATIONS} operations (maxOperations)");
            return Err(ScimError::payload_too_large(text));
        }
    }
    let named = |index: usize, error: ScimError| ScimError { detail: format!("Operations[{index}]: {error}"), ..error };
    let envelopes = items.into_iter().enumerate();
    let envelopes = envelopes.map(|(index, item)| Envelope::read(item).map_err(|error| named(index, error)));
    let envelopes: Vec<Envelope> = envelopes.collect::<Result<_, _>>()?;
    let creators = creators(&envelopes)?;
    let operation = |(index, envelope): (usize, Envelope)| Operation {
        method: envelope.method,
        bulk_id: envelope.bulk_id.clone(),
        task: envelope.task(index, &creators, &definitions),
    };
    let operations = envelopes.into_iter().enumerate().map(operation).collect();
    Ok(Request { most_errors, operations })
}

impl Request {
    /// Gives every new resource an id of `next`, and puts ids in the place of references.
    pub fn assign(&mut self, mut next: impl FnMut() -> String) {
        let mut ids: HashMap<String, String> = HashMap::new();
        for operation in &mut self.operations {
            let Ok(task) = &mut operation.task else { continue };
            if let (Work::Create(_), Some(bulk_id)) = (&task.work, &operation.bulk_id) {
                task.id = next();
                ids.insert(bulk_id.clone(), task.id.clone());
            }
        }
        self.put(&|text: &str| text.strip_prefix(REFERENCE).and_then(|name| ids.get(name)).cloned());
    }

    /// Puts the id of somebody who was here already in the place of the one that `assign` gave to the new user whom they turned
    /// out to be.
    pub fn found(&mut self, index: usize, id: &str) {
        let Ok(Task { id: given, .. }) = &self.operations[index].task else { return };
        let given = given.clone();
        self.put(&|text: &str| (text == given).then(|| id.to_owned()));
    }

    fn put(&mut self, other: &impl Fn(&str) -> Option<String>) {
        for task in self.operations.iter_mut().filter_map(|operation| operation.task.as_mut().ok()) {
            if let Some(id) = other(&task.id) {
                task.id = id;
            }
            match &mut task.work {
                Work::Create(resource) | Work::Replace(resource) => {
                    resource.values_mut().for_each(|value| resolve(value, other));
                }
                Work::Patch(operations) => {
                    let values = operations.iter_mut().filter_map(|operation| operation.value.as_mut());
                    values.for_each(|value| resolve(value, other));
                }
                Work::Delete => {}
            }
        }
    }
}

/// An operation as it was written.
struct Envelope {
    method: Method,
    bulk_id: Option<String>,
    path: String,
    version: Option<String>,
    data: Option<Resource>,
}

impl Envelope {
    fn read(item: Value) -> Result<Self, ScimError> {
        let Value::Object(mut item) = item else {
            return Err(ScimError::invalid_syntax("an operation must be an object"));
        };
        let method = text(&mut item, "method")?.and_then(|text| Method::parse(&text));
        let method = method.ok_or_else(|| ScimError::invalid_syntax("method must be POST, PUT, PATCH or DELETE"))?;
        let path = text(&mut item, "path")?.ok_or_else(|| ScimError::invalid_syntax("path is required"))?;
        let data = match take(&mut item, "data") {
            None | Some(Value::Null) => None,
            Some(Value::Object(data)) => Some(data),
            Some(_) => return Err(ScimError::invalid_syntax("data must be an object")),
        };
        let (bulk_id, version) = (text(&mut item, "bulkId")?, text(&mut item, "version")?);
        Ok(Self { method, bulk_id, path, version, data })
    }

    fn task<'a>(
        self,
        index: usize,
        creators: &HashMap<String, usize>,
        definitions: &impl Fn(ResourceType) -> &'a Definition,
    ) -> Result<Task, ScimError> {
        let (kind, id) = self.place()?;
        let condition = Condition::parse(self.version.as_deref())?;
        let data = || self.data.ok_or_else(|| ScimError::invalid_syntax("data is required"));
        let work = match self.method {
            Method::Post if self.bulk_id.is_none() => {
                return Err(ScimError::invalid_syntax("a POST needs a bulkId"));
            }
            Method::Post => Work::Create(resource::from_object(definitions(kind), data()?)?),
            Method::Put => Work::Replace(resource::from_object(definitions(kind), data()?)?),
            Method::Patch => Work::Patch(patch::from_object(data()?)?),
            Method::Delete => Work::Delete,
        };
        let mut names = Vec::new();
        names.extend(id.strip_prefix(REFERENCE));
        match &work {
            Work::Create(resource) | Work::Replace(resource) => {
                resource.values().for_each(|value| references(value, &mut names));
            }
            Work::Patch(operations) => {
                let values = operations.iter().filter_map(|operation| operation.value.as_ref());
                values.for_each(|value| references(value, &mut names));
            }
            Work::Delete => {}
        }
        let mut needs = Vec::new();
        for name in names {
            match creators.get(name).copied() {
                // What was sent is not repeated: it may have stood where a password belongs.
                None => return Err(ScimError::conflict("a bulkId that it refers to is of no POST in this request")),
                Some(creator) if creator == index => {
                    return Err(ScimError::conflict("it refers to itself"));
                }
                Some(creator) => needs.push(creator),
            }
        }
        needs.sort_unstable();
        needs.dedup();
        Ok(Task { kind, id, work, condition, needs })
    }

    /// The kind of resource and its id, which is empty for a new one.
    fn place(&self) -> Result<(ResourceType, String), ScimError> {
        let path = self.path.trim().trim_start_matches('/');
        let (endpoint, id) = path.split_once('/').unwrap_or((path, ""));
        if endpoint.eq_ignore_ascii_case("Bulk") {
            return Err(ScimError::invalid_value("path: a bulk request can't be in a bulk request"));
        }
        let found = ResourceType::ALL.into_iter().find(|kind| kind.endpoint().trim_start_matches('/') == endpoint);
        let kind = found.ok_or_else(|| ScimError::not_found("path: only /Users and /Groups take bulk operations"))?;
        match (self.method, id) {
            (Method::Post, "") => Ok((kind, String::new())),
            (Method::Post, _) | (_, "") => {
                let text = "path: POST goes to /Users or /Groups, every other method to one resource";
                Err(ScimError::method_not_allowed(text))
            }
            _ => Ok((kind, id.to_owned())),
        }
    }
}

/// Which operation creates the resource of a bulkId.
fn creators(envelopes: &[Envelope]) -> Result<HashMap<String, usize>, ScimError> {
    let mut creators = HashMap::new();
    for (index, envelope) in envelopes.iter().enumerate().filter(|(_, envelope)| envelope.method == Method::Post) {
        let Some(bulk_id) = &envelope.bulk_id else { continue };
        if creators.insert(bulk_id.clone(), index).is_some() {
            let text = format!("Operations[{index}]: its bulkId is another POST's, too");
            return Err(ScimError::invalid_value(text));
        }
    }
    Ok(creators)
}

fn take(message: &mut Resource, name: &str) -> Option<Value> {
    let name = message.keys().find(|key| key.eq_ignore_ascii_case(name))?.clone();
    message.remove(&name)
}

/// A text that is there and not empty.
fn text(item: &mut Resource, name: &str) -> Result<Option<String>, ScimError> {
    match take(item, name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text).filter(|text| !text.is_empty())),
        Some(_) => Err(ScimError::invalid_syntax(format!("{name} must be a text"))),
    }
}

/// The bulkIds that a value refers to.
fn references<'a>(value: &'a Value, into: &mut Vec<&'a str>) {
    match value {
        Value::String(text) => into.extend(text.strip_prefix(REFERENCE)),
        Value::Array(items) => items.iter().for_each(|item| references(item, into)),
        Value::Object(parts) => parts.values().for_each(|part| references(part, into)),
        _ => {}
    }
}

fn resolve(value: &mut Value, other: &impl Fn(&str) -> Option<String>) {
    match value {
        Value::String(text) => {
            if let Some(id) = other(text) {
                *text = id;
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| resolve(item, other)),
        Value::Object(parts) => parts.values_mut().for_each(|part| resolve(part, other)),
        _ => {}
    }
}

#[cfg(test)]
mod tests;
