//! Known faults, switched on by the tests that must notice them. Without the feature `mutants` there is nothing here but
//! `false`.

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
