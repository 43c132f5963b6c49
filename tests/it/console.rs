//! The console as a browser without scripts sees it, over plain HTTP: every step is a page or a form. The real browser is in
//! `browser.rs`.

use serde_json::json;

use crate::support::forms::tags;
use crate::support::http::Reply;
use crate::support::pages::Visitor;
use crate::support::{OWNER, PASSWORD, TestApp, send};

const CONFIRM: &str = "/console/security/log-all-users-out";

/// The page runs nothing but our own files: by its policy, and by what stands in it.
#[track_caller]
fn runs_nothing_inline(path: &str, reply: &Reply) {
    let policy =
        reply.header("content-security-policy").unwrap_or_else(|| panic!("{path} has no Content-Security-Policy"));
    for wanted in
        ["default-src 'none'", "script-src 'self'", "form-action 'self'", "frame-ancestors 'none'", "base-uri 'none'"]
    {
        assert!(policy.contains(wanted), "{path}: no {wanted} in {policy}");
    }
    assert!(!policy.contains("unsafe"), "{path}: {policy}");
    for tag in tags(&reply.text) {
        assert!(tag.name != "style", "{path} has an inline style sheet");
        assert!(
            tag.name != "script" || tag.attribute("src").is_some_and(|source| source.starts_with("/static/")),
            "{path}: {tag:?}"
        );
        for (name, value) in &tag.attributes {
            assert!(!name.starts_with("on") && name != "style", "{path}: {name} in {tag:?}");
            assert!(!value.trim_start().to_lowercase().starts_with("javascript:"), "{path}: {tag:?}");
            assert!(!value.contains("cfs_") && !value.contains("cfscim_"), "{path} shows a secret");
        }
    }
}

