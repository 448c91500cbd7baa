//! With an unavailable store nothing is granted, no token is reported as active, and nothing is used up.

use std::time::Duration;

use serde_json::json;

use crate::api::faults::{server_on, stores};
use crate::support::http::Answer;
use crate::support::logged_errors;
use crate::support::process::wait_until;
use crate::support::relying_party::{TokenSet, error_of};

fn is_unavailable(answer: &Answer) -> bool {
    logged_errors::assert_stated(answer);
    answer.status == 503
        && answer.header("retry-after").is_some()
        && error_of(answer) == "temporarily_unavailable"
}

#[test]
fn without_the_database_checks_continue_and_nothing_is_granted() {
    let (mut postgres, redis) = stores();
    let server = server_on(&postgres, &redis);
    let root = server.administrator();
    let app = server.relying_party(|_| {});
    let held = app.sign_in(&root.browser, &[]);
    let code = app.code(&root.browser, &[]);
    assert_eq!(app.introspect(&held.access)["active"], json!(true));
    postgres.kill();
    assert_eq!(
        app.introspect(&held.access)["active"],
        json!(true),
        "the cached copies contain it"
    );
    assert!(is_unavailable(&app.redeem(&code)));
    assert!(is_unavailable(&app.refresh(&held.refresh)));
    assert!(is_unavailable(&app.revoke(&held.access)));
    assert!(is_unavailable(&app.user_info(&held.access)));
    assert_eq!(app.authorize(&root.browser, &[]).status, 503);
    postgres.restart();
    wait_until("it grants again", Duration::from_secs(10), || {
        app.user_info(&held.access).status == 200
    });
    TokenSet::read(&app.redeem(&code));
    TokenSet::read(&app.refresh(&held.refresh));
}

#[test]
fn without_redis_tokens_are_reported_as_neither_active_nor_inactive() {
    let (postgres, mut redis) = stores();
    let server = server_on(&postgres, &redis);
    let root = server.administrator();
    let app = server.relying_party(|_| {});
    let held = app.sign_in(&root.browser, &[]);
    let code = app.code(&root.browser, &[]);
    redis.kill();
    let asked = app.post("/oauth2/introspect", &[("token", &held.access)]);
    assert!(is_unavailable(&asked), "{asked:?}");
    assert!(is_unavailable(&app.user_info(&held.access)));
    assert!(is_unavailable(&app.redeem(&code)));
    let own = server
        .browser()
        .request("GET", "/v1/users")
        .bearer(&held.access)
        .send();
    assert_eq!(own.status, 503);
    assert_eq!(app.authorize(&root.browser, &[]).status, 503);
    redis.restart();
    wait_until("it answers again", Duration::from_secs(5), || {
        app.user_info(&held.access).status == 200
    });
    TokenSet::read(&app.redeem(&code));
}
