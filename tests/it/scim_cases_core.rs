//! The numbered SCIM cases of the protocol itself: the life of a user, filters, projection, pages, versions, atomic patches.
//! Cases that are decided without a server stand beside the code in `src/scim`; the clients' are `scim_cases_clients.rs`.

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::TestApp;
use crate::support::deprovisioning::Watch;
use crate::support::people::{okta_user, patch_op};
use crate::support::scim::{GROUP, SEARCH, USER, id_of};

const NAMES: [&str; 3] = ["one", "two", "three"];

/// Three users that filters can tell apart, in the order of `NAMES`; gives their ids.
async fn three(app: &TestApp) -> Vec<String> {
    let mut ids = Vec::new();
    for (name, more) in NAMES.iter().zip([
        json!({"title": "Engineer", "externalId": "12345"}),
        json!({"title": "engineering lead", "active": false}),
        json!({}),
    ]) {
        let mut user = json!({"schemas": [USER], "userName": format!("{name}@corp.test"), "nickName": name,
                              "emails": [{"value": format!("{name}@corp.test"), "type": "work"}]});
        for (attribute, value) in more.as_object().expect("an object") {
            user[attribute] = value.clone();
        }
        ids.push(id_of(&app.scim_create("/Users", user).await));
    }
    ids
}

/// The nicknames of what a filter finds, in the order of `NAMES`.
async fn found(app: &TestApp, filter: &str) -> Vec<&'static str> {
    let list = app.scim_find("/Users", filter, "").await;
    let resources = list["Resources"].as_array().expect("a list").clone();
    assert_eq!(list["totalResults"], resources.len(), "{filter}: {list}");
    NAMES.into_iter().filter(|name| resources.iter().any(|user| user["nickName"] == *name)).collect()
}

/// Every page of a list of users, `count` at a time.
async fn walk(app: &TestApp, query: &str, count: usize) -> Vec<Value> {
    let mut users: Vec<Value> = Vec::new();
    loop {
        let path = format!("/Users?startIndex={}&count={count}{query}", users.len() + 1);
        let page = app.scim(Method::GET, &path, None).await.expect(200).json();
        let resources = page["Resources"].as_array().expect("a list");
        assert_eq!(page["itemsPerPage"], resources.len(), "{page}");
        if resources.is_empty() {
            return users;
        }
        users.extend(resources.iter().cloned());
    }
}

fn names(resource: &Value) -> Vec<&str> {
    let mut names: Vec<&str> = resource.as_object().expect("an object").keys().map(String::as_str).collect();
    names.sort_unstable();
    names
}

