//! Pure: what an attribute is, as data: the documents in `schemas/scim/` (RFC 7643 §2, §7, §8.7), read once, and the look-ups
//! that parsing, filtering, patching, sorting, rendering and discovery share. Names and URNs are found whatever their
//! case (RFC 7643 §2.1). It holds no resource.

use std::sync::OnceLock;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::attribute::find;
pub use super::attribute::{Attribute, AttributeType, Mutability, Returned, Schema, Uniqueness};

/// The documents as they are served, without `meta`. `/Schemas` lists them in this order.
pub(super) const SERVED_DOCUMENTS: [&str; 6] = [
    USER_DOCUMENT,
    ENTERPRISE_USER_DOCUMENT,
    GROUP_DOCUMENT,
    include_str!("../../schemas/scim/service_provider_config.json"),
    include_str!("../../schemas/scim/resource_type.json"),
    include_str!("../../schemas/scim/schema.json"),
];
const USER_DOCUMENT: &str = include_str!("../../schemas/scim/user.json");
const ENTERPRISE_USER_DOCUMENT: &str = include_str!("../../schemas/scim/enterprise_user.json");
const GROUP_DOCUMENT: &str = include_str!("../../schemas/scim/group.json");
const COMMON_DOCUMENT: &str = include_str!("../../schemas/scim/common.json");

/// The kinds of resource that are provisioned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ResourceType {
    User,
    Group,
}

impl ResourceType {
    /// Both.
    pub const ALL: [Self; 2] = [Self::User, Self::Group];

    /// `User` or `Group`, as in `meta.resourceType`.
    pub fn name(self) -> &'static str {
        match self {
            Self::User => "User",
            Self::Group => "Group",
        }
    }

    /// The kind of that exact name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == text)
    }

    /// `/Users` or `/Groups`, below the base address.
    pub fn endpoint(self) -> &'static str {
        match self {
            Self::User => "/Users",
            Self::Group => "/Groups",
        }
    }

    /// What every workspace has. `Client::definition` also knows what a workspace declared for itself.
    pub fn definition(self) -> &'static Definition {
        static USER: OnceLock<Definition> = OnceLock::new();
        static GROUP: OnceLock<Definition> = OnceLock::new();
        match self {
            Self::User => USER.get_or_init(|| Definition::built_in(self, USER_DOCUMENT, &[ENTERPRISE_USER_DOCUMENT])),
            Self::Group => GROUP.get_or_init(|| Definition::built_in(self, GROUP_DOCUMENT, &[])),
        }
    }
}

/// Everything a resource of one kind may hold.
#[derive(Clone, Debug)]
pub struct Definition {
    pub kind: ResourceType,
    /// `schemas`, `id`, `externalId`, `meta` (RFC 7643 §3.1).
    pub common: Vec<Attribute>,
    pub core: Schema,
    pub extensions: Vec<Schema>,
}

#[derive(Deserialize)]
struct Common {
    attributes: Vec<Attribute>,
}

impl Definition {
    fn built_in(kind: ResourceType, core: &str, extensions: &[&str]) -> Self {
        let common: Common = serde_json::from_str(COMMON_DOCUMENT).expect("a document of ours, read by tests");
        let extensions = extensions.iter().copied().map(schema_of_ours).collect();
        Self { kind, common: common.attributes, core: schema_of_ours(core), extensions }
    }

    /// The same kind with further extensions.
    pub fn extended(&self, schemas: impl IntoIterator<Item = Schema>) -> Self {
        let mut definition = self.clone();
        definition.extensions.extend(schemas);
        definition
    }

    /// The extension with that URN.
    pub fn extension(&self, urn: &str) -> Option<&Schema> {
        self.extensions.iter().find(|schema| schema.id.eq_ignore_ascii_case(urn))
    }

    /// The core or common attribute of that plain name.
    pub fn attribute(&self, name: &str) -> Option<&Attribute> {
        self.core.attribute(name).or_else(|| find(&self.common, name))
    }

    /// The place that the parts of an attribute path name.
    pub fn place(&self, urn: Option<&str>, name: &str, sub: Option<&str>) -> Option<Place<'_>> {
        let (extension, attribute) = match urn {
            Some(urn) if !self.core.id.eq_ignore_ascii_case(urn) => {
                let schema = self.extension(urn)?;
                (Some(schema), schema.attribute(name)?)
            }
            _ => (None, self.attribute(name)?),
        };
        let sub = match sub {
            Some(sub) => Some(attribute.sub(sub)?),
            None => None,
        };
        Some(Place { extension, attribute, sub })
    }

    /// What a written path names: `attr`, `attr.sub`, `URN:attr`, `URN:attr.sub`, or the URN of an extension. `None` if there
    /// is no such thing.
    pub fn resolve(&self, path: &str) -> Option<Target<'_>> {
        if let Some(schema) = self.extension(path) {
            return Some(Target::Extension(schema));
        }
        let (urn, rest) = path.rsplit_once(':').map_or((None, path), |(urn, rest)| (Some(urn), rest));
        let (name, sub) = rest.split_once('.').map_or((rest, None), |(name, sub)| (name, Some(sub)));
        self.place(urn, name, sub).map(Target::Attribute)
    }
}

