//! For operators: is the process up, can it answer, and what has it counted. On the admin listener only.

use std::sync::Arc;

use poem::http::StatusCode;
use poem::web::Data;
use poem::{Response, handler};
use serde_json::json;

use crate::app::App;
use crate::db::migrate;
use crate::feed::promise;
use crate::sessions::follow;

/// The process runs. Asks nobody.
#[handler]
pub fn healthz() -> &'static str {
    "ok\n"
}

/// The process can judge sessions: its database answers and has its schema.
#[handler]
pub async fn readyz(app: Data<&Arc<App>>) -> Response {
    let database = match migrate::current(&app.db).await {
        Ok(version) if version == migrate::latest() => "ok",
        Ok(_) => "other schema version",
        Err(_) => "does not answer",
    };
    let lease = match follow::ensure_lease(&app).await {
        Ok(()) => "held",
        Err(_) => "lapsed",
    };
    let ready = database == "ok" && lease == "held";
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let body = json!({"ready": ready, "database": database, "kind": if app.db.is_postgres() { "postgresql" } else { "sqlite" },
                      "replica": app.config.replica_name, "lease": lease,
                      "max_staleness_ms": u64::try_from(app.feed.staleness(app.clock.as_ref()).as_millis()).unwrap_or(u64::MAX),
                      "cached_sessions": app.cache.len(), "promise": promise::watch(&app).await.as_str(), "version": env!("CARGO_PKG_VERSION")});
    Response::builder().status(status).content_type("application/json").body(body.to_string())
}

/// OpenMetrics text.
#[handler]
pub fn metrics(app: Data<&Arc<App>>) -> Response {
    let text = app.metrics.encode();
    Response::builder().content_type("application/openmetrics-text; version=1.0.0; charset=utf-8").body(text)
}
