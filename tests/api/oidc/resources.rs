//! Resource indicators (RFC 8707): one authorization for several services, and the audience of each token.

use doorward::clients::{ActingAs, ClientChange};
use serde_json::{Value, json};

use crate::on_both;
use crate::support::http::{Answer, TestBrowser};
use crate::support::relying_party::{
    CALLBACK, RelyingParty, TokenSet, VERIFIER, claims_of, error_of, redirect_parameters,
};
use crate::support::test_server::TestServer;

const ORDERS: &str = "https://orders.example";
const BILLING: &str = "https://billing.example";

fn redeem(app: &RelyingParty, code: &str, resources: &[&str]) -> Answer {
    let mut fields = vec![
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", CALLBACK),
        ("code_verifier", VERIFIER),
    ];
    fields.extend(resources.iter().map(|resource| ("resource", *resource)));
    app.token(&fields)
}

fn refresh(app: &RelyingParty, token: &str, resources: &[&str]) -> Answer {
    let mut fields = vec![("grant_type", "refresh_token"), ("refresh_token", token)];
    fields.extend(resources.iter().map(|resource| ("resource", *resource)));
    app.token(&fields)
}

fn authorize(
    app: &RelyingParty,
    browser: &TestBrowser,
    more: &[(&str, &str)],
    resources: &[&str],
) -> Answer {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(app.parameters(more));
    query.extend_pairs(resources.iter().map(|resource| ("resource", *resource)));
    browser.get(&format!("/oauth2/authorize?{}", query.finish()))
}

fn code(app: &RelyingParty, browser: &TestBrowser, resources: &[&str]) -> String {
    let sent = redirect_parameters(&authorize(app, browser, &[], resources));
    sent.get("code")
        .unwrap_or_else(|| panic!("no code: {sent:?}"))
        .clone()
}

fn audience(token: &str) -> Value {
    claims_of(token)["aud"].clone()
}

/// Creates a client that gets tokens for several services.
fn shop(server: &TestServer) -> RelyingParty {
    server.relying_party(|metadata| metadata.resources = vec![ORDERS.into(), BILLING.into()])
}

/// Returns the latest refusal that `doorward client check` lists.
fn latest_refusal(server: &TestServer, app: &RelyingParty) -> Value {
    let checked =
        crate::support::binary::run(&server.config, &["client", "check", &app.id, "--json"]);
    checked.json()["refusals"][0].clone()
}

fn change(server: &TestServer, app: &RelyingParty, change: ClientChange) {
    let id = app.id.parse().expect("an ID");
    let changed = server
        .app
        .clients
        .update(id, change, None, ActingAs::command());
    server.run(changed).expect("changed");
}

fn status_at_api(server: &TestServer, token: &str) -> u16 {
    server
        .browser()
        .request("GET", "/v1/users/root")
        .bearer(token)
        .send()
        .status
}

