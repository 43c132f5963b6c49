//! The beginning of a history: a PostgreSQL with a standby, replicas, and people who can sign in.

use std::sync::Arc;

use reqwest::Method;
use serde_json::json;

use super::dice::Dice;
use super::faults::Fleet;
use super::node::Node;
use super::plan::Plan;
use super::world::{BOSS, Person, World};
use crate::support::http::{Reply, client, send};
use crate::support::people::okta_user;
use crate::support::postgres_pair::Pair;
use crate::support::{Home, PASSWORD, programs, saml};

const REPLICAS: usize = 3;

/// Everything that a plan needs, running.
pub async fn fleet(plan: &Plan) -> Fleet {
    let name = format!("history-{}", programs::free_port());
    let (pair, home) = tokio::task::block_in_place(|| {
        let pair = Pair::start(&name);
        let home = Home::on(pair.primary());
        (pair, home)
    });
    home.without_hold().await;
    let mut nodes = nodes(&home, pair.primary().port(), REPLICAS).await;
    for node in &mut nodes {
        node.start().await;
    }
    let mut world = world(&home, &nodes);
    populate(&mut world, plan.administrators, plan.members).await;
    configure_saml(&world).await;
    Fleet { world: Arc::new(world), nodes, pair, home, dice: Dice::new(plan.seed, 2_000), logs: Vec::new() }
}

/// Replicas under one name, each with its own way to the database; not yet started.
pub async fn nodes(home: &Home, database_port: u16, count: usize) -> Vec<Node> {
    let ports: Vec<u16> = (0..count).map(|_| programs::quiet_port()).collect();
    let public_url = format!("http://127.0.0.1:{}", ports[0]);
    let mut nodes = Vec::new();
    for (number, port) in ports.into_iter().enumerate() {
        nodes.push(Node::new(home, database_port, number, port, &public_url).await);
    }
    nodes
}

/// A world with nobody in it but the owner.
pub fn world(home: &Home, nodes: &[Node]) -> World {
    let ports: Vec<u16> = nodes.iter().map(Node::port).collect();
    let public_url = format!("http://127.0.0.1:{}", ports[0]);
    World::new(ports, public_url, home.scim_token.clone())
}

/// Makes people: administrators first.
pub async fn populate(world: &mut World, administrators: usize, members: usize) {
    for number in 1..=administrators + members {
        let email = format!("person-{number}@corp.test");
        let mut user = okta_user(&email);
        user["password"] = PASSWORD.into();
        let request = client().request(Method::POST, format!("{}/scim/v2/Users", world.public_url));
        let request = request.bearer_auth(&world.scim_token).header("content-type", "application/scim+json");
        let created = send(request.body(user.to_string())).await.expect(201).json();
        let id = created["id"].as_str().expect("an id").to_owned();
        world.people.push(Person { id, email });
    }
    world.administrators = administrators;
    let owner = owner_token(world).await;
    for person in &world.people[BOSS + 1..=administrators] {
        let path = format!("/api/v1/users/{}", person.id);
        as_owner(world, &owner, Method::PATCH, &path, json!({"role": "admin"})).await.expect(200);
    }
}

async fn configure_saml(world: &World) {
    let metadata = tokio::task::block_in_place(saml::metadata);
    let owner = owner_token(world).await;
    let body = json!({"metadata_xml": metadata, "sessions": "keep"});
    as_owner(world, &owner, Method::PUT, "/api/v1/security/saml", body).await.expect(200);
}

async fn owner_token(world: &World) -> String {
    let body = json!({"workspace": "acme", "email": world.people[BOSS].email, "password": PASSWORD});
    let signed_in = send(client().post(format!("{}/api/v1/login", world.public_url)).json(&body)).await.expect(200);
    signed_in.json()["token"].as_str().expect("a token").to_owned()
}

async fn as_owner(world: &World, owner: &str, method: Method, path: &str, body: serde_json::Value) -> Reply {
    send(client().request(method, format!("{}{path}", world.public_url)).bearer_auth(owner).json(&body)).await
}
