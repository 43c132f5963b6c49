//! The demo's past, in its order: the workspace is founded, its owner sets it up, a week goes by, an administrator logs all
//! users out, another week goes by. Only the owner and the administrators get passwords: hashing one is slow on purpose.

use std::net::{IpAddr, Ipv4Addr};

use super::identity_provider::IdentityProvider;
use super::people::{DIRECTORY_CLIENT, DOMAIN, OWNER, PEOPLE};
use super::plan::{self, DAY_MS, FORTNIGHT_MS, HOUR_MS};
use super::story::Story;
use super::{SLUG, password};
use crate::actor::{Actor, ActorKind, Origin};
use crate::app::App;
use crate::base::clock::{Clock, ManualClock};
use crate::base::secret::Secret;
use crate::error::Result;
use crate::policy::ip_allowlist::Mode;
use crate::policy::model::{MINUTE_MS, OnChange, Policy};
use crate::saml::configure::{self, Change};
use crate::security::change_allowlist::{self, Wanted, networks};
use crate::security::change_policy;
use crate::security::credentials;
use crate::security::credentials::model::CredentialKind;
use crate::sessions::list;
use crate::sessions::model::{Count, Role};
use crate::users::manage::{NewUser, create_user};
use crate::workspaces::{self, Created, NewWorkspace};

/// Where the directory provisions from.
const DIRECTORY: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 200));

/// Writes all of it, and counts the sessions that live. `clock` is the one of `app` and stands a fortnight before now; it is
/// moved to now.
pub async fn write(app: &App, clock: &ManualClock, provider: &IdentityProvider, owner_password: &str) -> Result<Count> {
    let now = clock.now() + FORTNIGHT_MS;
    let midway = now - FORTNIGHT_MS / 2;
    let (first, second) = (password::readable(app.random.as_ref()), password::readable(app.random.as_ref()));
    let (owner, first, second) = tokio::try_join!(
        app.passwords.hash_new(owner_password),
        app.passwords.hash_new(&first),
        app.passwords.hash_new(&second),
    )?;
    let (mut story, directory) = found(app, clock, provider, owner).await?;
    set_up(&mut story, provider, [first, second]).await?;
    story.play(&plan::first_week(clock.now(), midway - 5 * MINUTE_MS)).await?;
    story.log_all_users_out(midway, now - 20 * MINUTE_MS).await?;
    story.play(&plan::second_week(midway + HOUR_MS / 2, now)).await?;
    // The directory looks in every few minutes.
    credentials::find(app, CredentialKind::ScimToken, directory.reveal(), Some(DIRECTORY)).await?;
    story.finish(now).await
}

/// An operator creates the workspace, vouches for its domain, and makes the directory's token, which is returned.
async fn found<'a>(
    app: &'a App,
    clock: &'a ManualClock,
    provider: &'a IdentityProvider,
    owner_hash: String,
) -> Result<(Story<'a>, Secret)> {
    let operator = Actor::cli(rustix::process::getuid().as_raw());
    let new = NewWorkspace { slug: SLUG, name: "Acme (demo)", owner_email: OWNER, password_hash: Some(owner_hash) };
    let Created { workspace, owner } = workspaces::create(app, &operator, &new).await?;
    workspaces::add_domain(app, &operator, &workspace, DOMAIN).await?;
    workspaces::verify_domain(app, &operator, &workspace, DOMAIN).await?;
    let (kind, name) = (CredentialKind::ScimToken, "Acme directory");
    let (token, secret) = credentials::create(app, &operator, &workspace.id, kind, name, &[], Some(365)).await?;
    let origin = Origin { ip: Some(DIRECTORY), user_agent: DIRECTORY_CLIENT.to_owned(), request_id: String::new() };
    let directory =
        Actor { kind: ActorKind::ScimToken, id: token.id.to_string(), label: token.name, session: None, origin };
    Ok((Story::new(app, clock, workspace, owner, provider.entity_id(), directory), secret))
}

/// The owner signs in and settles everything else: administrators, single sign-on, policy, allowlist.
async fn set_up(story: &mut Story<'_>, provider: &IdentityProvider, admin_hashes: [String; 2]) -> Result<()> {
    story.pass(12 * MINUTE_MS);
    let (session, owner) = story.sign_in_alone(&plan::at_the_desk(plan::OWNER)).await?;
    story.pass(3 * MINUTE_MS);
    add_administrators(story, &owner, admin_hashes).await?;
    let (app, id) = (story.app, story.workspace.id.clone());
    story.pass(2 * MINUTE_MS);
    let reason = Some("Everybody signs in through the directory");
    let change = Change {
        workspace: &id,
        label: SLUG,
        sessions: Some(OnChange::Keep),
        reason,
        by_owner: true,
        encrypted_assertions: None,
    };
    configure::import(app, &owner, &change, None, &provider.metadata()).await?;
    story.pass(MINUTE_MS);
    // Long lifetimes: what happened in a fortnight is there to be looked at.
    let policy = Policy {
        absolute_ms: 30 * DAY_MS,
        idle_ms: 14 * DAY_MS,
        on_saml_change: OnChange::LogAllUsersOut,
        ..Policy::default()
    };
    let caller = list::load(app, &id, &session.id).await?;
    change_policy::change(app, &owner, &caller, |_, kept| Ok((policy.clone(), kept.clone())), None).await?;
    story.pass(MINUTE_MS);
    // Off, but so filled that a visitor who enforces it is not shut out.
    let entries = networks([("203.0.113.0/24", "Office"), ("127.0.0.0/8", "This computer"), ("::1", "This computer")])?;
    let wanted = Wanted {
        workspace: &id,
        label: SLUG,
        mode: Mode::Off,
        entries,
        sessions: Some(OnChange::Keep),
        reason: Some("The office's networks, not enforced yet"),
        confirm_lockout: false,
        if_version: None,
    };
    change_allowlist::change(app, &owner, &wanted).await?;
    story.pass(5 * MINUTE_MS);
    Ok(())
}

async fn add_administrators(story: &mut Story<'_>, owner: &Actor, hashes: [String; 2]) -> Result<()> {
    let mut tx = story.app.db.begin().await?;
    for (person, hash) in PEOPLE.iter().zip(hashes) {
        let new = NewUser {
            user_name: person.email,
            email: Some(person.email),
            display_name: person.name,
            role: Role::Admin,
            password_hash: Some(hash),
            ..NewUser::default()
        };
        story.users.push(create_user(&mut tx, story.app, owner, &story.workspace.id, &new).await?);
    }
    tx.commit().await
}
