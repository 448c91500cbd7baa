//! An installation of Doorward to test: the real application in this process, with its own stores and a manual clock.

use std::sync::OnceLock;
use std::time::Duration;

use doorward::app::{App, RpIdChange};
use doorward::base::clock::Clock;
use doorward::base::config::{Config, Network, Origin};
use doorward::base::fault_injection::FaultInjector;
use doorward::base::secrets::MasterKey;
use doorward::clients::{AuthMethod, GrantType, Metadata, RedirectUri, Scope, Scopes};
use doorward::db::Database;
use doorward::server::{self, Running};
use secrecy::SecretString;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use super::authenticator::SoftAuthenticator;
use super::http::TestBrowser;
use super::postgres::Postgres;
use super::process::free_port;
use super::redis::Redis;
use super::test_user::TestUser;

/// Returns the runtime shared by all installations of the test process.
pub fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| {
        tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
            .expect("a runtime")
    })
}

/// A running installation with one or more instances, and its stores.
pub struct TestServer {
    /// Configuration, for further instances and for the command.
    pub config: Config,
    /// Clock of all instances.
    pub clock: Clock,
    /// Application state of the first instance, for tests that force an order of operations.
    pub app: App,
    /// Fault injection for the stores of all instances.
    pub fault_injector: FaultInjector,
    instances: Vec<Option<Running>>,
    _folder: TempDir,
}

