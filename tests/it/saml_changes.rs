//! A change of an identity provider: whose sessions it ends, whom it keeps from coming back, and what is said beforehand.

use std::net::{IpAddr, Ipv4Addr};

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::metadata_server::{Answer, HOST, MetadataServer, authority_file, signing_certificate};
use crate::support::saml::{
    Flow, OTHER, PROVIDERS, USER, add_provider, configure, metadata, other_metadata, sign_in, trust_second_domain,
};
use crate::support::{Database, Home, OWNER, Reply, TestApp, send};

const SAML: &str = "/api/v1/security/saml";
/// Signs in at the second provider.
const ANA: &str = "ana@second.test";

/// The second provider's own metadata, at an address of its own.
fn second_metadata() -> String {
    other_metadata().replace("http://127.0.0.1:9999/sso", "http://127.0.0.1:9998/sso")
}

/// The same with another signing certificate in the place of its own.
fn with_another_key() -> String {
    let whole = second_metadata();
    let start = whole.find("<ds:X509Certificate>").expect("a certificate") + "<ds:X509Certificate>".len();
    let end = whole.find("</ds:X509Certificate>").expect("its end");
    format!("{}{}{}", &whole[..start], signing_certificate(400), &whole[end..])
}

/// The same with one more signing certificate.
fn with_one_more_key() -> String {
    let (whole, other) = (second_metadata(), with_another_key());
    let start = other.find("<md:KeyDescriptor").expect("a key");
    let end = other.find("</md:KeyDescriptor>").expect("its end") + "</md:KeyDescriptor>".len();
    whole.replacen("<md:KeyDescriptor", &format!("{}<md:KeyDescriptor", &other[start..end]), 1)
}

/// Somebody who is signed in: a token.
async fn signed_in_at_second(app: &TestApp, provider: &Value) -> String {
    let path = format!("/saml/acme/login?provider={}", provider["id"].as_str().expect("an id"));
    let flow = Flow::begin_at(app, &path).await;
    token_of(&flow.deliver(&flow.response(ANA, &OTHER)).await)
}

async fn signed_in_at_first(app: &TestApp) -> String {
    let flow = Flow::begin_at(app, "/saml/acme/login?email=mallory%40corp.test").await;
    token_of(&flow.deliver(&flow.response(USER, &[])).await)
}

/// The token that a sign-in set.
#[track_caller]
fn token_of(reply: &Reply) -> String {
    let cookies = reply.set_cookies();
    let token = cookies
        .iter()
        .find_map(|cookie| cookie.split('=').nth(1)?.split(';').next().filter(|value| value.starts_with("cfs_")));
    token.unwrap_or_else(|| panic!("nobody was signed in: {} {}", reply.status, reply.text)).to_owned()
}

/// `acme` with two providers, the caller, and three others who are signed in.
struct Scene {
    owner: String,
    second: Value,
    /// By a password.
    ada: String,
    /// At the first provider.
    mallory: String,
    /// At the second one.
    ana: String,
}

impl Scene {
    async fn set(app: &TestApp) -> Self {
        let owner = app.owner_token().await;
        trust_second_domain(app).await;
        let first = json!({"metadata_xml": metadata(), "name": "First", "domains": ["corp.test"]});
        add_provider(app, &owner, first).await;
        let second = add_second(app, &owner).await;
        let person = app.provision("ada").await;
        let (ada, mallory) = (app.sign_in(&person.email).await, signed_in_at_first(app).await);
        let ana = signed_in_at_second(app, &second).await;
        Self { owner, second, ada, mallory, ana }
    }

    fn path(&self) -> String {
        format!("{PROVIDERS}/{}", self.second["id"].as_str().expect("an id"))
    }

    /// Makes the second provider anew, and leaves every session.
    async fn renew(&mut self, app: &TestApp) {
        app.delete(&self.owner, &format!("{}?sessions=keep", self.path())).await.expect_any(&[200, 404]);
        self.second = add_second(app, &self.owner).await;
    }

    /// Who of Ada, Mallory and Ana is signed in. The caller always is.
    async fn signed_in(&self, app: &TestApp) -> [bool; 3] {
        assert!(app.is_live(&self.owner).await, "the caller is out");
        [app.is_live(&self.ada).await, app.is_live(&self.mallory).await, app.is_live(&self.ana).await]
    }
}

