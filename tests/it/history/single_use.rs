//! One SAML response, delivered to two replicas at the same moment by the browser that asked for it. Each is for somebody of
//! whom nobody has heard before, so that the database can be asked afterwards how many sessions came of it.

use std::sync::Arc;
use std::time::Duration;

use super::clients::rest;
use super::dice::Dice;
use super::record::{Assertion, SignIn};
use super::wire::{self, Answer, once};
use super::world::{PATIENCE, World};
use crate::support::saml;

/// Numbers of people who exist for one assertion only begin here.
const STRANGERS: usize = 1_000_000;

/// Does so again and again, until the world stops.
pub async fn sign_in_twice(world: Arc<World>, mut dice: Dice, pause: Duration) {
    while !world.is_over() {
        rest(&mut dice, pause).await;
        // A replica that is down, cut off, or wrong about the time begins no sign-in; then it is somebody else's turn.
        let at = world.any_replica(&mut dice);
        deliver_twice(&world, at, (at + 1 + dice.below(world.ports.len() - 1)) % world.ports.len()).await;
    }
}

async fn deliver_twice(world: &Arc<World>, one: usize, other: usize) -> Option<()> {
    let begin = wire::plain("GET", "/saml/acme/login", "", "");
    let begun = once(world.ports[one], &begin, PATIENCE).await?;
    let browser = cookie(&begun, "curfew-saml=")?;
    let (request_id, _) = saml::asked(begun.header("location")?);
    let (number, email) = announce(world);
    let (base, user) = (world.public_url.clone(), email.clone());
    let signed = tokio::task::spawn_blocking(move || saml::signed(&base, &request_id, &user, &[]));
    let response = signed.await.expect("the identity provider signs");
    let body = url::form_urlencoded::Serializer::new(String::new()).append_pair("SAMLResponse", &response).finish();
    let request = delivery(&browser, &body);
    tokio::join!(deliver(world, one, &request, number), deliver(world, other, &request, number));
    Some(())
}

fn announce(world: &World) -> (usize, String) {
    let mut history = world.recorder.history();
    let number = history.assertions.len();
    let email = format!("once-{number}@corp.test");
    history.assertions.push(Assertion { email: email.clone(), sessions: 0 });
    (number, email)
}

fn delivery(browser: &str, body: &str) -> Vec<u8> {
    format!(
        "POST /saml/acme/acs HTTP/1.1\r\nhost: 127.0.0.1\r\ncookie: curfew-saml={browser}\r\n\
         content-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

async fn deliver(world: &World, replica: usize, request: &[u8], number: usize) {
    let invoked = world.recorder.now();
    let answer = once(world.ports[replica], request, PATIENCE).await;
    let returned = world.recorder.now();
    if let Some(token) = answer.as_ref().and_then(|answer| cookie(answer, "curfew=cfs_")) {
        let assertion = Some(number);
        let user = STRANGERS + number;
        let sign_in = SignIn { replica, user, credential: 0, assertion, invoked, returned };
        world.remember(sign_in, &format!("cfs_{token}"), "");
    }
}

/// What follows `start` in a cookie that an answer sets; `None` if it sets none, or takes it away.
fn cookie(answer: &Answer, start: &str) -> Option<String> {
    let lines = answer.headers("set-cookie");
    let values = lines.filter_map(|line| line.strip_prefix(start)?.split(';').next());
    values.map(str::to_owned).find(|value| !value.is_empty())
}
