//! Clients that fail to authenticate by their own method, at every endpoint that authenticates clients.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use doorward::clients::{AuthMethod, GrantType};

use super::{FORM, SCRIPT, assert_refused, assert_stays};
use crate::on_both;
use crate::support::binary;
use crate::support::http::{Answer, Request, TestBrowser, basic, form_encoded};
use crate::support::process::{free_port, wait_until};
use crate::support::relying_party::RelyingParty;

/// Endpoints that authenticate clients.
const PATHS: [&str; 3] = ["/oauth2/token", "/oauth2/introspect", "/oauth2/revoke"];

/// A body that is valid at all of them.
const BODY: &str = "grant_type=client_credentials&token=x";

fn post<'browser>(browser: &'browser TestBrowser, path: &str, body: &str) -> Request<'browser> {
    let request = browser.request("POST", path).without_same_origin();
    request.body(format!("{BODY}{body}"), FORM)
}

fn in_body(app: &RelyingParty, secret: &str) -> String {
    format!(
        "&client_id={}&client_secret={}",
        app.id,
        form_encoded(secret)
    )
}

/// RFC 6749 §5.2: a client that used the `Authorization` header gets a challenge.
fn assert_unknown_by_header(answers: &[Answer]) {
    for answer in answers {
        assert_refused(answer, 401, "invalid_client");
        let challenge = answer.header("www-authenticate").expect("a challenge");
        assert!(challenge.starts_with("Basic realm="), "{challenge}");
        // The response doesn't reveal what was wrong.
        assert_eq!(answer.text(), answers[0].text());
    }
}

/// RFC 6749 §5.2: a client that did not use the header gets 400 without a challenge.
fn assert_unknown_in_body(answers: &[Answer]) {
    for answer in answers {
        assert_refused(answer, 400, "invalid_client");
        assert_eq!(answer.header("www-authenticate"), None, "{answer:?}");
        assert_eq!(answer.text(), answers[0].text());
    }
}

