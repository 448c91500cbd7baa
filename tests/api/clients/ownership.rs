//! A service changes only the clients that it registered or may manage, and gives them no more than it has.

use serde_json::{Value, json};

use super::permissions::{paths, send};
use crate::on_both;
use crate::support::http::Answer;
use crate::support::relying_party::{RelyingParty, TokenSet, error_of, redirect_parameters};
use crate::support::test_server::TestServer;
use crate::support::test_user::TestUser;

type Client = (String, String);

const FORBIDDEN: &str = "urn:doorward:problem:forbidden";

fn url(id: &str) -> String {
    format!("/v1/clients/{id}")
}

/// Changes a client as an administrator, whatever its version.
fn change(root: &TestUser, id: &str, body: &Value) -> Answer {
    let tag = root
        .browser
        .get(&url(id))
        .header("etag")
        .expect("a tag")
        .to_owned();
    root.browser
        .request("PATCH", &url(id))
        .header("If-Match", &tag)
        .json(body)
        .send()
}

fn register(server: &TestServer, registrar: &Client, body: &Value) -> Client {
    let made = send(server, registrar, "POST", "/v1/clients", body);
    assert_eq!(made.status, 201, "{}", made.text());
    let text = |name: &str| made.json()[name].as_str().expect("a text").to_owned();
    (text("client_id"), text("client_secret"))
}

/// Checks that a service may not change a client, at the paths that would leave it unchanged.
fn assert_refused(server: &TestServer, registrar: &Client, id: &str) {
    for (method, path) in paths(id) {
        let refused = send(server, registrar, method, &path, &json!({}));
        assert_eq!(
            (refused.status, refused.problem_type().as_str()),
            (403, FORBIDDEN),
            "{method} {path}"
        );
    }
}

fn consent(app: &RelyingParty, root: &TestUser) -> TokenSet {
    let answer = app.authorize(&root.browser, &[]);
    let path = answer.header("location").expect("a location").to_owned();
    let allowed = root
        .browser
        .request("POST", &path)
        .page_form(&[("answer", "allow")])
        .send();
    TokenSet::read(&app.redeem(&redirect_parameters(&allowed)["code"]))
}

fn is_asked_again(app: &RelyingParty, root: &TestUser) -> bool {
    let sent = redirect_parameters(&app.authorize(&root.browser, &[("prompt", "none")]));
    sent.get("error")
        .is_some_and(|error| error == "consent_required")
}

fn list_events(root: &TestUser, action: &str) -> Vec<Value> {
    let path = format!("/v1/audit-events?action={action}");
    root.browser.get(&path).json()["items"]
        .as_array()
        .expect("events")
        .clone()
}

