//! Several identity providers in a workspace: who is sent where, whose answer counts, what an administrator may set.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::cli::rows;
use crate::support::pages::Visitor;
use crate::support::saml::{
    Flow, OTHER, PROVIDERS, USER, add_provider, material, metadata, other_metadata, sign_in, trust_second_domain,
};
use crate::support::{Database, Home, OTHER_OWNER, OWNER, Reply, TestApp, send};

const SAML: &str = "/api/v1/security/saml";
const FIRST_ADDRESS: &str = "http://127.0.0.1:9999/sso";
const SECOND_ADDRESS: &str = "http://127.0.0.1:9998/sso";

/// Two providers of `acme`, and its owner's token.
struct Pair {
    owner: String,
    /// Serves `corp.test`; the older one.
    first: Value,
    /// Serves `second.test`.
    second: Value,
}

async fn pair(app: &TestApp) -> Pair {
    let owner = app.owner_token().await;
    trust_second_domain(app).await;
    let first = json!({"metadata_xml": metadata(), "name": "First", "domains": ["corp.test"]});
    let first = add_provider(app, &owner, first).await;
    let second = json!({"metadata_xml": second_metadata(), "name": "Second", "domains": ["second.test"]});
    let second = add_provider(app, &owner, second).await;
    Pair { owner, first, second }
}

/// The other identity provider, at an address of its own.
fn second_metadata() -> String {
    other_metadata().replace(FIRST_ADDRESS, SECOND_ADDRESS)
}

fn id(provider: &Value) -> &str {
    provider["id"].as_str().expect("a provider has an id")
}

fn path(provider: &Value) -> String {
    format!("{PROVIDERS}/{}", id(provider))
}

fn login(provider: &Value) -> String {
    format!("/saml/acme/login?provider={}", id(provider))
}

/// Where a browser is sent that opens a path.
async fn sent_to(app: &TestApp, path: &str) -> String {
    let reply = send(app.request(Method::GET, path)).await.expect(303);
    let location = reply.header("location").expect("a redirect says where to");
    location.split('?').next().unwrap_or_default().to_owned()
}

/// Nobody was signed in by this answer.
#[track_caller]
fn refused(reply: &Reply) {
    assert!((400..500).contains(&reply.status), "a response was answered {}: {}", reply.status, reply.text);
    assert!(reply.set_cookies().iter().all(|cookie| !cookie.contains("cfs_")), "a refusal sets a session");
}

async fn refusals(app: &TestApp, owner: &str) -> Vec<Value> {
    let entries = app.all_items(owner, "/api/v1/audit?action=login.saml_refused").await;
    entries.into_iter().map(|entry| entry["details"]["check"].clone()).collect()
}

