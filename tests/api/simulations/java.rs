//! Java.

use super::app::{APP, ClaimSource, ClientAuth};
use super::verify::Accepts;
use super::{App, Behavior, Client, Program, SETTINGS_IN_PRESET, Settings, SignOut, programs};

/// Nimbus as configured by Spring Security for ID tokens: only RS256, and `typ` is `JWT` or absent.
const SPRING: App = App {
    nonce: true,
    accepts: Accepts {
        algorithms: &["RS256"],
        types: &["JWT", ""],
        key_types: &[],
    },
    reads: &[
        (ClaimSource::IdToken, "name"),
        (ClaimSource::IdToken, "email"),
        (ClaimSource::UserInfo, "name"),
    ],
    renews: Some(ClientAuth::Basic),
    sign_out: SignOut::WithHint,
    ..APP
};

programs! {
    "Java",
    "";

    // Spring Security 6: a nonce; PKCE only for public clients.
    spring_boot_3_client: Program {
        name: "Spring Boot 3, OAuth2 client",
        summary: "signs in, reads the ID token and UserInfo, renews, signs out",
        client: Client::For("spring"),
        settings: SETTINGS_IN_PRESET,
        real_program_test: None,
        behavior: Some(Behavior::SignsIn(SPRING)),
    };

    // Spring Security 7: PKCE for every client.
    spring_boot_4_client: Program {
        name: "Spring Boot 4, OAuth2 client",
        summary: "signs in, reads the ID token and UserInfo, renews, signs out",
        client: Client::For("spring"),
        settings: SETTINGS_IN_PRESET,
        real_program_test: None,
        behavior: Some(Behavior::SignsIn(App { pkce: true, ..SPRING })),
    };

    // `pkce-required`; roles are the claim `groups` of the ID token.
    quarkus_web_app: Program {
        name: "Quarkus, web-app",
        summary: "signs in, reads the ID token, takes over groups as roles, renews, signs out",
        client: Client::For("quarkus"),
        settings: SETTINGS_IN_PRESET,
        real_program_test: None,
        behavior: Some(Behavior::SignsIn(App {
            scope: "openid profile email roles",
            pkce: true,
            starts_without: true,
            secret: ClientAuth::PlainBasic,
            reads: &[(ClaimSource::IdToken, "preferred_username"), (ClaimSource::IdToken, "email"), (ClaimSource::IdToken, "groups")],
            renews: Some(ClientAuth::PlainBasic),
            sign_out: SignOut::WithHint,
            ..APP
        })),
    };

    // PKCE because discovery announces S256; the first authentication method of discovery's list; a redirect URI with a query.
    pac4j: Program {
        name: "pac4j",
        summary: "signs in, reads the ID token and UserInfo, renews, signs out",
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
        real_program_test: None,
        behavior: Some(Behavior::SignsIn(App {
            pkce: true,
            reads: &[(ClaimSource::IdToken, "name"), (ClaimSource::UserInfo, "email"), (ClaimSource::UserInfo, "family_name")],
            renews: Some(ClientAuth::Basic),
            sign_out: SignOut::WithHint,
            also: |program_session, _| {
                let methods = &program_session.discovery["token_endpoint_auth_methods_supported"];
                assert_eq!(methods[0], "client_secret_basic");
            },
            ..APP
        })),
    };

    // The ID token validator accepts one algorithm, and `typ` is `JWT` or absent.
    nimbus_client: Program {
        name: "Nimbus OAuth 2.0 SDK, client",
        summary: "signs in, reads the ID token and UserInfo, renews",
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
        real_program_test: None,
        behavior: Some(Behavior::SignsIn(App {
            pkce: true,
            sign_out: SignOut::Stays,
            ..SPRING
        })),
    };

    // ID and secret in the body; it finds its sessions by `session_state` of the token response, and signs out from the server.
    keycloak: Program {
        name: "Keycloak as a broker",
        summary: "signs in, takes over name, email and roles, renews, signs out from its server",
        client: Client::For("keycloak"),
        settings: SETTINGS_IN_PRESET,
        real_program_test: None,
        behavior: Some(Behavior::SignsIn(App {
            scope: "openid profile email roles",
            pkce: true,
            nonce: true,
            secret: ClientAuth::Body,
            reads: &[
                (ClaimSource::IdToken, "preferred_username"), (ClaimSource::IdToken, "given_name"), (ClaimSource::IdToken, "family_name"),
                (ClaimSource::UserInfo, "email"), (ClaimSource::UserInfo, "email_verified"), (ClaimSource::AccessToken, "roles"),
            ],
            renews: Some(ClientAuth::Body),
            also: |program_session, issued| {
                assert!(issued.answer["session_state"].is_string());
                assert_eq!(issued.answer["session_state"], issued.id_claims["sid"], "what a logout token names");
                assert_eq!(program_session.ada.session_status(), 200);
                let hint = format!("?state=a-session&id_token_hint={}", issued.id_token);
                let server = program_session.server.browser();
                let left = server.get(&format!("{}{hint}", program_session.path("end_session_endpoint")));
                assert!((200..400).contains(&left.status), "{left:?}");
                assert_eq!(program_session.ada.session_status(), 401);
            },
            ..APP
        })),
    };
}
