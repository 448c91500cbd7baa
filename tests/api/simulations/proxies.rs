//! Reverse proxies that request a decision from Doorward before they forward a request. The proxies themselves run in the tests.

use super::{Client, Program, ProgramGroup, SETTINGS_IN_PRESET};

pub static GROUP: ProgramGroup = ProgramGroup {
    title: "Reverse proxies (forward-auth)",
    about: "",
    rows: &[
        (
            "",
            proxy(
                "nginx",
                "forward-auth/nginx.md",
                "e2e::forward_auth::nginx_protects_an_order",
            ),
        ),
        (
            "",
            proxy(
                "Caddy",
                "forward-auth/caddy.md",
                "e2e::forward_auth::caddy_protects_an_order",
            ),
        ),
        (
            "",
            proxy(
                "Traefik",
                "forward-auth/traefik.md",
                "e2e::forward_auth::traefik_protects_an_order",
            ),
        ),
    ],
};

const fn proxy(
    name: &'static str,
    guide: &'static str,
    real_program_test: &'static str,
) -> Program {
    Program {
        name,
        summary: "lets signed-in users through, and tells the app who they are",
        client: Client::Guide(guide),
        settings: SETTINGS_IN_PRESET,
        real_program_test: Some(real_program_test),
        behavior: None,
    }
}
