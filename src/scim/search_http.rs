//! Queries of everything below the root of `/scim/v2` (RFC 7644 §3.4.2.1, §3.4.3).

use poem::http::StatusCode;
use poem::{Request, Response, handler};

use super::client::{Client, Failure, failure, json_body, query, reply, search_request};
use super::query::Query;
use super::schema::ResourceType;
use super::search;

async fn answer(client: &Client, query: &Query) -> Result<Response, Failure> {
    Ok(reply(StatusCode::OK, &search::list(client, &ResourceType::ALL, query).await?))
}

/// `POST /.search`
#[handler]
pub async fn search_all(request: &Request, sent: Vec<u8>) -> Response {
    let work = async {
        let client = Client::authenticate(request).await?;
        answer(&client, &search_request(json_body(request, &sent)?)?).await
    };
    work.await.unwrap_or_else(|refused: Failure| failure(&refused))
}

/// `GET /`
#[handler]
pub async fn list_all(request: &Request) -> Response {
    let work = async {
        let client = Client::authenticate(request).await?;
        answer(&client, &query(request)?).await
    };
    work.await.unwrap_or_else(|refused: Failure| failure(&refused))
}
