//! `curfew demo`: the product with invented data, a mock identity provider to sign in with, and a sample application that asks
//! about every request; three listeners of one process. Nothing of it may be reached from another machine, and nothing of
//! the real configuration is read.

mod folder;
mod history;
pub mod identity_provider;
pub mod keys;
mod pages;
mod password;
mod people;
mod plan;
mod response_shape;
mod response_shapes;
mod response_signature;
mod response_text;
mod response_traits;
mod response_values;
mod response_xml;
mod sample_application;
mod shape_choice;
mod signed_response;
mod story;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;
use tokio::net::TcpListener;

use self::folder::Folder;
use self::identity_provider::IdentityProvider;
use self::keys::Keys;
use self::sample_application::SampleApplication;
use super::{output, serve};
use crate::app::App;
use crate::base::clock::{Clock, ManualClock, SystemClock};
use crate::base::random::SystemRandom;
use crate::config::{Config, Log};
use crate::error::{Error, Result, UNPROCESSABLE};
use crate::jobs;
use crate::saml::configure::ServiceProvider;
use crate::scim::requests;
use crate::sessions::model::Count;
use crate::telemetry;
use crate::web::server::Server;

/// The one workspace.
const SLUG: &str = "acme";

#[derive(Args)]
pub struct DemoArguments {
    /// Where the console and the API listen. Only this machine's own addresses; port 0 is any free one.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// Where the sample application listens.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8081")]
    app_listen: SocketAddr,
    /// Where the mock identity provider listens.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8082")]
    idp_listen: SocketAddr,
    /// Where the data live: an empty folder, or that of an earlier demo, whose data are replaced. Without it they live in a
    /// temporary folder that is removed at the end.
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
}

/// Serves the demo until SIGTERM or Ctrl-C.
///
/// # Errors
/// 422 naming the flag whose address is not loopback, is taken, or whose folder is in use.
pub async fn demo(arguments: DemoArguments) -> Result<ExitCode> {
    let DemoArguments { listen, app_listen, idp_listen, data_dir } = arguments;
    require_private(listen, app_listen, idp_listen)?;
    let (listener, listen) = bind("--listen", listen).await?;
    let (app_listener, app_listen) = bind("--app-listen", app_listen).await?;
    let (idp_listener, idp_listen) = bind("--idp-listen", idp_listen).await?;
    let folder = Folder::open(data_dir, &SystemRandom)?;
    let config = settings(listen, &folder);
    telemetry::start(&config.log)?;
    let Prepared { app, identity_provider, password, living } = prepare(config, idp_listen).await?;
    let sample = SampleApplication::new(&app)?;
    let tidying = jobs::start(app.clone());
    let server = Server::start(app.clone(), listener);
    let idp_server = Server::start_endpoint(app.clone(), identity_provider::routes(identity_provider), idp_listener);
    let app_server = Server::start_endpoint(app.clone(), sample_application::routes(sample), app_listener);
    announce(&app, &folder, [app_listen, idp_listen], &password, living);
    serve::stopped().await?;
    output::complain("Stopping…");
    tokio::join!(server.stop(), app_server.stop(), idp_server.stop());
    tidying.abort();
    requests::flush(&app).await;
    app.db.close().await;
    Ok(ExitCode::SUCCESS)
}

/// Everybody who reaches one of the listeners can be anybody: so nobody but this machine may.
fn require_private(listen: SocketAddr, app_listen: SocketAddr, idp_listen: SocketAddr) -> Result<()> {
    for (flag, address) in [("--listen", listen), ("--app-listen", app_listen), ("--idp-listen", idp_listen)] {
        if !address.ip().is_loopback() {
            let text = format!(
                "{address} is not a loopback address: a demo signs in whoever asks, so it is for this machine only; use \
                 127.0.0.1 or [::1] and a port"
            );
            return Err(Error::new(UNPROCESSABLE, text).with_field(flag));
        }
    }
    if app_listen.ip() != listen.ip() {
        let text = format!(
            "must have the address of --listen, {}, with another port: browsers keep a session's cookie for one address",
            listen.ip()
        );
        return Err(Error::new(UNPROCESSABLE, text).with_field("--app-listen"));
    }
    Ok(())
}

