//! Carries out a bulk request: as few transactions as its order allows, each operation by itself in them, and one barrier for
//! everything before the answer. Single calls and bulk operations are the same functions of `users.rs` and `groups.rs`.

use futures_util::{StreamExt, stream};
use serde_json::Value;

use super::bulk::{Method, Operation, Request, Task, Work};
use super::bulk_book::{Book, Done, Tried, answer, missing_reference};
use super::bulk_order::{self, Run, RunKind};
use super::client::{Client, Failure, parted, refusal};
use super::error::ScimError;
use super::groups::{self, NewGroup};
use super::schema::ResourceType;
use super::users::{self, Newcomer};
use super::version;
use crate::base::ids::{GroupId, UserId, uuid_v7};
use crate::db::Write;
use crate::error::{Error, Result};
use crate::sessions::revoke;
use crate::users::groups::store as group_store;
use crate::users::model::User;
use crate::users::store as user_store;
use crate::users::{hold, manage};
use crate::{policy, transact};

/// Carries out a request, and gives the BulkResponse when no replica accepts any session that it ended.
pub async fn carry_out(client: &Client, mut request: Request) -> Result<Value> {
    let app = &client.app;
    request.assign(|| uuid_v7(app.clock.now(), app.random.as_ref()));
    // Somebody who is taken over is changed, not inserted, and has an id of their own.
    let links = policy::read::provisioning(app, &client.workspace).await?.link_by_verified_email;
    let (mut book, mut is_held) = (Book::of(&request), false);
    let mut runs = bulk_order::runs(&request.operations);
    if links {
        runs = bulk_order::apart(&request.operations, runs);
    }
    for run in runs {
        if book.is_full(&[]) {
            break;
        }
        let tried = carry_out_run(client, &request.operations, &run, &book, links).await;
        is_held |= tried.iter().any(|(_, outcome)| matches!(outcome, Err(refused) if refused.status == 429));
        for (index, outcome) in &tried {
            if let Ok(Done { found: Some(id), .. }) = outcome {
                request.found(*index, id);
            }
        }
        book.enter(tried);
    }
    let operations = &request.operations;
    settle(client, operations, &mut book).await;
    if is_held && let Err(error) = hold::tell(app, &client.actor, &client.workspace).await {
        // What was done is done, and the answer has to say so.
        tracing::error!(log = error.log(), "could not tell that deprovisioning is held");
    }
    Ok(answer(client, operations, &book))
}

async fn carry_out_run(client: &Client, operations: &[Operation], run: &Run, book: &Book, links: bool) -> Tried {
    let prepared = prepare_all(client, operations, run).await;
    let attempt = Attempt { client, operations, run, prepared: &prepared, book };
    let tried = match run.kind {
        RunKind::NewUsers if !links => match attempt.insert_users().await {
            // A unique value is somebody else's: whose it is that is refused shows when each goes by itself.
            Err(error) if error.problem().status < 500 => Ok(attempt.create_each().await),
            tried => tried,
        },
        RunKind::NewUsers => Ok(attempt.create_each().await),
        RunKind::ChangedUsers | RunKind::Alone | RunKind::Refused => attempt.change_each().await,
        RunKind::Circle => attempt.insert_circle().await,
    };
    tried.unwrap_or_else(|error| {
        let refused = refusal(&Failure::Product(error));
        run.operations.iter().map(|index| (*index, Err(refused.clone()))).collect()
    })
}

/// An operation with everything done that takes long and needs no lock.
enum Prepared<'a> {
    NewUser(Newcomer),
    ChangeUser(users::Change, Option<String>),
    NewGroup(NewGroup),
    ChangeGroup(groups::Change),
    Delete(&'a Task),
}

/// Passwords are hashed side by side, as many as there are threads for.
async fn prepare_all<'a>(
    client: &Client,
    operations: &'a [Operation],
    run: &Run,
) -> Vec<Result<Prepared<'a>, ScimError>> {
    let mut waiting = Vec::with_capacity(run.operations.len());
    for index in &run.operations {
        waiting.push(prepare(client, &operations[*index]));
    }
    stream::iter(waiting).buffered(client.app.config.sign_in.hashing_threads).collect().await
}

