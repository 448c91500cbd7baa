//! The metadata match the actual behaviour.

use std::collections::BTreeSet;

use serde_json::json;

use crate::on_both;
use doorward::clients::Algorithm;

on_both! {
    fn both_metadata_urls_return_the_same_accurate_document(server) {
        server.administrator();
        let read = server.browser().get("/.well-known/openid-configuration");
        assert_eq!(read.status, 200);
        assert!(read.header("content-type").expect("a type").starts_with("application/json"));
        let document = read.json();
        assert_eq!(server.browser().get("/.well-known/oauth-authorization-server").json(), document);
        assert_eq!(document["issuer"], json!(server.origin()));
        for (name, value) in document.as_object().expect("an object") {
            let Some(address) = value.as_str().filter(|_| name.ends_with("_endpoint") || name == "jwks_uri") else {
                continue;
            };
            let path = address.strip_prefix(server.origin()).expect("below the issuer");
            let status = server.browser().request("OPTIONS", path).send().status;
            assert_eq!(status, 204, "{name}");
        }
        assert!(document["id_token_signing_alg_values_supported"].as_array().expect("algorithms").contains(&json!("RS256")));
        assert_eq!(document["code_challenge_methods_supported"], json!(["S256"]));
        assert_eq!(document["response_types_supported"], json!(["code"]));
        // Scopes of the management API are not for apps that users sign in to.
        assert_eq!(
            document["scopes_supported"],
            json!(["openid", "profile", "email", "address", "phone", "roles", "groups", "offline_access"])
        );
    }

    fn published_keys_are_public_and_have_unique_key_ids(server) {
        let person = server.administrator();
        let read = server.browser().get("/oauth2/jwks");
        assert_eq!(read.header("cache-control"), Some("public, max-age=600"));
        let algorithms = |keys: &serde_json::Value| {
            let keys = keys["keys"].as_array().expect("keys").iter();
            keys.map(|key| key["alg"].as_str().expect("an alg").to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(algorithms(&read.json()), ["RS256"], "some verifiers reject a set with a key that they can't read");
        let app = server.relying_party(|metadata| metadata.id_token_signed_response_alg = Algorithm::EdDSA);
        app.sign_in(&person.browser, &[]);
        let keys = server.browser().get("/oauth2/jwks").json();
        assert_eq!(algorithms(&keys), ["RS256", "EdDSA"]);
        let keys = keys["keys"].as_array().expect("keys");
        let kids: BTreeSet<_> = keys.iter().map(|key| key["kid"].as_str().expect("a kid")).collect();
        assert_eq!(kids.len(), 2);
        for key in keys {
            assert_eq!(key["use"], json!("sig"));
            for private in ["d", "p", "q", "dp", "dq", "qi", "k"] {
                assert!(key[private].is_null());
            }
        }
    }
}
