//! Unavailable stores and invalid policies never allow access.

use std::path::PathBuf;
use std::time::Duration;

use doorward::base::config::Config;

use super::{HTML, ORDER, POLICIES, Visitor, ada, on_both_with_forward_auth, protected};
use crate::api::faults::stores;
use crate::api::redis_rollback::{copy, restore_redis};
use crate::support::fault_sweep::{RepeatableRequest, fault_at_every_step};
use crate::support::http::Answer;
use crate::support::logged_errors;
use crate::support::process::wait_until;
use crate::support::test_server::TestServer;

#[test]
fn without_redis_access_is_refused_without_a_redirect_to_sign_in() {
    let (postgres, mut redis) = stores();
    let server = TestServer::on(&postgres.url("doorward"), &redis.url(), |config| {
        config.redis.timeout = Duration::from_millis(500);
        config.database.timeout = Duration::from_millis(1_500);
        protected(config);
    });
    let (_, ada) = ada(&server);
    server.set_role_assignment(&ada.id, ORDER, &["OPERATOR"]);
    let visitor = Visitor::of(&server, &ada);
    visitor.enter("/orders/17");
    let opened = visitor.clone();
    visitor.drop_session();
    let waiting = visitor.begin("/orders/17");
    let code_path = visitor.handoff_code_path("/orders/17");
    redis.kill();
    for request in [
        opened
            .traefik("GET", "/orders/17")
            .header("Accept", "text/html"),
        opened.nginx("GET", "/orders/17"),
        opened.envoy("GET", "/orders/17"),
        opened.at_host("GET", "/.doorward/login?to=/orders/17"),
        visitor.at_host("GET", &code_path),
        opened
            .at_host("POST", "/.doorward/logout")
            .header("Origin", "https://shop.example.com"),
        visitor.doorward_browser.request("GET", &waiting),
    ] {
        let answer = request.send();
        assert_eq!(answer.status, 503, "{answer:?}");
        logged_errors::assert_stated(&answer);
        assert!(answer.headers_named("set-cookie").is_empty(), "{answer:?}");
        assert!(answer.header("remote-id").is_none() && answer.header("location").is_none());
    }
    redis.restart();
    wait_until(
        "the forward-auth session is accepted again",
        Duration::from_secs(5),
        || opened.status("/orders/17") == 200,
    );
}

#[test]
fn without_the_database_forward_auth_sessions_work_while_caches_are_valid() {
    let (mut postgres, redis) = stores();
    let server = TestServer::on(&postgres.url("doorward"), &redis.url(), |config| {
        config.redis.timeout = Duration::from_millis(500);
        config.database.timeout = Duration::from_millis(1_500);
        protected(config);
    });
    let (_, ada) = ada(&server);
    server.set_role_assignment(&ada.id, ORDER, &["OPERATOR"]);
    let visitor = Visitor::of(&server, &ada);
    visitor.enter("/orders/17");
    assert_eq!(visitor.status("/orders/17"), 200);
    postgres.kill();
    assert_eq!(visitor.status("/orders/17"), 200);
    // A decision whose data is not cached can't be made.
    assert_eq!(visitor.status("/orders/18"), 503);
}

#[test]
fn a_used_handoff_code_stays_used_after_a_redis_rollback() {
    let (postgres, mut redis) = stores();
    let server = TestServer::on(&postgres.url("doorward"), &redis.url(), protected);
    let (_, ada) = ada(&server);
    let visitor = Visitor::of(&server, &ada);
    let code_path = visitor.handoff_code_path("/news/1");
    let before = copy(&server, &mut redis);
    let other = visitor.clone();
    assert_eq!(visitor.at_host("GET", &code_path).send().status, 303);
    assert_eq!(visitor.status("/news/1"), 200);
    restore_redis(&server, &mut redis, &before);
    let again = other.at_host("GET", &code_path).send();
    assert_eq!(again.status, 410, "{again:?}");
    assert!(again.headers_named("set-cookie").is_empty(), "{again:?}");
}

