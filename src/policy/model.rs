//! Pure: the policy, its bounds and its defaults.

use serde::Serialize;

/// A minute in milliseconds.
pub const MINUTE_MS: i64 = 60_000;
/// The longest lifetime: 365 days.
const LONGEST_MS: i64 = 365 * 24 * 60 * MINUTE_MS;

/// What a change of SAML or allowlist settings does to sessions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum OnChange {
    Keep,
    /// The sessions that the change takes the ground from. Of SAML settings only: whom an allowlist doesn't let in any more, every
    /// check refuses.
    LogOutAffected,
    LogAllUsersOut,
}

impl OnChange {
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Keep, Self::LogOutAffected, Self::LogAllUsersOut].into_iter().find(|choice| choice.as_str() == text)
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Keep => "keep",
            Self::LogOutAffected => "log_out_affected",
            Self::LogAllUsersOut => "log_all_users_out",
        }
    }
}

/// How somebody signed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    Password,
    Saml,
    /// A one-time link that an operator or administrator handed out.
    Setup,
}

impl Method {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::Saml => "saml",
            Self::Setup => "setup",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        [Self::Password, Self::Saml, Self::Setup].into_iter().find(|method| method.as_str() == text)
    }
}

/// The settings that every check applies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// From sign-in to the end, whatever happens. 1 minute to 365 days.
    pub absolute_ms: i64,
    /// Without a request to the end. 1 minute to `absolute_ms`.
    pub idle_ms: i64,
    pub password_allowed: bool,
    pub saml_allowed: bool,
    /// Whether a SAML sign-in may create a user of a verified domain.
    pub just_in_time: bool,
    pub on_saml_change: OnChange,
    pub on_ip_allowlist_change: OnChange,
    pub version: i64,
}

impl Default for Policy {
    /// NIST SP 800-63B-4 §2.2.3 for AAL2 asks for at most 24 hours; idle is looser than its hour, for browsers left open.
    fn default() -> Self {
        Self {
            absolute_ms: 24 * 60 * MINUTE_MS,
            idle_ms: 8 * 60 * MINUTE_MS,
            password_allowed: true,
            saml_allowed: true,
            just_in_time: true,
            on_saml_change: OnChange::Keep,
            on_ip_allowlist_change: OnChange::Keep,
            version: 1,
        }
    }
}

impl Policy {
    /// Whether a session of that method may live. A set-up link stands in for a password.
    pub fn admits(&self, method: Method) -> bool {
        match method {
            Method::Password | Method::Setup => self.password_allowed,
            Method::Saml => self.saml_allowed,
        }
    }

    /// # Errors
    /// The field that is out of range, and its range.
    pub fn validate(&self) -> Result<(), (&'static str, &'static str)> {
        if !(MINUTE_MS..=LONGEST_MS).contains(&self.absolute_ms) {
            return Err(("absolute_lifetime_seconds", "must be between 60 and 31536000"));
        }
        if !(MINUTE_MS..=self.absolute_ms).contains(&self.idle_ms) {
            return Err(("idle_timeout_seconds", "must be between 60 and absolute_lifetime_seconds"));
        }
        if !self.password_allowed && !self.saml_allowed {
            return Err(("sign_in_methods", "must name at least one of password and saml"));
        }
        Ok(())
    }
}
