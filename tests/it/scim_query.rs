//! Queries over SCIM (RFC 7644 §3.4.2, §3.4.3, RFC 9865): filters, order, pages by index and by cursor, and searches of everything.
//! Which index a filter reads is tested beside `scim/plan.rs`; that what it finds is right, here.

use std::collections::BTreeSet;
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::people::okta_user;
use crate::support::{Database, Reply, TestApp, send};

const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

/// `path?name=value&…`.
fn address(path: &str, query: &[(&str, &str)]) -> String {
    let query: String = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(query).finish();
    format!("{path}?{query}")
}

async fn ask(app: &TestApp, path: &str, query: &[(&str, &str)]) -> Reply {
    app.scim(Method::GET, &address(path, query), None).await
}

async fn list(app: &TestApp, path: &str, query: &[(&str, &str)]) -> Value {
    ask(app, path, query).await.expect(200).json()
}

/// What is refused, and with which `scimType`.
async fn refused(app: &TestApp, path: &str, query: &[(&str, &str)]) -> String {
    let error = ask(app, path, query).await.expect_scim_error(400);
    error["scimType"].as_str().unwrap_or_default().to_owned()
}

/// Ids of one millisecond have no order.
fn tick(app: &TestApp) {
    app.clock.advance(Duration::from_millis(1));
}

/// A user with these attributes beside those that Okta sends.
async fn create(app: &TestApp, email: &str, attributes: Value) -> String {
    tick(app);
    let mut user = okta_user(email);
    for (name, value) in attributes.as_object().expect("an object") {
        user[name] = value.clone();
    }
    let created = app.scim(Method::POST, "/Users", Some(user)).await.expect(201).json();
    created["id"].as_str().expect("an id").to_owned()
}

async fn create_group(app: &TestApp, name: &str, members: &[&str]) -> String {
    tick(app);
    let members: Vec<Value> = members.iter().map(|id| json!({"value": id})).collect();
    let body = json!({"schemas": [GROUP], "displayName": name, "externalId": format!("x-{name}"), "members": members});
    let created = app.scim(Method::POST, "/Groups", Some(body)).await.expect(201).json();
    created["id"].as_str().expect("an id").to_owned()
}

/// `user000@corp.test` and so on, in this order.
async fn create_many(app: &TestApp, count: usize) -> Vec<String> {
    let mut ids = Vec::new();
    for number in 0..count {
        let title = if number % 10 == 0 { "Head" } else { "Hand" };
        ids.push(create(app, &format!("user{number:03}@corp.test"), json!({"title": title})).await);
    }
    ids
}

fn texts(list: &Value, name: &str) -> Vec<String> {
    let resources = list["Resources"].as_array().expect("a list");
    resources.iter().map(|resource| resource[name].as_str().unwrap_or_default().to_owned()).collect()
}

fn ids(list: &Value) -> Vec<String> {
    texts(list, "id")
}

/// What stands before the @ of the user names that a filter finds, in order.
async fn names(app: &TestApp, filter: &str) -> String {
    let found = list(app, "/Users", &[("filter", filter)]).await;
    let mut names: Vec<String> = texts(&found, "userName");
    assert_eq!(found["totalResults"], names.len(), "{filter}: {found}");
    names.sort();
    let short: Vec<&str> = names.iter().map(|name| name.split('@').next().unwrap_or_default()).collect();
    short.join(" ")
}

/// Every id of a query, page by page, by cursor.
async fn walk(app: &TestApp, path: &str, query: &[(&str, &str)], count: &str) -> Vec<String> {
    let (mut found, mut cursor) = (Vec::new(), String::new());
    loop {
        let mut query = query.to_vec();
        query.extend([("cursor", cursor.as_str()), ("count", count)]);
        let page = list(app, path, &query).await;
        assert!(page.get("startIndex").is_none(), "{page}");
        found.extend(ids(&page));
        match page["nextCursor"].as_str() {
            Some(next) => cursor = next.to_owned(),
            None => return found,
        }
    }
}

