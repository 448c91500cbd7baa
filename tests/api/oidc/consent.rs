//! Users are asked for consent once, may refuse, and may withdraw it.

use serde_json::json;

use crate::on_both;
use crate::support::http::{Answer, TestBrowser};
use crate::support::relying_party::{
    CALLBACK, RelyingParty, TokenSet, error_of, redirect_parameters,
};

fn open_consent_page(
    app: &RelyingParty,
    browser: &TestBrowser,
    more: &[(&str, &str)],
) -> (String, String) {
    let answer = app.authorize(browser, more);
    let path = answer.header("location").expect("a location").to_owned();
    assert!(path.starts_with("/oauth2/authorize/"), "{path}");
    let page = browser.get(&path).text();
    assert!(page.contains("value=\"allow\""), "{page}");
    (path, page)
}

fn answer_consent(browser: &TestBrowser, path: &str, word: &str) -> Answer {
    browser
        .request("POST", path)
        .page_form(&[("answer", word)])
        .send()
}

on_both! {
    fn consent_is_asked_remembered_and_asked_again_for_more(server) {
        let root = server.administrator();
        let app = server.relying_party(|metadata| metadata.require_consent = true);
        let none = app.authorize(&root.browser, &[("prompt", "none")]);
        assert_eq!(redirect_parameters(&none)["error"], "consent_required");
        let (path, page) = open_consent_page(&app, &root.browser, &[]);
        assert!(page.contains("email address") && !page.contains("phone number"), "{page}");
        let code = redirect_parameters(&answer_consent(&root.browser, &path, "allow"))["code"].clone();
        TokenSet::read(&app.redeem(&code));
        app.sign_in(&root.browser, &[("prompt", "none")]);
        app.sign_in(&root.browser, &[("scope", "openid")]);
        open_consent_page(&app, &root.browser, &[("scope", "openid phone")]);
        open_consent_page(&app, &root.browser, &[("prompt", "consent")]);
        // A single claim requires consent like its scope does.
        let wish = r#"{"userinfo": {"phone_number": null}}"#;
        let (_, page) = open_consent_page(&app, &root.browser, &[("scope", "openid"), ("claims", wish)]);
        assert!(page.contains("phone number"));
    }

    fn a_request_without_scopes_requires_consent_too(server) {
        let root = server.administrator();
        let app = server.relying_party(|metadata| metadata.require_consent = true);
        for scope in ["", "unregistered"] {
            let none = app.authorize(&root.browser, &[("scope", scope), ("prompt", "none")]);
            assert_eq!(redirect_parameters(&none)["error"], "consent_required", "the token says who the user is");
        }
        let (path, _) = open_consent_page(&app, &root.browser, &[("scope", "")]);
        assert!(redirect_parameters(&answer_consent(&root.browser, &path, "allow")).contains_key("code"));
        let again = app.authorize(&root.browser, &[("scope", ""), ("prompt", "none")]);
        assert!(redirect_parameters(&again).contains_key("code"), "consent is remembered");
    }

    fn the_page_names_the_service_that_registered_the_app(server) {
        let root = server.administrator();
        let registrar = server.client(&["clients:write"]);
        let by_administrator = server.relying_party(|metadata| metadata.require_consent = true);
        let (_, page) = open_consent_page(&by_administrator, &root.browser, &[]);
        assert!(!page.contains("This app was registered by"), "{page}");
        let body = json!({ "client_name": "Reports", "redirect_uris": [CALLBACK] });
        let made = server.browser().request("POST", "/v1/clients").without_same_origin().basic(&registrar.0, &registrar.1).json(&body).send();
        let text = |name: &str| made.json()[name].as_str().expect("a text").to_owned();
        let app = RelyingParty { id: text("client_id"), secret: Some(text("client_secret")), server: server.browser() };
        let (_, page) = open_consent_page(&app, &root.browser, &[]);
        assert!(page.contains("This app was registered by the service a service."), "{page}");
        assert_eq!(root.browser.delete(&format!("/v1/clients/{}", registrar.0)).status, 204);
        let (_, page) = open_consent_page(&app, &root.browser, &[]);
        assert!(page.contains("This app was registered by the service a service."), "also when the service was deleted: {page}");
    }

    fn a_refusal_is_returned_to_the_app_and_not_stored(server) {
        let root = server.administrator();
        let app = server.relying_party(|metadata| metadata.require_consent = true);
        let (path, _) = open_consent_page(&app, &root.browser, &[]);
        let refused = redirect_parameters(&answer_consent(&root.browser, &path, "deny"));
        assert_eq!((refused["error"].as_str(), refused["state"].as_str()), ("access_denied", "the-state"));
        open_consent_page(&app, &root.browser, &[]);
    }

    fn first_party_apps_need_no_consent(server) {
        let root = server.administrator();
        let app = server.relying_party(|_| {});
        let issued = app.sign_in(&root.browser, &[("scope", "openid offline_access"), ("prompt", "none")]);
        assert_eq!(issued.answer["scope"], json!("offline_access openid"));
        open_consent_page(&app, &root.browser, &[("prompt", "consent")]);
    }

    fn a_public_native_app_requires_confirmation_each_time(server) {
        let root = server.administrator();
        let app = server.relying_party(|metadata| {
            metadata.token_endpoint_auth_method = doorward::clients::AuthMethod::None;
            metadata.application_type = doorward::clients::ApplicationType::Native;
        });
        for _ in 0..2 {
            let (path, _) = open_consent_page(&app, &root.browser, &[]);
            assert!(redirect_parameters(&answer_consent(&root.browser, &path, "allow")).contains_key("code"));
        }
        let none = app.authorize(&root.browser, &[("prompt", "none")]);
        assert_eq!(redirect_parameters(&none)["error"], "consent_required");
    }

    fn consent_names_resources_and_covers_no_others(server) {
        let root = server.administrator();
        let (orders, payroll) = ("https://orders.example/", "https://payroll.example/");
        let app = server.relying_party(|metadata| {
            metadata.require_consent = true;
            metadata.resources = vec![orders.into(), payroll.into()];
        });
        let service = server.relying_party(|metadata| metadata.audiences = vec![orders.into()]);
        let client = |id: &str| id.parse().expect("an id");
        let change = |id: &str, change: doorward::clients::ClientChange| {
            let author = doorward::clients::ActingAs::command();
            server.run(server.app.clients.update(client(id), change, None, author)).expect("changed");
        };
        change(&service.id, doorward::clients::ClientChange { client_name: Some("Order desk".into()), ..Default::default() });
        let silent = |resource: &str| {
            let answer = app.authorize(&root.browser, &[("prompt", "none"), ("resource", resource)]);
            redirect_parameters(&answer).get("error").cloned().unwrap_or_default()
        };
        let allow = |resource: &str| {
            let (path, page) = open_consent_page(&app, &root.browser, &[("resource", resource)]);
            let code = redirect_parameters(&answer_consent(&root.browser, &path, "allow"))["code"].clone();
            TokenSet::read(&app.redeem(&code));
            page
        };
        let page = allow("");
        assert!(!page.contains(orders) && !page.contains("Order desk"), "{page}");
        assert_eq!((silent("").as_str(), silent(server.origin()).as_str()), ("", ""), "Doorward itself is not listed");
        for resource in [orders, payroll] {
            assert_eq!(silent(resource), "consent_required", "{resource}");
        }
        let page = allow(orders);
        assert!(page.contains("Order desk") && page.contains(orders) && !page.contains(payroll), "{page}");
        assert_eq!((silent(orders).as_str(), silent("").as_str(), silent(payroll).as_str()), ("", "", "consent_required"));
        let event = root.browser.get("/v1/audit-events?action=consent.granted").json()["items"][0].clone();
        assert_eq!(event["details"]["resources"], json!([orders]));
        let page = allow(payroll);
        assert!(page.contains(payroll) && !page.contains("Order desk"), "a service without a registration is shown by its address: {page}");
        assert_eq!((silent(orders).as_str(), silent(payroll).as_str()), ("", ""), "both are remembered");
        // After it was voided, nothing of the consent remains.
        let new = "https://new.example/";
        let resources = vec![orders.into(), payroll.into(), new.into()];
        change(&app.id, doorward::clients::ClientChange { resources: Some(resources), ..Default::default() });
        allow("");
        for resource in [orders, payroll, new] {
            assert_eq!(silent(resource), "consent_required", "{resource}");
        }
    }

    fn consent_required_since_the_request_started_is_requested(server) {
        let root = server.administrator();
        let app = server.relying_party(|_| {});
        let id = root.id.parse().expect("an id");
        let client: doorward::base::ids::ClientId = app.id.parse().expect("an id");
        let work = crate::api::concurrent_revocation::token_requests::change(id, client, |stored| stored.metadata.require_consent = true);
        let answer = crate::api::concurrent_revocation::send_during(server, work, || app.authorize(&root.browser, &[("prompt", "none")]));
        let refused = redirect_parameters(&answer);
        assert_eq!(refused["error"], "consent_required");
        assert!(!refused["error_description"].contains("withdrawn"), "nothing was withdrawn: {refused:?}");
    }

    fn a_pending_request_is_checked_against_the_current_registration(server) {
        let root = server.administrator();
        let app = server.relying_party(|metadata| metadata.require_consent = true);
        let (path, _) = open_consent_page(&app, &root.browser, &[]);
        let author = doorward::clients::ActingAs::command();
        let change = doorward::clients::ClientChange {
            redirect_uris: Some(vec!["https://app.example/moved".into()]),
            ..Default::default()
        };
        server.run(server.app.clients.update(app.id.parse().expect("an id"), change, None, author)).expect("changed");
        for word in ["allow", "deny"] {
            assert_eq!(answer_consent(&root.browser, &path, word).status, 410, "there is no redirect to the old URI");
        }
    }

    fn withdrawing_consent_takes_effect_immediately(server) {
        let root = server.administrator();
        let app = server.relying_party(|metadata| metadata.require_consent = true);
        let (path, _) = open_consent_page(&app, &root.browser, &[("scope", "openid offline_access")]);
        let code = redirect_parameters(&answer_consent(&root.browser, &path, "allow"))["code"].clone();
        let held = TokenSet::read(&app.redeem(&code));
        let user = root.id.parse().expect("an id");
        let client = app.id.parse().expect("an id");
        let listed = server.run(server.app.oidc.list_apps(user)).expect("apps");
        assert_eq!(listed.len(), 1);
        let author = doorward::clients::ActingAs::command();
        server.run(server.app.oidc.withdraw(user, client, author.clone())).expect("withdrawn");
        assert_eq!(app.user_info(&held.access).status, 401);
        assert_eq!(error_of(&app.refresh(&held.refresh)), "invalid_grant");
        assert!(server.run(server.app.oidc.list_apps(user)).expect("apps").is_empty());
        assert!(server.run(server.app.oidc.withdraw(user, client, author)).is_err());
        open_consent_page(&app, &root.browser, &[]);
    }
}