async fn prepare<'a>(client: &Client, operation: &'a Operation) -> Result<Prepared<'a>, ScimError> {
    let task = operation.task.as_ref().map_err(ScimError::clone)?;
    let (user, group) = (UserId::from_text(&task.id), GroupId::from_text(&task.id));
    match (task.kind, &task.work) {
        (_, Work::Delete) => Ok(Prepared::Delete(task)),
        (ResourceType::User, Work::Create(sent)) => {
            let new = users::prepare_new(client, Some(user), sent.clone()).await;
            new.map(Prepared::NewUser).map_err(|failure| refusal(&failure))
        }
        (ResourceType::User, Work::Replace(sent)) => {
            prepare_change(client, &user, users::Change::Replace(sent.clone())).await
        }
        (ResourceType::User, Work::Patch(patch)) => {
            prepare_change(client, &user, users::Change::Patch(patch.clone())).await
        }
        (ResourceType::Group, Work::Create(sent)) => {
            groups::prepare_new(client, Some(group), sent).map(Prepared::NewGroup)
        }
        (ResourceType::Group, Work::Replace(sent)) => Ok(Prepared::ChangeGroup(groups::Change::Replace(sent.clone()))),
        (ResourceType::Group, Work::Patch(patch)) => Ok(Prepared::ChangeGroup(groups::Change::Patch(patch.clone()))),
    }
}

async fn prepare_change<'a>(client: &Client, user: &UserId, change: users::Change) -> Result<Prepared<'a>, ScimError> {
    match users::new_password(client, user, &change).await {
        Ok(hash) => Ok(Prepared::ChangeUser(change, hash)),
        Err(failure) => Err(refusal(&failure)),
    }
}

/// An operation that can be tried, or why it can't.
type Ready<'a> = Result<(&'a Task, &'a Prepared<'a>), ScimError>;

/// A run on its way into the database.
struct Attempt<'a> {
    client: &'a Client,
    operations: &'a [Operation],
    run: &'a Run,
    /// In the order of the run.
    prepared: &'a [Result<Prepared<'a>, ScimError>],
    book: &'a Book,
}

