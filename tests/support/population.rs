//! Writes a population of users into a migrated, empty database, for benchmarks. Each user has passkeys, a role, and roles on
//! resources.
//!
//! The rows are written as plain SQL. Their IDs ascend, so that indexes grow at their ends, and are computed from the user's
//! number, so that a user can be described without reading the database. All passkeys have the same key.

use aws_lc_rs::signature::{EcdsaKeyPair, KeyPair as _};
use diesel::connection::SimpleConnection;
use diesel::{Connection as _, PgConnection, SqliteConnection};
use doorward::base::config::Config;
use secrecy::ExposeSecret as _;
use uuid::Uuid;
use webauthn_rs::prelude::Credential;
use webauthn_rs_core::proto::{
    AttestationFormat, COSEAlgorithm, COSEEC2Key, COSEKey, COSEKeyType, ECDSACurve,
    ParsedAttestation, RegisteredExtensions,
};
use webauthn_rs_proto::UserVerificationPolicy;

/// Number of roles; each user has one of them.
const ROLES: u64 = 10;
/// Number of passkeys of each user.
const PASSKEYS: u64 = 2;
/// Roles of each user on resources, one resource for each role.
const RESOURCE_ROLES: [&str; 2] = ["OPERATOR", "VIEWER"];
/// Number of users who have a role on the same resource.
const USERS_OF_RESOURCE: u64 = 4;
/// Number of users in one transaction.
const BATCH_SIZE: u64 = 1000;

/// A user of the population.
#[derive(Clone, Debug)]
pub struct PopulationUser {
    /// The user's ID.
    pub id: Uuid,
    /// The user's name.
    pub username: String,
    /// The user's only role.
    pub role: String,
    /// Credential IDs of the user's passkeys.
    pub credentials: Vec<Vec<u8>>,
    /// IDs of the resources (of type `order`) on which the user has a role.
    pub resources: Vec<String>,
    /// Position in the population, from 0.
    number: u64,
}

impl PopulationUser {
    /// Returns the user's email address.
    pub fn email(&self) -> String {
        format!("{}@seeded.example", self.username)
    }
}

/// Writes `users` users whose passkeys have the key pair `key`. Returns `sample` of them (at most all), evenly distributed.
pub fn fill(config: &Config, users: u64, key: &EcdsaKeyPair, sample: u64) -> Vec<PopulationUser> {
    let mut database = Database::open(config);
    let roles = (0..ROLES).map(|role| format!("('seeded-{role}', '', 1, {})", database.created_at));
    let roles = insert("roles (name, description, version, as_of)", roles);
    database.conn.batch_execute(&roles).expect("roles");
    for first in (0..users).step_by(usize::try_from(BATCH_SIZE).expect("a number")) {
        let numbers = first..(first + BATCH_SIZE).min(users);
        let batch: Vec<_> = numbers.map(|number| user(number, users)).collect();
        let sql = database.statements(&batch, users, key);
        database.conn.batch_execute(&sql).expect("a batch of users");
    }
    let sample = sample.min(users);
    let numbers = (0..sample).map(|index| index * users / sample);
    numbers.map(|number| user(number, users)).collect()
}

/// Returns the credential of a passkey with this credential ID and key pair, as the WebAuthn library stores it.
pub fn credential(id: &[u8], key: &EcdsaKeyPair) -> Credential {
    // SEC 1 §2.3.3: 0x04, then both coordinates.
    let (x, y) = key.public_key().as_ref()[1..].split_at(32);
    Credential {
        cred_id: id.to_vec(),
        cred: COSEKey {
            type_: COSEAlgorithm::ES256,
            key: COSEKeyType::EC_EC2(COSEEC2Key {
                curve: ECDSACurve::SECP256R1,
                x: x.to_vec(),
                y: y.to_vec(),
            }),
        },
        counter: 0,
        transports: None,
        user_verified: true,
        backup_eligible: true,
        backup_state: true,
        registration_policy: UserVerificationPolicy::Required,
        extensions: RegisteredExtensions::none(),
        attestation: ParsedAttestation::default(),
        attestation_format: AttestationFormat::None,
    }
}

/// Describes the user at position `number` in a population of `users`.
fn user(number: u64, users: u64) -> PopulationUser {
    let passkeys = number * PASSKEYS..(number + 1) * PASSKEYS;
    let credential = |passkey| id(passkey, users * PASSKEYS).into_bytes().repeat(2);
    let group = number / USERS_OF_RESOURCE;
    let count = RESOURCE_ROLES.len() as u64;
    let resources = group * count..(group + 1) * count;
    PopulationUser {
        id: id(number, users),
        username: format!("person-{number:07}"),
        role: format!("seeded-{}", number % ROLES),
        credentials: passkeys.map(credential).collect(),
        resources: resources.map(|resource| format!("{resource:07}")).collect(),
        number,
    }
}

/// Returns the version 4 UUID at `position` of `count` ascending, evenly distributed UUIDs.
fn id(position: u64, count: u64) -> Uuid {
    let high = position * (u64::MAX / count);
    uuid::Builder::from_random_bytes(Uuid::from_u64_pair(high, 0).into_bytes()).into_uuid()
}

