//! Carries out the plan with the product's own operations, while a clock that only this file moves stands where the plan
//! says. A week is one transaction: a commit waits for the disk, and five hundred of them would take a second.

use std::collections::HashSet;
use std::net::IpAddr;
use std::time::Duration;

use serde_json::json;

use super::people::{self, PEOPLE};
use super::plan::{ADMIN, Event, SignIn, Then, What, at_the_desk};
use crate::actor::{Actor, Origin};
use crate::app::App;
use crate::audit::{self, Entry, Target};
use crate::base::clock::{Clock, ManualClock, UnixMillis};
use crate::base::random::bytes32;
use crate::base::text::hex;
use crate::db::Write;
use crate::error::{Error, Result};
use crate::feed;
use crate::policy::model::{MINUTE_MS, Method};
use crate::security::log_all_users_out::{Request, log_all_users_out};
use crate::sessions::issue::{Earned, Stamps, hold, issue};
use crate::sessions::list;
use crate::sessions::model::Use;
use crate::sessions::model::{Count, Scope, Session, Trigger};
use crate::sessions::revoke::{self, Order, Revoked};
use crate::sessions::store as sessions;
use crate::users::manage::{Loss, NewUser, create_user, end_access};
use crate::users::model::{Source, User};
use crate::users::store as users;
use crate::workspaces::{self, model::Workspace};

/// A session that lives at the end, and when it was last used.
struct Living {
    session: Session,
    last_seen: UnixMillis,
}

/// The workspace while its past is told.
pub struct Story<'a> {
    pub app: &'a App,
    clock: &'a ManualClock,
    pub workspace: Workspace,
    /// By their numbers in the plan.
    pub users: Vec<User>,
    /// Entity id of the identity provider.
    provider: &'a str,
    /// What provisions.
    directory: Actor,
    /// Who has signed in through the identity provider before.
    linked: HashSet<usize>,
    living: Vec<Living>,
}

impl<'a> Story<'a> {
    /// Begins with the owner. `clock` is the one of `app`.
    pub fn new(
        app: &'a App,
        clock: &'a ManualClock,
        workspace: Workspace,
        owner: User,
        provider: &'a str,
        directory: Actor,
    ) -> Self {
        let (linked, living) = (HashSet::new(), Vec::new());
        Self { app, clock, workspace, users: vec![owner], provider, directory, linked, living }
    }

    /// Lets time pass.
    pub fn pass(&self, milliseconds: i64) {
        self.clock.advance(Duration::from_millis(u64::try_from(milliseconds).unwrap_or(0)));
    }

    /// Lets time pass until `at`, if that is still to come.
    pub fn move_to(&self, at: UnixMillis) {
        self.pass(at - self.clock.now());
    }

    /// Lets everything of a plan happen.
    pub async fn play(&mut self, events: &[Event]) -> Result<()> {
        // Not `transact!`: nobody else has this database, and a story that was told twice would be another.
        let mut tx = self.app.db.begin().await?;
        let mut revoked = Vec::new();
        for event in events {
            self.move_to(event.at);
            match &event.what {
                What::Joined(person) => self.provision(&mut tx, *person).await?,
                What::SignedIn(sign_in) => revoked.extend(self.live_through(&mut tx, sign_in).await?),
                What::Failed { person, from, device } => self.fail(&mut tx, *person, *from, device).await?,
                What::Left(person) => revoked.push(self.deprovision(&mut tx, *person).await?),
            }
        }
        tx.commit().await?;
        for revoked in revoked {
            revoke::acknowledge(self.app, revoked).await?;
        }
        Ok(())
    }

    /// One sign-in in a transaction of its own: the session, and its person as an actor.
    pub async fn sign_in_alone(&mut self, sign_in: &SignIn) -> Result<(Session, Actor)> {
        let mut tx = self.app.db.begin().await?;
        let signed_in = self.sign_in(&mut tx, sign_in).await?;
        tx.commit().await?;
        Ok(signed_in)
    }

    /// An administrator logs all users out; the administrator's own session goes on until `last_seen`.
    pub async fn log_all_users_out(&mut self, at: UnixMillis, last_seen: UnixMillis) -> Result<()> {
        self.move_to(at - 4 * MINUTE_MS);
        let (session, admin) = self.sign_in_alone(&at_the_desk(ADMIN)).await?;
        self.move_to(at);
        let request = Request {
            workspace: &self.workspace.id,
            label: &self.workspace.slug,
            reason: "Somebody was guessing the owner's password: everybody signs in again, to be sure",
            include_api_keys: false,
            key: None,
        };
        log_all_users_out(self.app, &admin, &request).await?;
        self.workspace = workspaces::load(self.app, &self.workspace.slug).await?;
        self.living.push(Living { session, last_seen });
        Ok(())
    }

    /// Notes when the living sessions were last used, and counts them.
    pub async fn finish(self, now: UnixMillis) -> Result<Count> {
        let mut tx = self.app.db.begin().await?;
        for living in &self.living {
            let session = &living.session;
            let used = Use {
                workspace: session.workspace.clone(),
                session: session.id.clone(),
                at: living.last_seen,
                address: None,
            };
            sessions::touch(&mut tx, &used, &session.ip).await?;
        }
        tx.commit().await?;
        self.move_to(now);
        list::count(self.app, &self.workspace.id, None).await
    }

    /// Where a request came from, with an id like any other.
    pub fn origin(&self, from: IpAddr, device: &str) -> Origin {
        Origin { ip: Some(from), user_agent: device.to_owned(), request_id: self.random_hex(8) }
    }

