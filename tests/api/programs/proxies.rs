//! Reverse proxies that request a decision from Doorward before they forward a request. The proxies themselves run in the tests.

use super::{Client, ELSEWHERE, Family, Program};

pub static FAMILY: Family = Family {
    title: "Reverse proxies (forward-auth)",
    about: "",
    rows: &[
        (
            "",
            proxy(
                "nginx",
                "forward-auth/nginx.md",
                "e2e::forward_auth::an_order_behind_nginx",
            ),
        ),
        (
            "",
            proxy(
                "Caddy",
                "forward-auth/caddy.md",
                "e2e::forward_auth::an_order_behind_caddy",
            ),
        ),
        (
            "",
            proxy(
                "Traefik",
                "forward-auth/traefik.md",
                "e2e::forward_auth::an_order_behind_traefik",
            ),
        ),
    ],
};

const fn proxy(name: &'static str, guide: &'static str, run_by: &'static str) -> Program {
    Program {
        name,
        works: "lets signed-in users through, and tells the app who they are",
        client: Client::Guide(guide),
        settings: ELSEWHERE,
        run_by: Some(run_by),
        does: None,
    }
}
