//! The admin pages, in the browser.

use serde_json::json;

use super::Visitor;
use crate::on_both;
use crate::support::browser::Chromium;

on_both! {
    fn an_administrator_invites_finds_and_suspends_a_user(server) {
        let browser = Chromium::launch();
        let root = Visitor::new(&browser);
        root.set_up(server);
        root.page.goto(&format!("{}/admin", server.origin()));
        root.expand_details();
        root.page.fill("#username", "ada");
        root.page.evaluate("document.querySelector('form[action=\"/admin/invitations\"]').requestSubmit()");
        let link = root.one_time_link();
        let ada = Visitor::new(&browser);
        ada.join(&link);
        root.page.goto(&format!("{}/admin?search=ada", server.origin()));
        root.page.wait_for_text("ada");
        root.page.click("main a[href^='/admin/users/']");
        root.page.wait_for("location.pathname.startsWith('/admin/users/')");
        let person = root.page.evaluate("location.pathname");
        let person = person.as_str().expect("a path").to_owned();
        root.page.goto(&format!("{}{person}/suspend", server.origin()));
        root.page.evaluate("document.querySelector('form[action$=\"/suspend\"]').requestSubmit()");
        crate::e2e::eventually("ada is signed out", || ada.fetch("/v1/session")["status"] == 401);
        root.page.goto(&format!("{}/admin/audit", server.origin()));
        root.page.wait_for("[...document.querySelectorAll('details.event summary')].some(event => event.innerText.includes('suspended an account'))");
        root.assert_clean();
        ada.assert_clean();
    }

    fn only_administrators_see_the_admin_pages(server) {
        let visitor = Visitor::new(&Chromium::launch());
        let root = server.administrator();
        visitor.join(&crate::e2e::invitation(&root, &json!({ "username": "ada" })));
        for path in ["/admin", "/admin/audit", &format!("/admin/users/{}", root.id)] {
            visitor.page.goto(&format!("{}{path}", server.origin()));
            assert!(!visitor.page.text().contains("Root Admin"), "{path}");
        }
    }

    fn a_stale_session_steps_up_and_the_action_continues(server) {
        let visitor = Visitor::new(&Chromium::launch());
        visitor.set_up(server);
        server.advance_clock(400);
        visitor.page.goto(&format!("{}/admin", server.origin()));
        visitor.expand_details();
        visitor.page.fill("#username", "late");
        visitor.page.evaluate("document.querySelector('form[action=\"/admin/invitations\"]').requestSubmit()");
        visitor.page.wait_for("document.querySelector('#step-up-button') && document.readyState === 'complete'");
        visitor.page.click("#step-up-button");
        crate::e2e::eventually("the person is invited", || server.run(server.app.users.find("late")).is_ok());
    }
}
