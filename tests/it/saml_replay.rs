//! One response, delivered many times at once to two servers on one database: one session.

use reqwest::Method;

use crate::support::consumer::session_token;
use crate::support::http::client;
use crate::support::saml::{USER, asked, configure, signed};
use crate::support::{Database, Reply, TestApp, send};

/// Deliveries at once.
const DELIVERIES: usize = 50;

/// Posts the response to one of the servers, as the browser that began the sign-in.
async fn deliver(base: &str, cookie: &str, response: &str, relay_state: &str) -> Reply {
    let fields = [("SAMLResponse", response), ("RelayState", relay_state)];
    let posted = client().request(Method::POST, format!("{base}/saml/acme/acs")).header("cookie", cookie);
    send(posted.form(&fields)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn one_response_makes_one_session_on_two_replicas() {
    let app = TestApp::on(Database::Postgres).await;
    let second = app.beside().await;
    let owner = app.owner_token().await;
    configure(&app, &owner).await;
    let begun = send(app.request(Method::GET, "/saml/acme/login")).await.expect_any(&[302, 303]);
    let cookie = begun.set_cookies().first().and_then(|cookie| cookie.split(';').next()).expect("a cookie").to_owned();
    let (request_id, relay_state) = asked(begun.header("location").unwrap_or_default());
    let response = signed(&app.base, &request_id, USER, &[]);
    let bases = [app.base.as_str(), second.base.as_str()];
    let all = (0..DELIVERIES).map(|number| deliver(bases[number % bases.len()], &cookie, &response, &relay_state));
    let replies = futures_util::future::join_all(all).await;
    let tokens: Vec<String> = replies.iter().flat_map(|reply| reply.set_cookies()).filter_map(session_token).collect();
    let statuses: Vec<u16> = replies.iter().map(|reply| reply.status).collect();
    assert_eq!(tokens.len(), 1, "{statuses:?}");
    // Refused, or not looked at because the verifiers were busy.
    let refused = statuses.iter().filter(|status| [403, 503].contains(*status)).count();
    assert_eq!(refused, DELIVERIES - 1, "{statuses:?}");
    second.verdict(&tokens[0]).await.expect(200);
    let sessions = app.all_items(&owner, "/api/v1/sessions?method=saml").await;
    assert_eq!(sessions.len(), 1, "{sessions:?}");
    for base in bases {
        let late = deliver(base, &cookie, &response, &relay_state).await.expect(403);
        assert!(late.set_cookies().into_iter().filter_map(session_token).next().is_none());
    }
    second.stop().await;
    let app = app.restart().await;
    let sessions = app.all_items(&app.owner_token().await, "/api/v1/sessions?method=saml").await;
    assert_eq!(sessions.len(), 1, "{sessions:?}");
}
