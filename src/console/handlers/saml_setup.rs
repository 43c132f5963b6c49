//! `/saml/{slug}/setup/…`: the pages of an IT contact who has a set-up link. They have no session here: a cookie for a few hours,
//! got for a code that works once, is all that they are known by, and it opens these pages only.

use poem::http::StatusCode;
use poem::web::Path as UrlPath;
use poem::{Request, Response, handler};

use super::saml_attempts::{check, outcome};
use super::saml_provider_parts::{read_metadata, refusal, values};
use crate::app::App;
use crate::console::chrome::{address, plain_page, sentence, show as render, with_cookie, wrong};
use crate::console::form::{Fields, of_stranger, stranger};
use crate::console::parts::Moment;
use crate::console::saml_setup::{SetupAttemptPage, SetupCodePage, SetupProviderPage, SetupTestPage};
use crate::console::{FieldError, Page};
use crate::error::{Error, GONE, Result};
use crate::saml::attempts;
use crate::saml::configure::{self, ServiceProvider};
use crate::saml::http::flow_cookie;
use crate::saml::product::Product;
use crate::saml::product_values::{self, GUIDES, Guide};
use crate::saml::setup_links::{self, BROWSER_MS, Contact};
use crate::saml::test_connection;
use crate::web::authenticate::{self, cookie, timed_cookie};
use crate::web::pipeline::see_other;

fn base(slug: &str) -> String {
    format!("/saml/{slug}/setup")
}

/// Name of the cookie of a browser that a link was opened in.
pub fn setup_cookie_name(app: &App) -> &'static str {
    if app.config.secure_cookies() { "__Host-curfew-setup" } else { "curfew-setup" }
}

/// The `Set-Cookie` of a browser that a link was opened in.
fn setup_cookie(app: &App, value: &str) -> String {
    timed_cookie(app, setup_cookie_name(app), value, BROWSER_MS / 1000)
}

/// Whoever asks; `None` if no link works in this browser.
async fn find(app: &App, slug: &str, request: &Request) -> Result<Option<Contact>> {
    let Some(browser) = cookie(request.headers(), setup_cookie_name(app))? else { return Ok(None) };
    setup_links::find_contact(app, slug, browser, &authenticate::origin(request)).await
}

/// Whoever asks.
///
/// # Errors
/// 410 whose remedy is the page that asks for the code.
async fn contact(app: &App, slug: &str, request: &Request) -> Result<Contact> {
    let gone = || Error::new(GONE, "no set-up link works in this browser").with_remedy(base(slug));
    find(app, slug, request).await?.ok_or_else(gone)
}

/// `GET /saml/{slug}/setup`: asks for the code.
#[handler]
pub async fn ask_code(UrlPath(slug): UrlPath<String>, request: &Request) -> poem::Result<Response> {
    let app = authenticate::app(request)?;
    if find(&app, &slug, request).await?.is_some() {
        return Ok(see_other(&format!("{}/provider", base(&slug))));
    }
    Ok(code_page(&app, request, &slug, StatusCode::OK, None)?)
}

/// `POST /saml/{slug}/setup`: opens the link in this browser.
#[handler]
pub async fn open(UrlPath(slug): UrlPath<String>, request: &Request, sent: Vec<u8>) -> poem::Result<Response> {
    let app = authenticate::app(request)?;
    let fields = of_stranger(&app, request, &sent)?;
    match setup_links::open(&app, &slug, fields.text("code"), &authenticate::origin(request)).await {
        Ok(browser) => {
            let response = see_other(&format!("{}/provider", base(&slug)));
            Ok(with_cookie(response, &setup_cookie(&app, browser.reveal())))
        }
        Err(error) if error.problem() == GONE => {
            let error = wrong("code", sentence(error.detail()));
            Ok(code_page(&app, request, &slug, StatusCode::GONE, Some(error))?)
        }
        Err(error) => Err(error.into()),
    }
}

/// The same for every workspace, whether there is one or not. What was typed is not repeated.
fn code_page(
    app: &App,
    request: &Request,
    slug: &str,
    status: StatusCode,
    error: Option<FieldError>,
) -> Result<Response> {
    let stranger = stranger(app, request)?;
    let page = plain_page(app, "Set up single sign-on", "", &stranger.csrf);
    let view = SetupCodePage { page: Page { errors: error.into_iter().collect(), ..page }, action: base(slug) };
    Ok(remembered(render(status, &view)?, stranger.new_cookie.as_deref()))
}

fn remembered(response: Response, cookie: Option<&str>) -> Response {
    match cookie {
        Some(cookie) => with_cookie(response, cookie),
        None => response,
    }
}

/// `GET` of an address that only forms are posted to.
#[handler]
pub fn back(UrlPath(slug): UrlPath<String>) -> Response {
    see_other(&format!("{}/provider", base(&slug)))
}

/// `GET /saml/{slug}/setup/provider`.
#[handler]
pub async fn show(UrlPath(slug): UrlPath<String>, request: &Request) -> poem::Result<Response> {
    let app = authenticate::app(request)?;
    let contact = contact(&app, &slug, request).await?;
    let query = Fields::of_query(request)?;
    Ok(provider_page(&app, request, &contact, query.text("product"), "", StatusCode::OK, None)?)
}

