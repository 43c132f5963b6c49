//! Domains of a workspace: what proves one, what can't be one, and what removing one does. DNS is a table here.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::pages::Visitor;
use crate::support::saml::{Flow, configure};
use crate::support::{Database, OTHER_OWNER, OWNER, Reply, TestApp, send};

const PATH: &str = "/api/v1/security/domains";

/// Adds a domain; gives what it is answered.
async fn add(app: &TestApp, token: &str, domain: &str) -> Value {
    app.post(token, PATH, json!({"domain": domain})).await.expect(201).json()
}

/// Asks for a look at the record, as long after the last one as it takes.
async fn verify(app: &TestApp, token: &str, domain: &str) -> Reply {
    app.advance(5);
    app.post(token, &format!("{PATH}/{domain}/verify"), json!({})).await
}

async fn listed(app: &TestApp, token: &str, domain: &str) -> Option<Value> {
    let list = app.get(token, PATH).await.expect(200).json();
    list["items"].as_array().expect("a list").iter().find(|item| item["domain"] == domain).cloned()
}

async fn audited(app: &TestApp, token: &str, action: &str) -> Vec<Value> {
    let page = app.get(token, &format!("/api/v1/audit?action={action}")).await.expect(200).json();
    page["items"].as_array().expect("a list").clone()
}

