//! Brings the sessions into the stand's memory, as their first use does, and weighs the process before and after.

use super::place::{Home, Kind};
use super::settings::Settings;
use super::stand::Stand;
use super::statistics::grouped;
use super::table::{Goal, Table, progress};

/// Checks that leave nothing behind but what reading a database costs once: connections, statements, pages.
const READS: u64 = 20_000;

/// Warms the stand; a line of the table only if it is `wanted`.
pub fn measure(stand: &mut Stand, home: &Home, settings: &Settings, table: &mut Table, wanted: bool) {
    let crowd = &home.everybody;
    stand.order(&format!("read {} {} 1", crowd.series, crowd.sessions));
    let empty = stand.process.resident();
    if wanted {
        stand.order(&format!("read {} {} {READS}", crowd.series, crowd.sessions));
    }
    let after_reading = stand.process.resident();
    let seconds = match home.kind {
        Kind::Sqlite => u64::MAX,
        Kind::Postgres => settings.warm.as_secs(),
    };
    let warmed = stand.warm(crowd.series, 0..crowd.sessions, seconds);
    let full = stand.process.resident();
    let remembered: u64 = stand.order("remembered").parse().expect("a number");
    stand.distinct = warmed.checked;
    progress(&format!("  {} sessions used for the first time in {:.0} s", grouped(warmed.checked), warmed.seconds));
    if warmed.valid != warmed.checked || remembered != warmed.checked {
        let (checked, valid) = (warmed.checked, warmed.valid);
        table.wrong(format!("of {checked} live sessions {valid} were valid and {remembered} are remembered"));
    }
    if !wanted {
        return;
    }
    let each = |before: u64| full.saturating_sub(before) as f64 / warmed.checked as f64;
    let megabytes = |bytes: u64| format!("{:.1} MB", bytes as f64 / 1e6);
    table.figure(
        &format!("memory of {} cached sessions of {} users", grouped(warmed.checked), grouped(crowd.users)),
        format!("the process without: {}", megabytes(empty)),
        format!("{}: {:.0} bytes a session", megabytes(full), each(empty)),
        each(empty),
        " B",
        Goal::AtMost(150.0),
    );
    table.figure(
        "of that, beyond what reading the database costs once",
        format!("after {} reads that are not remembered: {}", grouped(READS), megabytes(after_reading)),
        format!("{:.0} bytes a session", each(after_reading)),
        each(after_reading),
        " B",
        Goal::None,
    );
}
