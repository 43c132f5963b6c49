//! Single logout with a genuine identity provider and hostile ones: exactly the sessions that it names end, everywhere, and
//! nothing that it didn't sign ends any. How messages are read: `src/saml/tests/logout.rs` and `redirect.rs`.

use reqwest::Method;
use serde_json::json;

use crate::support::forms::{forms, tags};
use crate::support::http::{client, client_with_cookies};
use crate::support::saml::{Flow, USER, metadata, other_metadata};
use crate::support::saml_logout::{
    PLACE, Wish, answered, attribute, by_redirect, configure, confirmation, instant, message_of, signed_form,
    signed_query, statuses, taking_part, tell_of_log_outs, unsigned_query,
};
use crate::support::{Database, OTHER_OWNER, Reply, TestApp, send};

const PATH: &str = "/saml/acme/slo";

/// Somebody whom the provider signed in, in a session with that index.
async fn signed_in(app: &TestApp, user: &str, index: &str) -> Flow {
    let flow = Flow::begin(app).await;
    let reply = flow.deliver(&flow.response(user, &["--session-index", index])).await;
    assert!(flow.who().await.is_some(), "{user} was not signed in: {} {}", reply.status, reply.text);
    flow
}

/// Sends a wish of the provider by redirect, signed by it.
async fn wished(app: &TestApp, wish: &Wish) -> Reply {
    by_redirect(app, PATH, &signed_query("SAMLRequest", &wish.xml(), "relay me", "idp")).await
}

#[track_caller]
fn not_accepted(reply: &Reply, why: &str) {
    assert!((400..500).contains(&reply.status), "{why}: {} {}", reply.status, reply.text);
    assert!(reply.header("location").is_none() && !reply.text.contains("SAMLResponse"), "{why}: it was answered");
}

/// Logs out on the console, as a person does; gives what the browser shows then.
async fn log_out(app: &TestApp, flow: &Flow) -> Reply {
    let page = send(flow.client.get(app.url("/console")).header("accept", "text/html")).await.expect(200);
    let form = forms(&page.text).into_iter().find(|form| form.action == "/logout").expect("a form to log out");
    let request = flow.client.request(Method::POST, app.url("/logout")).form(&form.pairs());
    send(request.header("accept", "text/html").header("origin", &app.base).header("sec-fetch-site", "same-origin"))
        .await
}

/// Where the page after a log-out leads.
fn way_on(page: &Reply) -> String {
    let links = tags(&page.text);
    let link = links.iter().find(|tag| tag.attribute("data-auto-submit").is_some()).expect("a way on");
    link.attribute("href").expect("an address").to_owned()
}

