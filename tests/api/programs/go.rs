//! Go. x/oauth2 tries HTTP Basic first, and then the body, with the same code.

use super::app::{APP, From, Secret};
use super::{App, Client, Does, ELSEWHERE, Program, Settings, programs};

programs! {
    "Go",
    "";

    // go-oidc's example `idtoken`: state and nonce, no PKCE.
    go_oidc: Program {
        name: "go-oidc with x/oauth2",
        works: "signs in, reads the ID token and UserInfo, renews",
        client: Client::With(&["--redirect-uri", "https://app.example.com/auth/callback"]),
        settings: Settings {
            file: "main.go",
            lines: &[
                "provider, err := oidc.NewProvider(ctx, \"https://id.example.com\")",
                "config := oauth2.Config{",
                "    ClientID:     \"CLIENT_ID\",",
                "    ClientSecret: \"CLIENT_SECRET\",",
                "    Endpoint:     provider.Endpoint(),",
                "    RedirectURL:  \"https://app.example.com/auth/callback\",",
                "    Scopes:       []string{oidc.ScopeOpenID, \"profile\", \"email\"},",
                "}",
                "url := config.AuthCodeURL(state, oidc.Nonce(nonce))",
            ],
        },
        run_by: None,
        does: Some(Does::SignsIn(App {
            nonce: true,
            secret: Secret::BasicThenBody,
            reads: &[(From::IdToken, "email"), (From::IdToken, "email_verified"), (From::UserInfo, "email")],
            renews: Some(Secret::BasicThenBody),
            ..APP
        })),
    };

    // x/oauth2 redeems the code; a refresh has ID and secret in the body.
    zitadel_oidc: Program {
        name: "zitadel/oidc",
        works: "signs in with PKCE, reads UserInfo, renews",
        client: Client::With(&["--redirect-uri", "https://app.example.com/auth/callback"]),
        settings: Settings {
            file: "main.go",
            lines: &[
                "provider, err := rp.NewRelyingPartyOIDC(ctx, \"https://id.example.com\",",
                "    \"CLIENT_ID\", \"CLIENT_SECRET\", \"https://app.example.com/auth/callback\",",
                "    []string{\"openid\", \"profile\", \"email\"},",
                "    rp.WithCookieHandler(cookieHandler), rp.WithPKCE(cookieHandler))",
            ],
        },
        run_by: None,
        does: Some(Does::SignsIn(App {
            pkce: true,
            starts_without: true,
            secret: Secret::BasicThenBody,
            reads: &[(From::UserInfo, "name"), (From::UserInfo, "email")],
            renews: Some(Secret::Body),
            ..APP
        })),
    };

    // Neither PKCE nor a nonce; a refresh has ID and secret in the body.
    goth: Program {
        name: "goth (openidConnect)",
        works: "signs in with `--no-pkce`, shows name and email, renews",
        client: Client::With(&["--redirect-uri", "https://app.example.com/auth/openid-connect/callback", "--no-pkce"]),
        settings: Settings {
            file: "main.go",
            lines: &[
                "provider, err := openidConnect.New(\"CLIENT_ID\", \"CLIENT_SECRET\",",
                "    \"https://app.example.com/auth/openid-connect/callback\",",
                "    \"https://id.example.com/.well-known/openid-configuration\",",
                "    \"profile\", \"email\")",
            ],
        },
        run_by: None,
        does: Some(Does::SignsIn(App {
            starts_without: true,
            secret: Secret::BasicThenBody,
            reads: &[
                (From::UserInfo, "name"), (From::UserInfo, "email"), (From::UserInfo, "preferred_username"),
                (From::UserInfo, "given_name"), (From::UserInfo, "family_name"),
            ],
            renews: Some(Secret::Body),
            ..APP
        })),
    };

    cap: Program {
        name: "hashicorp/cap",
        works: "signs in, reads the ID token and UserInfo",
        client: Client::With(&["--redirect-uri", "https://app.example.com/callback"]),
        settings: Settings {
            file: "main.go",
            lines: &[
                "config, err := oidc.NewConfig(\"https://id.example.com\", \"CLIENT_ID\", \"CLIENT_SECRET\",",
                "    []oidc.Alg{oidc.RS256}, []string{\"https://app.example.com/callback\"})",
                "provider, err := oidc.NewProvider(config)",
                "request, err := oidc.NewRequest(2*time.Minute, \"https://app.example.com/callback\",",
                "    oidc.WithScopes(\"profile\", \"email\"))",
            ],
        },
        run_by: None,
        does: Some(Does::SignsIn(App {
            nonce: true,
            secret: Secret::BasicThenBody,
            reads: &[(From::IdToken, "email"), (From::UserInfo, "name")],
            ..APP
        })),
    };

    miniflux: Program {
        name: "Miniflux",
        works: "signs in by `preferred_username`",
        client: Client::For("miniflux"),
        settings: ELSEWHERE,
        run_by: None,
        does: Some(Does::SignsIn(App {
            pkce: true,
            secret: Secret::BasicThenBody,
            reads: &[(From::UserInfo, "preferred_username"), (From::UserInfo, "email")],
            ..APP
        })),
    };

    // The email address is used only if `email_verified` is true.
    pocketbase: Program {
        name: "PocketBase",
        works: "signs in, takes over name and verified email",
        client: Client::For("pocketbase"),
        settings: ELSEWHERE,
        run_by: None,
        does: Some(Does::SignsIn(App {
            scope: "openid email profile",
            pkce: true,
            secret: Secret::BasicThenBody,
            reads: &[
                (From::UserInfo, "name"), (From::UserInfo, "preferred_username"),
                (From::UserInfo, "email"), (From::UserInfo, "email_verified"),
            ],
            ..APP
        })),
    };

    // An ID token with an unverified email address is refused.
    oauth2_proxy: Program {
        name: "OAuth2 Proxy",
        works: "signs in, passes on email, name and groups, renews",
        client: Client::For("oauth2-proxy"),
        settings: ELSEWHERE,
        run_by: None,
        does: Some(Does::SignsIn(App {
            scope: "openid profile email groups",
            pkce: true,
            starts_without: true,
            asks_also: &[("approval_prompt", "force")],
            secret: Secret::BasicThenBody,
            reads: &[
                (From::IdToken, "email"), (From::IdToken, "email_verified"), (From::IdToken, "groups"),
                (From::IdToken, "preferred_username"), (From::UserInfo, "groups"),
            ],
            renews: Some(Secret::BasicThenBody),
            ..APP
        })),
    };

    // It listens on a port that the system chooses, with a redirect URI without a path.
    step: Program {
        name: "step (step oauth, step ssh)",
        works: "signs in on any port, reads the verified email",
        client: Client::With(&["--redirect-uri", "http://127.0.0.1"]),
        settings: Settings {
            file: "command line",
            lines: &[
                "step oauth --oidc --provider https://id.example.com/.well-known/openid-configuration \\",
                "  --client-id CLIENT_ID --client-secret CLIENT_SECRET",
            ],
        },
        run_by: None,
        does: Some(Does::SignsIn(App {
            scope: "openid email",
            pkce: true,
            nonce: true,
            asks_also: &[("redirect_uri", "http://127.0.0.1:45123")],
            secret: Secret::Body,
            reads: &[(From::IdToken, "email"), (From::IdToken, "email_verified")],
            ..APP
        })),
    };

    // kubelogin has no secret, and sends an empty one by HTTP Basic; the API server refuses unverified email addresses.
    kubernetes: Program {
        name: "Kubernetes (kubelogin, kube-apiserver)",
        works: "signs in, knows the user by email, and the groups",
        client: Client::For("kubernetes"),
        settings: ELSEWHERE,
        run_by: None,
        does: Some(Does::SignsIn(App {
            scope: "openid email groups",
            pkce: true,
            nonce: true,
            secret: Secret::EmptyBasic,
            reads: &[(From::IdToken, "email"), (From::IdToken, "email_verified"), (From::IdToken, "groups")],
            renews: Some(Secret::EmptyBasic),
            ..APP
        })),
    };
}
