//! Our own accept loop over hyper: poem's has no clock for a request's head, so that half a request would stay open for ever.
//!
//! Heads, bodies and whole requests have deadlines; connections are capped; stopping finishes what is under way.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{FutureExt, future};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use poem::Response;
use poem::endpoint::BoxEndpoint;
use poem::http::uri::Scheme;
use poem::web::{LocalAddr, RemoteAddr};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, Semaphore, watch};
use tokio::task::JoinHandle;

use super::pipeline::{Pipeline, RequestIds};
use super::routes;
use crate::app::App;
use crate::config::Http;
use crate::forward_auth;
use crate::sessions::follow;

/// How long requests under way may take when the server stops.
const DRAIN: Duration = Duration::from_secs(30);

/// What answers requests.
struct Handler {
    pipeline: Pipeline<BoxEndpoint<'static, Response>>,
    /// Whether proxies ask here who may pass.
    is_door: bool,
}

impl Handler {
    fn new(inner: BoxEndpoint<'static, Response>, app: Arc<App>) -> Self {
        let ids = RequestIds::new(app.random.as_ref());
        Self { pipeline: Pipeline { app, inner, ids }, is_door: false }
    }

    /// The answer to a question that needs no wait.
    fn at_once(&self, request: &hyper::Request<Incoming>, peer: SocketAddr) -> Option<Response> {
        let app = &self.pipeline.app;
        let response = self.is_door.then(|| forward_auth::http::at_once(app, request, peer.ip()))??;
        app.metrics.request(response.status().as_u16());
        Some(response)
    }
}

/// A listening server.
pub struct Server {
    address: SocketAddr,
    stop: watch::Sender<bool>,
    accepting: JoinHandle<()>,
    connections: Arc<Semaphore>,
    capacity: u32,
    /// What makes this process a replica, if it judges sessions.
    following: Option<Following>,
}

/// The connection of a request, for answers that have no end of their own.
#[derive(Clone, Default)]
pub struct Connection {
    /// Closes it at once.
    pub cut: Arc<Notify>,
    stopped: Option<watch::Receiver<bool>>,
}

impl Connection {
    /// Returns when the server was asked to stop; never, where there is none.
    pub async fn stopping(&mut self) {
        match &mut self.stopped {
            Some(stopped) => asked_to_stop(stopped).await,
            None => std::future::pending().await,
        }
    }
}

struct Following {
    app: Arc<App>,
    tasks: Vec<JoinHandle<()>>,
}

impl Server {
    /// Serves the product on a listener.
    pub fn start(app: Arc<App>, listener: TcpListener) -> Self {
        let following = Following { app: app.clone(), tasks: follow::start(app.clone()) };
        let handler = Handler { is_door: true, ..Handler::new(routes::routes(&app), app) };
        Self { following: Some(following), ..Self::accept(handler, listener) }
    }

    /// Serves health and metrics.
    pub fn start_admin(app: Arc<App>, listener: TcpListener) -> Self {
        Self::accept(Handler::new(routes::admin_routes(), app), listener)
    }

    /// Serves something else under the same deadlines and limits: `curfew demo` has two more listeners.
    pub fn start_endpoint(app: Arc<App>, inner: BoxEndpoint<'static, Response>, listener: TcpListener) -> Self {
        Self::accept(Handler::new(inner, app), listener)
    }

    fn accept(handler: Handler, listener: TcpListener) -> Self {
        let settings = handler.pipeline.app.config.http.clone();
        let handler = Arc::new(handler);
        let address = listener.local_addr().unwrap_or_else(|_| SocketAddr::from(([127, 0, 0, 1], 0)));
        let (stop, stopped) = watch::channel(false);
        let capacity = u32::try_from(settings.max_connections).unwrap_or(u32::MAX);
        let connections = Arc::new(Semaphore::new(settings.max_connections));
        let permits = connections.clone();
        let accepting = tokio::spawn(accept_loop(handler, listener, settings, permits, stopped));
        Self { address, stop, accepting, connections, capacity, following: None }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Stops accepting and waits for requests under way, 30 seconds at the most.
    pub async fn stop(self) {
        // A receiver that is gone has stopped already.
        self.stop.send_replace(true);
        self.accepting.abort();
        drop(tokio::time::timeout(DRAIN, self.connections.acquire_many(self.capacity)).await);
        if let Some(following) = self.following {
            for task in &following.tasks {
                task.abort();
            }
            follow::leave(&following.app).await;
        }
    }
}

async fn accept_loop(
    handler: Arc<Handler>,
    listener: TcpListener,
    settings: Http,
    permits: Arc<Semaphore>,
    stopped: watch::Receiver<bool>,
) {
    loop {
        let Ok(permit) = permits.clone().acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, peer)) => {
                let connection = serve(handler.clone(), stream, peer, settings.clone(), stopped.clone());
                tokio::spawn(async move {
                    connection.await;
                    drop(permit);
                });
            }
            Err(error) => {
                // Out of file descriptors, most likely: waiting lets some come back.
                tracing::warn!(error = %error, "accepting a connection failed");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

async fn serve(
    handler: Arc<Handler>,
    stream: TcpStream,
    peer: SocketAddr,
    settings: Http,
    mut stopped: watch::Receiver<bool>,
) {
    drop(stream.set_nodelay(true));
    let local = stream.local_addr().map_or_else(|_| LocalAddr::default(), |local| LocalAddr(local.into()));
    let own = Connection { cut: Arc::default(), stopped: Some(stopped.clone()) };
    let cut = own.cut.clone();
    let service = service_fn(move |request: hyper::Request<Incoming>| match handler.at_once(&request, peer) {
        Some(response) => future::ready(Ok::<_, Infallible>(response.into())).left_future(),
        None => {
            let handler = handler.clone();
            let mut request = poem::Request::from((request, local.clone(), RemoteAddr(peer.into()), Scheme::HTTP));
            request.set_data(own.clone());
            async move { Ok(handler.pipeline.answer(request).await.into()) }.right_future()
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(Duration::from_millis(settings.header_timeout_ms))
        .max_headers(100)
        .max_buf_size(64 * 1024)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(connection);
    tokio::select! {
        result = connection.as_mut() => {
            if let Err(error) = result {
                tracing::debug!(error = %error, "connection ended");
            }
        }
        () = cut.notified() => {}
        () = asked_to_stop(&mut stopped) => {
            connection.as_mut().graceful_shutdown();
            drop(tokio::time::timeout(DRAIN, connection).await);
        }
    }
}

/// Returns when the server was asked to stop, or is gone.
async fn asked_to_stop(stopped: &mut watch::Receiver<bool>) {
    drop(stopped.wait_for(|stopped| *stopped).await.map(|_| ()));
}
