//! Roles in the admin pages, and what a user who manages others by a role sees of them, in the browser.

use serde_json::{Value, json};

use super::Visitor;
use super::pages::{assert_pages_fit_every_screen, picture_and_path};
use crate::on_both;
use crate::support::browser::Chromium;
use crate::support::test_server::TestServer;

impl Visitor {
    fn check(&self, role: &str) {
        self.page.evaluate(&format!(
            "document.querySelector('[name=\"role:{role}\"]').click()"
        ));
    }

    fn boxes(&self) -> Value {
        self.page.evaluate(
            "[...document.querySelectorAll('[name^=\"role:\"]')].map(one => one.name.slice(5) + (one.checked ? '+' : ''))",
        )
    }
}

fn roles_of(server: &TestServer, name: &str) -> Vec<String> {
    let found = server.run(server.app.users.find(name));
    found.expect("a user").roles
}

/// Creates roles as the command does.
pub(super) fn create_role(server: &TestServer, name: &str, description: &str, manages: &[&str]) {
    let name = name.parse().expect("a name");
    let fields = doorward::users::RoleChange {
        description: Some(description.parse().expect("a description")),
        manages_roles: Some(manages.iter().map(|name| (*name).to_owned()).collect()),
        manages_assignments_on: None,
    };
    let author = doorward::clients::ActingAs::command();
    server
        .run(server.app.users.create_role(name, fields, author))
        .expect("a role");
}

