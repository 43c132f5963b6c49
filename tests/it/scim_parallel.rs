//! Two identity providers' requests at once on one user and on one group: neither loses what the other wrote, and with `If-Match`
//! exactly one of two wins. `CURFEW_PARALLEL_ROUNDS` chooses the number of rounds.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::people::patch_op;
use crate::support::{TestApp, send};

const ROUNDS: u32 = 60;

fn rounds() -> u32 {
    let text = std::env::var("CURFEW_PARALLEL_ROUNDS").ok();
    text.map_or(ROUNDS, |text| text.parse().expect("CURFEW_PARALLEL_ROUNDS is a number"))
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Patch,
    Put,
    Bulk,
}

/// A resource, and what each of two writers adds to it.
struct Target {
    path: String,
    attribute: &'static str,
    values: [String; 2],
}

struct Seen {
    tag: String,
    resource: Value,
}

impl Target {
    async fn user(app: &TestApp) -> Self {
        let path = format!("/Users/{}", app.provision("shared").await.id);
        Self { path, attribute: "entitlements", values: ["left".to_owned(), "right".to_owned()] }
    }

    async fn group(app: &TestApp) -> Self {
        let values = [app.provision("left").await.id, app.provision("right").await.id];
        let body = json!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": "Shared"});
        let made = app.scim(Method::POST, "/Groups", Some(body)).await.expect(201).json();
        Self { path: format!("/Groups/{}", made["id"].as_str().expect("an id")), attribute: "members", values }
    }

    async fn see(&self, app: &TestApp) -> Seen {
        let reply = app.scim(Method::GET, &self.path, None).await.expect(200);
        Seen { tag: reply.header("etag").expect("a version").to_owned(), resource: reply.json() }
    }

    /// Who of the two is in it.
    fn holds(&self, seen: &Seen) -> [bool; 2] {
        let list = seen.resource[self.attribute].as_array().cloned().unwrap_or_default();
        [0, 1].map(|writer| list.iter().any(|item| item["value"] == self.values[writer].as_str()))
    }

    fn addition(&self, writer: usize) -> Value {
        patch_op(json!([{"op": "add", "path": self.attribute, "value": [{"value": self.values[writer]}]}]))
    }

    /// Adds the writer's value; gives the status. `based_on` is what the writer has seen and insists on.
    async fn write(&self, app: &TestApp, way: Way, writer: usize, based_on: Option<&Seen>) -> u16 {
        let (method, path, body) = match (way, based_on) {
            (Way::Patch, _) => (Method::PATCH, self.path.as_str(), self.addition(writer)),
            (Way::Put, Some(seen)) => {
                let mut resource = seen.resource.clone();
                let mut list = resource[self.attribute].as_array().cloned().unwrap_or_default();
                list.push(json!({"value": self.values[writer]}));
                resource[self.attribute] = list.into();
                (Method::PUT, self.path.as_str(), resource)
            }
            (Way::Put, None) => panic!("a replacement rests on what was seen"),
            (Way::Bulk, _) => {
                let mut operation = json!({"method": "PATCH", "path": self.path, "data": self.addition(writer)});
                if let Some(seen) = based_on {
                    operation["version"] = seen.tag.as_str().into();
                }
                (Method::POST, "/Bulk", json!({"Operations": [operation]}))
            }
        };
        let mut request = app.request(method, &format!("/scim/v2{path}")).bearer_auth(&app.home.scim_token);
        if let (Some(seen), Way::Patch | Way::Put) = (based_on, way) {
            request = request.header("if-match", &seen.tag);
        }
        let reply = send(request.header("content-type", "application/scim+json").body(body.to_string())).await;
        match way {
            Way::Bulk => {
                let status = reply.expect(200).json()["Operations"][0]["status"].clone();
                status.as_str().and_then(|status| status.parse().ok()).expect("a status")
            }
            Way::Patch | Way::Put => reply.status,
        }
    }

    async fn empty(&self, app: &TestApp) {
        let body = patch_op(json!([{"op": "remove", "path": self.attribute}]));
        app.scim(Method::PATCH, &self.path, Some(body)).await.expect(200);
    }
}

fn number(seen: &Seen) -> i64 {
    let digits: String =
        seen.tag.chars().skip_while(|c| !c.is_ascii_digit()).take_while(char::is_ascii_digit).collect();
    digits.parse().unwrap_or_else(|_| panic!("no number in {}", seen.tag))
}

