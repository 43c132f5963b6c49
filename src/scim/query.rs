//! Pure: what a query asks for, whether it came in the address or in a SearchRequest (RFC 7644 §3.4.2, §3.4.3, RFC 9865 §2).

use super::error::ScimError;
use super::projection::Projection;
use super::sort::SortOrder;
use crate::base::page::MAX_LIMIT;

/// A query of one or several kinds of resource.
#[derive(Clone, Debug)]
pub struct Query {
    /// `None` finds everything.
    pub filter: Option<String>,
    pub sort_by: Option<String>,
    pub sort_order: SortOrder,
    pub paging: Paging,
    pub projection: Projection,
}

/// Which part of the results is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Paging {
    /// From a position on: `start` from 1, `count` from 0 to 200.
    Index { start: i64, count: i64 },
    /// After a cursor of ours; an empty one begins. `count` from 1 to 200.
    Cursor { cursor: String, count: i64 },
}

/// A number of a query: `None` wasn't sent, `Some(None)` is no whole number.
pub type Sent = Option<Option<i64>>;

impl Paging {
    /// By a cursor if one was sent, else by index, which is lenient about what is out of range (RFC 7644 §3.4.2.4).
    ///
    /// # Errors
    /// 400 `invalidValue` for what is no number, and for a cursor with `startIndex`; 400 `invalidCount` for a cursor with a count
    /// that is not 1 to 200.
    pub fn new(cursor: Option<String>, start_index: Sent, count: Sent) -> Result<Self, ScimError> {
        let Some(cursor) = cursor else {
            let start = whole("startIndex", start_index)?.unwrap_or(1).max(1);
            let count = whole("count", count)?.unwrap_or(MAX_LIMIT).clamp(0, MAX_LIMIT);
            return Ok(Self::Index { start, count });
        };
        if start_index.is_some() {
            return Err(ScimError::invalid_value("cursor and startIndex can't be given together"));
        }
        match count.unwrap_or(Some(MAX_LIMIT)) {
            Some(count) if (1..=MAX_LIMIT).contains(&count) => Ok(Self::Cursor { cursor, count }),
            _ => Err(ScimError::invalid_count(format!("with a cursor, count must be from 1 to {MAX_LIMIT}"))),
        }
    }
}

fn whole(name: &str, sent: Sent) -> Result<Option<i64>, ScimError> {
    match sent {
        Some(None) => Err(ScimError::invalid_value(format!("{name} must be a whole number"))),
        Some(number) => Ok(number),
        None => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_14_an_index_out_of_range_is_moved_into_it() {
        let by_index = |start, count| Paging::new(None, start, count);
        assert_eq!(by_index(None, None), Ok(Paging::Index { start: 1, count: 200 }));
        assert_eq!(by_index(Some(Some(0)), Some(Some(0))), Ok(Paging::Index { start: 1, count: 0 }));
        assert_eq!(by_index(Some(Some(-1)), Some(Some(-1))), Ok(Paging::Index { start: 1, count: 0 }));
        assert_eq!(by_index(Some(Some(7)), Some(Some(1_000_000_000))), Ok(Paging::Index { start: 7, count: 200 }));
        assert_eq!(by_index(Some(None), None).expect_err("no number").scim_type, Some("invalidValue"));
    }

    #[test]
    fn case_28_a_cursor_is_strict_about_the_count() {
        let by_cursor = |start, count| Paging::new(Some(String::new()), start, count);
        assert_eq!(by_cursor(None, None), Ok(Paging::Cursor { cursor: String::new(), count: 200 }));
        assert!(by_cursor(None, Some(Some(1))).is_ok() && by_cursor(None, Some(Some(200))).is_ok());
        for count in [Some(0), Some(-1), Some(201), None] {
            assert_eq!(by_cursor(None, Some(count)).expect_err("refused").scim_type, Some("invalidCount"));
        }
        assert_eq!(by_cursor(Some(Some(1)), None).expect_err("both").scim_type, Some("invalidValue"));
    }
}
