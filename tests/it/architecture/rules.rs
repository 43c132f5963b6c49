//! The rules themselves. What each is for stands in docs/architecture.md.

use std::collections::{BTreeMap, BTreeSet};

use super::source::Source;

/// From the ground up; a folder knows only folders of lower rungs. Within a rung nobody knows each other both ways.
const RUNGS: [&[&str]; 9] = [
    &["base", "error", "actor", "mutant"],
    &["config", "db", "telemetry"],
    &["audit", "feed", "outbox", "signing"],
    &["policy"],
    &["sessions"],
    &["workspaces", "users"],
    &["login", "saml", "scim", "security", "forward_auth", "signals", "notices"],
    &["console", "jobs", "cli"],
    &["web", "main"],
];
/// The hub holds parts of every room, and whoever works from this rung on may use it.
const HUB_FROM: &str = "feed";
/// Where everything is put together.
const ROOTS: [&str; 5] = ["app.rs", "lib.rs", "main.rs", "cli/serve.rs", "cli/demo"];
/// The SCIM side of `http.rs`: token, media types and errors of a request.
const MORE_HANDLERS: [&str; 1] = ["scim/client.rs"];
/// The one door.
const DOOR: &str = "sessions/revoke.rs";

/// Every broken rule, a line each.
pub fn violations(sources: &[Source]) -> Vec<String> {
    let mut broken = BTreeSet::new();
    for source in sources {
        libraries(source, &mut broken);
        purity(source, &mut broken);
        rungs(source, &mut broken);
        if source.name() == "store.rs" {
            store(source, sources, &mut broken);
        }
        if is_handler(source) {
            handler(source, &mut broken);
        }
    }
    acquaintances(sources, &mut broken);
    door(sources, &mut broken);
    broken.into_iter().collect()
}

/// Functions of stores whose statements end sessions: they set `ended_at`, or raise an epoch.
pub fn enders(sources: &[Source]) -> BTreeSet<String> {
    let stores = sources.iter().filter(|source| source.name() == "store.rs");
    let functions = stores.flat_map(|store| &store.functions);
    functions.filter(|(_, text)| ends_sessions(text)).map(|(name, _)| name.clone()).collect()
}

fn ends_sessions(text: &str) -> bool {
    let text = text.replace('\\', " ").split_whitespace().collect::<Vec<_>>().join(" ");
    ["UPDATE session SET ", "UPDATE users SET ", "UPDATE workspace SET "].into_iter().any(|start| {
        text.split(start).skip(1).any(|rest| {
            let assignments = rest.split(" WHERE").next().unwrap_or(rest);
            assignments.split(',').map(str::trim).any(|assignment| {
                let (column, value) = assignment.split_once('=').unwrap_or((assignment, ""));
                column.trim() == "ended_at" || (column.trim() == "epoch" && value.trim() != "epoch")
            })
        })
    })
}

fn rung(folder: &str) -> Option<usize> {
    RUNGS.iter().position(|rung| rung.contains(&folder))
}

fn is_root(source: &Source) -> bool {
    ROOTS.iter().any(|root| {
        source.path == *root || source.path.starts_with(&format!("{root}/")) || source.path == format!("{root}.rs")
    })
}

/// Parses, calls one operation, renders: such a file stands at the top of the house, wherever its folder is.
fn is_handler(source: &Source) -> bool {
    source.name().ends_with("http.rs") || source.folder() == "console" || MORE_HANDLERS.contains(&source.path.as_str())
}

fn libraries(source: &Source, broken: &mut BTreeSet<String>) {
    for word in ["sqlx", "rusqlite"] {
        if source.has_word(word) && source.folder() != "db" {
            broken.insert(format!("{} uses {word}: only db/ does", source.path));
        }
    }
    let speaks_http = is_handler(source) || source.folder() == "web" || source.path.starts_with("cli/demo");
    if !speaks_http && ["poem", "poem_openapi"].into_iter().any(|word| source.has_word(word)) {
        broken.insert(format!("{} uses poem: only http.rs, web/ and console/ do", source.path));
    }
}

