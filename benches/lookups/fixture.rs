//! Stores of a measurement's own, and the configuration of a service on them.

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
pub const HOST: &str = "shop.example.com";
/// What no variable of the environment says: the routes and the policies.
pub const SETTINGS: &str = "settings.toml";

/// A hundred policies about one action and one kind of thing, of which one permits: none is left out before it is asked.
fn policies() -> String {
    let other = |number: usize| {
        format!(
            "permit (principal in Role::\"team-{number}\", action == Action::\"view\", resource is order)\n\
             when {{ context.resource_roles.contains(\"LEVEL-{number}\") }};\n"
        )
    };
    // The roles that the population has on resources.
    let permits = "permit (principal is User, action == Action::\"view\", resource is order)\n\
         when { context.resource_roles.containsAny([\"OPERATOR\", \"VIEWER\"]) };\n"
        .to_owned();
    (0..99).map(other).chain([permits]).collect()
}

/// On which stores.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum BackEnd {
    /// SQLite.
    Embedded,
    /// PostgreSQL and Redis.
    Clustered,
}

impl BackEnd {
    /// From its name.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Embedded, Self::Clustered]
            .into_iter()
            .find(|back_end| back_end.name() == text)
    }

    /// As it is written.
    pub fn name(self) -> &'static str {
        match self {
            Self::Embedded => "embedded",
            Self::Clustered => "clustered",
        }
    }
}

/// Empty stores.
pub struct Fixture {
    /// Which.
    pub back_end: BackEnd,
    /// How many people there will be.
    pub users: u64,
    /// The configuration of the first instance.
    pub config: Config,
    folder: TempDir,
}

impl Fixture {
    /// Makes them.
    pub fn prepare(back_end: BackEnd, users: u64) -> Self {
        let folder = TempDir::new().expect("a folder");
        let mut config = Config::load(None).expect("the defaults");
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
            let master_key = folder.path().join("given.key");
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
             [[access.route]]\nhost = \"{HOST}\"\npath = \"/orders/{{id}}\"\naction = \"view\"\n\
             resource = {{ type = \"order\", id = \"{{id}}\" }}\n"
        );
        std::fs::write(folder.path().join(SETTINGS), settings).expect("a file");
        Self {
            back_end,
            users,
            config,
            folder,
        }
    }

    /// Lets PostgreSQL do at once what it would do in the minutes after so many rows: nobody measures it cleaning up.
    pub fn settle(&self) {
        let Some(url) = &self.config.database.url else {
            return;
        };
        let mut conn = PgConnection::establish(url.expose_secret()).expect("a connection");
        for sql in ["vacuum (analyze)", "checkpoint"] {
            conn.batch_execute(sql).expect(sql);
        }
    }

    /// A file beside the stores.
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The configuration of one more instance on the same stores.
    pub fn another(&self) -> Config {
        let mut config = self.config.clone();
        config.server.listen.set_port(free_port());
        config.server.operator_listen.set_port(free_port());
        config
    }
}
