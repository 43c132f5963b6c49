//! The forms of PATCH that identity providers send, and the ones that must not pass, by the numbers of the reference.

use serde_json::json;

use super::*;

const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

fn ann() -> Value {
    json!({
        "id": "u1", "userName": "ann", "active": true, "displayName": "Ann", "name": {"givenName": "Ann", "familyName": "J"},
        "emails": [
            {"value": "ann@corp.test", "type": "work", "primary": true},
            {"value": "ann@home.test", "type": "home"}
        ],
        "groups": [{"value": "g1"}],
        ENTERPRISE: {"department": "R&D", "manager": {"value": "u9"}},
    })
}

fn group() -> Value {
    json!({"id": "g1", "displayName": "G", "members": [{"value": "a"}, {"value": "b"}, {"value": "c"}]})
}

fn patch_of(kind: ResourceType, before: Value, operations: Value) -> Result<Value, ScimError> {
    let operations = parse(json!({"schemas": [], "Operations": operations}).to_string().as_bytes())?;
    let before = before.as_object().cloned().expect("object");
    apply(kind, &before, &operations).map(Value::Object)
}

fn user(operations: Value) -> Value {
    patch_of(ResourceType::User, ann(), operations.clone()).unwrap_or_else(|error| panic!("{operations}: {error:?}"))
}

fn members(operations: Value) -> Value {
    let after = patch_of(ResourceType::Group, group(), operations.clone());
    after.unwrap_or_else(|error| panic!("{operations}: {error:?}"))["members"].take()
}

#[track_caller]
fn refused(operations: Value, scim_type: &str) {
    let error = patch_of(ResourceType::User, ann(), operations.clone()).expect_err(&operations.to_string());
    assert_eq!((error.status, error.scim_type), (400, Some(scim_type)), "{operations}: {}", error.detail);
}

#[test]
fn the_message_is_read_in_every_form() {
    for body in [
        r#"{"schemas":["x"],"Operations":[{"op":"replace","path":"active","value":false}]}"#,
        r#"{"operations":[{"OP":"rEplace","Path":"active","value":"False"}]}"#,
        r#"{"OPERATIONS":[{"op":"Add","path":"","value":{"active":"false"}}]}"#,
        r#"{"Operations":[{"op":"replace","path":null,"value":{"Active":false}}]}"#,
        r#"{"Operations":[{"op":"replace","path":"urn:ietf:params:scim:schemas:core:2.0:User:active","value":false}]}"#,
    ] {
        let operations = parse(body.as_bytes()).expect(body);
        let before = ann().as_object().cloned().expect("object");
        let after = apply(ResourceType::User, &before, &operations).expect(body);
        assert_eq!(after.get("active"), Some(&json!(false)), "{body}");
    }
}

