//! Sessions in memory: what was read from the database, for as long as no change says otherwise.
//!
//! It is filled by checks, one session at a time, and never with an unknown token. An entry remembers the head of the
//! snapshot it was read from; changes raise `void_since` of a person or a site, in order, and an entry that is older is read
//! again. Whether any of it may be believed at this moment is the lease's matter (`check.rs`), not this file's.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use super::model::Facts;
use super::principal::{Compact, Person, Principal, Site, SiteState};
use super::rules::Refusal;
use super::shard::{Entry, Key, Shard};
use crate::base::clock::UnixMillis;
use crate::base::ids::WorkspaceId;
use crate::base::secret::SecretHash;
use crate::feed::{Event, EventScope};
use crate::mutant;
use crate::policy::ip_allowlist::{Passage, Ranges};
use crate::policy::model::MINUTE_MS;

const SHARDS: usize = 128;

/// Nothing may be inserted or applied: this process is registering.
const CLOSED: i64 = i64::MAX;

/// Sessions, people and workspaces that this process has read.
pub struct Cache {
    shards: Box<[RwLock<Shard>]>,
    /// Entries of a shard at the most.
    capacity: usize,
    people: Mutex<HashMap<Compact, Arc<Person>>>,
    sites: Mutex<HashMap<WorkspaceId, Arc<Site>>>,
    /// Newest change that is applied. Held while entries go in and while changes are applied: never both at once.
    applied: Mutex<i64>,
    void_since: AtomicI64,
    #[cfg(feature = "mutants")]
    unknown: Mutex<std::collections::HashSet<SecretHash>>,
}

/// What memory says of a token.
pub enum Known {
    /// Nothing, or nothing that may be believed: ask the database.
    Nothing,
    Valid {
        principal: Principal,
        /// The allowlist would refuse the address, if it were enforced.
        reported: bool,
        /// Its use is to be noted: no minute has passed without.
        touched: bool,
    },
    Refused(Refusal),
}

/// How far a list of changes got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    UpTo(i64),
    /// A change is missing between what is applied and this list: read them from the database.
    Gap,
    /// This process is registering.
    Closed,
}

impl Cache {
    /// Remembers at most `capacity` sessions.
    pub fn new(capacity: usize) -> Self {
        Self {
            shards: (0..SHARDS).map(|_| RwLock::default()).collect(),
            capacity: (capacity / SHARDS).max(1),
            people: Mutex::default(),
            sites: Mutex::default(),
            applied: Mutex::new(CLOSED),
            void_since: AtomicI64::new(i64::MIN),
            #[cfg(feature = "mutants")]
            unknown: Mutex::default(),
        }
    }

    /// What is known of a token, for a client at `address`.
    pub fn look_up(&self, hash: &SecretHash, address: Option<IpAddr>, now: UnixMillis) -> Known {
        #[cfg(feature = "mutants")]
        if mutant::on("negative-cache") && held(&self.unknown).contains(hash) {
            return Known::Refused(Refusal::Unknown);
        }
        let key = Key::of(hash);
        let shard = self.shard(key).read().unwrap_or_else(PoisonError::into_inner);
        let Some(entry) = shard.find(key) else { return Known::Nothing };
        let site = &entry.person.site;
        let state = site.state.load();
        if let Some(verdict) = outlived(entry, &state) {
            return verdict;
        }
        let void = entry.person.void_since.load(Ordering::Acquire).max(site.void_since.load(Ordering::Acquire));
        if entry.loaded_seq < void.max(self.void_since.load(Ordering::Acquire)) {
            return Known::Nothing;
        }
        if now >= entry.expires_at {
            return Known::Refused(Refusal::Expired);
        }
        let last_seen = entry.last_seen_at.load(Ordering::Relaxed);
        if now >= last_seen + state.policy.idle_ms {
            // Another replica may have seen it since.
            return Known::Nothing;
        }
        if !state.policy.admits(entry.method()) {
            return Known::Refused(Refusal::Method);
        }
        let passage = state.allowlist.judge(address);
        if passage == Passage::Refused {
            return Known::Refused(Refusal::Address);
        }
        let touched = now - last_seen >= touch_interval(state.policy.idle_ms) && entry.touch(last_seen, now);
        Known::Valid {
            principal: entry.principal(state.policy.idle_ms),
            reported: passage == Passage::Reported,
            touched,
        }
    }

