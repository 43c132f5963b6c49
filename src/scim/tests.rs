//! Characteristics as tables: what an attribute's schema says holds for create, replace, PATCH, filter, order and projection
//! alike, for attributes that a workspace declared as for ours.

use serde_json::{Value, json};

use super::error::ScimError;
use super::filter;
use super::own_schemas::document;
use super::patch;
use super::projection::Projection;
use super::resource::{self, Meta, Resource};
use super::schema::{Definition, ResourceType};
use super::sort::{self, SortOrder};

/// With a dot in it, and without the name of an attribute at its end.
const URN: &str = "urn:example:acme.corp:2.0";

fn definition() -> Definition {
    let own = document::read(json!({"id": URN, "name": "Acme", "resource_type": "User", "attributes": [
        {"name": "badge", "required": true},
        {"name": "code", "caseExact": true},
        {"name": "grade", "canonicalValues": ["a", "b"]},
        {"name": "onSite", "type": "boolean"},
        {"name": "floor", "type": "integer"},
        {"name": "height", "type": "decimal"},
        {"name": "since", "type": "dateTime"},
        {"name": "page", "type": "reference"},
        {"name": "photo", "type": "binary"},
        {"name": "tags", "multiValued": true},
        {"name": "contract", "mutability": "immutable"},
        {"name": "score", "mutability": "readOnly"},
        {"name": "pin", "mutability": "writeOnly"},
        {"name": "secret", "returned": "never"},
        {"name": "note", "returned": "request"},
        {"name": "site", "returned": "always"},
        {"name": "desk", "type": "complex", "subAttributes": [
            {"name": "room", "mutability": "immutable"}, {"name": "phone"}, {"name": "key", "mutability": "writeOnly"}]},
        {"name": "cards", "type": "complex", "multiValued": true, "subAttributes": [
            {"name": "value", "required": true}, {"name": "type"}, {"name": "primary", "type": "boolean"},
            {"name": "labels", "multiValued": true}, {"name": "pin", "mutability": "writeOnly"},
            {"name": "hint", "returned": "request"}]},
    ]}));
    ResourceType::User.definition().extended([own.expect("valid").schema])
}

/// A user with these parts of the extension, besides the badge that it requires.
fn body(parts: Value) -> Resource {
    let mut extension = json!({"badge": "b1"});
    for (name, value) in parts.as_object().expect("an object") {
        extension[name] = value.clone();
    }
    json!({"userName": "ann", URN: extension}).as_object().cloned().expect("an object")
}

fn own(resource: &Resource, name: &str) -> Value {
    resource.get(URN).and_then(|parts| parts.get(name)).cloned().unwrap_or_default()
}

fn created(parts: Value) -> Result<Resource, ScimError> {
    resource::from_object(&definition(), body(parts))
}

fn patched(before: &Resource, operations: Value) -> Result<Resource, ScimError> {
    let operations = patch::parse(json!({"Operations": operations}).to_string().as_bytes())?;
    patch::apply_in(&definition(), before, &operations)
}

#[track_caller]
fn refused<T: std::fmt::Debug>(outcome: Result<T, ScimError>, scim_type: &str, named: &str) {
    let error = outcome.expect_err(named);
    assert_eq!((error.status, error.scim_type), (400, Some(scim_type)), "{error:?}");
    assert!(error.detail.contains(named), "{error:?} doesn't name {named}");
}

#[test]
fn a_value_has_the_type_that_is_declared() {
    for (name, good, bad) in [
        ("badge", vec![json!("x")], vec![json!(1), json!({}), json!(["x"]), json!(true)]),
        ("grade", vec![json!("a"), json!("z")], vec![json!(1)]),
        ("onSite", vec![json!(true), json!(false)], vec![json!("maybe"), json!(1)]),
        ("floor", vec![json!(-3), json!(9_007_199_254_740_993_i64)], vec![json!(1.5), json!("1"), json!(true)]),
        ("height", vec![json!(1.5), json!(2)], vec![json!("1.5"), json!([])]),
        ("since", vec![json!("2026-01-23T04:56:22Z")], vec![json!("2026-01-23"), json!(1), json!("soon")]),
        ("page", vec![json!("https://example.com/x"), json!("../Users/1")], vec![json!(1)]),
        (
            "photo",
            vec![json!("aGVsbG8="), json!("aGVsbG8"), json!("")],
            vec![json!("<>"), json!("a"), json!("a=b="), json!("aGVsbG8==")],
        ),
        ("tags", vec![json!(["a", "b"])], vec![json!("a"), json!([1]), json!([{}])]),
        ("desk", vec![json!({"room": "1"})], vec![json!("1"), json!({"room": 1}), json!([{"room": "1"}])]),
        (
            "cards",
            vec![json!([{"value": "1", "labels": ["x"]}])],
            vec![json!({"value": "1"}), json!([{"type": "x"}]), json!([{"value": "1", "labels": "x"}])],
        ),
    ] {
        for value in good {
            let outcome = created(json!({name: value.clone()}));
            let kept = outcome.unwrap_or_else(|error| panic!("{name} {value}: {error}"));
            assert_eq!(own(&kept, name), value, "{name}");
        }
        for value in bad {
            // An empty array is no value, whatever the type.
            if value != json!([]) || name == "height" {
                let operation = json!([{"op": "add", "path": format!("{URN}:{name}"), "value": value}]);
                refused(created(json!({name: value.clone()})), "invalidValue", name);
                let is_single = name != "tags" && name != "cards";
                if is_single {
                    refused(patched(&body(json!({})), operation), "invalidValue", name);
                }
            }
        }
    }
}

