//! The header type of access tokens: `at+jwt`, or `JWT` for clients or resource servers registered so; no token is accepted as
//! another kind, whatever its type.

use serde_json::{Value, json};

use crate::on_both;
use crate::support::binary;
use crate::support::relying_party::{
    RelyingParty, TokenSet, claims_of, header_of, redirect_parameters,
};
use crate::support::test_server::TestServer;
use doorward::clients::{AccessTokenFormat, AccessTokenHeaderType, Algorithm, GrantType};

const ORDERS: &str = "https://orders.example";
const BILLING: &str = "https://billing.example";

fn typ(token: &str) -> Value {
    header_of(token)["typ"].clone()
}

/// Creates an app whose access tokens have the type `JWT`.
fn app(server: &TestServer) -> RelyingParty {
    server.relying_party(|metadata| {
        metadata.access_token_header_type = AccessTokenHeaderType::Jwt;
        metadata.grant_types.push(GrantType::ClientCredentials);
    })
}

fn signed(server: &TestServer, typ: &str, claims: &Value) -> String {
    let signed = server
        .app
        .tokens
        .keyring
        .sign(Algorithm::RS256, typ, claims);
    server.run(signed).expect("a token")
}

fn status_at_api(server: &TestServer, token: &str) -> u16 {
    server
        .browser()
        .request("GET", "/v1/users/root")
        .bearer(token)
        .send()
        .status
}