#[test]
fn case_57_a_message_that_is_none_is_refused() {
    for (body, scim_type) in [
        (r#"{}"#, "invalidSyntax"),
        (r#"{"Operations":[]}"#, "invalidSyntax"),
        (r#"{"Operations":{}}"#, "invalidSyntax"),
        (r#"{"Operations":["x"]}"#, "invalidSyntax"),
        (r#"{"Operations":[{"op":"move","path":"title","value":"x"}]}"#, "invalidSyntax"),
        (r#"{"Operations":[{"path":"title","value":"x"}]}"#, "invalidSyntax"),
        (r#"{"Operations":[{"op":"add","path":"title"}]}"#, "invalidValue"),
        (r#"{"Operations":[{"op":"add","path":1,"value":1}]}"#, "invalidPath"),
        (r#"{"Operations":[{"op":"replace","path":"emails[type eq","value":"x"}]}"#, "invalidPath"),
        (r#"{"Operations":[{"op":"remove"}]}"#, "noTarget"),
        (r#"{"Operations":[{"op":"remove","path":""}]}"#, "noTarget"),
        (r#"{"Operations":[{"op":"add","op":"remove","path":"title","value":1}]}"#, "invalidSyntax"),
        (r#"{"Operations":[],"operations":[]}"#, "invalidSyntax"),
    ] {
        let error = parse(body.as_bytes()).expect_err(body);
        assert_eq!((error.status, error.scim_type), (400, Some(scim_type)), "{body}");
    }
    let operation = json!({"op": "add", "path": "title", "value": "x"});
    let message = |count: usize| json!({"Operations": vec![operation.clone(); count]}).to_string();
    assert_eq!(parse(message(MOST_OPERATIONS + 1).as_bytes()).expect_err("too many").status, 413);
    assert_eq!(parse(message(MOST_OPERATIONS).as_bytes()).expect("enough").len(), MOST_OPERATIONS);
}

#[test]
fn case_17_all_or_none() {
    refused(
        json!([{"op": "replace", "path": "active", "value": false}, {"op": "remove", "path": "userName"}]),
        "mutability",
    );
    let after = user(json!([{"op": "add", "path": "title", "value": "x"}, {"op": "remove", "path": "title"}]));
    assert_eq!(after, ann());
}

#[test]
fn case_20_what_is_read_only_or_required_stays() {
    for path in [
        "id",
        "meta",
        "meta.version",
        "groups",
        "groups[value eq \"g1\"]",
        &format!("{ENTERPRISE}:manager.displayName"),
    ] {
        refused(json!([{"op": "replace", "path": path, "value": "x"}]), "mutability");
    }
    refused(json!([{"op": "replace", "value": {"id": "u2"}}]), "mutability");
    refused(json!([{"op": "replace", "value": {"groups": []}}]), "mutability");
    refused(json!([{"op": "remove", "path": "userName"}]), "mutability");
    refused(json!([{"op": "replace", "path": "userName", "value": null}]), "mutability");
    refused(json!([{"op": "replace", "path": "userName", "value": ""}]), "invalidValue");
    assert_eq!(
        user(json!([{"op": "replace", "value": {"id": "u1", "groups": [{"value": "g1"}], "schemas": []}}])),
        ann()
    );
}

#[test]
fn case_40_values_obey_the_rules_of_a_body() {
    for value in [json!("maybe"), json!("no"), json!(0), json!(""), json!([false])] {
        refused(json!([{"op": "replace", "path": "active", "value": value}]), "invalidValue");
    }
    refused(json!([{"op": "add", "path": "title", "value": 1}]), "invalidValue");
    refused(
        json!([{"op": "add", "path": "emails", "value": [{"value": "a", "primary": true}, {"value": "b", "primary": true}]}]),
        "invalidValue",
    );
    refused(json!([{"op": "replace", "path": "emails.primary", "value": true}]), "invalidValue");
    refused(json!([{"op": "replace", "path": "userName", "value": "a\u{200b}nn"}]), "invalidValue");
    refused(json!([{"op": "replace", "value": "x"}]), "invalidValue");
    assert_eq!(user(json!([{"op": "Replace", "path": "active", "value": "True"}])), ann());
}

#[test]
fn case_42_dotted_and_urn_names_without_a_path() {
    let after = user(json!([{"op": "replace", "value": {
        "displayName": "Bjfe", "name.givenName": "Kkom", "name.familyName": "Unua", "isAdmin": true, "workspace_id": "w",
        format!("{ENTERPRISE}:employeeNumber"): "Aklq", "emails[type eq \"work\"].value": "new@corp.test",
        ENTERPRISE: {"costCenter": "7"},
    }}]));
    assert_eq!(after["displayName"], "Bjfe");
    assert_eq!(after["name"], json!({"givenName": "Kkom", "familyName": "Unua"}));
    let enterprise =
        json!({"department": "R&D", "manager": {"value": "u9"}, "employeeNumber": "Aklq", "costCenter": "7"});
    assert_eq!(after[ENTERPRISE], enterprise);
    assert_eq!(after["emails"][0]["value"], "new@corp.test");
    assert!(after.get("isAdmin").is_none() && after.get("workspace_id").is_none());
}

#[test]
fn case_43_a_selected_value_is_changed_or_created() {
    let set = |op: &str, kind: &str| {
        let path = format!("emails[type eq \"{kind}\"].value");
        user(json!([{"op": op, "path": path, "value": "new@corp.test"}]))["emails"].take()
    };
    for op in ["Add", "Replace"] {
        assert_eq!(set(op, "Work")[0], json!({"value": "new@corp.test", "type": "work", "primary": true}));
        assert_eq!(set(op, "other")[2], json!({"value": "new@corp.test", "type": "other"}));
        assert_eq!(set(op, "other")[0], ann()["emails"][0]);
    }
    let whole = json!([{"op": "replace", "path": "emails[type eq \"work\"]", "value": {"value": "x@corp.test"}}]);
    assert_eq!(user(whole)["emails"][0], json!({"value": "x@corp.test", "type": "work"}));
    let phone =
        json!([{"op": "add", "path": "phoneNumbers[type eq \"mobile\" and primary eq \"True\"].value", "value": "1"}]);
    assert_eq!(user(phone)["phoneNumbers"], json!([{"value": "1", "type": "mobile", "primary": true}]));
}

#[test]
fn case_18_a_filter_that_describes_nothing_has_no_target() {
    for path in
        ["emails[type ne \"work\" and type ne \"home\"].value", "emails[type co \"x\"].value", "emails[not (type pr)]"]
    {
        refused(json!([{"op": "replace", "path": path, "value": "x@corp.test"}]), "noTarget");
    }
    refused(
        json!([{"op": "replace", "path": format!("{ENTERPRISE}:manager[value eq \"u8\"]"), "value": "u7"}]),
        "noTarget",
    );
    for path in [
        "unknown",
        "name.unknown",
        "members",
        "emails[type eq \"work\"].unknown",
        "title[value eq \"x\"]",
        "urn:x:User:y",
    ] {
        refused(json!([{"op": "replace", "path": path, "value": "x"}]), "invalidPath");
    }
}

#[test]
fn case_44_roles_by_a_boolean_in_quotes() {
    for flag in ["True", "true"] {
        let path = format!("roles[primary eq \"{flag}\"].value");
        let once = json!({"op": "Add", "path": path, "value": "editor"});
        let twice = json!({"op": "Replace", "path": path, "value": "viewer"});
        assert_eq!(user(json!([once.clone()]))["roles"], json!([{"value": "editor", "primary": true}]));
        assert_eq!(user(json!([once, twice]))["roles"], json!([{"value": "viewer", "primary": true}]));
    }
    assert_eq!(
        user(json!([{"op": "add", "path": "roles", "value": ["a", "{\"id\":1}"]}]))["roles"][1]["value"],
        "{\"id\":1}"
    );
}

#[test]
fn one_value_is_primary_and_an_existing_one_is_not_added_twice() {
    let add = json!([{"op": "add", "path": "emails", "value": [{"value": "new@corp.test", "type": "other", "primary": true}]}]);
    let emails = user(add)["emails"].take();
    assert_eq!((&emails[0]["primary"], &emails[2]["primary"]), (&json!(false), &json!(true)));
    let promote = json!([{"op": "replace", "path": "emails[type eq \"home\"].primary", "value": "True"}]);
    let emails = user(promote)["emails"].take();
    assert_eq!((&emails[0]["primary"], &emails[1]["primary"]), (&json!(false), &json!(true)));
    let again = json!([{"op": "add", "path": "emails", "value": {"value": "ANN@corp.test", "type": "work"}}]);
    assert_eq!(user(again), ann());
    assert_eq!(user(json!([{"op": "add", "path": "emails", "value": ann()["emails"].clone()}])), ann());
}

#[test]
fn case_49_the_manager_as_bare_text_and_by_filter() {
    let manager = format!("{ENTERPRISE}:manager");
    let set = json!([{"op": "Add", "path": manager, "value": "u2"}]);
    assert_eq!(user(set)[ENTERPRISE]["manager"], json!({"value": "u2"}));
    for path in [manager.clone(), format!("{manager}[value eq \"u9\"]"), format!("{manager}.value")] {
        assert_eq!(user(json!([{"op": "remove", "path": path}]))[ENTERPRISE], json!({"department": "R&D"}));
    }
    let other = json!([{"op": "remove", "path": format!("{manager}[value eq \"u8\"]")}]);
    assert_eq!(user(other), ann());
    assert!(user(json!([{"op": "remove", "path": ENTERPRISE}])).get(ENTERPRISE).is_none());
}

#[test]
fn removals_take_what_they_name() {
    assert_eq!(
        user(json!([{"op": "remove", "path": "emails[type eq \"work\"]"}]))["emails"],
        json!([ann()["emails"][1]])
    );
    assert!(user(json!([{"op": "remove", "path": "emails"}])).get("emails").is_none());
    assert_eq!(user(json!([{"op": "remove", "path": "name.givenName"}]))["name"], json!({"familyName": "J"}));
    assert_eq!(user(json!([{"op": "remove", "path": "title"}])), ann());
    assert!(user(json!([{"op": "replace", "path": "displayName", "value": null}])).get("displayName").is_none());
    let listed = json!([{"op": "remove", "path": "emails", "value": [{"value": "ANN@corp.test", "type": "work"}]}]);
    assert_eq!(user(listed)["emails"], json!([ann()["emails"][1]]));
}

#[test]
fn case_45_a_removal_with_values_removes_those_and_only_those() {
    let remove = |value: Value| members(json!([{"op": "Remove", "path": "members", "value": value}]));
    assert_eq!(remove(json!([{"$ref": null, "value": "b"}])), json!([{"value": "a"}, {"value": "c"}]));
    assert_eq!(remove(json!([{"value": "a"}, {"value": "c"}, {"value": "x"}])), json!([{"value": "b"}]));
    assert_eq!(remove(json!("b")), json!([{"value": "a"}, {"value": "c"}]));
    assert_eq!(remove(json!([])), group()["members"]);
    assert_eq!(remove(Value::Null), Value::Null);
    let unclear = json!([{"op": "remove", "path": "members", "value": [{"$ref": null, "value": null}]}]);
    assert_eq!(patch_of(ResourceType::Group, group(), unclear).expect_err("unclear").scim_type, Some("invalidValue"));
}

#[test]
fn case_33_and_34_group_pushes_of_okta() {
    let rename = json!([{"op": "replace", "value": {"id": "g1", "displayName": "G2"}}]);
    assert_eq!(patch_of(ResourceType::Group, group(), rename).expect("renamed")["displayName"], "G2");
    let change = json!([
        {"op": "remove", "path": "members[value eq \"a\"]"},
        {"op": "add", "path": "members", "value": [{"value": "d", "display": "D"}, {"value": "b"}]}
    ]);
    assert_eq!(members(change), json!([{"value": "b"}, {"value": "c"}, {"value": "d"}]));
    assert_eq!(members(json!([{"op": "remove", "path": "members[value eq \"x\"]"}])), group()["members"]);
}

#[test]
fn case_35_46_and_54_many_members() {
    assert_eq!(
        members(json!([{"op": "replace", "path": "members", "value": [{"value": "c"}]}])),
        json!([{"value": "c"}])
    );
    assert_eq!(members(json!([{"op": "replace", "value": [{"value": "c"}]}])), json!([{"value": "c"}]));
    assert_eq!(members(json!([{"op": "add", "value": ["d"]}]))[3], json!({"value": "d"}));
    let stored: Vec<Value> = (0..12_000).map(|number| json!({"value": number.to_string()})).collect();
    let before = json!({"displayName": "G", "members": stored});
    let removals: Vec<Value> =
        (0..50).map(|number| json!({"op": "remove", "path": format!("members[value eq \"{number}\"]")})).collect();
    let after = patch_of(ResourceType::Group, before, json!(removals)).expect("patched");
    assert_eq!(after["members"].as_array().map(Vec::len), Some(11_950));
    let change = json!([{"op": "replace", "path": "members[value eq \"a\"].value", "value": "b"}]);
    assert_eq!(patch_of(ResourceType::Group, group(), change).expect_err("immutable").scim_type, Some("mutability"));
    let none = json!([{"op": "add", "path": "members[value eq \"x\"].type", "value": "User"}]);
    assert_eq!(patch_of(ResourceType::Group, group(), none).expect_err("no such").scim_type, Some("noTarget"));
}

#[test]
fn case_57_operations_that_compare_too_much_are_refused() {
    let addresses: Vec<Value> =
        (0..100).map(|number| json!({"value": format!("a{number}@x"), "display": "ä".repeat(1_000)})).collect();
    let before = json!({"userName": "ann", "emails": addresses});
    let patched = |operations: Value| patch_of(ResourceType::User, before.clone(), operations);
    let long = format!("emails[{}]", vec!["display co \"z\""; 400].join(" or "));
    let listed: Vec<Value> = (0..100).map(|number| json!({"value": format!("b{number}@x")})).collect();
    for operations in [
        json!([{"op": "remove", "path": long}]),
        json!([{"op": "remove", "path": "emails", "value": listed}]),
        json!(vec![json!({"op": "add", "path": "emails", "value": [{"value": "a0@x"}]}); 500]),
    ] {
        assert_eq!(patched(operations).expect_err("too much").status, 413);
    }
    assert!(patched(json!([{"op": "remove", "path": "emails[display co \"z\"]"}])).is_ok());
}

#[test]
fn case_57_many_operations_on_little_are_none_too_many() {
    let step = json!({"op": "replace", "path": "emails[type eq \"work\" and primary eq true].display", "value": "x"});
    assert_eq!(user(json!(vec![step; MOST_OPERATIONS]))["emails"][0]["display"], "x");
}