on_both_databases! {
    /// Each vouches for people of the domains that it serves, and for nobody else who is not known by it already.
    async fn each_provider_signs_in_its_own_people(app: TestApp) {
        let pair = pair(&app).await;
        let known = app.provision("known").await;
        let ana = Flow::begin_at(&app, "/saml/acme/login?email=ana%40second.test").await;
        ana.deliver(&ana.response("ana@second.test", &OTHER)).await;
        assert_eq!(ana.who().await.expect("signed in")["user"]["email"], "ana@second.test");
        sign_in(&app, USER).await;
        for foreign in ["eve@corp.test", known.email.as_str()] {
            let flow = Flow::begin_at(&app, &login(&pair.second)).await;
            refused(&flow.deliver(&flow.response(foreign, &OTHER)).await);
            assert!(flow.who().await.is_none(), "the second provider vouched for {foreign}");
        }
        assert!(refusals(&app, &pair.owner).await.contains(&json!("user.domain")));
        // One that names no domain serves those that no other names.
        app.put(&pair.owner, &path(&pair.first), json!({"domains": []})).await.expect(200);
        let flow = Flow::begin_at(&app, &login(&pair.first)).await;
        refused(&flow.deliver(&flow.response("bea@second.test", &[])).await);
        sign_in(&app, &known.email).await;
    }

    /// By what is asked for, else by the address's domain, else the oldest that is on.
    async fn everybody_is_sent_to_their_own_provider(app: TestApp) {
        let pair = pair(&app).await;
        let second = id(&pair.second);
        for (query, address) in [
            (String::new(), FIRST_ADDRESS),
            ("?email=ana%40corp.test".to_owned(), FIRST_ADDRESS),
            ("?email=ana%40SECOND.test".to_owned(), SECOND_ADDRESS),
            ("?email=ana%40elsewhere.test".to_owned(), FIRST_ADDRESS),
            ("?email=nonsense".to_owned(), FIRST_ADDRESS),
            ("?provider=".to_owned(), FIRST_ADDRESS),
            ("?provider=&email=ana%40second.test".to_owned(), SECOND_ADDRESS),
            (format!("?provider={second}"), SECOND_ADDRESS),
            (format!("?provider={second}&email=ana%40corp.test"), SECOND_ADDRESS),
        ] {
            assert_eq!(sent_to(&app, &format!("/saml/acme/login{query}")).await, address, "{query}");
        }
        Flow::of_test_with(&app, &pair.owner, &json!({"provider_id": ""})).await;
        send(app.request(Method::GET, "/saml/acme/login?provider=nobody")).await.expect(404);
        app.put(&pair.owner, &path(&pair.first), json!({"enabled": false})).await.expect(200);
        send(app.request(Method::GET, &login(&pair.first))).await.expect(404);
        assert_eq!(sent_to(&app, "/saml/acme/login").await, SECOND_ADDRESS);
        let shown = app.get(&pair.owner, SAML).await.expect(200).json();
        assert_eq!((&shown["entity_id"], &shown["enabled"]), (&pair.second["entity_id"], &json!(true)));
        app.put(&pair.owner, &path(&pair.second), json!({"enabled": false})).await.expect(200);
        send(app.request(Method::GET, "/saml/acme/login")).await.expect(404);
    }

    /// The sign-in page asks for the address first, and offers the provider of its domain.
    async fn the_sign_in_page_picks_the_provider(app: TestApp) {
        let pair = pair(&app).await;
        let visitor = Visitor::new(&app);
        for (email, provider) in [
            ("ana@corp.test", Some(&pair.first)),
            ("ana@second.test", Some(&pair.second)),
            ("ana@elsewhere.test", None),
        ] {
            let form = visitor.visit("/login?workspace=acme").await.form("/login").fill("email", email);
            let page = visitor.submit(&form).await;
            match provider {
                Some(provider) => page.says(&login(provider)),
                None => assert!(!page.reply.text.contains("/saml/acme/login"), "{}", page.reply.text),
            }
        }
        app.put(&pair.owner, &path(&pair.second), json!({"enabled": false})).await.expect(200);
        let form = visitor.visit("/login?workspace=acme").await.form("/login").fill("email", "ana@second.test");
        let page = visitor.submit(&form).await;
        assert!(!page.reply.text.contains("/saml/acme/login"), "a provider that is off is offered");
    }

    /// A sign-in is answered by the provider that it was sent to, whatever the other one says.
    async fn another_providers_answer_is_refused(app: TestApp) {
        let pair = pair(&app).await;
        for (provider, user, more) in [
            (&pair.first, "ana@second.test", &OTHER[..]),
            (&pair.second, USER, &OTHER[..0]),
            (&pair.first, USER, &OTHER[..2]),
            (&pair.first, USER, &OTHER[2..]),
        ] {
            let flow = Flow::begin_at(&app, &login(provider)).await;
            refused(&flow.deliver(&flow.response(user, more)).await);
            assert!(flow.who().await.is_none(), "{more:?} signed in {user}");
        }
        assert_eq!(refusals(&app, &pair.owner).await.len(), 4);
    }

    /// What was changed between request and response vouches for nobody, even if it is changed back; the other one does.
    async fn a_provider_that_changed_in_between_is_refused(app: TestApp) {
        let pair = pair(&app).await;
        let second = path(&pair.second);
        let unharmed = Flow::begin_at(&app, &login(&pair.first)).await;
        for change in [json!({"enabled": false}), json!({"force_authn": true}), json!({"name": "Renamed"})] {
            app.put(&pair.owner, &second, json!({"enabled": true})).await.expect(200);
            let flow = Flow::begin_at(&app, &login(&pair.second)).await;
            let response = flow.response("ana@second.test", &OTHER);
            app.put(&pair.owner, &second, change.clone()).await.expect(200);
            refused(&flow.deliver(&response).await);
            app.put(&pair.owner, &second, json!({"enabled": true, "force_authn": false})).await.expect(200);
            refused(&flow.deliver(&response).await);
            assert!(flow.who().await.is_none(), "{change}");
        }
        let flow = Flow::begin_at(&app, &login(&pair.second)).await;
        app.delete(&pair.owner, &second).await.expect(200);
        refused(&flow.deliver(&flow.response("ana@second.test", &OTHER)).await);
        assert!(flow.who().await.is_none());
        let checks = refusals(&app, &pair.owner).await;
        assert!(checks.len() == 7 && checks.iter().all(|check| check == "flow.provider-changed"), "{checks:?}");
        unharmed.deliver(&unharmed.response(USER, &[])).await;
        assert!(unharmed.who().await.is_some(), "a change of one provider spoilt a sign-in with the other");
    }

    /// Of two who change at once, the slower one is told. Nothing is changed by a change of nothing.
    async fn a_change_has_a_version(app: TestApp) {
        let pair = pair(&app).await;
        let path = path(&pair.second);
        let read = app.get(&pair.owner, &path).await.expect(200);
        let etag = read.header("etag").expect("an ETag").to_owned();
        let put = |etag: &str, body: Value| {
            send(app.request(Method::PUT, &path).bearer_auth(&pair.owner).header("if-match", etag).json(&body))
        };
        let same = put(&etag, json!({})).await.expect(200);
        assert_eq!(same.header("etag"), Some(etag.as_str()));
        let changed = put(&etag, json!({"name": "Third", "force_authn": true})).await.expect(200);
        assert_ne!(changed.header("etag"), Some(etag.as_str()));
        assert_eq!((&changed.json()["name"], &changed.json()["domains"]), (&json!("Third"), &json!(["second.test"])));
        put(&etag, json!({"name": "Fourth"})).await.expect_problem(412, "precondition-failed");
        put("\"nonsense\"", json!({"name": "Fourth"})).await.expect_field("If-Match");
        let delete = |etag: &str| {
            send(app.request(Method::DELETE, &path).bearer_auth(&pair.owner).header("if-match", etag))
        };
        delete(&etag).await.expect_problem(412, "precondition-failed");
        let now = changed.header("etag").expect("an ETag").to_owned();
        assert_eq!(delete(&now).await.expect(200).json()["deleted"], true);
        app.get(&pair.owner, &path).await.expect(404);
        let entries = app.all_items(&pair.owner, "/api/v1/audit?action=security").await;
        let of = |action: &str| entries.iter().filter(|entry| entry["action"] == action).collect::<Vec<_>>();
        let changes = of("security.saml_changed");
        assert_eq!(changes.len(), 3, "two were made, one was changed: {changes:?}");
        let mut changed = changes.iter().map(|entry| &entry["details"]["changed"]);
        let change = changed.find(|change| change["name"]["from"] == "Second").expect("the change is on record");
        assert_eq!((&change["name"]["to"], &change["force_authn"]["to"]), (&json!("Third"), &json!(true)));
        assert!(change["domains"].is_null(), "what stayed is no change: {change}");
        assert_eq!(of("security.saml_deleted").len(), 1);
    }

    /// Each setting has its bounds, and what is wrong with one is said by its name. Nothing of it is kept.
    async fn settings_have_bounds(app: TestApp) {
        let pair = pair(&app).await;
        let path = path(&pair.first);
        let before = app.get(&pair.owner, &path).await.expect(200).json();
        let repeated = |length: usize| "x".repeat(length);
        let contexts: Vec<String> = (0..11).map(|number| format!("urn:context:{number}")).collect();
        let many: Vec<Value> = (0..51).map(|number| json!({"group": number.to_string(), "role": "member"})).collect();
        for (field, body) in [
            ("name", json!({"name": ""})),
            ("name", json!({"name": repeated(101)})),
            ("name", json!({"name": "two\nlines"})),
            ("metadata_xml", json!({"metadata_xml": "<a/>"})),
            ("sso_binding", json!({"sso_binding": "soap"})),
            ("authn_contexts", json!({"authn_contexts": ["no URI"]})),
            ("authn_contexts", json!({"authn_contexts": contexts})),
            ("name_id_format", json!({"name_id_format": "urn:with space"})),
            ("name_id_format", json!({"name_id_format": format!("urn:{}", repeated(1_021))})),
            ("just_in_time", json!({"just_in_time": "yes"})),
            ("attributes.email", json!({"attributes": {"email": " "}})),
            ("attributes.groups", json!({"attributes": {"groups": repeated(257)}})),
            ("attributes.colour", json!({"attributes": {"colour": "x"}})),
            ("roles", json!({"roles": [{"group": "g", "role": "owner"}]})),
            ("roles", json!({"roles": [{"group": "g", "role": "admin"}, {"group": "g", "role": "member"}]})),
            ("roles", json!({"roles": many})),
            ("domains", json!({"domains": ["nonsense"]})),
            ("domains", json!({"domains": ["corp.test", "CORP.test"]})),
            ("domains", json!({"domains": ["unverified.test"]})),
            ("domains", json!({"domains": ["second.test"]})),
            ("enforcement", json!({"enforcement": "perhaps"})),
            ("encrypted_assertions", json!({"encrypted_assertions": "perhaps"})),
            ("sessions", json!({"force_authn": true, "sessions": "perhaps"})),
            ("reason", json!({"force_authn": true, "reason": repeated(501)})),
            ("colour", json!({"colour": "x"})),
        ] {
            app.put(&pair.owner, &path, body).await.expect_field(field);
        }
        app.post(&pair.owner, PROVIDERS, json!({"name": "No metadata"})).await.expect_field("metadata_xml");
        assert_eq!(app.get(&pair.owner, &path).await.expect(200).json(), before);
        let all = json!({
            "name": "Everything", "sso_binding": "redirect", "sign_requests": false, "force_authn": true,
            "authn_contexts": ["urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport"],
            "name_id_format": "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent", "idp_initiated": true,
            "just_in_time": false, "link_existing": false, "domains": ["corp.test"], "enforcement": "optional",
            "attributes":
                {"email": "mail", "display_name": "cn", "given_name": null, "family_name": null, "groups": "roles"},
            "roles": [{"group": "Staff", "role": "member"}, {"group": "IT", "role": "admin"}],
            "encrypted_assertions": "optional", "single_logout": true,
        });
        app.put(&pair.owner, &path, all.clone()).await.expect(200);
        let after = app.get(&pair.owner, &path).await.expect(200).json();
        for (name, value) in all.as_object().expect("an object") {
            assert_eq!(&after[name], value, "{name}");
        }
        let cleared = json!({"just_in_time": null, "name_id_format": null, "roles": []});
        app.put(&pair.owner, &path, cleared).await.expect(200);
        let after = app.get(&pair.owner, &path).await.expect(200).json();
        assert_eq!((&after["just_in_time"], &after["name_id_format"]), (&Value::Null, &Value::Null));
        assert_eq!((&after["roles"], &after["attributes"]["email"]), (&json!([]), &json!("mail")));
    }

    /// An entity id, a name and a domain belong to one provider of the workspace.
    async fn what_tells_providers_apart_is_there_once(app: TestApp) {
        let pair = pair(&app).await;
        let conflict = |reply: Reply, field: &str| {
            assert_eq!(reply.expect_problem(409, "conflict")["field"], field);
        };
        let again = json!({"metadata_xml": metadata(), "name": "Again"});
        conflict(app.post(&pair.owner, PROVIDERS, again.clone()).await, "metadata_xml");
        conflict(app.put(&pair.owner, &path(&pair.second), json!({"metadata_xml": metadata()})).await, "metadata_xml");
        conflict(app.put(&pair.owner, &path(&pair.second), json!({"name": "FIRST"})).await, "name");
        let mut dry = again;
        dry["dry_run"] = true.into();
        conflict(app.post(&pair.owner, PROVIDERS, dry).await, "metadata_xml");
        let listed = app.get(&pair.owner, PROVIDERS).await.expect(200).json();
        let names: Vec<&Value> = listed["items"].as_array().expect("a list").iter().map(|item| &item["name"]).collect();
        assert_eq!(names, ["First", "Second"]);
        // Where none is named, the metadata says which one is meant.
        let named_by_metadata = json!({"metadata_xml": second_metadata(), "encrypted_assertions": "required"});
        let set = app.put(&pair.owner, SAML, named_by_metadata).await.expect(200).json();
        assert_eq!((&set["entity_id"], &set["encrypted_assertions"]), (&pair.second["entity_id"], &json!("required")));
        let first = app.get(&pair.owner, &path(&pair.first)).await.expect(200).json();
        assert_eq!((&first["entity_id"], &first["encrypted_assertions"]), (&pair.first["entity_id"], &json!("optional")));
        let is_default = |number: usize| listed["items"][number]["is_default"] == true;
        assert!(is_default(0) && !is_default(1));
    }

    /// Twenty are enough for anybody.
    async fn a_workspace_has_twenty_providers(app: TestApp) {
        let owner = app.owner_token().await;
        let body = |number: usize| {
            let entity = format!("127.0.0.1:9999/idp{number}");
            json!({"metadata_xml": metadata().replace("127.0.0.1:9999/idp", &entity)})
        };
        for number in 0..20 {
            add_provider(&app, &owner, body(number)).await;
        }
        app.post(&owner, PROVIDERS, body(20)).await.expect_problem(409, "conflict");
        let listed = app.get(&owner, PROVIDERS).await.expect(200).json();
        assert_eq!(listed["items"].as_array().map(Vec::len), Some(20));
    }

    /// Another workspace's providers are not there: not to see, not to change, not to sign in with.
    async fn workspaces_have_their_own(app: TestApp) {
        let pair = pair(&app).await;
        let stranger = app.sign_in_to("globex", OTHER_OWNER).await;
        let path = path(&pair.first);
        assert_eq!(app.get(&stranger, PROVIDERS).await.expect(200).json()["items"], json!([]));
        app.get(&stranger, &path).await.expect_problem(404, "not-found");
        app.put(&stranger, &path, json!({"enabled": false})).await.expect_problem(404, "not-found");
        app.delete(&stranger, &path).await.expect_problem(404, "not-found");
        let claim = json!({"metadata_xml": metadata(), "domains": ["corp.test"]});
        app.post(&stranger, PROVIDERS, claim).await.expect_field("domains");
        let own = add_provider(&app, &stranger, json!({"metadata_xml": metadata(), "name": "First"})).await;
        assert_ne!(own["id"], pair.first["id"], "the same identity provider is another one in another workspace");
        send(app.request(Method::GET, &format!("/saml/globex/login?provider={}", id(&pair.first)))).await.expect(404);
        app.delete(&stranger, &format!("{PROVIDERS}/{}", id(&own))).await.expect(200);
        sign_in(&app, USER).await;
    }

    /// Whoever may set up SAML must not become an owner by it: not by metadata, and not by which attribute is an address.
    async fn an_owner_signs_in_by_what_an_owner_set(app: TestApp) {
        let pair = pair(&app).await;
        let admin = app.provision_admin("ada").await;
        let (owner, admin) = (pair.owner.as_str(), app.sign_in(&admin.email).await);
        let path = path(&pair.first);
        let vouched_for = async |token: &str, change: Value| {
            app.put(token, &path, change).await.expect(200).json()["owners_may_sign_in"] == true
        };
        assert!(vouched_for(owner, json!({})).await);
        assert!(vouched_for(&admin, json!({"name": "Renamed"})).await);
        assert!(vouched_for(&admin, json!({"enabled": false})).await);
        assert!(!vouched_for(&admin, json!({"enabled": true})).await, "what an owner switched off came back as theirs");
        assert!(!vouched_for(owner, json!({"force_authn": true})).await, "an owner did not look at it as a whole");
        assert!(vouched_for(owner, json!({"metadata_xml": metadata()})).await);
        assert!(!vouched_for(&admin, json!({"attributes": {"email": "alias"}})).await);
        assert!(!vouched_for(owner, json!({"metadata_xml": metadata()})).await, "the attribute is not the owner's");
        let flow = Flow::begin_at(&app, &login(&pair.first)).await;
        refused(&flow.deliver(&flow.response(OWNER, &[])).await);
        assert!(flow.who().await.is_none());
        assert!(vouched_for(owner, json!({"metadata_xml": metadata(), "attributes": {}})).await);
        let flow = Flow::begin_at(&app, &login(&pair.first)).await;
        flow.deliver(&flow.response(OWNER, &[])).await;
        assert_eq!(flow.who().await.expect("signed in")["user"]["role"], "owner");
    }

    /// A change of any provider can log everybody out; what would happen is said beforehand.
    async fn a_change_says_what_becomes_of_sessions(app: TestApp) {
        let pair = pair(&app).await;
        let (other, path) = (app.owner_token().await, path(&pair.second));
        let mut change = json!({"force_authn": true, "sessions": "log_all_users_out", "reason": "A new rule"});
        change["dry_run"] = true.into();
        let dry = app.put(&pair.owner, &path, change.clone()).await.expect(200).json();
        assert_eq!((&dry["dry_run"], &dry["would_end_sessions"]), (&json!(true), &json!(1)));
        assert_eq!(dry["force_authn"], true, "a dry run shows what would be");
        assert_eq!(app.get(&pair.owner, &path).await.expect(200).json()["force_authn"], false, "a dry run was saved");
        assert!(app.is_live(&other).await);
        change["dry_run"] = false.into();
        let answer = app.put(&pair.owner, &path, change).await.expect(200).json();
        assert_eq!(answer["receipt"]["trigger"], "saml_change", "{answer}");
        assert!(app.is_live(&pair.owner).await && !app.is_live(&other).await);
        app.set_policy(&pair.owner, json!({"on_saml_change": "log_all_users_out"})).await.expect(200);
        let other = app.owner_token().await;
        app.put(&pair.owner, &path, json!({"force_authn": true})).await.expect(200);
        assert!(app.is_live(&other).await, "nothing was changed");
        app.delete(&pair.owner, &format!("{path}?sessions=keep")).await.expect(200);
        assert!(app.is_live(&other).await);
        app.delete(&pair.owner, &self::path(&pair.first)).await.expect(200);
        assert!(!app.is_live(&other).await, "a deleted provider is a change of SAML");
    }

    /// Who is new, and who is known by address only: the provider's own word comes before the policy's.
    async fn a_provider_says_whom_it_takes(app: TestApp) {
        let pair = pair(&app).await;
        let (owner, path, known) = (&pair.owner, path(&pair.first), app.provision("known").await);
        let attempt = async |user: &str| {
            let flow = Flow::begin(&app).await;
            flow.deliver(&flow.response(user, &[])).await;
            flow.who().await.is_some()
        };
        app.put(owner, &path, json!({"just_in_time": false, "link_existing": false})).await.expect(200);
        assert!(!attempt("one@corp.test").await && !attempt(&known.email).await);
        assert!(refusals(&app, owner).await.contains(&json!("user.not-linked")));
        app.set_policy(owner, json!({"just_in_time_users": false})).await.expect(200);
        app.put(owner, &path, json!({"just_in_time": true, "link_existing": true})).await.expect(200);
        assert!(attempt("one@corp.test").await && attempt(&known.email).await);
        app.put(owner, &path, json!({"just_in_time": null, "link_existing": false})).await.expect(200);
        assert!(!attempt("two@corp.test").await, "the policy creates nobody");
        assert!(attempt(&known.email).await, "who is linked stays linked");
    }

    /// An administrator who came by a provider can't switch that one off, but another one.
    async fn nobody_switches_off_what_they_came_by(app: TestApp) {
        let pair = pair(&app).await;
        let admin = app.provision_admin("ada").await;
        let flow = sign_in(&app, &admin.email).await;
        let ask = |method: Method, path: String| {
            flow.client.request(method, app.url(&path)).header("origin", &app.base)
        };
        let first = path(&pair.first);
        let off = ask(Method::PUT, first.clone()).json(&json!({"enabled": false}));
        send(off).await.expect_problem(409, "would-lock-out-caller");
        send(ask(Method::DELETE, first.clone())).await.expect_problem(409, "would-lock-out-caller");
        send(ask(Method::DELETE, path(&pair.second))).await.expect(200);
        send(ask(Method::DELETE, SAML.to_owned())).await.expect_problem(409, "would-lock-out-caller");
        app.delete(&pair.owner, &first).await.expect(200);
    }

    /// Of several one has to be named to be switched off: else a second request would switch off the next one.
    async fn of_several_one_is_named_to_be_switched_off(app: TestApp) {
        let visitor = Visitor::signed_in(&app, OWNER).await;
        let pair = pair(&app).await;
        for path in [SAML.to_owned(), format!("{SAML}?dry_run=true")] {
            assert_eq!(app.delete(&pair.owner, &path).await.expect_problem(409, "conflict")["field"], "provider");
        }
        let off = format!("/console/security/saml/providers/{}/off", id(&pair.first));
        visitor.visit("/console/security").await.says(&off);
        let asked = visitor.visit(&off).await;
        asked.says("Switch off First?");
        for _ in 0..2 {
            visitor.submit(&asked.form(&off)).await;
            let listed = app.get(&pair.owner, PROVIDERS).await.expect(200).json();
            let on: Vec<bool> = (0..2).map(|number| listed["items"][number]["enabled"] == true).collect();
            assert_eq!(on, [false, true]);
        }
        app.delete(&pair.owner, SAML).await.expect(200);
        app.delete(&pair.owner, SAML).await.expect_problem(404, "not-found");
    }

    /// Who was linked by the word of a provider that no owner stood behind is nobody's word once an owner does: links begin anew, by
    /// the address.
    async fn links_of_before_are_dropped_when_an_owner_vouches(app: TestApp) {
        let owner = app.owner_token().await;
        let admin = app.sign_in(&app.provision_admin("ada").await.email).await;
        let dropped = async || {
            let entries = app.all_items(&owner, "/api/v1/audit?action=security.saml_changed").await;
            entries[0]["details"]["links_dropped"].clone()
        };
        let made = add_provider(&app, &admin, json!({"metadata_xml": metadata(), "name": "IdP"})).await;
        assert_eq!((&made["owners_may_sign_in"], dropped().await), (&json!(false), Value::Null));
        sign_in(&app, USER).await;
        // Somebody who is gone: that they were here is remembered.
        sign_in(&app, "gone@corp.test").await;
        app.sql("UPDATE users SET state = 'deleted' WHERE user_name = 'gone@corp.test'").await;
        let vouch = json!({"metadata_xml": metadata()});
        app.put(&owner, &path(&made), vouch.clone()).await.expect(200);
        assert_eq!(dropped().await, 1);
        sign_in(&app, USER).await;
        app.put(&owner, &path(&made), json!({"metadata_xml": metadata(), "force_authn": true})).await.expect(200);
        assert_eq!(dropped().await, Value::Null, "an owner stood behind it already");
        app.delete(&owner, &path(&made)).await.expect(200);
        add_provider(&app, &owner, json!({"metadata_xml": metadata(), "name": "Again"})).await;
        assert_eq!(dropped().await, 1);
        sign_in(&app, USER).await;
    }

    /// Operators name a provider by its name or id, and without either mean the oldest. To switch off they have to name one of several.
    async fn the_command_line_knows_several(database: Database) {
        let home = Home::new(database);
        let cli = home.cli();
        let run = |arguments: &[&str]| cli.run(&[arguments, &["--workspace", "acme", "--output", "json"]].concat());
        let file = |name: &str| material().join(name).display().to_string();
        let (first, second) = (file("idp-metadata.xml"), file("other-idp-metadata.xml"));
        run(&["saml", "import", "--metadata", &first]).succeeded();
        let made = run(&["saml", "import", "--provider", "Second", "--metadata", &second]).succeeded().json();
        let again = run(&["saml", "import", "--provider", "second", "--metadata", &second]).succeeded().json();
        assert_eq!(made["id"], again["id"], "a name is the same whatever its case");
        let listed = rows(&run(&["saml", "list"]).succeeded().json());
        let names: Vec<&Value> = listed.iter().map(|row| &row["name"]).collect();
        assert_eq!(names, ["http://127.0.0.1:9999/idp", "Second"]);
        let shown = |arguments: &[&str]| run(&[&["saml", "show"][..], arguments].concat()).succeeded().json();
        assert_eq!(shown(&["--provider", "SECOND"])["entity_id"], "http://127.0.0.1:9998/idp");
        run(&["saml", "disable"]).refused();
        run(&["saml", "disable", "--provider", made["id"].as_str().expect("an id")]).succeeded();
        assert_eq!(shown(&["--provider", "Second"])["enabled"], false);
        assert_eq!(shown(&[])["enabled"], true, "the default one is the oldest that is on");
        run(&["saml", "show", "--provider", "nobody"]).refused();
        run(&["saml", "disable", "--provider", "nobody"]).refused();
        run(&["saml", "disable", "--provider", "Second"]).refused();
        run(&["saml", "import", "--provider", "Third", "--metadata", &first]).refused();
        let outcome = cli.run(&["saml", "list", "--workspace", "acme"]).succeeded();
        assert!(outcome.stdout.contains("Second") && outcome.stdout.contains("off"), "{}", outcome.stdout);
    }
}
