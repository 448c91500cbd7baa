//! Every grant and ceremony with its stores cut off at each operation: no response says to repeat a request that was
//! already used up.

use std::rc::Rc;

use diesel::connection::SimpleConnection;
use doorward::account_state::AccountStates;
use doorward::base::fault_injection::InjectedFault;
use doorward::clients::{AuthMethod, Metadata, RedirectUri};
use doorward::db;
use serde_json::{Value, json};

use crate::on_both;
use crate::support::authenticator::{Overrides, SoftAuthenticator};
use crate::support::fault_sweep::{
    RepeatableRequest, fault_at_every_step, fault_at_every_step_when_cold, fault_once,
};
use crate::support::http::{Answer, TestBrowser, page_user};
use crate::support::logged_errors;
use crate::support::relying_party::{RelyingParty, TokenSet, error_of, redirect_parameters};
use crate::support::test_server::TestServer;
use crate::support::test_user::{TestUser, assertion, register, session_status};

const SIGNED_OUT: &str = "https://app.example/signed-out";

fn has_tokens(answer: &Answer) -> bool {
    answer.status == 200 && answer.json()["access_token"].is_string()
}

fn has_code(app: &RelyingParty, answer: &Answer) -> bool {
    answer.status == 303 && {
        let sent = redirect_parameters(answer);
        sent.get("code")
            .is_some_and(|code| has_tokens(&app.redeem(code)))
    }
}

fn location(answer: &Answer) -> String {
    assert_eq!(answer.status, 303, "{answer:?}");
    answer.header("location").expect("a location").to_owned()
}

fn any_name() -> String {
    uuid::Uuid::new_v4().simple().to_string()
}

fn change_keys(server: &TestServer, sql: &'static str) {
    let change = |conn: &mut db::Connection| conn.batch_execute(sql).map_err(db::Error::from);
    server
        .run(server.app.database.write(change))
        .expect("changed");
}

fn forget(server: &TestServer, key: &str) {
    server
        .run(server.app.ephemeral.remove(key))
        .expect("deleted");
}

/// Whether a response contains a client secret that works.
fn shows_secret(app: &RelyingParty, answer: &Answer) -> bool {
    let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    body["client_secret"].as_str().is_some_and(|secret| {
        let secret = Some(secret.to_owned());
        let app = RelyingParty {
            secret,
            ..app.clone()
        };
        app.post("/oauth2/introspect", &[("token", "x")]).status == 200
    })
}

/// Starts a registration; returns the body of the finish request, with the authenticator's response.
fn creation(browser: &TestBrowser, device: &mut SoftAuthenticator, start: &Value) -> Value {
    let started = browser.post_json("/webauthn/register/start", start);
    assert_eq!(started.status, 200, "{}", started.text());
    let started = started.json();
    let credential = device.create(&started["publicKey"], &Overrides::default());
    json!({ "ceremony": started["ceremony"], "credential": credential })
}

/// Returns the finish request of a registration that also signs in.
fn registration_that_signs_in<'a>(server: &TestServer, start: Value) -> RepeatableRequest<'a> {
    let browser = Rc::new(server.browser());
    let origin = server.origin().to_owned();
    let mut device = SoftAuthenticator::synced(&origin);
    let finish = creation(&browser, &mut device, &start);
    let (send, succeeds, again) = (browser.clone(), browser.clone(), browser);
    RepeatableRequest::new(
        move || send.post_json("/webauthn/register/finish", &finish),
        move |answer| answer.status == 201 && session_status(&succeeds) == 200,
        // As the response says, the passkey may have been saved; otherwise the user starts again.
        move || {
            let mut device = device.clone();
            let finish = assertion(&again, &mut device, &Overrides::default());
            let signed_in = again.post_json("/webauthn/login/finish", &finish).status == 200;
            let mut other = SoftAuthenticator::synced(&origin);
            signed_in || register(&again, &mut other, &start, &Overrides::default()).status == 201
        },
    )
}

