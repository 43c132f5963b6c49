//! `/api/v1/revocations/stream` and `…/ack`: applications follow the changes of their workspace. docs/revocation-stream.md says
//! how to obey the lease.

use std::sync::Arc;
use std::time::Duration;

use poem::http::StatusCode;
use poem::{Body as HttpBody, IntoResponse, Request, Response};
use poem_openapi::param::{Header, Query};
use poem_openapi::registry::{MetaMediaType, MetaResponse, MetaResponses, MetaSchemaRef, Registry};
use poem_openapi::types::Type;
use poem_openapi::{ApiResponse, Object, OpenApi};
use serde::Deserialize;
use zeroize::Zeroizing;

use super::lease_clock;
use super::stream_follow::{self, Heard};
use super::stream_rules::Anchor;
use super::streams::{Acknowledgement, Opening};
use crate::app::App;
use crate::error::{Error, Result};
use crate::security::credentials::model::CredentialKind;
use crate::security::credentials::{self, SCOPE_STREAM};
use crate::sessions::follow;
use crate::web::authenticate::{KeyHolder, bearer, origin};
use crate::web::json::Body;
use crate::web::server::Connection;

/// How often the key of a stream is looked at again.
const KEY_EVERY: Duration = Duration::from_secs(5);
/// The largest reading of a client's clock: what JSON numbers carry everywhere.
const LATEST_CLOCK: i64 = (1 << 53) - 1;

#[derive(Deserialize, Object)]
#[serde(deny_unknown_fields)]
#[oai(deny_unknown_fields)]
struct AckBody {
    /// The stream's id, from its event `hello`.
    stream: String,
    /// You have taken in everything that it told you, up to this number.
    sequence: i64,
    /// What your own clock said before you sent this, in milliseconds: leases that are counted from here last longer.
    clock_ms: Option<i64>,
}

pub struct StreamApi;

#[OpenApi(prefix_path = "/api/v1")]
impl StreamApi {
    /// Follow what ends sessions
    ///
    /// Server-sent events `hello`, `revocation`, `reset` and `lease`, for applications that keep answers of `sessions/check` or
    /// open connections; with an API key of scope `revocations:read`. docs/revocation-stream.md says how.
    #[oai(path = "/revocations/stream", method = "get", operation_id = "streamRevocations")]
    async fn stream(
        &self,
        request: &Request,
        holder: KeyHolder,
        since: Query<Option<i64>>,
        clock_ms: Query<Option<i64>>,
        #[oai(name = "Last-Event-ID")] last_event_id: Header<Option<i64>>,
    ) -> poem::Result<EventStream> {
        let heard = lease_clock(holder.app.clock.as_ref());
        holder.require(SCOPE_STREAM)?;
        // A client that comes back by itself repeats its old address, and knows better in the header.
        let since = match last_event_id.0 {
            Some(last) => Some(number("Last-Event-ID", last)?),
            None => since.0.map(|since| number("since", since)).transpose()?,
        };
        let client_ms = clock(clock_ms.0)?.unwrap_or_default();
        let (app, key) = (holder.app, holder.key);
        follow::ensure_lease(&app).await?;
        if since > app.streams.head() {
            // Told by a replica that was faster, most likely.
            follow::renewed(&app, || since <= app.streams.head()).await?;
        }
        let connection = request.data::<Connection>().cloned().unwrap_or_default();
        let cut = connection.cut.clone();
        let ended = ended(app.clone(), request, connection)?;
        let anchor = Anchor { client_ms, heard };
        let opening = Opening { workspace: key.workspace, key: key.id, since, anchor };
        let pieces = stream_follow::follow(&app, opening, ended, cut)?;
        Ok(EventStream(HttpBody::from_bytes_stream(pieces)))
    }

