//! Resource roles in the admin pages, in the browser.

use std::path::Path;

use doorward::base::clock::Timestamp;
use serde_json::{Value, json};

use super::Visitor;
use crate::on_both;
use crate::support::browser::Chromium;
use crate::support::test_server::TestServer;

fn go(visitor: &Visitor, server: &TestServer, path: &str) {
    visitor.page.goto(&format!("{}{path}", server.origin()));
}

/// Submits the form that posts to a URL with this prefix.
fn submit(visitor: &Visitor, action: &str) {
    visitor.page.evaluate(&format!(
        "document.querySelector('main form[method=post][action^=\"{action}\"]').requestSubmit()"
    ));
}

fn id_of(visitor: &Visitor) -> String {
    let session = visitor.fetch("/v1/session");
    session["body"]["user"]["id"]
        .as_str()
        .expect("an id")
        .to_owned()
}

fn grants(visitor: &Visitor) -> Vec<Value> {
    let listed = visitor.fetch("/v1/role-assignments");
    listed["body"]["items"].as_array().expect("a list").clone()
}

/// Returns the database's time, with a second without changes before and after it.
fn instant(server: &TestServer) -> Timestamp {
    server.advance_clock(1);
    let database = server.app.database.clone();
    let now = server.run(server.app.database.read(move |conn| database.now(conn)));
    server.advance_clock(1);
    now.expect("an instant")
}

/// Selects a day on the page, and waits for the response.
fn choose(visitor: &Visitor, day: &str) {
    visitor.page.fill("#on", day);
    visitor.page.click("main form[method=get] button");
    let chosen = json!(day);
    visitor.page.wait_for(&format!(
        "new URLSearchParams(location.search).get('on') === {chosen} && document.readyState === 'complete'"
    ));
}

fn picture(visitor: &Visitor, name: &str, width: u32, dark: bool) {
    if let Some(folder) = std::env::var_os("DOORWARD_PICTURES") {
        let shade = if dark { "dark" } else { "light" };
        let file = format!("{name}-{width}-{shade}.png");
        visitor.page.screenshot(&Path::new(&folder).join(file));
    }
}

