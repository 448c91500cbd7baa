//! Registered resources.

use std::time::Duration;

use doorward::assignments::{Resource, ResourceName};
use serde_json::{Value, json};

use crate::on_both;
use crate::support::http::{Answer, TestBrowser, form_encoded};
use crate::support::test_server::TestServer;

fn put(browser: &TestBrowser, path: &str, body: &Value) -> Answer {
    browser.request("PUT", path).json(body).send()
}

/// Returns the data of a resource, as for a decision.
fn known(server: &TestServer, id: &str) -> Option<Resource> {
    let name = ResourceName::parse("order", id).expect("a name");
    server
        .run(server.app.assignments.resource(&name))
        .expect("a result")
}

/// IDs with characters that are special in URLs, paths or pages.
const HARD_IDS: [&str; 11] = [
    "two words",
    " at the edges ",
    "a+b",
    "50%",
    "a%20b",
    "a/b/../c",
    "who?me=you&x",
    "#1;2",
    "Ünïcödé 東京 🚪",
    "<b>\"it's\"</b>",
    "&amp;",
];

fn path_part(text: &str) -> String {
    form_encoded(text).replace('+', "%20")
}

fn as_markup(text: &str) -> String {
    text.replace('&', "&#38;")
        .replace('<', "&#60;")
        .replace('>', "&#62;")
        .replace('"', "&#34;")
        .replace('\'', "&#39;")
}

fn from_markup(text: &str) -> String {
    text.replace("&#60;", "<")
        .replace("&#62;", ">")
        .replace("&#34;", "\"")
        .replace("&#39;", "'")
        .replace("&#38;", "&")
}

fn link(page: &str, text: &str) -> String {
    let end = format!("\">{}</a>", as_markup(text));
    let (before, _) = page
        .split_once(&end)
        .unwrap_or_else(|| panic!("no link {text:?}: {page}"));
    let (_, address) = before.rsplit_once("href=\"").expect("a URL");
    from_markup(address)
}

fn open(browser: &TestBrowser, address: &str) -> String {
    let page = browser.get(address);
    assert_eq!(page.status, 200, "{address}: {}", page.text());
    page.text()
}

