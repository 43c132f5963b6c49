//! Fetching metadata from an address that an administrator named.
//!
//! The address is judged, its name looked up once, every address found is judged, and the connection goes to these very
//! addresses: a name that answers otherwise the next time changes nothing. No redirect is followed, no proxy of the environment
//! is used, no compressed answer is taken; time and size are bounded. Nothing of an answer that isn't metadata is shown.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use reqwest::header::{
    ACCEPT, ACCEPT_ENCODING, CONTENT_ENCODING, ETAG, HeaderName, IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED,
};
use reqwest::{Certificate, Client, Response, redirect, retry, tls};

use super::identity_provider::{IdentityProvider, parse_metadata};
use super::metadata_address::{Source, judge_addresses, judge_url, not_callable};
use super::metadata_times::{self, Times};
use crate::app::App;
use crate::base::ids::WorkspaceId;
use crate::base::resolver::NoAnswer;
use crate::error::{Error, Result};

/// Longest answer, in octets.
const MAX_OCTETS: usize = 512 * 1024;
/// Longest ETag or date that is kept.
const MAX_VALIDATOR: usize = 256;

/// What an answer says of its version, to ask the next time whether there is another.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Validators {
    pub etag: Option<String>,
    pub last_modified: Option<String>,
}

/// Metadata that was fetched and can be used.
#[derive(Clone, Debug)]
pub struct Document {
    pub xml: String,
    pub provider: IdentityProvider,
    pub times: Times,
    pub validators: Validators,
}

/// What came of it.
#[derive(Clone, Debug)]
pub enum Fetched {
    /// Nothing new since the version that was named.
    Unchanged(Validators),
    Document(Box<Document>),
}

/// Fetches metadata for the first time: for whoever sets a provider of a workspace by the address of its metadata.
///
/// # Errors
/// As [`fetch`]; 409 if metadata is being fetched for this workspace; 503 if there are too many fetches.
pub async fn metadata_from(app: &App, workspace: &WorkspaceId, url: &str) -> Result<Fetched> {
    let _turn = app.metadata_turns.of_administrator(workspace)?;
    fetch(app, url, None).await
}

/// Fetches metadata, unless it is still the version that `previous` names. Whoever calls it has a turn (`metadata_turns.rs`), and
/// waits for it before: the time that an answer may take begins here.
///
/// # Errors
/// 422 naming `metadata_url`, with a sentence for the administrator.
pub async fn fetch(app: &App, url: &str, previous: Option<&Validators>) -> Result<Fetched> {
    let wait = app.config.saml.metadata_timeout_ms;
    match tokio::time::timeout(Duration::from_millis(wait), attempt(app, url, previous)).await {
        Ok(outcome) => outcome,
        Err(_) => Err(refused(format!("the whole answer did not come within {wait} ms"))),
    }
}

async fn attempt(app: &App, url: &str, previous: Option<&Validators>) -> Result<Fetched> {
    let source = judge_url(url, &app.config.saml.metadata_hosts_allowed).map_err(refused)?;
    let addresses = addresses(app, &source).await?;
    let authorities = app.config.saml.metadata_ca_file.clone();
    let host = source.host.clone();
    let client = tokio::task::spawn_blocking(move || client(&host, &addresses, authorities));
    let client = client.await.map_err(Error::internal)??;
    let response = ask(&client, &source, previous).await?;
    match response.status().as_u16() {
        200 => {}
        304 if previous.is_some() => return Ok(Fetched::Unchanged(kept(&response, previous))),
        300..=399 => return Err(refused("it answers with a redirect: enter the address where the metadata really is")),
        other => return Err(refused(format!("it answers with status {other}"))),
    }
    let validators = kept(&response, None);
    let octets = body(response).await?;
    let now = app.clock.now();
    let read = tokio::task::spawn_blocking(move || document(octets, validators, now));
    Ok(Fetched::Document(Box::new(read.await.map_err(Error::internal)??)))
}

async fn addresses(app: &App, source: &Source) -> Result<Vec<SocketAddr>> {
    let no_answer =
        |error: NoAnswer| refused(format!("DNS did not answer for {}", source.host)).with_log(error.to_string());
    let found = match source.literal {
        Some(address) => vec![address],
        None => app.resolver.addresses(&source.host).await.map_err(no_answer)?,
    };
    judge_addresses(source, &found).map_err(|why| refused(not_callable(source)).with_log(why.to_owned()))
}

