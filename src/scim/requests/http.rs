//! `/api/v1/scim-tokens/{id}/requests`, `/api/v1/scim-clients/{id}/requests`: what was asked, for administrators.

use poem_openapi::param::{Path, Query};
use poem_openapi::{Object, OpenApi};
use serde::Serialize;

use super::model::LoggedRequest;
use crate::base::clock::rfc3339;
use crate::base::ids::CredentialId;
use crate::base::page::PageRequest;
use crate::security::credentials::model::CredentialKind;
use crate::sessions::permission::require_admin;
use crate::web::authenticate::Caller;
use crate::web::json::Answer;

/// One request of an identity provider. No value that it sent is kept.
#[derive(Debug, Object, Serialize)]
pub struct LoggedRequestView {
    pub id: String,
    pub at: String,
    pub method: String,
    /// Below the SCIM root. Of a query only names and operators are kept.
    pub path: String,
    pub status: i64,
    pub scim_type: Option<String>,
    /// What was wrong.
    pub detail: Option<String>,
    pub duration_ms: i64,
    pub request_id: String,
    /// Empty if it is not known.
    pub ip: String,
    pub user_agent: String,
}

/// A page of requests, newest first.
#[derive(Debug, Object, Serialize)]
pub struct LoggedRequestPage {
    pub items: Vec<LoggedRequestView>,
    /// Send it as `after` for the next page; absent on the last.
    pub next: Option<String>,
}

pub struct ScimRequestsApi;

#[OpenApi(prefix_path = "/api/v1")]
impl ScimRequestsApi {
    /// List what was asked with a SCIM token, newest first
    ///
    /// The newest of a week. A request is in the list about a second after it was answered.
    #[oai(path = "/scim-tokens/:id/requests", method = "get", operation_id = "listScimTokenRequests")]
    async fn of_token(
        &self,
        caller: Caller,
        id: Path<String>,
        limit: Query<Option<i64>>,
        after: Query<Option<String>>,
    ) -> poem::Result<Answer<LoggedRequestPage>> {
        page(&caller, CredentialKind::ScimToken, id.0, limit.0, after.0.as_deref()).await
    }

    /// List what a SCIM client asked, newest first
    ///
    /// The newest of a week. A request is in the list about a second after it was answered.
    #[oai(path = "/scim-clients/:id/requests", method = "get", operation_id = "listScimClientRequests")]
    async fn of_client(
        &self,
        caller: Caller,
        id: Path<String>,
        limit: Query<Option<i64>>,
        after: Query<Option<String>>,
    ) -> poem::Result<Answer<LoggedRequestPage>> {
        page(&caller, CredentialKind::ScimClient, id.0, limit.0, after.0.as_deref()).await
    }
}

async fn page(
    caller: &Caller,
    kind: CredentialKind,
    id: String,
    limit: Option<i64>,
    after: Option<&str>,
) -> poem::Result<Answer<LoggedRequestPage>> {
    require_admin(&caller.facts)?;
    let wanted = PageRequest::parse(limit, after)?;
    let id = CredentialId::from_text(id);
    let found = super::list(&caller.app, &caller.facts.workspace.id, kind, &id, &wanted).await?;
    Ok(Answer::ok(LoggedRequestPage { items: found.items.into_iter().map(view).collect(), next: found.next }))
}

fn view(request: LoggedRequest) -> LoggedRequestView {
    LoggedRequestView {
        id: request.id,
        at: rfc3339(request.at),
        method: request.method,
        path: request.path,
        status: request.status,
        scim_type: request.scim_type,
        detail: request.detail,
        duration_ms: request.duration_ms,
        request_id: request.request_id,
        ip: request.ip,
        user_agent: request.user_agent,
    }
}
