//! Pure: who is in the databases of a bench. Every token and id follows from a series and a number, so that none is stored.

use curfew::base::clock::UnixMillis;
use curfew::base::ids::{WorkspaceId, uuid_v7};
use curfew::base::random::Random;
use curfew::base::secret::{Secret, SecretKind};
use sha2::{Digest, Sha256};

const HOUR: i64 = 3_600_000;

/// When sessions were last used, as the database says at the start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    /// An hour ahead: no use is due to be noted while the bench runs. What noting costs has a line of its own.
    JustNow,
    /// Ten minutes ago: the next use is noted.
    Earlier,
}

/// Sessions of a workspace that were seeded together.
#[derive(Clone, Debug)]
pub struct Crowd {
    pub workspace: WorkspaceId,
    pub slug: String,
    /// Tells the tokens of crowds apart.
    pub series: u64,
    /// Whose people they are: a crowd may belong to another's people.
    pub people: u64,
    pub sessions: u64,
    pub users: u64,
    pub seen: Seen,
    pub born: UnixMillis,
}

/// Bytes that follow from two numbers. Nothing but a bench may make secrets of them.
struct Nth(u64, u64);

impl Random for Nth {
    fn fill(&self, bytes: &mut [u8]) {
        for (index, chunk) in bytes.chunks_mut(32).enumerate() {
            let block = Sha256::new()
                .chain_update(b"bench")
                .chain_update(self.0.to_be_bytes())
                .chain_update(self.1.to_be_bytes())
                .chain_update([u8::try_from(index).unwrap_or(u8::MAX)])
                .finalize();
            chunk.copy_from_slice(&block[..chunk.len()]);
        }
    }
}

// Series of ids, apart from those of tokens.
const SESSION_IDS: u64 = 1 << 40;
const USER_IDS: u64 = 1 << 41;

/// The token of a number in a series.
pub fn token(series: u64, number: u64) -> Secret {
    Secret::generate(SecretKind::Session, &Nth(series, number))
}

impl Crowd {
    pub fn token(&self, number: u64) -> Secret {
        token(self.series, number)
    }

    /// Spread over the last hour, in order: a table that grew, not one that was shuffled.
    pub fn created_at(&self, number: u64) -> UnixMillis {
        let part = i64::try_from(u128::from(number) * HOUR as u128 / u128::from(self.sessions)).unwrap_or_default();
        self.born - HOUR + part
    }

    pub fn last_seen_at(&self) -> UnixMillis {
        match self.seen {
            Seen::JustNow => self.born + HOUR,
            Seen::Earlier => self.born - HOUR / 6,
        }
    }

    pub fn session_id(&self, number: u64) -> String {
        uuid_v7(self.created_at(number), &Nth(self.series | SESSION_IDS, number))
    }

    /// Sessions are dealt out in turn: every user has as many.
    pub fn user_of(&self, number: u64) -> u64 {
        number % self.users
    }

    /// The numbers of a user's sessions.
    pub fn sessions_of(&self, user: u64) -> impl Iterator<Item = u64> {
        (user..self.sessions).step_by(usize::try_from(self.users).unwrap_or(usize::MAX))
    }

    pub fn user_id(&self, user: u64) -> String {
        uuid_v7(self.born - 24 * HOUR, &Nth(self.people | USER_IDS, user))
    }

    pub fn user_name(&self, user: u64) -> String {
        format!("person.{user}@{}.test", self.slug)
    }

    /// The first one owns the workspace.
    pub fn role(user: u64) -> &'static str {
        if user == 0 { "owner" } else { "member" }
    }
}
