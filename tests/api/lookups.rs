//! Looking up users, for callers with permission.

use serde_json::json;

use crate::on_both;

on_both! {
    fn users_read_only_their_own_record(server) {
        let root = server.administrator();
        let ada = server.create_user(&root, "ada");
        for name in ["ada", "ADA", &ada.id] {
            let answer = ada.browser.get(&format!("/v1/users/{name}"));
            assert_eq!(answer.json()["username"], "ada", "{name}");
        }
        assert_eq!(ada.browser.get("/v1/users/ada/roles").json(), json!({ "roles": [], "role_assignments": [], "next": null }));
        assert_eq!(ada.browser.get("/v1/users/ada/passkeys").status, 200);
        assert_eq!(ada.browser.get("/v1/users/ada/sessions").status, 200);
        // The response is the same whether the user exists or not.
        for path in ["/v1/users/root", "/v1/users/nobody", "/v1/users", "/v1/users/root/roles",
            "/v1/users/root/passkeys", "/v1/users/nobody/sessions", "/v1/audit-events"] {
            assert_eq!(ada.browser.get(path).status, 403, "{path}");
        }
        assert_eq!(ada.browser.post_json("/v1/users/lookup", &json!({ "ids": ["root"] })).status, 403);
        assert_eq!(server.browser().get("/v1/users/ada").status, 401);
    }

    fn an_administrator_finds_users_by_name_email_and_role(server) {
        let root = server.administrator();
        server.create_user_with(&root, &json!({ "username": "ada", "email": "ada@example.com" }),
            crate::support::authenticator::SoftAuthenticator::synced(server.origin()));
        server.create_user(&root, "bob");
        let names = |query: &str| {
            let found = root.browser.get(&format!("/v1/users?{query}")).json();
            let items = found["items"].as_array().expect("a list").clone();
            items.iter().map(|user| user["username"].as_str().expect("a name").to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(names("username=ADA"), ["ada"]);
        assert_eq!(names("email=ada@example.com"), ["ada"]);
        assert_eq!(names("role=admin"), ["root"]);
        assert_eq!(names("username=eve"), Vec::<String>::new());
        assert_eq!(names("").len(), 3);
    }

    fn lists_are_paged_by_cursor(server) {
        let root = server.administrator();
        for name in ["a", "b", "c", "d"] {
            root.browser.post_json("/v1/invitations", &json!({ "username": name }));
        }
        let mut seen = Vec::new();
        let mut after = String::new();
        loop {
            let page = root.browser.get(&format!("/v1/users?limit=2{after}")).json();
            let items = page["items"].as_array().expect("a list");
            assert!(items.len() <= 2);
            seen.extend(items.iter().map(|user| user["id"].as_str().expect("an id").to_owned()));
            match page["next"].as_str() {
                Some(next) => after = format!("&after={next}"),
                None => break,
            }
        }
        let all = seen.len();
        seen.sort();
        seen.dedup();
        assert_eq!((all, seen.len()), (5, 5));
        for bad in ["limit=0", "limit=201", "limit=x", "after=x", "colour=red"] {
            let answer = root.browser.get(&format!("/v1/users?{bad}"));
            assert_eq!((answer.status, answer.problem_type().as_str()), (400, "urn:doorward:problem:invalid-parameter"), "{bad}");
        }
    }

    fn a_batch_returns_existing_users_in_the_requested_order(server) {
        let root = server.administrator();
        let ada = server.create_user(&root, "ada");
        let body = json!({ "ids": ["root", "nobody", ada.id, "ada", uuid::Uuid::new_v4()] });
        let found = root.browser.post_json("/v1/users/lookup", &body).json();
        let names: Vec<_> = found["items"].as_array().expect("a list").iter().map(|user| user["username"].clone()).collect();
        assert_eq!(names, [json!("root"), json!("ada")]);
        let many: Vec<String> = (0..201).map(|number| format!("user{number}")).collect();
        assert_eq!(root.browser.post_json("/v1/users/lookup", &json!({ "ids": many })).status, 400);
    }

    fn conditional_requests_use_the_version_as_etag(server) {
        let root = server.administrator();
        let first = root.browser.get("/v1/users/root");
        let tag = first.header("etag").expect("a tag").to_owned();
        let again = root.browser.request("GET", "/v1/users/root").header("If-None-Match", &tag).send();
        assert_eq!((again.status, again.header("etag")), (304, Some(tag.as_str())));
        // As rewritten by a compressing proxy, and in a list with other tags.
        for known in [format!("W/{tag}"), format!("\"99\", W/{tag}"), "*".to_owned()] {
            for path in ["/v1/users/root", "/v1/me", "/v1/roles/admin"] {
                let again = root.browser.request("GET", path).header("If-None-Match", &known).send();
                assert_eq!(again.status, 304, "{path} {known}");
            }
        }
        let change = |tag: Option<&str>| {
            let request = root.browser.request("PATCH", "/v1/users/root").json(&json!({ "display_name": "R" }));
            match tag {
                Some(tag) => request.header("If-Match", tag).send(),
                None => request.send(),
            }
        };
        assert_eq!(change(None).status, 428);
        assert_eq!(change(Some(&tag)).status, 200);
        let late = change(Some(&tag));
        assert_eq!((late.status, late.json()["version"].clone()), (412, json!(2)));
        assert_eq!(change(Some("rubbish")).status, 412);
        let again = root.browser.request("GET", "/v1/users/root").header("If-None-Match", &tag).send();
        assert_eq!(again.status, 200);
    }
}
