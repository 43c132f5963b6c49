//! Roles that groups give: by an owner's word only, at once, and never that of an owner.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Person, TestApp};

const PATH: &str = "/api/v1/scim/group-roles";

async fn role(app: &TestApp, person: &Person) -> String {
    let owner = app.owner_token().await;
    let user = app.get(&owner, &format!("/api/v1/users/{}", person.id)).await.expect(200).json();
    user["role"].as_str().expect("a role").to_owned()
}

async fn map(app: &TestApp, pairs: &[(&str, &str)]) {
    let owner = app.owner_token().await;
    let given: Vec<Value> = pairs.iter().map(|(group, role)| json!({"group": group, "role": role})).collect();
    let saved = app.put(&owner, PATH, json!({"group_roles": given})).await.expect(200).json();
    assert_eq!(saved["group_roles"].as_array().map(Vec::len), Some(pairs.len()));
    assert_eq!(app.get(&owner, PATH).await.expect(200).json(), saved);
}

on_both_databases! {
    /// Joining gives the role and leaving takes it, for sessions that exist, too; both are told.
    async fn a_role_comes_and_goes_with_the_group(app: TestApp) {
        let (ana, ben) = (app.provision("ana").await, app.provision("ben").await);
        let group = app.group("Administrators", &[&ben]).await;
        assert_eq!(role(&app, &ben).await, "member", "a name gives no rights (SCM-06)");
        map(&app, &[(&group, "admin")]).await;
        assert_eq!(role(&app, &ben).await, "admin", "who is in it already");
        let token = app.sign_in(&ana.email).await;
        app.get(&token, "/api/v1/users").await.expect_problem(403, "forbidden");
        app.join(&group, &ana).await;
        app.get(&token, "/api/v1/users").await.expect(200);
        app.leave(&group, &ana).await.expect(200);
        app.get(&token, "/api/v1/users").await.expect_problem(403, "forbidden");
        assert!(app.is_live(&token).await, "a change of role ends no session");
        let told = app.told("user.updated", &ana.id).await;
        assert_eq!((&told[0]["details"]["role"], &told[1]["details"]["role"]), (&json!("member"), &json!("admin")));
        assert_eq!(told[0]["actor"]["kind"], "scim_token");
        app.scim(Method::DELETE, &format!("/Groups/{group}"), None).await.expect(204);
        assert_eq!(role(&app, &ben).await, "member");
        let owner = app.owner_token().await;
        assert_eq!(app.get(&owner, PATH).await.expect(200).json()["group_roles"], json!([]));
    }

    /// The highest role counts; a mapping that goes takes its roles along.
    async fn the_highest_role_counts(app: TestApp) {
        let ana = app.provision("ana").await;
        let (staff, admins) = (app.group("Staff", &[&ana]).await, app.group("Admins", &[&ana]).await);
        map(&app, &[(&staff, "member"), (&admins, "admin")]).await;
        assert_eq!(role(&app, &ana).await, "admin");
        app.leave(&staff, &ana).await.expect(200);
        assert_eq!(role(&app, &ana).await, "admin");
        map(&app, &[(&staff, "member")]).await;
        assert_eq!(role(&app, &ana).await, "member");
        let many: Vec<Person> = {
            let mut many = Vec::new();
            for number in 0..22 {
                many.push(app.provision(&format!("many-{number}")).await);
            }
            many
        };
        let large = app.group("Large", &many.iter().collect::<Vec<_>>()).await;
        map(&app, &[(&large, "admin")]).await;
        assert_eq!(role(&app, &many[0]).await, "admin");
        assert_eq!(role(&app, &many[21]).await, "admin");
    }

    /// Owners stay owners, and administrators made here stay so while no group speaks of them.
    async fn owners_and_others_are_not_touched(app: TestApp) {
        let (made, boss) = (app.provision_admin("made").await, app.provision("boss").await);
        let owner = app.owner_token().await;
        app.patch(&owner, &format!("/api/v1/users/{}", boss.id), json!({"role": "owner"})).await.expect(200);
        let group = app.group("Staff", &[&boss]).await;
        let other = app.group("Other", &[&made]).await;
        map(&app, &[(&group, "member")]).await;
        app.leave(&group, &boss).await.expect(200);
        app.leave(&other, &made).await.expect(200);
        assert_eq!(role(&app, &boss).await, "owner");
        assert_eq!(role(&app, &made).await, "admin");
        // Removing somebody who was never in it changes nothing.
        app.leave(&group, &made).await.expect(200);
        assert_eq!(role(&app, &made).await, "admin");
    }

    /// Only an owner who signed in a moment ago may say it; nonsense is named.
    async fn only_an_owner_may_say_it(app: TestApp) {
        let admin = app.provision_admin("admin").await;
        let group = app.group("Staff", &[]).await;
        let token = app.sign_in(&admin.email).await;
        let body = json!({"group_roles": [{"group": group, "role": "admin"}]});
        app.put(&token, PATH, body.clone()).await.expect_problem(403, "forbidden");
        app.get(&token, PATH).await.expect(200);
        let owner = app.owner_token().await;
        for wrong in [
            json!([{"group": group, "role": "owner"}]),
            json!([{"group": group, "role": "administrator"}]),
            json!([{"group": "nobody-knows", "role": "admin"}]),
            json!([{"group": group, "role": "admin"}, {"group": group, "role": "member"}]),
        ] {
            app.put(&owner, PATH, json!({"group_roles": wrong})).await.expect_field("group_roles");
        }
        assert_eq!(app.get(&owner, PATH).await.expect(200).json()["group_roles"], json!([]));
        app.advance(10 * 60 + 1);
        app.put(&owner, PATH, body).await.expect_problem(403, "reauthentication-required");
    }
}
