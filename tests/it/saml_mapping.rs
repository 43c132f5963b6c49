//! What an identity provider says of a person: under which attributes, which role their groups give, and who is meant by an
//! address. What is tried before it is saved.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::people::okta_user;
use crate::support::saml::{Flow, PROVIDERS, USER, add_provider, encryption_certificates, metadata, other_metadata};
use crate::support::{OWNER, PASSWORD, TestApp};

const ATTEMPTS: &str = "/api/v1/security/saml/attempts";

/// The identity provider of `acme` with these settings; gives the owner's token and the provider's path.
async fn provider(app: &TestApp, settings: Value) -> (String, String) {
    let owner = app.owner_token().await;
    let mut body = json!({"metadata_xml": metadata(), "name": "IdP"});
    for (name, value) in settings.as_object().expect("an object") {
        body[name] = value.clone();
    }
    let made = add_provider(app, &owner, body).await;
    (owner, format!("{PROVIDERS}/{}", made["id"].as_str().expect("an id")))
}

/// Comes back from the identity provider with these attributes.
async fn arrive(app: &TestApp, user: &str, attributes: &[&str]) -> Flow {
    app.advance(1);
    let flow = Flow::begin(app).await;
    let more: Vec<&str> = attributes.iter().flat_map(|attribute| ["--attribute", *attribute]).collect();
    flow.deliver(&flow.response(user, &more)).await;
    flow
}

/// Who that is here.
async fn who(app: &TestApp, user: &str, attributes: &[&str]) -> Value {
    let flow = arrive(app, user, attributes).await;
    flow.who().await.unwrap_or_else(|| panic!("{user} was not signed in with {attributes:?}"))["user"].clone()
}

/// Why the newest attempt was refused.
async fn refused_check(app: &TestApp, owner: &str) -> Value {
    app.all_items(owner, ATTEMPTS).await.first().expect("an attempt")["refused_check"].clone()
}

async fn newest(app: &TestApp, owner: &str) -> Value {
    let all = app.all_items(owner, ATTEMPTS).await;
    let id = all.first().expect("an attempt")["id"].as_str().expect("an id").to_owned();
    app.get(owner, &format!("{ATTEMPTS}/{id}")).await.expect(200).json()
}

fn staff_and_it() -> Value {
    json!([{"group": "Staff", "role": "member"}, {"group": "IT", "role": "admin"}])
}

