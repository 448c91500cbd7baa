//! Single-use invitation and recovery links.

use serde_json::{Value, json};

use crate::on_both;
use crate::support::authenticator::SoftAuthenticator;
use crate::support::binary;
use crate::support::race::{RUNNERS, race};
use crate::support::test_user::{TestUser, register};

on_both! {
    fn an_invited_user_joins_with_the_invitations_roles(server) {
        let root = server.administrator();
        let second = server.create_user_with(
            &root,
            &json!({ "username": "Second", "email": "Second@Example.com", "displayName": "The Second", "roles": ["admin"] }),
            SoftAuthenticator::synced(server.origin()),
        );
        let me = second.browser.get("/v1/session").json();
        assert_eq!(me["user"]["username"], "second");
        assert_eq!(me["user"]["email"], "Second@example.com");
        assert_eq!(me["user"]["email_verified"], true, "an administrator wrote it");
        assert_eq!(me["user"]["display_name"], "The Second");
        assert_eq!(me["user"]["roles"], json!(["admin"]));
    }

    fn a_user_invited_without_a_username_chooses_one(server) {
        let root = server.administrator();
        let link = root.browser.post_json("/v1/invitations", &json!({})).json();
        let nameless = json!({ "invitation": link["token"] });
        let browser = server.browser();
        assert_eq!(browser.post_json("/webauthn/register/start", &nameless).status, 400);
        let taken = json!({ "invitation": link["token"], "username": "ROOT" });
        let answer = browser.post_json("/webauthn/register/start", &taken);
        assert_eq!((answer.status, answer.json()["field"].clone()), (409, json!("username")));
        let start = json!({ "invitation": link["token"], "username": "Ada", "display_name": "Ada L." });
        let ada = TestUser::register(browser, SoftAuthenticator::synced(server.origin()), &start);
        assert_eq!(ada.username, "ada");
    }

    fn the_username_of_an_open_invitation_is_reserved(server) {
        let root = server.administrator();
        let ada = json!({ "username": "ada" });
        assert_eq!(root.browser.post_json("/v1/invitations", &ada).status, 201);
        assert_eq!(root.browser.get("/v1/users/ada").json()["status"], "invited");
        assert_eq!(root.browser.post_json("/v1/invitations", &ada).status, 409);
        let link = root.browser.post_json("/v1/invitations", &json!({})).json();
        let start = json!({ "invitation": link["token"], "username": "ada" });
        assert_eq!(server.browser().post_json("/webauthn/register/start", &start).status, 409);
    }

    fn an_invitations_username_cannot_be_changed_by_the_invited_user(server) {
        let root = server.administrator();
        let link = root.browser.post_json("/v1/invitations", &json!({ "username": "ada" })).json();
        let start = json!({ "invitation": link["token"], "username": "mallory", "display_name": "Ada" });
        let joined = TestUser::register(server.browser(), SoftAuthenticator::synced(server.origin()), &start);
        assert_eq!(joined.username, "ada");
        assert_eq!(root.browser.get("/v1/users/mallory").status, 404);
    }

    fn a_newer_link_for_a_user_revokes_the_previous_one(server) {
        let root = server.administrator();
        let first = root.browser.post_json("/v1/invitations", &json!({ "username": "ada" })).json();
        let second = root.browser.post_json("/v1/invitations", &json!({ "user_id": "ada" })).json();
        let start = |link: &Value| json!({ "invitation": link["token"] });
        let browser = server.browser();
        assert_eq!(browser.post_json("/webauthn/register/start", &start(&first)).status, 410);
        assert_eq!(browser.post_json("/webauthn/register/start", &start(&second)).status, 200);
    }

    fn a_link_expires_and_works_once(server) {
        let root = server.administrator();
        let link = root.browser.post_json("/v1/invitations", &json!({ "username": "ada", "expires_in": 60 })).json();
        server.advance_clock(61);
        let start = json!({ "invitation": link["token"] });
        assert_eq!(server.browser().post_json("/webauthn/register/start", &start).status, 410);
        let link = root.browser.post_json("/v1/invitations", &json!({ "user_id": "ada" })).json();
        let start = json!({ "invitation": link["token"] });
        let mut device = SoftAuthenticator::synced(server.origin());
        assert_eq!(register(&server.browser(), &mut device, &start, &Default::default()).status, 201);
        assert_eq!(register(&server.browser(), &mut device, &start, &Default::default()).status, 410);
    }

    fn a_ceremony_cannot_finish_after_its_link_expired(server) {
        let root = server.administrator();
        let link = root.browser.post_json("/v1/invitations", &json!({ "username": "ada" })).json();
        let browser = server.browser();
        let started = browser.post_json("/webauthn/register/start", &json!({ "invitation": link["token"] })).json();
        let mut device = SoftAuthenticator::synced(server.origin());
        let credential = device.create(&started["publicKey"], &Default::default());
        // A new link replaces it in between.
        root.browser.post_json("/v1/invitations", &json!({ "user_id": "ada" }));
        let body = json!({ "ceremony": started["ceremony"], "credential": credential });
        let answer = browser.post_json("/webauthn/register/finish", &body);
        assert_eq!((answer.status, answer.problem_type().as_str()), (410, "urn:doorward:problem:link-gone"));
        assert_eq!(root.browser.get("/v1/users/ada").json()["status"], "invited");
    }

    fn users_cannot_invite_and_only_administrators_invite_administrators(server) {
        let root = server.administrator();
        let ada = server.create_user(&root, "ada");
        assert_eq!(ada.browser.post_json("/v1/invitations", &json!({ "username": "eve" })).status, 403);
        let (id, secret) = server.client(&["users:write"]);
        let by_client = |body: &Value| server.browser().request("POST", "/v1/invitations").basic(&id, &secret).json(body).send();
        assert_eq!(by_client(&json!({ "username": "bob" })).status, 201);
        assert_eq!(by_client(&json!({ "username": "eve", "roles": ["admin"] })).status, 403);
        assert_eq!(by_client(&json!({ "user_id": "root" })).status, 403, "a link for an administrator would give their permissions");
        assert_eq!(root.browser.get("/v1/users/eve").status, 404);
    }

    fn invalid_invitations_are_refused_with_a_reason(server) {
        let root = server.administrator();
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
        assert_eq!(people["items"].as_array().map(Vec::len), Some(1), "no link was created");
    }

    fn a_service_needs_a_separate_scope_for_recovery_links(server) {
        let root = server.administrator();
        let ada = server.create_user(&root, "ada");
        root.browser.post_json("/v1/invitations", &json!({ "username": "invited" }));
        let writer = server.client(&["users:write"]);
        let enroller = server.client(&["users:write", "passkeys:enrol"]);
        let alone = server.client(&["passkeys:enrol"]);
        let ask = |(id, secret): &(String, String), body: &Value| {
            server.browser().request("POST", "/v1/invitations").basic(id, secret).json(body).send()
        };
        for user in ["ada", "invited", ada.id.as_str()] {
            let refused = ask(&writer, &json!({ "user_id": user }));
            assert_eq!((refused.status, refused.json()["scope"].clone()), (403, json!("passkeys:enrol")), "{user}");
        }
        assert_eq!(ask(&alone, &json!({ "user_id": "ada" })).json()["scope"], "users:write");
        assert_eq!(ask(&writer, &json!({ "username": "bob" })).status, 201, "a new user has no permissions yet");
        assert_eq!(ask(&enroller, &json!({ "user_id": "ada" })).status, 201);
        // Never for users with roles that the service could not assign.
        root.browser.post_json("/v1/roles", &json!({ "name": "clerk" }));
        root.browser.post_json("/v1/roles", &json!({ "name": "lead", "manages_roles": ["clerk"] }));
        root.browser.post_json("/v1/roles", &json!({ "name": "keeper", "manages_assignments_on": ["order"] }));
        for role in ["lead", "keeper", "admin"] {
            root.browser.post_json("/v1/invitations", &json!({ "username": format!("the-{role}"), "roles": [role] }));
            assert_eq!(ask(&enroller, &json!({ "user_id": format!("the-{role}") })).status, 403, "{role}");
        }
        root.browser.post_json("/v1/invitations", &json!({ "username": "the-clerk", "roles": ["clerk"] }));
        assert_eq!(ask(&enroller, &json!({ "user_id": "the-clerk" })).status, 201);
        // Nor for users with roles on resources, unless the service may assign those too.
        server.create_user(&root, "operator");
        let link = ask(&enroller, &json!({ "user_id": "operator" }));
        let open = |link: &Value| server.browser().post_json("/webauthn/register/start", &json!({ "invitation": link["token"] })).status;
        let (link, granter) = (link.json(), server.client(&["users:write", "passkeys:enrol", "role-assignments:write"]));
        assert_eq!(open(&link), 200);
        let grant = json!({ "user": "operator", "resource_type": "order", "resource_id": "1", "roles": ["OPERATOR"] });
        assert_eq!(root.browser.post_json("/v1/role-assignments", &grant).status, 201);
        assert_eq!(open(&link), 410, "an earlier link is refused");
        assert_eq!(ask(&enroller, &json!({ "user_id": "operator" })).status, 403);
        let link = ask(&granter, &json!({ "user_id": "operator" }));
        assert_eq!((link.status, open(&link.json())), (201, 200));
        let more = json!({ "user": "operator", "resource_type": "order", "resource_id": "2", "roles": ["OPERATOR"] });
        assert_eq!(root.browser.post_json("/v1/role-assignments", &more).status, 201);
        assert_eq!(open(&link.json()), 200, "it could have assigned that role itself");
        // The same applies to users who have not registered yet.
        let invited = |by, name: &str| {
            let link = ask(by, &json!({ "username": name })).json();
            let grant = json!({ "user": name, "resource_type": "order", "resource_id": "3", "roles": ["OPERATOR"] });
            assert_eq!(root.browser.post_json("/v1/role-assignments", &grant).status, 201);
            open(&link)
        };
        assert_eq!((invited(&writer, "newcomer"), invited(&granter, "newcomer2")), (410, 200));
        // An app with an administrator's token needs the scope too.
        let helper = server.delegated_app("openid users:write");
        let token = helper.sign_in(&root.browser, &[("scope", "openid users:write")]).access;
        let through = server.browser().request("POST", "/v1/invitations").without_same_origin().bearer(&token).json(&json!({ "user_id": "ada" })).send();
        assert_eq!(through.status, 403, "{}", through.text());
    }

    fn invitations_are_listed_newest_first_and_filtered_by_state(server) {
        let root = server.administrator();
        let link = |body: &Value| {
            server.advance_clock(1);
            root.browser.post_json("/v1/invitations", body).json()
        };
        server.create_user(&root, "ada");
        link(&json!({ "username": "bob", "expires_in": 60 }));
        link(&json!({ "user_id": "bob" }));
        link(&json!({ "email": "eve@example.com", "roles": ["admin"], "expires_in": 60 }));
        server.advance_clock(61);
        let list = |query: &str| root.browser.get(&format!("/v1/invitations{query}")).json();
        let all = list("");
        let items = all["items"].as_array().expect("items");
        let states: Vec<&str> = items.iter().map(|item| item["state"].as_str().expect("a state")).collect();
        assert_eq!(states, ["expired", "open", "revoked", "used"]);
        assert_eq!((items[0]["email"].clone(), items[0]["roles"].clone()), (json!("eve@example.com"), json!(["admin"])));
        assert_eq!((items[1]["usable"].clone(), items[1]["purpose"].clone()), (json!(true), json!("join")));
        assert_eq!((items[0]["usable"].clone(), items[1]["by_user"].clone()), (json!(false), json!(root.id)));
        assert!(items[3]["used_at"].is_string() && items[2]["revoked_at"].is_string());
        assert!(!all.to_string().contains("token"), "the link was shown when it was created");
        for (number, state) in states.iter().enumerate() {
            assert_eq!(list(&format!("?state={state}"))["items"], json!([items[number]]), "{state}");
        }
        let first = list("?limit=3");
        assert_eq!(first["items"].as_array().map(Vec::len), Some(3));
        let rest = list(&format!("?limit=3&after={}", first["next"].as_str().expect("a cursor")));
        assert_eq!((rest["items"].clone(), rest["next"].clone()), (json!([items[3]]), Value::Null));
        for bad in ["?state=gone", "?after=x", "?limit=0", "?limit=201", "?after=00000000-0000-4000-8000-000000000000"] {
            assert_eq!(root.browser.get(&format!("/v1/invitations{bad}")).status, 400, "{bad}");
        }
    }

    fn a_revoked_invitation_is_refused(server) {
        let root = server.administrator();
        let link = root.browser.post_json("/v1/invitations", &json!({ "username": "ada" })).json();
        let browser = server.browser();
        let begun = browser.post_json("/webauthn/register/start", &json!({ "invitation": link["token"] })).json();
        let mut device = SoftAuthenticator::synced(server.origin());
        let credential = device.create(&begun["publicKey"], &Default::default());
        let id = root.browser.get("/v1/invitations").json()["items"][0]["id"].as_str().expect("an ID").to_owned();
        let path = format!("/v1/invitations/{id}");
        let tabs = vec![root.browser.clone(); RUNNERS];
        let answers = race(tabs, |tab| tab.delete(&format!("{path}?reason=mistake")).status);
        assert_eq!(answers, vec![204; RUNNERS], "may be repeated");
        let events = root.browser.get("/v1/audit-events?action=invitation.revoked").json()["items"].clone();
        assert_eq!((events[0]["reason"].clone(), events[1].clone()), (json!("mistake"), Value::Null));
        assert_eq!(events[0]["details"]["invitation"], json!(id));
        assert_eq!(browser.post_json("/webauthn/register/start", &json!({ "invitation": link["token"] })).status, 410);
        let finish = json!({ "ceremony": begun["ceremony"], "credential": credential });
        assert_eq!(browser.post_json("/webauthn/register/finish", &finish).status, 410);
        assert_eq!(root.browser.get("/v1/users/ada").json()["status"], "invited");
        server.create_user(&root, "bob");
        let used = root.browser.get("/v1/invitations?state=used").json()["items"][0]["id"].as_str().expect("an ID").to_owned();
        let late = root.browser.delete(&format!("/v1/invitations/{used}"));
        assert_eq!((late.status, late.problem_type()), (409, "urn:doorward:problem:invitation-used".into()));
        for unknown in ["x", "00000000-0000-4000-8000-000000000000"] {
            assert_eq!(root.browser.delete(&format!("/v1/invitations/{unknown}")).status, 404);
        }
    }

    fn exactly_one_of_a_concurrent_use_and_revocation_succeeds(server) {
        let root = server.administrator();
        for _ in 0..5 {
            server.advance_clock(1);
            let link = root.browser.post_json("/v1/invitations", &json!({})).json();
            let id = root.browser.get("/v1/invitations").json()["items"][0]["id"].as_str().expect("an ID").to_owned();
            let name = format!("user-{}", uuid::Uuid::new_v4().simple());
            let runners = vec![true, false];
            let answers = race(runners, |uses| {
                if uses {
                    let start = json!({ "invitation": link["token"], "username": name });
                    let mut device = SoftAuthenticator::synced(server.origin());
                    let browser = server.browser();
                    let begun = browser.post_json("/webauthn/register/start", &start);
                    if begun.status != 200 {
                        return begun.status;
                    }
                    let credential = device.create(&begun.json()["publicKey"], &Default::default());
                    let finish = json!({ "ceremony": begun.json()["ceremony"], "credential": credential });
                    browser.post_json("/webauthn/register/finish", &finish).status
                } else {
                    root.browser.delete(&format!("/v1/invitations/{id}")).status
                }
            });
            assert!([[201, 409], [410, 204]].contains(&[answers[0], answers[1]]), "{answers:?}");
        }
    }

    fn invitations_are_visible_and_revocable_only_with_permission(server) {
        let root = server.administrator();
        let ada = server.create_user(&root, "ada");
        for (name, manages) in [("clerk", json!([])), ("lead", json!(["clerk"]))] {
            root.browser.post_json("/v1/roles", &json!({ "name": name, "manages_roles": manages }));
        }
        let lead = server.create_user_with(&root, &json!({ "username": "lead", "roles": ["lead"] }), SoftAuthenticator::synced(server.origin()));
        let newest = || {
            let id = root.browser.get("/v1/invitations").json()["items"][0]["id"].as_str().expect("an ID").to_owned();
            server.advance_clock(1);
            id
        };
        let path = |id: &str| format!("/v1/invitations/{id}");
        server.advance_clock(1);
        root.browser.post_json("/v1/invitations", &json!({ "roles": ["admin"], "email": "ceo@example.com" }));
        let by_root = newest();
        root.browser.post_json("/v1/invitations", &json!({ "roles": ["clerk"] }));
        let of_a_clerk = newest();
        assert_eq!(lead.browser.post_json("/v1/invitations", &json!({ "roles": ["clerk"] })).status, 201);
        let by_lead = newest();
        // Callers without permission.
        assert_eq!(server.browser().get("/v1/invitations").status, 401);
        assert_eq!(ada.browser.get("/v1/invitations").status, 403);
        assert_eq!(ada.browser.delete(&path(&by_lead)).status, 403);
        // A user who manages others sees the links that they created, and those for users whom they manage.
        let seen = lead.browser.get("/v1/invitations");
        assert_eq!(seen.json()["items"].as_array().map(Vec::len), Some(1));
        assert!(!seen.text().contains("ceo@example.com"));
        for foreign in [by_root.as_str(), "x", "00000000-0000-4000-8000-000000000000"] {
            assert_eq!(lead.browser.delete(&path(foreign)).status, 403, "the response does not reveal whether it exists: {foreign}");
        }
        for own in [&by_lead, &of_a_clerk] {
            assert_eq!(lead.browser.delete(&path(own)).status, 204);
        }
        // Services, according to their scopes, but never links that create an administrator.
        let reader = server.client(&["users:read"]);
        let writer = server.client(&["users:write"]);
        let ask = |(id, secret): &(String, String), method: &str, path: &str| {
            server.browser().request(method, path).without_same_origin().basic(id, secret).send().status
        };
        assert_eq!((ask(&reader, "GET", "/v1/invitations"), ask(&writer, "GET", "/v1/invitations")), (200, 403));
        root.browser.post_json("/v1/invitations", &json!({}));
        let plain = newest();
        assert_eq!((ask(&reader, "DELETE", &path(&plain)), ask(&writer, "DELETE", &path(&plain))), (403, 204));
        assert_eq!(ask(&writer, "DELETE", &path(&by_root)), 403);
        server.advance_clock(400);
        let stale = root.browser.delete(&path(&by_root));
        assert_eq!(stale.problem_type(), "urn:doorward:problem:step-up-needed");
    }

    fn invitations_are_listed_and_revoked_by_the_command(server) {
        let root = server.administrator();
        let link = root.browser.post_json("/v1/invitations", &json!({ "email": "ada@example.com" })).json();
        let listed = binary::run(&server.config, &["invitation", "list", "--state", "open", "--json"]);
        assert_eq!(listed.code, 0, "{}", listed.errors);
        let listed = listed.json();
        assert_eq!((listed["items"][0]["email"].clone(), listed["items"][0]["usable"].clone()), (json!("ada@example.com"), json!(true)));
        let id = listed["items"][0]["id"].as_str().expect("an ID");
        assert_eq!(binary::run(&server.config, &["invitation", "revoke", id, "--reason", "mistake"]).code, 0);
        assert_eq!(server.browser().post_json("/webauthn/register/start", &json!({ "invitation": link["token"], "username": "x" })).status, 410);
        assert_eq!(binary::run(&server.config, &["invitation", "revoke", &uuid::Uuid::new_v4().to_string()]).code, 3);
        let text = binary::run(&server.config, &["invitation", "list"]).output;
        assert!(text.contains("revoked") && text.contains(id), "{text}");
        let event = root.browser.get("/v1/audit-events?action=invitation.revoked").json()["items"][0].clone();
        assert_eq!(event["actor"], "command");
    }

    fn invitations_are_listed_and_revoked_on_a_page(server) {
        let root = server.administrator();
        let made = root.browser.post_json("/v1/invitations", &json!({ "email": "ada@example.com", "roles": ["admin"] })).json();
        let page = root.browser.get("/admin/invitations").text();
        assert!(page.contains("ada@example.com") && page.contains("admin") && page.contains("Open"), "{page}");
        let id = root.browser.get("/v1/invitations").json()["items"][0]["id"].as_str().expect("an ID").to_owned();
        let path = format!("/admin/invitations/{id}/revoke");
        assert!(page.contains(&path));
        assert!(root.browser.get(&path).text().contains("Revoke this invitation?"));
        let done = root.browser.request("POST", &path).page_form(&[("reason", "")]).send();
        assert_eq!((done.status, done.header("location")), (303, Some("/admin/invitations?notice=revoked")));
        assert!(root.browser.get("/admin/invitations?notice=revoked").text().contains("Invitation revoked."));
        assert!(!root.browser.get("/admin/invitations?state=open").text().contains("ada@example.com"));
        assert_eq!(server.browser().post_json("/webauthn/register/start", &json!({ "invitation": made["token"], "username": "x" })).status, 410);
        let ada = server.create_user(&root, "ada");
        assert_eq!(ada.browser.get("/admin/invitations").status, 403);
        assert_eq!(ada.browser.request("POST", &path).page_form(&[]).send().status, 403);
    }
}
