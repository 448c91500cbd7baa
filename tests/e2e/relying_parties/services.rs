//! Apps on a server, in three more languages: the same journey with each.

use std::time::Duration;

use super::app::{App, Library};
use super::{Visitor, ada, revoke_passkeys};
use crate::support::browser::Chromium;
use crate::support::house::House;

fn signs_in_renews_and_signs_out(library: Library, house: &House) {
    let visitor = Visitor::new(&Chromium::launch());
    let root = ada(house, &visitor);
    let app = App::start(house, library);
    visitor.sign_in_through(&app);
    visitor.assert_shows_ada(house);
    visitor.renew("Renew");
    visitor.assert_shows_ada(house);
    visitor.sign_out_of(&app);
    visitor.assert_signed_out_of_doorward(house);
    // A revoked passkey ends what rests on it: the app finds out when it renews.
    visitor.sign_in_through(&app);
    visitor
        .page
        .set_presence_simulation(&visitor.authenticator, false);
    revoke_passkeys(&root);
    visitor.page.click_text("Renew");
    visitor
        .page
        .wait_for("!document.querySelector('#sub') && document.readyState === 'complete'");
    visitor.page.goto(&format!("{}/me", app.origin));
    assert_eq!(visitor.shown("sub"), "");
}

#[test]
fn authlib() {
    signs_in_renews_and_signs_out(Library::Authlib, &House::embedded());
}

#[test]
fn mod_auth_openidc() {
    // The module renews in the last minute of a token's life: here that is all of it.
    let house = House::embedded_with(|config| {
        config.tokens.access_lifetime = Duration::from_secs(50);
    });
    signs_in_renews_and_signs_out(Library::ModAuthOpenidc, &house);
}

#[test]
fn openidconnect() {
    signs_in_renews_and_signs_out(Library::Openidconnect, &House::embedded());
}
