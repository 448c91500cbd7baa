//! The registry of roles: creating, reading, changing and deleting roles.

use serde_json::{Value, json};

use super::races::count;
use crate::on_both;
use crate::support::authenticator::SoftAuthenticator;
use crate::support::binary;
use crate::support::http::{Answer, TestBrowser};
use crate::support::race::{RUNNERS, race};
use crate::support::test_user::TestUser;

/// Creates a role.
pub(super) fn create_role(root: &TestUser, role: &Value) {
    let made = root.browser.post_json("/v1/roles", role);
    assert_eq!(made.status, 201, "{}", made.text());
}

/// Changes the entity at a path, at its current version.
pub fn patch(root: &TestBrowser, by: &TestBrowser, path: &str, body: &Value) -> Answer {
    let tag = root.get(path).header("etag").expect("a tag").to_owned();
    by.request("PATCH", path)
        .header("If-Match", &tag)
        .json(body)
        .send()
}

/// Sets the roles of a user.
pub(super) fn assign_roles(root: &TestUser, person: &str, roles: &[&str]) {
    let path = format!("/v1/users/{person}");
    let body = json!({ "roles": roles });
    let given = patch(&root.browser, &root.browser, &path, &body);
    assert_eq!(given.status, 200, "{}", given.text());
}

