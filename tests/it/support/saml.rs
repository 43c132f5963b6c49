//! A throw-away SAML identity provider: its keys and metadata, made once in a run, and its signature on one response.
//! The signer is a script that knows nothing of the product (`tests/conformance/saml`).

use std::io::Read;
use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};

use super::forms::forms;
use super::http::{Reply, client_with_cookies, send};
use super::{TestApp, programs, run};

/// Whom the identity provider vouches for unless a test says otherwise.
pub const USER: &str = "mallory@corp.test";

/// All identity providers of a workspace.
pub const PROVIDERS: &str = "/api/v1/security/saml/providers";
/// Arguments of `sign.py` that answer as the other identity provider.
pub const OTHER: [&str; 4] = ["--key", "idp2", "--idp-entity-id", "http://127.0.0.1:9998/idp"];

/// The interpreter with lxml and cryptography.
pub fn python() -> &'static PathBuf {
    static PYTHON: OnceLock<PathBuf> = OnceLock::new();
    PYTHON.get_or_init(|| {
        let bash = programs::need(&["bash"], "bash");
        let made = programs::run(Command::new(bash).arg(programs::project("tests/conformance/setup.sh")));
        PathBuf::from(String::from_utf8_lossy(&made.stdout).trim())
    })
}

/// One of the scripts, ready to be given arguments.
pub fn script(name: &str) -> Command {
    let mut command = Command::new(python());
    command.arg(programs::project("tests/conformance/saml").join(name)).env("PYTHONDONTWRITEBYTECODE", "1");
    command
}

/// The folder with `keys/` and the metadata of both identity providers.
pub fn material() -> &'static PathBuf {
    static MATERIAL: OnceLock<PathBuf> = OnceLock::new();
    MATERIAL.get_or_init(|| {
        let folder = run::folder().join("saml");
        let keys = folder.join("keys");
        programs::run(script("samlattack.py").arg("keys").arg("--out").arg(&keys));
        let mut generate = script("samlattack.py");
        generate.arg("generate").arg("--out").arg(&folder).arg("--keys").arg(&keys);
        programs::run(generate.args(["--only", "^valid-sign-assertion$"]));
        folder
    })
}

/// The metadata of the identity provider that `acme` trusts.
pub fn metadata() -> String {
    std::fs::read_to_string(material().join("idp-metadata.xml")).expect("it was generated")
}

/// The metadata of another identity provider.
pub fn other_metadata() -> String {
    std::fs::read_to_string(material().join("other-idp-metadata.xml")).expect("it was generated")
}

/// The person behind one browser, on the way through the identity provider.
pub struct Flow {
    pub client: Client,
    base: String,
    request_id: String,
    pub relay_state: String,
    /// Of whoever began a test: their session is in the same browser.
    token: Option<String>,
}

impl Flow {
    /// Begins a sign-in to `acme` in a new browser and reads what it asks the identity provider.
    pub async fn begin(app: &TestApp) -> Self {
        Self::begin_at(app, "/saml/acme/login").await
    }

    pub async fn begin_at(app: &TestApp, path: &str) -> Self {
        let client = client_with_cookies();
        let reply = send(client.get(app.url(path))).await.expect_any(&[302, 303]);
        let (request_id, relay_state) = asked(reply.header("location").unwrap_or_default());
        Self { client, base: app.base.clone(), request_id, relay_state, token: None }
    }

    /// Begins a sign-in whose request is posted to the identity provider; gives the page that does it, too.
    pub async fn begin_by_form(app: &TestApp) -> (Self, Reply) {
        let client = client_with_cookies();
        let page = send(client.get(app.url("/saml/acme/login"))).await.expect(200);
        let (request_id, relay_state) = posted(&page.text);
        (Self { client, base: app.base.clone(), request_id, relay_state, token: None }, page)
    }

    /// Begins a test of the connection of `acme` in a new browser, as the administrator of this token.
    pub async fn of_test(app: &TestApp, token: &str) -> Self {
        Self::of_test_with(app, token, &json!({})).await
    }

    /// As `of_test`, with this body.
    pub async fn of_test_with(app: &TestApp, token: &str, body: &Value) -> Self {
        let (client, address) = test_begun(app, token, body).await;
        let (request_id, relay_state) = asked(&address);
        Self { client, base: app.base.clone(), request_id, relay_state, token: Some(token.to_owned()) }
    }

    /// As `of_test`, with a provider that takes requests by POST: the answer leads to a page of ours that has the form.
    pub async fn of_test_by_form(app: &TestApp, token: &str) -> Self {
        let (client, address) = test_begun(app, token, &json!({})).await;
        assert_eq!(address, app.url("/saml/acme/send"));
        let page = send(client.get(address)).await.expect(200);
        let (request_id, relay_state) = posted(&page.text);
        Self { client, base: app.base.clone(), request_id, relay_state, token: Some(token.to_owned()) }
    }

    /// A genuine response to what was asked, in base64; `more` are further arguments of `sign.py`.
    pub fn response(&self, user: &str, more: &[&str]) -> String {
        signed(&self.base, &self.request_id, user, more)
    }