    /// When a session was last seen by this process, if it is remembered.
    pub fn last_seen(&self, hash: &SecretHash) -> Option<UnixMillis> {
        let key = Key::of(hash);
        let shard = self.shard(key).read().unwrap_or_else(PoisonError::into_inner);
        shard.find(key).map(|entry| entry.last_seen_at.load(Ordering::Relaxed))
    }

    /// Makes a principal of what was read with that head, and remembers it if no later change was applied meanwhile.
    /// `None` if the ids are none that are ever given out.
    pub fn learn(&self, hash: &SecretHash, facts: &Facts, groups: &[String], head: i64) -> Option<Principal> {
        let (user, session) = (Compact::of(facts.user.id.as_str())?, Compact::of(facts.session.id.as_str())?);
        let applied = held(&self.applied);
        // A change that is applied already could concern this: then it is used once and forgotten.
        let current = head >= *applied;
        let site = if current { self.site(facts, head) } else { Arc::new(new_site(facts, head)) };
        let person = Person::of(facts, groups, site);
        let person = if current { self.person(user, person) } else { Arc::new(person) };
        let entry = Entry::of(Key::of(hash), session, person, facts, head);
        let principal = entry.principal(facts.policy.idle_ms);
        if current {
            self.shard(entry.key).write().unwrap_or_else(PoisonError::into_inner).insert(entry, self.capacity);
        }
        drop(applied);
        Some(principal)
    }

    /// Forgets one session.
    pub fn forget(&self, hash: &SecretHash) {
        let key = Key::of(hash);
        self.shard(key).write().unwrap_or_else(PoisonError::into_inner).remove(key);
        #[cfg(feature = "mutants")]
        if mutant::on("negative-cache") {
            held(&self.unknown).insert(*hash);
        }
    }

    /// Applies changes in their order; those that are applied already are passed over.
    pub fn apply(&self, events: &[Event], mut applied_one: impl FnMut(&Event)) -> Progress {
        let mut applied = held(&self.applied);
        if *applied == CLOSED {
            return Progress::Closed;
        }
        for event in events {
            if event.sequence <= *applied {
                continue;
            }
            if event.sequence != *applied + 1 {
                return Progress::Gap;
            }
            self.apply_one(event);
            *applied = event.sequence;
            applied_one(event);
        }
        Progress::UpTo(*applied)
    }

    /// The newest change that is applied; `None` while this process registers.
    pub fn applied(&self) -> Option<i64> {
        Some(*held(&self.applied)).filter(|applied| *applied != CLOSED)
    }

    /// Forgets everything, and lets nothing in until `open`.
    pub fn close(&self) {
        *held(&self.applied) = CLOSED;
        if mutant::on("keep-memory") {
            return;
        }
        for shard in &self.shards {
            *shard.write().unwrap_or_else(PoisonError::into_inner) = Shard::default();
        }
        held(&self.people).clear();
        held(&self.sites).clear();
    }

    /// Begins anew: what is read from now on includes everything up to `head`.
    pub fn open(&self, head: i64) {
        *held(&self.applied) = head;
    }

    /// Forgets everything and goes on from `head`: the changes between can't be read any more.
    pub fn skip_to(&self, head: i64) {
        let mut applied = held(&self.applied);
        self.void_since.fetch_max(head, Ordering::AcqRel);
        *applied = (*applied).max(head);
    }

