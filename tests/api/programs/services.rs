//! Services that accept access tokens from apps.

use super::app::Secret;
use super::service::{API, Checks};
use super::verify::{Accepts, RS256};
use super::{Client, Does, Program, Service, Settings, programs};

/// The client of a service that introspects tokens for its own address.
const OWN: Client = Client::With(&["--audience", API]);

programs! {
    "Services that accept access tokens",
    "The first command of each section registers an app that calls the service: it asks for tokens with\n`resource=https://api.example.com`.";

    // Without its option `strict` it looks at no `typ`.
    express_oauth2_jwt_bearer: Program {
        name: "express-oauth2-jwt-bearer",
        works: "verifies access tokens, reads groups",
        client: Client::None,
        settings: Settings {
            file: "app.js",
            lines: &[
                "const { auth } = require('express-oauth2-jwt-bearer');",
                "app.use(auth({",
                "  issuerBaseURL: 'https://id.example.com',",
                "  audience: 'https://api.example.com',",
                "}));",
            ],
        },
        run_by: None,
        does: Some(Does::TakesTokens(Service { checks: Checks::Keys(RS256), reads: &["sub", "groups"] })),
    };

    // It reads every key of the set, and refuses the set for a key type that it doesn't know.
    jwx: Program {
        name: "lestrrat-go/jwx",
        works: "verifies access tokens, reads groups",
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
        run_by: None,
        does: Some(Does::TakesTokens(Service {
            checks: Checks::Keys(Accepts { key_types: &["RSA", "EC", "OKP", "oct"], ..RS256 }),
            reads: &["sub", "groups"],
        })),
    };

    keyfunc: Program {
        name: "MicahParks/keyfunc with golang-jwt",
        works: "verifies access tokens, reads groups",
        client: Client::None,
        settings: Settings {
            file: "main.go",
            lines: &[
                "keys, err := keyfunc.NewDefaultCtx(ctx, []string{\"https://id.example.com/oauth2/jwks\"})",
                "token, err := jwt.Parse(bearer, keys.Keyfunc, jwt.WithValidMethods([]string{\"RS256\"}),",
                "    jwt.WithIssuer(\"https://id.example.com\"), jwt.WithAudience(\"https://api.example.com\"))",
            ],
        },
        run_by: None,
        does: Some(Does::TakesTokens(Service { checks: Checks::Keys(RS256), reads: &["sub", "groups"] })),
    };

    // Roles are the claim `groups`.
    quarkus_service: Program {
        name: "Quarkus, service",
        works: "verifies access tokens, takes over groups as roles",
        client: Client::None,
        settings: Settings {
            file: "application.properties",
            lines: &[
                "quarkus.oidc.application-type=service",
                "quarkus.oidc.auth-server-url=https://id.example.com",
                "quarkus.oidc.token.audience=https://api.example.com",
            ],
        },
        run_by: None,
        does: Some(Does::TakesTokens(Service { checks: Checks::Keys(RS256), reads: &["sub", "groups"] })),
    };

    // Debian's version knows no Ed25519, and refuses a set that has such a key.
    mod_oauth2_keys: Program {
        name: "Apache, mod_oauth2 by keys",
        works: "verifies access tokens",
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
        run_by: None,
        does: Some(Does::TakesTokens(Service {
            checks: Checks::Keys(Accepts { key_types: &["RSA", "EC", "oct"], ..RS256 }),
            reads: &["sub"],
        })),
    };

    mod_oauth2_introspection: Program {
        name: "Apache, mod_oauth2 by introspection",
        works: "introspects access tokens, reads username and groups",
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
        run_by: None,
        does: Some(Does::TakesTokens(Service {
            checks: Checks::Introspection(Secret::Basic),
            reads: &["sub", "groups"],
        })),
    };

    // `introspection_mode = auth`: the token is sent to UserInfo.
    dovecot: Program {
        name: "Dovecot (OAUTHBEARER, XOAUTH2)",
        works: "lets mail programs in by email",
        client: Client::None,
        settings: Settings {
            file: "dovecot-oauth2.conf.ext",
            lines: &[
                "introspection_mode = auth",
                "introspection_url = https://id.example.com/oauth2/userinfo",
                "username_attribute = email",
            ],
        },
        run_by: None,
        does: Some(Does::TakesTokens(Service { checks: Checks::UserInfo, reads: &["email"] })),
    };

    // `introspection_mode = post`: ID and secret are in the address, and are sent by HTTP Basic.
    dovecot_introspection: Program {
        name: "Dovecot by introspection",
        works: "lets mail programs in by username",
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
        run_by: None,
        does: Some(Does::TakesTokens(Service {
            checks: Checks::Introspection(Secret::Basic),
            reads: &["username"],
        })),
    };
}
