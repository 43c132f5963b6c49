//! What every real identity provider must be able to do with us, and we with it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::TestApp;
use super::forms::Form;
use super::http::Reply;
use super::identity_provider::{IdentityProvider, Kind};
use super::traveller::{Stop, Traveller};

const PATH: &str = "/api/v1/security/saml";

/// A sign-in through its form; a wrong password leads nowhere.
pub async fn signs_in(app: &TestApp, kind: Kind) {
    let owner = app.owner_token().await;
    let provider = IdentityProvider::start(kind, app).await;
    trust(app, &owner, &provider.metadata().await, "optional").await;
    let browser = Traveller::new();
    let page = asked(app, &provider, &browser).await;
    let page = enter(&provider, &browser, &page, "not the password").await;
    assert!(page.form_with("SAMLResponse").is_none(), "a wrong password is vouched for: {}", page.reply.text);
    assert!(browser.who(app).await.is_none());
    let page = enter(&provider, &browser, &page, kind.facts().password).await;
    let reply = browser.deliver(&page, &vouching(app, &page)).await.reply;
    let who = signed_in(app, &provider, &browser, &reply).await;
    let facts = kind.facts();
    let user = &who["user"];
    assert_eq!((&user["email"], &user["display_name"]), (&json!(facts.email), &json!(facts.display_name)));
    assert_eq!((&user["source"], &who["session"]["method"]), (&json!("saml"), &json!("saml")));
    let again = sign_in(app, &provider, &Traveller::new()).await;
    assert_eq!(again["user"]["id"], user["id"], "a second sign-in made a second user");
}

/// A workspace that wants encrypted assertions gets them.
pub async fn encrypts(app: &TestApp, kind: Kind) {
    let owner = app.owner_token().await;
    let mut provider = IdentityProvider::start(kind, app).await;
    trust(app, &owner, &provider.metadata().await, "required").await;
    refused(app, &provider, "encryption.required").await;
    provider.encrypt().await;
    let browser = Traveller::new();
    let (page, form) = vouched(app, &provider, &browser).await;
    let xml = message(&form);
    assert!(xml.contains("EncryptedAssertion>") && !xml.contains(kind.facts().email), "in the clear: {xml}");
    let reply = browser.deliver(&page, &form).await.reply;
    signed_in(app, &provider, &browser, &reply).await;
}

/// A new certificate there: without a gap if it was announced, and if not, with the refusal that the guide names.
pub async fn rolls_over(app: &TestApp, kind: Kind) {
    let owner = app.owner_token().await;
    let mut provider = IdentityProvider::start(kind, app).await;
    let before = provider.metadata().await;
    assert_eq!(trust(app, &owner, &before, "optional").await, 1);
    sign_in(app, &provider, &Traveller::new()).await;
    let both = provider.announce_next_key().await;
    assert_eq!(trust(app, &owner, &both, "optional").await, 2, "{both}");
    sign_in(app, &provider, &Traveller::new()).await;
    provider.change_key().await;
    sign_in(app, &provider, &Traveller::new()).await;
    let after = provider.metadata().await;
    assert_eq!(trust(app, &owner, &after, "optional").await, 1);
    sign_in(app, &provider, &Traveller::new()).await;
    provider.announce_next_key().await;
    provider.change_key().await;
    refused(app, &provider, "signature.invalid").await;
    trust(app, &owner, &provider.metadata().await, "optional").await;
    sign_in(app, &provider, &Traveller::new()).await;
}

/// Makes it the identity provider of `acme`; gives how many certificates count.
pub async fn trust(app: &TestApp, owner: &str, metadata: &str, encrypted: &str) -> usize {
    let body = json!({"metadata_xml": metadata, "encrypted_assertions": encrypted, "sessions": "keep"});
    let set = app.put(owner, PATH, body).await.expect(200).json();
    set["certificates"].as_array().expect("a list").len()
}

/// Signs its person in, in this browser; gives who that is here.
pub async fn sign_in(app: &TestApp, provider: &IdentityProvider, browser: &Traveller) -> Value {
    let (page, form) = vouched(app, provider, browser).await;
    let reply = browser.deliver(&page, &form).await.reply;
    signed_in(app, provider, browser, &reply).await
}

/// Fails unless its response is refused, and the audit log says by which check.
pub async fn refused(app: &TestApp, provider: &IdentityProvider, check: &str) {
    let browser = Traveller::new();
    let (page, form) = vouched(app, provider, &browser).await;
    let reply = browser.deliver(&page, &form).await.reply;
    assert_eq!(reply.status, 403, "{}", reply.text);
    assert!(browser.who(app).await.is_none(), "{check} should have refused it");
    let entries = app.all_items(&app.owner_token().await, "/api/v1/audit?action=login.saml_refused").await;
    let said: Vec<&Value> = entries.iter().map(|entry| &entry["details"]["check"]).collect();
    assert!(said.contains(&&json!(check)), "{check} is not among {said:?}");
}

/// The page on which it vouches for its person, with the form that brings that to us.
async fn vouched(app: &TestApp, provider: &IdentityProvider, browser: &Traveller) -> (Stop, Form) {
    let page = asked(app, provider, browser).await;
    let page = enter(provider, browser, &page, provider.kind().facts().password).await;
    let form = vouching(app, &page);
    (page, form)
}

/// From our sign-in to the page there that asks who it is.
async fn asked(app: &TestApp, provider: &IdentityProvider, browser: &Traveller) -> Stop {
    let page = browser.open(&app.url("/saml/acme/login")).await;
    assert!(page.is_at(&provider.url("")), "{} isn't there", page.url);
    page
}

/// Fills in its sign-in form and sends it.
async fn enter(provider: &IdentityProvider, browser: &Traveller, page: &Stop, password: &str) -> Stop {
    let facts = provider.kind().facts();
    let form = page.form_with("password");
    let form = form.unwrap_or_else(|| panic!("{} has no form: {} {}", page.url, page.reply.status, page.reply.text));
    browser.submit(page, &form.fill(facts.user_field, facts.user).fill("password", password)).await
}

/// The form of a page that vouches.
fn vouching(app: &TestApp, page: &Stop) -> Form {
    let form = page.form_with("SAMLResponse");
    let form = form.unwrap_or_else(|| panic!("{} doesn't vouch: {}", page.url, page.reply.text));
    assert_eq!(form.action, app.url("/saml/acme/acs"));
    form
}

async fn signed_in(app: &TestApp, provider: &IdentityProvider, browser: &Traveller, reply: &Reply) -> Value {
    let who = browser.who(app).await;
    let who = who.unwrap_or_else(|| panic!("{:?}: {} {}", provider.kind(), reply.status, reply.text));
    assert_eq!(who["user"]["email"], provider.kind().facts().email);
    who
}

fn message(form: &Form) -> String {
    let octets = STANDARD.decode(form.value("SAMLResponse").unwrap_or_default()).expect("base64");
    String::from_utf8(octets).expect("XML in UTF-8")
}
