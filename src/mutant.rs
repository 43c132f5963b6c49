//! Known faults, switched on by the tests that must notice them. Without the feature `mutants` there is nothing here but
//! `false` and 0.

/// Whether this known fault is wanted.
#[cfg(not(feature = "mutants"))]
pub const fn on(_name: &str) -> bool {
    false
}

/// Whether this known fault is wanted: `CURFEW_MUTANT`.
#[cfg(feature = "mutants")]
#[expect(clippy::disallowed_methods, reason = "a switch for tests is no setting")]
pub fn on(name: &str) -> bool {
    use std::sync::OnceLock;
    static WANTED: OnceLock<String> = OnceLock::new();
    WANTED.get_or_init(|| std::env::var("CURFEW_MUTANT").unwrap_or_default()) == name
}

/// Whether any known fault or pause is wanted: then nothing may be answered past the points where they are.
#[cfg(not(feature = "mutants"))]
pub const fn any() -> bool {
    false
}

/// Whether any known fault or pause is wanted: then nothing may be answered past the points where they are.
#[cfg(feature = "mutants")]
#[expect(clippy::disallowed_methods, reason = "a switch for tests is no setting")]
pub fn any() -> bool {
    use std::sync::OnceLock;
    static ANY: OnceLock<bool> = OnceLock::new();
    let is_set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    *ANY.get_or_init(|| is_set("CURFEW_MUTANT") || is_set("CURFEW_PAUSE_AT"))
}

/// Waits at a point of the code, so that a race that needs luck becomes one that happens.
#[cfg(not(feature = "mutants"))]
pub async fn pause(_point: &str) {}

/// Waits at a point of the code if `CURFEW_PAUSE_AT` names it: `point:milliseconds`.
#[cfg(feature = "mutants")]
#[expect(clippy::disallowed_methods, reason = "a switch for tests is no setting")]
pub async fn pause(point: &str) {
    let wanted = std::env::var("CURFEW_PAUSE_AT").unwrap_or_default();
    for (name, wait) in wanted.split(',').filter_map(|part| part.split_once(':')) {
        if name == point
            && let Ok(wait) = wait.parse()
        {
            tokio::time::sleep(std::time::Duration::from_millis(wait)).await;
        }
    }
}

/// How far the wall clock is wrong: not at all.
#[cfg(not(feature = "mutants"))]
pub const fn clock_offset_ms() -> i64 {
    0
}

/// How far the wall clock is wrong, in milliseconds: what the file named by `CURFEW_CLOCK_OFFSET_FILE` holds at this moment.
/// Nothing if there is none. It is read anew each time: a clock jumps under a running process.
#[cfg(feature = "mutants")]
#[expect(clippy::disallowed_methods, reason = "a switch for tests is no setting")]
pub fn clock_offset_ms() -> i64 {
    use std::sync::OnceLock;
    static FILE: OnceLock<Option<std::ffi::OsString>> = OnceLock::new();
    let Some(file) = FILE.get_or_init(|| std::env::var_os("CURFEW_CLOCK_OFFSET_FILE")) else { return 0 };
    std::fs::read_to_string(file).ok().and_then(|text| text.trim().parse().ok()).unwrap_or_default()
}

/// The environment without these switches, which are no settings.
#[cfg(feature = "mutants")]
#[expect(clippy::disallowed_methods, reason = "a switch for tests is no setting")]
pub fn environment() -> std::collections::HashMap<String, String> {
    const SWITCHES: [&str; 3] = ["CURFEW_MUTANT", "CURFEW_PAUSE_AT", "CURFEW_CLOCK_OFFSET_FILE"];
    let text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
        Some((name.into_string().ok()?, value.into_string().ok()?))
    };
    std::env::vars_os().filter_map(text).filter(|(name, _)| !SWITCHES.contains(&name.as_str())).collect()
}
