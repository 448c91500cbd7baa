//! Token requests whose client is changed while they wait for the user's lock.

use diesel::prelude::*;
use doorward::base::ids::{ClientId, UserId};
use doorward::clients::{AuthMethod, GrantType, Metadata};
use doorward::db::schema::clients;
use doorward::db::{self, Connection, Json};
use serde_json::{Value, json};

use super::{Work, id, raise, send_during};
use crate::on_both;
use crate::support::http::Answer;
use crate::support::relying_party::{RelyingParty, TokenSet, error_of};
use crate::support::test_server::TestServer;
use crate::support::test_user::TestUser;

const API: &str = "https://api.example/";

/// The stored properties of a client that determine its grants.
#[derive(Clone)]
pub(in crate::api) struct Stored {
    enabled: bool,
    secret: Option<Vec<u8>>,
    scopes: Vec<String>,
    pub(in crate::api) metadata: Metadata,
}

impl Stored {
    fn read(conn: &mut Connection, client: ClientId) -> db::Result<Self> {
        let (enabled, secret, scopes, metadata) = clients::table
            .find(client)
            .select((
                clients::enabled,
                clients::secret_hash,
                clients::scopes,
                clients::metadata,
            ))
            .first::<(bool, Option<Vec<u8>>, Json<Vec<String>>, Json<Metadata>)>(conn)?;
        Ok(Self {
            enabled,
            secret,
            scopes: scopes.0,
            metadata: metadata.0,
        })
    }

    fn write(self, conn: &mut Connection, client: ClientId) -> db::Result<()> {
        diesel::update(clients::table.find(client))
            .set((
                clients::enabled.eq(self.enabled),
                clients::secret_hash.eq(self.secret),
                clients::scopes.eq(Json(self.scopes)),
                clients::metadata.eq(Json(self.metadata)),
            ))
            .execute(conn)?;
        Ok(())
    }
}

pub(in crate::api) type Change = fn(&mut Stored);

/// Changes a client while holding its user's lock.
pub(in crate::api) fn change(user: UserId, client: ClientId, change: Change) -> Work {
    Box::new(move |conn| {
        raise(conn, user)?;
        let mut stored = Stored::read(conn, client)?;
        change(&mut stored);
        stored.write(conn, client)
    })
}

struct App {
    party: RelyingParty,
    client: ClientId,
    before: Stored,
}

impl App {
    fn register(server: &TestServer) -> Self {
        let party = server.relying_party(|metadata| {
            metadata.resources = vec![API.into()];
            metadata.claims_in_id_token = true;
        });
        let client = party.id.parse().expect("an id");
        let read = server
            .app
            .database
            .read(move |conn| Stored::read(conn, client));
        let before = server.run(read).expect("a client");
        Self {
            party,
            client,
            before,
        }
    }

    fn restore(&self, server: &TestServer) {
        let (client, before) = (self.client, self.before.clone());
        let write = server
            .app
            .database
            .write(move |conn| before.write(conn, client));
        server.run(write).expect("restored");
    }

    fn offline() -> [(&'static str, &'static str); 2] {
        [
            ("scope", "openid profile offline_access"),
            ("resource", API),
        ]
    }

    fn while_changed(
        &self,
        server: &TestServer,
        user: &TestUser,
        work: Change,
        send: impl FnOnce() -> Answer + Send,
    ) -> Answer {
        send_during(server, change(id(user), self.client, work), send)
    }
}

/// Returns changes after which the request is refused with an error, and nothing is used up.
fn refused_changes() -> Vec<(&'static str, &'static str, Change)> {
    vec![
        ("disabled", "invalid_client", |stored| {
            stored.enabled = false
        }),
        ("secret rotated", "invalid_client", |stored| {
            stored.secret = Some(vec![7; 32])
        }),
        ("method changed", "invalid_client", |stored| {
            stored.metadata.token_endpoint_auth_method = AuthMethod::ClientSecretPost;
        }),
        ("one method registered", "invalid_client", |stored| {
            stored.metadata.accepts_either_secret_method = false;
        }),
        ("grants removed", "unauthorized_client", |stored| {
            stored.metadata.grant_types = vec![GrantType::ClientCredentials];
        }),
    ]
}

fn assert_error(answer: &Answer, error: &str, what: &str) {
    assert!(
        matches!(answer.status, 400 | 401),
        "{what}: {}",
        answer.text()
    );
    assert_eq!(error_of(answer), error, "{what}");
}

