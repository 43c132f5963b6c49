//! Identity providers in the console, as a browser without scripts sees them: added step by step, tested, switched on and off,
//! changed, deleted; and what each page says of it.

use reqwest::Method;
use serde_json::json;

use crate::support::forms::tags;
use crate::support::pages::{Page, Visitor};
use crate::support::saml::{
    PROVIDERS, USER, add_provider, asked, configure, metadata, other_metadata, sign_in, signed, trust_second_domain,
};
use crate::support::{OWNER, TestApp, send};

const HOME: &str = "/console/security/saml/providers";
const TEST: &str = "/console/security/saml/test";

/// Where the first link of a page leads whose address has this part.
#[track_caller]
fn link(page: &Page, part: &str) -> String {
    let links = tags(&page.reply.text).into_iter().filter(|tag| tag.name == "a");
    let found = links.filter_map(|tag| tag.attribute("href").map(str::to_owned)).find(|address| address.contains(part));
    found.unwrap_or_else(|| panic!("{} has no link to {part}: {}", page.path, page.reply.text))
}

/// Goes through the identity provider from the page that a test begins with, and comes back.
async fn come_back(app: &TestApp, visitor: &Visitor, page: &Page, user: &str) -> Page {
    let (request, relay_state) = asked(&link(page, "SAMLRequest="));
    let response = signed(&app.base, &request, user, &[]);
    let fields = [("SAMLResponse", response.as_str()), ("RelayState", relay_state.as_str())];
    let reply = send(visitor.client.request(Method::POST, app.url("/saml/acme/acs")).form(&fields)).await.expect(303);
    visitor.visit(reply.header("location").expect("a page")).await
}

/// Adds the identity provider of the tests on the pages; gives its page.
async fn added(owner: &Visitor) -> Page {
    let action = format!("{HOME}/new/okta/metadata");
    let form = owner.visit(&action).await.form(&action);
    owner.submit(&form.fill("name", "Okta of Corp").fill("metadata_xml", &metadata())).await
}

