//! Services that call the API on their own behalf, and how clients are registered, changed and disabled.

mod chosen;
mod command;
mod guide;
mod life;
mod ownership;
mod pages;
mod presets;
mod registered;
mod registering;
mod rights;

use serde_json::json;

use crate::on_both;
use crate::support::house::House;
use crate::support::http::Answer;

/// Sends a request with a client's secret.
pub(super) fn ask(house: &House, client: &(String, String), method: &str, path: &str) -> Answer {
    house
        .browser()
        .request(method, path)
        .without_same_origin()
        .basic(&client.0, &client.1)
        .send()
}

on_both! {
    fn a_client_may_what_its_scopes_say(house) {
        let root = house.administrator();
        let ada = house.person(&root, "ada");
        let reader = house.client(&["users:read"]);
        assert_eq!(ask(house, &reader, "GET", "/v1/users/ada").json()["id"], json!(ada.id));
        assert_eq!(ask(house, &reader, "GET", "/v1/users/nobody").status, 404);
        let refused = ask(house, &reader, "GET", "/v1/users/ada/passkeys");
        assert_eq!((refused.status, refused.json()["scope"].clone()), (403, json!("passkeys:read")));
        assert_eq!(ask(house, &reader, "DELETE", "/v1/users/ada/sessions").status, 403);
        let cutter = house.client(&["passkeys:revoke", "sessions:revoke", "audit:read"]);
        assert_eq!(ask(house, &cutter, "DELETE", "/v1/users/ada/sessions").status, 200);
        assert_eq!(ask(house, &cutter, "DELETE", &format!("/v1/users/ada/passkeys/{}", ada.passkey)).status, 200);
        let event = ask(house, &cutter, "GET", "/v1/audit-events?action=passkey.revoked").json()["items"][0].clone();
        assert_eq!(event["actor"], json!(format!("client:{}", cutter.0)));
    }

    fn a_client_touches_no_administrator(house) {
        let root = house.administrator();
        let client = house.client(&["users:write", "passkeys:revoke", "users:read"]);
        let suspend = house.browser().request("POST", "/v1/users/root/suspend").basic(&client.0, &client.1).json(&json!({})).send();
        assert_eq!(suspend.status, 403);
        assert_eq!(ask(house, &client, "DELETE", &format!("/v1/users/root/passkeys/{}", root.passkey)).status, 403);
        let patch = house.browser().request("PATCH", "/v1/users/root").basic(&client.0, &client.1)
            .header("If-Match", "\"1\"").json(&json!({ "username": "x" })).send();
        assert_eq!(patch.status, 403);
        assert_eq!(root.session_status(), 200);
    }

    fn a_wrong_secret_an_unknown_client_and_a_disabled_one_look_alike(house) {
        house.administrator();
        let good = house.client(&["users:read"]);
        let wrong = (good.0.clone(), house.client(&[]).1);
        let unknown = (uuid::Uuid::new_v4().to_string(), good.1.clone());
        let malformed = ("x".to_owned(), "y".to_owned());
        let id = good.0.parse().expect("an id");
        let mut answers = vec![];
        for client in [&wrong, &unknown, &malformed] {
            answers.push(ask(house, client, "GET", "/v1/users"));
        }
        let author = doorward::clients::ActingAs::command();
        house.run(house.app.clients.disable(id, None, author)).expect("disabled");
        answers.push(ask(house, &good, "GET", "/v1/users"));
        for answer in &answers {
            assert_eq!((answer.status, answer.text()), (401, answers[0].text()));
            assert_eq!(answer.header("www-authenticate"), Some("Basic realm=\"Doorward\""));
        }
        let bearer = house.browser().request("GET", "/v1/users").bearer("x").send();
        assert_eq!(bearer.status, 401);
    }

    fn a_new_secret_kills_the_old_one(house) {
        house.administrator();
        let old = house.client(&["users:read"]);
        let id = old.0.parse().expect("an id");
        let author = doorward::clients::ActingAs::command();
        let secret = house.run(house.app.clients.rotate_secret(id, author)).expect("rotated").secret.expect("a secret");
        assert_eq!(ask(house, &old, "GET", "/v1/users").status, 401);
        let new = (old.0.clone(), secret.expose().to_owned());
        assert_eq!(ask(house, &new, "GET", "/v1/users").status, 200);
    }

    fn credentials_beside_a_cookie_are_judged_alone(house) {
        let root = house.administrator();
        let client = house.client(&[]);
        let answer = root.browser.request("GET", "/v1/users").basic(&client.0, &client.1).send();
        assert_eq!(answer.status, 403, "the administrator's cookie lends the client nothing");
        let answer = root.browser.request("GET", "/v1/session").basic(&client.0, &client.1).send();
        assert_eq!(answer.status, 401);
        // A cross-site page can't bypass the origin check by adding a header.
        let forged = root.browser.request("DELETE", "/v1/session").without_same_origin()
            .header("Authorization", "Basic eDp5").send();
        assert_eq!(forged.status, 401);
        assert_eq!(root.session_status(), 200);
    }
}
