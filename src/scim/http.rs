//! `/scim/v2/…` (RFC 7644). The token decides the workspace; query parameters that we don't know are ignored, because Entra ID
//! hangs its own on the base address.

use poem::http::{StatusCode, header};
use poem::web::Path;
use poem::{Request, Response, handler};
use serde_json::{Value, json};

use super::client::{
    Client, Failure, failure, if_match, json_body, parameter, projection, query, reply, search_request, with_header,
};
use super::error::ScimError;
use super::projection::Projection;
use super::resource::{self, Meta};
use super::schema::ResourceType;
use super::search;
use super::users::{self, Change};
use super::{discovery, groups, patch};
use crate::base::clock::rfc3339;
use crate::base::ids::UserId;
use crate::error::Error;
use crate::users::groups::model::Group;
use crate::users::model::User;

/// The SCIM answer to an error that no handler here saw.
pub fn error_response(error: &Error) -> Response {
    let product = Error::new(error.problem(), error.detail().to_owned());
    failure(&Failure::Product(match error.retry_after() {
        Some(after) => product.with_retry_after(after),
        None => product,
    }))
}

/// A user as the client sees them.
pub fn render(client: &Client, user: &User, groups: &[(String, String)], projection: &Projection) -> Value {
    let (created, changed, version) = (rfc3339(user.created_at), rfc3339(user.updated_at), etag(user));
    let location = location(client, user);
    let meta = Meta { created: &created, last_modified: &changed, version: &version, location: &location };
    let mut shown = users::to_resource(user);
    if !groups.is_empty() {
        shown.insert("groups".into(), groups.iter().map(|(id, name)| json!({"value": id, "display": name})).collect());
    }
    resource::render(&shown, ResourceType::User, user.id.as_str(), meta, projection)
}

/// A group as the client sees it.
pub fn render_group(client: &Client, group: &Group, members: &[UserId], projection: &Projection) -> Value {
    let (created, changed) = (rfc3339(group.created_at), rfc3339(group.updated_at));
    let (version, location) = (group_etag(group), group_location(client, group));
    let meta = Meta { created: &created, last_modified: &changed, version: &version, location: &location };
    let shown = groups::to_resource(group, members);
    resource::render(&shown, ResourceType::Group, group.id.as_str(), meta, projection)
}

fn group_location(client: &Client, group: &Group) -> String {
    format!("{}/Groups/{}", client.base_url, group.id)
}

fn group_etag(group: &Group) -> String {
    format!("W/\"{}\"", group.version)
}

fn location(client: &Client, user: &User) -> String {
    format!("{}/Users/{}", client.base_url, user.id)
}

fn etag(user: &User) -> String {
    format!("W/\"{}\"", user.version)
}

async fn answer(
    client: &Client,
    status: StatusCode,
    user: &User,
    projection: &Projection,
) -> Result<Response, Failure> {
    let groups = match projection.shows("groups") {
        true => users::groups_of(client, user).await?,
        false => Vec::new(),
    };
    let response = reply(status, &render(client, user, &groups, projection));
    Ok(placed(response, &etag(user), &location(client, user)))
}

async fn answer_group(
    client: &Client,
    status: StatusCode,
    id: &str,
    projection: &Projection,
) -> Result<Response, Failure> {
    let (group, members) = match projection.shows("members") {
        true => groups::load(client, id).await?,
        false => (groups::load_without_members(client, id).await?, Vec::new()),
    };
    let response = reply(status, &render_group(client, &group, &members, projection));
    Ok(placed(response, &group_etag(&group), &group_location(client, &group)))
}

/// Adds a resource's version, and its address if it is new (RFC 7644 §3.3).
fn placed(response: Response, version: &str, location: &str) -> Response {
    let created = response.status() == StatusCode::CREATED;
    let response = with_header(response, header::ETAG, version);
    if created { with_header(response, header::LOCATION, location) } else { response }
}

