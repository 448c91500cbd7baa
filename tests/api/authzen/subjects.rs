//! Subjects of decisions, callers that may request them, and sessions given as context.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Asker, PolicyFolder, asked, give_roles, grant, under};
use crate::api::roles::patch;
use crate::support::authenticator::SoftAuthenticator;
use crate::support::test_server::TestServer;
use crate::support::test_user::TestUser;

const EVALUATION: &str = "/access/v1/evaluation";

fn policies() -> PolicyFolder {
    PolicyFolder::of(
        r#"
        @id("people") permit (principal is User, action == Action::"be-known", resource);
        @id("services") permit (principal is Client, action == Action::"be-a-service", resource)
        when { principal.scopes.contains("users:read") };
        @id("external-subjects") permit (principal == ExternalSubject::"user:nobody", action == Action::"be-nobody", resource);
        @id("operators") permit (principal is User, action == Action::"operate", resource is order)
        when { context.resource_roles.contains("OPERATOR") };
        @id("fresh") permit (principal is User, action == Action::"be-fresh", resource)
        when { context has auth && context.auth.age <= 300 };
        @id("by-fact") permit (principal is User, action == Action::"by-fact", resource)
        when { principal has email && principal.email == "ceo@corp.example" };
        @id("by-claim") permit (principal is User, action == Action::"by-claim", resource)
        when { context.claimed has email && context.claimed.email like "*@corp.example" };
        @id("bound") permit (principal is User, action == Action::"be-bound", resource)
        when { context has auth && context.auth.acr_level >= 2 && context.auth.amr.contains("hwk") };
        "#,
    )
}

fn session_id(person: &TestUser) -> String {
    let session = person.browser.get("/v1/session").json();
    session["session"]["id"].as_str().expect("an id").to_owned()
}

fn in_session(subject: &str, action: &str, session: &str) -> Value {
    let mut request = asked(subject, action, "order:7");
    request["context"] = json!({ "session": session });
    request
}

fn is_known(asker: &Asker, subject: &str) -> bool {
    asker.decision(&asked(subject, "be-known", "order:7"))
}

fn people(server: &TestServer) -> (TestUser, TestUser) {
    let root = server.administrator();
    let ada = server.create_user(&root, "ada");
    (root, ada)
}

