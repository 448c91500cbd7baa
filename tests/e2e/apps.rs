//! Redirects to an app and back, in the browser.

use std::collections::HashMap;

use doorward::clients::{Metadata, RedirectUri};
use serde_json::{Value, json};

use super::Visitor;
use crate::on_both;
use crate::support::browser::Chromium;
use crate::support::receiver::{Behaviour, Receiver};
use crate::support::relying_party::{RelyingParty, TokenSet, VERIFIER};
use crate::support::test_server::TestServer;
use crate::support::test_user::TestUser;

/// An app whose pages all show that the user has returned.
struct App {
    party: RelyingParty,
    receiver: Receiver,
    callback: String,
}

fn page(text: &str) -> Behaviour {
    let length = text.len();
    Behaviour::Answer(format!(
        "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{text}"
    ))
}

fn onward(address: &str) -> Behaviour {
    Behaviour::Answer(format!(
        "HTTP/1.1 303 See Other\r\nLocation: {address}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    ))
}

impl App {
    /// Creates an app that needs no consent, unless `change` requires it.
    fn new(server: &TestServer, change: impl FnOnce(&mut Metadata)) -> Self {
        Self::answering(server, page("Back at the app"), change)
    }

    fn answering(
        server: &TestServer,
        behaviour: Behaviour,
        change: impl FnOnce(&mut Metadata),
    ) -> Self {
        let receiver = Receiver::http(behaviour);
        let callback = format!("http://localhost:{}/callback", receiver.port());
        let uri = RedirectUri::parse(&callback).expect("a redirect URI");
        let party = server.relying_party(|metadata| {
            metadata.redirect_uris = vec![uri.clone()];
            metadata.post_logout_redirect_uris = vec![uri];
            change(metadata);
        });
        Self {
            party,
            receiver,
            callback,
        }
    }

    fn address(&self, server: &TestServer, more: &[(&str, &str)]) -> String {
        let mut all = vec![("redirect_uri", self.callback.as_str())];
        all.extend(more);
        format!("{}{}", server.origin(), self.party.path(&all))
    }

    /// Returns the parameters that the app receives when the user returns.
    fn redirect_parameters(&self, visitor: &Visitor) -> HashMap<String, String> {
        visitor.page.wait_for_text("Back at the app");
        let url = url::Url::parse(&visitor.page.url()).expect("a URL");
        url.query_pairs().into_owned().collect()
    }

    fn redeem(&self, code: &str) -> TokenSet {
        let answer = self.party.token(&[
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", &self.callback),
            ("code_verifier", VERIFIER),
        ]);
        TokenSet::read(&answer)
    }
}

/// Creates the administrator, and the user ada, who is signed in in a real browser.
fn joined(server: &TestServer) -> (TestUser, Visitor) {
    let root = server.administrator();
    let ada = Visitor::new(&Chromium::launch());
    ada.join(&invitation(&root, "ada"));
    (root, ada)
}

fn invitation(root: &TestUser, name: &str) -> String {
    crate::e2e::invitation(
        root,
        &json!({ "username": name, "display_name": name.to_uppercase() }),
    )
}

fn asks(metadata: &mut Metadata) {
    metadata.require_consent = true;
}

fn open_without_script(visitor: &Visitor, address: &str) {
    let disable = |value: bool| {
        visitor.page.call(
            "Emulation.setScriptExecutionDisabled",
            json!({ "value": value }),
        )
    };
    disable(true);
    visitor.page.goto(address);
    disable(false);
}

on_both! {
    fn a_user_gives_consent_signs_in_and_withdraws_it(server) {
        let (_, ada) = joined(server);
        let app = App::new(server, asks);
        ada.page.call("Network.clearBrowserCookies", json!({}));
        ada.page.set_presence_simulation(&ada.authenticator, false);
        ada.page.goto(&app.address(server, &[("login_hint", "ada")]));
        ada.wait_for_path("/login");
        ada.page.wait_for_text("Sign in to an app");
        assert_eq!(ada.page.evaluate("document.querySelector('.where').innerText"), "localhost");
        assert_eq!(ada.page.evaluate("document.getElementById('username').value"), "ada");
        ada.sign_in_by_button();
        ada.page.wait_for_text("Allow an app to access your account?");
        ada.page.wait_for_text("as ADA (ada)");
        ada.page.wait_for_text("see your email address");
        ada.page.click_text("Allow");
        let issued = app.redeem(&app.redirect_parameters(&ada)["code"]);
        assert_eq!(app.party.user_info(&issued.access).status, 200);
        // The next time, no consent is requested.
        ada.page.goto(&app.address(server, &[]));
        assert!(app.redirect_parameters(&ada).contains_key("code"));
        ada.page.goto(&format!("{}/account", server.origin()));
        ada.page.wait_for_text("see your email address");
        ada.page.click("#apps button");
        ada.page.wait_for_text("Access removed.");
        ada.page.wait_for_text("No apps have access to your account.");
        assert_eq!(app.party.user_info(&issued.access).status, 401);
        ada.page.goto(&app.address(server, &[]));
        ada.page.wait_for_text("Allow an app to access your account?");
        ada.assert_clean();
    }

    fn consent_is_refused_by_keyboard_and_given_without_javascript(server) {
        let (_, ada) = joined(server);
        let app = App::new(server, asks);
        ada.page.goto(&app.address(server, &[]));
        ada.page.wait_for_text("Allow an app to access your account?");
        for _ in 0..6 {
            if ada.page.evaluate("document.activeElement.value") == json!("deny") {
                break;
            }
            ada.page.press("Tab");
        }
        ada.page.press("Enter");
        assert_eq!(app.redirect_parameters(&ada)["error"], "access_denied");
        open_without_script(&ada, &app.address(server, &[]));
        let question = ada.page.url();
        ada.page.click_text("Allow");
        assert!(app.redirect_parameters(&ada).contains_key("code"));
        ada.page.goto(&question);
        ada.page.wait_for_text("This sign-in request has expired");
        ada.page.goto(&app.address(server, &[("redirect_uri", "https://evil.example/")]));
        ada.page.wait_for_text("This sign-in request isn't valid");
        ada.page.wait_for_text("For the developer:");
    }

    fn a_user_switches_accounts_for_an_app(server) {
        let (root, ada) = joined(server);
        let app = App::new(server, |_| {});
        // The browser's passkey is bob's now, and ada is signed in.
        let adas = ada.page.credentials(&ada.authenticator).remove(0);
        ada.page.call("Network.clearBrowserCookies", json!({}));
        ada.join(&invitation(&root, "bob"));
        let both = ada.page.credentials(&ada.authenticator);
        let bobs = both.into_iter().find(|one| one["credentialId"] != adas["credentialId"]).expect("bob's");
        let take_out = |one: &Value| ada.page.remove_credential(&ada.authenticator, one["credentialId"].as_str().expect("an id"));
        take_out(&bobs);
        ada.page.call("Network.clearBrowserCookies", json!({}));
        ada.page.goto(&format!("{}/login", server.origin()));
        ada.wait_for_path("/account");
        take_out(&ada.page.credentials(&ada.authenticator)[0]);
        ada.page.add_credential(&ada.authenticator, &bobs);
        ada.page.set_presence_simulation(&ada.authenticator, false);
        ada.page.goto(&app.address(server, &[("prompt", "select_account")]));
        ada.page.wait_for_text("Continue as ADA");
        ada.page.click_text("Use another account");
        ada.page.wait_for_text("You're signed in as ADA (ada).");
        ada.page.click_text("Continue as ADA");
        ada.page.wait_for_text("Continue to an app?");
        ada.page.click_text("Use another account");
        ada.wait_for_path("/login");
        server.advance_clock(1);
        ada.sign_in_by_button();
        let issued = app.redeem(&app.redirect_parameters(&ada)["code"]);
        assert_eq!(app.party.user_info(&issued.access).json()["preferred_username"], "bob");
        ada.page.goto(&app.address(server, &[("prompt", "select_account")]));
        ada.page.click_text("Continue as BOB");
        assert!(app.redirect_parameters(&ada).contains_key("code"));
        ada.assert_clean();
    }

    fn a_user_without_an_account_uses_an_invitation_and_reaches_the_app(server) {
        let root = server.administrator();
        let ada = Visitor::new(&Chromium::launch());
        let app = App::new(server, |_| {});
        ada.page.goto(&app.address(server, &[("prompt", "create")]));
        ada.page.wait_for_text("is invitation-only.");
        ada.page.wait_for("document.activeElement.id === 'invitation'");
        ada.page.fill("#invitation", "https://evil.example/join/x");
        ada.page.press("Enter");
        ada.page.wait_for_text("Paste the whole link");
        ada.page.fill("#invitation", &invitation(&root, "ada"));
        ada.page.click_text("Continue");
        ada.page.wait_for("document.querySelector('#register-button') && document.readyState === 'complete'");
        server.advance_clock(1);
        ada.page.click("#register-button");
        ada.wait_for_path("/welcome");
        ada.page.wait_for_text("Add a backup passkey");
        ada.page.click_text("Continue to an app");
        assert!(app.redirect_parameters(&ada).contains_key("code"));
        ada.assert_clean();
    }

    fn a_user_accepts_or_declines_a_new_sign_in(server) {
        let (_, ada) = joined(server);
        let app = App::new(server, |_| {});
        let again = app.address(server, &[("prompt", "login")]);
        ada.page.goto(&again);
        ada.page.wait_for_text("an app needs you to confirm it's you.");
        ada.page.click_text("Cancel");
        assert_eq!(app.redirect_parameters(&ada)["error"], "access_denied");
        ada.page.goto(&again);
        // The button has the focus.
        ada.page.wait_for("document.activeElement.id === 'step-up-button'");
        server.advance_clock(1);
        ada.page.press("Enter");
        assert!(app.redirect_parameters(&ada).contains_key("code"));
        // A user who is signed out in between signs in, and still returns to the app.
        ada.page.goto(&again);
        ada.page.wait_for("document.querySelector('#step-up-button')");
        ada.page.call("Network.deleteCookies", json!({ "name": "doorward-session", "url": server.origin() }));
        server.advance_clock(1);
        ada.page.click("#step-up-button");
        assert!(app.redirect_parameters(&ada).contains_key("code"));
        ada.assert_clean();
    }

    fn a_form_post_response_reaches_the_app_and_redirects(server) {
        let (_, ada) = joined(server);
        let post = [("response_mode", "form_post")];
        let app = App::new(server, |_| {});
        // The page with the form is left before it has loaded.
        ada.page.evaluate(&format!("location.assign('{}')", app.address(server, &post)));
        ada.page.wait_for_text("Back at the app");
        let received = |app: &App| app.receiver.requests().iter().any(|request| {
            request.starts_with("POST /callback ") && request.contains("code=") && request.contains("state=the-state")
        });
        assert!(received(&app), "{:?}", app.receiver.requests());
        // An app that redirects to another host after receiving Doorward's form.
        let further = Receiver::http(page("Back at the app"));
        let elsewhere = format!("http://127.0.0.1:{}/home", further.port());
        for mode in ["query", "form_post"] {
            let app = App::answering(server, onward(&elsewhere), asks);
            ada.page.goto(&app.address(server, &[("response_mode", mode)]));
            ada.page.click_text("Allow");
            ada.page.wait_for_text("Back at the app");
            assert_eq!(ada.page.url(), elsewhere);
        }
        // Without scripts, a button submits the form.
        let app = App::new(server, |_| {});
        open_without_script(&ada, &app.address(server, &post));
        ada.page.wait_for_text("Returning to localhost");
        ada.page.click_text("Continue");
        ada.page.wait_for_text("Back at the app");
        assert!(received(&app), "{:?}", app.receiver.requests());
        ada.assert_clean();
    }

    fn sign_out_without_a_valid_hint_asks_for_confirmation(server) {
        let (root, ada) = joined(server);
        let logout = format!("{}/oauth2/logout", server.origin());
        ada.page.goto(&logout);
        ada.page.wait_for_text("Sign out?");
        ada.page.click_text("Cancel");
        ada.wait_for_path("/account");
        assert_eq!(ada.fetch("/v1/session")["status"], 200);
        // The app sends the ID token hint of another user, and the browser is redirected back to the app.
        let app = App::new(server, |_| {});
        let bob = server.create_user(&root, "bob");
        let sent = app.party.authorize(&bob.browser, &[("redirect_uri", &app.callback)]);
        let sent = url::Url::parse(sent.header("location").expect("a location")).expect("a URL");
        let code = sent.query_pairs().find(|(name, _)| name == "code").expect("a code").1.into_owned();
        let hint = app.redeem(&code).id_token;
        let more = format!("id_token_hint={hint}&post_logout_redirect_uri={}&state=left", app.callback);
        ada.page.goto(&format!("{logout}?{more}"));
        ada.page.wait_for_text("Sign out?");
        ada.page.click("main button[type=submit]");
        assert_eq!(app.redirect_parameters(&ada)["state"], "left");
        ada.page.goto(&format!("{}/login", server.origin()));
        assert_eq!(ada.fetch("/v1/session")["status"], 401);
        ada.assert_clean();
    }
}