macro_rules! answered {
    ($work:expr) => {
        match $work.await {
            Ok(response) => response,
            Err(refused) => failure(&refused),
        }
    };
}

/// `POST /Users`
#[handler]
pub async fn create_user(request: &Request, sent: Vec<u8>) -> Response {
    answered!(async {
        let client = Client::authenticate(request).await?;
        let wanted = resource::parse(ResourceType::User, json_body(request, &sent)?)?;
        let projection = projection(request)?;
        let user = users::create(&client, wanted).await?;
        answer(&client, StatusCode::CREATED, &user, &projection).await
    })
}

/// `GET /Users`
#[handler]
pub async fn list_users(request: &Request) -> Response {
    answered!(async {
        let client = Client::authenticate(request).await?;
        let query = query(request)?;
        Ok::<_, Failure>(reply(StatusCode::OK, &search::list(&client, &[ResourceType::User], &query).await?))
    })
}

/// `POST /Users/.search`
#[handler]
pub async fn search_users(request: &Request, sent: Vec<u8>) -> Response {
    answered!(async {
        let client = Client::authenticate(request).await?;
        let query = search_request(json_body(request, &sent)?)?;
        Ok::<_, Failure>(reply(StatusCode::OK, &search::list(&client, &[ResourceType::User], &query).await?))
    })
}

/// `GET /Users/{id}`
#[handler]
pub async fn get_user(Path(id): Path<String>, request: &Request) -> Response {
    answered!(async {
        let client = Client::authenticate(request).await?;
        let user = users::load(&client, &id).await?;
        let seen = request.header(header::IF_NONE_MATCH).unwrap_or_default();
        let bare = format!("\"{}\"", user.version);
        if seen.split(',').any(|tag| tag.trim() == "*" || tag.trim().trim_start_matches("W/") == bare) {
            let unchanged = Response::builder().status(StatusCode::NOT_MODIFIED).finish();
            return Ok(with_header(unchanged, header::ETAG, &etag(&user)));
        }
        answer(&client, StatusCode::OK, &user, &projection(request)?).await
    })
}

/// `PUT /Users/{id}`
#[handler]
pub async fn replace_user(Path(id): Path<String>, request: &Request, sent: Vec<u8>) -> Response {
    answered!(async {
        let client = Client::authenticate(request).await?;
        let wanted = resource::parse(ResourceType::User, json_body(request, &sent)?)?;
        let (version, projection) = (if_match(request)?, projection(request)?);
        let user = users::change(&client, &id, &Change::Replace(wanted), version).await?;
        answer(&client, StatusCode::OK, &user, &projection).await
    })
}

/// `PATCH /Users/{id}`: 200 with the whole resource
#[handler]
pub async fn patch_user(Path(id): Path<String>, request: &Request, sent: Vec<u8>) -> Response {
    answered!(async {
        let client = Client::authenticate(request).await?;
        let operations = patch::parse(json_body(request, &sent)?)?;
        let (version, projection) = (if_match(request)?, projection(request)?);
        let user = users::change(&client, &id, &Change::Patch(operations), version).await?;
        answer(&client, StatusCode::OK, &user, &projection).await
    })
}

/// `DELETE /Users/{id}`
#[handler]
pub async fn delete_user(Path(id): Path<String>, request: &Request) -> Response {
    answered!(async {
        let client = Client::authenticate(request).await?;
        users::delete(&client, &id, if_match(request)?).await?;
        Ok::<_, Failure>(Response::builder().status(StatusCode::NO_CONTENT).finish())
    })
}

/// `POST /Groups`
#[handler]
pub async fn create_group(request: &Request, sent: Vec<u8>) -> Response {
    answered!(async {
        let client = Client::authenticate(request).await?;
        let wanted = resource::parse(ResourceType::Group, json_body(request, &sent)?)?;
        let projection = projection(request)?;
        let group = groups::create(&client, &wanted).await?;
        answer_group(&client, StatusCode::CREATED, group.id.as_str(), &projection).await
    })
}

