//! Builds the state of the modules from the configuration and the dependencies they share.

use std::sync::Arc;

use super::StartError;
use crate::assignments::{self, Assignments};
use crate::authzen::AuthZen;
use crate::base::config::Config;
use crate::base::seal::Sealer;
use crate::base::secrets::MasterKey;
use crate::forward_auth::routes::RouteTable;
use crate::forward_auth::{self, ForwardAuth};
use crate::oidc::{self, Oidc};
use crate::passkeys::Passkeys;
use crate::policies::{DecisionEngine, Policies};
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
        assignments::has_any_assignment,
    )
}

pub(super) fn build_assignments(
    dependencies: &tokens::Dependencies,
    policies: &Policies,
) -> Assignments {
    Assignments::new(
        dependencies.database.clone(),
        dependencies.ephemeral.clone(),
        dependencies.account_states.clone(),
        dependencies.clock.clone(),
        Arc::new(policies.clone()),
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

pub(super) fn build_passkeys(
    config: &Config,
    dependencies: &tokens::Dependencies,
    sessions: &Sessions,
) -> Result<Passkeys, StartError> {
    Passkeys::new(
        config,
        dependencies.database.clone(),
        dependencies.ephemeral.clone(),
        dependencies.account_states.clone(),
        sessions.clone(),
        dependencies.clock.clone(),
    )
    .map_err(StartError::Passkeys)
}

pub(super) fn build_oidc(
    config: &Config,
    dependencies: &tokens::Dependencies,
    tokens: &Tokens,
    passkeys: &Passkeys,
) -> Oidc {
    let dependencies = oidc::Dependencies {
        database: dependencies.database.clone(),
        ephemeral: dependencies.ephemeral.clone(),
        account_states: dependencies.account_states.clone(),
        clients: dependencies.clients.clone(),
        tokens: tokens.clone(),
        passkeys: passkeys.clone(),
        clock: dependencies.clock.clone(),
    };
    Oidc::new(dependencies, config.sessions.idle_timeout)
}

pub(super) fn build_forward_auth(
    config: &Config,
    dependencies: &tokens::Dependencies,
    engine: &DecisionEngine,
    sessions: &Sessions,
    routes: RouteTable,
) -> ForwardAuth {
    let dependencies = forward_auth::Dependencies {
        engine: engine.clone(),
        sessions: sessions.clone(),
        keyring: dependencies.keyring.clone(),
        ephemeral: dependencies.ephemeral.clone(),
        clock: dependencies.clock.clone(),
    };
    ForwardAuth::new(dependencies, routes, config.server.public_url.clone())
}

pub(super) fn build_authzen(
    config: &Config,
    dependencies: &tokens::Dependencies,
    engine: DecisionEngine,
    sessions: &Sessions,
    users: &Users,
) -> AuthZen {
    AuthZen {
        engine,
        account_states: dependencies.account_states.clone(),
        users: users.clone(),
        clients: dependencies.clients.clone(),
        sessions: sessions.clone(),
        database: dependencies.database.clone(),
        ephemeral: dependencies.ephemeral.clone(),
        subject_id: config.access.subject_id,
    }
}
