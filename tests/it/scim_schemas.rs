//! Schemas that a workspace declares for itself: what they declare holds, on every replica, from the answer on; for nobody
//! else; and nothing of a person is ever wrong or lost because a schema was changed.

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::people::okta_user;
use crate::support::{Database, PASSWORD, Reply, TestApp, send};

const SCHEMAS: &str = "/api/v1/scim/schemas";
/// With a dot in it, and without the name of an attribute at its end.
const URN: &str = "urn:example:acme.corp:2.0";
const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

fn document(attributes: Value) -> Value {
    json!({"id": URN, "name": "Acme", "description": "What Acme knows", "resource_type": "User", "attributes": attributes})
}

/// Every type and every characteristic.
fn everything() -> Value {
    document(json!([
        {"name": "badge", "required": true, "uniqueness": "server"},
        {"name": "code", "caseExact": true},
        {"name": "grade", "canonicalValues": ["junior", "senior"]},
        {"name": "onSite", "type": "boolean"},
        {"name": "floor", "type": "integer"},
        {"name": "height", "type": "decimal"},
        {"name": "since", "type": "dateTime"},
        {"name": "page", "type": "reference", "referenceTypes": ["external"]},
        {"name": "photo", "type": "binary"},
        {"name": "tags", "multiValued": true},
        {"name": "contract", "mutability": "immutable"},
        {"name": "score", "mutability": "readOnly"},
        {"name": "pin", "mutability": "writeOnly"},
        {"name": "note", "returned": "request"},
        {"name": "site", "returned": "always"},
        {"name": "cards", "type": "complex", "multiValued": true, "subAttributes": [
            {"name": "value", "required": true, "uniqueness": "server"}, {"name": "type"},
            {"name": "primary", "type": "boolean"}]},
    ]))
}

fn small() -> Value {
    document(json!([{"name": "badge", "uniqueness": "server"}, {"name": "team"}]))
}

async fn declare(app: &TestApp, document: Value) -> Reply {
    let owner = app.owner_token().await;
    app.post(&owner, SCHEMAS, document).await.expect(201)
}

fn user(name: &str, extension: Value) -> Value {
    let mut user = okta_user(&format!("{name}@corp.test"));
    user["schemas"] = json!(["urn:ietf:params:scim:schemas:core:2.0:User", URN]);
    user[URN] = extension;
    user
}

async fn create(app: &TestApp, name: &str, extension: Value) -> Value {
    app.scim(Method::POST, "/Users", Some(user(name, extension))).await.expect(201).json()
}

fn id(resource: &Value) -> &str {
    resource["id"].as_str().expect("an id")
}

async fn search(app: &TestApp, mut query: Value) -> Reply {
    query["schemas"] = json!(["urn:ietf:params:scim:api:messages:2.0:SearchRequest"]);
    app.scim(Method::POST, "/Users/.search", Some(query)).await
}

/// The user names that a filter finds, without what follows the @.
async fn found(app: &TestApp, filter: &str) -> Vec<String> {
    let list = search(app, json!({"filter": filter, "sortBy": "userName"})).await.expect(200).json();
    let users = list["Resources"].as_array().expect("a list").iter();
    users.map(|user| user["userName"].as_str().unwrap_or_default().replace("@corp.test", "")).collect()
}

async fn read(app: &TestApp, id: &str) -> Value {
    app.scim(Method::GET, &format!("/Users/{id}"), None).await.expect(200).json()
}

async fn set(app: &TestApp, id: &str, op: &str, path: &str, value: Value) -> Reply {
    app.scim_patch(id, json!([{"op": op, "path": path, "value": value}])).await
}

