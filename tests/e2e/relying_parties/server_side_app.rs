//! The server-side example with openid-client, and its Back-Channel Logout.

use std::time::Duration;

use serde_json::json;

use super::app::{App, Library};
use super::{Visitor, ada, revoke_passkeys};
use crate::support::browser::Chromium;
use crate::support::process::wait_until;
use crate::support::test_server::{TestServer, sends_to_loopback};
use crate::support::test_user::TestUser;

mod signs_in_renews_and_signs_out {
    use super::*;

    fn behaviour(server: &TestServer) {
        let visitor = Visitor::new(&Chromium::launch());
        ada(server, &visitor);
        let app = App::start(server, Library::OpenidClient);
        visitor.sign_in_through(&app);
        visitor.assert_shows_ada(server);
        visitor.renew("Renew");
        visitor.assert_shows_ada(server);
        visitor.sign_out_of(&app);
        visitor.assert_signed_out_of_doorward(server);
        // The app recognizes Ada.
        visitor.sign_in_through(&app);
        assert_eq!(visitor.shown("visits"), "2");
        visitor.assert_clean();
    }

    #[test]
    fn embedded() {
        behaviour(&TestServer::embedded_with(sends_to_loopback));
    }

    #[test]
    fn clustered() {
        behaviour(&TestServer::clustered_with(sends_to_loopback));
    }
}

mod hears_within_two_seconds_that_a_session_or_a_passkey_was_revoked {
    use super::*;

    fn behaviour(server: &TestServer) {
        let visitor = Visitor::new(&Chromium::launch());
        let root = ada(server, &visitor);
        let app = App::start(server, Library::OpenidClient);
        for revoke in [end_sessions, revoke_passkeys] {
            visitor.sign_in_through(&app);
            assert!(has_session(&visitor));
            revoke(&root);
            wait_until("the app's session ends", Duration::from_secs(2), || {
                !has_session(&visitor)
            });
        }
    }

    #[test]
    fn embedded() {
        behaviour(&TestServer::embedded_with(sends_to_loopback));
    }

    #[test]
    fn clustered() {
        behaviour(&TestServer::clustered_with(sends_to_loopback));
    }
}

fn end_sessions(root: &TestUser) {
    let answer = root.browser.delete("/v1/users/ada/sessions");
    assert_eq!(answer.status, 200, "{}", answer.text());
}

/// Whether the app has a session: its first page redirects signed-in users. This uses no tokens, so the app can't learn from them
/// that the session has ended.
fn has_session(visitor: &Visitor) -> bool {
    let first = "fetch('/', { redirect: 'manual' }).then((answer) => answer.type)";
    visitor.page.evaluate(first) == json!("opaqueredirect")
}