/// Returns the finish request of a sign-in, in a browser that may have a session.
fn signing_in<'a>(browser: TestBrowser, person: &TestUser, start: &Value) -> RepeatableRequest<'a> {
    let mut device = person.device.clone();
    let started = browser.post_json("/webauthn/login/start", start).json();
    let credential = device.get(&started["publicKey"], &Overrides::default());
    let finish = json!({ "ceremony": started["ceremony"], "credential": credential });
    let browser = Rc::new(browser);
    let (send, succeeds, again) = (browser.clone(), browser.clone(), browser);
    let id = person.id.clone();
    RepeatableRequest::new(
        move || send.post_json("/webauthn/login/finish", &finish),
        move |answer| {
            answer.status == 200 && succeeds.get("/v1/session").json()["user"]["id"] == json!(id)
        },
        move || {
            let mut device = device.clone();
            let finish = assertion(&again, &mut device, &Overrides::default());
            again.post_json("/webauthn/login/finish", &finish).status == 200
        },
    )
}

/// Returns the path of a request that waits for the user.
fn waiting(app: &RelyingParty, browser: &TestBrowser, more: &[(&str, &str)]) -> String {
    location(&app.authorize(browser, more))
}

fn answer(browser: &TestBrowser, user: &str, path: &str, word: &str) -> Answer {
    let request = browser.request("POST", path);
    request
        .form(&[("answer", word), ("rendered_for", user)])
        .send()
}

