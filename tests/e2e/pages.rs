//! Every page fits a phone and a desktop screen, in light and dark, without errors. DOORWARD_PICTURES names a
//! folder for pictures.

use std::path::Path;

use doorward::clients::{GrantType, Metadata, RedirectUri, Scopes};

use super::Visitor;
use crate::on_both;
use crate::support::browser::Chromium;
use crate::support::relying_party::RelyingParty;
use crate::support::test_server::TestServer;

/// Checks pages in every size and colour scheme. Each is given by a name for its picture, and a path or the URL of another host.
pub(super) fn assert_pages_fit_every_screen(
    visitor: &Visitor,
    server: &TestServer,
    pages: &[(String, String)],
) {
    for (width, height, dark) in [
        (320, 640, true),
        (390, 844, false),
        (1280, 900, true),
        (1280, 900, false),
    ] {
        visitor.page.set_viewport(width, height, width < 500);
        visitor.page.set_dark(dark);
        for (name, path) in pages {
            let is_ours = path.starts_with('/');
            let base_url = if is_ours { server.origin() } else { "" };
            visitor.page.goto(&format!("{base_url}{path}"));
            visitor.assert_fits();
            let heading = visitor
                .page
                .evaluate("document.querySelectorAll('h1').length");
            assert_eq!(heading, serde_json::json!(1), "{path}");
            if let Some(folder) = std::env::var_os("DOORWARD_PICTURES") {
                let colour = if dark { "dark" } else { "light" };
                let name = format!("{name}-{width}-{colour}.png");
                visitor.page.screenshot(&Path::new(&folder).join(name));
            }
        }
    }
    visitor.assert_clean();
}

pub(super) fn picture_and_path(path: impl Into<String>) -> (String, String) {
    let path = path.into();
    (path.replace('/', "_"), path)
}

/// Creates an app with long texts that requests many scopes.
fn app_with_long_texts(server: &TestServer) -> RelyingParty {
    let page = |path: &str| Some(format!("https://app.example/{path}"));
    let callback =
        "https://a-rather-long-name-of-a-department.apps.organisation-with-a-name.example/callback";
    let metadata = Metadata {
        redirect_uris: vec![RedirectUri::parse(callback).expect("a redirect URI")],
        grant_types: vec![GrantType::AuthorizationCode, GrantType::RefreshToken],
        client_uri: page("about"),
        policy_uri: page("privacy"),
        tos_uri: page("terms"),
        ..Metadata::default()
    };
    let scopes = "openid profile email address phone roles offline_access users:read audit:read reports:write \
                  https://reports.example/scopes/everything-that-there-is.read-and-write";
    let name =
        "Quarterly Reports and Forecasts of the Department for Unspeakably-Long-Compound-Names";
    let scopes = Scopes::parse(scopes).expect("scopes");
    let (id, secret) = server.create_client(name, &scopes, &metadata);
    RelyingParty {
        id,
        secret,
        ..server.relying_party(|_| {})
    }
}

const ASKED: [(&str, &str); 2] = [
    (
        "redirect_uri",
        "https://a-rather-long-name-of-a-department.apps.organisation-with-a-name.example/callback",
    ),
    (
        "scope",
        "openid profile email address phone roles offline_access users:read audit:read reports:write \
         https://reports.example/scopes/everything-that-there-is.read-and-write",
    ),
];

on_both! {
    fn every_page_fits(server) {
        let visitor = Visitor::new(&Chromium::launch());
        visitor.set_up(server);
        let root = server.run(server.app.users.find("root")).expect("root");
        let passkey = server.run(server.app.passkeys.list(root.id, doorward::testing::PasskeyFilter::Valid)).expect("passkeys")[0].id;
        let paths = [
            "/welcome".to_owned(), "/account".into(), "/account/lock".into(), format!("/account/passkeys/{passkey}/remove"),
            "/admin".into(), "/admin/audit".into(), format!("/admin/users/{}", root.id),
            format!("/admin/users/{}/suspend", root.id), "/lost".into(), "/nothing".into(),
            "/setup/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA".into(), "/join/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA".into(),
            "/join".into(), "/oauth2/logout".into(), "/oauth2/authorize".into(),
            "/oauth2/authorize/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA".into(),
        ];
        assert_pages_fit_every_screen(&visitor, server, &paths.map(picture_and_path));
    }

    fn every_page_of_the_authorization_flow_fits_the_screen(server) {
        let visitor = Visitor::new(&Chromium::launch());
        visitor.set_up(server);
        visitor.page.evaluate(
            "fetch('/v1/me', {method: 'PATCH', headers: {'content-type': 'application/json'}, body: JSON.stringify(
                {display_name: 'Maximiliane-Friederike von und zu Hohenlohe-Waldenburg-Schillingsfürst'})}).then(() => true)",
        );
        let app = app_with_long_texts(server);
        let with = |more: &[(&str, &str)]| app.path(&[&ASKED[..], more].concat());
        // Pending requests, whose pages can be opened repeatedly.
        let waiting = |more: &[(&str, &str)]| {
            visitor.page.goto(&format!("{}{}", server.origin(), with(more)));
            let path = visitor.page.evaluate("location.pathname + location.search");
            path.as_str().expect("a path").to_owned()
        };
        let mut pages = vec![
            ("consent".to_owned(), waiting(&[])),
            ("choose-account".into(), waiting(&[("prompt", "select_account")])),
            ("prove-again".into(), waiting(&[("prompt", "login")])),
        ];
        visitor.page.goto(&format!("{}{}", server.origin(), pages[1].1));
        visitor.page.click("button[value=switch]");
        visitor.wait_for_path("/login");
        visitor.page.set_presence_simulation(&visitor.authenticator, false);
        let login = visitor.page.evaluate("location.search").as_str().expect("a query").to_owned();
        let id = login.split(['=', '&']).nth(1).expect("an id");
        pages.push(("login-switch".into(), format!("/login{login}")));
        pages.push(("join-from-app".into(), format!("/join?continue={id}")));
        pages.push(("welcome-from-app".into(), format!("/welcome?continue={id}")));
        pages.push(("link-gone-from-app".into(), format!("/join/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA?continue={id}")));
        assert_pages_fit_every_screen(&visitor, server, &pages);
        // The account page with an app, and the sign-in page while signed out.
        visitor.page.evaluate(&format!(
            "fetch('{}', {{method: 'POST', body: new URLSearchParams({{answer: 'allow', rendered_for: document.body.dataset.user}}), redirect: 'manual'}}).then(() => true)",
            pages[0].1
        ));
        assert_pages_fit_every_screen(&visitor, server, &[("account-with-app".into(), "/account".into())]);
        visitor.page.call("Network.clearBrowserCookies", serde_json::json!({}));
        let login = waiting(&[("login_hint", "maximiliane-friederike.von.und.zu.hohenlohe@organisation.example")]);
        assert_pages_fit_every_screen(&visitor, server, &[("login-from-app".into(), login)]);
    }
}
