//! The brake on many who lose access at once: it turns away whole requests, says so loudly, and lets go when an administrator
//! approves. What was done stays done.

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::pages::Visitor;
use crate::support::{OWNER, Person, Reply, TestApp};

const HOLD: &str = "/api/v1/scim/hold";
const HELD: &str = "Deprovisioning is held";

async fn people(app: &TestApp, count: usize) -> Vec<Person> {
    let mut people = Vec::new();
    for number in 0..count {
        people.push(app.provision(&format!("person-{number}")).await);
    }
    // Newcomers don't count.
    app.advance(25 * 60 * 60);
    people
}

async fn limit(app: &TestApp, count: i64, percent: i64) -> String {
    let owner = app.owner_token().await;
    let limits = json!({"deprovision_hold_count": count, "deprovision_hold_percent": percent});
    app.set_policy(&owner, limits).await.expect(200);
    owner
}

async fn standing(app: &TestApp, token: &str) -> Value {
    app.get(token, HOLD).await.expect(200).json()
}

#[track_caller]
fn is_held(reply: Reply) {
    assert!(reply.header("retry-after").is_some(), "429 without Retry-After");
    let error = reply.expect_scim_error(429);
    assert!(error["detail"].as_str().is_some_and(|detail| detail.contains("administrator")), "{error}");
}

