//! Pure: who a valid session speaks for, as a check answers it from memory or from the database.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use arc_swap::ArcSwap;

use super::model::{Facts, Role};
use crate::base::clock::UnixMillis;
use crate::base::ids::{SessionId, WorkspaceId};
use crate::policy::ip_allowlist::Ranges;
use crate::policy::model::{Method, Policy};

/// An id as 16 bytes: a UUID. Memory is what a million sessions cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Compact([u64; 2]);

impl Compact {
    /// `None` if the text is no UUID in its usual form; then it is not remembered.
    pub fn of(text: &str) -> Option<Self> {
        let id = uuid::Uuid::try_parse(text).ok()?;
        let (high, low) = id.as_u64_pair();
        let compact = Self([high, low]);
        (compact.text() == text).then_some(compact)
    }

    pub fn text(self) -> String {
        uuid::Uuid::from_u64_pair(self.0[0], self.0[1]).to_string()
    }

    /// When a UUIDv7 was made (RFC 9562 §5.7).
    fn made_at(self) -> UnixMillis {
        i64::try_from(self.0[0] >> 16).unwrap_or_default()
    }
}

/// A workspace, as checks know it.
#[derive(Debug)]
pub struct Site {
    pub id: WorkspaceId,
    pub slug: Box<str>,
    pub name: Box<str>,
    pub state: ArcSwap<SiteState>,
    /// Sessions that were read before this change must be read again.
    pub void_since: AtomicI64,
}

/// What may change of a workspace.
#[derive(Clone, Debug)]
pub struct SiteState {
    pub epoch: i64,
    pub spared: Option<Compact>,
    pub raised_at: UnixMillis,
    pub cause: Box<str>,
    pub policy: Policy,
    pub allowlist: Ranges,
    pub allowlist_version: i64,
    /// Head of the snapshot it was read from, or the change that it comes from.
    pub as_of: i64,
}

/// A person, as checks know them.
#[derive(Debug)]
pub struct Person {
    /// Id, user name, address, display name and groups, one after the other: memory is paid for by the piece.
    texts: Box<str>,
    ends: [u32; 4],
    pub role: Role,
    pub site: Arc<Site>,
    /// Sessions that were read before this change must be read again.
    pub void_since: AtomicI64,
}

impl Person {
    /// From what the database says; `groups` are display names.
    pub fn of(facts: &Facts, groups: &[String], site: Arc<Site>) -> Self {
        let user = &facts.user;
        let (mut texts, mut ends) = (String::new(), [0; 4]);
        let parts = [user.id.as_str(), &user.user_name, &user.email, &user.display_name];
        for (part, end) in parts.into_iter().zip(&mut ends) {
            texts.push_str(part);
            *end = short(texts.len());
        }
        texts.push_str(&joined(groups));
        Self { texts: texts.into_boxed_str(), ends, role: user.role, site, void_since: AtomicI64::new(i64::MIN) }
    }

    fn part(&self, index: usize) -> &str {
        let from = if index == 0 { 0 } else { self.ends[index - 1] as usize };
        let to = self.ends.get(index).map_or(self.texts.len(), |end| *end as usize);
        self.texts.get(from..to).unwrap_or_default()
    }

    /// Whether another says the same of the same person.
    pub fn says_as(&self, other: &Self) -> bool {
        self.texts == other.texts
            && self.ends == other.ends
            && self.role == other.role
            && Arc::ptr_eq(&self.site, &other.site)
    }

    /// Nobody may believe it any more.
    pub fn void(&self, since: i64) {
        self.void_since.fetch_max(since, Ordering::AcqRel);
    }
}

fn short(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

/// Names with commas between them; a comma of a name's own, and what a header can't carry, is percent-encoded.
fn joined(names: &[String]) -> String {
    let encode =
        |name: &String| url::form_urlencoded::byte_serialize(name.as_bytes()).collect::<String>().replace('+', "%20");
    names.iter().map(encode).collect::<Vec<_>>().join(",")
}

/// Who a valid session speaks for. Cloning is cheap.
#[derive(Clone, Debug)]
pub struct Principal {
    pub(super) person: Arc<Person>,
    pub(super) session: Compact,
    pub(super) method: Method,
    pub(super) signed_in_at: UnixMillis,
    pub(super) last_seen_at: UnixMillis,
    pub(super) expires_at: UnixMillis,
    pub(super) idle_ms: i64,
    pub(super) loaded_seq: i64,
}

impl Principal {
    pub fn user_id(&self) -> &str {
        self.person.part(0)
    }

    pub fn user_name(&self) -> &str {
        self.person.part(1)
    }

    /// Empty if there is none.
    pub fn email(&self) -> &str {
        self.person.part(2)
    }

    pub fn display_name(&self) -> &str {
        self.person.part(3)
    }

    /// Display names of the user's groups, percent-encoded, with commas between them.
    pub fn groups(&self) -> &str {
        self.person.part(4)
    }

    pub fn role(&self) -> Role {
        self.person.role
    }

    pub fn workspace_id(&self) -> &WorkspaceId {
        &self.person.site.id
    }

    pub fn workspace_slug(&self) -> &str {
        &self.person.site.slug
    }

    pub fn workspace_name(&self) -> &str {
        &self.person.site.name
    }

    pub fn session_id(&self) -> SessionId {
        SessionId::from_text(self.session.text())
    }

    pub fn session_text(&self) -> String {
        self.session.text()
    }

    pub fn method(&self) -> Method {
        self.method
    }

    /// When it was issued: its id says so.
    pub fn created_at(&self) -> UnixMillis {
        self.session.made_at()
    }

    pub fn signed_in_at(&self) -> UnixMillis {
        self.signed_in_at
    }

    pub fn last_seen_at(&self) -> UnixMillis {
        self.last_seen_at
    }

    /// When it ends, whatever happens.
    pub fn expires_at(&self) -> UnixMillis {
        self.expires_at
    }

    /// When it ends if no request comes.
    pub fn idle_expires_at(&self) -> UnixMillis {
        (self.last_seen_at + self.idle_ms).min(self.expires_at)
    }

    /// The change up to which it is known to be right: what is derived from it may be kept as long as this stays the same.
    pub fn loaded_seq(&self) -> i64 {
        self.loaded_seq
    }
}
