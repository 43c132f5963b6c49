//! Pure: what may be kept of a request's address and of the texts around it: names, operators, numbers and our own ids, and no
//! value that names a person or opens a door.

/// Stands for what isn't kept.
const GONE: &str = "…";
/// Characters of a path, and of a text, at the most.
const LONGEST: usize = 300;
/// Resources and other words that a path of ours has.
const WORDS: [&str; 8] =
    ["Users", "Groups", "Me", "Bulk", ".search", "ServiceProviderConfig", "ResourceTypes", "Schemas"];
const TYPES: [&str; 2] = ["User", "Group"];
/// How secrets of ours begin.
const SECRETS: [&str; 9] = ["cfs_", "cfscim_", "cfk_", "cfcs_", "cfat_", "cfl_", "cff_", "cfsc_", "cfsb_"];
const OPERATORS: [&str; 9] = ["eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le"];

/// A path below the SCIM root and its query, such as `/Users?filter=userName eq …&count=100`.
pub fn address(path: &str, query: Option<&str>) -> String {
    let segments: Vec<&str> = path.split('/').map(segment).collect();
    let mut shown = segments.join("/");
    let parts: Vec<String> = url::form_urlencoded::parse(query.unwrap_or_default().as_bytes())
        .map(|(name, value)| parameter(&name, &value))
        .collect();
    if !parts.is_empty() {
        shown = format!("{shown}?{}", parts.join("&"));
    }
    clipped(&shown)
}

/// A sentence of ours, or what a client calls itself, without what is quoted in it, without addresses of people and secrets.
pub fn text(text: &str) -> String {
    let mut shown = String::new();
    let mut quote = None;
    for character in text.chars() {
        match quote {
            Some(end) if character == end => {
                quote = None;
                shown.push(character);
            }
            Some(_) => {}
            None => {
                shown.push(character);
                if matches!(character, '"' | '`') {
                    quote = Some(character);
                    shown.push_str(GONE);
                }
            }
        }
    }
    let words: Vec<&str> = shown.split(' ').map(|word| if is_private(word) { GONE } else { word }).collect();
    clipped(&words.join(" "))
}

/// Whether it may be somebody's address, or holds a secret of ours.
fn is_private(word: &str) -> bool {
    word.contains('@') || SECRETS.iter().any(|prefix| word.contains(prefix))
}

fn segment(text: &str) -> &str {
    let is_id = text.len() == 36 && text.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    let is_urn = text.len() >= 4 && text.as_bytes()[..4].eq_ignore_ascii_case(b"urn:") && is_attribute(text);
    let known = text.is_empty() || WORDS.contains(&text) || TYPES.contains(&text);
    if known || is_id || is_urn { text } else { GONE }
}

fn parameter(name: &str, value: &str) -> String {
    let shown = match name {
        "filter" => filter(value),
        "attributes" | "excludedAttributes" | "sortBy" => {
            let names: Vec<&str> = value.split(',').map(str::trim).map(|one| or_gone(one, is_attribute(one))).collect();
            names.join(",")
        }
        "startIndex" | "count" => or_gone(value, value.parse::<i64>().is_ok()).to_owned(),
        "sortOrder" => or_gone(value, ["ascending", "descending"].contains(&value)).to_owned(),
        "cursor" => GONE.to_owned(),
        // What Entra ID hangs on the address.
        "aadOptscim062020" | "AzureAdScimPatch2017" => return name.to_owned(),
        _ => return GONE.to_owned(),
    };
    format!("{name}={shown}")
}

fn or_gone(text: &str, keep: bool) -> &str {
    if keep { text } else { GONE }
}

/// `emails[type eq "work"].value`, `urn:…:User:manager`: letters, digits and the signs of a path.
fn is_attribute(text: &str) -> bool {
    let sign = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b':' | b'_' | b'-' | b'$');
    !text.is_empty() && text.len() <= 120 && text.bytes().all(sign)
}

/// A filter without its values. A name is kept only where an operator follows it: anything else may be a value that lost its
/// quotes.
fn filter(text: &str) -> String {
    let tokens = tokens(text);
    let mut shown: Vec<&str> = Vec::new();
    let mut after_operator = false;
    for (index, token) in tokens.iter().enumerate() {
        let next = tokens.get(index + 1).map(String::as_str).unwrap_or_default();
        let is = |words: &[&str], text: &str| words.iter().any(|word| word.eq_ignore_ascii_case(text));
        let kept = match token.as_str() {
            sign @ ("(" | ")" | "[" | "]") => sign,
            _ if after_operator => GONE,
            word if is(&OPERATORS, word) || is(&["and", "or", "not", "pr"], word) => word,
            word if is_attribute(word) && (is(&OPERATORS, next) || is(&["pr", "["], next)) => word,
            _ => GONE,
        };
        after_operator = !after_operator && kept != GONE && is(&OPERATORS, kept);
        shown.push(kept);
    }
    shown.join(" ")
}

