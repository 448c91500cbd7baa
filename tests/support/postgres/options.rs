//! Options of a test's PostgreSQL server.

/// How the superuser `doorward` authenticates.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Authentication {
    /// With a password, which the server's URL contains.
    Scram,
    /// Without authentication.
    Trust,
}

/// Whether connections are encrypted.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Encryption {
    /// TLS is switched off.
    Off,
    /// Only TLS connections are accepted; the certificate is self-signed.
    Required,
}

/// Options of a server.
#[derive(Clone)]
pub struct PostgresOptions {
    /// Whether a commit is written to disk before it is acknowledged. Surviving `kill -9` needs no `fsync`, because the operating
    /// system keeps what was written.
    pub fsync: bool,
    /// How users authenticate.
    pub authentication: Authentication,
    /// Whether connections are encrypted.
    pub encryption: Encryption,
    /// Value of `max_connections`.
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
    /// Returns `pg_hba.conf`: TCP from this machine, and the socket in the server's folder.
    pub fn access_rules(&self) -> String {
        let method = self.authentication_method();
        let connection = match self.encryption {
            Encryption::Required => "hostssl",
            Encryption::Off => "host",
        };
        format!("local all all {method}\n{connection} all all 127.0.0.1/32 {method}\n")
    }

    /// Returns the name of the authentication method in `pg_hba.conf` and for `initdb`.
    pub fn authentication_method(&self) -> &'static str {
        match self.authentication {
            Authentication::Scram => "scram-sha-256",
            Authentication::Trust => "trust",
        }
    }

    /// Returns `postgresql.auto.conf`, which the server reads last; `folder` contains the socket and the certificate.
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
