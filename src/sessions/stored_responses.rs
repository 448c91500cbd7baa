//! Stores the responses to forms, encrypted for their readers.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use crate::base::clock::{Clock, Timestamp};
use crate::base::ids::{SessionId, UserId};
use crate::base::seal::Sealer;
use crate::base::secrets::{Token, TokenHash};
use crate::ephemeral::{Ephemeral, StoreUnavailable};
use crate::web::FormActionPolicy;

/// Stored responses to forms. Cheap to clone.
#[derive(Clone, Debug)]
pub struct StoredResponses {
    pub(super) ephemeral: Ephemeral,
    pub(super) sealer: Sealer,
    pub(super) clock: Clock,
}

/// Stored response.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct StoredResponse {
    pub(super) status: u16,
    pub(super) body: String,
    /// Allowed targets of the forms on the page, besides this origin.
    pub(super) targets: Option<FormActionPolicy>,
    /// Path of the request that the page responds to.
    pub(super) path: String,
    /// When the page expires.
    pub(super) until: Timestamp,
}

/// Who may read a stored response.
#[derive(Clone, Copy, Debug)]
pub(super) enum Reader {
    /// A session.
    Session(SessionId),
    /// A user in one browser.
    User(UserId, TokenHash),
    /// A browser, whether a user is signed in or not.
    Browser(TokenHash),
}

impl Reader {
    /// First character of the stored value; says which kind of reader it has.
    fn letter(self) -> &'static str {
        match self {
            Self::Session(_) => "s",
            Self::User(..) => "u",
            Self::Browser(_) => "b",
        }
    }

    /// Additional authenticated data of the encryption: binds a page to its ID and its reader.
    fn context(self, id: &Token) -> String {
        let id = id.hash().to_text();
        match self {
            Self::Session(session) => format!("s:{id}:{session}"),
            Self::User(user, browser) => format!("u:{id}:{user}:{}", browser.to_text()),
            Self::Browser(browser) => format!("b:{id}:{}", browser.to_text()),
        }
    }
}

fn key(id: &Token) -> String {
    format!("response:{}", id.hash().to_text())
}

impl StoredResponses {
    /// Creates the service. Pages are stored in `ephemeral`, encrypted with `sealer`.
    pub fn new(ephemeral: Ephemeral, sealer: Sealer, clock: Clock) -> Self {
        Self {
            ephemeral,
            sealer,
            clock,
        }
    }

    pub(super) async fn put(
        &self,
        page: &StoredResponse,
        reader: Reader,
        ttl: Duration,
    ) -> Result<Token, StoreUnavailable> {
        let id = Token::generate();
        let text = serde_json::to_vec(page)
            .map_err(|error| StoreUnavailable(format!("a page can't be serialized: {error}")))?;
        let sealed = self.sealer.seal(&text, reader.context(&id).as_bytes());
        let stored = format!("{}{}", reader.letter(), URL_SAFE_NO_PAD.encode(sealed));
        self.ephemeral.put(&key(&id), &stored, ttl).await?;
        Ok(id)
    }

    /// Returns the page with this ID, unless it has expired or none of `readers` may read it.
    pub(super) async fn find(
        &self,
        id: &str,
        readers: &[Reader],
    ) -> Result<Option<StoredResponse>, StoreUnavailable> {
        let Some(id) = Token::parse(id) else {
            return Ok(None);
        };
        let stored = self.ephemeral.get(&[&key(&id)]).await?;
        let Some(stored) = stored.into_iter().next().flatten() else {
            return Ok(None);
        };
        let page = readers.iter().find_map(|reader| {
            let sealed = stored.strip_prefix(reader.letter())?;
            let sealed = URL_SAFE_NO_PAD.decode(sealed).ok()?;
            let context = reader.context(&id);
            let text = self.sealer.open(&sealed, context.as_bytes()).ok()?;
            serde_json::from_slice::<StoredResponse>(&text).ok()
        });
        let now = self.clock.now();
        Ok(page.filter(|page| now < page.until))
    }
}