on_both_databases! {
    /// Past the limit deprovisioning waits; everything else goes on; approval lets it through.
    async fn past_the_limit_it_waits_for_approval(app: TestApp) {
        let people = people(&app, 5).await;
        let owner = limit(&app, 2, 0).await;
        let session = app.sign_in(&people[2].email).await;
        for person in &people[..2] {
            app.set_active(&person.id, false).await.expect(200);
        }
        assert_eq!(standing(&app, &owner).await["held"], false);
        is_held(app.set_active(&people[2].id, false).await);
        is_held(app.scim(Method::DELETE, &format!("/Users/{}", people[3].id), None).await);
        assert!(app.is_live(&session).await, "a held request ended a session");
        let held = standing(&app, &owner).await;
        assert_eq!((&held["held"], &held["held_requests"], &held["limit"]), (&json!(true), &json!(2), &json!(2)));
        // Nothing that was done is undone, and everything else goes on.
        let read = app.scim(Method::GET, &format!("/Users/{}", people[0].id), None).await.expect(200).json();
        assert_eq!(read["active"], false);
        app.set_active(&people[0].id, true).await.expect(200);
        app.provision("newcomer").await;
        app.scim_patch(&people[2].id, json!([{"op": "replace", "path": "title", "value": "x"}])).await.expect(200);
        // It waits for a person, not for time to pass.
        app.advance(11 * 60);
        is_held(app.set_active(&people[2].id, false).await);
        let owner = app.owner_token().await;
        let approved = app.post(&owner, "/api/v1/scim/hold/approve", json!({})).await.expect(200).json();
        assert_eq!((&approved["held"], approved["approved_until"].is_string()), (&json!(false), true));
        for person in &people[2..] {
            app.set_active(&person.id, false).await.expect(200);
        }
        assert!(!app.is_live(&session).await);
        let began = app.all_items(&owner, "/api/v1/audit?action=scim.hold_began").await;
        let let_go = app.all_items(&owner, "/api/v1/audit?action=scim.hold_approved").await;
        assert_eq!((began.len(), let_go.len()), (1, 1), "told once, whatever comes while it lasts");
        assert_eq!((&began[0]["actor"]["kind"], &let_go[0]["actor"]["kind"]), (&json!("scim_token"), &json!("user")));
        assert_eq!(let_go[0]["details"]["held_requests"], 3);
    }

    /// An approval can be for so many users, and holds for an hour.
    async fn an_approval_is_bounded(app: TestApp) {
        let people = people(&app, 6).await;
        let owner = limit(&app, 1, 0).await;
        app.set_active(&people[0].id, false).await.expect(200);
        is_held(app.set_active(&people[1].id, false).await);
        app.post(&owner, "/api/v1/scim/hold/approve", json!({"users": 0})).await.expect_field("users");
        let approved = app.post(&owner, "/api/v1/scim/hold/approve", json!({"users": 2})).await.expect(200).json();
        assert_eq!(approved["approved_users_left"], 2);
        app.set_active(&people[1].id, false).await.expect(200);
        app.set_active(&people[2].id, false).await.expect(200);
        is_held(app.set_active(&people[3].id, false).await);
        app.post(&owner, "/api/v1/scim/hold/approve", json!({})).await.expect(200);
        app.advance(61 * 60);
        app.set_active(&people[3].id, false).await.expect(200);
        is_held(app.set_active(&people[4].id, false).await);
        let stale = app.post(&owner, "/api/v1/scim/hold/approve", json!({})).await;
        stale.expect_problem(403, "reauthentication-required");
    }

    /// A member can neither see nor approve it.
    async fn members_have_no_say(app: TestApp) {
        let person = app.provision("member").await;
        let token = app.sign_in(&person.email).await;
        app.get(&token, HOLD).await.expect_problem(403, "forbidden");
        app.post(&token, "/api/v1/scim/hold/approve", json!({})).await.expect_problem(403, "forbidden");
    }

    /// Users are counted within ten minutes, and once each; who has no access to lose isn't counted.
    async fn only_losses_within_ten_minutes_count(app: TestApp) {
        let people = people(&app, 6).await;
        limit(&app, 2, 0).await;
        app.set_active(&people[0].id, false).await.expect(200);
        app.set_active(&people[0].id, false).await.expect(200);
        app.scim(Method::DELETE, &format!("/Users/{}", people[0].id), None).await.expect(204);
        app.set_active(&people[1].id, false).await.expect(200);
        app.advance(10 * 60 + 1);
        app.set_active(&people[2].id, false).await.expect(200);
        app.set_active(&people[3].id, false).await.expect(200);
        is_held(app.set_active(&people[4].id, false).await);
    }

    /// The larger of number and share counts; two zeros hold nothing; suspending by an administrator is never held.
    async fn limits_and_what_they_are_not_for(app: TestApp) {
        let people = people(&app, 10).await;
        let owner = limit(&app, 0, 20).await;
        app.set_active(&people[0].id, false).await.expect(200);
        app.set_active(&people[1].id, false).await.expect(200);
        is_held(app.set_active(&people[2].id, false).await);
        let path = format!("/api/v1/users/{}", people[2].id);
        app.patch(&owner, &path, json!({"state": "suspended"})).await.expect(200);
        limit(&app, 0, 0).await;
        for person in &people[3..] {
            app.set_active(&person.id, false).await.expect(200);
        }
    }

    /// A request that would lock many out is held as a whole: the group is there, and everybody in it.
    async fn a_large_request_is_held_whole(app: TestApp) {
        let people = people(&app, 4).await;
        let group = app.group("Staff", &people.iter().collect::<Vec<_>>()).await;
        app.let_in(&[&group]).await;
        let owner = limit(&app, 2, 0).await;
        let mut sessions = Vec::new();
        for person in &people {
            sessions.push(app.sign_in(&person.email).await);
        }
        let path = format!("/Groups/{group}");
        is_held(app.scim(Method::DELETE, &path, None).await);
        is_held(app.patch_group(&group, json!([{"op": "remove", "path": "members"}])).await);
        let read = app.scim(Method::GET, &path, None).await.expect(200).json();
        assert_eq!(read["members"].as_array().map(Vec::len), Some(4));
        assert_eq!(app.live(&sessions).await, 4);
        let approve = json!({"users": 3});
        app.post(&owner, "/api/v1/scim/hold/approve", approve).await.expect(200);
        is_held(app.scim(Method::DELETE, &path, None).await);
        app.post(&owner, "/api/v1/scim/hold/approve", json!({"users": 4})).await.expect(200);
        app.scim(Method::DELETE, &path, None).await.expect(204);
        assert_eq!(app.live(&sessions).await, 0);
    }

    /// Counting and deciding are one: of many at the same moment only so many pass.
    async fn of_many_at_once_only_so_many_pass(app: TestApp) {
        let people = people(&app, 9).await;
        let owner = limit(&app, 3, 0).await;
        let replies = join_all(people.iter().map(|person| app.set_active(&person.id, false))).await;
        let passed = replies.iter().filter(|reply| reply.status == 200).count();
        assert_eq!(passed, 3, "{:?}", replies.iter().map(|reply| reply.status).collect::<Vec<_>>());
        assert!(replies.iter().all(|reply| [200, 429].contains(&reply.status)));
        let held = standing(&app, &owner).await;
        assert_eq!((&held["held_requests"], &held["recent_users"]), (&json!(6), &json!(3)));
    }

    /// Another workspace's brake is another one.
    async fn workspaces_are_held_apart(app: TestApp) {
        let people = people(&app, 2).await;
        limit(&app, 1, 0).await;
        app.set_active(&people[0].id, false).await.expect(200);
        is_held(app.set_active(&people[1].id, false).await);
        let other = app.home.other_scim_token.clone();
        let body = crate::support::people::okta_user("theirs@globex.test");
        let theirs = app.scim_as(&other, Method::POST, "/Users", Some(body)).await.expect(201).json();
        let path = format!("/Users/{}", theirs["id"].as_str().expect("an id"));
        app.scim_as(&other, Method::DELETE, &path, None).await.expect(204);
    }

    /// Administrators see it where they come first, and approve it there.
    async fn the_console_says_so(app: TestApp) {
        let people = people(&app, 2).await;
        limit(&app, 1, 0).await;
        let owner = Visitor::signed_in(&app, OWNER).await;
        assert!(!owner.visit("/console").await.reply.text.contains(HELD));
        app.set_active(&people[0].id, false).await.expect(200);
        is_held(app.set_active(&people[1].id, false).await);
        owner.visit("/console").await.says(HELD);
        owner.visit("/console/scim").await.says(HELD);
        let form = owner.visit("/console/scim/hold/approve").await.form("/console/scim/hold/approve");
        owner.submit(&form).await.says("Approved for an hour");
        assert!(!owner.visit("/console").await.reply.text.contains(HELD));
        app.set_active(&people[1].id, false).await.expect(200);
    }
}
