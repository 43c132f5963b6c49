//! Metadata that is fetched, and what administrators should know of their identity providers.

use poem_openapi::param::Path;
use poem_openapi::{Object, OpenApi};
use serde::Serialize;

use super::certificate_watch;
use super::metadata_refresh::{Outcome, refresh_now};
use super::notice::Notice;
use crate::base::clock::rfc3339;
use crate::error::Result;
use crate::sessions::permission::require_recent_admin;
use crate::web::authenticate::Caller;
use crate::web::json::Answer;

/// Something that administrators should know of an identity provider.
#[derive(Serialize, Object)]
pub struct SamlNoticeView {
    /// `certificate_expiring`, `certificate_expired`, `metadata_unusable`, `metadata_not_refreshed`, `metadata_roll_over`,
    /// `metadata_replaced`, `metadata_changed`.
    pub kind: String,
    /// Id of the provider.
    pub provider: String,
    /// One or two sentences.
    pub text: String,
    /// When it happened or will happen.
    pub at: Option<String>,
}

impl From<Notice> for SamlNoticeView {
    fn from(notice: Notice) -> Self {
        Self { kind: notice.kind.to_owned(), provider: notice.provider, text: notice.text, at: notice.at.map(rfc3339) }
    }
}

/// What administrators of the caller's workspace should know.
///
/// # Errors
/// 503 if the database doesn't answer.
pub async fn notices(caller: &Caller) -> Result<Vec<SamlNoticeView>> {
    let found = certificate_watch::notices(&caller.app, &caller.facts.workspace.id).await?;
    Ok(found.into_iter().map(SamlNoticeView::from).collect())
}

/// How a refresh of metadata went.
#[derive(Serialize, Object)]
struct MetadataRefreshView {
    /// `unchanged`, `roll_over` (another certificate beside one that was there), `replaced`, `changed` (what isn't about signing
    /// in), or `failed`: then the last good copy stays in force.
    outcome: String,
    /// Why it failed.
    error: Option<String>,
}

pub struct MetadataApi;

#[OpenApi(prefix_path = "/api/v1")]
impl MetadataApi {
    /// Fetch the metadata of an identity provider now
    ///
    /// It is fetched every six hours by itself, and sooner if it says so.
    #[oai(path = "/security/saml/providers/:id/refresh", method = "post", operation_id = "refreshSamlMetadata")]
    async fn refresh(&self, caller: Caller, id: Path<String>) -> poem::Result<Answer<MetadataRefreshView>> {
        require_recent_admin(&caller.facts, caller.app.clock.now())?;
        let outcome = refresh_now(&caller.app, &caller.facts.workspace.id, &id.0).await?;
        let error = match &outcome {
            Outcome::Failed(reason) => Some(reason.clone()),
            Outcome::Unchanged | Outcome::RolledOver | Outcome::Replaced | Outcome::Changed => None,
        };
        Ok(Answer::ok(MetadataRefreshView { outcome: outcome.as_str().to_owned(), error }))
    }
}
