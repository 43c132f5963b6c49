//! OAuth clients: how they prove who they are (RFC 6749 §4.4, RFC 7523), what they get for it, and that it ends with them.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use curfew::base::clock::Clock;
use openssl::bn::{BigNum, BigNumContext};
use openssl::ec::{EcGroup, EcKey};
use openssl::ecdsa::EcdsaSig;
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::rsa::Rsa;
use openssl::sha::sha256;
use openssl::sign::Signer;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use crate::support::people::{okta_user, patch_op};
use crate::support::{Database, Reply, TestApp, send};

const CLIENTS: &str = "/api/v1/scim-clients";
const ENDPOINT: &str = "/oauth2/token";
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
const GRANT: (&str, &str) = ("grant_type", "client_credentials");

struct Client {
    id: String,
    secret: String,
}

async fn create(app: &TestApp, body: Value) -> Value {
    app.post(&app.owner_token().await, CLIENTS, body).await.expect(201).json()
}

async fn secret_client(app: &TestApp) -> Client {
    let created = create(app, json!({"name": "Entra ID", "auth_method": "secret"})).await;
    let text = |name: &str| created[name].as_str().unwrap_or_else(|| panic!("no {name}: {created}")).to_owned();
    Client { id: text("id"), secret: text("client_secret") }
}

fn asking(app: &TestApp, fields: &[(&str, &str)]) -> RequestBuilder {
    app.request(Method::POST, ENDPOINT).form(fields)
}

impl Client {
    fn basic(&self) -> String {
        format!("Basic {}", STANDARD.encode(format!("{}:{}", self.id, self.secret)))
    }

    async fn token(&self, app: &TestApp) -> String {
        access_token(send(asking(app, &[GRANT]).header("authorization", self.basic())).await)
    }
}

/// The token of a good answer (RFC 6749 §5.1).
#[track_caller]
fn access_token(reply: Reply) -> String {
    let reply = reply.expect(200);
    assert_eq!(reply.header("cache-control"), Some("no-store"));
    assert_eq!(reply.header("content-type"), Some("application/json"));
    let answer = reply.json();
    assert_eq!((&answer["token_type"], &answer["expires_in"]), (&json!("Bearer"), &json!(600)));
    assert_eq!(answer["scope"], "scim");
    answer["access_token"].as_str().expect("a token").to_owned()
}

/// Fails unless the answer is that error (RFC 6749 §5.2).
#[track_caller]
fn refused(reply: &Reply, status: u16, error: &str) {
    assert_eq!((reply.status, &reply.json()["error"]), (status, &json!(error)), "{}", reply.text);
    assert_eq!(reply.header("cache-control"), Some("no-store"));
    let challenge = (status == 401).then_some("Basic realm=\"curfew\"");
    assert_eq!(reply.header("www-authenticate"), challenge);
}

async fn uses(app: &TestApp, token: &str) -> Reply {
    app.scim_as(token, Method::GET, "/Users?count=1", None).await
}

/// A key pair of each kind that a client may have.
enum Pair {
    Ed25519(PKey<Private>),
    P256(EcKey<Private>),
    Rsa(Rsa<Private>),
}

fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

impl Pair {
    fn all() -> [Self; 3] {
        let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).expect("P-256");
        [
            Self::Ed25519(PKey::generate_ed25519().expect("Ed25519")),
            Self::P256(EcKey::generate(&group).expect("P-256")),
            Self::Rsa(Rsa::generate(2_048).expect("RSA")),
        ]
    }

    fn jwk(&self) -> Value {
        match self {
            Self::Ed25519(pair) => {
                json!({"kty": "OKP", "crv": "Ed25519", "x": encode(pair.raw_public_key().expect("Ed25519"))})
            }
            Self::P256(pair) => {
                let (mut x, mut y) = (BigNum::new().expect("a number"), BigNum::new().expect("a number"));
                let mut context = BigNumContext::new().expect("a context");
                let point = pair.public_key();
                point.affine_coordinates(pair.group(), &mut x, &mut y, &mut context).expect("a point");
                let padded = |number: &BigNum| encode(number.to_vec_padded(32).expect("32 bytes"));
                json!({"kty": "EC", "crv": "P-256", "x": padded(&x), "y": padded(&y)})
            }
            Self::Rsa(pair) => json!({"kty": "RSA", "n": encode(pair.n().to_vec()), "e": encode(pair.e().to_vec())}),
        }
    }

    fn algorithm(&self) -> &'static str {
        match self {
            Self::Ed25519(_) => "EdDSA",
            Self::P256(_) => "ES256",
            Self::Rsa(_) => "RS256",
        }
    }

    fn signature(&self, text: &[u8]) -> Vec<u8> {
        match self {
            Self::Ed25519(pair) => {
                let mut signer = Signer::new_without_digest(pair).expect("Ed25519");
                signer.sign_oneshot_to_vec(text).expect("Ed25519")
            }
            Self::P256(pair) => {
                let signature = EcdsaSig::sign(&sha256(text), pair).expect("P-256");
                let padded = |number: &openssl::bn::BigNumRef| number.to_vec_padded(32).expect("32 bytes");
                [padded(signature.r()), padded(signature.s())].concat()
            }
            Self::Rsa(pair) => {
                let pair = PKey::from_rsa(pair.clone()).expect("RSA");
                let mut signer = Signer::new(MessageDigest::sha256(), &pair).expect("RSA");
                signer.update(text).expect("RSA");
                signer.sign_to_vec().expect("RSA")
            }
        }
    }

    /// A compact JWS of these claims.
    fn sign(&self, claims: &Value) -> String {
        let header = json!({"alg": self.algorithm(), "typ": "JWT"});
        let text = format!("{}.{}", encode(header.to_string()), encode(claims.to_string()));
        format!("{text}.{}", encode(self.signature(text.as_bytes())))
    }
}

