//! Access tokens: their contents in both formats, their audiences, and client authentication.

use serde_json::json;

use crate::on_both;
use crate::support::relying_party::{CALLBACK, TokenSet, VERIFIER, claims_of, error_of, header_of};
use doorward::clients::{AccessTokenFormat, Algorithm, AuthMethod};

on_both! {
    fn an_access_token_is_a_jwt_by_rfc_9068(server) {
        let root = server.administrator();
        for algorithm in [Algorithm::RS256, Algorithm::ES256, Algorithm::EdDSA] {
            let app = server.relying_party(|metadata| metadata.id_token_signed_response_alg = algorithm);
            let issued = app.sign_in(&root.browser, &[]);
            let header = header_of(&issued.access);
            assert_eq!((header["typ"].as_str(), header["alg"].as_str()), (Some("at+jwt"), Some(algorithm.as_str())));
            let keys = server.browser().get("/oauth2/jwks").json();
            let kids: Vec<_> = keys["keys"].as_array().expect("keys").iter().map(|key| key["kid"].clone()).collect();
            assert!(kids.contains(&header["kid"]));
            let claims = claims_of(&issued.access);
            assert_eq!(claims["aud"], json!([server.origin()]));
            assert_eq!((&claims["sub"], &claims["client_id"]), (&json!(root.id), &json!(app.id)));
            assert_eq!(claims["roles"], json!(["admin"]));
            assert_eq!(claims["exp"].as_i64().zip(claims["iat"].as_i64()).map(|(exp, iat)| exp - iat), Some(300));
            for name in ["jti", "auth_time", "acr", "amr", "scope"] {
                assert!(!claims[name].is_null(), "{name}");
            }
            // An ID token is not an access token, and vice versa.
            assert_eq!(app.user_info(&issued.id_token).status, 401);
            let hint = [("id_token_hint", issued.access.as_str())];
            assert!(app.authorize(&root.browser, &hint).header("location").expect("a location").contains("invalid_request"));
        }
    }

    fn an_access_token_expires_after_five_minutes(server) {
        let root = server.administrator();
        let app = server.relying_party(|_| {});
        let issued = app.sign_in(&root.browser, &[]);
        server.advance_clock(299);
        assert_eq!(app.user_info(&issued.access).status, 200);
        server.advance_clock(1);
        assert_eq!(app.user_info(&issued.access).status, 401);
        assert_eq!(app.introspect(&issued.access), json!({ "active": false }));
    }

    fn an_altered_token_is_refused(server) {
        let root = server.administrator();
        for format in [AccessTokenFormat::Jwt, AccessTokenFormat::Opaque] {
            let app = server.relying_party(|metadata| metadata.access_token_format = format);
            let issued = app.sign_in(&root.browser, &[]);
            let mut altered = issued.access.clone().into_bytes();
            let middle = altered.len() / 2;
            altered[middle] = if altered[middle] == b'A' { b'B' } else { b'A' };
            let altered = String::from_utf8(altered).expect("ASCII");
            let unsigned = format!("{}.", issued.access.rsplit_once('.').map_or("", |halves| halves.0));
            for bad in [altered.as_str(), &unsigned, "", "x", "a.b.c", "doorward_at_", "doorward_at_AAAA"] {
                assert_eq!(app.user_info(bad).status, 401, "{bad}");
            }
        }
    }

    fn a_token_for_a_resource_is_refused_by_other_services(server) {
        let root = server.administrator();
        let api = "https://api.example/";
        let app = server.relying_party(|metadata| metadata.resources = vec![api.into(), "https://other.example/".into()]);
        let both = [("resource", api)];
        let issued = app.sign_in(&root.browser, &both);
        assert_eq!(claims_of(&issued.access)["aud"], json!([api]));
        assert_eq!(app.user_info(&issued.access).status, 401, "only for the API");
        let refused = app.token(&[("grant_type", "refresh_token"), ("refresh_token", &issued.refresh), ("resource", "https://other.example/")]);
        assert_eq!(error_of(&refused), "invalid_target");
        let unknown = app.authorize(&root.browser, &[("resource", "https://unknown.example/")]);
        assert!(unknown.header("location").expect("a location").contains("error=invalid_target"));
    }

    fn a_client_gets_tokens_on_its_own_behalf(server) {
        server.administrator();
        let service = server.client(&["users:read", "audit:read"]);
        let token = |fields: &[(&str, &str)]| {
            let mut all = vec![("grant_type", "client_credentials")];
            all.extend(fields);
            server.browser().request("POST", "/oauth2/token").without_same_origin().form(&all).basic(&service.0, &service.1).send()
        };
        let issued = TokenSet::read(&token(&[]));
        assert_eq!(issued.answer["scope"], json!("audit:read users:read"));
        assert!(issued.refresh.is_empty() && issued.id_token.is_empty());
        let claims = claims_of(&issued.access);
        assert_eq!((&claims["sub"], &claims["client_id"]), (&json!(service.0), &json!(service.0)));
        assert_eq!(TokenSet::read(&token(&[("scope", "users:read")])).answer["scope"], json!("users:read"));
        assert_eq!(error_of(&token(&[("scope", "users:write")])), "invalid_scope");
        assert_eq!(error_of(&token(&[("scope", "openid")])), "invalid_scope");
        let get = |token: &str| server.browser().request("GET", "/v1/users").bearer(token).send().status;
        assert_eq!(get(&issued.access), 200);
        let revoke = server.browser().request("POST", "/oauth2/revoke").without_same_origin()
            .form(&[("token", &issued.access)]).basic(&service.0, &service.1).send();
        assert_eq!(revoke.status, 200);
        assert_eq!(get(&issued.access), 401);
        assert_eq!(get(&TokenSet::read(&token(&[])).access), 200, "the next one is accepted");
        let person = server.relying_party(|_| {});
        assert_eq!(error_of(&person.token(&[("grant_type", "client_credentials")])), "unauthorized_client");
    }

    fn many_revoked_client_credentials_tokens_are_all_refused(server) {
        server.administrator();
        let service = server.client(&["users:read"]);
        let post = |path: &str, fields: &[(&str, &str)]| server.browser().request("POST", path).without_same_origin()
            .form(fields).basic(&service.0, &service.1).send();
        let tokens: Vec<String> = (0..70)
            .map(|_| TokenSet::read(&post("/oauth2/token", &[("grant_type", "client_credentials")])).access)
            .collect();
        for token in &tokens {
            assert_eq!(post("/oauth2/revoke", &[("token", token)]).status, 200);
        }
        for token in &tokens {
            assert_eq!(post("/oauth2/introspect", &[("token", token)]).json(), json!({ "active": false }));
        }
    }

    fn a_client_authenticates_only_by_its_registered_method(server) {
        let root = server.administrator();
        let basic = server.relying_party(|metadata| metadata.accepts_either_secret_method = false);
        let post = server.relying_party(|metadata| metadata.token_endpoint_auth_method = AuthMethod::ClientSecretPost);
        let public = server.relying_party(|metadata| metadata.token_endpoint_auth_method = AuthMethod::None);
        let send = |fields: &[(&str, &str)]| server.browser().request("POST", "/oauth2/token").without_same_origin().form(fields).send();
        let redemption = |code: &str| [
            ("grant_type", "authorization_code".to_owned()), ("code", code.to_owned()),
            ("redirect_uri", CALLBACK.to_owned()), ("code_verifier", VERIFIER.to_owned()),
        ];
        let with = |code: &str, more: &[(&str, &str)]| {
            let usual = redemption(code);
            let mut fields: Vec<(&str, &str)> = usual.iter().map(|(name, value)| (*name, value.as_str())).collect();
            fields.extend(more);
            send(&fields)
        };
        let secret = |party: &crate::support::relying_party::RelyingParty| party.secret.clone().expect("a secret");
        // The right method.
        TokenSet::read(&with(&post.code(&root.browser, &[]), &[("client_id", &post.id), ("client_secret", &secret(&post))]));
        TokenSet::read(&public.redeem(&public.code(&root.browser, &[])));
        // Other methods.
        let code = basic.code(&root.browser, &[]);
        let by_post = with(&code, &[("client_id", &basic.id), ("client_secret", &secret(&basic))]);
        assert_eq!((by_post.status, error_of(&by_post)), (400, "invalid_client".to_owned()));
        let by_none = with(&code, &[("client_id", &basic.id)]);
        assert_eq!((by_none.status, by_none.header("www-authenticate")), (400, None));
        let by_header = post.redeem(&code);
        assert_eq!(by_header.status, 401);
        assert!(by_header.header("www-authenticate").expect("a challenge").starts_with("Basic"));
        let wrong = crate::support::relying_party::RelyingParty { secret: Some("A".repeat(43)), ..basic.clone() };
        assert_eq!(wrong.redeem(&code).status, 401);
        TokenSet::read(&basic.redeem(&code));
        // A public client's refresh token is rotated at each use.
        let held = public.sign_in(&root.browser, &[]);
        assert_ne!(TokenSet::read(&public.refresh(&held.refresh)).refresh, held.refresh);
        assert_eq!(error_of(&public.post("/oauth2/introspect", &[("token", &held.access)])), "unauthorized_client");
    }
}
