//! Single logout with real identity providers, front channel, in both directions: begun there, and begun here. Only the
//! sessions of that sign-in end; another browser of the same person stays.

use crate::support::identity_provider::{IdentityProvider, Kind};
use crate::support::provider_scenarios::{sign_in, trust};
use crate::support::saml_logout::tell_of_log_outs;
use crate::support::traveller::Traveller;
use crate::support::{Database, TestApp};

/// What a person opens there to log out. A LemonLDAP::NG page then tells us in a frame, the others by redirects.
fn log_out_address(provider: &IdentityProvider) -> String {
    match provider.kind() {
        Kind::SimpleSamlPhp => {
            let back = provider.url("/saml2/idp/metadata.php");
            let back: String = url::form_urlencoded::byte_serialize(back.as_bytes()).collect();
            provider.url(&format!("/saml2/idp/SingleLogoutService.php?ReturnTo={back}"))
        }
        Kind::LemonLdap => provider.url("/?logout=1"),
        Kind::Pysaml2 => provider.url("/logout"),
    }
}

/// The identity provider, which knows our signing certificate and where to log out, and two browsers of its person.
async fn two_browsers(app: &TestApp, kind: Kind) -> (IdentityProvider, Traveller, Traveller) {
    let mut provider = IdentityProvider::start(kind, app).await;
    trust(app, &app.owner_token().await, &provider.metadata().await, "optional").await;
    tell_of_log_outs(app, true).await;
    // What our metadata says may have become more with the provider.
    provider.read_our_metadata(app).await;
    let (first, second) = (Traveller::new(), Traveller::new());
    sign_in(app, &provider, &first).await;
    sign_in(app, &provider, &second).await;
    (provider, first, second)
}

/// Nobody is signed in there any more: a new sign-in asks for the password.
async fn is_over_there(app: &TestApp, browser: &Traveller) -> bool {
    let page = browser.open(&app.url("/saml/acme/login")).await;
    page.form_with("password").is_some() && page.form_with("SAMLResponse").is_none()
}

async fn begun_there(kind: Kind) {
    let app = TestApp::on(Database::Sqlite).await;
    let (provider, first, second) = two_browsers(&app, kind).await;
    let page = first.open(&log_out_address(&provider)).await;
    let page = first.carry_on(page).await;
    let frames = page.frames();
    assert_eq!(frames.is_empty(), kind != Kind::LemonLdap, "{}: {}", page.url, page.reply.text);
    for frame in frames {
        let shown = Traveller::in_a_frame().open(&frame).await;
        assert!(shown.is_at(&provider.url("")), "the frame ended at {}: {}", shown.url, shown.reply.text);
    }
    assert!(page.is_at(&provider.url("")), "{} {}", page.url, page.reply.text);
    assert_eq!(page.reply.status, 200, "{}: {}", page.url, page.reply.text);
    if kind == Kind::Pysaml2 {
        let wanted = "logged out: urn:oasis:names:tc:SAML:2.0:status:Success; signed: True";
        assert_eq!(page.reply.text, wanted);
    }
    assert!(first.who(&app).await.is_none(), "the session outlived the log-out at the identity provider");
    assert!(second.who(&app).await.is_some(), "the session of another sign-in ended");
    assert!(is_over_there(&app, &first).await);
}

async fn begun_here(kind: Kind) {
    let app = TestApp::on(Database::Sqlite).await;
    let (_provider, first, second) = two_browsers(&app, kind).await;
    let console = first.open(&app.url("/console")).await;
    let form = console.form_with("csrf").filter(|form| form.action == "/logout").expect("a button to log out");
    let page = first.submit(&console, &form).await;
    assert!(page.is_at(&app.base) && page.reply.status == 200, "{}: {}", page.url, page.reply.text);
    assert!(first.who(&app).await.is_none(), "the session outlived the log-out");
    let page = match page.leads_to() {
        Some(address) => first.open(&address).await,
        None => page,
    };
    let page = first.carry_on(page).await;
    assert!(page.is_at(&app.base), "{} {}", page.url, page.reply.text);
    assert_eq!(page.reply.status, 200, "{}: {}", page.url, page.reply.text);
    assert!(page.reply.text.contains("confirmed that you are signed out there"), "{}", page.reply.text);
    assert!(second.who(&app).await.is_some(), "the session of another sign-in ended");
    assert!(is_over_there(&app, &first).await, "still signed in at the identity provider");
}

#[tokio::test(flavor = "multi_thread")]
async fn simplesamlphp_logs_out_here() {
    begun_there(Kind::SimpleSamlPhp).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn simplesamlphp_is_logged_out() {
    begun_here(Kind::SimpleSamlPhp).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lemonldap_logs_out_here() {
    begun_there(Kind::LemonLdap).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lemonldap_is_logged_out() {
    begun_here(Kind::LemonLdap).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pysaml2_logs_out_here() {
    begun_there(Kind::Pysaml2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pysaml2_is_logged_out() {
    begun_here(Kind::Pysaml2).await;
}
