//! What we ask an identity provider: signed requests by either binding, the keys they are signed with and how those are changed,
//! a proof anew, and our metadata. How a signature is made: `src/saml/tests/signing.rs`.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use openssl::hash::MessageDigest;
use openssl::sign::Verifier;
use openssl::x509::X509;
use reqwest::Method;
use samael::crypto::{AllowedSignatureAlgorithm, CertificateDer, Crypto, CryptoProvider, ReduceMode};
use serde_json::json;

use crate::support::forms::forms;
use crate::support::http::client;
use crate::support::saml::{
    Flow, PROVIDERS, USER, certificates_for, configure, encryption_certificates, inflate, metadata, sign_in,
    signing_certificates,
};
use crate::support::{Database, Home, TestApp, send};

const PATH: &str = "/api/v1/security/saml";
const ROTATE: &str = "/api/v1/security/saml/signing-key";
const ACTIVATE: &str = "/api/v1/security/saml/signing-key/activate";
/// Origin of the identity provider in the tests.
const PROVIDER: &str = "http://127.0.0.1:9999";

/// Metadata of an identity provider that refuses requests that are not signed.
fn wants_signatures() -> String {
    metadata().replace("WantAuthnRequestsSigned=\"false\"", "WantAuthnRequestsSigned=\"true\"")
}

/// Of one that takes them by POST only.
fn wants_a_form() -> String {
    wants_signatures().replace("bindings:HTTP-Redirect", "bindings:HTTP-Artifact")
}

async fn import(app: &TestApp, owner: &str, metadata: &str) {
    let body = json!({"metadata_xml": metadata, "sessions": "keep"});
    app.put(owner, PATH, body).await.expect(200);
}

/// Where a browser is sent to.
async fn location(app: &TestApp, path: &str) -> String {
    let reply = send(client().get(app.url(path))).await.expect_any(&[302, 303]);
    reply.header("location").expect("an address").to_owned()
}

/// Whether the query of an address is signed with the key of a certificate, base64 of DER.
fn signed_with(location: &str, certificate: &str) -> bool {
    let (_, query) = location.split_once('?').expect("a query");
    let Some((signed, signature)) = query.split_once("&Signature=") else { return false };
    let names: Vec<&str> = signed.split('&').filter_map(|field| field.split('=').next()).collect();
    assert_eq!(names, ["SAMLRequest", "RelayState", "SigAlg"]);
    let field = format!("signature={signature}");
    let (_, signature) = url::form_urlencoded::parse(field.as_bytes()).next().expect("a field");
    let signature = STANDARD.decode(signature.as_bytes()).expect("base64");
    let certificate = X509::from_der(&STANDARD.decode(certificate).expect("base64")).expect("a certificate");
    let key = certificate.public_key().expect("a key");
    assert!(key.rsa().is_ok() && key.bits() >= 2_048, "{} bits", key.bits());
    let mut verifier = Verifier::new(MessageDigest::sha256(), &key).expect("RSA");
    verifier.verify_oneshot(&signature, signed.as_bytes()).unwrap_or(false)
}

/// Whether libxmlsec1 accepts the signature of a document.
fn verifies(xml: &str, certificate: &str) -> bool {
    let certificate = [CertificateDer::from(STANDARD.decode(certificate).expect("base64"))];
    let allowed = [AllowedSignatureAlgorithm::RsaSha256];
    let (mode, allowed) = (ReduceMode::PreDigest, Some(allowed.as_slice()));
    Crypto::reduce_xml_to_signed_with_allowed_algorithms(xml, &certificate, mode, allowed).is_ok()
}

async fn own_metadata(app: &TestApp, query: &str) -> String {
    send(app.request(Method::GET, &format!("/saml/acme/metadata{query}"))).await.expect(200).text
}

/// The certificate of one of our files, base64 of DER; nothing else is in it.
async fn in_file(app: &TestApp, name: &str) -> String {
    let reply = send(app.request(Method::GET, &format!("/saml/acme/{name}"))).await.expect(200);
    assert_eq!(reply.header("content-type"), Some("application/x-pem-file"));
    let disposition = reply.header("content-disposition").unwrap_or_default();
    assert!(disposition.starts_with("attachment; filename=\"curfew-acme-"), "{disposition}");
    assert!(disposition.ends_with(".pem\""), "{disposition}");
    let (begin, end) = ("-----BEGIN CERTIFICATE-----\n", "\n-----END CERTIFICATE-----\n");
    let inner = reply.text.strip_prefix(begin).and_then(|rest| rest.strip_suffix(end));
    let inner = inner.unwrap_or_else(|| panic!("not one certificate: {}", reply.text));
    let lines: Vec<&str> = inner.lines().collect();
    let (last, full) = lines.split_last().expect("lines");
    assert!(full.iter().all(|line| line.len() == 64) && last.len() <= 64, "{inner}");
    let certificate = X509::from_pem(reply.text.as_bytes()).expect("a certificate");
    let encoded = STANDARD.encode(certificate.to_der().expect("DER"));
    assert_eq!(encoded, lines.concat(), "something else than a certificate is in the file");
    encoded
}

