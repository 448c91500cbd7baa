//! Builds the state of the modules from the configuration and the dependencies they share.

use std::sync::Arc;

use crate::account_state::VersionedCache;
use crate::assignments::{self, Assignments};
use crate::authzen::AuthZen;
use crate::base::config::Config;
use crate::base::seal::Sealer;
use crate::base::secrets::MasterKey;
use crate::forward_auth::ForwardAuth;
use crate::forward_auth::routes::RouteTable;
use crate::policies::{DecisionEngine, Policies};
use crate::sessions::{Sessions, StoredResponses};
use crate::tokens::Tokens;
use crate::users::Users;

pub(super) fn build_stored_responses(
    tokens: &Tokens,
    master_key: &MasterKey,
    previous: Option<&MasterKey>,
) -> StoredResponses {
    StoredResponses {
        ephemeral: tokens.ephemeral.clone(),
        sealer: Sealer::new(master_key, previous, "shown-pages"),
        clock: tokens.clock.clone(),
    }
}

pub(super) fn build_users(config: &Config, tokens: &Tokens, sessions: &Sessions) -> Users {
    Users {
        database: tokens.database.clone(),
        account_states: tokens.account_states.clone(),
        sessions: sessions.clone(),
        clock: tokens.clock.clone(),
        public_url: config.server.public_url.clone(),
        config: config.users,
        has_resource_roles: assignments::has_any_assignment,
    }
}

pub(super) fn build_assignments(tokens: &Tokens, policies: &Policies) -> Assignments {
    Assignments {
        database: tokens.database.clone(),
        resources: VersionedCache::new(tokens.ephemeral.clone()),
        ephemeral: tokens.ephemeral.clone(),
        account_states: tokens.account_states.clone(),
        clock: tokens.clock.clone(),
        attribute_rules: Arc::new(policies.clone()),
        installation: tokens.keyring.installation().into(),
    }
}

pub(super) fn build_forward_auth(
    config: &Config,
    tokens: &Tokens,
    engine: &DecisionEngine,
    sessions: &Sessions,
    routes: RouteTable,
) -> ForwardAuth {
    ForwardAuth {
        engine: engine.clone(),
        sessions: sessions.clone(),
        keyring: tokens.keyring.clone(),
        ephemeral: tokens.ephemeral.clone(),
        clock: tokens.clock.clone(),
        routes: Arc::new(routes),
        public_url: config.server.public_url.clone(),
    }
}

pub(super) fn build_authzen(
    config: &Config,
    tokens: &Tokens,
    engine: DecisionEngine,
    sessions: &Sessions,
    users: &Users,
) -> AuthZen {
    AuthZen {
        engine,
        account_states: tokens.account_states.clone(),
        users: users.clone(),
        clients: tokens.clients.clone(),
        sessions: sessions.clone(),
        database: tokens.database.clone(),
        ephemeral: tokens.ephemeral.clone(),
        subject_id: config.access.subject_id,
    }
}
