//! The description of `/api/v1`: the document, a page to read it, and a page for each problem type.

use poem::http::StatusCode;
use poem::web::Path;
use poem::{Response, handler};
use poem_openapi::OpenApiService;
use serde_json::{Value, json};

use crate::audit::http::AuditApi;
use crate::error::ALL_PROBLEMS;
use crate::feed::stream_http::StreamApi;
use crate::login::http::LoginApi;
use crate::saml::attempt_http::SamlAttemptsApi;
use crate::saml::http::SamlApi;
use crate::saml::mapping_http::SamlMappingApi;
use crate::saml::metadata_http::MetadataApi;
use crate::saml::providers_http::SamlProvidersApi;
use crate::saml::setup_link_http::SamlSetupLinksApi;
use crate::scim::hold_http::ProvisioningApi;
use crate::scim::own_schemas::http::SchemasApi;
use crate::scim::requests::http::ScimRequestsApi;
use crate::security::credentials::client_http::ScimClientsApi;
use crate::security::credentials::http::CredentialsApi;
use crate::security::http::SecurityApi;
use crate::security::selection_http::SelectionApi;
use crate::sessions::http::SessionsApi;
use crate::users::http::UsersApi;
use crate::workspaces::http::DomainsApi;

type Apis = (
    (LoginApi, SessionsApi, SelectionApi, SecurityApi, CredentialsApi, SamlApi, UsersApi, AuditApi, StreamApi),
    (ProvisioningApi, SchemasApi, ScimClientsApi, ScimRequestsApi, SamlProvidersApi, SamlAttemptsApi),
    (DomainsApi, MetadataApi, SamlMappingApi, SamlSetupLinksApi),
);

/// The API as an endpoint.
pub fn service(public_url: &str) -> OpenApiService<Apis, ()> {
    OpenApiService::new(
        (
            (LoginApi, SessionsApi, SelectionApi, SecurityApi, CredentialsApi, SamlApi, UsersApi, AuditApi, StreamApi),
            (ProvisioningApi, SchemasApi, ScimClientsApi, ScimRequestsApi, SamlProvidersApi, SamlAttemptsApi),
            (DomainsApi, MetadataApi, SamlMappingApi, SamlSetupLinksApi),
        ),
        "Curfew",
        env!("CARGO_PKG_VERSION"),
    )
    .description("Sessions: issued, checked, listed, ended; one, a user's, or everybody's but the caller's, at once.")
    .server(public_url)
}

/// The OpenAPI document: poem-openapi's, with media types without parameters and the problem answer that every operation
/// may give.
pub fn export() -> Value {
    let text = service("http://127.0.0.1:8080").spec().replace("application/json; charset=utf-8", "application/json");
    let mut document: Value = serde_json::from_str(&text).unwrap_or_default();
    document["components"]["schemas"]["Problem"] = json!({
        "type": "object",
        "description": "RFC 9457 problem details.",
        "required": ["type", "title", "status", "detail", "request_id"],
        "properties": {
            "type": {"type": "string", "description": "A path under /problems/ that names the kind."},
            "title": {"type": "string"},
            "status": {"type": "integer"},
            "detail": {"type": "string"},
            "request_id": {"type": "string"},
            "field": {"type": "string", "description": "The member, parameter or header that is wrong."}
        }
    });
    let schema = json!({"$ref": "#/components/schemas/Problem"});
    let answer = json!({
        "description": "It failed. Unless the status is 503, nothing was changed.",
        "content": {"application/problem+json": {"schema": schema}}
    });
    if let Some(paths) = document["paths"].as_object_mut() {
        for operation in paths.values_mut().filter_map(Value::as_object_mut).flat_map(|path| path.values_mut()) {
            if let Some(responses) = operation.get_mut("responses").and_then(Value::as_object_mut) {
                responses.insert("default".into(), answer.clone());
            }
        }
    }
    document
}

/// `/openapi.json`
#[handler]
pub fn show_document() -> Response {
    Response::builder().content_type("application/json").body(export().to_string())
}

/// `/docs`: every operation as plain HTML, without scripts.
#[handler]
pub fn show_page() -> Response {
    let document = export();
    let mut rows = String::new();
    for (path, operations) in document["paths"].as_object().into_iter().flatten() {
        for (method, operation) in operations.as_object().into_iter().flatten() {
            let text = |name: &str| escape(operation[name].as_str().unwrap_or_default());
            rows.push_str(&format!(
                "<h2><code>{} {}</code></h2><p>{}</p><p>{}</p>",
                method.to_uppercase(),
                escape(path),
                text("summary"),
                text("description")
            ));
        }
    }
    html(
        "API",
        &format!("<h1>Curfew API</h1><p>The whole description: <a href=\"/openapi.json\">openapi.json</a>.</p>{rows}"),
    )
}

/// `/problems/{slug}`: what a problem type means.
#[handler]
pub fn show_problem(Path(slug): Path<String>) -> poem::Result<Response> {
    let missing = || poem::Error::from_status(StatusCode::NOT_FOUND);
    let problem = ALL_PROBLEMS.iter().find(|problem| problem.slug == slug).ok_or_else(missing)?;
    let text = format!(
        "<h1>{}</h1><p>Problem type <code>/problems/{}</code>, status {}.</p><p>docs/api.md says what to do about it.</p>",
        escape(problem.title),
        problem.slug,
        problem.status
    );
    Ok(html(problem.title, &text))
}

fn html(title: &str, body: &str) -> Response {
    let text = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>{} – Curfew</title>\
         <meta name=\"viewport\" content=\"width=device-width\"><link rel=\"stylesheet\" href=\"/static/pico.min.css\">\
         </head><body><main class=\"container\">{body}</main></body></html>",
        escape(title)
    );
    Response::builder().content_type("text/html; charset=utf-8").body(text)
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
