//! A sign-in that begins at the identity provider: never believed, and where it is allowed, begun here once more.

use reqwest::{Client, Method};
use serde_json::{Value, json};

use crate::support::forms::forms;
use crate::support::http::client_with_cookies;
use crate::support::saml::{Flow, PROVIDERS, USER, add_provider, asked, metadata, signed};
use crate::support::{Reply, TestApp, send};

const ATTEMPTS: &str = "/api/v1/security/saml/attempts";

/// The identity provider of `acme`, which may begin sign-ins or not; gives the owner's token and the provider's id.
async fn provider(app: &TestApp, idp_initiated: bool) -> (String, String) {
    let owner = app.owner_token().await;
    let body = json!({"metadata_xml": metadata(), "name": "IdP", "idp_initiated": idp_initiated});
    let made = add_provider(app, &owner, body).await;
    (owner, made["id"].as_str().expect("an id").to_owned())
}

/// A genuine response that nobody asked for.
fn unasked(app: &TestApp, more: &[&str]) -> String {
    signed(&app.base, "", USER, more)
}

/// Brings a response from another site, as browsers do: without our cookie first, and then as our page posts it again.
async fn arrive(app: &TestApp, client: &Client, response: &str, relay_state: &str) -> Reply {
    let fields = [("SAMLResponse", response), ("RelayState", relay_state)];
    let page = send(app.request(Method::POST, "/saml/acme/acs").form(&fields)).await.expect(200);
    let form = forms(&page.text).into_iter().find(|form| form.value("SAMLResponse").is_some()).expect("a form");
    send(client.request(Method::POST, app.url("/saml/acme/acs")).form(&form.pairs())).await
}

async fn who(app: &TestApp, client: &Client) -> Option<Value> {
    let reply = send(client.get(app.url("/api/v1/session"))).await.expect_any(&[200, 401]);
    (reply.status == 200).then(|| reply.json())
}

#[track_caller]
fn refused(reply: &Reply) {
    assert_eq!(reply.status, 403, "{}", reply.text);
    assert!(reply.header("location").is_none() && reply.set_cookies().iter().all(|cookie| !cookie.contains("cfs_")));
}

