//! The session ID in the token response, where identity brokers expect it.

use serde_json::Value;

use crate::on_both;
use crate::support::relying_party::TokenSet;

on_both! {
    fn the_token_response_names_the_session_beside_every_id_token(server) {
        let root = server.administrator();
        let app = server.relying_party(|_| {});
        let issued = app.sign_in(&root.browser, &[]);
        assert!(issued.id_claims["sid"].is_string());
        assert_eq!(issued.answer["session_state"], issued.id_claims["sid"]);
        let renewed = TokenSet::read(&app.refresh(&issued.refresh));
        assert_eq!(renewed.answer["session_state"], issued.id_claims["sid"]);
        // Without an ID token, there is no session ID.
        let plain = app.sign_in(&root.browser, &[("scope", "email")]);
        assert_eq!((plain.answer.get("session_state"), plain.answer.get("id_token")), (None::<&Value>, None));
    }
}