on_both! {
    fn a_code_is_redeemed_or_the_flow_can_be_restarted(server) {
        let root = server.administrator();
        let app = &server.relying_party(|_| {});
        let browser = &root.browser;
        fault_at_every_step(&server.fault_injector, "code", || {
            let code = app.code(browser, &[]);
            RepeatableRequest::new(
                move || app.redeem(&code),
                has_tokens,
                || has_tokens(&app.redeem(&app.code(browser, &[]))),
            )
        });
    }

    fn an_undecryptable_key_is_not_reported_as_retryable(server) {
        let root = server.administrator();
        let app = server.relying_party(|_| {});
        let code = app.code(&root.browser, &[]);
        change_keys(server, "create table kept as select id, sealed from signing_keys; \
            update signing_keys set sealed = substr(sealed, 2)");
        let refused = app.redeem(&code);
        assert_eq!((refused.status, error_of(&refused)), (500, "server_error".to_owned()));
        assert!(refused.header("retry-after").is_none());
        change_keys(server, "update signing_keys set sealed = \
            (select kept.sealed from kept where kept.id = signing_keys.id)");
        assert!(has_tokens(&app.redeem(&code)), "the code was not used up");
    }

    fn a_grant_without_an_active_key_is_not_reported_as_retryable(server) {
        let root = server.administrator();
        let app = server.relying_party(|_| {});
        let held = app.sign_in(&root.browser, &[]);
        let code = app.code(&root.browser, &[]);
        change_keys(server, "update signing_keys set compromised_at = created_at, version = version + 1");
        forget(server, server.app.keyring.key());
        logged_errors::watch();
        for answer in [app.redeem(&code), app.refresh(&held.refresh)] {
            assert_eq!((answer.status, error_of(&answer)), (500, "server_error".to_owned()), "{answer:?}");
            assert!(answer.header("retry-after").is_none() && !answer.text().contains("try again"), "{answer:?}");
            logged_errors::assert_stated(&answer);
        }
        change_keys(server, "update signing_keys set compromised_at = null, version = version + 1");
        forget(server, server.app.keyring.key());
        assert!(has_tokens(&app.redeem(&code)), "the code was not used up");
        assert!(has_tokens(&app.refresh(&held.refresh)), "the refresh token was not used up");
    }

    /// With a newly started process, whose caches contain no keys and no records.
    fn a_grant_by_a_newly_started_process_succeeds_or_can_be_restarted(server) {
        let root = server.administrator();
        let app = server.relying_party(|_| {});
        let user = root.id.parse().expect("an ID");
        let client = app.id.parse().expect("an ID");
        let forget_all = |server: &TestServer| {
            for key in [server.app.clients.key(client), AccountStates::key(user), server.app.keyring.key().to_owned()] {
                forget(server, &key);
            }
        };
        let code = |_: &TestServer| {
            let code = app.code(&root.browser, &[]);
            let (send, again, browser) = (app.clone(), app.clone(), root.browser.clone());
            RepeatableRequest::new(
                move || send.redeem(&code),
                has_tokens,
                move || has_tokens(&again.redeem(&again.code(&browser, &[]))),
            )
        };
        fault_at_every_step_when_cold(server, "cold code", code, forget_all);
        let refresh = |_: &TestServer| {
            let (app, held) = (app.clone(), app.sign_in(&root.browser, &[]).refresh);
            RepeatableRequest::repeatable(move || app.refresh(&held), has_tokens)
        };
        fault_at_every_step_when_cold(server, "cold refresh", refresh, forget_all);
        let authorize = |_: &TestServer| {
            let (send, app, browser) = (app.clone(), app.clone(), root.browser.clone());
            let sent = move |answer: &Answer| has_code(&app, answer);
            RepeatableRequest::repeatable(move || send.authorize(&browser, &[]), sent)
        };
        fault_at_every_step_when_cold(server, "cold authorize", authorize, forget_all);
        let log_in = |server: &TestServer| signing_in(server.browser(), &root, &json!({}));
        fault_at_every_step_when_cold(server, "cold login", log_in, forget_all);
    }

    fn a_new_secret_is_shown_or_can_be_rotated_again(server) {
        let root = server.administrator();
        let browser = &root.browser;
        let make = |path: String| browser.post_json(&format!("{path}/secret"), &json!({}));
        fault_at_every_step(&server.fault_injector, "rotated secret", || {
            let app = server.relying_party(|_| {});
            let path = format!("/v1/clients/{}", app.id);
            RepeatableRequest::repeatable(move || make(path.clone()), move |answer| shows_secret(&app, answer))
        });
        fault_at_every_step(&server.fault_injector, "first secret", || {
            let app = server.relying_party(|metadata| metadata.token_endpoint_auth_method = AuthMethod::None);
            let path = format!("/v1/clients/{}", app.id);
            let update = {
                let path = path.clone();
                let change = json!({ "token_endpoint_auth_method": "client_secret_basic" });
                move || browser.request("PATCH", &path).header("If-Match", "\"1\"").json(&change).send()
            };
            // If the response to a change was lost, a repetition is refused because of its version, and a new secret
            // is created instead.
            let is_shown = move |answer: &Answer| {
                shows_secret(&app, answer)
                    || (answer.status == 412 && shows_secret(&app, &make(path.clone())))
            };
            RepeatableRequest::repeatable(update, is_shown)
        });
    }

    fn a_repeated_reset_of_pkce_takes_effect(server) {
        let root = server.administrator();
        let browser = &root.browser;
        let without = [("code_challenge", ""), ("code_challenge_method", "")];
        fault_at_every_step(&server.fault_injector, "reset of PKCE", || {
            let app = server.relying_party(|_| {});
            TokenSet::read(&app.redeem(&app.code(browser, &[])));
            assert!(!redirect_parameters(&app.authorize(browser, &without)).contains_key("code"));
            let path = format!("/v1/clients/{}", app.id);
            let reset = {
                let path = path.clone();
                let change = json!({ "pkce_used": false });
                move || browser.request("PATCH", &path).header("If-Match", "\"2\"").json(&change).send()
            };
            // If the response to a change was lost, a repetition is refused because of its version, but the change is in force.
            let is_reset = move |answer: &Answer| {
                let says_so = matches!(answer.status, 200 | 412);
                says_so
                    && browser.get(&path).json()["pkce_used"] == json!(false)
                    && redirect_parameters(&app.authorize(browser, &without)).contains_key("code")
            };
            RepeatableRequest::repeatable(reset, is_reset)
        });
    }

    fn a_refresh_succeeds_or_can_be_repeated(server) {
        let root = server.administrator();
        for rotates in [true, false] {
            let app = &server.relying_party(|metadata| metadata.rotate_refresh_tokens = rotates);
            fault_at_every_step(&server.fault_injector, "refresh", || {
                let held = app.sign_in(&root.browser, &[]).refresh;
                let used = move |answer: &Answer| {
                    has_tokens(answer) && has_tokens(&app.refresh(&TokenSet::read(answer).refresh))
                };
                RepeatableRequest::repeatable(move || app.refresh(&held), used)
            });
        }
    }

    fn a_repeated_client_credentials_request_succeeds(server) {
        let (id, secret) = server.client(&["users:read"]);
        let app = &RelyingParty { id, secret: Some(secret), server: server.browser() };
        let ask = || app.token(&[("grant_type", "client_credentials")]);
        fault_at_every_step(&server.fault_injector, "client credentials", || RepeatableRequest::repeatable(ask, has_tokens));
    }

    fn a_repeated_token_revocation_succeeds(server) {
        let root = server.administrator();
        let app = &server.relying_party(|_| {});
        let browser = &root.browser;
        for of_access_token in [true, false] {
            fault_at_every_step(&server.fault_injector, "revocation", || {
                let held = app.sign_in(browser, &[]);
                let token = if of_access_token { held.access.clone() } else { held.refresh };
                let is_revoked = move |answer: &Answer| {
                    answer.status == 200 && app.introspect(&held.access) == json!({ "active": false })
                };
                RepeatableRequest::repeatable(move || app.revoke(&token), is_revoked)
            });
        }
    }

    fn a_repeated_authorization_request_succeeds(server) {
        let root = server.administrator();
        let app = &server.relying_party(|_| {});
        let browser = &root.browser;
        fault_at_every_step(&server.fault_injector, "authorize", || {
            RepeatableRequest::repeatable(|| app.authorize(browser, &[]), |answer| has_code(app, answer))
        });
    }

    fn a_pending_authorization_request_succeeds_after_a_page_reload(server) {
        let root = server.administrator();
        let app = &server.relying_party(|_| {});
        let browser = &root.browser;
        let stranger = &server.browser();
        fault_at_every_step(&server.fault_injector, "resume", || {
            let parameters = app.parameters(&[]);
            let fields: Vec<(&str, &str)> =
                parameters.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            let path = location(&stranger.request("POST", "/oauth2/authorize").form(&fields).send());
            RepeatableRequest::repeatable(move || browser.get(&path), |answer| has_code(app, answer))
        });
    }

    fn a_repeated_consent_submission_succeeds(server) {
        let root = server.administrator();
        let app = &server.relying_party(|metadata| metadata.require_consent = true);
        let browser = &root.browser;
        let user = &*page_user(browser).expect("a user");
        let asked = || waiting(app, browser, &[("prompt", "consent")]);
        fault_at_every_step(&server.fault_injector, "question", || {
            let path = asked();
            RepeatableRequest::repeatable(move || browser.get(&path), |page| page.status == 200)
        });
        fault_at_every_step(&server.fault_injector, "consent", || {
            let path = asked();
            RepeatableRequest::repeatable(move || answer(browser, user, &path, "allow"), |answer| has_code(app, answer))
        });
        fault_at_every_step(&server.fault_injector, "denial", || {
            let path = asked();
            let is_denied = |answer: &Answer| {
                answer.status == 303 && redirect_parameters(answer)["error"] == "access_denied"
            };
            RepeatableRequest::repeatable(move || answer(browser, user, &path, "deny"), is_denied)
        });
    }

    fn a_sign_in_can_be_retried_after_a_store_fault_at_any_step(server) {
        let root = server.administrator();
        let app = &server.relying_party(|_| {});
        fault_at_every_step(&server.fault_injector, "login start", || {
            let browser = server.browser();
            RepeatableRequest::repeatable(
                move || browser.post_json("/webauthn/login/start", &json!({})),
                |answer| answer.status == 200,
            )
        });
        fault_at_every_step(&server.fault_injector, "login", || {
            let browser = server.browser();
            let login = location(&browser.get(&waiting(app, &browser, &[])));
            let id = login.rsplit('=').next().expect("an id");
            signing_in(browser, &root, &json!({ "continue": id }))
        });
    }

    fn a_sign_in_that_replaces_a_session_succeeds_or_can_be_restarted(server) {
        let root = server.administrator();
        let mut ada = server.create_user(&root, "ada");
        fault_at_every_step(&server.fault_injector, "another's", || {
            signing_in(ada.clone().another_browser(), &root, &json!({}))
        });
        fault_at_every_step(&server.fault_injector, "one's own", || {
            signing_in(root.clone().another_browser(), &root, &json!({}))
        });
        assert_eq!(ada.sign_in_at(&server.browser()).status, 200);
    }

    fn a_step_up_succeeds_or_can_be_restarted(server) {
        let root = server.administrator();
        fault_at_every_step(&server.fault_injector, "step-up", || {
            let browser = root.clone().another_browser();
            let person = Rc::new(TestUser { browser, ..root.clone() });
            let began = person.browser.post_json("/webauthn/step-up/start", &json!({})).json();
            let mut device = person.device.clone();
            let credential = device.get(&began["publicKey"], &Overrides::default());
            let finish = json!({ "ceremony": began["ceremony"], "credential": credential });
            let (send, succeeds) = (person.clone(), person.clone());
            RepeatableRequest::new(
                move || send.browser.post_json("/webauthn/step-up/finish", &finish),
                move |answer| answer.status == 200 && succeeds.session_status() == 200,
                // The previous session key became invalid at the commit, and the new one was not delivered.
                move || {
                    let mut person = TestUser::clone(&person);
                    let browser = person.browser.clone();
                    person.step_up().status == 200 || person.sign_in_at(&browser).status == 200
                },
            )
        });
    }

    fn a_passkey_registration_succeeds_or_can_be_restarted(server) {
        let root = server.administrator();
        fault_at_every_step(&server.fault_injector, "invitation", || {
            let link = root.browser.post_json("/v1/invitations", &json!({})).json();
            registration_that_signs_in(server, json!({ "invitation": link["token"], "username": any_name() }))
        });
        fault_at_every_step(&server.fault_injector, "device link", || {
            let person = server.create_user(&root, &any_name());
            let link = person.browser.post_json("/v1/me/device-links", &json!({})).json();
            registration_that_signs_in(server, json!({ "invitation": link["token"] }))
        });
        fault_at_every_step(&server.fault_injector, "one more", || {
            let person = Rc::new(server.create_user(&root, &any_name()));
            let mut device = SoftAuthenticator::synced(server.origin());
            let finish = creation(&person.browser, &mut device, &json!({}));
            let (send, again) = (person.clone(), person);
            RepeatableRequest::new(
                move || send.browser.post_json("/webauthn/register/finish", &finish),
                |answer| answer.status == 201,
                move || {
                    let browser = again.browser.without_cookies();
                    let finish = assertion(&browser, &mut device.clone(), &Overrides::default());
                    browser.post_json("/webauthn/login/finish", &finish).status == 200
                        || again.add_passkey(SoftAuthenticator::synced(again.browser.origin())).1.len() > 1
                },
            )
        });
    }

    fn a_repeated_sign_out_takes_effect(server) {
        let root = server.administrator();
        let return_to = |metadata: &mut Metadata| {
            metadata.post_logout_redirect_uris = vec![RedirectUri::parse(SIGNED_OUT).expect("a redirect URI")];
        };
        let app = &server.relying_party(return_to);
        let is_out = |browser: &TestBrowser, answer: &Answer| {
            // A repeated request may find the session already ended.
            [204, 303, 401].contains(&answer.status) && session_status(browser) == 401
        };
        fault_at_every_step(&server.fault_injector, "sign-out", || {
            let browser = Rc::new(root.clone().another_browser());
            let send = browser.clone();
            RepeatableRequest::repeatable(move || send.delete("/v1/session"), move |answer| is_out(&browser, answer))
        });
        fault_at_every_step(&server.fault_injector, "logout request", || {
            let browser = Rc::new(root.clone().another_browser());
            let hint = app.sign_in(&browser, &[]).id_token;
            let path = format!("/oauth2/logout?id_token_hint={hint}&post_logout_redirect_uri=https%3A%2F%2Fapp.example%2Fsigned-out");
            let send = browser.clone();
            RepeatableRequest::repeatable(
                move || send.get(&path),
                move |answer| is_out(&browser, answer) && location(answer) == SIGNED_OUT,
            )
        });
        fault_at_every_step(&server.fault_injector, "logout answer", || {
            let browser = Rc::new(root.clone().another_browser());
            let posted = browser.request("POST", "/oauth2/logout").form(&[("state", "x")]).send();
            let path = location(&posted);
            let user = page_user(&browser).expect("a user");
            let send = browser.clone();
            RepeatableRequest::repeatable(
                move || send.request("POST", &path).form(&[("rendered_for", &user)]).send(),
                move |answer| is_out(&browser, answer),
            )
        });
    }
}

/// The set-up link works once for each installation.
fn set_up_succeeds_or_can_be_restarted(new_server: fn() -> TestServer) {
    for cut in [InjectedFault::NotRun, InjectedFault::ResultLost] {
        for operations in 0.. {
            let server = new_server();
            let start = json!({ "setup": server.set_up_token(), "username": "root", "display_name": "Root" });
            let was_cut = fault_once(
                &server.fault_injector,
                "set-up",
                (operations, cut),
                &registration_that_signs_in(&server, start),
            );
            if !was_cut {
                break;
            }
        }
    }
}

#[test]
fn set_up_succeeds_or_can_be_restarted_embedded() {
    set_up_succeeds_or_can_be_restarted(TestServer::embedded);
}

#[test]
fn set_up_succeeds_or_can_be_restarted_clustered() {
    set_up_succeeds_or_can_be_restarted(TestServer::clustered);
}