on_both! {
    fn a_role_is_created_assigned_changed_and_deleted_on_pages(server) {
        let browser = Chromium::launch();
        let root = Visitor::new(&browser);
        root.set_up(server);
        root.go(server, "/admin");
        root.page.click("a[href='/admin/roles']");
        root.wait_for_path("/admin/roles");
        root.expand_details();
        root.page.fill("#name", "shop clerk");
        root.page.fill("#description", "At the counter");
        root.submit();
        root.page.wait_for_text("Use 1–64 letters");
        root.page.wait_for("document.activeElement.id === 'form-problem'");
        root.page.fill("#name", "shop:clerk");
        root.page.fill("#manages_assignments_on", "order Shop::Item");
        root.submit();
        root.page.wait_for_text("Role created.");
        root.wait_for_path("/admin/roles/shop:clerk");
        root.page.wait_for_text("Not in use.");
        root.go(server, "/admin/roles");
        root.expand_details();
        assert_eq!(root.boxes(), json!(["shop:clerk"]), "administrators cannot be managed");
        root.page.fill("#name", "lead");
        root.check("shop:clerk");
        root.submit();
        root.page.wait_for_text("Role created.");
        let lead = server.run(server.app.users.find_role("lead")).expect("a role");
        assert_eq!(lead.manages_roles, ["shop:clerk"]);

        // An invited user may be given any role.
        root.go(server, "/admin");
        root.expand_details();
        assert_eq!(root.boxes(), json!(["admin", "lead", "shop:clerk"]));
        root.page.fill("#username", "ada");
        root.check("shop:clerk");
        root.submit();
        let link = root.one_time_link();
        let ada = Visitor::new(&browser);
        ada.join(&link);
        assert_eq!(ada.fetch("/v1/session")["body"]["user"]["roles"], json!(["shop:clerk"]));

        // Another role is assigned on the user's page.
        root.go(server, "/admin/users/ada/roles");
        assert_eq!(root.boxes(), json!(["admin", "lead", "shop:clerk+"]));
        root.check("lead");
        root.submit();
        root.page.wait_for_text("Roles saved.");
        assert_eq!(roles_of(server, "ada"), ["lead", "shop:clerk"]);

        // A role that is in use can't be deleted.
        root.go(server, "/admin/roles/shop:clerk");
        root.page.wait_for_text("Assigned to 1 person.");
        root.page.wait_for_text("Managed by: lead.");
        assert_eq!(root.page.evaluate("document.querySelector('a[href$=\"/delete\"]')"), json!(null));
        root.go(server, "/admin/roles/shop:clerk/delete");
        root.page.wait_for_text("This role is in use");
        root.go(server, "/admin/users/ada/roles");
        root.check("shop:clerk");
        root.submit();
        root.page.wait_for_text("Roles saved.");
        root.go(server, "/admin/roles/lead");
        root.check("shop:clerk");
        root.submit();
        root.page.wait_for_text("Role saved.");
        root.go(server, "/admin/roles/shop:clerk");
        root.page.click("a[href$='/delete']");
        root.page.wait_for_text("Delete the role shop:clerk?");
        root.page.fill("#reason", "no shop any more");
        root.submit();
        root.page.wait_for_text("Role deleted.");
        root.go(server, "/admin/audit?action=role.");
        root.page.wait_for("[...document.querySelectorAll('details.event summary')].some(event => event.innerText.includes('deleted a role'))");
        assert_eq!(root.fetch("/v1/audit-events?action=role.deleted")["body"]["items"][0]["reason"], "no shop any more");
        root.assert_clean();
    }

    fn removing_the_last_administrator_is_refused_with_an_explanation(server) {
        let root = Visitor::new(&Chromium::launch());
        root.set_up(server);
        root.go(server, "/admin/users/root/roles");
        root.page.wait_for_text("This is the only active administrator");
        root.check("admin");
        root.submit();
        root.page.wait_for_text("Make someone else an administrator first.");
        assert_eq!(root.boxes(), json!(["admin+"]), "in its current state");
        assert_eq!(roles_of(server, "root"), ["admin"]);
        // Concurrent changes: the second save shows what the first changed.
        create_role(server, "clerk", "", &[]);
        root.go(server, "/admin/users/root/roles");
        assert_eq!(root.fetch("/v1/me")["body"]["version"], 1);
        let change = doorward::users::UserChange { display_name: Some("Elsewhere".parse().expect("a name")), ..Default::default() };
        let id = server.run(server.app.users.find("root")).expect("root").id;
        server.run(server.app.users.update(id, change, None, doorward::users::Permit::command())).expect("a change");
        root.check("clerk");
        root.submit();
        root.page.wait_for_text("Someone else changed this person while you were editing.");
        assert_eq!(root.boxes(), json!(["admin+", "clerk"]));
        // A session without a recent sign-in performs a step-up, and the selected roles are kept.
        server.advance_clock(400);
        root.check("clerk");
        root.submit();
        root.page.wait_for("document.querySelector('#step-up-button') && document.readyState === 'complete'");
        root.page.click("#step-up-button");
        root.page.wait_for_text("Roles saved.");
        assert_eq!(roles_of(server, "root"), ["admin", "clerk"]);
        root.assert_clean();
    }

    fn a_manager_sees_only_managed_users_on_admin_pages(server) {
        let browser = Chromium::launch();
        let root = server.administrator();
        for (role, manages) in [("clerk", &[][..]), ("cook", &[]), ("lead", &["clerk", "cook"])] {
            create_role(server, role, "", manages);
        }
        let lead = Visitor::new(&browser);
        lead.join(&crate::e2e::invitation(&root, &json!({ "username": "lead", "display_name": "The Lead", "roles": ["lead"] })));
        for (name, roles) in [("carl", json!(["clerk"])), ("other", json!([]))] {
            crate::e2e::invitation(&root, &json!({ "username": name, "roles": roles }));
        }
        lead.go(server, "/account");
        lead.page.click("header a[href='/admin']");
        lead.wait_for_path("/admin");
        let people = lead.page.evaluate("[...document.querySelectorAll('tbody th a')].map(one => one.innerText)");
        assert_eq!(people, json!(["carl"]));
        assert_eq!(lead.page.evaluate("[...document.querySelectorAll('nav.side a')].map(one => one.pathname)"), json!(["/admin"]));
        lead.go(server, &format!("/admin?search={}", root.id));
        assert_eq!(lead.page.evaluate("document.querySelector('tbody th a')"), json!(null));
        for path in ["/admin/roles", "/admin/roles/lead", "/admin/clients", "/admin/audit", "/admin/users/root", "/admin/users/other", "/admin/users/lead/roles", "/admin/users/nobody", "/admin/users/root/suspend"] {
            lead.go(server, path);
            lead.page.wait_for_text("You don't have access");
            assert_eq!(lead.page.evaluate("document.querySelector('header a[href=\"/admin\"]') !== null"), json!(true), "the link back to their pages");
            assert!(!lead.page.text().contains("Root Admin"), "{path}");
        }

        // Without a role the lead may not invite; with a role that the lead manages, it works.
        lead.go(server, "/admin");
        lead.expand_details();
        assert_eq!(lead.boxes(), json!(["clerk", "cook"]));
        lead.page.fill("#username", "nina");
        lead.submit();
        lead.page.wait_for_text("Choose at least one role");
        lead.check("cook");
        lead.submit();
        lead.one_time_link();
        assert_eq!(roles_of(server, "nina"), ["cook"]);

        lead.go(server, "/admin/users/carl");
        assert!(!lead.page.text().contains("Recent activity"), "the audit log is not theirs");
        lead.page.click("a[href$='/roles']");
        lead.page.wait_for_text("carl's roles");
        lead.check("cook");
        lead.submit();
        lead.page.wait_for_text("Roles saved.");
        assert_eq!(roles_of(server, "carl"), ["clerk", "cook"]);
        lead.go(server, "/admin/users/carl/suspend");
        lead.submit();
        lead.page.wait_for_text("carl");
        crate::e2e::eventually("carl is suspended", || {
            let carl = server.run(server.app.users.find("carl")).expect("carl");
            carl.status.as_str() == "suspended"
        });
        // When their last role is removed, the lead no longer manages the user.
        lead.go(server, "/admin/users/nina/roles");
        lead.check("cook");
        lead.submit();
        lead.wait_for_path("/admin");
        lead.page.wait_for_text("Roles saved.");
        assert_eq!(roles_of(server, "nina"), [""; 0]);
        lead.assert_clean();
    }

    fn every_page_of_roles_fits_the_screen(server) {
        let browser = Chromium::launch();
        let root = Visitor::new(&browser);
        root.set_up(server);
        let pages = |paths: &[&str]| paths.iter().copied().map(picture_and_path).collect::<Vec<_>>();
        create_role(server, "clerk", "Works at the counter", &[]);
        assert_pages_fit_every_screen(&root, server, &pages(&["/admin/roles", "/admin/roles/clerk", "/admin/users/root/roles"]));
        let long = "a-role-with-a-name-as-long-as-one-may-be:and-not-one-letter-more";
        create_role(server, long, &"A description that is as long as one may be, and not one letter more. ".repeat(3)[..199], &["clerk"]);
        for number in 0..60 {
            create_role(server, &format!("role-{number}"), "", &[long, "clerk"]);
        }
        let one = format!("/admin/roles/{long}");
        assert_pages_fit_every_screen(&root, server, &pages(&["/admin/roles?after=a", &one, &format!("{one}/delete"), "/admin/roles/admin", "/admin/users/root", "/admin"]));
    }
}
