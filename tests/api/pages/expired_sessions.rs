//! A session that ends while a form is filled in: the input is stored for the same user in the same browser.

use doorward::base::secrets::Token;
use serde_json::json;

use crate::on_both;
use crate::support::forms::fields_of;
use crate::support::http::{Answer, TestBrowser};

const LONG: u64 = 40 * 24 * 3600;

fn send(browser: &TestBrowser, html: &str, action: &str, typed: &[(&str, &str)]) -> Answer {
    let mut fields = fields_of(html, action);
    fields.retain(|(name, _)| typed.iter().all(|(other, _)| other != name));
    fields.extend(
        typed
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned())),
    );
    let fields: Vec<(&str, &str)> = fields
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    browser.request("POST", action).form(&fields).send()
}

/// Returns the URL that a sign-in continues to.
fn destination(browser: &TestBrowser, login: &str) -> String {
    let answer = browser.get(login);
    assert_eq!(answer.status, 303, "a signed-in user continues: {answer:?}");
    answer.header("location").unwrap_or_default().to_owned()
}

on_both! {
    fn form_input_is_restored_after_signing_in_and_nothing_is_written(server) {
        let mut root = server.administrator();
        let mut zoe = server.create_user(&root, "zoe");
        let browser = root.browser.clone();
        let pages = [
            ("/account", "/account/profile", &[("display_name", "Typed Name")][..]),
            ("/admin", "/admin/invitations", &[("display_name", "Typed Guest"), ("role:admin", "yes")]),
            ("/admin/clients/new", "/admin/clients/new", &[("client_name", "Typed App")]),
        ].map(|(at, action, typed)| (at, action, typed, browser.get(at).text()));
        server.advance_clock(LONG);
        let events = |browser: &TestBrowser| browser.get("/v1/audit-events?limit=200").json()["items"].as_array().map(Vec::len).expect("events");
        let mut logins = Vec::new();
        for (at, action, typed, html) in &pages {
            let answer = send(&browser, html, action, typed);
            let login = answer.header("location").unwrap_or_default().to_owned();
            assert!(answer.status == 303 && login.starts_with("/login?notice=session_ended&continue="), "{answer:?}");
            assert!(!login.contains("Typed"), "an opaque id: {login}");
            assert!(browser.get(&login).text().contains("Your session has expired"));
            logins.push((login, *at, *action, *typed));
        }
        assert_eq!(root.sign_in_at(&browser).status, 200);
        let before = events(&browser);
        for (login, at, action, typed) in &logins {
            let to = destination(&browser, login);
            let id = to.strip_prefix(&format!("{at}?form=")).unwrap_or_else(|| panic!("{to}"));
            let stored_at = format!("form:{}", Token::parse(id).expect("an id").hash().to_text());
            let stored = server.run(server.app.ephemeral.get(&[&stored_at])).expect("a result").remove(0).expect("the form");
            assert!(stored.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)), "sealed: {stored}");
            for _ in 0..2 {
                let page = browser.get(&to);
                let kept = page.text();
                let kept = kept.split("id=\"restored-form\">").nth(1).and_then(|rest| rest.split("</script>").next());
                let kept: serde_json::Value = serde_json::from_str(kept.expect("the stored input")).expect("JSON");
                assert_eq!(kept["action"], *action);
                for (name, value) in *typed {
                    assert!(kept["fields"].as_array().is_some_and(|all| all.contains(&json!([name, value]))), "{name}: {kept}");
                }
                assert!(!kept.to_string().contains("rendered_for"));
            }
        }
        assert_eq!(events(&browser), before, "nothing was written");
        // Another browser of the same user, and another user in the same browser, get the page without the input.
        let to = destination(&browser, &logins[0].0);
        let elsewhere = root.another_browser();
        assert!(!elsewhere.get(&to).text().contains("Typed Name"));
        assert_eq!(zoe.sign_in_at(&browser).status, 200);
        let page = browser.get(&to);
        assert!(page.status == 200 && !page.text().contains("Typed Name") && !page.text().contains("restored-form"));
        // After an hour it is deleted.
        assert_eq!(root.sign_in_at(&browser).status, 200);
        assert!(browser.get(&to).text().contains("Typed Name"));
        server.advance_clock(3601);
        assert_eq!(root.sign_in_at(&browser).status, 200);
        assert!(!browser.get(&to).text().contains("Typed Name"));
    }

    fn overlong_input_and_input_without_a_user_are_not_stored(server) {
        let root = server.administrator();
        let html = root.browser.get("/account").text();
        server.advance_clock(LONG);
        let long = "x".repeat(20_000);
        let answer = send(&root.browser, &html, "/account/profile", &[("display_name", &long)]);
        assert_eq!((answer.status, answer.header("location")), (303, Some("/login?notice=session_ended")));
        let nameless = root.browser.request("POST", "/account/profile").form(&[("display_name", "x")]).send();
        assert_eq!((nameless.status, nameless.header("location")), (303, Some("/login?notice=session_ended")));
    }

    /// A form at a URL without a page of its own leads back to the page that shows it.
    fn every_form_returns_to_a_page(server) {
        let mut root = server.administrator();
        let browser = root.browser.clone();
        let (client, _) = server.client(&[]);
        let forms = [
            ("/account".to_owned(), "/account/device-link".to_owned()), ("/account".into(), "/account/profile".into()),
            (format!("/admin/clients/{client}/disable"), format!("/admin/clients/{client}/disable")),
            ("/admin/resources/detail?type=order&id=17".into(), "/admin/resources/detail".into()),
            ("/admin/roles".into(), "/admin/roles".into()), (format!("/admin/users/{}/roles", root.id), format!("/admin/users/{}/roles", root.id)),
            (format!("/admin/users/{}/role-assignments", root.id), format!("/admin/users/{}/role-assignments", root.id)),
        ].map(|(at, action)| { let html = browser.get(&at).text(); (at, action, html) });
        server.advance_clock(LONG);
        let logins: Vec<(String, String)> = forms.iter().map(|(at, action, html)| {
            let answer = send(&browser, html, action, &[]);
            (at.clone(), answer.header("location").unwrap_or_default().to_owned())
        }).collect();
        assert_eq!(root.sign_in_at(&browser).status, 200);
        for (at, login) in logins {
            let to = destination(&browser, &login);
            assert!(to.starts_with(&at), "{at}: {to}");
            assert_eq!(browser.get(&to).status, 200, "{to}");
        }
    }
}
