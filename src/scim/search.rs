//! Finding provisioned users: by an index where the filter names one, else by looking at a bounded number of them.

use serde_json::Value;

use super::client::{Client, Failure};
use super::error::ScimError;
use super::filter::{self, Filter, Lookup};
use super::matching::matches;
use super::projection::Projection;
use super::schema::ResourceType;
use super::sort::{self, SortOrder};
use super::{discovery, http, store};
use crate::base::page::MAX_LIMIT;
use crate::error::Result as ProductResult;
use crate::users::model::{Source, User};
use crate::users::store as users;

/// Users looked at for a filter without an index, at the most.
const SCAN_LIMIT: i64 = 10_000;

/// What is asked for (RFC 7644 §3.4.2).
#[derive(Debug, Default)]
pub struct Query {
    pub filter: Option<String>,
    pub sort_by: Option<String>,
    pub sort_order: SortOrder,
    /// 1-based; less is 1.
    pub start_index: i64,
    /// Negative is 0.
    pub count: i64,
    pub projection: Projection,
}

impl Query {
    /// How many results to leave out, and how many to show then.
    pub fn window(&self) -> (usize, usize) {
        let skip = usize::try_from(self.start_index.max(1) - 1).unwrap_or(usize::MAX);
        (skip, usize::try_from(self.count.clamp(0, MAX_LIMIT)).unwrap_or(0))
    }
}

/// A ListResponse of users.
///
/// # Errors
/// 400 `invalidFilter`; 400 `tooMany` if more than 10,000 users would have to be looked at.
pub async fn users(client: &Client, query: &Query) -> Result<Value, Failure> {
    let start = query.start_index.max(1);
    let count = query.count.clamp(0, MAX_LIMIT);
    let parsed = match query.filter.as_deref().filter(|text| !text.is_empty()) {
        Some(text) => Some(filter::parse(text)?),
        None => None,
    };
    if let Some(parsed) = &parsed {
        filter::check(parsed, ResourceType::User)?;
    }
    if parsed.is_none() && query.sort_by.is_none() {
        let (total, found) = page(client, start - 1, count).await?;
        let mut shown = Vec::new();
        for user in &found {
            shown.push(http::render(client, user, &super::users::groups_of(client, user).await?, &query.projection));
        }
        return Ok(list_response(total, start, shown));
    }
    let found = candidates(client, parsed.as_ref()).await?;
    let whole = Projection::default();
    let mut kept: Vec<Value> = Vec::new();
    for user in &found {
        let resource = http::render(client, user, &[], &whole);
        if parsed.as_ref().is_none_or(|parsed| matches(parsed, ResourceType::User, &resource)) {
            kept.push(resource);
        }
    }
    if let Some(path) = &query.sort_by {
        sort::sort(&mut kept, path, query.sort_order, ResourceType::User);
    }
    let (skip, take) = query.window();
    let mut shown = Vec::new();
    for resource in kept.iter().skip(skip).take(take) {
        if let Some(user) = found.iter().find(|user| resource["id"] == user.id.as_str()) {
            shown.push(http::render(client, user, &super::users::groups_of(client, user).await?, &query.projection));
        }
    }
    Ok(list_response(i64::try_from(kept.len()).unwrap_or(i64::MAX), start, shown))
}

async fn page(client: &Client, offset: i64, count: i64) -> ProductResult<(i64, Vec<User>)> {
    let mut read = client.app.db.read().await?;
    let total = store::count(&mut read, &client.workspace).await?;
    let mut found = Vec::new();
    for id in store::list_ids(&mut read, &client.workspace, offset, count).await? {
        found.extend(users::find(&mut read, &client.workspace, &id).await?);
    }
    Ok((total, found))
}

/// Users among whom every match is.
async fn candidates(client: &Client, parsed: Option<&Filter>) -> Result<Vec<User>, Failure> {
    let workspace = &client.workspace;
    let mut read = client.app.db.read().await?;
    let found = match parsed.and_then(filter::lookup) {
        Some(Lookup::UserName(key)) => users::find_by_name(&mut read, workspace, &key).await?.into_iter().collect(),
        Some(Lookup::ExternalId(external)) => users::list_by_external_id(&mut read, workspace, &external).await?,
        Some(Lookup::WorkEmail(key)) => users::list_by_email(&mut read, workspace, &key).await?,
        Some(Lookup::Id(id)) => {
            let id = crate::base::ids::UserId::from_text(id);
            users::find(&mut read, workspace, &id).await?.into_iter().collect()
        }
        Some(Lookup::DisplayName(_)) | None => {
            if store::count(&mut read, workspace).await? > SCAN_LIMIT {
                let text = format!(
                    "more than {SCAN_LIMIT} users would have to be looked at: filter by userName or externalId"
                );
                return Err(ScimError::too_many(text).into());
            }
            users::list(&mut read, workspace, "", SCAN_LIMIT).await?
        }
    };
    Ok(found.into_iter().filter(|user| user.source == Source::Scim).collect())
}

/// A ListResponse (RFC 7644 §3.4.2).
pub fn list_response(total: i64, start: i64, resources: Vec<Value>) -> Value {
    serde_json::json!({
        "schemas": [discovery::LIST_URN],
        "totalResults": total,
        "startIndex": start,
        "itemsPerPage": resources.len(),
        "Resources": resources,
    })
}