/// What the audit log says of refused responses.
async fn checks(app: &TestApp, owner: &str) -> Vec<String> {
    let entries = app.all_items(owner, "/api/v1/audit?action=login.saml_refused").await;
    entries.iter().map(|entry| entry["details"]["check"].as_str().unwrap_or_default().to_owned()).collect()
}

on_both_databases! {
    /// Requests are signed for a provider that wants it, and our metadata says so and has the key.
    async fn a_provider_that_wants_signatures_gets_them(app: TestApp) {
        let owner = app.owner_token().await;
        configure(&app, &owner).await;
        assert!(own_metadata(&app, "").await.contains("AuthnRequestsSigned=\"false\""));
        let certificates = signing_certificates(&app).await;
        assert_eq!(certificates.len(), 1);
        assert!(!signed_with(&location(&app, "/saml/acme/login").await, &certificates[0]));
        import(&app, &owner, &wants_signatures()).await;
        assert!(own_metadata(&app, "").await.contains("AuthnRequestsSigned=\"true\""));
        assert_eq!(signing_certificates(&app).await, certificates, "the import changed the key");
        let sent = location(&app, "/saml/acme/login").await;
        assert!(sent.starts_with(PROVIDER), "{sent}");
        assert!(signed_with(&sent, &certificates[0]), "{sent}");
        assert!(!signed_with(&sent, &encryption_certificates(&app).await[0]), "by the key to encrypt to");
        assert!(!signed_with(&sent.replace("RelayState=_", "RelayState=x"), &certificates[0]), "a changed relay state");
        sign_in(&app, USER).await;
    }

    /// The request travels as a form, signed within, from a page that may post to the provider, and on from there by TLS.
    async fn a_provider_that_takes_posts_gets_a_form(app: TestApp) {
        let owner = app.owner_token().await;
        import(&app, &owner, &wants_a_form()).await;
        let (flow, page) = Flow::begin_by_form(&app).await;
        let policy = page.header("content-security-policy").expect("a policy");
        assert!(policy.contains(&format!("form-action https: {PROVIDER};")), "{policy}");
        assert!(policy.contains("script-src 'self';") && !policy.contains("form-action 'self'"), "{policy}");
        assert!(page.text.contains("data-auto-submit") && page.text.contains("type=\"submit\""), "{}", page.text);
        let form = forms(&page.text).into_iter().find(|form| form.value("SAMLRequest").is_some()).expect("a form");
        assert_eq!((form.action.starts_with(PROVIDER), form.method.as_str()), (true, "post"));
        assert!(form.value("RelayState").is_some_and(|state| state.len() <= 80));
        let request = STANDARD.decode(form.value("SAMLRequest").expect("a request")).expect("base64");
        let request = String::from_utf8(request).expect("UTF-8");
        let certificates = signing_certificates(&app).await;
        assert!(verifies(&request, &certificates[0]), "{request}");
        assert!(!verifies(&request.replace("Version=\"2.0\"", "Version=\"2.1\""), &certificates[0]));
        flow.deliver(&flow.response(USER, &[])).await;
        assert!(flow.who().await.is_some(), "the answer to a form was refused");
    }

    /// A new key is shown before it signs, the old one as long as somebody may still need it.
    async fn the_key_is_changed_without_a_gap(app: TestApp) {
        let owner = app.owner_token().await;
        import(&app, &owner, &wants_signatures()).await;
        let first = signing_certificates(&app).await;
        app.post(&owner, ACTIVATE, json!({})).await.expect_problem(409, "conflict");
        let member = app.provision("ana").await;
        let token = app.sign_in(&member.email).await;
        app.post(&token, ROTATE, json!({})).await.expect(403);
        app.post(&token, ACTIVATE, json!({})).await.expect(403);

        let shown = app.post(&owner, ROTATE, json!({})).await.expect(200).json();
        let standing = |place: usize| shown["signing_certificates"][place]["standing"].clone();
        assert_eq!((standing(0), standing(1)), (json!("signs"), json!("next")), "{shown}");
        let both = signing_certificates(&app).await;
        assert_eq!((both.len(), &both[0]), (2, &first[0]), "the one that signs comes first");
        assert!(signed_with(&location(&app, "/saml/acme/login").await, &first[0]), "the new key signs unannounced");
        app.post(&owner, ROTATE, json!({})).await.expect_problem(409, "conflict");

        let shown = app.post(&owner, ACTIVATE, json!({})).await.expect(200).json();
        assert_eq!(shown["signing_certificates"][1]["standing"], "before", "{shown}");
        assert!(signed_with(&location(&app, "/saml/acme/login").await, &both[1]), "the old key signs on");
        assert_eq!(signing_certificates(&app).await, [both[1].clone(), both[0].clone()]);

        app.post(&owner, ROTATE, json!({})).await.expect(200);
        let later = signing_certificates(&app).await;
        assert_eq!((later.len(), &later[0]), (2, &both[1]));
        assert!(!later.contains(&first[0]), "the first key is shown for ever");
        for (action, times) in [("rotated", 2), ("activated", 1)] {
            let path = format!("/api/v1/audit?action=security.saml_signing_key_{action}");
            assert_eq!(app.all_items(&owner, &path).await.len(), times, "{action}");
        }
        sign_in(&app, USER).await;
    }

    /// The private half is in the database, sealed: a restarted process signs with it.
    async fn the_key_outlives_the_process(app: TestApp) {
        let owner = app.owner_token().await;
        import(&app, &owner, &wants_signatures()).await;
        let before = signing_certificates(&app).await;
        let app = app.restart().await;
        assert_eq!(signing_certificates(&app).await, before);
        // The address is another one since, but the key the same.
        assert!(signed_with(&location(&app, "/saml/acme/login").await, &before[0]));
    }

    /// Metadata that is signed says until when it may be believed; the plain one may be kept as a file.
    async fn metadata_is_signed_on_request(app: TestApp) {
        let plain = own_metadata(&app, "").await;
        assert!(!plain.contains("<ds:Signature ") && !plain.contains("validUntil"), "{plain}");
        assert_eq!(own_metadata(&app, "?signed=0").await, plain);
        let signed = own_metadata(&app, "?signed=1").await;
        let certificate = &certificates_for(&signed, "signing")[0];
        assert!(verifies(&signed, certificate) && signed.contains(" validUntil=\""), "{signed}");
        assert!(!verifies(&signed.replace("/saml/acme/acs", "/saml/evil/acs"), certificate));
        for part in ["/saml/acme/slo\"", "NameIDFormat>", "WantAssertionsSigned=\"true\"", "use=\"encryption\""] {
            assert!(signed.contains(part), "{part} is missing in {signed}");
        }
        let wrong = send(app.request(Method::GET, "/saml/acme/metadata?signed=yes")).await;
        assert_eq!(wrong.status, 400, "{}", wrong.text);
    }

    /// Each certificate that metadata lists first is a file, too, and its key made by whoever asks first for either.
    async fn our_certificates_are_files(app: TestApp) {
        let owner = app.owner_token().await;
        let encryption = in_file(&app, "encryption.pem").await;
        let signing = in_file(&app, "signing.pem").await;
        assert_eq!(encryption_certificates(&app).await, [encryption.as_str()]);
        assert_eq!(signing_certificates(&app).await, [signing.as_str()]);
        let next = "/saml/acme/signing.pem?next=1";
        send(app.request(Method::GET, next)).await.expect_problem(404, "not-found");
        app.post(&owner, ROTATE, json!({})).await.expect(200);
        let shown = signing_certificates(&app).await;
        assert_eq!(shown, [in_file(&app, "signing.pem").await, in_file(&app, "signing.pem?next=1").await]);
        assert_eq!(shown[0], signing, "the file is of a key that doesn't sign yet");
        app.post(&owner, ACTIVATE, json!({})).await.expect(200);
        assert_eq!(in_file(&app, "signing.pem").await, shown[1]);
        app.post(&owner, "/api/v1/security/saml/encryption-key", json!({})).await.expect(200);
        assert_eq!(encryption_certificates(&app).await, [in_file(&app, "encryption.pem").await, encryption]);
        send(app.request(Method::GET, "/saml/acme/signing.pem?next=yes")).await.expect_field("next");
    }

    /// They are as public as metadata, and as quiet about workspaces that aren't there.
    async fn the_files_answer_as_metadata_does(app: TestApp) {
        let ask = async |method: &Method, workspace: &str, name: &str| {
            send(app.request(method.clone(), &format!("/saml/{workspace}/{name}"))).await
        };
        let unknown = ask(&Method::GET, "nowhere", "metadata").await.expect_problem(404, "not-found");
        let refused = ask(&Method::POST, "acme", "metadata").await.status;
        for name in ["signing.pem", "encryption.pem"] {
            let missing = ask(&Method::GET, "nowhere", name).await.expect_problem(404, "not-found");
            assert_eq!(missing["detail"], unknown["detail"]);
            assert_eq!(ask(&Method::POST, "acme", name).await.status, refused);
            let head = ask(&Method::HEAD, "acme", name).await.expect(200);
            assert_eq!((head.text.as_str(), head.header("content-type")), ("", Some("application/x-pem-file")));
        }
    }

    /// ForceAuthn: a session that the person had at the provider is not enough.
    async fn a_proof_anew_must_be_new(app: TestApp) {
        let owner = app.owner_token().await;
        configure(&app, &owner).await;
        let sent = location(&app, "/saml/acme/login?again=1").await;
        let sent = url::Url::parse(&sent).expect("an address");
        let request = sent.query_pairs().find(|(name, _)| name == "SAMLRequest").expect("a request").1;
        assert!(inflate(&request).contains(" ForceAuthn=\"true\""));
        let flow = Flow::begin_at(&app, "/saml/acme/login?again=1").await;
        flow.deliver(&flow.response(USER, &[])).await;
        assert!(flow.who().await.is_some(), "a proof anew was refused");
        // The provider's clock, which is the machine's, now is behind: it tells of a sign-in from before the request.
        app.clock.advance(Duration::from_secs(4 * 60));
        let flow = Flow::begin_at(&app, "/saml/acme/login?again=1").await;
        assert_eq!(flow.deliver(&flow.response(USER, &[])).await.status, 403);
        assert!(flow.who().await.is_none(), "an old sign-in there was taken for a proof anew");
        assert_eq!(checks(&app, &owner).await, ["check.force-authn"]);
        sign_in(&app, USER).await;
    }

    /// What is set for a provider goes into its requests, and is required of its answers.
    async fn the_settings_of_a_provider_are_heeded(app: TestApp) {
        let owner = app.owner_token().await;
        configure(&app, &owner).await;
        let known = app.all_items(&owner, PROVIDERS).await;
        let path = format!("{PROVIDERS}/{}", known[0]["id"].as_str().expect("an id"));
        app.put(&owner, &path, json!({"sign_requests": true})).await.expect(200);
        let certificates = signing_certificates(&app).await;
        assert!(signed_with(&location(&app, "/saml/acme/login").await, &certificates[0]));
        assert!(own_metadata(&app, "").await.contains("AuthnRequestsSigned=\"true\""));
        app.put(&owner, &path, json!({"sso_binding": "post"})).await.expect(200);
        let (flow, _) = Flow::begin_by_form(&app).await;
        flow.deliver(&flow.response(USER, &[])).await;
        assert!(flow.who().await.is_some(), "the answer to a form was refused");
        let strong = json!({"sso_binding": "redirect", "authn_contexts": ["urn:example:strong"]});
        app.put(&owner, &path, strong).await.expect(200);
        let flow = Flow::begin(&app).await;
        assert_eq!(flow.deliver(&flow.response(USER, &[])).await.status, 403);
        assert_eq!(checks(&app, &owner).await, ["check.authn-context"]);
    }

    /// The command line changes keys, too.
    async fn the_command_line_changes_the_key(database: Database) {
        let home = Home::new(database);
        let cli = home.cli();
        let run = |more: &[&str]| {
            cli.run(&[&["saml", "rotate-key", "--workspace", "acme", "--output", "json"][..], more].concat())
        };
        run(&["--use", "signing", "--activate"]).refused();
        assert_eq!(run(&["--use", "signing"]).succeeded().json(), json!({"rotated": true}));
        run(&["--use", "signing"]).refused();
        assert_eq!(run(&["--use", "signing", "--activate"]).succeeded().json(), json!({"activated": true}));
        assert_eq!(run(&[]).succeeded().json(), json!({"rotated": true}));
        run(&["--activate"]).refused();
        run(&["--use", "something"]).refused();
    }
}

/// All servers of a database show and use one key, also when each is asked for the first one at once.
#[tokio::test(flavor = "multi_thread")]
async fn replicas_have_the_same_key() {
    let app = TestApp::on(Database::Postgres).await;
    let owner = app.owner_token().await;
    let other = app.beside().await;
    let of_other = async || send(client().get(format!("{}/saml/acme/metadata", other.base))).await.expect(200).text;
    let (here, there) = tokio::join!(own_metadata(&app, ""), of_other());
    assert_eq!(certificates_for(&here, "signing"), certificates_for(&there, "signing"));
    import(&app, &owner, &wants_signatures()).await;
    app.post(&owner, ROTATE, json!({})).await.expect(200);
    app.post(&owner, ACTIVATE, json!({})).await.expect(200);
    let certificates = signing_certificates(&app).await;
    assert_eq!(certificates_for(&of_other().await, "signing"), certificates);
    let reply = send(client().get(format!("{}/saml/acme/login", other.base))).await.expect_any(&[302, 303]);
    assert!(
        signed_with(reply.header("location").unwrap_or_default(), &certificates[0]),
        "the other signs with another key"
    );
    other.stop().await;
}
