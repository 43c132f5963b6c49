//! Bodies: right ones, of which a few members are then wrong, twice there, enormous, or no JSON at all.

use serde_json::{Value, json};

use super::filters;
use super::words::{ATTRIBUTES, NAMES, VALUES};
use crate::history::dice::Dice;

/// The members of an object, each as it stands in the text.
struct Members(Vec<(String, String)>);

impl Members {
    fn of(value: &Value) -> Self {
        let object = value.as_object().expect("an object");
        Self(object.iter().map(|(name, value)| (name.clone(), value.to_string())).collect())
    }

    fn text(&self) -> String {
        let members: Vec<String> = self.0.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
        format!("{{{}}}", members.join(","))
    }

    /// Makes some of it wrong; none in one of four.
    fn spoil(mut self, dice: &mut Dice) -> Self {
        for _ in 0..dice.below(4) {
            let at = dice.below(self.0.len());
            let (name, value) = self.0[at].clone();
            match dice.below(6) {
                0 => self.0[at].1 = (*dice.pick(&VALUES)).to_owned(),
                1 => self.0.push((respelt(dice, &name), value)),
                2 => self.0.push((respelt(dice, &name), (*dice.pick(&VALUES)).to_owned())),
                3 => self.0[at].0 = respelt(dice, &name),
                _ => self.0.push(any_member(dice)),
            }
        }
        self
    }
}

/// A name in a spelling that means the same, or does not.
fn respelt(dice: &mut Dice, name: &str) -> String {
    match dice.below(5) {
        0 => name.to_owned(),
        1 => name.to_uppercase(),
        2 => name.chars().map(|letter| format!("\\u{:04x}", u32::from(letter) & 0xffff)).collect(),
        3 => name.replace('i', "\u{130}").replace('s', "\u{17f}"),
        _ => format!("{name}\\u200b"),
    }
}

pub fn user(dice: &mut Dice, serial: u64) -> Vec<u8> {
    let name = match dice.below(3) {
        0 => (*dice.pick(&NAMES)).to_owned(),
        1 => format!("{}{serial}", dice.pick(&NAMES)),
        _ => format!("user-{serial}@corp.test"),
    };
    let whole = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": name, "externalId": serial.to_string(),
        "name": {"givenName": "Ada", "familyName": "L"}, "active": true, "title": "Countess",
        "emails": [{"value": format!("user-{serial}@corp.test"), "type": "work", "primary": true}],
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {"department": "R&D", "manager": {"value": "1"}},
    });
    finished(dice, Members::of(&whole))
}

pub fn group(dice: &mut Dice, member: &str) -> Vec<u8> {
    let whole = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": *dice.pick(&NAMES), "externalId": "1",
        "members": [{"value": member}, {"value": *dice.pick(&[member, "0", "", "nobody"]), "$ref": null}],
    });
    finished(dice, Members::of(&whole))
}

pub fn patch(dice: &mut Dice) -> Vec<u8> {
    let operations: Vec<String> = (0..=dice.below(3)).map(|_| operation(dice)).collect();
    let mut message = Members::of(&json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"]}));
    message.0.push(("Operations".into(), format!("[{}]", operations.join(","))));
    finished(dice, message)
}

fn operation(dice: &mut Dice) -> String {
    let kind = *dice.pick(&["add", "Replace", "REMOVE", "remove", "move", "", "replace"]);
    let mut members = Members::of(&json!({"op": kind}));
    if dice.below(3) > 0 {
        members.0.push(("path".into(), Value::from(filters::path(dice)).to_string()));
    }
    let value = if dice.below(4) > 0 { (*dice.pick(&VALUES)).to_owned() } else { named_values(dice) };
    members.0.push(("value".into(), value));
    if dice.below(4) == 0 { members.spoil(dice).text() } else { members.text() }
}

/// The object of an operation without a path.
fn named_values(dice: &mut Dice) -> String {
    Members((0..=dice.below(3)).map(|_| any_member(dice)).collect()).text()
}

fn any_member(dice: &mut Dice) -> (String, String) {
    ((*dice.pick(&ATTRIBUTES)).to_owned(), (*dice.pick(&VALUES)).to_owned())
}

pub fn search(dice: &mut Dice) -> Vec<u8> {
    let filter = if dice.below(12) == 0 { filters::enormous(dice) } else { filters::filter(dice) };
    let whole = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"], "filter": filter, "count": 5,
        "sortBy": *dice.pick(&ATTRIBUTES), "attributes": [*dice.pick(&ATTRIBUTES)],
    });
    finished(dice, Members::of(&whole))
}

