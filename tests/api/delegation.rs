//! Users who manage others by a role, and the limits of their permissions.

use diesel::Connection;
use diesel::connection::SimpleConnection;
use doorward::base::ids::UserId;
use doorward::clients::{ActingAs, ActingError, Permission};
use doorward::testing::RevokeAs;
use doorward::users::{
    NewInvitation, Permissions, Permit, RoleChange, RoleError, UpdateError, UserChange,
};
use serde_json::{Value, json};

use super::as_of::{at, instant};
use super::roles::{assign_roles, create_role, patch};
use crate::on_both;
use crate::support::authenticator::SoftAuthenticator;
use crate::support::http::Answer;
use crate::support::postgres::Postgres;
use crate::support::race::{RUNNERS, race};
use crate::support::redis::Redis;
use crate::support::test_server::TestServer;
use crate::support::test_user::TestUser;

/// A user who manages clerks and cooks, two clerks, a user who is a clerk and more, and a user without roles.
struct Shop {
    root: TestUser,
    lead: TestUser,
    clerk: TestUser,
}

fn shop(server: &TestServer) -> Shop {
    let root = server.administrator();
    for role in ["clerk", "cook", "auditor"] {
        create_role(&root, &json!({ "name": role }));
    }
    create_role(
        &root,
        &json!({ "name": "lead", "manages_roles": ["clerk", "cook"] }),
    );
    let lead = server.create_user(&root, "lead");
    assign_roles(&root, "lead", &["lead"]);
    let clerk = server.create_user(&root, "clerk");
    assign_roles(&root, "clerk", &["clerk"]);
    for (name, roles) in [
        ("mixed", json!(["auditor", "clerk"])),
        ("plain", json!([])),
        ("cook", json!(["cook"])),
    ] {
        let invited = root.browser.post_json(
            "/v1/invitations",
            &json!({ "username": name, "roles": roles }),
        );
        assert_eq!(invited.status, 201, "{}", invited.text());
    }
    Shop { root, lead, clerk }
}

fn id(person: &TestUser) -> UserId {
    person.id.parse().expect("an id")
}

/// Returns the whole refusal, because refusals for different reasons must be indistinguishable.
fn refusal(answer: &Answer) -> (u16, Value) {
    (answer.status, answer.json())
}

fn names(page: &Value) -> Vec<String> {
    let items = page["items"].as_array().expect("a list");
    let name = |item: &Value| item["username"].as_str().expect("a name").to_owned();
    let mut names: Vec<String> = items.iter().map(name).collect();
    names.sort_unstable();
    names
}

fn start(server: &TestServer, link: &Value) -> u16 {
    let start = json!({ "invitation": link["token"], "username": "newcomer" });
    server
        .browser()
        .post_json("/webauthn/register/start", &start)
        .status
}

/// Number of connections to this database that wait for a lock.
const WAITING: &str = "select count(*) from pg_stat_activity
where datname = current_database() and wait_event_type = 'Lock'";

#[test]
fn a_check_waits_for_a_concurrent_revocation_of_the_permission() {
    let url = Postgres::shared().fresh_database();
    let server = TestServer::on(&url, &Redis::shared().fresh_url(), |_| {});
    let Shop { root, lead, .. } = shop(&server);
    let granting = json!({ "manages_assignments_on": ["order"] });
    let granting = patch(&root.browser, &root.browser, "/v1/roles/lead", &granting);
    assert_eq!(granting.status, 200, "{}", granting.text());
    let grant = json!({ "user": "clerk", "resource_type": "order", "resource_id": "1", "roles": ["OPERATOR"] });
    for (method, path, body) in [
        ("POST", "/v1/users/clerk/suspend", json!({})),
        ("DELETE", "/v1/users/clerk/sessions", json!({})),
        ("POST", "/v1/invitations", json!({ "user_id": "clerk" })),
        ("POST", "/v1/invitations", json!({ "roles": ["cook"] })),
        ("POST", "/v1/role-assignments", grant),
        ("PUT", "/v1/resources/order/1", json!({})),
    ] {
        assign_roles(&root, "lead", &["lead"]);
        let mut other = diesel::PgConnection::establish(&url).expect("a connection");
        let change = format!(
            "begin;
             update account_states set version = version + 1, changed_at = clock_timestamp() where user_id = '{0}';
             delete from user_roles where user_id = '{0}'",
            lead.id
        );
        other.batch_execute(&change).expect("a change");
        let answer = std::thread::scope(|scope| {
            let act = scope.spawn(|| lead.browser.request(method, path).json(&body).send());
            // The request either waits for the change, or has ended without waiting.
            while !act.is_finished() && Postgres::shared().psql(&url, WAITING).trim() == "0" {}
            other.batch_execute("commit").expect("a commit");
            act.join().expect("a response")
        });
        assert_eq!(answer.status, 403, "{method} {path}: {}", answer.text());
    }
}