fn assert_once(found: &[String], expected: &[String]) {
    let unique: BTreeSet<&String> = found.iter().collect();
    assert_eq!(unique.len(), found.len(), "something was shown twice");
    let missed: Vec<&String> = expected.iter().filter(|id| !unique.contains(id)).collect();
    assert!(missed.is_empty(), "{missed:?} were not shown");
}

on_both_databases! {
    /// Every operator, on texts of both case rules, booleans and instants.
    async fn case_10_operators_by_type(app: TestApp) {
        create(&app, "ann@corp.test", json!({"title": "Lead", "externalId": "E-1", "displayName": "Ann Straße"})).await;
        app.advance(60);
        let before = app.scim(Method::GET, "/Users", None).await.json()["Resources"][0]["meta"]["created"].clone();
        let bo = create(&app, "bo@corp.test", json!({"externalId": "E-2", "displayName": "Bo"})).await;
        app.set_active(&bo, false).await.expect_any(&[200, 204]);
        let before = before.as_str().expect("an instant");
        for (filter, expected) in [
            ("userName eq \"ANN@corp.test\"".to_owned(), "ann"),
            ("userName ne \"ann@corp.test\"".to_owned(), "bo"),
            ("userName co \"N@C\"".to_owned(), "ann"),
            ("userName sw \"A\"".to_owned(), "ann"),
            ("userName sw \"\"".to_owned(), "ann bo"),
            ("userName ew \".TEST\"".to_owned(), "ann bo"),
            ("userName gt \"ann@corp.test\"".to_owned(), "bo"),
            ("userName ge \"ann@corp.test\"".to_owned(), "ann bo"),
            ("userName lt \"B\"".to_owned(), "ann"),
            ("userName le \"ann@corp.test\"".to_owned(), "ann"),
            ("displayName eq \"ANN STRASSE\"".to_owned(), "ann"),
            ("displayName sw \"ann s\"".to_owned(), "ann"),
            ("title pr".to_owned(), "ann"),
            ("title eq null".to_owned(), "bo"),
            ("externalId eq \"e-1\"".to_owned(), ""),
            ("externalId eq \"E-1\"".to_owned(), "ann"),
            ("active eq false".to_owned(), "bo"),
            ("active eq \"True\"".to_owned(), "ann"),
            ("active ne true".to_owned(), "bo"),
            (format!("meta.created eq \"{before}\""), "ann"),
            (format!("meta.created gt \"{before}\""), "bo"),
            (format!("meta.created ge \"{before}\""), "ann bo"),
            (format!("meta.created le \"{before}\""), "ann"),
            (format!("meta.lastModified lt \"{before}\""), ""),
            (
                format!("meta.lastModified gt \"{before}\" and meta.lastModified lt \"2999-01-01T00:00:00+14:00\""),
                "bo",
            ),
            ("unknown eq \"x\"".to_owned(), ""),
            ("unknown ne \"x\"".to_owned(), "ann bo"),
        ] {
            assert_eq!(names(&app, &filter).await, expected, "{filter}");
        }
        assert_eq!(refused(&app, "/Users", &[("filter", "active gt true")]).await, "invalidFilter");
        assert_eq!(refused(&app, "/Users", &[("filter", "userName eq")]).await, "invalidFilter");
    }

    /// `and` before `or`, negation, value paths, unions of what several indexes find, and users of a group.
    async fn case_11_combinations(app: TestApp) {
        let ann = create(&app, "ann@corp.test", json!({"title": "Lead"})).await;
        let bo = create(&app, "bo@corp.test", json!({"title": "Hand", ENTERPRISE: {"department": "R&D"}})).await;
        create(&app, "cy@corp.test", json!({})).await;
        let staff = create_group(&app, "Staff", &[&ann, &bo]).await;
        for (filter, expected) in [
            ("userName eq \"cy@corp.test\" or title eq \"lead\" and title eq \"hand\"".to_owned(), "cy"),
            ("(userName eq \"cy@corp.test\" or title eq \"lead\") and title pr".to_owned(), "ann"),
            ("userName eq \"ann@corp.test\" or userName eq \"bo@corp.test\" or id eq \"x\"".to_owned(), "ann bo"),
            ("not (userName eq \"ann@corp.test\")".to_owned(), "bo cy"),
            ("emails[type eq \"work\" and value co \"bo\"]".to_owned(), "bo"),
            (format!("groups eq \"{staff}\" and not (title eq \"hand\")"), "ann"),
            (format!("groups.value eq \"{staff}\""), "ann bo"),
            ("groups.display eq \"STAFF\"".to_owned(), "ann bo"),
            ("not (groups pr)".to_owned(), "cy"),
            (format!("{ENTERPRISE}:department eq \"r&d\""), "bo"),
        ] {
            assert_eq!(names(&app, &filter).await, expected, "{filter}");
        }
        let other = create_group(&app, "Other", &[]).await;
        for (filter, expected) in [
            (format!("members eq \"{ann}\""), vec![staff.clone()]),
            (format!("id eq \"{staff}\" and members.value eq \"{bo}\""), vec![staff.clone()]),
            (format!("id eq \"{other}\" and members eq \"{ann}\""), vec![]),
            (format!("not (members eq \"{ann}\")"), vec![other.clone()]),
            ("members pr".to_owned(), vec![staff.clone()]),
            ("displayName sw \"o\" or externalId eq \"x-Other\"".to_owned(), vec![other.clone()]),
        ] {
            let found = list(&app, "/Groups", &[("filter", filter.as_str()), ("excludedAttributes", "members")]).await;
            assert_eq!(ids(&found), expected, "{filter}");
        }
    }

    /// Which attributes are shown, and that groups of users are.
    async fn case_12_projection(app: TestApp) {
        let ann = create(&app, "ann@corp.test", json!({"title": "Lead"})).await;
        let staff = create_group(&app, "Staff", &[&ann]).await;
        let shown = |list: &Value| {
            let resource = list["Resources"][0].as_object().expect("a resource").clone();
            resource.keys().cloned().collect::<BTreeSet<String>>()
        };
        let keys = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<String>>();
        let found = list(&app, "/Users", &[("attributes", "userName,title")]).await;
        assert_eq!(shown(&found), keys(&["schemas", "id", "userName", "title"]));
        let found = list(&app, "/Users", &[("excludedAttributes", "groups,emails")]).await;
        assert!(shown(&found).contains("userName") && !shown(&found).contains("groups"));
        let found = list(&app, "/Users", &[("filter", "title pr"), ("sortBy", "userName")]).await;
        let group = &found["Resources"][0]["groups"][0];
        assert_eq!((&group["value"], &group["display"]), (&json!(staff), &json!("Staff")));
        let both = [("attributes", "userName"), ("excludedAttributes", "title")];
        assert_eq!(refused(&app, "/Users", &both).await, "invalidValue");
    }

    /// Sorted and unsorted, 250 users are shown once each, by index, while others are added.
    async fn case_13_pages_by_index_show_each_user_once(app: TestApp) {
        let expected = create_many(&app, 250).await;
        for (sort_by, order) in [("", ""), ("userName", "descending"), ("title", "ascending"), ("meta.created", "")] {
            let mut found: Vec<String> = Vec::new();
            for start in ["1", "101", "201"] {
                let query = [("startIndex", start), ("count", "100"), ("sortBy", sort_by), ("sortOrder", order)];
                let page = list(&app, "/Users", &query).await;
                assert_eq!((&page["totalResults"], page["startIndex"].to_string()), (&json!(250), start.to_owned()));
                found.extend(ids(&page));
            }
            assert_eq!(found.len(), 250);
            assert_once(&found, &expected);
            if sort_by == "userName" {
                assert_eq!(found.first(), expected.last());
            }
        }
        let mut found: Vec<String> = Vec::new();
        for start in 0..3 {
            app.advance(1);
            create(&app, &format!("later{start}@corp.test"), json!({})).await;
            let start = (start * 100 + 1).to_string();
            found.extend(ids(&list(&app, "/Users", &[("startIndex", start.as_str()), ("count", "100")]).await));
        }
        assert_once(&found, &expected);
    }

    /// What is out of range is moved into it.
    async fn case_14_indexes_out_of_range(app: TestApp) {
        create_many(&app, 3).await;
        for (start, count, shown) in [
            ("0", "2", 2),
            ("-1", "2", 2),
            ("1", "0", 0),
            ("1", "-1", 0),
            ("3", "1000000000", 1),
            ("9", "5", 0),
        ] {
            for filter in ["", "title pr"] {
                let query = [("startIndex", start), ("count", count), ("filter", filter)];
                let page = list(&app, "/Users", &query).await;
                let items = (page["totalResults"].clone(), page["itemsPerPage"].clone(), ids(&page).len());
                assert_eq!(items, (json!(3), json!(shown), shown), "{query:?}");
            }
        }
        assert_eq!(refused(&app, "/Users", &[("startIndex", "one")]).await, "invalidValue");
        assert_eq!(refused(&app, "/Users", &[("count", "many")]).await, "invalidValue");
    }

    /// A query in a body, of one kind and of both.
    async fn case_15_searches(app: TestApp) {
        let ann = create(&app, "ann@corp.test", json!({"displayName": "Staff"})).await;
        let bo = create(&app, "bo@corp.test", json!({"displayName": "Zoe"})).await;
        let staff = create_group(&app, "Staff", &[&ann]).await;
        let search = async |path: &str, mut body: Value| {
            body["schemas"] = json!(["urn:ietf:params:scim:api:messages:2.0:SearchRequest"]);
            app.scim(Method::POST, path, Some(body)).await.expect(200).json()
        };
        let both = search("/.search", json!({"filter": "displayName eq \"staff\""})).await;
        assert_eq!((&both["totalResults"], ids(&both)), (&json!(2), vec![ann.clone(), staff.clone()]));
        let (user, group) = (&both["Resources"][0], &both["Resources"][1]);
        assert_eq!((&user["meta"]["resourceType"], &group["meta"]["resourceType"]), (&json!("User"), &json!("Group")));
        assert_eq!((&group["schemas"], &group["members"][0]["value"]), (&json!([GROUP]), &json!(ann)));
        let users = search("/.search", json!({"filter": "userName pr", "attributes": ["userName"]})).await;
        assert_eq!(ids(&users), [ann.clone(), bo.clone()]);
        let sorted = search("/.search", json!({"sortBy": "displayName", "sortOrder": "descending", "count": 2})).await;
        assert_eq!((&sorted["totalResults"], &ids(&sorted)[0]), (&json!(3), &bo));
        let last = search("/.search", json!({"startIndex": 3, "count": 5})).await;
        assert_eq!((&last["totalResults"], ids(&last)), (&json!(3), vec![staff.clone()]));
        assert_eq!(ids(&search("/Users/.search", json!({"filter": "title eq null", "count": 1})).await).len(), 1);
        assert_eq!(ids(&search("/Groups/.search", json!({"filter": "userName pr"})).await).len(), 0);
        let found = list(&app, "", &[("filter", "displayName sw \"st\"")]).await;
        assert_eq!(ids(&found), [ann.clone(), staff.clone()]);
        let first = search("/.search", json!({"cursor": "", "count": 2})).await;
        assert_eq!((&first["totalResults"], ids(&first)), (&json!(3), vec![ann, bo]));
        let rest = search("/.search", json!({"cursor": first["nextCursor"], "count": 2})).await;
        assert_eq!((ids(&rest), rest.get("nextCursor")), (vec![staff], None));
    }

    /// A walk sees each user once, however pages are cut, with a filter or without; a cursor belongs to its query, its workspace
    /// and ten minutes.
    async fn case_28_cursors_walk_expire_and_are_bound(app: TestApp) {
        let expected = create_many(&app, 250).await;
        for count in ["1", "7", "125", "200"] {
            if count != "1" {
                assert_eq!(walk(&app, "/Users", &[], count).await, expected, "pages of {count}");
            }
            let heads: Vec<String> = expected.iter().step_by(10).cloned().collect();
            let found = walk(&app, "/Users", &[("filter", "title eq \"head\"")], count).await;
            assert_eq!(found, heads, "pages of {count}");
        }
        let first = list(&app, "/Users", &[("cursor", ""), ("count", "10")]).await;
        assert_eq!((&first["totalResults"], &first["itemsPerPage"]), (&json!(250), &json!(10)));
        let cursor = first["nextCursor"].as_str().expect("there are more").to_owned();
        assert!(cursor.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)), "{cursor}");
        let next = |query: &[(&'static str, &'static str)]| {
            let mut all = vec![("cursor", cursor.clone())];
            all.extend(query.iter().map(|(name, value)| (*name, (*value).to_owned())));
            let pairs: Vec<(&str, &str)> = all.iter().map(|(name, value)| (*name, value.as_str())).collect();
            address("", &pairs)
        };
        app.scim(Method::GET, &format!("/Users{}", next(&[])), None).await.expect(200);
        let filtered = format!("/Users{}", next(&[("filter", "title pr")]));
        for path in [format!("/Groups{}", next(&[])), filtered, next(&[])] {
            let error = app.scim(Method::GET, &path, None).await.expect_scim_error(400);
            assert_eq!(error["scimType"], "invalidCursor", "{path}");
        }
        let stranger = app.home.other_scim_token.clone();
        let path = format!("/Users{}", next(&[]));
        let error = app.scim_as(&stranger, Method::GET, &path, None).await.expect_scim_error(400);
        assert_eq!(error["scimType"], "invalidCursor", "a cursor of another workspace");
        for (index, byte) in cursor.bytes().enumerate().step_by(7) {
            let mut changed = cursor.clone();
            changed.replace_range(index..=index, if byte == b'A' { "B" } else { "A" });
            assert_eq!(refused(&app, "/Users", &[("cursor", changed.as_str())]).await, "invalidCursor", "changed at {index}");
        }
        for nonsense in ["x", "1", "....", "\u{0}", &"a".repeat(2_000)] {
            assert_eq!(refused(&app, "/Users", &[("cursor", nonsense)]).await, "invalidCursor");
        }
        for count in ["0", "-1", "201", "ten"] {
            assert_eq!(refused(&app, "/Users", &[("cursor", ""), ("count", count)]).await, "invalidCount");
        }
        assert_eq!(refused(&app, "/Users", &[("cursor", ""), ("startIndex", "1")]).await, "invalidValue");
        assert_eq!(refused(&app, "/Users", &[("cursor", ""), ("sortBy", "userName")]).await, "invalidValue");
        app.advance(590);
        app.scim(Method::GET, &format!("/Users{}", next(&[])), None).await.expect(200);
        app.advance(11);
        assert_eq!(refused(&app, "/Users", &[("cursor", cursor.as_str())]).await, "expiredCursor");
    }

    /// Who is there from beginning to end is seen once, whoever comes and goes; and a cursor outlives the server that gave it.
    async fn case_28_a_walk_survives_changes_and_a_restart(app: TestApp) {
        let expected = create_many(&app, 60).await;
        let (mut app, mut found, mut cursor) = (app, Vec::new(), String::new());
        for round in 0_usize.. {
            let page = list(&app, "/Users", &[("cursor", cursor.as_str()), ("count", "10")]).await;
            found.extend(ids(&page));
            let Some(next) = page["nextCursor"].as_str() else { break };
            cursor = next.to_owned();
            app.advance(1);
            if round < 3 {
                create(&app, &format!("later{round}@corp.test"), json!({})).await;
                // The one that the cursor names, and one that is still to come.
                for gone in [round * 10 + 9, 50 + round] {
                    app.scim(Method::DELETE, &format!("/Users/{}", expected[gone]), None).await.expect(204);
                }
            }
            if round == 3 {
                app = app.restart().await;
            }
        }
        let kept: Vec<String> = expected.iter().take(50).chain(&expected[53..]).cloned().collect();
        assert_once(&found, &kept);
        assert!(!found.contains(&expected[51]), "somebody who was deleted before was shown");
        assert_eq!(found.len(), kept.len() + 3, "those who came later come last");
    }

    /// Okta imports by hundreds and relies on the order.
    async fn case_38_an_import_by_hundreds(app: TestApp) {
        let expected = create_many(&app, 120).await;
        let first = list(&app, "/Users", &[("startIndex", "1"), ("count", "100")]).await;
        let second = list(&app, "/Users", &[("startIndex", "101"), ("count", "100")]).await;
        assert!(first["totalResults"].is_i64() && first["startIndex"].is_i64() && first["itemsPerPage"].is_i64());
        assert_eq!([ids(&first), ids(&second)].concat(), expected);
    }

    /// Entra ID tests a connection by looking for nobody.
    async fn case_39_nobody_is_an_empty_list(app: TestApp) {
        for attribute in ["userName", "externalId", "emails[type eq \"work\"].value", "id"] {
            let filter = format!("{attribute} eq \"6f1d2a58-0000-4000-8000-000000000000\"");
            let found = list(&app, "/Users", &[("filter", filter.as_str())]).await;
            assert_eq!((&found["totalResults"], &found["Resources"]), (&json!(0), &json!([])), "{filter}");
        }
    }

    /// Members are left out where they are not wanted, in lists and alone.
    async fn case_47_groups_without_members(app: TestApp) {
        let ann = create(&app, "ann@corp.test", json!({})).await;
        let staff = create_group(&app, "Staff", &[&ann]).await;
        create_group(&app, "Empty", &[]).await;
        let without = [("excludedAttributes", "members"), ("filter", "displayName eq \"Staff\"")];
        let found = list(&app, "/Groups", &without).await;
        assert!(found["Resources"][0].get("members").is_none(), "{found}");
        let found = list(&app, "/Groups", &[]).await;
        assert_eq!(found["Resources"][0]["members"][0]["value"], ann);
        assert!(found["Resources"][1].get("members").is_none());
        let alone = list(&app, &format!("/Groups/{staff}"), &[("excludedAttributes", "members")]).await;
        assert!(alone.get("members").is_none() && alone["displayName"] == "Staff");
    }

    /// Whatever Entra ID matches by is found: each of several addresses, unquoted values, and what an upgrade has not indexed yet.
    async fn case_48_what_is_matched_by(app: TestApp) {
        let emails = json!([
            {"value": "Ann@corp.test", "type": "work", "primary": true},
            {"value": "ann.second@corp.test", "type": "work"},
            {"value": "ann@home.test", "type": "home"},
            {"value": "no address", "type": "other"},
        ]);
        let ann = create(&app, "ann@corp.test", json!({"externalId": "jyoung", "emails": emails})).await;
        create(&app, "bo@corp.test", json!({"externalId": "12345", "displayName": "Bö"})).await;
        for indexed in [true, false] {
            if !indexed {
                app.sql("DELETE FROM user_search_key WHERE attribute = 'emails'").await;
                app.sql("UPDATE user_search_key SET attribute = 'unknown', value = ''").await;
            }
            for (filter, expected) in [
                ("externalId eq jyoung", "ann"),
                ("externalId eq 12345", "bo"),
                ("emails[type eq \"work\"].value eq \"ANN@corp.test\"", "ann"),
                ("emails[type eq \"work\"].value eq \"ann.second@corp.test\"", "ann"),
                ("emails[type eq \"work\"].value eq \"ann@home.test\"", ""),
                ("emails.value eq \"ann@home.test\"", "ann"),
                ("emails eq \"No Address\"", "ann"),
                ("displayName eq \"BÖ\"", "bo"),
                ("displayName sw \"b\" and active eq true", "bo"),
            ] {
                assert_eq!(names(&app, filter).await, expected, "{filter}, indexed: {indexed}");
            }
        }
        let emails = json!([{"op": "replace", "path": "emails[type eq \"home\"].value", "value": "ann@new.test"}]);
        app.scim_patch(&ann, emails).await.expect_any(&[200, 204]);
        assert_eq!(names(&app, "emails.value eq \"ann@home.test\"").await, "");
        assert_eq!(names(&app, "emails.value eq \"ann@new.test\"").await, "ann");
        app.scim(Method::DELETE, &format!("/Users/{ann}"), None).await.expect(204);
        assert_eq!(names(&app, "emails.value eq \"ann@new.test\"").await, "");
    }

    /// The disabled are found, as they are.
    async fn case_52_a_disabled_user_is_found(app: TestApp) {
        let ann = create(&app, "ann@corp.test", json!({})).await;
        app.set_active(&ann, false).await.expect_any(&[200, 204]);
        let found = list(&app, "/Users", &[("filter", "userName eq \"ann@corp.test\"")]).await;
        assert_eq!((&found["Resources"][0]["id"], &found["Resources"][0]["active"]), (&json!(ann), &json!(false)));
        assert!(!found.to_string().contains("null"), "{found}");
    }

    /// Another workspace's token finds nothing of ours, by no filter and on no page.
    async fn case_63_another_workspace_finds_nothing(app: TestApp) {
        let ann = create(&app, "ann@corp.test", json!({"title": "Lead"})).await;
        let staff = create_group(&app, "Staff", &[&ann]).await;
        let token = app.home.other_scim_token.clone();
        for filter in [
            format!("id eq \"{ann}\""),
            "userName eq \"ann@corp.test\" or title pr".to_owned(),
            "emails.value eq \"ann@corp.test\"".to_owned(),
            "displayName pr".to_owned(),
            format!("groups eq \"{staff}\""),
            format!("members eq \"{ann}\""),
            format!("id eq \"{staff}\""),
            "meta.created ge \"2000-01-01T00:00:00Z\"".to_owned(),
        ] {
            for path in ["/Users", "/Groups", ""] {
                let path = address(path, &[("filter", filter.as_str())]);
                let found = app.scim_as(&token, Method::GET, &path, None).await.expect(200).json();
                assert_eq!((&found["totalResults"], &found["Resources"]), (&json!(0), &json!([])), "{path}");
            }
        }
        let all = app.scim_as(&token, Method::GET, "/Users?cursor&count=5", None).await.expect(200).json();
        assert_eq!((&all["totalResults"], all.get("nextCursor")), (&json!(0), None));
    }

    /// No character is a pattern, in memory and in an index.
    async fn case_76_metacharacters_are_literal(app: TestApp) {
        create(&app, "a%b_c@corp.test", json!({"displayName": "50%_\\'x"})).await;
        create(&app, "aXbYc@corp.test", json!({"displayName": "50 percent"})).await;
        for (filter, expected) in [
            ("userName sw \"a%\"", "a%b_c"),
            ("userName sw \"a_b\"", ""),
            ("userName co \"b_c\"", "a%b_c"),
            ("userName eq \"a%c@corp.test\"", ""),
            ("displayName sw \"50%_\\\\'\"", "a%b_c"),
            ("displayName sw \"%\"", ""),
            ("displayName eq \"50%\"", ""),
        ] {
            assert_eq!(names(&app, filter).await, expected, "{filter}");
        }
    }

    /// A filter of many terms about much text is refused before it has kept a thread busy.
    async fn case_56_what_compares_too_much_is_refused(app: TestApp) {
        let addresses = (0..100).map(|number| json!({"value": format!("{number}{}", "ä".repeat(250))}));
        create(&app, "ann@corp.test", json!({"emails": addresses.collect::<Vec<Value>>()})).await;
        let find = async |terms: usize| {
            let filter = vec!["emails co \"z\""; terms].join(" or ");
            app.scim(Method::POST, "/Users/.search", Some(json!({"filter": filter}))).await
        };
        assert_eq!(find(450).await.expect_scim_error(400)["scimType"], "tooMany");
        assert_eq!(find(2).await.expect(200).json()["totalResults"], 0);
    }

    /// Past 10,000 users a filter without an index is refused, one with an index is not, and a cursor walks through all of them.
    async fn large_workspaces_are_searched_by_index_or_by_cursor(app: TestApp) {
        app.sql(
            "INSERT INTO users (workspace_id, id, user_name, user_name_key, display_name, role, state, provider_active, source, \
             epoch, epoch_seq, resource, version, created_at, updated_at) \
             WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10050) \
             SELECT w.id, '01890000-0000-7000-8000-' || CAST(100000000000 + n.i AS TEXT), 'u' || CAST(n.i AS TEXT), \
             'u' || CAST(n.i AS TEXT), 'd', 'member', 'active', 1, 'scim', 0, 0, '{}', 1, n.i, n.i \
             FROM n CROSS JOIN workspace w WHERE w.slug = 'acme'",
        )
        .await;
        let needle = create(&app, "needle@corp.test", json!({"title": "Needle"})).await;
        assert_eq!(refused(&app, "/Users", &[("filter", "title eq \"needle\"")]).await, "tooMany");
        assert_eq!(refused(&app, "/Users", &[("sortBy", "userName")]).await, "tooMany");
        assert_eq!(refused(&app, "/Users", &[("filter", "userName sw \"u\"")]).await, "tooMany");
        assert_eq!(names(&app, "userName eq \"needle@corp.test\" and title pr").await, "needle");
        assert_eq!(names(&app, "userName sw \"u1004\" and userName ew \"4\"").await, "u1004 u10044");
        assert_eq!(names(&app, "meta.lastModified gt \"2000-01-01T00:00:00Z\"").await, "needle");
        let last = list(&app, "/Users", &[("startIndex", "10050"), ("count", "5")]).await;
        assert_eq!((&last["totalResults"], ids(&last).len(), &ids(&last)[1]), (&json!(10_051), 2, &needle));
        assert_eq!(walk(&app, "/Users", &[("filter", "title eq \"needle\"")], "10").await, [needle]);
    }
}

/// Every replica accepts a cursor of another.
#[tokio::test(flavor = "multi_thread")]
async fn case_28_replicas_accept_each_others_cursors() {
    let app = TestApp::on(Database::Postgres).await;
    let expected = create_many(&app, 5).await;
    let second = app.beside().await;
    let first = list(&app, "/Users", &[("cursor", ""), ("count", "3")]).await;
    let cursor = first["nextCursor"].as_str().expect("there are more");
    let path = format!("{}/scim/v2{}", second.base, address("/Users", &[("cursor", cursor), ("count", "3")]));
    let rest = send(app.client.get(path).bearer_auth(&app.home.scim_token)).await.expect(200).json();
    assert_eq!([ids(&first), ids(&rest)].concat(), expected);
    assert!(rest.get("nextCursor").is_none());
    second.stop().await;
    app.stop().await;
}
