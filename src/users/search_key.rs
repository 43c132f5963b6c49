//! Pure: the texts of a SCIM resource by which users are looked up, in the form in which the index holds them: folded as filters
//! compare them, and cut, because no index takes a text of any length. Equal texts have equal keys, and the key of a text
//! begins with the key of what it begins with; not the other way round, so what is found has to be judged.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::base::canonical;

/// The attribute of `displayName`, in the index.
pub const DISPLAY_NAME: &str = "displayName";
/// The attribute of the addresses in `emails`, whatever their type.
pub const EMAILS: &str = "emails";
/// Characters of a key: at most 800 bytes.
const LONGEST: usize = 200;

/// The key of a text.
pub fn of(text: &str) -> String {
    cut(&canonical::fold(text))
}

/// The key of a text that is folded already.
pub fn cut(folded: &str) -> String {
    folded.chars().take(LONGEST).collect()
}

/// All keys of a resource, each with its attribute.
pub fn all(resource: &Map<String, Value>) -> BTreeSet<(&'static str, String)> {
    let name = resource.get("displayName").and_then(Value::as_str).map(|text| (DISPLAY_NAME, of(text)));
    let addresses = resource.get("emails").and_then(Value::as_array).into_iter().flatten();
    let addresses = addresses.filter_map(|address| address["value"].as_str()).map(|text| (EMAILS, of(text)));
    addresses.chain(name).collect()
}

/// The least text that is greater than all which begin with `prefix`, byte by byte. `None` if there is none.
pub fn after_prefix(prefix: &str) -> Option<String> {
    let mut text = prefix.to_owned();
    while let Some(last) = text.pop() {
        let next = match last {
            '\u{d7ff}' => Some('\u{e000}'),
            last => char::from_u32(u32::from(last) + 1),
        };
        if let Some(next) = next {
            text.push(next);
            return Some(text);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_resource_has_a_key_for_its_name_and_each_of_its_addresses() {
        let resource = json!({
            "displayName": "Straße", "emails": [{"value": "A@x"}, {"value": "a@X", "type": "work"}, {"type": "home"}, {"value": "b@x"}],
        });
        let keys = all(resource.as_object().expect("an object"));
        let expected = [(DISPLAY_NAME, "strasse"), (EMAILS, "a@x"), (EMAILS, "b@x")];
        assert_eq!(keys, expected.into_iter().map(|(name, key)| (name, key.to_owned())).collect());
        assert!(all(&Map::new()).is_empty());
    }

    #[test]
    fn a_key_fits_into_an_index_and_keeps_beginnings() {
        let long = "\u{1f600}".repeat(1_000);
        assert_eq!(of(&long).len(), 800);
        assert!(of(&format!("ab{long}")).starts_with(&of("AB")));
    }

    #[test]
    fn what_begins_with_a_prefix_is_between_it_and_what_comes_after() {
        for prefix in ["a", "az", "\u{7f}", "\u{7ff}", "\u{d7ff}", "\u{ffff}", "a\u{10ffff}"] {
            let end = after_prefix(prefix).expect("not the last");
            for rest in ["", "a", "\u{10ffff}", "\u{10ffff}\u{10ffff}"] {
                let text = format!("{prefix}{rest}");
                assert!(text.as_str() >= prefix && text < end, "{text:?} {end:?}");
            }
        }
        assert_eq!(after_prefix("a\u{10ffff}"), Some("b".to_owned()));
        assert_eq!((after_prefix(""), after_prefix("\u{10ffff}")), (None, None));
    }
}