on_both_databases! {
    async fn exactly_the_named_sessions_end(app: TestApp) {
        configure(&app, "HTTP-Redirect").await;
        let person = app.provision("twofold").await;
        let by_password = app.sign_in(&person.email).await;
        let (one, two) = (signed_in(&app, &person.email, "_s1").await, signed_in(&app, &person.email, "_s2").await);
        let namesake = signed_in(&app, USER, "_s1").await;
        let wish = Wish::of(&app, &person.email, &["_s1", "_unknown"]);
        let reply = wished(&app, &wish).await;
        assert_eq!(answered(&app, &reply, &wish).await, ["Success"]);
        assert!(reply.header("location").is_some_and(|to| to.contains("&RelayState=relay%20me&")), "{:?}", reply.headers);
        assert!(one.who().await.is_none(), "the named session lives");
        assert!(two.who().await.is_some() && namesake.who().await.is_some(), "another session ended");
        let rest = Wish::of(&app, &person.email, &[]);
        assert_eq!(answered(&app, &wished(&app, &rest).await, &rest).await, ["Success"]);
        assert!(two.who().await.is_none(), "no SessionIndex means every session of the name");
        assert!(namesake.who().await.is_some() && app.is_live(&by_password).await, "somebody else's session ended");
        let entries = app.all_items(&app.owner_token().await, "/api/v1/audit?action=session.revoked").await;
        let ours = entries.iter().filter(|entry| entry["details"]["trigger"] == "saml_logout").count();
        assert_eq!(ours, 2, "{entries:?}");
        // Nobody to log out is no failure, and whoever signs in again is signed in.
        let none = Wish::of(&app, &person.email, &[]);
        assert_eq!(answered(&app, &wished(&app, &none).await, &none).await, ["Success"]);
        signed_in(&app, &person.email, "_s1").await;
    }

    /// By POST, from another site and without any cookie; and by POST it is answered.
    async fn a_post_is_carried_out_and_answered(app: TestApp) {
        configure(&app, "HTTP-POST").await;
        let flow = signed_in(&app, USER, "_s1").await;
        let wish = Wish::of(&app, USER, &["_s1"]);
        let value = signed_form(&wish.xml(), &wish.id, "idp");
        let fields = [("SAMLRequest", value.as_str()), ("RelayState", "<\"relay\">")];
        let request = client().request(Method::POST, app.url(PATH)).header("origin", "http://127.0.0.1:9999").form(&fields);
        let page = send(request.header("sec-fetch-site", "cross-site")).await.expect(200);
        assert!(flow.who().await.is_none(), "the session lives");
        let form = forms(&page.text).into_iter().find(|form| form.action == PLACE).expect("a form to the provider");
        assert_eq!(form.value("RelayState"), Some("<\"relay\">"));
        assert!(form.value("SAMLResponse").is_some_and(|value| value.len() > 1_000), "{}", page.text);
        let policy = page.header("content-security-policy").unwrap_or_default();
        assert!(policy.contains("form-action https: http://127.0.0.1:9999;"), "{policy}");
    }

    async fn what_the_provider_did_not_sign_ends_nothing(app: TestApp) {
        configure(&app, "HTTP-Redirect").await;
        let flow = signed_in(&app, USER, "_s1").await;
        let wish = Wish::of(&app, USER, &["_s1"]);
        let xml = wish.xml();
        let good = signed_query("SAMLRequest", &xml, "x", "idp");
        let stranger = Wish { issuer: "https://stranger.test".into(), ..wish.clone() };
        for (why, query) in [
            ("unsigned", unsigned_query("SAMLRequest", &xml, "x")),
            ("another key", signed_query("SAMLRequest", &xml, "x", "attacker")),
            ("another provider's key", signed_query("SAMLRequest", &xml, "x", "idp2")),
            ("a stranger's message", signed_query("SAMLRequest", &stranger.xml(), "x", "attacker")),
            ("a changed RelayState", good.replace("RelayState=x", "RelayState=y")),
            ("a second message", format!("{good}&{}", unsigned_query("SAMLRequest", &xml, "x"))),
            ("SHA-1", good.replace("rsa-sha256", "rsa-sha1")),
            ("nothing", String::new()),
            ("a comment in the name", {
                let split = xml.replace(USER, "mallory<!-- -->@corp.test");
                signed_query("SAMLRequest", &split, "x", "idp")
            }),
            ("two names", {
                let twice = xml.replace("<saml:NameID>", "<saml:NameID>other</saml:NameID><saml:NameID>");
                signed_query("SAMLRequest", &twice, "x", "idp")
            }),
            ("a document type", {
                let typed = format!("<!DOCTYPE x [<!ENTITY e SYSTEM \"file:///etc/passwd\">]>{xml}");
                signed_query("SAMLRequest", &typed, "x", "idp")
            }),
            ("a bomb", signed_query("SAMLRequest", &format!("{}{xml}", " ".repeat(3_000_000)), "x", "idp")),
        ] {
            not_accepted(&by_redirect(&app, PATH, &query).await, why);
        }
        let post = async |fields: &[(&str, &str)]| send(app.request(Method::POST, PATH).form(fields)).await;
        let signed = signed_form(&xml, &wish.id, "attacker");
        for (why, value) in [("unsigned", PGEVPG), ("another key", signed.as_str()), ("no base64", "%%%")] {
            not_accepted(&post(&[("SAMLRequest", value)]).await, why);
        }
        not_accepted(&post(&[]).await, "nothing");
        not_accepted(&post(&[("SAMLRequest", signed.as_str()), ("SAMLResponse", signed.as_str())]).await, "both");
        not_accepted(&by_redirect(&app, "/saml/nowhere/slo", &good).await, "no workspace");
        not_accepted(&by_redirect(&app, "/saml/globex/slo", &good).await, "a workspace without that provider");
        assert!(flow.who().await.is_some(), "a session ended");
        let refused = app.all_items(&app.owner_token().await, "/api/v1/audit?action=logout.saml_refused").await;
        assert!(refused.is_empty(), "a stranger wrote into the log: {refused:?}");
    }

    /// What is genuine and not to be carried out is answered, so that the provider can tell the person.
    async fn genuine_requests_for_others_or_another_time_are_declined(app: TestApp) {
        configure(&app, "HTTP-Redirect").await;
        let flow = signed_in(&app, USER, "_s1").await;
        let wish = || Wish::of(&app, USER, &["_s1"]);
        let noon = instant(&app, -3_600);
        for wrong in [
            Wish { destination: app.url("/saml/globex/slo"), ..wish() },
            Wish { destination: app.url(PATH).replace("http://", "https://"), ..wish() },
            Wish { issue_instant: instant(&app, 240), ..wish() },
            Wish { issue_instant: instant(&app, -540), ..wish() },
            Wish { more: format!(" NotOnOrAfter=\"{noon}\""), ..wish() },
            Wish { session_indexes: vec![" ".into()], ..wish() },
        ] {
            let reply = wished(&app, &wrong).await;
            assert_eq!(answered(&app, &reply, &wrong).await, ["Requester"], "{}", wrong.xml());
        }
        assert!(flow.who().await.is_some(), "a session ended");
        let refused = app.all_items(&app.owner_token().await, "/api/v1/audit?action=logout.saml_refused").await;
        // What only came too late writes nothing: who has seen it could send it for ever.
        assert_eq!(refused.len(), 3, "{refused:?}");
    }

    /// A tenant that trusts the same provider is another audience of it.
    async fn another_tenants_request_ends_nothing(app: TestApp) {
        configure(&app, "HTTP-Redirect").await;
        let flow = signed_in(&app, USER, "_s1").await;
        let other = app.sign_in_to("globex", OTHER_OWNER).await;
        let body = json!({"metadata_xml": taking_part(&metadata(), "HTTP-Redirect"), "sessions": "keep"});
        app.put(&other, "/api/v1/security/saml", body).await.expect(200);
        let mut wish = Wish::of(&app, USER, &["_s1"]);
        wish.destination = app.url("/saml/globex/slo");
        let query = signed_query("SAMLRequest", &wish.xml(), "x", "idp");
        // It is globex's, which knows nobody of that name, and at acme it is at the wrong address.
        by_redirect(&app, "/saml/globex/slo", &query).await.expect(303);
        assert_eq!(answered(&app, &by_redirect(&app, PATH, &query).await, &wish).await, ["Requester"]);
        assert!(flow.who().await.is_some(), "another tenant's request ended a session");
    }

    async fn a_request_is_carried_out_once(app: TestApp) {
        configure(&app, "HTTP-Redirect").await;
        signed_in(&app, USER, "_s1").await;
        let wish = Wish::of(&app, USER, &["_s1"]);
        let replies = futures_util::future::join_all((0..6).map(|_| wished(&app, &wish))).await;
        let mut statuses = Vec::new();
        for reply in &replies {
            statuses.extend(answered(&app, reply, &wish).await);
        }
        statuses.sort();
        assert_eq!(statuses, ["Requester", "Requester", "Requester", "Requester", "Requester", "Success"]);
        let later = signed_in(&app, USER, "_s1").await;
        assert_eq!(answered(&app, &wished(&app, &wish).await, &wish).await, ["Requester"]);
        assert!(later.who().await.is_some(), "a request was used again");
    }

    /// A name is somebody only together with the provider that gave it.
    async fn another_providers_name_is_somebody_else(app: TestApp) {
        configure(&app, "HTTP-Redirect").await;
        let first = signed_in(&app, USER, "_s1").await;
        let replacement = taking_part(&other_metadata(), "HTTP-Redirect");
        let issuer = attribute(&replacement, "entityID");
        let body = json!({"metadata_xml": replacement, "sessions": "keep"});
        app.put(&app.owner_token().await, "/api/v1/security/saml", body).await.expect(200);
        let second = Flow::begin(&app).await;
        let arguments = ["--key", "idp2", "--idp-entity-id", &issuer, "--session-index", "_s1"];
        second.deliver(&second.response(USER, &arguments)).await;
        assert!(second.who().await.is_some(), "the second provider signs nobody in");
        let wish = Wish { issuer, ..Wish::of(&app, USER, &[]) };
        let query = signed_query("SAMLRequest", &wish.xml(), "x", "idp2");
        assert_eq!(answered(&app, &by_redirect(&app, PATH, &query).await, &wish).await, ["Success"]);
        assert!(second.who().await.is_none(), "its own session lives");
        assert!(first.who().await.is_some(), "a provider ended a session that another one vouched for");
    }

    /// Core 3.7.3.2: what was on its way when the person was logged out arrives too late.
    async fn an_assertion_from_before_signs_nobody_in(app: TestApp) {
        configure(&app, "HTTP-Redirect").await;
        let (named, other) = (Flow::begin(&app).await, Flow::begin(&app).await);
        let late = named.response(USER, &["--session-index", "_s1"]);
        let unnamed = other.response(USER, &["--session-index", "_s2"]);
        let wish = Wish { issue_instant: instant(&app, 120), ..Wish::of(&app, USER, &["_s1"]) };
        assert_eq!(answered(&app, &wished(&app, &wish).await, &wish).await, ["Success"]);
        named.deliver(&late).await.expect(403);
        assert!(named.who().await.is_none(), "an assertion outlived the log-out");
        other.deliver(&unnamed).await;
        assert!(other.who().await.is_some(), "a session that was not named was refused");
    }

    async fn logging_out_here_goes_on_there_and_comes_back(app: TestApp) {
        configure(&app, "HTTP-Redirect").await;
        let (flow, same_person) = (signed_in(&app, USER, "_s1").await, signed_in(&app, USER, "_s2").await);
        let page = log_out(&app, &flow).await.expect(200);
        assert!(flow.who().await.is_none() && same_person.who().await.is_some());
        assert_eq!(page.header("clear-site-data"), Some("\"storage\""), "the cookie that waits would go, too");
        let request = message_of(&app, &way_on(&page), "SAMLRequest").await;
        let name = format!("Format=\"urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress\">{USER}</saml:NameID>");
        assert!(request.contains(&name) && request.contains("<samlp:SessionIndex>_s1</samlp:SessionIndex>"), "{request}");
        let id = attribute(&request, "ID");
        let answer = |status: &str, id: &str, key: &str| {
            let query = signed_query("SAMLResponse", &confirmation(&app, id, status), "", key);
            format!("{}?{query}", app.url(PATH))
        };
        for client in [client(), client_with_cookies()] {
            send(client.get(answer("Success", &id, "idp"))).await.expect(403);
        }
        let done = send(flow.client.get(answer("Success", &id, "idp"))).await.expect(200);
        assert!(done.text.contains("confirmed that you are signed out there"), "{}", done.text);
        send(flow.client.get(answer("Success", &id, "idp"))).await.expect(403);
        // Whoever it could not log out everywhere is told so.
        let page = log_out(&app, &same_person).await.expect(200);
        let id = attribute(&message_of(&app, &way_on(&page), "SAMLRequest").await, "ID");
        let unsure = send(same_person.client.get(answer("PartialLogout", &id, "idp"))).await.expect(200);
        assert!(unsure.text.contains("did not confirm"), "{}", unsure.text);
        // An answer that is refused is the last one, and one entry.
        for (id, key) in [("", "attacker"), ("_another", "idp")] {
            let flow = signed_in(&app, USER, "_s3").await;
            let page = log_out(&app, &flow).await.expect(200);
            let asked = attribute(&message_of(&app, &way_on(&page), "SAMLRequest").await, "ID");
            let id = if id.is_empty() { asked.as_str() } else { id };
            for answer in [answer("Success", id, key), answer("Success", &asked, "idp"), answer("Success", id, key)] {
                send(flow.client.get(answer)).await.expect(403);
            }
        }
        let refused = app.all_items(&app.owner_token().await, "/api/v1/audit?action=logout.saml_refused").await;
        assert_eq!(refused.len(), 2, "{refused:?}");
    }

    /// The provider isn't told unless its settings say so; what it says itself counts all the same.
    async fn the_provider_is_told_if_its_settings_say_so(app: TestApp) {
        configure(&app, "HTTP-Redirect").await;
        tell_of_log_outs(&app, false).await;
        let flow = signed_in(&app, USER, "_s1").await;
        let reply = log_out(&app, &flow).await.expect(303);
        assert!(reply.header("location").is_some_and(|to| to.starts_with("/login?logged_out=1")), "{:?}", reply.headers);
        let flow = signed_in(&app, USER, "_s2").await;
        let wish = Wish::of(&app, USER, &["_s2"]);
        assert_eq!(answered(&app, &wished(&app, &wish).await, &wish).await, ["Success"]);
        assert!(flow.who().await.is_none(), "the session lives");
    }

    /// More sessions than end in one transaction.
    async fn many_sessions_of_a_name_end(app: TestApp) {
        configure(&app, "HTTP-Redirect").await;
        let flow = signed_in(&app, USER, "_s1").await;
        for number in 0_u8..40 {
            let copy = curfew::args![format!("copy-{number}"), vec![number; 32]];
            app.db().write_one(COPY, copy).await.expect("a copy");
        }
        let live = async || {
            let sql = "SELECT COUNT(*) AS n FROM session WHERE provider IS NOT NULL AND ended_at IS NULL";
            let row = app.db().read().await.expect("a connection").one(sql, Vec::new()).await;
            row.expect("a row").int("n").expect("a number")
        };
        assert_eq!(live().await, 41);
        let wish = Wish::of(&app, USER, &[]);
        assert_eq!(answered(&app, &wished(&app, &wish).await, &wish).await, ["Success"]);
        assert!(flow.who().await.is_none());
        assert_eq!(live().await, 0);
    }

    /// The query of our answer is signed as a whole: no stranger's text gets into it.
    async fn a_relay_state_that_nobody_signed_is_not_signed_by_us(app: TestApp) {
        configure(&app, "HTTP-Redirect").await;
        let wish = Wish::of(&app, USER, &[]);
        let value = signed_form(&wish.xml(), &wish.id, "idp");
        let fields = [("SAMLRequest", value.as_str()), ("RelayState", "a stranger's")];
        let reply = send(client().request(Method::POST, app.url(PATH)).form(&fields)).await;
        assert_eq!(answered(&app, &reply, &wish).await, ["Success"]);
        assert!(reply.header("location").is_some_and(|to| !to.contains("stranger")), "{:?}", reply.headers);
    }

    /// An answer by POST comes without the cookie, and is posted once more from our own origin.
    async fn an_answer_by_post_is_continued_by_the_browser(app: TestApp) {
        configure(&app, "HTTP-POST").await;
        let flow = signed_in(&app, USER, "_s1").await;
        let page = log_out(&app, &flow).await.expect(200);
        let form = forms(&page.text).into_iter().find(|form| form.action == PLACE).expect("a form to the provider");
        let request = base64::Engine::decode(
            &base64::engine::general_purpose::STANDARD,
            form.value("SAMLRequest").expect("the request"),
        );
        let request = String::from_utf8(request.expect("base64")).expect("XML");
        let value = signed_form(&confirmation(&app, &attribute(&request, "ID"), "Success"), "_c", "idp");
        let cross = send(client().request(Method::POST, app.url(PATH)).form(&[("SAMLResponse", &value)])).await.expect(200);
        let again = forms(&cross.text).into_iter().find(|form| form.action == PATH).expect("a form that goes on");
        let elsewhere = client().request(Method::POST, app.url(PATH)).form(&again.pairs());
        send(elsewhere).await.expect(403);
        let done = send(flow.client.request(Method::POST, app.url(PATH)).form(&again.pairs())).await.expect(200);
        assert!(done.text.contains("confirmed that you are signed out there"), "{}", done.text);
    }

    /// Whoever calls the API stays where they are; and without a provider that takes part, logging out is what it was.
    async fn other_log_outs_end_here(app: TestApp) {
        configure(&app, "HTTP-Redirect").await;
        let flow = signed_in(&app, USER, "_s1").await;
        let request = flow.client.post(app.url("/api/v1/logout")).header("origin", &app.base).json(&json!({}));
        let reply = send(request).await.expect(204);
        assert!(reply.header("location").is_none() && flow.who().await.is_none());
        let body = json!({"metadata_xml": metadata(), "sessions": "keep"});
        app.put(&app.owner_token().await, "/api/v1/security/saml", body).await.expect(200);
        let flow = signed_in(&app, USER, "_s2").await;
        let reply = log_out(&app, &flow).await.expect(303);
        assert!(reply.header("location").is_some_and(|to| to.starts_with("/login?logged_out=1")), "{:?}", reply.headers);
        // A request is carried out all the same, and shown instead of answered.
        let flow = signed_in(&app, USER, "_s3").await;
        let page = wished(&app, &Wish::of(&app, USER, &[])).await.expect(200);
        assert!(statuses(&page.text).is_empty() && flow.who().await.is_none(), "{}", page.text);
    }
}