on_both_databases! {
    /// What is declared is created, read, found, sorted, chosen and described by.
    async fn what_is_declared_holds(app: TestApp) {
        declare(&app, everything()).await;
        let given = json!({
            "BADGE": "B-1", "code": "Xy", "grade": "chief", "onSite": "True", "floor": 9, "height": 1.75,
            "since": "2026-01-23T04:56:22Z", "page": "https://example.com/ann", "photo": "aGVsbG8=", "tags": ["a", "b"],
            "contract": "c1", "score": "10", "pin": "1234", "note": "n", "site": "hq", "unknown": "x",
            "cards": [{"value": "k1", "type": "door", "primary": true}],
        });
        let ann = create(&app, "ann", given).await;
        let shown = json!({
            "badge": "B-1", "code": "Xy", "grade": "chief", "onSite": true, "floor": 9, "height": 1.75,
            "since": "2026-01-23T04:56:22Z", "page": "https://example.com/ann", "photo": "aGVsbG8=", "tags": ["a", "b"],
            "contract": "c1", "site": "hq", "cards": [{"value": "k1", "type": "door", "primary": true}],
        });
        assert_eq!((&ann[URN], &read(&app, id(&ann)).await[URN]), (&shown, &shown));
        assert!(ann["schemas"].as_array().is_some_and(|schemas| schemas.contains(&json!(URN))), "{ann}");
        create(&app, "bo", json!({"badge": "A-2", "floor": 10, "code": "xY", "note": "m"})).await;
        app.provision("cy").await;
        for (filter, names) in [
            ("badge eq \"b-1\"", vec!["ann"]),
            ("code eq \"Xy\"", vec!["ann"]),
            ("code sw \"x\"", vec!["bo"]),
            ("onSite eq true", vec!["ann"]),
            ("floor gt 9", vec!["bo"]),
            ("floor le 10", vec!["ann", "bo"]),
            ("height lt 2", vec!["ann"]),
            ("since gt \"2026-01-23T05:00:00+01:00\"", vec!["ann"]),
            ("tags eq \"B\"", vec!["ann"]),
            ("note eq \"m\"", vec!["bo"]),
            ("cards[type eq \"door\" and primary eq true]", vec!["ann"]),
            ("badge pr", vec!["ann", "bo"]),
        ] {
            assert_eq!(found(&app, &format!("{URN}:{filter}")).await, names, "{filter}");
        }
        for secret in ["pin eq \"1234\"", "pin pr"] {
            let refused = search(&app, json!({"filter": format!("{URN}:{secret}")})).await.expect_scim_error(400);
            assert_eq!(refused["scimType"], "invalidFilter");
        }
        let sorted = search(&app, json!({"sortBy": format!("{URN}:badge")})).await.expect(200).json();
        let names: Vec<&Value> = sorted["Resources"].as_array().expect("a list").iter().map(|one| &one["userName"]).collect();
        assert_eq!(names, ["bo@corp.test", "ann@corp.test", "cy@corp.test"]);
        let path = format!("/Users/{}?attributes={URN}:note,{URN}:pin", id(&ann));
        let some = app.scim(Method::GET, &path, None).await.expect(200).json();
        assert_eq!((&some[URN], some.get("userName")), (&json!({"note": "n", "site": "hq"}), None));
        let path = format!("/Users/{}?excludedAttributes={URN}", id(&ann));
        assert_eq!(app.scim(Method::GET, &path, None).await.expect(200).json()[URN], json!({"site": "hq"}));
    }

    /// Discovery describes it, to this workspace and no other, until it is deleted.
    async fn a_schema_is_the_workspaces_own(app: TestApp) {
        let mut required = small();
        required["required"] = true.into();
        declare(&app, required).await;
        let schema = app.scim(Method::GET, &format!("/Schemas/{}", URN.to_uppercase()), None).await.expect(200).json();
        assert_eq!((&schema["id"], &schema["attributes"][0]["uniqueness"]), (&json!(URN), &json!("server")));
        assert_eq!(schema["meta"]["location"], app.url(&format!("/scim/v2/Schemas/{URN}")));
        let kind = app.scim(Method::GET, "/ResourceTypes/User", None).await.expect(200).json();
        assert!(kind["schemaExtensions"].as_array().is_some_and(|list| list.contains(&json!({"schema": URN, "required": true}))), "{kind}");
        app.scim(Method::POST, "/Users", Some(okta_user("without@corp.test"))).await.expect_scim_error(400);
        create(&app, "with", json!({"badge": "1"})).await;

        let theirs = app.home.other_scim_token.clone();
        app.scim_as(&theirs, Method::GET, &format!("/Schemas/{URN}"), None).await.expect_scim_error(404);
        let all = app.scim_as(&theirs, Method::GET, "/Schemas", None).await.expect(200);
        assert!(!all.text.contains(URN), "{}", all.text);
        let reply = app.scim_as(&theirs, Method::POST, "/Users", Some(user("with", json!({"badge": "1"})))).await;
        assert!(reply.expect(201).json().get(URN).is_none(), "what a workspace hasn't declared is ignored");
        let stranger = app.sign_in_to("globex", crate::support::OTHER_OWNER).await;
        for method in [Method::GET, Method::DELETE] {
            send(app.request(method, &format!("{SCHEMAS}/{URN}")).bearer_auth(&stranger)).await.expect_problem(404, "not-found");
        }
        assert!(app.all_items(&stranger, SCHEMAS).await.is_empty());
        app.post(&stranger, SCHEMAS, small()).await.expect(201);
    }

    /// PATCH by paths with a URN that has a dot, and of the extension as a whole.
    async fn paths_lead_into_an_extension(app: TestApp) {
        declare(&app, everything()).await;
        let ann = create(&app, "ann", json!({"badge": "1", "cards": [{"value": "k1", "type": "door"}]})).await;
        let id = id(&ann);
        for (op, path, value, wanted) in [
            ("replace", "badge", json!("2"), json!({"badge": "2"})),
            ("add", "TAGS", json!(["a"]), json!({"tags": ["a"]})),
            ("add", "tags", json!(["A", "b"]), json!({"tags": ["a", "b"]})),
            ("remove", "tags[value eq \"A\"]", Value::Null, json!({"tags": ["b"]})),
            ("replace", "cards[type eq \"door\"].value", json!("k2"), json!({"cards": [{"value": "k2", "type": "door"}]})),
            ("add", "contract", json!("c1"), json!({"contract": "c1"})),
            ("replace", "onSite", json!("False"), json!({"onSite": false})),
        ] {
            let after = set(&app, id, op, &format!("{URN}:{path}"), value).await.expect(200).json();
            for (name, value) in wanted.as_object().expect("an object") {
                assert_eq!(&after[URN][name.as_str()], value, "{op} {path}: {after}");
            }
        }
        for (op, path, value, kind) in [
            ("replace", "score", json!("1"), "mutability"),
            ("replace", "contract", json!("c2"), "mutability"),
            ("remove", "badge", Value::Null, "mutability"),
            ("replace", "floor", json!("high"), "invalidValue"),
            ("replace", "nothing", json!("x"), "invalidPath"),
            ("add", "cards", json!([{"value": "a", "primary": true}, {"value": "b", "primary": true}]), "invalidValue"),
        ] {
            let error = set(&app, id, op, &format!("{URN}:{path}"), value).await.expect_scim_error(400);
            assert_eq!(error["scimType"], kind, "{op} {path}: {error}");
        }
        let pathless = json!([{"op": "replace", "value": {format!("{URN}:code"): "new", URN: {"floor": 3}}}]);
        let after = app.scim_patch(id, pathless).await.expect(200).json();
        assert_eq!((&after[URN]["code"], &after[URN]["floor"]), (&json!("new"), &json!(3)));
        let refused = app.scim_patch(id, json!([{"op": "remove", "path": URN}])).await.expect_scim_error(400);
        assert_eq!(refused["scimType"], "mutability", "an immutable value went with its extension");
        let bo = create(&app, "bo", json!({"badge": "9", "floor": 1})).await;
        let after = app.scim_patch(self::id(&bo), json!([{"op": "remove", "path": URN}])).await.expect(200).json();
        assert!(after.get(URN).is_none() && !after["schemas"].to_string().contains(URN), "{after}");
    }

    /// PUT replaces what may be replaced; who is switched off by it isn't kept by an attribute.
    async fn a_replacement_obeys_mutability(app: TestApp) {
        declare(&app, everything()).await;
        let ann = create(&app, "ann", json!({"badge": "1", "contract": "c1", "pin": "1234", "code": "x"})).await;
        let path = format!("/Users/{}", id(&ann));
        let put = async |extension: Value| app.scim(Method::PUT, &path, Some(user("ann", extension))).await;
        put(json!({"badge": "1", "contract": "c2"})).await.expect_scim_error(400);
        put(json!({"code": "y"})).await.expect_scim_error(400);
        let after = put(json!({"badge": "2", "score": "9"})).await.expect(200).json();
        assert_eq!(after[URN], json!({"badge": "2", "contract": "c1"}));
        let mut bare = okta_user("ann@corp.test");
        bare["active"] = false.into();
        let off = app.scim(Method::PUT, &path, Some(bare)).await.expect(200).json();
        assert_eq!((&off["active"], &off[URN]), (&json!(false), &json!({"badge": "2", "contract": "c1"})));
    }

    /// What is wrong with a document is named by its place, and nothing of it is kept.
    async fn documents_are_judged(app: TestApp) {
        let owner = app.owner_token().await;
        let with = |name: &str, value: Value| {
            let mut document = small();
            document[name] = value;
            document
        };
        let attribute = |more: Value| {
            let mut attribute = json!({"name": "a"});
            attribute.as_object_mut().expect("an object").extend(more.as_object().cloned().expect("an object"));
            document(json!([{"name": "first"}, attribute]))
        };
        for (document, field) in [
            (with("id", json!("acme")), "id"),
            (with("id", json!("urn:ietf:params:scim:schemas:core:2.0:User")), "id"),
            (with("id", json!("urn:ietf:params:scim:schemas:extension:ENTERPRISE:2.0:User")), "id"),
            (with("id", json!(1)), "id"),
            (with("name", json!("")), "name"),
            (with("resource_type", json!("user")), "resource_type"),
            (with("required", json!("yes")), "required"),
            (with("colour", json!("red")), "colour"),
            (with("attributes", json!([])), "attributes"),
            (with("attributes", json!([{"name": "a"}, {"name": "A"}])), "attributes[1].name"),
            (with("attributes", json!([{"type": "string"}])), "attributes[0].name"),
            (attribute(json!({"type": "text"})), "attributes[1].type"),
            (attribute(json!({"multiValued": "yes"})), "attributes[1].multiValued"),
            (attribute(json!({"uniqueness": "global"})), "attributes[1].uniqueness"),
            (attribute(json!({"type": "complex"})), "attributes[1].subAttributes"),
            (attribute(json!({"type": "complex", "subAttributes": [{"name": "b", "type": "complex"}]})), "attributes[1].subAttributes[0].type"),
            (attribute(json!({"type": "complex", "subAttributes": [{"name": "b", "subAttributes": []}]})), "attributes[1].subAttributes[0].subAttributes"),
        ] {
            app.post(&owner, SCHEMAS, document).await.expect_field(field);
        }
        assert!(app.all_items(&owner, SCHEMAS).await.is_empty());
        app.post(&owner, SCHEMAS, small()).await.expect(201);
        for taken in [URN.to_owned(), URN.to_uppercase(), format!("{URN}:more"), "urn:example:acme.corp".to_owned()] {
            app.post(&owner, SCHEMAS, with("id", json!(taken))).await.expect_problem(409, "conflict");
        }
        for number in 1..20 {
            app.post(&owner, SCHEMAS, with("id", json!(format!("urn:example:more-{number}")))).await.expect(201);
        }
        app.post(&owner, SCHEMAS, with("id", json!("urn:example:more-20"))).await.expect_problem(409, "conflict");
    }

    /// Administrators with a recent sign-in only; each change with its version, and in the audit log.
    async fn changes_are_guarded_and_told(app: TestApp) {
        let person = app.provision("member").await;
        let member = app.sign_in(&person.email).await;
        app.get(&member, SCHEMAS).await.expect_problem(403, "forbidden");
        app.post(&member, SCHEMAS, small()).await.expect_problem(403, "forbidden");
        let created = declare(&app, small()).await;
        assert_eq!(created.header("location"), Some(format!("{SCHEMAS}/{URN}").as_str()));
        let owner = app.owner_token().await;
        let path = format!("{SCHEMAS}/{}", URN.to_uppercase());
        let etag = app.get(&owner, &path).await.expect(200).header("etag").expect("a version").to_owned();
        assert_eq!(created.header("etag"), Some(etag.as_str()));
        let mut shown = app.get(&owner, &path).await.expect(200).json();
        assert_eq!((&shown["id"], &shown["attributes"][1]["mutability"]), (&json!(URN), &json!("readWrite")));
        shown["attributes"][1]["description"] = "The team".into();
        let put = |etag: &str, body: &Value| {
            app.request(Method::PUT, &path).bearer_auth(&owner).header("if-match", etag).json(body)
        };
        let changed = send(put(&etag, &shown)).await.expect(200);
        assert_eq!(changed.json()["attributes"][1]["description"], "The team");
        send(put(&etag, &shown)).await.expect_problem(412, "precondition-failed");
        let mut other = shown.clone();
        other["id"] = "urn:example:other".into();
        app.put(&owner, &path, other).await.expect_field("id");
        shown["resource_type"] = "Group".into();
        app.put(&owner, &path, shown).await.expect_field("resource_type");
        let stale = app.request(Method::DELETE, &path).bearer_auth(&owner).header("if-match", &etag);
        send(stale).await.expect_problem(412, "precondition-failed");
        app.delete(&owner, &path).await.expect(204);
        app.get(&owner, &path).await.expect_problem(404, "not-found");
        app.delete(&owner, &path).await.expect_problem(404, "not-found");
        let entries = app.all_items(&owner, "/api/v1/audit?action=scim_schema").await;
        let actions: Vec<&str> = entries.iter().filter_map(|entry| entry["action"].as_str()).collect();
        assert_eq!(actions, ["scim_schema.deleted", "scim_schema.updated", "scim_schema.created"]);
        assert_eq!(entries[1]["details"]["changed"], json!(["team"]));
        app.advance(10 * 60 + 1);
        app.post(&owner, SCHEMAS, small()).await.expect_problem(403, "reauthentication-required");
    }

    /// A unique value is one person's: by the case rule, for each of several, however many ask at once, until it is free.
    async fn a_unique_value_is_one_persons(app: TestApp) {
        declare(&app, everything()).await;
        for round in 0..5 {
            let creations = (0..6).map(|number| {
                let extension = json!({"badge": format!("Race-{round}"), "note": number.to_string()});
                let body = user(&format!("racer-{round}-{number}"), extension);
                app.scim(Method::POST, "/Users", Some(body))
            });
            let mut statuses: Vec<u16> = join_all(creations).await.iter().map(|reply| reply.status).collect();
            statuses.sort_unstable();
            assert_eq!(statuses, [201, 409, 409, 409, 409, 409], "round {round}");
        }
        let ann = create(&app, "ann", json!({"badge": "1", "cards": [{"value": "k1"}, {"value": "k2"}]})).await;
        let bo = create(&app, "bo", json!({"badge": "2", "cards": [{"value": "k3"}]})).await;
        let taken = app.scim(Method::POST, "/Users", Some(user("cy", json!({"badge": "3", "cards": [{"value": "K2"}]})))).await;
        let error = taken.expect_scim_error(409);
        assert_eq!(error["scimType"], "uniqueness");
        assert!(error["detail"].as_str().is_some_and(|detail| detail.contains(&format!("{URN}:cards.value"))), "{error}");
        assert!(found(&app, "userName eq \"cy@corp.test\"").await.is_empty(), "a refused user was kept");
        set(&app, id(&bo), "replace", &format!("{URN}:badge"), json!("1")).await.expect_scim_error(409);
        assert_eq!(read(&app, id(&bo)).await[URN]["badge"], "2");
        set(&app, id(&ann), "replace", &format!("{URN}:badge"), json!("one")).await.expect(200);
        set(&app, id(&bo), "replace", &format!("{URN}:badge"), json!("1")).await.expect(200);
        app.scim(Method::DELETE, &format!("/Users/{}", id(&ann)), None).await.expect(204);
        create(&app, "cy", json!({"badge": "ONE", "cards": [{"value": "k2"}]})).await;
        app.scim_patch(id(&bo), json!([{"op": "remove", "path": URN}])).await.expect(200);
        create(&app, "di", json!({"badge": "1", "cards": [{"value": "k3"}]})).await;
    }

    /// In bulk, too, a value is one person's, and who is refused hinders no other; those who refer to each other come
    /// together or not at all.
    async fn bulk_operations_obey_it(app: TestApp) {
        declare(&app, small()).await;
        let ann = create(&app, "ann", json!({"badge": "1"})).await;
        let bulk = async |operations: Value| -> Vec<String> {
            let schemas = ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"];
            let body = json!({"schemas": schemas, "Operations": operations});
            let answer = app.scim(Method::POST, "/Bulk", Some(body)).await.expect(200).json();
            let tried = answer["Operations"].as_array().expect("a list").iter();
            tried.map(|one| one["status"].as_str().unwrap_or_default().to_owned()).collect()
        };
        let new = |name: &str, extension: Value, manager: &str| {
            let mut data = user(name, extension);
            data[ENTERPRISE] = json!({"manager": {"value": manager}});
            json!({"method": "POST", "path": "/Users", "bulkId": name, "data": data})
        };
        let badge = |text: &str| json!({"badge": text});
        assert_eq!(bulk(json!([new("bo", badge("2"), "x"), new("cy", json!({"team": "red"}), "x")])).await, ["201", "201"]);
        let mixed = json!([
            new("di", badge("3"), "x"), new("ed", badge("1"), "x"), new("fa", badge("3"), "x"), new("gi", badge("4"), "x"),
        ]);
        assert_eq!(bulk(mixed).await, ["201", "409", "409", "201"]);
        let circle = |last: &str| json!([new("ha", badge("5"), "bulkId:io"), new("io", badge(last), "bulkId:ha")]);
        assert_eq!(bulk(circle("1")).await, ["409", "409"]);
        assert_eq!(bulk(circle("6")).await, ["201", "201"]);
        let set = |text: &str| {
            let operations = json!([{"op": "replace", "path": format!("{URN}:badge"), "value": text}]);
            json!({"method": "PATCH", "path": format!("/Users/{}", id(&ann)), "data": {"Operations": operations}})
        };
        assert_eq!(bulk(json!([set("2"), set("7")])).await, ["409", "200"]);
        assert_eq!(bulk(json!([new("jo", badge("1"), "x"), new("ki", badge("7"), "x")])).await, ["201", "409"]);
        let names = found(&app, &format!("{URN}:badge pr")).await;
        assert_eq!(names, ["ann", "bo", "di", "gi", "ha", "io", "jo"]);
        let filter = format!("{URN}:badge pr");
        let page = search(&app, json!({"filter": filter, "cursor": "", "count": 3})).await.expect(200).json();
        let next = json!({"filter": filter, "cursor": page["nextCursor"], "count": 200});
        assert_eq!((&page["itemsPerPage"], &search(&app, next).await.expect(200).json()["itemsPerPage"]), (&json!(3), &json!(4)));
    }

    /// A change that would make wrong what somebody has is refused; any other is made, and holds for them.
    async fn a_schema_may_become_looser(app: TestApp) {
        declare(&app, small()).await;
        let owner = app.owner_token().await;
        let path = format!("{SCHEMAS}/{URN}");
        let ann = create(&app, "ann", json!({"badge": "1"})).await;
        let attributes = |badge: Value| document(json!([badge, {"name": "team"}]));
        for refused in [
            attributes(json!({"name": "badge", "type": "integer", "uniqueness": "server"})),
            attributes(json!({"name": "badge", "uniqueness": "server", "caseExact": true})),
            attributes(json!({"name": "badge", "multiValued": true})),
            attributes(json!({"name": "badge", "mutability": "readOnly"})),
            attributes(json!({"name": "number"})),
            document(json!([{"name": "badge", "uniqueness": "server"}, {"name": "team", "required": true}])),
        ] {
            app.put(&owner, &path, refused).await.expect_problem(409, "conflict");
        }
        create(&app, "bo", json!({"badge": "2"})).await;
        app.put(&owner, &path, attributes(json!({"name": "badge", "required": true, "description": "d"}))).await.expect(200);
        create(&app, "cy", json!({"badge": "1"})).await;
        app.scim(Method::POST, "/Users", Some(user("di", json!({"team": "x"})))).await.expect_scim_error(400);
        app.set_active(id(&ann), false).await.expect(200);
        let unused = document(json!([{"name": "badge"}, {"name": "team", "type": "integer"}, {"name": "room"}]));
        app.put(&owner, &path, unused).await.expect(200);
        set(&app, id(&ann), "add", &format!("{URN}:team"), json!(7)).await.expect(200);
    }

    /// A deleted schema takes with it what was kept by it: nothing shows it, nothing comes back, nothing is in the way.
    async fn a_deleted_schema_takes_its_data_with_it(app: TestApp) {
        declare(&app, small()).await;
        let owner = app.owner_token().await;
        let ann = create(&app, "ann", json!({"badge": "1", "team": "red"})).await;
        let mut mentions = okta_user("bo@corp.test");
        mentions["title"] = URN.into();
        app.scim(Method::POST, "/Users", Some(mentions)).await.expect(201);
        app.delete(&owner, &format!("{SCHEMAS}/{URN}")).await.expect(204);
        let read_after = read(&app, id(&ann)).await;
        assert!(read_after.get(URN).is_none() && !read_after["schemas"].to_string().contains(URN), "{read_after}");
        assert_eq!(found(&app, &format!("{URN}:badge eq \"1\"")).await, Vec::<String>::new());
        let error = set(&app, id(&ann), "add", &format!("{URN}:badge"), json!("2")).await.expect_scim_error(400);
        assert_eq!(error["scimType"], "invalidPath");
        app.scim(Method::GET, &format!("/Schemas/{URN}"), None).await.expect_scim_error(404);
        assert_eq!(found(&app, "title pr").await, ["bo"], "a title that is a URN was lost");
        let again = document(json!([{"name": "badge", "type": "integer", "required": true}]));
        app.post(&owner, SCHEMAS, again).await.expect(201);
        assert!(read(&app, id(&ann)).await.get(URN).is_none(), "what was deleted came back");
        app.set_active(id(&ann), false).await.expect(200);
        set(&app, id(&ann), "add", &format!("{URN}:badge"), json!(1)).await.expect(200);
    }

    /// Groups have schemas of their own, too.
    async fn groups_can_be_extended(app: TestApp) {
        let mut schema = small();
        schema["resource_type"] = "Group".into();
        declare(&app, schema).await;
        let group = |name: &str, badge: &str| json!({"displayName": name, URN: {"badge": badge, "team": "t"}});
        let first = app.scim(Method::POST, "/Groups", Some(group("First", "1"))).await.expect(201).json();
        assert_eq!(first[URN]["badge"], "1");
        app.scim(Method::POST, "/Groups", Some(group("Second", "1"))).await.expect_scim_error(409);
        let filter = json!({"filter": format!("{URN}:badge eq \"1\"")});
        let list = app.scim(Method::POST, "/Groups/.search", Some(filter)).await.expect(200).json();
        assert_eq!(list["totalResults"], 1);
        let path = format!("/Groups/{}", id(&first));
        let body = crate::support::people::patch_op(json!([{"op": "replace", "path": format!("{URN}:badge"), "value": "2"}]));
        assert_eq!(app.scim(Method::PATCH, &path, Some(body)).await.expect(200).json()[URN]["badge"], "2");
        app.scim(Method::POST, "/Groups", Some(group("Third", "1"))).await.expect(201);
        app.scim(Method::DELETE, &path, None).await.expect(204);
        app.scim(Method::POST, "/Groups", Some(group("Fourth", "2"))).await.expect(201);
        let person = app.scim(Method::POST, "/Users", Some(user("ann", json!({"badge": "1"})))).await.expect(201).json();
        assert!(person.get(URN).is_none(), "a schema of groups is none of users");
    }

    /// What nobody declared is ignored (RFC 7644 §3.3), and a password that is too short is named and not repeated.
    async fn the_unknown_is_ignored_and_a_short_password_refused(app: TestApp) {
        let mut body = user("ann", json!({"badge": "1"}));
        body["favouriteColour"] = "red".into();
        let ann = app.scim(Method::POST, "/Users", Some(body)).await.expect(201).json();
        assert!(ann.get(URN).is_none() && ann.get("favouriteColour").is_none(), "{ann}");
        for password in ["sh0rt!", "password"] {
            let refused = set(&app, id(&ann), "replace", "password", json!(password)).await;
            assert!(!refused.text.contains(&format!(" {password}")), "{}", refused.text);
            let error = refused.expect_scim_error(400);
            assert_eq!(error["scimType"], "invalidValue");
            assert!(error["detail"].as_str().is_some_and(|detail| detail.starts_with("password")), "{error}");
        }
        set(&app, id(&ann), "replace", "password", json!(PASSWORD)).await.expect(200);
        app.sign_in("ann@corp.test").await;
    }
}

/// No replica serves an old definition once a change was answered.
#[tokio::test(flavor = "multi_thread")]
async fn every_replica_knows_at_once() {
    let app = TestApp::on(Database::Postgres).await;
    let second = app.beside().await;
    let owner = app.owner_token().await;
    let path = format!("{SCHEMAS}/{URN}");
    let seen = async || {
        let request = app.client.get(format!("{}/scim/v2/Schemas/{URN}", second.base));
        let reply = send(request.bearer_auth(&app.home.scim_token)).await.expect_any(&[200, 404]);
        (reply.status == 200).then(|| reply.json()["description"].as_str().unwrap_or_default().to_owned())
    };
    for round in 0..10 {
        assert_eq!(seen().await, None, "round {round}");
        app.post(&owner, SCHEMAS, small()).await.expect(201);
        assert_eq!(seen().await.as_deref(), Some("What Acme knows"), "round {round}");
        let mut changed = small();
        changed["description"] = format!("Round {round}").into();
        app.put(&owner, &path, changed).await.expect(200);
        assert_eq!(seen().await, Some(format!("Round {round}")));
        app.delete(&owner, &path).await.expect(204);
    }
    second.stop().await;
}
