//! Brakes on guessing: one for each account, kept in the database so that all replicas share it, and one for each
//! address, kept in this process.

use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

use super::store;
use crate::app::App;
use crate::base::ids::WorkspaceId;
use crate::error::{Error, Result, TOO_MANY_ATTEMPTS};
use crate::transact;

/// The first wait after too many failures; it doubles with each further one.
const FIRST_WAIT_MS: i64 = 30_000;
/// The longest wait: 15 minutes.
const LONGEST_WAIT_MS: i64 = 15 * 60_000;
/// Failures older than this are forgotten.
pub const MEMORY_MS: i64 = 60 * 60_000;

/// Attempts of each address in a minute. An IPv6 client is its /64: single addresses are free for it to change.
pub struct AddressThrottle {
    passwords: DefaultKeyedRateLimiter<IpAddr>,
    redirects: DefaultKeyedRateLimiter<IpAddr>,
    log_outs: DefaultKeyedRateLimiter<IpAddr>,
    /// Not of an address, but of a workspace.
    refusals: DefaultKeyedRateLimiter<WorkspaceId>,
}

/// A redirect to an identity provider guesses nothing and costs little: so many times as often as a password. So does a message
/// of single logout.
const REDIRECTS: u32 = 10;
/// Refusals of what nobody signed that one workspace's audit log takes in a minute.
const REFUSALS: NonZeroU32 = NonZeroU32::new(60).expect("60 is not 0");

impl AddressThrottle {
    pub fn new(per_minute: u32) -> Self {
        let limiter = |times: u32| {
            let allowed = NonZeroU32::new(per_minute.saturating_mul(times)).unwrap_or(NonZeroU32::MIN);
            RateLimiter::keyed(Quota::per_minute(allowed))
        };
        Self {
            passwords: limiter(1),
            redirects: limiter(REDIRECTS),
            log_outs: limiter(REDIRECTS),
            refusals: RateLimiter::keyed(Quota::per_minute(REFUSALS)),
        }
    }

    /// Counts an attempt with a password.
    ///
    /// # Errors
    /// 429 with the time to wait.
    pub fn admit_password(&self, address: Option<IpAddr>) -> Result<()> {
        admit(&self.passwords, address)
    }

    /// Counts a redirect to an identity provider.
    ///
    /// # Errors
    /// 429 with the time to wait.
    pub fn admit_redirect(&self, address: Option<IpAddr>) -> Result<()> {
        admit(&self.redirects, address)
    }

    /// Counts a message of single logout. Signing in and signing out don't keep each other waiting.
    ///
    /// # Errors
    /// 429 with the time to wait.
    pub fn admit_log_out(&self, address: Option<IpAddr>) -> Result<()> {
        admit(&self.log_outs, address)
    }

    /// Counts a refusal of what nobody signed whom we know; false if there were too many to write another into the audit log.
    pub fn admits_refusal(&self, workspace: &WorkspaceId) -> bool {
        self.refusals.check_key(workspace).is_ok()
    }

    /// Forgets addresses that have been quiet.
    pub fn tidy(&self) {
        self.passwords.retain_recent();
        self.redirects.retain_recent();
        self.log_outs.retain_recent();
        self.refusals.retain_recent();
    }
}

fn admit(limiter: &DefaultKeyedRateLimiter<IpAddr>, address: Option<IpAddr>) -> Result<()> {
    let Some(address) = address else { return Ok(()) };
    let clock = DefaultClock::default();
    limiter.check_key(&network(address)).map_err(|until| too_many(until.wait_time_from(clock.now())))
}

fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(six) => IpAddr::V6(Ipv6Addr::from_bits(six.to_bits() >> 64 << 64)),
        four => four,
    }
}

/// Counts an attempt on an account before its password is looked at, so that a hundred guesses at once are a hundred guesses.
/// A success takes the count back.
///
/// # Errors
/// 429 with the time to wait.
pub async fn reserve(app: &App, workspace: &WorkspaceId, account: &str) -> Result<()> {
    let now = app.clock.now();
    let allowed = app.config.sign_in.failures_per_account;
    transact!(app.db, |tx| {
        let before = store::count_failure(tx, workspace, account, now, now - MEMORY_MS).await?;
        if before.blocked_until > now {
            let wait = u64::try_from(before.blocked_until - now).unwrap_or_default();
            return Err(too_many(Duration::from_millis(wait)));
        }
        if before.failures >= allowed {
            let doublings = u32::try_from(before.failures - allowed).unwrap_or(0).min(10);
            let wait = (FIRST_WAIT_MS << doublings).min(LONGEST_WAIT_MS);
            store::block(tx, workspace, account, now + wait).await?;
        }
        Ok(())
    })
}

/// Takes an attempt back that nobody judged.
pub async fn give_back(app: &App, workspace: &WorkspaceId, account: &str) -> Result<()> {
    transact!(app.db, |tx| { store::uncount_failure(tx, workspace, account).await })
}

fn too_many(wait: Duration) -> Error {
    let wait = Duration::from_secs(wait.as_secs() + 1);
    Error::new(TOO_MANY_ATTEMPTS, "too many attempts; wait before the next one").with_retry_after(wait)
}
