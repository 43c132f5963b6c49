//! The mock identity provider of the demo answers like each product that docs/saml has a guide for: every shape goes the whole
//! way of a sign-in, and is what it is said to be. How a person chooses one, and what comes of a name that is none.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use curfew::saml::gate;
use reqwest::{Client, Method};
use serde_json::{Value, json};

use crate::support::demo_provider::DemoProvider;
use crate::support::forms::{Form, forms, tags};
use crate::support::http::{client, client_with_cookies};
use crate::support::saml::PROVIDERS;
use crate::support::{TestApp, send};

/// Somebody of Engineering.
const MEMBER: &str = "ada.brenninger@acme.test";
const NAMES: &[&str] = &["Everybody", "Engineering"];
const FIELD: &str = "answer_like";
const COOKIE: &str = "curfew-mock-shape";

/// What is to be seen of a shape.
struct Seen {
    name: &'static str,
    /// Whether response and assertion are signed.
    signed: (bool, bool),
    /// `None`: ids that mean nothing.
    groups: Option<&'static [&'static str]>,
    /// In the XML of no shape but a few.
    mark: &'static str,
}

const SHAPES: [Seen; 9] = [
    Seen { name: "okta", signed: (true, true), groups: Some(NAMES), mark: r#" PrefixList="xs""# },
    Seen { name: "entra-id", signed: (false, true), groups: None, mark: r#"<Signature xmlns="http://www.w3.org/"# },
    Seen { name: "google-workspace", signed: (false, true), groups: Some(NAMES), mark: r#"standalone="no"?><saml2p:"# },
    Seen {
        name: "keycloak",
        signed: (true, false),
        groups: Some(&["/Everybody", "/Engineering"]),
        mark: "<dsig:Signature ",
    },
    Seen { name: "authentik", signed: (false, true), groups: Some(NAMES), mark: "schemas.goauthentik.io" },
    Seen {
        name: "onelogin",
        signed: (false, true),
        groups: Some(&["Everybody;Engineering"]),
        mark: "SessionNotOnOrAfter=",
    },
    Seen { name: "jumpcloud", signed: (false, true), groups: Some(NAMES), mark: r#"<saml2:Attribute Name="memberOf""# },
    Seen { name: "ad-fs", signed: (false, true), groups: Some(NAMES), mark: " Consent=" },
    Seen { name: "other", signed: (false, true), groups: Some(NAMES), mark: r#"<saml:Attribute Name="displayName""# },
];

/// Begins at Curfew; gives where that sends the browser.
async fn sent_to(app: &TestApp, browser: &Client) -> String {
    let reply = send(browser.get(app.url("/saml/acme/login"))).await.expect(303);
    reply.header("location").expect("a redirect").to_owned()
}

/// The form of the identity provider's page.
async fn choice(browser: &Client, address: &str) -> Form {
    let page = send(browser.get(address)).await.expect(200);
    forms(&page.text).into_iter().next().expect("a form to choose with")
}

/// Comes from Curfew by a link that names the shape, and chooses somebody; gives the form that goes back.
async fn answer(app: &TestApp, provider: &DemoProvider, browser: &Client, shape: &str) -> Form {
    let form = choice(browser, &format!("{}&{FIELD}={shape}", sent_to(app, browser).await)).await;
    assert_eq!(form.value(FIELD), Some(shape), "the link chose it");
    let mut fields = form.pairs();
    fields.push(("person", MEMBER));
    let reply = send(browser.request(Method::POST, provider.url("/sso")).form(&fields)).await.expect(200);
    let kept = format!("{COOKIE}={shape};");
    assert!(reply.set_cookies().iter().any(|cookie| cookie.starts_with(&kept)), "{:?}", reply.set_cookies());
    forms(&reply.text).into_iter().next().expect("a form that goes back")
}

fn inspect(seen: &Seen, response: &str) {
    let xml = STANDARD.decode(response).expect("base64");
    let envelope = gate::admit(&xml).unwrap_or_else(|refusal| panic!("{}: {refusal}", seen.name));
    assert_eq!((envelope.response_signed, envelope.assertion_signed), seen.signed, "{}", seen.name);
    let xml = String::from_utf8(xml).expect("UTF-8");
    assert!(xml.contains(seen.mark), "{} has no {}: {xml}", seen.name, seen.mark);
}

/// What the provider's usual mapping makes of a response.
fn check_identity(seen: &Seen, identity: &Value) {
    let name = seen.name;
    assert_eq!((&identity["email"], &identity["display_name"]), (&json!(MEMBER), &json!("Ada Brenninger")), "{name}");
    let groups: Vec<&str> = identity["groups"].as_array().expect("a list").iter().filter_map(Value::as_str).collect();
    match seen.groups {
        Some(expected) => assert_eq!(groups, expected, "{name}"),
        None => assert!(groups.len() == 2 && groups.iter().all(|group| group.len() == 36), "{name}: {groups:?}"),
    }
    let is_address = identity["name_id"] == MEMBER;
    assert_eq!(is_address, name != "authentik", "{name}: {}", identity["name_id"]);
}

on_both_databases! {
    /// Whichever product answers, it is the same person: by their NameID, or by their address.
    async fn every_shape_signs_the_same_person_in(app: TestApp) {
        let (owner, provider) = (app.owner_token().await, DemoProvider::start(&app).await);
        let made = provider.configure(&app, &owner).await;
        let preview = format!("{PROVIDERS}/{}/mapping-preview", made["id"].as_str().expect("an id"));
        let mut first = Value::Null;
        for seen in &SHAPES {
            let browser = client_with_cookies();
            let form = answer(&app, &provider, &browser, seen.name).await;
            let response = form.value("SAMLResponse").expect("a response");
            inspect(seen, response);
            let identity = app.post(&owner, &preview, json!({"response": response})).await.expect(200).json();
            check_identity(seen, &identity);
            let back = send(browser.request(Method::POST, &form.action).form(&form.pairs())).await;
            assert_eq!(back.status, 303, "{}: {}", seen.name, back.text);
            let who = send(browser.get(app.url("/api/v1/session"))).await.expect(200).json();
            assert_eq!((&who["user"]["email"], &who["session"]["method"]), (&json!(MEMBER), &json!("saml")));
            if first.is_null() {
                first = who["user"]["id"].clone();
            }
            assert_eq!(who["user"]["id"], first, "{} made another user", seen.name);
        }
    }

    /// The page offers all, and has that of no product in particular chosen, or that of the last time.
    async fn a_shape_is_chosen_on_the_page(app: TestApp) {
        let (owner, provider) = (app.owner_token().await, DemoProvider::start(&app).await);
        provider.configure(&app, &owner).await;
        let address = sent_to(&app, &client()).await;
        let page = send(client().get(&address)).await.expect(200);
        let options = tags(&page.text).into_iter().filter(|tag| tag.name == "option");
        let names: Vec<String> = options.filter_map(|tag| tag.attribute("value").map(str::to_owned)).collect();
        assert_eq!(names, SHAPES.map(|seen| seen.name));
        assert_eq!(choice(&client(), &address).await.value(FIELD), Some("other"));
        let link = send(client().get(provider.url("/?answer_like=okta"))).await.expect(303);
        assert_eq!(link.set_cookies(), [format!("{COOKIE}=okta; Path=/sso; HttpOnly; SameSite=Lax")]);
        for (kept, chosen) in [("okta", "okta"), ("keycloak", "keycloak"), ("nobody", "other")] {
            let page = send(client().get(&address).header("cookie", format!("{COOKIE}={kept}"))).await.expect(200);
            let form = forms(&page.text).into_iter().next().expect("a form");
            assert_eq!(form.value(FIELD), Some(chosen), "a browser that remembers {kept}");
        }
    }

    /// A name that is no shape's is refused by its field, wherever it stands.
    async fn an_unknown_shape_is_refused(app: TestApp) {
        let (owner, provider) = (app.owner_token().await, DemoProvider::start(&app).await);
        provider.configure(&app, &owner).await;
        let address = sent_to(&app, &client()).await;
        let form = choice(&client(), &address).await;
        for unknown in ["nobody", "Okta", "okta ", "\0", "<svg>", "é"] {
            let query: String = url::form_urlencoded::Serializer::new(String::new()).append_pair(FIELD, unknown).finish();
            for link in [format!("{address}&{query}"), provider.url(&format!("/?{query}"))] {
                send(client().get(link)).await.expect(400).expect_field(FIELD);
            }
            let mut fields = form.clone().fill(FIELD, unknown).pairs().into_iter().map(owned).collect::<Vec<_>>();
            fields.push(("person".to_owned(), MEMBER.to_owned()));
            let posted = send(client().post(provider.url("/sso")).form(&fields)).await;
            posted.expect(400).expect_field(FIELD);
        }
    }
}

fn owned((name, value): (&str, &str)) -> (String, String) {
    (name.to_owned(), value.to_owned())
}
