//! What creating users is compared with, in the server's own process: through its connections, where its requests run.

use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

use curfew::app::App;
use curfew::base::ids::{UserId, WorkspaceId};
use curfew::error::Result;
use curfew::scim::requests;
use curfew::sessions::model::{Role, UserState};
use curfew::transact;
use curfew::users::model::{Source, User};
use curfew::users::store;

use super::commit;
use super::scim_create::EACH;
use super::scim_people::{body, external_id, kept};

/// Empty durable commits, one after the other, until the time is over: how many, in how many seconds.
pub async fn commits(app: Arc<App>, length: Duration) -> String {
    let committing = tokio::spawn(async move {
        let (mut count, mut spent, begun) = (0_u64, Duration::ZERO, Instant::now());
        while begun.elapsed() < length {
            spent += commit::empty(&app).await;
            count += 1;
        }
        format!("{count} {}", spent.as_secs_f64())
    });
    committing.await.expect("the database is ours")
}

/// Rows of users and nothing that belongs to them, so many a commit: how many, in how many seconds.
pub async fn rows(app: Arc<App>, workspace: &str, numbers: Range<u64>) -> String {
    let workspace = WorkspaceId::from_text(workspace);
    let count = numbers.end - numbers.start;
    let writing = tokio::spawn(async move { write(&app, &workspace, numbers).await });
    let spent = writing.await.expect("nothing panics").expect("the database is ours");
    format!("{count} {}", spent.as_secs_f64())
}

async fn write(app: &App, workspace: &WorkspaceId, numbers: Range<u64>) -> Result<Duration> {
    let users: Vec<User> = numbers.map(|number| user(app, workspace, number)).collect();
    let begun = Instant::now();
    for some in users.chunks(EACH as usize) {
        transact!(app.db, |tx| {
            for user in some {
                let added = store::insert(tx, user, &user.user_name, user.email.as_deref()).await?;
                assert_eq!(added, 1, "there is such a user already");
            }
            Ok(())
        })?;
    }
    Ok(begun.elapsed())
}

fn user(app: &App, workspace: &WorkspaceId, number: u64) -> User {
    let (name, now) = (format!("row.{number}@provisioned.test"), app.clock.now());
    User {
        id: UserId::generate(now, app.random.as_ref()),
        workspace: workspace.clone(),
        email: Some(name.clone()),
        display_name: format!("Person Number {number}"),
        role: Role::Member,
        state: UserState::Active,
        provider_active: true,
        source: Source::Scim,
        external_id: Some(external_id(number)),
        epoch: 0,
        epoch_seq: 0,
        password_hash: None,
        resource: kept(&body(&name, number)),
        version: 1,
        created_at: now,
        updated_at: now,
        user_name: name,
    }
}

/// Writes the request log and trims it, as the product does in its own time; says how many rows went.
pub async fn tidy(app: &App) -> String {
    requests::flush(app).await;
    requests::tidy(app).await.expect("the database is ours").to_string()
}
