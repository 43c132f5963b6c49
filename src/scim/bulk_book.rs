//! What became of the operations of a bulk request, and the BulkResponse that tells it (RFC 7644 §3.7.3).

use serde_json::{Map, Value, json};

use super::bulk::{Method, Operation, Request};
use super::client::Client;
use super::error::ScimError;
use super::version;
use crate::sessions::revoke::Revoked;
use crate::users::model::User;

const RESPONSE_URN: &str = "urn:ietf:params:scim:api:messages:2.0:BulkResponse";

/// What was done with a resource.
pub(super) struct Done {
    /// The tag that it has now; `None` if it is gone.
    pub(super) version: Option<String>,
    /// What it ended, until that is acknowledged.
    pub(super) revoked: Vec<Revoked>,
    /// Whether replicas have to know of something else before the answer.
    pub(super) told: bool,
    /// Whom a new user turned out to be, if they were here already.
    pub(super) found: Option<String>,
}

impl Done {
    pub(super) fn told(version: String) -> Self {
        Self { version: Some(version), revoked: Vec::new(), told: true, found: None }
    }

    pub(super) fn created(user: &User) -> Self {
        Self { version: Some(version::of_user(user, &[])), revoked: Vec::new(), told: false, found: None }
    }
}

pub(super) type Outcome = Result<Done, ScimError>;
/// Operations that were tried, by their positions.
pub(super) type Tried = Vec<(usize, Outcome)>;

/// What became of the operations so far.
pub(super) struct Book {
    /// By position; `None` was not tried.
    pub(super) outcomes: Vec<Option<Outcome>>,
    errors: usize,
    most_errors: usize,
}

impl Book {
    pub(super) fn of(request: &Request) -> Self {
        let outcomes = request.operations.iter().map(|_| None).collect();
        Self { outcomes, errors: 0, most_errors: request.most_errors.unwrap_or(usize::MAX) }
    }

    /// Whether so many operations failed that no other is tried. `tried` are those that `enter` doesn't know yet.
    pub(super) fn is_full(&self, tried: &[(usize, Outcome)]) -> bool {
        self.errors + tried.iter().filter(|(_, outcome)| outcome.is_err()).count() >= self.most_errors
    }

    /// Why an operation can't be tried: what it refers to is not there.
    pub(super) fn hindrance(&self, operation: &Operation, tried: &[(usize, Outcome)]) -> Option<ScimError> {
        let failed = |needed: &usize| {
            let before = self.outcomes[*needed].as_ref();
            let now = tried.iter().rev().find(|(index, _)| index == needed).map(|(_, outcome)| outcome);
            before.or(now).is_none_or(|outcome| outcome.is_err())
        };
        operation.needs().iter().any(failed).then(missing_reference)
    }

    pub(super) fn enter(&mut self, tried: Tried) {
        for (index, outcome) in tried {
            self.errors += usize::from(outcome.is_err());
            self.outcomes[index] = Some(outcome);
        }
    }
}

pub(super) fn missing_reference() -> ScimError {
    ScimError::conflict("it refers to the resource of an operation that failed")
}

/// The BulkResponse: what was tried, in the order of the request.
pub(super) fn answer(client: &Client, operations: &[Operation], book: &Book) -> Value {
    let tried = operations.iter().zip(&book.outcomes);
    let tried = tried.filter_map(|(operation, outcome)| Some(shown(client, operation, outcome.as_ref()?)));
    let tried: Vec<Value> = tried.collect();
    json!({"schemas": [RESPONSE_URN], "Operations": tried})
}

fn shown(client: &Client, operation: &Operation, outcome: &Outcome) -> Value {
    let mut shown = Map::new();
    if let Ok(task) = &operation.task
        && (outcome.is_ok() || operation.method != Method::Post)
    {
        shown.insert("location".into(), client.location(task.kind, &task.id).into());
    }
    shown.insert("method".into(), operation.method.as_str().into());
    if let Some(bulk_id) = &operation.bulk_id {
        shown.insert("bulkId".into(), bulk_id.as_str().into());
    }
    let status = match outcome {
        Ok(done) => {
            shown.extend(done.version.as_deref().map(|version| ("version".to_owned(), Value::from(version))));
            client.bulk_status(operation.method)
        }
        Err(refused) => {
            shown.insert("response".into(), refused.to_json());
            refused.status
        }
    };
    shown.insert("status".into(), status.to_string().into());
    Value::Object(shown)
}
