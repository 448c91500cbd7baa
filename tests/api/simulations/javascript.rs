//! JavaScript and TypeScript.

use super::app::{APP, ClaimSource, ClientAuth};
use super::{App, Behavior, Client, Program, SETTINGS_IN_PRESET, Settings, SignOut, programs};

/// Registration of a page in the browser, which is a public client.
const PAGE: &[&str] = &[
    "--public",
    "--redirect-uri",
    "https://app.example.com/",
    "--post-logout-redirect-uri",
    "https://app.example.com/",
];

/// oidc-client-ts: PKCE, no nonce, and the profile from the ID token.
const OIDC_CLIENT_TS: App = App {
    pkce: true,
    secret: ClientAuth::None,
    reads: &[
        (ClaimSource::IdToken, "name"),
        (ClaimSource::IdToken, "email"),
    ],
    renews: Some(ClientAuth::None),
    in_browser: true,
    sign_out: SignOut::WithHint,
    ..APP
};

programs! {
    "JavaScript and TypeScript",
    "";

    // The OpenID Connect example of its README; a nonce only if discovery doesn't announce S256.
    oauth4webapi: Program {
        name: "oauth4webapi",
        summary: "signs in, reads the ID token and UserInfo, renews",
        client: Client::With(&["--redirect-uri", "https://app.example.com/callback"]),
        settings: Settings {
            file: "index.ts",
            lines: &[
                "const issuer = new URL('https://id.example.com')",
                "const as = await oauth",
                "  .discoveryRequest(issuer)",
                "  .then((response) => oauth.processDiscoveryResponse(issuer, response))",
                "const client: oauth.Client = { client_id: 'CLIENT_ID' }",
                "const clientAuth = oauth.ClientSecretPost('CLIENT_SECRET')",
            ],
        },
        real_program_test: Some("programs::javascript::oauth4webapi_signs_a_user_in"),
        behavior: Some(Behavior::SignsIn(App {
            scope: "openid email",
            pkce: true,
            secret: ClientAuth::Body,
            reads: &[(ClaimSource::IdToken, "sub"), (ClaimSource::UserInfo, "email")],
            renews: Some(ClientAuth::Body),
            ..APP
        })),
    };

    // A secret given as text is sent in the body (version 6); sign-out sends `client_id` with the hint.
    openid_client: Program {
        name: "openid-client",
        summary: "signs in, reads the ID token and UserInfo, renews, signs out",
        client: Client::With(&[
            "--redirect-uri", "https://app.example.com/callback",
            "--post-logout-redirect-uri", "https://app.example.com/",
        ]),
        settings: Settings {
            file: "index.ts",
            lines: &[
                "const config = await client.discovery(",
                "  new URL('https://id.example.com'), 'CLIENT_ID', 'CLIENT_SECRET')",
            ],
        },
        real_program_test: Some("programs::javascript::openid_client_signs_in_with_its_secret_as_a_string"),
        behavior: Some(Behavior::SignsIn(App {
            scope: "openid email",
            pkce: true,
            secret: ClientAuth::Body,
            reads: &[(ClaimSource::IdToken, "email"), (ClaimSource::UserInfo, "email")],
            renews: Some(ClientAuth::Body),
            sign_out: SignOut::WithHintAndClientId,
            ..APP
        })),
    };

    // `type: "oidc"`: only the check `pkce`, without state and nonce; the profile is read from the ID token.
    authjs: Program {
        name: "Auth.js",
        summary: "signs in, shows name and email",
        client: Client::For("authjs"),
        settings: SETTINGS_IN_PRESET,
        real_program_test: Some("programs::javascript::auth_js_signs_a_user_in"),
        behavior: Some(Behavior::SignsIn(App {
            pkce: true,
            asks_also: &[("state", "")],
            reads: &[(ClaimSource::IdToken, "name"), (ClaimSource::IdToken, "email")],
            ..APP
        })),
    };

    // The custom provider of its documentation, with openid-client 5.
    next_auth: Program {
        name: "next-auth (NextAuth.js 4)",
        summary: "signs in, shows name and email",
        client: Client::With(&["--redirect-uri", "https://app.example.com/api/auth/callback/doorward"]),
        settings: Settings {
            file: "[...nextauth].ts",
            lines: &[
                "providers: [{",
                "  id: \"doorward\", name: \"Doorward\", type: \"oauth\",",
                "  wellKnown: \"https://id.example.com/.well-known/openid-configuration\",",
                "  authorization: { params: { scope: \"openid email profile\" } },",
                "  idToken: true, checks: [\"pkce\", \"state\"],",
                "  clientId: \"CLIENT_ID\", clientSecret: \"CLIENT_SECRET\",",
                "  profile: (p) => ({ id: p.sub, name: p.name, email: p.email }),",
                "}],",
            ],
        },
        real_program_test: None,
        behavior: Some(Behavior::SignsIn(App {
            pkce: true,
            starts_without: true,
            reads: &[(ClaimSource::IdToken, "name"), (ClaimSource::IdToken, "email")],
            ..APP
        })),
    };

    // Without OIDC_SCOPES it requests every scope that discovery lists; it revokes the refresh token at sign-out.
    hono_oidc_auth: Program {
        name: "@hono/oidc-auth",
        summary: "signs in, shows the email, renews, revokes at sign-out",
        client: Client::With(&["--redirect-uri", "https://app.example.com/callback"]),
        settings: Settings {
            file: "environment",
            lines: &[
                "OIDC_ISSUER=https://id.example.com",
                "OIDC_CLIENT_ID=CLIENT_ID",
                "OIDC_CLIENT_SECRET=CLIENT_SECRET",
                "OIDC_AUTH_SECRET=REPLACE_WITH_A_LONG_RANDOM_STRING",
                "OIDC_REDIRECT_URI=https://app.example.com/callback",
                "OIDC_SCOPES=openid email profile",
            ],
        },
        real_program_test: None,
        behavior: Some(Behavior::SignsIn(App {
            scope: "openid email profile",
            pkce: true,
            nonce: true,
            reads: &[(ClaimSource::IdToken, "sub"), (ClaimSource::IdToken, "email")],
            also: |program_session, _| {
                let token = program_session.sign_in().refresh;
                let revoked = program_session.post("revocation_endpoint", &[("token", &token)], ClientAuth::Basic);
                assert_eq!(revoked.status, 200, "{revoked:?}");
                let renewed = program_session.token(&[("grant_type", "refresh_token"), ("refresh_token", &token)]);
                assert_eq!(renewed.status, 400, "{renewed:?}");
            },
            renews: Some(ClientAuth::Basic),
            ..APP
        })),
    };

    // The plugin `genericOAuth`: the user is read from the ID token, or from UserInfo if that has no email address. Its versions
    // differ in their redirect URI.
    better_auth: Program {
        name: "better-auth (genericOAuth)",
        summary: "signs in, shows name and email, renews",
        client: Client::With(&[
            "--redirect-uri", "https://app.example.com/api/auth/oauth2/callback/doorward",
            "--redirect-uri", "https://app.example.com/api/auth/callback/doorward",
        ]),
        settings: Settings {
            file: "auth.ts",
            lines: &[
                "plugins: [genericOAuth({ config: [{",
                "  providerId: \"doorward\",",
                "  discoveryUrl: \"https://id.example.com/.well-known/openid-configuration\",",
                "  clientId: \"CLIENT_ID\",",
                "  clientSecret: \"CLIENT_SECRET\",",
                "  scopes: [\"openid\", \"profile\", \"email\"],",
                "  pkce: true,",
                "}] })],",
            ],
        },
        real_program_test: None,
        behavior: Some(Behavior::SignsIn(App {
            pkce: true,
            secret: ClientAuth::Body,
            reads: &[(ClaimSource::IdToken, "email"), (ClaimSource::IdToken, "name"), (ClaimSource::IdToken, "email_verified")],
            renews: Some(ClientAuth::Body),
            ..APP
        })),
    };

    // With the response type `code`: state, nonce and PKCE.
    express_openid_connect: Program {
        name: "express-openid-connect",
        summary: "signs in, shows name and email, renews, signs out",
        client: Client::For("express-openid-connect"),
        settings: SETTINGS_IN_PRESET,
        real_program_test: Some("programs::javascript::express_openid_connect_signs_a_user_in"),
        behavior: Some(Behavior::SignsIn(App {
            pkce: true,
            nonce: true,
            reads: &[(ClaimSource::IdToken, "name"), (ClaimSource::IdToken, "email"), (ClaimSource::UserInfo, "name")],
            renews: Some(ClientAuth::Basic),
            sign_out: SignOut::WithHint,
            ..APP
        })),
    };

    // The package `oauth` sends ID and secret in the body; the UserInfo request has a parameter of an old draft.
    passport_openidconnect: Program {
        name: "passport-openidconnect",
        summary: "signs in with `nonce: true`, shows name and email",
        client: Client::With(&["--redirect-uri", "https://app.example.com/cb"]),
        settings: Settings {
            file: "app.js",
            lines: &[
                "passport.use(new OpenIDConnectStrategy({",
                "  issuer: 'https://id.example.com',",
                "  authorizationURL: 'https://id.example.com/oauth2/authorize',",
                "  tokenURL: 'https://id.example.com/oauth2/token',",
                "  userInfoURL: 'https://id.example.com/oauth2/userinfo',",
                "  clientID: 'CLIENT_ID', clientSecret: 'CLIENT_SECRET',",
                "  callbackURL: 'https://app.example.com/cb',",
                "  scope: ['profile', 'email'], nonce: true,",
                "}, verify));",
            ],
        },
        real_program_test: None,
        behavior: Some(Behavior::SignsIn(App {
            nonce: true,
            starts_without: true,
            secret: ClientAuth::Body,
            also: |program_session, issued| {
                let user = program_session.user_info_at("/oauth2/userinfo?schema=openid", &issued.access);
                assert_eq!((&user["sub"], &user["name"]), (&issued.id_claims["sub"], &"Ada Lovelace".into()));
            },
            reads: &[(ClaimSource::UserInfo, "email"), (ClaimSource::UserInfo, "family_name"), (ClaimSource::UserInfo, "preferred_username")],
            ..APP
        })),
    };

    react_oidc_context: Program {
        name: "react-oidc-context",
        summary: "signs in, shows name and email, renews, signs out",
        client: Client::With(PAGE),
        settings: Settings {
            file: "main.tsx",
            lines: &[
                "const config = {",
                "  authority: \"https://id.example.com\",",
                "  client_id: \"CLIENT_ID\",",
                "  redirect_uri: \"https://app.example.com/\",",
                "  post_logout_redirect_uri: \"https://app.example.com/\",",
                "  scope: \"openid profile email\",",
                "};",
            ],
        },
        real_program_test: None,
        behavior: Some(Behavior::SignsIn(OIDC_CLIENT_TS)),
    };

    oidc_client_ts: Program {
        name: "oidc-client-ts",
        summary: "signs in, shows name and email, renews, signs out",
        client: Client::With(PAGE),
        settings: Settings {
            file: "main.ts",
            lines: &[
                "const manager = new UserManager({",
                "  authority: \"https://id.example.com\",",
                "  client_id: \"CLIENT_ID\",",
                "  redirect_uri: \"https://app.example.com/\",",
                "  post_logout_redirect_uri: \"https://app.example.com/\",",
                "  scope: \"openid profile email\",",
                "});",
            ],
        },
        real_program_test: Some("e2e::relying_parties::single_page_app"),
        behavior: Some(Behavior::SignsIn(OIDC_CLIENT_TS)),
    };

    // It verifies the ID token with keys that the page fetches, and each endpoint must be below the issuer.
    angular_oauth2_oidc: Program {
        name: "angular-oauth2-oidc",
        summary: "signs in, shows name and email, renews, signs out",
        client: Client::With(PAGE),
        settings: Settings {
            file: "auth.config.ts",
            lines: &[
                "export const authConfig: AuthConfig = {",
                "  issuer: 'https://id.example.com',",
                "  clientId: 'CLIENT_ID',",
                "  redirectUri: 'https://app.example.com/',",
                "  postLogoutRedirectUri: 'https://app.example.com/',",
                "  responseType: 'code',",
                "  scope: 'openid profile email offline_access',",
                "};",
            ],
        },
        real_program_test: None,
        behavior: Some(Behavior::SignsIn(App {
            scope: "openid profile email offline_access",
            pkce: true,
            nonce: true,
            secret: ClientAuth::None,
            reads: &[(ClaimSource::IdToken, "name"), (ClaimSource::UserInfo, "email")],
            renews: Some(ClientAuth::None),
            in_browser: true,
            sign_out: SignOut::WithHint,
            also: |program_session, _| {
                for (name, value) in program_session.discovery.as_object().expect("an object") {
                    let address = value.as_str().filter(|_| name.ends_with("_endpoint"));
                    assert!(address.is_none_or(|address| address.starts_with(program_session.server.origin())));
                }
            },
            ..APP
        })),
    };

    // The client of the TypeScript SDK with a registered client: it requests tokens for its server (`resource`).
    mcp_sdk: Program {
        name: "Model Context Protocol SDK",
        summary: "gets tokens for its server, renews",
        client: Client::With(&[
            "--public", "--redirect-uri", "http://localhost:8090/callback", "--resource", "https://mcp.example.com/",
        ]),
        settings: Settings {
            file: "an OAuthClientProvider",
            lines: &[
                "get redirectUrl() { return 'http://localhost:8090/callback' }",
                "clientInformation() { return { client_id: 'CLIENT_ID' } }",
            ],
        },
        real_program_test: Some("programs::javascript::the_mcp_sdk_gets_a_token_for_its_user"),
        behavior: Some(Behavior::SignsIn(App {
            discovery: "/.well-known/oauth-authorization-server",
            scope: "",
            pkce: true,
            asks_also: &[("resource", "https://mcp.example.com/")],
            secret: ClientAuth::None,
            sends_also: &[("resource", "https://mcp.example.com/")],
            also: |program_session, issued| {
                let keys = program_session.get(program_session.path("jwks_uri"));
                let (accepts, issuer) = (super::verify::RS256, program_session.server.origin());
                let claims = super::verify::verify(&issued.access, &keys, &accepts, issuer, "https://mcp.example.com/");
                assert_eq!(claims.expect("a token for the server")["sub"], program_session.ada.id);
                let fields = [("grant_type", "refresh_token"), ("refresh_token", issued.refresh.as_str())];
                assert_eq!(program_session.token(&fields).status, 200);
            },
            ..APP
        })),
    };
}