on_both_databases! {
    /// Product, our values under its labels, its metadata; then it is there, switched off, with everything that was read.
    async fn a_provider_is_added_step_by_step(app: TestApp) {
        let owner = Visitor::signed_in(&app, OWNER).await;
        let security = owner.visit("/console/security").await;
        security.says(HOME);
        security.says(&app.url("/saml/acme/encryption.pem"));
        let empty = owner.visit(HOME).await;
        empty.says("None yet");
        let products = owner.visit(&link(&empty, "/new")).await;
        let names = ["Okta", "Microsoft Entra ID", "Google Workspace", "Keycloak", "authentik", "OneLogin", "JumpCloud", "AD FS"];
        for product in names {
            products.says(product);
        }
        let values = owner.visit(&link(&products, "/new/okta")).await;
        for label in ["Audience URI (SP Entity ID)", "Single sign-on URL"] {
            values.says(label);
        }
        values.says(&app.url("/saml/acme/acs"));
        for address in ["metadata", "signing.pem", "encryption.pem"].map(|name| app.url(&format!("/saml/acme/{name}"))) {
            values.says(&address);
        }
        let step = owner.visit(&link(&values, "/okta/metadata")).await;
        step.says("View IdP metadata");
        let action = format!("{HOME}/new/okta/metadata");
        let refused = owner.submit(&step.form(&action).fill("metadata_xml", "<a/>")).await;
        assert_eq!(refused.reply.status, 422, "{}", refused.reply.text);
        refused.says("error-summary");
        assert_eq!(refused.form(&action).value("metadata_xml"), Some("<a/>"));
        let empty = owner.submit(&step.form(&action)).await;
        assert_eq!(empty.reply.status, 422, "{}", empty.reply.text);
        empty.says("Paste the metadata, or give its address.");
        let page = added(&owner).await;
        assert!(page.path.starts_with(&format!("{HOME}/0")), "{}", page.path);
        let token = app.owner_token().await;
        let known = app.all_items(&token, PROVIDERS).await;
        assert_eq!((known.len(), &known[0]["name"], &known[0]["enabled"]), (1, &json!("Okta of Corp"), &json!(false)));
        let shown = app.get(&token, &page.path.replace(HOME, PROVIDERS)).await.expect(200).json();
        for said in [&shown["entity_id"], &shown["certificates"][0]["sha256"], &shown["sso_redirect_url"]] {
            page.says(said.as_str().expect("a text"));
        }
        page.says("switched off");
        page.says("An owner or operator stands behind it");
        send(app.request(Method::GET, "/saml/acme/login")).await.expect(404);
        let list = owner.visit(HOME).await;
        list.says("Okta of Corp");
        list.says("All that no other names");
    }

    /// The short form on the Security page replaces what it shows, in the version that it shows, and nothing else.
    async fn the_short_form_replaces_what_it_shows(app: TestApp) {
        let owner = Visitor::signed_in(&app, OWNER).await;
        added(&owner).await;
        let security = || owner.visit("/console/security");
        let action = "/console/security/saml";
        let filled = |page: &Page, xml: &str| page.form(action).fill("metadata_xml", xml).fill("reason", "A new one");
        let refused = owner.submit(&filled(&security().await, &other_metadata())).await;
        assert_eq!(refused.reply.status, 409, "{}", refused.reply.text);
        refused.says("this metadata is of another identity provider");
        let on = owner.submit(&filled(&security().await, &metadata())).await;
        on.says("http://127.0.0.1:9999/idp");
        let (mine, colleagues) = (security().await, security().await);
        owner.submit(&filled(&mine, &other_metadata())).await.says("http://127.0.0.1:9998/idp");
        let late = owner.submit(&filled(&colleagues, &metadata())).await;
        assert_eq!(late.reply.status, 412, "{}", late.reply.text);
        let known = app.all_items(&app.owner_token().await, PROVIDERS).await;
        assert_eq!((known.len(), &known[0]["entity_id"]), (1, &json!("http://127.0.0.1:9998/idp")));
    }

    /// What is switched off can be tested, and signs nobody in; switched on it signs in, switched off again it doesn't.
    async fn it_is_tested_and_switched_on_and_off(app: TestApp) {
        let owner = Visitor::signed_in(&app, OWNER).await;
        let page = added(&owner).await;
        let begun = owner.submit(&page.form(TEST)).await;
        let attempt = come_back(&app, &owner, &begun, USER).await;
        attempt.says("The test passed");
        let again = owner.visit(&page.path).await;
        again.says("by you");
        assert!(again.reply.text.contains("/attempts/"), "no last attempt: {}", again.reply.text);
        send(app.request(Method::GET, "/saml/acme/login")).await.expect(404);
        let on = owner.visit(&link(&again, "/on")).await;
        on.says("Begins now");
        let after = owner.submit(&on.form(&format!("{}/on", page.path))).await;
        assert_eq!(after.path, page.path);
        after.says("is switched on");
        let person = sign_in(&app, USER).await;
        let off = owner.visit(&link(&after, "/off")).await;
        off.says("Ends now");
        off.says("Sign-ins by it that are under way");
        let action = format!("{}/off", page.path);
        let all = off.form(&action).fill("sessions", "log_all_users_out");
        let unexplained = owner.submit(&all.clone().fill("reason", "")).await;
        assert_eq!(unexplained.reply.status, 422, "{}", unexplained.reply.text);
        assert!(person.who().await.is_some());
        let receipt = owner.submit(&all.fill("reason", "The contract with Okta ended")).await;
        assert!(receipt.path.starts_with("/console/security/log-all-users-out/"), "{}", receipt.path);
        assert!(person.who().await.is_none(), "the choice of the form was not heeded");
        assert_eq!(owner.visit("/console").await.path, "/console", "the caller is out, too");
        send(app.request(Method::GET, "/saml/acme/login")).await.expect(404);
        let stranger = Visitor::new(&app);
        stranger.visit("/saml/acme/login").await.says("Single sign-on is switched off here: begin at the sign-in page.");
        for (path, status) in [("/saml/acme/login", 404), ("/saml/acme/acs", 405), ("/saml/acme/metadata?signed=x", 400)] {
            let page = stranger.visit(path).await;
            assert_eq!(page.reply.status, status, "{path}: {}", page.reply.text);
            page.says("href=\"/login\">Sign in</a>");
        }
    }

    /// Of several providers the one that was tried is named, and tried again; what failed comes first.
    async fn an_attempt_names_its_provider(app: TestApp) {
        let token = app.owner_token().await;
        configure(&app, &token).await;
        let second = add_provider(&app, &token, json!({"metadata_xml": other_metadata(), "name": "Contractors"})).await;
        let id = second["id"].as_str().expect("an id");
        let url = format!("{HOME}/{id}");
        let owner = Visitor::signed_in(&app, OWNER).await;
        let begun = owner.submit(&owner.visit(&url).await.form(TEST)).await;
        begun.says("Test the connection to Contractors");
        assert_eq!(link(&begun, &url), url, "the way back");
        // The first provider answers in the place of the second.
        let attempt = come_back(&app, &owner, &begun, USER).await;
        for said in ["The test failed", "1 of 32 checks failed", "What to do:", "Tested by"] {
            attempt.says(said);
        }
        attempt.says(&format!("<a href=\"{url}\">Contractors</a>"));
        assert_eq!(attempt.form(TEST).value("provider"), Some(id));
        let tester = attempt.reply.text.split("Tested by").nth(1).expect("who tested it");
        assert!(tester.starts_with(&format!("</dt><dd>{OWNER}")), "{tester}");
        let list = "/console/security/saml/attempts";
        owner.visit(list).await.says("data-label=\"Identity provider\">Contractors");
        let own = owner.visit(&link(&owner.visit(&url).await, &format!("{list}?provider="))).await;
        assert_eq!(own.form(TEST).value("provider"), Some(id));
    }

    /// The form holds what is saved, and changes only what was typed; whoever was slower is told.
    async fn settings_are_changed(app: TestApp) {
        let owner = Visitor::signed_in(&app, OWNER).await;
        trust_second_domain(&app).await;
        let page = added(&owner).await;
        let action = format!("{}/settings", page.path);
        let stale = owner.visit(&action).await.form(&action);
        assert_eq!((stale.value("just_in_time"), stale.value("sso_binding")), (Some("policy"), Some("redirect")));
        let form = stale.clone().fill("name", "Corp").fill("domain_second.test", "1");
        let form = form.fill("force_authn", "1").fill("single_logout", "1");
        let form = form.fill("encrypted_assertions", "1").fill("just_in_time", "no").fill("attributes.groups", "memberOf");
        let saved = owner.submit(&form.fill("roles", "Platform = team = admin\r\nStaff = member")).await;
        assert_eq!(saved.path, page.path, "{}", saved.reply.text);
        let token = app.owner_token().await;
        let api = page.path.replace(HOME, PROVIDERS);
        let shown = app.get(&token, &api).await.expect(200).json();
        assert_eq!((&shown["name"], &shown["domains"]), (&json!("Corp"), &json!(["second.test"])));
        assert_eq!((&shown["force_authn"], &shown["just_in_time"]), (&json!(true), &json!(false)));
        assert_eq!(shown["single_logout"], true);
        assert_eq!(shown["encrypted_assertions"], "required");
        assert_eq!(shown["attributes"]["groups"], "memberOf");
        let roles = json!([{"group": "Platform = team", "role": "admin"}, {"group": "Staff", "role": "member"}]);
        assert_eq!((&shown["roles"], &shown["link_existing"]), (&roles, &json!(true)));
        let kept = owner.visit(&action).await.form(&action);
        assert_eq!(kept.value("roles"), Some("Platform = team = admin\nStaff = member"));
        let late = owner.submit(&stale.fill("name", "Other")).await;
        assert_eq!(late.reply.status, 412, "{}", late.reply.text);
        let bad = owner.submit(&kept.fill("roles", "Owners = owner")).await;
        assert_eq!(bad.reply.status, 422, "{}", bad.reply.text);
        bad.says("Owners = owner");
        assert_eq!(app.get(&token, &api).await.expect(200).json()["name"], "Corp");
    }

    /// New metadata is shown before it is in force, with what changes; it takes a second form to put it there.
    async fn metadata_is_read_before_it_is_in_force(app: TestApp) {
        let owner = Visitor::signed_in(&app, OWNER).await;
        let page = added(&owner).await;
        let (action, api) = (format!("{}/metadata", page.path), page.path.replace(HOME, PROVIDERS));
        let token = app.owner_token().await;
        let before = app.get(&token, &api).await.expect(200).json();
        let form = owner.visit(&action).await.form(&action).fill("metadata_xml", &other_metadata());
        let read = owner.submit(&form).await;
        for said in ["Nothing is changed yet", "Another entity ID", "New certificate: SHA-256", "Gone: the certificate"] {
            read.says(said);
        }
        assert_eq!(app.get(&token, &api).await.expect(200).json()["entity_id"], before["entity_id"]);
        let done = owner.submit(&read.form(&action)).await;
        assert_eq!(done.path, page.path, "{}", done.reply.text);
        let after = app.get(&token, &api).await.expect(200).json();
        assert_ne!(after["entity_id"], before["entity_id"]);
        assert_eq!(after["name"], "Okta of Corp");
        done.says(after["entity_id"].as_str().expect("a text"));
    }

    /// Deleting says what ends and what stays; nobody's account goes with it.
    async fn a_provider_is_deleted(app: TestApp) {
        let token = app.owner_token().await;
        let made = add_provider(&app, &token, json!({"metadata_xml": metadata(), "name": "Corp"})).await;
        let person = sign_in(&app, USER).await;
        let owner = Visitor::signed_in(&app, OWNER).await;
        let url = format!("{HOME}/{}", made["id"].as_str().expect("an id"));
        let ask = owner.visit(&link(&owner.visit(&url).await, "/delete")).await;
        ask.says("Accounts, roles and passwords");
        let gone = owner.submit(&ask.form(&format!("{url}/delete"))).await;
        assert_eq!(gone.path, HOME);
        gone.says("was deleted");
        assert!(person.who().await.is_some(), "a session ended although the form kept it");
        assert_eq!(app.all_items(&token, PROVIDERS).await.len(), 0);
        assert_eq!(owner.visit(&url).await.reply.status, 404);
    }

    /// Owners sign in by what an owner stands behind: the button is theirs alone, and for the version that they saw.
    async fn an_owner_stands_behind_it(app: TestApp) {
        let admin = app.provision_admin("admin").await;
        let admin = Visitor::signed_in(&app, &admin.email).await;
        let page = added(&admin).await;
        let vouch = format!("{}/vouch", page.path);
        assert!(!page.reply.text.contains(&vouch), "an administrator may vouch");
        let owner = Visitor::signed_in(&app, OWNER).await;
        let seen = owner.visit(&page.path).await.form(&vouch);
        let settings = format!("{}/settings", page.path);
        let form = admin.visit(&settings).await.form(&settings).fill("name", "Renamed");
        admin.submit(&form).await;
        assert_eq!(owner.submit(&seen).await.reply.status, 412, "an owner vouched for what they had not seen");
        let done = owner.submit(&owner.visit(&page.path).await.form(&vouch)).await;
        done.says("An owner or operator stands behind it");
        let token = app.owner_token().await;
        let shown = app.get(&token, &page.path.replace(HOME, PROVIDERS)).await.expect(200).json();
        assert_eq!((&shown["owners_may_sign_in"], &shown["enabled"]), (&json!(true), &json!(false)));
    }

    /// Members and strangers see none of it, and forms of other sites do nothing.
    async fn the_pages_are_for_administrators(app: TestApp) {
        let token = app.owner_token().await;
        let made = add_provider(&app, &token, json!({"metadata_xml": metadata()})).await;
        let url = format!("{HOME}/{}", made["id"].as_str().expect("an id"));
        let member = app.provision("member").await;
        let member = Visitor::signed_in(&app, &member.email).await;
        let (owner, stranger) = (Visitor::signed_in(&app, OWNER).await, Visitor::new(&app));
        let general = ["", "/new", "/new/okta", "/new/okta/metadata"].map(|part| format!("{HOME}{part}"));
        let own = ["", "/metadata", "/settings", "/enforcement", "/on", "/off", "/delete"].map(|part| format!("{url}{part}"));
        for page in general.into_iter().chain(own) {
            assert_eq!(owner.visit(&page).await.reply.status, 200, "{page}");
            assert_eq!(member.visit(&page).await.reply.status, 403, "{page}");
            assert!(stranger.visit(&page).await.path.starts_with("/login?"), "{page}");
        }
        let action = format!("{url}/off");
        let forged = owner.visit(&action).await.form(&action).fill("csrf", "0");
        assert_eq!(owner.submit(&forged).await.reply.status, 403);
        assert_eq!(owner.visit(&format!("{HOME}/new/nothing")).await.reply.status, 404);
        app.advance(11 * 60);
        assert!(owner.visit(&action).await.path.starts_with("/console/reauthenticate"), "an old sign-in is enough");
    }
}
