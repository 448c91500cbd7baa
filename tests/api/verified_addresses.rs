//! Email addresses: one that a user entered is unverified until an administrator verifies it.

use serde_json::{Value, json};

use super::roles::{assign_roles, create_role, patch};
use crate::on_both;
use crate::support::authenticator::SoftAuthenticator;
use crate::support::binary;
use crate::support::http::Answer;
use crate::support::test_server::TestServer;
use crate::support::test_user::TestUser;

fn verified(root: &TestUser, user: &str) -> (Value, Value, Value) {
    let user = root.browser.get(&format!("/v1/users/{user}")).json();
    let member = |name: &str| user[name].clone();
    (
        member("email_verified"),
        member("email_state"),
        member("email_verified_by"),
    )
}

fn verified_by(user: &Value) -> (Value, Value, Value) {
    (json!(true), json!("vouched"), user.clone())
}

/// Registers a user with a link.
fn join(server: &TestServer, link: &Value, username: &str) -> TestUser {
    let start = json!({ "invitation": link["token"], "username": username });
    let device = SoftAuthenticator::synced(server.origin());
    TestUser::register(server.browser(), device, &start)
}

fn unverified() -> (Value, Value, Value) {
    (json!(false), json!("unverified"), Value::Null)
}

/// Creates an administrator, a delegate who manages clerks, and a clerk with an email address.
fn create_users(server: &TestServer) -> (TestUser, TestUser, TestUser) {
    let root = server.administrator();
    create_role(&root, &json!({ "name": "clerk" }));
    create_role(
        &root,
        &json!({ "name": "lead", "manages_roles": ["clerk"] }),
    );
    let lead = server.create_user(&root, "lead");
    assign_roles(&root, "lead", &["lead"]);
    let clerk = server.create_user(&root, "clerk");
    assign_roles(&root, "clerk", &["clerk"]);
    let entered = patch(
        &root.browser,
        &root.browser,
        "/v1/users/clerk",
        &json!({ "email": "clerk@corp.example", "email_verified": false }),
    );
    assert_eq!(entered.status, 200, "{}", entered.text());
    (root, lead, clerk)
}

