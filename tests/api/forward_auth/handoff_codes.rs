//! Handoff codes: single-use, valid for a minute, and only in the browser and at the host that they were created for.

use super::{HTML, Visitor, ada, location, on_both_protected};
use crate::support::race::{RUNNERS, race};

on_both_protected! {
    fn of_twenty_uses_one_opens_the_door(server) {
        let (_, ada) = ada(server);
        let visitor = Visitor::of(server, &ada);
        let ticket = visitor.ticket("/news/1");
        let answers = race(vec![visitor.clone(); RUNNERS], |tab| tab.door("GET", &ticket).send());
        let opened = answers.iter().filter(|answer| answer.status == 303).count();
        let gone = answers.iter().filter(|answer| answer.status == 410).count();
        assert_eq!((opened, gone), (1, RUNNERS - 1));
    }

    fn of_twenty_takings_of_one_request_one_gets_a_ticket(server) {
        let (_, ada) = ada(server);
        let visitor = Visitor::of(server, &ada);
        let onward = visitor.begin("/news/1");
        let answers = race(vec![visitor.place.clone(); RUNNERS], |tab| tab.get(&onward));
        let sent = answers.iter().filter(|answer| answer.status == 303).count();
        assert_eq!(sent, 1);
        assert!(answers.iter().all(|answer| [303, 410].contains(&answer.status)));
    }

    fn a_ticket_used_before_late_elsewhere_or_by_another_browser_opens_nothing(server) {
        let (_, ada) = ada(server);
        let visitor = Visitor::of(server, &ada);
        let used = visitor.ticket("/news/1");
        assert_eq!(visitor.door("GET", &used).send().status, 303);
        visitor.drop_session();
        let late = visitor.ticket("/news/1");
        server.pass(60);
        let other_browser = visitor.ticket("/news/1");
        let other_host = visitor.ticket("/news/1");
        let nobody = Visitor::new(server);
        let marked = Visitor::new(server);
        marked.begin("/news/1");
        let at = |host: &str, path: &str| visitor.door("GET", path).header("Host", host).header("X-Forwarded-Host", host).send();
        for (what, answer) in [
            ("used", visitor.door("GET", &used).send()),
            ("late", visitor.door("GET", &late).send()),
            ("another browser's", marked.door("GET", &other_browser).send()),
            ("taken by the wrong one, it is gone", visitor.door("GET", &other_browser).send()),
            ("another host's", at("docs.example.com", &other_host)),
            ("none", visitor.door("GET", "/.doorward/callback?code=x").send()),
            ("without a mark", nobody.door("GET", &visitor.ticket("/news/1")).send()),
        ] {
            assert_eq!(answer.status, 410, "{what}");
            assert!(answer.headers_named("set-cookie").is_empty(), "{what}");
            assert!(answer.text().contains("Start again") && !answer.text().contains("ticket="), "{what}");
        }
        let program = visitor.door("GET", &used).header("Accept", "application/json").send();
        assert_eq!(program.problem_type(), "urn:doorward:problem:handoff-code-gone");
    }

    fn a_ticket_is_good_for_a_minute_and_no_longer(server) {
        let (_, ada) = ada(server);
        let visitor = Visitor::of(server, &ada);
        let ticket = visitor.ticket("/news/1");
        server.pass(59);
        assert_eq!(location(&visitor.door("GET", &ticket).send(), 303), "/news/1");
        visitor.drop_session();
        let ticket = visitor.ticket("/news/1");
        server.pass(60);
        assert_eq!(visitor.door("GET", &ticket).send().status, 410);
    }

    fn nobody_is_sent_to_a_host_that_is_protected_no_more(server) {
        let (_, ada) = ada(server);
        let docs = Visitor { host: "docs.example.com", ..Visitor::of(server, &ada) };
        let onward = docs.begin("/a");
        server.config.access.routes.retain(|route| route.host != docs.host);
        server.restart(0);
        assert_eq!(ada.session_status(), 200);
        let answer = docs.place.request("GET", &onward).header("Accept", HTML).send();
        assert_eq!(answer.status, 410);
        assert!(answer.header("location").is_none() && !answer.text().contains("ticket="), "{answer:?}");
        let shop = Visitor { place: docs.place.clone(), ..Visitor::new(server) };
        shop.enter("/news/1");
    }

    fn a_ticket_of_a_session_that_ended_meanwhile_opens_nothing(server) {
        let (root, ada) = ada(server);
        let visitor = Visitor::of(server, &ada);
        let ticket = visitor.ticket("/news/1");
        let ended = root.browser.delete(&format!("/v1/users/{}/sessions", ada.id));
        assert_eq!(ended.status, 200);
        assert_eq!(visitor.door("GET", &ticket).send().status, 410);
    }

    fn a_request_waits_for_a_quarter_of_an_hour_and_no_longer(server) {
        let (_, ada) = ada(server);
        let visitor = Visitor::of(server, &ada);
        let onward = visitor.begin("/news/1");
        server.pass(899);
        assert_eq!(location(&visitor.place.get(&onward), 303).split('?').next(), Some("https://shop.example.com/.doorward/callback"));
        let onward = visitor.begin("/news/1");
        server.pass(900);
        let gone = visitor.place.request("GET", &onward).header("Accept", HTML).send();
        assert_eq!(gone.status, 410);
        assert_eq!(visitor.place.get("/forward-auth/login?id=x").status, 410);
        assert_eq!(visitor.place.get("/forward-auth/login").status, 400);
    }
}
