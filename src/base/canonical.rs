//! Pure: the one canonical form of user names and e-mail addresses. Creation, the unique index, SCIM filters and sign-in
//! all compare `key(text)`, so none of them can take for another person what the others take for the same
//! (RFC 7644 §7.8). It is for comparing: what people see stays as it was written.
//!
//! The rule: nothing is trimmed and nothing is dropped. Text with white space at an end, with a control, invisible,
//! directional or unassigned character, or longer than 256 characters is refused. The rest is decomposed (NFD), case-folded
//! in full, and composed for compatibility (NFKC), twice, which is what Unicode calls a compatibility caseless match
//! (§3.13, D146). So `Straße` is `STRASSE`, the Kelvin sign is `k`, full-width letters are letters, and é is é however it
//! was typed. Turkish dotted İ and dotless ı are neither each other nor `i`: folding knows no language.
//! Look-alikes of different scripts stay different.

use caseless::Caseless;
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_public_assigned;

/// The most characters a name may have, as written and as a key.
pub const LONGEST: usize = 256;

/// Why a text can't be a user name or an e-mail address. Reads on after the name of a field: "userName must not be empty".
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidName {
    #[error("must not be empty")]
    Empty,
    #[error("must not be longer than {LONGEST} characters")]
    TooLong,
    #[error("must not begin or end with white space")]
    OuterSpace,
    /// The first character that is not accepted.
    #[error("must not contain the character {}", code_point(.0))]
    Character(char),
}

fn code_point(character: &char) -> String {
    format!("U+{:04X}", u32::from(*character))
}

/// The canonical form of a whole name. `key(key(x)) == key(x)`.
///
/// # Errors
/// `InvalidName` as the module says. At sign-in and in look-ups it means that there is no such user.
pub fn key(text: &str) -> Result<String, InvalidName> {
    if text.is_empty() {
        return Err(InvalidName::Empty);
    }
    if text.chars().nth(LONGEST).is_some() {
        return Err(InvalidName::TooLong);
    }
    if let Some(character) = text.chars().find(|character| is_refused(*character)) {
        return Err(InvalidName::Character(character));
    }
    let folded = fold(text);
    if [text, &folded].iter().any(|form| form.trim().len() != form.len()) {
        return Err(InvalidName::OuterSpace);
    }
    if folded.chars().nth(LONGEST).is_some() {
        return Err(InvalidName::TooLong);
    }
    Ok(folded)
}

/// The folding of `key` without its checks: for parts of names (`co`, `sw`, `ew`) and for other text whose case doesn't
/// matter.
pub fn fold(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    text.nfd().default_case_fold().nfkc().default_case_fold().nfkc().collect()
}

fn is_refused(character: char) -> bool {
    let breaks_a_line = character.is_whitespace()
        && !matches!(character, ' ' | '\u{a0}' | '\u{2000}'..='\u{200a}' | '\u{202f}' | '\u{205f}' | '\u{3000}');
    character.is_control()
        || breaks_a_line
        || character == char::REPLACEMENT_CHARACTER
        || is_invisible(character)
        || !is_public_assigned(character)
}

/// Format characters (general category Cf) and all that a renderer may leave out (Default_Ignorable_Code_Point).
fn is_invisible(character: char) -> bool {
    matches!(character,
        '\u{ad}' | '\u{34f}' | '\u{600}'..='\u{605}' | '\u{61c}' | '\u{6dd}' | '\u{70f}' | '\u{890}'..='\u{891}'
        | '\u{8e2}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}'
        | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{110bd}' | '\u{110cd}'
        | '\u{13430}'..='\u{1343f}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn same(left: &str, right: &str) {
        assert_eq!(key(left).expect("valid"), key(right).expect("valid"), "{left:?} and {right:?}");
    }

    fn different(left: &str, right: &str) {
        assert_ne!(key(left).expect("valid"), key(right).expect("valid"), "{left:?} and {right:?}");
    }

    #[test]
    fn case_60_spellings_of_one_name_are_one_name() {
        same("Admin@Corp.test", "ADMIN@CORP.TEST");
        same("straße", "STRASSE");
        same("STRAẞE", "strasse");
        same("\u{212a}elvin", "kelvin");
        same("jos\u{e9}", "JOSE\u{301}");
        same("\u{ff21}\u{ff44}\u{ff4d}\u{ff49}\u{ff4e}", "admin");
        same("ΟΔΥΣΣΕΥΣ", "οδυσσευς");
        same("\u{fb01}ona", "Fiona");
        same("İzmir", "i\u{307}zmir");
    }

    #[test]
    fn case_60_different_names_stay_different() {
        different("admın", "admin");
        different("İzmir", "izmir");
        different("аdmin", "admin");
        different("jose", "jos\u{e9}");
        different("a b", "ab");
    }

    #[test]
    fn case_60_names_that_cannot_be_told_apart_are_refused() {
        for bad in [
            "adm\u{200b}in",
            "admin\u{200d}",
            "\u{202e}nimda",
            "adm\u{ad}in",
            "a\u{0}b",
            "a\tb",
            "a\u{2028}b",
            "a\u{fe0f}",
        ] {
            assert!(matches!(key(bad), Err(InvalidName::Character(_))), "{bad:?}");
        }
        for bad in ["a\u{e000}", "a\u{378}", "a\u{fffe}", "a\u{fffd}", "\u{e0041}a", "a\u{3164}"] {
            assert!(matches!(key(bad), Err(InvalidName::Character(_))), "{bad:?}");
        }
        for bad in ["admin ", " admin", "admin\u{a0}", "\u{3000}admin", " "] {
            assert_eq!(key(bad), Err(InvalidName::OuterSpace), "{bad:?}");
        }
        assert_eq!(key(""), Err(InvalidName::Empty));
    }

    #[test]
    fn length_is_counted_in_characters_before_and_after() {
        assert!(key(&"ä".repeat(LONGEST)).is_ok());
        assert_eq!(key(&"a".repeat(LONGEST + 1)), Err(InvalidName::TooLong));
        assert_eq!(key(&"\u{fdfa}".repeat(LONGEST)), Err(InvalidName::TooLong));
        assert_eq!(key(&"ß".repeat(LONGEST)), Err(InvalidName::TooLong));
    }

    #[test]
    fn a_key_is_its_own_key() {
        for name in [
            "Straße",
            "İzmir",
            "\u{212a}",
            "ﬃ",
            "\u{1fc3}",
            "\u{345}a",
            "ΐ",
            "Å",
            "½",
            "ǅ",
            "ꭰ",
            "Ꮉ",
            "한글",
            "e\u{301}\u{323}",
        ] {
            let once = key(name).expect("valid");
            assert_eq!(key(&once).as_ref(), Ok(&once), "{name:?}");
        }
    }

    #[test]
    fn the_reason_reads_on_after_a_field_name() {
        assert_eq!(InvalidName::Character('\u{200b}').to_string(), "must not contain the character U+200B");
        assert_eq!(InvalidName::TooLong.to_string(), "must not be longer than 256 characters");
    }

    /// Stored keys were made with these tables. Another version may fold otherwise: then the keys have to be made anew.
    #[test]
    fn the_unicode_tables_are_the_ones_the_stored_keys_were_made_with() {
        assert_eq!(caseless::UNICODE_VERSION.0, 16);
        assert_eq!(unicode_normalization::UNICODE_VERSION.0, 18);
    }
}