/// Neither asks for a version: both are done, one after the other.
async fn nothing_is_lost(app: &TestApp, target: &Target, way: Way) {
    for round in 0..rounds() {
        let before = target.see(app).await;
        let both = tokio::join!(target.write(app, way, 0, None), target.write(app, way, 1, None));
        assert_eq!(both, (200, 200), "{way:?}, round {round}");
        let after = target.see(app).await;
        assert_eq!(target.holds(&after), [true; 2], "{way:?}, round {round}: an addition is lost: {}", after.resource);
        assert_eq!(number(&after), number(&before) + 2, "{way:?}, round {round}");
        target.empty(app).await;
    }
}

/// Both insist on the same version: one wins, the other is told and can go on from there.
async fn one_of_two_wins(app: &TestApp, target: &Target, way: Way) {
    for round in 0..rounds() {
        let before = target.see(app).await;
        let seen = Some(&before);
        let both = tokio::join!(target.write(app, way, 0, seen), target.write(app, way, 1, seen));
        let loser = match both {
            (200, 412) => 1,
            (412, 200) => 0,
            other => panic!("{way:?}, round {round}: {other:?}"),
        };
        let between = target.see(app).await;
        let mut expected = [true; 2];
        expected[loser] = false;
        assert_eq!(target.holds(&between), expected, "{way:?}, round {round}: {}", between.resource);
        assert_eq!(number(&between), number(&before) + 1, "{way:?}, round {round}");
        assert_eq!(target.write(app, way, loser, Some(&between)).await, 200, "{way:?}, round {round}");
        let after = target.see(app).await;
        assert_eq!((target.holds(&after), number(&after)), ([true; 2], number(&before) + 2), "{way:?}, round {round}");
        target.empty(app).await;
    }
}

on_both_databases! {
    /// Cases 67 and 68.
    async fn patches_of_one_user(app: TestApp) {
        let target = Target::user(&app).await;
        nothing_is_lost(&app, &target, Way::Patch).await;
        one_of_two_wins(&app, &target, Way::Patch).await;
    }

    async fn replacements_of_one_user(app: TestApp) {
        let target = Target::user(&app).await;
        one_of_two_wins(&app, &target, Way::Put).await;
    }

    async fn bulks_on_one_user(app: TestApp) {
        let target = Target::user(&app).await;
        nothing_is_lost(&app, &target, Way::Bulk).await;
        one_of_two_wins(&app, &target, Way::Bulk).await;
    }

    async fn patches_of_one_group(app: TestApp) {
        let target = Target::group(&app).await;
        nothing_is_lost(&app, &target, Way::Patch).await;
        one_of_two_wins(&app, &target, Way::Patch).await;
    }

    async fn replacements_of_one_group(app: TestApp) {
        let target = Target::group(&app).await;
        one_of_two_wins(&app, &target, Way::Put).await;
    }

    async fn bulks_on_one_group(app: TestApp) {
        let target = Target::group(&app).await;
        nothing_is_lost(&app, &target, Way::Bulk).await;
        one_of_two_wins(&app, &target, Way::Bulk).await;
    }

    /// Two bulks that change the same people in opposite orders and sign-outs between them: nobody waits for ever, nothing is lost.
    async fn bulks_in_opposite_orders(app: TestApp) {
        let mut people = Vec::new();
        for number in 0..6 {
            people.push(app.provision(&format!("person{number}")).await.id);
        }
        for round in 0..rounds().div_ceil(6) {
            let operations = |mut ids: Vec<String>, value: &str, backwards: bool| {
                if backwards {
                    ids.reverse();
                }
                let add = patch_op(json!([{"op": "add", "path": "entitlements", "value": [{"value": value}]}]));
                let patch = |id: &String| json!({"method": "PATCH", "path": format!("/Users/{id}"), "data": add});
                json!({"Operations": ids.iter().map(patch).collect::<Vec<_>>()})
            };
            let forwards = operations(people.clone(), "left", false);
            let backwards = operations(people.clone(), "right", true);
            let (one, other, off) = tokio::join!(
                app.scim(Method::POST, "/Bulk", Some(forwards)),
                app.scim(Method::POST, "/Bulk", Some(backwards)),
                app.set_active(&people[3], round % 2 == 1),
            );
            off.expect(200);
            for reply in [one, other] {
                let answer = reply.expect(200).json();
                let list = answer["Operations"].as_array().expect("a list");
                assert!(list.iter().all(|operation| operation["status"] == "200"), "round {round}: {answer}");
            }
            for id in &people {
                let path = format!("/Users/{id}");
                let user = app.scim(Method::GET, &path, None).await.expect(200).json();
                assert_eq!(user["entitlements"].as_array().map(Vec::len), Some(2), "round {round}: {user}");
                let remove = patch_op(json!([{"op": "remove", "path": "entitlements"}]));
                app.scim(Method::PATCH, &path, Some(remove)).await.expect(200);
            }
        }
    }
}