/// Words, brackets, and quoted texts as one token each.
fn tokens(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut word = String::new();
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match character {
            '(' | ')' | '[' | ']' => {
                found.push(std::mem::take(&mut word));
                found.push(character.to_string());
            }
            '"' => {
                found.push(std::mem::take(&mut word));
                skip_text(&mut characters);
                found.push("\"\"".to_owned());
            }
            space if space.is_whitespace() => found.push(std::mem::take(&mut word)),
            other => word.push(other),
        }
    }
    found.push(word);
    found.retain(|token| !token.is_empty());
    found
}

/// To the end of a quoted text, or of all.
fn skip_text(characters: &mut std::str::Chars<'_>) {
    while let Some(character) = characters.next() {
        match character {
            '"' => return,
            '\\' => {
                characters.next();
            }
            _ => {}
        }
    }
}

fn clipped(text: &str) -> String {
    crate::base::text::clipped(text, LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_keeps_names_and_operators() {
        for (sent, kept) in [
            (r#"userName eq "ana@corp.test""#, "userName eq …"),
            (r#"userName Eq ana"#, "userName Eq …"),
            (r#"externalId eq "a \" b" and active eq true"#, "externalId eq … and active eq …"),
            (r#"emails[type eq "work" and value eq "a@b.c"]"#, "emails [ type eq … and value eq … ]"),
            (r#"emails[type eq "work"].value eq "a@b.c""#, "emails [ type eq … ] .value eq …"),
            ("not (title pr)", "not ( title pr )"),
            (
                r#"urn:ietf:params:scim:schemas:core:2.0:User:userName eq "x""#,
                "urn:ietf:params:scim:schemas:core:2.0:User:userName eq …",
            ),
            ("ana", "…"),
            ("ana@corp.test", "…"),
            (r#""ana" eq userName"#, "… eq …"),
            (r#"userName eq "ana"#, "userName eq …"),
            ("userName eq eq", "userName eq …"),
            ("userName eq ana lovelace", "userName eq … …"),
        ] {
            assert_eq!(filter(sent), kept, "{sent}");
        }
    }

    #[test]
    fn an_address_keeps_what_names_nobody() {
        let id = "01890000-0000-7000-8000-000000000000";
        let user = format!("/Users/{id}");
        for (path, query, kept) in [
            (user.as_str(), None, user.as_str()),
            ("/Users/ana@corp.test", None, "/Users/…"),
            ("/Users/ana", None, "/Users/…"),
            (
                "/Schemas/urn:ietf:params:scim:schemas:core:2.0:User",
                None,
                "/Schemas/urn:ietf:params:scim:schemas:core:2.0:User",
            ),
            ("/Users/.search", None, "/Users/.search"),
            (
                "/Users",
                Some("filter=userName+eq+%22x%22&startIndex=1&count=100"),
                "/Users?filter=userName eq …&startIndex=1&count=100",
            ),
            (
                "/Groups",
                Some("excludedAttributes=members,a@b&aadOptscim062020"),
                "/Groups?excludedAttributes=members,…&aadOptscim062020",
            ),
            ("/Users", Some("ana=lovelace&count=ana&sortOrder=ana"), "/Users?…&count=…&sortOrder=…"),
            ("/Users", Some("access_token=cfscim_x"), "/Users?…"),
        ] {
            assert_eq!(address(path, query), kept);
        }
        assert!(address(&"/Users".repeat(1_000), None).chars().count() <= LONGEST);
    }

    #[test]
    fn texts_lose_what_is_quoted_and_who_is_named() {
        assert_eq!(text("userName \"ana\" is taken by ana@corp.test now"), "userName \"…\" is taken by … now");
        assert_eq!(text("userName is required"), "userName is required");
        let secret = format!("cfscim_{}", "A".repeat(48));
        assert_eq!(text(&format!("client {secret}, {secret}")), "client … …");
        assert_eq!(text("Okta SCIM Client 1.0.0"), "Okta SCIM Client 1.0.0");
        assert_eq!(text("an open \"quote"), "an open \"…");
    }
}
