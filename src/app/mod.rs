//! Application state: builds every module's state from the configuration. This is the only place where modules
//! are wired together.

mod build;
mod stores;

use std::sync::Arc;

use actix_web::cookie::Key;

use crate::account_state::{AccountStates, Unavailable};
use crate::assignments::Assignments;
use crate::authzen::AuthZen;
use crate::base::clock::Clock;
use crate::base::config::{Config, ConfigError};
use crate::base::fault_injection::FaultInjector;
use crate::base::seal::Sealer;
use crate::base::secrets::{MasterKey, MasterKeyError};
use crate::clients::{Clients, ProviderInfo};
use crate::db::{self, Database, MigrateError};
use crate::egress::{Egress, EgressError};
use crate::ephemeral::{Ephemeral, StoreCheckError, StoreUnavailable};
use crate::forward_auth::routes::RouteTable;
use crate::forward_auth::{ForwardAuth, ForwardAuthCookies};
use crate::history::AuditChain;
use crate::oidc::Oidc;
use crate::outbox::Outbox;
use crate::passkeys::Passkeys;
use crate::policies::{DecisionEngine, Policies};
use crate::sessions::{Cookies, Sessions, StoredResponses};
use crate::tokens::keys::KeyError;
use crate::tokens::{AccessTokenSealers, CodeDeriver, Keyring, RefreshTokens, Tokens};
use crate::users::{self, InstallationError, Users, check_installation};
use crate::web::{RateLimits, RefusalRecorder, Web};
use build::{
    build_assignments, build_authzen, build_forward_auth, build_stored_responses, build_users,
};
pub use stores::find_missing_database;
use stores::{master_key, open_database, open_ephemeral, prepare_folder};

/// State of the whole application, shared by all request handlers. Cheap to clone.
#[derive(Clone, Debug)]
pub struct App {
    /// The configuration that the application was built from.
    pub config: Config,
    /// Source of the current time.
    pub clock: Clock,
    /// Database: SQLite or PostgreSQL.
    pub database: Database,
    /// Ephemeral store: SQLite or Redis.
    pub ephemeral: Ephemeral,
    /// HTTP client for all outgoing requests.
    pub egress: Egress,
    /// Outbox: delivers work after the transaction that created it has committed.
    pub outbox: Outbox,
    /// Account states, which every request and token is checked against.
    pub account_states: AccountStates,
    /// Clients: apps and services.
    pub clients: Clients,
    /// Keys that sign tokens.
    pub keyring: Keyring,
    /// Seal of the audit log, which makes changes detectable.
    pub audit_chain: AuditChain,
    /// Sessions of users.
    pub sessions: Sessions,
    /// Pages shown in response to forms, stored so that a repeated submission shows the same page.
    pub stored_responses: StoredResponses,
    /// Users.
    pub users: Users,
    /// Passkey ceremonies: registration and authentication.
    pub passkeys: Passkeys,
    /// Role assignments on resources, and the resource registry.
    pub assignments: Assignments,
    /// The policies of this process.
    pub policies: Policies,
    /// Forward-auth decisions for reverse proxies.
    pub forward_auth: ForwardAuth,
    /// Decision API (AuthZEN).
    pub authzen: AuthZen,
    /// Tokens issued to clients.
    pub tokens: Tokens,
    /// OpenID Connect and OAuth 2 endpoints.
    pub oidc: Oidc,
    /// Rate limits.
    pub limits: RateLimits,
    /// Refused requests of authenticated callers, recorded in the audit log.
    pub refusals: RefusalRecorder,
    /// Settings shared by all HTTP responses.
    pub web: Web,
    /// Cookies on Doorward's own host.
    pub cookies: Cookies,
    /// Forward-auth cookies on protected hosts.
    pub forward_auth_cookies: ForwardAuthCookies,
    keys: Keys,
}

#[derive(Clone)]
struct Keys {
    cookie: Key,
    previous_cookie: Option<Key>,
}