on_both_databases! {
    /// What was set counts, whatever its case, and nothing takes its place: not the usual attribute, and not the NameID.
    async fn attributes_that_were_set_count(app: TestApp) {
        let attributes = json!({"email": "MAIL2", "display_name": "nick", "groups": "teams"});
        let (owner, _) = provider(&app, json!({"attributes": attributes, "roles": staff_and_it()})).await;
        let all = ["mail2=own@corp.test", "Nick=Ana of Own", "displayName=Usual", "groups=Staff", "teams=IT"];
        let user = who(&app, USER, &all).await;
        assert_eq!((&user["email"], &user["display_name"]), (&json!("own@corp.test"), &json!("Ana of Own")));
        assert_eq!(user["role"], "admin");
        let attempt = newest(&app, &owner).await;
        assert_eq!((&attempt["person"]["role_by_groups"], &attempt["person"]["groups"]), (&json!("admin"), &json!(1)));
        assert!(!attempt.to_string().contains("Ana of Own") && !attempt.to_string().contains("own@corp.test"));
        let flow = arrive(&app, "other@corp.test", &["displayName=Usual"]).await;
        assert!(flow.who().await.is_none(), "the NameID took the place of the attribute that was set");
        assert_eq!(refused_check(&app, &owner).await, "user.no-email");
    }

    /// A new name or address at the identity provider is one here from the next sign-in on, and on record.
    async fn name_and_address_follow(app: TestApp) {
        let (owner, _) = provider(&app, json!({"attributes": {"email": "mail"}})).await;
        let taken = app.provision("taken").await;
        let first = who(&app, USER, &["mail=one@corp.test", "displayName=Ana One"]).await;
        let again = who(&app, USER, &["mail=two@corp.test", "displayName=Ana Two"]).await;
        assert_eq!(again["id"], first["id"]);
        assert_eq!((&again["email"], &again["user_name"]), (&json!("two@corp.test"), &json!("two@corp.test")));
        assert_eq!(again["display_name"], "Ana Two");
        let told = app.told("user.updated", first["id"].as_str().expect("an id")).await;
        assert_eq!((told.len(), &told[0]["actor"]["kind"]), (1, &json!("system")), "{told:?}");
        assert_eq!(told[0]["details"]["changed"], json!(["user_name", "email", "display_name"]));
        who(&app, USER, &["mail=two@corp.test", "displayName=Ana Two"]).await;
        assert_eq!(app.told("user.updated", first["id"].as_str().expect("an id")).await.len(), 1, "nothing was changed");
        let newcomer = who(&app, "new@corp.test", &["mail=one@corp.test"]).await;
        assert_ne!(newcomer["id"], first["id"], "whoever gets an address that somebody left is somebody else");
        for not_theirs in ["taken@corp.test", "ana@elsewhere.test", "no address"] {
            let user = who(&app, USER, &[&format!("mail={not_theirs}")]).await;
            assert_eq!((&user["email"], &user["id"]), (&json!("two@corp.test"), &first["id"]), "{not_theirs}");
        }
        let kept = who(&app, "taken@corp.test", &["mail=taken@corp.test", "displayName=Changed"]).await;
        assert_eq!((&kept["id"], &kept["display_name"]), (&json!(taken.id), &json!("Test User")), "SCIM keeps this one");
        app.get(&owner, "/api/v1/session").await.expect(200);
    }

    /// The highest role of the groups, from the next sign-in on, for every session; what was given by hand stays.
    async fn groups_give_roles(app: TestApp) {
        let (owner, path) = provider(&app, json!({"roles": staff_and_it()})).await;
        let role = async |groups: &[&str]| who(&app, USER, groups).await["role"].clone();
        let first = arrive(&app, USER, &["groups=IT", "groups=Other"]).await;
        let user = first.who().await.expect("signed in")["user"].clone();
        assert_eq!((&user["role"], &user["source"]), (&json!("admin"), &json!("saml")), "a newcomer has it at once");
        assert_eq!(role(&["groups=Staff"]).await, "member");
        assert_eq!(first.who().await.expect("a session")["user"]["role"], "member", "older sessions have the new role");
        assert_eq!(role(&["groups=Staff", "groups=IT"]).await, "admin");
        for none in [&["groups=it"][..], &["department=IT"]] {
            assert_eq!(role(none).await, "member", "{none:?}: what the provider gave goes with its group");
            assert_eq!(role(&["groups=IT"]).await, "admin");
        }
        assert_eq!(role(&[]).await, "member");
        let id = user["id"].as_str().expect("an id").to_owned();
        app.patch(&owner, &format!("/api/v1/users/{id}"), json!({"role": "admin"})).await.expect(200);
        assert_eq!(role(&[]).await, "admin", "what somebody gave by hand was taken");
        assert_eq!(role(&["groups=IT"]).await, "admin");
        assert_eq!(role(&[]).await, "admin", "a group that gave nothing new took something");
        assert_eq!(role(&["groups=Staff"]).await, "member");
        app.put(&owner, &path, json!({"roles": []})).await.expect(200);
        assert_eq!(role(&["groups=IT"]).await, "member", "without a mapping a name gives nothing");
    }

    /// Owners stay owners, whatever their groups, and nobody becomes one.
    async fn an_owner_stays_one(app: TestApp) {
        let (owner, path) = provider(&app, json!({"roles": staff_and_it()})).await;
        assert_eq!(who(&app, OWNER, &["groups=Staff"]).await["role"], "owner");
        assert_eq!(who(&app, OWNER, &[]).await["role"], "owner");
        app.put(&owner, &path, json!({"roles": [{"group": "x", "role": "owner"}]})).await.expect_field("roles");
        assert_eq!(who(&app, USER, &["groups=owner", "role=owner"]).await["role"], "member");
    }

    /// Which groups make administrators is an owner's word. Everything else of the mapping an administrator may change.
    async fn only_an_owner_lets_groups_make_administrators(app: TestApp) {
        let (owner, path) = provider(&app, json!({})).await;
        let admin = app.sign_in(&app.provision_admin("ada").await.email).await;
        let refused = app.put(&admin, &path, json!({"roles": staff_and_it()})).await.expect_problem(403, "forbidden");
        assert_eq!(refused["field"], "roles");
        app.put(&admin, &path, json!({"roles": staff_and_it(), "dry_run": true})).await.expect_problem(403, "forbidden");
        app.put(&admin, &path, json!({"roles": [{"group": "IT", "role": "member"}]})).await.expect(200);
        app.put(&admin, &path, json!({"roles": [{"group": "IT", "role": "admin"}]})).await.expect_problem(403, "forbidden");
        app.put(&owner, &path, json!({"roles": staff_and_it()})).await.expect(200);
        app.put(&admin, &path, json!({"roles": staff_and_it(), "force_authn": true})).await.expect(200);
        app.put(&admin, &path, json!({"roles": [], "force_authn": false})).await.expect(200);
        app.put(&admin, &path, json!({"roles": staff_and_it()})).await.expect_problem(403, "forbidden");
        let new = json!({"metadata_xml": other_metadata(), "name": "Second", "roles": staff_and_it()});
        app.post(&admin, PROVIDERS, new).await.expect_problem(403, "forbidden");
    }

    /// People whom SCIM keeps have their role from here only as long as no group of SCIM's gives one.
    async fn provisioning_wins_where_it_gives_roles(app: TestApp) {
        let (owner, _) = provider(&app, json!({"roles": staff_and_it()})).await;
        let ana = app.provision("ana").await;
        let group = app.group("Everybody", &[&ana]).await;
        assert_eq!(who(&app, &ana.email, &["groups=IT"]).await["role"], "admin");
        let given = json!({"group_roles": [{"group": group, "role": "member"}]});
        app.put(&owner, "/api/v1/scim/group-roles", given).await.expect(200);
        assert_eq!(who(&app, &ana.email, &["groups=IT"]).await["role"], "member");
        assert_eq!(who(&app, USER, &["groups=IT"]).await["role"], "admin", "SCIM doesn't keep this one");
        app.put(&owner, "/api/v1/scim/group-roles", json!({"group_roles": []})).await.expect(200);
        assert_eq!(who(&app, &ana.email, &["groups=IT"]).await["role"], "admin");
    }

    /// Somebody whose user name is another is known by their address, if nobody else has it; who was removed stays away.
    async fn an_address_is_enough_if_only_one_has_it(app: TestApp) {
        let (owner, path) = provider(&app, json!({})).await;
        let provision = async |user_name: &str, email: &str| {
            let mut user = okta_user(email);
            user["userName"] = user_name.into();
            user["externalId"] = user_name.into();
            user["password"] = PASSWORD.into();
            app.scim(Method::POST, "/Users", Some(user)).await.expect(201).json()["id"].clone()
        };
        let jdoe = provision("jdoe", "jdoe@corp.test").await;
        app.put(&owner, &path, json!({"link_existing": false})).await.expect(200);
        assert!(arrive(&app, "jdoe@corp.test", &[]).await.who().await.is_none());
        assert_eq!(refused_check(&app, &owner).await, "user.not-linked");
        app.put(&owner, &path, json!({"link_existing": true})).await.expect(200);
        assert_eq!(who(&app, "JDoe@corp.test", &[]).await["id"], jdoe, "a second user was made");
        let one = provision("one", "shared@corp.test").await;
        let two = provision("two", "shared@corp.test").await;
        assert!(arrive(&app, "shared@corp.test", &[]).await.who().await.is_none());
        assert_eq!(refused_check(&app, &owner).await, "user.ambiguous");
        app.scim(Method::DELETE, &format!("/Users/{}", one.as_str().expect("an id")), None).await.expect(204);
        assert_eq!(who(&app, "shared@corp.test", &[]).await["id"], two);
        let gone = provision("gone", "gone@corp.test").await;
        app.scim(Method::DELETE, &format!("/Users/{}", gone.as_str().expect("an id")), None).await.expect(204);
        assert!(arrive(&app, "gone@corp.test", &[]).await.who().await.is_none(), "who was removed came back");
        assert_eq!(refused_check(&app, &owner).await, "user.gone");
    }

    /// A test shows what the mapping would give, and gives nothing.
    async fn a_test_shows_the_role(app: TestApp) {
        let (owner, _) = provider(&app, json!({"roles": staff_and_it()})).await;
        let ana = app.provision("ana").await;
        app.advance(1);
        let flow = Flow::of_test(&app, &owner).await;
        flow.deliver(&flow.response(&ana.email, &["--attribute", "groups=IT"])).await.expect(303);
        let person = newest(&app, &owner).await["person"].clone();
        assert_eq!((&person["role_by_groups"], &person["role"]), (&json!("admin"), &json!("admin")));
        let user = app.get(&owner, &format!("/api/v1/users/{}", ana.id)).await.expect(200).json();
        assert_eq!(user["role"], "member", "a test changed a role");
        assert!(app.told("user.updated", &ana.id).await.is_empty());
    }

    /// What a mapping gives is shown before it is saved: of what an administrator pastes, and of names that were seen.
    async fn a_mapping_can_be_tried(app: TestApp) {
        let (owner, path) = provider(&app, json!({})).await;
        let preview = format!("{path}/mapping-preview");
        let none = app.post(&owner, &preview, json!({})).await.expect(200).json();
        assert_eq!((&none["attempt"], &none["attributes_sent"]), (&Value::Null, &json!([])));
        let flow = arrive(&app, USER, &["nick=Ana Nick", "groups=IT", "groups=All"]).await;
        let response = flow.response(USER, &["--attribute", "nick=Ana Nick", "--attribute", "groups=IT"]);
        let mapping = json!({"display_name": "nick", "email": "absent"});
        let asked = json!({"attributes": mapping, "roles": staff_and_it(), "response": response});
        let shown = app.post(&owner, &preview, asked).await.expect(200).json();
        assert_eq!((&shown["name_id"], &shown["email"]), (&json!(USER), &Value::Null));
        assert_eq!((&shown["display_name"], &shown["groups"]), (&json!("Ana Nick"), &json!(["IT"])));
        assert_eq!((&shown["role_by_groups"], &shown["missing"]), (&json!("admin"), &json!(["email"])));
        let seen = app.post(&owner, &preview, json!({"attributes": {"groups": "roles"}})).await.expect(200).json();
        assert_eq!(seen["attributes_sent"], json!(["email", "nick", "groups"]));
        assert_eq!((&seen["missing"], seen["attempt"].is_string()), (&json!(["groups"]), true));
        assert!(seen["name_id"].is_null() && !seen.to_string().contains("Ana Nick"), "{seen}");
        let to = encryption_certificates(&app).await[0].clone();
        let encrypted = flow.response(USER, &["--encrypt", "aes256-gcm", "--to", &to]);
        for bad in ["%%%", "<a/>", &"A".repeat(131_073), &encrypted] {
            app.post(&owner, &preview, json!({"response": bad})).await.expect_field("response");
        }
        app.post(&owner, &preview, json!({"attributes": {"email": " "}})).await.expect_field("attributes.email");
        let member = app.sign_in(&app.provision("ana").await.email).await;
        app.post(&member, &preview, json!({})).await.expect_problem(403, "forbidden");
        app.post(&owner, &format!("{PROVIDERS}/nobody/mapping-preview"), json!({})).await.expect_problem(404, "not-found");
        let kept = app.get(&owner, &path).await.expect(200).json();
        assert_eq!((&kept["attributes"]["display_name"], &kept["roles"]), (&Value::Null, &json!([])));
    }
}
