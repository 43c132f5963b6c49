//! Who sends changed ciphertexts learns nothing from the answers: a wrong padding, tag, key or signature is answered with the same
//! status, headers and body, but for the request's id. What each costs inside: `saml_corpus.rs`.

use reqwest::Method;

use crate::support::saml::{Flow, USER, configure, encryption_certificates};
use crate::support::{Reply, TestApp, send};

/// What a refused response is answered, without what is different each time.
fn answer(reply: &Reply) -> (u16, Vec<(String, String)>, String) {
    let id = reply.header("x-request-id").expect("every answer has an id").to_owned();
    let changing = ["x-request-id", "date", "content-length"];
    let mut headers: Vec<(String, String)> = reply
        .headers
        .iter()
        .filter(|(name, _)| !changing.contains(&name.as_str()))
        .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).replace(&id, "ID")))
        .collect();
    headers.sort_unstable();
    (reply.status, headers, reply.text.replace(&id, "ID"))
}

async fn told(app: &TestApp, arguments: &[&str], accept: &str) -> (u16, Vec<(String, String)>, String) {
    let flow = Flow::begin(app).await;
    let response = flow.response(USER, arguments);
    let fields = [("SAMLResponse", response.as_str()), ("RelayState", flow.relay_state.as_str())];
    let request = flow.client.request(Method::POST, app.url("/saml/acme/acs")).header("accept", accept).form(&fields);
    answer(&send(request).await.expect(403))
}

on_both_databases! {
    async fn every_failure_is_answered_alike(app: TestApp) {
        configure(&app, &app.owner_token().await).await;
        let to = &encryption_certificates(&app).await[0];
        for accept in ["text/html", "application/json"] {
            let bad_signature = told(&app, &["--key", "attacker"], accept).await;
            for cipher in ["aes128-cbc", "aes256-gcm"] {
                let encrypted = ["--encrypt", cipher, "--to", to.as_str(), "--sign", "assertion"];
                for more in [
                    ["--flaw", "tag"].as_slice(),
                    &["--flaw", "key"],
                    &["--flaw", "undecodable"],
                    &["--key", "attacker"],
                    &["--transport", "rsa15"],
                ] {
                    let arguments = [encrypted.as_slice(), more].concat();
                    assert_eq!(told(&app, &arguments, accept).await, bad_signature, "{arguments:?}");
                }
            }
        }
    }
}
