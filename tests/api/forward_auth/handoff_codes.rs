//! Handoff codes: single-use, valid for a minute, and only in the browser and at the host that they were created for.

use super::{HTML, Visitor, ada, location, on_both_with_forward_auth};
use crate::support::race::{RUNNERS, race};

on_both_with_forward_auth! {
    fn exactly_one_of_twenty_uses_of_a_code_creates_a_session(server) {
        let (_, ada) = ada(server);
        let visitor = Visitor::of(server, &ada);
        let code_path = visitor.handoff_code_path("/news/1");
        let answers = race(vec![visitor.clone(); RUNNERS], |tab| tab.at_host("GET", &code_path).send());
        let opened = answers.iter().filter(|answer| answer.status == 303).count();
        let gone = answers.iter().filter(|answer| answer.status == 410).count();
        assert_eq!((opened, gone), (1, RUNNERS - 1));
    }

    fn exactly_one_of_twenty_answers_to_a_request_gets_a_handoff_code(server) {
        let (_, ada) = ada(server);
        let visitor = Visitor::of(server, &ada);
        let sign_in_path = visitor.begin("/news/1");
        let answers = race(vec![visitor.doorward_browser.clone(); RUNNERS], |tab| tab.get(&sign_in_path));
        let sent = answers.iter().filter(|answer| answer.status == 303).count();
        assert_eq!(sent, 1);
        assert!(answers.iter().all(|answer| [303, 410].contains(&answer.status)));
    }

    fn a_handoff_code_is_refused_if_used_expired_or_at_another_host_or_browser(server) {
        let (_, ada) = ada(server);
        let visitor = Visitor::of(server, &ada);
        let used = visitor.handoff_code_path("/news/1");
        assert_eq!(visitor.at_host("GET", &used).send().status, 303);
        visitor.drop_session();
        let late = visitor.handoff_code_path("/news/1");
        server.advance_clock(60);
        let other_browser = visitor.handoff_code_path("/news/1");
        let other_host = visitor.handoff_code_path("/news/1");
        let signed_out = Visitor::new(server);
        let marked = Visitor::new(server);
        marked.begin("/news/1");
        let at = |host: &str, path: &str| visitor.at_host("GET", path).header("Host", host).header("X-Forwarded-Host", host).send();
        for (what, answer) in [
            ("used", visitor.at_host("GET", &used).send()),
            ("late", visitor.at_host("GET", &late).send()),
            ("another browser's", marked.at_host("GET", &other_browser).send()),
            ("taken by the wrong one, it is gone", visitor.at_host("GET", &other_browser).send()),
            ("another host's", at("docs.example.com", &other_host)),
            ("none", visitor.at_host("GET", "/.doorward/callback?code=x").send()),
            ("without a mark", signed_out.at_host("GET", &visitor.handoff_code_path("/news/1")).send()),
        ] {
            assert_eq!(answer.status, 410, "{what}");
            assert!(answer.headers_named("set-cookie").is_empty(), "{what}");
            assert!(answer.text().contains("Start again") && !answer.text().contains("callback?code="), "{what}");
        }
        let program = visitor.at_host("GET", &used).header("Accept", "application/json").send();
        assert_eq!(program.problem_type(), "urn:doorward:problem:handoff-code-gone");
    }

    fn a_handoff_code_expires_after_a_minute(server) {
        let (_, ada) = ada(server);
        let visitor = Visitor::of(server, &ada);
        let code_path = visitor.handoff_code_path("/news/1");
        server.advance_clock(59);
        assert_eq!(location(&visitor.at_host("GET", &code_path).send(), 303), "/news/1");
        visitor.drop_session();
        let code_path = visitor.handoff_code_path("/news/1");
        server.advance_clock(60);
        assert_eq!(visitor.at_host("GET", &code_path).send().status, 410);
    }

    fn users_are_not_redirected_to_a_host_that_is_no_longer_protected(server) {
        let (_, ada) = ada(server);
        let docs = Visitor { host: "docs.example.com", ..Visitor::of(server, &ada) };
        let sign_in_path = docs.begin("/a");
        server.config.access.routes.retain(|route| route.host != docs.host);
        server.restart(0);
        assert_eq!(ada.session_status(), 200);
        let answer = docs.doorward_browser.request("GET", &sign_in_path).header("Accept", HTML).send();
        assert_eq!(answer.status, 410);
        assert!(answer.header("location").is_none() && !answer.text().contains("callback?code="), "{answer:?}");
        let shop = Visitor { doorward_browser: docs.doorward_browser.clone(), ..Visitor::new(server) };
        shop.enter("/news/1");
    }

    fn a_handoff_code_of_an_ended_session_is_refused(server) {
        let (root, ada) = ada(server);
        let visitor = Visitor::of(server, &ada);
        let code_path = visitor.handoff_code_path("/news/1");
        let ended = root.browser.delete(&format!("/v1/users/{}/sessions", ada.id));
        assert_eq!(ended.status, 200);
        assert_eq!(visitor.at_host("GET", &code_path).send().status, 410);
    }

    fn a_pending_request_expires_after_fifteen_minutes(server) {
        let (_, ada) = ada(server);
        let visitor = Visitor::of(server, &ada);
        let sign_in_path = visitor.begin("/news/1");
        server.advance_clock(899);
        assert_eq!(location(&visitor.doorward_browser.get(&sign_in_path), 303).split('?').next(), Some("https://shop.example.com/.doorward/callback"));
        let sign_in_path = visitor.begin("/news/1");
        server.advance_clock(900);
        let gone = visitor.doorward_browser.request("GET", &sign_in_path).header("Accept", HTML).send();
        assert_eq!(gone.status, 410);
        assert_eq!(visitor.doorward_browser.get("/forward-auth/login?id=x").status, 410);
        assert_eq!(visitor.doorward_browser.get("/forward-auth/login").status, 400);
    }
}
