//! Metadata by URL: what is fetched, from where, what is done with it, and what certificates that end make known.
//! The site is a TLS server of this run on the loopback interface, which the settings allow by name; DNS is a table.

use std::io::Write;
use std::net::{IpAddr, Ipv4Addr};

use futures_util::future::join;
use serde_json::{Value, json};

use crate::support::metadata_server::{Answer, HOST, MetadataServer, authority_file, signing_certificate};
use crate::support::saml::{Flow, USER, add_provider, configure, metadata, other_metadata, sign_in};
use crate::support::{Database, TestApp};

const PATH: &str = "/api/v1/security/saml";
const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const SIX_HOURS: u64 = 6 * 60 * 60;

/// A server that may fetch from `site`.
async fn start(database: Database, site: &MetadataServer) -> TestApp {
    let allowed = vec![site.host_and_port(), format!("other.corp.test:{}", site.port)];
    let app = TestApp::with(database, |config| {
        config.saml.metadata_hosts_allowed = allowed;
        config.saml.metadata_ca_file = Some(authority_file().to_owned());
    })
    .await;
    app.dns.set_addresses(HOST, &[&[HERE]]);
    app
}

/// As `start`, with the provider of these tests, whose metadata comes from `site`.
async fn start_configured(database: Database, site: &MetadataServer) -> (TestApp, String) {
    let app = start(database, site).await;
    let owner = app.owner_token().await;
    configure(&app, &owner).await;
    let url = site.url();
    app.sql(format!("UPDATE saml_provider SET metadata_url = '{url}' WHERE entity_id <> ''").leak()).await;
    (app, owner)
}

/// The metadata with one more signing certificate.
fn with_another(certificate: &str) -> String {
    let whole = metadata();
    let key = &whole[whole.find("<md:KeyDescriptor").expect("a key")..];
    let key = &key[..key.find("</md:KeyDescriptor>").expect("its end") + "</md:KeyDescriptor>".len()];
    let another = format!("{}{certificate}{}", before_certificate(key), after_certificate(key));
    whole.replacen(key, &format!("{key}{another}"), 1)
}

/// The metadata with another signing certificate in the place of its own.
fn with_other_only(certificate: &str) -> String {
    let whole = metadata();
    format!("{}{certificate}{}", before_certificate(&whole), after_certificate(&whole))
}

fn before_certificate(xml: &str) -> &str {
    &xml[..xml.find("<ds:X509Certificate>").expect("a certificate") + "<ds:X509Certificate>".len()]
}

fn after_certificate(xml: &str) -> &str {
    &xml[xml.find("</ds:X509Certificate>").expect("its end")..]
}

async fn saml(app: &TestApp, token: &str) -> Value {
    app.get(token, PATH).await.expect(200).json()
}

fn certificates(saml: &Value) -> usize {
    saml["certificates"].as_array().expect("a list").len()
}

fn notices(saml: &Value) -> Vec<String> {
    let all = saml["notices"].as_array().expect("a list");
    all.iter().map(|notice| notice["kind"].as_str().expect("a word").to_owned()).collect()
}

/// The path of the only provider.
async fn provider_path(app: &TestApp, token: &str) -> String {
    let list = app.get(token, &format!("{PATH}/providers")).await.expect(200).json();
    format!("{PATH}/providers/{}", list["items"][0]["id"].as_str().expect("an id"))
}

async fn refreshed_now(app: &TestApp, token: &str) -> Value {
    let path = format!("{}/refresh", provider_path(app, token).await);
    app.post(token, &path, json!({})).await.expect(200).json()["outcome"].clone()
}

async fn audited(app: &TestApp, token: &str, action: &str) -> Vec<Value> {
    let page = app.get(token, &format!("/api/v1/audit?action={action}")).await.expect(200).json();
    page["items"].as_array().expect("a list").clone()
}

const REFRESHED: &str = "security.saml_metadata_refreshed";

