//! Creates callers for operations that tests run without HTTP.

use doorward::clients::{ActingAs, Credential, Permission};
use doorward::history::{Actor, Author};

use super::test_server::TestServer;
use super::test_user::TestUser;

impl TestServer {
    /// The user, acting through the session of their browser.
    pub fn acting(&self, person: &TestUser, permission: Permission) -> ActingAs {
        let user = person.id.parse().expect("an id");
        self.by_session(person, Actor::User(user), permission)
    }

    /// A client, acting with an access token of the user.
    pub fn acting_through(&self, person: &TestUser, client: &str) -> ActingAs {
        let user = person.id.parse().expect("an id");
        let actor = Actor::UserThroughClient(user, client.parse().expect("an id"));
        self.by_session(person, actor, Permission::OwnAccount)
    }

    fn by_session(&self, person: &TestUser, actor: Actor, permission: Permission) -> ActingAs {
        let session = person.browser.get("/v1/session").json();
        let session = session["session"]["id"].as_str().expect("a session");
        let user = person.id.parse().expect("an id");
        let account = self
            .run(self.app.account_states.find(user))
            .expect("a result");
        let credential = Credential::Session {
            session: session.parse().expect("an id"),
            epoch: account.expect("an account").session_epoch,
            passkeys: vec![person.passkey.parse().expect("an id")],
            is_open: doorward::testing::is_open,
        };
        let author = Author {
            actor,
            ..Author::command()
        };
        ActingAs::new(author, credential, permission)
    }
}