on_both_databases! {
    async fn case_01_a_minimal_user_gets_id_address_and_version(app: TestApp) {
        let body =
            json!({"schemas": [USER], "userName": "ada@corp.test", "id": "chosen", "meta": {"version": "W/\"9\""}});
        let reply = app.scim(Method::POST, "/Users", Some(body)).await.expect(201);
        let user = reply.json();
        let id = id_of(&user);
        assert_ne!(id, "chosen");
        assert_eq!(user["meta"]["location"], app.url(&format!("/scim/v2/Users/{id}")));
        assert_eq!(reply.header("location"), user["meta"]["location"].as_str());
        assert_eq!(reply.header("etag"), user["meta"]["version"].as_str());
        assert!(reply.header("etag").is_some_and(|etag| etag.starts_with("W/\"") && !etag.contains('9')));
        let read = app.scim(Method::GET, &format!("/Users/{id}"), None).await.expect(200);
        assert_eq!((read.header("etag"), read.json()), (reply.header("etag"), user));
    }

    async fn case_04_a_deleted_user_is_gone_and_the_next_is_another(app: TestApp) {
        let ada = app.provision("ada").await;
        let (watch, path) = (Watch::over(&app, &ada).await, format!("/Users/{}", ada.id));
        app.scim(Method::DELETE, &path, None).await.expect(204);
        watch.ended("delete").await;
        for method in [Method::GET, Method::DELETE] {
            app.scim(method, &path, None).await.expect_scim_error(404);
        }
        let again = app.provision("ada").await;
        assert_ne!(again.id, ada.id);
        app.sign_in(&again.email).await;
        assert_eq!(app.live(watch.sessions()).await, 0, "a session of the deleted user came back");
    }

    async fn case_05_06_and_08_off_by_patch_or_put_and_on_again(app: TestApp) {
        for way in ["patch", "put"] {
            let person = app.provision(way).await;
            let (watch, path) = (Watch::over(&app, &person).await, format!("/Users/{}", person.id));
            if way == "patch" {
                app.set_active(&person.id, false).await.expect(200);
            } else {
                let mut body = okta_user(&person.email);
                body["active"] = false.into();
                app.scim(Method::PUT, &path, Some(body)).await.expect(200);
            }
            watch.ended(way).await;
            let listed = app.scim_find("/Users", &format!("userName eq \"{}\"", person.email), "").await;
            assert_eq!((&listed["totalResults"], &listed["Resources"][0]["active"]), (&json!(1), &json!(false)));
            app.set_active(&person.id, true).await.expect(200);
            assert_eq!(app.live(watch.sessions()).await, 0, "{way}: a session came back");
            assert!(app.is_live(&app.sign_in(&person.email).await).await, "{way}: no new sign-in");
        }
    }

    /// By an index and by looking at everybody, on either database.
    async fn case_10_and_11_filters_find_what_they_say(app: TestApp) {
        let ids = three(&app).await;
        let created = app.scim_read(&format!("/Users/{}", ids[0])).await["meta"]["created"].clone();
        for (filter, expected) in [
            ("title eq \"ENGINEER\"", vec!["one"]),
            ("title ne \"engineer\"", vec!["two", "three"]),
            ("title co \"INEER\"", vec!["one", "two"]),
            ("title sw \"eng\"", vec!["one", "two"]),
            ("title ew \"lead\"", vec!["two"]),
            ("TITLE PR", vec!["one", "two"]),
            ("title gt \"engineer\"", vec!["two"]),
            ("title ge \"engineer\"", vec!["one", "two"]),
            ("title lt \"engineering\"", vec!["one"]),
            ("title le \"engineer\"", vec!["one"]),
            ("active eq true", vec!["one", "three"]),
            ("active eq \"False\"", vec!["two"]),
            ("active ne true", vec!["two"]),
            ("externalId eq 12345", vec!["one"]),
            ("externalId eq \"12345\" and active eq false", vec![]),
            ("meta.created gt \"2020-01-01T00:00:00+02:00\"", vec!["one", "two", "three"]),
            ("meta.created lt \"2020-01-01T00:00:00Z\"", vec![]),
            ("title pr or active eq false and nickName eq \"nobody\"", vec!["one", "two"]),
            ("(title pr or active eq false) and nickName eq \"one\"", vec!["one"]),
            ("not (title pr)", vec!["three"]),
            ("emails[type eq \"work\" and value sw \"TWO\"]", vec!["two"]),
            ("emails[type eq \"home\"] or userName eq \"Three@corp.test\"", vec!["three"]),
            ("userName eq \"ONE@corp.test\" and title eq \"engineer\"", vec!["one"]),
        ] {
            assert_eq!(found(&app, filter).await, expected, "{filter}");
        }
        assert_eq!(found(&app, &format!("id eq \"{}\"", ids[2])).await, ["three"]);
        assert_eq!(
            found(&app, &format!("meta.created eq {created}")).await,
            NAMES,
            "the clock of this server stands still"
        );
        for wrong in ["active%20gt%20true", "title%20eq", "title%20like%20%22x%22", "password%20pr"] {
            let error = app.scim(Method::GET, &format!("/Users?filter={wrong}"), None).await.expect_scim_error(400);
            assert_eq!(error["scimType"], "invalidFilter", "{wrong}: {error}");
        }
    }

    async fn case_12_an_answer_shows_what_was_asked_for(app: TestApp) {
        let mut user = okta_user("ada@corp.test");
        user["password"] = crate::support::PASSWORD.into();
        let only = ["id", "schemas", "userName"];
        let created =
            app.scim(Method::POST, "/Users?attributes=userName,password", Some(user.clone())).await.expect(201);
        assert_eq!(names(&created.json()), only);
        let path = format!("/Users/{}", id_of(&created.json()));
        let renamed = patch_op(json!([{"op": "replace", "path": "title", "value": "Countess"}]));
        let query = "?attributes=USERNAME";
        for reply in [
            app.scim(Method::GET, &format!("{path}{query}"), None).await,
            app.scim(Method::PATCH, &format!("{path}{query}"), Some(renamed)).await,
            app.scim(Method::PUT, &format!("{path}{query}"), Some(user)).await,
        ] {
            assert_eq!(names(&reply.expect(200).json()), only);
        }
        let without = app.scim_read(&format!("{path}?excludedAttributes=emails,name.familyName,id,password")).await;
        assert!(without.get("emails").is_none() && without["name"].get("familyName").is_none(), "{without}");
        assert!(without["name"]["givenName"].is_string() && without["id"].is_string(), "{without}");
        assert!(without.get("password").is_none(), "{without}");
        let listed = app.scim_find("/Users", "userName pr", "&attributes=emails.value").await;
        assert_eq!(listed["Resources"][0]["emails"], json!([{"value": "ada@corp.test"}]));
        let search = json!({"schemas": [SEARCH], "attributes": ["userName"], "filter": "userName pr"});
        let searched = app.scim(Method::POST, "/Users/.search", Some(search)).await.expect(200).json();
        assert_eq!(names(&searched["Resources"][0]), only);
        for both in [path.as_str(), "/Users"] {
            let both = format!("{both}?attributes=userName&excludedAttributes=emails");
            app.scim(Method::GET, &both, None).await.expect_scim_error(400);
        }
    }

    /// Each of 250 is on one page, however they are sorted, also by what all have alike.
    async fn case_13_pages_are_stable(app: TestApp) {
        let numbers: Vec<usize> = (0..250).collect();
        for some in numbers.chunks(10) {
            let create = |number: &usize| {
                let body = json!({"schemas": [USER], "userName": format!("u{number:03}"), "title": "The same"});
                app.scim(Method::POST, "/Users", Some(body))
            };
            for reply in join_all(some.iter().map(create)).await {
                reply.expect(201);
            }
        }
        let expected: Vec<String> = numbers.iter().map(|number| format!("u{number:03}")).collect();
        let name = |user: &Value| user["userName"].as_str().unwrap_or_default().to_owned();
        for (query, in_order) in [
            ("", false),
            ("&sortBy=title", false),
            ("&sortBy=nickName&sortOrder=descending", false),
            ("&filter=userName%20sw%20%22u%22", false),
            ("&sortBy=userName", true),
            ("&sortBy=USERNAME&sortOrder=ascending", true),
        ] {
            let mut seen: Vec<String> = walk(&app, query, 60).await.iter().map(name).collect();
            if !in_order {
                seen.sort_unstable();
            }
            assert_eq!(seen, expected, "{query:?}");
        }
        let mut backwards: Vec<String> =
            walk(&app, "&sortBy=userName&sortOrder=descending", 70).await.iter().map(name).collect();
        backwards.reverse();
        assert_eq!(backwards, expected);
    }

    async fn case_14_odd_windows_are_put_right(app: TestApp) {
        three(&app).await;
        for (query, start, shown) in [
            ("startIndex=0", 1, 3),
            ("startIndex=-1", 1, 3),
            ("startIndex=-9223372036854775808", 1, 3),
            ("startIndex=3", 3, 1),
            ("startIndex=4", 4, 0),
            ("startIndex=9223372036854775807", i64::MAX, 0),
            ("count=0", 1, 0),
            ("count=-1", 1, 0),
            ("count=1000000000", 1, 3),
            ("count=2&startIndex=2", 2, 2),
        ] {
            for more in ["", "&sortBy=userName", "&filter=userName%20pr"] {
                let list = app.scim(Method::GET, &format!("/Users?{query}{more}"), None).await.expect(200).json();
                let counted = (&list["totalResults"], &list["startIndex"], &list["itemsPerPage"]);
                assert_eq!(counted, (&json!(3), &json!(start), &json!(shown)), "{query}{more}");
                assert_eq!(list["Resources"].as_array().map(Vec::len), Some(shown), "{query}{more}");
            }
        }
        for wrong in ["count=many", "startIndex=1.5", "count=99999999999999999999", "startIndex="] {
            app.scim(Method::GET, &format!("/Users?{wrong}"), None).await.expect_scim_error(400);
        }
    }

    async fn case_16_a_version_is_matched(app: TestApp) {
        let person = app.provision("ada").await;
        let group = app.scim_create("/Groups", json!({"schemas": [GROUP], "displayName": "Staff"})).await;
        let rename = |name: &str| json!([{"op": "replace", "value": {"displayName": name}}]);
        for (path, whole) in [
            (format!("/Users/{}", person.id), okta_user(&person.email)),
            (format!("/Groups/{}", id_of(&group)), json!({"schemas": [GROUP], "displayName": "Put"})),
        ] {
            let read = app.scim(Method::GET, &path, None).await.expect(200);
            let stale = read.header("etag").expect("a version").to_owned();
            let changed =
                app.scim_with(("if-match", &stale), Method::PATCH, &path, Some(patch_op(rename("Two")))).await;
            let current = changed.expect(200).header("etag").expect("a version").to_owned();
            assert_ne!(current, stale, "{path}");
            for (method, body) in
                [(Method::PATCH, Some(patch_op(rename("Three")))), (Method::PUT, Some(whole)), (Method::DELETE, None)]
            {
                app.scim_with(("if-match", &stale), method.clone(), &path, body.clone()).await.expect_scim_error(412);
                app.scim_with(("if-match", "rubbish"), method, &path, body).await.expect_scim_error(400);
            }
            let now = app.scim(Method::GET, &path, None).await.expect(200);
            assert_eq!((now.header("etag"), &now.json()["displayName"]), (Some(current.as_str()), &json!("Two")));
            app.scim_with(("if-match", "*"), Method::PATCH, &path, Some(patch_op(rename("Four")))).await.expect(200);
        }
    }

    /// Whatever of a user is shown, the version is the one that a change has to name.
    async fn case_16_a_version_does_not_depend_on_what_is_shown(app: TestApp) {
        let person = app.provision("ada").await;
        app.group("Staff", &[&person]).await;
        let path = format!("/Users/{}", person.id);
        let whole = app.scim(Method::GET, &path, None).await.expect(200).header("etag").expect("a version").to_owned();
        for query in ["attributes=userName", "excludedAttributes=groups"] {
            let some = app.scim(Method::GET, &format!("{path}?{query}"), None).await.expect(200);
            assert_eq!(some.header("etag"), Some(whole.as_str()), "{query}");
        }
        let listed = app.scim(Method::GET, "/Users?excludedAttributes=groups", None).await.expect(200).json();
        let users = listed["Resources"].as_array().expect("a list");
        let ada = users.iter().find(|user| user["id"] == person.id.as_str()).expect("listed");
        assert_eq!((&ada["meta"]["version"], ada.get("groups")), (&json!(whole), None));
        let title = patch_op(json!([{"op": "replace", "path": "title", "value": "x"}]));
        app.scim_with(("if-match", &whole), Method::PATCH, &path, Some(title)).await.expect(200);
    }

    async fn case_16_what_is_known_already_is_not_sent_again(app: TestApp) {
        let person = app.provision("ada").await;
        let group = app.scim_create("/Groups", json!({"schemas": [GROUP], "displayName": "Staff"})).await;
        for path in [format!("/Users/{}", person.id), format!("/Groups/{}", id_of(&group))] {
            let etag =
                app.scim(Method::GET, &path, None).await.expect(200).header("etag").expect("a version").to_owned();
            for known in
                [etag.clone(), etag.trim_start_matches("W/").to_owned(), format!("\"x\", {etag}"), "*".to_owned()]
            {
                let unchanged = app.scim_with(("if-none-match", &known), Method::GET, &path, None).await.expect(304);
                assert_eq!((unchanged.text.as_str(), unchanged.header("etag")), ("", Some(etag.as_str())), "{path}");
            }
            app.scim_with(("if-none-match", "W/\"999\""), Method::GET, &path, None).await.expect(200);
        }
    }

    /// Also if it is the database that refuses the second operation, when the first has already ended the sessions.
    async fn case_17_a_failed_patch_leaves_nothing_behind(app: TestApp) {
        let taken = app.provision("taken").await;
        let ada = app.provision("ada").await;
        let (watch, path) = (Watch::over(&app, &ada).await, format!("/Users/{}", ada.id));
        let before = app.scim_read(&path).await;
        let off = json!({"op": "replace", "path": "active", "value": false});
        for (second, status) in [
            (json!({"op": "remove"}), 400),
            (json!({"op": "replace", "path": "id", "value": "x"}), 400),
            (json!({"op": "replace", "path": "emails[type co \"x\"].value", "value": "x@corp.test"}), 400),
            (json!({"op": "replace", "path": "userName", "value": taken.email.to_uppercase()}), 409),
            (json!({"op": "replace", "path": "password", "value": "short"}), 400),
        ] {
            app.scim_patch(&ada.id, json!([off, second])).await.expect_scim_error(status);
            watch.untouched(&second.to_string()).await;
            assert_eq!(app.scim_read(&path).await, before, "{second}");
        }
        let mut put = okta_user(&taken.email);
        put["active"] = false.into();
        app.scim(Method::PUT, &path, Some(put)).await.expect_scim_error(409);
        watch.untouched("a PUT with a taken name").await;
        assert_eq!(app.scim_read(&path).await, before);
    }

    async fn case_20_what_is_the_servers_is_refused_in_a_patch_and_ignored_in_a_put(app: TestApp) {
        let ada = app.provision("ada").await;
        let group = app.scim_create("/Groups", json!({"schemas": [GROUP], "displayName": "Staff"})).await;
        let path = format!("/Users/{}", ada.id);
        for attribute in ["id", "meta", "groups", "meta.created"] {
            let operations = json!([{"op": "replace", "path": attribute, "value": "x"}]);
            let error = app.scim_patch(&ada.id, operations).await.expect_scim_error(400);
            assert_eq!(error["scimType"], "mutability", "{attribute}");
        }
        let mut put = okta_user(&ada.email);
        put["id"] = group["id"].clone();
        put["meta"] = json!({"created": "1999-01-01T00:00:00Z", "resourceType": "Group", "version": "W/\"77\""});
        put["groups"] = json!([{"value": group["id"]}]);
        let before = app.scim_read(&path).await;
        let after = app.scim(Method::PUT, &path, Some(put)).await.expect(200).json();
        assert_eq!((&after["id"], &after["meta"]["created"]), (&before["id"], &before["meta"]["created"]));
        assert!(after.get("groups").is_none() && after["meta"]["resourceType"] == "User", "{after}");
    }
}
