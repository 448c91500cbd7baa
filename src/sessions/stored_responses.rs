//! Stores the responses to forms, and forms to be restored, encrypted for their readers.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::base::clock::{Clock, Timestamp};
use crate::base::ids::{SessionId, UserId};
use crate::base::seal::Sealer;
use crate::base::secrets::{Token, TokenHash};
use crate::ephemeral::{Ephemeral, StoreUnavailable, to_json};
use crate::web::FormActionPolicy;

/// Stored responses and forms. Cheap to clone.
#[derive(Clone, Debug)]
pub struct StoredResponses {
    pub(crate) ephemeral: Ephemeral,
    pub(crate) sealer: Sealer,
    pub(crate) clock: Clock,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct StoredResponse {
    pub(super) status: u16,
    pub(super) body: String,
    /// Allowed targets of the forms on the page, besides this origin.
    pub(super) targets: Option<FormActionPolicy>,
    /// Path of the request that the page responds to.
    pub(super) path: String,
}

/// Who may read a stored response or form.
#[derive(Clone, Copy, Debug)]
pub(super) enum Reader {
    Session(SessionId),
    /// A user in one browser.
    User(UserId, TokenHash),
    /// A browser, whether a user is signed in or not.
    Browser(TokenHash),
    /// The user who filled in a form, in the same browser.
    Form(UserId, TokenHash),
}

impl Reader {
    /// First character of the stored value; says which kind of reader it has.
    fn letter(self) -> &'static str {
        match self {
            Self::Session(_) => "s",
            Self::User(..) => "u",
            Self::Browser(_) => "b",
            Self::Form(..) => "f",
        }
    }

    /// Additional authenticated data of the encryption: binds a page to its ID and its reader.
    fn context(self, id: &Token) -> String {
        let id = id.hash().to_text();
        match self {
            Self::Session(session) => format!("s:{id}:{session}"),
            Self::User(user, browser) => format!("u:{id}:{user}:{}", browser.to_text()),
            Self::Browser(browser) => format!("b:{id}:{}", browser.to_text()),
            Self::Form(user, browser) => format!("form:{id}:{user}:{}", browser.to_text()),
        }
    }
}

impl StoredResponses {
    /// Stores a value encrypted for a reader, and returns its ID. `kind` begins its store key.
    pub(super) async fn put(
        &self,
        kind: &str,
        value: &impl Serialize,
        reader: Reader,
        ttl: Duration,
    ) -> Result<Token, StoreUnavailable> {
        let id = Token::generate();
        let until = self.clock.now().after(ttl);
        let text = to_json(&(until, value))?;
        let sealed = self
            .sealer
            .seal(text.as_bytes(), reader.context(&id).as_bytes());
        let stored = format!("{}{}", reader.letter(), URL_SAFE_NO_PAD.encode(sealed));
        let key = format!("{kind}:{}", id.hash().to_text());
        self.ephemeral.put(&key, &stored, ttl).await?;
        Ok(id)
    }

    /// Returns the value of this kind with this ID, unless it has expired or none of `readers` may read it.
    pub(super) async fn find<T: DeserializeOwned>(
        &self,
        kind: &str,
        id: &str,
        readers: &[Reader],
    ) -> Result<Option<T>, StoreUnavailable> {
        let Some(id) = Token::parse(id) else {
            return Ok(None);
        };
        let key = format!("{kind}:{}", id.hash().to_text());
        let Some(stored) = self.ephemeral.get_one(&key).await? else {
            return Ok(None);
        };
        let found: Option<(Timestamp, T)> = readers.iter().find_map(|reader| {
            let sealed = stored.strip_prefix(reader.letter())?;
            let sealed = URL_SAFE_NO_PAD.decode(sealed).ok()?;
            let context = reader.context(&id);
            let text = self.sealer.open(&sealed, context.as_bytes()).ok()?;
            serde_json::from_slice(&text).ok()
        });
        let now = self.clock.now();
        Ok(found.and_then(|(until, value)| (now < until).then_some(value)))
    }
}
