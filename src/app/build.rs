//! Builds the state of the modules from the configuration and the dependencies they share.

use crate::access::{self, Access, Policies};
use crate::base::config::Config;
use crate::base::seal::Sealer;
use crate::base::secrets::MasterKey;
use crate::sessions::{Sessions, ShownPages};
use crate::tokens::{AccessTokenSealers, Codes, Judges, RefreshTokens, Tokens};
use crate::users::Users;

pub(super) fn build_sessions(config: &Config, judges: &Judges) -> Sessions {
    Sessions::new(
        judges.database.clone(),
        judges.ephemeral.clone(),
        judges.standings.clone(),
        judges.clock.clone(),
        &config.sessions,
    )
}

pub(super) fn build_shown_pages(
    judges: &Judges,
    master_key: &MasterKey,
    previous: Option<&MasterKey>,
) -> ShownPages {
    ShownPages::new(
        judges.ephemeral.clone(),
        Sealer::new(master_key, previous, "shown-pages"),
        judges.clock.clone(),
    )
}

pub(super) fn build_users(config: &Config, judges: &Judges, sessions: &Sessions) -> Users {
    Users::new(
        judges.database.clone(),
        judges.standings.clone(),
        sessions.clone(),
        judges.clock.clone(),
        config.server.public_url.clone(),
        config.users,
        access::holds_any,
    )
}

pub(super) fn build_access(config: &Config, judges: &Judges) -> Access {
    Access::new(
        judges.database.clone(),
        judges.ephemeral.clone(),
        judges.standings.clone(),
        judges.clock.clone(),
        Policies::new(&config.access),
        judges.keyring.installation(),
    )
}

pub(super) fn build_tokens(
    config: &Config,
    judges: &Judges,
    master_key: &MasterKey,
    previous: Option<&MasterKey>,
) -> Tokens {
    Tokens::new(
        judges.clone(),
        RefreshTokens::new(master_key, previous),
        Codes::new(master_key),
        AccessTokenSealers::new(master_key, previous),
        config,
    )
}
