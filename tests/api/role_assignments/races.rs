//! Twenty concurrent requests.

use serde_json::json;

use super::{assign_role, assignment, held, path};
use crate::api::races::count;
use crate::on_both;
use crate::support::race::{RUNNERS, race};

on_both! {
    fn twenty_creations_of_one_role_assignment_create_one(server) {
        let root = server.administrator();
        let ada = server.create_user(&root, "ada");
        let second = server.another_instance();
        let runners: Vec<_> = (0..RUNNERS)
            .map(|number| root.browser.at_port(server.port(if number % 2 == 0 { 0 } else { second })))
            .collect();
        let answers = race(runners, |browser| browser.post_json("/v1/role-assignments", &assignment("ada", "OPERATOR")));
        assert_eq!((count(&answers, 201), count(&answers, 409)), (1, RUNNERS - 1));
        let listed = root.browser.get("/v1/role-assignments").json();
        assert_eq!((listed["items"].as_array().map(Vec::len), listed["items"][0]["version"].clone()), (Some(1), json!(1)));
        assert_eq!(held(server, &server.app, &ada), ["OPERATOR"]);
    }

    fn exactly_one_of_twenty_changes_of_one_version_succeeds(server) {
        let root = server.administrator();
        server.create_user(&root, "ada");
        let at = path(&assign_role(&root, "ada", "OPERATOR"));
        let runners: Vec<_> = (0..RUNNERS).map(|number| (root.browser.clone(), format!("R{number}"))).collect();
        let answers = race(runners, |(browser, role)| {
            browser.request("PATCH", &at).header("If-Match", "\"1\"").json(&json!({ "roles": [role] })).send()
        });
        assert_eq!((count(&answers, 200), count(&answers, 412)), (1, RUNNERS - 1));
        assert_eq!(root.browser.get(&at).json()["version"], 2);
    }

    fn concurrent_assignments_and_deletions_leave_the_last_state(server) {
        let root = server.administrator();
        let ada = server.create_user(&root, "ada");
        let at = path(&assign_role(&root, "ada", "OPERATOR"));
        let runners: Vec<_> = (0..RUNNERS).map(|number| (root.browser.clone(), number % 2 == 0)).collect();
        let answers = race(runners, |(browser, assigns)| match assigns {
            true => browser.post_json("/v1/role-assignments", &assignment("ada", "OPERATOR")),
            false => browser.delete(&at),
        });
        for answer in &answers {
            assert!([200, 201, 409].contains(&answer.status), "{}", answer.text());
        }
        let is_held = root.browser.get(&at).status == 200;
        assert_eq!(held(server, &server.app, &ada).is_empty(), !is_held);
        // Every version exists once, and each is based on the previous one.
        let deletions = answers.iter().filter(|answer| answer.status == 200 && answer.json()["roles"] != json!([])).count();
        let creations = count(&answers, 201);
        assert_eq!(deletions, creations + usize::from(!is_held));
    }

    fn twenty_registrations_of_one_resource_create_one(server) {
        let root = server.administrator();
        let answers = race(vec![root.browser.clone(); RUNNERS], |browser| {
            browser.request("PUT", "/v1/resources/order/17").json(&json!({ "title": "Order" })).send()
        });
        assert_eq!(count(&answers, 201), 1);
        assert_eq!(count(&answers, 428) + count(&answers, 409), RUNNERS - 1);
        let answers = race(vec![root.browser.clone(); RUNNERS], |browser| {
            browser.request("PUT", "/v1/resources/order/17").header("If-Match", "\"1\"").json(&json!({ "title": "Other" })).send()
        });
        assert_eq!((count(&answers, 200), count(&answers, 412)), (1, RUNNERS - 1));
    }
}