crate::base::secrets::redacted!(Keys);

/// What to do when the RP ID in the configuration differs from the one in the database, which makes all
/// existing passkeys unusable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RpIdChange {
    /// Refuse to start.
    Refuse,
    /// Accept the new RP ID and start.
    Accept,
}

/// Why the application could not be built.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The configured routes are invalid.
    #[error(transparent)]
    Routes(#[from] ConfigError),
    /// The data folder can't be created.
    #[error("server.data_dir: {0}: {1}")]
    DataFolder(String, std::io::Error),
    /// The master key can't be read.
    #[error("secrets.master_key_file: {0}")]
    MasterKey(#[from] MasterKeyError),
    /// The master key is missing. In a cluster it must be provided, because instances that generated their own couldn't read
    /// each other's data.
    #[error(
        "secrets.master_key_file: with PostgreSQL and Redis the master key must be given: make one with \
         `doorward keys generate-master`, and give the same file to every instance"
    )]
    MasterKeyMissing,
    /// The database URL needs TLS that this build can't provide.
    #[error("database.url: {0}")]
    DatabaseUrl(&'static str),
    /// The schema can't be migrated to this version.
    #[error("database.url: {0}")]
    Migrate(#[from] MigrateError),
    /// The database belongs to another installation.
    #[error(transparent)]
    Installation(#[from] InstallationError),
    /// Redis is unavailable, or its settings could lose data.
    #[error("redis.url: {0}")]
    Redis(#[from] StoreCheckError),
    /// The embedded ephemeral store can't be opened.
    #[error("server.data_dir: {0}")]
    Embedded(#[from] StoreUnavailable),
    /// The HTTP client for outgoing requests can't be built.
    #[error(transparent)]
    Egress(#[from] EgressError),
    /// The account states can't be loaded.
    #[error(transparent)]
    AccountStates(#[from] Unavailable),
    /// The signing keys can't be read or created.
    #[error(transparent)]
    Keys(#[from] KeyError),
    /// The WebAuthn library rejects the RP ID or the origins.
    #[error("{0}")]
    Passkeys(String),
}

impl App {
    /// Opens the stores, migrates the schema, checks that the database belongs to this installation, and builds every module. Tests
    /// inject faults into both stores.
    pub async fn build(
        config: Config,
        clock: Clock,
        rp_id_change: RpIdChange,
        fault_injector: FaultInjector,
    ) -> Result<Self, StartError> {
        let data_dir = &config.server.data_dir;
        prepare_folder(&config)
            .map_err(|cause| StartError::DataFolder(data_dir.display().to_string(), cause))?;
        for exposed in config.exposed_secret_files() {
            tracing::warn!(key = exposed.key, "{}", exposed.reason);
        }
        let master_key = master_key(&config)?;
        let previous = match &config.secrets.previous_master_key_file {
            Some(path) => Some(MasterKey::read(path)?),
            None => None,
        };
        let database = open_database(&config, &clock)?.with_fault_injector(fault_injector.clone());
        let migrated = db::migrate(&database, data_dir).await?;
        if !migrated.is_empty() {
            tracing::info!(migrations = migrated.len(), "database schema migrated");
        }
        users::fold_names(&database)
            .await
            .map_err(MigrateError::from)?;
        check_installation(
            &database,
            &master_key,
            previous.as_ref(),
            &config.passkeys.rp_id,
            rp_id_change == RpIdChange::Accept,
        )
        .await?;
        let ephemeral = open_ephemeral(&config, &clock)
            .await?
            .with_fault_injector(fault_injector);
        let account_states = AccountStates::new(database.clone(), ephemeral.clone());
        account_states.watch().await?;
        let own = ProviderInfo::of(&config);
        let clients = Clients::new(
            database.clone(),
            ephemeral.clone(),
            clock.clone(),
            own,
            (
                Sealer::new(&master_key, previous.as_ref(), "client-secrets"),
                users::missing_role,
            ),
        );
        clients.watch().await?;
        let keyring = Keyring::begin(
            database.clone(),
            ephemeral.clone(),
            clock.clone(),
            Sealer::new(&master_key, previous.as_ref(), "signing-keys"),
            &config.tokens,
        )
        .await?;
        keyring.watch().await?;
        let clients = clients.for_installation(keyring.installation());
        let tokens = Tokens {
            database,
            ephemeral,
            account_states,
            clients,
            keyring,
            clock,
            refresh_tokens: RefreshTokens::new(&master_key, previous.as_ref()),
            code_deriver: CodeDeriver::new(&master_key),
            sealers: AccessTokenSealers::new(&master_key, previous.as_ref()),
            issuer: config.server.public_url.as_str().into(),
            lifetimes: Arc::new(config.tokens.clone()),
        };
        let app = Self::assemble(config, tokens, &master_key, previous.as_ref())?;
        app.assignments.watch().await?;
        Ok(app)
    }

    fn assemble(
        config: Config,
        tokens: Tokens,
        master_key: &MasterKey,
        previous: Option<&MasterKey>,
    ) -> Result<Self, StartError> {
        let keys = Keys {
            cookie: Cookies::signing_key(master_key),
            previous_cookie: previous.map(Cookies::signing_key),
        };
        let routes = RouteTable::parse(&config.access.routes, &config.server.public_url)?;
        let sessions = Sessions::new(&tokens, &config.sessions);
        let stored_responses = build_stored_responses(&tokens, master_key, previous);
        let policies = Policies::new(&config.access);
        let assignments = build_assignments(&tokens, &policies);
        let users = build_users(&config, &tokens, &sessions);
        let passkeys = Passkeys::new(&config, &tokens, &sessions).map_err(StartError::Passkeys)?;
        let idle_timeout = config.sessions.idle_timeout;
        let oidc = Oidc::new(tokens.clone(), passkeys.clone(), idle_timeout);
        let engine = DecisionEngine {
            policies: policies.clone(),
            assignments: assignments.clone(),
            clock: tokens.clock.clone(),
        };
        let forward_auth = build_forward_auth(&config, &tokens, &engine, &sessions, routes);
        let authzen = build_authzen(&config, &tokens, engine, &sessions, &users);
        let Tokens {
            database,
            ephemeral,
            account_states,
            clients,
            keyring,
            clock,
            ..
        } = tokens.clone();
        let limits = RateLimits {
            ephemeral: ephemeral.clone(),
            clock: clock.clone(),
            per_minute: config.limits.ceremonies_per_minute,
        };
        let refusals = RefusalRecorder::new(database.clone(), ephemeral.clone(), clock.clone());
        let egress = Egress::new(&config.egress)?;
        let web = Web::new(&config);
        let cookies = Cookies::new(
            config.server.public_url.is_https(),
            config.sessions.absolute_lifetime,
        );
        let forward_auth_cookies = ForwardAuthCookies::new(config.sessions.absolute_lifetime);
        Ok(Self {
            config,
            clock,
            outbox: Outbox::new(database.clone()),
            audit_chain: AuditChain::new(
                database.clone(),
                Sealer::new(master_key, previous, "audit-seal"),
            ),
            database,
            ephemeral,
            egress,
            account_states,
            clients,
            keyring,
            sessions,
            stored_responses,
            users,
            passkeys,
            assignments,
            policies,
            forward_auth,
            authzen,
            tokens,
            oidc,
            limits,
            refusals,
            web,
            cookies,
            forward_auth_cookies,
            keys,
        })
    }

    /// Key that signs session cookies.
    pub fn cookie_key(&self) -> Key {
        self.keys.cookie.clone()
    }

    /// The current and the previous cookie key, while the master key is being replaced.
    pub fn cookie_keys_in_exchange(&self) -> Option<(Key, Key)> {
        let previous = self.keys.previous_cookie.clone()?;
        Some((self.keys.cookie.clone(), previous))
    }
}
