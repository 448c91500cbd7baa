//! Runs third-party programs: each is registered by `doorward client create` and configured as its own documentation shows. A
//! user without a screen signs in; programs that need a browser are in `e2e::relying_parties`.

mod apache;
mod javascript;
mod program;
mod python;
mod user;

use serde_json::{Value, json};

use user::User;

/// Checks the claims that a program with the scopes `profile`, `email` and `groups` reads from the ID token or UserInfo.
fn assert_is_ada(claims: &Value, user: &User) {
    let expected = json!({
        "sub": user.id, "name": "Ada Lovelace", "preferred_username": "ada",
        "email": "ada@example.com", "email_verified": true, "groups": ["engineers"],
    });
    for (name, value) in expected.as_object().expect("an object") {
        assert_eq!(&claims[name], value, "{name} in {claims:#}");
    }
}