    /// Sessions that are remembered.
    pub fn len(&self) -> usize {
        self.shards.iter().map(|shard| shard.read().unwrap_or_else(PoisonError::into_inner).len()).sum()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Forgets people without a session here.
    pub fn tidy(&self) {
        let _no_insertion = held(&self.applied);
        held(&self.people).retain(|_, person| Arc::strong_count(person) > 1);
        held(&self.sites).retain(|_, site| Arc::strong_count(site) > 1);
    }

    fn apply_one(&self, event: &Event) {
        let since = event.sequence;
        match event.scope {
            EventScope::Everything => {
                self.void_since.fetch_max(since, Ordering::AcqRel);
            }
            EventScope::User | EventScope::Session | EventScope::Profile => {
                let user = event.user.as_deref().and_then(Compact::of);
                match user {
                    Some(user) => {
                        if let Some(person) = held(&self.people).get(&user) {
                            person.void(since);
                        }
                    }
                    // A change that doesn't say whose is everybody's.
                    None => self.void_site(event),
                }
            }
            EventScope::Selection | EventScope::Policy | EventScope::Profiles => self.void_site(event),
            EventScope::Workspace => {
                if let Some(site) = held(&self.sites).get(&event.workspace)
                    // What was read after this change knows it, and perhaps more.
                    && since > site.state.load().as_of
                {
                    let state = SiteState {
                        epoch: event.epoch,
                        spared: event.spared_session.as_deref().and_then(Compact::of),
                        raised_at: event.at,
                        cause: event.cause.as_str().into(),
                        as_of: since,
                        ..(**site.state.load()).clone()
                    };
                    site.state.store(Arc::new(state));
                }
            }
        }
    }

    fn void_site(&self, event: &Event) {
        if let Some(site) = held(&self.sites).get(&event.workspace) {
            site.void_since.fetch_max(event.sequence, Ordering::AcqRel);
        }
    }

    // The workspace of what was read, brought up to date. The caller holds `applied`.
    fn site(&self, facts: &Facts, head: i64) -> Arc<Site> {
        let mut sites = held(&self.sites);
        let tenant = &facts.workspace;
        if let Some(site) = sites.get(&tenant.id)
            && *site.slug == *tenant.slug
            && *site.name == *tenant.name
        {
            let state = site.state.load();
            let same = state.epoch == tenant.epoch
                && state.policy.version == facts.policy.version
                && state.allowlist_version == facts.allowlist.version;
            // A snapshot at that head includes the change that it comes from, and what an event doesn't carry: policy, allowlist.
            if head >= state.as_of && !same {
                site.state.store(Arc::new(state_of(facts, head)));
            }
            return site.clone();
        }
        let site = Arc::new(new_site(facts, head));
        if let Some(before) = sites.insert(tenant.id.clone(), site.clone()) {
            // No change will find it any more.
            before.void_since.store(i64::MAX, Ordering::Release);
        }
        site
    }

    fn person(&self, user: Compact, person: Person) -> Arc<Person> {
        let mut people = held(&self.people);
        if let Some(known) = people.get(&user)
            && known.says_as(&person)
        {
            return known.clone();
        }
        let person = Arc::new(person);
        if let Some(before) = people.insert(user, person.clone()) {
            before.void(i64::MAX);
        }
        person
    }

    fn shard(&self, key: Key) -> &RwLock<Shard> {
        &self.shards[key.shard(SHARDS)]
    }
}

/// How long a session may be used before that is noted again.
pub fn touch_interval(idle_ms: i64) -> i64 {
    MINUTE_MS.min(idle_ms / 10)
}

// Whether everybody was logged out since the session began. That is final, and needs no database.
fn outlived(entry: &Entry, state: &SiteState) -> Option<Known> {
    if entry.workspace_epoch() == state.epoch || state.spared == Some(entry.session) {
        return None;
    }
    if entry.workspace_epoch() > state.epoch {
        // Born after what this process knows: it is behind.
        return Some(Known::Nothing);
    }
    Some(Known::Refused(Refusal::EverybodyLoggedOut { at: state.raised_at, cause: state.cause.to_string() }))
}

fn new_site(facts: &Facts, head: i64) -> Site {
    let tenant = &facts.workspace;
    Site {
        id: tenant.id.clone(),
        slug: tenant.slug.as_str().into(),
        name: tenant.name.as_str().into(),
        state: arc_swap::ArcSwap::from_pointee(state_of(facts, head)),
        void_since: AtomicI64::new(i64::MIN),
    }
}

fn state_of(facts: &Facts, head: i64) -> SiteState {
    let tenant = &facts.workspace;
    SiteState {
        epoch: tenant.epoch,
        spared: tenant.spared_session.as_ref().and_then(|id| Compact::of(id.as_str())),
        raised_at: tenant.epoch_raised_at.unwrap_or_default(),
        cause: tenant.epoch_cause.as_deref().unwrap_or_default().into(),
        policy: facts.policy.clone(),
        allowlist: Ranges::of(&facts.allowlist),
        allowlist_version: facts.allowlist.version,
        as_of: head,
    }
}

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use crate::base::ids::{SessionId, UserId};
    use crate::policy::ip_allowlist::{IpAllowlist, Mode};
    use crate::policy::model::{Method, Policy};
    use crate::sessions::model::{Holder, Role, Session, Tenant, UserState};

    const WORKSPACE: &str = "0190aaaa-0000-7000-8000-000000000001";
    const USER: &str = "0190bbbb-0000-7000-8000-000000000002";
    const NOW: UnixMillis = 1_700_000_000_000;

    fn id(number: u64) -> String {
        format!("0190cccc-0000-7000-8000-{number:012x}")
    }

