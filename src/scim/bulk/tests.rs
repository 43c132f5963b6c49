use serde_json::json;

use super::*;

const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

fn read(operations: Value) -> Result<Request, ScimError> {
    let schemas = ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"];
    let body = json!({"schemas": schemas, "Operations": operations}).to_string();
    parse(body.as_bytes(), ResourceType::definition)
}

fn refusal(operation: Value) -> (u16, String) {
    let request = read(json!([operation])).expect("a whole envelope");
    let refused = request.operations[0].task.clone().expect_err("it can't be done");
    (refused.status, refused.detail)
}

fn user(bulk_id: &str, manager: &str) -> Value {
    json!({"method": "POST", "path": "/Users", "bulkId": bulk_id,
           "data": {"userName": bulk_id, ENTERPRISE: {"manager": {"value": manager}}}})
}

#[test]
fn case_21_references_become_ids_in_either_direction() {
    let mut request = read(json!([
        {"method": "post", "path": "/Groups", "bulkId": "g",
         "data": {"displayName": "G", "members": [{"value": "bulkId:u"}, {"value": "known"}]}},
        user("u", "bulkId:v"),
        user("v", "bulkId:u"),
        {"method": "PATCH", "path": "/Groups/bulkId:g", "version": "W/\"1\"",
         "data": {"Operations": [{"op": "add", "path": "members", "value": [{"value": "bulkId:v"}]}]}},
        {"method": "DELETE", "path": "/Users/somebody"},
    ]))
    .expect("valid");
    let needs: Vec<&[usize]> = request.operations.iter().map(Operation::needs).collect();
    assert_eq!(needs, [&[1][..], &[2], &[1], &[0, 2], &[]]);
    let mut number = 0;
    request.assign(|| {
        number += 1;
        format!("id-{number}")
    });
    let task = |index: usize| request.operations[index].task.clone().expect("can be done");
    let ids: Vec<String> = (0..5).map(|index| task(index).id).collect();
    assert_eq!(ids, ["id-1", "id-2", "id-3", "id-1", "somebody"]);
    let Work::Create(group) = task(0).work else { panic!("a new group") };
    assert_eq!(group["members"], json!([{"value": "id-2"}, {"value": "known"}]));
    let Work::Create(u) = task(1).work else { panic!("a new user") };
    assert_eq!(u[ENTERPRISE]["manager"]["value"], "id-3");
    let Work::Patch(operations) = task(3).work else { panic!("a patch") };
    assert_eq!(operations[0].value, Some(json!([{"value": "id-3"}])));
    assert!(task(3).condition.is_some() && task(4).condition.is_none());
}

#[test]
fn case_58_what_is_no_request_is_refused_whole() {
    let one = json!({"method": "DELETE", "path": "/Users/x"});
    assert_eq!(read(json!(vec![one.clone(); MOST_OPERATIONS])).map(|request| request.operations.len()), Ok(1_000));
    let refused = read(json!(vec![one; MOST_OPERATIONS + 1])).expect_err("too many");
    assert!(refused.status == 413 && refused.detail.contains("1000"), "{refused}");
    for operations in [
        json!([]),
        json!({}),
        json!(["x"]),
        json!([{"path": "/Users"}]),
        json!([{"method": "GET", "path": "/Users"}]),
        json!([{"method": "DELETE"}]),
        json!([{"method": "DELETE", "path": 1}]),
        json!([{"method": "POST", "path": "/Users", "bulkId": 1, "data": {}}]),
        json!([{"method": "POST", "path": "/Users", "bulkId": "a", "data": []}]),
        json!([user("a", "x"), user("a", "x")]),
    ] {
        assert_eq!(read(operations.clone()).expect_err(&operations.to_string()).status, 400);
    }
    for wrong in ["0", "-1", "\"1\"", "1.5", "true"] {
        let body = format!(r#"{{"failOnErrors":{wrong},"Operations":[{{"method":"DELETE","path":"/Users/x"}}]}}"#);
        assert_eq!(parse(body.as_bytes(), ResourceType::definition).expect_err(wrong).status, 400);
    }
}

#[test]
fn case_58_what_cannot_be_done_is_refused_alone() {
    for (operation, status) in [
        (user("a", "bulkId:a"), 409),
        (user("a", "bulkId:b"), 409),
        (json!({"method": "DELETE", "path": "/Users/bulkId:x"}), 409),
        (json!({"method": "POST", "path": "/Bulk", "bulkId": "b", "data": {"Operations": []}}), 400),
        (json!({"method": "POST", "path": "/Schemas", "bulkId": "b", "data": {}}), 404),
        (json!({"method": "POST", "path": "/Users/x", "bulkId": "b", "data": {}}), 405),
        (json!({"method": "DELETE", "path": "/Users"}), 405),
        (json!({"method": "POST", "path": "/Users", "bulkId": "b"}), 400),
        (json!({"method": "POST", "path": "/Users", "data": {"userName": "a"}}), 400),
        (json!({"method": "POST", "path": "/Users", "bulkId": "b", "data": {}}), 400),
        (json!({"method": "PUT", "path": "/Users/x", "version": "new", "data": {"userName": "a"}}), 400),
        (json!({"method": "PATCH", "path": "/Users/x", "data": {"Operations": [{"op": "remove"}]}}), 400),
    ] {
        assert_eq!(refusal(operation.clone()).0, status, "{operation}");
    }
    let (_, detail) = refusal(json!({"method": "POST", "path": "/Users", "bulkId": "a",
                                     "data": {"userName": "a", "password": "bulkId:secret"}}));
    assert!(!detail.contains("secret"), "{detail}");
}

#[test]
fn what_nobody_may_write_refers_to_nothing() {
    let operation = json!({"method": "POST", "path": "/Users", "bulkId": "u",
                           "data": {"userName": "u", "id": "bulkId:x", "groups": [{"value": "bulkId:g"}]}});
    let request = read(json!([operation])).expect("valid");
    assert_eq!((request.operations[0].needs(), request.operations[0].task.is_ok()), (&[][..], true));
}
