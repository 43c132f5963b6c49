//! Set-up links: an IT contact without an account sets one identity provider up, and can do nothing else.

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::forms::tags;
use crate::support::http::client;
use crate::support::pages::{Page, Visitor};
use crate::support::saml::{PROVIDERS, USER, add_provider, asked, metadata, other_metadata, sign_in, signed};
use crate::support::{Database, OWNER, TestApp, send};

const LINKS: &str = "/api/v1/security/saml/setup-links";
const CODE_PAGE: &str = "/saml/acme/setup";
const SETUP: &str = "/saml/acme/setup/provider";
const UPLOAD: &str = "/saml/acme/setup/metadata";
const TEST: &str = "/saml/acme/setup/test";

async fn made(app: &TestApp, token: &str) -> Value {
    app.post(token, LINKS, json!({"name": "IT of Corp"})).await.expect(201).json()
}

fn code(link: &Value) -> &str {
    link["code"].as_str().expect("a code")
}

/// Types a code into a new browser; gives it and what it then shows.
async fn entered(app: &TestApp, code: &str) -> (Visitor, Page) {
    let contact = Visitor::new(app);
    let form = contact.visit(CODE_PAGE).await.form(CODE_PAGE).fill("code", code);
    let page = contact.submit(&form).await;
    (contact, page)
}

/// A browser that a new link is open in.
async fn contact(app: &TestApp, token: &str) -> Visitor {
    let link = made(app, token).await;
    let (contact, page) = entered(app, code(&link)).await;
    assert_eq!(page.path, SETUP, "{}", page.reply.text);
    contact
}

async fn uploaded(contact: &Visitor, xml: &str) -> Page {
    let form = contact.visit(SETUP).await.form(UPLOAD).fill("metadata_xml", xml);
    contact.submit(&form).await
}

/// Whether a link works in this browser.
async fn is_in(contact: &Visitor) -> bool {
    let page = contact.visit(SETUP).await;
    assert!([SETUP, CODE_PAGE].contains(&page.path.as_str()), "{}", page.path);
    page.path == SETUP
}

