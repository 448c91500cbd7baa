//! Services that accept access tokens from apps.

use super::app::ClientAuth;
use super::service::{API, Checks};
use super::verify::{Accepts, RS256};
use super::{Behavior, Client, Program, Service, Settings, programs};

/// Client of a service that introspects tokens for its own URL.
const OWN: Client = Client::With(&["--audience", API]);

/// Client of a service whose library accepts only `JWT` in the header `typ`.
const JWT: Client = Client::With(&["--audience", API, "--access-token-header-type", "JWT"]);

const TYPE_JWT: Accepts = Accepts {
    types: &["JWT", ""],
    ..RS256
};

const SPRING_RESOURCE_SERVER: Program = Program {
    name: "Spring Boot 3, resource server",
    summary: "verifies access tokens, takes over groups as authorities",
    client: JWT,
    settings: Settings {
        file: "application.properties",
        lines: &[
            "spring.security.oauth2.resourceserver.jwt.issuer-uri=https://id.example.com",
            "spring.security.oauth2.resourceserver.jwt.audiences=https://api.example.com",
            "spring.security.oauth2.resourceserver.jwt.authorities-claim-name=groups",
            "spring.security.oauth2.resourceserver.jwt.authority-prefix=ROLE_",
        ],
    },
    real_program_test: None,
    behavior: Some(Behavior::TakesTokens(Service {
        checks: Checks::Keys(TYPE_JWT),
        audience: API,
        reads: &["sub", "groups"],
    })),
};