/// Returns an `INSERT` statement.
fn insert(table: &str, rows: impl Iterator<Item = String>) -> String {
    let rows: Vec<String> = rows.collect();
    format!("insert into {table} values {};\n", rows.join(", "))
}

struct Database {
    conn: Box<dyn SimpleConnection>,
    is_postgres: bool,
    /// SQL expression for the creation time of all rows: 90 days ago, so that no row counts as recently changed.
    created_at: &'static str,
}

impl Database {
    fn open(config: &Config) -> Self {
        if let Some(url) = &config.database.url {
            let conn = PgConnection::establish(url.expose_secret()).expect("PostgreSQL");
            return Self {
                conn: Box::new(conn),
                is_postgres: true,
                created_at: "now() - interval '90 days'",
            };
        }
        let file = config.server.data_dir.join("doorward.db");
        let mut conn = SqliteConnection::establish(&file.to_string_lossy()).expect("SQLite");
        conn.batch_execute("pragma busy_timeout = 10000")
            .expect("a timeout");
        Self {
            conn: Box::new(conn),
            is_postgres: false,
            created_at: "(unixepoch() - 90 * 86400) * 1000000",
        }
    }

    /// Returns a literal of binary data.
    fn bytes(&self, bytes: &[u8]) -> String {
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        if self.is_postgres {
            format!("'\\x{hex}'")
        } else {
            format!("x'{hex}'")
        }
    }

    /// Returns a literal of a UUID.
    fn uuid(&self, id: Uuid) -> String {
        if self.is_postgres {
            format!("'{id}'")
        } else {
            self.bytes(id.as_bytes())
        }
    }

    /// Returns the SQL of a transaction that writes a batch of users and their rows in other tables.
    fn statements(&self, batch: &[PopulationUser], users: u64, key: &EcdsaKeyPair) -> String {
        let at = self.created_at;
        let user = |user: &PopulationUser| {
            let (id, name) = (self.uuid(user.id), &user.username);
            let email = user.email();
            let display_name = format!("Seeded {name}");
            let sort_name = display_name.to_lowercase();
            format!(
                "({id}, '{name}', '{email}', 'vouched', '{display_name}', 'active', '{{}}', {at}, 1, {at}, \
                 '{sort_name}', '{name}\n{sort_name}\n{email}')"
            )
        };
        let passkeys = batch.iter().flat_map(|user| {
            let numbers = user.number * PASSKEYS..;
            numbers.zip(&user.credentials).map(|(number, credential_id)| {
                let id = self.uuid(id(number, users * PASSKEYS));
                let credential = serde_json::to_string(&credential(credential_id, key)).expect("JSON");
                format!(
                    "({id}, {}, {}, '{credential}', 'Seeded passkey', {}, '[\"internal\"]', 0, true, true, {at}, 1, {at})",
                    self.uuid(user.id),
                    self.bytes(credential_id),
                    self.uuid(Uuid::nil()),
                )
            })
        });
        let count = RESOURCE_ROLES.len() as u64;
        let role_assignments = batch.iter().flat_map(|user| {
            let roles = user.resources.iter().zip(RESOURCE_ROLES);
            (user.number * count..)
                .zip(roles)
                .map(|(number, (resource, role))| {
                    let id = self.uuid(id(number, users * count));
                    let user = self.uuid(user.id);
                    format!("({id}, {user}, 'order', '{resource}', '[\"{role}\"]', {at}, 1, {at})")
                })
        });
        // The first user of a resource also creates it.
        let resources = batch
            .iter()
            .filter(|user| user.number.is_multiple_of(USERS_OF_RESOURCE))
            .flat_map(|user| &user.resources)
            .map(|resource| format!("('order', '{resource}', '{{}}', {at}, {at}, 1, {at})"));
        [
            "begin;\n".to_owned(),
            insert(
                "users (id, username, email, email_state, display_name, status, attributes, created_at, version, as_of, \
                 sort_name, search_text)",
                batch.iter().map(user),
            ),
            insert(
                "usernames (username, user_id)",
                batch.iter().map(|user| format!("('{}', {})", user.username, self.uuid(user.id))),
            ),
            insert(
                "user_roles (user_id, role)",
                batch.iter().map(|user| format!("({}, '{}')", self.uuid(user.id), user.role)),
            ),
            insert(
                "account_states (user_id, version, session_epoch, changed_at)",
                batch.iter().map(|user| format!("({}, 1, 0, {at})", self.uuid(user.id))),
            ),
            insert(
                "passkeys (id, user_id, credential_id, credential, name, aaguid, transports, sign_count, backup_eligible, \
                 backup_state, created_at, version, as_of)",
                passkeys,
            ),
            insert(
                "resources (resource_type, resource_id, attributes, created_at, changed_at, version, as_of)",
                resources,
            ),
            insert(
                "role_assignments (id, user_id, resource_type, resource_id, roles, created_at, version, as_of)",
                role_assignments,
            ),
            "commit;".to_owned(),
        ]
        .concat()
    }
}