/// Runs a test with both kinds of stores: `on_both! { fn name(server) { … } }` creates `name::embedded` and `name::clustered`.
#[macro_export]
macro_rules! on_both {
    ($($(#[doc = $doc:literal])* fn $name:ident($server:ident $(with $change:expr)?) $body:block)+) => {
        $($(#[doc = $doc])* mod $name {
            #[allow(unused_imports)]
            use super::*;

            fn behaviour($server: &mut $crate::support::test_server::TestServer) $body

            fn configure(_config: &mut doorward::base::config::Config) {
                $($change(_config);)?
            }

            #[test]
            fn embedded() {
                behaviour(&mut $crate::support::test_server::TestServer::embedded_with(configure));
            }

            #[test]
            fn clustered() {
                behaviour(&mut $crate::support::test_server::TestServer::clustered_with(configure));
            }
        })+
    };
}

impl TestServer {
    /// Starts an installation on SQLite.
    pub fn embedded() -> Self {
        Self::embedded_with(|_| {})
    }

    /// Like [`TestServer::embedded`], with changes to the configuration.
    pub fn embedded_with(change: impl FnOnce(&mut Config)) -> Self {
        let (folder, mut config) = blank();
        change(&mut config);
        Self::open(folder, config)
    }

    /// Starts an installation on a new database of the shared PostgreSQL, and the shared Redis.
    pub fn clustered() -> Self {
        Self::clustered_with(|_| {})
    }

    /// Like [`TestServer::clustered`], with changes to the configuration.
    pub fn clustered_with(change: impl FnOnce(&mut Config)) -> Self {
        let database = Postgres::shared().fresh_database();
        let redis = Redis::shared().fresh_url();
        Self::on(&database, &redis, change)
    }

    /// Starts an installation on stores of the test's own.
    pub fn on(database: &str, redis: &str, change: impl FnOnce(&mut Config)) -> Self {
        let (folder, mut config) = blank();
        config.database.url = Some(SecretString::from(database.to_owned()));
        config.redis.url = Some(SecretString::from(redis.to_owned()));
        let master_key = folder.path().join("given.key");
        MasterKey::generate()
            .write_new(&master_key)
            .expect("a master key");
        config.secrets.master_key_file = Some(master_key);
        change(&mut config);
        Self::open(folder, config)
    }

    fn open(folder: TempDir, config: Config) -> Self {
        let (clock, fault_injector) = (Clock::manual(), FaultInjector::switchable());
        let (app, running) = start(&config, &clock, &fault_injector);
        Self {
            config,
            clock,
            app,
            fault_injector,
            instances: vec![Some(running)],
            _folder: folder,
        }
    }

    /// Starts another instance on the same stores and under the same public URL; returns its number.
    pub fn another_instance(&mut self) -> usize {
        let mut config = self.config.clone();
        config.server.listen.set_port(0);
        let (_, running) = start(&config, &self.clock, &self.fault_injector);
        self.instances.push(Some(running));
        self.instances.len() - 1
    }

    /// Stops an instance and starts it again on the same address.
    pub fn restart(&mut self, instance: usize) {
        let port = self.port(instance);
        let running = self.instances[instance].take().expect("a running instance");
        runtime().block_on(running.stop());
        let mut config = self.config.clone();
        config.server.listen.set_port(port);
        let (app, running) = start(&config, &self.clock, &self.fault_injector);
        if instance == 0 {
            self.app = app;
        }
        self.instances[instance] = Some(running);
    }

    /// Stops an instance for good.
    pub fn stop(&mut self, instance: usize) {
        let running = self.instances[instance].take().expect("a running instance");
        runtime().block_on(running.stop());
    }

    /// Returns the port of an instance; 0 is the first.
    pub fn port(&self, instance: usize) -> u16 {
        let running = self.instances[instance].as_ref();
        running.expect("a running instance").address.port()
    }

    /// Returns the operator's port of the first instance.
    pub fn operator_port(&self) -> u16 {
        let running = self.instances[0].as_ref();
        running.expect("a running instance").operator_address.port()
    }

    /// Returns the public URL.
    pub fn origin(&self) -> &str {
        self.config.server.public_url.as_str()
    }

    /// Returns a new browser, connected to the first instance.
    pub fn browser(&self) -> TestBrowser {
        TestBrowser::new(self.port(0), self.origin())
    }

    /// Advances the clock.
    pub fn advance_clock(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    /// Runs asynchronous code of the application.
    pub fn run<T>(&self, work: impl Future<Output = T>) -> T {
        runtime().block_on(work)
    }

    /// Creates a set-up link and returns its token.
    pub fn set_up_token(&self) -> String {
        let link = self.run(self.app.users.create_set_up_link());
        link.expect("a set-up link").token
    }

    /// Registers the first administrator, signed in with a synced passkey.
    pub fn administrator(&self) -> TestUser {
        let start = json!({
            "setup": self.set_up_token(), "username": "root", "display_name": "Root Admin",
        });
        TestUser::register(
            self.browser(),
            SoftAuthenticator::synced(self.origin()),
            &start,
        )
    }

    /// Registers a user who was invited by the administrator, signed in with a synced passkey.
    pub fn create_user(&self, administrator: &TestUser, username: &str) -> TestUser {
        self.create_user_with(
            administrator,
            &json!({ "username": username }),
            SoftAuthenticator::synced(self.origin()),
        )
    }

    /// Registers a user with this invitation and this authenticator.
    pub fn create_user_with(
        &self,
        administrator: &TestUser,
        invitation: &serde_json::Value,
        device: SoftAuthenticator,
    ) -> TestUser {
        let link = administrator
            .browser
            .post_json("/v1/invitations", invitation);
        assert_eq!(link.status, 201, "{}", link.text());
        let start = json!({ "invitation": link.json()["token"] });
        TestUser::register(self.browser(), device, &start)
    }

    /// Creates a client with these scopes; returns its ID and secret.
    pub fn client(&self, scopes: &[&str]) -> (String, String) {
        let scopes = Scopes::parse(&scopes.join(" ")).expect("scopes");
        let (id, secret) = self.create_client("a service", &scopes, &Metadata::default());
        (id, secret.expect("a secret"))
    }

    /// Registers a client as the command line does. Returns its ID, and its secret if it has one.
    pub fn create_client(
        &self,
        name: &str,
        scopes: &Scopes,
        metadata: &Metadata,
    ) -> (String, Option<String>) {
        let mut members = json!(metadata);
        let method = metadata.token_endpoint_auth_method;
        if metadata.accepts_either_secret_method && method == AuthMethod::ClientSecretBasic {
            members["token_endpoint_auth_method"] = Value::Null;
        }
        members["client_name"] = name.into();
        members["scope"] = scopes.to_text().into();
        let all = members.as_object_mut().expect("members");
        all.remove("accepts_either_secret_method");
        let change = serde_json::from_value(members).expect("a client");
        let author = doorward::clients::ActingAs::command();
        let created = self.run(self.app.clients.register(change, author));
        let (client, secret) = created.expect("a client");
        let secret = secret.map(|secret| secret.expose().to_owned());
        (client.id.to_string(), secret)
    }

    /// Creates an app that users sign in to, with all scopes about users and without consent. Returns its ID, and its secret
    /// unless `change` made it a public client.
    pub fn register_app(&self, change: impl FnOnce(&mut Metadata)) -> (String, Option<String>) {
        let callback = RedirectUri::parse("https://app.example/callback").expect("a redirect URI");
        let mut metadata = Metadata {
            redirect_uris: vec![callback],
            grant_types: vec![GrantType::AuthorizationCode, GrantType::RefreshToken],
            require_consent: false,
            ..Metadata::default()
        };
        change(&mut metadata);
        self.create_client("an app", &Scope::OPENID.into_iter().collect(), &metadata)
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        for running in self.instances.iter_mut().filter_map(Option::take) {
            runtime().block_on(running.stop());
        }
    }
}

/// Allows requests to apps on this machine; private networks must be allowed in the configuration.
pub fn sends_to_loopback(config: &mut Config) {
    let networks = ["127.0.0.0/8", "::1/128"];
    config.egress.allowed_networks = networks
        .map(|network| Network::parse(network).expect("a network"))
        .to_vec();
}

/// Opens the database of a configuration like another process would, with its own connections.
pub fn another_database(config: &Config, clock: &Clock) -> Database {
    let section = &config.database;
    match &section.url {
        Some(url) => Database::postgres(url, 2, section.timeout, clock.clone()),
        None => {
            let path = config.server.data_dir.join("doorward.db");
            Database::sqlite(&path.to_string_lossy(), section.timeout, clock.clone())
                .expect("the file")
        }
    }
}

fn blank() -> (TempDir, Config) {
    let folder = TempDir::new().expect("a folder");
    let mut config = Config::load(None).expect("the defaults");
    let port = free_port();
    config.server.listen.set_port(port);
    config.server.operator_listen.set_port(0);
    config.server.public_url =
        Origin::parse(&format!("http://localhost:{port}")).expect("an origin");
    config.server.data_dir = folder.path().join("data");
    config.server.workers = 2;
    config.server.shutdown_timeout = Duration::from_secs(5);
    config.database.pool_size = 6;
    config.limits.ceremonies_per_minute = 0;
    (folder, config)
}

fn start(config: &Config, clock: &Clock, fault_injector: &FaultInjector) -> (App, Running) {
    let (config, clock, fault_injector) = (config.clone(), clock.clone(), fault_injector.clone());
    runtime().block_on(async {
        let app = App::build(config, clock, RpIdChange::Refuse, fault_injector)
            .await
            .expect("an installation that starts");
        let running = server::start(app.clone()).expect("a bound address");
        (app, running)
    })
}
