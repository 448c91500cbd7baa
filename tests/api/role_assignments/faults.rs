//! Unavailable stores.

use std::time::Duration;

use serde_json::json;

use super::{assign_role, assignment, held, order, path};
use crate::api::faults::{server_on, stores};
use crate::support::process::wait_until;

#[test]
fn without_the_database_held_roles_come_from_the_cache_until_it_expires() {
    let (mut postgres, redis) = stores();
    let server = server_on(&postgres, &redis);
    let root = server.administrator();
    assign_role(&root, "root", "OPERATOR");
    let resource = root
        .browser
        .request("PUT", "/v1/resources/order/17")
        .json(&json!({ "attributes": { "owner": "ada" } }))
        .send();
    assert_eq!(resource.status, 201);
    assert_eq!(held(&server, &server.app, &root), ["OPERATOR"]);
    postgres.kill();
    assert_eq!(held(&server, &server.app, &root), ["OPERATOR"]);
    let known = server
        .run(server.app.assignments.resource(&order()))
        .expect("a copy");
    assert_eq!(known.expect("a resource").attributes["owner"], "ada");
    for answer in [
        root.browser
            .post_json("/v1/role-assignments", &assignment("root", "X")),
        root.browser.get("/v1/role-assignments"),
        root.browser.get("/v1/users/root/roles"),
        root.browser.get("/v1/resources/order/17/role-assignments"),
    ] {
        assert_eq!(answer.status, 503, "{}", answer.text());
    }
    let user = root.id.parse().expect("an id");
    let account_state = server
        .run(server.app.account_states.find(user))
        .expect("a copy");
    let account_state = account_state.expect("a user");
    redis.cli(&["FLUSHDB"]);
    assert!(
        server
            .run(server.app.assignments.held_roles(&account_state, &order()))
            .is_err()
    );
    assert!(
        server
            .run(server.app.assignments.resource(&order()))
            .is_err()
    );
}

#[test]
fn without_redis_a_change_is_pending_and_repeating_it_completes_it() {
    let (postgres, mut redis) = stores();
    let server = server_on(&postgres, &redis);
    let root = server.administrator();
    let at = path(&assign_role(&root, "root", "OPERATOR"));
    redis.stop();
    // Called directly as the command does: an HTTP caller would already be refused, because the account state is unavailable.
    let id = at
        .rsplit('/')
        .next()
        .expect("an id")
        .parse()
        .expect("an id");
    let author = doorward::clients::ActingAs::command;
    let pending = server.run(server.app.assignments.delete(id, None, None, author()));
    assert!(
        matches!(
            pending,
            Err(doorward::assignments::RoleAssignmentError::Pending(_))
        ),
        "{pending:?}"
    );
    let put = server.app.assignments.put_resource(
        order(),
        doorward::assignments::NewResource::default(),
        doorward::assignments::Expected::Absent,
        author(),
    );
    let put = server.run(put);
    assert!(
        matches!(put, Err(doorward::assignments::ResourceError::Pending(_))),
        "{put:?}"
    );
    redis.restart();
    wait_until("the change is in force", Duration::from_secs(5), || {
        let repeated = server.run(server.app.assignments.delete(id, None, None, author()));
        repeated.is_ok_and(|before| before.is_deleted())
    });
    assert!(held(&server, &server.app, &root).is_empty());
    assert!(
        server
            .run(server.app.assignments.resource(&order()))
            .expect("a result")
            .is_some()
    );
}
