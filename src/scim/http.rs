//! `/scim/v2/…` (RFC 7644). The token decides the workspace; query parameters that we don't know are ignored, because Entra ID
//! hangs its own on the base address.

use poem::http::{StatusCode, header};
use poem::web::Path;
use poem::{Request, Response, handler};
use serde_json::{Value, json};

use super::client::{
    Client, Failure, failure, if_match, is_known, json_body, parameter, projection, query, reply, search_request,
    with_header,
};
use super::error::ScimError;
use super::projection::Projection;
use super::resource::{self, Meta};
use super::schema::ResourceType;
use super::search;
use super::users::{self, Change};
use super::{bulk, bulk_run, discovery, groups, patch, version};
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
    let (created, changed) = (rfc3339(user.created_at), rfc3339(user.updated_at));
    let (version, location) = (version::of_user(user, groups), client.location(ResourceType::User, user.id.as_str()));
    let meta = Meta { created: &created, last_modified: &changed, version: &version, location: &location };
    let mut shown = users::to_resource(user);
    if !groups.is_empty() {
        let group = |(id, name): &(String, String)| {
            let address = client.location(ResourceType::Group, id);
            json!({"value": id, "display": name, "$ref": address})
        };
        shown.insert("groups".into(), groups.iter().map(group).collect());
    }
    resource::render_in(&shown, client.definition(ResourceType::User), user.id.as_str(), meta, projection)
}

/// A group as the client sees it.
pub fn render_group(client: &Client, group: &Group, members: &[UserId], projection: &Projection) -> Value {
    let (created, changed) = (rfc3339(group.created_at), rfc3339(group.updated_at));
    let (version, location) = (version::of_group(group), client.location(ResourceType::Group, group.id.as_str()));
    let meta = Meta { created: &created, last_modified: &changed, version: &version, location: &location };
    let mut shown = groups::to_resource(group, members);
    for member in shown.get_mut("members").and_then(Value::as_array_mut).into_iter().flatten() {
        let id = member["value"].as_str().unwrap_or_default();
        member["$ref"] = client.location(ResourceType::User, id).into();
    }
    resource::render_in(&shown, client.definition(ResourceType::Group), group.id.as_str(), meta, projection)
}

// The groups, shown or not: the version covers them.
fn shown(
    client: &Client,
    status: StatusCode,
    user: &User,
    groups: &[(String, String)],
    projection: &Projection,
) -> Response {
    let response = reply(status, &render(client, user, groups, projection));
    let location = client.location(ResourceType::User, user.id.as_str());
    placed(response, &version::of_user(user, groups), &location)
}

async fn answer_group(
    client: &Client,
    status: StatusCode,
    group: &Group,
    projection: &Projection,
) -> Result<Response, Failure> {
    let members = match projection.shows("members") {
        true => groups::members_of(client, group).await?,
        false => Vec::new(),
    };
    let response = reply(status, &render_group(client, group, &members, projection));
    let location = client.location(ResourceType::Group, group.id.as_str());
    Ok(placed(response, &version::of_group(group), &location))
}

/// An answer that says no more than the version.
fn bare(status: StatusCode, version: &str) -> Response {
    with_header(Response::builder().status(status).finish(), header::ETAG, version)
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
        let wanted = resource::parse_in(client.definition(ResourceType::User), json_body(request, &sent)?)?;
        let projection = projection(request)?;
        let user = users::create(&client, wanted).await?;
        // Whoever is new, here or to SCIM, is in no group.
        Ok::<_, Failure>(shown(&client, StatusCode::CREATED, &user, &[], &projection))
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
        let groups = users::groups_of(&client, &user).await?;
        let tag = version::of_user(&user, &groups);
        if is_known(request, &tag) {
            return Ok(bare(StatusCode::NOT_MODIFIED, &tag));
        }
        Ok::<_, Failure>(shown(&client, StatusCode::OK, &user, &groups, &projection(request)?))
    })
}

/// `PUT /Users/{id}`
#[handler]
pub async fn replace_user(Path(id): Path<String>, request: &Request, sent: Vec<u8>) -> Response {
    answered!(async {
        let client = Client::authenticate(request).await?;
        let wanted = resource::parse_in(client.definition(ResourceType::User), json_body(request, &sent)?)?;
        let (condition, projection) = (if_match(request)?, projection(request)?);
        let changed = users::change(&client, &id, &Change::Replace(wanted), condition.as_ref()).await?;
        Ok::<_, Failure>(shown(&client, StatusCode::OK, &changed.user, &changed.groups, &projection))
    })
}

/// `PATCH /Users/{id}`: 200 with the whole resource, or 204 for a token that was made so
#[handler]
pub async fn patch_user(Path(id): Path<String>, request: &Request, sent: Vec<u8>) -> Response {
    answered!(async {
        let client = Client::authenticate(request).await?;
        let operations = patch::parse(json_body(request, &sent)?)?;
        let (condition, projection) = (if_match(request)?, projection(request)?);
        let without_body = client.wants_no_content(request)?;
        let changed = users::change(&client, &id, &Change::Patch(operations), condition.as_ref()).await?;
        if without_body {
            return Ok(bare(StatusCode::NO_CONTENT, &version::of_user(&changed.user, &changed.groups)));
        }
        Ok::<_, Failure>(shown(&client, StatusCode::OK, &changed.user, &changed.groups, &projection))
    })
}