async fn add_second(app: &TestApp, owner: &str) -> Value {
    add_provider(app, owner, json!({"metadata_xml": second_metadata(), "name": "Second", "domains": ["second.test"]}))
        .await
}

/// A change of the second provider.
enum Kind {
    Put(Value),
    Delete,
}

impl Kind {
    async fn make(&self, app: &TestApp, scene: &Scene, sessions: &str, dry_run: bool) -> Value {
        let path = scene.path();
        match self {
            Self::Put(body) => {
                let mut body = body.clone();
                (body["sessions"], body["dry_run"]) = (sessions.into(), dry_run.into());
                app.put(&scene.owner, &path, body).await.expect(200).json()
            }
            Self::Delete => {
                let path = format!("{path}?sessions={sessions}&dry_run={dry_run}&reason=It+is+over");
                app.delete(&scene.owner, &path).await.expect(200).json()
            }
        }
    }
}

fn sample(part: &Value) -> Vec<&str> {
    let people = part["sample"].as_array().expect("a sample");
    people.iter().map(|person| person["user_name"].as_str().expect("a name")).collect()
}

/// Entries of the audit log that name this revocation.
async fn audited(app: &TestApp, owner: &str, receipt: &Value) -> Vec<Value> {
    let mut entries = app.all_items(owner, "/api/v1/audit?action=security").await;
    entries.retain(|entry| entry["details"]["revocation"]["sequence"] == receipt["sequence"]);
    entries
}

/// Each choice for a change that takes the ground from Ana's session, and in between it is made undone.
async fn each_choice(app: &TestApp, scene: &mut Scene, because: &str, kind: &Kind, cannot_sign_in: i64) {
    let kept = kind.make(app, scene, "keep", false).await;
    assert_eq!((&kept["receipt"], scene.signed_in(app).await), (&Value::Null, [true; 3]), "{because}");
    scene.renew(app).await;
    let read = app.get(&scene.owner, &scene.path()).await.expect(200);
    for (choice, ended) in [("keep", 0), ("log_out_affected", 1), ("log_all_users_out", 3)] {
        let dry = kind.make(app, scene, choice, true).await;
        let told = &dry["consequences"];
        assert_eq!(
            (&dry["would_end_sessions"], &told["sessions"]),
            (&json!(ended), &json!(choice)),
            "{because}: {dry}"
        );
        assert_eq!(told["affected_because"], json!([because]), "{dry}");
        assert_eq!((&told["keep"]["sessions"], &told["keep"]["sample"]), (&json!(0), &json!([])));
        let affected = &told["log_out_affected"];
        assert_eq!((&affected["sessions"], &affected["users"], sample(affected)), (&json!(1), &json!(1), vec![ANA]));
        let all = &told["log_all_users_out"];
        assert_eq!((&all["sessions"], &all["users"], &all["more"]), (&json!(3), &json!(3), &json!(false)));
        assert_eq!(sample(all), ["ada@corp.test", ANA, USER]);
        let lost = &told["cannot_sign_in"];
        assert_eq!(lost["users"], cannot_sign_in, "{because}: {dry}");
        assert!(sample(lost).iter().all(|name| *name == ANA), "{lost}");
        assert!(dry["receipt"].is_null());
    }
    let again = app.get(&scene.owner, &scene.path()).await.expect(200);
    assert_eq!((again.header("etag"), again.json()), (read.header("etag"), read.json()), "a dry run was saved");
    assert_eq!(scene.signed_in(app).await, [true; 3], "a dry run of {because} ended something");
    let answer = kind.make(app, scene, "log_out_affected", false).await;
    assert_eq!(scene.signed_in(app).await, [true, true, false], "{because}");
    let receipt = &answer["receipt"];
    assert_eq!((&receipt["scope"], &receipt["trigger"]), (&json!("selection"), &json!("saml_change")), "{answer}");
    assert_eq!((&receipt["sessions"], &receipt["users"]), (&json!(1), &json!(1)));
    assert_eq!(receipt["spared_session"], app.session_id(&scene.owner).await);
    assert!(receipt["jws"].is_string());
    let entries = audited(app, &scene.owner, receipt).await;
    assert_eq!(entries.len(), 1, "{entries:?}");
    let details = &entries[0]["details"];
    assert_eq!((&details["sessions"], &details["affected_because"]), (&json!("log_out_affected"), &json!([because])));
    assert_eq!((&details["revocation"]["sessions"], &details["provider"]["name"]), (&json!(1), &json!("Second")));
    scene.renew(app).await;
    scene.ana = signed_in_at_second(app, &scene.second).await;
    let answer = kind.make(app, scene, "log_all_users_out", false).await;
    assert_eq!((&answer["receipt"]["sessions"], scene.signed_in(app).await), (&json!(3), [false; 3]), "{because}");
}