/// `POST /saml/{slug}/setup/metadata`.
#[handler]
pub async fn upload(UrlPath(slug): UrlPath<String>, request: &Request, sent: Vec<u8>) -> poem::Result<Response> {
    let app = authenticate::app(request)?;
    let contact = contact(&app, &slug, request).await?;
    let fields = of_stranger(&app, request, &sent)?;
    let (metadata, product) = (fields.text("metadata_xml"), fields.text("product"));
    match setup_links::upload(&app, &contact, metadata).await {
        Ok(_) => Ok(see_other(&address(&format!("{}/provider", base(&slug)), &[("product", product)]))),
        Err(error) => {
            let (status, error) = refusal(error)?;
            Ok(provider_page(&app, request, &contact, product, metadata, status, Some(error))?)
        }
    }
}

/// `POST /saml/{slug}/setup/test`.
#[handler]
pub async fn begin_test(UrlPath(slug): UrlPath<String>, request: &Request, sent: Vec<u8>) -> poem::Result<Response> {
    let app = authenticate::app(request)?;
    let contact = contact(&app, &slug, request).await?;
    of_stranger(&app, request, &sent)?;
    let begun = setup_links::begin_test(&app, &contact).await?;
    let view = SetupTestPage {
        page: plain_page(&app, "Test the connection", &contact.workspace.name, ""),
        location: test_connection::address(&app, &slug, &begun.departure),
        back_url: format!("{}/provider", base(&slug)),
    };
    let response = render(StatusCode::OK, &view)?;
    Ok(with_cookie(response, &flow_cookie(&app, &begun.browser)))
}

/// `GET /saml/{slug}/setup/attempts/{id}`: the contact's own tests only, and nobody who is here.
#[handler]
pub async fn show_attempt(UrlPath((slug, id)): UrlPath<(String, String)>, request: &Request) -> poem::Result<Response> {
    let app = authenticate::app(request)?;
    let contact = contact(&app, &slug, request).await?;
    let found = attempts::load(&app, &contact.workspace.id, &slug, &id).await?;
    if found.attempt.begun_by.as_deref() != Some(contact.actor.id.as_str()) {
        return Err(Error::not_found("attempt").into());
    }
    let heading = if found.attempt.accepted { "The test passed" } else { "The test failed" };
    let view = SetupAttemptPage {
        page: plain_page(&app, heading, &contact.workspace.name, ""),
        heading,
        outcome: outcome(found.attempt.accepted),
        at: Moment::from_millis(found.attempt.at),
        checks: found.checks.iter().map(check).collect(),
        verified: found.attempt.certificate.is_some(),
        outline: found.attempt.outline.unwrap_or_default(),
        back_url: format!("{}/provider", base(&slug)),
    };
    Ok(render(StatusCode::OK, &view)?)
}

/// The guide that is asked for, else that of the metadata which is there, else the first.
fn guide_of(app: &App, contact: &Contact, asked: &str) -> &'static Guide {
    let of_metadata = || {
        let provider = contact.provider.as_ref()?;
        let product = Product::of(&configure::parse(app, &provider.metadata).ok()?);
        Some(product_values::of(product))
    };
    product_values::find(asked).or_else(of_metadata).unwrap_or(&GUIDES[0])
}

fn provider_page(
    app: &App,
    request: &Request,
    contact: &Contact,
    product: &str,
    metadata_xml: &str,
    status: StatusCode,
    error: Option<FieldError>,
) -> Result<Response> {
    let (stranger, slug) = (stranger(app, request)?, &contact.workspace.slug);
    let shown = guide_of(app, contact, product);
    let here = format!("{}/provider", base(slug));
    let link =
        |guide: &'static Guide| (guide.title, address(&here, &[("product", guide.slug)]), guide.slug == shown.slug);
    let provider = contact.provider.as_ref();
    let own_test =
        provider.filter(|provider| provider.tested_by.as_ref().is_some_and(|by| by.as_str() == contact.actor.id));
    let opened = contact.link.opened_at.unwrap_or(contact.link.created_at);
    let page = plain_page(app, "Set up single sign-on", &contact.workspace.name, &stranger.csrf);
    let view = SetupProviderPage {
        page: Page { errors: error.into_iter().collect(), ..page },
        base: base(slug),
        until: Moment::from_millis(contact.link.expires_at.min(opened + BROWSER_MS)),
        products: GUIDES.iter().map(link).collect(),
        product: values(shown, &ServiceProvider::of(app, slug)),
        product_slug: shown.slug,
        metadata_xml: metadata_xml.to_owned(),
        read: provider.and_then(|provider| read_metadata(app, &provider.metadata)),
        exists: provider.is_some(),
        enabled: provider.is_some_and(|provider| provider.enabled),
        tested: own_test.and_then(|provider| provider.tested_at).map(Moment::from_millis),
    };
    Ok(remembered(render(status, &view)?, stranger.new_cookie.as_deref()))
}
