//! What a request and its answer look like: the bearer token that decides the workspace, media types, errors.

use std::sync::Arc;

use poem::http::{HeaderName, HeaderValue, StatusCode, header};
use poem::{Request, Response};
use serde_json::Value;

use super::admit_http::Admitted;
use super::attribute::Schema;
use super::bulk::Method;
use super::error::ScimError;
use super::json;
use super::own_schemas;
use super::own_schemas::model::Definitions;
use super::projection::Projection;
use super::query::{Paging, Query, Sent};
use super::schema::{Definition, ResourceType};
use super::sort::SortOrder;
use super::version::Condition;
use crate::actor::Actor;
use crate::app::App;
use crate::base::ids::WorkspaceId;
use crate::error::{self, Error};
use crate::security::credentials::model::PatchResponse;
use crate::web::authenticate;
use crate::web::problem;

/// An identity provider's connection: one token or client, one workspace.
pub struct Client {
    pub app: Arc<App>,
    pub workspace: WorkspaceId,
    pub actor: Actor,
    /// The SCIM root as the identity provider calls it.
    pub base_url: String,
    /// What a PATCH is answered with.
    pub patch_response: PatchResponse,
    /// What the workspace declared for itself, as of this request; `None` if nothing.
    pub own: Option<Arc<Definitions>>,
}

impl Client {
    /// Who was admitted with this request.
    ///
    /// # Errors
    /// 401 if nobody was.
    pub async fn authenticate(request: &Request) -> Result<Self, Failure> {
        let app = authenticate::app(request)?;
        let nobody = || Error::new(error::NOT_SIGNED_IN, "send Authorization: Bearer with a valid token");
        let Admitted(credential) = request.data::<Admitted>().cloned().ok_or_else(nobody)?;
        let actor = authenticate::scim_actor(&credential, authenticate::origin(request));
        let base_url = format!("{}/scim/v2", app.config.public_url);
        let own = own_schemas::definitions(&app, &credential.workspace, &credential.schemas_stamp).await?;
        let workspace = credential.workspace.clone();
        let patch_response = credential.patch_response;
        Ok(Self { app, workspace, actor, base_url, patch_response, own })
    }

    /// Everything a resource of that kind may hold in this workspace.
    pub fn definition(&self, kind: ResourceType) -> &Definition {
        match &self.own {
            Some(own) => own.of(kind),
            None => kind.definition(),
        }
    }

    /// The schemas that the workspace declared for itself.
    pub fn own_schemas(&self) -> &[Schema] {
        self.own.as_ref().map(|own| own.schemas.as_slice()).unwrap_or_default()
    }

    /// The whole address of a resource.
    pub fn location(&self, kind: ResourceType, id: &str) -> String {
        format!("{}{}/{id}", self.base_url, kind.endpoint())
    }

    /// The status of a bulk operation that was done: that of the single call.
    pub fn bulk_status(&self, method: Method) -> u16 {
        match (method, self.patch_response) {
            (Method::Post, _) => 201,
            (Method::Put, _) | (Method::Patch, PatchResponse::Resource) => 200,
            (Method::Patch, PatchResponse::NoContent) | (Method::Delete, _) => 204,
        }
    }

    /// Whether this PATCH is answered without a body: the token was made so, and no attributes are asked for (RFC 7644 §3.5.2
    /// wants a body then).
    pub fn wants_no_content(&self, request: &Request) -> Result<bool, Failure> {
        Ok(self.patch_response == PatchResponse::NoContent && parameter(request, "attributes")?.is_none())
    }
}

/// Why a request failed: by the protocol, or by the product.
#[derive(Debug)]
pub enum Failure {
    Scim(ScimError),
    Product(Error),
}

impl From<ScimError> for Failure {
    fn from(error: ScimError) -> Self {
        Self::Scim(error)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Product(error)
    }
}

/// Parts a refusal by the protocol, which left nothing to undo, from what ends a transaction.
pub fn parted<T>(outcome: Result<T, Failure>) -> error::Result<Result<T, Failure>> {
    match outcome {
        Err(Failure::Product(error)) => Err(error),
        other => Ok(other),
    }
}

/// A failure in the words of RFC 7644 §3.12, for an answer that tells of several. The operator hears of what is ours.
pub fn refusal(failure: &Failure) -> ScimError {
    match failure {
        Failure::Scim(error) => error.clone(),
        Failure::Product(error) => {
            if error.problem().status >= 500 {
                tracing::error!(log = error.log(), "a SCIM operation failed");
            }
            translated(error)
        }
    }
}

/// The answer to a failed request.
pub fn failure(failure: &Failure) -> Response {
    match failure {
        Failure::Scim(error) => scim_error(error),
        Failure::Product(error) => {
            let mut response = scim_error(&translated(error));
            problem::decorate(&mut response, error);
            if error.problem().status >= 500 {
                tracing::error!(log = error.log(), "a SCIM request failed");
            }
            response
        }
    }
}

