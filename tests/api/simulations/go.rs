//! Go. x/oauth2 tries HTTP Basic first, and then the body, with the same code.

use super::app::{APP, ClaimSource, ClientAuth};
use super::{App, Behavior, Client, Program, SETTINGS_IN_PRESET, Settings, programs};

programs! {
    "Go",
    "";

    // go-oidc's example `idtoken`: state and nonce, no PKCE.
    go_oidc: Program {
        name: "go-oidc with x/oauth2",
        summary: "signs in, reads the ID token and UserInfo, renews",
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
        real_program_test: None,
        behavior: Some(Behavior::SignsIn(App {
            nonce: true,
            secret: ClientAuth::BasicThenBody,
            reads: &[(ClaimSource::IdToken, "email"), (ClaimSource::IdToken, "email_verified"), (ClaimSource::UserInfo, "email")],
            renews: Some(ClientAuth::BasicThenBody),
            ..APP
        })),
    };

    // x/oauth2 redeems the code; a refresh has ID and secret in the body.
    zitadel_oidc: Program {
        name: "zitadel/oidc",
        summary: "signs in with PKCE, reads UserInfo, renews",
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
        real_program_test: None,
        behavior: Some(Behavior::SignsIn(App {
            pkce: true,
            starts_without: true,
            secret: ClientAuth::BasicThenBody,
            reads: &[(ClaimSource::UserInfo, "name"), (ClaimSource::UserInfo, "email")],
            renews: Some(ClientAuth::Body),
            ..APP
        })),
    };

    // Neither PKCE nor a nonce; a refresh has ID and secret in the body.
    goth: Program {
        name: "goth (openidConnect)",
        summary: "signs in with `--no-pkce`, shows name and email, renews",
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
        real_program_test: None,
        behavior: Some(Behavior::SignsIn(App {
            starts_without: true,
            secret: ClientAuth::BasicThenBody,
            reads: &[
                (ClaimSource::UserInfo, "name"), (ClaimSource::UserInfo, "email"), (ClaimSource::UserInfo, "preferred_username"),
                (ClaimSource::UserInfo, "given_name"), (ClaimSource::UserInfo, "family_name"),
            ],
            renews: Some(ClientAuth::Body),
            ..APP
        })),
    };

    cap: Program {
        name: "hashicorp/cap",
        summary: "signs in, reads the ID token and UserInfo",
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
        real_program_test: None,
        behavior: Some(Behavior::SignsIn(App {
            nonce: true,
            secret: ClientAuth::BasicThenBody,
            reads: &[(ClaimSource::IdToken, "email"), (ClaimSource::UserInfo, "name")],
            ..APP
        })),
    };

    miniflux: Program {
        name: "Miniflux",
        summary: "signs in by `preferred_username`",
        client: Client::For("miniflux"),
        settings: SETTINGS_IN_PRESET,
        real_program_test: None,
        behavior: Some(Behavior::SignsIn(App {
            pkce: true,
            secret: ClientAuth::BasicThenBody,
            reads: &[(ClaimSource::UserInfo, "preferred_username"), (ClaimSource::UserInfo, "email")],
            ..APP
        })),
    };

    // The email address is used only if `email_verified` is true.
    pocketbase: Program {
        name: "PocketBase",
        summary: "signs in, takes over name and verified email",
        client: Client::For("pocketbase"),
        settings: SETTINGS_IN_PRESET,
        real_program_test: None,
        behavior: Some(Behavior::SignsIn(App {
            scope: "openid email profile",
            pkce: true,
            secret: ClientAuth::BasicThenBody,
            reads: &[
                (ClaimSource::UserInfo, "name"), (ClaimSource::UserInfo, "preferred_username"),
                (ClaimSource::UserInfo, "email"), (ClaimSource::UserInfo, "email_verified"),
            ],
            ..APP
        })),
    };

    // An ID token with an unverified email address is refused.
    oauth2_proxy: Program {
        name: "OAuth2 Proxy",
        summary: "signs in, passes on email, name and groups, renews",
        client: Client::For("oauth2-proxy"),
        settings: SETTINGS_IN_PRESET,
        real_program_test: None,
        behavior: Some(Behavior::SignsIn(App {
            scope: "openid profile email groups",
            pkce: true,
            starts_without: true,
            asks_also: &[("approval_prompt", "force")],
            secret: ClientAuth::BasicThenBody,
            reads: &[
                (ClaimSource::IdToken, "email"), (ClaimSource::IdToken, "email_verified"), (ClaimSource::IdToken, "groups"),
                (ClaimSource::IdToken, "preferred_username"), (ClaimSource::UserInfo, "groups"),
            ],
            renews: Some(ClientAuth::BasicThenBody),
            ..APP
        })),
    };

    // It listens on a port that the system chooses, with a redirect URI without a path.
    step: Program {
        name: "step (step oauth, step ssh)",
        summary: "signs in on any port, reads the verified email",
        client: Client::With(&["--redirect-uri", "http://127.0.0.1"]),
        settings: Settings {
            file: "command line",
            lines: &[
                "step oauth --oidc --provider https://id.example.com/.well-known/openid-configuration \\",
                "  --client-id CLIENT_ID --client-secret CLIENT_SECRET",
            ],
        },
        real_program_test: None,
        behavior: Some(Behavior::SignsIn(App {
            scope: "openid email",
            pkce: true,
            nonce: true,
            asks_also: &[("redirect_uri", "http://127.0.0.1:45123")],
            secret: ClientAuth::Body,
            reads: &[(ClaimSource::IdToken, "email"), (ClaimSource::IdToken, "email_verified")],
            ..APP
        })),
    };

    // kubelogin has no secret, and sends an empty one by HTTP Basic; the API server refuses unverified email addresses.
    kubernetes: Program {
        name: "Kubernetes (kubelogin, kube-apiserver)",
        summary: "signs in, knows the user by email, and the groups",
        client: Client::For("kubernetes"),
        settings: SETTINGS_IN_PRESET,
        real_program_test: None,
        behavior: Some(Behavior::SignsIn(App {
            scope: "openid email groups",
            pkce: true,
            nonce: true,
            secret: ClientAuth::EmptyBasic,
            reads: &[(ClaimSource::IdToken, "email"), (ClaimSource::IdToken, "email_verified"), (ClaimSource::IdToken, "groups")],
            renews: Some(ClientAuth::EmptyBasic),
            ..APP
        })),
    };
}
