//! What is read when all is over: the audit log, and what came of each assertion.

use std::collections::HashMap;

use super::world::World;
use crate::support::Home;
use crate::support::postgres::Cluster;

/// Completes the history from the database.
pub fn read(world: &World, home: &Home, cluster: &Cluster, database: &str) {
    let entries = entries(cluster, database);
    let sessions = sessions_by_email(cluster, database);
    let verified = home.cli().run(&["audit", "verify", "--workspace", "acme"]);
    let mut history = world.recorder.history();
    history.entries = Some(entries);
    for assertion in &mut history.assertions {
        assertion.sessions = sessions.get(&assertion.email).copied().unwrap_or_default();
    }
    if verified.code != Some(0) {
        history.broken_log = Some(format!("curfew audit verify: {}{}", verified.stdout, verified.stderr));
    }
}

fn entries(cluster: &Cluster, database: &str) -> HashMap<(String, String), usize> {
    let sql = "SELECT a.entry::jsonb ->> 'request_id', a.action, count(*) FROM audit a \
               JOIN workspace w ON w.id = a.workspace_id WHERE w.slug = 'acme' GROUP BY 1, 2";
    let rows = cluster.query(database, sql);
    let read = |line: &str| {
        let mut columns = line.split('|').map(str::to_owned);
        let key = (columns.next()?, columns.next()?);
        Some((key, columns.next()?.parse().ok()?))
    };
    rows.lines().filter_map(read).collect()
}

fn sessions_by_email(cluster: &Cluster, database: &str) -> HashMap<String, usize> {
    let sql = "SELECT u.email, count(*) FROM session s JOIN users u ON u.workspace_id = s.workspace_id AND u.id = s.user_id \
               WHERE s.method = 'saml' GROUP BY 1";
    let rows = cluster.query(database, sql);
    rows.lines()
        .filter_map(|line| line.split_once('|'))
        .filter_map(|(email, count)| Some((email.to_owned(), count.parse().ok()?)))
        .collect()
}