on_both! {
    fn an_access_token_of_type_jwt_is_accepted_everywhere(server) {
        let root = server.administrator();
        let app = app(server);
        let issued = app.sign_in(&root.browser, &[]);
        assert_eq!((typ(&issued.access), typ(&issued.id_token)), (json!("JWT"), json!("JWT")));
        assert_eq!(app.user_info(&issued.access).json()["sub"], json!(root.id));
        assert_eq!(app.introspect(&issued.access)["active"], true);
        let refreshed = TokenSet::read(&app.refresh(&issued.refresh));
        assert_eq!((typ(&refreshed.access), app.user_info(&refreshed.access).status), (json!("JWT"), 200));
        let own = TokenSet::read(&app.token(&[("grant_type", "client_credentials")]));
        assert_eq!((typ(&own.access), &app.introspect(&own.access)["active"]), (json!("JWT"), &json!(true)));
        let helper = server.delegated_app("openid users:read");
        let ran = binary::run(&server.config, &["client", "update", &helper.id, "--access-token-header-type", "JWT", "--json"]);
        assert_eq!(ran.json()["access_token_header_type"], "JWT");
        let held = helper.sign_in(&root.browser, &[("scope", "openid users:read")]);
        assert_eq!((typ(&held.access), status_at_api(server, &held.access)), (json!("JWT"), 200));
        assert_eq!(app.revoke(&issued.access).status, 200);
        assert_eq!(app.user_info(&refreshed.access).status, 401);
        let ran = binary::run(&server.config, &["client", "update", &helper.id, "--access-token-header-type", "at+jwt", "--json"]);
        assert_eq!(ran.json()["access_token_header_type"], "at+jwt");
        assert_eq!(typ(&TokenSet::read(&helper.refresh(&held.refresh)).access), "at+jwt");
        assert_ne!(binary::run(&server.config, &["client", "update", &helper.id, "--access-token-header-type", "jwt"]).code, 0);
    }

    fn a_resource_server_chooses_the_type_of_its_tokens(server) {
        let root = server.administrator();
        let app = server.relying_party(|metadata| {
            metadata.resources = vec![ORDERS.into(), BILLING.into()];
            metadata.grant_types.push(GrantType::ClientCredentials);
        });
        let resource_server = server.relying_party(|metadata| {
            metadata.audiences = vec![ORDERS.into()];
            metadata.access_token_header_type = AccessTokenHeaderType::Jwt;
        });
        server.relying_party(|metadata| metadata.audiences = vec![BILLING.into()]);
        let own = |resources: &[&str]| {
            let mut fields = vec![("grant_type", "client_credentials")];
            fields.extend(resources.iter().map(|resource| ("resource", *resource)));
            typ(&TokenSet::read(&app.token(&fields)).access)
        };
        assert_eq!(own(&[]), "at+jwt");
        assert_eq!(own(&[ORDERS]), "JWT");
        assert_eq!(own(&[BILLING]), "at+jwt");
        assert_eq!(own(&[BILLING, ORDERS]), "JWT", "one of them needs it");
        let issued = app.sign_in(&root.browser, &[("resource", ORDERS)]);
        assert_eq!((typ(&issued.access), &resource_server.introspect(&issued.access)["active"]), (json!("JWT"), &json!(true)));
        let issuer = server.origin().to_owned();
        let refresh = [("grant_type", "refresh_token"), ("refresh_token", &issued.refresh), ("resource", &issuer)];
        assert_eq!(typ(&TokenSet::read(&app.token(&refresh)).access), "at+jwt");
        assert_eq!(binary::run(&server.config, &["client", "disable", &resource_server.id]).code, 0);
        assert_eq!(own(&[ORDERS]), "at+jwt");
        let opaque = server.relying_party(|metadata| {
            metadata.access_token_format = AccessTokenFormat::Opaque;
            metadata.access_token_header_type = AccessTokenHeaderType::Jwt;
        });
        let issued = opaque.sign_in(&root.browser, &[]);
        assert!(issued.access.starts_with("doorward_at_") && opaque.user_info(&issued.access).status == 200);
    }

    fn an_access_token_of_type_jwt_is_not_accepted_as_an_id_token(server) {
        let root = server.administrator();
        let app = app(server);
        let issued = app.sign_in(&root.browser, &[]);
        let hinted = redirect_parameters(&app.authorize(&root.browser, &[("id_token_hint", &issued.access)]));
        assert_eq!(hinted["error"], "invalid_request");
        assert!(redirect_parameters(&app.authorize(&root.browser, &[("id_token_hint", &issued.id_token)])).contains_key("code"));
        // Nor a token whose audience is a single text, like that of ID tokens.
        let mut claims = claims_of(&issued.access);
        claims["aud"] = json!(app.id);
        let single = signed(server, "JWT", &claims);
        let hinted = redirect_parameters(&app.authorize(&root.browser, &[("id_token_hint", &single)]));
        assert_eq!(hinted["error"], "invalid_request");
        for hint in [&issued.access, &single] {
            server.browser().get(&format!("/oauth2/logout?id_token_hint={hint}"));
            root.browser.get(&format!("/oauth2/logout?id_token_hint={hint}"));
            assert_eq!(root.browser.get("/v1/session").status, 200, "the session goes on");
        }
        server.browser().get(&format!("/oauth2/logout?id_token_hint={}", issued.id_token));
        assert_eq!(root.browser.get("/v1/session").status, 401, "an ID token ends it");
    }

    fn only_access_tokens_are_accepted_as_access_tokens(server) {
        let root = server.administrator();
        let app = app(server);
        let issued = app.sign_in(&root.browser, &[]);
        let claims = claims_of(&issued.access);
        let without = |member: &str| {
            let mut claims = claims.clone();
            claims.as_object_mut().expect("an object").remove(member);
            claims
        };
        let of_another = {
            let other = app.sign_in(&root.browser, &[]);
            let mut claims = claims.clone();
            claims["urn:doorward:issuance"] = claims_of(&other.access)["urn:doorward:issuance"].clone();
            claims
        };
        let id_claims = {
            let mut claims = issued.id_claims.clone();
            claims["urn:doorward:issuance"] = json!("");
            claims
        };
        for (typ, claims) in [
            ("JWT", without("urn:doorward:issuance")), ("JWT", without("client_id")), ("JWT", of_another), ("JWT", id_claims),
            ("logout+jwt", claims.clone()), ("forward-auth+jwt", claims.clone()), ("", claims.clone()),
        ] {
            let token = signed(server, typ, &claims);
            assert_eq!(app.user_info(&token).status, 401, "{typ} {claims}");
            assert_eq!(status_at_api(server, &token), 401, "{typ}");
            assert_eq!(app.introspect(&token), json!({ "active": false }), "{typ}");
            assert_eq!(app.revoke(&token).status, 200, "{typ}");
        }
        assert_eq!(app.introspect(&issued.id_token), json!({ "active": false }));
        assert_eq!((app.user_info(&issued.id_token).status, status_at_api(server, &issued.id_token)), (401, 401));
        assert_eq!(app.revoke(&issued.id_token).status, 200);
        assert_eq!(app.user_info(&issued.access).status, 200, "nothing was revoked");
        assert_eq!(app.user_info(&signed(server, "JWT", &claims)).status, 200, "the same claims under our signature are the token");
    }

    fn a_client_id_is_not_accepted_as_an_audience_name(server) {
        server.administrator();
        let app = app(server);
        let ran = binary::run(&server.config, &["client", "create", "orders", "--audience", ORDERS, "--audience", &app.id]);
        assert!(ran.code != 0 && ran.errors.contains("ID of a client"), "{} {}", ran.code, ran.errors);
    }
}
