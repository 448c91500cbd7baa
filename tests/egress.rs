//! Outgoing requests: allowed targets, and limits for their responses.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use doorward::base::clock::Stopwatch;
use doorward::base::config::{self, Network};
use doorward::egress::{Egress, EgressError};

use crate::support::process::free_port;
use crate::support::receiver::{Behaviour, Certificate, Receiver};
use crate::support::test_server::runtime;

fn section(networks: &[&str]) -> config::Egress {
    let networks = networks.iter().map(|text| Network::parse(text));
    config::Egress {
        allowed_networks: networks.collect::<Result<_, _>>().expect("networks"),
        extra_ca_file: None,
        timeout: Duration::from_secs(5),
    }
}

fn with_loopback_allowed() -> Egress {
    Egress::new(&section(&["127.0.0.0/8"])).expect("a client")
}

fn with_ca_file(file: PathBuf) -> Result<Egress, EgressError> {
    Egress::new(&config::Egress {
        extra_ca_file: Some(file),
        ..section(&["127.0.0.0/8"])
    })
}

fn post(egress: &Egress, url: &str) -> Result<u16, EgressError> {
    runtime().block_on(egress.post_form(url, &[("logout_token", "a b&c"), ("n", "1")]))
}

fn answer(head: &str) -> Behaviour {
    Behaviour::Answer(format!(
        "HTTP/1.1 {head}\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"
    ))
}

#[test]
fn an_outgoing_request_sends_no_cookies_and_no_referrer() {
    let receiver = Receiver::http(answer("200 OK\r\nSet-Cookie: a=b"));
    let url = format!("http://localhost:{}/logout?tenant=1", receiver.port());
    let egress = with_loopback_allowed();
    for _ in 0..2 {
        assert_eq!(post(&egress, &url).expect("a response"), 200);
    }
    let requests = receiver.requests();
    for request in &requests {
        let (head, body) = request.split_once("\r\n\r\n").expect("head and body");
        assert!(
            head.starts_with("POST /logout?tenant=1 HTTP/1.1\r\n"),
            "{head}"
        );
        assert_eq!(body, "logout_token=a+b%26c&n=1");
        let head = head.to_ascii_lowercase();
        let named = concat!("user-agent: doorward/", env!("CARGO_PKG_VERSION"));
        assert!(head.contains(named), "{head}");
        assert!(head.contains("content-type: application/x-www-form-urlencoded"));
        assert!(
            !head.contains("cookie") && !head.contains("referer"),
            "{head}"
        );
    }
    assert_eq!(requests.len(), 2);
}

#[test]
fn a_name_that_resolves_to_a_private_address_is_refused() {
    let receiver = Receiver::http(answer("200 OK"));
    let port = receiver.port();
    let elsewhere = Egress::new(&section(&["10.0.0.0/8"])).expect("a client");
    let by_default = Egress::new(&section(&[])).expect("a client");
    for (egress, url) in [
        (&elsewhere, format!("http://localhost:{port}/")),
        (&elsewhere, format!("https://localhost:{port}/")),
        (&elsewhere, format!("http://127.0.0.1:{port}/")),
        (&by_default, format!("https://localhost:{port}/")),
        (&by_default, format!("https://127.0.0.1:{port}/")),
        (&by_default, format!("https://[::ffff:127.0.0.1]:{port}/")),
    ] {
        let refused = post(egress, &url);
        let is_loopback = matches!(
            refused,
            Err(EgressError::Refused {
                reason: "a loopback address"
            })
        );
        assert!(is_loopback, "{url}: {refused:?}");
    }
    assert_eq!(receiver.requests().len(), 0);
    let url = format!("http://localhost:{port}/");
    assert_eq!(
        post(&with_loopback_allowed(), &url).expect("a response"),
        200
    );
}

#[test]
fn an_unresolvable_name_and_a_closed_port_are_distinct_errors() {
    let egress = with_loopback_allowed();
    let nowhere = post(&egress, "http://no-such-host.invalid/");
    assert!(
        matches!(nowhere, Err(EgressError::Unresolved(_))),
        "{nowhere:?}"
    );
    let closed = post(&egress, &format!("http://127.0.0.1:{}/", free_port()));
    assert!(matches!(closed, Err(EgressError::Connect(_))), "{closed:?}");
}

#[test]
fn a_redirect_is_returned_and_not_followed() {
    let elsewhere = Receiver::http(answer("200 OK"));
    for status in [301, 302, 303, 307, 308] {
        let location = format!("http://127.0.0.1:{}/", elsewhere.port());
        let receiver = Receiver::http(answer(&format!("{status} Moved\r\nLocation: {location}")));
        let url = format!("http://127.0.0.1:{}/", receiver.port());
        assert_eq!(
            post(&with_loopback_allowed(), &url).expect("a response"),
            status
        );
        assert_eq!(receiver.requests().len(), 1);
    }
    assert_eq!(elsewhere.requests().len(), 0);
}