on_both! {
    fn one_authorization_issues_tokens_for_the_issuer_and_for_each_service(server) {
        let root = server.administrator();
        let app = shop(server);
        let issuer = server.origin().to_owned();
        let issued = TokenSet::read(&redeem(&app, &code(&app, &root.browser, &[ORDERS, BILLING, &issuer]), &[ORDERS]));
        assert_eq!(audience(&issued.access), json!([ORDERS]));
        assert_eq!(app.user_info(&issued.access).status, 401);
        let own = TokenSet::read(&refresh(&app, &issued.refresh, &[&issuer]));
        assert_eq!(audience(&own.access), json!([issuer]));
        assert_eq!(app.user_info(&own.access).status, 200);
        let both = TokenSet::read(&refresh(&app, &own.refresh, &[ORDERS, BILLING]));
        assert_eq!(audience(&both.access), json!([ORDERS, BILLING]));
        assert_eq!(app.introspect(&both.access)["aud"], json!([ORDERS, BILLING]));
        let again = TokenSet::read(&refresh(&app, &both.refresh, &[BILLING, BILLING]));
        assert_eq!(audience(&again.access), json!([BILLING]), "named twice");
        let default = TokenSet::read(&app.refresh(&again.refresh));
        assert_eq!(audience(&default.access), json!([issuer]), "the issuer was named");
    }

    fn the_issuer_is_an_implicit_audience_with_openid(server) {
        let root = server.administrator();
        let app = shop(server);
        let issuer = server.origin().to_owned();
        let issued = TokenSet::read(&redeem(&app, &code(&app, &root.browser, &[ORDERS, BILLING]), &[&issuer]));
        assert_eq!((audience(&issued.access), app.user_info(&issued.access).status), (json!([issuer]), 200));
        let default = TokenSet::read(&app.refresh(&issued.refresh));
        assert_eq!(audience(&default.access), json!([ORDERS, BILLING]), "the named ones, as before");
        let without = redirect_parameters(&authorize(&app, &root.browser, &[("scope", "profile")], &[ORDERS]));
        let refused = redeem(&app, &without["code"], &[&issuer]);
        assert_eq!(error_of(&refused), "invalid_target", "not without openid");
    }

    fn a_resource_that_was_not_authorized_is_refused_and_logged(server) {
        let root = server.administrator();
        let app = shop(server);
        let issuer = server.origin().to_owned();
        let held = TokenSet::read(&redeem(&app, &code(&app, &root.browser, &[ORDERS]), &[]));
        for (resources, presented) in [
            (vec![BILLING], BILLING.to_owned()),
            (vec![ORDERS, BILLING], format!("{ORDERS} {BILLING}")),
        ] {
            let refused = refresh(&app, &held.refresh, &resources);
            assert_eq!((refused.status, error_of(&refused)), (400, "invalid_target".to_owned()));
            let told = latest_refusal(server, &app);
            assert_eq!((&told["rule"], &told["presented"]), (&json!("resource-not-authorized"), &json!(presented)));
            assert_eq!(told["registered"], json!(format!("{ORDERS} {issuer}")), "{told}");
        }
        let unknown = refresh(&app, &held.refresh, &["https://unknown.example"]);
        assert_eq!(error_of(&unknown), "invalid_target");
        let told = latest_refusal(server, &app);
        assert_eq!((&told["rule"], &told["presented"]), (&json!("resource-not-registered"), &json!("https://unknown.example")));
        let refused = redeem(&app, &code(&app, &root.browser, &[ORDERS]), &[BILLING]);
        assert_eq!((refused.status, error_of(&refused)), (400, "invalid_target".to_owned()));
        let unknown = redirect_parameters(&authorize(&app, &root.browser, &[], &[ORDERS, "https://unknown.example"]));
        assert_eq!(unknown["error"], "invalid_target");
        assert_eq!(TokenSet::read(&app.refresh(&held.refresh)).answer["token_type"], "Bearer", "the refusals did not use up the code");
    }

    fn no_token_is_for_the_issuer_and_another_service(server) {
        let root = server.administrator();
        let app = shop(server);
        let issuer = server.origin().to_owned();
        let held = TokenSet::read(&redeem(&app, &code(&app, &root.browser, &[ORDERS, &issuer]), &[]));
        let refused = refresh(&app, &held.refresh, &[ORDERS, &issuer]);
        assert_eq!(error_of(&refused), "invalid_target");
        let text = refused.json()["error_description"].as_str().expect("a text").to_owned();
        assert!(text.contains("two tokens") && text.contains("--userinfo-audience"), "{text}");
        // As the text says.
        let one = TokenSet::read(&refresh(&app, &held.refresh, &[ORDERS]));
        let other = TokenSet::read(&refresh(&app, &one.refresh, &[&issuer]));
        assert_eq!((audience(&one.access), audience(&other.access)), (json!([ORDERS]), json!([issuer])));
    }

    fn user_info_names_the_required_audience(server) {
        let root = server.administrator();
        let app = shop(server);
        let issuer = server.origin().to_owned();
        let issued = TokenSet::read(&redeem(&app, &code(&app, &root.browser, &[ORDERS]), &[]));
        let refused = app.user_info(&issued.access);
        let body = refused.json();
        assert_eq!((refused.status, &body["error"]), (401, &json!("invalid_token")));
        let text = body["error_description"].as_str().expect("a text");
        let command = format!("doorward client update {} --userinfo-audience", app.id);
        for part in [ORDERS, &format!("resource={issuer}"), &command] {
            assert!(text.contains(part), "{part}: {text}");
        }
        assert!(refused.header("www-authenticate").is_some_and(|challenge| challenge.contains(text)), "{refused:?}");
        let told = latest_refusal(server, &app);
        assert_eq!((&told["rule"], &told["presented"]), (&json!("other-audience"), &json!(ORDERS)));
        assert_eq!((&told["registered"], &told["remedy"]), (&json!(issuer), &Value::Null), "a service could have requested it");
        assert_eq!(status_at_api(server, &issued.access), 401);
        let without = redirect_parameters(&authorize(&app, &root.browser, &[("scope", "profile")], &[ORDERS]));
        let issued = TokenSet::read(&redeem(&app, &without["code"], &[]));
        let refused = app.user_info(&issued.access);
        assert_eq!((refused.status, refused.json()["error"].clone()), (403, json!("insufficient_scope")), "openid comes first");
    }

    fn a_resource_removed_from_the_client_is_refused_with_that_reason(server) {
        let root = server.administrator();
        let app = shop(server);
        let held = TokenSet::read(&redeem(&app, &code(&app, &root.browser, &[ORDERS, BILLING]), &[]));
        change(server, &app, ClientChange { resources: Some(vec![BILLING.into()]), ..ClientChange::default() });
        let refused = refresh(&app, &held.refresh, &[ORDERS]);
        assert_eq!((refused.status, error_of(&refused)), (400, "invalid_target".to_owned()));
        let told = latest_refusal(server, &app);
        assert_eq!((&told["rule"], &told["presented"]), (&json!("resource-no-longer-registered"), &json!(ORDERS)));
        let rest = TokenSet::read(&refresh(&app, &held.refresh, &[]));
        assert_eq!(audience(&rest.access), json!([BILLING]));
    }

    fn the_only_registered_resource_is_the_default(server) {
        let root = server.administrator();
        let app = server.relying_party(|metadata| metadata.resources = vec![ORDERS.into()]);
        let issuer = server.origin().to_owned();
        // With openid, the resource is authorized in addition to the issuer, whose token is the default.
        let issued = app.sign_in(&root.browser, &[]);
        assert_eq!((audience(&issued.access), app.user_info(&issued.access).status), (json!([issuer]), 200));
        let other = TokenSet::read(&refresh(&app, &issued.refresh, &[ORDERS]));
        assert_eq!((audience(&other.access), &app.introspect(&other.access)["aud"]), (json!([ORDERS]), &json!([ORDERS])));
        // Without openid, the resource is the default.
        let plain = app.sign_in(&root.browser, &[("scope", "profile")]);
        assert_eq!((audience(&plain.access), &app.introspect(&plain.access)["aud"]), (json!([ORDERS]), &json!([ORDERS])));
        // With two resources, there is no default.
        let several = shop(server).sign_in(&root.browser, &[("scope", "profile")]);
        assert_eq!(audience(&several.access), json!([issuer]));
        let service = server.relying_party(|metadata| {
            metadata.resources = vec![ORDERS.into()];
            metadata.grant_types.push(doorward::clients::GrantType::ClientCredentials);
        });
        let own = |resources: &[&str]| {
            let mut fields = vec![("grant_type", "client_credentials")];
            fields.extend(resources.iter().map(|resource| ("resource", *resource)));
            service.token(&fields)
        };
        let default = TokenSet::read(&own(&[])).access;
        assert_eq!((audience(&default), &service.introspect(&default)["aud"]), (json!([ORDERS]), &json!([ORDERS])));
        assert_eq!(audience(&TokenSet::read(&own(&[&issuer])).access), json!([issuer]));
        assert_eq!(error_of(&own(&[BILLING])), "invalid_target");
        assert_eq!(error_of(&own(&[ORDERS, &issuer])), "invalid_target");
    }
}