/// A listener, and the address it got.
async fn bind(flag: &'static str, address: SocketAddr) -> Result<(TcpListener, SocketAddr)> {
    let listener = serve::bind(flag, address).await?;
    let address = listener.local_addr().map_err(Error::internal)?;
    Ok((listener, address))
}

fn settings(listen: SocketAddr, folder: &Folder) -> Config {
    // What people are to read is on the terminal already: the log says only what goes wrong.
    let log = Log { filter: "warn".into(), ..Log::default() };
    Config { listen, data_dir: folder.path().to_owned(), admin_listen: None, log, ..Config::default() }
}

/// What there is to serve and to announce.
struct Prepared {
    app: Arc<App>,
    identity_provider: IdentityProvider,
    password: String,
    living: Count,
}

async fn prepare(config: Config, idp_listen: SocketAddr) -> Result<Prepared> {
    // Nothing else takes as long as the key: it is made meanwhile.
    let keys = tokio::task::spawn_blocking(Keys::generate);
    let clock = ManualClock::at(SystemClock::new().now() - plan::FORTNIGHT_MS);
    let mut app = App::prepare(config, Arc::new(clock.clone()), Arc::new(SystemRandom)).await?;
    let password = password::readable(app.random.as_ref());
    let keys = keys.await.map_err(Error::internal)??;
    let identity_provider = IdentityProvider::new(ServiceProvider::of(&app, SLUG), idp_listen, keys);
    let living = history::write(&app, &clock, &identity_provider, &password).await?;
    // The past is told: from here on the time is the true one.
    app.clock = Arc::new(SystemClock::new());
    app.demo = true;
    Ok(Prepared { app: Arc::new(app), identity_provider, password, living })
}

fn announce(app: &App, folder: &Folder, [app_listen, idp_listen]: [SocketAddr; 2], password: &str, living: Count) {
    let (origin, owner, path) = (&app.config.public_url, people::OWNER, folder.path().display());
    let (place, afterwards) = if folder.is_temporary() {
        ("a temporary folder, removed when it stops".to_owned(), "everything is thrown away".to_owned())
    } else {
        (format!("{path}, replaced when it starts there again"), format!("the data stay in {path}"))
    };
    let Count { sessions, users, .. } = living;
    output::complain(&format!(
        "Curfew demo: invented data in {place}.

  Console      {origin}/console
  Sample app   http://{app_listen}/
  Mock IdP     http://{idp_listen}/   signs you in as anybody, without a password
  Workspace    {SLUG}   {sessions} sessions of {users} people, a fortnight of history
  Owner        {owner}   password  {password}

Try this:
  1. Open the sample app in a private window, or in another browser, enter any …@acme.test
     address, continue with single sign-on, and pick somebody, and a product to answer like.
  2. Open the console in this one, and sign in as the owner.
  3. Press Log all users out on the page Security: the sample app refuses at once, and says after how many milliseconds.
  4. Look at Sessions, Users and the audit log; sign in by single sign-on as somebody who has left.

Stop with Ctrl-C; {afterwards}."
    ));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field_of(listen: &str, app_listen: &str, idp_listen: &str) -> Option<String> {
        let address = |text: &str| text.parse::<SocketAddr>().expect("an address");
        let judged = require_private(address(listen), address(app_listen), address(idp_listen));
        judged.err().and_then(|error| error.field().map(str::to_owned))
    }

    #[test]
    fn only_this_machine_is_served() {
        let (own, foreign) = ("127.0.0.1:1", "0.0.0.0:1");
        assert_eq!(field_of(own, own, own), None);
        assert_eq!(field_of("[::1]:1", "[::1]:2", own), None);
        assert_eq!(field_of(foreign, own, own).as_deref(), Some("--listen"));
        assert_eq!(field_of(own, "[::]:1", own).as_deref(), Some("--app-listen"));
        assert_eq!(field_of(own, own, "192.0.2.1:1").as_deref(), Some("--idp-listen"));
        assert_eq!(field_of(own, "127.0.0.2:1", own).as_deref(), Some("--app-listen"));
    }
}
