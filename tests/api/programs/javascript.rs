//! JavaScript and TypeScript.

use super::app::{APP, From, Secret};
use super::{App, Client, Does, ELSEWHERE, Program, Settings, SignOut, programs};

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
    secret: Secret::None,
    reads: &[(From::IdToken, "name"), (From::IdToken, "email")],
    renews: Some(Secret::None),
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
        works: "signs in, reads the ID token and UserInfo, renews",
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
        run_by: Some("programs::javascript::oauth4webapi"),
        does: Some(Does::SignsIn(App {
            scope: "openid email",
            pkce: true,
            secret: Secret::Body,
            reads: &[(From::IdToken, "sub"), (From::UserInfo, "email")],
            renews: Some(Secret::Body),
            ..APP
        })),
    };

    // A secret given as text is sent in the body (version 6); sign-out sends `client_id` with the hint.
    openid_client: Program {
        name: "openid-client",
        works: "signs in, reads the ID token and UserInfo, renews, signs out",
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
        run_by: Some("programs::javascript::openid_client_with_a_string_secret"),
        does: Some(Does::SignsIn(App {
            scope: "openid email",
            pkce: true,
            secret: Secret::Body,
            reads: &[(From::IdToken, "email"), (From::UserInfo, "email")],
            renews: Some(Secret::Body),
            sign_out: SignOut::WithHintAndClientId,
            ..APP
        })),
    };

    // `type: "oidc"`: only the check `pkce`, without state and nonce; the profile is read from the ID token.
    authjs: Program {
        name: "Auth.js",
        works: "signs in, shows name and email",
        client: Client::For("authjs"),
        settings: ELSEWHERE,
        run_by: Some("programs::javascript::auth_js"),
        does: Some(Does::SignsIn(App {
            pkce: true,
            asks_also: &[("state", "")],
            reads: &[(From::IdToken, "name"), (From::IdToken, "email")],
            ..APP
        })),
    };

    // The custom provider of its documentation, with openid-client 5.
    next_auth: Program {
        name: "next-auth (NextAuth.js 4)",
        works: "signs in, shows name and email",
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
        run_by: None,
        does: Some(Does::SignsIn(App {
            pkce: true,
            starts_without: true,
            reads: &[(From::IdToken, "name"), (From::IdToken, "email")],
            ..APP
        })),
    };

    // Without OIDC_SCOPES it requests every scope that discovery lists; it revokes the refresh token at sign-out.
    hono_oidc_auth: Program {
        name: "@hono/oidc-auth",
        works: "signs in, shows the email, renews, revokes at sign-out",
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
        run_by: None,
        does: Some(Does::SignsIn(App {
            scope: "openid email profile",
            pkce: true,
            nonce: true,
            reads: &[(From::IdToken, "sub"), (From::IdToken, "email")],
            also: |visit, _| {
                let token = visit.sign_in().refresh;
                let revoked = visit.post("revocation_endpoint", &[("token", &token)], Secret::Basic);
                assert_eq!(revoked.status, 200, "{revoked:?}");
                let renewed = visit.token(&[("grant_type", "refresh_token"), ("refresh_token", &token)]);
                assert_eq!(renewed.status, 400, "{renewed:?}");
            },
            renews: Some(Secret::Basic),
            ..APP
        })),
    };

    // The plugin `genericOAuth`: the user is read from the ID token, or from UserInfo if that has no email address. Its versions
    // differ in their redirect URI.
    better_auth: Program {
        name: "better-auth (genericOAuth)",
        works: "signs in, shows name and email, renews",
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
        run_by: None,
        does: Some(Does::SignsIn(App {
            pkce: true,
            secret: Secret::Body,
            reads: &[(From::IdToken, "email"), (From::IdToken, "name"), (From::IdToken, "email_verified")],
            renews: Some(Secret::Body),
            ..APP
        })),
    };

    // With the response type `code`: state, nonce and PKCE.
    express_openid_connect: Program {
        name: "express-openid-connect",
        works: "signs in, shows name and email, renews, signs out",
        client: Client::For("express-openid-connect"),
        settings: ELSEWHERE,
        run_by: Some("programs::javascript::express_openid_connect"),
        does: Some(Does::SignsIn(App {
            pkce: true,
            nonce: true,
            reads: &[(From::IdToken, "name"), (From::IdToken, "email"), (From::UserInfo, "name")],
            renews: Some(Secret::Basic),
            sign_out: SignOut::WithHint,
            ..APP
        })),
    };

    // The package `oauth` sends ID and secret in the body; the UserInfo request has a parameter of an old draft.
    passport_openidconnect: Program {
        name: "passport-openidconnect",
        works: "signs in with `nonce: true`, shows name and email",
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
        run_by: None,
        does: Some(Does::SignsIn(App {
            nonce: true,
            starts_without: true,
            secret: Secret::Body,
            also: |visit, issued| {
                let user = visit.user_info_at("/oauth2/userinfo?schema=openid", &issued.access);
                assert_eq!((&user["sub"], &user["name"]), (&issued.id_claims["sub"], &"Ada Lovelace".into()));
            },
            reads: &[(From::UserInfo, "email"), (From::UserInfo, "family_name"), (From::UserInfo, "preferred_username")],
            ..APP
        })),
    };

    react_oidc_context: Program {
        name: "react-oidc-context",
        works: "signs in, shows name and email, renews, signs out",
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
        run_by: None,
        does: Some(Does::SignsIn(OIDC_CLIENT_TS)),
    };

    oidc_client_ts: Program {
        name: "oidc-client-ts",
        works: "signs in, shows name and email, renews, signs out",
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
        run_by: Some("e2e::relying_parties::single_page_app"),
        does: Some(Does::SignsIn(OIDC_CLIENT_TS)),
    };

    // It verifies the ID token with keys that the page fetches, and each endpoint must be below the issuer.
    angular_oauth2_oidc: Program {
        name: "angular-oauth2-oidc",
        works: "signs in, shows name and email, renews, signs out",
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
        run_by: None,
        does: Some(Does::SignsIn(App {
            scope: "openid profile email offline_access",
            pkce: true,
            nonce: true,
            secret: Secret::None,
            reads: &[(From::IdToken, "name"), (From::UserInfo, "email")],
            renews: Some(Secret::None),
            in_browser: true,
            sign_out: SignOut::WithHint,
            also: |visit, _| {
                for (name, value) in visit.discovery.as_object().expect("an object") {
                    let address = value.as_str().filter(|_| name.ends_with("_endpoint"));
                    assert!(address.is_none_or(|address| address.starts_with(visit.house.origin())));
                }
            },
            ..APP
        })),
    };

    // The client of the TypeScript SDK with a registered client: it requests tokens for its server (`resource`).
    mcp_sdk: Program {
        name: "Model Context Protocol SDK",
        works: "gets tokens for its server, renews",
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
        run_by: Some("programs::javascript::mcp_sdk"),
        does: Some(Does::SignsIn(App {
            discovery: "/.well-known/oauth-authorization-server",
            scope: "",
            pkce: true,
            asks_also: &[("resource", "https://mcp.example.com/")],
            secret: Secret::None,
            sends_also: &[("resource", "https://mcp.example.com/")],
            also: |visit, issued| {
                let keys = visit.get(visit.path("jwks_uri"));
                let (accepts, issuer) = (super::verify::RS256, visit.house.origin());
                let claims = super::verify::verify(&issued.access, &keys, &accepts, issuer, "https://mcp.example.com/");
                assert_eq!(claims.expect("a token for the server")["sub"], visit.ada.id);
                let fields = [("grant_type", "refresh_token"), ("refresh_token", issued.refresh.as_str())];
                assert_eq!(visit.token(&fields).status, 200);
            },
            ..APP
        })),
    };
}
