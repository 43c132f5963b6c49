//! Pure: what an identity provider says of a NameID beside its text (Core §2.2.2), kept with a session because a LogoutRequest
//! must repeat it (Profiles §4.4.4.1). It decides nothing: a person is known by provider and text.

use serde::{Deserialize, Serialize};

/// Longest text of each of them, in octets. What is longer is left out: an identity provider then goes by the text alone.
const MAX_PART: usize = 1_024;

/// Format and qualifiers, as written.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct NameIdForm {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub format: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name_qualifier: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sp_name_qualifier: Option<String>,
}

impl NameIdForm {
    /// Of what an assertion says.
    pub fn of(format: Option<&str>, name_qualifier: Option<&str>, sp_name_qualifier: Option<&str>) -> Self {
        let kept = |part: Option<&str>| part.filter(|part| part.len() <= MAX_PART).map(str::to_owned);
        Self { format: kept(format), name_qualifier: kept(name_qualifier), sp_name_qualifier: kept(sp_name_qualifier) }
    }

    /// As it is stored; `None` if there is nothing to say.
    pub fn to_json(&self) -> Option<String> {
        (*self != Self::default()).then(|| serde_json::to_string(self).unwrap_or_default())
    }

    /// As it was stored. What can't be read says nothing.
    pub fn from_json(stored: Option<&str>) -> Self {
        stored.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_stored_comes_back() {
        let form = NameIdForm::of(Some("urn:f"), None, Some("https://sp.test/\"'<>"));
        assert_eq!(NameIdForm::from_json(form.to_json().as_deref()), form);
        assert_eq!(NameIdForm::default().to_json(), None);
        for unreadable in [None, Some(""), Some("{"), Some("[]")] {
            assert_eq!(NameIdForm::from_json(unreadable), NameIdForm::default());
        }
    }

    #[test]
    fn what_is_too_long_is_left_out() {
        let long = "x".repeat(1_025);
        assert_eq!(NameIdForm::of(Some(&long), Some(&long[1..]), None).format, None);
        assert!(NameIdForm::of(Some(&long), Some(&long[1..]), None).name_qualifier.is_some());
    }
}