/// The kinds of changes that affect sessions, and whether Ana could not come back after them.
fn kinds() -> [(&'static str, Kind, i64); 6] {
    let renamed = second_metadata().replace("127.0.0.1:9998/idp", "127.0.0.1:9998/another-idp");
    [
        ("deleted", Kind::Delete, 1),
        ("disabled", Kind::Put(json!({"enabled": false})), 1),
        // Ana is known by her address at another provider of her domain, too.
        ("entity_id", Kind::Put(json!({"metadata_xml": renamed})), 0),
        ("certificates", Kind::Put(json!({"metadata_xml": with_another_key()})), 0),
        ("mapping", Kind::Put(json!({"attributes": {"groups": "teams"}})), 0),
        ("mapping", Kind::Put(json!({"roles": [{"group": "IT", "role": "admin"}]})), 0),
    ]
}

/// A server that may fetch from `site`.
async fn fetching(database: Database, site: &MetadataServer) -> TestApp {
    let allowed = vec![site.host_and_port()];
    let app = TestApp::with(database, |config| {
        config.saml.metadata_hosts_allowed = allowed;
        config.saml.metadata_ca_file = Some(authority_file().to_owned());
    })
    .await;
    app.dns.set_addresses(HOST, &[&[IpAddr::V4(Ipv4Addr::LOCALHOST)]]);
    app
}

on_both_databases! {
    /// Sessions of another provider and those by a password stay where only the affected ones are ended; the caller always does.
    async fn each_change_ends_what_is_chosen(app: TestApp) {
        let mut scene = Scene::set(&app).await;
        for (because, kind, cannot_sign_in) in kinds() {
            each_choice(&app, &mut scene, because, &kind, cannot_sign_in).await;
            scene.renew(&app).await;
            scene.ada = app.sign_in("ada@corp.test").await;
            scene.mallory = signed_in_at_first(&app).await;
            scene.ana = signed_in_at_second(&app, &scene.second).await;
        }
    }

    /// What leaves sessions their ground ends none of them, and leaves no revocation behind.
    async fn other_changes_affect_nobody(app: TestApp) {
        let scene = Scene::set(&app).await;
        for body in [
            json!({"force_authn": true}),
            json!({"name": "Renamed"}),
            json!({"just_in_time": false}),
            json!({"metadata_xml": with_one_more_key()}),
            json!({"domains": []}),
        ] {
            let kind = Kind::Put(body.clone());
            let dry = kind.make(&app, &scene, "log_out_affected", true).await;
            assert_eq!(dry["consequences"]["affected_because"], json!([]), "{body}");
            assert_eq!((&dry["would_end_sessions"], &dry["consequences"]["cannot_sign_in"]["users"]), (&json!(0), &json!(0)));
            let answer = kind.make(&app, &scene, "log_out_affected", false).await;
            assert_eq!((&answer["receipt"], scene.signed_in(&app).await), (&Value::Null, [true; 3]), "{body}");
        }
        let revocations = app.all_items(&scene.owner, "/api/v1/audit?action=session.selection_revoked").await;
        assert!(revocations.is_empty(), "{revocations:?}");
    }

    /// The policy may say it, for single sign-on; for the allowlist it makes no sense, and is refused.
    async fn the_policy_may_say_so(app: TestApp) {
        let scene = Scene::set(&app).await;
        app.set_policy(&scene.owner, json!({"on_saml_change": "log_out_affected"})).await.expect(200);
        let policy = app.get(&scene.owner, "/api/v1/security/policy").await.expect(200).json();
        assert_eq!(policy["on_saml_change"], "log_out_affected");
        app.set_policy(&scene.owner, json!({"on_ip_allowlist_change": "log_out_affected"}))
            .await
            .expect_field("on_ip_allowlist_change");
        let list = json!({"mode": "off", "entries": [], "sessions": "log_out_affected"});
        app.put(&scene.owner, "/api/v1/security/ip-allowlist", list).await.expect_field("sessions");
        app.put(&scene.owner, &scene.path(), json!({"enabled": false, "sessions": "affected"})).await.expect_field("sessions");
        let answer = app.put(&scene.owner, &scene.path(), json!({"enabled": false})).await.expect(200).json();
        assert_eq!((&answer["receipt"]["sessions"], scene.signed_in(&app).await), (&json!(1), [true, true, false]));
    }

    /// Sign-ins at other providers that are under way go on; one at the changed provider doesn't.
    async fn sign_ins_elsewhere_go_on(app: TestApp) {
        let scene = Scene::set(&app).await;
        let elsewhere = Flow::begin_at(&app, "/saml/acme/login?email=mallory%40corp.test").await;
        let there = Flow::begin_at(&app, "/saml/acme/login?email=ana%40second.test").await;
        let change = json!({"metadata_xml": with_one_more_key(), "roles": [{"group": "IT", "role": "admin"}],
            "sessions": "log_out_affected"});
        let answer = app.put(&scene.owner, &scene.path(), change).await.expect(200).json();
        assert_eq!(answer["receipt"]["sessions"], 1, "{answer}");
        token_of(&elsewhere.deliver(&elsewhere.response(USER, &[])).await);
        there.deliver(&there.response(ANA, &OTHER)).await.expect(403);
        assert!(there.who().await.is_none());
        token_of(&{
            let again = Flow::begin_at(&app, "/saml/acme/login?email=ana%40second.test").await;
            again.deliver(&again.response(ANA, &OTHER)).await
        });
    }

    /// Where single sign-on becomes required, sessions by a password are the affected ones: of people of its domains, but owners.
    async fn enforcement_affects_passwords(app: TestApp) {
        let owner = app.owner_token().await;
        trust_second_domain(&app).await;
        let first = json!({"metadata_xml": metadata(), "name": "First", "domains": ["corp.test"], "link_existing": false});
        let first = add_provider(&app, &owner, first).await;
        let scene = Scene {
            ada: app.sign_in(&app.provision("ada").await.email).await,
            mallory: signed_in_at_first(&app).await,
            ana: app.owner_token().await,
            second: first,
            owner,
        };
        // As if the owner had just tested it.
        let tested = format!("UPDATE saml_provider SET tested_at = {}, \
            tested_by = (SELECT id FROM users WHERE user_name = '{OWNER}')", crate::support::true_now() - 60_000);
        app.sql(tested.leak()).await;
        let kind = Kind::Put(json!({"enforcement": "required"}));
        let dry = kind.make(&app, &scene, "log_out_affected", true).await;
        let told = &dry["consequences"];
        assert_eq!(told["affected_because"], json!(["enforcement"]), "{dry}");
        assert_eq!(sample(&told["log_out_affected"]), ["ada@corp.test"], "{dry}");
        let lost = &told["cannot_sign_in"];
        assert_eq!((&lost["users"], sample(lost)), (&json!(1), vec!["ada@corp.test"]), "she isn't linked, and won't be");
        let answer = kind.make(&app, &scene, "log_out_affected", false).await;
        assert_eq!((&answer["receipt"]["sessions"], scene.signed_in(&app).await), (&json!(1), [false, true, true]));
        let entries = audited(&app, &scene.owner, &answer["receipt"]).await;
        assert_eq!(entries[0]["details"]["changed"]["enforcement"]["to"], "required", "{entries:?}");
    }

    /// The default provider, by its own address: the same choices, and a dry run of switching it off.
    async fn the_default_provider_is_no_exception(app: TestApp) {
        let owner = app.owner_token().await;
        configure(&app, &owner).await;
        let (mallory, other) = (signed_in_at_first(&app).await, app.owner_token().await);
        let off = format!("{SAML}?sessions=log_out_affected");
        let dry = app.delete(&owner, &format!("{off}&dry_run=true")).await.expect(200).json();
        let told = &dry["consequences"];
        assert_eq!((&dry["would_end_sessions"], sample(&told["log_out_affected"])), (&json!(1), vec![USER]), "{dry}");
        assert_eq!(sample(&told["cannot_sign_in"]), [USER]);
        assert_eq!(app.get(&owner, SAML).await.expect(200).json()["enabled"], true, "a dry run was saved");
        let same = json!({"metadata_xml": metadata(), "sessions": "log_out_affected"});
        assert!(app.put(&owner, SAML, same).await.expect(200).json()["receipt"].is_null(), "nothing was changed");
        assert!(app.is_live(&mallory).await);
        let replaced = json!({"metadata_xml": other_metadata(), "sessions": "log_out_affected"});
        let mut dry = replaced.clone();
        dry["dry_run"] = true.into();
        let dry = app.put(&owner, SAML, dry).await.expect(200).json();
        assert_eq!(dry["consequences"]["affected_because"], json!(["entity_id", "certificates"]), "{dry}");
        let answer = app.put(&owner, SAML, replaced).await.expect(200).json();
        assert_eq!(answer["receipt"]["sessions"], 1, "{answer}");
        assert_eq!((app.is_live(&mallory).await, app.live(&[owner.clone(), other]).await), (false, 2));
        app.advance(11 * 60);
        app.delete(&owner, &format!("{off}&dry_run=true")).await.expect(200);
        app.delete(&owner, &off).await.expect_problem(403, "reauthentication-required");
    }

    /// Whoever looks on has to be an administrator.
    async fn only_administrators_look_ahead(app: TestApp) {
        let scene = Scene::set(&app).await;
        let path = scene.path();
        app.delete(&scene.ada, &format!("{path}?dry_run=true")).await.expect(403);
        app.put(&scene.ada, &path, json!({"enabled": false, "dry_run": true})).await.expect(403);
        app.delete(&scene.ada, &format!("{SAML}?dry_run=true")).await.expect(403);
        send(app.request(Method::DELETE, &format!("{path}?dry_run=true"))).await.expect(401);
        app.delete(&scene.owner, &format!("{PROVIDERS}/nobody?dry_run=true")).await.expect(404);
    }

    /// By the address of its metadata: fetched before anything is changed, and remembered.
    async fn a_provider_is_set_by_an_address(database: Database) {
        let site = MetadataServer::start(Answer::good(&metadata(), &["ETag: \"one\""]));
        let app = fetching(database, &site).await;
        let owner = app.owner_token().await;
        let url = site.url();
        for body in [json!({"metadata_url": url, "metadata_xml": metadata()}), json!({"metadata_url": "http://idp.corp.test/"})] {
            app.post(&owner, PROVIDERS, body.clone()).await.expect_field("metadata_url");
            app.put(&owner, SAML, body).await.expect_field("metadata_url");
        }
        app.post(&owner, PROVIDERS, json!({"name": "No metadata"})).await.expect_field("metadata_xml");
        app.put(&owner, SAML, json!({"sessions": "keep"})).await.expect_field("metadata_xml");
        assert!(site.requests().is_empty(), "what is refused is fetched");
        app.post(&owner, PROVIDERS, json!({"metadata_url": url, "dry_run": true})).await.expect(200);
        assert_eq!(app.get(&owner, PROVIDERS).await.expect(200).json()["items"], json!([]), "a dry run was saved");
        let made = app.post(&owner, PROVIDERS, json!({"metadata_url": url, "name": "First"})).await.expect(201).json();
        assert_eq!((&made["metadata_url"], &made["fetch_error"]), (&json!(url), &Value::Null), "{made}");
        assert!(made["fetched_at"].is_string() && made["owners_may_sign_in"] == true, "{made}");
        sign_in(&app, USER).await;
        assert_eq!((app.refresh_metadata().await, site.requests().len()), (0, 2), "it was fetched a moment ago");
        app.advance(6 * 60 * 60);
        assert_eq!(app.refresh_metadata().await, 1);
        let asked = site.requests().pop().expect("a request").to_lowercase();
        assert!(asked.contains("if-none-match: \"one\""), "{asked}");
        site.set(Answer::with("404 Gone", &[], b""));
        let owner = app.owner_token().await;
        let path = format!("{PROVIDERS}/{}", made["id"].as_str().expect("an id"));
        app.put(&owner, &path, json!({"metadata_url": url, "force_authn": true})).await.expect_field("metadata_url");
        let before = app.get(&owner, &path).await.expect(200).json();
        assert_eq!(before["force_authn"], false, "half of a change was saved");
        let uploaded = app.put(&owner, &path, json!({"metadata_xml": metadata()})).await.expect(200).json();
        for cleared in ["metadata_url", "fetched_at", "fetch_error"] {
            assert_eq!(uploaded[cleared], Value::Null, "{cleared}");
        }
        site.set(Answer::good(&metadata(), &[]));
        app.put(&owner, SAML, json!({"metadata_url": url, "sessions": "keep"})).await.expect(200);
        assert_eq!(app.get(&owner, &path).await.expect(200).json()["metadata_url"], url);
        let entries = app.all_items(&owner, "/api/v1/audit?action=security.saml_changed").await;
        assert!(entries.iter().any(|entry| entry["details"]["changed"]["metadata_url"]["to"] == url), "{entries:?}");
    }

    /// A provider keeps a domain that was removed in its settings, and nothing comes of it: nobody new is signed in by it, and no
    /// other provider takes its people over. Verified again, it counts again.
    async fn a_removed_domain_is_ignored(app: TestApp) {
        let scene = Scene::set(&app).await;
        app.put(&scene.owner, &scene.path(), json!({"name": "Still there"})).await.expect(200);
        let removed = app.delete(&scene.owner, "/api/v1/security/domains/second.test").await.expect(200).json();
        assert_eq!(removed["domain"], "second.test");
        let shown = app.get(&scene.owner, &scene.path()).await.expect(200).json();
        assert_eq!(shown["domains"], json!(["second.test"]), "what was set is forgotten");
        app.put(&scene.owner, &scene.path(), json!({"force_authn": false, "name": "Second"})).await.expect(200);
        let newcomer = async |at: &Value| {
            let path = format!("/saml/acme/login?provider={}", at["id"].as_str().expect("an id"));
            let flow = Flow::begin_at(&app, &path).await;
            flow.deliver(&flow.response("bea@second.test", &OTHER)).await;
            flow.who().await.is_some()
        };
        assert!(!newcomer(&scene.second).await, "somebody new came by a domain that isn't verified");
        signed_in_at_second(&app, &scene.second).await;
        trust_second_domain(&app).await;
        assert!(newcomer(&scene.second).await, "it counts again");
    }

    /// Operators have the same choices, one of them at a time.
    async fn the_command_line_has_the_choices(database: Database) {
        let home = Home::new(database);
        let cli = home.cli();
        let run = |arguments: &[&str]| cli.run(&[arguments, &["--workspace", "acme", "--output", "json"]].concat());
        let file = crate::support::saml::material().join("idp-metadata.xml").display().to_string();
        let file = file.as_str();
        let import = ["saml", "import", "--metadata", file];
        run(&import).succeeded();
        let same = run(&[&import[..], &["--log-out-affected"]].concat()).succeeded().json();
        assert!(same["receipt"].is_null(), "{same}");
        for refused in [
            &["saml", "import"][..],
            &["saml", "import", "--metadata", file, "--metadata-url", "https://idp.corp.test/"],
            &["saml", "import", "--metadata-url", "http://idp.corp.test/"],
            &["saml", "disable", "--log-out-affected", "--log-all-users-out"],
            &["saml", "disable", "--keep-sessions", "--log-out-affected"],
        ] {
            run(refused).refused();
        }
        let off = run(&["saml", "disable", "--log-out-affected"]).succeeded().json();
        assert_eq!((&off["receipt"]["scope"], &off["receipt"]["sessions"]), (&json!("selection"), &json!(0)), "{off}");
    }
}

/// Several servers: what a change ends, none accepts when it was answered; what it leaves, all accept.
#[tokio::test(flavor = "multi_thread")]
async fn no_replica_accepts_what_a_change_affected() {
    let app = TestApp::on(Database::Postgres).await;
    let beside = app.beside().await;
    let mut scene = Scene::set(&app).await;
    for round in 0..3 {
        for token in [&scene.owner, &scene.ada, &scene.mallory, &scene.ana] {
            for _ in 0..2 {
                app.verdict(token).await.expect(200);
                beside.verdict(token).await.expect(200);
            }
        }
        assert!(beside.remembered() > 0);
        let off = Kind::Put(json!({"enabled": false}));
        off.make(&app, &scene, "log_out_affected", false).await;
        for (token, status) in [(&scene.ana, 401), (&scene.ada, 200), (&scene.mallory, 200), (&scene.owner, 200)] {
            let (here, there) = tokio::join!(app.verdict(token), beside.verdict(token));
            assert_eq!((here.status, there.status), (status, status), "round {round}");
        }
        scene.renew(&app).await;
        scene.ana = signed_in_at_second(&app, &scene.second).await;
    }
    beside.stop().await;
}
