//! Decisions for services: AuthZEN Authorization API 1.0, and the policies behind it.

mod certification;
mod interop;
mod malformed_requests;
mod policies;
mod schema;
mod searches;
mod stores;
mod subjects;

use std::path::{Path, PathBuf};

use diesel::prelude::*;
use doorward::account_state;
use doorward::base::config::Config;
use doorward::base::ids::{RoleAssignmentId, UserId};
use doorward::db::schema::{resources, role_assignments, roles, user_roles};
use doorward::db::{self, Json};
use serde_json::{Map, Value, json};

use crate::support::http::{Answer, TestBrowser};
use crate::support::test_server::TestServer;
use crate::support::test_user::TestUser;

/// Runs a test with the policies of a folder and both kinds of stores; users are identified by username.
macro_rules! on_both_with_policies {
    ($policies:expr; $(fn $name:ident($server:ident) $body:block)+) => {
        $(mod $name {
            #[allow(unused_imports)]
            use super::*;

            fn behaviour($server: &mut crate::support::test_server::TestServer) $body

            #[test]
            fn embedded() {
                let folder = $policies;
                let change = |config: &mut _| crate::api::authzen::configure(config, &folder);
                behaviour(&mut crate::support::test_server::TestServer::embedded_with(change));
            }

            #[test]
            fn clustered() {
                let folder = $policies;
                let change = |config: &mut _| crate::api::authzen::configure(config, &folder);
                behaviour(&mut crate::support::test_server::TestServer::clustered_with(change));
            }
        })+
    };
}
use on_both_with_policies;

/// A folder of policies, with a schema if it contains one.
pub struct PolicyFolder {
    path: PathBuf,
    _temporary: Option<tempfile::TempDir>,
}

impl PolicyFolder {
    /// A folder of `examples/policies`.
    fn example(name: &str) -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/policies");
        Self {
            path: path.join(name),
            _temporary: None,
        }
    }

    /// A folder with a single policy file.
    fn of(text: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("policies.cedar"), text).expect("a file");
        Self {
            path: folder.path().to_owned(),
            _temporary: Some(folder),
        }
    }

    fn write(&self, name: &str, text: &str) {
        // Replaces the file atomically, as recommended for files in use.
        let beside = self.path.join(".new");
        std::fs::write(&beside, text).expect("a file");
        std::fs::rename(beside, self.path.join(name)).expect("in its place");
    }
}

/// Configures the policies of an installation.
pub fn configure(config: &mut Config, folder: &PolicyFolder) {
    let found = std::fs::read_dir(&folder.path).expect("a folder");
    config.access.schema = found
        .map(|entry| entry.expect("an entry").path())
        .find(|path| path.extension().is_some_and(|kind| kind == "cedarschema"));
    config.access.policies = Some(folder.path.clone());
    config.access.subject_id = doorward::base::config::SubjectId::Username;
}

/// A client that may request decisions.
pub struct DecisionClient {
    browser: TestBrowser,
    id: String,
    secret: String,
}

impl DecisionClient {
    fn of(server: &TestServer) -> Self {
        let (id, secret) = server.client(&["access:evaluate", "access:search"]);
        Self {
            browser: server.browser(),
            id,
            secret,
        }
    }

    fn at_port(&self, port: u16) -> Self {
        Self {
            browser: self.browser.at_port(port),
            id: self.id.clone(),
            secret: self.secret.clone(),
        }
    }

    fn post(&self, path: &str, body: &Value) -> Answer {
        let request = self.browser.request("POST", path).without_same_origin();
        request.basic(&self.id, &self.secret).json(body).send()
    }

    fn post_text(&self, path: &str, body: &str, content_type: &str) -> Answer {
        let request = self.browser.request("POST", path).without_same_origin();
        let request = request.basic(&self.id, &self.secret);
        request.body(body.as_bytes(), content_type).send()
    }

    /// Requests a decision, which must succeed.
    fn decision(&self, request: &Value) -> bool {
        let answer = self.post("/access/v1/evaluation", request);
        assert_eq!(answer.status, 200, "{request}: {}", answer.text());
        assert_eq!(answer.header("content-type"), Some("application/json"));
        answer.json()["decision"].as_bool().expect("a decision")
    }

