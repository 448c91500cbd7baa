//! `/.well-known/security.txt` (RFC 9116).

use std::collections::HashMap;
use std::time::Duration;

use doorward::base::clock::{Clock, Timestamp};

use crate::on_both;
use crate::support::binary;
use crate::support::http::TestBrowser;
use crate::support::process::free_port;
use crate::support::test_server::TestServer;

const PATH: &str = "/.well-known/security.txt";
const CONTACT: &str = "DOORWARD__SECURITY__CONTACT";

on_both! {
    fn the_security_contact_is_published_if_configured(server) {
        assert_eq!(server.browser().get(PATH).status, 404, "no contact is published");
        let mut config = server.config.clone();
        config.server.listen.set_port(free_port());
        let printed = tempfile::NamedTempFile::new().expect("a file");
        let mut command = binary::command(&config);
        command
            .env(CONTACT, r#"["mailto:security@example.com", "https://example.com/report"]"#)
            .env("DOORWARD__SECURITY__LANGUAGES", r#"["en", "de-CH"]"#);
        let _process = binary::serve_command(&mut command, &config, printed.path());
        let browser = TestBrowser::new(config.server.listen.port(), server.origin());
        let answer = browser.get(PATH);
        assert_eq!(answer.status, 200, "{answer:?}");
        // RFC 9116 §3: plain text in UTF-8.
        assert_eq!(answer.header("content-type"), Some("text/plain; charset=utf-8"));
        let text = answer.text();
        let mut fields: HashMap<&str, Vec<&str>> = HashMap::new();
        for line in text.lines() {
            let (name, value) = line.split_once(": ").expect("a field");
            fields.entry(name).or_default().push(value);
        }
        // In order of preference.
        assert_eq!(fields["Contact"], ["mailto:security@example.com", "https://example.com/report"]);
        assert_eq!(fields["Canonical"], [format!("{}{PATH}", server.origin())]);
        assert_eq!(fields["Preferred-Languages"], ["en, de-CH"]);
        let [expires] = fields["Expires"][..] else { panic!("exactly one Expires: {text}") };
        let expires = Timestamp::parse(expires).expect("an instant");
        let now = Clock::system().now();
        let year = Duration::from_secs(365 * 24 * 3_600);
        assert!(expires > now && expires < now.after(year), "{text}");
        assert_eq!(fields.len(), 4, "{text}");
        let head = browser.request("HEAD", PATH).send();
        assert_eq!((head.status, head.body.len()), (200, 0));
        assert_eq!(browser.request("POST", PATH).send().status, 405);
    }
}

#[test]
fn a_contact_that_is_not_a_uri_is_refused() {
    let server = TestServer::embedded();
    for bad in [
        "security@example.com",
        "http://example.com/report",
        "javascript:alert(1)",
        "mailto:a@example.com\\nExpires: 2000-01-01T00:00:00Z",
        "mailto:",
        "",
    ] {
        let mut command = binary::command(&server.config);
        let ran = binary::finish(
            command
                .env(CONTACT, format!("[\"{bad}\"]"))
                .args(["config", "check"]),
        );
        assert_eq!(ran.code, 6, "{bad}: {}", ran.errors);
        assert!(ran.errors.contains("security.contact"), "{}", ran.errors);
    }
    let mut command = binary::command(&server.config);
    let ran = binary::finish(
        command
            .env("DOORWARD__SECURITY__LANGUAGES", r#"["en, x"]"#)
            .args(["config", "check"]),
    );
    assert_eq!(ran.code, 6, "{}", ran.errors);
    assert!(ran.errors.contains("security.languages"), "{}", ran.errors);
}