/// The session of somebody whom the provider signed in, once more.
const COPY: &str = "INSERT INTO session (workspace_id, id, user_id, token_hash, method, provider, subject, session_index, \
                    workspace_epoch, user_epoch, created_at, signed_in_at, last_seen_at, ip, last_ip, user_agent) \
                    SELECT workspace_id, $1, user_id, $2, method, provider, subject, session_index, workspace_epoch, \
                    user_epoch, created_at, signed_in_at, last_seen_at, ip, last_ip, user_agent FROM session \
                    WHERE provider IS NOT NULL AND id NOT LIKE 'copy-%' AND ended_at IS NULL";

/// `<a/>` in base64.
const PGEVPG: &str = "PGEvPg==";

/// When the provider has its answer, no replica accepts the session.
#[tokio::test(flavor = "multi_thread")]
async fn no_replica_accepts_it_afterwards() {
    let app = TestApp::on(Database::Postgres).await;
    let second = app.beside().await;
    configure(&app, "HTTP-Redirect").await;
    for round in 0..5 {
        let flow = Flow::begin(&app).await;
        let reply = flow.deliver(&flow.response(USER, &["--session-index", "_s1"])).await;
        let token = reply
            .set_cookies()
            .iter()
            .find_map(|cookie| cookie.split(['=', ';']).find(|part| part.starts_with("cfs_")));
        let token = token.unwrap_or_else(|| panic!("round {round}: {} {}", reply.status, reply.text)).to_owned();
        for _ in 0..2 {
            app.verdict(&token).await.expect(200);
            second.verdict(&token).await.expect(200);
        }
        let wish = Wish::of(&app, USER, &["_s1"]);
        assert_eq!(answered(&app, &wished(&app, &wish).await, &wish).await, ["Success"], "round {round}");
        app.verdict(&token).await.expect(401);
        second.verdict(&token).await.expect(401);
    }
}
