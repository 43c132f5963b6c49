//! What administrators see of attempts to sign in by SAML: each numbered check, what to change, and nothing that a person said;
//! and the test of a connection, which goes the whole way and leaves nothing.

use reqwest::{Client, Method};
use serde_json::{Value, json};

use crate::support::http::client_with_cookies;
use crate::support::saml::{
    Flow, OTHER, PROVIDERS, USER, add_provider, configure, encryption_certificates, metadata, other_metadata, sign_in,
};
use crate::support::{OTHER_OWNER, TestApp, send};

const PATH: &str = "/api/v1/security/saml/attempts";

async fn attempts(app: &TestApp, token: &str) -> Vec<Value> {
    app.all_items(token, PATH).await
}

/// The newest attempt with everything that is known of it.
async fn newest(app: &TestApp, token: &str) -> Value {
    let all = attempts(app, token).await;
    let id = all.first().expect("an attempt")["id"].as_str().expect("an id").to_owned();
    app.get(token, &format!("{PATH}/{id}")).await.expect(200).json()
}

/// Delivers a response that was made with these arguments of `sign.py`, a second later; gives the newest attempt.
async fn after(app: &TestApp, token: &str, user: &str, arguments: &[&str]) -> Value {
    app.advance(1);
    let flow = Flow::begin(app).await;
    flow.deliver(&flow.response(user, arguments)).await;
    newest(app, token).await
}

/// The names of the checks of an attempt that ended so.
fn ended(attempt: &Value, outcome: &str) -> Vec<String> {
    let checks = attempt["checks"].as_array().expect("checks").iter();
    let found = checks.filter(|check| check["outcome"] == outcome);
    found.map(|check| check["check"].as_str().expect("a name").to_owned()).collect()
}

/// What to do about the first failed check.
fn advice(attempt: &Value) -> String {
    let checks = attempt["checks"].as_array().expect("checks");
    let failed = checks.iter().find(|check| check["outcome"] == "failed").expect("a failed check");
    failed["advice"].as_str().expect("advice").to_owned()
}

/// What the person reads whose browser brings these fields, and is refused.
async fn shown(app: &TestApp, client: &Client, fields: &[(&str, &str)]) -> String {
    let request = client.request(Method::POST, app.url("/saml/acme/acs")).header("accept", "text/html").form(fields);
    send(request).await.expect(403).text
}

async fn people(app: &TestApp, token: &str) -> (usize, usize) {
    let users = app.all_items(token, "/api/v1/users").await.len();
    (users, app.all_items(token, "/api/v1/sessions").await.len())
}

