//! The signed token for the application, on routes that request it.

use super::{Visitor, ada, on_both_with_forward_auth};
use crate::support::relying_party::{claims_of, header_of, names_of};

on_both_with_forward_auth! {
    fn a_route_may_ask_for_a_signed_token(server) {
        let (_, ada) = ada(server);
        let visitor = Visitor::of(server, &ada);
        visitor.enter("/");
        let answer = visitor.traefik("GET", "/api/x").send();
        let token = answer.header("remote-jwt").expect("a token").to_owned();
        let (header, claims) = (header_of(&token), claims_of(&token));
        assert_eq!((header["typ"].as_str(), header["alg"].as_str()), (Some("forward-auth+jwt"), Some("ES256")));
        assert_eq!(claims["iss"], server.origin());
        assert_eq!(claims["aud"], "https://shop.example.com");
        assert_eq!(claims["sub"], ada.id.as_str());
        assert_eq!(claims["preferred_username"], "ada");
        assert_eq!(claims["name"], "Ада %");
        assert_eq!(claims["email_verified"], true);
        let seconds = |name: &str| claims[name].as_i64().expect("an instant");
        assert_eq!(seconds("exp") - seconds("iat"), 60);
        // Signed with a published key.
        let keys = server.browser().get("/oauth2/jwks").json();
        let kid = &header["kid"];
        assert!(keys["keys"].as_array().expect("keys").iter().any(|key| &key["kid"] == kid), "{keys}");
        // It is neither an access token nor an ID token.
        let bearer = server.browser();
        assert_eq!(bearer.request("GET", "/v1/me").bearer(&token).send().status, 401);
        assert_eq!(bearer.request("GET", "/oauth2/userinfo").bearer(&token).send().status, 401);
        let logout = ada.browser.get(&format!("/oauth2/logout?id_token_hint={token}"));
        assert!(logout.text().contains("Sign out"), "the hint is not accepted: {logout:?}");
        assert_eq!(ada.session_status(), 200);
        // Other routes and signed-out visitors get no token.
        assert_eq!(visitor.traefik("GET", "/").send().header("remote-jwt"), Some(""));
        let anonymous = Visitor::new(server).traefik("GET", "/api/x").send();
        assert_eq!((anonymous.status, anonymous.header("remote-jwt")), (200, Some("")));
        assert_eq!(names_of(&claims), [
            "acr", "amr", "aud", "auth_time", "email", "email_verified", "exp", "iat", "iss", "name", "preferred_username", "roles", "sid",
            "sub",
        ]);
    }
}