    fn random_hex(&self, octets: usize) -> String {
        hex(&bytes32(self.app.random.as_ref())[..octets])
    }

    async fn provision(&mut self, tx: &mut Write, number: usize) -> Result<()> {
        let person = &PEOPLE[number - 1];
        let external_id = format!("00u{number:017}");
        let new = NewUser {
            user_name: person.email,
            email: Some(person.email),
            display_name: person.name,
            source: Source::Scim,
            external_id: Some(&external_id),
            resource: people::resource(person),
            ..NewUser::default()
        };
        self.users.push(create_user(tx, self.app, &self.directory, &self.workspace.id, &new).await?);
        Ok(())
    }

    async fn deprovision(&mut self, tx: &mut Write, number: usize) -> Result<Revoked> {
        let (user, reason) = (&self.users[number], "the identity provider deactivated the user");
        end_access(tx, self.app, &self.directory, user, Loss::Deprovisioned, Trigger::Scim, reason).await
    }

    /// A sign-in and what became of it.
    async fn live_through(&mut self, tx: &mut Write, sign_in: &SignIn) -> Result<Option<Revoked>> {
        let (session, actor) = self.sign_in(tx, sign_in).await?;
        match sign_in.then {
            Then::EndsWithOthers => Ok(None),
            Then::Lives { last_seen } => {
                self.living.push(Living { session, last_seen });
                Ok(None)
            }
            Then::LogsOut => {
                self.pass(50_000);
                let revoked = self.end(tx, &actor, &session, Trigger::Logout, "the person logged out").await?;
                Ok(Some(revoked))
            }
            Then::IsRevoked(reason) => {
                self.pass(20 * MINUTE_MS);
                let (admin, desk) = (&self.users[ADMIN], at_the_desk(ADMIN));
                let actor = Actor::user(&admin.id, admin.label(), None, self.origin(desk.from, desk.device));
                Ok(Some(self.end(tx, &actor, &session, Trigger::Admin, reason).await?))
            }
        }
    }

    /// The writes of a sign-in that worked, as `login/sign_in.rs` and `saml/sign_in.rs` do them, without asking for a proof.
    async fn sign_in(&mut self, tx: &mut Write, sign_in: &SignIn) -> Result<(Session, Actor)> {
        let origin = self.origin(sign_in.from, sign_in.device);
        let is_saml = sign_in.method == Method::Saml;
        if is_saml && self.linked.insert(sign_in.person) {
            self.link(tx, sign_in.person, &origin).await?;
        }
        let (user, index) = (&self.users[sign_in.person], format!("_{}", self.random_hex(20)));
        let head = feed::store::load_head(tx).await?;
        let held = hold(tx, &self.workspace.id, head).await?;
        let earned = Earned {
            held: held.ok_or_else(|| Error::internal("a revocation is newer than the head"))?,
            workspace: &self.workspace.id,
            user: &user.id,
            method: sign_in.method,
            stamps: Stamps { workspace_epoch: self.workspace.epoch, user_epoch: user.epoch },
            origin: &origin,
            provider: is_saml.then_some(self.provider),
            subject: is_saml.then_some(user.label()),
            session_index: is_saml.then_some(index.as_str()),
            name_id_form: None,
            not_after: None,
            signed_in_at: None,
        };
        let (session, _) = issue(tx, self.app, &earned).await?;
        let actor = Actor::user(&user.id, user.label(), Some(session.id.clone()), origin.clone());
        let mut details = json!({"method": sign_in.method.as_str()});
        if is_saml {
            details["identity_provider"] = self.provider.into();
        }
        let target = Target::new("session", session.id.as_str(), user.label());
        self.record(tx, &actor, Entry::done("login.succeeded", target).with(details)).await?;
        Ok((session, actor))
    }

    async fn link(&self, tx: &mut Write, number: usize, origin: &Origin) -> Result<()> {
        let (user, now) = (&self.users[number], self.clock.now());
        users::link_identity(tx, &self.workspace.id, self.provider, user.label(), &user.id, now).await?;
        let actor = Actor::user(&user.id, user.label(), None, origin.clone());
        let target = Target::new("user", user.id.as_str(), user.label());
        let entry = Entry::done("user.identity_linked", target).with(json!({"identity_provider": self.provider}));
        self.record(tx, &actor, entry).await
    }

    async fn fail(&self, tx: &mut Write, number: usize, from: IpAddr, device: &str) -> Result<()> {
        let actor = Actor::anonymous("", self.origin(from, device));
        let target = Target::new("account", self.users[number].id.as_str(), "");
        self.record(tx, &actor, Entry::refused("login.failed", target)).await
    }

    async fn end(
        &self,
        tx: &mut Write,
        actor: &Actor,
        session: &Session,
        trigger: Trigger,
        reason: &str,
    ) -> Result<Revoked> {
        let label = self.users.iter().find(|user| user.id == session.user).map_or("", User::label);
        let scope = Scope::Session(session.id.clone());
        let order = Order { workspace: &self.workspace.id, scope, trigger, reason, target_label: label };
        revoke::revoke(tx, self.app, actor, &order).await
    }

    async fn record(&self, tx: &mut Write, actor: &Actor, entry: Entry) -> Result<()> {
        audit::append(tx, &self.workspace.id, self.clock.now(), actor, &entry).await?;
        Ok(())
    }
}
