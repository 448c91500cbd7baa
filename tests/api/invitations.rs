//! One-use links that let somebody in.

use serde_json::{Value, json};

use crate::on_both;
use crate::support::authenticator::SoftAuthenticator;
use crate::support::person::{Person, register};

on_both! {
    fn an_invited_person_joins_with_the_roles_they_were_given(house) {
        let root = house.administrator();
        let second = house.person_with(
            &root,
            &json!({ "username": "Second", "email": "Second@Example.com", "displayName": "The Second", "roles": ["admin"] }),
            SoftAuthenticator::synced(house.origin()),
        );
        let me = second.browser.get("/v1/session").json();
        assert_eq!(me["user"]["username"], "second");
        assert_eq!(me["user"]["email"], "Second@example.com");
        assert_eq!(me["user"]["email_verified"], false, "nothing went by mail");
        assert_eq!(me["user"]["display_name"], "The Second");
        assert_eq!(me["user"]["roles"], json!(["admin"]));
    }

    fn who_is_invited_without_a_name_chooses_one(house) {
        let root = house.administrator();
        let link = root.browser.post_json("/v1/invitations", &json!({})).json();
        let nameless = json!({ "invitation": link["token"] });
        let browser = house.browser();
        assert_eq!(browser.post_json("/webauthn/register/start", &nameless).status, 400);
        let taken = json!({ "invitation": link["token"], "username": "ROOT" });
        let answer = browser.post_json("/webauthn/register/start", &taken);
        assert_eq!((answer.status, answer.json()["field"].clone()), (409, json!("username")));
        let start = json!({ "invitation": link["token"], "username": "Ada", "display_name": "Ada L." });
        let ada = Person::enrol(browser, SoftAuthenticator::synced(house.origin()), &start);
        assert_eq!(ada.username, "ada");
    }

    fn a_name_that_is_invited_is_nobody_elses(house) {
        let root = house.administrator();
        let ada = json!({ "username": "ada" });
        assert_eq!(root.browser.post_json("/v1/invitations", &ada).status, 201);
        assert_eq!(root.browser.get("/v1/users/ada").json()["status"], "invited");
        assert_eq!(root.browser.post_json("/v1/invitations", &ada).status, 409);
        let link = root.browser.post_json("/v1/invitations", &json!({})).json();
        let start = json!({ "invitation": link["token"], "username": "ada" });
        assert_eq!(house.browser().post_json("/webauthn/register/start", &start).status, 409);
    }

    fn the_name_on_an_invitation_is_not_the_invited_ones_to_change(house) {
        let root = house.administrator();
        let link = root.browser.post_json("/v1/invitations", &json!({ "username": "ada" })).json();
        let start = json!({ "invitation": link["token"], "username": "mallory", "display_name": "Ada" });
        let joined = Person::enrol(house.browser(), SoftAuthenticator::synced(house.origin()), &start);
        assert_eq!(joined.username, "ada");
        assert_eq!(root.browser.get("/v1/users/mallory").status, 404);
    }

    fn a_newer_link_for_the_same_person_ends_the_one_before(house) {
        let root = house.administrator();
        let first = root.browser.post_json("/v1/invitations", &json!({ "username": "ada" })).json();
        let second = root.browser.post_json("/v1/invitations", &json!({ "user_id": "ada" })).json();
        let start = |link: &Value| json!({ "invitation": link["token"] });
        let browser = house.browser();
        assert_eq!(browser.post_json("/webauthn/register/start", &start(&first)).status, 410);
        assert_eq!(browser.post_json("/webauthn/register/start", &start(&second)).status, 200);
    }

    fn a_link_dies_with_its_time_and_with_its_use(house) {
        let root = house.administrator();
        let link = root.browser.post_json("/v1/invitations", &json!({ "username": "ada", "expires_in": 60 })).json();
        house.pass(61);
        let start = json!({ "invitation": link["token"] });
        assert_eq!(house.browser().post_json("/webauthn/register/start", &start).status, 410);
        let link = root.browser.post_json("/v1/invitations", &json!({ "user_id": "ada" })).json();
        let start = json!({ "invitation": link["token"] });
        let mut device = SoftAuthenticator::synced(house.origin());
        assert_eq!(register(&house.browser(), &mut device, &start, &Default::default()).status, 201);
        assert_eq!(register(&house.browser(), &mut device, &start, &Default::default()).status, 410);
    }

    fn a_ceremony_that_outlives_its_link_registers_nothing(house) {
        let root = house.administrator();
        let link = root.browser.post_json("/v1/invitations", &json!({ "username": "ada" })).json();
        let browser = house.browser();
        let started = browser.post_json("/webauthn/register/start", &json!({ "invitation": link["token"] })).json();
        let mut device = SoftAuthenticator::synced(house.origin());
        let credential = device.create(&started["publicKey"], &Default::default());
        // A new link takes its place in between.
        root.browser.post_json("/v1/invitations", &json!({ "user_id": "ada" }));
        let body = json!({ "ceremony": started["ceremony"], "credential": credential });
        let answer = browser.post_json("/webauthn/register/finish", &body);
        assert_eq!((answer.status, answer.problem_type().as_str()), (410, "urn:doorward:problem:link-gone"));
        assert_eq!(root.browser.get("/v1/users/ada").json()["status"], "invited");
    }

    fn only_administrators_invite_and_only_they_make_administrators(house) {
        let root = house.administrator();
        let ada = house.person(&root, "ada");
        assert_eq!(ada.browser.post_json("/v1/invitations", &json!({ "username": "eve" })).status, 403);
        let (id, secret) = house.client(&["users:write"]);
        let by_client = |body: &Value| house.browser().request("POST", "/v1/invitations").basic(&id, &secret).json(body).send();
        assert_eq!(by_client(&json!({ "username": "bob" })).status, 201);
        assert_eq!(by_client(&json!({ "username": "eve", "roles": ["admin"] })).status, 403);
        assert_eq!(by_client(&json!({ "user_id": "root" })).status, 403, "a link for an administrator is the administrator");
        assert_eq!(root.browser.get("/v1/users/eve").status, 404);
    }

    fn what_can_not_be_invited_is_told(house) {
        let root = house.administrator();
        let refused = [
            (json!({ "username": "a b" }), 400, "username"),
            (json!({ "username": root.id }), 400, "username"),
            (json!({ "email": "nowhere" }), 400, "email"),
            (json!({ "display_name": "" }), 400, "display_name"),
            (json!({ "roles": ["king"] }), 400, "roles"),
            (json!({ "expires_in": 5 }), 400, "expires_in"),
            (json!({ "expires_in": 99_999_999 }), 400, "expires_in"),
            (json!({ "user_id": "root", "username": "x" }), 400, "user_id"),
        ];
        for (body, status, field) in refused {
            let answer = root.browser.post_json("/v1/invitations", &body);
            assert_eq!((answer.status, answer.json()["field"].clone()), (status, json!(field)), "{body}");
        }
        assert_eq!(root.browser.post_json("/v1/invitations", &json!({ "user_id": "nobody" })).status, 404);
        let people = root.browser.get("/v1/users").json();
        assert_eq!(people["items"].as_array().map(Vec::len), Some(1), "nothing was made");
    }
}
