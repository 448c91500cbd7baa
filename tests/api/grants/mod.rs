//! Role assignments on single resources: created, changed, withdrawn, listed, and their state at an earlier time.

mod command;
mod delegates;
mod faults;
mod giving;
mod past;
mod races;

use diesel::prelude::*;
use doorward::access::{Held, ResourceName};
use doorward::app::App;
use doorward::db::schema::roles;
use doorward::db::{self, Json};
use serde_json::{Value, json};

use crate::support::authenticator::SoftAuthenticator;
use crate::support::house::House;
use crate::support::http::Answer;
use crate::support::person::Person;

fn give(by: &Person, user: &str, role: &str) -> Answer {
    by.browser.post_json("/v1/grants", &grant(user, role))
}

fn grant(user: &str, role: &str) -> Value {
    json!({ "user": user, "resource_type": "order", "resource_id": "17", "roles": [role] })
}

/// Returns the path of a new role assignment.
fn path(given: &Answer) -> String {
    assert_eq!(given.status, 201, "{}", given.text());
    format!("/v1/grants/{}", given.json()["id"].as_str().expect("an id"))
}

/// Sends a request with a client's secret and a body.
fn send(
    house: &House,
    client: &(String, String),
    method: &str,
    path: &str,
    body: &Value,
) -> Answer {
    let browser = house.browser();
    let request = browser.request(method, path).without_same_origin();
    request.basic(&client.0, &client.1).json(body).send()
}

/// Returns the roles of a user on `order:17` from an instance's cache, as for a decision.
fn held(house: &House, app: &App, person: &Person) -> Vec<String> {
    let user = person.id.parse().expect("an id");
    let standing = house.run(app.standings.of(user)).expect("an answer");
    let held = house.run(app.access.held(&standing.expect("a person"), &order()));
    let held: Held = held.expect("an answer");
    held.at(house.clock.now()).to_vec()
}

fn order() -> ResourceName {
    ResourceName::parse("order", "17").expect("a name")
}

/// Registers a role whose holders manage role assignments on these types.
fn delegating_role(house: &House, name: &'static str, types: &[&str]) {
    let types: Vec<String> = types.iter().map(|text| (*text).to_owned()).collect();
    let now = house.clock.now();
    let written = house.app.database.write(move |conn| {
        let row = (
            roles::name.eq(name),
            roles::description.eq("manages grants"),
            roles::version.eq(1_i64),
            roles::as_of.eq(now),
            roles::manages_roles.eq(Json(Vec::<String>::new())),
            roles::manages_grants_on.eq(Json(types)),
        );
        diesel::insert_into(roles::table)
            .values(row)
            .execute(conn)?;
        Ok::<_, db::Error>(())
    });
    house.run(written).expect("a role");
}

fn holder(house: &House, root: &Person, username: &str, role: &str) -> Person {
    house.person_with(
        root,
        &json!({ "username": username, "roles": [role] }),
        SoftAuthenticator::synced(house.origin()),
    )
}
