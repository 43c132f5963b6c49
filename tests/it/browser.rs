//! One administrator, one real browser: sign in, press *Log all users out*, confirm, read the receipt. Once with scripts, in
//! the dialog, and once without, on the page. The same browser adds an identity provider, and an IT contact opens a link.

use serde_json::json;

use crate::support::browser::Browser;
use crate::support::saml::{USER, asked, metadata, sign_in as sign_in_by_saml, signed};
use crate::support::{Database, OWNER, PASSWORD, TestApp};

const CONFIRM: &str = "/console/security/log-all-users-out";

async fn sign_in(app: &TestApp, browser: &Browser) {
    browser.open(&app.url("/login?workspace=acme")).await;
    browser.fill("input[name=email]", OWNER).await;
    browser.click("form[action='/login'] button[type=submit]").await;
    browser.fill("input[name=password]", PASSWORD).await;
    browser.click("form[action='/login/password'] button[type=submit]").await;
    browser.find("nav[aria-label=Main]").await;
    assert_eq!(browser.path().await, "/console");
}

/// Others who are signed in while the button is pressed.
async fn others(app: &TestApp) -> Vec<String> {
    let person = app.provision("ada").await;
    vec![app.sign_in(&person.email).await, app.sign_in(&person.email).await, app.owner_token().await]
}

/// Everybody is out, and the browser is still in.
async fn only_the_browser_is_left(app: &TestApp, browser: &Browser, others: &[String]) {
    assert_eq!(app.live(others).await, 0);
    browser.open(&app.url("/console/sessions")).await;
    assert_eq!(browser.path().await, "/console/sessions", "the administrator is out, too");
    let owner = app.owner_token().await;
    let entries = app.all_items(&owner, "/api/v1/audit?action=session.log_all_users_out").await;
    assert_eq!(entries.len(), 1, "{entries:?}");
    assert_eq!(entries[0]["reason"], "Pressed in a real browser");
    assert_eq!(entries[0]["details"]["sessions"], json!(others.len()));
}

/// Puts a long text into a field, as pasting it does.
async fn paste(browser: &Browser, id: &str, text: &str) {
    let script = "document.getElementById(arguments[0]).value = arguments[1];";
    browser.page.execute(script, vec![json!(id), json!(text)]).await.expect("a field takes a text");
}

/// Comes back from the identity provider that a page leads to: its form is posted from here.
async fn come_back(app: &TestApp, browser: &Browser, user: &str) {
    let link = browser.find("a[href*='SAMLRequest=']").await.attr("href").await.expect("a link").expect("an address");
    let (request, relay_state) = asked(&link);
    let script = "const form = document.createElement('form'); form.method = 'post'; form.action = '/saml/acme/acs'; \
                  for (const [name, value] of Object.entries(arguments[0])) { const field = document.createElement('input'); \
                  field.name = name; field.value = value; form.append(field); } document.body.append(form); form.submit();";
    let fields = json!({"SAMLResponse": signed(&app.base, &request, user, &[]), "RelayState": relay_state});
    browser.page.execute(script, vec![fields]).await.expect("the form is posted");
}