#[test]
fn an_endless_body_is_not_read_to_its_end() {
    let receiver = Receiver::http(Behaviour::Endless);
    let url = format!("http://127.0.0.1:{}/", receiver.port());
    let watch = Stopwatch::start();
    assert_eq!(
        post(&with_loopback_allowed(), &url).expect("a response"),
        200
    );
    assert!(
        watch.elapsed() < Duration::from_secs(4),
        "{:?}",
        watch.elapsed()
    );
    // At most what the kernel's buffers hold, not what is sent within five seconds.
    assert!(receiver.sent() < 32 << 20, "{}", receiver.sent());
}

#[test]
fn an_outgoing_request_times_out() {
    let silent = Receiver::http(Behaviour::Silent);
    let slow_body = Receiver::http(Behaviour::Answer(
        "HTTP/1.1 204 No Content\r\nX: ".to_owned(),
    ));
    let egress = Egress::new(&config::Egress {
        timeout: Duration::from_millis(300),
        ..section(&["127.0.0.0/8"])
    });
    let egress = egress.expect("a client");
    let watch = Stopwatch::start();
    let answer = post(&egress, &format!("http://127.0.0.1:{}/", silent.port()));
    assert!(matches!(answer, Err(EgressError::Timeout)), "{answer:?}");
    // TLS with a server that never responds.
    let answer = post(&egress, &format!("https://127.0.0.1:{}/", silent.port()));
    assert!(answer.is_err(), "{answer:?}");
    assert!(
        watch.elapsed() < Duration::from_secs(4),
        "{:?}",
        watch.elapsed()
    );
    let answer = post(&egress, &format!("http://127.0.0.1:{}/", slow_body.port()));
    assert!(matches!(answer, Err(EgressError::Broken(_))), "{answer:?}");
}

#[test]
fn a_response_that_is_not_http_is_an_error() {
    for nonsense in ["SSH-2.0-OpenSSH_9.9\r\n", "", "HTTP/1.1 999999\r\n\r\n"] {
        let receiver = Receiver::http(Behaviour::Answer(nonsense.to_owned()));
        let url = format!("http://127.0.0.1:{}/?key=secret", receiver.port());
        let answer = post(&with_loopback_allowed(), &url);
        let Err(error @ EgressError::Broken(_)) = answer else {
            panic!("{nonsense:?}: {answer:?}");
        };
        assert!(
            !format!("{error} {error:?}").contains("secret"),
            "{error:?}"
        );
    }
}

#[test]
fn a_private_ca_is_trusted_only_if_configured_and_only_for_its_name() {
    let certificate = Certificate::make();
    let receiver = Receiver::https(answer("204 No Content"), &certificate);
    let url = format!("https://localhost:{}/", receiver.port());
    let without_ca = post(&with_loopback_allowed(), &url);
    assert!(
        matches!(without_ca, Err(EgressError::Tls(_))),
        "{without_ca:?}"
    );
    let with_ca_file = with_ca_file(certificate.authority()).expect("a client");
    assert_eq!(post(&with_ca_file, &url).expect("a response"), 204);
    let by_address = format!("https://127.0.0.1:{}/", receiver.port());
    let wrong_name = post(&with_ca_file, &by_address);
    assert!(
        matches!(wrong_name, Err(EgressError::Tls(_))),
        "{wrong_name:?}"
    );
    assert_eq!(receiver.requests().len(), 1);
}

#[test]
fn a_ca_file_without_certificates_is_refused() {
    let folder = tempfile::TempDir::new().expect("a folder");
    let empty = folder.path().join("empty.pem");
    std::fs::write(&empty, "no certificate").expect("a file");
    let damaged = folder.path().join("damaged.pem");
    let text = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    std::fs::write(&damaged, text).expect("a file");
    for file in [folder.path().join("missing.pem"), empty, damaged] {
        let error = with_ca_file(file.clone()).expect_err("refused").to_string();
        let begins = format!("egress.extra_ca_file: {}: ", file.display());
        assert!(error.starts_with(&begins), "{error}");
    }
}

#[test]
fn proxy_environment_variables_are_ignored() {
    const RECEIVER: &str = "DOORWARD_TEST_RECEIVER";
    if let Ok(url) = std::env::var(RECEIVER) {
        // Runs in the child process that is started below.
        assert_eq!(
            post(&with_loopback_allowed(), &url).expect("a response"),
            200
        );
        return;
    }
    let receiver = Receiver::http(answer("200 OK"));
    let proxy = format!("http://127.0.0.1:{}", free_port());
    let mut again = Command::new(std::env::current_exe().expect("this program"));
    again.args(["egress::proxy_environment_variables_are_ignored", "--exact"]);
    again.env(RECEIVER, format!("http://localhost:{}/", receiver.port()));
    for name in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"] {
        again.env(name, &proxy).env(name.to_lowercase(), &proxy);
    }
    again.env_remove("NO_PROXY").env_remove("no_proxy");
    let output = again.output().expect("the program runs");
    assert!(output.status.success(), "{output:?}");
    assert_eq!(receiver.requests().len(), 1);
}