/// `GET /Groups`
#[handler]
pub async fn list_groups(request: &Request) -> Response {
    answered!(async {
        let client = Client::authenticate(request).await?;
        let query = query(request)?;
        Ok::<_, Failure>(reply(StatusCode::OK, &search::list(&client, &[ResourceType::Group], &query).await?))
    })
}

/// `POST /Groups/.search`
#[handler]
pub async fn search_groups(request: &Request, sent: Vec<u8>) -> Response {
    answered!(async {
        let client = Client::authenticate(request).await?;
        let query = search_request(json_body(request, &sent)?)?;
        Ok::<_, Failure>(reply(StatusCode::OK, &search::list(&client, &[ResourceType::Group], &query).await?))
    })
}

/// `GET /Groups/{id}`
#[handler]
pub async fn get_group(Path(id): Path<String>, request: &Request) -> Response {
    answered!(async {
        let client = Client::authenticate(request).await?;
        answer_group(&client, StatusCode::OK, &id, &projection(request)?).await
    })
}

/// `PUT /Groups/{id}`
#[handler]
pub async fn replace_group(Path(id): Path<String>, request: &Request, sent: Vec<u8>) -> Response {
    answered!(async {
        let client = Client::authenticate(request).await?;
        let wanted = resource::parse(ResourceType::Group, json_body(request, &sent)?)?;
        let projection = projection(request)?;
        groups::change(&client, &id, &groups::Change::Replace(wanted), if_match(request)?).await?;
        answer_group(&client, StatusCode::OK, &id, &projection).await
    })
}

/// `PATCH /Groups/{id}`: 200 with the whole resource
#[handler]
pub async fn patch_group(Path(id): Path<String>, request: &Request, sent: Vec<u8>) -> Response {
    answered!(async {
        let client = Client::authenticate(request).await?;
        let operations = patch::parse(json_body(request, &sent)?)?;
        let projection = projection(request)?;
        groups::change(&client, &id, &groups::Change::Patch(operations), if_match(request)?).await?;
        answer_group(&client, StatusCode::OK, &id, &projection).await
    })
}

/// `DELETE /Groups/{id}`
#[handler]
pub async fn delete_group(Path(id): Path<String>, request: &Request) -> Response {
    answered!(async {
        let client = Client::authenticate(request).await?;
        groups::delete(&client, &id, if_match(request)?).await?;
        Ok::<_, Failure>(Response::builder().status(StatusCode::NO_CONTENT).finish())
    })
}

/// `GET /ServiceProviderConfig`, `/ResourceTypes[/{id}]`, `/Schemas[/{urn}]` (RFC 7644 §4)
#[handler]
pub async fn describe(request: &Request) -> Response {
    answered!(async {
        let client = Client::authenticate(request).await?;
        if parameter(request, "filter")?.is_some() {
            return Err(ScimError::forbidden("what the service says of itself can't be filtered").into());
        }
        let path = request.original_uri().path().trim_end_matches('/');
        let path = path.strip_prefix("/scim/v2").unwrap_or(path);
        let found = match path.trim_start_matches('/').split_once('/') {
            None if path == "/ServiceProviderConfig" => Some(discovery::service_provider_config(&client.base_url)),
            None if path == "/ResourceTypes" => Some(discovery::resource_types(&client.base_url)),
            None if path == "/Schemas" => Some(discovery::schemas(&client.base_url)),
            Some(("ResourceTypes", id)) => discovery::resource_type(&client.base_url, id),
            Some(("Schemas", urn)) => discovery::schema(&client.base_url, urn),
            _ => None,
        };
        let found = found.ok_or_else(|| ScimError::not_found("there is no such description"))?;
        Ok::<_, Failure>(reply(StatusCode::OK, &found))
    })
}

/// Anything else: 401 without a token, else 404.
#[handler]
pub async fn nothing(request: &Request) -> Response {
    answered!(async {
        Client::authenticate(request).await?;
        Err::<Response, Failure>(ScimError::not_found("there is nothing at this address").into())
    })
}
