//! Subjects of decisions, callers that may request them, and sessions given as context.

use std::time::Duration;

use serde_json::{Value, json};

use super::{
    DecisionClient, PolicyFolder, asked, assign_global_roles, assign_roles, on_both_with_policies,
};
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

fn is_known(decision_client: &DecisionClient, subject: &str) -> bool {
    decision_client.decision(&asked(subject, "be-known", "order:7"))
}

fn create_users(server: &TestServer) -> (TestUser, TestUser) {
    let root = server.administrator();
    let ada = server.create_user(&root, "ada");
    (root, ada)
}

on_both_with_policies! { policies();
    fn an_email_address_is_a_fact_only_once_verified(server) {
        let root = server.administrator();
        let ada = server.create_user(&root, "ada");
        let decision_client = DecisionClient::of(server);
        let decisions = || ["by-fact", "by-claim"].map(|action| decision_client.decision(&asked("ada", action, "order:7")));
        assert_eq!(decisions(), [false, false], "no address");
        let entered = ada.browser.request("PATCH", "/v1/me").json(&json!({ "email": "ceo@corp.example" })).send();
        assert_eq!(entered.status, 200, "{}", entered.text());
        assert_eq!(decisions(), [false, true]);
        let lie = json!({
            "subject": { "type": "user", "id": "ada", "properties": { "email": "ceo@corp.example" } },
            "action": { "name": "by-fact" }, "resource": { "type": "order", "id": "7" },
        });
        assert!(!decision_client.decision(&lie), "nor by the caller's claim");
        let path = "/v1/users/ada";
        assert_eq!(patch(&root.browser, &root.browser, path, &json!({ "email_verified": true })).status, 200);
        assert_eq!(decisions(), [true, false]);
        let entered = ada.browser.request("PATCH", "/v1/me").json(&json!({ "email": "cfo@corp.example" })).send();
        assert_eq!(entered.status, 200, "{}", entered.text());
        assert_eq!(decisions(), [false, true]);
    }

    fn an_active_user_is_found_by_id_and_by_username(server) {
        let (root, ada) = create_users(server);
        let decision_client = DecisionClient::of(server);
        assert!(is_known(&decision_client, "ada") && is_known(&decision_client, &ada.id) && is_known(&decision_client, "root"));
        for unknown in ["nobody", "", "users:ada", "User:ada", "Ada!", "00000000-0000-4000-8000-000000000000"] {
            let subject = if unknown.contains(':') { unknown.to_owned() } else { format!("user:{unknown}") };
            assert!(!is_known(&decision_client, &subject), "{unknown}");
        }
        assert!(decision_client.decision(&asked("user:nobody", "be-nobody", "order:7")));
        let suspended = root.browser.post_json("/v1/users/ada/suspend", &json!({}));
        assert!(suspended.status < 300, "{}", suspended.text());
        assert!(!is_known(&decision_client, "ada") && !is_known(&decision_client, &ada.id));
        let back = root.browser.post_json("/v1/users/ada/reactivate", &json!({}));
        assert!(back.status < 300, "{}", back.text());
        assert!(is_known(&decision_client, "ada"));
    }

    fn roles_on_the_resource_count_at_every_instance(server) {
        let (_, ada) = create_users(server);
        let decision_client = DecisionClient::of(server);
        let second = server.another_instance();
        let other = decision_client.at_port(server.port(second));
        let operate = |resource: &str| asked("ada", "operate", resource);
        assert!(!decision_client.decision(&operate("order:7")) && !other.decision(&operate("order:7")));
        assign_roles(server, &ada, "order:7", &["OPERATOR"]);
        assert!(decision_client.decision(&operate("order:7")) && other.decision(&operate("order:7")));
        assert!(!decision_client.decision(&operate("order:8")) && !other.decision(&operate("invoice:7")));
    }

    fn a_client_is_a_subject_while_it_is_enabled(server) {
        let root = server.administrator();
        let decision_client = DecisionClient::of(server);
        let (service, _) = server.client(&["users:read"]);
        let request = asked(&format!("client:{service}"), "be-a-service", "order:7");
        assert!(decision_client.decision(&request));
        assert!(!decision_client.decision(&asked(&format!("client:{}", decision_client.id), "be-a-service", "order:7")));
        let disabled = root.browser.post_json(&format!("/v1/clients/{service}/disable"), &json!({}));
        assert!(disabled.status < 300, "{}", disabled.text());
        assert!(!decision_client.decision(&request));
    }

    fn a_session_counts_only_if_valid_and_the_subjects_own(server) {
        let (root, ada) = create_users(server);
        let decision_client = DecisionClient::of(server);
        let session = session_id(&ada);
        assert!(decision_client.decision(&in_session("ada", "be-fresh", &session)));
        assert!(!decision_client.decision(&asked("ada", "be-fresh", "order:7")), "unknown means of sign-in");
        for other in ["", "x", "00000000-0000-4000-8000-000000000000", &session_id(&root)] {
            assert!(!decision_client.decision(&in_session("ada", "be-fresh", other)), "{other}");
        }
        assert!(!decision_client.decision(&in_session("user:stranger", "be-fresh", &session)));
        let mut odd = asked("ada", "be-fresh", "order:7");
        odd["context"] = json!({ "session": [session], "auth": { "age": 0 } });
        assert!(!decision_client.decision(&odd));
        assert_eq!(ada.browser.delete("/v1/session").status, 204);
        assert!(!decision_client.decision(&in_session("ada", "be-fresh", &session)), "it has ended");
    }

    fn a_decision_does_not_count_a_stale_or_expired_session(server) {
        let (_, ada) = create_users(server);
        let decision_client = DecisionClient::of(server);
        let session = session_id(&ada);
        let request = in_session("ada", "be-fresh", &session);
        server.advance_clock(299);
        assert!(decision_client.decision(&request));
        server.advance_clock(server.config.sessions.idle_timeout.as_secs());
        let answer = decision_client.post(EVALUATION, &request).json();
        assert_eq!(answer["decision"], false);
    }

    fn a_denial_names_the_sign_in_that_would_suffice(server) {
        let (root, ada) = create_users(server);
        let key = server.create_user_with(&root, &json!({ "username": "kay" }), SoftAuthenticator::device_bound(server.origin()));
        let decision_client = DecisionClient::of(server);
        let ask = |request: &Value| decision_client.post(EVALUATION, request).json();
        let session = session_id(&ada);
        let bound = "urn:doorward:acr:device-bound";
        let answer = ask(&in_session("ada", "be-bound", &session));
        assert_eq!((&answer["decision"], &answer["context"]["acr_values"]), (&json!(false), &json!(bound)));
        assert_eq!(answer["context"]["error"], "insufficient_user_authentication");
        assert!(answer["context"].get("max_age").is_none());
        // In a batch, the response is the same.
        let batch = json!({ "evaluations": [in_session("ada", "be-known", &session), in_session("ada", "be-bound", &session)] });
        let answers = decision_client.post("/access/v1/evaluations", &batch).json();
        assert_eq!(answers, json!({ "evaluations": [{ "decision": true }, answer] }));
        assert!(decision_client.decision(&in_session("kay", "be-bound", &session_id(&key))));
        server.advance_clock(Duration::from_secs(600).as_secs());
        let answer = ask(&in_session("ada", "be-fresh", &session));
        assert_eq!((&answer["decision"], &answer["context"]["max_age"]), (&json!(false), &json!(300)));
        assert!(answer["context"].get("acr_values").is_none());
        let answer = ask(&asked("ada", "be-fresh", "order:7"));
        assert_eq!((&answer["context"]["acr_values"], &answer["context"]["max_age"]), (&json!(format!("phr {bound}")), &json!(300)));
        assert_eq!(ask(&asked("ada", "operate", "order:7")), json!({ "decision": false }));
        assert_eq!(ask(&asked("user:stranger", "be-fresh", "order:7")), json!({ "decision": false }));
    }

    fn only_a_client_with_the_scope_may_request_decisions(server) {
        let root = server.administrator();
        assign_global_roles(server, &root, &["anything"]);
        let decision_client = DecisionClient::of(server);
        let (id, secret) = server.client(&["users:read"]);
        let body = asked("root", "be-known", "order:7");
        for path in [EVALUATION, "/access/v1/evaluations", "/access/v1/search/subject", "/access/v1/search/resource", "/access/v1/search/action"] {
            let request = || decision_client.browser.request("POST", path).without_same_origin();
            let unknown = request().json(&body).send();
            assert_eq!(unknown.status, 401, "{path}");
            assert!(unknown.header("www-authenticate").is_some());
            // Session cookies are ignored, even an administrator's.
            let person = root.browser.request("POST", path).json(&body).send();
            assert_eq!(person.status, 401, "{path}");
            for (id, secret, status) in [(&decision_client.id, &secret, 401), (&id, &secret, 403), (&id, &decision_client.secret, 401)] {
                let answer = request().basic(id, secret).json(&body).send();
                assert_eq!(answer.status, status, "{path}");
                assert_eq!(answer.header("www-authenticate").is_some(), status == 401);
                assert!(answer.header("content-type").unwrap_or_default().starts_with("text/plain"));
            }
            let answer = request().bearer("nonsense").json(&body).send();
            assert_eq!((answer.status, answer.header("www-authenticate").is_some()), (401, true));
            // The origin is not checked for a client's credentials, because no cookie is used.
            let answer = request().basic(&decision_client.id, &decision_client.secret).header("Origin", "https://elsewhere.example").json(&json!({})).send();
            assert_eq!(answer.status, 400, "{path}");
        }
    }

    fn a_users_token_may_not_request_decisions(server) {
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

    fn a_client_credentials_token_may_request_decisions(server) {
        create_users(server);
        let decision_client = DecisionClient::of(server);
        let token = decision_client.browser.request("POST", "/oauth2/token").without_same_origin().basic(&decision_client.id, &decision_client.secret)
            .form(&[("grant_type", "client_credentials"), ("scope", "access:evaluate")]).send();
        assert_eq!(token.status, 200, "{}", token.text());
        let token = token.json()["access_token"].as_str().expect("a token").to_owned();
        let answer = decision_client.browser.request("POST", EVALUATION).without_same_origin().bearer(&token)
            .json(&asked("ada", "be-known", "order:7")).send();
        assert_eq!((answer.status, answer.json()["decision"].clone()), (200, json!(true)));
    }
}
