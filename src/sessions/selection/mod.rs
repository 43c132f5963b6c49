//! Pure: which sessions a selective revocation ends, as somebody writes it and as it is meant. All criteria that are given
//! must hold together, and one must be given.

pub mod store;

use ipnet::IpNet;
use serde_json::{Value, json};

pub use super::count_store::COUNT_LIMIT;
use crate::base::clock::{UnixMillis, parse_rfc3339, rfc3339};
use crate::base::ids::{GroupId, UserId};
use crate::base::text::line;
use crate::error::{Error, Result};
use crate::policy::ip_allowlist::parse_network;
use crate::policy::model::Method;

/// Sessions that are shown in advance, at the most.
pub const SAMPLE: i64 = 10;

const INSTANT: &str = "must be an instant such as 2026-11-24T10:00:00Z";

/// Criteria as somebody wrote them; an absent one lets everything pass.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Written {
    pub user: Option<String>,
    pub group: Option<String>,
    pub method: Option<String>,
    pub identity_provider: Option<String>,
    pub ip: Option<String>,
    pub created_before: Option<String>,
    pub seen_before: Option<String>,
    pub user_agent: Option<String>,
}

impl Written {
    /// What they mean.
    ///
    /// # Errors
    /// 400 naming `filter.` and the criterion that can't be read; 422 naming `filter` if there is none.
    pub fn read(&self) -> Result<Selection> {
        let selection = Selection {
            user: criterion("user", self.user.as_deref(), |text| line(text, 64), "must be the id of a user")?
                .map(UserId::from_text),
            group: criterion("group", self.group.as_deref(), |text| line(text, 64), "must be the id of a group")?
                .map(GroupId::from_text),
            method: criterion("method", self.method.as_deref(), Method::parse, "must be password, saml or setup")?,
            identity_provider: criterion(
                "identity_provider",
                self.identity_provider.as_deref(),
                |text| line(text, 1024),
                "must be an entity id of 1 to 1024 characters",
            )?
            .map(str::to_owned),
            network: criterion(
                "ip",
                self.ip.as_deref(),
                parse_network,
                "must be a network such as 203.0.113.0/24 or an address",
            )?,
            created_before: criterion("created_before", self.created_before.as_deref(), parse_rfc3339, INSTANT)?,
            seen_before: criterion("seen_before", self.seen_before.as_deref(), parse_rfc3339, INSTANT)?,
            user_agent: criterion(
                "user_agent",
                self.user_agent.as_deref(),
                |text| line(text, 300),
                "must have 1 to 300 characters",
            )?
            .map(str::to_owned),
            affected: None,
        };
        if selection == Selection::default() {
            let text = "must have a criterion: to end every session, log all users out \
                        (POST /api/v1/security/log-all-users-out)";
            return Err(Error::unprocessable("filter", text));
        }
        Ok(selection)
    }
}

fn criterion<'a, T>(
    name: &str,
    text: Option<&'a str>,
    parse: impl Fn(&'a str) -> Option<T>,
    wanted: &'static str,
) -> Result<Option<T>> {
    let wrong = || Error::invalid(format!("filter.{name}"), wanted);
    text.map(|text| parse(text).ok_or_else(wrong)).transpose()
}

/// Which live sessions of a workspace; an absent member lets everything pass. At least one is there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    pub user: Option<UserId>,
    /// The user is in it at this moment.
    pub group: Option<GroupId>,
    pub method: Option<Method>,
    /// Entity id of the identity provider that vouched for the person.
    pub identity_provider: Option<String>,
    /// Of the last use, as far as it is written.
    pub network: Option<IpNet>,
    pub created_before: Option<UnixMillis>,
    /// The last use, as far as it is written, was before this.
    pub seen_before: Option<UnixMillis>,
    /// Part of the User-Agent of the sign-in, in upper or lower case.
    pub user_agent: Option<String>,
    /// Nobody writes this one: it comes of a change of settings.
    pub affected: Option<Affected>,
}