/// A client for one host, which it knows the addresses of. Reads files: not on the threads that serve.
fn client(host: &str, addresses: &[SocketAddr], authorities: Option<PathBuf>) -> Result<Client> {
    let mut builder = Client::builder()
        .no_proxy()
        .redirect(redirect::Policy::none())
        .retry(retry::never())
        .referer(false)
        .https_only(true)
        .http1_only()
        .no_gzip()
        .no_brotli()
        .no_zstd()
        .no_deflate()
        .pool_max_idle_per_host(0)
        .tls_version_min(tls::Version::TLS_1_2)
        .user_agent(concat!("curfew/", env!("CARGO_PKG_VERSION")))
        .resolve_to_addrs(host, addresses);
    if let Some(path) = authorities {
        let pem = std::fs::read(&path).map_err(|error| Error::internal(format!("{}: {error}", path.display())))?;
        let certificates = Certificate::from_pem_bundle(&pem)
            .map_err(|error| Error::internal(format!("{}: {error}", path.display())))?;
        builder = builder.tls_certs_merge(certificates);
    }
    builder.build().map_err(Error::internal)
}

async fn ask(client: &Client, source: &Source, previous: Option<&Validators>) -> Result<Response> {
    let accepted = "application/samlmetadata+xml, application/xml;q=0.9, text/xml;q=0.9, */*;q=0.1";
    let mut request = client.get(source.url.clone()).header(ACCEPT, accepted).header(ACCEPT_ENCODING, "identity");
    if let Some(etag) = previous.and_then(|previous| previous.etag.as_deref()) {
        request = request.header(IF_NONE_MATCH, etag);
    }
    if let Some(date) = previous.and_then(|previous| previous.last_modified.as_deref()) {
        request = request.header(IF_MODIFIED_SINCE, date);
    }
    request.send().await.map_err(|error| {
        let text = format!("{} can't be reached, or its certificate is not trusted for that name", source.host);
        refused(text).with_log(format!("{error:?}"))
    })
}

/// The validators of an answer; for a 304 those of before, unless it has new ones.
fn kept(response: &Response, previous: Option<&Validators>) -> Validators {
    let text = |name: HeaderName| {
        let value = response.headers().get(name)?.to_str().ok()?;
        (1..=MAX_VALIDATOR).contains(&value.len()).then(|| value.to_owned())
    };
    let previous = previous.cloned().unwrap_or_default();
    Validators { etag: text(ETAG).or(previous.etag), last_modified: text(LAST_MODIFIED).or(previous.last_modified) }
}

async fn body(mut response: Response) -> Result<Vec<u8>> {
    let coding = response.headers().get(CONTENT_ENCODING).map(|value| value.as_bytes().to_ascii_lowercase());
    if coding.is_some_and(|coding| coding != b"identity") {
        return Err(refused("it answers compressed, though that was not asked for"));
    }
    let too_long = || refused("it is longer than 512 KiB");
    if response
        .content_length()
        .is_some_and(|length| usize::try_from(length).map_or(true, |length| length > MAX_OCTETS))
    {
        return Err(too_long());
    }
    let mut octets = Vec::new();
    loop {
        let chunk = response.chunk().await;
        let chunk = chunk.map_err(|error| refused("the answer broke off").with_log(format!("{error:?}")))?;
        let Some(chunk) = chunk else { return Ok(octets) };
        if octets.len() + chunk.len() > MAX_OCTETS {
            return Err(too_long());
        }
        octets.extend_from_slice(&chunk);
    }
}

fn document(octets: Vec<u8>, validators: Validators, now: i64) -> Result<Document> {
    let unusable = || refused("what is there is not SAML metadata");
    let xml = String::from_utf8(octets).map_err(|_| unusable())?;
    let provider = parse_metadata(&xml, now).map_err(|error| match error.field {
        // Nothing of what isn't metadata is repeated.
        "metadata_xml" => unusable(),
        element => refused(format!("{element}: {}", error.message)),
    })?;
    let times = metadata_times::read(&xml).map_err(|_| unusable())?;
    Ok(Document { xml, provider, times, validators })
}

fn refused(text: impl Into<String>) -> Error {
    Error::unprocessable("metadata_url", text.into())
}