under! { policies();
    fn an_address_is_a_fact_when_it_is_verified_and_a_claim_before(server) {
        let root = server.administrator();
        let ada = server.create_user(&root, "ada");
        let asker = Asker::of(server);
        let decisions = || ["by-fact", "by-claim"].map(|action| asker.decision(&asked("ada", action, "order:7")));
        assert_eq!(decisions(), [false, false], "no address");
        let entered = ada.browser.request("PATCH", "/v1/me").json(&json!({ "email": "ceo@corp.example" })).send();
        assert_eq!(entered.status, 200, "{}", entered.text());
        assert_eq!(decisions(), [false, true]);
        let lie = json!({
            "subject": { "type": "user", "id": "ada", "properties": { "email": "ceo@corp.example" } },
            "action": { "name": "by-fact" }, "resource": { "type": "order", "id": "7" },
        });
        assert!(!asker.decision(&lie), "nor by the caller's word");
        let path = "/v1/users/ada";
        assert_eq!(patch(&root.browser, &root.browser, path, &json!({ "email_verified": true })).status, 200);
        assert_eq!(decisions(), [true, false]);
        let entered = ada.browser.request("PATCH", "/v1/me").json(&json!({ "email": "cfo@corp.example" })).send();
        assert_eq!(entered.status, 200, "{}", entered.text());
        assert_eq!(decisions(), [false, true]);
    }

    fn a_person_is_found_by_id_and_by_username_while_they_are_active(server) {
        let (root, ada) = people(server);
        let asker = Asker::of(server);
        assert!(is_known(&asker, "ada") && is_known(&asker, &ada.id) && is_known(&asker, "root"));
        for nobody in ["nobody", "", "users:ada", "User:ada", "Ada!", "00000000-0000-4000-8000-000000000000"] {
            let subject = if nobody.contains(':') { nobody.to_owned() } else { format!("user:{nobody}") };
            assert!(!is_known(&asker, &subject), "{nobody}");
        }
        assert!(asker.decision(&asked("user:nobody", "be-nobody", "order:7")));
        let suspended = root.browser.post_json("/v1/users/ada/suspend", &json!({}));
        assert!(suspended.status < 300, "{}", suspended.text());
        assert!(!is_known(&asker, "ada") && !is_known(&asker, &ada.id));
        let back = root.browser.post_json("/v1/users/ada/reactivate", &json!({}));
        assert!(back.status < 300, "{}", back.text());
        assert!(is_known(&asker, "ada"));
    }

    fn what_is_held_on_the_very_thing_counts_at_every_instance(server) {
        let (_, ada) = people(server);
        let asker = Asker::of(server);
        let second = server.another_instance();
        let other = asker.at_port(server.port(second));
        let operate = |thing: &str| asked("ada", "operate", thing);
        assert!(!asker.decision(&operate("order:7")) && !other.decision(&operate("order:7")));
        grant(server, &ada, "order:7", &["OPERATOR"]);
        assert!(asker.decision(&operate("order:7")) && other.decision(&operate("order:7")));
        assert!(!asker.decision(&operate("order:8")) && !other.decision(&operate("invoice:7")));
    }

    fn a_client_is_a_subject_while_it_is_enabled(server) {
        let root = server.administrator();
        let asker = Asker::of(server);
        let (service, _) = server.client(&["users:read"]);
        let request = asked(&format!("client:{service}"), "be-a-service", "order:7");
        assert!(asker.decision(&request));
        assert!(!asker.decision(&asked(&format!("client:{}", asker.id), "be-a-service", "order:7")));
        let disabled = root.browser.post_json(&format!("/v1/clients/{service}/disable"), &json!({}));
        assert!(disabled.status < 300, "{}", disabled.text());
        assert!(!asker.decision(&request));
    }

    fn a_session_counts_only_when_it_is_good_and_that_persons(server) {
        let (root, ada) = people(server);
        let asker = Asker::of(server);
        let session = session_id(&ada);
        assert!(asker.decision(&in_session("ada", "be-fresh", &session)));
        assert!(!asker.decision(&asked("ada", "be-fresh", "order:7")), "nobody knows how");
        for other in ["", "x", "00000000-0000-4000-8000-000000000000", &session_id(&root)] {
            assert!(!asker.decision(&in_session("ada", "be-fresh", other)), "{other}");
        }
        assert!(!asker.decision(&in_session("user:stranger", "be-fresh", &session)));
        let mut odd = asked("ada", "be-fresh", "order:7");
        odd["context"] = json!({ "session": [session], "auth": { "age": 0 } });
        assert!(!asker.decision(&odd));
        assert_eq!(ada.browser.delete("/v1/session").status, 204);
        assert!(!asker.decision(&in_session("ada", "be-fresh", &session)), "it has ended");
    }

    fn a_session_that_idled_out_or_expired_counts_for_nothing(server) {
        let (_, ada) = people(server);
        let asker = Asker::of(server);
        let session = session_id(&ada);
        let request = in_session("ada", "be-fresh", &session);
        server.pass(299);
        assert!(asker.decision(&request));
        server.pass(server.config.sessions.idle_timeout.as_secs());
        let answer = asker.post(EVALUATION, &request).json();
        assert_eq!(answer["decision"], false);
    }

    fn a_denial_for_want_of_a_better_sign_in_says_what_would_do(server) {
        let (root, ada) = people(server);
        let key = server.create_user_with(&root, &json!({ "username": "kay" }), SoftAuthenticator::device_bound(server.origin()));
        let asker = Asker::of(server);
        let ask = |request: &Value| asker.post(EVALUATION, request).json();
        let session = session_id(&ada);
        let bound = "urn:doorward:acr:device-bound";
        let answer = ask(&in_session("ada", "be-bound", &session));
        assert_eq!((&answer["decision"], &answer["context"]["acr_values"]), (&json!(false), &json!(bound)));
        assert_eq!(answer["context"]["error"], "insufficient_user_authentication");
        assert!(answer["context"].get("max_age").is_none());
        // In a batch, the response is the same.
        let batch = json!({ "evaluations": [in_session("ada", "be-known", &session), in_session("ada", "be-bound", &session)] });
        let answers = asker.post("/access/v1/evaluations", &batch).json();
        assert_eq!(answers, json!({ "evaluations": [{ "decision": true }, answer] }));
        assert!(asker.decision(&in_session("kay", "be-bound", &session_id(&key))));
        server.pass(Duration::from_secs(600).as_secs());
        let answer = ask(&in_session("ada", "be-fresh", &session));
        assert_eq!((&answer["decision"], &answer["context"]["max_age"]), (&json!(false), &json!(300)));
        assert!(answer["context"].get("acr_values").is_none());
        let answer = ask(&asked("ada", "be-fresh", "order:7"));
        assert_eq!((&answer["context"]["acr_values"], &answer["context"]["max_age"]), (&json!(format!("phr {bound}")), &json!(300)));
        assert_eq!(ask(&asked("ada", "operate", "order:7")), json!({ "decision": false }));
        assert_eq!(ask(&asked("user:stranger", "be-fresh", "order:7")), json!({ "decision": false }));
    }

    fn only_a_client_with_the_scope_may_ask(server) {
        let root = server.administrator();
        give_roles(server, &root, &["anything"]);
        let asker = Asker::of(server);
        let (id, secret) = server.client(&["users:read"]);
        let body = asked("root", "be-known", "order:7");
        for path in [EVALUATION, "/access/v1/evaluations", "/access/v1/search/subject", "/access/v1/search/resource", "/access/v1/search/action"] {
            let request = || asker.browser.request("POST", path).without_same_origin();
            let nobody = request().json(&body).send();
            assert_eq!(nobody.status, 401, "{path}");
            assert!(nobody.header("www-authenticate").is_some());
            // Session cookies are ignored, even an administrator's.
            let person = root.browser.request("POST", path).json(&body).send();
            assert_eq!(person.status, 401, "{path}");
            for (id, secret, status) in [(&asker.id, &secret, 401), (&id, &secret, 403), (&id, &asker.secret, 401)] {
                let answer = request().basic(id, secret).json(&body).send();
                assert_eq!(answer.status, status, "{path}");
                assert_eq!(answer.header("www-authenticate").is_some(), status == 401);
                assert!(answer.header("content-type").unwrap_or_default().starts_with("text/plain"));
            }
            let answer = request().bearer("nonsense").json(&body).send();
            assert_eq!((answer.status, answer.header("www-authenticate").is_some()), (401, true));
            // The origin is not checked for a client's credentials, because no cookie is used.
            let answer = request().basic(&asker.id, &asker.secret).header("Origin", "https://elsewhere.example").json(&json!({})).send();
            assert_eq!(answer.status, 400, "{path}");
        }
    }

    fn a_persons_token_asks_for_no_decisions(server) {
        let root = server.administrator();
        let app = server.delegated_app("openid access:evaluate");
        let issued = app.sign_in(&root.browser, &[("scope", "openid access:evaluate")]);
        assert_eq!(issued.answer["scope"], json!("access:evaluate openid"));
        let body = asked("root", "be-known", "order:7");
        for path in [EVALUATION, "/access/v1/evaluations", "/access/v1/search/subject", "/access/v1/search/resource", "/access/v1/search/action"] {
            let answer = app.server.request("POST", path).without_same_origin().bearer(&issued.access).json(&body).send();
            assert_eq!(answer.status, 403, "{path}: {}", answer.text());
            assert!(!answer.text().contains("decision\""), "{path}");
        }
    }

    fn a_token_of_the_clients_own_will_do(server) {
        people(server);
        let asker = Asker::of(server);
        let token = asker.browser.request("POST", "/oauth2/token").without_same_origin().basic(&asker.id, &asker.secret)
            .form(&[("grant_type", "client_credentials"), ("scope", "access:evaluate")]).send();
        assert_eq!(token.status, 200, "{}", token.text());
        let token = token.json()["access_token"].as_str().expect("a token").to_owned();
        let answer = asker.browser.request("POST", EVALUATION).without_same_origin().bearer(&token)
            .json(&asked("ada", "be-known", "order:7")).send();
        assert_eq!((answer.status, answer.json()["decision"].clone()), (200, json!(true)));
    }
}
