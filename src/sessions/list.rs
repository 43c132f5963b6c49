//! Lists of live sessions, newest first.

use super::model::{Count, Facts, ListFilter};
use super::{count_store, store};
use crate::app::App;
use crate::base::ids::{SessionId, UserId, WorkspaceId};
use crate::base::page::{self, Page, PageRequest};
use crate::error::{Error, Result};
use ipnet::IpNet;

/// Rows looked at for a page that is filtered by network, at the most.
const SCAN_LIMIT: usize = 5_000;

/// A page of live sessions. `network` keeps those last seen from it; it is judged here, not by the database, and a page may
/// therefore be shorter than asked although another follows.
pub async fn list(
    app: &App,
    workspace: &WorkspaceId,
    filter: &ListFilter,
    network: Option<IpNet>,
    wanted_page: &PageRequest,
) -> Result<Page<Facts>> {
    let mut read = app.db.read().await?;
    let now = app.clock.now();
    let mut before = wanted_page.after.as_ref().map(|(_, id)| id.clone()).unwrap_or_default();
    let wanted = usize::try_from(wanted_page.limit + 1).unwrap_or(1);
    let (mut found, mut seen) = (Vec::new(), 0);
    let unread;
    loop {
        let rows = store::list(&mut read, workspace, filter, now, &before, wanted_page.limit + 1).await?;
        let last = rows.len() < wanted;
        seen += rows.len();
        if let Some(row) = rows.last() {
            before = row.session.id.to_string();
        }
        found.extend(rows.into_iter().filter(|row| network.is_none_or(|network| within(row, &network))));
        if last || found.len() >= wanted || seen >= SCAN_LIMIT {
            unread = !last;
            break;
        }
    }
    let listed = wanted_page.page(found, |row| (row.session.created_at, row.session.id.to_string()));
    // A search that stopped early goes on where it stopped: no next page would mean that there are no more.
    let next = listed.next.or_else(|| unread.then(|| page::cursor(0, &before)));
    Ok(Page { items: listed.items, next })
}

fn within(row: &Facts, network: &IpNet) -> bool {
    row.session.last_ip.parse::<std::net::IpAddr>().is_ok_and(|ip| network.contains(&ip.to_canonical()))
}

/// One session, whether it lives or not.
///
/// # Errors
/// 404 if the workspace has none with this id.
pub async fn load(app: &App, workspace: &WorkspaceId, session: &SessionId) -> Result<Facts> {
    let found = store::find_facts_by_id(&mut app.db.read().await?, workspace, session).await?;
    found.ok_or_else(|| Error::not_found("session"))
}

/// How many sessions live, of a user or of everybody.
pub async fn count(app: &App, workspace: &WorkspaceId, user: Option<&UserId>) -> Result<Count> {
    count_store::count_live(&mut app.db.read().await?, workspace, user, None, app.clock.now()).await
}
