//! Bulk over SCIM (RFC 7644 §3.7): references in every direction, each operation by itself, and nobody signed in whom it switched
//! off when it answers. Also what a single PATCH is answered with, and versions of what is shown.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::people::{okta_user, patch_op};
use crate::support::{Database, Reply, TestApp, send};

const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
const NOBODY: &str = "01890000-0000-7000-8000-000000000000";

async fn send_bulk(app: &TestApp, token: &str, operations: Value, fail_on_errors: Option<u64>) -> Reply {
    let mut body = json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"], "Operations": operations});
    if let Some(most) = fail_on_errors {
        body["failOnErrors"] = most.into();
    }
    app.scim_as(token, Method::POST, "/Bulk", Some(body)).await
}

/// What became of each operation that was tried.
async fn bulk(app: &TestApp, operations: Value) -> Vec<Value> {
    let answer = send_bulk(app, &app.home.scim_token, operations, None).await.expect(200).json();
    assert_eq!(answer["schemas"], json!(["urn:ietf:params:scim:api:messages:2.0:BulkResponse"]));
    answer["Operations"].as_array().expect("a list").clone()
}

fn statuses(tried: &[Value]) -> Vec<&str> {
    tried.iter().map(|operation| operation["status"].as_str().expect("a text")).collect()
}

/// The id of the resource of an operation.
fn id(operation: &Value) -> String {
    let location = operation["location"].as_str().unwrap_or_else(|| panic!("no location: {operation}"));
    location.rsplit('/').next().expect("an address").to_owned()
}

fn new_user(bulk_id: &str, name: &str) -> Value {
    json!({"method": "POST", "path": "/Users", "bulkId": bulk_id, "data": okta_user(&format!("{name}@corp.test"))})
}

fn new_report(bulk_id: &str, name: &str, manager: &str) -> Value {
    let mut operation = new_user(bulk_id, name);
    operation["data"][ENTERPRISE] = json!({"manager": {"value": format!("bulkId:{manager}")}});
    operation
}

fn new_group(bulk_id: &str, name: &str, members: Value) -> Value {
    json!({"method": "POST", "path": "/Groups", "bulkId": bulk_id,
           "data": {"schemas": [GROUP], "displayName": name, "members": members}})
}

fn patch(path: &str, operations: Value) -> Value {
    json!({"method": "PATCH", "path": path, "data": patch_op(operations)})
}

fn off(user: &str) -> Value {
    patch(&format!("/Users/{user}"), json!([{"op": "replace", "path": "active", "value": false}]))
}

async fn read(app: &TestApp, path: &str) -> Value {
    app.scim(Method::GET, path, None).await.expect(200).json()
}

async fn count(app: &TestApp, name: &str) -> i64 {
    let path = format!("/Users?filter=userName%20eq%20%22{name}%40corp.test%22");
    read(app, &path).await["totalResults"].as_i64().expect("a number")
}

async fn members(app: &TestApp, group: &str) -> Vec<String> {
    let group = read(app, &format!("/Groups/{group}")).await;
    let list = group["members"].as_array().cloned().unwrap_or_default();
    list.iter().map(|member| member["value"].as_str().expect("an id").to_owned()).collect()
}

/// A request with a condition.
async fn conditional(app: &TestApp, method: Method, path: &str, header: &str, tag: &str, body: Option<Value>) -> Reply {
    let request = app.request(method, &format!("/scim/v2{path}")).bearer_auth(&app.home.scim_token);
    let request = request.header("content-type", "application/scim+json").header(header, tag);
    send(request.body(body.map(|body| body.to_string()).unwrap_or_default())).await
}

