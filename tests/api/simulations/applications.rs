//! Applications with presets; each signs users in with a library of the other tables.

use super::app::{APP, ClaimSource, ClientAuth};
use super::{App, Behavior, Client, Program, SETTINGS_IN_PRESET, programs};

/// go-oidc with x/oauth2, and PKCE.
const GO: App = App {
    pkce: true,
    secret: ClientAuth::BasicThenBody,
    ..APP
};

programs! {
    "Applications", "";

    // `use_pkce = true`; names and groups from UserInfo.
    grafana: Program {
        name: "Grafana",
        summary: "signs in by `preferred_username`, takes over name, email and groups, renews",
        client: Client::For("grafana"),
        settings: SETTINGS_IN_PRESET,
        real_program_test: None,
        behavior: Some(Behavior::SignsIn(App {
            scope: "openid profile email groups",
            starts_without: true,
            reads: &[
                (ClaimSource::UserInfo, "preferred_username"), (ClaimSource::UserInfo, "name"), (ClaimSource::UserInfo, "email"),
                (ClaimSource::UserInfo, "groups"),
            ],
            renews: Some(ClientAuth::BasicThenBody),
            ..GO
        })),
    };

    // goth: neither PKCE nor a nonce, which the preset allows.
    gitea: Program {
        name: "Gitea, Forgejo",
        summary: "signs in, takes over username, email and groups",
        client: Client::For("gitea"),
        settings: SETTINGS_IN_PRESET,
        real_program_test: None,
        behavior: Some(Behavior::SignsIn(App {
            scope: "openid profile email groups",
            secret: ClientAuth::BasicThenBody,
            reads: &[(ClaimSource::UserInfo, "preferred_username"), (ClaimSource::UserInfo, "email"), (ClaimSource::UserInfo, "groups")],
            ..APP
        })),
    };

    // OmniAuth with `pkce: true` and a nonce.
    gitlab: Program {
        name: "GitLab",
        summary: "signs in, takes over name and email",
        client: Client::For("gitlab"),
        settings: SETTINGS_IN_PRESET,
        real_program_test: None,
        behavior: Some(Behavior::SignsIn(App {
            pkce: true,
            nonce: true,
            sends_also: &[("scope", "openid profile email")],
            reads: &[(ClaimSource::UserInfo, "name"), (ClaimSource::UserInfo, "email"), (ClaimSource::UserInfo, "preferred_username")],
            ..APP
        })),
    };

    // hashicorp/cap with PKCE and a nonce; groups from the ID token.
    vault: Program {
        name: "HashiCorp Vault, OpenBao",
        summary: "signs in on its page, takes over groups",
        client: Client::For("vault"),
        settings: SETTINGS_IN_PRESET,
        real_program_test: None,
        behavior: Some(Behavior::SignsIn(App {
            scope: "openid profile email groups",
            nonce: true,
            reads: &[(ClaimSource::IdToken, "sub"), (ClaimSource::IdToken, "groups"), (ClaimSource::UserInfo, "groups")],
            ..GO
        })),
    };

    // go-oidc with `pkce.enabled`; a verified email address is required if emails are filtered.
    headscale: Program {
        name: "Headscale",
        summary: "signs in, knows the verified email and the groups",
        client: Client::For("headscale"),
        settings: SETTINGS_IN_PRESET,
        real_program_test: None,
        behavior: Some(Behavior::SignsIn(App {
            scope: "openid profile email groups",
            nonce: true,
            reads: &[(ClaimSource::IdToken, "email"), (ClaimSource::IdToken, "email_verified"), (ClaimSource::IdToken, "groups")],
            ..GO
        })),
    };
}
