//! Single sign-on that is required: what must be so before, who has to use it then, who never has to, and how it ends.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::pages::Visitor;
use crate::support::people::okta_user;
use crate::support::saml::{Flow, PROVIDERS, USER, add_provider, metadata, sign_in, trust_second_domain};
use crate::support::{OWNER, PASSWORD, TestApp, send};

const WRONG: &str = "not the password of anybody";

/// An identity provider of `acme` for `corp.test`; gives the owner's token and the provider's path.
async fn provider(app: &TestApp) -> (String, String) {
    let owner = app.owner_token().await;
    let body = json!({"metadata_xml": metadata(), "name": "IdP", "domains": ["corp.test"]});
    let made = add_provider(app, &owner, body).await;
    (owner, format!("{PROVIDERS}/{}", made["id"].as_str().expect("an id")))
}

/// Tests the connection as the administrator of this token, successfully.
async fn tested(app: &TestApp, token: &str) {
    app.advance(1);
    let flow = Flow::of_test(app, token).await;
    flow.deliver(&flow.response(USER, &[])).await.expect(303);
}

/// A provider that is required.
async fn required(app: &TestApp) -> (String, String) {
    let (owner, path) = provider(app).await;
    tested(app, &owner).await;
    app.put(&owner, &path, json!({"enforcement": "required"})).await.expect(200);
    (owner, path)
}

/// What is missing.
async fn missing(app: &TestApp, token: &str, path: &str, change: Value) -> String {
    let problem = app.put(token, path, change).await.expect_problem(409, "conflict");
    assert_eq!(problem["field"], "enforcement", "{problem}");
    problem["detail"].as_str().expect("a sentence").to_owned()
}

/// The path of a one-time link.
fn path_of(link: &Value) -> String {
    let link = link.as_str().expect("a link");
    link[link.find("/setup/").expect("a path")..].to_owned()
}

async fn password_status(app: &TestApp, email: &str, password: &str) -> u16 {
    app.try_sign_in("acme", email, password).await.expect_any(&[200, 401, 403]).status
}