on_both! {
    fn a_service_enables_only_clients_that_it_disabled(server) {
        let root = server.administrator();
        let registrar = server.client(&["clients:write"]);
        let equal = server.client(&["clients:write"]);
        let own = register(server, &registrar, &json!({ "client_name": "Own" }));
        let managed = change(&root, &own.0, &json!({ "managed_by": [equal.0] }));
        assert_eq!(managed.status, 200);
        let act = |by: &Client, act: &str| send(server, by, "POST", &format!("{}/{act}", url(&own.0)), &json!({})).status;
        let in_person = |act: &str| root.browser.post_json(&format!("{}/{act}", url(&own.0)), &json!({})).status;
        // Disabled by the service itself.
        assert_eq!((act(&registrar, "disable"), act(&registrar, "disable"), act(&registrar, "enable")), (200, 200, 200));
        // Disabled by another service.
        assert_eq!((act(&equal, "disable"), act(&registrar, "enable")), (200, 403));
        assert_refused(server, &registrar, &own.0);
        assert_eq!(act(&equal, "enable"), 200);
        // Disabled by an administrator.
        assert_eq!(in_person("disable"), 200);
        for by in [&registrar, &equal] {
            assert_refused(server, by, &own.0);
        }
        assert_eq!(root.browser.get(&url(&own.0)).json()["enabled"], json!(false));
        assert_eq!((in_person("enable"), act(&registrar, "disable")), (200, 200));
        // A client that an administrator disabled once more can be enabled only by an administrator.
        assert_eq!((in_person("disable"), act(&registrar, "enable")), (200, 403));
        let event = list_events(&root, "client.disabled")[0].clone();
        assert_eq!(event["actor"], json!(format!("user:{}", root.id)));
        // The same applies to a client that an administrator changed while it was disabled.
        assert_eq!((in_person("enable"), act(&registrar, "disable")), (200, 200));
        assert_eq!(change(&root, &own.0, &json!({ "client_name": "Seized" })).status, 200);
        assert_eq!((act(&registrar, "enable"), in_person("enable")), (403, 200));
    }

    fn only_an_administrator_sets_an_audience(server) {
        let root = server.administrator();
        let registrar = server.client(&["clients:write"]);
        let free = json!({ "client_name": "x", "audiences": ["https://offline.example/"] });
        let refused = send(server, &registrar, "POST", "/v1/clients", &free);
        assert_eq!((refused.status, refused.json()["field"].clone()), (403, json!("audiences")));
        let own = register(server, &registrar, &json!({ "client_name": "Own" }));
        let claim = json!({ "audiences": ["https://offline.example/"] });
        assert_eq!(send(server, &registrar, "PATCH", &url(&own.0), &claim).status, 403);
        // Permission to get tokens for a service doesn't include the right to claim its audience.
        assert_eq!(change(&root, &registrar.0, &json!({ "resources": ["https://offline.example/"] })).status, 200);
        assert_eq!(send(server, &registrar, "POST", "/v1/clients", &free).status, 403);
        assert_eq!(send(server, &registrar, "PATCH", &url(&own.0), &claim).status, 403);
        // A service can't give away its own audience, because an audience belongs to one client.
        assert_eq!(change(&root, &registrar.0, &claim).status, 200);
        let taken = send(server, &registrar, "POST", "/v1/clients", &free);
        assert_eq!((taken.status, taken.json()["audience"].clone()), (409, json!("https://offline.example/")));
        assert_eq!(change(&root, &registrar.0, &json!({ "audiences": [] })).status, 200);
        assert_eq!(change(&root, &own.0, &claim).status, 200);
    }

    fn a_service_cannot_choose_the_signing_algorithm(server) {
        server.administrator();
        let registrar = server.client(&["clients:write"]);
        let own = register(server, &registrar, &json!({ "client_name": "Own" }));
        for algorithm in ["EdDSA", "ES256"] {
            let body = json!({ "client_name": "Keys", "id_token_signed_response_alg": algorithm });
            for (method, path) in [("POST", "/v1/clients".to_owned()), ("PATCH", url(&own.0))] {
                let refused = send(server, &registrar, method, &path, &body);
                assert_eq!((refused.status, refused.json()["field"].clone()), (403, json!("id_token_signed_response_alg")), "{method}");
            }
        }
        let same = json!({ "id_token_signed_response_alg": "RS256" });
        assert_eq!(send(server, &registrar, "PATCH", &url(&own.0), &same).status, 200);
    }

    fn a_service_cannot_use_the_name_of_a_client_it_does_not_own(server) {
        let root = server.administrator();
        let registrar = server.client(&["clients:write"]);
        let (app, _) = server.register_app(|_| {});
        assert_eq!(change(&root, &app, &json!({ "client_name": "Élan Payroll" })).status, 200);
        let own = register(server, &registrar, &json!({ "client_name": "Own" }));
        for name in ["Élan Payroll", "elan  PAYROLL", "Elan\u{200D} Payroll", "Elan-Payroll", "Ｅlan Payroll"] {
            let body = json!({ "client_name": name });
            for (method, path) in [("POST", "/v1/clients".to_owned()), ("PATCH", url(&own.0))] {
                let refused = send(server, &registrar, method, &path, &body);
                assert_eq!((refused.status, refused.json()["field"].clone()), (403, json!("client_name")), "{method} {name}");
            }
        }
        // Its own clients may have the same name, and so may an administrator's.
        register(server, &registrar, &json!({ "client_name": "Own" }));
        assert_eq!(send(server, &registrar, "PATCH", &url(&own.0), &json!({ "scope": "openid" })).status, 200);
        assert_eq!(root.browser.post_json("/v1/clients", &json!({ "client_name": "elan payroll" })).status, 201);
        // The name of a deleted client is free.
        let other = server.client(&[]);
        assert_eq!(change(&root, &other.0, &json!({ "client_name": "Gone" })).status, 200);
        assert_eq!(send(server, &registrar, "POST", "/v1/clients", &json!({ "client_name": "gone" })).status, 403);
        assert_eq!(root.browser.delete(&url(&other.0)).status, 204);
        register(server, &registrar, &json!({ "client_name": "gone" }));
    }

    fn a_service_cannot_add_user_scopes_to_an_app_it_did_not_register(server) {
        let root = server.administrator();
        let manager = server.client(&["clients:write", "phone"]);
        let app = server.relying_party(|metadata| metadata.require_consent = true);
        let granted = change(&root, &app.id, &json!({ "managed_by": [manager.0], "scope": "openid email" }));
        assert_eq!(granted.status, 200, "{}", granted.text());
        let patch = |scope: &str| {
            let tag = root.browser.get(&url(&app.id)).header("etag").expect("a tag").to_owned();
            server.browser().request("PATCH", &url(&app.id)).without_same_origin().basic(&manager.0, &manager.1)
                .header("If-Match", &tag).json(&json!({ "scope": scope })).send()
        };
        for scope in ["offline_access", "address", "roles", "profile"] {
            let refused = patch(&format!("openid email {scope}"));
            assert_eq!((refused.status, refused.json()["scope"].clone()), (403, json!(scope)), "{scope}");
        }
        assert_eq!(patch("openid").status, 200, "removing a permission needs none");
        assert_eq!(patch("openid phone").status, 200, "it holds that one");
        // A service may choose the scopes of its own apps, because users are asked for consent.
        register(server, &manager, &json!({ "client_name": "Own", "scope": "openid offline_access roles" }));
    }

    fn a_service_changes_only_clients_it_registered_or_may_manage(server) {
        let root = server.administrator();
        let registrar = server.client(&["clients:write", "clients:read"]);
        let equal = server.client(&["clients:write"]);
        let (app, _) = server.register_app(|metadata| metadata.require_consent = true);
        let other = register(server, &equal, &json!({ "client_name": "Another service's" }));
        for id in [&equal.0, &app, &other.0] {
            assert_refused(server, &registrar, id);
        }
        // Clients that it registered.
        let own = register(server, &registrar, &json!({ "client_name": "Own" }));
        assert_eq!(root.browser.get(&url(&own.0)).json()["registered_by_client"], json!(registrar.0));
        assert_eq!(root.browser.get(&url(&app)).json()["registered_by_client"], Value::Null);
        for (method, path) in paths(&own.0) {
            let done = send(server, &registrar, method, &path, &json!({}));
            assert!([200, 204].contains(&done.status), "{method} {path} {}", done.text());
        }
        // Clients that it may manage.
        let granted = change(&root, &app, &json!({ "managed_by": [registrar.0] }));
        assert_eq!((granted.status, granted.json()["managed_by"].clone()), (200, json!([registrar.0])));
        let event = list_events(&root, "client.updated")[0].clone();
        assert_eq!(event["details"]["managed_by"], json!({ "before": [], "after": [registrar.0] }));
        assert_eq!(send(server, &registrar, "POST", &format!("{}/secret", url(&app)), &json!({})).status, 200);
        assert_eq!(change(&root, &app, &json!({ "managed_by": [] })).status, 200);
        assert_refused(server, &registrar, &app);
    }

    fn only_a_signed_in_administrator_grants_management(server) {
        let root = server.administrator();
        let registrar = server.client(&["clients:write"]);
        let own = register(server, &registrar, &json!({ "client_name": "Own" }));
        let managed = json!({ "managed_by": [registrar.0] });
        let refused = send(server, &registrar, "PATCH", &url(&own.0), &managed);
        assert_eq!((refused.status, refused.json()["field"].clone()), (403, json!("managed_by")));
        let new = json!({ "client_name": "x", "managed_by": [own.0] });
        assert_eq!(send(server, &registrar, "POST", "/v1/clients", &new).status, 403);
        // An app with an administrator's token has fewer rights than an administrator with a session.
        let helper = server.delegated_app("openid clients:write");
        let token = helper.sign_in(&root.browser, &[("scope", "openid clients:write")]).access;
        let through = |method: &str, path: &str, body: &Value| {
            server.browser().request(method, path).without_same_origin().bearer(&token).header("If-Match", "\"1\"").json(body).send()
        };
        assert_eq!(through("PATCH", &url(&own.0), &managed).status, 403);
        assert_eq!(through("PATCH", &url(&own.0), &json!({ "client_name": "y" })).status, 403, "another service's client");
        let made = through("POST", "/v1/clients", &json!({ "client_name": "Through" }));
        assert_eq!((made.status, made.json()["registered_by_client"].clone()), (201, json!(helper.id)));
        // A client can't manage itself, and an unknown client can't manage any.
        for bad in [own.0.clone(), uuid::Uuid::new_v4().to_string(), "x".into()] {
            let refused = change(&root, &own.0, &json!({ "managed_by": [bad] }));
            assert_eq!((refused.status, refused.json()["field"].clone()), (400, json!("managed_by")), "{bad}");
        }
    }

    fn a_service_cannot_take_over_an_app_with_users(server) {
        let root = server.administrator();
        let thief = server.client(&["clients:write", "openid", "profile", "email", "roles"]);
        let app = server.relying_party(|metadata| {
            metadata.require_consent = true;
            metadata.allowed_roles = vec!["admin".into()];
            metadata.least_acr = Some("phr".into());
        });
        consent(&app, &root);
        let version = root.browser.get(&url(&app.id)).json()["version"].clone();
        for loosened in [
            json!({ "redirect_uris": ["https://app.example/callback", "https://thief.example/callback"] }),
            json!({ "post_logout_redirect_uris": ["https://thief.example/"] }),
            json!({ "allowed_roles": [] }), json!({ "least_acr": null }), json!({ "require_pkce": false }),
            json!({ "token_endpoint_auth_method": "none" }), json!({ "client_name": "Harmless" }),
        ] {
            let refused = send(server, &thief, "PATCH", &url(&app.id), &loosened);
            assert_eq!((refused.status, refused.problem_type().as_str()), (403, FORBIDDEN), "{loosened}");
        }
        assert_refused(server, &thief, &app.id);
        assert_eq!(root.browser.get(&url(&app.id)).json()["version"], version);
        assert!(!is_asked_again(&app, &root));
    }

    fn a_change_that_widens_an_apps_access_voids_consents_and_reports_it(server) {
        let root = server.administrator();
        let app = server.relying_party(|metadata| {
            metadata.require_consent = true;
            metadata.allowed_roles = vec!["admin".into()];
            metadata.least_acr = Some("phr".into());
        });
        for (member, loosened) in [
            ("redirect_uris", json!({ "redirect_uris": ["https://app.example/callback", "https://app.example/other"] })),
            ("allowed_roles", json!({ "allowed_roles": [] })),
            ("least_acr", json!({ "least_acr": null })),
            ("scope", json!({ "scope": "openid profile email address phone roles offline_access orders:read" })),
            ("resources", json!({ "resources": ["https://api.example/"] })),
            ("audiences", json!({ "audiences": ["https://app.example/"] })),
            ("require_pkce", json!({ "require_pkce": false })),
        ] {
            consent(&app, &root);
            assert!(!is_asked_again(&app, &root), "{member}");
            let changed = change(&root, &app.id, &loosened);
            assert_eq!((changed.status, changed.json()["consents_voided"].clone()), (200, json!(1)), "{member} {}", changed.text());
            assert!(is_asked_again(&app, &root), "{member}");
            let event = list_events(&root, "client.consents_voided")[0].clone();
            assert_eq!((event["details"]["consents"].clone(), event["details"]["because"].clone()), (json!(1), json!([member])));
        }
        let listed = server.run(server.app.oidc.list_apps(root.id.parse().expect("an id"))).expect("apps");
        assert_eq!(listed.len(), 1, "what it holds already is shown, and can be withdrawn");
        consent(&app, &root);
        let narrowed = change(&root, &app.id, &json!({ "client_name": "Another name", "allowed_roles": ["admin"], "resources": [] }));
        assert_eq!(narrowed.json()["consents_voided"], 0);
        assert!(!is_asked_again(&app, &root));
        let public = change(&root, &app.id, &json!({ "token_endpoint_auth_method": "none", "require_pkce": true }));
        assert_eq!(public.json()["consents_voided"], 1, "{}", public.text());
    }

    fn a_consent_page_expires_when_the_apps_access_is_widened(server) {
        let root = server.administrator();
        let app = server.relying_party(|metadata| metadata.require_consent = true);
        let answer = app.authorize(&root.browser, &[]);
        let path = answer.header("location").expect("a location").to_owned();
        assert_eq!(root.browser.get(&path).status, 200);
        change(&root, &app.id, &json!({ "resources": ["https://api.example/"] }));
        let late = root.browser.request("POST", &path).page_form(&[("answer", "allow")]).send();
        assert_eq!(late.status, 410, "{}", late.text());
        assert!(is_asked_again(&app, &root));
    }

    fn a_secret_that_a_service_rotates_voids_consents(server) {
        let root = server.administrator();
        let registrar = server.client(&["clients:write"]);
        let body = json!({ "client_name": "Own", "redirect_uris": ["https://app.example/callback"] });
        let (id, secret) = register(server, &registrar, &body);
        let app = RelyingParty { id, secret: Some(secret), server: server.browser() };
        consent(&app, &root);
        let rotated = root.browser.post_json(&format!("{}/secret", url(&app.id)), &json!({}));
        assert_eq!(rotated.json()["consents_voided"], 0, "a signed-in administrator granted it to the app's owner");
        assert!(!is_asked_again(&app, &root));
        let rotated = send(server, &registrar, "POST", &format!("{}/secret", url(&app.id)), &json!({}));
        assert_eq!((rotated.status, rotated.json()["consents_voided"].clone()), (200, json!(1)));
        assert!(is_asked_again(&app, &root));
    }

    fn changes_of_addresses_and_authentication_have_their_own_events(server) {
        let root = server.administrator();
        let (app, secret) = server.register_app(|_| {});
        let moved = json!({ "redirect_uris": ["https://new.example/callback"], "client_name": "Moved" });
        assert_eq!(change(&root, &app, &moved).status, 200);
        let event = list_events(&root, "client.redirect_uris_changed")[0].clone();
        assert_eq!((event["client"].clone(), event["details"]["name"].clone()), (json!(app), json!("Moved")));
        assert_eq!(
            event["details"]["redirect_uris"],
            json!({ "before": ["https://app.example/callback"], "after": ["https://new.example/callback"] })
        );
        assert_eq!(event["details"].get("post_logout_redirect_uris"), None, "only what changed");
        assert!(list_events(&root, "client.authentication_changed").is_empty());
        let post = change(&root, &app, &json!({ "token_endpoint_auth_method": "client_secret_post" }));
        assert_eq!(post.status, 200);
        let event = list_events(&root, "client.authentication_changed")[0].clone();
        assert_eq!(
            event["details"]["token_endpoint_auth_method"],
            json!({ "before": "client_secret_basic", "after": "client_secret_post" })
        );
        let all = root.browser.get("/v1/audit-events").text();
        assert!(!all.contains(&secret.expect("a secret")), "never a secret");
    }

    fn a_service_grants_only_resources_and_audiences_that_it_has(server) {
        let root = server.administrator();
        let registrar = server.client(&["clients:write"]);
        let has = json!({ "resources": ["https://api.example/"], "audiences": ["https://registrar.example/"] });
        assert_eq!(change(&root, &registrar.0, &has).status, 200);
        let refused = |body: Value, field: &str| {
            let answer = send(server, &registrar, "POST", "/v1/clients", &body);
            assert_eq!((answer.status, answer.json()["field"].clone()), (403, json!(field)), "{body}");
        };
        refused(json!({ "client_name": "x", "resources": ["https://api.example/", "https://payroll.example/"] }), "resources");
        refused(json!({ "client_name": "x", "audiences": ["https://payroll.example/"] }), "audiences");
        let own = register(server, &registrar, &json!({ "client_name": "Own", "resources": ["https://api.example/", server.origin()] }));
        let token = |resource: &str| {
            let fields = [("grant_type", "client_credentials"), ("resource", resource)];
            server.browser().request("POST", "/oauth2/token").without_same_origin().form(&fields).basic(&own.0, &own.1).send()
        };
        assert_eq!(token("https://api.example/").status, 200);
        assert_eq!(error_of(&token("https://payroll.example/")), "invalid_target");
        let patch = |body: &Value| {
            let tag = root.browser.get(&url(&own.0)).header("etag").expect("a tag").to_owned();
            server.browser().request("PATCH", &url(&own.0)).without_same_origin().basic(&registrar.0, &registrar.1)
                .header("If-Match", &tag).json(body).send()
        };
        for more in [json!({ "resources": ["https://payroll.example/"] }), json!({ "audiences": ["https://payroll.example/"] })] {
            assert_eq!(patch(&more).status, 403, "{more}");
        }
        assert_eq!(patch(&json!({ "client_name": "Renamed" })).status, 200);
        // If an administrator gave the client more, it has more than its registrar.
        assert_eq!(change(&root, &own.0, &json!({ "resources": ["https://payroll.example/"] })).status, 200);
        assert_refused(server, &registrar, &own.0);
        assert_eq!(change(&root, &own.0, &json!({ "resources": [], "audiences": ["https://own.example/"] })).status, 200);
        assert_refused(server, &registrar, &own.0);
    }

    fn a_resource_removed_from_a_client_is_refused_immediately(server) {
        let root = server.administrator();
        let api = "https://api.example/";
        let app = server.relying_party(|metadata| metadata.resources = vec![api.into()]);
        let offline = [("resource", api), ("scope", "openid offline_access")];
        let held = app.sign_in(&root.browser, &offline);
        let code = app.code(&root.browser, &offline);
        assert_eq!(app.introspect(&held.access)["active"], true);
        assert_eq!(change(&root, &app.id, &json!({ "resources": [] })).status, 200);
        assert_eq!(error_of(&app.refresh(&held.refresh)), "invalid_target");
        assert_eq!(error_of(&app.redeem(&code)), "invalid_target");
        assert_eq!(app.introspect(&held.access)["active"], false);
        assert_eq!(change(&root, &app.id, &json!({ "resources": [api] })).status, 200);
        assert_eq!(app.refresh(&held.refresh).status, 200, "refused, the refresh token was not used");
    }

    fn only_an_administrator_creates_an_app_without_consent(server) {
        let root = server.administrator();
        let registrar = server.client(&["clients:write"]);
        let body = json!({ "client_name": "Own", "redirect_uris": ["https://app.example/callback"] });
        let own = register(server, &registrar, &body);
        let (app, _) = server.register_app(|metadata| metadata.managed_by = vec![registrar.0.parse().expect("an id")]);
        assert_eq!(change(&root, &own.0, &json!({ "require_consent": false })).status, 200);
        for id in [&own.0, &app] {
            assert_refused(server, &registrar, id);
        }
        assert_eq!(root.browser.get(&url(&app)).json()["version"], 1);
        let silent = json!({ "client_name": "x", "redirect_uris": ["https://x.example/callback"], "require_consent": false });
        assert_eq!(send(server, &registrar, "POST", "/v1/clients", &silent).status, 403);
    }
}