programs! {
    "Services that accept access tokens",
    "Where a section has two commands, the first registers an app that calls the service: its tokens are\nfor the service, and UserInfo accepts them as well. `CLIENT_ID` and `CLIENT_SECRET` are those of the\nservice, from the second command.";

    // Without its option `strict` it ignores `typ`. Its audience is a plain name.
    express_oauth2_jwt_bearer: Program {
        name: "express-oauth2-jwt-bearer",
        summary: "verifies access tokens, reads groups",
        client: Client::With(&["--audience", API, "--audience", "orders"]),
        settings: Settings {
            file: "app.js",
            lines: &[
                "const { auth } = require('express-oauth2-jwt-bearer');",
                "app.use(auth({",
                "  issuerBaseURL: 'https://id.example.com',",
                "  audience: 'orders',",
                "}));",
            ],
        },
        real_program_test: None,
        behavior: Some(Behavior::TakesTokens(Service { checks: Checks::Keys(RS256), audience: "orders", reads: &["sub", "groups"] })),
    };

    // It reads every key of the set, and rejects the set if it contains an unknown key type.
    jwx: Program {
        name: "lestrrat-go/jwx",
        summary: "verifies access tokens, reads groups",
        client: Client::None,
        settings: Settings {
            file: "main.go",
            lines: &[
                "cache.Register(ctx, \"https://id.example.com/oauth2/jwks\")",
                "keys, err := cache.CachedSet(\"https://id.example.com/oauth2/jwks\")",
                "token, err := jwt.ParseRequest(request, jwt.WithKeySet(keys),",
                "    jwt.WithIssuer(\"https://id.example.com\"), jwt.WithAudience(\"https://api.example.com\"))",
            ],
        },
        real_program_test: None,
        behavior: Some(Behavior::TakesTokens(Service {
            checks: Checks::Keys(Accepts { key_types: &["RSA", "EC", "OKP", "oct"], ..RS256 }),
            audience: API,
            reads: &["sub", "groups"],
        })),
    };

    keyfunc: Program {
        name: "MicahParks/keyfunc with golang-jwt",
        summary: "verifies access tokens, reads groups",
        client: Client::None,
        settings: Settings {
            file: "main.go",
            lines: &[
                "keys, err := keyfunc.NewDefaultCtx(ctx, []string{\"https://id.example.com/oauth2/jwks\"})",
                "token, err := jwt.Parse(bearer, keys.Keyfunc, jwt.WithValidMethods([]string{\"RS256\"}),",
                "    jwt.WithIssuer(\"https://id.example.com\"), jwt.WithAudience(\"https://api.example.com\"))",
            ],
        },
        real_program_test: None,
        behavior: Some(Behavior::TakesTokens(Service { checks: Checks::Keys(RS256), audience: API, reads: &["sub", "groups"] })),
    };

    // Roles are the claim `groups`.
    quarkus_service: Program {
        name: "Quarkus, service",
        summary: "verifies access tokens, takes over groups as roles",
        client: Client::None,
        settings: Settings {
            file: "application.properties",
            lines: &[
                "quarkus.oidc.application-type=service",
                "quarkus.oidc.auth-server-url=https://id.example.com",
                "quarkus.oidc.token.audience=https://api.example.com",
            ],
        },
        real_program_test: None,
        behavior: Some(Behavior::TakesTokens(Service { checks: Checks::Keys(RS256), audience: API, reads: &["sub", "groups"] })),
    };

    // Debian's version doesn't support Ed25519, and rejects a set with such a key.
    mod_oauth2_keys: Program {
        name: "Apache, mod_oauth2 by keys",
        summary: "verifies access tokens",
        client: Client::None,
        settings: Settings {
            file: "Apache configuration",
            lines: &[
                "<Location /api>",
                "  AuthType oauth2",
                "  OAuth2TokenVerify jwks_uri https://id.example.com/oauth2/jwks",
                "  Require oauth2_claim iss:https://id.example.com",
                "  Require oauth2_claim aud:https://api.example.com",
                "</Location>",
            ],
        },
        real_program_test: None,
        behavior: Some(Behavior::TakesTokens(Service {
            checks: Checks::Keys(Accepts { key_types: &["RSA", "EC", "oct"], ..RS256 }),
            audience: API,
            reads: &["sub"],
        })),
    };

    mod_oauth2_introspection: Program {
        name: "Apache, mod_oauth2 by introspection",
        summary: "introspects access tokens, reads groups",
        client: OWN,
        settings: Settings {
            file: "Apache configuration",
            lines: &[
                "<Location /api>",
                "  AuthType oauth2",
                "  OAuth2TokenVerify introspect https://id.example.com/oauth2/introspect \\",
                "    introspect.auth=client_secret_basic&client_id=CLIENT_ID&client_secret=CLIENT_SECRET",
                "  Require valid-user",
                "</Location>",
            ],
        },
        real_program_test: None,
        behavior: Some(Behavior::TakesTokens(Service {
            checks: Checks::Introspection(ClientAuth::Basic),
            audience: API,
            reads: &["sub", "groups"],
        })),
    };

    // `introspection_mode = auth`: the token is sent to UserInfo.
    dovecot: Program {
        name: "Dovecot (OAUTHBEARER, XOAUTH2)",
        summary: "lets mail programs in by email",
        client: Client::None,
        settings: Settings {
            file: "dovecot-oauth2.conf.ext",
            lines: &[
                "introspection_mode = auth",
                "introspection_url = https://id.example.com/oauth2/userinfo",
                "username_attribute = email",
            ],
        },
        real_program_test: None,
        behavior: Some(Behavior::TakesTokens(Service { checks: Checks::UserInfo, audience: "", reads: &["email"] })),
    };

    // `introspection_mode = post`: ID and secret are in the configured URL, and are sent by HTTP Basic.
    dovecot_introspection: Program {
        name: "Dovecot by introspection",
        summary: "lets mail programs in by username",
        client: OWN,
        settings: Settings {
            file: "dovecot-oauth2.conf.ext",
            lines: &[
                "introspection_mode = post",
                "introspection_url = https://CLIENT_ID:CLIENT_SECRET@id.example.com/oauth2/introspect",
                "active_attribute = active",
                "active_value = true",
                "username_attribute = username",
            ],
        },
        real_program_test: None,
        behavior: Some(Behavior::TakesTokens(Service {
            checks: Checks::Introspection(ClientAuth::Basic),
            audience: API,
            reads: &["username"],
        })),
    };

    // Spring Security 6: RS256, and `typ` is `JWT` or absent.
    spring_boot_3_resource_server: SPRING_RESOURCE_SERVER;

    // Spring Security 7: the same.
    spring_boot_4_resource_server: Program { name: "Spring Boot 4, resource server", ..SPRING_RESOURCE_SERVER };

    // The default type verifier of DefaultJWTProcessor accepts `JWT` or no `typ`.
    nimbus: Program {
        name: "Nimbus JOSE + JWT, DefaultJWTProcessor",
        summary: "verifies access tokens, reads groups",
        client: JWT,
        settings: Settings {
            file: "Java",
            lines: &[
                "JWKSource<SecurityContext> keys = JWKSourceBuilder",
                "    .create(new URL(\"https://id.example.com/oauth2/jwks\")).build();",
                "DefaultJWTProcessor<SecurityContext> processor = new DefaultJWTProcessor<>();",
                "processor.setJWSKeySelector(new JWSVerificationKeySelector<>(JWSAlgorithm.RS256, keys));",
                "processor.setJWTClaimsSetVerifier(new DefaultJWTClaimsVerifier<>(\"https://api.example.com\",",
                "    new JWTClaimsSet.Builder().issuer(\"https://id.example.com\").build(), Set.of(\"sub\")));",
            ],
        },
        real_program_test: None,
        behavior: Some(Behavior::TakesTokens(Service {
            checks: Checks::Keys(TYPE_JWT),
            audience: API,
            reads: &["sub", "groups"],
        })),
    };
}
