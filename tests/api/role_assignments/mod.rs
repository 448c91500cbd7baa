//! Role assignments on single resources: created, updated, deleted, listed, and their state at an earlier time.

mod assigning;
mod command;
mod delegates;
mod faults;
mod past;
mod races;

use diesel::prelude::*;
use doorward::app::App;
use doorward::assignments::{HeldRoles, ResourceName};
use doorward::db::schema::roles;
use doorward::db::{self, Json};
use serde_json::{Value, json};

use crate::support::authenticator::SoftAuthenticator;
use crate::support::http::Answer;
use crate::support::test_server::TestServer;
use crate::support::test_user::TestUser;

fn assign_role(by: &TestUser, user: &str, role: &str) -> Answer {
    by.browser
        .post_json("/v1/role-assignments", &assignment(user, role))
}

fn assignment(user: &str, role: &str) -> Value {
    json!({ "user": user, "resource_type": "order", "resource_id": "17", "roles": [role] })
}

/// Returns the path of a new role assignment.
fn path(given: &Answer) -> String {
    assert_eq!(given.status, 201, "{}", given.text());
    format!(
        "/v1/role-assignments/{}",
        given.json()["id"].as_str().expect("an id")
    )
}

/// Sends a request with a client's secret and a body.
fn send(
    server: &TestServer,
    client: &(String, String),
    method: &str,
    path: &str,
    body: &Value,
) -> Answer {
    let browser = server.browser();
    let request = browser.request(method, path).without_same_origin();
    request.basic(&client.0, &client.1).json(body).send()
}

/// Returns the roles of a user on `order:17` from an instance's cache, as for a decision.
fn held(server: &TestServer, app: &App, person: &TestUser) -> Vec<String> {
    let user = person.id.parse().expect("an id");
    let account_state = server.run(app.account_states.find(user)).expect("a result");
    let held = server.run(
        app.assignments
            .held_roles(&account_state.expect("a user"), &order()),
    );
    let held: HeldRoles = held.expect("a result");
    held.at(server.clock.now()).to_vec()
}

fn order() -> ResourceName {
    ResourceName::parse("order", "17").expect("a name")
}

/// Registers a role whose holders manage role assignments on these types.
fn delegating_role(server: &TestServer, name: &'static str, types: &[&str]) {
    let types: Vec<String> = types.iter().map(|text| (*text).to_owned()).collect();
    let now = server.clock.now();
    let written = server.app.database.write(move |conn| {
        let row = (
            roles::name.eq(name),
            roles::description.eq("manages grants"),
            roles::version.eq(1_i64),
            roles::as_of.eq(now),
            roles::manages_roles.eq(Json(Vec::<String>::new())),
            roles::manages_assignments_on.eq(Json(types)),
        );
        diesel::insert_into(roles::table)
            .values(row)
            .execute(conn)?;
        Ok::<_, db::Error>(())
    });
    server.run(written).expect("a role");
}

fn holder(server: &TestServer, root: &TestUser, username: &str, role: &str) -> TestUser {
    server.create_user_with(
        root,
        &json!({ "username": username, "roles": [role] }),
        SoftAuthenticator::synced(server.origin()),
    )
}