    /// Returns the results of one search page, sorted as text.
    fn search(&self, kind: &str, request: &Value) -> Vec<String> {
        let answer = self.post(&format!("/access/v1/search/{kind}"), request);
        assert_eq!(answer.status, 200, "{request}: {}", answer.text());
        let answer = answer.json();
        let results = answer["results"].as_array().expect("results");
        let named = |result: &Value| {
            let name = result.get("id").or_else(|| result.get("name"));
            name.and_then(Value::as_str).expect("a name").to_owned()
        };
        let mut names: Vec<String> = results.iter().map(named).collect();
        names.sort();
        names
    }
}

/// Returns an evaluation request. `subject` may be a username, or type and ID separated by a colon.
fn asked(subject: &str, action: &str, resource: &str) -> Value {
    let (subject_type, subject_id) = subject.split_once(':').unwrap_or(("user", subject));
    let (resource_type, resource_id) = resource.split_once(':').expect("type and id");
    json!({
        "subject": { "type": subject_type, "id": subject_id },
        "action": { "name": action },
        "resource": { "type": resource_type, "id": resource_id },
    })
}

fn write<T: Send + 'static>(
    server: &TestServer,
    work: impl FnOnce(&mut db::Connection, doorward::base::clock::Timestamp) -> db::Result<T>
    + Send
    + 'static,
) -> T {
    let database = server.app.database.clone();
    let written = server.run(server.app.database.write(move |conn| {
        let now = database.now(conn)?;
        work(conn, now)
    }));
    written.expect("written")
}

fn user_id(person: &TestUser) -> UserId {
    UserId::parse(&person.id).expect("an id")
}

fn publish(server: &TestServer, user: UserId) {
    let published = server.run(server.app.account_states.publish(user));
    published.expect("in force");
}

/// Adds global roles to a user.
fn assign_global_roles(server: &TestServer, person: &TestUser, names: &[&str]) {
    let user = user_id(person);
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    write(server, move |conn, now| {
        account_state::bump_version(conn, user, now)?;
        for name in names {
            let known = roles::table.find(&name).select(roles::name);
            if known.first::<String>(conn).optional()?.is_none() {
                diesel::insert_into(roles::table)
                    .values((
                        roles::name.eq(&name),
                        roles::description.eq(""),
                        roles::version.eq(1_i64),
                        roles::as_of.eq(now),
                        roles::manages_roles.eq(Json(Vec::<String>::new())),
                        roles::manages_assignments_on.eq(Json(Vec::<String>::new())),
                    ))
                    .execute(conn)?;
            }
            diesel::insert_into(user_roles::table)
                .values((user_roles::user_id.eq(user), user_roles::role.eq(name)))
                .execute(conn)?;
        }
        Ok(())
    });
    publish(server, user);
}

/// Assigns roles on a resource, with an optional end.
fn assign_roles(server: &TestServer, person: &TestUser, resource: &str, names: &[&str]) {
    let user = user_id(person);
    let (kind, id) = resource.split_once(':').expect("type and id");
    let (kind, id) = (kind.to_owned(), id.to_owned());
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    write(server, move |conn, now| {
        account_state::bump_version(conn, user, now)?;
        diesel::insert_into(role_assignments::table)
            .values((
                role_assignments::id.eq(RoleAssignmentId::random()),
                role_assignments::user_id.eq(user),
                role_assignments::resource_type.eq(kind),
                role_assignments::resource_id.eq(id),
                role_assignments::roles.eq(Json(names)),
                role_assignments::created_at.eq(now),
                role_assignments::version.eq(1_i64),
                role_assignments::as_of.eq(now),
            ))
            .execute(conn)?;
        Ok(())
    });
    publish(server, user);
}

fn register(server: &TestServer, resource: &str, attributes: &Value) {
    let (kind, id) = resource.split_once(':').expect("type and id");
    let (kind, id) = (kind.to_owned(), id.to_owned());
    let attributes: Map<String, Value> = attributes.as_object().expect("an object").clone();
    write(server, move |conn, now| {
        diesel::insert_into(resources::table)
            .values((
                resources::resource_type.eq(kind),
                resources::resource_id.eq(id),
                resources::attributes.eq(Json(attributes)),
                resources::created_at.eq(now),
                resources::changed_at.eq(now),
                resources::version.eq(1_i64),
                resources::as_of.eq(now),
            ))
            .execute(conn)?;
        Ok(())
    });
}
