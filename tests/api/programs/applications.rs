//! Applications with presets; each signs users in with a library of the other tables.

use super::app::{APP, From, Secret};
use super::{App, Client, Does, ELSEWHERE, Program, programs};

/// go-oidc with x/oauth2, and PKCE.
const GO: App = App {
    pkce: true,
    secret: Secret::BasicThenBody,
    ..APP
};

programs! {
    "Applications", "";

    // `use_pkce = true`; names and groups from UserInfo.
    grafana: Program {
        name: "Grafana",
        works: "signs in by `preferred_username`, takes over name, email and groups, renews",
        client: Client::For("grafana"),
        settings: ELSEWHERE,
        run_by: None,
        does: Some(Does::SignsIn(App {
            scope: "openid profile email groups",
            starts_without: true,
            reads: &[
                (From::UserInfo, "preferred_username"), (From::UserInfo, "name"), (From::UserInfo, "email"),
                (From::UserInfo, "groups"),
            ],
            renews: Some(Secret::BasicThenBody),
            ..GO
        })),
    };

    // goth: neither PKCE nor a nonce, which the preset allows.
    gitea: Program {
        name: "Gitea, Forgejo",
        works: "signs in, takes over username, email and groups",
        client: Client::For("gitea"),
        settings: ELSEWHERE,
        run_by: None,
        does: Some(Does::SignsIn(App {
            scope: "openid profile email groups",
            secret: Secret::BasicThenBody,
            reads: &[(From::UserInfo, "preferred_username"), (From::UserInfo, "email"), (From::UserInfo, "groups")],
            ..APP
        })),
    };

    // OmniAuth with `pkce: true` and a nonce.
    gitlab: Program {
        name: "GitLab",
        works: "signs in, takes over name and email",
        client: Client::For("gitlab"),
        settings: ELSEWHERE,
        run_by: None,
        does: Some(Does::SignsIn(App {
            pkce: true,
            nonce: true,
            sends_also: &[("scope", "openid profile email")],
            reads: &[(From::UserInfo, "name"), (From::UserInfo, "email"), (From::UserInfo, "preferred_username")],
            ..APP
        })),
    };

    // hashicorp/cap with PKCE and a nonce; groups from the ID token.
    vault: Program {
        name: "HashiCorp Vault, OpenBao",
        works: "signs in on its page, takes over groups",
        client: Client::For("vault"),
        settings: ELSEWHERE,
        run_by: None,
        does: Some(Does::SignsIn(App {
            scope: "openid profile email groups",
            nonce: true,
            reads: &[(From::IdToken, "sub"), (From::IdToken, "groups"), (From::UserInfo, "groups")],
            ..GO
        })),
    };

    // go-oidc with `pkce.enabled`; a verified email address is required if emails are filtered.
    headscale: Program {
        name: "Headscale",
        works: "signs in, knows the verified email and the groups",
        client: Client::For("headscale"),
        settings: ELSEWHERE,
        run_by: None,
        does: Some(Does::SignsIn(App {
            scope: "openid profile email groups",
            nonce: true,
            reads: &[(From::IdToken, "email"), (From::IdToken, "email_verified"), (From::IdToken, "groups")],
            ..GO
        })),
    };
}
