//! Other languages, servers and tools.

use super::app::{APP, From, Secret};
use super::{App, Client, Does, ELSEWHERE, Program, Settings, SignOut, programs};

programs! {
    "Other software",
    "";

    openidconnect: Program {
        name: "openidconnect (Rust)",
        works: "signs in, reads the ID token and UserInfo, renews",
        client: Client::With(&["--redirect-uri", "https://app.example.com/callback"]),
        settings: Settings {
            file: "main.rs",
            lines: &[
                "let issuer = IssuerUrl::new(\"https://id.example.com\".to_owned())?;",
                "let metadata = CoreProviderMetadata::discover_async(issuer, &http).await?;",
                "let secret = Some(ClientSecret::new(\"CLIENT_SECRET\".to_owned()));",
                "let client = CoreClient::from_provider_metadata(",
                "    metadata, ClientId::new(\"CLIENT_ID\".to_owned()), secret)",
                "    .set_redirect_uri(RedirectUrl::new(\"https://app.example.com/callback\".to_owned())?);",
            ],
        },
        run_by: Some("e2e::relying_parties::services::openidconnect"),
        does: Some(Does::SignsIn(App {
            pkce: true,
            nonce: true,
            reads: &[(From::IdToken, "email"), (From::UserInfo, "name")],
            renews: Some(Secret::Basic),
            ..APP
        })),
    };

    mod_auth_openidc: Program {
        name: "Apache, mod_auth_openidc",
        works: "signs in, passes on name and email, renews, signs out",
        client: Client::For("mod_auth_openidc"),
        settings: ELSEWHERE,
        run_by: Some("programs::apache::mod_auth_openidc"),
        does: Some(Does::SignsIn(App {
            pkce: true,
            nonce: true,
            reads: &[(From::IdToken, "name"), (From::IdToken, "email"), (From::UserInfo, "name"), (From::UserInfo, "email")],
            renews: Some(Secret::Basic),
            sign_out: SignOut::WithHint,
            ..APP
        })),
    };

    // A nonce; the scope is sent to the token endpoint as well.
    omniauth: Program {
        name: "OmniAuth (omniauth_openid_connect)",
        works: "signs in, takes over name and email",
        client: Client::With(&["--redirect-uri", "https://app.example.com/auth/openid_connect/callback"]),
        settings: Settings {
            file: "config/initializers/omniauth.rb",
            lines: &[
                "provider :openid_connect, {",
                "  issuer: \"https://id.example.com\", discovery: true,",
                "  scope: [:openid, :profile, :email],",
                "  client_options: {",
                "    identifier: \"CLIENT_ID\", secret: \"CLIENT_SECRET\",",
                "    redirect_uri: \"https://app.example.com/auth/openid_connect/callback\"",
                "  }",
                "}",
            ],
        },
        run_by: None,
        does: Some(Does::SignsIn(App {
            nonce: true,
            sends_also: &[("scope", "openid profile email")],
            reads: &[
                (From::UserInfo, "name"), (From::UserInfo, "email"), (From::UserInfo, "preferred_username"),
                (From::UserInfo, "given_name"), (From::UserInfo, "family_name"),
            ],
            ..APP
        })),
    };

    // It sends an empty secret by HTTP Basic, and a response type to the token endpoint; a refresh contains `client_id` as well.
    oidc_agent: Program {
        name: "oidc-agent",
        works: "signs in, renews",
        client: Client::With(&["--public", "--redirect-uri", "http://localhost:4242"]),
        settings: Settings {
            file: "command line",
            lines: &[
                "oidc-gen --manual --issuer=https://id.example.com \\",
                "  --client-id=CLIENT_ID --client-secret= \\",
                "  --redirect-uri=http://localhost:4242 \\",
                "  --scope='openid profile email offline_access' doorward",
            ],
        },
        run_by: None,
        does: Some(Does::SignsIn(App {
            scope: "openid profile email offline_access",
            pkce: true,
            asks_also: &[("access_type", "offline"), ("prompt", "consent")],
            secret: Secret::EmptyBasic,
            sends_also: &[("response_type", "token")],
            reads: &[(From::UserInfo, "name")],
            also: |visit, issued| {
                let renewed = visit.token(&[
                    ("grant_type", "refresh_token"), ("refresh_token", &issued.refresh),
                    ("client_id", visit.registered("client_id")), ("scope", visit.app.scope),
                ]);
                assert_eq!(renewed.status, 200, "{renewed:?}");
            },
            sign_out: SignOut::Stays,
            ..APP
        })),
    };
}