on_both! {
    fn a_resource_is_registered_read_changed_and_deleted(server) {
        let root = server.administrator();
        let path = "/v1/resources/order/17";
        assert_eq!(known(server, "17"), None);
        assert_eq!(root.browser.get(path).status, 404);
        let first = put(&root.browser, path, &json!({ "title": "Order", "attributes": { "ownerId": "ada", "n": [1, null] } }));
        assert_eq!((first.status, first.header("etag"), first.header("location")), (201, Some("\"1\""), Some(path)));
        assert_eq!(first.json()["attributes"], json!({ "ownerId": "ada", "n": [1, null] }), "other systems' names are unchanged");
        assert_eq!(root.browser.get(path).json(), first.json());
        assert_eq!(known(server, "17").expect("a resource").attributes["ownerId"], "ada");
        let unchanged = root.browser.request("GET", path).header("If-None-Match", "\"1\"").send();
        assert_eq!(unchanged.status, 304);

        assert_eq!(put(&root.browser, path, &json!({})).status, 428);
        let new = root.browser.request("PUT", path).header("If-None-Match", "*").json(&json!({})).send();
        assert_eq!((new.status, new.json()["version"].clone()), (412, json!(1)));
        let change = |version: &str, body: Value| root.browser.request("PUT", path).header("If-Match", version).json(&body).send();
        assert_eq!(change("\"9\"", json!({})).status, 412);
        let second = change("\"1\"", json!({ "title": "Other" }));
        assert_eq!((second.status, second.header("etag"), second.json()["attributes"].clone()), (200, Some("\"2\""), json!({})));
        assert_eq!(change("\"2\"", json!({ "title": "Other" })).header("etag"), Some("\"2\""), "the same is no new version");

        assert_eq!(root.browser.request("DELETE", path).header("If-Match", "\"1\"").send().status, 412);
        assert_eq!(root.browser.delete(&format!("{path}?reason=gone")).status, 204);
        assert_eq!((root.browser.get(path).status, root.browser.delete(path).status), (404, 404));
        assert_eq!(known(server, "17"), None);
        assert_eq!(change("\"3\"", json!({})).status, 404);
        let again = put(&root.browser, path, &json!({ "title": "Back" }));
        assert_eq!((again.status, again.header("etag")), (201, Some("\"4\"")));
        let events = root.browser.get("/v1/audit-events?action=resource.").json();
        let actions: Vec<&str> = events["items"].as_array().expect("events").iter().filter_map(|event| event["action"].as_str()).collect();
        assert_eq!(actions, ["resource.registered", "resource.deleted", "resource.updated", "resource.registered"]);
    }

    fn a_resource_id_may_contain_characters_that_urls_escape(server) {
        let root = server.administrator();
        for (encoded, id) in [
            ("a%2Fb", "a/b"), ("a%252Fb", "a%2Fb"), ("%C3%BC%20%22x%22", "ü \"x\""), ("a+b", "a+b"), ("a%2Bb", "a+b"),
            ("%3F%23%26%3D", "?#&="), ("grants", "grants"), ("..%2F..", "../.."),
        ] {
            let path = format!("/v1/resources/order/{encoded}");
            root.browser.delete(&path);
            let made = put(&root.browser, &path, &json!({}));
            assert_eq!((made.status, made.json()["resource_id"].clone()), (201, json!(id)), "{encoded} {}", made.text());
            let location = made.header("location").expect("a location").to_owned();
            assert_eq!(root.browser.get(&location).json()["resource_id"], json!(id), "{location}");
            assert_eq!(root.browser.get(&format!("{location}/role-assignments")).status, 200);
            assert!(known(server, id).is_some());
        }
        for bad in ["order/%00", "order/a%0Ab", "order/a%E2%80%AEb", "order/a%E2%80%8B", "User/1", "a%20b/1", "order/%FF"] {
            let refused = put(&root.browser, &format!("/v1/resources/{bad}"), &json!({}));
            assert!([400, 404].contains(&refused.status), "{bad} {}", refused.status);
        }
        assert_eq!(put(&root.browser, "/v1/resources/order/a/b", &json!({})).status, 404);
        let long = "x".repeat(257);
        assert_eq!(put(&root.browser, &format!("/v1/resources/order/{long}"), &json!({})).status, 400);
    }

    fn every_admin_page_link_leads_to_its_resource(server) {
        let root = server.administrator();
        for id in HARD_IDS {
            let resource = format!("/v1/resources/order/{}", path_part(id));
            assert_eq!(put(&root.browser, &resource, &json!({ "title": "Known" })).status, 201, "{id}");
            let body = json!({ "user": "root", "resource_type": "order", "resource_id": id, "roles": ["OPERATOR"] });
            let given = root.browser.post_json("/v1/role-assignments", &body);
            assert_eq!(given.status, 201, "{id}: {}", given.text());
            let grant = given.json()["id"].as_str().expect("an id").to_owned();
            let holders = root.browser.get(&format!("{resource}/role-assignments")).json();
            assert_eq!(holders["items"][0]["id"], json!(grant), "{id}: {holders}");
            let query = format!("resource_type=order&resource_id={}", form_encoded(id));
            let held = root.browser.get(&format!("/v1/users/root/roles?{query}")).json();
            assert_eq!(held["role_assignments"][0]["id"], json!(grant), "{id}: {held}");
            assert_eq!(held["role_assignments"].as_array().map(Vec::len), Some(1), "{id}: {held}");
        }
        for id in HARD_IDS {
            let name = format!("order:{id}");
            let person = open(&root.browser, &format!("/admin/users/{}/role-assignments", root.id));
            let of_person = link(&person, &name);
            let listed = link(&open(&root.browser, "/admin/resources"), &name);
            assert_eq!(of_person, listed, "{id}");
            let page = open(&root.browser, &of_person);
            let own = [
                format!("<h1>{}</h1>", as_markup(&name)),
                format!("name=\"id\" value=\"{}\"", as_markup(id)),
                "value=\"Known\"".into(),
            ];
            for part in &own {
                assert!(page.contains(part), "{id}: {part}: {page}");
            }
            assert_eq!(link(&page, "Root Admin"), format!("/admin/users/{}", root.id), "{id}: the link to its role assignments");
            // From the role assignment back to the resource.
            let change = page.split("href=\"").find(|part| part.starts_with("/admin/role-assignments/")).expect("a link to the role assignment");
            let (change, _) = change.split_once('"').expect("a URL");
            assert_eq!(link(&open(&root.browser, change), &name), of_person, "{id}");
            // The page to remove it names this resource, and removes no other.
            let forget = page.split("href=\"").find(|part| part.starts_with("/admin/resources/delete")).expect("a link to delete it");
            let (forget, _) = forget.split_once('"').expect("a URL");
            let asked = open(&root.browser, &from_markup(forget));
            assert!(asked.contains(&own[1]) && asked.contains(&as_markup(&name)), "{id}: {asked}");
            let forgotten = root.browser.request("POST", "/admin/resources/delete").page_form(&[("type", "order"), ("id", id), ("version", "1")]).send();
            assert_eq!(forgotten.status, 303, "{id}: {}", forgotten.text());
            assert_eq!(known(server, id), None, "{id}");
        }
        assert_eq!(root.browser.get("/v1/resources?type=order").json()["items"], json!([]));
    }

    fn invalid_or_oversized_resource_fields_are_refused(server) {
        let root = server.administrator();
        let mut deep = json!(1);
        for _ in 0..16 {
            deep = json!([deep]);
        }
        for bad in [json!({ "a": deep }), json!({ "a": "x".repeat(16 << 10) }), json!({ "a": 0.12345 }), json!({ "a": 1e300 })] {
            let refused = put(&root.browser, "/v1/resources/order/17", &json!({ "attributes": bad }));
            assert_eq!((refused.status, refused.json()["field"].clone()), (400, json!("attributes")));
        }
        for bad in [json!({ "attributes": [] }), json!({ "attributes": null }), json!({ "title": "x".repeat(201) }), json!({ "x": 1 })] {
            assert_eq!(put(&root.browser, "/v1/resources/order/17", &bad).status, 400, "{bad}");
        }
        let twice = root.browser.request("PUT", "/v1/resources/order/17").body(r#"{"attributes":{"a":1,"a":2}}"#, "application/json");
        assert_eq!(twice.send().status, 400);
        assert_eq!(known(server, "17"), None);
    }

    fn resources_are_listed_by_type_and_paged(server) {
        let root = server.administrator();
        for path in ["order/1", "order/2", "order/3", "folder/a%2Fb", "folder/c"] {
            assert_eq!(put(&root.browser, &format!("/v1/resources/{path}"), &json!({})).status, 201);
        }
        root.browser.delete("/v1/resources/order/2");
        let mut seen = Vec::new();
        let mut after = String::new();
        loop {
            let page = root.browser.get(&format!("/v1/resources?limit=1{after}")).json();
            seen.extend(page["items"].as_array().expect("a list").iter().map(|resource| {
                format!("{}:{}", resource["resource_type"].as_str().expect("a type"), resource["resource_id"].as_str().expect("an id"))
            }));
            match page["next"].as_str() {
                Some(next) => after = format!("&after={}", next.replace('/', "%2F")),
                None => break,
            }
        }
        assert_eq!(seen, ["folder:a/b", "folder:c", "order:1", "order:3"]);
        let ids = |query: &str| {
            let page = root.browser.get(&format!("/v1/resources?{query}")).json();
            let items = page["items"].as_array().expect("a list").iter();
            items.map(|resource| resource["resource_id"].as_str().expect("an id").to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(ids("type=order"), ["1", "3"]);
        assert_eq!(ids("type=order&after=order%2F1"), ["3"]);
        assert_eq!(ids("type=order&after=folder%2Fc"), ["1", "3"], "a cursor before all of the type");
        assert_eq!(ids("type=folder&after=order%2F1"), [""; 0], "a cursor after all of the type");
        for bad in ["?type=a%20b", "?after=x", "?after=User/1", "?limit=0", "?x=1"] {
            assert_eq!(root.browser.get(&format!("/v1/resources{bad}")).status, 400, "{bad}");
        }
    }

    fn a_change_takes_effect_on_every_instance_and_stale_copies_are_ignored(server) {
        let root = server.administrator();
        let second = server.another_instance();
        let elsewhere = root.browser.at_port(server.port(second));
        assert_eq!(known(server, "17"), None);
        assert_eq!(put(&elsewhere, "/v1/resources/order/17", &json!({ "attributes": { "open": true } })).status, 201);
        assert_eq!(known(server, "17").expect("a resource").attributes["open"], true);
        let name = ResourceName::parse("order", "17").expect("a name");
        let key = server.app.assignments.resource_key(&name);
        let copy = server.run(server.app.ephemeral.get(&[&key])).expect("a result");
        let copy = copy.into_iter().next().flatten().expect("a copy");
        let changed = elsewhere.request("PUT", "/v1/resources/order/17").header("If-Match", "\"1\"");
        assert_eq!(changed.json(&json!({ "attributes": { "open": false } })).send().status, 200);
        assert_eq!(known(server, "17").expect("a resource").attributes["open"], false);
        // The store loses its last write; this instance polls for changed resources, as it does every second.
        server.run(server.app.ephemeral.put(&key, &copy, Duration::from_secs(60))).expect("stored");
        server.run(server.app.assignments.watch()).expect("a result");
        assert_eq!(known(server, "17").expect("a resource").attributes["open"], false);
        // Nor is a slow reader's copy that the resource doesn't exist.
        server.run(server.app.ephemeral.put(&key, "0:null", Duration::from_secs(60))).expect("stored");
        assert!(known(server, "17").is_some());
    }

    fn installations_that_share_a_store_keep_their_resources_apart(server) {
        let root = server.administrator();
        let name = ResourceName::parse("order", "17").expect("a name");
        // A copy that another installation on the same store could have written.
        let theirs = r#"9:{"title":null,"description":null,"attributes":{"open":true},"version":9}"#;
        for key in [format!("resource:{{{}}}", name.key()), format!("resource:{{{}}}:{}", name.key(), uuid::Uuid::new_v4())] {
            server.run(server.app.ephemeral.put(&key, theirs, Duration::from_secs(60))).expect("stored");
        }
        assert_eq!(known(server, "17"), None);
        assert_eq!(put(&root.browser, "/v1/resources/order/17", &json!({})).status, 201);
        assert_eq!(known(server, "17").expect("a resource").version, 1);
    }

    fn resources_need_their_scopes(server) {
        let root = server.administrator();
        let ada = server.create_user(&root, "ada");
        let (reader, writer) = (server.client(&["role-assignments:read"]), server.client(&["role-assignments:write"]));
        let send = |client: &(String, String), method: &str, path: &str| {
            let browser = server.browser();
            browser.request(method, path).without_same_origin().basic(&client.0, &client.1).json(&json!({})).send().status
        };
        let path = "/v1/resources/order/17";
        assert_eq!((send(&reader, "PUT", path), send(&writer, "PUT", path)), (403, 201));
        assert_eq!((send(&reader, "GET", path), send(&writer, "GET", path)), (200, 403));
        assert_eq!((send(&reader, "DELETE", path), send(&writer, "DELETE", path)), (403, 204));
        for path in ["/v1/resources", path, "/v1/resources/nothing/there"] {
            assert_eq!((ada.browser.get(path).status, server.browser().get(path).status), (403, 401), "{path}");
        }
        assert_eq!(put(&ada.browser, path, &json!({})).status, 403);
    }
}
