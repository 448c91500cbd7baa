//! Other languages, servers and tools.

use super::app::{APP, ClaimSource, ClientAuth};
use super::{App, Behavior, Client, Program, SETTINGS_IN_PRESET, Settings, SignOut, programs};

programs! {
    "Other software",
    "";

    openidconnect: Program {
        name: "openidconnect (Rust)",
        summary: "signs in, reads the ID token and UserInfo, renews",
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
        real_program_test: Some("e2e::relying_parties::services::openidconnect_signs_a_user_in"),
        behavior: Some(Behavior::SignsIn(App {
            pkce: true,
            nonce: true,
            reads: &[(ClaimSource::IdToken, "email"), (ClaimSource::UserInfo, "name")],
            renews: Some(ClientAuth::Basic),
            ..APP
        })),
    };

    mod_auth_openidc: Program {
        name: "Apache, mod_auth_openidc",
        summary: "signs in, passes on name and email, renews, signs out",
        client: Client::For("mod_auth_openidc"),
        settings: SETTINGS_IN_PRESET,
        real_program_test: Some("programs::apache::mod_auth_openidc_signs_a_user_in"),
        behavior: Some(Behavior::SignsIn(App {
            pkce: true,
            nonce: true,
            reads: &[(ClaimSource::IdToken, "name"), (ClaimSource::IdToken, "email"), (ClaimSource::UserInfo, "name"), (ClaimSource::UserInfo, "email")],
            renews: Some(ClientAuth::Basic),
            sign_out: SignOut::WithHint,
            ..APP
        })),
    };

    // A nonce; the scope is sent to the token endpoint as well.
    omniauth: Program {
        name: "OmniAuth (omniauth_openid_connect)",
        summary: "signs in, takes over name and email",
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
        real_program_test: None,
        behavior: Some(Behavior::SignsIn(App {
            nonce: true,
            sends_also: &[("scope", "openid profile email")],
            reads: &[
                (ClaimSource::UserInfo, "name"), (ClaimSource::UserInfo, "email"), (ClaimSource::UserInfo, "preferred_username"),
                (ClaimSource::UserInfo, "given_name"), (ClaimSource::UserInfo, "family_name"),
            ],
            ..APP
        })),
    };

    // It sends an empty secret by HTTP Basic, and a response type to the token endpoint; a refresh contains `client_id` as well.
    oidc_agent: Program {
        name: "oidc-agent",
        summary: "signs in, renews",
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
        real_program_test: None,
        behavior: Some(Behavior::SignsIn(App {
            scope: "openid profile email offline_access",
            pkce: true,
            asks_also: &[("access_type", "offline"), ("prompt", "consent")],
            secret: ClientAuth::EmptyBasic,
            sends_also: &[("response_type", "token")],
            reads: &[(ClaimSource::UserInfo, "name")],
            also: |program_session, issued| {
                let renewed = program_session.token(&[
                    ("grant_type", "refresh_token"), ("refresh_token", &issued.refresh),
                    ("client_id", program_session.registered("client_id")), ("scope", program_session.app.scope),
                ]);
                assert_eq!(renewed.status, 200, "{renewed:?}");
            },
            sign_out: SignOut::Stays,
            ..APP
        })),
    };
}
