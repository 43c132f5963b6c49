//! Pages by cursor (RFC 9865): from where the last page ended to where this one is full, however much is before and after. A filter
//! that no index helps with is judged for 10,000 resources at the most; then the page ends early, and its cursor goes on.
//! Whoever is created meanwhile comes last, and nobody who was there from beginning to end is missed or seen twice.

use serde_json::Value;

use super::client::{Client, Failure};
use super::cursor::{self, Claims, Position};
use super::error::ScimError;
use super::query::Query;
use super::rows::Row;
use super::scan::{self, CHUNK, MOST, Subject};
use super::schema::ResourceType;
use super::search;
use crate::error::Result as ProductResult;
use crate::signing::{self, verify};

/// The page after a cursor. `totalResults` is left out where counting would mean to look at everything.
///
/// # Errors
/// 400 `invalidCursor`, `expiredCursor`; 400 `invalidValue` for a sorted query.
pub async fn page(
    client: &Client,
    subjects: &[Subject<'_>],
    query: &Query,
    after: &str,
    count: i64,
) -> Result<Value, Failure> {
    if query.sort_by.is_some() {
        let text = "results that are sorted can't be paged by a cursor: leave out sortBy, or use startIndex";
        return Err(ScimError::invalid_value(text).into());
    }
    let kinds: Vec<ResourceType> = subjects.iter().map(|subject| subject.kind).collect();
    let name = cursor::query_name(&client.workspace, &kinds, query.filter.as_deref());
    let from = if after.is_empty() { None } else { Some(open(client, after, &name).await?) };
    let (found, end) = walk(client, subjects, from.as_ref(), usize::try_from(count).unwrap_or(1)).await?;
    let total = total(client, subjects, from.is_none() && end.is_none(), found.len()).await?;
    let mut list = search::list_response(scan::show(client, found, &query.projection).await?);
    if let Some(total) = total {
        list["totalResults"] = total.into();
    }
    if let Some(end) = &end {
        list["nextCursor"] = seal(client, &name, end).await?.into();
    }
    Ok(list)
}

/// The results after a place, `count` at the most, and where the next page begins, if there may be one.
async fn walk(
    client: &Client,
    subjects: &[Subject<'_>],
    from: Option<&Position>,
    count: usize,
) -> Result<(Vec<Row>, Option<Position>), Failure> {
    let (mut found, mut looked) = (Vec::new(), 0);
    for subject in subjects.iter().skip_while(|subject| from.is_some_and(|from| from.kind != subject.kind)) {
        let mut after =
            from.filter(|from| from.kind == subject.kind).map(|from| from.after.clone()).unwrap_or_default();
        loop {
            // One more than is wanted tells whether there is a next page.
            let limit = if subject.is_unfiltered() { count + 1 - found.len() } else { CHUNK };
            let candidates = subject.candidates(client, &after, limit).await?;
            looked += candidates.ids.len();
            found.extend(subject.results(client, &candidates.ids, false).await?.into_iter().map(|(row, _)| row));
            if found.len() > count {
                found.truncate(count);
                let end = found.last().map(Row::position);
                return Ok((found, end));
            }
            after = candidates.ids.last().cloned().unwrap_or(after);
            if !candidates.more {
                break;
            }
            if looked >= MOST {
                return Ok((found, Some(Position { kind: subject.kind, after })));
            }
        }
    }
    Ok((found, None))
}

/// How many results all pages have; `None` if that is not known.
async fn total(client: &Client, subjects: &[Subject<'_>], is_all: bool, found: usize) -> ProductResult<Option<i64>> {
    if is_all {
        return Ok(i64::try_from(found).ok());
    }
    let mut total = 0;
    for subject in subjects {
        if !subject.is_unfiltered() {
            return Ok(None);
        }
        total += search::count(client, subject.kind).await?;
    }
    Ok(Some(total))
}

async fn seal(client: &Client, query: &str, position: &Position) -> ProductResult<String> {
    let app = &client.app;
    let claims = Claims::of(&app.config.public_url, query, position, app.clock.now());
    signing::sign(app, cursor::TYPE, &claims).await
}

/// The place that a cursor of ours names.
async fn open(client: &Client, text: &str, query: &str) -> Result<Position, Failure> {
    // A header may hold anything that JSON can, and no database text takes all of that.
    let is_plain = |kid: &str| kid.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    let kid = match verify::key_of(text, cursor::TYPE) {
        Ok(kid) if text.len() <= cursor::LONGEST && is_plain(&kid) => kid,
        _ => return Err(cursor::invalid().into()),
    };
    let key = signing::find(&client.app, &kid).await?.ok_or_else(cursor::invalid)?;
    let claims = verify::claims(text, cursor::TYPE, &key).map_err(|_| cursor::invalid())?;
    Ok(cursor::position(&claims, query, client.app.clock.now())?)
}
