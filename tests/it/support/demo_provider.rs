//! The mock identity provider of `curfew demo`, for the workspace `acme` of a server in this process.

use curfew::cli::demo::identity_provider::{IdentityProvider, routes};
use curfew::cli::demo::keys::Keys;
use curfew::saml::configure::ServiceProvider;
use curfew::web::server::Server;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::TestApp;
use super::saml::add_provider;

/// A running one.
pub struct DemoProvider {
    /// `http://127.0.0.1:port`.
    pub base: String,
    metadata: String,
    /// Serves as long as this lives.
    _server: Server,
}

impl DemoProvider {
    pub async fn start(app: &TestApp) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let place = listener.local_addr().expect("a bound socket has an address");
        let keys = tokio::task::spawn_blocking(Keys::generate).await.expect("no panic").expect("a key");
        let provider = IdentityProvider::new(ServiceProvider::of(&app.app, "acme"), place, keys);
        let metadata = provider.metadata();
        let server = Server::start_endpoint(app.app.clone(), routes(provider), listener);
        Self { base: format!("http://{place}"), metadata, _server: server }
    }

    /// Makes it the identity provider of `acme`, and the domain of its people one of `acme`; gives it as the answer shows it.
    pub async fn configure(&self, app: &TestApp, token: &str) -> Value {
        app.sql(
            "INSERT INTO domain (workspace_id, domain, challenge, verified_at) \
             SELECT id, 'acme.test', 'none', 1 FROM workspace WHERE slug = 'acme'",
        )
        .await;
        add_provider(app, token, json!({"metadata_xml": self.metadata, "name": "Mock"})).await
    }

    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }
}
