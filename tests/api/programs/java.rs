//! Java.

use super::app::{APP, From, Secret};
use super::verify::Accepts;
use super::{App, Client, Does, ELSEWHERE, Program, Settings, SignOut, programs};

/// Nimbus as configured by Spring Security for ID tokens: only RS256, and `typ` is `JWT` or absent.
const SPRING: App = App {
    nonce: true,
    accepts: Accepts {
        algorithms: &["RS256"],
        types: &["JWT", ""],
        key_types: &[],
    },
    reads: &[
        (From::IdToken, "name"),
        (From::IdToken, "email"),
        (From::UserInfo, "name"),
    ],
    renews: Some(Secret::Basic),
    sign_out: SignOut::WithHint,
    ..APP
};

programs! {
    "Java",
    "";

    // Spring Security 6: a nonce; PKCE only for public clients.
    spring_boot_3_client: Program {
        name: "Spring Boot 3, OAuth2 client",
        works: "signs in, reads the ID token and UserInfo, renews, signs out",
        client: Client::For("spring"),
        settings: ELSEWHERE,
        run_by: None,
        does: Some(Does::SignsIn(SPRING)),
    };

    // Spring Security 7: PKCE for every client.
    spring_boot_4_client: Program {
        name: "Spring Boot 4, OAuth2 client",
        works: "signs in, reads the ID token and UserInfo, renews, signs out",
        client: Client::For("spring"),
        settings: ELSEWHERE,
        run_by: None,
        does: Some(Does::SignsIn(App { pkce: true, ..SPRING })),
    };

    // `pkce-required`; roles are the claim `groups` of the ID token.
    quarkus_web_app: Program {
        name: "Quarkus, web-app",
        works: "signs in, reads the ID token, takes over groups as roles, renews, signs out",
        client: Client::For("quarkus"),
        settings: ELSEWHERE,
        run_by: None,
        does: Some(Does::SignsIn(App {
            scope: "openid profile email roles",
            pkce: true,
            starts_without: true,
            secret: Secret::PlainBasic,
            reads: &[(From::IdToken, "preferred_username"), (From::IdToken, "email"), (From::IdToken, "groups")],
            renews: Some(Secret::PlainBasic),
            sign_out: SignOut::WithHint,
            ..APP
        })),
    };

    // PKCE because discovery announces S256; the first authentication method of discovery's list; a redirect URI with a query.
    pac4j: Program {
        name: "pac4j",
        works: "signs in, reads the ID token and UserInfo, renews, signs out",
        client: Client::With(&[
            "--redirect-uri", "https://app.example.com/callback?client_name=OidcClient",
            "--post-logout-redirect-uri", "https://app.example.com/",
        ]),
        settings: Settings {
            file: "Java",
            lines: &[
                "OidcConfiguration config = new OidcConfiguration();",
                "config.setDiscoveryURI(\"https://id.example.com/.well-known/openid-configuration\");",
                "config.setClientId(\"CLIENT_ID\");",
                "config.setSecret(\"CLIENT_SECRET\");",
                "OidcClient client = new OidcClient(config);",
                "client.setCallbackUrl(\"https://app.example.com/callback\");",
            ],
        },
        run_by: None,
        does: Some(Does::SignsIn(App {
            pkce: true,
            reads: &[(From::IdToken, "name"), (From::UserInfo, "email"), (From::UserInfo, "family_name")],
            renews: Some(Secret::Basic),
            sign_out: SignOut::WithHint,
            also: |visit, _| {
                let methods = &visit.discovery["token_endpoint_auth_methods_supported"];
                assert_eq!(methods[0], "client_secret_basic");
            },
            ..APP
        })),
    };

    // The ID token validator accepts one algorithm, and `typ` is `JWT` or absent.
    nimbus_client: Program {
        name: "Nimbus OAuth 2.0 SDK, client",
        works: "signs in, reads the ID token and UserInfo, renews",
        client: Client::With(&["--redirect-uri", "https://app.example.com/callback"]),
        settings: Settings {
            file: "Java",
            lines: &[
                "Issuer issuer = new Issuer(\"https://id.example.com\");",
                "OIDCProviderMetadata metadata = OIDCProviderMetadata.resolve(issuer);",
                "ClientID id = new ClientID(\"CLIENT_ID\");",
                "ClientAuthentication auth = new ClientSecretBasic(id, new Secret(\"CLIENT_SECRET\"));",
                "IDTokenValidator validator = new IDTokenValidator(",
                "    issuer, id, JWSAlgorithm.RS256, metadata.getJWKSetURI().toURL());",
            ],
        },
        run_by: None,
        does: Some(Does::SignsIn(App {
            pkce: true,
            sign_out: SignOut::Stays,
            ..SPRING
        })),
    };

    // ID and secret in the body; it finds its sessions by `session_state` of the token response, and signs out from the server.
    keycloak: Program {
        name: "Keycloak as a broker",
        works: "signs in, takes over name, email and roles, renews, signs out from its server",
        client: Client::For("keycloak"),
        settings: ELSEWHERE,
        run_by: None,
        does: Some(Does::SignsIn(App {
            scope: "openid profile email roles",
            pkce: true,
            nonce: true,
            secret: Secret::Body,
            reads: &[
                (From::IdToken, "preferred_username"), (From::IdToken, "given_name"), (From::IdToken, "family_name"),
                (From::UserInfo, "email"), (From::UserInfo, "email_verified"), (From::AccessToken, "roles"),
            ],
            renews: Some(Secret::Body),
            also: |visit, issued| {
                assert!(issued.answer["session_state"].is_string());
                assert_eq!(issued.answer["session_state"], issued.id_claims["sid"], "what a logout token names");
                assert_eq!(visit.ada.session_status(), 200);
                let hint = format!("?state=a-session&id_token_hint={}", issued.id_token);
                let server = visit.house.browser();
                let left = server.get(&format!("{}{hint}", visit.path("end_session_endpoint")));
                assert!((200..400).contains(&left.status), "{left:?}");
                assert_eq!(visit.ada.session_status(), 401);
            },
            ..APP
        })),
    };
}