/// Creates a client whose tokens for services are accepted by `UserInfo`.
fn wide_shop(server: &TestServer) -> RelyingParty {
    server.relying_party(|metadata| {
        metadata.resources = vec![ORDERS.into(), BILLING.into()];
        metadata.userinfo_audience = true;
    })
}

on_both! {
    fn a_token_for_a_service_is_accepted_by_user_info_only(server) {
        let root = server.administrator();
        let app = wide_shop(server);
        let issuer = server.origin().to_owned();
        let user_info = format!("{issuer}/oauth2/userinfo");
        let issued = TokenSet::read(&redeem(&app, &code(&app, &root.browser, &[ORDERS, BILLING, &issuer]), &[]));
        assert_eq!(audience(&issued.access), json!([ORDERS, BILLING, user_info]));
        assert_eq!(app.introspect(&issued.access)["aud"], json!([ORDERS, BILLING, user_info]));
        assert_eq!(app.user_info(&issued.access).json()["sub"], json!(root.id));
        // Endpoints that take access tokens for Doorward.
        let browser = server.browser();
        let with = |method: &str, path: &str, body: Value| {
            let request = browser.request(method, path).without_same_origin().bearer(&issued.access);
            let request = if method == "GET" { request } else { request.json(&body) };
            request.send().status
        };
        let evaluation = json!({ "subject": { "type": "user", "id": root.id }, "action": { "name": "view" }, "resource": { "type": "order", "id": "7" } });
        for (method, path, body) in [
            ("GET", "/v1/me", Value::Null), ("GET", "/v1/users/root", Value::Null), ("GET", "/v1/session", Value::Null),
            ("GET", "/v1/clients", Value::Null), ("POST", "/v1/users/root/suspend", json!({})), ("POST", "/access/v1/evaluation", evaluation),
            ("GET", "/v1/audit-events", Value::Null),
        ] {
            let status = with(method, path, body);
            assert!(status == 401 || status == 404, "{method} {path}: {status}");
        }
        for path in ["/oauth2/introspect", "/oauth2/revoke", "/oauth2/token"] {
            let form = [("token", issued.access.as_str()), ("grant_type", "client_credentials")];
            let answer = server.browser().request("POST", path).without_same_origin().bearer(&issued.access).form(&form).send();
            assert!(answer.status == 400 || answer.status == 401, "{path}: {answer:?}");
        }
        // It is not an ID token hint, and not valid for another service.
        let hinted = redirect_parameters(&app.authorize(&root.browser, &[("id_token_hint", &issued.access)]));
        assert_eq!(hinted["error"], "invalid_request");
        // If the setting is removed from the client, its existing tokens lose the audience.
        let turn = |is_on: bool| {
            change(server, &app, ClientChange { userinfo_audience: Some(is_on), ..ClientChange::default() });
        };
        turn(false);
        assert_eq!(app.user_info(&issued.access).status, 401);
        assert_eq!(app.introspect(&issued.access)["active"], true, "the services' token is valid");
        turn(true);
        assert_eq!(app.user_info(&issued.access).status, 200);
        // After a service was removed from the client, the tokens that it holds no longer give access to the claims.
        change(server, &app, ClientChange { resources: Some(Vec::new()), ..ClientChange::default() });
        assert_eq!(app.user_info(&issued.access).status, 401);
    }

    fn existing_authorizations_never_gain_the_user_info_audience(server) {
        let root = server.administrator();
        let app = shop(server);
        let held = TokenSet::read(&redeem(&app, &code(&app, &root.browser, &[ORDERS]), &[ORDERS]));
        let pending = code(&app, &root.browser, &[ORDERS]);
        change(server, &app, ClientChange { userinfo_audience: Some(true), ..ClientChange::default() });
        for issued in [refresh(&app, &held.refresh, &[ORDERS]), redeem(&app, &pending, &[ORDERS])] {
            assert_eq!(audience(&TokenSet::read(&issued).access), json!([ORDERS]), "the user was not asked for it");
        }
        let anew = TokenSet::read(&redeem(&app, &code(&app, &root.browser, &[ORDERS]), &[ORDERS]));
        assert_eq!(audience(&anew.access), json!([ORDERS, format!("{}/oauth2/userinfo", server.origin())]));
    }

    fn the_user_info_audience_requires_openid_and_another_service(server) {
        let root = server.administrator();
        let app = wide_shop(server);
        let issuer = server.origin().to_owned();
        let user_info = format!("{issuer}/oauth2/userinfo");
        let plain = redirect_parameters(&authorize(&app, &root.browser, &[("scope", "profile")], &[ORDERS]));
        assert_eq!(audience(&TokenSet::read(&redeem(&app, &plain["code"], &[])).access), json!([ORDERS]));
        let held = TokenSet::read(&redeem(&app, &code(&app, &root.browser, &[ORDERS]), &[&issuer]));
        assert_eq!(audience(&held.access), json!([issuer]), "a token for the issuer alone");
        let both = TokenSet::read(&refresh(&app, &held.refresh, &[&issuer, ORDERS]));
        assert_eq!(audience(&both.access), json!([ORDERS, user_info]), "in place of the issuer");
        let narrowed = TokenSet::read(&app.token(&[("grant_type", "refresh_token"), ("refresh_token", &both.refresh), ("scope", "profile")]));
        assert_eq!(audience(&narrowed.access), json!([ORDERS]), "without openid");
        // A client without the setting can't request that audience.
        let other = shop(server);
        let refused = redirect_parameters(&authorize(&other, &root.browser, &[], &[&user_info]));
        assert_eq!(refused["error"], "invalid_target");
        let only = server.relying_party(|metadata| {
            metadata.resources = vec![ORDERS.into()];
            metadata.userinfo_audience = true;
        });
        let issued = only.sign_in(&root.browser, &[]);
        assert_eq!((audience(&issued.access), only.user_info(&issued.access).status), (json!([ORDERS, user_info]), 200));
        let fields = [("grant_type", "refresh_token"), ("refresh_token", issued.refresh.as_str()), ("scope", "profile")];
        let narrowed = TokenSet::read(&only.token(&fields));
        assert_eq!(audience(&narrowed.access), json!([ORDERS]), "the service that accepted the other tokens accepts this one");
    }

    fn a_service_may_have_a_plain_name_and_a_uri(server) {
        let root = server.administrator();
        let app = shop(server);
        let orders = server.relying_party(|metadata| metadata.audiences = vec![ORDERS.into(), "orders".into(), "urn:example:orders".into()]);
        let billing = server.relying_party(|metadata| metadata.audiences = vec!["billing".into()]);
        let issued = TokenSet::read(&redeem(&app, &code(&app, &root.browser, &[ORDERS, BILLING]), &[ORDERS]));
        assert_eq!(audience(&issued.access), json!([ORDERS, "orders"]));
        assert_eq!(orders.introspect(&issued.access)["aud"], json!([ORDERS, "orders"]));
        assert_eq!(billing.introspect(&issued.access), json!({ "active": false }));
        let both = TokenSet::read(&refresh(&app, &issued.refresh, &[ORDERS, BILLING]));
        assert_eq!(audience(&both.access), json!([ORDERS, BILLING, "orders"]), "no server has the other URI");
        let named = redirect_parameters(&authorize(&app, &root.browser, &[], &["orders"]));
        assert_eq!(named["error"], "invalid_target", "a request names the URI");
        let service = server.relying_party(|metadata| {
            metadata.resources = vec![ORDERS.into()];
            metadata.grant_types.push(doorward::clients::GrantType::ClientCredentials);
        });
        let own = TokenSet::read(&service.token(&[("grant_type", "client_credentials")]));
        assert_eq!(audience(&own.access), json!([ORDERS, "orders"]));
        // A resource server that is disabled or no longer has the audience adds nothing.
        let update = |arguments: &[&str]| {
            let ran = crate::support::binary::run(&server.config, &[&["client"], arguments].concat());
            assert_eq!(ran.code, 0, "{}", ran.errors);
        };
        update(&["disable", &orders.id]);
        assert_eq!(audience(&TokenSet::read(&refresh(&app, &both.refresh, &[ORDERS])).access), json!([ORDERS]));
        update(&["enable", &orders.id]);
        update(&["update", &orders.id, "--audience", ORDERS]);
        let last = TokenSet::read(&redeem(&app, &code(&app, &root.browser, &[ORDERS]), &[]));
        assert_eq!(audience(&last.access), json!([ORDERS]));
        update(&["update", &billing.id, "--audience", "orders", "--audience", BILLING]);
        let moved = TokenSet::read(&refresh(&app, &last.refresh, &[ORDERS]));
        assert_eq!(audience(&moved.access), json!([ORDERS]), "the name is another server's now");
    }

    fn consent_covers_the_only_registered_resource(server) {
        let root = server.administrator();
        let app = server.relying_party(|metadata| {
            metadata.resources = vec![ORDERS.into()];
            metadata.require_consent = true;
        });
        let asked = app.authorize(&root.browser, &[]);
        let path = asked.header("location").expect("a location");
        let page = root.browser.get(path).text();
        assert!(page.contains(ORDERS), "{page}");
        let allowed = root.browser.request("POST", path).page_form(&[("answer", "allow")]).send();
        TokenSet::read(&app.redeem(&redirect_parameters(&allowed)["code"]));
        app.sign_in(&root.browser, &[("prompt", "none"), ("resource", ORDERS)]);
    }

    fn a_service_turns_the_user_info_audience_on_only_if_it_has_it(server) {
        let root = server.administrator();
        let (id, secret) = server.client(&["clients:read", "clients:write", "openid"]);
        let wanted = json!({ "client_name": "App", "redirect_uris": [CALLBACK], "scope": "openid", "userinfo_audience": true });
        let register = || server.browser().request("POST", "/v1/clients").basic(&id, &secret).json(&wanted).send();
        let refused = register();
        assert_eq!((refused.status, &refused.json()["field"]), (403, &json!("userinfo_audience")), "{}", refused.text());
        let ran = crate::support::binary::run(&server.config, &["client", "update", &id, "--userinfo-audience", "--json"]);
        assert_eq!(ran.json()["userinfo_audience"], true);
        let made = register();
        assert_eq!((made.status, &made.json()["userinfo_audience"]), (201, &json!(true)), "{}", made.text());
        let path = format!("/v1/clients/{}", made.json()["client_id"].as_str().expect("an id"));
        let change = |version: u32, wanted: bool| {
            let body = json!({ "userinfo_audience": wanted });
            let version = format!("\"{version}\"");
            server.browser().request("PATCH", &path).basic(&id, &secret).header("If-Match", &version).json(&body).send()
        };
        assert_eq!(change(1, false).status, 200);
        let refused = change(2, true);
        assert_eq!((refused.status, &refused.json()["field"]), (403, &json!("userinfo_audience")), "its users were not asked: {}", refused.text());
        let ran = crate::support::binary::run(&server.config, &["client", "update", made.json()["client_id"].as_str().expect("an id"), "--userinfo-audience"]);
        assert_eq!(ran.code, 0, "an administrator may: {ran:?}");
        let ran = crate::support::binary::run(&server.config, &["client", "update", &id, "--no-userinfo-audience", "--json"]);
        assert_eq!(ran.json()["userinfo_audience"], false);
        let rename = json!({ "client_name": "Renamed" });
        let change = server.browser().request("PATCH", &path).basic(&id, &secret).header("If-Match", "\"3\"").json(&rename).send();
        assert_eq!(change.status, 403, "it holds more now: {}", change.text());
        assert_eq!(root.browser.get(&path).status, 200);
    }
}