on_both! {
    fn a_stale_page_changes_nothing_and_shows_the_current_state(server) {
        let root = server.administrator();
        create_role(&root, &json!({ "name": "clerk", "description": "At the counter" }));
        let save = |version: &str, description: &str| {
            root.browser.request("POST", "/admin/roles/clerk").page_form(&[("version", version), ("description", description)]).send()
        };
        assert_eq!(save("1", "In the shop").status, 303);
        let late = save("1", "Typed too late");
        assert_eq!(late.status, 409);
        assert!(late.text().contains("In the shop") && !late.text().contains("Typed too late"), "{}", late.text());
        assert_eq!(root.browser.get("/v1/roles/clerk").json()["description"], "In the shop");
        assert_eq!(save("2", &"x".repeat(201)).status, 400);
    }

    fn a_role_is_created_read_changed_and_deleted(server) {
        let root = server.administrator();
        let made = root.browser.post_json("/v1/roles", &json!({ "name": "Shop:clerk", "description": " At the counter ", "managesAssignmentsOn": ["order", "Shop::Item", "order"] }));
        assert_eq!((made.status, made.header("location")), (201, Some("/v1/roles/Shop:clerk")), "{}", made.text());
        assert_eq!(made.header("etag"), Some("\"1\""));
        let role = made.json();
        assert_eq!(role["description"], "At the counter");
        assert_eq!(role["manages_assignments_on"], json!(["Shop::Item", "order"]), "sorted, each once");
        assert_eq!(role["manages_roles"], json!([]));
        assert_eq!(root.browser.get("/v1/roles/Shop:clerk").json(), role);
        let unchanged = root.browser.request("GET", "/v1/roles/Shop:clerk").header("If-None-Match", "\"1\"").send();
        assert_eq!(unchanged.status, 304);

        let path = "/v1/roles/Shop:clerk";
        assert_eq!(root.browser.patch_json(path, &json!({ "description": "x" })).status, 428);
        let stale = root.browser.request("PATCH", path).header("If-Match", "\"7\"").json(&json!({ "description": "x" })).send();
        assert_eq!((stale.status, stale.json()["version"].clone()), (412, json!(1)));
        let changed = patch(&root.browser, &root.browser, path, &json!({ "manages_roles": ["Shop:clerk"], "manages_assignments_on": [] }));
        assert_eq!((changed.status, changed.header("etag")), (200, Some("\"2\"")), "{}", changed.text());
        let again = patch(&root.browser, &root.browser, path, &json!({ "manages_roles": ["Shop:clerk"] }));
        assert_eq!(again.header("etag"), Some("\"2\""), "a change without effect is not recorded");

        assert_eq!(root.browser.delete(&format!("{path}?reason=closed")).status, 204);
        assert_eq!(root.browser.get(path).status, 404);
        assert_eq!(root.browser.delete(path).status, 404);
        assert_eq!(root.browser.request("PATCH", path).header("If-Match", "\"3\"").json(&json!({})).send().status, 404);
        let events = root.browser.get("/v1/audit-events?action=role.").json();
        let told: Vec<(Value, Value)> = events["items"].as_array().expect("events").iter()
            .map(|event| (event["action"].clone(), event["details"]["role"].clone())).collect();
        let name = json!("Shop:clerk");
        assert_eq!(told, [(json!("role.deleted"), name.clone()), (json!("role.updated"), name.clone()), (json!("role.created"), name)]);
        assert_eq!(events["items"][0]["reason"], "closed");
        assert_eq!(events["items"][1]["details"]["manages_roles"], json!({ "before": [], "after": ["Shop:clerk"] }));
        assert_eq!(events["items"][1]["details"].get("description"), None, "only what changed");
    }

    fn a_deleted_role_can_be_recreated_and_its_versions_continue(server) {
        let root = server.administrator();
        create_role(&root, &json!({ "name": "clerk", "description": "first", "manages_assignments_on": ["order"] }));
        assert_eq!(root.browser.delete("/v1/roles/clerk").status, 204);
        let list = root.browser.get("/v1/roles").json();
        assert_eq!(list["items"].as_array().map(Vec::len), Some(1), "only admin");
        let refused = root.browser.post_json("/v1/invitations", &json!({ "roles": ["clerk"] }));
        assert_eq!((refused.status, refused.json()["field"].clone()), (400, json!("roles")));
        let made = root.browser.post_json("/v1/roles", &json!({ "name": "clerk" })).json();
        assert_eq!((made["version"].clone(), made["description"].clone(), made["manages_assignments_on"].clone()), (json!(3), json!(""), json!([])));
    }

    fn role_names_are_unique(server) {
        let root = server.administrator();
        create_role(&root, &json!({ "name": "clerk" }));
        let twice = root.browser.post_json("/v1/roles", &json!({ "name": "clerk" }));
        assert_eq!((twice.status, twice.json()["type"].clone()), (409, json!("urn:doorward:problem:role-exists")));
        create_role(&root, &json!({ "name": "Clerk" }));
        let renamed = patch(&root.browser, &root.browser, "/v1/roles/clerk", &json!({ "name": "cook" }));
        assert_eq!(renamed.status, 400);
        for (bad, field) in [
            (json!({ "name": "a b" }), "name"),
            (json!({ "name": "1a" }), "name"),
            (json!({ "name": "" }), "name"),
            (json!({ "name": "x", "description": "x".repeat(201) }), "description"),
            (json!({ "name": "x", "manages_roles": ["nobody"] }), "manages_roles"),
            (json!({ "name": "x", "manages_roles": ["admin"] }), "manages_roles"),
            (json!({ "name": "x", "manages_assignments_on": ["a-b"] }), "manages_assignments_on"),
            (json!({ "name": "x", "manages_assignments_on": ["User"] }), "manages_assignments_on"),
            (json!({ "name": "x", "manages_assignments_on": (0..101).map(|n| format!("t{n}")).collect::<Vec<_>>() }), "manages_assignments_on"),
        ] {
            let answer = root.browser.post_json("/v1/roles", &bad);
            assert_eq!((answer.status, answer.json()["field"].clone()), (400, json!(field)), "{bad}");
        }
        for path in ["/v1/roles/nobody", "/v1/roles/a%20b", "/v1/roles/%00"] {
            assert!(matches!(root.browser.get(path).status, 400 | 404), "{path}");
        }
    }

    fn roles_are_paged_by_name(server) {
        let root = server.administrator();
        for name in ["b", "c", "d"] {
            create_role(&root, &json!({ "name": name }));
        }
        let names = |page: &Value| page["items"].as_array().expect("a list").iter().map(|role| role["name"].clone()).collect::<Vec<_>>();
        let first = root.browser.get("/v1/roles?limit=3").json();
        assert_eq!((names(&first), first["next"].clone()), (vec![json!("admin"), json!("b"), json!("c")], json!("c")));
        let second = root.browser.get("/v1/roles?limit=3&after=c").json();
        assert_eq!((names(&second), second["next"].clone()), (vec![json!("d")], json!(null)));
        for bad in ["limit=0", "limit=201", "after=a%20b", "x=y"] {
            assert_eq!(root.browser.get(&format!("/v1/roles?{bad}")).status, 400, "{bad}");
        }
    }

    fn the_admin_role_cannot_be_changed(server) {
        let root = server.administrator();
        create_role(&root, &json!({ "name": "clerk" }));
        assert_eq!(root.browser.delete("/v1/roles/admin").status, 409);
        let lists = [json!({ "manages_roles": ["clerk"] }), json!({ "manages_assignments_on": ["order"] })];
        for lists in lists {
            let answer = patch(&root.browser, &root.browser, "/v1/roles/admin", &lists);
            assert_eq!((answer.status, answer.json()["type"].clone()), (409, json!("urn:doorward:problem:role-built-in")));
        }
        let described = patch(&root.browser, &root.browser, "/v1/roles/admin", &json!({ "description": "Runs the place" }));
        assert_eq!(described.json()["version"], 2);
    }

    fn deleting_a_role_in_use_is_refused_with_its_holders(server) {
        let root = server.administrator();
        create_role(&root, &json!({ "name": "clerk" }));
        create_role(&root, &json!({ "name": "lead", "manages_roles": ["clerk"] }));
        server.create_user(&root, "ada");
        assign_roles(&root, "ada", &["clerk"]);
        let link = root.browser.post_json("/v1/invitations", &json!({ "roles": ["clerk"], "expires_in": 3600 })).json();
        let refused = root.browser.delete("/v1/roles/clerk");
        assert_eq!((refused.status, refused.json()["type"].clone()), (409, json!("urn:doorward:problem:role-in-use")));
        let needed = refused.json();
        assert_eq!((needed["holders"].clone(), needed["invitations"].clone(), needed["managed_by"].clone()), (json!(1), json!(1), json!(["lead"])));
        // A suspended user still counts as a holder.
        assert_eq!(root.browser.post_json("/v1/users/ada/suspend", &json!({})).status, 200);
        assert_eq!(root.browser.delete("/v1/roles/clerk").json()["holders"], 1);
        assign_roles(&root, "ada", &[]);
        assert_eq!(patch(&root.browser, &root.browser, "/v1/roles/lead", &json!({ "manages_roles": [] })).status, 200);
        assert_eq!(root.browser.delete("/v1/roles/clerk").json()["invitations"], 1);
        // The link has expired and would not work any more.
        server.advance_clock(3601);
        let mut root = root;
        assert_eq!(root.step_up().status, 200);
        assert_eq!(root.browser.delete("/v1/roles/clerk").status, 204);
        let start = json!({ "invitation": link["token"], "username": "bob" });
        assert_eq!(server.browser().post_json("/webauthn/register/start", &start).status, 410);
    }

    fn only_administrators_with_a_fresh_sign_in_write_roles(server) {
        let root = server.administrator();
        let ada = server.create_user(&root, "ada");
        create_role(&root, &json!({ "name": "clerk" }));
        let service = server.client(&["role-assignments:read", "role-assignments:write", "users:write", "clients:write"]);
        let blind = server.client(&["users:read"]);
        let body_of = |method: &str| if method == "POST" { json!({ "name": "x" }) } else { json!({ "description": "x" }) };
        let write = |ask: &dyn Fn(&str, &str) -> u16| {
            [ask("POST", "/v1/roles"), ask("PATCH", "/v1/roles/clerk"), ask("DELETE", "/v1/roles/clerk")]
        };
        let as_client = |(id, secret): &(String, String)| {
            let (id, secret, browser) = (id.clone(), secret.clone(), server.browser());
            move |method: &str, path: &str| browser.request(method, path).header("If-Match", "\"1\"").basic(&id, &secret).json(&body_of(method)).send().status
        };
        assert_eq!(write(&as_client(&service)), [403; 3]);
        assert_eq!(as_client(&service)("GET", "/v1/roles"), 200);
        assert_eq!(as_client(&service)("GET", "/v1/roles/clerk"), 200);
        assert_eq!(as_client(&blind)("GET", "/v1/roles"), 403);
        let as_person = |browser: &TestBrowser| {
            let browser = browser.clone();
            move |method: &str, path: &str| browser.request(method, path).header("If-Match", "\"1\"").json(&body_of(method)).send().status
        };
        assert_eq!(write(&as_person(&ada.browser)), [403; 3]);
        assert_eq!(as_person(&ada.browser)("GET", "/v1/roles"), 403);
        assert_eq!(as_person(&ada.browser)("GET", "/v1/roles/clerk"), 403);
        assert_eq!(write(&as_person(&server.browser())), [401; 3]);
        server.advance_clock(301);
        let stale = root.browser.delete("/v1/roles/clerk");
        assert_eq!((stale.status, stale.json()["type"].clone()), (403, json!("urn:doorward:problem:step-up-needed")));
        assert_eq!(root.browser.get("/v1/roles/clerk").status, 200, "reading is still allowed");
    }

    fn the_command_manages_roles(server) {
        let root = server.administrator();
        let run = |arguments: &[&str]| {
            let arguments: Vec<&str> = arguments.iter().copied().chain(["--json"]).collect();
            binary::run(&server.config, &arguments)
        };
        let made = run(&["role", "create", "clerk", "--description", "At the counter", "--manages-assignments-on", "order, Shop::Item"]);
        assert_eq!((made.code, made.json()["manages_assignments_on"].clone()), (0, json!(["Shop::Item", "order"])), "{}", made.errors);
        assert_eq!(run(&["role", "create", "clerk"]).code, 4);
        assert_eq!(run(&["role", "create", "a b"]).code, 2);
        assert_eq!(run(&["role", "update", "clerk", "--manages-assignments-on", "a-b"]).code, 4);
        let changed = run(&["role", "update", "clerk", "--manages-roles", "clerk", "--manages-assignments-on", ""]);
        assert_eq!((changed.json()["manages_roles"].clone(), changed.json()["manages_assignments_on"].clone()), (json!(["clerk"]), json!([])));
        assert_eq!(run(&["role", "show", "clerk"]).json(), root.browser.get("/v1/roles/clerk").json());
        assert_eq!(run(&["role", "list"]).json()["items"].as_array().map(Vec::len), Some(2));
        let link = run(&["user", "invite", "--username", "ada", "--role", "clerk"]).json();
        let ada = TestUser::register(server.browser(), SoftAuthenticator::synced(server.origin()), &json!({ "invitation": link["token"] }));
        assert_eq!(ada.browser.get("/v1/session").json()["user"]["roles"], json!(["clerk"]));
        assert_eq!(run(&["role", "delete", "clerk"]).code, 4, "ada holds it");
        assert_eq!(run(&["user", "update", "ada", "--roles", "cook"]).code, 4);
        assert_eq!(run(&["user", "update", "ada", "--roles", ""]).code, 0);
        assert_eq!(run(&["role", "delete", "clerk", "--reason", "closed"]).json(), json!({ "deleted": "clerk" }));
        assert_eq!(run(&["role", "show", "clerk"]).code, 3);
        let event = root.browser.get("/v1/audit-events?action=role.deleted").json()["items"][0].clone();
        assert_eq!((event["actor"].clone(), event["reason"].clone()), (json!("command"), json!("closed")));
    }

    fn twenty_creations_of_one_role_create_one(server) {
        let root = server.administrator();
        for _ in 0..2 {
            // In the second round, there is a row of a deleted role.
            let tabs = vec![root.browser.clone(); RUNNERS];
            let answers = race(tabs, |tab| tab.post_json("/v1/roles", &json!({ "name": "clerk" })));
            assert_eq!((count(&answers, 201), count(&answers, 409)), (1, RUNNERS - 1));
            assert_eq!(root.browser.delete("/v1/roles/clerk").status, 204);
        }
        let events = root.browser.get("/v1/audit-events?action=role.created").json();
        assert_eq!(events["items"].as_array().map(Vec::len), Some(2));
    }

    fn a_role_is_never_assigned_and_deleted_concurrently(server) {
        let root = server.administrator();
        for round in 0..3 {
            let role = format!("clerk{round}");
            create_role(&root, &json!({ "name": role }));
            let runners: Vec<(usize, TestBrowser)> = (0..RUNNERS).map(|number| (number, root.browser.clone())).collect();
            let answers = race(runners, |(number, tab)| match number % 3 {
                0 => tab.delete(&format!("/v1/roles/{role}")),
                1 => tab.post_json("/v1/invitations", &json!({ "username": format!("u{round}-{number}"), "roles": [role] })),
                _ => tab.post_json("/v1/roles", &json!({ "name": format!("lead{round}-{number}"), "manages_roles": [role] })),
            });
            assert!(answers.iter().all(|answer| matches!(answer.status, 201 | 204 | 400 | 404 | 409)), "nothing else");
            let is_there = root.browser.get(&format!("/v1/roles/{role}")).status == 200;
            let used = count(&answers, 201);
            assert_eq!(is_there, used > 0, "used {used} times");
            assert_eq!(count(&answers, 204), usize::from(!is_there));
            let holders = root.browser.get(&format!("/v1/users?role={role}")).json();
            assert!(is_there || holders["items"] == json!([]), "a deleted role has no holders");
        }
    }

    fn a_link_cannot_assign_a_deleted_role(server) {
        let root = server.administrator();
        create_role(&root, &json!({ "name": "clerk" }));
        let link = root.browser.post_json("/v1/invitations", &json!({ "roles": ["clerk"], "expires_in": 3600 })).json();
        let (browser, mut device) = (server.browser(), SoftAuthenticator::synced(server.origin()));
        let started = browser.post_json("/webauthn/register/start", &json!({ "invitation": link["token"], "username": "bob" })).json();
        let credential = device.create(&started["publicKey"], &Default::default());
        // Simulates that the clock of the deleting machine is ahead.
        let ahead = doorward::base::clock::Clock::manual();
        ahead.advance(std::time::Duration::from_secs(86_400));
        let app = server.run(doorward::app::App::build(server.config.clone(), ahead, doorward::app::RpIdChange::Refuse, doorward::base::fault_injection::FaultInjector::default())).expect("another machine");
        server.run(app.users.delete_role("clerk", None, None, doorward::clients::ActingAs::command())).expect("deleted");
        let finish = json!({ "ceremony": started["ceremony"], "credential": credential });
        assert_eq!(browser.post_json("/webauthn/register/finish", &finish).status, 410);
        assert_eq!(root.browser.get("/v1/users/bob").status, 404);
    }
}