impl Attempt<'_> {
    /// New users: one statement each, which refuses a name that is taken without harm to the transaction, and one lock of the
    /// audit log at the end.
    ///
    /// # Errors
    /// 409 if a value of one of them must be unique and isn't; then none was created.
    async fn insert_users(&self) -> Result<Tried> {
        let (client, db) = (self.client, &self.client.app.db);
        transact!(db, |tx| {
            let (_, head) = users::hold_settings(tx, client).await?;
            let (mut tried, mut created) = (Tried::new(), Vec::new());
            while let Some((index, next)) = self.next(&tried) {
                let outcome = match next {
                    Err(refused) => Err(refused),
                    Ok((_, Prepared::NewUser(new))) => {
                        let user = below_500(users::insert_in(tx, client, new, head).await)?;
                        user.map(|user| {
                            let done = Done::created(&user);
                            created.push(user);
                            done
                        })
                    }
                    Ok(_) => return Err(Error::internal("a run of new users holds something else")),
                };
                tried.push((index, outcome));
            }
            if !created.is_empty() {
                let created: Vec<&User> = created.iter().collect();
                users::record_created(tx, client, &created).await?;
                for user in created {
                    users::keep_new(tx, client, user).await?;
                }
            }
            Ok(tried)
        })
    }

    /// New users, each in a transaction of its own: one who is taken over may end somebody's sessions, and the next must not be
    /// looked for, or waited for, while that holds the head or the audit log.
    async fn create_each(&self) -> Tried {
        let (client, db) = (self.client, &self.client.app.db);
        let mut tried = Tried::new();
        while let Some((index, next)) = self.next(&tried) {
            let outcome = match next {
                Err(refused) => Err(refused),
                Ok((task, prepared)) => {
                    let written: Result<Result<Done, Failure>> =
                        async { transact!(db, |tx| { parted(write(tx, client, task, prepared).await) }) }.await;
                    written.unwrap_or_else(|error| Err(error.into())).map_err(|failure| refusal(&failure))
                }
            };
            tried.push((index, outcome));
        }
        tried
    }

    /// Changes, each of which can be taken back without its neighbours.
    async fn change_each(&self) -> Result<Tried> {
        let (client, db) = (self.client, &self.client.app.db);
        transact!(db, |tx| {
            self.hold(tx).await?;
            let mut tried = Tried::new();
            while let Some((index, next)) = self.next(&tried) {
                let outcome = match next {
                    Err(refused) => Err(refused),
                    Ok((task, prepared)) => {
                        tx.mark().await?;
                        match write(tx, client, task, prepared).await {
                            Ok(done) => Ok(done),
                            Err(Failure::Product(error)) if error.is_transient() => return Err(error),
                            Err(failure) => {
                                tx.undo().await?;
                                Err(refusal(&failure))
                            }
                        }
                    }
                };
                tried.push((index, outcome));
            }
            Ok(tried)
        })
    }

    /// The operation after those that were tried, or why it can't be tried; `None` at the end, or after too many refusals.
    fn next(&self, tried: &Tried) -> Option<(usize, Ready<'_>)> {
        let place = tried.len();
        let index = *self.run.operations.get(place).filter(|_| !self.book.is_full(tried))?;
        let operation = &self.operations[index];
        let ready = || {
            let prepared = self.prepared[place].as_ref().map_err(ScimError::clone)?;
            let task = operation.task.as_ref().map_err(ScimError::clone)?;
            match self.book.hindrance(operation, tried) {
                Some(refused) => Err(refused),
                None => Ok((task, prepared)),
            }
        };
        Some((index, ready()))
    }

    /// Takes the locks of several changes in the order that every change keeps: groups of those who are deleted, users (by id), the
    /// brake, the head. The audit log's comes last by itself.
    async fn hold(&self, tx: &mut Write) -> Result<()> {
        if self.run.operations.len() < 2 || self.run.kind != RunKind::ChangedUsers {
            return Ok(());
        }
        let tasks = self.run.operations.iter().filter_map(|index| self.operations[*index].task.as_ref().ok());
        let mut tasks: Vec<&Task> = tasks.collect();
        tasks.sort_by(|left, right| left.id.cmp(&right.id));
        let workspace = &self.client.workspace;
        for task in tasks.iter().filter(|task| matches!(task.work, Work::Delete)) {
            manage::hold_groups(tx, workspace, &UserId::from_text(&task.id)).await?;
        }
        for task in &tasks {
            user_store::lock(tx, workspace, &UserId::from_text(&task.id)).await?;
        }
        hold::take(tx, workspace).await?;
        revoke::hold_head(tx).await
    }

    /// New resources that refer to each other: all of them or none.
    async fn insert_circle(&self) -> Result<Tried> {
        let (client, db) = (self.client, &self.client.app.db);
        transact!(db, |tx| {
            tx.mark().await?;
            let (_, head) = users::hold_settings(tx, client).await?;
            let (mut tried, mut created, mut grouped) = (Tried::new(), Vec::new(), Vec::new());
            for (index, prepared) in self.users_first() {
                let hindrance = self.hindrance_from_outside(index);
                let outcome = match (prepared, hindrance) {
                    (Err(refused), _) => Err(refused.clone()),
                    (_, Some(refused)) => Err(refused),
                    (Ok(Prepared::NewUser(new)), None) => {
                        let user = below_500(users::insert_in(tx, client, new, head).await)?;
                        user.map(|user| {
                            let done = Done::created(&user);
                            created.push((index, user));
                            done
                        })
                    }
                    (Ok(Prepared::NewGroup(new)), None) => {
                        let members = below_500(groups::insert_in(tx, new).await)?;
                        members.map(|members| {
                            grouped.push((index, (new, members)));
                            Done::told(version::of_group(&new.group))
                        })
                    }
                    (Ok(_), None) => return Err(Error::internal("a circle of new resources holds something else")),
                };
                match outcome {
                    Ok(done) => tried.push((index, Ok(done))),
                    Err(refused) => {
                        tx.undo().await?;
                        return Ok(self.none_but(index, refused));
                    }
                }
            }
            // All members are in: from here on the head is held, and every other change waits.
            let all: Vec<(&NewGroup, usize)> = grouped.iter().map(|(_, new)| *new).collect();
            groups::record_created(tx, client, &all).await?;
            if !created.is_empty() {
                let people: Vec<&User> = created.iter().map(|(_, user)| user).collect();
                users::record_created(tx, client, &people).await?;
            }
            for (index, (new, _)) in &grouped {
                if let Err(refused) = below_500(groups::keep_new(tx, client, new).await)? {
                    tx.undo().await?;
                    return Ok(self.none_but(*index, refused));
                }
            }
            for (index, user) in &created {
                if let Err(refused) = below_500(users::keep_new(tx, client, user).await)? {
                    tx.undo().await?;
                    return Ok(self.none_but(*index, refused));
                }
            }
            Ok(tried)
        })
    }

    /// Members have to be there before their group.
    fn users_first(&self) -> Vec<(usize, &Result<Prepared<'_>, ScimError>)> {
        let mut order: Vec<_> = self.run.operations.iter().copied().zip(self.prepared).collect();
        order.sort_by_key(|(_, prepared)| matches!(prepared, Ok(Prepared::NewGroup(_))));
        order
    }

    fn hindrance_from_outside(&self, index: usize) -> Option<ScimError> {
        let outside = |needed: &&usize| !self.run.operations.contains(*needed);
        let failed = |needed: &usize| self.book.outcomes[*needed].as_ref().is_none_or(|outcome| outcome.is_err());
        self.operations[index].needs().iter().filter(outside).any(failed).then(missing_reference)
    }

    fn none_but(&self, failed: usize, refused: ScimError) -> Tried {
        let others = self.run.operations.iter().filter(|index| **index != failed);
        let mut tried: Tried = others.map(|index| (*index, Err(missing_reference()))).collect();
        tried.push((failed, Err(refused)));
        tried
    }
}

