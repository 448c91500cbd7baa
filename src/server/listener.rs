//! Binds an address and serves HTTP over [`Connection`].

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use actix_http::{HttpService, Request, Response};
use actix_server::{Server, ServerBuilder};
use actix_service::{
    IntoServiceFactory, Service, ServiceFactory, ServiceFactoryExt, fn_service, map_config,
};
use actix_web::body::MessageBody;
use actix_web::dev::AppConfig;
use actix_web::rt::net::TcpStream;
use tokio::net::TcpSocket;

use super::connection::{Connection, HEAD_TIMEOUT};
use super::open_connections::Connections;

/// How long a connection may be idle between two requests.
const KEEP_ALIVE: Duration = Duration::from_secs(5);
/// How long a client may take to close a connection that the server has ended.
const DISCONNECT_TIMEOUT: Duration = Duration::from_secs(1);
const BACKLOG: u32 = 1024;
/// Settings of a listener.
pub(super) struct ListenerConfig {
    pub(super) address: SocketAddr,
    pub(super) workers: usize,
    pub(super) per_worker: usize,
    pub(super) shutdown_timeout: u64,
    pub(super) connections: Connections,
}

/// Binds the address. The returned server handles requests while it is awaited.
pub(super) fn listen<F, I, S, B>(
    how: ListenerConfig,
    factory: F,
) -> io::Result<(SocketAddr, Server)>
where
    F: Fn() -> I + Send + Clone + 'static,
    I: IntoServiceFactory<S, Request>,
    S: ServiceFactory<Request, Config = AppConfig> + 'static,
    S::Error: Into<actix_web::Error> + 'static,
    S::InitError: fmt::Debug,
    S::Response: Into<Response<B>> + 'static,
    <S::Service as Service<Request>>::Future: 'static,
    S::Service: 'static,
    B: MessageBody + 'static,
{
    let socket = if how.address.is_ipv4() {
        TcpSocket::new_v4()?
    } else {
        TcpSocket::new_v6()?
    };
    socket.set_reuseaddr(true)?;
    socket.bind(how.address)?;
    let listener = socket.listen(BACKLOG)?.into_std()?;
    let address = listener.local_addr()?;
    let builder = ServerBuilder::default();
    let stopping = builder.graceful_shutdown_signal();
    let server = builder
        .workers(how.workers)
        .max_concurrent_connections(how.per_worker)
        .shutdown_timeout(how.shutdown_timeout)
        .disable_signals()
        .listen(format!("doorward-{address}"), listener, move || {
            let (stopping, connections) = (stopping.clone(), how.connections.clone());
            let service = HttpService::build()
                .graceful_shutdown_signal(move || {
                    let stopping = stopping.clone();
                    async move { stopping.notified().await }
                })
                .keep_alive(KEEP_ALIVE)
                .client_request_timeout(HEAD_TIMEOUT)
                .client_disconnect_timeout(DISCONNECT_TIMEOUT)
                .local_addr(address)
                .on_connect_ext(|connection: &Connection, extensions| {
                    extensions.insert(connection.activity());
                })
                .h1(map_config(
                    factory()
                        .into_factory()
                        .map_err(|error| error.into().error_response()),
                    |()| AppConfig::default(),
                ));
            fn_service(move |stream: TcpStream| {
                let peer = stream.peer_addr().ok();
                let connection =
                    Connection::new(stream, connections.heads.reservation(), connections.open());
                async move { Ok((connection, peer)) }
            })
            .and_then(service)
        })?
        .run();
    Ok((address, server))
}