fn purity(source: &Source, broken: &mut BTreeSet<String>) {
    if !source.pure {
        return;
    }
    for word in ["async", "sqlx", "rusqlite", "poem"] {
        if source.has_word(word) {
            broken.insert(format!("{} is pure and uses {word}", source.path));
        }
    }
    for room in ["db", "app"] {
        if source.paths.iter().any(|path| path[0] == room) {
            broken.insert(format!("{} is pure and uses crate::{room}", source.path));
        }
    }
}

fn rungs(source: &Source, broken: &mut BTreeSet<String>) {
    if is_root(source) {
        return;
    }
    let Some(own) = rung(source.folder()) else {
        broken.insert(format!("{} has no rung", source.path));
        return;
    };
    if is_handler(source) {
        return;
    }
    for path in &source.paths {
        let target = path[0].as_str();
        if target == "app" && Some(own) < rung(HUB_FROM) {
            broken.insert(format!("{} imports the hub from below", source.path));
        } else if rung(target).is_some_and(|other| other > own) {
            broken.insert(format!("{} imports a higher rung: {}", source.path, path.join("::")));
        }
    }
}

/// Folders of one rung may know each other one way.
fn acquaintances(sources: &[Source], broken: &mut BTreeSet<String>) {
    let mut known: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for source in sources.iter().filter(|source| !is_handler(source) && !is_root(source)) {
        for path in &source.paths {
            let (own, other) = (source.folder(), path[0].as_str());
            if own != other && rung(own).is_some_and(|own| own > 0) && rung(own) == rung(other) {
                known.entry(own).or_default().insert(other);
            }
        }
    }
    for folder in known.keys() {
        if reaches(&known, folder, folder, &mut BTreeSet::new()) {
            broken.insert(format!("{folder} and others of its rung know each other: {known:?}"));
        }
    }
}

fn reaches<'a>(
    known: &BTreeMap<&'a str, BTreeSet<&'a str>>,
    from: &str,
    to: &str,
    seen: &mut BTreeSet<&'a str>,
) -> bool {
    known
        .get(from)
        .into_iter()
        .flatten()
        .any(|next| *next == to || (seen.insert(*next) && reaches(known, next, to, seen)))
}

/// A store knows the database and types, nothing that decides.
fn store(source: &Source, sources: &[Source], broken: &mut BTreeSet<String>) {
    for path in &source.paths {
        let known = ["base", "error", "db", "actor", "args", "mutant"].contains(&path[0].as_str());
        let own = path[..path.len() - 1] == module_of(source) || path[..] == module_of(source);
        // A join reads columns of a lower room, and that room's store knows how.
        let lower = path.get(1).is_some_and(|file| file == "store") && rung(&path[0]) < rung(source.folder());
        if !known && !own && !lower && !file_of(path, sources).is_some_and(|file| file.pure) {
            broken.insert(format!("{}: a store uses {}", source.path, path.join("::")));
        }
    }
}

fn module_of(source: &Source) -> Vec<String> {
    source.path.trim_end_matches(".rs").split('/').map(str::to_owned).collect()
}

/// The file that a path leads to.
fn file_of<'a>(path: &[String], sources: &'a [Source]) -> Option<&'a Source> {
    (1..=path.len()).rev().find_map(|length| {
        let stem = path[..length].join("/");
        sources.iter().find(|source| source.path == format!("{stem}.rs") || source.path == format!("{stem}/mod.rs"))
    })
}

fn handler(source: &Source, broken: &mut BTreeSet<String>) {
    for path in &source.paths {
        if path.iter().any(|word| word == "store") {
            broken.insert(format!("{}: a handler uses a store: {}", source.path, path.join("::")));
        }
    }
}

fn door(sources: &[Source], broken: &mut BTreeSet<String>) {
    for function in enders(sources) {
        for source in sources.iter().filter(|source| source.path != DOOR && source.calls(&function)) {
            broken.insert(format!("{} calls {function}: only the door ({DOOR}) ends sessions", source.path));
        }
    }
}