    /// Delivers a response from this browser.
    pub async fn deliver(&self, response: &str) -> Reply {
        let request = self.delivery(&self.client, response);
        send(match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        })
        .await
    }

    /// Delivers a response from another browser, or from one that nobody is signed in to.
    pub async fn deliver_from(&self, client: &Client, response: &str) -> Reply {
        send(self.delivery(client, response)).await
    }

    fn delivery(&self, client: &Client, response: &str) -> RequestBuilder {
        let fields = [("SAMLResponse", response), ("RelayState", self.relay_state.as_str())];
        client.request(Method::POST, format!("{}/saml/acme/acs", self.base)).form(&fields)
    }

    /// Who this browser is; `None`: not signed in.
    pub async fn who(&self) -> Option<Value> {
        let reply = send(self.client.get(format!("{}/api/v1/session", self.base))).await.expect_any(&[200, 401]);
        (reply.status == 200).then(|| reply.json())
    }
}

/// What a redirect to the identity provider asks: the request's id, and the relay state.
pub fn asked(location: &str) -> (String, String) {
    let location = url::Url::parse(location).expect("a redirect to the identity provider");
    let parameter =
        |name: &str| location.query_pairs().find(|(known, _)| known == name).map(|(_, value)| value.into_owned());
    let request = inflate(&parameter("SAMLRequest").expect("the redirect binding carries SAMLRequest"));
    (id_of(&request), parameter("RelayState").unwrap_or_default())
}

/// Begins a test; gives the browser, and where it shall go.
async fn test_begun(app: &TestApp, token: &str, body: &Value) -> (Client, String) {
    let client = client_with_cookies();
    let request = client.post(app.url("/api/v1/security/saml/test")).bearer_auth(token).json(body);
    let begun = send(request).await.expect(200).json();
    (client, begun["location"].as_str().expect("where to go").to_owned())
}

/// What a form of the POST binding asks: the request's id and the relay state.
fn posted(page: &str) -> (String, String) {
    let form = forms(page).into_iter().find(|form| form.value("SAMLRequest").is_some());
    let form = form.expect("a form for the identity provider");
    let value = |name: &str| form.value(name).unwrap_or_default().to_owned();
    let request = String::from_utf8(STANDARD.decode(value("SAMLRequest")).expect("base64")).expect("UTF-8");
    (id_of(&request), value("RelayState"))
}

/// The ID of a request.
fn id_of(request: &str) -> String {
    let id = request.split(" ID=\"").nth(1).and_then(|rest| rest.split('"').next());
    id.expect("an AuthnRequest has an ID").to_owned()
}

/// A genuine response for the workspace `acme` of a server that is called `base`, in base64.
pub fn signed(base: &str, request_id: &str, user: &str, more: &[&str]) -> String {
    let mut sign = script("sign.py");
    sign.arg("--keys").arg(material().join("keys"));
    sign.args(["--acs", &format!("{base}/saml/acme/acs")]);
    sign.args(["--sp-entity-id", &format!("{base}/saml/acme/metadata")]);
    sign.args(["--in-response-to", request_id, "--user", user]).args(more);
    String::from_utf8_lossy(&programs::run(&mut sign).stdout).trim().to_owned()
}

/// The certificates that our metadata wants assertions of `acme` to be encrypted to, base64 of DER, the newest first.
pub async fn encryption_certificates(app: &TestApp) -> Vec<String> {
    let metadata = send(app.request(Method::GET, "/saml/acme/metadata")).await.expect(200).text;
    certificates_for(&metadata, "encryption")
}

/// The certificates of our metadata with which our requests can be verified, base64 of DER, the one that signs first.
pub async fn signing_certificates(app: &TestApp) -> Vec<String> {
    let metadata = send(app.request(Method::GET, "/saml/acme/metadata")).await.expect(200).text;
    certificates_for(&metadata, "signing")
}

/// The certificates that metadata names for one use.
pub fn certificates_for(metadata: &str, key_use: &str) -> Vec<String> {
    let descriptor = format!("<md:KeyDescriptor use=\"{key_use}\">");
    let certificate = |rest: &str| rest.split("<ds:X509Certificate>").nth(1)?.split('<').next().map(str::to_owned);
    metadata.split(&descriptor).skip(1).filter_map(certificate).collect()
}

/// Signs somebody in through the identity provider; gives the browser.
pub async fn sign_in(app: &TestApp, user: &str) -> Flow {
    let flow = Flow::begin(app).await;
    let answer = flow.deliver(&flow.response(user, &[])).await;
    let who = flow.who().await.unwrap_or_else(|| panic!("{user} was not signed in: {} {}", answer.status, answer.text));
    assert_eq!(who["user"]["email"], user);
    flow
}

/// Makes the identity provider the one of `acme`.
pub async fn configure(app: &TestApp, token: &str) -> Value {
    let body = json!({"metadata_xml": metadata(), "sessions": "keep"});
    app.put(token, "/api/v1/security/saml", body).await.expect(200).json()
}

/// Adds an identity provider to the caller's workspace, later than those that are there; gives it as the answer shows it.
pub async fn add_provider(app: &TestApp, token: &str, body: Value) -> Value {
    app.advance(1);
    app.post(token, PROVIDERS, body).await.expect(201).json()
}

/// Vouches for one more domain of `acme`: `second.test`.
pub async fn trust_second_domain(app: &TestApp) {
    app.sql(
        "INSERT INTO domain (workspace_id, domain, challenge, verified_at) \
         SELECT id, 'second.test', 'none', 1 FROM workspace WHERE slug = 'acme'",
    )
    .await;
}

/// A message of the redirect binding (SAML bindings 3.4.4.1): base64 of raw deflate.
pub fn inflate(parameter: &str) -> String {
    let packed = STANDARD.decode(parameter).expect("SAMLRequest is base64");
    let mut text = String::new();
    flate2::read::DeflateDecoder::new(packed.as_slice())
        .read_to_string(&mut text)
        .expect("SAMLRequest is deflated XML");
    text
}