fn a_service_cannot_use_the_installations_name(server: &TestServer) {
    let root = server.administrator();
    let registrar = server.client(&["clients:write"]);
    let helper = server.delegated_app("openid clients:write");
    let issued = helper.sign_in(&root.browser, &[("scope", "openid clients:write")]);
    let own = register(server, &registrar, &json!({ "client_name": "Own" }));
    for name in [
        "Élan ID",
        " elan-id. ",
        "ELAN\u{200D} ID",
        "Doorward",
        "DOOR-WARD",
        "D\u{F6}orward",
        "\u{FF24}oorward",
    ] {
        let body = json!({ "client_name": name });
        let refused = [
            send(server, &registrar, "POST", "/v1/clients", &body),
            send(server, &registrar, "PATCH", &url(&own.0), &body),
            // An app with an administrator's token.
            server
                .browser()
                .request("POST", "/v1/clients")
                .without_same_origin()
                .bearer(&issued.access)
                .json(&body)
                .send(),
        ];
        for answer in refused {
            let told = (answer.status, answer.json()["field"].clone());
            assert_eq!(told, (403, json!("client_name")), "{name}");
        }
    }
    // A name that contains it is a different name, and an administrator with a session may use any name.
    register(
        server,
        &registrar,
        &json!({ "client_name": "Élan ID reports" }),
    );
    for name in ["Élan ID", "Doorward"] {
        let body = json!({ "client_name": name });
        let made = root.browser.post_json("/v1/clients", &body);
        assert_eq!(made.status, 201, "{}", made.text());
    }
}

fn with_rp_name(config: &mut doorward::base::config::Config) {
    config.passkeys.rp_name = "Élan ID".into();
}

#[test]
fn a_service_cannot_use_the_installations_name_embedded() {
    a_service_cannot_use_the_installations_name(&TestServer::embedded_with(with_rp_name));
}

#[test]
fn a_service_cannot_use_the_installations_name_clustered() {
    a_service_cannot_use_the_installations_name(&TestServer::clustered_with(with_rp_name));
}