pub fn bulk(dice: &mut Dice, user: &str, serial: u64) -> Vec<u8> {
    let method = *dice.pick(&["POST", "PATCH", "PUT", "post", "GET", ""]);
    let path = *dice.pick(&["/Users", "/Groups", "/Users/bulkId:a", "Users", "/Bulk", "//", "/Users/../Groups", ""]);
    let (path, data) = match dice.below(3) {
        0 => (format!("/Users/{user}"), patch(dice)),
        _ => (path.to_owned(), self::user(dice, serial)),
    };
    let whole = json!({"method": method, "path": path, "bulkId": "a", "version": "W/\"1\""});
    let mut operation = Members::of(&whole);
    operation.0.push(("data".into(), String::from_utf8_lossy(&data).into_owned()));
    let operation = operation.spoil(dice).text();
    let mut message = Members::of(&json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"]}));
    message.0.push(("failOnErrors".into(), (*dice.pick(&["1", "0", "-1", "null", "\"1\""])).to_owned()));
    message.0.push(("Operations".into(), format!("[{operation},{operation}]")));
    finished(dice, message)
}

/// The bytes that are sent: mostly the object as it is, rarely with something enormous in it, or broken.
fn finished(dice: &mut Dice, members: Members) -> Vec<u8> {
    let mut members = members.spoil(dice);
    if dice.below(40) == 0 {
        members.0.push(((*dice.pick(&ATTRIBUTES)).to_owned(), enormous(dice)));
    }
    let text = members.text();
    match dice.below(24) {
        0 => format!("\u{feff}{text}").into_bytes(),
        1 => format!("/* {text} */ {text} // end").into_bytes(),
        2 => format!("[{text}]").into_bytes(),
        3 => format!("{text}{text}").into_bytes(),
        4 => text.replace('}', ",}").into_bytes(),
        5 => text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
        6 => Vec::new(),
        7 => {
            let mut bytes = text.into_bytes();
            let at = dice.below(bytes.len());
            drop(bytes.splice(at..at, *dice.pick(&[*b"\xff\xfe", *b"\xc0\x80", *b"\xed\xa0", *b"\x80\x00"])));
            bytes
        }
        8 => {
            let mut bytes = text.into_bytes();
            bytes.truncate(dice.below(bytes.len()));
            bytes
        }
        _ => text.into_bytes(),
    }
}

/// A value of nearly a megabyte, or of ten thousand levels.
fn enormous(dice: &mut Dice) -> String {
    match dice.below(8) {
        0 => format!("{}1{}", "[".repeat(10_000), "]".repeat(10_000)),
        1 => format!("{}1{}", "{\"a\":".repeat(10_000), "}".repeat(10_000)),
        2 => format!("\"{}\"", "x".repeat(1_000_000)),
        3 => format!("\"{}\"", "\\u00df".repeat(150_000)),
        4 => format!("[{}]", vec!["{\"value\":\"x\"}"; 60_000].join(",")),
        5 => format!(
            "[{}]",
            (0..25_000).map(|number| format!("{{\"value\":\"{number}\"}}")).collect::<Vec<_>>().join(",")
        ),
        6 => format!("{{{}}}", (0..50_000).map(|number| format!("\"k{number}\":0")).collect::<Vec<_>>().join(",")),
        _ => "9".repeat(900_000),
    }
}
