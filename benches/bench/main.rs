//! `make bench`: what the product promises of speed and size, each figure beside its reference from the same run, taken in
//! turns. docs/benchmarks.md says how each is measured, and how far to trust it.

#![allow(
    clippy::disallowed_macros,
    clippy::disallowed_methods,
    reason = "a bench reads clocks and switches, and prints"
)]

mod allocations;
mod barrier;
mod commit;
mod deactivation;
mod forward_auth;
mod http;
mod in_process;
mod load;
mod log_all_users_out;
mod machine;
mod memory;
mod people;
mod place;
mod saml;
mod saml_hostile;
mod saml_peers;
mod saml_provider;
mod saml_sign_in;
mod saml_verify;
mod scim;
mod scim_create;
mod scim_find;
mod scim_members;
mod scim_pages;
mod scim_people;
mod scim_reference;
mod seed;
mod seed_scim;
mod servers;
mod settings;
mod stand;
mod stand_process;
mod start;
mod statistics;
mod table;
mod while_revoking;

/// The temporary cluster and the watchdog of the tests: what is started here ends with this process, however that ends.
#[allow(dead_code, reason = "the tests use more of it")]
#[path = "../../tests/it/support"]
mod support {
    pub mod postgres;
    pub mod programs;
    pub mod run;
}

use std::process::ExitCode;

use place::{Home, Kind};
use settings::{Line, Settings};
use stand::Stand;
use table::Table;

fn main() -> ExitCode {
    // This program is its own server: a process that is nothing else, which can be pinned and weighed.
    if std::env::args().nth(1).as_deref() == Some(stand_process::NAME) {
        return stand_process::run();
    }
    let settings = Settings::from_environment();
    let runtime = tokio::runtime::Runtime::new().expect("threads can be started");
    let table = runtime.block_on(run(&settings));
    println!("\n{}\n{table}", machine::describe(&settings, table.versions()));
    if table.is_sound() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

async fn run(settings: &Settings) -> Table {
    let mut table = Table::default();
    for kind in [Kind::Sqlite, Kind::Postgres] {
        if settings.wants_database(kind) {
            table.section(kind.name());
            let home = Home::make(kind, settings).await;
            table.version(format!("{} {}", kind.name(), home.version));
            on(&home, settings, &mut table).await;
        }
    }
    table
}

/// The lines of one database. The order matters: whoever opens an embedded database has it alone, and the last line
/// switches people off whom the others need.
async fn on(home: &Home, settings: &Settings, table: &mut Table) {
    let postgres = home.kind == Kind::Postgres;
    if settings.wants(Line::LogAllUsersOut) {
        log_all_users_out::measure(home, settings, table).await;
        if postgres {
            barrier::measure(home, settings, table).await;
        }
    }
    if settings.wants(Line::Start) {
        start::measure(home, settings, table).await;
    }
    // From memory both databases are the same: what only memory decides is measured once.
    let once = |line| !postgres && settings.wants(line);
    if once(Line::Memory)
        || once(Line::InProcess)
        || settings.wants(Line::ForwardAuth)
        || settings.wants(Line::WhileRevoking)
    {
        let mut stand = Stand::start(home);
        memory::measure(&mut stand, home, settings, table, once(Line::Memory));
        if once(Line::InProcess) {
            in_process::measure(&mut stand, settings, table);
        }
        if settings.wants(Line::ForwardAuth) {
            forward_auth::prepare(&mut stand, home);
            forward_auth::measure(&stand, home, settings, table);
        }
        if settings.wants(Line::WhileRevoking) {
            while_revoking::measure(&stand, home, settings, table);
        }
        stand.stop();
    }
    if settings.wants(Line::Scim) {
        scim::measure(home, settings, table).await;
    }
    if settings.wants(Line::Saml) {
        saml::measure(home, settings, table).await;
    }
    if postgres && settings.wants(Line::Deactivation) {
        deactivation::measure(home, settings, table).await;
    }
}