on_both_databases! {
    /// A new certificate beside the old one is in force at once, and nobody is logged out.
    async fn a_roll_over_leaves_no_gap(database: Database) {
        let site = MetadataServer::start(Answer::good(&metadata(), &[]));
        let (app, owner) = start_configured(database, &site).await;
        let person = sign_in(&app, USER).await;
        assert_eq!(app.refresh_metadata().await, 1);
        assert!(audited(&app, &owner, REFRESHED).await.is_empty(), "nothing changed");
        site.set(Answer::good(&with_another(&signing_certificate(400)), &[]));
        assert_eq!(app.refresh_metadata().await, 0, "it isn't due");
        app.advance(SIX_HOURS);
        assert_eq!(app.refresh_metadata().await, 1);
        let owner = app.owner_token().await;
        let shown = saml(&app, &owner).await;
        assert_eq!((certificates(&shown), notices(&shown)), (2, vec!["metadata_roll_over".to_owned()]));
        let entries = audited(&app, &owner, REFRESHED).await;
        assert_eq!((entries.len(), &entries[0]["details"]["change"]), (1, &json!("roll_over")));
        assert_eq!(entries[0]["actor"]["kind"], "system");
        assert!(person.who().await.is_some(), "a refresh logged somebody out");
    }

    /// A sign-in that began before a roll-over ends after it.
    async fn a_sign_in_under_way_survives_a_roll_over(database: Database) {
        let site = MetadataServer::start(Answer::good(&with_another(&signing_certificate(400)), &[]));
        let (app, owner) = start_configured(database, &site).await;
        let under_way = Flow::begin(&app).await;
        let response = under_way.response(USER, &[]);
        assert_eq!(app.refresh_metadata().await, 1);
        assert_eq!(certificates(&saml(&app, &owner).await), 2);
        under_way.deliver(&response).await;
        assert!(under_way.who().await.is_some(), "the roll-over cost a sign-in");
    }

    /// One that was answered by a certificate which went with the roll-over doesn't: it begins again.
    async fn a_certificate_that_goes_ends_sign_ins_under_way(database: Database) {
        let site = MetadataServer::start(Answer::good(&with_another(&signing_certificate(400)), &[]));
        let (app, owner) = start_configured(database, &site).await;
        assert_eq!(refreshed_now(&app, &owner).await, "roll_over");
        let under_way = Flow::begin(&app).await;
        let response = under_way.response(USER, &[]);
        site.set(Answer::good(&metadata(), &[]));
        assert_eq!(refreshed_now(&app, &owner).await, "roll_over");
        under_way.deliver(&response).await;
        assert!(under_way.who().await.is_none(), "the answer was judged by another version of the provider");
        sign_in(&app, USER).await;
    }

    /// Where people are sent to log out, and whether requests must be signed, is neither a roll-over nor a replacement, and is made
    /// known. A test of before says nothing any more.
    async fn what_is_not_about_signing_in_is_made_known(database: Database) {
        let wants = metadata().replace("WantAuthnRequestsSigned=\"false\"", "WantAuthnRequestsSigned=\"true\"");
        let site = MetadataServer::start(Answer::good(&wants, &[]));
        let (app, owner) = start_configured(database, &site).await;
        app.sql("UPDATE saml_provider SET tested_at = 1, tested_by = 'somebody' WHERE entity_id <> ''").await;
        assert_eq!(refreshed_now(&app, &owner).await, "changed");
        assert_eq!(notices(&saml(&app, &owner).await), ["metadata_changed"]);
        let entries = audited(&app, &owner, REFRESHED).await;
        let details = &entries[0]["details"];
        assert_eq!(
            (&details["change"], &details["others_changed"]),
            (&json!("changed"), &json!(["WantAuthnRequestsSigned"]))
        );
        let path = provider_path(&app, &owner).await;
        assert_eq!(app.get(&owner, &path).await.expect(200).json()["tested_at"], Value::Null);
        assert_eq!(refreshed_now(&app, &owner).await, "unchanged");
    }

    /// What somebody saves while metadata is being fetched stays as they saved it, and the next run fetches all of it anew.
    async fn a_change_meanwhile_is_not_overwritten(database: Database) {
        let both = with_another(&signing_certificate(400));
        let site = MetadataServer::start(Answer::good(&both, &["ETag: \"two\""]));
        let (app, owner) = start_configured(database, &site).await;
        let path = provider_path(&app, &owner).await;
        site.hold(true);
        let meanwhile = async {
            site.asked(1).await;
            app.put(&owner, &path, json!({"force_authn": true})).await.expect(200);
            site.hold(false);
        };
        assert_eq!(join(app.refresh_metadata(), meanwhile).await.0, 1);
        let shown = app.get(&owner, &path).await.expect(200).json();
        assert_eq!((certificates(&shown), &shown["force_authn"]), (1, &json!(true)));
        assert!(audited(&app, &owner, REFRESHED).await.is_empty());
        assert_eq!(app.refresh_metadata().await, 1, "it isn't fetched again at once");
        let asked = site.requests().pop().expect("a request").to_lowercase();
        assert!(!asked.contains("if-none-match"), "a version is named that was not taken: {asked}");
        assert_eq!(certificates(&app.get(&owner, &path).await.expect(200).json()), 2);
        assert_eq!(audited(&app, &owner, REFRESHED).await.len(), 1);
    }

    /// To set a provider to the address that it has clears the error of the last fetch, and changes nothing else.
    async fn the_same_address_again_is_a_fetch(database: Database) {
        let site = MetadataServer::start(Answer::with("500 Oops", &[], b""));
        let (app, owner) = start_configured(database, &site).await;
        assert_eq!(app.refresh_metadata().await, 1);
        let path = provider_path(&app, &owner).await;
        let before = app.get(&owner, &path).await.expect(200);
        assert!(before.json()["fetch_error"].is_string() && before.json()["fetched_at"].is_null());
        site.set(Answer::good(&metadata(), &[]));
        let same = app.put(&owner, &path, json!({"metadata_url": site.url()})).await.expect(200);
        for reply in [&same, &app.get(&owner, &path).await.expect(200)] {
            assert_eq!(reply.header("etag"), before.header("etag"));
            assert!(reply.json()["fetch_error"].is_null() && reply.json()["fetched_at"].is_string());
        }
        assert_eq!(notices(&saml(&app, &owner).await), Vec::<String>::new());
        app.advance(5 * 60);
        assert_eq!(app.refresh_metadata().await, 0, "it was fetched a moment ago");
    }

    /// What a fetch changed is told as long as the metadata comes from that address.
    async fn a_notice_goes_with_its_address(database: Database) {
        let both = with_another(&signing_certificate(400));
        let site = MetadataServer::start(Answer::good(&both, &[]));
        let (app, owner) = start_configured(database, &site).await;
        assert_eq!(app.refresh_metadata().await, 1);
        assert_eq!(notices(&saml(&app, &owner).await), ["metadata_roll_over"]);
        for mut body in [json!({"metadata_xml": metadata()}), json!({"metadata_url": site.url()})] {
            body["sessions"] = "keep".into();
            app.put(&owner, PATH, body).await.expect(200);
            assert_eq!(notices(&saml(&app, &owner).await), Vec::<String>::new());
        }
    }

    /// What an administrator fetches from the address that an owner set would have come by itself: an owner still stands behind it.
    /// Behind another address nobody does.
    async fn an_owner_stands_behind_an_address(database: Database) {
        let site = MetadataServer::start(Answer::good(&metadata(), &[]));
        let app = start(database, &site).await;
        let (owner, url) = (app.owner_token().await, site.url());
        let admin = app.sign_in(&app.provision_admin("ada").await.email).await;
        add_provider(&app, &owner, json!({"metadata_url": url, "name": "IdP"})).await;
        let path = provider_path(&app, &owner).await;
        site.set(Answer::good(&with_another(&signing_certificate(400)), &[]));
        let same = app.put(&admin, &path, json!({"metadata_url": url})).await.expect(200).json();
        assert_eq!((certificates(&same), &same["owners_may_sign_in"]), (2, &json!(true)));
        let other = format!("{url}?other");
        let other = app.put(&admin, &path, json!({"metadata_url": other})).await.expect(200).json();
        assert_eq!(other["owners_may_sign_in"], false);
    }

    /// Administrators of a workspace fetch one thing at a time, and only if they signed in lately, even if nothing is to be changed.
    async fn administrators_fetch_one_at_a_time(database: Database) {
        let site = MetadataServer::start(Answer::good(&metadata(), &[]));
        let app = start(database, &site).await;
        let owner = app.owner_token().await;
        let (look, all) = (json!({"metadata_url": site.url(), "dry_run": true}), format!("{PATH}/providers"));
        site.hold(true);
        let meanwhile = async {
            site.asked(1).await;
            app.post(&owner, &all, look.clone()).await.expect_problem(409, "conflict");
            app.put(&owner, PATH, look.clone()).await.expect_problem(409, "conflict");
            site.hold(false);
        };
        join(app.post(&owner, &all, look.clone()), meanwhile).await.0.expect(200);
        app.post(&owner, &all, look.clone()).await.expect(200);
        assert_eq!(site.requests().len(), 2);
        app.advance(11 * 60);
        app.post(&owner, &all, look.clone()).await.expect_problem(403, "reauthentication-required");
        app.put(&owner, PATH, look).await.expect_problem(403, "reauthentication-required");
        let sent = json!({"metadata_xml": metadata(), "dry_run": true});
        app.post(&owner, &all, sent).await.expect(200);
        assert_eq!(site.requests().len(), 2);
    }

    /// Other certificates altogether are taken over, too: whoever rules the address rules the keys. But it is made known.
    async fn a_replacement_is_announced(database: Database) {
        let site = MetadataServer::start(Answer::good(&with_other_only(&signing_certificate(400)), &[]));
        let (app, owner) = start_configured(database, &site).await;
        let person = sign_in(&app, USER).await;
        assert_eq!(app.refresh_metadata().await, 1);
        let shown = saml(&app, &owner).await;
        assert_eq!((certificates(&shown), notices(&shown)), (1, vec!["metadata_replaced".to_owned()]));
        assert_eq!(audited(&app, &owner, REFRESHED).await[0]["details"]["change"], "replaced");
        assert!(person.who().await.is_some(), "a refresh logged somebody out");
        let old_key = Flow::begin(&app).await;
        old_key.deliver(&old_key.response(USER, &[])).await;
        assert!(old_key.who().await.is_none(), "the old key still opens");
    }

    /// The metadata of somebody else is not taken over, and one audit entry says so.
    async fn another_provider_is_refused(database: Database) {
        let site = MetadataServer::start(Answer::good(&other_metadata(), &[]));
        let (app, owner) = start_configured(database, &site).await;
        let before = saml(&app, &owner).await;
        assert_eq!(app.refresh_metadata().await, 1);
        sign_in(&app, USER).await;
        app.advance(SIX_HOURS);
        assert_eq!(app.refresh_metadata().await, 1);
        let owner = app.owner_token().await;
        let after = saml(&app, &owner).await;
        assert_eq!((&after["entity_id"], &after["certificates"]), (&before["entity_id"], &before["certificates"]));
        assert_eq!(notices(&after), ["metadata_not_refreshed"]);
        let entries = audited(&app, &owner, REFRESHED).await;
        assert_eq!((entries.len(), &entries[0]["outcome"]), (1, &json!("refused")));
    }

    /// A version that is known is asked for by its validators; a site that fails takes nothing away.
    async fn the_last_good_copy_stays(database: Database) {
        let site = MetadataServer::start(Answer::with("500 Oops", &[], b"CANARY"));
        let (app, owner) = start_configured(database, &site).await;
        assert_eq!(app.refresh_metadata().await, 1);
        let shown = saml(&app, &owner).await;
        assert_eq!(notices(&shown), ["metadata_not_refreshed"]);
        assert!(!shown.to_string().contains("CANARY"), "an answer is shown: {shown}");
        sign_in(&app, USER).await;
        site.set(Answer::good(&metadata(), &["ETag: \"one\"", "Last-Modified: yesterday"]));
        assert_eq!(app.refresh_metadata().await, 0, "a failure is tried again at once");
        app.advance(5 * 60);
        assert_eq!(app.refresh_metadata().await, 1);
        assert_eq!(notices(&saml(&app, &owner).await), Vec::<String>::new());
        site.set(Answer::raw("HTTP/1.1 304 Not Modified\r\nETag: \"one\"\r\n\r\n", b""));
        app.advance(SIX_HOURS);
        assert_eq!(app.refresh_metadata().await, 1);
        let asked = site.requests().pop().expect("a request").to_lowercase();
        assert!(asked.contains("if-none-match: \"one\"") && asked.contains("if-modified-since: yesterday"), "{asked}");
        assert!(asked.contains("accept-encoding: identity"), "{asked}");
        let owner = app.owner_token().await;
        let shown = saml(&app, &owner).await;
        assert_eq!((certificates(&shown), notices(&shown)), (1, Vec::<String>::new()));
    }

    /// Of several replicas one fetches.
    async fn one_replica_at_a_time(database: Database) {
        let site = MetadataServer::start(Answer::good(&metadata(), &[]));
        let (app, _) = start_configured(database, &site).await;
        let (one, two) = join(app.refresh_metadata(), app.refresh_metadata()).await;
        assert_eq!((one + two, site.requests().len()), (1, 1));
    }

    /// Metadata that wants to be fetched sooner is.
    async fn what_runs_out_is_fetched_before(database: Database) {
        let short = metadata().replacen("entityID=", "cacheDuration=\"PT30M\" entityID=", 1);
        let site = MetadataServer::start(Answer::good(&short, &[]));
        let (app, _) = start_configured(database, &site).await;
        assert_eq!(app.refresh_metadata().await, 1);
        app.advance(10 * 60);
        assert_eq!(app.refresh_metadata().await, 0);
        app.advance(20 * 60);
        assert_eq!(app.refresh_metadata().await, 1);
    }

    /// What an administrator asks for, at once; other people's providers are nobody's.
    async fn an_administrator_refreshes_at_once(database: Database) {
        let site = MetadataServer::start(Answer::good(&metadata(), &[]));
        let (app, owner) = start_configured(database, &site).await;
        let missing = format!("{PATH}/providers/0198c0de-0000-7000-8000-000000000000/refresh");
        app.post(&owner, &missing, json!({})).await.expect(404);
        let list = app.get(&owner, &format!("{PATH}/providers")).await.expect(200).json();
        let id = list["items"][0]["id"].as_str().expect("an id").to_owned();
        let refresh = format!("{PATH}/providers/{id}/refresh");
        assert_eq!(app.post(&owner, &refresh, json!({})).await.expect(200).json()["outcome"], "unchanged");
        site.set(Answer::with("404 Gone", &[], b""));
        let failed = app.post(&owner, &refresh, json!({})).await.expect(200).json();
        assert_eq!((&failed["outcome"], failed["error"].is_string()), (&json!("failed"), true));
        app.advance(11 * 60);
        app.post(&owner, &refresh, json!({})).await.expect_problem(403, "reauthentication-required");
    }

    /// No answer but plain metadata is taken, and nothing else of it is shown.
    async fn hostile_answers_are_refused(database: Database) {
        let site = MetadataServer::start(Answer::good(&metadata(), &[]));
        let app = start(database, &site).await;
        let url = site.url();
        assert!(app.fetch_metadata(&url).await.is_ok());
        let port = site.port;
        let mut bomb = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        bomb.write_all(&vec![b' '; 8_000_000]).expect("memory");
        let bomb = bomb.finish().expect("memory");
        let long = vec![b' '; 600 * 1024];
        let chunk = [format!("{:x}\r\n", long.len()).as_bytes(), &long, b"\r\n0\r\n\r\n"].concat();
        let elsewhere = format!("Location: https://127.0.0.1:{port}/CANARY");
        let federation = format!("<md:EntitiesDescriptor xmlns:md=\"urn:oasis:names:tc:SAML:2.0:metadata\">{}</md:EntitiesDescriptor>", metadata());
        let doctype = format!("<!DOCTYPE x SYSTEM \"file:///etc/passwd\">{}", metadata());
        let answers = [
            ("redirect", Answer::with("302 Found", &[&elsewhere], b"")),
            ("permanent redirect", Answer::with("308 Permanent Redirect", &[&elsewhere], b"")),
            ("unasked 304", Answer::with("304 Not Modified", &[], b"")),
            ("missing", Answer::with("404 Not Found", &[], metadata().as_bytes())),
            ("failure", Answer::with("500 Oops", &[], metadata().as_bytes())),
            ("no content", Answer::with("204 No Content", &[], b"")),
            ("gzip bomb", Answer::with("200 OK", &["Content-Encoding: gzip"], &bomb)),
            ("unknown coding", Answer::with("200 OK", &["Content-Encoding: br"], metadata().as_bytes())),
            ("long", Answer::with("200 OK", &[], &long)),
            ("long, in chunks", Answer::raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", &chunk)),
            ("long, it says", Answer::raw("HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n", b"<a/>")),
            ("broken off", Answer::raw("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n", b"<a/>")),
            ("no HTTP", Answer::raw("SSH-2.0-CANARY\r\n\r\n", b"")),
            ("empty", Answer::good("", &[])),
            ("a page", Answer::good("<html>CANARY</html>", &[])),
            ("a secret", Answer::good("root:CANARY:0:0", &[])),
            ("no UTF-8", Answer::with("200 OK", &[], &[0xff, 0xfe, 0x41])),
            ("a federation", Answer::good(&federation, &[])),
            ("a document type", Answer::good(&doctype, &[])),
            ("no certificate", Answer::good(&metadata().replace("use=\"signing\"", "use=\"encryption\""), &[])),
        ];
        for (what, answer) in answers {
            site.set(answer);
            let before = site.requests().len();
            let refused = app.fetch_metadata(&url).await.expect_err(what);
            assert!(!refused.contains("CANARY") && !refused.contains("root"), "{what} is shown: {refused}");
            assert_eq!(site.requests().len(), before + 1, "{what}: asked again, or elsewhere");
        }
    }

    /// An answer that doesn't end is cut off.
    async fn slow_answers_are_cut_off(database: Database) {
        let site = MetadataServer::start(Answer::good(&metadata(), &[]));
        let allowed = vec![site.host_and_port()];
        let app = TestApp::with(database, |config| {
            config.saml.metadata_hosts_allowed = allowed;
            config.saml.metadata_ca_file = Some(authority_file().to_owned());
            config.saml.metadata_timeout_ms = 300;
        })
        .await;
        app.dns.set_addresses(HOST, &[&[HERE]]);
        for slow in [Answer::raw("HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n", b"<md:"), Answer::raw("", b"")] {
            site.set(slow.unfinished());
            let refused = app.fetch_metadata(&site.url()).await.expect_err("it never ends");
            assert!(refused.contains("300 ms"), "{refused}");
        }
    }

    /// The connection goes to the address that was judged, whatever DNS says the next moment, for that name and no other.
    async fn the_connection_goes_where_was_judged(database: Database) {
        let site = MetadataServer::start(Answer::good(&metadata(), &[]));
        let app = start(database, &site).await;
        app.dns.set_addresses(HOST, &[&[HERE], &[IpAddr::V4(Ipv4Addr::new(127, 0, 0, 9))]]);
        assert!(app.fetch_metadata(&site.url()).await.is_ok());
        assert_eq!(app.dns.questions(HOST), 1, "DNS was asked twice for one fetch");
        app.dns.set_addresses("other.corp.test", &[&[HERE]]);
        let other = format!("https://other.corp.test:{}/metadata", site.port);
        app.fetch_metadata(&other).await.expect_err("the certificate is for another name");
        assert_eq!(site.requests().len(), 1, "somebody with another name's certificate was asked");
        let plain = format!("https://127.0.0.1:{}/metadata", site.port);
        app.fetch_metadata(&plain).await.expect_err("the address itself was not allowed");
    }

    /// Nothing private is called, however it is written or whatever DNS says.
    async fn private_addresses_are_refused(database: Database) {
        let site = MetadataServer::start(Answer::good(&metadata(), &[]));
        let app = start(database, &site).await;
        let port = site.port;
        let public = IpAddr::V4(Ipv4Addr::new(93, 184, 215, 14));
        for (number, address) in [
            "127.0.0.1", "0.0.0.0", "10.1.2.3", "100.64.0.1", "169.254.169.254", "172.31.0.1", "192.168.0.1", "198.18.0.1",
            "203.0.113.1", "224.0.0.1", "255.255.255.255", "168.63.129.16", "::1", "::", "::ffff:127.0.0.1", "::127.0.0.1",
            "64:ff9b::7f00:1", "64:ff9b:1::1", "2002:7f00:1::", "2001:db8::1", "fe80::1", "fc00::1", "fd00:ec2::254",
            "ff02::1", "2001::1", "100::1", "3fff::1", "5f00::1",
        ].into_iter().enumerate() {
            let address: IpAddr = address.parse().expect("an address");
            let (alone, mixed) = (format!("alone{number}.corp.test"), format!("mixed{number}.corp.test"));
            app.dns.set_addresses(&alone, &[&[address]]);
            app.dns.set_addresses(&mixed, &[&[public, address]]);
            for name in [alone, mixed] {
                let refused = app.fetch_metadata(&format!("https://{name}/metadata")).await.expect_err(&name);
                assert!(refused.contains("not a public host") && !refused.contains(&address.to_string()), "{refused}");
            }
        }
        let nowhere = app.fetch_metadata("https://nowhere.corp.test/").await.expect_err("it has no address");
        app.dns.set_addresses("private.corp.test", &[&[HERE]]);
        let private = app.fetch_metadata("https://private.corp.test/").await.expect_err("it is private");
        assert_eq!(nowhere.replace("nowhere", "private"), private, "the two can be told apart");
        app.dns.set_silent(true);
        app.fetch_metadata("https://silent.corp.test/").await.expect_err("DNS is silent");
        app.dns.set_silent(false);
        for url in [
            format!("http://{HOST}:{port}/metadata"), format!("https://user@{HOST}:{port}/"), format!("https://@{HOST}:{port}/"),
            format!("https://user:word@{HOST}:{port}/"), format!("https://{HOST}.:{port}/"), format!("https://{HOST}:{port}/#x"),
            format!("https:{HOST}:{port}/"), format!("https:\\\\{HOST}:{port}/"), format!("https://{HOST}\\@other.test/"),
            format!("https://localhost:{port}/"), format!("https://localhost.:{port}/"), format!("https://LOCALHOST:{port}/"),
            format!("https://127.0.0.1:{port}/"), format!("https://127.1:{port}/"), format!("https://2130706433:{port}/"),
            format!("https://0x7f000001:{port}/"), format!("https://0177.0.0.1:{port}/"), format!("https://0:{port}/"),
            format!("https://[::1]:{port}/"), format!("https://[::ffff:127.0.0.1]:{port}/"), format!("https://[fe80::1%25eth0]:{port}/"),
            format!("https://%31%32%37.0.0.1:{port}/"), format!("https://\u{2460}27.0.0.1:{port}/"), format!("https://{HOST}:0/"),
            "https://93.184.215.14/".to_owned(), "https:///metadata".to_owned(), "https://intranet/".to_owned(),
            "file:///etc/passwd".to_owned(), "gopher://x.test/".to_owned(), "javascript:alert(1)".to_owned(), String::new(),
            format!("https://{HOST}:{port}/{}", "a".repeat(2_100)), format!("https://{HOST}:{port}/\r\nX: y"),
        ] {
            app.fetch_metadata(&url).await.expect_err(&url);
        }
        assert!(site.requests().is_empty(), "somebody was asked: {:?}", site.requests());
    }

    /// 30 and 7 days before the last certificate ends, once each; a second certificate that lasts makes it quiet.
    async fn the_end_of_the_last_certificate_is_announced(app: TestApp) {
        const DAY: u64 = 24 * 60 * 60;
        let owner = app.owner_token().await;
        let body = |xml: String| json!({"metadata_xml": xml, "sessions": "keep"});
        app.put(&owner, PATH, body(with_other_only(&signing_certificate(40)))).await.expect(200);
        assert_eq!(app.announce_certificates().await, 0);
        app.advance(11 * DAY);
        assert_eq!((app.announce_certificates().await, app.announce_certificates().await), (1, 0));
        let owner = app.owner_token().await;
        assert_eq!(notices(&saml(&app, &owner).await), ["certificate_expiring"]);
        app.advance(23 * DAY);
        assert_eq!((app.announce_certificates().await, app.announce_certificates().await), (1, 0));
        let owner = app.owner_token().await;
        let entries = audited(&app, &owner, "saml.certificate_expiring").await;
        let days: Vec<&Value> = entries.iter().map(|entry| &entry["details"]["days"]).collect();
        assert_eq!(days, [&json!(7), &json!(30)], "the newest first");
        app.advance(10 * DAY);
        let owner = app.owner_token().await;
        assert_eq!(notices(&saml(&app, &owner).await), ["certificate_expired"]);
        let lasting = with_another(&signing_certificate(400));
        app.put(&owner, PATH, body(lasting)).await.expect(200);
        assert_eq!(notices(&saml(&app, &owner).await), Vec::<String>::new());
        assert_eq!(app.announce_certificates().await, 0);
    }
}