on_both_databases! {
    /// The code is typed, not a part of an address; then: our values, the metadata, a test. An administrator does the rest.
    async fn a_contact_sets_a_provider_up(app: TestApp) {
        let owner = app.owner_token().await;
        let link = made(&app, &owner).await;
        assert_eq!(link["url"], app.url(CODE_PAGE));
        assert_eq!(link["url_with_code"], format!("{}#{}", app.url(CODE_PAGE), code(&link)));
        let listed = app.get(&owner, LINKS).await.expect(200);
        assert!(!listed.text.contains(code(&link)), "the code can be asked for again");
        let shown = listed.json()["items"][0].clone();
        assert_eq!((&shown["works"], &shown["intent"]), (&json!(true), &json!("sso")));
        let (contact, page) = entered(&app, code(&link)).await;
        assert_eq!(page.path, SETUP, "{}", page.reply.text);
        page.says("Audience URI (SP Entity ID)");
        let entra = contact.visit(&format!("{SETUP}?product=entra-id")).await;
        entra.says("Identifier (Entity ID)");
        for address in ["acs", "signing.pem", "encryption.pem"].map(|name| app.url(&format!("/saml/acme/{name}"))) {
            entra.says(&address);
        }
        let bad = uploaded(&contact, "<a/>").await;
        assert_eq!(bad.reply.status, 422, "{}", bad.reply.text);
        let page = uploaded(&contact, &metadata()).await;
        assert!(page.path.starts_with(SETUP), "{}", page.path);
        page.says("SHA-256");
        let known = app.all_items(&owner, PROVIDERS).await;
        assert_eq!((known.len(), &known[0]["enabled"]), (1, &json!(false)));
        let path = format!("{PROVIDERS}/{}", known[0]["id"].as_str().expect("an id"));
        assert_eq!(app.get(&owner, &path).await.expect(200).json()["owners_may_sign_in"], false);
        let begun = contact.submit(&page.form(TEST)).await;
        let mut links = tags(&begun.reply.text).into_iter().filter_map(|tag| tag.attribute("href").map(str::to_owned));
        let location = links.find(|address| address.contains("SAMLRequest=")).expect("the way there");
        let (request, relay_state) = asked(&location);
        let response = signed(&app.base, &request, USER, &[]);
        let fields = [("SAMLResponse", response.as_str()), ("RelayState", relay_state.as_str())];
        let posted = contact.client.request(Method::POST, app.url("/saml/acme/acs")).form(&fields);
        let reply = send(posted).await.expect(303);
        let attempt = contact.visit(reply.header("location").expect("a page")).await;
        assert!(attempt.path.starts_with("/saml/acme/setup/attempts/"), "{}", attempt.path);
        attempt.says("The test passed");
        assert!(!attempt.reply.text.contains(USER), "a value is shown");
        contact.visit(SETUP).await.says("Your test passed");
        assert!(app.get(&owner, &path).await.expect(200).json()["tested_at"].is_string());
        app.put(&owner, &path, json!({"enabled": true, "sessions": "keep"})).await.expect(200);
        sign_in(&app, USER).await;
        let entries = app.all_items(&owner, "/api/v1/audit").await;
        let actor = format!("setup-link:{}", link["id"].as_str().expect("an id"));
        let own = entries.iter().filter(|entry| entry["actor"]["id"] == actor.as_str());
        let mut actions: Vec<&str> = own.filter_map(|entry| entry["action"].as_str()).collect();
        actions.sort_unstable();
        assert_eq!(actions, ["security.saml_changed", "security.saml_setup_link_opened", "security.saml_tested"]);
    }

    /// A code opens one browser, once; whatever is wrong with one, the answer is the same.
    async fn a_code_works_once(app: TestApp) {
        let owner = app.owner_token().await;
        let (used, revoked, old) = (made(&app, &owner).await, made(&app, &owner).await, made(&app, &owner).await);
        assert_eq!(entered(&app, code(&used)).await.1.path, SETUP);
        app.delete(&owner, &format!("{LINKS}/{}", revoked["id"].as_str().expect("an id"))).await.expect(204);
        app.delete(&owner, &format!("{LINKS}/{}", revoked["id"].as_str().expect("an id"))).await.expect(404);
        let unknown = format!("cfsc_{}", "A".repeat(48));
        let refused = |page: Page| {
            assert_eq!((page.reply.status, page.path.as_str()), (410, CODE_PAGE), "{}", page.reply.text);
            let text = page.reply.text.split("<main").nth(1).expect("a page has a main part").to_owned();
            let csrf = page.form(CODE_PAGE).value("csrf").expect("a form has a token").to_owned();
            text.replace(&csrf, "")
        };
        let mut texts = Vec::new();
        for wrong in ["x", "", unknown.as_str(), code(&used), code(&revoked)] {
            texts.push(refused(entered(&app, wrong).await.1));
        }
        let elsewhere = Visitor::new(&app);
        for other in ["/saml/globex/setup", "/saml/nowhere/setup"] {
            let form = elsewhere.visit(other).await.form(other).fill("code", code(&old));
            let page = elsewhere.submit(&form).await;
            assert_eq!((page.reply.status, page.path.as_str()), (410, other));
        }
        app.advance(72 * 60 * 60);
        texts.push(refused(entered(&app, code(&old)).await.1));
        texts.dedup();
        assert_eq!(texts.len(), 1, "the answers differ: {texts:?}");
    }

    /// Of many browsers at the same moment one is let in.
    async fn a_code_opens_one_of_many_browsers(app: TestApp) {
        let owner = app.owner_token().await;
        let link = made(&app, &owner).await;
        let pages = join_all((0..8).map(|_| entered(&app, code(&link)))).await;
        assert_eq!(pages.iter().filter(|(_, page)| page.path == SETUP).count(), 1);
    }

    /// It changes its one provider while that is off, and nothing else: no switch, no role, no people, no sessions.
    async fn a_contact_can_do_nothing_else(app: TestApp) {
        let owner = app.owner_token().await;
        let contact = contact(&app, &owner).await;
        let mut form = contact.visit(SETUP).await.form(UPLOAD).fill("metadata_xml", &metadata());
        let more = [("enabled", "1"), ("roles", "Staff = admin"), ("sessions", "log_all_users_out"), ("by_owner", "1")];
        for (name, value) in more {
            form.fields.push(crate::support::forms::Field { name: name.into(), value: value.into(), posted: true });
        }
        contact.submit(&form).await;
        let known = app.all_items(&owner, PROVIDERS).await;
        let path = format!("{PROVIDERS}/{}", known[0]["id"].as_str().expect("an id"));
        let shown = app.get(&owner, &path).await.expect(200).json();
        assert_eq!((&shown["enabled"], &shown["roles"]), (&json!(false), &json!([])));
        assert!(app.is_live(&owner).await, "a contact ended sessions");
        for page in ["/console", "/console/users", "/console/security/saml/providers"] {
            assert!(contact.visit(page).await.path.starts_with("/login"), "{page} is open");
        }
        for path in ["/api/v1/session", "/api/v1/users", LINKS] {
            send(contact.client.get(app.url(path))).await.expect(401);
        }
        let second = add_provider(&app, &owner, json!({"metadata_xml": other_metadata(), "enabled": false})).await;
        let page = uploaded(&contact, &other_metadata()).await;
        assert_eq!(page.reply.status, 409, "another provider was taken over: {}", page.reply.text);
        let attempts = app.all_items(&owner, "/api/v1/security/saml/attempts").await;
        assert_eq!(attempts.len(), 0);
        let form = contact.visit(SETUP).await.form(UPLOAD).fill("metadata_xml", &other_metadata());
        app.put(&owner, &path, json!({"enabled": true, "sessions": "keep"})).await.expect(200);
        let late = contact.submit(&form).await;
        assert_eq!(late.reply.status, 409, "{}", late.reply.text);
        late.says("switched it on");
        let after = app.get(&owner, &path).await.expect(200).json();
        assert_eq!((&after["entity_id"], &after["enabled"]), (&shown["entity_id"], &json!(true)));
        let made = json!({"name": "again", "provider_id": known[0]["id"]});
        app.post(&owner, LINKS, made).await.expect_problem(409, "conflict");
        let made = json!({"name": "again", "provider_id": second["id"]});
        assert_eq!(app.post(&owner, LINKS, made).await.expect(201).json()["provider_id"], second["id"]);
    }

    /// Others' tests, and what people did, are not for a contact.
    async fn a_contact_sees_its_own_tests_only(app: TestApp) {
        let owner = app.owner_token().await;
        add_provider(&app, &owner, json!({"metadata_xml": metadata()})).await;
        sign_in(&app, USER).await;
        let attempts = app.all_items(&owner, "/api/v1/security/saml/attempts").await;
        let contact = contact(&app, &owner).await;
        let id = attempts[0]["id"].as_str().expect("an id");
        let page = contact.visit(&format!("/saml/acme/setup/attempts/{id}")).await;
        assert_eq!(page.reply.status, 404, "{}", page.reply.text);
        assert!(!contact.visit(SETUP).await.reply.text.contains("Test connection"), "there is nothing to test yet");
    }

    /// A link ends with a revocation: its own, everybody's, that of whoever made it; and with their rights.
    async fn a_revocation_ends_it(app: TestApp) {
        let owner = app.owner_token().await;
        let link = made(&app, &owner).await;
        let (contact_of_it, _) = entered(&app, code(&link)).await;
        assert!(is_in(&contact_of_it).await);
        app.delete(&owner, &format!("{LINKS}/{}", link["id"].as_str().expect("an id"))).await.expect(204);
        assert!(!is_in(&contact_of_it).await, "a revoked link works");
        let (open, unused) = (contact(&app, &owner).await, made(&app, &owner).await);
        let form = open.visit(SETUP).await.form(UPLOAD).fill("metadata_xml", &metadata());
        app.log_all_users_out(&owner, "An incident").await;
        assert!(!is_in(&open).await, "a link outlived everybody's log-out");
        open.submit(&form).await;
        assert_eq!(app.all_items(&owner, PROVIDERS).await.len(), 0, "a form outlived everybody's log-out");
        assert_eq!(entered(&app, code(&unused)).await.1.reply.status, 410);
        let listed = app.get(&owner, LINKS).await.expect(200).json();
        let works = |link: &Value| link["works"] == true;
        assert!(listed["items"].as_array().is_some_and(|links| !links.iter().any(works)), "{listed}");
        let admin = app.provision_admin("admin").await;
        let token = app.sign_in(&admin.email).await;
        let theirs = contact(&app, &token).await;
        let reason = json!({"reason": "Their laptop was stolen"});
        app.post(&owner, &format!("/api/v1/users/{}/log-out", admin.id), reason).await.expect(200);
        assert!(!is_in(&theirs).await, "a link outlived the sessions of whoever made it");
        let token = app.sign_in(&admin.email).await;
        let theirs = contact(&app, &token).await;
        app.patch(&owner, &format!("/api/v1/users/{}", admin.id), json!({"role": "member"})).await.expect(200);
        assert!(!is_in(&theirs).await, "a link outlived the rights of whoever made it");
    }

    /// It ends in its browser after a day's work.
    async fn a_browser_is_let_in_for_hours(app: TestApp) {
        let owner = app.owner_token().await;
        let contact = contact(&app, &owner).await;
        app.advance(8 * 60 * 60 - 60);
        assert!(is_in(&contact).await);
        app.advance(120);
        assert!(!is_in(&contact).await);
    }

    /// The administrator's pages: a link is made, its code shown once, and revoked.
    async fn links_are_made_in_the_console(app: TestApp) {
        let owner = Visitor::signed_in(&app, OWNER).await;
        let home = "/console/security/saml/setup-links";
        let form = owner.visit(home).await.form(home);
        assert_eq!(owner.submit(&form.clone().fill("name", " ")).await.reply.status, 422);
        let page = owner.submit(&form.fill("name", "IT of Corp")).await;
        let code = page.reply.text.split("cfsc_").nth(1).and_then(|rest| rest.get(..48)).expect("a code");
        let code = format!("cfsc_{code}");
        let list = owner.visit(home).await;
        list.says("IT of Corp");
        list.says("Waiting");
        assert!(!list.reply.text.contains(&code), "the code is shown twice");
        let (contact, _) = entered(&app, &code).await;
        assert!(is_in(&contact).await);
        owner.visit(home).await.says("Opened");
        let token = app.owner_token().await;
        let links = app.get(&token, LINKS).await.expect(200).json();
        let action = format!("{home}/{}/revoke", links["items"][0]["id"].as_str().expect("an id"));
        let after = owner.submit(&owner.visit(&action).await.form(&action)).await;
        after.says("was revoked");
        after.says("Revoked");
        assert!(!is_in(&contact).await);
    }

    /// Guessing is braked as for passwords.
    async fn codes_are_not_guessed(database: Database) {
        let app = TestApp::with(database, |config| config.sign_in.attempts_per_address = 5).await;
        let visitor = Visitor::new(&app);
        let form = visitor.visit(CODE_PAGE).await.form(CODE_PAGE).fill("code", "nonsense");
        let mut statuses = Vec::new();
        for _ in 0..8 {
            statuses.push(visitor.submit(&form).await.reply.status);
        }
        assert!(statuses.contains(&410) && statuses.last() == Some(&429), "{statuses:?}");
    }

    /// A form of another site, or of another browser, opens nothing.
    async fn a_code_is_typed_into_our_own_page(app: TestApp) {
        let owner = app.owner_token().await;
        let link = made(&app, &owner).await;
        let fields = [("code", code(&link)), ("csrf", "0")];
        let reply = send(client().request(Method::POST, app.url(CODE_PAGE)).form(&fields)).await;
        assert_eq!(reply.status, 403, "{}", reply.text);
        let visitor = Visitor::new(&app);
        let form = visitor.visit(CODE_PAGE).await.form(CODE_PAGE).fill("code", code(&link));
        let foreign = visitor.client.post(app.url(CODE_PAGE)).form(&form.pairs()).header("origin", "https://evil.test");
        assert_eq!(send(foreign).await.status, 403);
        assert_eq!(visitor.submit(&form).await.path, SETUP, "the code was used up by a refused form");
    }
}
