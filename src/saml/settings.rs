//! Pure: how a workspace uses one of its identity providers: what can be set, what it is at first, and the bounds.
//!
//! Stored as JSON. Every member has a default, so that settings from before it was known are read, too.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::sessions::model::Role;
use crate::workspaces::model::domain_key;

/// Longest URI: of a context class, of a NameID format.
const MAX_URI: usize = 1_024;
/// Longest name of an attribute and of a group, in characters.
const MAX_NAME: usize = 256;
const MOST_CONTEXTS: usize = 10;
const MOST_ROLES: usize = 50;
const MOST_DOMAINS: usize = 100;

/// How requests travel to the identity provider.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Binding {
    #[default]
    Redirect,
    Post,
}

impl Binding {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Redirect => "redirect",
            Self::Post => "post",
        }
    }

    pub fn from_text(text: &str) -> Option<Self> {
        [Self::Redirect, Self::Post].into_iter().find(|binding| binding.as_str() == text)
    }
}

/// Whether people of the provider's domains may sign in in another way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Enforcement {
    #[default]
    Optional,
    Required,
}

impl Enforcement {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Optional => "optional",
            Self::Required => "required",
        }
    }

    pub fn from_text(text: &str) -> Option<Self> {
        [Self::Optional, Self::Required].into_iter().find(|enforcement| enforcement.as_str() == text)
    }
}

/// A role that a group can give. None makes an owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MappedRole {
    Admin,
    Member,
}

impl MappedRole {
    pub fn as_str(self) -> &'static str {
        self.role().as_str()
    }

    pub fn from_text(text: &str) -> Option<Self> {
        [Self::Admin, Self::Member].into_iter().find(|role| role.as_str() == text)
    }

    pub fn role(self) -> Role {
        match self {
            Self::Admin => Role::Admin,
            Self::Member => Role::Member,
        }
    }
}

/// A group that the identity provider names, and the role that it gives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupRole {
    pub group: String,
    pub role: MappedRole,
}

/// Under which attributes the identity provider sends what; `None`: the usual ones. What is named and isn't sent is not there:
/// no usual one takes its place.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AttributeMapping {
    pub email: Option<String>,
    pub display_name: Option<String>,
    pub given_name: Option<String>,
    pub family_name: Option<String>,
    pub groups: Option<String>,
}

/// The settings of one identity provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ProviderSettings {
    pub sso_binding: Binding,
    /// Whether requests are signed even if the metadata doesn't ask for it.
    pub sign_requests: bool,
    /// Whether the person must prove at every sign-in who they are.
    pub force_authn: bool,
    /// RequestedAuthnContext, exact; empty: none is asked for.
    pub authn_contexts: Vec<String>,
    /// NameIDPolicy; `None`: any.
    pub name_id_format: Option<String>,
    /// Whether a sign-in may begin at the identity provider.
    pub idp_initiated: bool,
    /// Whether a sign-in may create a user; `None`: as the policy says.
    pub just_in_time: Option<bool>,
    /// Whether a person who is known by address only is linked at their first sign-in.
    pub link_existing: bool,
    pub attributes: AttributeMapping,
    pub roles: Vec<GroupRole>,
    /// Home realm: verified domains of the workspace whose people sign in here; empty: all that no other provider names.
    pub domains: Vec<String>,
    pub enforcement: Enforcement,
    /// Whether a log-out that is begun here goes on at the identity provider. One that begins there always ends sessions here.
    pub single_logout: bool,
}

impl Default for ProviderSettings {
    fn default() -> Self {
        Self {
            sso_binding: Binding::Redirect,
            sign_requests: false,
            force_authn: false,
            authn_contexts: Vec::new(),
            name_id_format: None,
            idp_initiated: false,
            just_in_time: None,
            link_existing: true,
            attributes: AttributeMapping::default(),
            roles: Vec::new(),
            domains: Vec::new(),
            enforcement: Enforcement::Optional,
            single_logout: false,
        }
    }
}

impl ProviderSettings {
    /// The role that these groups give: the highest of those that are configured for them, each compared to the letter.
    pub fn role_for(&self, groups: &[String]) -> Option<Role> {
        let given = self.roles.iter().filter(|pair| groups.contains(&pair.group)).map(|pair| pair.role);
        let highest = given.reduce(|best, role| if best == MappedRole::Admin { best } else { role });
        highest.map(MappedRole::role)
    }

    /// Whether some group makes an administrator that `before` made none.
    pub fn makes_more_administrators(&self, before: &Self) -> bool {
        self.roles.iter().any(|pair| pair.role == MappedRole::Admin && !before.roles.contains(pair))
    }
}

/// A change as somebody wrote it; what is `None` stays.
#[derive(Clone, Debug, Default)]
pub struct SettingsChange {
    pub sso_binding: Option<String>,
    pub sign_requests: Option<bool>,
    pub force_authn: Option<bool>,
    pub authn_contexts: Option<Vec<String>>,
    pub name_id_format: Option<Option<String>>,
    pub idp_initiated: Option<bool>,
    pub just_in_time: Option<Option<bool>>,
    pub link_existing: Option<bool>,
    /// In the place of all of them.
    pub attributes: Option<AttributeMapping>,
    /// Groups and their roles, in the place of all of them.
    pub roles: Option<Vec<(String, String)>>,
    pub domains: Option<Vec<String>>,
    pub enforcement: Option<String>,
    pub single_logout: Option<bool>,
}

