//! Cases 63 and 64: a workspace's things are to another's token what never existed. Every endpoint is asked for both; the
//! answers have to be the same, but for the ids themselves.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::deprovisioning::Watch;
use crate::support::people::{okta_user, patch_op};
use crate::support::scim::{ENTERPRISE, GROUP, SEARCH, escaped, id_of};
use crate::support::{Reply, TestApp, send};

/// What `globex` knows of somebody else's things, or has made up.
struct Names {
    user: String,
    group: String,
    user_name: String,
    external: String,
    etag: String,
}

/// What `globex` has itself, made anew for each round.
struct Own {
    user: String,
    group: String,
}

struct Question {
    what: String,
    method: Method,
    path: String,
    header: Option<(&'static str, String)>,
    body: Option<Value>,
}

fn ask(method: Method, path: String, body: Option<Value>) -> Question {
    Question { what: format!("{method} {path}"), method, path, header: None, body }
}

/// The resources themselves, by each method, with each of the two ids at each of the two endpoints.
fn about_resources(names: &Names) -> Vec<Question> {
    let off = patch_op(json!([{"op": "replace", "path": "active", "value": false}]));
    let empty = patch_op(json!([{"op": "remove", "path": "members"}]));
    let group = json!({"schemas": [GROUP], "displayName": "Taken over", "members": []});
    let mut questions = Vec::new();
    for id in [&names.user, &names.group] {
        for (endpoint, patch, put) in
            [("Users", &off, okta_user("taken@globex.test")), ("Groups", &empty, group.clone())]
        {
            let path = format!("/{endpoint}/{id}");
            for (method, body) in [
                (Method::GET, None),
                (Method::PATCH, Some(patch.clone())),
                (Method::PUT, Some(put)),
                (Method::DELETE, None),
            ] {
                questions.push(ask(method.clone(), path.clone(), body.clone()));
                for name in ["if-match", "if-none-match"] {
                    let question = ask(method.clone(), path.clone(), body.clone());
                    questions.push(Question { header: Some((name, names.etag.clone())), ..question });
                }
            }
            questions.push(ask(Method::GET, format!("{path}?attributes=id"), None));
        }
    }
    questions
}

/// Filters, in the address and in a body.
fn about_filters(names: &Names) -> Vec<Question> {
    let Names { user, group, user_name, external, .. } = names;
    let filters = [
        ("/Users", format!("id eq \"{user}\"")),
        ("/Users", format!("id eq \"{group}\"")),
        ("/Users", format!("userName eq \"{user_name}\"")),
        ("/Users", format!("emails[type eq \"work\"].value eq \"{user_name}\"")),
        ("/Users", format!("emails.value eq \"{user_name}\"")),
        ("/Users", format!("externalId eq \"{external}\"")),
        ("/Users", format!("groups.value eq \"{group}\"")),
        ("/Users", format!("{ENTERPRISE}:manager.value eq \"{user}\"")),
        ("/Users", format!("id pr and (id eq \"{user}\" or userName sw \"{user_name}\")")),
        ("/Groups", format!("id eq \"{group}\"")),
        ("/Groups", format!("members eq \"{user}\"")),
        ("/Groups", format!("members.value eq \"{user}\" or externalId eq \"{external}\"")),
        ("/Groups", format!("id eq \"{group}\" and members eq \"{user}\"")),
        ("/Groups", format!("displayName eq \"Staff {group}\"")),
    ];
    let mut questions = Vec::new();
    for (endpoint, filter) in filters {
        questions.push(ask(Method::GET, format!("{endpoint}?filter={}", escaped(&filter)), None));
        let search = json!({"schemas": [SEARCH], "filter": filter});
        questions.push(ask(Method::POST, format!("{endpoint}/.search"), Some(search.clone())));
        questions.push(ask(Method::POST, "/.search".into(), Some(search)));
    }
    questions
}

/// Values inside what is `globex`'s own.
fn about_values(names: &Names, own: &Own) -> Vec<Question> {
    let Names { user, group, .. } = names;
    let member = json!([{"value": user}]);
    let path = format!("/Groups/{}", own.group);
    let mut managed = okta_user(&format!("managed-by-{user}@globex.test"));
    managed[ENTERPRISE] = json!({"manager": {"value": user}});
    managed["externalId"] = user.clone().into();
    let mut questions = vec![
        ask(Method::POST, "/Users".into(), Some(managed)),
        ask(
            Method::PATCH,
            format!("/Users/{}", own.user),
            Some(patch_op(json!([{"op": "add", "path": format!("{ENTERPRISE}:manager"), "value": user}]))),
        ),
        ask(Method::PUT, path.clone(), Some(json!({"schemas": [GROUP], "displayName": "Own", "members": member}))),
        ask(
            Method::POST,
            "/Groups".into(),
            Some(json!({"schemas": [GROUP], "displayName": "With a stranger", "members": member})),
        ),
        ask(
            Method::POST,
            "/Groups".into(),
            Some(
                json!({"schemas": [GROUP], "displayName": "With a group", "members": [{"value": group, "type": "Group"}]}),
            ),
        ),
    ];
    for operation in [
        json!({"op": "add", "path": "members", "value": member}),
        json!({"op": "add", "value": {"members": member}}),
        json!({"op": "replace", "path": "members", "value": member}),
        json!({"op": "remove", "path": "members", "value": member}),
        json!({"op": "remove", "path": format!("members[value eq \"{user}\"]")}),
        json!({"op": "replace", "path": format!("members[value eq \"{user}\"].type"), "value": "User"}),
    ] {
        questions.push(ask(Method::PATCH, path.clone(), Some(patch_op(json!([operation])))));
    }
    questions
}

/// Several at once, where that is supported.
fn about_bulk(names: &Names, own: &Own) -> Vec<Question> {
    let off = patch_op(json!([{"op": "replace", "path": "active", "value": false}]));
    let add = patch_op(json!([{"op": "add", "path": "members", "value": [{"value": names.user}]}]));
    let operations = json!([
        {"method": "PATCH", "path": format!("/Users/{}", names.user), "data": off},
        {"method": "PATCH", "path": format!("/Users/{}", names.user), "version": names.etag, "data": off},
        {"method": "DELETE", "path": format!("/Users/{}", names.user)},
        {"method": "DELETE", "path": format!("/Groups/{}", names.group)},
        {"method": "PATCH", "path": format!("/Groups/{}", own.group), "data": add},
    ]);
    let bulk = json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"], "Operations": operations});
    vec![ask(Method::POST, "/Bulk".into(), Some(bulk))]
}

async fn put(app: &TestApp, question: &Question) -> Reply {
    let request = app.request(question.method.clone(), &format!("/scim/v2{}", question.path));
    let mut request = request.bearer_auth(&app.home.other_scim_token);
    if let Some((name, value)) = &question.header {
        request = request.header(*name, value);
    }
    if let Some(body) = &question.body {
        request = request.header("content-type", "application/scim+json").body(body.to_string());
    }
    send(request).await
}

/// Status, body and telling headers, with every id as `{id}`.
async fn round(app: &TestApp, names: &Names) -> Vec<(String, String)> {
    let mut sent = okta_user(&format!("own-{}@globex.test", names.user));
    sent["externalId"] = "own".into();
    let created = app.scim_as(&app.home.other_scim_token, Method::POST, "/Users", Some(sent)).await.expect(201);
    let user = id_of(&created.json());
    let body = json!({"schemas": [GROUP], "displayName": "Own", "members": [{"value": user}]});
    let created = app.scim_as(&app.home.other_scim_token, Method::POST, "/Groups", Some(body)).await.expect(201);
    let own = Own { user, group: id_of(&created.json()) };
    let mut answers = Vec::new();
    let questions = [about_resources(names), about_filters(names), about_values(names, &own), about_bulk(names, &own)];
    for question in questions.into_iter().flatten() {
        let reply = put(app, &question).await;
        let told = ["content-type", "content-length", "etag", "location", "www-authenticate", "retry-after"]
            .map(|name| reply.header(name).unwrap_or_default());
        let answer = format!("{} {told:?} {}", reply.status, reply.text);
        answers.push((without_ids(&question.what), without_hashes(&without_ids(&answer))));
    }
    answers
}

/// A text with every entity tag in it without what stands behind its point: a hash of the ids of groups.
fn without_hashes(text: &str) -> String {
    let mut parts = text.split("W/");
    let mut kept = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let number = part.find(|c: char| !matches!(c, '"' | '\\' | '0'..='9')).unwrap_or(part.len());
        let rest = part[number..]
            .strip_prefix('.')
            .map_or(&part[number..], |hash| hash.trim_start_matches(|c: char| c.is_ascii_hexdigit()));
        kept.push_str("W/");
        kept.push_str(&part[..number]);
        kept.push_str(rest);
    }
    kept
}

