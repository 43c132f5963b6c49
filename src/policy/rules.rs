//! Pure: what a change of settings means for sessions and for whoever makes it.

use std::net::IpAddr;

use super::ip_allowlist::{IpAllowlist, Mode, Passage};
use super::model::OnChange;

/// Why an allowlist can't be saved as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AllowlistRefusal {
    /// Enforcing an empty list refuses everybody.
    EnforcesNothing,
    /// The caller's own address is not in it.
    LocksOutCaller,
}

/// Judges a new allowlist from the seat of the person who saves it. `caller` is `None` at the command line, which no
/// allowlist can shut out.
pub fn may_save(new: &IpAllowlist, caller: Option<IpAddr>, confirmed: bool) -> Result<(), AllowlistRefusal> {
    if new.mode == Mode::Enforce && new.entries.is_empty() {
        return Err(AllowlistRefusal::EnforcesNothing);
    }
    let shut_out = caller.is_some() && new.judge(caller) == Passage::Refused;
    if shut_out && !confirmed {
        return Err(AllowlistRefusal::LocksOutCaller);
    }
    Ok(())
}

/// What to do with sessions: what the request says, else what the policy says.
pub fn on_change(requested: Option<OnChange>, default: OnChange) -> OnChange {
    requested.unwrap_or(default)
}
