//! `doorward healthcheck`: requests `/readyz` from the service that runs with this configuration.

use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::json;

use super::Failure;
use super::output::Output;
use crate::base::config::Config;

const TIMEOUT: Duration = Duration::from_secs(5);

pub(super) fn run(config: &Config, output: &Output) -> Result<(), Failure> {
    let status = ask(config.server.listen).map_err(|error| {
        Failure::Unavailable(format!(
            "no response from {}: {error}",
            config.server.listen
        ))
    })?;
    if status.starts_with("HTTP/1.1 200") {
        output.show(&json!({ "status": "ready" }), "ready");
        Ok(())
    } else {
        Err(Failure::Unavailable("not ready".into()))
    }
}

/// Sends one HTTP request and returns the beginning of the response. Uses loopback if the service listens on all addresses.
fn ask(listen: SocketAddr) -> std::io::Result<String> {
    let address = if listen.ip().is_unspecified() {
        SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), listen.port())
    } else {
        listen
    };
    let mut stream = TcpStream::connect_timeout(&address, TIMEOUT)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.set_write_timeout(Some(TIMEOUT))?;
    stream.write_all(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
    let mut answer = [0; 64];
    let length = stream.read(&mut answer)?;
    Ok(String::from_utf8_lossy(answer.get(..length).unwrap_or_default()).into_owned())
}
