//! With an unavailable store, no decision is made, and nothing is permitted.

use super::{DecisionClient, PolicyFolder, asked, configure};
use crate::api::faults::stores;
use crate::support::process::wait_until;
use crate::support::test_server::TestServer;
use serde_json::json;
use std::time::Duration;

fn server(database: &str, redis: &str, folder: &PolicyFolder) -> TestServer {
    TestServer::on(database, redis, |config| {
        configure(config, folder);
        config.redis.timeout = Duration::from_millis(500);
        config.database.timeout = Duration::from_millis(1_500);
    })
}

#[test]
fn decisions_fail_closed_without_a_store() {
    let (mut postgres, mut redis) = stores();
    let folder = PolicyFolder::of("permit (principal is User, action, resource);");
    let server = server(&postgres.url("doorward"), &redis.url(), &folder);
    let root = server.administrator();
    let decision_client = DecisionClient::of(&server);
    let request = asked("root", "view", "order:7");
    let batch = json!({ "evaluations": [request, request] });
    let search = json!({ "subject": { "type": "user" }, "action": { "name": "view" }, "resource": { "type": "order", "id": "7" } });
    // For a subject given by ID, the cached copies are read first; there is none of this resource.
    let by_id = asked(&root.id, "view", "order:8");
    assert!(decision_client.decision(&request));
    let refuses = || {
        for (path, body) in [
            ("/access/v1/evaluation", &request),
            ("/access/v1/evaluations", &batch),
            ("/access/v1/evaluation", &by_id),
            ("/access/v1/search/subject", &search),
            ("/access/v1/search/resource", &request),
            ("/access/v1/search/action", &request),
        ] {
            let answer = decision_client.post(path, body);
            assert_eq!(answer.status, 503, "{path}: {}", answer.text());
            assert!(answer.header("retry-after").is_some());
            assert!(!answer.text().contains("decision"));
        }
    };
    redis.kill();
    refuses();
    redis.restart();
    wait_until("decided again", Duration::from_secs(10), || {
        decision_client
            .post("/access/v1/evaluation", &request)
            .status
            == 200
    });
    postgres.kill();
    // The account state and the resource are still cached, but the user's name is not.
    refuses();
    postgres.restart();
    wait_until("decided again", Duration::from_secs(20), || {
        decision_client
            .post("/access/v1/evaluation", &request)
            .status
            == 200
    });
    assert_eq!(root.session_status(), 200);
}