    /// A session of one person in one workspace.
    pub fn facts(number: u64) -> Facts {
        let workspace = WorkspaceId::from_text(WORKSPACE);
        Facts {
            session: Session {
                id: SessionId::from_text(id(number)),
                workspace: workspace.clone(),
                user: UserId::from_text(USER),
                method: Method::Password,
                workspace_epoch: 3,
                user_epoch: 0,
                created_at: NOW,
                signed_in_at: NOW,
                last_seen_at: NOW,
                not_after: None,
                ip: String::new(),
                last_ip: String::new(),
                user_agent: String::new(),
                ended_at: None,
                end_cause: None,
            },
            user: Holder {
                id: UserId::from_text(USER),
                user_name: "ana".into(),
                email: "ana@corp.test".into(),
                display_name: "Ana".into(),
                role: Role::Member,
                state: UserState::Active,
                source: "local".into(),
                epoch: 0,
                spared_session: None,
                in_groups: false,
            },
            workspace: Tenant {
                id: workspace,
                slug: "acme".into(),
                name: "Acme".into(),
                epoch: 3,
                spared_session: None,
                epoch_raised_at: None,
                epoch_cause: None,
            },
            policy: Policy::default(),
            allowlist: IpAllowlist::default(),
        }
    }

    /// Whom it speaks for.
    pub fn principal_of(facts: &Facts) -> Principal {
        let cache = Cache::new(10);
        cache.open(0);
        cache.learn(&[7; 32], facts, &[], 0).expect("ids that are UUIDs")
    }

    fn event(sequence: i64, scope: EventScope) -> Event {
        Event {
            sequence,
            workspace: WorkspaceId::from_text(WORKSPACE),
            scope,
            target: None,
            user: matches!(scope, EventScope::User | EventScope::Session | EventScope::Profile)
                .then(|| USER.to_owned()),
            epoch: 4,
            spared_session: Some(id(1)),
            cause: "admin".into(),
            at: NOW,
        }
    }

