//! Groups of an identity provider, and what its administrators say about them.

use reqwest::Method;
use serde_json::{Value, json};

use super::people::patch_op;
use super::{Person, Reply, TestApp};

/// Members as SCIM lists them.
pub fn members(people: &[&Person]) -> Value {
    people.iter().map(|person| json!({"value": person.id})).collect()
}

impl TestApp {
    /// Creates a group; gives its id.
    pub async fn group(&self, name: &str, people: &[&Person]) -> String {
        let body = json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": name, "members": members(people),
        });
        let created = self.scim(Method::POST, "/Groups", Some(body)).await.expect(201).json();
        created["id"].as_str().expect("an id").to_owned()
    }

    pub async fn patch_group(&self, id: &str, operations: Value) -> Reply {
        self.scim(Method::PATCH, &format!("/Groups/{id}"), Some(patch_op(operations))).await
    }

    /// Puts somebody into a group.
    pub async fn join(&self, id: &str, person: &Person) {
        let add = json!([{"op": "add", "path": "members", "value": members(&[person])}]);
        self.patch_group(id, add).await.expect(200);
    }

    /// Takes somebody out of a group.
    pub async fn leave(&self, id: &str, person: &Person) -> Reply {
        let path = format!("members[value eq \"{}\"]", person.id);
        self.patch_group(id, json!([{"op": "remove", "path": path}])).await
    }

    /// Lets provisioned people in by these groups only.
    pub async fn let_in(&self, groups: &[&str]) {
        let owner = self.owner_token().await;
        self.set_policy(&owner, json!({"access_groups": groups})).await.expect(200);
    }

    /// Entries of the audit log about somebody, of one action.
    pub async fn told(&self, action: &str, target: &str) -> Vec<Value> {
        let owner = self.owner_token().await;
        self.all_items(&owner, &format!("/api/v1/audit?action={action}&target={target}")).await
    }
}