on_both_databases! {
    /// Everything that is wrong is shown at once, in the order in which it is judged, with what to do about it.
    async fn each_failure_shows_its_checks(app: TestApp) {
        let owner = app.owner_token().await;
        configure(&app, &owner).await;
        let (acs, entity) = (app.url("/saml/acme/acs"), app.url("/saml/acme/metadata"));
        let cases: [(&[&str], &[&str], &str, &str); 6] = [
            (&["--sp-entity-id", "https://other.test"], &["check.audience"], "check.audience", &entity),
            (&["--acs", "https://other.test/acs"], &["check.destination", "check.recipient"], "check.destination", &acs),
            (
                &["--in-response-to", "_another"],
                &["check.in-response-to", "check.confirmation-in-response-to"],
                "check.in-response-to",
                "/saml/acme/login",
            ),
            (
                &["--idp-entity-id", "https://other.test/idp"],
                &["check.response-issuer", "check.assertion-issuer"],
                "check.response-issuer",
                "metadata",
            ),
            (&["--key", "attacker"], &["signature"], "signature.invalid", "import the metadata again"),
            (&["--sign", "none"], &["gate"], "gate.unsigned", "sign the assertion"),
        ];
        for (arguments, failed, decided, advised) in cases {
            let attempt = after(&app, &owner, USER, arguments).await;
            assert_eq!(ended(&attempt, "failed"), failed, "{arguments:?}");
            assert_eq!(attempt["attempt"]["refused_check"], decided, "{arguments:?}");
            assert!(advice(&attempt).contains(advised), "{arguments:?}: {}", advice(&attempt));
            assert!(attempt["attempt"]["user_id"].is_null());
        }
        let attempt = after(&app, &owner, "ceo@other-company.test", &[]).await;
        assert_eq!((ended(&attempt, "failed"), ended(&attempt, "not_reached").len()), (vec!["user".to_owned()], 0));
        assert_eq!(attempt["attempt"]["refused_check"], "user.domain");
        let early = after(&app, &owner, USER, &["--key", "attacker"]).await;
        assert_eq!(ended(&early, "passed"), ["flow", "gate", "encryption"]);
        assert!(early["attempt"]["certificate_sha256"].is_null());
    }

    /// A sign-in that went well is there too, with who it was, when it was issued and what verified it.
    async fn an_accepted_sign_in_is_kept(app: TestApp) {
        let owner = app.owner_token().await;
        let configured = configure(&app, &owner).await;
        let flow = sign_in(&app, USER).await;
        let attempt = newest(&app, &owner).await;
        assert_eq!(ended(&attempt, "passed").len(), attempt["checks"].as_array().map_or(0, Vec::len));
        let facts = &attempt["attempt"];
        assert_eq!((&facts["outcome"], &facts["purpose"]), (&json!("accepted"), &json!("sign_in")));
        assert_eq!(facts["user_id"], flow.who().await.expect("signed in")["user"]["id"]);
        assert_eq!(facts["certificate_sha256"], configured["certificates"][0]["sha256"]);
        assert!(facts["clock_difference_ms"].as_i64().is_some_and(|ms| ms.abs() < 120_000), "{facts}");
        assert_eq!((&facts["ip"], facts["request_id"].as_str().map(str::len)), (&json!("127.0.0.1"), Some(16)));
        let numbers: Vec<i64> =
            attempt["checks"].as_array().expect("checks").iter().filter_map(|check| check["number"].as_i64()).collect();
        assert_eq!(numbers, (1..=32).collect::<Vec<_>>());
    }

    /// Names are kept, values are not: neither of an accepted response nor of a refused one, encrypted or not.
    async fn no_value_of_a_person_is_kept(app: TestApp) {
        let owner = app.owner_token().await;
        configure(&app, &owner).await;
        let to = encryption_certificates(&app).await[0].clone();
        let secret = ["--attribute", "department=Top-Secret-Works"];
        let encrypted = ["--encrypt", "aes256-gcm", "--to", to.as_str(), secret[0], secret[1]];
        let changes: [&[&str]; 3] = [&[], &["--sp-entity-id", "https://other.test"], &["--key", "attacker"]];
        for more in changes {
            let attempt = after(&app, &owner, USER, &[&secret[..], more].concat()).await;
            let kept = attempt.to_string();
            for value in [USER, "mallory", "Top-Secret-Works", "SignatureValue", "DigestValue", "X509"] {
                assert!(!kept.contains(value), "{value} is kept: {kept}");
            }
            let outline = attempt["outline"].as_str().expect("an outline");
            for name in ["Response ", "department", "(an address at corp.test, ", "(16 characters)", "AuthnStatement"] {
                assert!(outline.contains(name), "{name} is missing: {outline}");
            }
            let attempt = after(&app, &owner, USER, &[&encrypted[..], more].concat()).await;
            let kept = attempt.to_string();
            for value in [USER, "mallory", "Top-Secret-Works", "CipherValue", "SignatureValue"] {
                assert!(!kept.contains(value), "{value} is kept: {kept}");
            }
            let outline = attempt["outline"].as_str().expect("an outline");
            assert!(outline.contains("EncryptionMethod Algorithm="), "{outline}");
            assert_eq!(outline.contains("department"), more.first() != Some(&"--key"), "{outline}");
        }
        let flow = Flow::begin(&app).await;
        for rubbish in ["", "%%%", "AAAA", "PGEvPg=="] {
            flow.deliver(rubbish).await;
        }
        assert!(attempts(&app, &owner).await.iter().all(|attempt| attempt["purpose"] == "sign_in"));
    }

    /// Twenty of each kind: what goes wrong isn't hidden by what goes well, nor the other way round, and neither by garbage.
    async fn the_newest_twenty_are_kept(app: TestApp) {
        let owner = app.owner_token().await;
        configure(&app, &owner).await;
        sign_in(&app, USER).await;
        after(&app, &owner, USER, &["--sp-entity-id", "https://other.test"]).await;
        let flow = Flow::begin(&app).await;
        for _ in 0..25 {
            app.advance(1);
            flow.deliver("PGEvPg==").await;
        }
        let all = attempts(&app, &owner).await;
        let refused: Vec<&Value> = all.iter().filter(|attempt| attempt["outcome"] == "refused").collect();
        assert_eq!((refused.len(), all.len()), (21, 22));
        assert_eq!(refused[20]["refused_check"], "check.audience", "garbage hides a genuine failure");
        assert!(refused[..20].iter().all(|attempt| attempt["refused_check"] == "gate.root"), "{refused:?}");
        let provider = refused[0]["provider_id"].as_str().expect("an id");
        let path = format!("{PATH}?provider={provider}&limit=200");
        assert_eq!(app.get(&owner, &path).await.expect(200).json()["items"].as_array().map(Vec::len), Some(22));
        let path = format!("{PATH}?provider=another");
        assert_eq!(app.get(&owner, &path).await.expect(200).json()["items"], json!([]));
    }

    /// The person was told an id. By it the attempt is found, on the page too; what can't be one is named.
    async fn an_attempt_is_found_by_its_request_id(app: TestApp) {
        let owner = app.owner_token().await;
        configure(&app, &owner).await;
        sign_in(&app, USER).await;
        app.advance(1);
        let told = Flow::begin(&app).await.deliver("PGEvPg==").await.expect_problem(403, "forbidden");
        assert_eq!(told["detail"], "the sign-in was not accepted");
        let id = told["request_id"].as_str().expect("an id");
        let found = app.all_items(&owner, &format!("{PATH}?request_id={id}")).await;
        assert_eq!((found.len(), &found[0]["refused_check"], &found[0]["request_id"]), (1, &json!("gate.root"), &json!(id)));
        let elsewhere = format!("request_id={id}&provider=another");
        for nothing in ["request_id=0000000000000000", elsewhere.as_str()] {
            assert_eq!(app.all_items(&owner, &format!("{PATH}?{nothing}")).await.len(), 0, "{nothing}");
        }
        for bad in ["0", "0123456789abcdeg", "0123456789ABCDEF", "0123456789abcdef0"] {
            app.get(&owner, &format!("{PATH}?request_id={bad}")).await.expect(400).expect_field("request_id");
        }
        let list = "/console/security/saml/attempts";
        let page = app.get(&owner, &format!("{list}?request_id=+{id}+")).await.expect(200);
        assert!(page.text.contains("gate.root") && page.text.contains("1 attempt, newest first"), "{}", page.text);
        let page = app.get(&owner, &format!("{list}?request_id=oops")).await.expect(422);
        assert!(page.text.contains("error-summary") && page.text.contains("value=\"oops\""), "{}", page.text);
        assert!(app.get(&owner, list).await.expect(200).text.contains("2 attempts, newest first"));
    }

    /// Of a browser that has no sign-in under way nothing is kept: its person is told to begin again, and promised nothing.
    async fn nothing_is_promised_that_is_not_kept(app: TestApp) {
        let owner = app.owner_token().await;
        configure(&app, &owner).await;
        let flow = Flow::begin(&app).await;
        let fields = [("SAMLResponse", "PGEvPg=="), ("RelayState", flow.relay_state.as_str()), ("continued", "1")];
        let ended = "This sign-in has ended or was begun in another browser: begin again.";
        let stranger = shown(&app, &client_with_cookies(), &fields).await;
        assert!(stranger.contains(ended) && stranger.contains("href=\"/login\""), "{stranger}");
        assert!(!stranger.contains("administrator") && !stranger.contains("not signed in"), "{stranger}");
        let known = shown(&app, &flow.client, &fields).await;
        assert!(known.contains("The sign-in was not accepted.") && known.contains("administrator"), "{known}");
        assert_eq!(attempts(&app, &owner).await.len(), 1);
        app.advance(901);
        let late = shown(&app, &flow.client, &fields).await;
        assert!(late.contains(ended) && !late.contains("administrator"), "{late}");
        let told = flow.deliver("PGEvPg==").await.expect_problem(403, "forbidden");
        assert_eq!(told["detail"], "this sign-in has ended or was begun in another browser: begin again");
    }

    /// What went wrong is said in our words, not in those of a library.
    async fn what_is_no_message_is_said_plainly(app: TestApp) {
        let owner = app.owner_token().await;
        configure(&app, &owner).await;
        for (sent, said) in [
            ("@@@", "the form value is not base64: it has a character that base64 doesn't have"),
            ("aGVsbG8=", "this is not XML"),
            ("", "the response is empty"),
        ] {
            app.advance(1);
            Flow::begin(&app).await.deliver(sent).await.expect(403);
            let attempt = newest(&app, &owner).await;
            let failed = attempt["checks"].as_array().expect("checks").iter().find(|check| check["outcome"] == "failed");
            assert_eq!(failed.expect("a failed check")["detail"], said);
        }
        let attempt = after(&app, &owner, USER, &["--key", "attacker"]).await;
        assert!(!attempt.to_string().contains("Encountered"), "{attempt}");
    }

    /// Whatever a browser sends is an attempt; but of what nobody signed the audit log takes only so much.
    async fn garbage_does_not_fill_the_audit_log(app: TestApp) {
        let owner = app.owner_token().await;
        configure(&app, &owner).await;
        let flow = Flow::begin(&app).await;
        for _ in 0..120 {
            flow.deliver("PGEvPg==").await.expect(403);
        }
        assert_eq!(attempts(&app, &owner).await.len(), 20);
        let path = "/api/v1/audit?action=login.saml_refused";
        let written = app.all_items(&owner, path).await;
        assert!((60..120).contains(&written.len()), "{} entries", written.len());
        after(&app, &owner, USER, &["--sp-entity-id", "https://other.test"]).await;
        let newest = app.all_items(&owner, path).await.remove(0);
        assert_eq!(newest["details"]["check"], "check.audience", "a genuine failure is not in the log");
    }

    /// The cookie of a test alone says nothing of who ended it: somebody else may have put it there.
    async fn a_test_counts_in_the_browser_of_whoever_began_it(app: TestApp) {
        let owner = app.owner_token().await;
        configure(&app, &owner).await;
        let id = app.get(&owner, "/api/v1/session").await.expect(200).json()["user"]["id"].clone();
        let known = app.all_items(&owner, PROVIDERS).await;
        let path = format!("{PROVIDERS}/{}", known[0]["id"].as_str().expect("an id"));
        let last = async || app.all_items(&owner, "/api/v1/audit?action=security.saml_tested").await.remove(0);
        let flow = Flow::of_test(&app, &owner).await;
        flow.deliver_from(&flow.client, &flow.response(USER, &[])).await.expect(303);
        assert!(app.get(&owner, &path).await.expect(200).json()["tested_at"].is_null(), "anybody's test counts");
        let entry = last().await;
        assert_eq!((&entry["actor"]["kind"], &entry["details"]["begun_by"]), (&json!("anonymous"), &id));
        app.advance(1);
        let flow = Flow::of_test(&app, &owner).await;
        flow.deliver(&flow.response(USER, &[])).await.expect(303);
        assert!(app.get(&owner, &path).await.expect(200).json()["tested_at"].is_string());
        assert_eq!(last().await["actor"]["id"], id);
    }

    /// What to change is said in the words of the product that the metadata is of.
    async fn advice_is_in_the_words_of_the_product(app: TestApp) {
        let owner = app.owner_token().await;
        let okta = metadata().replace("http://127.0.0.1:9999/sso", "https://acme.okta.com/app/acme/exk1/sso/saml");
        let body = json!({"metadata_xml": okta, "sessions": "keep"});
        app.put(&owner, "/api/v1/security/saml", body).await.expect(200);
        let attempt = after(&app, &owner, USER, &["--sp-entity-id", "https://other.test"]).await;
        assert_eq!(attempt["product"], "Okta");
        let entity = app.url("/saml/acme/metadata");
        assert_eq!(advice(&attempt), format!("Set Audience URI (SP Entity ID) to {entity}."));
    }

    /// The whole way, and nothing is left but the attempt: no session, no user, no link; the response is used up.
    async fn a_test_creates_nothing(app: TestApp) {
        let owner = app.owner_token().await;
        configure(&app, &owner).await;
        let known = app.provision("known").await;
        let before = people(&app, &owner).await;
        for (user, would_be) in [(USER, "created"), (known.email.as_str(), "linked")] {
            app.advance(1);
            let flow = Flow::of_test(&app, &owner).await;
            let response = flow.response(user, &[]);
            let reply = flow.deliver(&response).await.expect(303);
            let attempt = newest(&app, &owner).await;
            let id = attempt["attempt"]["id"].as_str().expect("an id");
            assert_eq!(reply.header("location"), Some(format!("/console/security/saml/attempts/{id}").as_str()));
            assert!(flow.who().await.is_none(), "a test signed somebody in");
            assert_eq!((&attempt["attempt"]["purpose"], &attempt["attempt"]["outcome"]), (&json!("test"), &json!("accepted")));
            assert_eq!((&attempt["person"]["would_be"], &attempt["person"]["role"]), (&json!(would_be), &json!("member")));
            assert!(attempt["attempt"]["user_id"].is_null() && !attempt.to_string().contains(user), "{attempt}");
            flow.deliver(&response).await;
            assert!(flow.who().await.is_none() && attempts(&app, &owner).await.len() < 3, "a test was used twice");
        }
        assert_eq!(newest(&app, &owner).await["person"]["user_id"], json!(known.id));
        assert_eq!(people(&app, &owner).await, before, "a test left a user or a session");
        sign_in(&app, &known.email).await;
        app.advance(1);
        let flow = Flow::of_test(&app, &owner).await;
        flow.deliver(&flow.response(&known.email, &[])).await.expect(303);
        assert_eq!(newest(&app, &owner).await["person"]["would_be"], "known");
        let audited = app.all_items(&owner, "/api/v1/audit?action=security.saml_tested").await;
        assert_eq!(audited.len(), 3, "{audited:?}");
    }

    /// A provider that takes requests by POST is tested by way of a page of ours; a test that passed is noted.
    async fn a_test_by_post_goes_by_our_page(app: TestApp) {
        let owner = app.owner_token().await;
        let by_post = metadata().replace("bindings:HTTP-Redirect", "bindings:HTTP-Artifact");
        let body = json!({"metadata_xml": by_post, "sessions": "keep"});
        app.put(&owner, "/api/v1/security/saml", body).await.expect(200);
        let known = app.all_items(&owner, PROVIDERS).await;
        let path = format!("{PROVIDERS}/{}", known[0]["id"].as_str().expect("an id"));
        assert!(app.get(&owner, &path).await.expect(200).json()["tested_at"].is_null());
        let flow = Flow::of_test_by_form(&app, &owner).await;
        flow.deliver(&flow.response(USER, &[])).await.expect(303);
        assert_eq!(newest(&app, &owner).await["attempt"]["outcome"], "accepted");
        assert!(app.get(&owner, &path).await.expect(200).json()["tested_at"].is_string());
        let stranger = send(client_with_cookies().get(app.url("/saml/acme/send"))).await;
        assert_eq!(stranger.status, 404, "{}", stranger.text);
    }

    /// Of several providers the one is tested that is named, and only its own answer counts.
    async fn a_test_is_of_the_provider_that_is_named(app: TestApp) {
        let owner = app.owner_token().await;
        configure(&app, &owner).await;
        let second = add_provider(&app, &owner, json!({"metadata_xml": other_metadata(), "name": "Second"})).await;
        let body = json!({"provider_id": second["id"]});
        let flow = Flow::of_test_with(&app, &owner, &body).await;
        flow.deliver(&flow.response(USER, &[])).await.expect(303);
        assert_eq!(newest(&app, &owner).await["attempt"]["outcome"], "refused", "another provider answered");
        app.advance(1);
        let flow = Flow::of_test_with(&app, &owner, &body).await;
        flow.deliver(&flow.response(USER, &OTHER)).await.expect(303);
        let attempt = newest(&app, &owner).await;
        assert_eq!(ended(&attempt, "failed"), Vec::<String>::new());
        assert_eq!((&attempt["attempt"]["provider_id"], &attempt["attempt"]["purpose"]), (&second["id"], &json!("test")));
    }

    /// A test that fails leads to its checks like one that passes; a real sign-in says no reason.
    async fn a_failed_test_shows_its_checks(app: TestApp) {
        let owner = app.owner_token().await;
        configure(&app, &owner).await;
        let flow = Flow::of_test(&app, &owner).await;
        let reply = flow.deliver(&flow.response(USER, &["--sp-entity-id", "https://other.test"])).await.expect(303);
        let page = app.get(&owner, reply.header("location").expect("a page")).await.expect(200);
        for said in ["The test failed", "check.audience", "Every audience restriction names our entity id", "Failed"] {
            assert!(page.text.contains(said), "{said} is missing: {}", page.text);
        }
        assert!(!page.text.contains(USER));
        app.advance(1);
        let flow = Flow::of_test(&app, &owner).await;
        flow.deliver(&flow.response("ceo@other-company.test", &[])).await.expect(303);
        assert_eq!(newest(&app, &owner).await["attempt"]["refused_check"], "user.domain");
        let list = app.get(&owner, "/console/security/saml/attempts").await.expect(200);
        assert!(list.text.contains("user.domain") && list.text.contains("check.audience"), "{}", list.text);
        let flow = Flow::begin(&app).await;
        let reply = flow.deliver(&flow.response(USER, &["--sp-entity-id", "https://other.test"])).await.expect(403);
        assert!(!reply.text.contains("audience"), "{}", reply.text);
    }

    /// Administrators of the workspace, and nobody else; what strangers send is nowhere.
    async fn attempts_are_the_workspaces_own(app: TestApp) {
        let owner = app.owner_token().await;
        configure(&app, &owner).await;
        let flow = Flow::begin(&app).await;
        flow.deliver_from(&client_with_cookies(), &flow.response(USER, &["--key", "attacker"])).await;
        assert_eq!(attempts(&app, &owner).await.len(), 0, "a browser that began nothing is in the log");
        flow.deliver(&flow.response(USER, &["--key", "attacker"])).await;
        let id = attempts(&app, &owner).await[0]["id"].as_str().expect("an id").to_owned();
        let theirs = app.sign_in_to("globex", OTHER_OWNER).await;
        assert_eq!(attempts(&app, &theirs).await.len(), 0);
        app.get(&theirs, &format!("{PATH}/{id}")).await.expect_problem(404, "not-found");
        app.get(&theirs, &format!("/console/security/saml/attempts/{id}")).await.expect_any(&[403, 404]);
        let member = app.provision("member").await;
        let member = app.sign_in(&member.email).await;
        app.get(&member, PATH).await.expect_problem(403, "forbidden");
        app.get(&member, &format!("{PATH}/{id}")).await.expect_problem(403, "forbidden");
        app.post(&member, "/api/v1/security/saml/test", json!({})).await.expect_problem(403, "forbidden");
        app.post(&owner, "/api/v1/security/saml/test", json!({"provider_id": "none"})).await.expect_problem(404, "not-found");
        app.advance(601);
        let late = app.post(&owner, "/api/v1/security/saml/test", json!({})).await;
        late.expect_problem(403, "reauthentication-required");
    }
}