/// Parts the refusal of an operation from what ends its transaction.
fn below_500<T>(outcome: Result<T>) -> Result<Result<T, ScimError>> {
    match outcome {
        Ok(done) => Ok(Ok(done)),
        Err(error) if error.problem().status < 500 => Ok(Err(refusal(&Failure::Product(error)))),
        Err(error) => Err(error),
    }
}

async fn write(tx: &mut Write, client: &Client, task: &Task, prepared: &Prepared<'_>) -> Result<Done, Failure> {
    let condition = task.condition.as_ref();
    let (user, group) = (UserId::from_text(&task.id), GroupId::from_text(&task.id));
    match prepared {
        Prepared::NewGroup(new) => {
            let group = groups::create_in(tx, client, new).await?;
            Ok(Done::told(version::of_group(&group)))
        }
        Prepared::ChangeGroup(change) => {
            let group = groups::change_in(tx, client, &group, change, condition).await?;
            Ok(Done::told(version::of_group(&group)))
        }
        Prepared::ChangeUser(change, hash) => {
            let changed = users::change_in(tx, client, &user, change, hash.as_deref(), condition).await?;
            let version = Some(version::of_user(&changed.user, &changed.groups));
            // What changes nothing promises what an earlier request without an answer made so.
            let told = changed.revoked.is_empty();
            Ok(Done { version, revoked: changed.revoked, told, found: None })
        }
        Prepared::Delete(task) if task.kind == ResourceType::User => {
            let revoked = users::delete_in(tx, client, &user, condition).await?;
            Ok(Done { version: None, revoked: vec![revoked], told: false, found: None })
        }
        Prepared::Delete(_) => {
            groups::delete_in(tx, client, &group, condition).await?;
            Ok(Done { version: None, revoked: Vec::new(), told: true, found: None })
        }
        Prepared::NewUser(new) => {
            let (user, revoked) = users::create_in(tx, client, new).await?;
            let groups = group_store::list_of_user(tx, &client.workspace, &user.id).await?;
            let found = (user.id.as_str() != task.id).then(|| user.id.to_string());
            Ok(Done { version: Some(version::of_user(&user, &groups)), revoked, told: false, found })
        }
    }
}

/// Waits until every replica knows of what was done. If nobody can say so, nothing that rests on it is answered as done.
async fn settle(client: &Client, operations: &[Operation], book: &mut Book) {
    let (mut revoked, mut told) = (Vec::new(), false);
    let mut waiting = Vec::new();
    for (index, outcome) in book.outcomes.iter_mut().enumerate() {
        let done = match outcome {
            Some(Ok(done)) => done,
            // Deleted before, perhaps by a request that had no answer: this one promises what its answer would have.
            Some(Err(refused)) if refused.status == 404 && operations[index].method == Method::Delete => {
                waiting.push(index);
                told = true;
                continue;
            }
            _ => continue,
        };
        let ended = std::mem::take(&mut done.revoked);
        if done.told || !ended.is_empty() {
            waiting.push(index);
        }
        told |= done.told;
        revoked.extend(ended);
    }
    let settled = async {
        revoke::acknowledge_all(&client.app, &revoked).await?;
        if told {
            revoke::settle_all(&client.app).await?;
        }
        Ok::<(), Error>(())
    };
    if let Err(error) = settled.await {
        let refused = refusal(&Failure::Product(error));
        for index in waiting {
            book.outcomes[index] = Some(Err(refused.clone()));
        }
    }
}
