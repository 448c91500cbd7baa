//! The single-page example with oidc-client-ts, and both ways of silent renewal.

use super::app::{App, Library};
use super::{Visitor, ada, revoke_passkeys};
use crate::on_both;
use crate::support::browser::Chromium;

impl Visitor {
    /// Waits until the page shows this result.
    fn wait_for_message(&self, message: &str) {
        let shown = "document.querySelector('#message')?.innerText";
        let message = serde_json::json!(message);
        self.page.wait_for(&format!("{shown} === {message}"));
    }
}

on_both! {
    fn signs_in_renews_and_signs_out(server) {
        let visitor = Visitor::new(&Chromium::launch());
        let root = ada(server, &visitor);
        let app = App::start(server, Library::OidcClientTs);
        visitor.sign_in_through(&app);
        visitor.page.click_text("Ask UserInfo");
        visitor.wait_for_message("Done.");
        visitor.assert_shows_ada(server);
        visitor.renew("Renew");
        visitor.page.click_text("Ask UserInfo");
        visitor.wait_for_message("Done.");
        visitor.sign_out_of(&app);
        visitor.assert_signed_out_of_doorward(server);
        visitor.sign_in_through(&app);
        revoke_passkeys(&root);
        visitor.page.click_text("Ask UserInfo");
        visitor.wait_for_message("Error: UserInfo answered 401");
        visitor.page.click_text("Renew");
        visitor.wait_for_message("invalid_grant");
        visitor.page.wait_for_text("You are signed out.");
        visitor.assert_clean();
    }
}

on_both! {
    /// An app on localhost is same-site with Doorward, whatever its port, so the frame's request carries Doorward's cookie.
    fn silent_renewal_works_in_a_same_site_iframe(server) {
        let visitor = Visitor::new(&Chromium::launch());
        ada(server, &visitor);
        let app = App::start(server, Library::OidcClientTs);
        visitor.sign_in_through(&app);
        visitor.renew("Renew in an iframe");
        visitor.wait_for_message("Done.");
        visitor.assert_clean();
    }

    /// 127.0.0.1 is another site than localhost, so the cookie is not sent (SameSite=Lax), and the frame is signed out.
    fn silent_renewal_in_a_cross_site_iframe_is_signed_out(server) {
        let visitor = Visitor::new(&Chromium::launch());
        ada(server, &visitor);
        let app = App::start_at(server, Library::OidcClientTs, "127.0.0.1");
        visitor.sign_in_through(&app);
        visitor.page.click_text("Renew in an iframe");
        visitor.wait_for_message("login_required");
        // A refresh token doesn't depend on sites.
        visitor.renew("Renew");
        visitor.wait_for_message("Done.");
        visitor.assert_clean();
    }
}