/// A text with every UUID in it as `{id}`.
fn without_ids(text: &str) -> String {
    let is_id = |bytes: &[u8]| {
        bytes.iter().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => *byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
    };
    let (bytes, mut kept, mut at) = (text.as_bytes(), Vec::new(), 0);
    while at < bytes.len() {
        if bytes.get(at..at + 36).is_some_and(is_id) {
            kept.extend_from_slice(b"{id}");
            at += 36;
        } else {
            kept.push(bytes[at]);
            at += 1;
        }
    }
    String::from_utf8_lossy(&kept).into_owned()
}

on_both_databases! {
    async fn case_63_and_64_anothers_things_are_as_if_they_never_existed(app: TestApp) {
        let ada = app.provision("ada").await;
        let watch = Watch::over(&app, &ada).await;
        let path = format!("/Users/{}", ada.id);
        let external = "9b2f6a1e-0000-4000-8000-00000000000a";
        app.scim_patch(&ada.id, json!([{"op": "replace", "path": "externalId", "value": external}])).await.expect(200);
        let group = app
            .scim_create(
                "/Groups",
                json!({"schemas": [GROUP], "displayName": "Staff", "externalId": external,
                                                      "members": [{"value": ada.id}]}),
            )
            .await;
        let group_path = format!("/Groups/{}", id_of(&group));
        let (user_before, group_before) = (app.scim_read(&path).await, app.scim_read(&group_path).await);
        let owner = app.owner_token().await;
        let log_before = app.all_items(&owner, "/api/v1/audit").await;
        let theirs = Names {
            user: ada.id.clone(),
            group: id_of(&group),
            user_name: ada.email.clone(),
            external: external.to_owned(),
            etag: user_before["meta"]["version"].as_str().expect("a version").to_owned(),
        };
        let nobodys = Names {
            user: "01890000-0000-7000-8000-00000000000a".to_owned(),
            group: "01890000-0000-7000-8000-00000000000b".to_owned(),
            user_name: "eve@corp.test".to_owned(),
            external: "9b2f6a1e-0000-4000-8000-00000000000b".to_owned(),
            etag: theirs.etag.clone(),
        };
        let (anothers, never) = (round(&app, &theirs).await, round(&app, &nobodys).await);
        assert_eq!(anothers.len(), never.len());
        for ((question, anothers), (_, never)) in anothers.iter().zip(&never) {
            assert_eq!(anothers, never, "{question} tells that it exists elsewhere");
            assert!(!anothers.contains("ada@"), "{question}: {anothers}");
        }
        assert_eq!((app.scim_read(&path).await, app.scim_read(&group_path).await), (user_before, group_before));
        watch.untouched("another workspace's token").await;
        let log = app.all_items(&owner, "/api/v1/audit").await;
        assert_eq!(log.len(), log_before.len(), "another workspace writes into our log: {:?}", log[0]);
    }

    /// A place in one workspace's list is no place in another's.
    async fn case_63_a_cursor_belongs_to_its_workspace(app: TestApp) {
        for name in ["ana", "ben", "cyd"] {
            app.provision(name).await;
        }
        let page = app.scim(Method::GET, "/Users?cursor&count=1", None).await.expect(200).json();
        let Some(cursor) = page["nextCursor"].as_str() else {
            assert_ne!(
                app.scim_read("/ServiceProviderConfig").await["pagination"]["cursor"],
                true,
                "no cursor: {page}"
            );
            return;
        };
        let path = format!("/Users?cursor={}&count=1", escaped(cursor));
        app.scim(Method::GET, &path, None).await.expect(200);
        let error = app.scim_as(&app.home.other_scim_token, Method::GET, &path, None).await.expect_scim_error(400);
        assert_eq!(error["scimType"], "invalidCursor", "{error}");
    }
}
