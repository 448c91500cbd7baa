//! The list of users: sorted by name, paginated, and searchable regardless of case and accents.

use serde_json::json;

use crate::on_both;
use crate::support::authenticator::SoftAuthenticator;
use crate::support::http::TestBrowser;
use crate::support::test_server::TestServer;
use crate::support::test_user::TestUser;

fn invite(server: &TestServer, root: &TestUser, username: &str, name: &str, email: &str) {
    let invitation = json!({ "username": username, "display_name": name, "email": email });
    let device = SoftAuthenticator::synced(server.origin());
    server.create_user_with(root, &invitation, device);
}

fn names(page: &str) -> Vec<String> {
    let rows = page.split("<th role=\"rowheader\"").skip(1);
    rows.filter_map(|row| {
        let link = row.split("<a href=\"/admin/users/").nth(1)?;
        let name = link.split_once('>')?.1.split("</a>").next()?;
        Some(name.to_owned())
    })
    .collect()
}

fn search(browser: &TestBrowser, text: &str) -> Vec<String> {
    let query: String = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("search", text)
        .finish();
    let page = browser.get(&format!("/admin?{query}"));
    assert_eq!(page.status, 200, "{text}");
    names(&page.text())
}

fn link(page: &str, rel: &str) -> Option<String> {
    let before = page
        .split(&format!("\" rel=\"{rel}\""))
        .next()
        .filter(|before| before.len() < page.len())?;
    Some(before.rsplit("href=\"").next()?.replace("&#38;", "&"))
}

on_both! {
    fn users_are_found_regardless_of_case_and_accents(server) {
        let root = server.administrator();
        invite(server, &root, "elodie", "Élodie Durand", "elodie@example.com");
        invite(server, &root, "oezlem", "Özlem Şahin", "O.Sahin@Example.com");
        invite(server, &root, "strauss", "Anna Strauß", "anna@example.com");
        for (text, name) in [
            ("Élodie", "Élodie Durand"), ("elodie", "Élodie Durand"), ("ÉLODIE", "Élodie Durand"), ("E\u{301}lodie", "Élodie Durand"),
            ("özlem", "Özlem Şahin"), ("OZLEM", "Özlem Şahin"), ("şahin", "Özlem Şahin"), ("o.sahin@EXAMPLE", "Özlem Şahin"), ("OEZLEM", "Özlem Şahin"),
            ("strauss", "Anna Strauß"), ("STRAUẞ", "Anna Strauß"), ("  strauß ", "Anna Strauß"),
        ] {
            assert_eq!(search(&root.browser, text), [name], "{text}");
        }
        // Wildcards match only themselves, and a search doesn't match across fields.
        for nothing in ["%", "_", "!", "durand\nelodie@", "durand elodie"] {
            assert_eq!(search(&root.browser, nothing), Vec::<String>::new(), "{nothing:?}");
        }
        // The new name is found, and the old one isn't.
        let found = server.run(server.app.users.find("elodie")).expect("elodie");
        let path = format!("/v1/users/{}", found.id);
        let renamed = root.browser.request("PATCH", &path).header("If-Match", &format!("\"{}\"", found.version)).json(&json!({ "display_name": "Ágnes" })).send();
        assert_eq!(renamed.status, 200, "{renamed:?}");
        assert_eq!((search(&root.browser, "agnes"), search(&root.browser, "durand")), (vec!["Ágnes".to_owned()], vec![]));
    }

    fn users_are_listed_by_name_and_paged_in_both_directions(server) {
        let root = server.administrator();
        // Invited in an order that differs from that of their names.
        let mut expected: Vec<String> = (0..60).map(|number| format!("Élodie {:02}", (number * 37) % 60)).collect();
        for (number, name) in expected.iter().enumerate() {
            let body = json!({ "username": format!("e{number:02}"), "display_name": name });
            let link = root.browser.post_json("/v1/invitations", &body);
            assert_eq!(link.status, 201, "{}", link.text());
        }
        invite(server, &root, "zoe", "zoe", "zoe@example.com");
        invite(server, &root, "anna", "Änna", "anna@example.com");
        expected.extend(["Änna".to_owned(), "Root Admin".to_owned(), "zoe".to_owned()]);
        expected.sort_by_key(|name| name.replace('É', "e").replace('Ä', "a").to_lowercase());
        let first = root.browser.get("/admin").text();
        assert_eq!(names(&first), expected[..50], "the first page");
        assert_eq!(link(&first, "prev"), None);
        let second = root.browser.get(&link(&first, "next").expect("a next page")).text();
        assert_eq!(names(&second), expected[50..], "the second page");
        assert_eq!(link(&second, "next"), None);
        let again = root.browser.get(&link(&second, "prev").expect("a previous page")).text();
        assert_eq!((names(&again), link(&again, "prev")), (expected[..50].to_vec(), None), "back on the first page");
        // The search is kept on further pages.
        let found = root.browser.get("/admin?search=elodie").text();
        let next = link(&found, "next").expect("a next page");
        assert!(next.contains("search=elodie"), "{next}");
        assert_eq!(names(&root.browser.get(&next).text()), expected[51..61]);
        // The API has the same order, and a cursor of its own.
        let mut listed = Vec::new();
        let mut after = String::new();
        loop {
            let page = root.browser.get(&format!("/v1/users?limit=7{after}")).json();
            listed.extend(page["items"].as_array().expect("items").iter().map(|user| user["display_name"].as_str().expect("a name").to_owned()));
            match page["next"].as_str() {
                Some(next) => after = format!("&after={next}"),
                None => break,
            }
        }
        assert_eq!(listed, expected);
        for wrong in ["x", &root.id] {
            assert_eq!(root.browser.get(&format!("/v1/users?after={wrong}")).status, 400);
            assert_eq!(root.browser.get(&format!("/admin?after={wrong}")).status, 400);
            assert_eq!(root.browser.get(&format!("/admin?before={wrong}")).status, 400);
        }
    }

    /// Rows of an earlier version have no folded names, which are added at the next start.
    fn existing_names_are_folded_at_startup(server) {
        let root = server.administrator();
        invite(server, &root, "elodie", "Élodie Durand", "elodie@example.com");
        let database = crate::support::test_server::another_database(&server.config, &server.clock);
        server.run(database.write(|conn| {
            use diesel::RunQueryDsl as _;
            diesel::sql_query("update users set sort_name = null, search_text = null").execute(conn).map(drop).map_err(doorward::db::Error::from)
        })).expect("the folded name deleted");
        assert_eq!(search(&root.browser, "elodie"), Vec::<String>::new());
        server.restart(0);
        assert_eq!(search(&root.browser, "elodie"), ["Élodie Durand"]);
        assert_eq!(names(&root.browser.get("/admin").text()), ["Élodie Durand", "Root Admin"]);
    }
}