on_both_databases! {
    /// It works, for whoever asks, just now; it names its domains; and each thing that is missing is said.
    async fn it_must_work_before_it_is_required(app: TestApp) {
        let (owner, path) = provider(&app).await;
        let admin = app.sign_in(&app.provision_admin("ada").await.email).await;
        let required = || json!({"enforcement": "required"});
        let says = async |token: &str, change: Value, word: &str| {
            let text = missing(&app, token, &path, change).await;
            assert!(text.contains(word), "{word}: {text}");
        };
        says(&owner, json!({"enforcement": "required", "domains": []}), "domains").await;
        says(&owner, json!({"enforcement": "required", "enabled": false}), "switched off").await;
        says(&owner, required(), "test the connection").await;
        tested(&app, &admin).await;
        says(&owner, required(), "you yourself").await;
        tested(&app, &owner).await;
        says(&admin, required(), "you yourself").await;
        says(&owner, json!({"enforcement": "required", "force_authn": true}), "test the connection").await;
        let mut dry = required();
        dry["dry_run"] = true.into();
        assert_eq!(app.put(&owner, &path, dry.clone()).await.expect(200).json()["enforcement"], "required");
        assert_eq!(app.get(&owner, &path).await.expect(200).json()["enforcement"], "optional", "a dry run was saved");
        app.put(&owner, &path, json!({"attributes": {"groups": "teams"}})).await.expect(200);
        says(&owner, required(), "test the connection").await;
        tested(&app, &owner).await;
        app.put(&owner, &path, required()).await.expect(200);
        app.put(&owner, &path, json!({"name": "Renamed", "force_authn": true})).await.expect(200);
        trust_second_domain(&app).await;
        let more = json!({"domains": ["corp.test", "second.test"]});
        says(&owner, more.clone(), "test the connection").await;
        tested(&app, &owner).await;
        app.put(&owner, &path, more).await.expect(200);
        app.put(&owner, &path, json!({"enforcement": "optional"})).await.expect(200);
        app.advance(3_601);
        let owner = app.owner_token().await;
        assert!(missing(&app, &owner, &path, dry).await.contains("last hour"));
        says(&owner, required(), "last hour").await;
        app.delete(&owner, &path).await.expect(200);
        let new = json!({"metadata_xml": metadata(), "name": "New", "enforcement": "required"});
        app.post(&owner, PROVIDERS, new).await.expect_problem(409, "conflict");
    }

    /// Whoever has the right password is told where to go, and nobody else is told anything.
    async fn people_of_the_domain_sign_in_there(app: TestApp) {
        let ana = app.provision("ana").await;
        let session = app.sign_in(&ana.email).await;
        let mut foreign = okta_user("eve@elsewhere.test");
        foreign["password"] = PASSWORD.into();
        app.scim(Method::POST, "/Users", Some(foreign)).await.expect(201);
        let (owner, path) = required(&app).await;
        let refused = app.try_sign_in("acme", &ana.email, PASSWORD).await.expect_problem(403, "sso-required");
        assert!(refused["detail"].as_str().is_some_and(|text| text.contains("/saml/acme/login")), "{refused}");
        for email in [ana.email.as_str(), "nobody@corp.test"] {
            app.try_sign_in("acme", email, WRONG).await.expect_problem(401, "invalid-credentials");
        }
        app.try_sign_in("acme", "nobody@corp.test", PASSWORD).await.expect_problem(401, "invalid-credentials");
        assert_eq!(password_status(&app, "eve@elsewhere.test", PASSWORD).await, 200, "the domain is not theirs");
        assert_eq!(password_status(&app, OWNER, PASSWORD).await, 200, "an owner can always get in");
        assert_eq!(app.told("login.sso_required", &ana.id).await.len(), 1);
        assert!(app.is_live(&session).await, "sessions end by the option of the change, and not by themselves");
        let again = app.post(&session, "/api/v1/reauthenticate", json!({"password": PASSWORD})).await;
        again.expect_problem(403, "sso-required");
        let wrong = app.post(&session, "/api/v1/reauthenticate", json!({"password": WRONG})).await;
        wrong.expect_problem(401, "invalid-credentials");
        sign_in(&app, &ana.email).await;
        app.put(&owner, &path, json!({"enforcement": "optional"})).await.expect(200);
        assert_eq!(password_status(&app, &ana.email, PASSWORD).await, 200);
    }

    /// The policy's or the change's option logs everybody out who could not have signed in so any more.
    async fn the_change_can_log_everybody_out(app: TestApp) {
        let ana = app.provision("ana").await;
        let session = app.sign_in(&ana.email).await;
        let (owner, path) = provider(&app).await;
        tested(&app, &owner).await;
        let change = json!({"enforcement": "required", "sessions": "log_all_users_out", "reason": "From now on"});
        let answer = app.put(&owner, &path, change).await.expect(200).json();
        assert_eq!(answer["receipt"]["trigger"], "saml_change");
        assert!(!app.is_live(&session).await && app.is_live(&owner).await);
    }

    /// Nobody gets a password by a link any more: not to be invited, not to be helped.
    async fn links_set_no_password(app: TestApp) {
        let (owner, path) = provider(&app).await;
        let invited = app.post(&owner, "/api/v1/users", json!({"email": "bea@corp.test"})).await.expect(201).json();
        let link = path_of(&invited["setup_link"]);
        let visitor = Visitor::new(&app);
        let form = visitor.visit(&link).await.form(&link);
        let form = form.fill("password", "a password of theirs").fill("password_again", "a password of theirs");
        tested(&app, &owner).await;
        app.put(&owner, &path, json!({"enforcement": "required"})).await.expect(200);
        assert_eq!(visitor.visit(&link).await.reply.status, 403);
        assert_eq!(visitor.submit(&form).await.reply.status, 403);
        let who = sign_in(&app, "bea@corp.test").await.who().await.expect("signed in");
        assert_eq!((&who["user"]["id"], &who["user"]["state"]), (&invited["id"], &json!("active")));
        let ana = app.provision("ana").await;
        let reset = format!("/api/v1/users/{}/reset-password", ana.id);
        let link = app.post(&owner, &reset, json!({})).await.expect(200).json()["setup_link"].clone();
        let path_of_link = path_of(&link);
        assert_eq!(visitor.visit(&path_of_link).await.reply.status, 403);
        app.put(&owner, &path, json!({"enforcement": "optional"})).await.expect(200);
        assert_eq!(visitor.visit(&path_of_link).await.reply.status, 200, "the link itself was not used up");
    }

    /// The page sends people of the domain away, and leaves owners a way that does not need the identity provider.
    async fn the_page_leaves_owners_a_way(app: TestApp) {
        let (_, path) = required(&app).await;
        let ana = app.provision("ana").await;
        let visitor = Visitor::new(&app);
        let step = async |email: &str| {
            visitor.submit(&visitor.visit("/login?workspace=acme").await.form("/login").fill("email", email)).await
        };
        let page = step(OWNER).await;
        let id = path.rsplit('/').next().expect("an id");
        page.says(&format!("/saml/acme/login?provider={id}"));
        assert!(!page.reply.text.contains("/login/password"), "a password is asked for: {}", page.reply.text);
        assert!(!page.reply.text.contains("data-auto-submit"), "an owner has no time to choose");
        let page = visitor.submit(&page.form("/login")).await;
        let form = page.form("/login/password").fill("password", PASSWORD);
        assert_eq!(visitor.submit(&form).await.path, "/console");
        let stranger = Visitor::new(&app);
        let page = stranger.visit("/login?workspace=acme").await.form("/login").fill("email", &ana.email);
        let page = stranger.submit(&stranger.submit(&page).await.form("/login")).await;
        let page = stranger.submit(&page.form("/login/password").fill("password", PASSWORD)).await;
        assert_eq!(page.reply.status, 403);
        page.says(&format!("/saml/acme/login?provider={id}"));
    }

    /// It ends when the provider is switched off, by whomever, and doesn't begin again by itself; and with the domain.
    async fn it_ends_with_the_provider(app: TestApp) {
        let ana = app.provision("ana").await;
        let (owner, path) = required(&app).await;
        assert_eq!(password_status(&app, &ana.email, PASSWORD).await, 403);
        app.home.cli().run(&["saml", "disable", "--workspace", "acme"]).succeeded();
        assert_eq!(password_status(&app, &ana.email, PASSWORD).await, 200, "the way out is closed");
        app.put(&owner, &path, json!({"enabled": true})).await.expect(200);
        assert_eq!(app.get(&owner, &path).await.expect(200).json()["enforcement"], "optional");
        assert_eq!(password_status(&app, &ana.email, PASSWORD).await, 200);
        app.put(&owner, &path, json!({"enforcement": "required"})).await.expect(200);
        assert_eq!(password_status(&app, &ana.email, PASSWORD).await, 403);
        app.delete(&owner, "/api/v1/security/domains/corp.test").await.expect(200);
        assert_eq!(password_status(&app, &ana.email, PASSWORD).await, 200, "nobody vouches for this domain any more");
        app.delete(&owner, &path).await.expect(200);
        assert_eq!(password_status(&app, &ana.email, PASSWORD).await, 200);
    }

    /// The last owner who has a password stays one, as long as there is no other way in when the provider fails.
    async fn an_owner_with_a_password_stays(app: TestApp) {
        let (owner, path) = required(&app).await;
        let body = json!({"email": "bea@corp.test", "role": "owner"});
        app.post(&owner, "/api/v1/users", body).await.expect(201);
        let bea = sign_in(&app, "bea@corp.test").await;
        assert_eq!(bea.who().await.expect("signed in")["user"]["role"], "owner");
        let own = format!("/api/v1/users/{}", app.user_id(&owner).await);
        app.patch(&owner, &own, json!({"role": "admin"})).await.expect_problem(409, "last-owner");
        let suspend = bea.client.patch(app.url(&own)).header("origin", &app.base).json(&json!({"state": "suspended"}));
        send(suspend).await.expect_problem(409, "last-owner");
        app.put(&owner, &path, json!({"enforcement": "optional"})).await.expect(200);
        app.patch(&owner, &own, json!({"role": "admin"})).await.expect(200);
    }
}
