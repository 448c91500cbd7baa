//! With an unavailable store nothing is granted, no token is reported as active, and nothing is used up.

use std::time::Duration;

use serde_json::json;

use crate::api::faults::{server_on, stores};
use crate::support::http::Answer;
use crate::support::logged_errors;
use crate::support::process::wait_until;
use crate::support::relying_party::{TokenSet, error_of};

fn is_away(answer: &Answer) -> bool {
    logged_errors::assert_stated(answer);
    answer.status == 503
        && answer.header("retry-after").is_some()
        && error_of(answer) == "temporarily_unavailable"
}

#[test]
fn with_the_database_away_checks_go_on_and_nothing_is_granted() {
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
        "the copies know"
    );
    assert!(is_away(&app.redeem(&code)));
    assert!(is_away(&app.refresh(&held.refresh)));
    assert!(is_away(&app.revoke(&held.access)));
    assert!(is_away(&app.user_info(&held.access)));
    assert_eq!(app.authorize(&root.browser, &[]).status, 503);
    postgres.start_again();
    wait_until("it grants again", Duration::from_secs(10), || {
        app.user_info(&held.access).status == 200
    });
    TokenSet::read(&app.redeem(&code));
    TokenSet::read(&app.refresh(&held.refresh));
}

#[test]
fn with_redis_away_no_token_is_good_and_none_is_called_bad() {
    let (postgres, mut redis) = stores();
    let server = server_on(&postgres, &redis);
    let root = server.administrator();
    let app = server.relying_party(|_| {});
    let held = app.sign_in(&root.browser, &[]);
    let code = app.code(&root.browser, &[]);
    redis.kill();
    let asked = app.post("/oauth2/introspect", &[("token", &held.access)]);
    assert!(is_away(&asked), "{asked:?}");
    assert!(is_away(&app.user_info(&held.access)));
    assert!(is_away(&app.redeem(&code)));
    let own = server
        .browser()
        .request("GET", "/v1/users")
        .bearer(&held.access)
        .send();
    assert_eq!(own.status, 503);
    assert_eq!(app.authorize(&root.browser, &[]).status, 503);
    redis.start_again();
    wait_until("it answers again", Duration::from_secs(5), || {
        app.user_info(&held.access).status == 200
    });
    TokenSet::read(&app.redeem(&code));
}