    fn says(cache: &Cache, number: u8) -> &'static str {
        match cache.look_up(&[number; 32], None, NOW) {
            Known::Nothing => "nothing",
            Known::Valid { .. } => "valid",
            Known::Refused(refusal) => refusal.as_str(),
        }
    }

    fn with(head: i64, numbers: &[u8]) -> Cache {
        let cache = Cache::new(10_000);
        cache.open(head);
        for number in numbers {
            cache.learn(&[*number; 32], &facts(u64::from(*number)), &[], head);
        }
        cache
    }

    #[test]
    fn each_kind_of_change_voids_what_it_is_about() {
        for (scope, one, two) in [
            (EventScope::Workspace, "valid", "everybody_logged_out"),
            (EventScope::User, "nothing", "nothing"),
            (EventScope::Session, "nothing", "nothing"),
            (EventScope::Profile, "nothing", "nothing"),
            (EventScope::Selection, "nothing", "nothing"),
            (EventScope::Policy, "nothing", "nothing"),
            (EventScope::Profiles, "nothing", "nothing"),
            (EventScope::Everything, "nothing", "nothing"),
        ] {
            let cache = with(5, &[1, 2]);
            assert_eq!((says(&cache, 1), says(&cache, 2), says(&cache, 3)), ("valid", "valid", "nothing"));
            assert_eq!(cache.apply(&[event(6, scope)], |_| {}), Progress::UpTo(6));
            assert_eq!((says(&cache, 1), says(&cache, 2)), (one, two), "{scope:?}");
        }
    }

    #[test]
    fn others_are_left_alone() {
        for scope in [EventScope::Workspace, EventScope::User, EventScope::Policy] {
            let cache = with(5, &[1]);
            let mut other = event(6, scope);
            other.workspace = WorkspaceId::from_text(id(9));
            other.user = other.user.map(|_| id(9));
            cache.apply(&[other], |_| {});
            assert_eq!(says(&cache, 1), "valid", "{scope:?}");
        }
    }

    #[test]
    fn what_was_read_before_an_applied_change_is_not_remembered() {
        let cache = with(5, &[]);
        cache.apply(&[event(6, EventScope::User)], |_| {});
        assert!(cache.learn(&[1; 32], &facts(1), &[], 5).is_some());
        assert_eq!(says(&cache, 1), "nothing");
        cache.learn(&[1; 32], &facts(1), &[], 6);
        assert_eq!(says(&cache, 1), "valid");
    }

    #[test]
    fn a_change_that_what_was_read_knows_already_does_not_set_it_back() {
        let cache = with(5, &[]);
        let mut newer = facts(1);
        (newer.session.workspace_epoch, newer.workspace.epoch) = (7, 7);
        // Read at head 9; changes 6 to 9 come by the feed afterwards.
        cache.learn(&[1; 32], &newer, &[], 9);
        let older = Event { epoch: 6, spared_session: None, ..event(6, EventScope::Workspace) };
        cache.apply(&[older], |_| {});
        assert_eq!(says(&cache, 1), "valid");
        cache.apply(&[event(7, EventScope::User), event(8, EventScope::Policy)], |_| {});
        assert_eq!(says(&cache, 1), "valid");
        cache.apply(&[event(9, EventScope::Profile), event(10, EventScope::User)], |_| {});
        assert_eq!(says(&cache, 1), "nothing");
    }

    #[test]
    fn changes_are_applied_in_their_order_or_not_at_all() {
        let cache = with(5, &[1]);
        assert_eq!(cache.apply(&[event(7, EventScope::User)], |_| {}), Progress::Gap);
        assert_eq!((says(&cache, 1), cache.applied()), ("valid", Some(5)));
        let both = [event(5, EventScope::User), event(6, EventScope::Profiles), event(7, EventScope::User)];
        let mut told = Vec::new();
        assert_eq!(cache.apply(&both, |event| told.push(event.sequence)), Progress::UpTo(7));
        assert_eq!(told, [6, 7]);
        cache.skip_to(90);
        assert_eq!((says(&cache, 1), cache.applied()), ("nothing", Some(90)));
    }

    #[test]
    fn nothing_gets_in_while_a_replica_registers() {
        let cache = with(5, &[1]);
        cache.close();
        assert_eq!((says(&cache, 1), cache.applied(), cache.len()), ("nothing", None, 0));
        cache.learn(&[1; 32], &facts(1), &[], 5);
        assert_eq!(cache.apply(&[event(6, EventScope::User)], |_| {}), Progress::Closed);
        assert_eq!((says(&cache, 1), cache.len()), ("nothing", 0));
        cache.open(6);
        cache.learn(&[1; 32], &facts(1), &[], 6);
        assert_eq!(says(&cache, 1), "valid");
    }

    #[test]
    fn what_is_known_of_a_person_is_replaced_as_a_whole() {
        let cache = with(5, &[1, 2]);
        let mut promoted = facts(3);
        promoted.user.role = Role::Admin;
        cache.learn(&[3; 32], &promoted, &["Night, shift".to_owned(), "50 %".to_owned()], 5);
        // The older sessions must not go on with what was known of the person before.
        assert_eq!((says(&cache, 1), says(&cache, 2), says(&cache, 3)), ("nothing", "nothing", "valid"));
        let Known::Valid { principal, .. } = cache.look_up(&[3; 32], None, NOW) else { panic!("it is valid") };
        assert_eq!(
            (principal.role(), principal.email(), principal.display_name()),
            (Role::Admin, "ana@corp.test", "Ana")
        );
        assert_eq!(principal.groups(), "Night%2C%20shift,50%20%25");
        assert_eq!((principal.user_name(), principal.workspace_slug()), ("ana", "acme"));
    }

    #[test]
    fn everybodys_log_out_does_not_keep_an_allowlist_that_was_changed_before_it() {
        let cache = with(5, &[1]);
        cache.apply(&[event(6, EventScope::Policy), event(7, EventScope::Workspace)], |_| {});
        let mut listed = facts(1);
        listed.workspace.epoch = 9;
        listed.session.workspace_epoch = 9;
        listed.allowlist = IpAllowlist { mode: Mode::Enforce, entries: Arc::default(), version: 2 };
        cache.learn(&[1; 32], &listed, &[], 7);
        let Known::Refused(refusal) = cache.look_up(&[1; 32], None, NOW) else { panic!("nobody is in an empty list") };
        assert_eq!(refusal, Refusal::Address);
    }

    #[test]
    fn time_is_judged_at_reading() {
        let cache = with(5, &[1]);
        let at = |now| match cache.look_up(&[1; 32], None, now) {
            Known::Nothing => "nothing",
            Known::Valid { touched: true, .. } => "valid, touched",
            Known::Valid { .. } => "valid",
            Known::Refused(refusal) => refusal.as_str(),
        };
        let policy = Policy::default();
        assert_eq!(at(NOW), "valid");
        assert_eq!(at(NOW + 59_999), "valid");
        assert_eq!((at(NOW + 60_000), at(NOW + 60_001)), ("valid, touched", "valid"));
        // Idle here, but perhaps seen elsewhere: the database knows.
        assert_eq!(at(NOW + 60_000 + policy.idle_ms), "nothing");
        assert_eq!(at(NOW + policy.absolute_ms), "expired");
    }
}
