//! Empty stores for one measurement, and the configuration of a service that uses them.

use std::path::PathBuf;

use diesel::connection::SimpleConnection;
use diesel::{Connection, PgConnection};
use doorward::base::config::{Config, Origin};
use doorward::base::secrets::MasterKey;
use secrecy::{ExposeSecret, SecretString};
use tempfile::TempDir;

use crate::support::postgres::Postgres;
use crate::support::process::free_port;
use crate::support::redis::Redis;

/// The host that forward-auth protects.
pub const PROTECTED_HOST: &str = "shop.example.com";
/// Configuration file with what the benchmark does not set by environment variables: forward-auth routes and policies.
pub const SETTINGS_FILE: &str = "settings.toml";

/// Returns 100 policies for the same action and resource type, so that none is skipped before evaluation. Only the last permits.
fn policies() -> String {
    let not_applicable = |number: usize| {
        format!(
            "permit (principal in Role::\"team-{number}\", action == Action::\"view\", resource is order)\n\
             when {{ context.resource_roles.contains(\"LEVEL-{number}\") }};\n"
        )
    };
    // The population's roles on resources.
    let applicable = "permit (principal is User, action == Action::\"view\", resource is order)\n\
         when { context.resource_roles.containsAny([\"OPERATOR\", \"VIEWER\"]) };\n"
        .to_owned();
    (0..99).map(not_applicable).chain([applicable]).collect()
}

/// The stores that the service uses.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum BackEnd {
    /// SQLite for everything.
    Embedded,
    /// PostgreSQL and Redis.
    Clustered,
}

impl BackEnd {
    /// Parses the name of a back end.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Embedded, Self::Clustered]
            .into_iter()
            .find(|back_end| back_end.name() == text)
    }

    /// Returns the name, as used on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Embedded => "embedded",
            Self::Clustered => "clustered",
        }
    }
}

/// Empty stores: SQLite files in a temporary folder, or databases on the shared servers.
pub struct Fixture {
    /// Back end of the stores.
    pub back_end: BackEnd,
    /// Number of users that the benchmark will write.
    pub users: u64,
    /// Configuration of the first instance.
    pub config: Config,
    folder: TempDir,
}

impl Fixture {
    /// Creates the stores.
    pub fn prepare(back_end: BackEnd, users: u64) -> Self {
        let folder = TempDir::new().expect("a folder");
        let mut config = Config::load(None).expect("a valid default configuration");
        let port = free_port();
        config.server.listen.set_port(port);
        config.server.operator_listen.set_port(free_port());
        config.server.public_url =
            Origin::parse(&format!("http://localhost:{port}")).expect("an origin");
        config.server.data_dir = folder.path().join("data");
        config.limits.ceremonies_per_minute = 0;
        if back_end == BackEnd::Clustered {
            let database = Postgres::shared().fresh_database();
            config.database.url = Some(SecretString::from(database));
            config.redis.url = Some(SecretString::from(Redis::shared().fresh_url()));
            let master_key = folder.path().join("master.key");
            MasterKey::generate()
                .write_new(&master_key)
                .expect("a master key");
            config.secrets.master_key_file = Some(master_key);
        }
        let policies_folder = folder.path().join("policies");
        std::fs::create_dir(&policies_folder).expect("a folder");
        std::fs::write(policies_folder.join("all.cedar"), policies()).expect("a file");
        let settings = format!(
            "[server]\ntrusted_proxies = [\"127.0.0.1\"]\n\n[access]\npolicies = {policies_folder:?}\n\n\
             [[access.route]]\nhost = \"{PROTECTED_HOST}\"\npath = \"/orders/{{id}}\"\naction = \"view\"\n\
             resource = {{ type = \"order\", id = \"{{id}}\" }}\n"
        );
        std::fs::write(folder.path().join(SETTINGS_FILE), settings).expect("a file");
        Self {
            back_end,
            users,
            config,
            folder,
        }
    }

    /// Vacuums and checkpoints PostgreSQL after the bulk insert; otherwise it would do so during the measurement.
    pub fn vacuum(&self) {
        let Some(url) = &self.config.database.url else {
            return;
        };
        let mut conn = PgConnection::establish(url.expose_secret()).expect("a connection");
        for sql in ["vacuum (analyze)", "checkpoint"] {
            conn.batch_execute(sql).expect(sql);
        }
    }

    /// Returns the path of a file in the temporary folder.
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Returns the configuration of another instance on the same stores.
    pub fn second_instance(&self) -> Config {
        let mut config = self.config.clone();
        config.server.listen.set_port(free_port());
        config.server.operator_listen.set_port(free_port());
        config
    }
}