on_both_databases! {
    async fn an_identity_provider_is_added_and_tested(database: Database) {
        let app = TestApp::on(database).await;
        let browser = Browser::with_scripts().await;
        sign_in(&app, &browser).await;
        browser.open(&app.url("/console/security/saml/providers")).await;
        browser.click("a[href$='/providers/new']").await;
        browser.click("a[href$='/new/okta']").await;
        browser.wait_for_text("Audience URI (SP Entity ID)").await;
        browser.find("button[data-copy]").await;
        browser.click("a[href$='/new/okta/metadata']").await;
        browser.find("textarea[name=metadata_xml]").await;
        paste(&browser, "metadata_xml", &metadata()).await;
        browser.click("form[action$='/new/okta/metadata'] button[type=submit]").await;
        browser.wait_for_text("It is switched off.").await;
        let page = browser.path().await;
        browser.click("form[action='/console/security/saml/test'] button[type=submit]").await;
        come_back(&app, &browser, USER).await;
        browser.wait_for_text("The test passed").await;
        browser.open(&app.url(&format!("{page}/enforcement"))).await;
        browser.wait_for_text("by you").await;
        browser.open(&app.url(&page)).await;
        browser.click("a[href$='/on']").await;
        browser.click("dialog[open] form[action$='/on'] button[type=submit]").await;
        browser.wait_for_text("The identity provider is switched on.").await;
        sign_in_by_saml(&app, USER).await;
        browser.close().await;
    }

    async fn a_contact_opens_a_link_with_its_code(database: Database) {
        let app = TestApp::on(database).await;
        let owner = app.owner_token().await;
        let made = app.post(&owner, "/api/v1/security/saml/setup-links", json!({"name": "IT"})).await.expect(201).json();
        let browser = Browser::with_scripts().await;
        browser.open(made["url_with_code"].as_str().expect("an address")).await;
        let code = browser.find("input[name=code]").await.prop("value").await.expect("a field has a value");
        assert_eq!(code.as_deref(), made["code"].as_str());
        let address = browser.page.current_url().await.expect("a page is shown");
        assert!(address.fragment().is_none(), "the code is left in the address");
        browser.click("form[action='/saml/acme/setup'] button[type=submit]").await;
        browser.wait_for_text("Audience URI (SP Entity ID)").await;
        assert_eq!(browser.path().await, "/saml/acme/setup/provider");
        paste(&browser, "metadata_xml", &metadata()).await;
        browser.click("form[action='/saml/acme/setup/metadata'] button[type=submit]").await;
        browser.click("form[action='/saml/acme/setup/test'] button[type=submit]").await;
        come_back(&app, &browser, USER).await;
        browser.wait_for_text("The test passed").await;
        assert!(browser.path().await.starts_with("/saml/acme/setup/attempts/"));
        browser.close().await;
    }

    async fn the_button_is_pressed_in_a_dialog(database: Database) {
        let app = TestApp::on(database).await;
        let others = others(&app).await;
        let browser = Browser::with_scripts().await;
        sign_in(&app, &browser).await;
        browser.open(&app.url("/console/security")).await;
        browser.click("#log-all-users-out").await;
        let form = format!("dialog[open] form[action='{CONFIRM}']");
        browser.find(&form).await;
        assert_eq!(browser.path().await, "/console/security", "the confirmation is no dialog");
        browser.wait_for_text("3 sessions").await;
        assert_eq!(app.live(&others).await, 3, "opening the dialog ended a session");
        browser.click("dialog[open] [data-dialog-close]").await;
        assert_eq!(app.live(&others).await, 3);
        browser.click("#log-all-users-out").await;
        browser.fill(&format!("{form} input[name=reason]"), "Pressed in a real browser").await;
        browser.click(&format!("{form} button[type=submit]")).await;
        browser.wait_for_text("All users were logged out").await;
        only_the_browser_is_left(&app, &browser, &others).await;
        browser.close().await;
    }

    async fn the_button_is_pressed_without_scripts(database: Database) {
        let app = TestApp::on(database).await;
        let others = others(&app).await;
        let browser = Browser::without_scripts().await;
        sign_in(&app, &browser).await;
        browser.open(&app.url("/console/security")).await;
        browser.click("#log-all-users-out").await;
        browser.find(&format!("form[action='{CONFIRM}']")).await;
        assert_eq!(browser.path().await, CONFIRM);
        assert!(!browser.has("dialog[open]").await, "scripts run although they are off");
        browser.wait_for_text("3 sessions").await;
        browser.fill(&format!("form[action='{CONFIRM}'] input[name=reason]"), "Pressed in a real browser").await;
        browser.click(&format!("form[action='{CONFIRM}'] button[type=submit]")).await;
        browser.wait_for_text("All users were logged out").await;
        only_the_browser_is_left(&app, &browser, &others).await;
        browser.close().await;
    }
}
