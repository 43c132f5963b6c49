//! Groups that let people in: whoever leaves the last of them is out within the same answer, by whichever form; nobody else
//! is, and nobody comes in without one.

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::groups::members;
use crate::support::{PASSWORD, Person, Reply, TestApp, send};

/// A group with a leaver and somebody who stays, and a session of each.
struct Scene {
    group: String,
    leaver: Person,
    sessions: Vec<String>,
    stays: Person,
    bystander: String,
}

async fn scene(app: &TestApp, name: &str) -> Scene {
    let (leaver, stays) =
        (app.provision(&format!("{name}-leaver")).await, app.provision(&format!("{name}-stays")).await);
    let group = app.group(name, &[&leaver, &stays]).await;
    let owner = app.owner_token().await;
    let policy = app.get(&owner, "/api/v1/security/policy").await.expect(200).json();
    let mut groups: Vec<Value> = policy["access_groups"].as_array().cloned().expect("a list");
    groups.push(group.clone().into());
    app.set_policy(&owner, json!({"access_groups": groups})).await.expect(200);
    let sessions = vec![app.sign_in(&leaver.email).await, app.sign_in(&leaver.email).await];
    let bystander = app.sign_in(&stays.email).await;
    Scene { group, leaver, sessions, stays, bystander }
}

/// Every form in which somebody is taken out of a group.
fn ways(scene: &Scene) -> Vec<(&'static str, Method, Value)> {
    let id = &scene.leaver.id;
    let patch = |operations: Value| json!({"Operations": operations});
    let filter = format!("members[value eq \"{id}\"]");
    let rest = members(&[&scene.stays]);
    vec![
        ("case 23: filter", Method::PATCH, patch(json!([{"op": "remove", "path": filter}]))),
        (
            "case 45: values",
            Method::PATCH,
            patch(json!([{"op": "Remove", "path": "members", "value": [{"$ref": null, "value": id}]}])),
        ),
        ("case 35: full list", Method::PATCH, patch(json!([{"op": "replace", "path": "members", "value": rest}]))),
        ("pathless list", Method::PATCH, patch(json!([{"op": "replace", "value": {"members": rest}}]))),
        (
            "whole filter",
            Method::PATCH,
            patch(json!([{"op": "remove", "path": format!("members[value eq \"{id}\" and value pr]")}])),
        ),
        (
            "case 25: put",
            Method::PUT,
            json!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": "Put", "members": rest}),
        ),
    ]
}

async fn go(app: &TestApp, scene: &Scene, number: usize) -> (&'static str, Reply) {
    let (name, method, body) = ways(scene).swap_remove(number);
    (name, app.scim(method, &format!("/Groups/{}", scene.group), Some(body)).await)
}