    /// Acknowledge what a stream told
    ///
    /// 204, or 202 if another replica has the stream and was told. A stream whose client has not acknowledged what it was told
    /// gets no lease, and ends after half a minute.
    #[oai(path = "/revocations/ack", method = "post", operation_id = "acknowledgeRevocations")]
    async fn acknowledge(&self, holder: KeyHolder, body: Body<AckBody>) -> poem::Result<Acknowledged> {
        holder.require(SCOPE_STREAM)?;
        let AckBody { stream, sequence, clock_ms } = body.0;
        let said = Acknowledgement {
            number: 0,
            workspace: holder.key.workspace,
            key: holder.key.id,
            sequence: number("sequence", sequence)?,
            client_ms: clock(clock_ms)?,
        };
        Ok(Acknowledged(stream_follow::acknowledge(&holder.app, &stream, said).await?))
    }
}

fn number(field: &'static str, value: i64) -> Result<i64> {
    if value < 0 { Err(Error::invalid(field, "must be the number of an event")) } else { Ok(value) }
}

fn clock(value: Option<i64>) -> Result<Option<i64>> {
    match value {
        Some(value) if !(0..=LATEST_CLOCK).contains(&value) => {
            Err(Error::invalid("clock_ms", "must be milliseconds of a clock that never goes back, from 0 to 2^53 - 1"))
        }
        value => Ok(value),
    }
}

/// Resolves when a stream must end: the server stops, or its key is no longer good.
fn ended(
    app: Arc<App>,
    request: &Request,
    mut connection: Connection,
) -> Result<impl Future<Output = ()> + Send + 'static> {
    let secret = Zeroizing::new(bearer(request.headers())?.unwrap_or_default().to_owned());
    let ip = origin(request).ip;
    Ok(async move {
        loop {
            tokio::select! {
                () = connection.stopping() => return,
                () = tokio::time::sleep(KEY_EVERY) => {}
            }
            // If the database doesn't answer, this replica's lease ends, and the stream's with it: that is enough.
            let found = credentials::find(&app, CredentialKind::ApiKey, &secret, ip).await;
            let good = |key: &credentials::model::Credential| key.scopes.iter().any(|scope| scope == SCOPE_STREAM);
            if found.is_ok_and(|key| !key.as_ref().is_some_and(good)) {
                return;
            }
        }
    })
}

/// Server-sent events, as long as they come.
struct EventStream(HttpBody);

impl IntoResponse for EventStream {
    fn into_response(self) -> Response {
        Response::builder()
            .content_type("text/event-stream")
            // A connection that carried a stream carries nothing after it.
            .header("Connection", "close")
            // nginx passes on what comes, as it comes.
            .header("X-Accel-Buffering", "no")
            .body(self.0)
    }
}

impl ApiResponse for EventStream {
    fn meta() -> MetaResponses {
        described(200, "Events, until the connection ends.", Some("text/event-stream"))
    }

    fn register(_registry: &mut Registry) {}
}

struct Acknowledged(Heard);

impl IntoResponse for Acknowledged {
    fn into_response(self) -> Response {
        match self.0 {
            Heard::Here => StatusCode::NO_CONTENT.into_response(),
            Heard::PassedOn => StatusCode::ACCEPTED.into_response(),
        }
    }
}

impl ApiResponse for Acknowledged {
    fn meta() -> MetaResponses {
        let mut both = described(204, "Heard.", None);
        both.responses.extend(described(202, "Passed on to the replica that has the stream.", None).responses);
        both
    }

    fn register(_registry: &mut Registry) {}
}

fn described(status: u16, description: &'static str, media_type: Option<&'static str>) -> MetaResponses {
    let schema = || -> MetaSchemaRef { String::schema_ref() };
    let content = media_type.map(|content_type| MetaMediaType { content_type, schema: schema() });
    MetaResponses {
        responses: vec![MetaResponse {
            description,
            status: Some(status),
            status_range: None,
            content: content.into_iter().collect(),
            headers: vec![],
        }],
    }
}
