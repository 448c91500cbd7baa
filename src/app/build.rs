//! Builds the state of the modules from the configuration and the dependencies they share.

use crate::access::{self, Access, Policies};
use crate::base::config::Config;
use crate::base::seal::Sealer;
use crate::base::secrets::MasterKey;
use crate::sessions::{Sessions, StoredResponses};
use crate::tokens::{self, AccessTokenSealers, CodeDeriver, RefreshTokens, Tokens};
use crate::users::Users;

pub(super) fn build_sessions(config: &Config, dependencies: &tokens::Dependencies) -> Sessions {
    Sessions::new(
        dependencies.database.clone(),
        dependencies.ephemeral.clone(),
        dependencies.account_states.clone(),
        dependencies.clock.clone(),
        &config.sessions,
    )
}

pub(super) fn build_stored_responses(
    dependencies: &tokens::Dependencies,
    master_key: &MasterKey,
    previous: Option<&MasterKey>,
) -> StoredResponses {
    StoredResponses::new(
        dependencies.ephemeral.clone(),
        Sealer::new(master_key, previous, "shown-pages"),
        dependencies.clock.clone(),
    )
}

pub(super) fn build_users(
    config: &Config,
    dependencies: &tokens::Dependencies,
    sessions: &Sessions,
) -> Users {
    Users::new(
        dependencies.database.clone(),
        dependencies.account_states.clone(),
        sessions.clone(),
        dependencies.clock.clone(),
        config.server.public_url.clone(),
        config.users,
        access::has_any_assignment,
    )
}

pub(super) fn build_access(config: &Config, dependencies: &tokens::Dependencies) -> Access {
    Access::new(
        dependencies.database.clone(),
        dependencies.ephemeral.clone(),
        dependencies.account_states.clone(),
        dependencies.clock.clone(),
        Policies::new(&config.access),
        dependencies.keyring.installation(),
    )
}

pub(super) fn build_tokens(
    config: &Config,
    dependencies: &tokens::Dependencies,
    master_key: &MasterKey,
    previous: Option<&MasterKey>,
) -> Tokens {
    Tokens::new(
        dependencies.clone(),
        RefreshTokens::new(master_key, previous),
        CodeDeriver::new(master_key),
        AccessTokenSealers::new(master_key, previous),
        config,
    )
}