on_both_databases! {
    /// Off by default: nobody is sent anywhere.
    async fn it_is_refused_at_first(app: TestApp) {
        let (owner, _) = provider(&app, false).await;
        let client = client_with_cookies();
        refused(&arrive(&app, &client, &unasked(&app, &[]), "").await);
        assert!(who(&app, &client).await.is_none());
        assert!(app.all_items(&owner, ATTEMPTS).await.is_empty(), "a stranger wrote into the log");
    }

    /// The browser is sent to the provider with a request of ours, and only the answer to that signs in.
    async fn it_becomes_a_sign_in_of_ours(app: TestApp) {
        let (owner, id) = provider(&app, true).await;
        let client = client_with_cookies();
        let response = unasked(&app, &["--assertion-id", "_a0000000000000000000000000000000000000001"]);
        let reply = arrive(&app, &client, &response, "/console/sessions").await.expect(303);
        let location = reply.header("location").expect("where to").to_owned();
        assert_eq!(
            location,
            format!("/saml/acme/login?provider={id}&restarted=1&return_to=%2Fconsole%2Fsessions")
        );
        assert!(who(&app, &client).await.is_none(), "it was believed");
        assert!(app.all_items(&owner, ATTEMPTS).await.is_empty(), "something of it was kept");
        let sent = send(client.get(app.url(&location))).await.expect(303);
        let (request_id, relay_state) = asked(sent.header("location").expect("the provider's address"));
        // The assertion's id was not used up by the first one, which nobody believed.
        let answer = signed(&app.base, &request_id, USER, &["--assertion-id", "_a0000000000000000000000000000000000000001"]);
        let fields = [("SAMLResponse", answer.as_str()), ("RelayState", relay_state.as_str())];
        let reply = send(client.request(Method::POST, app.url("/saml/acme/acs")).form(&fields)).await.expect(303);
        assert_eq!(reply.header("location"), Some("/console/sessions"));
        assert_eq!(who(&app, &client).await.expect("signed in")["user"]["email"], USER);
        assert_eq!(app.all_items(&owner, ATTEMPTS).await.len(), 1);
        let encrypted_to = crate::support::saml::encryption_certificates(&app).await[0].clone();
        let encrypted = unasked(&app, &["--encrypt", "aes256-gcm", "--to", &encrypted_to]);
        arrive(&app, &client_with_cookies(), &encrypted, "").await.expect(303);
    }

    /// Only a path of ours is a way back, and nothing of a RelayState is shown.
    async fn a_relay_state_leads_nowhere_else(app: TestApp) {
        let (_, id) = provider(&app, true).await;
        let response = unasked(&app, &[]);
        for hostile in ["https://evil.example/", "//evil.example", "/\\evil.example", "<script>alert(1)</script>", "x"] {
            let reply = arrive(&app, &client_with_cookies(), &response, hostile).await.expect(303);
            assert_eq!(reply.header("location"), Some(format!("/saml/acme/login?provider={id}&restarted=1").as_str()));
            let page = send(app.request(Method::POST, "/saml/acme/acs").form(&[("SAMLResponse", response.as_str()), ("RelayState", hostile)])).await;
            assert!(!page.text.contains("evil.example") && !page.text.contains("alert(1)"), "{}", page.text);
        }
    }

    /// What answers a request, comes from somebody else, or has another form is refused as ever.
    async fn only_what_nobody_asked_for_begins_one(app: TestApp) {
        let (owner, id) = provider(&app, true).await;
        let client = client_with_cookies();
        let of_a_request = format!("_{}", "0a".repeat(20));
        refused(&arrive(&app, &client, &signed(&app.base, &of_a_request, USER, &[]), "").await);
        refused(&arrive(&app, &client, &unasked(&app, &[]), &of_a_request).await);
        refused(&arrive(&app, &client, &unasked(&app, &["--idp-entity-id", "https://other.test/idp"]), "").await);
        refused(&arrive(&app, &client, &unasked(&app, &["--sign", "none"]), "").await);
        for rubbish in ["%%%", "AAAA", "PGEvPg=="] {
            refused(&arrive(&app, &client, rubbish, "").await);
        }
        app.put(&owner, &format!("{PROVIDERS}/{id}"), json!({"idp_initiated": false})).await.expect(200);
        refused(&arrive(&app, &client, &unasked(&app, &[]), "").await);
        assert!(who(&app, &client).await.is_none());
    }

    /// A provider that answers our request as if it had never come doesn't lead round in a circle.
    async fn it_happens_once(app: TestApp) {
        let (owner, _) = provider(&app, true).await;
        let client = client_with_cookies();
        let reply = arrive(&app, &client, &unasked(&app, &[]), "").await.expect(303);
        let location = reply.header("location").expect("where to").to_owned();
        let sent = send(client.get(app.url(&location))).await.expect(303);
        let (_, relay_state) = asked(sent.header("location").expect("the provider's address"));
        refused(&arrive(&app, &client, &unasked(&app, &[]), &relay_state).await);
        refused(&arrive(&app, &client, &unasked(&app, &[]), "").await);
        refused(&arrive(&app, &client_with_cookies(), &unasked(&app, &[]), &relay_state).await);
        let attempts = app.all_items(&owner, ATTEMPTS).await;
        assert!(attempts.len() == 2 && attempts.iter().all(|one| one["refused_check"] == "check.in-response-to"), "{attempts:?}");
        let flow = Flow::begin(&app).await;
        refused(&flow.deliver(&unasked(&app, &[])).await);
        flow.deliver(&flow.response(USER, &[])).await;
        assert!(flow.who().await.is_some(), "an answer that nobody asked for spoilt a sign-in under way");
    }
}