on_both_databases! {
    /// The record counts to the letter, wherever of both names it stands; an operator isn't needed.
    async fn a_txt_record_proves_a_domain(app: TestApp) {
        let owner = app.owner_token().await;
        let added = add(&app, &owner, "New.Example.").await;
        assert_eq!((&added["domain"], &added["verified"]), (&json!("new.example"), &json!(false)));
        assert_eq!(added["txt_record"]["name"], "_curfew-challenge.new.example");
        let value = added["txt_record"]["value"].as_str().expect("a value").to_owned();
        assert!(value.starts_with("curfew-domain-verification=") && value.len() > 50, "{value}");
        assert_eq!(add(&app, &owner, "new.example").await["txt_record"]["value"], value, "another challenge");
        verify(&app, &owner, "new.example").await.expect(422).expect_field("domain");
        let (upper, bare) = (value.to_uppercase(), value.split('=').nth(1).unwrap_or_default().to_owned());
        let (spaced, longer) = (format!(" {value}"), format!("{value}x"));
        for wrong in [upper.as_str(), &bare, &spaced, &longer, &value[..value.len() - 1]] {
            app.dns.set_texts("_curfew-challenge.new.example", &[wrong, "v=spf1 -all"]);
            verify(&app, &owner, "new.example").await.expect(422).expect_field("domain");
        }
        app.dns.set_texts("_curfew-challenge.example", &[&value]);
        app.dns.set_texts("www.new.example", &[&value]);
        verify(&app, &owner, "new.example").await.expect(422).expect_field("domain");
        assert!(listed(&app, &owner, "new.example").await.is_some_and(|item| item["verified"] == false));
        app.dns.set_texts("_curfew-challenge.new.example", &["v=spf1 -all", &value]);
        let proved = verify(&app, &owner, "new.example").await.expect(200).json();
        assert_eq!((&proved["verified"], &proved["verified_by"]), (&json!(true), &json!("dns")));
        assert_eq!(proved["record_found"], true);
        assert_eq!(audited(&app, &owner, "domain.verified").await.len(), 1);
        let other = add(&app, &owner, "second.example").await;
        app.dns.set_texts("second.example", &[other["txt_record"]["value"].as_str().expect("a value")]);
        verify(&app, &owner, "second.example").await.expect(200);
        let saml = app.get(&owner, "/api/v1/security/saml").await.expect(200).json();
        assert_eq!(saml["domains"], json!(["corp.test", "new.example", "second.example"]));
    }

    /// A fault of DNS proves nothing, and takes nothing back.
    async fn without_dns_everything_stays(app: TestApp) {
        let owner = app.owner_token().await;
        let added = add(&app, &owner, "new.example").await;
        let value = added["txt_record"]["value"].as_str().expect("a value").to_owned();
        app.dns.set_silent(true);
        verify(&app, &owner, "new.example").await.expect(422).expect_field("domain");
        app.dns.set_silent(false);
        app.dns.set_texts("_curfew-challenge.new.example", &[&value]);
        verify(&app, &owner, "new.example").await.expect(200);
        app.dns.set_texts("_curfew-challenge.new.example", &[]);
        let again = verify(&app, &owner, "new.example").await.expect(200).json();
        assert_eq!((&again["verified"], &again["record_found"]), (&json!(true), &json!(false)));
        app.dns.set_silent(true);
        verify(&app, &owner, "new.example").await.expect(422);
        assert!(listed(&app, &owner, "new.example").await.is_some_and(|item| item["verified"] == true));
    }

    /// What belongs to nobody or to everybody, and what is no name.
    async fn not_every_name_can_be_a_domain(app: TestApp) {
        let owner = app.owner_token().await;
        for bad in [
            "", "com", "co.uk", "github.io", "gmail.com", "Outlook.com", "localhost", "127.0.0.1", "[::1]", "*.new.example",
            "new.example/x", "https://new.example", "a b.example", "_dmarc.new.example", "new..example",
        ] {
            app.post(&owner, PATH, json!({"domain": bad})).await.expect_field("domain");
        }
        let added = add(&app, &owner, "B\u{fc}cher.example").await;
        assert_eq!(added["domain"], "xn--bcher-kva.example");
        let encoded = format!("{PATH}/b%C3%BCcher.example");
        app.post(&owner, &format!("{encoded}/verify"), json!({})).await.expect(422).expect_field("domain");
        app.delete(&owner, &encoded).await.expect(200);
        for unknown in ["never.example", "xn--bcher-kva.example"] {
            app.post(&owner, &format!("{PATH}/{unknown}/verify"), json!({})).await.expect(404);
            app.delete(&owner, &format!("{PATH}/{unknown}")).await.expect(404);
        }
    }

    /// One workspace's verified domain isn't another's: not silently, and not before the other one can prove it.
    async fn a_domain_is_not_proved_twice(app: TestApp) {
        let (owner, other) = (app.owner_token().await, app.sign_in_to("globex", OTHER_OWNER).await);
        let added = add(&app, &other, "corp.test").await;
        verify(&app, &other, "corp.test").await.expect(422);
        assert!(audited(&app, &owner, "domain.contested").await.is_empty(), "anybody can make an entry here");
        app.dns.set_texts("corp.test", &[added["txt_record"]["value"].as_str().expect("a value")]);
        verify(&app, &other, "corp.test").await.expect_problem(409, "conflict");
        let told = audited(&app, &owner, "domain.contested").await;
        assert_eq!((told.len(), &told[0]["outcome"]), (1, &json!("refused")));
        assert!(!told[0].to_string().contains("globex"), "it tells who: {}", told[0]);
        verify(&app, &other, "corp.test").await.expect_problem(409, "conflict");
        assert_eq!(audited(&app, &owner, "domain.contested").await.len(), 1, "it is told again and again");
        app.advance(60 * 60);
        let (owner, other) = (app.owner_token().await, app.sign_in_to("globex", OTHER_OWNER).await);
        verify(&app, &other, "corp.test").await.expect_problem(409, "conflict");
        assert_eq!(audited(&app, &owner, "domain.contested").await.len(), 2);
        app.delete(&owner, &format!("{PATH}/corp.test")).await.expect(200);
        verify(&app, &other, "corp.test").await.expect(200);
        let mine = add(&app, &owner, "corp.test").await;
        let (theirs, mine) = (&added["txt_record"]["value"], &mine["txt_record"]["value"]);
        assert_ne!(theirs, mine, "one challenge for two workspaces");
        app.dns.set_texts("corp.test", &[theirs.as_str().expect("a value"), mine.as_str().expect("a value")]);
        verify(&app, &owner, "corp.test").await.expect_problem(409, "conflict");
        assert!(listed(&app, &owner, "corp.test").await.is_some_and(|item| item["verified"] == false));
    }

    /// DNS is not asked about one domain again and again.
    async fn a_record_is_looked_up_at_most_every_five_seconds(app: TestApp) {
        let owner = app.owner_token().await;
        add(&app, &owner, "new.example").await;
        add(&app, &owner, "second.example").await;
        let at_once = async |domain: &str| app.post(&owner, &format!("{PATH}/{domain}/verify"), json!({})).await;
        at_once("new.example").await.expect(422);
        let refused = at_once("new.example").await;
        assert_eq!(refused.header("retry-after"), Some("5"));
        assert_eq!(refused.expect_problem(429, "too-many-attempts")["field"], "domain");
        at_once("second.example").await.expect(422);
        app.advance(4);
        at_once("new.example").await.expect(429);
        app.advance(1);
        at_once("new.example").await.expect(422);
        assert_eq!(app.dns.questions("_curfew-challenge.new.example"), 2);
    }

    /// Who can't sign in without it is counted first; sessions stay; newcomers are refused from then on.
    async fn removing_a_domain_says_whom_it_keeps_out(app: TestApp) {
        let owner = app.owner_token().await;
        configure(&app, &owner).await;
        let linked = Flow::begin(&app).await;
        linked.deliver(&linked.response("linked@corp.test", &[])).await;
        assert!(linked.who().await.is_some());
        app.post(&owner, "/api/v1/users", json!({"email": "invited@corp.test"})).await.expect(201);
        let path = format!("{PATH}/corp.test");
        for _ in 0..2 {
            let preview = app.delete(&owner, &format!("{path}?dry_run=true")).await.expect(200).json();
            assert_eq!(preview, json!({"domain": "corp.test", "dry_run": true, "cannot_sign_in": 1}));
        }
        let removed = app.delete(&owner, &path).await.expect(200).json();
        assert_eq!(removed, json!({"domain": "corp.test", "dry_run": false, "cannot_sign_in": 1}));
        assert_eq!(audited(&app, &owner, "domain.removed").await.len(), 1);
        assert!(linked.who().await.is_some(), "a session ended by it");
        let newcomer = Flow::begin(&app).await;
        newcomer.deliver(&newcomer.response("newcomer@corp.test", &[])).await;
        assert!(newcomer.who().await.is_none(), "a newcomer of a removed domain was let in");
        let again = Flow::begin(&app).await;
        again.deliver(&again.response("linked@corp.test", &[])).await;
        assert!(again.who().await.is_some(), "who was linked needs no domain");
    }

    async fn domains_are_for_administrators(app: TestApp) {
        let person = app.provision("ana").await;
        let (member, owner) = (app.sign_in(&person.email).await, app.owner_token().await);
        let one = format!("{PATH}/corp.test");
        let verify = format!("{one}/verify");
        app.get(&member, PATH).await.expect(403);
        app.post(&member, PATH, json!({"domain": "new.example"})).await.expect(403);
        app.post(&member, &verify, json!({})).await.expect(403);
        app.delete(&member, &format!("{one}?dry_run=true")).await.expect(403);
        app.advance(11 * 60);
        app.get(&owner, PATH).await.expect(200);
        app.post(&owner, PATH, json!({"domain": "new.example"})).await.expect_problem(403, "reauthentication-required");
        app.post(&owner, &verify, json!({})).await.expect_problem(403, "reauthentication-required");
        app.delete(&owner, &one).await.expect_problem(403, "reauthentication-required");
        app.delete(&owner, &format!("{one}?dry_run=true")).await.expect(200);
        send(app.request(Method::GET, PATH)).await.expect(401);
    }

    /// The whole way on the pages, without scripts.
    async fn the_console_proves_a_domain(app: TestApp) {
        let owner = Visitor::signed_in(&app, OWNER).await;
        let page = owner.visit("/console/security").await;
        let refused = owner.submit(&page.form("/console/security/domains").fill("domain", "gmail.com")).await;
        assert_eq!(refused.reply.status, 422, "{}", refused.reply.text);
        refused.says("gmail.com");
        let page = owner.submit(&page.form("/console/security/domains").fill("domain", "new.example")).await;
        page.says("_curfew-challenge.new.example");
        let verify = page.form("/console/security/domains/new.example/verify");
        let missing = owner.submit(&verify).await;
        missing.says("There is no TXT record");
        let token = app.owner_token().await;
        let item = listed(&app, &token, "new.example").await.expect("it was added");
        app.dns.set_texts("new.example", &[item["txt_record"]["value"].as_str().expect("a value")]);
        let verify = missing.form("/console/security/domains/new.example/verify");
        let hasty = owner.submit(&verify).await;
        assert_eq!(hasty.reply.status, 422, "{}", hasty.reply.text);
        app.advance(5);
        let verified = owner.submit(&verify).await;
        verified.says("The domain is verified");
        let asked = owner.visit("/console/security/domains/new.example/remove").await;
        let removed = owner.submit(&asked.form("/console/security/domains/new.example/remove")).await;
        removed.says("The domain was removed");
        assert!(listed(&app, &token, "new.example").await.is_none());
    }

    /// An operator may let two workspaces share a domain, and it shows who vouched.
    async fn an_operator_vouches(database: Database) {
        let app = TestApp::on(database).await;
        let owner = app.owner_token().await;
        let item = listed(&app, &owner, "corp.test").await.expect("the test's own");
        assert_eq!((&item["verified"], &item["verified_by"]), (&json!(true), &json!("operator")));
        let home = app.stop().await;
        let cli = home.cli();
        cli.run(&["domain", "add", "--workspace", "globex", "corp.test", "--trust"]).succeeded();
        cli.run(&["domain", "add", "--workspace", "acme", "gmail.com", "--trust"]).refused();
        let removed = ["domain", "remove", "--workspace", "globex", "corp.test", "--output", "json"];
        assert_eq!(cli.run(&removed).succeeded().json()["domain"], "corp.test");
        cli.run(&removed).refused();
    }
}
