//! Responses that are meant to cost much, beside a genuine one up to its session: processor time and memory of the server for
//! each, all of it counted, from the first octet of the request to the answer.

use std::io::Write;

use flate2::Compression;
use flate2::write::DeflateEncoder;

use super::saml_sign_in::{Flow, Trial, deliver};
use super::statistics::{grouped, median, shown};
use super::table::{Goal, Table};

/// Of each, in a round.
const EACH: u64 = 10;
const MEBIBYTE: f64 = 1_048_576.0;

/// What a response cost.
#[derive(Clone, Copy)]
struct Cost {
    /// Seconds of a processor.
    busy: f64,
    /// Bytes that were allocated at once, at the most.
    memory: u64,
}

/// A kind of response, and what it cost in each round.
struct Case {
    name: &'static str,
    octets: Vec<u8>,
    /// The largest that is let in at all has no goal.
    promised: bool,
    costs: Vec<Cost>,
}

pub async fn measure(trial: &mut Trial<'_>, table: &mut Table) {
    let mut connection = trial.connection().await;
    let flow = trial.begin(&mut connection).await;
    let mut cases = cases(&trial.response(&flow));
    let mut good = Vec::new();
    for _ in 0..trial.settings.rounds {
        good.push(genuine(trial, table).await);
        for case in &mut cases {
            let cost = refused(trial, case.name, &case.octets, table).await;
            case.costs.push(cost);
        }
    }
    let good = together(&good);
    for case in cases {
        report(&case, good, table);
    }
}

async fn genuine(trial: &mut Trial<'_>, table: &mut Table) -> Cost {
    let mut connection = trial.connection().await;
    let deliveries = trial.deliveries(&mut connection, EACH).await;
    trial.stand.order("weigh");
    let mut refused = 0;
    for delivery in &deliveries {
        refused += u64::from(!deliver(&mut connection, delivery).await.1);
    }
    let cost = weighed(trial);
    if refused > 0 {
        table.wrong(format!("{refused} genuine SAML responses gave no session"));
    }
    cost
}

async fn refused(trial: &mut Trial<'_>, name: &str, octets: &[u8], table: &mut Table) -> Cost {
    let mut connection = trial.connection().await;
    let flow: Flow = trial.begin(&mut connection).await;
    let delivery = flow.delivery(octets);
    trial.stand.order("weigh");
    let mut others = 0;
    for _ in 0..EACH {
        let status = connection.ask(&delivery).await.expect("the server keeps the connection");
        others += u64::from(!(400..500).contains(&status));
    }
    let cost = weighed(trial);
    if others > 0 {
        table.wrong(format!("of {EACH} SAML responses ({name}) {others} were not refused with a 4xx"));
    }
    cost
}

fn weighed(trial: &mut Trial<'_>) -> Cost {
    let answer = trial.stand.order("weighed");
    let (nanoseconds, memory) = answer.split_once(' ').expect("two numbers");
    let busy: f64 = nanoseconds.parse().expect("a number");
    Cost { busy: busy / 1e9 / EACH as f64, memory: memory.parse().expect("a number") }
}

/// The median of the times, and of the memory: what else goes on in the server meanwhile is in some rounds only.
fn together(costs: &[Cost]) -> Cost {
    let memory = median(costs.iter().map(|cost| cost.memory as f64).collect());
    Cost { busy: median(costs.iter().map(|cost| cost.busy).collect()), memory: memory as u64 }
}

fn report(case: &Case, good: Cost, table: &mut Table) {
    let cost = together(&case.costs);
    let (time, memory) = match case.promised {
        true => (Goal::AtMost(2.0), Goal::AtMost(1.0)),
        false => (Goal::None, Goal::None),
    };
    table.ratio(
        &format!("SAML, processor time for a refused response: {}", case.name),
        format!("a genuine one up to its session: {}", shown(good.busy)),
        shown(cost.busy),
        cost.busy / good.busy,
        "",
        time,
    );
    let more = (cost.memory as f64 - good.memory as f64) / MEBIBYTE;
    table.figure(
        &format!("SAML, memory for that: {}", case.name),
        format!("a genuine one: {} bytes", grouped(good.memory)),
        format!("{} bytes, {more:.2} MiB more", grouped(cost.memory)),
        more,
        " MiB",
        memory,
    );
}

/// What is sent, made of a genuine response.
fn cases(genuine: &str) -> Vec<Case> {
    let case = |name, octets, promised| Case { name, octets, promised, costs: Vec::new() };
    vec![
        case("10 MB", vec![b'x'; 10_000_000], true),
        case("100,000 attributes", with_attributes(genuine, 100_000), true),
        case("10,000 elements deep", deep(genuine, 10_000), true),
        case("a deflate bomb of 64 MiB", bomb(64), true),
        case("as many attributes as are let in, forged", with_attributes(genuine, most_attributes(genuine)), false),
    ]
}

fn with_attributes(genuine: &str, count: usize) -> Vec<u8> {
    let mut attributes = String::new();
    for number in 0..count {
        attributes.push_str(&attribute(number));
    }
    let end = "</saml:AttributeStatement>";
    genuine.replacen(end, &format!("{attributes}{end}"), 1).into_bytes()
}

fn attribute(number: usize) -> String {
    format!(r#"<saml:Attribute Name="a{number:05}"><saml:AttributeValue>1</saml:AttributeValue></saml:Attribute>"#)
}

/// With some room for what the form escapes: a tenth.
fn most_attributes(genuine: &str) -> usize {
    const LARGEST: usize = 460 * 1024 / 4 * 3;
    (LARGEST - genuine.len()) / attribute(0).len()
}

fn deep(genuine: &str, depth: usize) -> Vec<u8> {
    let nested = format!("<samlp:Extensions>{}{}</samlp:Extensions>", "<a>".repeat(depth), "</a>".repeat(depth));
    genuine.replacen("<samlp:Status>", &format!("{nested}<samlp:Status>"), 1).into_bytes()
}

/// So many MiB of nothing, deflated: the POST binding doesn't deflate, and nobody may inflate it.
fn bomb(mebibytes: usize) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
    for _ in 0..mebibytes {
        encoder.write_all(&[0; 1024 * 1024]).expect("writing to memory does not fail");
    }
    encoder.finish().expect("writing to memory does not fail")
}
