//! Registering passkeys: set-up, invitations, one's own account.

use serde_json::json;

use crate::on_both;
use crate::support::authenticator::SoftAuthenticator;
use crate::support::person::{Person, register, session_status};

on_both! {
    /// The whole of the thinnest path: set up, check, sign in again, revoke, gone.
    fn the_first_administrator_is_set_up_signs_in_and_is_cut_off(house) {
        let mut root = house.administrator();
        let session = root.browser.get("/v1/session");
        assert_eq!(session.status, 200, "{}", session.text());
        assert_eq!(session.json()["user"]["roles"], json!(["admin"]));
        let browser = root.another_browser();
        let (_, second) = root.add_passkey(SoftAuthenticator::device_bound(house.origin()));
        let revoked = browser.delete(&format!("/v1/me/passkeys/{}", root.passkey));
        assert_eq!(revoked.status, 200, "{}", revoked.text());
        assert_eq!(session_status(&browser), 401);
        assert_eq!(root.session_status(), 401);
        assert_ne!(second, root.passkey);
    }

    fn a_set_up_link_works_once(house) {
        let token = house.set_up_token();
        let start = json!({ "setup": token, "username": "root", "display_name": "Root" });
        let mut device = SoftAuthenticator::synced(house.origin());
        let first = Person::enrol(house.browser(), device.clone(), &start);
        assert_eq!(first.session_status(), 200);
        let again = register(&house.browser(), &mut device, &start, &Default::default());
        assert_eq!(again.status, 410);
        assert_eq!(again.problem_type(), "urn:doorward:problem:link-gone");
    }
}