/// Sessions that a change of an identity provider takes the ground from. One of the two is enough.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Affected {
    /// Entity id of the identity provider: the sessions that began there.
    pub provider: Option<String>,
    /// Verified domains of the workspace: the sessions of their people that began at no identity provider. Owners keep theirs:
    /// they are the ones who come in when single sign-on fails.
    pub password_domains: Vec<String>,
}

impl Affected {
    /// Whether nobody's session is meant.
    pub fn is_nothing(&self) -> bool {
        self.provider.is_none() && self.password_domains.is_empty()
    }

    /// For the audit log.
    pub fn to_json(&self) -> Value {
        json!({"identity_provider": self.provider, "password_domains": self.password_domains})
    }
}

impl Selection {
    /// The sessions that a change affects.
    pub fn of_change(affected: Affected) -> Self {
        Self { affected: Some(affected), ..Self::default() }
    }

    /// Whether a sign-in that is under way might end in a session that is meant, and has to begin again. At a provider that was
    /// changed it comes to nothing anyhow: it is answered by the version that it was sent to, or by none.
    pub fn overtakes_sign_ins(&self) -> bool {
        self.affected.as_ref().is_none_or(|affected| !affected.password_domains.is_empty())
    }

    /// For the audit log, and to tell one request from another: what is given, under the names of the API.
    pub fn to_json(&self) -> Value {
        let members = [
            ("user", self.user.as_ref().map(UserId::to_string)),
            ("group", self.group.as_ref().map(GroupId::to_string)),
            ("method", self.method.map(|method| method.as_str().to_owned())),
            ("identity_provider", self.identity_provider.clone()),
            ("ip", self.network.map(|network| network.to_string())),
            ("created_before", self.created_before.map(rfc3339)),
            ("seen_before", self.seen_before.map(rfc3339)),
            ("user_agent", self.user_agent.clone()),
        ];
        let mut all: Value = members.into_iter().filter_map(|(name, value)| value.map(|value| (name, value))).collect();
        if let Some(affected) = &self.affected {
            all["affected"] = affected.to_json();
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Option<String> {
        Some(text.to_owned())
    }

    #[test]
    fn what_is_written_is_what_is_meant() {
        let written = Written {
            user: text(" u "),
            ip: text("::ffff:203.0.113.9/120"),
            created_before: text("2026-11-24T10:00:00+01:00"),
            user_agent: text("Firefox"),
            ..Written::default()
        };
        let selection = written.read().expect("criteria");
        let instant = "2026-11-24T09:00:00.000Z";
        let meant = json!({"user": "u", "ip": "203.0.113.0/24", "created_before": instant, "user_agent": "Firefox"});
        assert_eq!(selection.to_json(), meant);
    }

    #[test]
    fn a_change_of_a_provider_overtakes_only_passwords() {
        let provider = Affected { provider: text("https://idp.test"), ..Affected::default() };
        let domains = Affected { password_domains: vec!["corp.test".to_owned()], ..provider.clone() };
        assert!(Affected::default().is_nothing() && !provider.is_nothing());
        assert!(!Selection::of_change(provider).overtakes_sign_ins());
        let selection = Selection::of_change(domains);
        assert!(selection.overtakes_sign_ins() && Selection::default().overtakes_sign_ins());
        let meant = json!({"identity_provider": "https://idp.test", "password_domains": ["corp.test"]});
        assert_eq!(selection.to_json(), json!({"affected": meant}));
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        for (name, written) in [
            ("filter", Written::default()),
            ("filter.user", Written { user: text(""), ..Written::default() }),
            ("filter.group", Written { group: text(" "), ..Written::default() }),
            ("filter.method", Written { method: text("SAML"), ..Written::default() }),
            ("filter.identity_provider", Written { identity_provider: text(""), ..Written::default() }),
            ("filter.ip", Written { ip: text("203.0.113.0/33"), ..Written::default() }),
            ("filter.created_before", Written { created_before: text("yesterday"), ..Written::default() }),
            ("filter.seen_before", Written { seen_before: text("2026-11-24"), ..Written::default() }),
            ("filter.user_agent", Written { user_agent: text(""), ..Written::default() }),
        ] {
            let error = written.read().expect_err(name);
            assert_eq!(error.field(), Some(name));
        }
    }
}
