//! The OpenID provider of an account (RFC 7033); the response is the same for every account of a domain.

use serde_json::{Value, json};

use crate::on_both;
use crate::support::http::Answer;
use crate::support::test_server::TestServer;

const ISSUER: &str = "http://openid.net/specs/connect/1.0/issuer";

fn query_webfinger(server: &TestServer, fields: &[(&str, &str)]) -> Answer {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(fields);
    let answer = server
        .browser()
        .get(&format!("/.well-known/webfinger?{}", query.finish()));
    assert_eq!(
        answer.header("access-control-allow-origin"),
        Some("*"),
        "{answer:?}"
    );
    answer
}

fn names_issuer(server: &TestServer, resource: &str) {
    let answer = query_webfinger(server, &[("resource", resource), ("rel", ISSUER)]);
    assert_eq!(
        (answer.status, answer.header("content-type")),
        (200, Some("application/jrd+json")),
        "{resource}"
    );
    let issuer = json!([{ "rel": ISSUER, "href": server.origin() }]);
    assert_eq!(
        answer.json(),
        json!({ "subject": resource, "links": issuer })
    );
}

on_both! {
    fn every_account_at_the_public_host_has_this_issuer(server) {
        server.administrator();
        let origin = server.origin().to_owned();
        let authority = origin.split_once("://").expect("an origin").1;
        // It makes no difference whether the account exists.
        for resource in ["acct:root@localhost", "acct:nobody@localhost", "acct:root@LOCALHOST", &format!("acct:root@{authority}"), &origin, &format!("{origin}/root")] {
            names_issuer(server, resource);
        }
        let all = query_webfinger(server, &[("resource", "acct:root@localhost")]);
        assert_eq!(all.json()["links"][0]["rel"], json!(ISSUER));
        let other = query_webfinger(server, &[("resource", "acct:root@localhost"), ("rel", "http://webfinger.net/rel/avatar")]);
        assert_eq!((other.status, other.json()["links"].clone()), (200, json!([])));
        let both = query_webfinger(server, &[("resource", "acct:root@localhost"), ("rel", "x"), ("rel", ISSUER)]);
        assert_eq!(both.json()["links"].as_array().map(Vec::len), Some(1));
    }

    fn other_hosts_and_invalid_accounts_are_refused(server) {
        for unknown in ["acct:root@example.com", "https://example.com/", "acct:root@evil@example.com", "https://localhost.example.com", "acct:root@localhost:1"] {
            assert_eq!(query_webfinger(server, &[("resource", unknown)]).status, 404, "{unknown}");
        }
        let long = format!("acct:{}@localhost", "x".repeat(2_048));
        for bad in ["", "root", "root@localhost", "mailto:root@localhost", "acct:@localhost", "acct:root@", "https://root@localhost/", "javascript:alert(1)", &long] {
            let refused = query_webfinger(server, &[("resource", bad)]);
            assert_eq!((refused.status, refused.json()["parameter"].clone()), (400, json!("resource")), "{bad}");
        }
        for fields in [vec![], vec![("rel", ISSUER)], vec![("resource", "acct:a@localhost"), ("resource", "acct:b@localhost")]] {
            assert_eq!(query_webfinger(server, &fields).status, 400, "{fields:?}");
        }
        assert_eq!(server.browser().request("POST", "/.well-known/webfinger?resource=acct:a@localhost").send().status, 405);
    }
}

#[test]
fn further_domains_come_from_the_configuration() {
    let server = TestServer::embedded_with(|config| {
        config.server.webfinger_domains = vec!["corp.example".into()];
    });
    names_issuer(&server, "acct:ada@corp.example");
    names_issuer(&server, "https://corp.example/ada");
    assert_eq!(
        query_webfinger(&server, &[("resource", "acct:ada@sub.corp.example")]).status,
        404
    );
    let answer = query_webfinger(&server, &[("resource", "acct:ada@other.example")]);
    assert_eq!(
        (answer.status, answer.json()["links"].clone()),
        (404, Value::Null)
    );
}
