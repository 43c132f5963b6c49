//! Resources of both kinds with what belongs to them. However many there are, their rows are one statement and their relations
//! another.

use std::collections::HashMap;

use serde_json::Value;

use super::client::Client;
use super::cursor::Position;
use super::http;
use super::plan::Key;
use super::projection::Projection;
use super::relation::Needed;
use super::schema::ResourceType;
use crate::base::ids::UserId;
use crate::error::Result;
use crate::users::groups::model::Group;
use crate::users::groups::store as groups;
use crate::users::model::{Source, User};
use crate::users::store as users;

/// A resource.
pub enum Row {
    /// With the ids and names of their groups.
    User(User, Vec<(String, String)>),
    /// With its members.
    Group(Group, Vec<UserId>),
}

impl Row {
    pub fn id(&self) -> &str {
        match self {
            Self::User(user, _) => user.id.as_str(),
            Self::Group(group, _) => group.id.as_str(),
        }
    }

    pub fn kind(&self) -> ResourceType {
        match self {
            Self::User(..) => ResourceType::User,
            Self::Group(..) => ResourceType::Group,
        }
    }

    /// Its place among the results.
    pub fn position(&self) -> Position {
        Position { kind: self.kind(), after: self.id().to_owned() }
    }

    /// The resource as the client sees it.
    pub fn render(&self, client: &Client, projection: &Projection) -> Value {
        match self {
            Self::User(user, groups) => http::render(client, user, groups, projection),
            Self::Group(group, members) => http::render_group(client, group, members, projection),
        }
    }
}

/// Resources by their ids, in the order of ids; whatever is gone is left out.
pub async fn load(client: &Client, kind: ResourceType, ids: &[String]) -> Result<Vec<Row>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let mut read = client.app.db.read().await?;
    Ok(match kind {
        ResourceType::User => provisioned(users::list_by_ids(&mut read, &client.workspace, ids).await?),
        ResourceType::Group => {
            let found = groups::list_by_ids(&mut read, &client.workspace, ids).await?;
            found.into_iter().map(|group| Row::Group(group, Vec::new())).collect()
        }
    })
}

/// What one key finds, if it finds few and says whom: then their ids need not be asked for first. `limit` at the most, in the
/// order of ids.
pub async fn look_up(client: &Client, kind: ResourceType, keys: &[Key], limit: usize) -> Result<Option<Vec<Row>>> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let workspace = &client.workspace;
    let found = match (kind, keys) {
        (ResourceType::User, [Key::UserName(name)]) => {
            users::find_by_name(&mut client.app.db.read().await?, workspace, name).await?.into_iter().collect()
        }
        (ResourceType::User, [Key::ExternalId(external)]) => {
            users::list_by_external_id(&mut client.app.db.read().await?, workspace, external, limit).await?
        }
        _ => return Ok(None),
    };
    Ok(Some(provisioned(found)))
}

fn provisioned(users: Vec<User>) -> Vec<Row> {
    let provisioned = users.into_iter().filter(|user| user.source == Source::Scim);
    provisioned.map(|user| Row::User(user, Vec::new())).collect()
}

/// Reads what belongs to the resources of one kind.
pub async fn relate(client: &Client, kind: ResourceType, rows: &mut [Row], needed: &Needed) -> Result<()> {
    let ids: Vec<String> = rows.iter().filter(|row| row.kind() == kind).map(|row| row.id().to_owned()).collect();
    if ids.is_empty() || *needed == Needed::Nothing {
        return Ok(());
    }
    match kind {
        ResourceType::User => relate_users(client, rows, &ids).await,
        ResourceType::Group => relate_groups(client, rows, &ids, needed).await,
    }
}

async fn relate_users(client: &Client, rows: &mut [Row], ids: &[String]) -> Result<()> {
    let found = groups::list_of_users(&mut client.app.db.read().await?, &client.workspace, ids).await?;
    let mut of_user: HashMap<String, Vec<(String, String)>> = HashMap::new();
    for (user, group, name) in found {
        of_user.entry(user).or_default().push((group, name));
    }
    for row in rows {
        if let Row::User(user, groups) = row {
            *groups = of_user.remove(user.id.as_str()).unwrap_or_default();
        }
    }
    Ok(())
}

async fn relate_groups(client: &Client, rows: &mut [Row], ids: &[String], needed: &Needed) -> Result<()> {
    let mut read = client.app.db.read().await?;
    let mut found = Vec::new();
    match needed {
        Needed::Those(users) => {
            for user in users {
                found.extend(groups::list_membership(&mut read, &client.workspace, ids, user).await?);
            }
        }
        _ => found = groups::list_members_of(&mut read, &client.workspace, ids).await?,
    }
    let mut of_group: HashMap<String, Vec<UserId>> = HashMap::new();
    for (group, user) in found {
        of_group.entry(group).or_default().push(user);
    }
    for row in rows {
        if let Row::Group(group, members) = row {
            *members = of_group.remove(group.id.as_str()).unwrap_or_default();
        }
    }
    Ok(())
}
