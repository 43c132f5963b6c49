//! `/console/security/saml/providers`: the list of identity providers, and adding one: product, our values, its metadata. From
//! then on it is there, switched off, and everything else is done on its own page.

use poem::http::StatusCode;
use poem::web::Path as UrlPath;
use poem::{Request, Response, handler};

use super::saml_provider_parts::{PROVIDERS, Source, Typed, certificate, last_attempt, refusal, state, values};
use crate::base::clock::UnixMillis;
use crate::console::caller::{administrator, posted_by_administrator, recent_administrator};
use crate::console::chrome::{answer, go, page as frame};
use crate::console::flash::Told;
use crate::console::parts::Moment;
use crate::console::saml_providers::{MetadataPage, ProductsPage, ProviderRow, ProvidersPage, ValuesPage, steps};
use crate::console::{FieldError, Page, Section};
use crate::error::{Error, Result};
use crate::saml::configure::ServiceProvider;
use crate::saml::notice::last_certificate;
use crate::saml::product_values::{GUIDES, Guide, find};
use crate::saml::provider::StoredProvider;
use crate::saml::providers;
use crate::saml::wanted::{Wanted, Which};
use crate::web::authenticate::Caller;

/// `GET /console/security/saml/providers`.
#[handler]
pub async fn show_list(request: &Request) -> poem::Result<Response> {
    let caller = administrator(request).await?;
    let stored = providers::list(&caller.app, &caller.facts.workspace.id).await?;
    let ends = ends(stored.iter().map(|stored| stored.metadata.clone()).collect()).await?;
    let mut rows = Vec::new();
    for (stored, end) in stored.iter().zip(ends) {
        rows.push(row(&caller, stored, end).await?);
    }
    let view = ProvidersPage { page: frame(request, &caller, Section::Security, "Identity providers"), rows };
    Ok(answer(request, &caller, StatusCode::OK, &view)?)
}

/// When the last certificate of each ends. Metadata is long, and is not read on the threads that serve.
async fn ends(metadata: Vec<String>) -> Result<Vec<Option<UnixMillis>>> {
    let end = |xml: &String| last_certificate(xml).map(|last| last.not_after);
    let read = tokio::task::spawn_blocking(move || metadata.iter().map(end).collect());
    read.await.map_err(Error::internal)
}

async fn row(caller: &Caller, stored: &StoredProvider, end: Option<UnixMillis>) -> Result<ProviderRow> {
    let domains = &stored.settings.domains;
    Ok(ProviderRow {
        url: format!("{PROVIDERS}/{}", stored.id),
        name: stored.name.clone(),
        state: state(stored, end.is_some()),
        certificate: certificate(end, caller.app.clock.now()),
        domains: if domains.is_empty() { "All that no other names".to_owned() } else { domains.join(", ") },
        tested: stored.tested_at.map(Moment::from_millis),
        attempt: last_attempt(caller, stored.id.as_str()).await?,
    })
}

/// `GET /console/security/saml/providers/new`.
#[handler]
pub async fn choose_product(request: &Request) -> poem::Result<Response> {
    let caller = administrator(request).await?;
    let view = ProductsPage {
        page: frame(request, &caller, Section::Security, "Add an identity provider"),
        steps: steps(1),
        products: GUIDES.iter().map(|guide| (guide.title, address_of(guide))).collect(),
    };
    Ok(answer(request, &caller, StatusCode::OK, &view)?)
}

/// `GET /console/security/saml/providers/new/{product}`.
#[handler]
pub async fn show_values(UrlPath(product): UrlPath<String>, request: &Request) -> poem::Result<Response> {
    let caller = administrator(request).await?;
    let guide = guide(&product)?;
    let us = ServiceProvider::of(&caller.app, &caller.facts.workspace.slug);
    let view = ValuesPage {
        page: frame(request, &caller, Section::Security, "Our values"),
        steps: steps(2),
        product: values(guide, &us),
        back_url: format!("{PROVIDERS}/new"),
        next_url: format!("{}/metadata", address_of(guide)),
    };
    Ok(answer(request, &caller, StatusCode::OK, &view)?)
}

/// `GET /console/security/saml/providers/new/{product}/metadata`.
#[handler]
pub async fn ask_metadata(UrlPath(product): UrlPath<String>, request: &Request) -> poem::Result<Response> {
    let caller = recent_administrator(request).await?;
    let guide = guide(&product)?;
    let blank = Source { xml: "", url: "" };
    Ok(form(request, &caller, guide, guide.title, &blank, StatusCode::OK, None)?)
}

/// `POST /console/security/saml/providers/new/{product}/metadata`: makes the provider, switched off.
#[handler]
pub async fn create(UrlPath(product): UrlPath<String>, request: &Request, sent: Vec<u8>) -> poem::Result<Response> {
    let guide = guide(&product)?;
    let back = format!("{}/metadata", address_of(guide));
    let (caller, fields) = posted_by_administrator(request, &sent, &back).await?;
    let (source, name) = (Source::read(&fields), fields.text("name"));
    // Nobody signs in by it yet: whatever the policy says of changes, all sessions stay.
    let typed = Typed::default();
    let wanted = Wanted { name: Some(name), enabled: Some(false), ..source.wanted(Which::New) };
    let facts = Some(caller.facts.as_ref());
    let saved = match source.require() {
        Ok(()) => providers::save(&caller.app, &caller.actor, facts, &typed.change(&caller), &wanted).await,
        Err(error) => Err(error),
    };
    match saved {
        Ok(saved) => Ok(go(&caller.app, &format!("{PROVIDERS}/{}", saved.provider.id), Told::ProviderAdded)),
        Err(error) => {
            let (status, error) = refusal(error)?;
            Ok(form(request, &caller, guide, name, &source, status, Some(error))?)
        }
    }
}

fn form(
    request: &Request,
    caller: &Caller,
    guide: &'static Guide,
    name: &str,
    source: &Source<'_>,
    status: StatusCode,
    error: Option<FieldError>,
) -> Result<Response> {
    let action = format!("{}/metadata", address_of(guide));
    let view = MetadataPage {
        page: Page { errors: error.into_iter().collect(), ..frame(request, caller, Section::Security, "Its metadata") },
        steps: steps(3),
        heading: format!("Metadata of {}", guide.product.name()),
        where_it_is: guide.metadata,
        action,
        name: Some(name.to_owned()),
        metadata_xml: source.xml.to_owned(),
        metadata_url: source.url.to_owned(),
        if_version: String::new(),
        back_url: address_of(guide),
    };
    answer(request, caller, status, &view)
}

/// The page with our values for a product.
pub fn address_of(guide: &Guide) -> String {
    format!("{PROVIDERS}/new/{}", guide.slug)
}

fn guide(slug: &str) -> Result<&'static Guide> {
    find(slug).ok_or_else(|| Error::not_found("product"))
}
