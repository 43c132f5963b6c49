//! Pure: attribute paths, and the paths of PATCH operations (RFC 7644 §3.5.2) as our own types. What a path names is found by
//! `schema.rs`; the grammar is `grammar.rs`.

use super::error::ScimError;
use super::filter::Filter;
use super::grammar;

/// The longest URN of a schema, in bytes.
pub const LONGEST_URN: usize = 200;

/// `[URN:]name[.sub]` as it was written.
#[derive(Clone, Debug, PartialEq)]
pub struct AttributePath {
    pub urn: Option<String>,
    pub name: String,
    pub sub: Option<String>,
}

impl AttributePath {
    /// The path as text. The URN of an extension as a whole parses as urn and name, and is whole again here.
    pub fn text(&self) -> String {
        let urn = self.urn.as_ref().map(|urn| format!("{urn}:")).unwrap_or_default();
        let sub = self.sub.as_ref().map(|sub| format!(".{sub}")).unwrap_or_default();
        format!("{urn}{}{sub}", self.name)
    }
}

/// Where a PATCH operation applies.
#[derive(Clone, Debug, PartialEq)]
pub enum Path {
    /// An attribute, a sub-attribute, or an extension as a whole.
    Attribute(AttributePath),
    /// The values of an attribute that a filter selects, or a sub-attribute of theirs. `attribute.sub` is `None`.
    Values { attribute: AttributePath, filter: Filter, sub: Option<String> },
}

/// Reads the path of a PATCH operation, in every form that `normalise.rs` lists.
///
/// # Errors
/// 400 `invalidPath`: not the grammar, longer than 8 KiB, more than 64 brackets deep, or a selection behind a sub-attribute.
pub fn parse(text: &str) -> Result<Path, ScimError> {
    let refused = |reason: &str| ScimError::invalid_path(format!("the path {reason}"));
    grammar::path(text).or_else(|reason| bare_urn(text.trim()).ok_or(reason)).map_err(refused)
}

/// An extension as a whole whose URN doesn't end in what could be the name of an attribute: `urn:example:staff:2.0`.
fn bare_urn(text: &str) -> Option<Path> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b":.-_".contains(&byte);
    let is_urn =
        text.len() <= LONGEST_URN && text.to_ascii_lowercase().starts_with("urn:") && text.bytes().all(is_plain);
    let (urn, name) = text.rsplit_once(':').filter(|_| is_urn)?;
    Some(Path::Attribute(AttributePath { urn: Some(urn.to_owned()), name: name.to_owned(), sub: None }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scim::filter::Operator;

    const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

    fn plain(text: &str) -> AttributePath {
        match parse(text) {
            Ok(Path::Attribute(path)) => path,
            other => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn case_42_plain_paths_are_taken_apart_and_put_together() {
        assert_eq!(plain("active"), AttributePath { urn: None, name: "active".into(), sub: None });
        assert_eq!(plain("name.givenName").sub.as_deref(), Some("givenName"));
        let manager = plain(&format!("{ENTERPRISE}:manager.$ref"));
        assert_eq!((manager.urn.as_deref(), manager.sub.as_deref()), (Some(ENTERPRISE), Some("$ref")));
        let staff = "urn:example:staff:2.0";
        for whole in [ENTERPRISE, "urn:example:my.extension:badge", "userName", "members.$ref", staff] {
            assert_eq!(plain(whole).text(), whole);
        }
    }

    #[test]
    fn case_43_values_are_selected_by_a_filter() {
        for sent in [r#"emails[type eq "work"].value"#, "emails[type eq 'work'].value", "emails[type Eq work].value"] {
            let Ok(Path::Values { attribute, filter, sub }) = parse(sent) else { panic!("{sent}") };
            assert_eq!((attribute.name.as_str(), sub.as_deref()), ("emails", Some("value")));
            assert!(matches!(filter, Filter::Compare { operator: Operator::Eq, .. }));
        }
        assert!(matches!(parse(r#"members[value eq "1"]"#), Ok(Path::Values { sub: None, .. })));
    }

    #[test]
    fn what_is_no_path_is_refused() {
        for bad in
            ["", "emails[type eq", "emails[type eq \"x\"]junk", "a.b.c", "1a", "a b", "emails[", "name.x[a pr]", "é"]
        {
            let error = parse(bad).expect_err(bad);
            assert_eq!((error.status, error.scim_type), (400, Some("invalidPath")), "{bad}");
        }
        assert!(parse(&format!("a[{}b pr{}]", "(".repeat(70), ")".repeat(70))).is_err());
    }
}