impl SettingsChange {
    /// The settings after the change.
    ///
    /// # Errors
    /// 400 naming the setting that is out of its bounds.
    pub fn applied(&self, before: &ProviderSettings) -> Result<ProviderSettings> {
        let mut after = before.clone();
        self.apply_to_requests(&mut after)?;
        self.apply_to_people(&mut after)?;
        if let Some(written) = &self.domains {
            after.domains = domains(written)?;
        }
        if let Some(text) = &self.enforcement {
            let bad = || Error::invalid("enforcement", "must be `optional` or `required`");
            after.enforcement = Enforcement::from_text(text).ok_or_else(bad)?;
        }
        Ok(after)
    }

    fn apply_to_requests(&self, after: &mut ProviderSettings) -> Result<()> {
        if let Some(text) = &self.sso_binding {
            let bad = || Error::invalid("sso_binding", "must be `redirect` or `post`");
            after.sso_binding = Binding::from_text(text).ok_or_else(bad)?;
        }
        after.sign_requests = self.sign_requests.unwrap_or(after.sign_requests);
        after.force_authn = self.force_authn.unwrap_or(after.force_authn);
        if let Some(written) = &self.authn_contexts {
            bounded("authn_contexts", written.len(), MOST_CONTEXTS)?;
            let read: Result<Vec<String>> = written.iter().map(|text| uri("authn_contexts", text)).collect();
            after.authn_contexts = without_repeats("authn_contexts", read?)?;
        }
        if let Some(written) = &self.name_id_format {
            after.name_id_format = written.as_deref().map(|text| uri("name_id_format", text)).transpose()?;
        }
        after.idp_initiated = self.idp_initiated.unwrap_or(after.idp_initiated);
        after.single_logout = self.single_logout.unwrap_or(after.single_logout);
        Ok(())
    }

    fn apply_to_people(&self, after: &mut ProviderSettings) -> Result<()> {
        after.just_in_time = self.just_in_time.unwrap_or(after.just_in_time);
        after.link_existing = self.link_existing.unwrap_or(after.link_existing);
        if let Some(written) = &self.attributes {
            after.attributes = attributes(written)?;
        }
        if let Some(written) = &self.roles {
            after.roles = roles(written)?;
        }
        Ok(())
    }
}

fn attributes(written: &AttributeMapping) -> Result<AttributeMapping> {
    let read = |field: &'static str, text: &Option<String>| -> Result<Option<String>> {
        text.as_deref().map(|text| plain(field, text)).transpose()
    };
    Ok(AttributeMapping {
        email: read("attributes.email", &written.email)?,
        display_name: read("attributes.display_name", &written.display_name)?,
        given_name: read("attributes.given_name", &written.given_name)?,
        family_name: read("attributes.family_name", &written.family_name)?,
        groups: read("attributes.groups", &written.groups)?,
    })
}

fn roles(written: &[(String, String)]) -> Result<Vec<GroupRole>> {
    bounded("roles", written.len(), MOST_ROLES)?;
    let mut read: Vec<GroupRole> = Vec::new();
    for (group, role) in written {
        let bad = || Error::invalid("roles", "a role must be `admin` or `member`");
        let (group, role) = (plain("roles", group)?, MappedRole::from_text(role).ok_or_else(bad)?);
        if read.iter().any(|known| known.group == group) {
            return Err(Error::invalid("roles", format!("{group:?} is there twice")));
        }
        read.push(GroupRole { group, role });
    }
    Ok(read)
}

fn domains(written: &[String]) -> Result<Vec<String>> {
    bounded("domains", written.len(), MOST_DOMAINS)?;
    let bad = |text: &String| Error::invalid("domains", format!("{text:?} is no domain name such as example.com"));
    let read: Result<Vec<String>> = written.iter().map(|text| domain_key(text).ok_or_else(|| bad(text))).collect();
    without_repeats("domains", read?)
}

fn bounded(field: &'static str, length: usize, most: usize) -> Result<()> {
    if length <= most {
        return Ok(());
    }
    Err(Error::invalid(field, format!("may have {most} entries at the most")))
}

fn without_repeats(field: &'static str, read: Vec<String>) -> Result<Vec<String>> {
    for (place, text) in read.iter().enumerate() {
        if read[..place].contains(text) {
            return Err(Error::invalid(field, format!("{text:?} is there twice")));
        }
    }
    Ok(read)
}

/// A URI as SAML has them for its constants: compared octet by octet, and never opened.
fn uri(field: &'static str, text: &str) -> Result<String> {
    let usable = !text.is_empty() && text.len() <= MAX_URI && text.bytes().all(|byte| byte.is_ascii_graphic());
    if usable && text.contains(':') {
        return Ok(text.to_owned());
    }
    Err(Error::invalid(field, "must be a URI of printable ASCII characters, 1,024 at the most"))
}

/// The name of an attribute or a group.
fn plain(field: &'static str, text: &str) -> Result<String> {
    let text = text.trim();
    let usable = !text.is_empty() && text.chars().count() <= MAX_NAME && !text.chars().any(char::is_control);
    if usable {
        return Ok(text.to_owned());
    }
    Err(Error::invalid(field, "a name must have 1 to 256 characters, and no control characters"))
}