on_both_databases! {
    /// A reference holds whether what it names comes earlier or later, in a path or in a value; answers keep the order.
    async fn case_21_references_in_either_direction(app: TestApp) {
        let ana = app.provision("ana").await.id;
        let tried = bulk(&app, json!([
            new_group("g", "Staff", json!([{"value": "bulkId:u"}, {"value": ana}])),
            new_report("u", "ben", "boss"),
            patch("/Groups/bulkId:g", json!([{"op": "add", "path": "members", "value": [{"value": "bulkId:boss"}]}])),
            new_user("boss", "boss"),
        ])).await;
        assert_eq!(statuses(&tried), ["201", "201", "200", "201"], "{tried:?}");
        let ids: Vec<String> = tried.iter().map(id).collect();
        assert_eq!((&tried[0]["bulkId"], &tried[0]["method"], &tried[2]["method"]), (&json!("g"), &json!("POST"), &json!("PATCH")));
        let mut found = members(&app, &ids[0]).await;
        found.sort();
        let mut expected = vec![ana, ids[1].clone(), ids[3].clone()];
        expected.sort();
        assert_eq!(found, expected);
        let ben = read(&app, &format!("/Users/{}", ids[1])).await;
        assert_eq!(ben[ENTERPRISE]["manager"]["value"], ids[3].as_str());
        let group = read(&app, &format!("/Groups/{}", ids[0])).await;
        assert_eq!((&group["meta"]["version"], &group["meta"]["location"]), (&tried[2]["version"], &tried[2]["location"]));
    }

    /// New users who are each other's managers come together, or not at all.
    async fn case_21_circles_hold_or_break_whole(app: TestApp) {
        let tried = bulk(&app, json!([new_report("a", "ana", "b"), new_user("x", "xia"), new_report("b", "ben", "a")])).await;
        assert_eq!(statuses(&tried), ["201", "201", "201"], "{tried:?}");
        for (one, other) in [(0, 2), (2, 0)] {
            let user = read(&app, &format!("/Users/{}", id(&tried[one]))).await;
            assert_eq!(user[ENTERPRISE]["manager"]["value"], id(&tried[other]).as_str());
        }
        let tried = bulk(&app, json!([new_report("c", "cleo", "d"), new_report("d", "ana", "c"), new_user("e", "eva")])).await;
        assert_eq!(statuses(&tried), ["409", "409", "201"], "{tried:?}");
        assert_eq!((tried[0].get("location"), count(&app, "cleo").await), (None, 0));
        let around = json!([
            new_group("g", "One", json!([{"value": "bulkId:h"}])),
            new_group("h", "Two", json!([{"value": "bulkId:g"}])),
        ]);
        let tried = bulk(&app, around).await;
        let mut found = statuses(&tried);
        found.sort_unstable();
        assert_eq!(found, ["400", "409"], "groups in groups: {tried:?}");
        assert_eq!(read(&app, "/Groups").await["totalResults"], 0);
    }

    /// Groups that refer to each other come together, with all of their members.
    async fn case_21_groups_may_be_in_a_circle(app: TestApp) {
        let ana = app.provision("ana").await.id;
        let mut one = new_group("g", "One", json!([{"value": "bulkId:u"}]));
        one["data"]["externalId"] = "bulkId:h".into();
        let mut two = new_group("h", "Two", json!([{"value": ana}, {"value": "bulkId:u"}]));
        two["data"]["externalId"] = "bulkId:g".into();
        let tried = bulk(&app, json!([one, two, new_user("u", "uma")])).await;
        assert_eq!(statuses(&tried), ["201", "201", "201"], "{tried:?}");
        for (group, other, count) in [(0, 1, 1), (1, 0, 2)] {
            let (path, other) = (format!("/Groups/{}", id(&tried[group])), id(&tried[other]));
            assert_eq!(read(&app, &path).await["externalId"], other.as_str());
            let found = members(&app, &id(&tried[group])).await;
            assert_eq!((found.len(), found.contains(&id(&tried[2]))), (count, true));
            assert_eq!(read(&app, &path).await["meta"]["version"], tried[group]["version"]);
        }
    }

    /// What refers to something that failed fails too; what doesn't is done.
    async fn case_21_a_failed_reference_fails_what_needs_it(app: TestApp) {
        app.provision("taken").await;
        let tried = bulk(&app, json!([
            new_group("g", "Staff", json!([{"value": "bulkId:u"}])),
            new_user("u", "taken"),
            patch("/Groups/bulkId:g", json!([{"op": "replace", "path": "displayName", "value": "X"}])),
            new_report("r", "report", "u"),
            new_user("v", "fine"),
        ])).await;
        assert_eq!(statuses(&tried), ["409", "409", "409", "409", "201"], "{tried:?}");
        assert_eq!(tried[1]["response"]["scimType"], "uniqueness");
        assert_eq!((count(&app, "report").await, count(&app, "fine").await), (0, 1));
        assert_eq!(read(&app, "/Groups").await["totalResults"], 0);
    }

    /// After so many failures the rest is neither done nor answered.
    async fn case_21_fail_on_errors_stops(app: TestApp) {
        app.provision("taken").await;
        let operations = |round: &str| json!([
            new_user("a", &format!("a{round}")),
            new_user("b", "taken"),
            new_user("c", &format!("c{round}")),
            {"method": "DELETE", "path": format!("/Users/{NOBODY}")},
            new_group("g", &format!("Group {round}"), json!([])),
        ]);
        for (most, expected) in [
            (1, &["201", "409"][..]),
            (2, &["201", "409", "201", "404"][..]),
            (3, &["201", "409", "201", "404", "201"][..]),
        ] {
            let round = most.to_string();
            let answer = send_bulk(&app, &app.home.scim_token, operations(&round), Some(most)).await.expect(200).json();
            let tried = answer["Operations"].as_array().expect("a list").clone();
            assert_eq!(statuses(&tried), expected, "{tried:?}");
            assert_eq!(count(&app, &format!("c{round}")).await, i64::from(most > 1), "failOnErrors {most}");
        }
        assert_eq!(read(&app, "/Groups").await["totalResults"], 1);
    }

    /// Case 17 within a bulk: a refused operation takes nothing of its neighbours with it, and leaves nothing of itself.
    async fn a_failing_operation_leaves_the_others(app: TestApp) {
        let (ana, ben) = (app.provision("ana").await.id, app.provision("ben").await.id);
        let title = |text: &str| json!([{"op": "replace", "path": "title", "value": text}]);
        let mut stale = patch(&format!("/Users/{ben}"), title("stale"));
        stale["version"] = "W/\"77\"".into();
        let tried = bulk(&app, json!([
            new_user("one", "one"),
            new_user("again", "one"),
            new_user("two", "two"),
            patch(&format!("/Users/{ana}"), title("Engineer")),
            patch(&format!("/Users/{NOBODY}"), title("nobody")),
            stale,
            patch(&format!("/Users/{ben}"), json!([
                {"op": "replace", "path": "title", "value": "lost"},
                {"op": "replace", "path": "userName", "value": "ONE@corp.test"},
            ])),
            new_group("g", "Staff", json!([{"value": ana}, {"value": NOBODY}])),
            new_group("h", "Others", json!([{"value": ben}])),
        ])).await;
        assert_eq!(statuses(&tried), ["201", "409", "201", "200", "404", "412", "409", "400", "201"], "{tried:?}");
        for refused in [1, 4, 5, 6, 7] {
            let response = &tried[refused]["response"];
            assert_eq!(response["schemas"][0], "urn:ietf:params:scim:api:messages:2.0:Error", "{response}");
            assert_eq!(response["status"], tried[refused]["status"]);
        }
        assert_eq!(read(&app, &format!("/Users/{ana}")).await["title"], "Engineer");
        let ben = read(&app, &format!("/Users/{ben}")).await;
        assert_eq!((ben.get("title"), &ben["userName"]), (None, &json!("ben@corp.test")));
        let groups = read(&app, "/Groups").await;
        assert_eq!((&groups["totalResults"], &groups["Resources"][0]["displayName"]), (&json!(1), &json!("Others")));
        let owner = app.owner_token().await;
        assert_eq!(app.get(&owner, "/api/v1/audit/verify").await.expect(200).json()["intact"], true);
    }

    /// Whoever was switched off in whatever form has no session when the answer is there; nobody else lost one.
    async fn case_22_deactivation_revokes_before_the_answer(app: TestApp) {
        let bystander = app.sign_in(&app.provision("bystander").await.email).await;
        let (mut operations, mut tokens, mut people) = (Vec::new(), Vec::new(), Vec::new());
        for number in 0..24 {
            let person = app.provision(&format!("leaver{number}")).await;
            tokens.push(app.sign_in(&person.email).await);
            tokens.push(app.sign_in(&person.email).await);
            let path = format!("/Users/{}", person.id);
            operations.push(match number % 3 {
                0 => off(&person.id),
                1 => {
                    let mut resource = okta_user(&person.email);
                    resource["active"] = "False".into();
                    json!({"method": "PUT", "path": path, "data": resource})
                }
                _ => json!({"method": "DELETE", "path": path}),
            });
            people.push(person.id);
        }
        operations.insert(5, off(NOBODY));
        let tried = bulk(&app, json!(operations)).await;
        assert_eq!(app.live(&tokens).await, 0, "sessions live after {tried:?}");
        assert!(app.is_live(&bystander).await, "somebody else's session ended");
        let refused = statuses(&tried).into_iter().filter(|status| !["200", "204"].contains(status)).count();
        assert_eq!((tried.len(), refused), (25, 1), "{tried:?}");
        let owner = app.owner_token().await;
        for person in people {
            let entries = app.all_items(&owner, &format!("/api/v1/audit?target={person}")).await;
            let ended = entries.iter().filter(|entry| entry["details"]["sessions"] == 2).count();
            assert_eq!(ended, 1, "the end of 2 sessions is told {ended} times: {entries:?}");
        }
        assert_eq!(app.get(&owner, "/api/v1/audit/verify").await.expect(200).json()["intact"], true);
    }

    /// More operations than a PATCH may have, or more bytes than a body, are refused before any work.
    async fn case_57_a_patch_has_its_limits(app: TestApp) {
        let ana = app.provision("ana").await.id;
        let group = id(&bulk(&app, json!([new_group("g", "Staff", json!([]))])).await[0]);
        let many = json!(vec![json!({"op": "add", "path": "members", "value": [{"value": ana}]}); 10_001]);
        let path = format!("/Groups/{group}");
        app.scim(Method::PATCH, &path, Some(patch_op(many))).await.expect_any(&[400, 413]);
        let many = json!(vec![json!({"op": "replace", "value": {"displayName": "X"}}); 10_001]);
        app.scim(Method::PATCH, &path, Some(patch_op(many.clone()))).await.expect_scim_error(413);
        assert_eq!(statuses(&bulk(&app, json!([patch(&path, many)])).await), ["413"]);
        let large = json!([{"op": "replace", "path": "displayName", "value": "x".repeat(5 * 1_048_576)}]);
        app.scim(Method::PATCH, &path, Some(patch_op(large))).await.expect_scim_error(413);
        assert_eq!((members(&app, &group).await.len(), read(&app, &path).await["displayName"].clone()), (0, json!("Staff")));
    }

    /// Too many operations, too many bytes, bulk in bulk, envelopes that are none: refused, and nothing was done.
    async fn case_58_a_bulk_has_its_limits(app: TestApp) {
        let config = read(&app, "/ServiceProviderConfig").await;
        let stated = json!({"supported": true, "maxOperations": 1_000, "maxPayloadSize": 1_048_576});
        assert_eq!(config["bulk"], stated);
        let token = app.home.scim_token.clone();
        let mut many = vec![new_user("first", "first")];
        many.resize(1_001, json!({"method": "DELETE", "path": "/Users/x"}));
        let refused = send_bulk(&app, &token, json!(many), None).await.expect_scim_error(413);
        assert!(refused["detail"].as_str().is_some_and(|detail| detail.contains("1000")), "{refused}");
        let mut large = new_user("first", "first");
        large["data"]["nickName"] = "n".repeat(1_048_577).into();
        let refused = send_bulk(&app, &token, json!([large]), None).await.expect_scim_error(413);
        assert!(refused["detail"].as_str().is_some_and(|detail| detail.contains("1048576")), "{refused}");
        for broken in [
            json!([]),
            json!("text"),
            json!([new_user("first", "first"), 1]),
            json!([new_user("first", "first"), {"method": "MOVE", "path": "/Users"}]),
            json!([new_user("first", "first"), {"method": "DELETE"}]),
            json!([new_user("first", "first"), new_user("first", "second")]),
        ] {
            send_bulk(&app, &token, broken, None).await.expect_scim_error(400);
        }
        send_bulk(&app, &token, json!([new_user("first", "first")]), Some(0)).await.expect_scim_error(400);
        app.scim(Method::GET, "/Bulk", None).await.expect_scim_error(405);
        app.scim_as("cfscim_wrong", Method::POST, "/Bulk", Some(json!({"Operations": []}))).await.expect_scim_error(401);
        assert_eq!(count(&app, "first").await, 0);
        let inner = json!({"method": "POST", "path": "/Bulk", "bulkId": "b", "data": {"Operations": [new_user("x", "inner")]}});
        let itself = new_report("a", "itself", "a");
        let unknown = new_report("u", "unknown", "nothing");
        let tried = bulk(&app, json!([inner, itself, unknown, new_user("last", "last")])).await;
        assert_eq!(statuses(&tried), ["400", "409", "409", "201"], "{tried:?}");
        for name in ["inner", "itself", "unknown"] {
            assert_eq!(count(&app, name).await, 0, "{name}");
        }
        let chain = (0..300).map(|number| new_report(&format!("c{number}"), &format!("c{number}"), &format!("c{}", number + 1)));
        let mut chain: Vec<Value> = chain.collect();
        chain.push(new_user("c300", "c300"));
        assert!(statuses(&bulk(&app, json!(chain)).await).into_iter().all(|status| status == "201"));
    }

    /// Nothing that grants comes in by bulk, and nobody is reached who isn't the identity provider's.
    async fn case_62_bulk_grants_nothing(app: TestApp) {
        let owner = app.owner_token().await;
        let owner_id = app.user_id(&owner).await;
        let mut climber = new_user("c", "climber");
        let more = json!({"id": owner_id, "role": "owner", "workspace_id": "globex", "groups": [{"value": "admins"}],
                          "roles": [{"value": "owner"}], "urn:curfew:internal": {"role": "owner"}, "externalId": owner_id});
        for (name, value) in more.as_object().expect("an object") {
            climber["data"][name] = value.clone();
        }
        let tried = bulk(&app, json!([
            climber,
            off(&owner_id),
            {"method": "DELETE", "path": format!("/Users/{owner_id}")},
            patch("/Users/bulkId:c", json!([{"op": "replace", "path": "id", "value": owner_id}])),
            new_group("g", "Admins", json!([{"value": owner_id}])),
        ])).await;
        assert_eq!(statuses(&tried), ["201", "404", "404", "400", "400"], "{tried:?}");
        assert_ne!(id(&tried[0]), owner_id, "the client chose the id");
        let made = app.get(&owner, &format!("/api/v1/users/{}", id(&tried[0]))).await.expect(200).json();
        assert_eq!((&made["role"], &made["source"]), (&json!("member"), &json!("scim")));
        assert!(app.is_live(&owner).await);
    }

    /// Another workspace's ids are ids of nobody: same answers, no revocation.
    async fn case_63_bulk_stays_in_its_workspace(app: TestApp) {
        let ana = app.provision("ana").await;
        let token = app.sign_in(&ana.email).await;
        let group = id(&bulk(&app, json!([new_group("g", "Staff", json!([{"value": ana.id}]))])).await[0]);
        let theirs = |user: &str, group: &str| {
            let mut conditional = off(user);
            conditional["version"] = "W/\"1\"".into();
            json!([
                off(user),
                conditional,
                {"method": "PUT", "path": format!("/Users/{user}"), "data": okta_user("ana@corp.test")},
                {"method": "DELETE", "path": format!("/Users/{user}")},
                patch(&format!("/Groups/{group}"), json!([{"op": "remove", "path": "members"}])),
                {"method": "DELETE", "path": format!("/Groups/{group}")},
                new_group("h", "Theirs", json!([{"value": user}])),
                new_group("i", "Nested", json!([{"value": group}])),
            ])
        };
        let mut answers = Vec::new();
        for (user, group) in [(ana.id.as_str(), group.as_str()), (NOBODY, NOBODY)] {
            let answer = send_bulk(&app, &app.home.other_scim_token, theirs(user, group), None).await.expect(200);
            answers.push(answer.text.replace(user, "ID").replace(group, "ID"));
        }
        assert_eq!(answers[0], answers[1]);
        assert!(!answers[0].contains("\"20"), "{}", answers[0]);
        assert!(app.is_live(&token).await);
        assert_eq!(members(&app, &group).await, [ana.id]);
    }

    /// A bulk of one does and answers what the single call does.
    async fn a_bulk_of_one_is_the_single_call(app: TestApp) {
        let cases = [
            (Method::PATCH, Some(patch_op(json!([{"op": "replace", "path": "title", "value": "T"}])))),
            (Method::PATCH, Some(patch_op(json!([{"op": "replace", "path": "active", "value": "False"}])))),
            (Method::PATCH, Some(patch_op(json!([{"op": "replace", "path": "active", "value": "maybe"}])))),
            (Method::PATCH, Some(patch_op(json!([{"op": "remove"}])))),
            (Method::PATCH, Some(patch_op(json!([{"op": "replace", "path": "password", "value": "short"}])))),
            (Method::PATCH, Some(patch_op(json!([{"op": "replace", "path": "password", "value": "Another-Pass-9-word"}])))),
            (Method::PATCH, Some(patch_op(json!([{"op": "replace", "path": "userName", "value": "taken@corp.test"}])))),
            (Method::PUT, Some(json!({"userName": "NAME@corp.test", "nickName": "N"}))),
            (Method::PUT, Some(json!({"nickName": "N"}))),
            (Method::POST, Some(okta_user("taken@corp.test"))),
            (Method::DELETE, None),
        ];
        app.provision("taken").await;
        for (number, (method, body)) in cases.into_iter().enumerate() {
            let people = [app.provision(&format!("single{number}")).await, app.provision(&format!("bulk{number}")).await];
            let body = |name: &str| {
                let text = body.as_ref().map(|body| body.to_string().replace("NAME", name));
                text.map(|text| serde_json::from_str::<Value>(&text).expect("JSON"))
            };
            let path = |id: &str| if method == Method::POST { "/Users".to_owned() } else { format!("/Users/{id}") };
            let single = app.scim(method.clone(), &path(&people[0].id), body(&format!("single{number}"))).await;
            let mut operation = json!({"method": method.as_str(), "path": path(&people[1].id), "bulkId": "x"});
            operation["data"] = body(&format!("bulk{number}")).unwrap_or_default();
            let tried = bulk(&app, json!([operation])).await.remove(0);
            assert_eq!(tried["status"], single.status.to_string(), "{method} {number}: {tried}");
            match single.status {
                200..=299 => assert_eq!(tried["version"].as_str(), single.header("etag"), "{number}"),
                _ => assert_eq!(tried["response"], single.json(), "{number}"),
            }
            let mut after = Vec::new();
            for person in &people {
                let reply = app.scim(Method::GET, &format!("/Users/{}", person.id), None).await;
                let name = person.email.trim_end_matches("@corp.test");
                let mut found = reply.json();
                found["externalId"].take();
                let text = found.to_string().replace(&person.id, "ID").replace(name, "NAME");
                after.push((reply.status, text));
            }
            assert_eq!(after[0], after[1], "{method} {number}");
        }
    }

    /// A token may ask for no body after a PATCH; everything else stays as it is.
    async fn a_patch_is_answered_as_the_token_was_made(app: TestApp) {
        let owner = app.owner_token().await;
        let make = json!({"name": "Entra", "patch_response": "no_content"});
        let made = app.post(&owner, "/api/v1/scim-tokens", make).await.expect(201).json();
        assert_eq!(made["patch_response"], "no_content");
        let token = made["token"].as_str().expect("shown once");
        let wrong = json!({"name": "Entra", "patch_response": "nothing"});
        app.post(&owner, "/api/v1/scim-tokens", wrong).await.expect_field("patch_response");
        let ana = app.provision("ana").await.id;
        let group = id(&bulk(&app, json!([new_group("g", "Staff", json!([]))])).await[0]);
        for (path, body) in [
            (format!("/Users/{ana}"), json!([{"op": "replace", "path": "title", "value": "T"}])),
            (format!("/Groups/{group}"), json!([{"op": "add", "path": "members", "value": [{"value": ana}]}])),
        ] {
            let reply = app.scim_as(token, Method::PATCH, &path, Some(patch_op(body.clone()))).await.expect(204);
            assert_eq!(reply.text, "");
            assert_eq!(read(&app, &path).await["meta"]["version"], reply.header("etag").expect("a version"));
            let asked = format!("{path}?attributes=id");
            app.scim_as(token, Method::PATCH, &asked, Some(patch_op(body.clone()))).await.expect(200);
            app.scim(Method::PATCH, &path, Some(patch_op(body.clone()))).await.expect(200);
            let answer = send_bulk(&app, token, json!([patch(&path, body)]), None).await.expect(200).json();
            assert_eq!(answer["Operations"][0]["status"], "204");
        }
        assert_eq!(members(&app, &group).await, [ana]);
    }

    /// Case 16: versions change with what is shown, and only then.
    async fn case_16_versions_follow_what_is_shown(app: TestApp) {
        let ana = app.provision("ana").await.id;
        let group = id(&bulk(&app, json!([new_group("g", "Staff", json!([]))])).await[0]);
        let (user_path, group_path) = (format!("/Users/{ana}"), format!("/Groups/{group}"));
        let add = patch_op(json!([{"op": "add", "path": "members", "value": [{"value": ana}]}]));
        let rename = patch_op(json!([{"op": "replace", "path": "displayName", "value": "Crew"}]));
        let mut seen: Vec<(String, String)> = Vec::new();
        for change in [None, Some(add.clone()), Some(rename)] {
            if let Some(body) = change {
                app.scim(Method::PATCH, &group_path, Some(body)).await.expect(200);
            }
            let mut tags = Vec::new();
            for path in [&user_path, &group_path] {
                let reply = app.scim(Method::GET, path, None).await.expect(200);
                let tag = reply.header("etag").expect("a version").to_owned();
                assert_eq!(reply.json()["meta"]["version"], tag.as_str());
                let unchanged = conditional(&app, Method::GET, path, "if-none-match", &tag, None).await.expect(304);
                assert_eq!((unchanged.text.as_str(), unchanged.header("etag")), ("", Some(tag.as_str())));
                tags.push(tag);
            }
            seen.push((tags.remove(0), tags.remove(0)));
        }
        assert!(seen[0].0 != seen[1].0 && seen[1].0 != seen[2].0 && seen[0].1 != seen[1].1, "{seen:?}");
        app.scim(Method::PATCH, &group_path, Some(add)).await.expect(200);
        let (old, now) = (&seen[0], &seen[2]);
        conditional(&app, Method::GET, &group_path, "if-none-match", &now.1, None).await.expect(304);
        conditional(&app, Method::GET, &group_path, "if-none-match", &old.1, None).await.expect(200);
        let title = patch_op(json!([{"op": "replace", "path": "title", "value": "T"}]));
        conditional(&app, Method::PATCH, &user_path, "if-match", &old.0, Some(title.clone())).await.expect_scim_error(412);
        conditional(&app, Method::PATCH, &user_path, "if-match", &now.0, Some(title)).await.expect(200);
        conditional(&app, Method::DELETE, &group_path, "if-match", &old.1, None).await.expect_scim_error(412);
        app.scim(Method::DELETE, &user_path, None).await.expect(204);
        let after = conditional(&app, Method::GET, &group_path, "if-none-match", &now.1, None).await.expect(200).json();
        assert_eq!(after.get("members"), None, "{after}");
    }

    /// A group in a group is refused in words, whatever the form.
    async fn groups_are_not_nested(app: TestApp) {
        let tried = bulk(&app, json!([new_group("g", "Inner", json!([])), new_group("h", "Outer", json!([]))])).await;
        let (inner, outer) = (id(&tried[0]), format!("/Groups/{}", id(&tried[1])));
        for member in [json!({"value": inner}), json!({"value": NOBODY, "type": "Group"})] {
            for (method, path, body) in [
                (Method::POST, "/Groups", json!({"displayName": "New", "members": [member]})),
                (Method::PUT, outer.as_str(), json!({"displayName": "Outer", "members": [member]})),
                (Method::PATCH, outer.as_str(), patch_op(json!([{"op": "add", "path": "members", "value": [member]}]))),
            ] {
                let refused = app.scim(method, path, Some(body)).await.expect_scim_error(400);
                assert!(refused["detail"].as_str().is_some_and(|text| text.contains("group can't be in a group")), "{refused}");
            }
        }
        let projected = patch_op(json!([{"op": "replace", "path": "externalId", "value": "x"}]));
        let path = format!("{outer}?excludedAttributes=members");
        assert_eq!(app.scim(Method::PATCH, &path, Some(projected)).await.expect(200).json()["externalId"], "x");
    }
}

/// Another replica that remembers the sessions refuses them as soon as the answer is there.
#[tokio::test(flavor = "multi_thread")]
async fn case_22_no_replica_accepts_what_a_bulk_ended() {
    let app = TestApp::on(Database::Postgres).await;
    let beside = app.beside().await;
    for round in 0..5 {
        let (mut operations, mut tokens) = (Vec::new(), Vec::new());
        for number in 0..6 {
            let person = app.provision(&format!("leaver{round}x{number}")).await;
            tokens.push(app.sign_in(&person.email).await);
            operations.push(off(&person.id));
        }
        for token in &tokens {
            for _ in 0..2 {
                beside.verdict(token).await.expect(200);
            }
        }
        assert!(beside.remembered() >= tokens.len());
        operations.push(new_user("n", &format!("newcomer{round}")));
        bulk(&app, json!(operations)).await;
        for token in &tokens {
            beside.verdict(token).await.expect(401);
        }
    }
    beside.stop().await;
}