on_both! {
    fn malformed_credentials_are_refused(server) {
        let app = server.relying_party(|metadata| metadata.grant_types.push(GrantType::ClientCredentials));
        let secret = app.secret.clone().expect("a secret");
        let browser = server.browser();
        let encoded = |pair: String| format!("Basic {}", STANDARD.encode(pair));
        let (other, wrong) = (uuid::Uuid::new_v4().to_string(), "A".repeat(43));
        let garbage = [
            "Basic".to_owned(), "Basic ".into(), "Basic x".into(), "Basic =".into(), "Basic %%%".into(),
            encoded(String::new()), encoded(":".into()), encoded(app.id.clone()), encoded(format!("{}:", app.id)),
            encoded(format!(":{secret}")), encoded(format!("{}:{secret}:", app.id)), encoded(format!("{}:{secret}&x", app.id)),
            encoded(format!("{}:{secret}%00", app.id)), encoded(format!("{}\0:{secret}", app.id)), encoded(format!("%FF:{secret}")),
            encoded(format!("{}:{wrong}", app.id)), encoded(format!("{other}:{secret}")), encoded(format!("{SCRIPT}:{SCRIPT}")),
            encoded(format!("{}:{secret}", app.id.to_uppercase())), encoded("x".repeat(20_000)),
            format!("Bearer {secret}"), format!("Digest username=\"{}\"", app.id), "Negotiate x".into(), String::new(), SCRIPT.into(),
            basic(&app.id, &secret).replace("Basic ", "Basic"), basic(&app.id, &secret).replace(' ', ","),
        ];
        for path in PATHS {
            let answers: Vec<Answer> = garbage
                .iter()
                .map(|header| post(&browser, path, "").header("Authorization", header).send())
                .collect();
            assert_unknown_by_header(&answers);
            let bodies = [
                String::new(), in_body(&app, ""), in_body(&app, &wrong), in_body(&app, SCRIPT), in_body(&app, &format!("{secret}x")),
                format!("&client_id={other}&client_secret={secret}"), format!("&client_id={}", form_encoded(SCRIPT)),
                format!("&client_secret={secret}"),
                "&client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer&client_assertion=x".into(),
            ];
            let answers: Vec<Answer> = bodies.iter().map(|body| post(&browser, path, body).send()).collect();
            assert_unknown_in_body(&answers);
            assert_ne!(post(&browser, path, "").basic(&app.id, &secret).send().status, 401, "{path}");
        }
    }

    fn two_client_authentication_methods_are_refused(server) {
        let app = server.relying_party(|metadata| metadata.grant_types.push(GrantType::ClientCredentials));
        let other = server.relying_party(|_| {});
        let secret = app.secret.clone().expect("a secret");
        let browser = server.browser();
        for path in PATHS {
            let send = |body: &str| post(&browser, path, body).basic(&app.id, &secret).send();
            for answer in [
                // RFC 6749 §2.3: one method in each request.
                send(&in_body(&app, &secret)),
                send(&format!("&client_secret={secret}")),
                send("&client_secret=x"),
                send(&format!("&client_id={}", other.id)),
                send("&client_id=x"),
                post(&browser, path, "").basic(&app.id, &secret).another_header("Authorization", &basic(&app.id, &secret)).send(),
                post(&browser, path, "").basic(&app.id, &secret).another_header("Authorization", "Bearer x").send(),
            ] {
                assert_refused(&answer, 400, "invalid_request");
            }
            let said_again = send(&format!("&client_id={}", app.id));
            assert!(said_again.status == 200, "{said_again:?}");
        }
    }

    fn only_the_registered_method_is_accepted(server) {
        let register_app = |method: AuthMethod| server.relying_party(move |metadata| {
            metadata.token_endpoint_auth_method = method;
            metadata.accepts_either_secret_method = false;
            metadata.grant_types.push(GrantType::ClientCredentials);
        });
        let by_header = register_app(AuthMethod::ClientSecretBasic);
        let by_body = register_app(AuthMethod::ClientSecretPost);
        let public = server.relying_party(|metadata| metadata.token_endpoint_auth_method = AuthMethod::None);
        let browser = server.browser();
        let secret = |app: &RelyingParty| app.secret.clone().expect("a secret");
        let drawn = "A".repeat(43);
        for path in PATHS {
            assert_unknown_by_header(&[
                post(&browser, path, "").basic(&by_body.id, &secret(&by_body)).send(),
                post(&browser, path, "").basic(&by_body.id, "").send(),
                post(&browser, path, "").basic(&by_header.id, "").send(),
                post(&browser, path, "").basic(&public.id, &drawn).send(),
            ]);
            assert_unknown_in_body(&[
                post(&browser, path, &in_body(&by_header, &secret(&by_header))).send(),
                post(&browser, path, &format!("&client_id={}", by_header.id)).send(),
                post(&browser, path, &format!("&client_id={}", by_body.id)).send(),
                post(&browser, path, &in_body(&public, &drawn)).send(),
            ]);
            let good = post(&browser, path, &in_body(&by_body, &secret(&by_body))).send();
            assert_eq!(good.status, 200, "{path} {good:?}");
        }
        assert!(public.secret.is_none());
    }

    fn the_log_names_client_method_used_and_method_registered(server) {
        let app = server.relying_party(|metadata| metadata.accepts_either_secret_method = false);
        let secret = app.secret.clone().expect("a secret");
        let mut config = server.config.clone();
        config.server.listen.set_port(free_port());
        let printed = tempfile::NamedTempFile::new().expect("a file");
        let process = binary::serve(&config, printed.path());
        let browser = server.browser().at_port(config.server.listen.port());
        let told = |words: &[&str]| {
            wait_until("the refusal is logged", Duration::from_secs(10), || {
                let output = process.output();
                output.lines().any(|line| words.iter().all(|word| line.contains(word)))
            });
        };
        let client = format!("client_id={}", app.id);
        post(&browser, "/oauth2/token", &in_body(&app, &secret)).send();
        told(&["reason=\"wrong-auth-method\"", &client, "method_used=\"client_secret_post\"", "method_registered=\"client_secret_basic\""]);
        post(&browser, "/oauth2/introspect", "").basic(&app.id, &"A".repeat(43)).send();
        told(&["reason=\"wrong-secret\"", &client, "method_used=\"client_secret_basic\"", "method_registered=\"client_secret_basic\""]);
        // A truncated secret is malformed; the log still names the client.
        post(&browser, "/oauth2/revoke", "").basic(&app.id, &secret[20..]).send();
        told(&["reason=\"malformed\"", &client, "method_used=\"client_secret_basic\""]);
        // Doorward's own API as well.
        browser.request("GET", "/v1/users").basic(&app.id, &"A".repeat(43)).send();
        told(&["reason=\"wrong-secret\"", &client, "/v1/users"]);
        assert!(!process.output().contains(&secret[20..]), "a secret is in the log");
    }

    fn credentials_in_the_query_are_ignored(server) {
        let app = server.relying_party(|metadata| {
            metadata.token_endpoint_auth_method = AuthMethod::ClientSecretPost;
            metadata.grant_types.push(GrantType::ClientCredentials);
        });
        let browser = server.browser();
        let in_address = in_body(&app, app.secret.as_deref().expect("a secret"));
        for path in PATHS {
            // RFC 6749 §2.3.1: never in the request URI.
            assert_unknown_in_body(&[post(&browser, &format!("{path}?{in_address}"), "").send()]);
        }
    }

    fn a_disabled_client_is_refused(server) {
        let root = server.administrator();
        let app = server.relying_party(|_| {});
        let id = doorward::base::ids::ClientId::parse(&app.id).expect("an id");
        let disabled = server.run(server.app.clients.disable(id, None, doorward::clients::ActingAs::command()));
        disabled.expect("disabled");
        let secret = app.secret.clone().expect("a secret");
        let browser = server.browser();
        for path in PATHS {
            assert_unknown_by_header(&[post(&browser, path, "").basic(&app.id, &secret).send()]);
        }
        assert_stays(&app.authorize(&root.browser, &[]));
    }
}