fn claims(app: &TestApp, client: &str, jti: &str) -> Value {
    let now = app.clock.now() / 1000;
    json!({"iss": client, "sub": client, "aud": app.url(ENDPOINT), "iat": now, "exp": now + 60, "jti": jti})
}

fn asserting(app: &TestApp, jws: &str) -> RequestBuilder {
    asking(app, &[GRANT, ("client_assertion_type", ASSERTION_TYPE), ("client_assertion", jws)])
}

/// A client with a key: its id.
async fn signing_client(app: &TestApp, pair: &Pair) -> String {
    let created =
        create(app, json!({"name": "signs", "auth_method": "private_key_jwt", "public_key": pair.jwk()})).await;
    assert!(created["client_secret"].is_null(), "{created}");
    created["id"].as_str().expect("an id").to_owned()
}

on_both_databases! {
    /// A secret, in the header or in the body, earns a token of ten minutes that opens SCIM and nothing else.
    async fn a_client_with_a_secret_provisions(app: TestApp) {
        let client = secret_client(&app).await;
        let body = [GRANT, ("client_id", client.id.as_str()), ("client_secret", client.secret.as_str()), ("scope", "scim")];
        let tokens = [client.token(&app).await, access_token(send(asking(&app, &body)).await)];
        assert!(tokens[0] != tokens[1] && tokens.iter().all(|token| token.starts_with("cfat_")));
        let person = okta_user("ana@corp.test");
        let created = app.scim_as(&tokens[0], Method::POST, "/Users", Some(person)).await.expect(201).json();
        uses(&app, &tokens[1]).await.expect(200);
        app.get(&tokens[0], "/api/v1/session").await.expect(401);
        uses(&app, &client.secret).await.expect_scim_error(401);
        let owner = app.owner_token().await;
        let path = format!("/api/v1/audit?target={}", created["id"].as_str().expect("an id"));
        let entries = app.all_items(&owner, &path).await;
        let actor = &entries.last().expect("an entry")["actor"];
        assert_eq!((&actor["kind"], &actor["label"], &actor["id"]), (&json!("scim_client"), &json!("Entra ID"), &json!(client.id)));
        let listed = app.all_items(&owner, CLIENTS).await;
        assert_eq!((&listed[0]["id"], &listed[0]["last_used_ip"]), (&json!(client.id), &json!("127.0.0.1")));
        assert!(!json!(listed).to_string().contains(&client.secret), "a secret is shown twice");
        app.advance(600);
        let late = uses(&app, &tokens[0]).await;
        assert!(late.header("www-authenticate").is_some_and(|text| text.contains("invalid_token")));
        late.expect_scim_error(401);
        app.tidy_scim().await;
        uses(&app, &client.token(&app).await).await.expect(200);
    }

    /// What the workspace declared for itself holds for clients, too: they keep it, and nothing of it is lost by what they change.
    async fn a_client_knows_the_workspaces_schemas(app: TestApp) {
        let urn = "urn:example:acme:User";
        let attributes = json!([{"name": "badge", "uniqueness": "server"}]);
        let schema = json!({"id": urn, "name": "Acme", "resource_type": "User", "attributes": attributes});
        app.post(&app.owner_token().await, "/api/v1/scim/schemas", schema).await.expect(201);
        let token = secret_client(&app).await.token(&app).await;
        let with_badge = |email: &str| {
            let mut user = okta_user(email);
            user[urn] = json!({"badge": "7"});
            user
        };
        let created = app.scim_as(&token, Method::POST, "/Users", Some(with_badge("ana@corp.test"))).await.expect(201).json();
        assert_eq!(created[urn], json!({"badge": "7"}), "{created}");
        let path = format!("/Users/{}", created["id"].as_str().expect("an id"));
        let title = patch_op(json!([{"op": "replace", "path": "title", "value": "Dr."}]));
        let changed = app.scim_as(&token, Method::PATCH, &path, Some(title)).await.expect(200).json();
        assert_eq!((&changed["title"], &changed[urn]), (&json!("Dr."), &json!({"badge": "7"})), "{changed}");
        app.scim_as(&token, Method::POST, "/Users", Some(with_badge("bo@corp.test"))).await.expect_scim_error(409);
    }

    /// Tokens are limited like what is asked with them: each is a row and a commit.
    async fn a_client_asks_for_tokens_too_fast(database: Database) {
        let app = TestApp::with(database, |config| {
            config.scim.requests_per_second = 1;
            config.scim.burst = 3;
        })
        .await;
        let client = secret_client(&app).await;
        for _ in 0..3 {
            client.token(&app).await;
        }
        let reply = send(asking(&app, &[GRANT]).header("authorization", client.basic())).await;
        assert!(reply.header("retry-after").is_some());
        refused(&reply, 429, "temporarily_unavailable");
        app.advance(60);
        client.token(&app).await;
    }

    /// A client, too, may want no body after a PATCH.
    async fn a_patch_is_answered_as_the_client_was_made(app: TestApp) {
        let body = json!({"name": "Entra ID", "auth_method": "secret", "patch_response": "no_content"});
        let created = create(&app, body).await;
        assert_eq!(created["patch_response"], "no_content");
        let text = |name: &str| created[name].as_str().unwrap_or_else(|| panic!("no {name}: {created}")).to_owned();
        let token = Client { id: text("id"), secret: text("client_secret") }.token(&app).await;
        let path = format!("/Users/{}", app.provision("ana").await.id);
        let patch = patch_op(json!([{"op": "replace", "path": "title", "value": "T"}]));
        app.scim_as(&token, Method::PATCH, &path, Some(patch)).await.expect(204);
        let wrong = json!({"name": "x", "auth_method": "secret", "patch_response": "nothing"});
        app.post(&app.owner_token().await, CLIENTS, wrong).await.expect_field("patch_response");
    }

    /// A client's end is the end of what it got, at once, on every replica; so are its networks and its last day.
    async fn what_a_client_got_ends_with_it(app: TestApp) {
        let client = secret_client(&app).await;
        let token = client.token(&app).await;
        let replica = match app.home.database {
            Database::Postgres => Some(app.beside().await),
            Database::Sqlite => None,
        };
        app.delete(&app.owner_token().await, &format!("{CLIENTS}/{}", client.id)).await.expect(204);
        uses(&app, &token).await.expect_scim_error(401);
        if let Some(replica) = replica {
            let request = app.client.get(format!("{}/scim/v2/Users", replica.base)).bearer_auth(&token);
            send(request).await.expect_scim_error(401);
            replica.stop().await;
        }
        refused(&send(asking(&app, &[GRANT]).header("authorization", client.basic())).await, 401, "invalid_client");
        for limit in [json!({"networks": ["192.0.2.0/24"]}), json!({"expires_in_days": 1})] {
            let mut body = json!({"name": "limited", "auth_method": "secret"});
            for (name, value) in limit.as_object().expect("an object") {
                body[name] = value.clone();
            }
            let created = create(&app, body).await;
            let fields = [
                GRANT,
                ("client_id", created["id"].as_str().expect("an id")),
                ("client_secret", created["client_secret"].as_str().expect("a secret")),
            ];
            app.advance(24 * 3600);
            refused(&send(asking(&app, &fields)).await, 401, "invalid_client");
        }
    }

    /// Each error of RFC 6749 §5.2, in its place; a client that isn't accepted never hears why.
    async fn refusals_are_those_of_the_standard(app: TestApp) {
        let (client, other) = (secret_client(&app).await, secret_client(&app).await);
        let secret = client.secret.as_str();
        let with = |more: &[(&str, &str)]| {
            asking(&app, &[&[GRANT][..], more].concat()).header("authorization", client.basic())
        };
        let by_body = |id: &str, secret: &str| asking(&app, &[GRANT, ("client_id", id), ("client_secret", secret)]);
        for (request, status, error) in [
            (app.request(Method::POST, ENDPOINT).header("authorization", client.basic()), 400, "invalid_request"),
            (app.request(Method::POST, ENDPOINT).json(&json!({"grant_type": "client_credentials"})), 400, "invalid_request"),
            (asking(&app, &[]).header("authorization", client.basic()), 400, "invalid_request"),
            (with(&[GRANT]), 400, "invalid_request"),
            (with(&[("client_id", client.id.as_str()), ("client_secret", secret)]), 400, "invalid_request"),
            (with(&[("scope", "openid")]), 400, "invalid_scope"),
            (with(&[("scope", "scim openid")]), 400, "invalid_scope"),
            (asking(&app, &[("grant_type", "password")]), 400, "unsupported_grant_type"),
            (asking(&app, &[("grant_type", "authorization_code"), ("code", "x")]), 400, "unsupported_grant_type"),
            (asking(&app, &[GRANT]), 401, "invalid_client"),
            (asking(&app, &[GRANT]).bearer_auth(&app.home.scim_token), 401, "invalid_client"),
            (asking(&app, &[GRANT]).header("authorization", "Basic !!!"), 401, "invalid_client"),
            (with(&[("client_id", other.id.as_str())]), 401, "invalid_client"),
            (by_body(&client.id, ""), 401, "invalid_client"),
            (by_body(&client.id, &secret[..secret.len() - 1]), 401, "invalid_client"),
            (by_body(&client.id, &other.secret), 401, "invalid_client"),
            (by_body(&other.id, secret), 401, "invalid_client"),
            (by_body("nobody\0", secret), 401, "invalid_client"),
            (by_body(&client.id, &app.home.scim_token), 401, "invalid_client"),
        ] {
            refused(&send(request).await, status, error);
        }
        access_token(send(with(&[("scope", "scim"), ("resource", "ignored")])).await);
        send(app.request(Method::GET, ENDPOINT)).await.expect(405);
        let owner = app.owner_token().await;
        for (body, field) in [
            (json!({"name": "x", "auth_method": "none"}), "auth_method"),
            (json!({"name": "x"}), "auth_method"),
            (json!({"name": "", "auth_method": "secret"}), "name"),
            (json!({"name": "x", "auth_method": "private_key_jwt"}), "public_key"),
            (json!({"name": "x", "auth_method": "private_key_jwt", "public_key": {"kty": "oct", "k": "AAAA"}}), "public_key"),
            (json!({"name": "x", "auth_method": "secret", "public_key": {"kty": "OKP"}}), "public_key"),
            (json!({"name": "x", "auth_method": "secret", "networks": ["x"]}), "networks"),
        ] {
            app.post(&owner, CLIENTS, body).await.expect_field(field);
        }
    }

    /// Guesses are counted for each address; who knows the secret isn't held up.
    async fn guesses_are_counted(database: Database) {
        let app = TestApp::with(database, |config| config.scim.failures_per_minute = 3).await;
        let client = secret_client(&app).await;
        let mut limited = false;
        for _ in 0..200 {
            let reply = send(asking(&app, &[GRANT, ("client_id", client.id.as_str()), ("client_secret", "cfcs_wrong")])).await;
            limited = reply.expect_any(&[401, 429]).status == 429;
            if limited {
                break;
            }
        }
        assert!(limited);
        client.token(&app).await;
    }

    /// A key of each kind proves who the client is.
    async fn a_client_signs_with_its_key(app: TestApp) {
        for pair in Pair::all() {
            let client = signing_client(&app, &pair).await;
            let token = access_token(send(asserting(&app, &pair.sign(&claims(&app, &client, "1")))).await);
            uses(&app, &token).await.expect(200);
            let mut to_issuer = claims(&app, &client, "2");
            to_issuer["aud"] = json!(app.base);
            let jws = pair.sign(&to_issuer);
            let named = [
                GRANT,
                ("client_id", client.as_str()),
                ("client_assertion_type", ASSERTION_TYPE),
                ("client_assertion", jws.as_str()),
            ];
            access_token(send(asking(&app, &named)).await);
        }
    }

    /// Forged, altered, stale, misdirected and somebody else's assertions prove nothing.
    async fn other_assertions_are_refused(app: TestApp) {
        let [pair, other, _] = Pair::all();
        let (client, others) = (signing_client(&app, &pair).await, signing_client(&app, &other).await);
        let now = app.clock.now() / 1000;
        let with = |name: &str, value: Value| {
            let mut changed = claims(&app, &client, name);
            changed[name] = value;
            pair.sign(&changed)
        };
        let good = pair.sign(&claims(&app, &client, "good"));
        let parts: Vec<&str> = good.split('.').collect();
        let headed = |header: Value, signature: &str| format!("{}.{}.{signature}", encode(header.to_string()), parts[1]);
        let x = pair.jwk()["x"].as_str().expect("x").to_owned();
        let hmac = PKey::hmac(x.as_bytes()).expect("a secret");
        let start = format!("{}.{}", encode(json!({"alg": "HS256"}).to_string()), parts[1]);
        let mut signer = Signer::new(MessageDigest::sha256(), &hmac).expect("HMAC");
        signer.update(start.as_bytes()).expect("HMAC");
        let tag = signer.sign_to_vec().expect("HMAC");
        let wrong = [
            other.sign(&claims(&app, &client, "1")),
            pair.sign(&claims(&app, &others, "2")),
            pair.sign(&claims(&app, "nobody", "3")),
            with("aud", json!("https://else.test/oauth2/token")),
            with("exp", json!(now)),
            with("exp", json!(now + 3_600)),
            with("exp", json!((now + 60).to_string())),
            with("sub", json!("somebody")),
            with("jti", json!("")),
            headed(json!({"alg": "none"}), ""),
            headed(json!({"alg": "EdDSA", "jwk": other.jwk()}), parts[2]),
            format!("{start}.{}", encode(tag)),
            format!("{}.{}.", parts[0], parts[1]),
            good[1..].to_owned(),
            "x".to_owned(),
            "x".repeat(20_000),
        ];
        for jws in &wrong {
            refused(&send(asserting(&app, jws)).await, 401, "invalid_client");
        }
        let misnamed = [
            GRANT,
            ("client_id", others.as_str()),
            ("client_assertion_type", ASSERTION_TYPE),
            ("client_assertion", good.as_str()),
        ];
        refused(&send(asking(&app, &misnamed)).await, 401, "invalid_client");
        let untyped = [GRANT, ("client_assertion", good.as_str())];
        refused(&send(asking(&app, &untyped)).await, 400, "invalid_request");
        access_token(send(asserting(&app, &good)).await);
    }

    /// An assertion is used once, whoever is asked and however many ask at once; another client may have the same number.
    async fn an_assertion_is_used_once(app: TestApp) {
        let [pair, other, _] = Pair::all();
        let (client, others) = (signing_client(&app, &pair).await, signing_client(&app, &other).await);
        let jws = pair.sign(&claims(&app, &client, "once"));
        let attempts = (0..8).map(|_| send(asserting(&app, &jws)));
        let replies = futures_util::future::join_all(attempts).await;
        assert_eq!(replies.iter().filter(|reply| reply.status == 200).count(), 1);
        for reply in replies.iter().filter(|reply| reply.status != 200) {
            refused(reply, 401, "invalid_client");
        }
        if app.home.database == Database::Postgres {
            let replica = app.beside().await;
            let fields = [GRANT, ("client_assertion_type", ASSERTION_TYPE), ("client_assertion", jws.as_str())];
            let request = app.client.post(format!("{}{ENDPOINT}", replica.base)).form(&fields);
            refused(&send(request).await, 401, "invalid_client");
            replica.stop().await;
        }
        app.tidy_scim().await;
        refused(&send(asserting(&app, &jws)).await, 401, "invalid_client");
        access_token(send(asserting(&app, &other.sign(&claims(&app, &others, "once")))).await);
        app.advance(62);
        app.tidy_scim().await;
        refused(&send(asserting(&app, &jws)).await, 401, "invalid_client");
        // The tokens go first: what was used is remembered for as long as clocks may be apart.
        app.advance(545);
        assert!(app.tidy_scim().await > 0, "tokens stay for ever");
        app.advance(60);
        assert!(app.tidy_scim().await > 0, "used assertions stay for ever");
    }

    /// Both ways in are in what the service says of itself (RFC 7643 §5).
    async fn both_ways_are_announced(app: TestApp) {
        let config = app.scim(Method::GET, "/ServiceProviderConfig", None).await.expect(200).json();
        let schemes = config["authenticationSchemes"].as_array().expect("a list");
        let types: Vec<&Value> = schemes.iter().map(|scheme| &scheme["type"]).collect();
        assert_eq!(types, [&json!("oauthbearertoken"), &json!("oauth2")]);
        for scheme in schemes {
            assert!(scheme["name"].is_string() && scheme["description"].is_string(), "{scheme}");
        }
    }
}
