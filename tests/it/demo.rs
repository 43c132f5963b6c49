//! `curfew demo` as a person runs it: the real program on free ports, its past, single sign-on through its mock identity
//! provider, its sample application while everybody is logged out, its end; and the addresses and folders that it refuses.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use reqwest::{Client, Method};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::child::Owned;
use crate::support::cli::{Cli, Outcome, PROGRAM};
use crate::support::forms::forms;
use crate::support::http::{client, client_with_cookies, send};
use crate::support::{instant, programs, run, true_now};

/// How long a demo may take to be ready here, where every other test runs beside it.
const START: Duration = Duration::from_secs(10);
const LOG_ALL_USERS_OUT: &str = "/api/v1/security/log-all-users-out";
/// A member, and the one who left.
const MEMBER: &str = "ada.brenninger@acme.test";
const LEAVER: &str = "otto.ravensgate@acme.test";
const WEEK_MS: i64 = 7 * 24 * 60 * 60 * 1000;

/// A running demo.
struct Demo {
    process: Owned,
    folder: TempDir,
    console: String,
    sample: String,
    identity_provider: String,
    owner: String,
    password: String,
}

impl Demo {
    /// Starts it and waits until it says how to stop it.
    async fn start() -> Self {
        let folder = run::temporary("demo-");
        std::fs::create_dir(folder.path().join("tmp")).expect("our own folder");
        let log = folder.path().join("log");
        let output =
            || Stdio::from(std::fs::File::options().append(true).create(true).open(&log).expect("our own folder"));
        // The shell notes its process id and becomes the demo.
        let mut command = Command::new(programs::need(&["sh"], "dash"));
        command.args(["-c", r#"echo $$ >"$0"; exec "$@""#]).arg(folder.path().join("pid")).args([PROGRAM, "demo"]);
        for flag in ["--listen", "--app-listen", "--idp-listen"] {
            command.args([flag, "127.0.0.1:0"]);
        }
        command.env("TMPDIR", folder.path().join("tmp")).stdout(output()).stderr(output());
        let mut process = Owned::start(&mut command);
        let begun = Instant::now();
        let said = loop {
            let said = std::fs::read_to_string(&log).unwrap_or_default();
            if said.contains("Stop with Ctrl-C") {
                break said;
            }
            assert!(process.ended().is_none(), "curfew demo ended: {said}");
            assert!(begun.elapsed() < START, "curfew demo is not ready: {said}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        };
        let word = |label: &str, place: usize| {
            let line = said.lines().map(str::trim).find(|line| line.starts_with(label));
            let line = line.unwrap_or_else(|| panic!("it does not say {label}: {said}"));
            line[label.len()..].split_whitespace().nth(place).expect("a value").to_owned()
        };
        let address = |label: &str| word(label, 0).trim_end_matches("/console").trim_end_matches('/').to_owned();
        Self {
            console: address("Console"),
            sample: address("Sample app"),
            identity_provider: address("Mock IdP"),
            owner: word("Owner", 0),
            password: word("Owner", 2),
            process,
            folder,
        }
    }

    /// Signs the owner in over the API, with the password that was printed.
    async fn owner_token(&self) -> String {
        let body = json!({"workspace": "acme", "email": self.owner, "password": self.password});
        let reply = send(client().post(format!("{}/api/v1/login", self.console)).json(&body)).await.expect(200).json();
        reply["token"].as_str().expect("a session has a token").to_owned()
    }

    async fn get(&self, token: &str, path: &str) -> Value {
        send(client().get(format!("{}{path}", self.console)).bearer_auth(token)).await.expect(200).json()
    }

    async fn log_all_users_out(&self, token: &str, dry_run: bool) -> Value {
        let body = json!({"reason": "Somebody wants to see it", "dry_run": dry_run});
        let request = client().post(format!("{}{LOG_ALL_USERS_OUT}", self.console)).bearer_auth(token);
        send(request.json(&body)).await.expect(200).json()
    }

    /// Clicks through single sign-on in a browser without scripts: to the identity provider, a choice, and back.
    async fn single_sign_on(&self, browser: &Client, email: &str) -> u16 {
        let reply = send(browser.get(format!("{}/saml/acme/login", self.console))).await.expect(303);
        let page = send(browser.get(reply.header("location").expect("a redirect"))).await.expect(200);
        assert!(page.text.contains(&format!("value=\"{email}\"")), "{email} can't be chosen: {}", page.text);
        let form = forms(&page.text).into_iter().next().expect("a form to choose with");
        assert_eq!(form.action, "/sso");
        let mut fields = form.pairs();
        fields.push(("person", email));
        let answer = browser.request(Method::POST, format!("{}/sso", self.identity_provider)).form(&fields);
        let answer = send(answer).await.expect(200);
        let policy = answer.header("content-security-policy").expect("a policy");
        assert!(policy.contains(&format!("form-action 'self' {};", self.console)), "{policy}");
        let form = forms(&answer.text).into_iter().next().expect("a form that goes back");
        send(browser.request(Method::POST, &form.action).form(&form.pairs())).await.status
    }

    /// What the sample application tells the script of its page.
    async fn state(&self, browser: &Client) -> Value {
        send(browser.get(format!("{}/state", self.sample))).await.expect(200).json()
    }

    /// What it shows.
    async fn page(&self, browser: &Client, status: u16) -> String {
        send(browser.get(format!("{}/", self.sample))).await.expect(status).text
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn its_past_is_there_and_holds() {
    let demo = Demo::start().await;
    let owner = demo.owner_token().await;
    let preview = demo.log_all_users_out(&owner, true).await;
    assert_eq!((&preview["sessions"], &preview["users"]), (&json!(250), &json!(43)));
    assert_eq!(preview["users_without_sign_in"], 0);
    let users = demo.get(&owner, "/api/v1/users?limit=200").await;
    let users = users["items"].as_array().expect("a list");
    let count = |name: &str, value: &str| users.iter().filter(|user| user[name] == value).count();
    assert_eq!((count("state", "active"), count("state", "deprovisioned"), count("source", "scim")), (43, 1, 41));
    assert_eq!((count("role", "owner"), count("role", "admin"), count("role", "member")), (1, 2, 41));
    let verified = demo.get(&owner, "/api/v1/audit/verify").await;
    assert_eq!(verified["intact"], true, "{verified}");
    for action in [
        "security.policy_changed",
        "security.saml_changed",
        "user.deprovisioned",
        "login.failed",
        "session.logout",
        "session.revoked",
    ] {
        let found = demo.get(&owner, &format!("/api/v1/audit?action={action}&limit=1")).await;
        assert!(!found["items"][0].is_null(), "the audit log has no {action}");
    }
    let logged_out = demo.get(&owner, "/api/v1/audit?action=session.log_all_users_out").await;
    assert_eq!(logged_out["items"].as_array().map(Vec::len), Some(1));
    let ago = true_now() - instant(&logged_out["items"][0]["at"]);
    assert!((WEEK_MS..WEEK_MS + 60_000).contains(&ago), "{ago} ms ago");
    for method in ["password", "saml"] {
        let found = demo.get(&owner, &format!("/api/v1/sessions?method={method}&limit=10")).await;
        assert_eq!(found["items"].as_array().map(Vec::len), Some(10), "{method}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sample_application_refuses_whoever_was_logged_out() {
    let mut demo = Demo::start().await;
    let (owner, browser) = (demo.owner_token().await, client_with_cookies());
    assert_eq!(demo.state(&browser).await["state"], "signed-out");
    assert!(demo.page(&browser, 403).await.contains("Not signed in"));
    let left = client_with_cookies();
    assert_eq!(demo.single_sign_on(&left, LEAVER).await, 403, "whoever left is refused");
    assert_eq!(demo.single_sign_on(&browser, MEMBER).await, 303);
    let who = send(browser.get(format!("{}/api/v1/session", demo.console))).await.expect(200).json();
    assert_eq!((&who["user"]["email"], &who["session"]["method"]), (&json!(MEMBER), &json!("saml")));
    let page = demo.page(&browser, 200).await;
    assert!(page.contains(&format!("Signed in as {MEMBER}")) && page.contains("x-curfew-session"), "{page}");
    let state = demo.state(&browser).await;
    assert_eq!((&state["state"], &state["refused_after_ms"]), (&json!("signed-in"), &Value::Null));
    let receipt = demo.log_all_users_out(&owner, false).await;
    assert_eq!(receipt["sessions"], 251, "{receipt}");
    // The receipt is there: the very next request is refused.
    let state = demo.state(&browser).await;
    assert_eq!(state["state"], "refused", "{state}");
    let after = state["refused_after_ms"].as_u64().expect("it was measured");
    let words = format!("refused {after} ms after the last accepted request");
    assert!(demo.page(&browser, 403).await.contains(&words), "the page does not say {words:?}");
    assert_eq!(demo.state(&client_with_cookies()).await["state"], "signed-out", "another browser's past");
    assert_eq!(demo.single_sign_on(&browser, MEMBER).await, 303);
    assert_eq!(demo.state(&browser).await["state"], "signed-in", "signed in again");
    demo.get(&owner, "/api/v1/session").await;
    stops_without_a_trace(&mut demo);
}

/// SIGTERM ends it as Ctrl-C does.
fn stops_without_a_trace(demo: &mut Demo) {
    let temporary = demo.folder.path().join("tmp");
    let found = || std::fs::read_dir(&temporary).expect("our own folder").count();
    assert_eq!(found(), 1, "its data are in a temporary folder");
    let pid = std::fs::read_to_string(demo.folder.path().join("pid")).expect("the shell wrote it");
    programs::run(Command::new(programs::need(&["sh"], "dash")).args(["-c", r#"kill -s TERM "$0""#, pid.trim()]));
    let status = demo.process.wait(Duration::from_secs(20)).expect("it ends when asked to");
    assert!(status.success(), "it ended with {status}");
    assert_eq!(found(), 0, "its temporary folder is still there");
}

/// Runs a demo that is expected to refuse, on free ports but for `arguments`.
fn refusal(arguments: &[&str]) -> Outcome {
    let mut all = vec!["demo"];
    for flag in ["--listen", "--app-listen", "--idp-listen"] {
        if !arguments.contains(&flag) {
            all.extend([flag, "127.0.0.1:0"]);
        }
    }
    all.extend(arguments);
    let nowhere = PathBuf::from("/nowhere");
    let outcome = Cli::new("sqlite:///nowhere/curfew.db", &nowhere).run(&all).refused();
    assert_eq!(outcome.code, Some(1), "{}", outcome.stderr);
    outcome
}

#[test]
fn an_address_that_others_can_reach_is_refused() {
    for flag in ["--listen", "--app-listen", "--idp-listen"] {
        for address in ["0.0.0.0:0", "[::]:0", "192.0.2.1:8080"] {
            let said = refusal(&[flag, address]).stderr;
            assert!(said.contains(flag) && said.contains("loopback"), "{flag} {address}: {said}");
        }
    }
}

#[test]
fn a_taken_port_is_named_with_its_flag() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = taken.local_addr().expect("a bound socket has an address").to_string();
    for flag in ["--listen", "--app-listen", "--idp-listen"] {
        let said = refusal(&[flag, &address]).stderr;
        assert!(said.contains(flag) && said.contains(&address), "{flag}: {said}");
    }
}

#[test]
fn a_folder_with_something_else_in_it_is_left_alone() {
    let folder = run::temporary("demo-");
    std::fs::write(folder.path().join("letter.txt"), "mine").expect("our own folder");
    let said = refusal(&["--data-dir", text(folder.path())]).stderr;
    assert!(said.contains("--data-dir"), "{said}");
    assert_eq!(std::fs::read_dir(folder.path()).expect("our own folder").count(), 1, "it was written to");
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a temporary folder has a plain name")
}
