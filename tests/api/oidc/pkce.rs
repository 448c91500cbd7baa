//! PKCE is always required of public clients, and of a client with a secret once it has used PKCE.

use serde_json::{Value, json};

use crate::on_both;
use crate::support::http::Answer;
use crate::support::race::{RUNNERS, race};
use crate::support::relying_party::{
    CALLBACK, RelyingParty, TokenSet, error_of, redirect_parameters,
};
use crate::support::test_server::TestServer;
use crate::support::test_user::TestUser;
use doorward::clients::{ActingAs, AuthMethod, ClientChange, RequirePkce};

const WITHOUT: [(&str, &str); 2] = [("code_challenge", ""), ("code_challenge_method", "")];
/// RFC 7636 §4.2, the method `plain`.
const PLAIN: &str = "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx";
const NEITHER: [(&str, &str); 3] = [WITHOUT[0], WITHOUT[1], ("nonce", "")];

fn client(root: &TestUser, app: &RelyingParty) -> Value {
    root.browser.get(&format!("/v1/clients/{}", app.id)).json()
}

fn change(root: &TestUser, app: &RelyingParty, body: &Value) -> Answer {
    let version = client(root, app)["version"].clone();
    let request = root
        .browser
        .request("PATCH", &format!("/v1/clients/{}", app.id));
    request
        .header("If-Match", &format!("\"{version}\""))
        .json(body)
        .send()
}

fn redeem_plain(app: &RelyingParty, code: &str) -> Answer {
    app.token(&[
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", CALLBACK),
    ])
}

fn refusal(answer: &Answer) -> String {
    let sent = redirect_parameters(answer);
    assert_eq!(
        (sent["error"].as_str(), sent.get("code")),
        ("invalid_request", None),
        "{sent:?}"
    );
    sent["error_description"].clone()
}

fn list_events(root: &TestUser, action: &str) -> Vec<Value> {
    let events = root
        .browser
        .get(&format!("/v1/audit-events?action={action}"))
        .json();
    events["items"].as_array().expect("events").clone()
}

fn assert_pkce_use_was_not_recorded(root: &TestUser, app: &RelyingParty) {
    assert_eq!(
        (
            client(root, app)["pkce_used"].clone(),
            list_events(root, "client.pkce_required").len()
        ),
        (json!(false), 0)
    );
}

fn usual(server: &TestServer) -> RelyingParty {
    server.relying_party(|_| {})
}

