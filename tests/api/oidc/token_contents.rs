//! Contents of tokens and of responses about tokens: exactly these members, and no ID of a passkey in any encoding.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use doorward::base::secrets::MasterKey;
use doorward::clients::{AccessTokenFormat, Algorithm, Metadata, Scope, Scopes};
use doorward::testing::TokenError;
use serde_json::{Value, json};

use crate::api::signing_keys::instance;
use crate::on_both;
use crate::support::authenticator::SoftAuthenticator;
use crate::support::relying_party::{RelyingParty, TokenSet, claims_of, header_of, names_of};
use crate::support::test_server::TestServer;

/// The claim that only Doorward can decrypt.
const ISSUANCE: &str = "urn:doorward:issuance";

/// Creates a service that may introspect every token, and a token of its own.
fn own_token(server: &TestServer, format: AccessTokenFormat) -> (RelyingParty, String) {
    let metadata = Metadata {
        access_token_format: format,
        ..Metadata::default()
    };
    let scopes = Scopes::parse("users:read tokens:introspect").expect("scopes");
    let (id, secret) = server.create_client("a service", &scopes, &metadata);
    let service = RelyingParty {
        id,
        secret,
        server: server.browser(),
    };
    let issued = TokenSet::read(&service.token(&[("grant_type", "client_credentials")]));
    (service, issued.access)
}

/// Whether `text` contains `needle`, directly or within base64url at any depth.
fn contains_encoded(text: &[u8], needle: &[u8]) -> bool {
    if text.windows(needle.len()).any(|window| window == needle) {
        return true;
    }
    let is_base64url = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    text.split(|byte| !is_base64url(byte))
        .filter(|part| part.len() >= 16)
        .any(|part| {
            let bare = part.strip_prefix(b"doorward_at_").unwrap_or(part);
            URL_SAFE_NO_PAD
                .decode(bare)
                .is_ok_and(|decoded| contains_encoded(&decoded, needle))
        })
}

/// Returns the encodings of a passkey's ID.
fn spellings_of_id(id: &str) -> Vec<Vec<u8>> {
    let uuid = uuid::Uuid::parse_str(id).expect("a UUID");
    vec![
        id.as_bytes().to_vec(),
        id.to_uppercase().into_bytes(),
        uuid.simple().to_string().into_bytes(),
        URL_SAFE_NO_PAD.encode(uuid.as_bytes()).into_bytes(),
        uuid.as_bytes().to_vec(),
    ]
}

/// Returns the encodings of an authenticator's credential IDs.
fn spellings_of_credentials(device: &SoftAuthenticator) -> Vec<Vec<u8>> {
    let spell = |id: String| {
        let bytes = URL_SAFE_NO_PAD.decode(&id).expect("base64url");
        let hexadecimal: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        [id.into_bytes(), bytes, hexadecimal.into_bytes()]
    };
    device
        .credential_ids()
        .into_iter()
        .flat_map(spell)
        .collect()
}

#[test]
fn the_id_search_finds_ids_within_encodings() {
    let id = uuid::Uuid::new_v4().to_string();
    let inner = URL_SAFE_NO_PAD.encode(json!({ "passkeys": [id] }).to_string());
    let outer = URL_SAFE_NO_PAD.encode(json!({ "sealed": inner }).to_string());
    assert!(contains_encoded(
        format!("head.{outer}.tail").as_bytes(),
        id.as_bytes()
    ));
    let binary = uuid::Uuid::parse_str(&id).expect("a UUID");
    let binary = URL_SAFE_NO_PAD.encode([b"0123", &binary.as_bytes()[..]].concat());
    assert!(
        spellings_of_id(&id)
            .iter()
            .any(|one| contains_encoded(binary.as_bytes(), one))
    );
    assert!(!contains_encoded(
        outer.as_bytes(),
        b"another-text-of-some-length"
    ));
}

