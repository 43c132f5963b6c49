//! Pure: what a response says of the person, in the form of a shape.

use sha2::{Digest, Sha256};

use super::response_shape::guid;
use super::response_traits::{Groups, Value};
use super::signed_response::Statement;
use crate::base::text::hex;

/// The values of an attribute, or of the NameID.
pub fn values(statement: &Statement<'_>, value: Value) -> Vec<String> {
    let (email, name) = (statement.email, statement.display_name);
    let (given, family) = name.split_once(' ').unwrap_or((name, ""));
    let one = match value {
        Value::Email => email.to_owned(),
        Value::DisplayName => name.to_owned(),
        Value::GivenName => given.to_owned(),
        Value::FamilyName => family.to_owned(),
        Value::UserName => email.split('@').next().unwrap_or(email).to_owned(),
        Value::Digits => digits(email),
        Value::Guid => guid(&digits(email)),
        Value::Issuer => statement.issuer.to_owned(),
        Value::Groups => return groups(statement),
        Value::Fixed(values) => return values.iter().map(|value| (*value).to_owned()).collect(),
    };
    vec![one]
}

fn groups(statement: &Statement<'_>) -> Vec<String> {
    let each = statement.groups.iter().copied();
    match statement.shape.groups {
        Groups::Names => each.map(str::to_owned).collect(),
        Groups::Paths => each.map(|group| format!("/{group}")).collect(),
        Groups::Guids => each.map(|group| guid(&digits(group))).collect(),
        Groups::Joined => vec![statement.groups.join(";")],
    }
}

/// 64 hexadecimal digits that are always the same for the same text. No secret: an id without meaning.
fn digits(text: &str) -> String {
    hex(&Sha256::digest(text.as_bytes()))
}