on_both! {
    fn two_users_acting_on_each_other_do_not_deadlock(server) {
        let root = server.administrator();
        create_role(&root, &json!({ "name": "peer" }));
        assert_eq!(patch(&root.browser, &root.browser, "/v1/roles/peer", &json!({ "manages_roles": ["peer"] })).status, 200);
        let (ann, ben) = (server.create_user(&root, "ann"), server.create_user(&root, "ben"));
        for name in ["ann", "ben"] {
            assign_roles(&root, name, &["peer"]);
        }
        let runners: Vec<usize> = (0..RUNNERS).collect();
        let answers = race(runners, |number| {
            let (by, over) = if number % 2 == 0 { (&ann.browser, &ben.id) } else { (&ben.browser, &ann.id) };
            by.post_json("/v1/invitations", &json!({ "user_id": over }))
        });
        for answer in answers {
            assert_eq!(answer.status, 201, "{}", answer.text());
        }
    }

    fn a_manager_sees_only_managed_users(server) {
        let Shop { root, lead, clerk } = shop(server);
        assert_eq!(names(&lead.browser.get("/v1/users").json()), ["clerk", "cook"]);
        assert_eq!(names(&lead.browser.get("/v1/users?role=clerk").json()), ["clerk"]);
        assert_eq!(names(&lead.browser.get("/v1/users?username=mixed").json()), [""; 0]);
        let first = lead.browser.get("/v1/users?limit=1").json();
        let next = first["next"].as_str().expect("a cursor");
        let second = lead.browser.get(&format!("/v1/users?limit=1&after={next}")).json();
        assert_eq!(second["next"], json!(null), "invisible users take no place on a page");
        assert_ne!(names(&first), names(&second));
        let batch = json!({ "ids": ["root", "clerk", "mixed", "plain", "nobody", lead.id, clerk.id] });
        assert_eq!(names(&lead.browser.post_json("/v1/users/lookup", &batch).json()), ["clerk"]);
        for path in ["", "/roles", "/passkeys", "/sessions"] {
            assert_eq!(lead.browser.get(&format!("/v1/users/clerk{path}")).status, 200, "{path}");
            assert_eq!(lead.browser.get(&format!("/v1/users/{}{path}", lead.id)).status, 200, "their own: {path}");
            // Existing users whom the caller doesn't manage and users who don't exist get the same response, which is also that
            // of callers without permissions.
            let unknown = refusal(&lead.browser.get(&format!("/v1/users/nobody{path}")));
            assert_eq!(unknown.0, 403);
            for name in ["root", "mixed", "plain"] {
                assert_eq!(refusal(&lead.browser.get(&format!("/v1/users/{name}{path}"))), unknown, "{name}{path}");
            }
            assert_eq!(refusal(&clerk.browser.get(&format!("/v1/users/lead{path}"))), unknown);
        }
        assert_eq!(lead.browser.get("/v1/roles").status, 200);
        assert_eq!(clerk.browser.get("/v1/users").status, 403);
        assert_eq!(clerk.browser.post_json("/v1/users/lookup", &json!({ "ids": [] })).status, 403);
        for path in ["/v1/clients", "/v1/audit-events"] {
            assert_eq!(lead.browser.get(path).status, 403, "{path}");
        }
        // The permissions end with the role.
        assign_roles(&root, "lead", &[]);
        assert_eq!(lead.browser.get("/v1/users").status, 403);
        assert_eq!(lead.browser.get("/v1/users/clerk").status, 403);
    }

    fn a_manager_changes_managed_users(server) {
        let Shop { root, lead, mut clerk } = shop(server);
        let change = |body: &Value| patch(&root.browser, &lead.browser, "/v1/users/clerk", body);
        assert_eq!(change(&json!({ "display_name": "Counter", "roles": ["cook", "clerk"] })).json()["roles"], json!(["clerk", "cook"]));
        assert_eq!(root.browser.get("/v1/users/clerk").json()["display_name"], "Counter");
        let event = root.browser.get("/v1/audit-events?action=user.updated").json()["items"][0].clone();
        assert_eq!(event["actor"], json!(format!("user:{}", lead.id)));
        assert_eq!(event["details"]["roles"], json!({ "before": ["clerk"], "after": ["clerk", "cook"] }));
        let another = clerk.another_browser();
        let session = lead.browser.get("/v1/users/clerk/sessions").json()["items"][0]["id"].as_str().expect("an id").to_owned();
        let ended = lead.browser.delete(&format!("/v1/users/clerk/sessions/{session}?reason=lost"));
        assert_eq!(ended.json(), json!({ "sessions_ended": 1 }));
        assert_eq!(lead.browser.delete("/v1/users/clerk/sessions").json(), json!({ "sessions_ended": 1 }));
        assert_eq!((another.get("/v1/session").status, clerk.session_status()), (401, 401));
        assert_eq!(lead.browser.post_json("/v1/users/clerk/suspend", &json!({})).status, 200);
        assert_eq!(clerk.sign_in_at(&server.browser()).status, 403);
        assert_eq!(lead.browser.post_json("/v1/users/clerk/reactivate", &json!({})).status, 204);
        assert_eq!(clerk.sign_in_at(&server.browser()).status, 200);
        assert_eq!(lead.browser.delete(&format!("/v1/users/clerk/passkeys/{}", clerk.passkey)).status, 200);
        let link = lead.browser.post_json("/v1/invitations", &json!({ "user_id": "clerk" })).json();
        let again = TestUser::register(server.browser(), SoftAuthenticator::synced(server.origin()), &json!({ "invitation": link["token"] }));
        assert_eq!(again.id, clerk.id);
        // The manager may withdraw the last role, but not assign it again, because without a role the user is not
        // managed any more.
        assert_eq!(change(&json!({ "roles": [] })).status, 200);
        assert_eq!(change(&json!({ "roles": ["clerk"] })).status, 403);
    }

    fn a_manager_may_assign_resource_roles_to_themself_but_no_global_role(server) {
        let Shop { root, lead, .. } = shop(server);
        assert_eq!(patch(&root.browser, &root.browser, "/v1/roles/lead", &json!({ "manages_assignments_on": ["order"] })).status, 200);
        let own = patch(&lead.browser, &lead.browser, "/v1/users/lead", &json!({ "roles": ["clerk", "lead"] }));
        assert_eq!(own.status, 403, "users do not manage themselves");
        let grant = json!({ "user": "lead", "resource_type": "order", "resource_id": "1", "roles": ["OPERATOR"] });
        let given = lead.browser.post_json("/v1/role-assignments", &grant);
        assert_eq!((given.status, given.json()["user_id"].clone()), (201, json!(lead.id)));
        let double = json!({ "username": "lead-at-work", "roles": ["clerk"] });
        let double = server.create_user_with(&lead, &double, SoftAuthenticator::synced(server.origin()));
        assert_eq!(double.browser.get("/v1/session").json()["user"]["roles"], json!(["clerk"]));
    }

    fn a_manager_reactivates_a_user_whoever_suspended_them(server) {
        let Shop { root, lead, mut clerk } = shop(server);
        assert_eq!(root.browser.post_json("/v1/users/clerk/suspend", &json!({})).status, 200);
        assert_eq!(lead.browser.post_json("/v1/users/clerk/reactivate", &json!({})).status, 204);
        assert_eq!(clerk.sign_in_at(&server.browser()).status, 200);
        // A user with a role that the manager doesn't manage can't be reactivated by the manager.
        assert_eq!(root.browser.post_json("/v1/users/clerk/suspend", &json!({})).status, 200);
        assign_roles(&root, "clerk", &["auditor", "clerk"]);
        assert_eq!(lead.browser.post_json("/v1/users/clerk/reactivate", &json!({})).status, 403);
    }

    fn a_manager_sees_a_users_history_only_while_they_managed_them(server) {
        let long_ago = instant(server);
        let Shop { root, lead, clerk } = shop(server);
        assign_roles(&root, "clerk", &["auditor"]);
        let before = instant(server);
        assign_roles(&root, "clerk", &["clerk"]);
        let path = format!("/v1/users/{}", clerk.id);
        let history = lead.browser.get(&format!("{path}/history"));
        assert_eq!(history.status, 200);
        let history = history.json();
        let told: Vec<&Value> = history["items"].as_array().expect("versions").iter().map(|version| &version["data"]["roles"]).collect();
        assert_eq!(told, [&json!(["clerk"]); 2], "without a role, or with the auditor's, the user was not managed");
        let whole = root.browser.get(&format!("{path}/history")).json();
        assert!(whole["items"].as_array().is_some_and(|items| items.len() >= 4), "{whole}");
        // Invisible items take up no space on a page.
        let first = lead.browser.get(&format!("{path}/history?limit=1")).json();
        let next = first["next"].as_str().expect("a cursor");
        let second = lead.browser.get(&format!("{path}/history?limit=1&after={next}")).json();
        assert_eq!((&first["items"][0], &second["items"][0], &second["next"]), (&history["items"][0], &history["items"][1], &json!(null)));
        // The response is the same as for a time before the user existed.
        let unknown = refusal(&at(&lead.browser, &path, long_ago));
        assert_eq!(unknown.0, 404);
        assert_eq!(refusal(&at(&lead.browser, &path, before)), unknown);
        let roles = format!("{path}/roles");
        assert_eq!(refusal(&at(&lead.browser, &roles, before)), refusal(&at(&lead.browser, &roles, long_ago)));
        assert_eq!(at(&root.browser, &path, before).json()["item"]["data"]["roles"], json!(["auditor"]));
        assert_eq!(at(&root.browser, &roles, before).json()["roles"], json!(["auditor"]));
        assert_eq!(at(&clerk.browser, &roles, before).json()["roles"], json!(["auditor"]), "their own");
        // If the caller may see only role assignments on resources, the response contains only these.
        assert_eq!(patch(&root.browser, &root.browser, "/v1/roles/lead", &json!({ "manages_assignments_on": ["order"] })).status, 200);
        let grants = at(&lead.browser, &roles, before);
        assert_eq!((grants.status, grants.json().get("roles"), &grants.json()["role_assignments"]), (200, None, &json!([])));
        let lately = instant(server);
        assert_eq!(at(&lead.browser, &roles, lately).json()["roles"], json!(["clerk"]));
        assert_eq!(at(&lead.browser, &path, lately).json()["item"]["data"]["roles"], json!(["clerk"]));
        assert_eq!(at(&lead.browser, &format!("{path}/passkeys"), before).status, 200);
        let lookup = json!({ "ids": [clerk.id], "as_of": before.to_rfc3339() });
        assert_eq!(names(&lead.browser.post_json("/v1/users/lookup", &lookup).json()), [""; 0], "the user was not managed then");
        // A user who is no longer managed is invisible, even for the time when the user was managed.
        let then = instant(server);
        assign_roles(&root, "clerk", &["auditor"]);
        for path in [format!("{path}/history"), path.clone()] {
            assert_eq!(lead.browser.get(&path).status, 403, "{path}");
        }
        assert_eq!(at(&lead.browser, &path, then).status, 403);
    }

    fn a_delegate_sees_only_names_of_users_managed_then_and_now(server) {
        let Shop { root, lead, clerk } = shop(server);
        let granting = json!({ "manages_roles": ["clerk", "cook"], "manages_assignments_on": ["order"] });
        assert_eq!(patch(&root.browser, &root.browser, "/v1/roles/lead", &granting).status, 200);
        let path = format!("/v1/users/{}", clerk.id);
        assign_roles(&root, "clerk", &["auditor"]);
        let _hidden = clerk.add_passkey(SoftAuthenticator::synced(server.origin()));
        let not_theirs = instant(server);
        assign_roles(&root, "clerk", &["clerk"]);
        let _seen = clerk.add_passkey(SoftAuthenticator::synced(server.origin()));
        assert_eq!(patch(&lead.browser, &lead.browser, &path, &json!({ "display_name": "A clerk" })).status, 200);
        let grant = json!({ "user": "clerk", "resource_type": "order", "resource_id": "1", "roles": ["VIEWER"] });
        let grant = root.browser.post_json("/v1/role-assignments", &grant);
        assert_eq!(grant.status, 201, "{}", grant.text());
        let grant = format!("/v1/role-assignments/{}", grant.json()["id"].as_str().expect("an id"));
        assert_eq!(root.browser.request("PUT", "/v1/resources/order/1").json(&json!({})).send().status, 201);
        let now = instant(server);

        let makers = |page: &Value| -> Vec<(Value, Value)> {
            let items = page["items"].as_array().expect("versions");
            items.iter().map(|item| (item["by_user"].clone(), item["by_username"].clone())).collect()
        };
        let history = makers(&lead.browser.get(&format!("{path}/history")).json());
        assert_eq!(history[0], (json!(lead.id), json!("lead")), "their own name");
        assert_eq!(history[1], (json!(root.id), Value::Null), "an id for others");
        for other in ["/v1/roles/lead/history", "/v1/resources/order/1/history", &format!("{grant}/history")] {
            let told = makers(&lead.browser.get(other).json());
            assert!(!told.is_empty() && told.iter().all(|maker| *maker == (json!(root.id), Value::Null)), "{other}: {told:?}");
            let whole = makers(&root.browser.get(other).json());
            assert!(whole.iter().all(|maker| *maker == (json!(root.id), json!("root"))), "{other}: {whole:?}");
        }
        for then in ["/v1/roles/lead", "/v1/resources/order/1", &grant, &path] {
            let told = at(&lead.browser, then, now).json();
            assert!(told["item"]["by_username"] != json!("root"), "{then}: {told}");
        }
        // Passkeys from the time when the user was not managed.
        let passkeys = root.browser.get(&format!("{path}/passkeys")).json();
        let ids: Vec<String> = passkeys["items"].as_array().expect("passkeys").iter().map(|one| one["id"].as_str().expect("an id").to_owned()).collect();
        assert_eq!(ids.len(), 3);
        let statuses = |reader: &TestUser| {
            let mut statuses: Vec<u16> = ids.iter().map(|id| reader.browser.get(&format!("/v1/passkeys/{id}/history")).status).collect();
            statuses.sort_unstable();
            statuses
        };
        assert_eq!((statuses(&root), statuses(&clerk)), (vec![200; 3], vec![200; 3]));
        assert_eq!(statuses(&lead), [200, 404, 404], "earlier names are not visible");
        assert_eq!(at(&lead.browser, &format!("{path}/passkeys"), not_theirs).json()["items"], json!([]));
        assert_eq!(at(&lead.browser, &format!("{path}/passkeys"), now).json()["items"].as_array().map(Vec::len), Some(3));
        assert_eq!(at(&root.browser, &format!("{path}/passkeys"), not_theirs).json()["items"].as_array().map(Vec::len), Some(2));
        // A service that may not look up users sees no usernames either.
        for (scopes, name) in [(&["role-assignments:read"][..], Value::Null), (&["role-assignments:read", "users:read"], json!("root"))] {
            let (id, secret) = server.client(scopes);
            let told = server.browser().request("GET", &format!("{grant}/history")).basic(&id, &secret).send().json();
            assert_eq!(told["items"][0]["by_username"], name, "{scopes:?}");
        }
    }

    fn managing_role_assignments_does_not_reveal_which_users_exist(server) {
        let Shop { root, .. } = shop(server);
        create_role(&root, &json!({ "name": "granter", "manages_assignments_on": ["order"] }));
        let granter = server.create_user(&root, "granter");
        assign_roles(&root, "granter", &["granter"]);
        let grant = json!({ "user": "cook", "resource_type": "order", "resource_id": "1", "roles": ["VIEWER"] });
        assert_eq!(root.browser.post_json("/v1/role-assignments", &grant).status, 201);
        let held = granter.browser.get("/v1/users/cook/roles");
        assert_eq!((held.status, held.json().get("roles"), &held.json()["role_assignments"][0]["resource_id"]), (200, None, &json!("1")));
        for question in ["", "?resource_type=order", "?limit=1"] {
            let roles = |name: &str| refusal(&granter.browser.get(&format!("/v1/users/{name}/roles{question}")));
            let unknown = roles("nobody");
            assert_eq!(unknown.0, 404);
            for name in ["plain", "mixed", "root", root.id.as_str(), "019aa000-0000-7000-8000-000000000000"] {
                assert_eq!(roles(name), unknown, "{name}{question}");
            }
        }
        let then = instant(server);
        let roles = |name: &str| refusal(&at(&granter.browser, &format!("/v1/users/{name}/roles"), then));
        assert_eq!(roles("plain"), roles("nobody"));
        assert_eq!(roles("cook").0, 200);
        // A user without managed roles gets the same refusal for all.
        let plain = server.create_user(&root, "somebody");
        let roles = |name: &str| refusal(&plain.browser.get(&format!("/v1/users/{name}/roles")));
        assert_eq!((roles("root"), roles("cook")), (roles("nobody"), roles("nobody")));
    }

    fn a_manager_invites_users_with_roles_they_manage(server) {
        let Shop { lead, clerk, .. } = shop(server);
        let invite = |body: &Value| lead.browser.post_json("/v1/invitations", body);
        let joined = server.create_user_with(&lead, &json!({ "username": "new", "roles": ["cook"] }), SoftAuthenticator::synced(server.origin()));
        assert_eq!(joined.browser.get("/v1/session").json()["user"]["roles"], json!(["cook"]));
        for body in [json!({}), json!({ "roles": [] }), json!({ "username": "other" })] {
            let refused = invite(&body);
            assert_eq!((refused.status, refused.problem_type(), refused.json()["field"].clone()), (400, "urn:doorward:problem:invalid-field".into(), json!("roles")), "{body}");
        }
        for roles in [json!(["auditor"]), json!(["clerk", "auditor"]), json!(["admin"]), json!(["lead"])] {
            assert_eq!(invite(&json!({ "roles": roles })).status, 403, "{roles}");
            assert_eq!(invite(&json!({ "username": "other", "roles": roles })).status, 403, "{roles}");
        }
        assert_eq!(invite(&json!({ "roles": ["nothing"] })).status, 400);
        assert_eq!(clerk.browser.post_json("/v1/invitations", &json!({ "roles": [] })).status, 403, "a user who manages no one");
        let unknown = refusal(&invite(&json!({ "user_id": "nobody" })));
        for name in ["root", "mixed", "plain", "lead"] {
            assert_eq!(refusal(&invite(&json!({ "user_id": name }))), unknown, "{name}");
        }
        assert_eq!(unknown.0, 403);
    }

    fn a_manager_cannot_act_outside_their_scope(server) {
        let Shop { root, lead, clerk } = shop(server);
        for name in ["root", "mixed", "plain", "lead", "nobody"] {
            let path = format!("/v1/users/{name}");
            let change = lead.browser.request("PATCH", &path).header("If-Match", "\"1\"").json(&json!({ "roles": ["clerk"] })).send();
            assert_eq!(change.status, 403, "{name}");
            assert_eq!(lead.browser.delete(&format!("{path}/sessions")).status, 403, "{name}");
            assert_eq!(lead.browser.delete(&format!("{path}/sessions/{}", lead.id)).status, 403, "{name}");
            assert_eq!(lead.browser.delete(&format!("{path}/passkeys/{}", root.passkey)).status, 403, "{name}");
            assert_eq!(lead.browser.post_json(&format!("{path}/reactivate"), &json!({})).status, 403, "{name}");
            if name != "lead" {
                assert_eq!(lead.browser.post_json(&format!("{path}/suspend"), &json!({})).status, 403, "{name}");
            }
        }
        for roles in [json!(["admin"]), json!(["lead", "clerk"]), json!(["auditor"])] {
            let given = patch(&root.browser, &lead.browser, "/v1/users/clerk", &json!({ "roles": roles }));
            assert_eq!(given.status, 403, "{roles}");
        }
        assert_eq!(lead.browser.delete(&format!("/v1/users/clerk/passkeys/{}", root.passkey)).status, 404, "not the clerk's");
        assert_eq!(lead.browser.post_json("/v1/roles", &json!({ "name": "mine", "manages_roles": ["lead"] })).status, 403);
        assert_eq!(patch(&root.browser, &lead.browser, "/v1/roles/lead", &json!({ "manages_roles": ["auditor"] })).status, 403);
        assert_eq!(lead.browser.delete("/v1/roles/auditor").status, 403);
        assert_eq!((root.session_status(), clerk.session_status()), (200, 200));
        let events = root.browser.get("/v1/audit-events?user=lead").json();
        let by_lead = format!("user:{}", lead.id);
        let acts = events["items"].as_array().expect("events").iter().filter(|event| event["actor"] == json!(by_lead) && event["outcome"] == "success");
        assert!(acts.clone().all(|event| matches!(event["action"].as_str(), Some("user.joined" | "passkey.registered"))), "{events}");
    }

    fn a_manager_needs_a_recent_sign_in_to_write(server) {
        let Shop { mut lead, .. } = shop(server);
        server.advance_clock(301);
        assert_eq!(lead.browser.get("/v1/users/clerk").status, 200);
        let stale = lead.browser.post_json("/v1/users/clerk/suspend", &json!({}));
        assert_eq!((stale.status, stale.json()["type"].clone()), (403, json!("urn:doorward:problem:step-up-needed")));
        assert_eq!(lead.browser.post_json("/v1/invitations", &json!({ "roles": ["clerk"] })).json()["type"], "urn:doorward:problem:step-up-needed");
        assert_eq!(lead.step_up().status, 200);
        assert_eq!(lead.browser.post_json("/v1/users/clerk/suspend", &json!({})).status, 200);
    }

    fn a_user_promoted_between_check_and_change_is_not_changed(server) {
        let Shop { root, lead, clerk } = shop(server);
        let user = id(&clerk);
        // The check of the handler …
        assert_eq!(server.run(server.app.users.find_managed(id(&lead), "clerk")).expect("a result").expect("a managed user").id, user);
        // … the change of roles …
        assign_roles(&root, "clerk", &["clerk", "auditor"]);
        // … and each operation, as the handler would continue with it.
        let by = Permissions::User(id(&lead));
        let (users, author) = (&server.app.users, ActingAs::command);
        let permit = || Permit { acting: author(), permissions: by };
        let session = clerk.browser.get("/v1/session").json()["session"]["id"].as_str().expect("an id").parse().expect("an id");
        assert!(server.run(users.update(user, UserChange::default(), None, permit())).is_err());
        assert!(server.run(users.suspend(user, None, permit())).is_err());
        assert!(server.run(users.reactivate(user, None, permit())).is_err());
        assert!(server.run(users.end_sessions(user, Some(session), None, permit())).is_err());
        assert!(server.run(users.end_sessions(user, None, None, permit())).is_err());
        let link = NewInvitation { user: Some(clerk.id.clone()), ..NewInvitation::default() };
        assert!(server.run(users.invite(link, permit())).is_err());
        let passkey = clerk.passkey.parse().expect("an id");
        assert!(server.run(server.app.passkeys.revoke(user, passkey, None, RevokeAs::Manager(by), author())).is_err());
        assert_eq!(clerk.session_status(), 200);
        // Conversely: the caller has lost the permission in between.
        assign_roles(&root, "clerk", &["clerk"]);
        assign_roles(&root, "lead", &[]);
        assert!(server.run(users.suspend(user, None, permit())).is_err());
    }

    fn recovery_links_created_during_a_promotion_to_admin_do_not_work(server) {
        let Shop { root, lead, clerk } = shop(server);
        let path = format!("/v1/users/{}", clerk.id);
        let tag = root.browser.get(&path).header("etag").expect("a tag").to_owned();
        let runners: Vec<usize> = (0..RUNNERS).collect();
        let answers = race(runners, |number| {
            if number == RUNNERS / 2 {
                return root.browser.request("PATCH", &path).header("If-Match", &tag).json(&json!({ "roles": ["admin"] })).send();
            }
            lead.browser.post_json("/v1/invitations", &json!({ "user_id": clerk.id }))
        });
        assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1);
        for link in answers.iter().filter(|answer| answer.status != 200) {
            match link.status {
                201 => assert_eq!(start(server, &link.json()), 410),
                status => assert_eq!(status, 403),
            }
        }
        assert_eq!(lead.browser.delete(&format!("{path}/sessions")).status, 403);
        assert_eq!(clerk.session_status(), 200);
    }

    fn a_link_is_valid_only_while_its_creator_has_the_permission(server) {
        let Shop { root, lead, .. } = shop(server);
        let link = |body: &Value| lead.browser.post_json("/v1/invitations", body).json();
        let fresh = link(&json!({ "roles": ["clerk", "cook"] }));
        let named = link(&json!({ "username": "anna", "roles": ["cook"] }));
        let recovery = link(&json!({ "user_id": "clerk" }));
        let all = |wanted: [u16; 3]| {
            assert_eq!([start(server, &fresh), start(server, &named), start(server, &recovery)], wanted);
        };
        all([200, 200, 200]);
        // The manager's role manages one role less.
        assert_eq!(patch(&root.browser, &root.browser, "/v1/roles/lead", &json!({ "manages_roles": ["clerk"] })).status, 200);
        all([410, 410, 200]);
        assert_eq!(patch(&root.browser, &root.browser, "/v1/roles/lead", &json!({ "manages_roles": ["clerk", "cook"] })).status, 200);
        all([200, 200, 200]);
        // The user got a role that the inviter may not assign.
        assign_roles(&root, "clerk", &["clerk", "auditor"]);
        all([200, 200, 410]);
        assign_roles(&root, "clerk", &["clerk"]);
        // The inviter has lost the role, or is suspended.
        assign_roles(&root, "lead", &[]);
        all([410, 410, 410]);
        // Assigning the role again doesn't make the links valid again.
        assign_roles(&root, "lead", &["lead"]);
        all([410, 410, 410]);
        let later = link(&json!({ "roles": ["clerk"] }));
        assert_eq!(start(server, &later), 200);
        assert_eq!(root.browser.post_json("/v1/users/lead/suspend", &json!({})).status, 200);
        assert_eq!(start(server, &later), 410);
    }

    fn a_links_creator_is_checked_again_when_it_is_used(server) {
        let Shop { root, lead, .. } = shop(server);
        let link = lead.browser.post_json("/v1/invitations", &json!({ "roles": ["clerk"] })).json();
        let (browser, mut device) = (server.browser(), SoftAuthenticator::synced(server.origin()));
        let started = browser.post_json("/webauthn/register/start", &json!({ "invitation": link["token"], "username": "newcomer" })).json();
        let credential = device.create(&started["publicKey"], &Default::default());
        assign_roles(&root, "lead", &[]);
        let finish = json!({ "ceremony": started["ceremony"], "credential": credential });
        assert_eq!(browser.post_json("/webauthn/register/finish", &finish).status, 410);
        assert_eq!(root.browser.get("/v1/users/newcomer").status, 404);
    }

    fn a_service_neither_creates_nor_changes_managers(server) {
        let Shop { root, lead, .. } = shop(server);
        create_role(&root, &json!({ "name": "granter", "manages_assignments_on": ["order"] }));
        root.browser.post_json("/v1/invitations", &json!({ "username": "granter", "roles": ["granter"] }));
        let (id, secret) = server.client(&["users:read", "users:write", "passkeys:enrol", "sessions:revoke", "passkeys:revoke"]);
        let browser = server.browser();
        let ask = |method: &str, path: &str, body: &Value| {
            let tag = root.browser.get(path).header("etag").unwrap_or("\"1\"").to_owned();
            browser.request(method, path).header("If-Match", &tag).basic(&id, &secret).json(body).send()
        };
        for person in ["lead", "granter", "root"] {
            let path = format!("/v1/users/{person}");
            assert_eq!(ask("PATCH", &path, &json!({ "display_name": "x" })).status, 403, "{person}");
            assert_eq!(ask("POST", &format!("{path}/suspend"), &json!({})).status, 403, "{person}");
            assert_eq!(ask("POST", &format!("{path}/reactivate"), &json!({})).status, 403, "{person}");
            assert_eq!(ask("DELETE", &format!("{path}/sessions"), &json!({})).status, 403, "{person}");
            assert_eq!(ask("POST", "/v1/invitations", &json!({ "user_id": person })).status, 403, "{person}");
            assert_eq!(ask("GET", &path, &json!({})).status, 200, "reading needs no recent sign-in");
        }
        let session = root.browser.get("/v1/users/lead/sessions").json()["items"][0]["id"].as_str().expect("an id").to_owned();
        assert_eq!(ask("DELETE", &format!("/v1/users/lead/sessions/{session}"), &json!({})).status, 403);
        assert_eq!(ask("DELETE", &format!("/v1/users/lead/passkeys/{}", lead.passkey), &json!({})).status, 403);
        for role in ["admin", "lead", "granter"] {
            assert_eq!(ask("PATCH", "/v1/users/clerk", &json!({ "roles": ["clerk", role] })).status, 403, "{role}");
            assert_eq!(ask("POST", "/v1/invitations", &json!({ "roles": [role] })).status, 403, "{role}");
        }
        assert_eq!(lead.session_status(), 200);
        assert_eq!(ask("PATCH", "/v1/users/clerk", &json!({ "roles": ["clerk", "auditor"] })).status, 200);
        // A service's link is invalid once it would give more than the service could, because the role manages something now.
        let link = ask("POST", "/v1/invitations", &json!({ "roles": ["auditor"] })).json();
        let recovery = ask("POST", "/v1/invitations", &json!({ "user_id": "clerk" })).json();
        assert_eq!((start(server, &link), start(server, &recovery)), (200, 200));
        assert_eq!(patch(&root.browser, &root.browser, "/v1/roles/auditor", &json!({ "manages_assignments_on": ["order"] })).status, 200);
        assert_eq!((start(server, &link), start(server, &recovery)), (410, 410));
    }

    fn an_administrator_demoted_during_their_request_changes_nothing(server) {
        let Shop { root, clerk, .. } = shop(server);
        let deputy = server.create_user_with(&root, &json!({ "username": "deputy", "roles": ["admin"] }), SoftAuthenticator::synced(server.origin()));
        let id = |person: &TestUser| UserId::parse(&person.id).expect("an id");
        let by = Permissions::User(id(&deputy));
        let author = server.acting(&deputy, Permission::Roles);
        let permit = || Permit { acting: author.clone(), permissions: by };
        let administering = server.acting(&deputy, Permission::Administrator);
        let change = |roles: &[&str]| UserChange { roles: Some(roles.iter().map(ToString::to_string).collect()), ..UserChange::default() };
        let users = &server.app.users;
        server.run(users.update(id(&clerk), change(&["clerk", "cook"]), None, permit())).expect("permitted for an administrator");
        server.run(users.update_role("cook", RoleChange::default(), None, administering.clone())).expect("permitted for an administrator");

        assign_roles(&root, "deputy", &[]);
        let refused = server.run(users.update(id(&clerk), change(&["admin"]), None, permit()));
        assert!(matches!(refused, Err(UpdateError::NotPermitted)), "{refused:?}");
        let refused = server.run(users.suspend(id(&clerk), None, permit()));
        assert!(matches!(refused, Err(UpdateError::NotPermitted)), "{refused:?}");
        let refused = server.run(users.update_role("cook", RoleChange::default(), None, author.clone()));
        assert!(matches!(refused, Err(RoleError::NotPermitted)), "{refused:?}");
        let refused = server.run(users.delete_role("auditor", None, None, administering));
        assert!(matches!(refused, Err(RoleError::Acting(ActingError::Forbidden))), "{refused:?}");
    }
}
