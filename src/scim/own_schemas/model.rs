//! Pure: the schemas that a workspace declared for itself, and what resources may hold with them.

use serde_json::Value;

use crate::scim::attribute::Schema;
use crate::scim::resource::Resource;
use crate::scim::schema::{Definition, ResourceType};

/// One of them. `schema.required` says whether every resource of its type must have it.
#[derive(Clone, Debug)]
pub struct OwnSchema {
    pub kind: ResourceType,
    pub schema: Schema,
    /// 1, 2, 3 …
    pub version: i64,
}

impl OwnSchema {
    /// The URN as it is compared.
    pub fn key(&self) -> String {
        urn_key(&self.schema.id)
    }

    /// As it is served, with what RFC 7643 §7 has no place for.
    pub fn document(&self) -> Value {
        let mut document = self.schema.document();
        document["resource_type"] = self.kind.name().into();
        document["required"] = self.schema.required.into();
        document
    }
}

/// A URN as it is compared.
pub fn urn_key(urn: &str) -> String {
    urn.to_ascii_lowercase()
}

/// All of a workspace's, as of one moment.
#[derive(Debug)]
pub struct Definitions {
    /// Names that moment.
    pub stamp: String,
    pub schemas: Vec<Schema>,
    user: Definition,
    group: Definition,
}

impl Definitions {
    pub fn new(stamp: String, found: Vec<OwnSchema>) -> Self {
        let of = |kind: ResourceType| {
            let schemas = found.iter().filter(|own| own.kind == kind).map(|own| own.schema.clone());
            kind.definition().extended(schemas)
        };
        let (user, group) = (of(ResourceType::User), of(ResourceType::Group));
        Self { stamp, schemas: found.into_iter().map(|own| own.schema).collect(), user, group }
    }

    /// What a resource of that kind may hold.
    pub fn of(&self, kind: ResourceType) -> &Definition {
        match kind {
            ResourceType::User => &self.user,
            ResourceType::Group => &self.group,
        }
    }

    /// Whether two states of a resource differ in what these schemas are about.
    pub fn differ(&self, before: &Resource, after: &Resource) -> bool {
        self.schemas.iter().any(|schema| before.get(&schema.id) != after.get(&schema.id))
    }
}
