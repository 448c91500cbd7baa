//! How a test wants its PostgreSQL server.

/// How the user `doorward`, who may do everything, proves who it is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Authentication {
    /// By a password, which the server's URL contains.
    Scram,
    /// Not at all.
    Trust,
}

/// Whether connections are encrypted.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Encryption {
    /// TLS is switched off.
    Off,
    /// Only TLS is let in, with a certificate signed by itself.
    Required,
}

/// How to run a server.
#[derive(Clone)]
pub struct PostgresOptions {
    /// Whether a commit is on the disk before it is answered. Surviving `kill -9` needs no `fsync`: the operating
    /// system keeps what was written.
    pub fsync: bool,
    /// Who is let in.
    pub authentication: Authentication,
    /// How connections arrive.
    pub encryption: Encryption,
    /// `max_connections`.
    pub max_connections: u16,
    /// Further settings by name.
    pub settings: Vec<(String, String)>,
}

impl Default for PostgresOptions {
    fn default() -> Self {
        Self {
            fsync: false,
            authentication: Authentication::Scram,
            encryption: Encryption::Off,
            max_connections: 100,
            settings: Vec::new(),
        }
    }
}

impl PostgresOptions {
    /// `pg_hba.conf`: TCP from this machine, and the socket in the server's own folder.
    pub fn access_rules(&self) -> String {
        let method = self.authentication_method();
        let connection = match self.encryption {
            Encryption::Required => "hostssl",
            Encryption::Off => "host",
        };
        format!("local all all {method}\n{connection} all all 127.0.0.1/32 {method}\n")
    }

    /// The name that `pg_hba.conf` and `initdb` have for it.
    pub fn authentication_method(&self) -> &'static str {
        match self.authentication {
            Authentication::Scram => "scram-sha-256",
            Authentication::Trust => "trust",
        }
    }

    /// `postgresql.auto.conf`, which the server reads last; `folder` gets the socket and has the certificate.
    pub fn settings_file(&self, folder: &str) -> String {
        let mut settings = vec![
            ("listen_addresses", "127.0.0.1".to_owned()),
            ("unix_socket_directories", folder.to_owned()),
            ("max_connections", self.max_connections.to_string()),
            ("fsync", if self.fsync { "on" } else { "off" }.to_owned()),
        ];
        if self.encryption == Encryption::Required {
            settings.push(("ssl", "on".to_owned()));
            settings.push(("ssl_cert_file", format!("{folder}/server.crt")));
            settings.push(("ssl_key_file", format!("{folder}/server.key")));
        }
        let further = self
            .settings
            .iter()
            .map(|(name, value)| (name.as_str(), value.clone()));
        settings.extend(further);
        settings
            .iter()
            .map(|(name, value)| format!("{name} = '{value}'\n"))
            .collect()
    }
}
