//! Keyset pages: a list is read by "after this key", never by offset, so that no row is missed or doubled while others come
//! and go. A cursor names the last row seen; it carries no right: the reader's workspace is applied again on every page.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::error::{Error, Result};

/// Rows of a page if the caller names no number.
pub const DEFAULT_LIMIT: i64 = 50;
/// Rows of a page at the most.
pub const MAX_LIMIT: i64 = 200;

/// One page: its items and the cursor of the next one, if there is one.
#[derive(Clone, Debug)]
pub struct Page<T> {
    pub items: Vec<T>,
    pub next: Option<String>,
}

/// Where a page starts and how long it may be.
#[derive(Clone, Debug)]
pub struct PageRequest {
    /// (time or number, id) of the last row of the page before.
    pub after: Option<(i64, String)>,
    /// 1 to 200.
    pub limit: i64,
}

impl PageRequest {
    /// Reads `limit` and `after` as they come from outside.
    ///
    /// # Errors
    /// 400 naming `limit` outside 1…200, or `after` that no page of ours gave.
    pub fn parse(limit: Option<i64>, after: Option<&str>) -> Result<Self> {
        let limit = limit.unwrap_or(DEFAULT_LIMIT);
        if !(1..=MAX_LIMIT).contains(&limit) {
            return Err(Error::invalid("limit", format!("must be between 1 and {MAX_LIMIT}")));
        }
        let after = match after {
            None | Some("") => None,
            Some(text) => Some(decode(text).ok_or_else(|| Error::invalid("after", "is not a cursor of this list"))?),
        };
        Ok(Self { after, limit })
    }

    /// The first page.
    pub fn first(limit: i64) -> Self {
        Self { after: None, limit }
    }

    /// Cuts a result that was read with one row more than `limit` and names its successor.
    pub fn page<T>(&self, mut rows: Vec<T>, key: impl Fn(&T) -> (i64, String)) -> Page<T> {
        let limit = usize::try_from(self.limit).unwrap_or(1);
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next = rows.last().filter(|_| more).map(|row| encode(&key(row)));
        Page { items: rows, next }
    }
}

/// The cursor of a row, for a list that stops before its page is full.
pub fn cursor(number: i64, id: &str) -> String {
    encode(&(number, id.to_owned()))
}

fn encode((number, id): &(i64, String)) -> String {
    URL_SAFE_NO_PAD.encode(format!("{number}:{id}"))
}

fn decode(text: &str) -> Option<(i64, String)> {
    let raw = String::from_utf8(URL_SAFE_NO_PAD.decode(text).ok()?).ok()?;
    let (number, id) = raw.split_once(':')?;
    (id.len() <= 64 && id.bytes().all(|byte| byte.is_ascii_graphic())).then_some(())?;
    Some((number.parse().ok()?, id.to_owned()))
}