on_both! {
    fn a_client_changed_during_redemption_gets_no_tokens_and_keeps_its_code(server) {
        let root = server.administrator();
        for (what, error, work) in refused_changes() {
            let app = App::register(server);
            let code = app.party.code(&root.browser, &App::offline());
            let refused = app.while_changed(server, &root, work, || app.party.redeem(&code));
            assert_error(&refused, error, what);
            app.restore(server);
            assert_eq!(app.party.redeem(&code).status, 200, "{what}: the code is still good");
        }
    }

    fn a_client_changed_during_refresh_gets_no_tokens_and_keeps_its_refresh_token(server) {
        let root = server.administrator();
        for (what, error, work) in refused_changes() {
            let app = App::register(server);
            let held = app.party.sign_in(&root.browser, &App::offline());
            let refused = app.while_changed(server, &root, work, || app.party.refresh(&held.refresh));
            assert_error(&refused, error, what);
            app.restore(server);
            assert_eq!(app.party.refresh(&held.refresh).status, 200, "{what}: the refresh token is still good");
        }
    }

    fn metadata_removed_during_the_request_is_not_granted(server) {
        let root = server.administrator();
        let cases: [(&str, &str, Change); 3] = [
            ("redirect URI", "invalid_grant", |stored| stored.metadata.redirect_uris.clear()),
            ("resource", "invalid_target", |stored| stored.metadata.resources.clear()),
            ("role", "invalid_grant", |stored| stored.metadata.allowed_roles = vec!["nobody".into()]),
        ];
        for (what, error, work) in cases {
            let app = App::register(server);
            let code = app.party.code(&root.browser, &App::offline());
            let refused = app.while_changed(server, &root, work, || app.party.redeem(&code));
            assert_error(&refused, error, what);
            app.restore(server);
            if what != "redirect URI" {
                let held = app.party.sign_in(&root.browser, &App::offline());
                let refused = app.while_changed(server, &root, work, || app.party.refresh(&held.refresh));
                assert_error(&refused, error, what);
            }
        }
    }

    fn a_scope_removed_during_the_request_is_in_no_token(server) {
        let root = server.administrator();
        let without_profile: Change = |stored| stored.scopes.retain(|scope| scope != "profile");
        let app = App::register(server);
        let code = app.party.code(&root.browser, &App::offline());
        let held = TokenSet::read(&app.while_changed(server, &root, without_profile, || app.party.redeem(&code)));
        assert_eq!(held.answer["scope"], json!("offline_access openid"));
        assert_eq!(held.id_claims["preferred_username"], Value::Null);
        app.restore(server);
        let held = TokenSet::read(&app.party.refresh(&held.refresh));
        assert_eq!(held.id_claims["preferred_username"], json!("root"));
        let held = TokenSet::read(&app.while_changed(server, &root, without_profile, || app.party.refresh(&held.refresh)));
        assert_eq!((&held.answer["scope"], &held.id_claims["preferred_username"]), (&json!("offline_access openid"), &Value::Null));
    }

    fn a_removed_resource_is_in_no_refreshed_token(server) {
        let root = server.administrator();
        let (first, second) = ("https://api.example/", "https://other.example/");
        let app = server.relying_party(|metadata| metadata.resources = vec![first.into(), second.into()]);
        let held = app.sign_in(&root.browser, &[("scope", "openid offline_access")]);
        let both = app.parameters(&[("scope", "openid offline_access"), ("resource", first)]);
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(both).append_pair("resource", second);
        let answer = root.browser.get(&format!("/oauth2/authorize?{}", query.finish()));
        let code = crate::support::relying_party::redirect_parameters(&answer)["code"].clone();
        let both = TokenSet::read(&app.redeem(&code));
        let aud = |token: &str| crate::support::relying_party::claims_of(token)["aud"].clone();
        assert_eq!(aud(&both.access), json!([first, second]));
        let path = format!("/v1/clients/{}", app.id);
        let patch = |resources: &[&str]| {
            let tag = root.browser.get(&path).header("etag").expect("a tag").to_owned();
            let body = json!({ "resources": resources });
            root.browser.request("PATCH", &path).header("If-Match", &tag).json(&body).send()
        };
        assert_eq!(patch(&[second]).status, 200);
        let both = TokenSet::read(&app.refresh(&both.refresh));
        assert_eq!(aud(&both.access), json!([second]));
        // Resources added later are not part of existing authorizations.
        assert_eq!(patch(&[second, "https://new.example/"]).status, 200);
        for resource in ["https://new.example/", second] {
            let fields = [("grant_type", "refresh_token"), ("refresh_token", held.refresh.as_str()), ("resource", resource)];
            assert_error(&app.token(&fields), "invalid_target", resource);
        }
        let held = TokenSet::read(&app.refresh(&held.refresh));
        assert_eq!(aud(&held.access), json!([server.origin()]));
        assert_eq!(patch(&[]).status, 200);
        assert_error(&app.refresh(&both.refresh), "invalid_target", "nothing is left");
    }
}