/// `DELETE /Users/{id}`
#[handler]
pub async fn delete_user(Path(id): Path<String>, request: &Request) -> Response {
    answered!(async {
        let client = Client::authenticate(request).await?;
        users::delete(&client, &id, if_match(request)?.as_ref()).await?;
        Ok::<_, Failure>(Response::builder().status(StatusCode::NO_CONTENT).finish())
    })
}

/// `POST /Groups`
#[handler]
pub async fn create_group(request: &Request, sent: Vec<u8>) -> Response {
    answered!(async {
        let client = Client::authenticate(request).await?;
        let wanted = resource::parse_in(client.definition(ResourceType::Group), json_body(request, &sent)?)?;
        let projection = projection(request)?;
        let group = groups::create(&client, &wanted).await?;
        answer_group(&client, StatusCode::CREATED, &group, &projection).await
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
        let group = groups::load(&client, &id).await?;
        let tag = version::of_group(&group);
        if is_known(request, &tag) {
            return Ok(bare(StatusCode::NOT_MODIFIED, &tag));
        }
        answer_group(&client, StatusCode::OK, &group, &projection(request)?).await
    })
}

/// `PUT /Groups/{id}`
#[handler]
pub async fn replace_group(Path(id): Path<String>, request: &Request, sent: Vec<u8>) -> Response {
    answered!(async {
        let client = Client::authenticate(request).await?;
        let wanted = resource::parse_in(client.definition(ResourceType::Group), json_body(request, &sent)?)?;
        let (condition, projection) = (if_match(request)?, projection(request)?);
        let group = groups::change(&client, &id, &groups::Change::Replace(wanted), condition.as_ref()).await?;
        answer_group(&client, StatusCode::OK, &group, &projection).await
    })
}

/// `PATCH /Groups/{id}`: 200 with the whole resource, or 204 for a token that was made so
#[handler]
pub async fn patch_group(Path(id): Path<String>, request: &Request, sent: Vec<u8>) -> Response {
    answered!(async {
        let client = Client::authenticate(request).await?;
        let operations = patch::parse(json_body(request, &sent)?)?;
        let (condition, projection) = (if_match(request)?, projection(request)?);
        let without_body = client.wants_no_content(request)?;
        let group = groups::change(&client, &id, &groups::Change::Patch(operations), condition.as_ref()).await?;
        if without_body {
            return Ok(bare(StatusCode::NO_CONTENT, &version::of_group(&group)));
        }
        answer_group(&client, StatusCode::OK, &group, &projection).await
    })
}

/// `DELETE /Groups/{id}`
#[handler]
pub async fn delete_group(Path(id): Path<String>, request: &Request) -> Response {
    answered!(async {
        let client = Client::authenticate(request).await?;
        groups::delete(&client, &id, if_match(request)?.as_ref()).await?;
        Ok::<_, Failure>(Response::builder().status(StatusCode::NO_CONTENT).finish())
    })
}

/// `POST /Bulk` (RFC 7644 §3.7)
#[handler]
pub async fn carry_out_bulk(request: &Request, sent: Vec<u8>) -> Response {
    answered!(async {
        let client = Client::authenticate(request).await?;
        let wanted = bulk::parse(json_body(request, &sent)?, |kind| client.definition(kind))?;
        Ok::<_, Failure>(reply(StatusCode::OK, &bulk_run::carry_out(&client, wanted).await?))
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
        let base = client.base_url.as_str();
        let found = match path.trim_start_matches('/').split_once('/') {
            None if path == "/ServiceProviderConfig" => Some(discovery::service_provider_config(base)),
            None if path == "/ResourceTypes" => {
                Some(discovery::resource_types(base, &ResourceType::ALL.map(|kind| client.definition(kind))))
            }
            None if path == "/Schemas" => Some(discovery::schemas(base, client.own_schemas())),
            Some(("ResourceTypes", id)) => {
                ResourceType::parse(id).map(|kind| discovery::resource_type(base, client.definition(kind)))
            }
            Some(("Schemas", urn)) => discovery::schema(base, client.own_schemas(), urn),
            _ => None,
        };
        let found = found.ok_or_else(|| ScimError::not_found("there is no such description"))?;
        Ok::<_, Failure>(reply(StatusCode::OK, &found))
    })
}

/// `/Me`, by any method: a token is nobody (RFC 7644 §3.11).
#[handler]
pub async fn nobody(request: &Request) -> Response {
    answered!(async {
        Client::authenticate(request).await?;
        Err::<Response, Failure>(ScimError::not_implemented("there is no /Me: a token is nobody").into())
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