on_both! {
    fn a_confidential_client_may_use_a_nonce_until_it_has_used_pkce(server) {
        let root = server.administrator();
        let app = usual(server);
        assert_eq!(client(&root, &app)["require_pkce"], json!("auto"));
        let issued = TokenSet::read(&redeem_plain(&app, &app.code(&root.browser, &WITHOUT)));
        assert_eq!(issued.id_claims["nonce"], json!("the-nonce"));
        assert_pkce_use_was_not_recorded(&root, &app);
        // The first matching verifier makes PKCE mandatory for the client.
        TokenSet::read(&app.redeem(&app.code(&root.browser, &[])));
        let now = client(&root, &app);
        assert_eq!((now["pkce_used"].clone(), now["version"].clone()), (json!(true), json!(2)));
        let event = list_events(&root, "client.pkce_required").remove(0);
        assert_eq!((&event["client"], &event["actor"]), (&json!(app.id), &json!(format!("client:{}", app.id))));
        assert_eq!(event["details"]["pkce_used"], json!({ "before": false, "after": true }));
        let told = refusal(&app.authorize(&root.browser, &WITHOUT));
        assert!(told.contains("send code_challenge") && !told.contains("nonce"), "{told}");
        TokenSet::read(&app.redeem(&app.code(&root.browser, &[])));
        assert_eq!(list_events(&root, "client.pkce_required").len(), 1, "once");
        let history = root.browser.get(&format!("/v1/clients/{}/history", app.id)).json();
        assert_eq!(history["items"].as_array().map(Vec::len), Some(2), "{history}");
        // An administrator makes PKCE optional again; that is audited, and users who consented are asked again.
        let reset = change(&root, &app, &json!({ "pkce_used": false }));
        assert_eq!((reset.status, reset.json()["pkce_used"].clone()), (200, json!(false)));
        assert_eq!(list_events(&root, "client.updated")[0]["details"]["pkce_used"], json!({ "before": true, "after": false }));
        TokenSet::read(&redeem_plain(&app, &app.code(&root.browser, &WITHOUT)));
    }

    fn a_request_without_pkce_and_nonce_is_refused_with_both_remedies(server) {
        let root = server.administrator();
        let app = usual(server);
        for more in [NEITHER.to_vec(), [&WITHOUT[..], &[("scope", "email")]].concat()] {
            let told = refusal(&app.authorize(&root.browser, &more));
            let command = format!("doorward client update {} --no-pkce", app.id);
            assert!(told.contains("send code_challenge (PKCE") && told.contains("nonce") && told.contains(&command), "{told}");
        }
        let lax = server.relying_party(|metadata| metadata.require_pkce = RequirePkce::NEVER);
        TokenSet::read(&redeem_plain(&lax, &lax.code(&root.browser, &NEITHER)));
        TokenSet::read(&lax.redeem(&lax.code(&root.browser, &[])));
        assert_eq!(client(&root, &lax)["pkce_used"], json!(false), "it is not notified by itself");
        let strict = server.relying_party(|metadata| metadata.require_pkce = RequirePkce::ALWAYS);
        refusal(&strict.authorize(&root.browser, &WITHOUT));
    }

    fn a_public_client_always_needs_pkce(server) {
        let root = server.administrator();
        let public = server.relying_party(|metadata| metadata.token_endpoint_auth_method = AuthMethod::None);
        for more in [&WITHOUT[..], &NEITHER] {
            let told = refusal(&public.authorize(&root.browser, more));
            assert!(told.contains("send code_challenge") && !told.contains("--no-pkce") && !told.contains("nonce"), "{told}");
        }
        TokenSet::read(&public.redeem(&public.code(&root.browser, &[])));
        assert_pkce_use_was_not_recorded(&root, &public);
        assert_eq!(change(&root, &public, &json!({ "require_pkce": false })).status, 400);
        assert_eq!(change(&root, &public, &json!({ "require_pkce": "auto", "pkce_used": false })).status, 200);
        refusal(&public.authorize(&root.browser, &WITHOUT));
    }

    fn optional_pkce_allows_no_downgrade(server) {
        let root = server.administrator();
        let app = usual(server);
        for more in [
            [("code_challenge_method", "plain"), ("code_challenge", PLAIN)],
            [("code_challenge_method", ""), ("nonce", "x")],
            [("code_challenge", ""), ("code_challenge_method", "S256")],
        ] {
            refusal(&app.authorize(&root.browser, &more));
        }
        // A verifier for a code without a challenge, or a wrong one, has no effect.
        let refused = app.redeem(&app.code(&root.browser, &WITHOUT));
        assert_eq!((refused.status, error_of(&refused)), (400, "invalid_grant".into()));
        let code = app.code(&root.browser, &[]);
        let wrong = app.token(&[
            ("grant_type", "authorization_code"), ("code", &code), ("redirect_uri", CALLBACK), ("code_verifier", &"x".repeat(43)),
        ]);
        assert_eq!(error_of(&wrong), "invalid_grant");
        let other = usual(server);
        assert_eq!(error_of(&other.redeem(&app.code(&root.browser, &[]))), "invalid_grant", "another client's code");
        assert_pkce_use_was_not_recorded(&root, &app);
        // Requests and codes without PKCE from before the first verifier become invalid.
        let before = app.code(&root.browser, &WITHOUT);
        let stranger = root.clone().another_browser();
        let waits = app.authorize(&stranger, &[&WITHOUT[..], &[("prompt", "consent")]].concat());
        let waits = waits.header("location").expect("a location").to_owned();
        assert!(waits.starts_with("/oauth2/authorize/"), "{waits}");
        TokenSet::read(&app.redeem(&app.code(&root.browser, &[])));
        assert_eq!(error_of(&redeem_plain(&app, &before)), "invalid_grant");
        let answered = stranger.request("POST", &waits).page_form(&[("answer", "allow")]).send();
        assert_eq!(answered.status, 410, "{answered:?}");
    }

    fn twenty_first_redemptions_with_a_verifier_change_the_client_once(server) {
        let root = server.administrator();
        let app = usual(server);
        let codes: Vec<String> = (0..RUNNERS).map(|_| app.code(&root.browser, &[])).collect();
        let answers = race(codes, |code| app.redeem(&code));
        assert!(answers.iter().all(|answer| answer.status == 200), "{answers:?}");
        let now = client(&root, &app);
        assert_eq!((now["pkce_used"].clone(), now["version"].clone()), (json!(true), json!(2)));
        assert_eq!(list_events(&root, "client.pkce_required").len(), 1);
    }

    fn after_a_race_with_and_without_pkce_the_client_always_needs_pkce(server) {
        let root = server.administrator();
        let app = usual(server);
        let codes: Vec<(bool, String)> = (0..RUNNERS).map(|number| {
            let is_plain = number % 2 == 0;
            (is_plain, app.code(&root.browser, if is_plain { &WITHOUT } else { &[] }))
        }).collect();
        let answers = race(codes, |(is_plain, code)| {
            (is_plain, if is_plain { redeem_plain(&app, &code) } else { app.redeem(&code) })
        });
        for (is_plain, answer) in &answers {
            assert!(answer.status == 200 || (*is_plain && error_of(answer) == "invalid_grant"), "{answer:?}");
        }
        assert_eq!(list_events(&root, "client.pkce_required").len(), 1);
        refusal(&app.authorize(&root.browser, &WITHOUT));
    }

    fn first_redemptions_racing_a_reset_of_pkce_are_each_recorded_once(server) {
        let root = server.administrator();
        let app = usual(server);
        TokenSet::read(&app.redeem(&app.code(&root.browser, &[])));
        let codes = (0..RUNNERS).map(|_| Some(app.code(&root.browser, &[])));
        // Concurrently with three resets, as the command makes them: without a version.
        let runners: Vec<Option<String>> = codes.chain([None, None, None]).collect();
        let id = app.id.parse().expect("an ID");
        let server: &TestServer = server;
        let statuses = race(runners, |code| match code {
            Some(code) => app.redeem(&code).status,
            None => {
                let change = ClientChange { pkce_used: Some(false), ..ClientChange::default() };
                let reset = server.app.clients.update(id, change, None, ActingAs::command());
                if server.run(reset).is_ok() { 200 } else { 500 }
            }
        });
        assert!(statuses.iter().all(|status| *status == 200), "{statuses:?}");
        // Every reset that changed something is followed by at most one redemption that made PKCE mandatory again.
        let now = client(&root, &app);
        let used = now["pkce_used"] == json!(true);
        let learnt = list_events(&root, "client.pkce_required").len();
        let resets = list_events(&root, "client.updated").len();
        assert!((1..=3).contains(&resets), "{resets}");
        assert_eq!(learnt, resets + usize::from(used), "{now}");
        assert_eq!(now["version"], json!(1 + learnt + resets));
        // The recorded state is in force.
        let answer = app.authorize(&root.browser, &WITHOUT);
        assert_eq!(redirect_parameters(&answer).contains_key("code"), !used, "{answer:?}");
    }

    fn every_instance_knows_that_a_client_has_used_pkce(server) {
        let root = server.administrator();
        let app = usual(server);
        let second = server.another_instance();
        let elsewhere = root.browser.at_port(server.port(second));
        // Both instances have the client's record in their caches.
        app.code(&elsewhere, &WITHOUT);
        app.code(&root.browser, &WITHOUT);
        TokenSet::read(&app.redeem(&app.code(&root.browser, &[])));
        refusal(&app.authorize(&elsewhere, &WITHOUT));
    }
}