fn scim_error(error: &ScimError) -> Response {
    let status = StatusCode::from_u16(error.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    reply(status, &error.to_json())
}

/// A product error in the words of RFC 7644 §3.12.
fn translated(error: &Error) -> ScimError {
    let kind = error.problem();
    let field = error.field().map(|field| format!("{}: ", attribute_of(field))).unwrap_or_default();
    let detail = format!("{field}{}", error.detail());
    let scim_type = match kind {
        error::CONFLICT => Some("uniqueness"),
        error::UNPROCESSABLE | error::INVALID_REQUEST => Some("invalidValue"),
        error::LAST_OWNER => Some("mutability"),
        _ => None,
    };
    let status = match kind {
        error::UNPROCESSABLE => 400,
        // Done, but not known everywhere: the client asks again, and is answered when it is.
        error::REVOCATION_PENDING => 503,
        kind => kind.status,
    };
    ScimError { status, scim_type, detail }
}

/// What SCIM calls a field of ours.
fn attribute_of(field: &str) -> &str {
    match field {
        "user_name" => "userName",
        "external_id" => "externalId",
        "display_name" => "displayName",
        other => other,
    }
}

/// An answer with a SCIM body.
pub fn reply(status: StatusCode, value: &Value) -> Response {
    Response::builder().status(status).content_type("application/scim+json").body(value.to_string())
}

/// Adds a header whose value we made ourselves.
pub fn with_header(mut response: Response, name: HeaderName, value: &str) -> Response {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
    response
}

/// The bytes of a request body, if its media type is one of ours.
///
/// # Errors
/// 415 unless it is `application/scim+json` or `application/json` (RFC 7644 §3.8).
pub fn json_body<'a>(request: &Request, sent: &'a [u8]) -> Result<&'a [u8], Failure> {
    let essence = request.content_type().unwrap_or_default().split(';').next().unwrap_or_default().trim();
    if ["application/scim+json", "application/json"].iter().any(|known| essence.eq_ignore_ascii_case(known)) {
        return Ok(sent);
    }
    Err(Error::new(error::UNSUPPORTED_MEDIA_TYPE, "send application/scim+json").into())
}

/// The versions that `If-Match` asks for.
pub fn if_match(request: &Request) -> Result<Option<Condition>, Failure> {
    Ok(Condition::parse(request.header(header::IF_MATCH))?)
}

/// Whether `If-None-Match` names this version.
pub fn is_known(request: &Request, tag: &str) -> bool {
    super::version::is_known(request.header(header::IF_NONE_MATCH).unwrap_or_default(), tag)
}

/// One query parameter, at most once.
pub fn parameter(request: &Request, name: &str) -> Result<Option<String>, Failure> {
    let query = request.uri().query().unwrap_or_default();
    let mut found = url::form_urlencoded::parse(query.as_bytes()).filter(|(key, _)| key == name);
    let first = found.next().map(|(_, value)| value.into_owned());
    if found.next().is_some() {
        return Err(ScimError::invalid_value(format!("{name} must be sent once")).into());
    }
    Ok(first)
}

fn number(request: &Request, name: &str) -> Result<Sent, Failure> {
    Ok(parameter(request, name)?.map(|text| text.trim().parse().ok()))
}

/// `attributes` and `excludedAttributes`.
pub fn projection(request: &Request) -> Result<Projection, Failure> {
    let (only, without) = (parameter(request, "attributes")?, parameter(request, "excludedAttributes")?);
    Ok(Projection::parse(only.as_deref(), without.as_deref())?)
}

/// The query of a list (RFC 7644 §3.4.2).
pub fn query(request: &Request) -> Result<Query, Failure> {
    Ok(Query {
        filter: parameter(request, "filter")?.filter(|text| !text.is_empty()),
        sort_by: parameter(request, "sortBy")?.filter(|path| !path.is_empty()),
        sort_order: SortOrder::parse(parameter(request, "sortOrder")?.as_deref())?,
        paging: Paging::new(parameter(request, "cursor")?, number(request, "startIndex")?, number(request, "count")?)?,
        projection: projection(request)?,
    })
}

/// The query that a SearchRequest holds (RFC 7644 §3.4.3), which keeps what it asks for out of addresses and logs.
pub fn search_request(sent: &[u8]) -> Result<Query, Failure> {
    let sent = json::object(sent)?;
    let member = |name: &str| sent.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value);
    let wrong = |name: &str, what: &str| Failure::from(ScimError::invalid_value(format!("{name} must be {what}")));
    let text = |name: &str| match member(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(wrong(name, "text")),
    };
    let number = |name: &str| member(name).filter(|value| !value.is_null()).map(Value::as_i64);
    let paths = |name: &str| match member(name) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => {
            let paths: Result<Vec<String>, _> = serde_json::from_value(value.clone());
            paths.map(Some).map_err(|_| wrong(name, "a list of attribute paths"))
        }
    };
    Ok(Query {
        filter: text("filter")?.filter(|text| !text.is_empty()),
        sort_by: text("sortBy")?.filter(|path| !path.is_empty()),
        sort_order: SortOrder::parse(text("sortOrder")?.as_deref())?,
        paging: Paging::new(text("cursor")?, number("startIndex"), number("count"))?,
        projection: Projection::new(paths("attributes")?.as_deref(), paths("excludedAttributes")?.as_deref())?,
    })
}
