//! Looking at resources: what a query is about for one kind of them, and which of some resources are results. A chunk is read,
//! judged and let go before the next, on a connection of its own, so that neither memory nor the database is held.

use serde_json::Value;

use super::candidates::{self, Candidates};
use super::client::{Client, Failure};
use super::error::ScimError;
use super::filter::{self, Effort, Filter, matches_within};
use super::plan::{self, Key};
use super::projection::Projection;
use super::query::Query;
use super::relation::{self, Needed};
use super::rows::{self, Row};
use super::schema::{Definition, ResourceType};
use crate::error::Result;

/// Resources looked at for one answer, at the most.
pub const MOST: usize = 10_000;
/// Resources read at once.
pub const CHUNK: usize = 250;

/// A query of one kind of resource.
pub struct Subject<'a> {
    pub kind: ResourceType,
    definition: &'a Definition,
    filter: Option<&'a Filter>,
    keys: Vec<Key>,
    /// What judging takes.
    needed: Needed,
    effort: Effort,
}

impl<'a> Subject<'a> {
    /// Plans it.
    ///
    /// # Errors
    /// 400 `invalidFilter` for what can't be compared.
    pub fn new(
        client: &'a Client,
        kind: ResourceType,
        filter: Option<&'a Filter>,
        query: &Query,
    ) -> Result<Self, ScimError> {
        let definition = client.definition(kind);
        if let Some(filter) = filter {
            filter::check_in(filter, definition)?;
        }
        let needed = relation::judged(filter, query.sort_by.as_deref(), definition);
        let (keys, effort) = (plan::keys(filter, definition), Effort::default());
        Ok(Self { kind, definition, filter, keys, needed, effort })
    }

    /// Whether everything is a result.
    pub fn is_unfiltered(&self) -> bool {
        self.filter.is_none()
    }

    pub fn definition(&self) -> &Definition {
        self.definition
    }

    /// Ids of resources that may be results, after one.
    pub async fn candidates(&self, client: &Client, after: &str, limit: usize) -> Result<Candidates> {
        candidates::list(client, self.kind, &self.keys, after, i64::try_from(limit).unwrap_or(i64::MAX)).await
    }

    /// The ids of all resources that may be results.
    ///
    /// # Errors
    /// 400 `tooMany` if that is more than `MOST`.
    pub async fn all_candidates(&self, client: &Client) -> Result<Vec<String>, Failure> {
        let found = self.candidates(client, "", MOST + 1).await?;
        if found.more || found.ids.len() > MOST { Err(too_many().into()) } else { Ok(found.ids) }
    }

    /// All resources that may be results, where one look-up gives them without their ids being asked for first.
    ///
    /// # Errors
    /// As `all_candidates`.
    pub async fn looked_up(&self, client: &Client) -> Result<Option<Vec<Row>>, Failure> {
        let found = rows::look_up(client, self.kind, &self.keys, MOST + 1).await?;
        if found.as_ref().is_some_and(|found| found.len() > MOST) { Err(too_many().into()) } else { Ok(found) }
    }

    /// The results among some resources, in order, each with the whole resource as it was judged; null if nothing was to judge.
    ///
    /// # Errors
    /// 400 `tooMany` if judging, with all that was judged before, takes too long.
    pub async fn results(&self, client: &Client, ids: &[String], sorted: bool) -> Result<Vec<(Row, Value)>, Failure> {
        self.judged(client, rows::load(client, self.kind, ids).await?, sorted).await
    }

    /// As `results`, of resources that are here.
    ///
    /// # Errors
    /// As `results`.
    pub async fn judged(
        &self,
        client: &Client,
        mut found: Vec<Row>,
        sorted: bool,
    ) -> Result<Vec<(Row, Value)>, Failure> {
        rows::relate(client, self.kind, &mut found, &self.needed).await?;
        if self.filter.is_none() && !sorted {
            return Ok(found.into_iter().map(|row| (row, Value::Null)).collect());
        }
        let whole = Projection::whole();
        let judged = found.into_iter().map(|row| {
            let resource = row.render(client, &whole);
            (row, resource)
        });
        let is_result =
            |filter: &Filter, resource: &Value| matches_within(filter, self.definition, resource, &self.effort);
        let results =
            judged.filter(|(_, resource)| self.filter.is_none_or(|filter| is_result(filter, resource))).collect();
        if self.effort.is_spent() {
            return Err(ScimError::too_many("this filter compares too much: give it fewer terms").into());
        }
        Ok(results)
    }
}

/// More than we are willing to look at.
pub fn too_many() -> ScimError {
    ScimError::too_many(format!(
        "more than {MOST} resources would have to be looked at: filter by an attribute that is looked up, or use a cursor"
    ))
}

/// The resources as an answer shows them.
pub async fn show(client: &Client, mut found: Vec<Row>, projection: &Projection) -> Result<Vec<Value>> {
    for kind in ResourceType::ALL {
        rows::relate(client, kind, &mut found, &relation::shown(kind, projection)).await?;
    }
    Ok(found.iter().map(|row| row.render(client, projection)).collect())
}
