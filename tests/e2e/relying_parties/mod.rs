//! Real relying parties: apps with third-party OpenID Connect libraries, in a real browser.
//!
//! Each is registered by the command of its guide, started as a process, and driven through the same steps.

mod app;
mod guide;
mod server_side_app;
mod services;
mod single_page_app;

use serde_json::{Value, json};

use super::{Visitor, invitation};
use crate::support::test_server::TestServer;
use crate::support::test_user::TestUser;
use app::App;

/// Creates the user Ada, who has a passkey and is signed out, and returns the administrator who invited her.
fn ada(server: &TestServer, visitor: &Visitor) -> TestUser {
    let root = server.administrator();
    let ada =
        json!({ "username": "ada", "display_name": "Ada Lovelace", "email": "ada@example.com" });
    visitor.join(&invitation(&root, &ada));
    visitor.page.call("Network.clearBrowserCookies", json!({}));
    root
}

/// Returns Ada's ID, which apps know as `sub`.
fn sub(server: &TestServer) -> String {
    let ada = server.run(server.app.users.find("ada")).expect("ada");
    ada.id.to_string()
}

/// Truthy when the page shows a signed-in user.
const SIGNED_IN: &str = "document.querySelector('#sub')?.innerText";

impl Visitor {
    /// Starts at the app's first page, signs in at Doorward with the passkey, and returns.
    fn sign_in_through(&self, app: &App) {
        self.page.goto(&format!("{}/", app.origin));
        self.page.click_text("Sign in");
        self.page.wait_for(SIGNED_IN);
        assert!(self.page.url().starts_with(&app.origin));
    }

    /// Returns the text that the app shows in this element.
    fn shown(&self, id: &str) -> String {
        let text = format!("document.querySelector('#{id}')?.innerText ?? ''");
        let text = self.page.evaluate(&text);
        text.as_str().unwrap_or_default().to_owned()
    }

    /// Checks that the app shows the user's data from the ID token and UserInfo.
    fn assert_shows_ada(&self, server: &TestServer) {
        let sub = sub(server);
        assert_eq!(
            (self.shown("name"), self.shown("sub")),
            ("Ada Lovelace".to_owned(), sub.clone())
        );
        let userinfo: Value =
            serde_json::from_str(&self.shown("userinfo")).expect("JSON from UserInfo");
        assert_eq!(
            (&userinfo["sub"], &userinfo["name"], &userinfo["email"]),
            (
                &json!(sub),
                &json!("Ada Lovelace"),
                &json!("ada@example.com")
            )
        );
    }

    /// Presses a button and waits until the app has another access token.
    fn renew(&self, button: &str) {
        let before = self.shown("access-token");
        assert!(!before.is_empty());
        self.page.click_text(button);
        let id = "document.querySelector('#access-token')?.innerText";
        self.page
            .wait_for(&format!("({id} || {0}) !== {0}", json!(before)));
    }

    /// Signs out in the app, which returns to its first page and ends its session.
    fn sign_out_of(&self, app: &App) {
        // Prevents the authenticator from signing in again at Doorward.
        self.page
            .set_presence_simulation(&self.authenticator, false);
        self.page.click_text("Sign out");
        self.page.wait_for_text("You are signed out.");
        assert!(self.page.url().starts_with(&app.origin));
        self.page.goto(&app.page);
        assert_eq!(self.shown("sub"), "");
    }

    /// Checks that the browser has no session at Doorward.
    fn assert_signed_out_of_doorward(&self, server: &TestServer) {
        self.page.goto(&format!("{}/healthz", server.origin()));
        assert_eq!(self.fetch("/v1/session")["status"], 401);
        self.page.set_presence_simulation(&self.authenticator, true);
    }
}

fn revoke_passkeys(root: &TestUser) {
    let passkeys = root.browser.get("/v1/users/ada/passkeys").json();
    for passkey in passkeys["items"].as_array().expect("a list") {
        let id = passkey["id"].as_str().expect("an id");
        let answer = root
            .browser
            .delete(&format!("/v1/users/ada/passkeys/{id}?reason=lost"));
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
}
