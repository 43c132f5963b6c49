//! Signing in through SAML with a genuine identity provider: who gets in, who doesn't, what ties a response to the browser
//! that asked for it. What a hostile provider can send is in `conformance.rs`.

use reqwest::Method;
use serde_json::json;

use crate::support::forms::forms;
use crate::support::http::{client, client_with_cookies};
use crate::support::saml::{Flow, USER, configure, metadata, other_metadata, sign_in};
use crate::support::{Reply, TestApp, instant, send};

const PATH: &str = "/api/v1/security/saml";

/// Nobody was signed in, and the browser was told so without a fault of ours.
#[track_caller]
fn refused(reply: &Reply) {
    assert!((300..500).contains(&reply.status), "a response was answered {}: {}", reply.status, reply.text);
    assert!(reply.set_cookies().iter().all(|cookie| !cookie.contains("cfs_")), "a refusal sets a session");
}

on_both_databases! {
    /// A person whom nobody has created yet gets in, as a member, because their domain is the workspace's.
    async fn a_person_of_the_domain_is_signed_in(app: TestApp) {
        configure(&app, &app.owner_token().await).await;
        let flow = sign_in(&app, USER).await;
        let who = flow.who().await.expect("signed in");
        assert_eq!((&who["session"]["method"], &who["user"]["role"]), (&json!("saml"), &json!("member")));
        assert_eq!((&who["user"]["source"], &who["workspace"]["slug"]), (&json!("saml"), &json!("acme")));
        let again = sign_in(&app, USER).await.who().await.expect("signed in");
        assert_eq!(again["user"]["id"], who["user"]["id"], "a second sign-in made a second user");
        let foreign = Flow::begin(&app).await;
        refused(&foreign.deliver(&foreign.response("ceo@other-company.test", &[])).await);
        assert!(foreign.who().await.is_none(), "a domain that nobody verified");
    }

    /// Just-in-time creation is a switch. People who exist get in all the same.
    async fn just_in_time_can_be_switched_off(app: TestApp) {
        let owner = app.owner_token().await;
        configure(&app, &owner).await;
        let known = app.provision("known").await;
        app.set_policy(&owner, json!({"just_in_time_users": false})).await.expect(200);
        let flow = Flow::begin(&app).await;
        refused(&flow.deliver(&flow.response(USER, &[])).await);
        assert!(flow.who().await.is_none());
        let who = sign_in(&app, &known.email).await.who().await.expect("signed in");
        assert_eq!(who["user"]["id"], known.id);
    }

    /// The provider's POST comes from another site, without our cookies: the page posts once more, from our own.
    async fn a_cross_site_post_is_continued_by_the_browser(app: TestApp) {
        configure(&app, &app.owner_token().await).await;
        let flow = Flow::begin(&app).await;
        let response = flow.response(USER, &[]);
        let reply = flow.deliver_from(&client(), &response).await.expect(200);
        assert!(
            reply.set_cookies().iter().all(|cookie| !cookie.contains("cfs_")),
            "signed in without the browser's cookie"
        );
        let form = forms(&reply.text)
            .into_iter()
            .find(|form| form.value("SAMLResponse").is_some())
            .expect("a form that goes on");
        assert_eq!(form.value("SAMLResponse"), Some(response.as_str()));
        assert!(form.action.ends_with("/saml/acme/acs"), "{}", form.action);
        let target = if form.action.starts_with('/') { app.url(&form.action) } else { form.action.clone() };
        send(flow.client.request(Method::POST, target).form(&form.pairs())).await;
        assert!(flow.who().await.is_some(), "the second post did not sign in");
    }

    /// SAM-07: a response belongs to the browser that asked for it.
    async fn another_browser_cannot_use_a_response(app: TestApp) {
        configure(&app, &app.owner_token().await).await;
        let (asked, other) = (Flow::begin(&app).await, Flow::begin(&app).await);
        let response = asked.response(USER, &[]);
        refused(&asked.deliver_from(&other.client, &response).await);
        assert!(other.who().await.is_none(), "a browser with a flow of its own got in");
        let stranger = client_with_cookies();
        let page = asked.deliver_from(&stranger, &response).await;
        if let Some(form) = forms(&page.text).into_iter().find(|form| form.value("SAMLResponse").is_some()) {
            refused(&send(stranger.request(Method::POST, app.url("/saml/acme/acs")).form(&form.pairs())).await);
        }
        send(stranger.get(app.url("/api/v1/session"))).await.expect(401);
        asked.deliver(&response).await;
        assert!(asked.who().await.is_some(), "a refusal elsewhere spoilt the sign-in here");
    }

    /// SAM-08: a response is used once: not again, not in parallel, not after a restart.
    async fn a_response_is_used_once(app: TestApp) {
        configure(&app, &app.owner_token().await).await;
        let flow = Flow::begin(&app).await;
        let response = flow.response(USER, &[]);
        let replies = futures_util::future::join_all((0..8).map(|_| flow.deliver(&response))).await;
        let sessions =
            replies.iter().filter(|reply| reply.set_cookies().iter().any(|cookie| cookie.contains("cfs_"))).count();
        assert_eq!(sessions, 1, "one response made {sessions} sessions");
        let log_out = flow.client.post(app.url("/api/v1/logout")).header("origin", &app.base).json(&json!({}));
        send(log_out).await.expect_any(&[204, 401]);
        flow.deliver(&response).await;
        assert!(flow.who().await.is_none(), "a response was used again after logging out");
        let second = Flow::begin(&app).await;
        let reused = second.response(USER, &["--assertion-id", "_a0000000000000000000000000000000000000001"]);
        second.deliver(&reused).await;
        assert!(second.who().await.is_some());
        let third = Flow::begin(&app).await;
        refused(
            &third
                .deliver(&third.response(USER, &["--assertion-id", "_a0000000000000000000000000000000000000001"]))
                .await,
        );
        assert!(third.who().await.is_none(), "an assertion's id was accepted twice");
    }

    /// Stamp at the start: who went to the provider before everybody was logged out isn't signed in by coming back.
    async fn a_sign_in_from_before_is_dead_or_starts_again(app: TestApp) {
        let owner = app.owner_token().await;
        configure(&app, &owner).await;
        let flow = Flow::begin(&app).await;
        let response = flow.response(USER, &[]);
        app.log_all_users_out(&owner, "While somebody is at the provider").await;
        let reply = flow.deliver(&response).await;
        assert!(flow.who().await.is_none(), "a sign-in from before made a session: {}", reply.status);
        refused(&reply);
        sign_in(&app, USER).await;
    }

    /// SAM-14: whoever the identity provider vouches for, a switched-off account stays off, a deleted one isn't made again.
    async fn a_deactivated_person_is_not_let_in(app: TestApp) {
        configure(&app, &app.owner_token().await).await;
        let (off, deleted) = (app.provision("off").await, app.provision("deleted").await);
        let waiting = Flow::begin(&app).await;
        app.set_active(&off.id, false).await.expect_any(&[200, 204]);
        refused(&waiting.deliver(&waiting.response(&off.email, &[])).await);
        assert!(waiting.who().await.is_none());
        let flow = Flow::begin(&app).await;
        flow.deliver(&flow.response(&deleted.email, &[])).await;
        app.scim(Method::DELETE, &format!("/Users/{}", deleted.id), None).await.expect(204);
        assert!(flow.who().await.is_none(), "a deleted person's session lives");
    }

    /// A provider that was removed or replaced meanwhile vouches for nobody.
    async fn a_removed_provider_vouches_for_nobody(app: TestApp) {
        let owner = app.owner_token().await;
        configure(&app, &owner).await;
        let (before, replaced) = (Flow::begin(&app).await, Flow::begin(&app).await);
        app.put(&owner, PATH, json!({"metadata_xml": other_metadata(), "sessions": "keep"})).await.expect(200);
        refused(&replaced.deliver(&replaced.response(USER, &[])).await);
        assert!(replaced.who().await.is_none(), "the old provider's key still opens");
        app.delete(&owner, &format!("{PATH}?sessions=keep&reason=not+trusted+any+more")).await.expect(200);
        refused(&before.deliver(&before.response(USER, &[])).await);
        assert!(before.who().await.is_none());
        send(app.request(Method::GET, "/saml/acme/login")).await.expect_any(&[303, 403, 404, 409]);
    }

    /// SES-14: the session ends when the provider says so, if that is sooner.
    async fn the_provider_may_shorten_a_session(app: TestApp) {
        configure(&app, &app.owner_token().await).await;
        let flow = Flow::begin(&app).await;
        flow.deliver(&flow.response(USER, &["--session-minutes", "5"])).await;
        let who = flow.who().await.expect("signed in");
        let lifetime = instant(&who["session"]["expires_at"]) - instant(&who["session"]["created_at"]);
        assert!((240_000..=315_000).contains(&lifetime), "{lifetime} ms");
        app.advance(320);
        assert!(flow.who().await.is_none());
    }

    /// SAM-03: metadata that names no signing certificate, or no provider, is refused and changes nothing.
    async fn metadata_without_a_certificate_is_refused(app: TestApp) {
        let owner = app.owner_token().await;
        let before = configure(&app, &owner).await;
        let good = metadata();
        let certificate =
            good.split("<ds:X509Certificate>").nth(1).and_then(|rest| rest.split('<').next()).expect("a certificate");
        let (from, to) =
            (good.find("<md:KeyDescriptor").expect("a key"), good.find("</md:KeyDescriptor>").expect("its end") + 19);
        for bad in [
            String::new(),
            "not XML".to_owned(),
            "<a/>".to_owned(),
            format!("{}{}", &good[..from], &good[to..]),
            good.replace("use=\"signing\"", "use=\"encryption\""),
            good.replace(certificate, ""),
            good.replace(certificate, "AAAA"),
            format!(
                "<md:EntitiesDescriptor xmlns:md=\"urn:oasis:names:tc:SAML:2.0:metadata\">{good}</md:EntitiesDescriptor>"
            ),
            format!("<!DOCTYPE x [<!ENTITY e \"e\">]>{good}"),
            good.replace("http://127.0.0.1:9999/sso", "javascript:alert(1)"),
            good[..good.len() - 10].to_owned(),
        ] {
            let reply = app.put(&owner, PATH, json!({"metadata_xml": bad, "sessions": "keep"})).await;
            assert!([400, 422].contains(&reply.status), "accepted as metadata: {bad}");
            reply.expect_field("metadata_xml");
        }
        let after = app.get(&owner, PATH).await.expect(200).json();
        assert_eq!((&after["entity_id"], &after["certificates"]), (&before["entity_id"], &before["certificates"]));
        sign_in(&app, USER).await;
    }

    /// WEB-06: afterwards the browser is on our own origin, whatever it was asked to go to.
    async fn the_way_back_stays_on_our_origin(app: TestApp) {
        configure(&app, &app.owner_token().await).await;
        for target in [
            "https://evil.example/",
            "//evil.example/",
            "/\\evil.example",
            "javascript:alert(1)",
            "/%09/evil.example",
            "/console/sessions",
        ] {
            let encoded: String = url::form_urlencoded::byte_serialize(target.as_bytes()).collect();
            let flow = Flow::begin_at(&app, &format!("/saml/acme/login?return_to={encoded}")).await;
            let reply = flow.deliver(&flow.response(USER, &[])).await;
            let location = reply.header("location").unwrap_or("/console");
            let landed = url::Url::parse(&app.base).and_then(|base| base.join(location)).expect("a place to go");
            assert_eq!(landed.origin().ascii_serialization(), app.base, "{target} led to {location}");
            assert!(target != "/console/sessions" || location.ends_with("/console/sessions"), "{location}");
            let mut hostile = Flow::begin(&app).await;
            hostile.relay_state = target.to_owned();
            let reply = hostile.deliver(&hostile.response(USER, &[])).await;
            let location = reply.header("location").unwrap_or("/console").to_owned();
            let landed = url::Url::parse(&app.base).and_then(|base| base.join(&location)).expect("a place to go");
            assert_eq!(landed.origin().ascii_serialization(), app.base, "RelayState {target} led to {location}");
            assert!(!reply.text.contains("evil.example"), "RelayState is reflected");
        }
    }

    /// What we tell an identity provider about ourselves, and what isn't a response at all.
    async fn metadata_is_ours_and_rubbish_is_refused(app: TestApp) {
        let owner = app.owner_token().await;
        let configured = configure(&app, &owner).await;
        let provider = &configured["service_provider"];
        assert_eq!(provider["acs_url"], app.url("/saml/acme/acs"));
        assert_eq!(provider["entity_id"], app.url("/saml/acme/metadata"));
        assert_eq!(provider["signing_certificate_url"], app.url("/saml/acme/signing.pem"));
        assert_eq!(provider["encryption_certificate_url"], app.url("/saml/acme/encryption.pem"));
        let reply = send(app.request(Method::GET, "/saml/acme/metadata")).await.expect(200);
        for wanted in [app.url("/saml/acme/acs"), app.url("/saml/acme/metadata")] {
            assert!(reply.text.contains(&wanted), "{}", reply.text);
        }
        let flow = Flow::begin(&app).await;
        for rubbish in ["", "%%%", "AAAA", "PGEvPg==", &"A".repeat(500_000)] {
            refused(&flow.deliver(rubbish).await);
        }
        let large = flow.deliver(&"A".repeat(524_289)).await;
        assert_eq!(large.status, 413, "{}", large.text);
        let acs = |path: &str| app.request(Method::POST, path);
        refused(&send(acs("/saml/acme/acs").form(&[("RelayState", "x")])).await);
        refused(&send(acs("/saml/acme/acs").header("content-type", "application/json").body("{}")).await);
        for unknown in ["/saml/nowhere/metadata", "/saml/nowhere/login", "/saml/globex/login"] {
            send(app.request(Method::GET, unknown)).await.expect_any(&[303, 403, 404, 409]);
        }
        refused(&send(acs("/saml/nowhere/acs").form(&[("SAMLResponse", flow.response(USER, &[]))])).await);
        assert!(flow.who().await.is_none());
        flow.deliver(&flow.response(USER, &[])).await;
        assert!(flow.who().await.is_some(), "rubbish spoilt the sign-in");
    }
}
