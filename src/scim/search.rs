//! Queries (RFC 7644 §3.4.2, §3.4.3) of users, of groups, or of both, paged by index. Pages by cursor are `walk.rs`; a query of both
//! has users before groups, unless it is sorted.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::client::{Client, Failure};
use super::projection::Projection;
use super::query::{Paging, Query};
use super::rows::{self, Row};
use super::scan::{self, CHUNK, MOST, Subject, too_many};
use super::schema::ResourceType;
use super::sort::{self, SortOrder};
use super::{discovery, filter, group_store, store, walk};
use crate::base::ids::UserId;
use crate::error::Result as ProductResult;
use crate::users::groups::store as groups;

/// A ListResponse.
///
/// # Errors
/// 400 `invalidFilter`; 400 `tooMany` if more than 10,000 resources would have to be looked at; 400 for a cursor that isn't
/// good.
pub async fn list(client: &Client, kinds: &[ResourceType], query: &Query) -> Result<Value, Failure> {
    let filter = query.filter.as_deref().map(filter::parse).transpose()?;
    let mut subjects = Vec::new();
    for kind in kinds {
        subjects.push(Subject::new(client, *kind, filter.as_ref(), query)?);
    }
    match &query.paging {
        Paging::Cursor { cursor, count } => walk::page(client, &subjects, query, cursor, *count).await,
        Paging::Index { start, count } if filter.is_none() && query.sort_by.is_none() => {
            let (total, found) = page_of_all(client, kinds, start - 1, *count).await?;
            answer(client, total, *start, found, &query.projection).await
        }
        Paging::Index { start, count } => {
            let mut window = Window::new(query, *start, *count);
            let mut looked = 0;
            let sorted = query.sort_by.is_some();
            for subject in &subjects {
                if let Some(found) = subject.looked_up(client).await? {
                    looked += found.len();
                    if looked > MOST {
                        return Err(too_many().into());
                    }
                    window.add(subject, subject.judged(client, found, sorted).await?);
                    continue;
                }
                let ids = subject.all_candidates(client).await?;
                looked += ids.len();
                if looked > MOST {
                    return Err(too_many().into());
                }
                for chunk in ids.chunks(CHUNK) {
                    window.add(subject, subject.results(client, chunk, sorted).await?);
                }
            }
            let total = i64::try_from(window.total).unwrap_or(i64::MAX);
            answer(client, total, *start, window.rows(client).await?, &query.projection).await
        }
    }
}

async fn answer(
    client: &Client,
    total: i64,
    start: i64,
    found: Vec<Row>,
    projection: &Projection,
) -> Result<Value, Failure> {
    let shown = scan::show(client, found, projection).await?;
    let mut list = list_response(shown);
    list["totalResults"] = total.into();
    list["startIndex"] = start.into();
    Ok(list)
}

/// A ListResponse without what its paging adds.
pub(super) fn list_response(resources: Vec<Value>) -> Value {
    json!({"schemas": [discovery::LIST_URN], "itemsPerPage": resources.len(), "Resources": resources})
}

/// How many resources of a kind there are.
pub(super) async fn count(client: &Client, kind: ResourceType) -> ProductResult<i64> {
    let mut read = client.app.db.read().await?;
    match kind {
        ResourceType::User => store::count(&mut read, &client.workspace).await,
        ResourceType::Group => groups::count(&mut read, &client.workspace).await,
    }
}

/// How many there are, and a page of them.
async fn page_of_all(client: &Client, kinds: &[ResourceType], skip: i64, take: i64) -> ProductResult<(i64, Vec<Row>)> {
    let (mut total, mut left, mut found) = (0_i64, take, Vec::new());
    for kind in kinds {
        let here = count(client, *kind).await?;
        let offset = skip.saturating_sub(total).max(0);
        if left > 0 && offset < here {
            let ids = ids_from(client, *kind, offset, left).await?;
            left -= i64::try_from(ids.len()).unwrap_or(left);
            found.extend(rows::load(client, *kind, &ids).await?);
        }
        total += here;
    }
    Ok((total, found))
}

async fn ids_from(client: &Client, kind: ResourceType, offset: i64, limit: i64) -> ProductResult<Vec<String>> {
    let mut read = client.app.db.read().await?;
    match kind {
        ResourceType::User => {
            let ids = store::list_ids(&mut read, &client.workspace, offset, limit).await?;
            Ok(ids.iter().map(UserId::to_string).collect())
        }
        ResourceType::Group => group_store::list_ids(&mut read, &client.workspace, offset, limit).await,
    }
}

/// Counts results and keeps those of a page; of results that are to be sorted, only what they are sorted by.
struct Window<'a> {
    sort_by: Option<(&'a str, SortOrder)>,
    skip: usize,
    take: usize,
    total: usize,
    page: Vec<Row>,
    keys: Vec<(sort::Key, ResourceType, String)>,
}

impl<'a> Window<'a> {
    fn new(query: &'a Query, start: i64, count: i64) -> Self {
        Self {
            sort_by: query.sort_by.as_deref().map(|path| (path, query.sort_order)),
            skip: usize::try_from(start - 1).unwrap_or(0),
            take: usize::try_from(count).unwrap_or(0),
            total: 0,
            page: Vec::new(),
            keys: Vec::new(),
        }
    }

    fn add(&mut self, subject: &Subject<'_>, results: Vec<(Row, Value)>) {
        for (row, resource) in results {
            if let Some((path, _)) = self.sort_by {
                let key = sort::key_in(path, subject.definition(), &resource);
                self.keys.push((key, subject.kind, row.id().to_owned()));
            } else if self.total >= self.skip && self.page.len() < self.take {
                self.page.push(row);
            }
            self.total += 1;
        }
    }

    /// The resources of the page, in order.
    async fn rows(mut self, client: &Client) -> ProductResult<Vec<Row>> {
        let Some((_, order)) = self.sort_by else { return Ok(self.page) };
        match order {
            SortOrder::Ascending => self.keys.sort_by(|(left, ..), (right, ..)| left.cmp(right)),
            SortOrder::Descending => self.keys.sort_by(|(left, ..), (right, ..)| right.cmp(left)),
        }
        let page: Vec<_> = self.keys.into_iter().skip(self.skip).take(self.take).collect();
        let mut found = HashMap::new();
        for kind in ResourceType::ALL {
            let ids: Vec<String> = page.iter().filter(|(_, of, _)| *of == kind).map(|(_, _, id)| id.clone()).collect();
            for row in rows::load(client, kind, &ids).await? {
                found.insert((kind, row.id().to_owned()), row);
            }
        }
        Ok(page.into_iter().filter_map(|(_, kind, id)| found.remove(&(kind, id))).collect())
    }
}
