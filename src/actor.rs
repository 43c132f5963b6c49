//! Who acts, and from where: every change and every audit entry names one.

use std::net::IpAddr;

use crate::base::ids::{SessionId, SetupLinkId, UserId};

/// The kind of principal behind an action.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ActorKind {
    User,
    ScimToken,
    /// An OAuth client that provisions.
    ScimClient,
    ApiKey,
    /// An IT contact who sets single sign-on up.
    SetupLink,
    /// An operator at the command line.
    Cli,
    /// The program itself.
    System,
    /// Nobody who has proved who they are.
    Anonymous,
}

impl ActorKind {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::ScimToken => "scim_token",
            Self::ScimClient => "scim_client",
            Self::ApiKey => "api_key",
            Self::SetupLink => "setup_link",
            Self::Cli => "cli",
            Self::System => "system",
            Self::Anonymous => "anonymous",
        }
    }
}

/// Where a request came from.
#[derive(Clone, Debug, Default)]
pub struct Origin {
    /// The client's true address: behind trusted proxies, what they say; else the peer's.
    pub ip: Option<IpAddr>,
    pub user_agent: String,
    pub request_id: String,
}

impl Origin {
    /// The address as text; empty if there is none, as at the command line.
    pub fn ip_text(&self) -> String {
        self.ip.map(|ip| ip.to_string()).unwrap_or_default()
    }
}

/// A principal and where it speaks from.
#[derive(Clone, Debug)]
pub struct Actor {
    pub kind: ActorKind,
    /// The principal's identifier, such as a user id or `cli:1000`.
    pub id: String,
    /// What a person calls it.
    pub label: String,
    /// The session it acts through, if it has one: "everybody but me" spares this one.
    pub session: Option<SessionId>,
    pub origin: Origin,
}

impl Actor {
    pub fn user(id: &UserId, label: &str, session: Option<SessionId>, origin: Origin) -> Self {
        Self { kind: ActorKind::User, id: id.to_string(), label: label.to_owned(), session, origin }
    }

    pub fn anonymous(label: &str, origin: Origin) -> Self {
        Self { kind: ActorKind::Anonymous, id: String::new(), label: label.to_owned(), session: None, origin }
    }

    /// Whoever came by a set-up link; it acts under no other name.
    pub fn setup_link(id: &SetupLinkId, label: &str, origin: Origin) -> Self {
        let id = format!("setup-link:{id}");
        Self { kind: ActorKind::SetupLink, id, label: label.to_owned(), session: None, origin }
    }

    /// The program itself.
    pub fn system(part: &str) -> Self {
        let id = format!("system:{part}");
        Self { kind: ActorKind::System, label: id.clone(), id, session: None, origin: Origin::default() }
    }

    /// An operator, known by the user id of the operating system.
    pub fn cli(uid: u32) -> Self {
        let id = format!("cli:{uid}");
        Self { kind: ActorKind::Cli, label: id.clone(), id, session: None, origin: Origin::default() }
    }
}