on_both! {
    fn roles_on_a_resource_are_assigned_updated_and_deleted(server) {
        let root = Visitor::new(&Chromium::launch());
        root.set_up(server);
        let id = id_of(&root);
        go(&root, server, &format!("/admin/users/{id}"));
        root.page.wait_for_text("No resource roles.");
        root.page.click("main a[href$='/role-assignments']");
        root.wait_for_path(&format!("/admin/users/{id}/role-assignments"));
        root.page.fill("#resource_type", "order");
        root.page.fill("#resource_id", "a/b \"17\"");
        root.page.fill("#roles", "OPERATOR, two words!");
        submit(&root, "/admin/users/");
        root.page.wait_for_text("Enter 1–64 roles.");
        assert_eq!(root.page.evaluate("document.querySelector('[aria-invalid]').id"), "roles");
        assert_eq!(root.page.evaluate("document.getElementById('resource_id').value"), "a/b \"17\"", "the input is kept");
        root.page.fill("#roles", "OPERATOR, AUDITOR");
        root.page.fill("#title", "Night shift");
        submit(&root, "/admin/users/");
        root.page.wait_for_text("Roles added.");
        root.page.wait_for_text("order:a/b \"17\"");
        let given = grants(&root);
        assert_eq!((given[0]["roles"].clone(), given[0]["title"].clone()), (json!(["AUDITOR", "OPERATOR"]), json!("Night shift")));

        let assignment = given[0]["id"].as_str().expect("an id").to_owned();
        root.page.click("main a[aria-label^='Edit roles on']");
        root.wait_for_path(&format!("/admin/role-assignments/{assignment}"));
        root.page.fill("#roles", "AUDITOR");
        root.page.fill("#valid_until", "yesterday");
        submit(&root, "/admin/role-assignments/");
        root.page.wait_for_text("Enter a future date and time");
        root.page.fill("#valid_until", "2126-01-31T18:00:00Z");
        submit(&root, "/admin/role-assignments/");
        root.page.wait_for_text("Roles updated.");
        assert_eq!(grants(&root)[0]["valid_until"], "2126-01-31T18:00:00.000000Z");

        go(&root, server, "/admin/resources/detail?type=order&id=a/b%20%2217%22");
        root.page.wait_for_text("Who has access");
        root.page.wait_for_text("Root Admin");
        root.page.fill("#attributes", "[1]");
        submit(&root, "/admin/resources/");
        root.page.wait_for_text("Enter a JSON object");
        root.page.fill("#attributes", "{\"owner\": \"ada\"}");
        submit(&root, "/admin/resources/");
        root.page.wait_for_text("Saved.");
        go(&root, server, "/admin/resources?type=order");
        root.page.wait_for_text("order:a/b \"17\"");
        go(&root, server, "/admin/resources/delete?type=order&id=a/b%20%2217%22");
        submit(&root, "/admin/resources/");
        root.page.wait_for_text("Details deleted.");

        go(&root, server, &format!("/admin/role-assignments/{assignment}/delete"));
        root.page.wait_for_text("Remove Root Admin's roles on order:a/b \"17\"?");
        root.page.fill("#reason", "left");
        submit(&root, "/admin/role-assignments/");
        root.page.wait_for_text("AUDITOR on order:a/b \"17\"");
        assert_eq!(grants(&root), Vec::<Value>::new());
        go(&root, server, "/admin/audit?action=role_assignment.deleted");
        root.page.wait_for("[...document.querySelectorAll('details.event summary')].some(event => event.innerText.includes('removed resource roles'))");
        root.assert_clean();
    }

    fn a_page_shows_roles_held_on_a_chosen_day_and_who_assigned_them(server) {
        let root = Visitor::new(&Chromium::launch());
        root.set_up(server);
        let id = id_of(&root);
        let path = format!("/admin/users/{id}/access");
        go(&root, server, &format!("/admin/users/{id}/role-assignments"));
        root.page.fill("#resource_type", "order");
        root.page.fill("#resource_id", &"a-very-long-id-of-an-order/".repeat(9));
        root.page.fill("#roles", "OPERATOR");
        root.page.fill("#title", "Night shift");
        submit(&root, "/admin/users/");
        root.page.wait_for_text("Roles added.");
        let held = instant(server);
        let assignment = grants(&root)[0]["id"].as_str().expect("an id").parse().expect("an id");
        let deleted = server.app.assignments.delete(assignment, None, None, doorward::clients::ActingAs::command());
        server.run(deleted).expect("deleted");
        let after = instant(server);

        go(&root, server, &format!("/admin/users/{id}"));
        root.page.click(&format!("main a[href='{path}']"));
        root.wait_for_path(&path);
        root.page.wait_for_text("Root Admin's access history");
        root.page.wait_for_text("None.");
        let table = |heading: &str| {
            let rows = format!("[...document.querySelectorAll('section[aria-labelledby={heading}] tbody tr')].map(row => row.innerText).join('|')");
            root.page.evaluate(&rows).as_str().expect("text").to_owned()
        };
        for (width, height) in [(1280, 900), (320, 640)] {
            root.page.set_viewport(width, height, width < 500);
            choose(&root, "2020-01-31");
            root.page.wait_for_text("This person had no account yet.");
            root.assert_fits();
            choose(&root, "some day");
            root.page.wait_for_text("Enter a valid date");
            root.assert_fits();
            choose(&root, &held.to_rfc3339());
            root.page.wait_for_text("OPERATOR");
            for told in ["order", "a-very-long-id-of-an-order/", "Night shift", "OPERATOR", "root"] {
                assert!(table("role-assignments-heading").contains(told), "{told}: {}", table("role-assignments-heading"));
            }
            assert!(table("roles-heading").contains("admin"), "{}", table("roles-heading"));
            root.assert_fits();
            choose(&root, &after.to_rfc3339());
            root.page.wait_for_text("None.");
            assert_eq!(table("role-assignments-heading"), "");
            root.assert_fits();
        }
        root.assert_clean();
    }

    fn a_stale_session_steps_up_and_the_assignment_continues(server) {
        let root = Visitor::new(&Chromium::launch());
        root.set_up(server);
        let id = id_of(&root);
        server.advance_clock(400);
        go(&root, server, &format!("/admin/users/{id}/role-assignments"));
        root.page.fill("#resource_type", "order");
        root.page.fill("#resource_id", "<17>");
        root.page.fill("#roles", "OPERATOR");
        submit(&root, "/admin/users/");
        root.page.wait_for("document.querySelector('#step-up-button') && document.readyState === 'complete'");
        root.page.click("#step-up-button");
        root.page.wait_for_text("Roles added.");
        assert_eq!(grants(&root)[0]["resource_id"], "<17>");
        root.assert_clean();
    }

    fn every_page_of_resources_fits_the_screen(server) {
        let root = Visitor::new(&Chromium::launch());
        root.set_up(server);
        let id = id_of(&root);
        let user = id.parse().expect("an id");
        let long = "a-very-long-id-of-a-thing/that-nobody-would-type/".repeat(5);
        let give = |kind: &str, resource: &str, roles: &[String]| {
            let resource = doorward::assignments::ResourceName::parse(kind, resource).expect("a name");
            let terms = doorward::assignments::RoleAssignmentTerms {
                roles: doorward::assignments::AssignedRoles::parse(roles).expect("roles"),
                title: doorward::assignments::Title::parse(&"Донаудампфшифффартсэлектрицитэт".repeat(5)).expect("a title"),
                description: None,
                valid_until: doorward::assignments::parse_instant("2126-01-31T18:00:00Z").ok(),
            };
            let author = doorward::clients::ActingAs::command();
            server.run(server.app.assignments.assign(user, resource, terms, author)).expect("a role assignment").id
        };
        let many: Vec<String> = (0..20).map(|number| format!("{}{number}", "ROLE_OF_A_LONG_NAME".repeat(3))).collect();
        let assignment = give("Some_Long_Namespace::Of_Things::order", &long, &many);
        for number in 0..60 {
            give("order", &number.to_string(), &["OPERATOR".to_owned()]);
        }
        let resource = doorward::assignments::ResourceName::parse("Some_Long_Namespace::Of_Things::order", &long).expect("a name");
        let new = doorward::assignments::NewResource {
            attributes: json!({ "owner": "x".repeat(300) }).as_object().expect("an object").clone(),
            ..Default::default()
        };
        let put = server.app.assignments.put_resource(resource, new, doorward::assignments::Expected::Anything, doorward::clients::ActingAs::command());
        server.run(put).expect("a resource");
        let query = format!("type=Some_Long_Namespace::Of_Things::order&id={long}");
        for (width, height, dark) in [(320, 640, true), (390, 844, false), (390, 844, true), (1280, 900, false), (1280, 900, true)] {
            root.page.set_viewport(width, height, width < 500);
            root.page.set_dark(dark);
            for (name, path) in [
                ("assignments-user", format!("/admin/users/{id}")),
                ("assignments-list", format!("/admin/users/{id}/role-assignments")),
                ("assignments-one", format!("/admin/role-assignments/{assignment}")),
                ("assignments-delete", format!("/admin/role-assignments/{assignment}/delete")),
                ("assignments-gone", "/admin/role-assignments/x".into()),
                ("resources-list", "/admin/resources".into()),
                ("resources-none", "/admin/resources?type=nothing".into()),
                ("resources-one", format!("/admin/resources/detail?{query}")),
                ("resources-unknown", "/admin/resources/detail?type=order&id=1".into()),
                ("resources-delete", format!("/admin/resources/delete?{query}")),
            ] {
                go(&root, server, &path);
                root.expand_details();
                root.assert_fits();
                assert_eq!(root.page.evaluate("document.querySelectorAll('h1').length"), json!(1), "{path}");
                picture(&root, name, width, dark);
            }
        }
        go(&root, server, &format!("/admin/users/{id}/role-assignments"));
        root.page.click("a[rel=next]");
        root.page.wait_for("location.search.startsWith('?after=')");
        root.assert_clean();
    }
}
