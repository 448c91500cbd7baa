//! Real relying parties: apps with OpenID Connect libraries of other people's making, in a real browser.
//!
//! Each is registered by the command of its guide, started as a process, and driven through the same steps.

mod app;
mod guide;
mod server_side_app;
mod services;
mod single_page_app;

use serde_json::{Value, json};

use super::{Visitor, invitation};
use crate::support::house::House;
use crate::support::person::Person;
use app::App;

/// Ada, who has a passkey and is signed out; and the administrator who invited her.
fn ada(house: &House, visitor: &Visitor) -> Person {
    let root = house.administrator();
    let ada =
        json!({ "username": "ada", "display_name": "Ada Lovelace", "email": "ada@example.com" });
    visitor.join(&invitation(&root, &ada));
    visitor.page.call("Network.clearBrowserCookies", json!({}));
    root
}

/// Ada's id, which apps know as `sub`.
fn sub(house: &House) -> String {
    let ada = house.run(house.app.users.find("ada")).expect("ada");
    ada.id.to_string()
}

/// The last sign of life of the page: it shows somebody.
const SIGNED_IN: &str = "document.querySelector('#sub')?.innerText";

impl Visitor {
    /// From the app's first page to Doorward, where the passkey signs in, and back.
    fn sign_in_through(&self, app: &App) {
        self.page.goto(&format!("{}/", app.origin));
        self.page.click_text("Sign in");
        self.page.wait_for(SIGNED_IN);
        assert!(self.page.url().starts_with(&app.origin));
    }

    /// What the app shows in this place.
    fn shown(&self, id: &str) -> String {
        let text = format!("document.querySelector('#{id}')?.innerText ?? ''");
        let text = self.page.evaluate(&text);
        text.as_str().unwrap_or_default().to_owned()
    }

    /// The app knows who it is, from the ID token and from UserInfo.
    fn assert_shows_ada(&self, house: &House) {
        let sub = sub(house);
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

    /// Presses a button after which the app has another access token.
    fn renew(&self, button: &str) {
        let before = self.shown("access-token");
        assert!(!before.is_empty());
        self.page.click_text(button);
        let id = "document.querySelector('#access-token')?.innerText";
        self.page
            .wait_for(&format!("({id} || {0}) !== {0}", json!(before)));
    }

    /// Signs out in the app, which comes back to its first page and has forgotten who it was.
    fn sign_out_of(&self, app: &App) {
        // At Doorward nobody signs in again just because they can.
        self.page
            .set_presence_simulation(&self.authenticator, false);
        self.page.click_text("Sign out");
        self.page.wait_for_text("You are signed out.");
        assert!(self.page.url().starts_with(&app.origin));
        self.page.goto(&app.page);
        assert_eq!(self.shown("sub"), "");
    }

    /// Nobody is signed in at Doorward in this browser.
    fn assert_signed_out_of_doorward(&self, house: &House) {
        self.page.goto(&format!("{}/healthz", house.origin()));
        assert_eq!(self.fetch("/v1/session")["status"], 401);
        self.page.set_presence_simulation(&self.authenticator, true);
    }
}

/// Revokes Ada's passkeys.
fn revoke_passkeys(root: &Person) {
    let passkeys = root.browser.get("/v1/users/ada/passkeys").json();
    for passkey in passkeys["items"].as_array().expect("a list") {
        let id = passkey["id"].as_str().expect("an id");
        let answer = root
            .browser
            .delete(&format!("/v1/users/ada/passkeys/{id}?reason=lost"));
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
}
