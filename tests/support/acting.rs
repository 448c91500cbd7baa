//! Creates callers for operations that tests run without HTTP.

use doorward::clients::{ActingAs, Credential, Permission};
use doorward::history::{Actor, Author};

use super::house::House;
use super::person::Person;

impl House {
    /// The user, acting through the session of their browser.
    pub fn acting(&self, person: &Person, permission: Permission) -> ActingAs {
        let user = person.id.parse().expect("an id");
        self.by_session(person, Actor::Person(user), permission)
    }

    /// A client, acting with an access token of the user.
    pub fn acting_through(&self, person: &Person, client: &str) -> ActingAs {
        let user = person.id.parse().expect("an id");
        let actor = Actor::Through(user, client.parse().expect("an id"));
        self.by_session(person, actor, Permission::OwnAccount)
    }

    fn by_session(&self, person: &Person, actor: Actor, permission: Permission) -> ActingAs {
        let session = person.browser.get("/v1/session").json();
        let session = session["session"]["id"].as_str().expect("a session");
        let user = person.id.parse().expect("an id");
        let account = self.run(self.app.standings.of(user)).expect("an answer");
        let credential = Credential::Session {
            session: session.parse().expect("an id"),
            epoch: account.expect("an account").session_epoch,
            passkeys: vec![person.passkey.parse().expect("an id")],
            is_open: doorward::sessions::is_open,
        };
        let author = Author {
            actor,
            ..Author::command()
        };
        ActingAs::new(author, credential, permission)
    }
}