on_both! {
    fn an_access_token_has_exactly_these_claims(server) {
        let root = server.administrator();
        let app = server.relying_party(|_| {});
        let with_roles = app.sign_in(&root.browser, &[]);
        assert_eq!(names_of(&header_of(&with_roles.access)), ["alg", "kid", "typ"]);
        assert_eq!(names_of(&claims_of(&with_roles.access)), [
            "acr", "amr", "aud", "auth_time", "client_id", "exp", "groups", "iat", "iss", "jti", "roles", "scope", "sid", "sub",
            ISSUANCE,
        ]);
        let claims = claims_of(&with_roles.access);
        assert_eq!((&claims["groups"], &claims["roles"]), (&json!(["admin"]), &json!(["admin"])));
        let without = app.sign_in(&root.browser, &[("scope", "openid")]);
        assert_eq!(names_of(&claims_of(&without.access)), [
            "acr", "amr", "aud", "auth_time", "client_id", "exp", "iat", "iss", "jti", "scope", "sid", "sub", ISSUANCE,
        ]);
        let refreshed = TokenSet::read(&app.refresh(&with_roles.refresh));
        assert_eq!(names_of(&claims_of(&refreshed.access)), names_of(&claims_of(&with_roles.access)));
        let (_, own) = own_token(server, AccessTokenFormat::Jwt);
        assert_eq!(names_of(&claims_of(&own)), ["aud", "client_id", "exp", "iat", "iss", "jti", "scope", "sub", ISSUANCE]);
    }

    fn an_id_token_and_user_info_have_exactly_these_claims(server) {
        let root = server.administrator();
        let sign_in = ["acr", "amr", "at_hash", "aud", "auth_time", "azp", "exp", "iat", "iss", "nonce", "sid", "sub"];
        let profile = ["family_name", "given_name", "groups", "name", "preferred_username", "roles", "updated_at"];
        let app = server.relying_party(|metadata| metadata.claims_in_id_token = false);
        let issued = app.sign_in(&root.browser, &[]);
        assert_eq!(names_of(&issued.id_claims), sign_in);
        let refreshed = TokenSet::read(&app.refresh(&issued.refresh));
        assert_eq!(names_of(&refreshed.id_claims), sign_in);
        let told = app.user_info(&issued.access).json();
        let mut expected = [&profile[..], &["sub"]].concat();
        expected.sort_unstable();
        assert_eq!(names_of(&told), expected);
        let whole = server.relying_party(|_| {});
        let mut expected = [&sign_in[..], &profile].concat();
        expected.sort_unstable();
        assert_eq!(names_of(&whole.sign_in(&root.browser, &[]).id_claims), expected);
    }

    fn introspection_answers_have_exactly_these_members(server) {
        let root = server.administrator();
        for format in [AccessTokenFormat::Jwt, AccessTokenFormat::Opaque] {
            let app = server.relying_party(|metadata| metadata.access_token_format = format);
            let issued = app.sign_in(&root.browser, &[]);
            assert_eq!(names_of(&app.introspect(&issued.access)), [
                "acr", "active", "amr", "aud", "auth_time", "client_id", "exp", "groups", "iat", "iss", "jti", "roles",
                "scope", "sub", "token_type", "username",
            ]);
            assert_eq!(names_of(&app.introspect(&issued.refresh)), [
                "acr", "active", "auth_time", "client_id", "exp", "iat", "iss", "scope", "sub", "username",
            ]);
        }
        for format in [AccessTokenFormat::Jwt, AccessTokenFormat::Opaque] {
            let (service, own) = own_token(server, format);
            assert_eq!(names_of(&service.introspect(&own)), [
                "active", "aud", "client_id", "exp", "iat", "iss", "jti", "scope", "sub", "token_type",
            ]);
        }
    }

    fn no_token_and_no_response_contains_a_passkey_id(server) {
        let mut root = server.administrator();
        let (device, second) = root.add_passkey(SoftAuthenticator::device_bound(server.origin()));
        let mut needles = [&root.passkey, &second].into_iter().flat_map(|id| spellings_of_id(id)).collect::<Vec<_>>();
        needles.extend(spellings_of_credentials(&root.device));
        needles.extend(spellings_of_credentials(&device));
        // The session is based on both passkeys.
        root.device = device;
        assert_eq!(root.step_up().status, 200);
        for format in [AccessTokenFormat::Jwt, AccessTokenFormat::Opaque] {
            let app = server.relying_party(|metadata| {
                metadata.access_token_format = format;
                metadata.claims_in_id_token = true;
            });
            let issued = app.sign_in(&root.browser, &[]);
            let introspected = [&issued.access, &issued.refresh].map(|token| app.introspect(token).to_string());
            let told = [issued.answer.to_string(), app.user_info(&issued.access).text()];
            for text in introspected.iter().chain(&told) {
                assert!(text.len() > 100, "{text}");
                for needle in &needles {
                    assert!(!contains_encoded(text.as_bytes(), needle), "{}: {text}", String::from_utf8_lossy(needle));
                }
            }
        }
    }

    fn a_token_does_not_contain_its_authorization_id(server) {
        let root = server.administrator();
        let app = server.relying_party(|_| {});
        let issued = app.sign_in(&root.browser, &[]);
        assert_eq!(app.revoke(&issued.access).status, 200);
        let events = root.browser.get("/v1/audit-events?action=token.revoked").json();
        let authorization = events["items"][0]["details"]["authorization"].as_str().expect("an ID");
        for spelling in spellings_of_id(authorization) {
            assert!(!contains_encoded(issued.answer.to_string().as_bytes(), &spelling));
        }
    }

    fn encrypted_token_state_is_valid_only_in_its_own_token(server) {
        let root = server.administrator();
        let ada = server.create_user(&root, "ada");
        let (app, other_app) = (server.relying_party(|_| {}), server.relying_party(|_| {}));
        let claims = claims_of(&app.sign_in(&ada.browser, &[]).access);
        let again = claims_of(&app.sign_in(&ada.browser, &[]).access);
        let of_another_app = claims_of(&other_app.sign_in(&ada.browser, &[]).access);
        let of_another_user = claims_of(&app.sign_in(&root.browser, &[]).access);
        let (_, own) = own_token(server, AccessTokenFormat::Jwt);
        // Signed with Doorward's own key, which only a thief of the keys could do.
        let status = |claims: &Value| {
            let signed = server.run(server.app.keyring.sign(Algorithm::ES256, "at+jwt", claims));
            app.user_info(&signed.expect("a token")).status
        };
        let with = |name: &str, value: &Value| {
            let mut changed = claims.clone();
            changed[name] = value.clone();
            changed
        };
        assert_eq!(status(&claims), 200, "signed again, and otherwise the same");
        for from in [&again, &of_another_app, &of_another_user, &claims_of(&own)] {
            assert_eq!(status(&with(ISSUANCE, &from[ISSUANCE])), 401);
        }
        for name in ["jti", "sub", "client_id"] {
            let from = if name == "jti" { &again } else if name == "sub" { &of_another_user } else { &of_another_app };
            assert_ne!(claims[name], from[name]);
            assert_eq!(status(&with(name, &from[name])), 401, "{name}");
        }
        for odd in [json!(null), json!(""), json!("AA"), json!("%"), json!(["x"])] {
            assert_eq!(status(&with(ISSUANCE, &odd)), 401, "{odd}");
        }
        let mut without = claims.clone();
        without.as_object_mut().expect("an object").remove(ISSUANCE);
        assert_eq!(status(&without), 401);
    }

    fn a_token_stays_valid_under_a_new_master_key_while_the_previous_one_is_configured(server) {
        let root = server.administrator();
        let new_file = server.config.master_key_path().with_extension("next");
        MasterKey::generate().write_new(&new_file).expect("a key");
        let mut moving = server.config.clone();
        moving.secrets.previous_master_key_file = Some(server.config.master_key_path());
        moving.secrets.master_key_file = Some(new_file);
        let mut moved = moving.clone();
        moved.secrets.previous_master_key_file = None;
        let (moving, moved) = (instance(server, &moving), instance(server, &moved));
        for format in [AccessTokenFormat::Jwt, AccessTokenFormat::Opaque] {
            let app = server.relying_party(|metadata| metadata.access_token_format = format);
            let token = app.sign_in(&root.browser, &[]).access;
            let good = server.run(moving.tokens.check(&token)).expect("good");
            assert!(good.claims.scope.contains(Scope::OpenId));
            let refused = server.run(moved.tokens.check(&token));
            assert!(matches!(refused, Err(TokenError::Bad(_))), "{refused:?}");
        }
    }
}