on_both! {
    fn an_administrator_verifies_an_email_address_and_a_new_one_is_unverified(server) {
        let (root, lead, clerk) = create_users(server);
        assert_eq!(verified(&root, "clerk"), unverified());
        let path = "/v1/users/clerk";
        let vouched = patch(&root.browser, &root.browser, path, &json!({ "email_verified": true }));
        assert_eq!(vouched.status, 200, "{}", vouched.text());
        let vouched = vouched.json();
        assert_eq!((&vouched["email_verified"], &vouched["email_state"], &vouched["email_verified_by"]), (&json!(true), &json!("vouched"), &json!(root.id)));
        assert!(vouched["email_verified_at"].is_string(), "{vouched}");
        assert_eq!(clerk.browser.get("/v1/session").json()["user"]["email_verified"], true);
        let events = root.browser.get("/v1/audit-events?user=clerk&action=user.updated").json();
        assert_eq!(events["items"][0]["details"]["email_state"], json!({ "before": "unverified", "after": "vouched" }));
        assert_eq!(events["items"][0]["actor"], json!(format!("user:{}", root.id)));
        let shown = root.browser.get(&format!("/admin/users/{}", clerk.id)).text();
        assert!(shown.contains("Verified") && shown.contains("by root,"), "{shown}");
        let shown = lead.browser.get(&format!("/admin/users/{}", clerk.id)).text();
        assert!(shown.contains("Verified") && !shown.contains("by root"), "{shown}");

        // An unchanged address stays verified; a changed one is unverified, no matter who entered it.
        assert_eq!(patch(&lead.browser, &lead.browser, path, &json!({ "email": "clerk@corp.example", "display_name": "Clerk" })).status, 200);
        assert_eq!(verified(&root, "clerk").0, true);
        assert_eq!(patch(&lead.browser, &lead.browser, path, &json!({ "email": "ceo@corp.example" })).status, 200);
        assert_eq!(verified(&root, "clerk"), unverified());
        assert_eq!(patch(&root.browser, &root.browser, path, &json!({ "email": "clerk@corp.example", "email_verified": true })).status, 200);
        assert_eq!(verified(&root, "clerk").0, true);
        assert_eq!(clerk.browser.request("PATCH", "/v1/me").json(&json!({ "email": "root@corp.example" })).send().status, 200);
        assert_eq!(verified(&root, "clerk"), unverified());
        assert_eq!(patch(&root.browser, &root.browser, path, &json!({ "email_verified": true })).status, 200);
        assert_eq!(patch(&root.browser, &root.browser, path, &json!({ "email_verified": false })).status, 200);
        assert_eq!(verified(&root, "clerk"), unverified(), "verification withdrawn");
        let nothing = patch(&root.browser, &root.browser, path, &json!({ "email": null, "email_verified": true }));
        assert_eq!((nothing.status, nothing.json()["field"].clone()), (400, json!("email_verified")));
    }

    fn only_administrators_verify_email_addresses(server) {
        let (root, lead, clerk) = create_users(server);
        let path = "/v1/users/clerk";
        let vouch = json!({ "email_verified": true });
        assert_eq!(patch(&root.browser, &lead.browser, path, &vouch).status, 403, "a delegate");
        assert_eq!(patch(&root.browser, &lead.browser, path, &json!({ "email": "x@corp.example", "email_verified": true })).status, 403);
        let (id, secret) = server.client(&["users:read", "users:write"]);
        let tag = root.browser.get(path).header("etag").expect("a tag").to_owned();
        let by_service = server.browser().request("PATCH", path).basic(&id, &secret).header("If-Match", &tag).json(&vouch).send();
        assert_eq!(by_service.status, 403, "a service: {}", by_service.text());
        assert_eq!(clerk.browser.request("PATCH", "/v1/me").json(&vouch).send().status, 400, "oneself");
        let page = format!("/admin/users/{}/verify-email", clerk.id);
        assert_eq!(lead.browser.get(&page).status, 403);
        assert_eq!(lead.browser.request("POST", &page).page_form(&[("version", "3")]).send().status, 403);
        assert_eq!(verified(&root, "clerk"), unverified());
    }

    fn the_page_and_the_command_verify_the_email_address_they_show(server) {
        let (root, _, clerk) = create_users(server);
        let page = format!("/admin/users/{}/verify-email", clerk.id);
        assert!(root.browser.get(&format!("/admin/users/{}", clerk.id)).text().contains(&page));
        assert!(root.browser.get(&page).text().contains("clerk@corp.example"));
        let version = root.browser.get("/v1/users/clerk").json()["version"].to_string();
        // The address was changed after the page was shown.
        assert_eq!(clerk.browser.request("PATCH", "/v1/me").json(&json!({ "email": "root@corp.example" })).send().status, 200);
        let late = root.browser.request("POST", &page).page_form(&[("version", &version)]).send();
        assert!(matches!(late.status, 409 | 412), "{}", late.status);
        assert_eq!(verified(&root, "clerk"), unverified());
        let version = root.browser.get("/v1/users/clerk").json()["version"].to_string();
        let saved = root.browser.request("POST", &page).page_form(&[("version", &version)]).send();
        assert_eq!(saved.status, 303, "{}", saved.text());
        assert_eq!(verified(&root, "clerk").1, "vouched");

        let ran = binary::run(&server.config, &["user", "update", "clerk", "--email-verified", "false"]);
        assert_eq!(ran.code, 0, "{}", ran.errors);
        let ran = binary::run(&server.config, &["user", "update", "clerk", "--email-verified", "true", "--json"]).json();
        assert_eq!((&ran["email_state"], &ran["email_verified_by"]), (&json!("vouched"), &Value::Null));
        assert_eq!(patch(&root.browser, &root.browser, "/v1/users/clerk", &json!({ "email": null })).status, 200);
        assert_eq!(root.browser.get(&page).status, 400, "no address to verify");
    }

    fn an_email_address_in_an_administrators_invitation_is_verified(server) {
        let root = server.administrator();
        let root_id = json!(root.id);
        let invite = |body: &Value| {
            let made = root.browser.post_json("/v1/invitations", body);
            assert_eq!(made.status, 201, "{}", made.text());
            made.json()
        };
        let named = invite(&json!({ "username": "ada", "email": "ada@corp.example" }));
        assert_eq!(verified(&root, "ada"), verified_by(&root_id));
        let invited = &root.browser.get("/v1/audit-events?action=user.invited").json()["items"][0];
        assert_eq!(invited["details"]["email_verified"], true, "{invited}");
        join(server, &named, "ada");
        assert_eq!(verified(&root, "ada"), verified_by(&root_id), "and stays verified");
        // A user who chooses their own username gets the address of the link.
        let unnamed = invite(&json!({ "email": "bob@corp.example" }));
        let listed = |email: &str| {
            let items = root.browser.get("/v1/invitations").json()["items"].clone();
            let mut items = items.as_array().expect("invitations").iter();
            items.find(|item| item["email"] == email).map(|item| item["email_verified"].clone())
        };
        assert_eq!(listed("bob@corp.example"), Some(json!(true)));
        assert!(root.browser.get("/admin/invitations").text().contains("bob@corp.example (verified)"));
        let bob = join(server, &unnamed, "bob");
        assert_eq!(verified(&root, "bob"), verified_by(&root_id));
        assert_eq!(bob.browser.get("/v1/session").json()["user"]["email_verified"], true);
        // Unless the administrator sets it to unverified.
        invite(&json!({ "username": "eve", "email": "eve@corp.example", "email_verified": false }));
        assert_eq!(verified(&root, "eve"), unverified());
        let unnamed = invite(&json!({ "email": "dan@corp.example", "email_verified": false }));
        assert_eq!(listed("dan@corp.example"), Some(json!(false)));
        join(server, &unnamed, "dan");
        assert_eq!(verified(&root, "dan"), unverified());
        let nothing = root.browser.post_json("/v1/invitations", &json!({ "username": "x", "email_verified": true }));
        assert_eq!((nothing.status, &nothing.json()["field"]), (400, &json!("email_verified")));
    }

    fn an_email_address_set_by_an_administrator_or_the_command_is_verified(server) {
        let (root, _, clerk) = create_users(server);
        let path = "/v1/users/clerk";
        let write = |body: &Value| {
            let saved = patch(&root.browser, &root.browser, path, body);
            assert_eq!(saved.status, 200, "{}", saved.text());
            verified(&root, "clerk")
        };
        assert_eq!(write(&json!({ "email": "new@corp.example" })), verified_by(&json!(root.id)));
        assert_eq!(write(&json!({ "email": "other@corp.example", "email_verified": false })), unverified());
        // An existing address may have been entered by another user, so writing it again doesn't verify it.
        let typed = clerk.browser.request("PATCH", "/v1/me").json(&json!({ "email": "ceo@corp.example" })).send();
        assert_eq!(typed.status, 200);
        assert_eq!(write(&json!({ "email": "ceo@corp.example", "display_name": "Clerk" })), unverified());

        let command = |arguments: &[&str]| {
            let ran = binary::run(&server.config, arguments);
            assert_eq!(ran.code, 0, "{}", ran.errors);
        };
        command(&["user", "update", "clerk", "--email", "clerk@corp.example"]);
        assert_eq!(verified(&root, "clerk"), verified_by(&Value::Null));
        command(&["user", "update", "clerk", "--email", "clerk@new.example", "--email-verified", "false"]);
        assert_eq!(verified(&root, "clerk"), unverified());
        command(&["user", "invite", "--username", "gil", "--email", "gil@corp.example"]);
        assert_eq!(verified(&root, "gil"), verified_by(&Value::Null));
        let shown = binary::run(&server.config, &["user", "show", "gil"]);
        assert!(shown.output.contains("gil@corp.example (vouched by the command line"), "{}", shown.output);
        command(&["user", "invite", "--username", "hal", "--email", "hal@corp.example", "--email-verified", "false"]);
        assert_eq!(verified(&root, "hal"), unverified());
    }

    fn an_email_address_set_by_other_callers_is_unverified(server) {
        let (root, lead, _) = create_users(server);
        let (id, secret) = server.client(&["users:read", "users:write"]);
        let service = |method: &str, path: &str, body: &Value| -> Answer {
            let browser = server.browser();
            let request = browser.request(method, path).basic(&id, &secret);
            let tag = root.browser.get(path).header("etag").map(str::to_owned);
            let request = match tag.filter(|_| method == "PATCH") {
                Some(tag) => request.header("If-Match", &tag),
                None => request,
            };
            request.json(body).send()
        };
        let joined = |link: &Answer, username: &str| {
            assert_eq!(link.status, 201, "{}", link.text());
            join(server, &link.json(), username);
            assert_eq!(verified(&root, username), unverified(), "{username}");
        };
        joined(&service("POST", "/v1/invitations", &json!({ "username": "ada", "email": "ada@corp.example" })), "ada");
        joined(&service("POST", "/v1/invitations", &json!({ "email": "bob@corp.example" })), "bob");
        let by_lead = |body: &Value| lead.browser.post_json("/v1/invitations", body);
        joined(&by_lead(&json!({ "username": "dan", "email": "dan@corp.example", "roles": ["clerk"] })), "dan");
        joined(&by_lead(&json!({ "email": "eve@corp.example", "roles": ["clerk"] })), "eve");
        // An app with an administrator's token has the permissions of an app.
        let app = server.delegated_app("openid users:write");
        let token = app.sign_in(&root.browser, &[("scope", "openid users:write")]).access;
        let by_app = |body: &Value| server.browser().request("POST", "/v1/invitations").bearer(&token).json(body).send();
        joined(&by_app(&json!({ "username": "gil", "email": "gil@corp.example" })), "gil");

        // Verified by root, then overwritten.
        let vouch = || {
            let body = json!({ "email": "clerk@corp.example", "email_verified": true });
            assert_eq!(patch(&root.browser, &root.browser, "/v1/users/clerk", &body).status, 200);
            assert_eq!(verified(&root, "clerk").0, true);
        };
        vouch();
        assert_eq!(service("PATCH", "/v1/users/clerk", &json!({ "email": "ceo@corp.example" })).status, 200);
        assert_eq!(verified(&root, "clerk"), unverified());
        vouch();
        assert_eq!(patch(&root.browser, &lead.browser, "/v1/users/clerk", &json!({ "email": "ceo@corp.example" })).status, 200);
        assert_eq!(verified(&root, "clerk"), unverified());
        // An administrator's own address is unverified, too, when the administrator enters it.
        let own = root.browser.request("PATCH", "/v1/me").json(&json!({ "email": "root@corp.example" })).send();
        assert_eq!(own.status, 200);
        assert_eq!(verified(&root, "root"), unverified());
        let version = root.browser.get("/v1/me").json()["version"].to_string();
        let form = [("display_name", "Root"), ("email", "root@new.example"), ("version", version.as_str())];
        assert_eq!(root.browser.request("POST", "/account/profile").page_form(&form).send().status, 303);
        assert_eq!(verified(&root, "root"), unverified());

        // Other callers may not set the verification state.
        for is_verified in [true, false] {
            let body = json!({ "username": "mal", "email": "mal@corp.example", "email_verified": is_verified });
            assert_eq!(service("POST", "/v1/invitations", &body).status, 403);
            assert_eq!(by_app(&body).status, 403);
            let body = json!({ "username": "mal", "email": "mal@corp.example", "roles": ["clerk"], "email_verified": is_verified });
            assert_eq!(by_lead(&body).status, 403);
        }
        let unchecked = [("username", "mal"), ("email", "mal@corp.example"), ("role:clerk", "yes"), ("email_unverified", "yes")];
        assert_eq!(lead.browser.request("POST", "/admin/invitations").page_form(&unchecked).send().status, 403);
        assert!(!lead.browser.get("/admin").text().contains("email_unverified"));
        assert_eq!(root.browser.get("/v1/users/mal").status, 404);
        let link = by_lead(&json!({ "roles": ["clerk"] })).json();
        let start = json!({ "invitation": link["token"], "username": "mal", "email": "ceo@corp.example" });
        let refused = server.browser().post_json("/webauthn/register/start", &start);
        assert_eq!((refused.status, &refused.json()["field"]), (400, &json!("email")));
    }

    fn the_first_administrator_enters_an_email_address_at_set_up(server) {
        let token = server.set_up_token();
        assert!(server.browser().get(&format!("/setup/{token}")).text().contains("id=\"email\""));
        let mut start = json!({ "setup": token, "username": "root", "display_name": "Root", "email": "nonsense" });
        let refused = server.browser().post_json("/webauthn/register/start", &start);
        assert_eq!((refused.status, &refused.json()["field"]), (400, &json!("email")));
        start["email"] = json!("root@corp.example");
        let root = TestUser::register(server.browser(), SoftAuthenticator::synced(server.origin()), &start);
        assert_eq!(root.browser.get("/v1/session").json()["user"]["email"], "root@corp.example");
        assert_eq!(verified(&root, "root"), verified_by(&json!(root.id)));
    }

    fn an_administrator_sets_email_addresses_on_pages(server) {
        let (root, lead, clerk) = create_users(server);
        let invite = |username: &str, more: &[(&str, &str)]| {
            let email = format!("{username}@corp.example");
            let form = [&[("username", username), ("email", email.as_str())], more].concat();
            let made = root.browser.request("POST", "/admin/invitations").page_form(&form).send();
            assert_eq!(made.status, 303, "{}", made.text());
        };
        assert!(root.browser.get("/admin").text().contains("email_unverified"));
        invite("ada", &[]);
        assert_eq!(verified(&root, "ada"), verified_by(&json!(root.id)));
        invite("bob", &[("email_unverified", "yes")]);
        assert_eq!(verified(&root, "bob"), unverified());

        let page = format!("/admin/users/{}/email", clerk.id);
        assert!(root.browser.get(&format!("/admin/users/{}", clerk.id)).text().contains(&page));
        let shown = root.browser.get(&page).text();
        assert!(shown.contains("value=\"clerk@corp.example\""), "{shown}");
        let save = |person: &TestUser, fields: &[(&str, &str)]| {
            let version = root.browser.get("/v1/users/clerk").json()["version"].to_string();
            let form = [fields, &[("version", version.as_str())]].concat();
            person.browser.request("POST", &page).page_form(&form).send()
        };
        let saved = save(&root, &[("email", "new@corp.example"), ("verified", "yes")]);
        assert_eq!(saved.status, 303, "{}", saved.text());
        assert_eq!(verified(&root, "clerk"), verified_by(&json!(root.id)));
        assert_eq!(save(&root, &[("email", "new@corp.example")]).status, 303);
        assert_eq!(verified(&root, "clerk"), unverified(), "verification withdrawn");
        let wrong = save(&root, &[("email", "nonsense"), ("verified", "yes")]);
        assert_eq!(wrong.status, 400);
        assert!(wrong.text().contains("value=\"nonsense\""), "{}", wrong.text());
        let late = root.browser.request("POST", &page).page_form(&[("email", "x@corp.example"), ("version", "1")]).send();
        assert!(matches!(late.status, 409 | 412), "{}", late.status);
        assert_eq!(lead.browser.get(&page).status, 403);
        assert_eq!(save(&lead, &[("email", "x@corp.example"), ("verified", "yes")]).status, 403);
        assert_eq!(save(&root, &[("email", ""), ("verified", "yes")]).status, 303);
        assert_eq!(root.browser.get("/v1/users/clerk").json()["email"], Value::Null);
    }
}
