//! Stores that are away: nobody passes by that.

use std::time::Duration;

use super::{ORDER, Visitor, ada, protected};
use crate::api::faults::stores;
use crate::support::house::House;
use crate::support::process::wait_until;

#[test]
fn with_redis_away_nobody_passes_and_nobody_is_sent_to_sign_in() {
    let (postgres, mut redis) = stores();
    let house = House::on(&postgres.url("doorward"), &redis.url(), |config| {
        config.redis.timeout = Duration::from_millis(500);
        config.database.timeout = Duration::from_millis(1_500);
        protected(config);
    });
    let (_, ada) = ada(&house);
    house.set_grant(&ada.id, ORDER, &["OPERATOR"]);
    let visitor = Visitor::of(&house, &ada);
    visitor.enter("/orders/17");
    let opened = visitor.clone();
    visitor.forget_door();
    let waiting = visitor.begin("/orders/17");
    let ticket = visitor.ticket("/orders/17");
    redis.kill();
    for request in [
        opened
            .traefik("GET", "/orders/17")
            .header("Accept", "text/html"),
        opened.nginx("GET", "/orders/17"),
        opened.envoy("GET", "/orders/17"),
        opened.door("GET", "/.doorward/login?to=/orders/17"),
        visitor.door("GET", &ticket),
        opened
            .door("POST", "/.doorward/logout")
            .header("Origin", "https://shop.example.com"),
        visitor.place.request("GET", &waiting),
    ] {
        let answer = request.send();
        assert_eq!(answer.status, 503, "{answer:?}");
        assert!(answer.headers_named("set-cookie").is_empty(), "{answer:?}");
        assert!(answer.header("remote-id").is_none() && answer.header("location").is_none());
    }
    redis.start_again();
    wait_until("the door is open again", Duration::from_secs(5), || {
        opened.status("/orders/17") == 200
    });
}

#[test]
fn with_the_database_away_doors_stay_open_while_copies_live() {
    let (mut postgres, redis) = stores();
    let house = House::on(&postgres.url("doorward"), &redis.url(), |config| {
        config.redis.timeout = Duration::from_millis(500);
        config.database.timeout = Duration::from_millis(1_500);
        protected(config);
    });
    let (_, ada) = ada(&house);
    house.set_grant(&ada.id, ORDER, &["OPERATOR"]);
    let visitor = Visitor::of(&house, &ada);
    visitor.enter("/orders/17");
    assert_eq!(visitor.status("/orders/17"), 200);
    postgres.kill();
    assert_eq!(visitor.status("/orders/17"), 200);
    // What was never asked is known to nobody.
    assert_eq!(visitor.status("/orders/18"), 503);
}