/// Like [`protected`], with an invalid policy in addition to the valid ones.
fn with_a_mistake(config: &mut Config) {
    protected(config);
    let broken = format!("{POLICIES}\nforbid (principal, action, resourc);");
    std::fs::write(policies_of(config), broken).expect("a file");
}

fn policies_of(config: &Config) -> PathBuf {
    let folder = config.access.policies.as_ref().expect("a folder");
    folder.join("shop.cedar")
}

fn without_policies_a_forward_auth_session_gives_no_access(server: &TestServer) {
    let (_, ada) = ada(server);
    server.set_role_assignment(&ada.id, ORDER, &["OPERATOR"]);
    let visitor = Visitor::of(server, &ada);
    visitor.enter("/");
    let anonymous = Visitor::new(server);
    for ask in [Visitor::traefik, Visitor::nginx, Visitor::envoy] {
        for uri in ["/", "/orders/17", "/news/1"] {
            let refused = ask(&visitor, "GET", uri).header("Accept", HTML).send();
            assert_eq!(refused.status, 403, "{uri}: {refused:?}");
            assert!(refused.header("remote-id").is_none(), "{uri}");
            let refused = ask(&anonymous, "GET", uri).send();
            assert!([401, 403].contains(&refused.status), "{uri}: {refused:?}");
        }
    }
    std::fs::write(policies_of(&server.config), POLICIES).expect("a file");
    wait_until(
        "the valid policies are in effect",
        Duration::from_secs(10),
        || visitor.status("/orders/17") == 200,
    );
}

#[test]
fn without_policies_a_forward_auth_session_gives_no_access_embedded() {
    without_policies_a_forward_auth_session_gives_no_access(&TestServer::embedded_with(
        with_a_mistake,
    ));
}

#[test]
fn without_policies_a_forward_auth_session_gives_no_access_clustered() {
    without_policies_a_forward_auth_session_gives_no_access(&TestServer::clustered_with(
        with_a_mistake,
    ));
}

fn redirects_to(answer: &Answer, to: &str) -> bool {
    let location = answer.header("location").unwrap_or_default();
    answer.status == 303 && location.starts_with(to)
}

on_both_with_forward_auth! {
    fn a_sign_in_flow_can_be_restarted_after_a_fault_at_every_step(server) {
        let (_, ada) = ada(server);
        let visitor = &Visitor::of(server, &ada);
        fault_at_every_step(&server.fault_injector, "begin", || {
            let stranger = Visitor::new(server);
            let begin = move || stranger.at_host("GET", "/.doorward/login?to=/news/1").send();
            RepeatableRequest::repeatable(begin, |answer| redirects_to(answer, server.origin()))
        });
        fault_at_every_step(&server.fault_injector, "request", || {
            let sign_in_path = visitor.begin("/news/1");
            let back = "https://shop.example.com/.doorward/callback?code=";
            RepeatableRequest::repeatable(move || visitor.doorward_browser.get(&sign_in_path), move |answer| redirects_to(answer, back))
        });
        fault_at_every_step(&server.fault_injector, "handoff code", || {
            visitor.drop_session();
            let code_path = visitor.handoff_code_path("/news/1");
            // As a program, because the test reads problem documents.
            let redeem = move || visitor.at_host("GET", &code_path).header("Accept", "*/*").send();
            let opens = |answer: &Answer| redirects_to(answer, "/news/1") && visitor.status("/news/1") == 200;
            RepeatableRequest::new(redeem, opens, || {
                visitor.enter("/news/1");
                visitor.status("/news/1") == 200
            })
        });
        fault_at_every_step(&server.fault_injector, "logout", || {
            visitor.drop_session();
            visitor.enter("/news/1");
            let logout = || {
                let request = visitor.at_host("POST", "/.doorward/logout").header("Accept", "*/*");
                request.header("Origin", "https://shop.example.com").send()
            };
            RepeatableRequest::repeatable(logout, |answer| answer.status == 200)
        });
    }
}
