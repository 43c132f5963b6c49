//! Values on their way into a statement and out of a row: integer, text, bytes, or the NULL of one of them.
//! No other column type exists in our schema; PostgreSQL wants to know of which type a NULL is.

use sqlx::Row as _;

use super::{fault, sqlite};
use crate::base::ids::IdText;
use crate::error::{Error, Result};

/// One argument of a statement.
#[derive(Clone, Debug)]
pub enum Value {
    Int(Option<i64>),
    Text(Option<String>),
    Bytes(Option<Vec<u8>>),
}

macro_rules! from {
    ($($type:ty => |$name:ident| $value:expr;)+) => {$(
        impl From<$type> for Value {
            fn from($name: $type) -> Self {
                $value
            }
        }
    )+};
}

from! {
    i64 => |value| Value::Int(Some(value));
    Option<i64> => |value| Value::Int(value);
    bool => |value| Value::Int(Some(i64::from(value)));
    &str => |value| Value::Text(Some(value.to_owned()));
    String => |value| Value::Text(Some(value));
    &String => |value| Value::Text(Some(value.clone()));
    Option<String> => |value| Value::Text(value);
    Option<&str> => |value| Value::Text(value.map(str::to_owned));
    &[u8; 32] => |value| Value::Bytes(Some(value.to_vec()));
    &[u8] => |value| Value::Bytes(Some(value.to_vec()));
    Vec<u8> => |value| Value::Bytes(Some(value));
}

impl<T> From<&T> for Value
where
    for<'a> IdText: From<&'a T>,
{
    fn from(id: &T) -> Self {
        Self::Text(Some(IdText::from(id).0))
    }
}

/// The arguments of a statement: `args![workspace, now, "text"]`.
#[macro_export]
macro_rules! args {
    ($($value:expr),* $(,)?) => { vec![$($crate::db::Value::from($value)),*] };
}

/// One row of a result, of either database.
pub enum Row {
    Sqlite(sqlite::Row),
    Postgres(sqlx::postgres::PgRow),
}

macro_rules! column {
    ($(#[$doc:meta])* $name:ident -> $type:ty) => {
        $(#[$doc])*
        pub fn $name(&self, column: &str) -> Result<$type> {
            match self {
                Self::Sqlite(row) => row.get(column),
                Self::Postgres(row) => row.try_get(column).map_err(fault),
            }
        }
    };
}

impl Row {
    column!(int -> i64);
    column!(optional_int -> Option<i64>);
    column!(text -> String);
    column!(optional_text -> Option<String>);
    column!(bytes -> Vec<u8>);
    column!(optional_bytes -> Option<Vec<u8>>);

    /// A flag: 0 or 1.
    pub fn flag(&self, column: &str) -> Result<bool> {
        Ok(self.int(column)? != 0)
    }

    /// A 32-byte hash.
    pub fn hash(&self, column: &str) -> Result<[u8; 32]> {
        self.bytes(column)?.try_into().map_err(|_| Error::internal(format!("{column} is not 32 bytes")))
    }
}