/// What an attribute path names.
#[derive(Clone, Copy, Debug)]
pub enum Target<'a> {
    /// An extension as a whole.
    Extension(&'a Schema),
    Attribute(Place<'a>),
}

/// An attribute, where it is, and perhaps one of its sub-attributes.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// `None` for core and common attributes.
    pub extension: Option<&'a Schema>,
    pub attribute: &'a Attribute,
    pub sub: Option<&'a Attribute>,
}

impl Place<'_> {
    /// The attribute as it is named in details: `emails`, or `URN:manager`.
    pub fn label(&self) -> String {
        match self.extension {
            Some(schema) => format!("{}:{}", schema.id, self.attribute.name),
            None => self.attribute.name.clone(),
        }
    }

    /// The value of the attribute (not of the sub-attribute) in a resource.
    pub fn read<'v>(&self, resource: &'v Map<String, Value>) -> Option<&'v Value> {
        match self.extension {
            Some(schema) => resource.get(&schema.id)?.get(self.attribute.name.as_str()),
            None => resource.get(&self.attribute.name),
        }
    }
}

fn schema_of_ours(document: &str) -> Schema {
    serde_json::from_str(document).expect("a document of ours, read by tests")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documents_are_read_and_name_their_attributes_once() {
        for kind in ResourceType::ALL {
            let definition = kind.definition();
            assert_eq!(definition.core.id, format!("urn:ietf:params:scim:schemas:core:2.0:{}", kind.name()));
            let mut names: Vec<String> =
                definition.common.iter().chain(&definition.core.attributes).map(|a| a.name.to_lowercase()).collect();
            names.sort();
            names.dedup();
            assert_eq!(names.len(), definition.common.len() + definition.core.attributes.len());
        }
        for document in SERVED_DOCUMENTS {
            let schema: Schema = serde_json::from_str(document).expect("valid");
            assert!(!schema.attributes.is_empty(), "{}", schema.id);
        }
    }

    #[test]
    fn paths_are_found_whatever_their_case() {
        let user = ResourceType::User.definition();
        let label = |path: &str| match user.resolve(path) {
            Some(Target::Attribute(place)) => {
                format!("{} {}", place.label(), place.sub.map_or("", |sub| sub.name.as_str()))
            }
            Some(Target::Extension(schema)) => schema.id.clone(),
            None => "nothing".into(),
        };
        let enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
        assert_eq!(label("USERNAME"), "userName ");
        assert_eq!(label("Emails.Value"), "emails value");
        assert_eq!(label("urn:IETF:params:scim:schemas:core:2.0:user:name.givenname"), "name givenName");
        assert_eq!(label("externalid"), "externalId ");
        assert_eq!(
            label(&format!("{}:MANAGER.value", enterprise.to_uppercase())),
            format!("{enterprise}:manager value")
        );
        assert_eq!(label(&enterprise.to_lowercase()), enterprise);
        for unknown in
            ["", "department", "userName.x", "name.x.y", "urn:x:userName", &format!("{enterprise}:userName"), "members"]
        {
            assert_eq!(label(unknown), "nothing", "{unknown}");
        }
    }

    #[test]
    fn the_password_is_write_only_and_what_must_be_is_required() {
        let (user, group) = (ResourceType::User.definition(), ResourceType::Group.definition());
        let password = user.attribute("password").expect("declared");
        assert_eq!((password.mutability, password.returned), (Mutability::WriteOnly, Returned::Never));
        let required = |definition: &Definition| -> Vec<String> {
            definition.core.attributes.iter().filter(|a| a.required).map(|a| a.name.clone()).collect()
        };
        assert_eq!((required(user), required(group)), (vec!["userName".to_owned()], vec!["displayName".to_owned()]));
        assert!(user.attribute("externalId").is_some_and(|external| external.case_exact));
    }

    #[test]
    fn a_workspace_can_have_schemas_of_its_own() {
        let document =
            serde_json::json!({"id": "urn:example:Extra", "attributes": [{"name": "badge", "type": "integer"}]});
        let schema = Schema::from_document(document).expect("valid");
        let extended = ResourceType::User.definition().extended([schema]);
        assert!(matches!(extended.resolve("urn:example:extra:badge"), Some(Target::Attribute(_))));
        assert!(ResourceType::User.definition().resolve("urn:example:extra:badge").is_none());
    }
}