#[test]
fn required_counts_once_the_extension_is_there() {
    let definition = definition();
    let without = json!({"userName": "ann"}).as_object().cloned().expect("an object");
    assert!(resource::from_object(&definition, without.clone()).is_ok());
    let half = json!({"userName": "ann", URN: {"code": "c"}}).as_object().cloned().expect("an object");
    refused(resource::from_object(&definition, half), "invalidValue", &format!("{URN}:badge is required"));
    let add = json!([{"op": "add", "path": format!("{URN}:code"), "value": "c"}]);
    refused(patched(&without, add), "invalidValue", "badge is required");
    let whole = created(json!({"code": "c"})).expect("valid");
    for operation in [
        json!({"op": "remove", "path": format!("{URN}:badge")}),
        json!({"op": "replace", "path": format!("{URN}:badge"), "value": null}),
    ] {
        refused(patched(&whole, json!([operation])), "mutability", "badge");
    }
    for path in [URN.to_owned(), URN.to_uppercase()] {
        let gone = patched(&whole, json!([{"op": "remove", "path": path}])).expect("removed as a whole");
        assert!(gone.get(URN).is_none());
    }
}

#[test]
fn a_required_extension_is_demanded_of_the_new_and_kept_by_the_old() {
    let mut definition = definition();
    definition.extensions.last_mut().expect("ours").required = true;
    let without = json!({"userName": "ann", "active": true}).as_object().cloned().expect("an object");
    refused(resource::require_extensions(&definition, &without, None), "invalidValue", URN);
    let with = created(json!({})).expect("valid");
    refused(resource::replace(&definition, &with, without.clone()), "invalidValue", URN);
    let off = patch::parse(br#"{"Operations":[{"op":"replace","path":"active","value":false}]}"#).expect("valid");
    assert!(patch::apply_in(&definition, &without, &off).is_ok(), "a new rule keeps somebody active");
    assert!(resource::replace(&definition, &without, without.clone()).is_ok());
    let remove = json!({"Operations": [{"op": "remove", "path": URN}]}).to_string();
    let remove = patch::parse(remove.as_bytes()).expect("valid");
    refused(patch::apply_in(&definition, &with, &remove), "mutability", URN);
}

#[test]
fn mutability_is_obeyed_by_every_way_of_writing() {
    let definition = definition();
    let before = created(
        json!({"contract": "c1", "score": "9", "pin": "1234", "desk": {"room": "r1", "phone": "7", "key": "k"}}),
    );
    let before = before.expect("valid");
    assert_eq!(own(&before, "score"), Value::Null, "a client wrote what is read-only");
    let at = |name: &str| format!("{URN}:{name}");
    for (path, value) in [("score", json!("9")), ("contract", json!("c2")), ("desk.room", json!("r2"))] {
        for op in ["add", "replace"] {
            let operation = json!([{"op": op, "path": at(path), "value": value}]);
            refused(patched(&before, operation), "mutability", path.split('.').next().expect("a name"));
        }
    }
    for path in [at("contract"), at("desk.room"), URN.to_owned()] {
        refused(patched(&before, json!([{"op": "remove", "path": path}])), "mutability", URN);
    }
    let whole = json!([{"op": "replace", "path": URN, "value": {"contract": "c2"}}]);
    refused(patched(&before, whole), "mutability", "contract");
    let same = json!([{"op": "replace", "path": at("contract"), "value": "c1"}, {"op": "replace", "path": at("pin"), "value": "5"}]);
    assert_eq!(own(&patched(&before, same).expect("the same"), "pin"), "5");

    let put = |parts: Value| resource::replace(&definition, &before, resource::from_object(&definition, body(parts))?);
    let after = put(json!({"code": "x", "score": "1"})).expect("valid");
    assert_eq!((own(&after, "contract"), own(&after, "pin")), (json!("c1"), json!("1234")));
    assert_eq!(
        (own(&after, "desk"), own(&after, "score"), own(&after, "code")),
        (Value::Null, Value::Null, json!("x"))
    );
    let after = put(json!({"desk": {"phone": "8"}})).expect("valid");
    assert_eq!(own(&after, "desk"), json!({"room": "r1", "phone": "8", "key": "k"}));
    refused(put(json!({"contract": "c2"})), "mutability", "contract");
    refused(put(json!({"desk": {"room": "r2"}})), "mutability", "desk.room");
    let bare = json!({"userName": "ann"}).as_object().cloned().expect("an object");
    let after = resource::replace(&definition, &before, bare).expect("nobody is kept by a badge");
    assert_eq!(after.get(URN), Some(&json!({"badge": "b1", "contract": "c1", "pin": "1234"})));
}

#[test]
fn values_of_several_are_added_chosen_and_removed() {
    let before = created(json!({"tags": ["Red", "blue"], "cards": [{"value": "1", "type": "door", "primary": true}]}));
    let before = before.expect("valid");
    let after = |operation: Value| patched(&before, json!([operation])).expect("valid");
    let tags = |op: &str, path: &str, value: Value| {
        own(&after(json!({"op": op, "path": format!("{URN}:{path}"), "value": value})), "tags")
    };
    assert_eq!(tags("add", "tags", json!(["red", "green"])), json!(["Red", "blue", "green"]));
    assert_eq!(tags("remove", "tags", json!(["RED"])), json!(["blue"]));
    assert_eq!(tags("remove", "tags[value eq \"BLUE\"]", Value::Null), json!(["Red"]));
    assert_eq!(tags("replace", "tags[value eq \"blue\"]", json!("navy")), json!(["Red", "navy"]));
    let two = after(json!({"op": "add", "path": format!("{URN}:cards"), "value": [{"value": "2", "primary": true}]}));
    let cards = own(&two, "cards");
    assert_eq!((&cards[0]["primary"], &cards[1]["primary"]), (&json!(false), &json!(true)));
    let chosen = after(json!({"op": "replace", "path": format!("{URN}:cards[type eq \"DOOR\"].value"), "value": "9"}));
    assert_eq!(own(&chosen, "cards")[0]["value"], "9");
    refused(
        created(json!({"cards": [{"value": "1", "primary": true}, {"value": "2", "primary": true}]})),
        "invalidValue",
        "cards",
    );
}

#[test]
fn an_addition_to_a_part_with_several_values_keeps_what_is_there() {
    let before = created(json!({"cards": [{"value": "1", "labels": ["old"]}, {"value": "2"}]})).expect("valid");
    let path = format!("{URN}:cards[value pr].labels");
    let after = patched(&before, json!([{"op": "add", "path": path, "value": ["new", "old"]}])).expect("allowed");
    let cards = own(&after, "cards");
    assert_eq!((&cards[0]["labels"], &cards[1]["labels"]), (&json!(["old", "new"]), &json!(["new", "old"])));
    let after = patched(&before, json!([{"op": "replace", "path": path, "value": ["new"]}])).expect("allowed");
    assert_eq!(own(&after, "cards")[0]["labels"], json!(["new"]));
}

#[test]
fn filters_go_by_type_and_case_and_tell_no_secret() {
    let definition = definition();
    let resource = created(json!({
        "code": "Ab", "onSite": true, "floor": 9, "height": 1.75, "since": "2026-01-01T00:00:00Z", "tags": ["Red"],
        "page": "https://x.test/A", "note": "n", "cards": [{"value": "1", "labels": ["Old", "Blue"]}],
    }));
    let resource = Value::Object(resource.expect("valid"));
    for (condition, wanted) in [
        ("badge eq \"B1\"", true),
        ("code eq \"Ab\"", true),
        ("code eq \"ab\"", false),
        ("code sw \"A\"", true),
        ("page eq \"https://x.test/a\"", false),
        ("onSite eq true", true),
        ("floor gt 8", true),
        ("floor lt 10", true),
        ("height ge 1.75", true),
        ("since lt \"2026-01-01T01:00:00+00:30\"", true),
        ("since eq \"2026-01-01T01:00:00+01:00\"", true),
        ("tags eq \"red\"", true),
        ("tags co \"lu\"", false),
        ("cards.labels eq \"blue\"", true),
        ("cards[value eq \"1\" and labels eq \"old\"]", true),
        ("note eq \"n\"", true),
        ("grade pr", false),
    ] {
        let filter = filter::parse(&format!("{URN}:{condition}")).expect(condition);
        filter::check_in(&filter, &definition).expect(condition);
        assert_eq!(filter::matches_in(&filter, &definition, &resource), wanted, "{condition}");
    }
    for condition in [
        "pin eq \"1\"",
        "pin pr",
        "secret sw \"x\"",
        "desk.key eq \"k\"",
        "desk[key pr]",
        "cards[value pr and pin eq \"1\"]",
        "onSite gt true",
        "photo le \"x\"",
        "cards[primary lt true]",
    ] {
        let filter = filter::parse(&format!("title pr or not ({URN}:{condition})")).expect(condition);
        let error = filter::check_in(&filter, &definition).expect_err(condition);
        assert_eq!(error.scim_type, Some("invalidFilter"), "{condition}");
    }
    let probe = json!([{"op": "replace", "path": format!("{URN}:cards[pin eq \"1\"].type"), "value": "x"}]);
    refused(patched(resource.as_object().expect("an object"), probe), "invalidPath", "pin");
}

#[test]
fn order_goes_by_type_and_case_and_tells_no_secret() {
    let definition = definition();
    let sorted = |path: &str| {
        let mut users = [
            json!({"id": "a", URN: {"code": "b", "badge": "B", "floor": 10, "pin": "1", "tags": ["z"]}}),
            json!({"id": "b", URN: {"code": "B", "badge": "a", "floor": 9, "pin": "0", "tags": ["y"]}}),
        ];
        sort::sort_in(&mut users, &format!("{URN}:{path}"), SortOrder::Ascending, &definition);
        users[0]["id"].as_str().map(str::to_owned)
    };
    for path in ["code", "badge", "floor", "tags"] {
        assert_eq!(sorted(path).as_deref(), Some("b"), "{path}");
    }
    for path in ["pin", "secret", "desk.key", "unknown"] {
        assert_eq!(sorted(path).as_deref(), Some("a"), "{path}");
    }
}

#[test]
fn answers_show_what_may_be_returned_when_it_may() {
    let definition = definition();
    let stored = created(json!({
        "pin": "1", "secret": "s", "note": "n", "site": "hq", "desk": {"room": "r", "key": "k"},
        "cards": [{"value": "1", "pin": "2", "hint": "h"}],
    }));
    let stored = stored.expect("valid");
    let meta = Meta { created: "c", last_modified: "m", version: "v", location: "l" };
    let shown = |only: Option<&str>, without: Option<&str>| {
        let projection = Projection::parse(only, without).expect("one of the two");
        resource::render_in(&stored, &definition, "u1", meta, &projection)[URN].take()
    };
    let all = json!({"badge": "b1", "site": "hq", "desk": {"room": "r"}, "cards": [{"value": "1"}]});
    assert_eq!(shown(None, None), all);
    for (only, wanted) in [
        (format!("{URN}:note"), json!({"note": "n", "site": "hq"})),
        (format!("{URN}:pin,{URN}:secret,{URN}:desk.key,userName"), json!({"site": "hq"})),
        (format!("{URN}:cards.hint"), json!({"cards": [{"hint": "h"}], "site": "hq"})),
        (format!("{URN}:BADGE"), json!({"badge": "b1", "site": "hq"})),
    ] {
        assert_eq!(shown(Some(&only), None), wanted, "{only}");
    }
    let less = format!("{URN}:site,{URN}:badge,{URN}:cards");
    assert_eq!(shown(None, Some(&less)), json!({"site": "hq", "desk": {"room": "r"}}));
    assert_eq!(shown(None, Some(URN)), json!({"site": "hq"}));
    let whole = resource::render_in(&stored, &definition, "u1", meta, &Projection::whole());
    assert_eq!((&whole[URN]["note"], &whole[URN]["cards"][0]["hint"]), (&json!("n"), &json!("h")));
    assert!(whole[URN].get("pin").is_none() && whole[URN]["desk"].get("key").is_none());
    assert!(whole["schemas"].as_array().is_some_and(|schemas| schemas.contains(&json!(URN))));
}
