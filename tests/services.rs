//! The example services with three frameworks: each passes the session cookie on and requests a decision.

use std::process::Command;
use std::time::Duration;

use doorward::base::config::Config;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::http::TestBrowser;
use crate::support::process::{ChildProcess, free_port};
use crate::support::test_server::TestServer;
use crate::support::third_party::{built, in_repository, installed, node_example};

/// Generous, for a machine that runs other tests.
const START_BOUND: Duration = Duration::from_secs(30);
const ORDER: &str = "7e0c1b9a-6f0e-4a43-9e5d-0f2f6b1f7c11";

#[derive(Clone, Copy)]
enum Framework {
    Express,
    FastApi,
    Actix,
}

struct Service {
    port: u16,
    _process: ChildProcess,
    _folder: TempDir,
}

impl Framework {
    fn command(self, folder: &std::path::Path, port: u16) -> Command {
        match self {
            Self::Express => node_example("express-service", folder),
            Self::FastApi => {
                let mut command = Command::new(installed("fastapi-service/bin/python"));
                command
                    .args([
                        "-B",
                        "-m",
                        "uvicorn",
                        "app:app",
                        "--port",
                        &port.to_string(),
                    ])
                    .current_dir(in_repository("examples/fastapi-service"));
                command
            }
            Self::Actix => Command::new(built("actix-service")),
        }
    }
}

impl Service {
    /// Registers the service as the guide shows, and starts it.
    fn start(server: &TestServer, framework: Framework) -> Self {
        let arguments = [
            "client",
            "create",
            "orders",
            "--scope",
            "access:evaluate",
            "--json",
        ];
        let client = crate::support::binary::run(&server.config, &arguments).json();
        let text = |name: &str| client[name].as_str().expect("a text").to_owned();
        let port = free_port();
        let folder = TempDir::new().expect("a folder");
        let mut command = framework.command(folder.path(), port);
        command
            .env("DOORWARD", format!("http://localhost:{}", server.port(0)))
            .env("CLIENT_ID", text("client_id"))
            .env("CLIENT_SECRET", text("client_secret"))
            .env("PORT", port.to_string());
        let output = folder.path().join("output.log");
        let mut process = ChildProcess::spawn(&mut command, &output);
        process.wait_until_ready(START_BOUND, || {
            std::net::TcpStream::connect(("127.0.0.1", port)).is_ok()
        });
        Self {
            port,
            _process: process,
            _folder: folder,
        }
    }

    /// Returns the service's response to a browser that requests an order.
    fn view(&self, browser: &TestBrowser, order: &str) -> (u16, Value) {
        let answer = browser.at_port(self.port).get(&format!("/orders/{order}"));
        (answer.status, answer.json())
    }
}

fn with_the_guides_policy(config: &mut Config) {
    config.access.policies = Some(in_repository("examples/policies/orders"));
}

fn access_needs_a_session_and_a_role_on_the_order(framework: Framework, mut server: TestServer) {
    let root = server.administrator();
    let ada = server.create_user(&root, "ada");
    let service = Service::start(&server, framework);
    assert_eq!(service.view(&server.browser(), ORDER).0, 401);
    assert_eq!(service.view(&ada.browser, ORDER).0, 403);

    // A role assigned or deleted at another instance has an effect on the next decision.
    let other = server.another_instance();
    let there = root.browser.at_port(server.port(other));
    let grant = json!({
        "user": "ada", "resource_type": "order", "resource_id": ORDER, "roles": ["OPERATOR"],
    });
    let given = there.post_json("/v1/role-assignments", &grant);
    assert_eq!(given.status, 201, "{}", given.text());
    let seen = (200, json!({ "order": ORDER, "viewer": "ada" }));
    assert_eq!(service.view(&ada.browser, ORDER), seen);
    assert_eq!(service.view(&ada.browser, "another").0, 403);
    assert_eq!(service.view(&root.browser, ORDER).0, 403);
    let id = given.json()["id"].as_str().expect("an id").to_owned();
    assert_eq!(
        there.delete(&format!("/v1/role-assignments/{id}")).status,
        200
    );
    assert_eq!(service.view(&ada.browser, ORDER).0, 403);

    // If Doorward is unavailable, access is denied.
    server.stop(other);
    server.stop(0);
    assert_eq!(service.view(&ada.browser, ORDER).0, 503);
}

macro_rules! on_both_with_framework {
    ($($name:ident: $framework:expr,)+) => {
        $(mod $name {
            use super::*;

            #[test]
            fn embedded() {
                let server = TestServer::embedded_with(with_the_guides_policy);
                access_needs_a_session_and_a_role_on_the_order($framework, server);
            }

            #[test]
            fn clustered() {
                let server = TestServer::clustered_with(with_the_guides_policy);
                access_needs_a_session_and_a_role_on_the_order($framework, server);
            }
        })+
    };
}

on_both_with_framework! {
    express: Framework::Express,
    fastapi: Framework::FastApi,
    actix_web: Framework::Actix,
}
