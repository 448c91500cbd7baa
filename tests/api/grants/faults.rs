//! Unavailable stores.

use std::time::Duration;

use serde_json::json;

use super::{give, grant, held, order, path};
use crate::api::faults::{house_on, stores};
use crate::support::process::wait_until;

#[test]
fn with_the_database_away_what_is_held_is_answered_from_copies_and_then_not_at_all() {
    let (mut postgres, redis) = stores();
    let house = house_on(&postgres, &redis);
    let root = house.administrator();
    give(&root, "root", "OPERATOR");
    let thing = root
        .browser
        .request("PUT", "/v1/resources/order/17")
        .json(&json!({ "attributes": { "owner": "ada" } }))
        .send();
    assert_eq!(thing.status, 201);
    assert_eq!(held(&house, &house.app, &root), ["OPERATOR"]);
    postgres.kill();
    assert_eq!(held(&house, &house.app, &root), ["OPERATOR"]);
    let known = house.run(house.app.access.thing(&order())).expect("a copy");
    assert_eq!(known.expect("a thing").attributes["owner"], "ada");
    for answer in [
        root.browser.post_json("/v1/grants", &grant("root", "X")),
        root.browser.get("/v1/grants"),
        root.browser.get("/v1/users/root/roles"),
        root.browser.get("/v1/resources/order/17/grants"),
    ] {
        assert_eq!(answer.status, 503, "{}", answer.text());
    }
    let user = root.id.parse().expect("an id");
    let standing = house.run(house.app.standings.of(user)).expect("a copy");
    let standing = standing.expect("a person");
    redis.cli(&["FLUSHDB"]);
    assert!(
        house
            .run(house.app.access.held(&standing, &order()))
            .is_err()
    );
    assert!(house.run(house.app.access.thing(&order())).is_err());
}

#[test]
fn with_redis_away_a_change_is_pending_and_repeating_it_puts_it_in_force() {
    let (postgres, mut redis) = stores();
    let house = house_on(&postgres, &redis);
    let root = house.administrator();
    let at = path(&give(&root, "root", "OPERATOR"));
    redis.stop();
    // Called directly as the command does: an HTTP caller would already be refused, because the account state is unavailable.
    let id = at
        .rsplit('/')
        .next()
        .expect("an id")
        .parse()
        .expect("an id");
    let author = doorward::clients::ActingAs::command;
    let pending = house.run(house.app.access.withdraw(id, None, None, author()));
    assert!(
        matches!(pending, Err(doorward::access::GrantError::Pending(_))),
        "{pending:?}"
    );
    let put = house.app.access.put_thing(
        order(),
        doorward::access::NewThing::default(),
        doorward::access::Expected::Absent,
        author(),
    );
    let put = house.run(put);
    assert!(
        matches!(put, Err(doorward::access::ThingError::Pending(_))),
        "{put:?}"
    );
    redis.start_again();
    wait_until("the change is in force", Duration::from_secs(5), || {
        let repeated = house.run(house.app.access.withdraw(id, None, None, author()));
        repeated.is_ok_and(|before| before.is_withdrawn())
    });
    assert!(held(&house, &house.app, &root).is_empty());
    assert!(
        house
            .run(house.app.access.thing(&order()))
            .expect("an answer")
            .is_some()
    );
}
