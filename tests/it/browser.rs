//! One administrator, one real browser: sign in, press *Log all users out*, confirm, read the receipt. Once with scripts, in
//! the dialog, and once without, on the page.

use serde_json::json;

use crate::support::browser::Browser;
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

on_both_databases! {
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
