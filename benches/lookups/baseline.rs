//! The baseline: a minimal actix handler that reads one value of the same store over the same kind of connection, with as many
//! workers as the service and the framework's access log at the default level.

use std::net::SocketAddr;
use std::process::Command;

use actix_web::middleware::Logger;
use actix_web::{App, HttpResponse, HttpServer, web};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::r2d2::{ConnectionManager, Pool};
use doorward::base::config::Config;
use doorward::base::telemetry;
use redis::AsyncCommands;
use secrecy::ExposeSecret;

use crate::fixture::{BackEnd, Fixture};
use crate::load::{Expected, Request, Requests};
use crate::process::MeasuredProcess;
use crate::support::process::free_port;

diesel::table! {
    entries (key) {
        key -> Text,
        value -> Text,
        version -> BigInt,
        expires_at -> BigInt,
    }
}

/// Environment variables that make this program the baseline: the address to listen on, and a Redis URL or an SQLite file.
const ADDRESS: &str = "LOOKUPS_BASELINE_ADDRESS";
const STORE: &str = "LOOKUPS_BASELINE_STORE";
const KEY: &str = "baseline:{key}";
/// Length of the value in bytes, similar to a session's record.
const VALUE_LEN: usize = 500;

type Readers = Pool<ConnectionManager<SqliteConnection>>;

/// Whether this process was started as the baseline.
pub fn is_requested() -> bool {
    std::env::var_os(ADDRESS).is_some()
}

/// Starts the baseline as a process of its own.
pub fn start(fixture: &Fixture) -> MeasuredProcess {
    let address = SocketAddr::from(([127, 0, 0, 1], free_port()));
    let store = match (fixture.back_end, &fixture.config.redis.url) {
        (BackEnd::Clustered, Some(url)) => url.expose_secret().to_owned(),
        _ => fixture.file("baseline.db").display().to_string(),
    };
    let program = std::env::current_exe().expect("the path of this program");
    let mut command = Command::new(program);
    command.env(ADDRESS, address.to_string()).env(STORE, store);
    MeasuredProcess::start(&mut command, address).0
}

/// Returns the request to the baseline; the response body is the value.
pub fn requests() -> Requests {
    let message = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n".to_vec();
    Requests::new(vec![Request {
        message,
        expected: Expected::ok("x".repeat(VALUE_LEN)),
    }])
}

/// Runs the baseline until it receives a signal.
pub fn serve() {
    let address = std::env::var(ADDRESS).expect("an address");
    let store = std::env::var(STORE).expect("a store");
    let config = Config::load(None).expect("a valid default configuration");
    let _guard = telemetry::start(&config.log).expect("a valid log configuration");
    actix_web::rt::System::new().block_on(async move {
        if store.starts_with("redis") {
            serve_redis(&address, &store).await;
        } else {
            serve_sqlite(&address, &store).await;
        }
    });
}

fn workers() -> usize {
    std::thread::available_parallelism().map_or(2, std::num::NonZero::get)
}

async fn serve_redis(address: &str, url: &str) {
    let client = redis::Client::open(url).expect("a Redis URL");
    let mut connection = redis::aio::ConnectionManager::new(client)
        .await
        .expect("a connection");
    let () = connection
        .set_ex(KEY, "x".repeat(VALUE_LEN), 3600)
        .await
        .expect("a write");
    let server = HttpServer::new(move || {
        App::new()
            .app_data(web::Data::new(connection.clone()))
            .wrap(Logger::default())
            .default_service(web::to(
                |connection: web::Data<redis::aio::ConnectionManager>| async move {
                    let mut connection = connection.get_ref().clone();
                    let value: String = connection.get(KEY).await.expect("a value");
                    HttpResponse::Ok().body(value)
                },
            ))
    });
    let server = server
        .workers(workers())
        .bind(address)
        .expect("a free port");
    server.run().await.expect("a clean shutdown");
}

async fn serve_sqlite(address: &str, path: &str) {
    let mut writer = SqliteConnection::establish(path).expect("an SQLite file");
    writer
        .batch_execute(
            "pragma journal_mode = wal; create table entries (key text primary key not null, value text not null, \
             version integer not null, expires_at integer not null) strict, without rowid",
        )
        .expect("a table");
    diesel::insert_into(entries::table)
        .values((
            entries::key.eq(KEY),
            entries::value.eq("x".repeat(VALUE_LEN)),
            entries::version.eq(0),
            entries::expires_at.eq(i64::MAX),
        ))
        .execute(&mut writer)
        .expect("a write");
    let readers: Readers = Pool::builder()
        .max_size(4)
        .test_on_check_out(false)
        .build(ConnectionManager::new(path))
        .expect("connections");
    let server = HttpServer::new(move || {
        App::new()
            .app_data(web::Data::new(readers.clone()))
            .wrap(Logger::default())
            .default_service(web::to(|readers: web::Data<Readers>| async move {
                let readers = readers.get_ref().clone();
                let value = tokio::task::spawn_blocking(move || read(&readers)).await;
                HttpResponse::Ok().body(value.expect("a value"))
            }))
    });
    let server = server
        .workers(workers())
        .bind(address)
        .expect("a free port");
    server.run().await.expect("a clean shutdown");
}

fn read(readers: &Readers) -> String {
    let mut conn = readers.get().expect("a connection");
    entries::table
        .filter(entries::key.eq(KEY))
        .filter(entries::expires_at.gt(0))
        .select(entries::value)
        .first(&mut conn)
        .expect("a value")
}
