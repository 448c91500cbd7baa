//! Renaming users: how often it is allowed, and how former usernames are released.

use std::time::Duration;

use diesel::prelude::*;
use doorward::db;
use doorward::db::schema::usernames;
use doorward::users::{Permissions, Permit, ReleaseError, UpdateError, UserChange, Username};
use serde_json::{Value, json};

use super::roles::{assign_roles, create_role, patch};
use crate::on_both;
use crate::support::binary;
use crate::support::race::{RUNNERS, race};
use crate::support::test_server::TestServer;
use crate::support::test_user::TestUser;

/// Creates an administrator, a delegate who manages clerks, and a clerk.
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
    (root, lead, clerk)
}

fn rename(root: &TestUser, by: &TestUser, user: &TestUser, name: &str) -> u16 {
    let path = format!("/v1/users/{}", user.id);
    let body = json!({ "username": name });
    let answer = patch(&root.browser, &by.browser, &path, &body);
    if answer.status == 409 {
        assert_eq!(
            answer.problem_type(),
            "urn:doorward:problem:too-many-renames"
        );
    }
    answer.status
}

fn names(root: &TestUser, user: &TestUser) -> Vec<(String, bool, bool)> {
    let items = root
        .browser
        .get(&format!("/v1/users/{}/usernames", user.id))
        .json();
    let items = items["items"].as_array().expect("names").clone();
    let name = |item: &Value| {
        let name = item["username"].as_str().expect("a name").to_owned();
        let is_current = item["is_current"].as_bool().expect("a flag");
        (name, is_current, !item["used_at"].is_null())
    };
    items.iter().map(name).collect()
}

on_both! {
    fn a_delegate_renames_a_user_three_times_a_month_and_an_administrator_more_often(server) {
        let (root, lead, clerk) = create_users(server);
        for name in ["ceo", "cfo", "postmaster"] {
            assert_eq!(rename(&root, &lead, &clerk, name), 200, "{name}");
        }
        assert_eq!(rename(&root, &lead, &clerk, "security"), 409);
        // Returning to a former name of the same user doesn't count.
        assert_eq!(rename(&root, &lead, &clerk, "clerk"), 200);
        let (id, secret) = server.client(&["users:read", "users:write"]);
        let path = format!("/v1/users/{}", clerk.id);
        let tag = root.browser.get(&path).header("etag").expect("a tag").to_owned();
        let by_service = server.browser().request("PATCH", &path).basic(&id, &secret).header("If-Match", &tag)
            .json(&json!({ "username": "security" })).send();
        assert_eq!(by_service.status, 409, "{}", by_service.text());
        assert_eq!(rename(&root, &root, &clerk, "security"), 200, "a signed-in administrator");
        // A month later, renaming is allowed again.
        let database = server.app.database.clone();
        let month_ago = server.app.database.write(move |conn| {
            let then = database.now(conn)?.before(Duration::from_secs(30 * 86_400 + 1));
            let renamed = usernames::table.filter(usernames::renamed_at.is_not_null());
            diesel::update(renamed).set(usernames::renamed_at.eq(then)).execute(conn)?;
            Ok::<_, db::Error>(())
        });
        server.run(month_ago).expect("written");
        assert_eq!(rename(&root, &lead, &clerk, "abuse"), 200);
    }

    fn parallel_renames_do_not_exceed_the_limit(server) {
        let (_, lead, clerk) = create_users(server);
        let (lead, clerk) = (lead.id.parse().expect("an id"), clerk.id.parse().expect("an id"));
        let renamed = race((0..RUNNERS).collect(), |runner| {
            let change = UserChange {
                username: Some(Username::parse(&format!("name{runner}")).expect("a name")),
                ..UserChange::default()
            };
            let permit = Permit { permissions: Permissions::User(lead), ..Permit::command() };
            let update = server.app.users.update(clerk, change, None, permit);
            server.run(update).map(drop)
        });
        assert_eq!(renamed.len(), RUNNERS);
        assert_eq!(renamed.iter().filter(|renamed| renamed.is_ok()).count(), 3);
        assert!(renamed.iter().all(|renamed| matches!(renamed, Ok(_) | Err(UpdateError::TooManyRenames))));
    }

    fn a_name_that_was_never_used_to_sign_in_is_released(server) {
        let (root, lead, mut clerk) = create_users(server);
        for name in ["ceo", "cfo"] {
            assert_eq!(rename(&root, &lead, &clerk, name), 200);
        }
        clerk.another_browser();
        assert_eq!(rename(&root, &lead, &clerk, "postmaster"), 200);
        let used = |name: &str, is_current, is_used| (name.to_owned(), is_current, is_used);
        assert_eq!(names(&root, &clerk), [
            used("ceo", false, false), used("cfo", false, true), used("clerk", false, true), used("postmaster", true, false),
        ]);
        let release = |by: &TestUser, name: &str| by.browser.delete(&format!("/v1/usernames/{name}")).status;
        assert_eq!((release(&lead, "ceo"), release(&clerk, "ceo")), (403, 403));
        let (id, secret) = server.client(&["users:read", "users:write"]);
        assert_eq!(server.browser().request("DELETE", "/v1/usernames/ceo").basic(&id, &secret).send().status, 403, "a service");
        for (name, status) in [("cfo", 409), ("clerk", 409), ("postmaster", 409), ("root", 409), ("nobody", 404)] {
            assert_eq!(release(&root, name), status, "{name}");
        }
        let page = format!("/admin/users/{}/usernames/ceo/release", clerk.id);
        assert!(root.browser.get(&format!("/admin/users/{}", clerk.id)).text().contains(&page));
        assert_eq!(lead.browser.get(&page).status, 403);
        assert_eq!(root.browser.get(&page.replace("ceo", "cfo")).status, 404, "used");
        let version = root.browser.get(&format!("/v1/users/{}", clerk.id)).json()["version"].to_string();
        let release_by_page = |version: &str| root.browser.request("POST", &page).page_form(&[("version", version)]).send().status;
        assert_eq!(release_by_page("1"), 409, "changed since the page was shown");
        assert_eq!(release_by_page(&version), 303);
        assert_eq!(release(&root, "ceo"), 404, "it is unverified now");
        let events = root.browser.get("/v1/audit-events?action=username.released").json();
        assert_eq!((&events["items"][0]["subject"], &events["items"][0]["details"]), (&json!(clerk.id), &json!({ "username": "ceo" })));
        assert_eq!(rename(&root, &root, &lead, "ceo"), 200, "another's");

        assert_eq!(rename(&root, &root, &clerk, "abuse"), 200);
        let listed = binary::run(&server.config, &["user", "names", "abuse", "--json"]).json();
        assert_eq!(listed["items"].as_array().map(Vec::len), Some(4));
        assert_eq!(binary::run(&server.config, &["user", "release-name", "postmaster"]).code, 0);
        assert_ne!(binary::run(&server.config, &["user", "release-name", "cfo"]).code, 0);
    }

    fn exactly_one_of_parallel_releases_succeeds(server) {
        let (root, lead, clerk) = create_users(server);
        assert_eq!((rename(&root, &lead, &clerk, "ceo"), rename(&root, &lead, &clerk, "cfo")), (200, 200));
        let released = race(vec!["ceo"; RUNNERS], |name| {
            let name = Username::parse(name).expect("a name");
            server.run(server.app.users.release_username(name, Permit::command()))
        });
        assert_eq!(released.iter().filter(|released| released.is_ok()).count(), 1);
        assert!(released.iter().all(|released| matches!(released, Ok(_) | Err(ReleaseError::Unknown))));
    }
}
