//! JSON bodies: read by serde so that an error names the field, described by poem-openapi so that the document is true.

use poem::http::header::{self, HeaderName};
use poem::{FromRequest, IntoResponse, Request, RequestBody, Response, Result};
use poem_openapi::payload::{ParsePayload, Payload};
use poem_openapi::registry::{MetaMediaType, MetaResponse, MetaResponses, MetaSchemaRef, Registry};
use poem_openapi::types::Type;
use poem_openapi::{ApiResponse, impl_apirequest_for_payload};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::Error;

/// A JSON request body.
pub struct Body<T>(pub T);

impl<T: Type> Payload for Body<T> {
    const CONTENT_TYPE: &'static str = "application/json";

    fn check_content_type(content_type: &str) -> bool {
        let essence = content_type.split(';').next().unwrap_or_default().trim();
        essence.eq_ignore_ascii_case("application/json")
    }

    fn schema_ref() -> MetaSchemaRef {
        T::schema_ref()
    }

    fn register(registry: &mut Registry) {
        T::register(registry);
    }
}

impl<T: Type + DeserializeOwned> ParsePayload for Body<T> {
    const IS_REQUIRED: bool = true;

    async fn from_request(request: &Request, body: &mut RequestBody) -> Result<Self> {
        let bytes = Vec::<u8>::from_request(request, body).await?;
        Ok(Self(parse(&bytes)?))
    }
}

impl_apirequest_for_payload!(Body<T>, T: Type + DeserializeOwned);

/// Reads JSON.
///
/// # Errors
/// 400 naming the field: the path to a value of the wrong type, or the member that is missing or unknown.
pub fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Error> {
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Err(Error::invalid(
            "body",
            "is missing: send a JSON object, which may be {} where nothing is required",
        ));
    }
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let parsed = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let path = error.path().to_string();
        let message = error.into_inner().to_string();
        let named = message.split('`').nth(1).filter(|_| message.contains("field `"));
        let field = match (named, path.as_str()) {
            (Some(name), "." | "?") => name.to_owned(),
            (Some(name), path) if !path.ends_with(name) => format!("{path}.{name}"),
            (_, "." | "?") => "body".to_owned(),
            (_, path) => path.to_owned(),
        };
        Error::invalid(field, message)
    })?;
    reader.end().map_err(|error| Error::invalid("body", error.to_string()))?;
    Ok(parsed)
}

/// A JSON answer with status 200, or another by `Answer::created`.
pub struct Answer<T> {
    status: poem::http::StatusCode,
    value: T,
    headers: Vec<(HeaderName, String)>,
}

impl<T> Answer<T> {
    pub fn ok(value: T) -> Self {
        Self { status: poem::http::StatusCode::OK, value, headers: Vec::new() }
    }

    pub fn created(value: T) -> Self {
        Self { status: poem::http::StatusCode::CREATED, value, headers: Vec::new() }
    }

    /// Adds a strong ETag of a version number.
    pub fn version(self, version: i64) -> Self {
        self.with_header(header::ETAG, format!("\"{version}\""))
    }

    pub fn with_header(mut self, name: HeaderName, value: String) -> Self {
        self.headers.push((name, value));
        self
    }
}

impl<T: Serialize + Send> IntoResponse for Answer<T> {
    fn into_response(self) -> Response {
        let Ok(text) = serde_json::to_string(&self.value) else {
            return poem::http::StatusCode::INTERNAL_SERVER_ERROR.into_response();
        };
        let mut builder = Response::builder().status(self.status).content_type("application/json");
        for (name, value) in self.headers {
            builder = builder.header(name, value);
        }
        builder.body(text)
    }
}

impl<T: Type + Serialize + Send> ApiResponse for Answer<T> {
    fn meta() -> MetaResponses {
        let content = vec![MetaMediaType { content_type: "application/json", schema: T::schema_ref() }];
        MetaResponses {
            responses: vec![MetaResponse {
                description: "Done.",
                status: Some(200),
                status_range: None,
                content,
                headers: vec![],
            }],
        }
    }

    fn register(registry: &mut Registry) {
        T::register(registry);
    }
}

/// The version an `If-Match` header asks for.
///
/// # Errors
/// 400 naming the header if it is not an ETag of ours. `*` asks for nothing.
pub fn if_match(header: Option<&str>) -> Result<Option<i64>, Error> {
    match header.map(str::trim) {
        None | Some("*") => Ok(None),
        Some(text) => {
            let inner = text.trim_start_matches("W/").trim_matches('"');
            let version = inner.parse().map_err(|_| Error::invalid("If-Match", "is not an ETag of this resource"))?;
            Ok(Some(version))
        }
    }
}

/// The description of an answer without a body.
pub fn no_content() -> MetaResponses {
    MetaResponses {
        responses: vec![MetaResponse {
            description: "Done; there is nothing to say.",
            status: Some(204),
            status_range: None,
            content: vec![],
            headers: vec![],
        }],
    }
}

/// An answer without a body: 204.
pub struct NoContent;

impl IntoResponse for NoContent {
    fn into_response(self) -> Response {
        poem::http::StatusCode::NO_CONTENT.into_response()
    }
}

impl ApiResponse for NoContent {
    fn meta() -> MetaResponses {
        no_content()
    }

    fn register(_registry: &mut Registry) {}
}

/// An answer that is no JSON, such as a download.
pub struct Raw(pub Response);

impl Raw {
    /// A JSON answer whose members are not fixed.
    ///
    /// # Errors
    /// 500 if the value can't be written.
    pub fn json(value: &impl Serialize) -> Result<Self, Error> {
        let text = serde_json::to_string(value).map_err(Error::internal)?;
        Ok(Self(Response::builder().content_type("application/json").body(text)))
    }

    pub fn with_header(mut self, name: &'static str, value: &'static str) -> Self {
        let name = HeaderName::from_static(name);
        self.0.headers_mut().insert(name, poem::http::HeaderValue::from_static(value));
        self
    }
}

impl IntoResponse for Raw {
    fn into_response(self) -> Response {
        self.0
    }
}

impl ApiResponse for Raw {
    fn meta() -> MetaResponses {
        MetaResponses {
            responses: vec![MetaResponse {
                description: "The file.",
                status: Some(200),
                status_range: None,
                content: vec![],
                headers: vec![],
            }],
        }
    }

    fn register(_registry: &mut Registry) {}
}