on_both_databases! {
    /// Strict on every page, with nothing inline; and no page can be put into another site's frame.
    async fn every_page_forbids_inline_code(app: TestApp) {
        let stranger = Visitor::new(&app);
        for path in ["/login", "/login?workspace=acme", "/nope", "/setup/cfl_wrong", "/saml/nowhere/login", "/saml/acme/setup"] {
            runs_nothing_inline(path, &stranger.visit(path).await.reply);
        }
        let owner = Visitor::signed_in(&app, OWNER).await;
        for path in [
            "/console",
            "/console/sessions",
            "/console/users",
            "/console/security",
            CONFIRM,
            "/console/scim",
            "/console/audit",
            "/console/security/saml/providers",
            "/console/security/saml/providers/new",
            "/console/security/saml/providers/new/onelogin",
            "/console/security/saml/setup-links",
            "/console/nope",
        ] {
            let page = owner.visit(path).await;
            assert!([200, 404].contains(&page.reply.status), "{path}: {}", page.reply.status);
            assert_eq!(page.path, path, "sent elsewhere");
            runs_nothing_inline(path, &page.reply);
        }
        assert_eq!(owner.visit("/static/console.js").await.reply.status, 200);
    }

    /// What people and identity providers call themselves is text, never markup.
    async fn names_are_text(app: TestApp) {
        let mut user = crate::support::people::okta_user("mark@corp.test");
        let name = "\"><script>alert(1)</script><img src=x onerror=alert(1)>";
        user["displayName"] = name.into();
        user["name"] = json!({"givenName": name, "familyName": name});
        user["password"] = PASSWORD.into();
        app.scim(reqwest::Method::POST, "/Users", Some(user)).await.expect(201);
        let request = app.request(reqwest::Method::POST, "/api/v1/login").header("user-agent", name);
        send(request.json(&json!({"workspace": "acme", "email": "mark@corp.test", "password": PASSWORD})))
            .await
            .expect(200);
        let owner = Visitor::signed_in(&app, OWNER).await;
        for path in [
            "/console/users",
            "/console/sessions",
            "/console/audit",
            "/console/sessions?user=%22%3E%3Cscript%3Ealert(1)%3C/script%3E",
        ] {
            let page = owner.visit(path).await;
            assert!(
                !page.reply.text.contains("<script>alert(1)") && !page.reply.text.contains("<img src=x"),
                "{path} runs a name"
            );
            runs_nothing_inline(path, &page.reply);
        }
        owner.visit("/console/users").await.says("&#");
    }

    /// Without a session the console leads to the sign-in page and back; never off our own origin.
    async fn signing_in_leads_back(app: TestApp) {
        let visitor = Visitor::new(&app);
        let page = visitor.visit("/console/security").await;
        assert!(page.path.starts_with("/login?"), "{}", page.path);
        let back = visitor.enter(&page.path, OWNER).await;
        assert_eq!(back.path, "/console/security", "{}", back.reply.text);
        for target in [
            "//evil.example",
            "https://evil.example/",
            "/\\evil.example",
            "javascript:alert(1)",
            "%2f%2fevil.example",
            "/%0d%0aSet-Cookie:x=1",
        ] {
            let visitor = Visitor::new(&app);
            let encoded: String = url::form_urlencoded::byte_serialize(target.as_bytes()).collect();
            // `Visitor` fails by itself if it is sent to another origin.
            let page = visitor.enter(&format!("/login?workspace=acme&return_to={encoded}"), OWNER).await;
            assert!(!page.path.contains("evil"), "{target} led to {}", page.path);
        }
    }

    /// A wrong password says nothing more than that, and keeps what was typed but the password.
    async fn a_wrong_password_is_told_once(app: TestApp) {
        let visitor = Visitor::new(&app);
        let mut texts = Vec::new();
        for email in [OWNER, "nobody@corp.test"] {
            let form = visitor.visit("/login?workspace=acme").await.form("/login").fill("email", email);
            let second = visitor.submit(&form).await.form("/login/password").fill("password", "wrong-Passw0rd-wrong");
            let page = visitor.submit(&second).await;
            assert!([401, 422].contains(&page.reply.status), "{}", page.reply.status);
            assert!(!page.reply.text.contains("wrong-Passw0rd"), "a page shows a password");
            texts.push(
                page.reply
                    .text
                    .replace(email, "")
                    .replace(page.form("/login/password").value("csrf").unwrap_or_default(), ""),
            );
        }
        let visible = |text: &str| text.split('<').filter_map(|part| part.split('>').nth(1)).collect::<String>();
        assert_eq!(visible(&texts[0]), visible(&texts[1]), "a page tells who exists");
    }

    /// The whole story without scripts: Security, the danger zone, the confirmation, the receipt.
    async fn log_all_users_out_without_scripts(app: TestApp) {
        let person = app.provision("ada").await;
        let others = [app.sign_in(&person.email).await, app.sign_in(OWNER).await];
        let owner = Visitor::signed_in(&app, OWNER).await;
        let security = owner.visit("/console/security").await;
        let link = tags(&security.reply.text).into_iter().find(|tag| tag.attribute("href") == Some(CONFIRM));
        assert!(link.is_some(), "Security has no way to log all users out");
        let confirmation = owner.visit(CONFIRM).await;
        confirmation.says("2 sessions");
        assert_eq!(app.live(&others).await, 2, "looking at the confirmation ended a session");
        let form = confirmation.form(CONFIRM);
        let empty = owner.submit(&form.clone().fill("reason", " ")).await;
        assert!([400, 422].contains(&empty.reply.status), "{} {}", empty.reply.status, empty.reply.text);
        assert_eq!(app.live(&others).await, 2, "a form without a reason ended a session");
        let done = owner.submit(&form.fill("reason", "Pressed in a console without scripts")).await;
        assert_eq!(done.reply.status, 200);
        done.says("All users were logged out");
        done.says("Pressed in a console without scripts");
        runs_nothing_inline(&done.path, &done.reply);
        assert_eq!(app.live(&others).await, 0);
        assert_eq!(owner.visit("/console").await.path, "/console", "the administrator is out, too");
        let again = owner.visit(&done.path).await;
        assert_eq!(again.reply.status, 200, "a reload of the receipt");
        let back = app.sign_in(&person.email).await;
        owner.visit(&done.path).await;
        assert!(app.is_live(&back).await, "a reload logged people out again");
    }

    /// The page says why: to whoever was logged out with everybody, and not to a stranger.
    async fn the_sign_in_page_says_why_a_session_ended(app: TestApp) {
        let person = app.provision("ada").await;
        let visitor = Visitor::signed_in(&app, &person.email).await;
        let owner = app.owner_token().await;
        app.log_all_users_out(&owner, "Told on the sign-in page").await;
        let page = visitor.visit("/console").await;
        assert!(page.path.starts_with("/login"), "{}", page.path);
        page.says("Everybody was logged out");
        let stranger = Visitor::new(&app).visit("/console").await;
        assert!(!stranger.reply.text.contains("logged out"), "a stranger is told about a session");
    }

    /// WEB-04: a form needs the token of its own session, and our own origin.
    async fn a_form_of_another_site_is_refused(app: TestApp) {
        let (owner, other) = (Visitor::signed_in(&app, OWNER).await, Visitor::signed_in(&app, OWNER).await);
        let bystander = app.sign_in(OWNER).await;
        let form = owner.visit(CONFIRM).await.form(CONFIRM).fill("reason", "Forged by another site");
        let foreign = other.visit(CONFIRM).await.form(CONFIRM).value("csrf").expect("a token").to_owned();
        let forged = [
            send(owner.posting(&form.clone().without("csrf"))).await,
            send(owner.posting(&form.clone().fill("csrf", ""))).await,
            send(owner.posting(&form.clone().fill("csrf", &foreign))).await,
            send(owner.client.post(app.url(CONFIRM)).form(&form.pairs()).header("origin", "https://evil.example"))
                .await,
            send(owner.client.post(app.url(CONFIRM)).form(&form.pairs()).header("sec-fetch-site", "cross-site")).await,
        ];
        for (number, reply) in forged.iter().enumerate() {
            assert_eq!(reply.status, 403, "forgery {number}: {}", reply.text);
        }
        assert!(app.is_live(&bystander).await, "a forged form logged people out");
        let login = Visitor::new(&app);
        let form = login.visit("/login?workspace=acme").await.form("/login").fill("email", OWNER).without("csrf");
        assert_eq!(send(login.posting(&form)).await.status, 403, "login CSRF");
    }

    /// A member has pages about themselves, and none about others.
    async fn members_see_their_own_pages(app: TestApp) {
        let person = app.provision("ada").await;
        app.owner_token().await;
        let member = Visitor::signed_in(&app, &person.email).await;
        let sessions = member.visit("/console/sessions").await;
        assert!(!sessions.reply.text.contains(OWNER), "a member sees other people's sessions");
        for path in ["/console/users", "/console/security", CONFIRM, "/console/scim", "/console/audit"] {
            let status = member.visit(path).await.reply.status;
            assert!([403, 404].contains(&status), "{path} answered a member {status}");
        }
    }

    /// After ten minutes a dangerous page asks for the password first, and then goes on.
    async fn an_old_sign_in_is_asked_to_prove_itself(app: TestApp) {
        let owner = Visitor::signed_in(&app, OWNER).await;
        let bystander = app.sign_in(OWNER).await;
        let form = owner.visit(CONFIRM).await.form(CONFIRM).fill("reason", "From a page left open");
        app.advance(10 * 60 + 1);
        let asked = owner.submit(&form).await;
        assert!(asked.path.starts_with("/console/reauthenticate"), "{} {}", asked.path, asked.reply.text);
        assert!(app.is_live(&bystander).await);
        let proof = asked.form("/console/reauthenticate").fill("password", PASSWORD);
        let page = owner.submit(&proof).await;
        assert_eq!(page.path, CONFIRM, "{}", page.reply.text);
        let done = owner.submit(&page.form(CONFIRM).fill("reason", "After proving myself")).await;
        done.says("All users were logged out");
        assert!(!app.is_live(&bystander).await);
    }

    /// The link for the first owner works once, then signs in with the password that was chosen.
    async fn a_set_up_link_works_once(app: TestApp) {
        let clock = app.clock.clone();
        let home = app.stop().await;
        let made = home.cli().run(&[
            "workspace",
            "create",
            "fresh",
            "--name",
            "Fresh",
            "--owner",
            "first@fresh.test",
            "--output",
            "json",
        ]);
        let link = made.succeeded().json()["setup_link"].as_str().expect("a link").to_owned();
        let path = &link[link.find("/setup/").expect("a path")..];
        let app = TestApp::start(home, clock, |_| {}).await;
        let visitor = Visitor::new(&app);
        let page = visitor.visit(path).await;
        page.says("first@fresh.test");
        let form = page.form(path);
        for (password, again) in [("short", "short"), (PASSWORD, "another-Passw0rd-typed")] {
            let refused = visitor.submit(&form.clone().fill("password", password).fill("password_again", again)).await;
            assert!((400..500).contains(&refused.reply.status), "{password}: {}", refused.reply.status);
        }
        let chosen = visitor.submit(&form.clone().fill("password", PASSWORD).fill("password_again", PASSWORD)).await;
        assert_eq!(chosen.path, "/console", "{}", chosen.reply.text);
        let thief = Visitor::new(&app);
        let used = thief.visit(path).await;
        assert!((400..500).contains(&used.reply.status), "a used link opens: {}", used.reply.status);
        let late = thief
            .submit(&form.fill("password", "thief-thief-thief-7").fill("password_again", "thief-thief-thief-7"))
            .await;
        assert!((400..500).contains(&late.reply.status), "{}", late.reply.status);
        app.try_sign_in("fresh", "first@fresh.test", PASSWORD).await.expect(200);
        app.try_sign_in("fresh", "first@fresh.test", "thief-thief-thief-7").await.expect(401);
    }

    /// Logging out is a form; afterwards the console asks to sign in.
    async fn logging_out_is_a_form(app: TestApp) {
        let owner = Visitor::signed_in(&app, OWNER).await;
        owner.visit("/logout").await;
        let page = owner.visit("/console").await;
        assert_eq!(page.path, "/console", "a mere link logs people out");
        let form = page.form("/logout");
        owner.submit(&form).await;
        assert!(owner.visit("/console").await.path.starts_with("/login"));
    }
}
