//! Where the metadata of a provider that is being set comes from: sent along, or fetched from its address before anything is
//! locked.

use super::configure;
use super::identity_provider::IdentityProvider;
use super::metadata_fetch::{Document, Fetched, metadata_from};
use super::provider::StoredProvider;
use super::wanted::Wanted;
use crate::app::App;
use crate::base::clock::UnixMillis;
use crate::base::ids::WorkspaceId;
use crate::error::{CONFLICT, Error, Result};

/// Metadata that was sent or fetched.
pub struct Source {
    pub provider: IdentityProvider,
    /// What was fetched; `None`: it was sent along.
    pub document: Option<Box<Document>>,
    /// From when it is, at least.
    pub since: UnixMillis,
}

impl Source {
    /// What is wanted, with the metadata that it names by its address.
    pub fn given<'a>(source: Option<&'a Self>, wanted: &Wanted<'a>) -> Wanted<'a> {
        let fetched = source.and_then(|source| source.document.as_ref());
        Wanted { metadata: fetched.map(|document| document.xml.as_str()).or(wanted.metadata), ..wanted.clone() }
    }

    /// Refuses what was fetched if the provider got a newer copy from the same address meanwhile: an old one would bring back
    /// certificates that went with it.
    ///
    /// # Errors
    /// 409 naming `metadata_url`.
    pub fn require_newest(
        source: Option<&Self>,
        before: Option<&StoredProvider>,
        after: &StoredProvider,
    ) -> Result<()> {
        let fetched = source.filter(|source| source.document.is_some());
        let (Some(fetched), Some(before)) = (fetched, before) else { return Ok(()) };
        if before.metadata_url == after.metadata_url && before.fetched_at.is_some_and(|at| at > fetched.since) {
            let text = "it was fetched by somebody else at the same moment: try again";
            return Err(Error::new(CONFLICT, text).with_field("metadata_url"));
        }
        Ok(())
    }
}

/// The metadata of a wish; `None` if it has none.
///
/// # Errors
/// 400 naming `metadata_url` if it is given in both ways; 422 naming `metadata_xml` or `metadata_url`; 409 or 503 while other
/// metadata is being fetched.
pub async fn obtain(app: &App, workspace: &WorkspaceId, wanted: &Wanted<'_>) -> Result<Option<Source>> {
    let since = app.clock.now();
    match (wanted.metadata, wanted.metadata_url) {
        (Some(_), Some(_)) => Err(Error::invalid("metadata_url", "send metadata_xml or metadata_url, not both")),
        (Some(xml), None) => Ok(Some(Source { provider: configure::parse(app, xml)?, document: None, since })),
        (None, Some(url)) => match metadata_from(app, workspace, url).await? {
            Fetched::Document(document) => {
                Ok(Some(Source { provider: document.provider.clone(), document: Some(document), since }))
            }
            Fetched::Unchanged(_) => Err(Error::internal("a first fetch of metadata was answered as a second one")),
        },
        (None, None) => Ok(None),
    }
}