on_both_databases! {
    /// Cases 23, 25, 35, 45: each form ends the leaver's sessions within its answer, and nobody else's; one entry says so.
    async fn case_23_25_35_45_leaving_the_last_group_signs_out(app: TestApp) {
        for number in 0..6 {
            let scene = scene(&app, &format!("way-{number}")).await;
            let (name, reply) = go(&app, &scene, number).await;
            assert_eq!(app.live(&scene.sessions).await, 0, "{name}: sessions live after {} {}", reply.status, reply.text);
            reply.expect(200);
            assert!(app.is_live(&scene.bystander).await, "{name}: somebody else's session ended");
            app.try_sign_in("acme", &scene.leaver.email, PASSWORD).await.expect_problem(401, "invalid-credentials");
            assert_eq!(app.told("session.user_logged_out", &scene.leaver.id).await.len(), 1, "{name}");
            assert_eq!(app.told("session.user_logged_out", &scene.stays.id).await.len(), 0, "{name}");
            app.join(&scene.group, &scene.leaver).await;
            assert_eq!(app.live(&scene.sessions).await, 0, "{name}: a session came back");
            app.sign_in(&scene.leaver.email).await;
        }
    }

    /// Case 24: the group is deleted. It doesn't let everybody in by being gone.
    async fn case_24_deleting_the_group_signs_its_members_out(app: TestApp) {
        let scene = scene(&app, "gone").await;
        app.scim(Method::DELETE, &format!("/Groups/{}", scene.group), None).await.expect(204);
        assert_eq!(app.live(&scene.sessions).await, 0);
        assert!(!app.is_live(&scene.bystander).await);
        for person in [&scene.leaver, &scene.stays] {
            app.try_sign_in("acme", &person.email, PASSWORD).await.expect_problem(401, "invalid-credentials");
            assert_eq!(app.told("session.user_logged_out", &person.id).await.len(), 1);
        }
        let owner = app.owner_token().await;
        app.set_policy(&owner, json!({"idle_timeout_seconds": 3_600})).await.expect(200);
        app.set_policy(&owner, json!({"access_groups": []})).await.expect(200);
        app.sign_in(&scene.leaver.email).await;
    }

    /// Case 24 for many: one transaction, one revocation, and the log says who they were.
    async fn case_24_deleting_a_large_group(app: TestApp) {
        let people = join_all((0..25).map(|number| {
            let name = format!("many-{number}");
            let app = &app;
            async move { app.provision(&name).await }
        }))
        .await;
        let everybody: Vec<&Person> = people.iter().collect();
        let (all, kept) = (app.group("All", &everybody).await, app.group("Kept", &everybody[..2]).await);
        app.let_in(&[&all, &kept]).await;
        let mut sessions = Vec::new();
        for person in &people {
            sessions.push(app.sign_in(&person.email).await);
        }
        app.scim(Method::DELETE, &format!("/Groups/{all}"), None).await.expect(204);
        assert_eq!(app.live(&sessions[..2]).await, 2, "somebody in another granting group is out");
        assert_eq!(app.live(&sessions[2..]).await, 0);
        let owner = app.owner_token().await;
        let told = app.all_items(&owner, "/api/v1/audit?action=session.users_logged_out").await;
        assert_eq!((told.len(), &told[0]["details"]["sessions"]), (1, &json!(23)), "{told:?}");
        let who = app.all_items(&owner, "/api/v1/audit?action=user.group_access_lost").await;
        assert_eq!(who[0]["details"]["users"].as_array().map(Vec::len), Some(23), "{who:?}");
    }

    /// Somebody in another granting group keeps access; taken out and put back in one request, too (case 34).
    async fn case_34_another_group_keeps_access(app: TestApp) {
        let scene = scene(&app, "first").await;
        let second = app.group("Second", &[&scene.leaver]).await;
        app.let_in(&[&scene.group, &second]).await;
        app.leave(&scene.group, &scene.leaver).await.expect(200);
        assert_eq!(app.live(&scene.sessions).await, 2, "still in another granting group");
        let path = format!("members[value eq \"{}\"]", scene.leaver.id);
        let both = json!([
            {"op": "remove", "path": path},
            {"op": "add", "path": "members", "value": [{"value": scene.leaver.id, "display": "Leaver"}]},
        ]);
        app.patch_group(&second, both).await.expect(200);
        assert_eq!(app.live(&scene.sessions).await, 2, "taken out and put back");
        app.leave(&second, &scene.leaver).await.expect(200);
        assert_eq!(app.live(&scene.sessions).await, 0);
    }

    /// The policy names the groups: who is in none is out with its change. Owners and people of other sources are not.
    async fn a_change_of_the_policy_signs_out(app: TestApp) {
        let (inside, outside) = (app.provision("inside").await, app.provision("outside").await);
        let group = app.group("Staff", &[&inside]).await;
        let owner = app.owner_token().await;
        let invited = app.post(&owner, "/api/v1/users", json!({"email": "local@corp.test"})).await.expect(201).json();
        let tokens = [app.sign_in(&inside.email).await, app.sign_in(&outside.email).await];
        app.set_policy(&owner, json!({"access_groups": [group]})).await.expect(200);
        assert!(app.is_live(&tokens[0]).await && app.is_live(&owner).await);
        assert!(!app.is_live(&tokens[1]).await);
        app.try_sign_in("acme", &outside.email, PASSWORD).await.expect_problem(401, "invalid-credentials");
        assert_eq!(app.told("session.user_logged_out", &outside.id).await.len(), 1);
        let link = invited["setup_link"].as_str().expect("a link").to_owned();
        let path = link.strip_prefix(&app.base).expect("a link of ours").to_owned();
        assert_eq!(send(app.request(Method::GET, &path)).await.status, 200, "people of other sources need no group");
        app.set_policy(&owner, json!({"access_groups": []})).await.expect(200);
        assert!(!app.is_live(&tokens[1]).await, "a session came back");
        app.sign_in(&outside.email).await;
    }

    /// An administrator can't shut themselves out, nonsense is named, and a new person waits for a group.
    async fn settings_are_judged(app: TestApp) {
        let admin = app.provision_admin("admin").await;
        let group = app.group("Staff", &[]).await;
        let token = app.sign_in(&admin.email).await;
        let problem = app.set_policy(&token, json!({"access_groups": [group]})).await;
        assert_eq!(problem.expect_problem(409, "would-lock-out-caller")["field"], "access_groups");
        assert!(app.is_live(&token).await);
        app.set_policy(&token, json!({"access_groups": ["nobody-knows"]})).await.expect_field("access_groups");
        app.set_policy(&token, json!({"deprovision_hold_count": -1})).await.expect_field("deprovision_hold_count");
        app.set_policy(&token, json!({"deprovision_hold_percent": 101})).await.expect_field("deprovision_hold_percent");
        app.join(&group, &admin).await;
        app.set_policy(&token, json!({"access_groups": [group]})).await.expect(200);
        let newcomer = app.provision("newcomer").await;
        app.try_sign_in("acme", &newcomer.email, PASSWORD).await.expect_problem(401, "invalid-credentials");
        app.join(&group, &newcomer).await;
        app.sign_in(&newcomer.email).await;
    }

    /// A person who becomes an owner needs no group; who ceases to be one does.
    async fn owners_need_no_group(app: TestApp) {
        let scene = scene(&app, "owners").await;
        let owner = app.owner_token().await;
        let path = format!("/api/v1/users/{}", scene.leaver.id);
        app.patch(&owner, &path, json!({"role": "owner"})).await.expect(200);
        app.leave(&scene.group, &scene.leaver).await.expect(200);
        assert_eq!(app.live(&scene.sessions).await, 2);
        app.patch(&owner, &path, json!({"role": "member"})).await.expect(200);
        assert_eq!(app.live(&scene.sessions).await, 0);
        app.try_sign_in("acme", &scene.leaver.email, PASSWORD).await.expect_problem(401, "invalid-credentials");
    }

    /// A refused change ends nothing (case 17).
    async fn case_17_a_failed_change_ends_nothing(app: TestApp) {
        let scene = scene(&app, "refused").await;
        let path = format!("members[value eq \"{}\"]", scene.leaver.id);
        let operations = json!([{"op": "remove", "path": path}, {"op": "add", "path": "members", "value": [{"value": "01890000-0000-7000-8000-00000000000a"}]}]);
        app.patch_group(&scene.group, operations).await.expect_scim_error(400);
        assert_eq!(app.live(&scene.sessions).await, 2);
    }

    /// Case 69: they are taken out while they sign in. No session lives after the answer.
    async fn case_69_removal_wins_against_a_sign_in(app: TestApp) {
        for round in 0..6 {
            let scene = scene(&app, &format!("race-{round}")).await;
            let sign_ins = join_all((0..6).map(|_| app.try_sign_in("acme", &scene.leaver.email, PASSWORD)));
            let (replies, left) = tokio::join!(sign_ins, app.leave(&scene.group, &scene.leaver));
            left.expect(200);
            for reply in replies.into_iter().filter(|reply| reply.status == 200) {
                let token = reply.json()["token"].as_str().expect("a token").to_owned();
                assert!(!app.is_live(&token).await, "round {round}: somebody without a group is signed in");
            }
        }
    }

    /// Taken out of both of their groups at the same moment: neither change may take the other's group for granted.
    async fn leaving_two_groups_at_once(app: TestApp) {
        for round in 0..6 {
            let person = app.provision(&format!("both-{round}")).await;
            let (left, right) =
                (app.group(&format!("Left {round}"), &[&person]).await, app.group(&format!("Right {round}"), &[&person]).await);
            app.let_in(&[&left, &right]).await;
            let token = app.sign_in(&person.email).await;
            let (one, two) = tokio::join!(app.leave(&left, &person), app.leave(&right, &person));
            one.expect(200);
            two.expect(200);
            assert!(!app.is_live(&token).await, "round {round}: a session lives in no group");
            app.try_sign_in("acme", &person.email, PASSWORD).await.expect_problem(401, "invalid-credentials");
        }
    }

    /// The policy names the group at the moment in which somebody leaves it.
    async fn leaving_while_the_policy_changes(app: TestApp) {
        for round in 0..6 {
            let person = app.provision(&format!("while-{round}")).await;
            let group = app.group(&format!("While {round}"), &[&person]).await;
            let owner = app.owner_token().await;
            app.set_policy(&owner, json!({"access_groups": []})).await.expect(200);
            let token = app.sign_in(&person.email).await;
            let (left, saved) = tokio::join!(
                app.leave(&group, &person),
                app.set_policy(&owner, json!({"access_groups": [group]})),
            );
            left.expect(200);
            saved.expect(200);
            assert!(!app.is_live(&token).await, "round {round}: a session lives in no group");
        }
    }
}
