//! Pure: JSON from outside, strictly. serde_json keeps the last of two equal names without a word, so `active` twice, or
//! `active` beside `Active`, would let the client choose which one a proxy in front sees. Here both are refused, at every
//! depth. It knows no schema.

use std::collections::HashSet;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use super::error::ScimError;

/// How deep objects and arrays may be nested. A SCIM message needs 7.
pub const MAX_DEPTH: usize = 32;

/// Reads a body that has to be one JSON object.
///
/// # Errors
/// 400 `invalidSyntax`: not JSON, not UTF-8, a lone surrogate, something after the end, not an object, nested deeper than
/// `MAX_DEPTH`, or a name twice in one object (names of attributes are case-insensitive, RFC 7643 §2.1).
pub fn object(body: &[u8]) -> Result<Map<String, Value>, ScimError> {
    let mut reader = serde_json::Deserializer::from_slice(body);
    let value = Strict { depth: 0 }.deserialize(&mut reader);
    let whole = value.and_then(|value| reader.end().map(|()| value));
    match whole {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) => Err(ScimError::invalid_syntax("the body must be a JSON object")),
        Err(error) => Err(ScimError::invalid_syntax(format!("the body can't be read as JSON: {error}"))),
    }
}

/// Builds a `Value` at a depth and looks at every name on the way.
#[derive(Clone, Copy)]
struct Strict {
    depth: usize,
}

impl Strict {
    fn deeper<E: Error>(self) -> Result<Self, E> {
        if self.depth == MAX_DEPTH {
            return Err(E::custom(format!("nested deeper than {MAX_DEPTH}")));
        }
        Ok(Self { depth: self.depth + 1 })
    }
}

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("a number out of range"))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E: Error>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let inner = self.deeper::<A::Error>()?;
        let mut items = Vec::new();
        while let Some(item) = access.next_element_seed(inner)? {
            items.push(item);
        }
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let inner = self.deeper::<A::Error>()?;
        let mut names = HashSet::new();
        let mut object = Map::new();
        while let Some(name) = access.next_key::<String>()? {
            if !names.insert(name.to_ascii_lowercase()) {
                let shown: String = name.chars().take(64).collect();
                return Err(A::Error::custom(format!("`{shown}` stands twice in one object")));
            }
            object.insert(name, access.next_value_seed(inner)?);
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(body: &str) -> String {
        let error = object(body.as_bytes()).expect_err(body);
        assert_eq!((error.status, error.scim_type), (400, Some("invalidSyntax")), "{body}");
        error.detail
    }

    #[test]
    fn case_59_a_name_stands_once_whatever_its_case() {
        assert!(refused(r#"{"active":false,"active":true}"#).contains("`active` stands twice"));
        assert!(refused(r#"{"Active":false,"active":true}"#).contains("stands twice"));
        assert!(refused(r#"{"emails":[{"value":"a","VALUE":"b"}]}"#).contains("stands twice"));
        assert!(refused(r#"{"a":{"\u0062":1,"b":2}}"#).contains("stands twice"));
    }

    #[test]
    fn case_59_nesting_has_an_end() {
        let nested = |depth: usize| format!("{{\"a\":{}{}}}", "[".repeat(depth), "]".repeat(depth));
        assert!(object(nested(MAX_DEPTH - 1).as_bytes()).is_ok());
        assert!(refused(&nested(MAX_DEPTH)).contains("nested deeper"));
        refused(&nested(10_000));
        refused(&format!("{}1{}", "{\"a\":".repeat(10_000), "}".repeat(10_000)));
    }

    #[test]
    fn what_is_not_one_json_object_is_refused() {
        for body in
            ["", "{oops", "[]", "null", "\"x\"", "{} {}", "{}x", r#"{"a":"\ud800"}"#, r#"{"a":1e999}"#, "{\"a\":NaN}"]
        {
            refused(body);
        }
        assert!(object(b"{\"a\":\"\xff\"}").is_err());
    }

    #[test]
    fn every_kind_of_value_comes_through() {
        let body =
            r#"{"a":null,"b":true,"c":-1,"d":18446744073709551615,"e":1.5,"f":"\u00e9","g":[{}],"__proto__":{"x":1}}"#;
        let read = object(body.as_bytes()).expect("valid");
        assert_eq!(Value::Object(read), serde_json::from_str::<Value>(body).expect("valid"));
    }
}
