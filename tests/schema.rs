//! The schemas of the two databases have the same tables, columns, types and constraints, and every migration can be reverted.

use std::collections::BTreeMap;
use std::path::Path;

use diesel::{Connection, RunQueryDsl};

use crate::support::binary;
use crate::support::postgres::Postgres;
use crate::support::test_server::{TestServer, another_database};

/// Table and column, with the type and whether it is nullable.
type Columns = BTreeMap<(String, String), (String, bool)>;

const SQLITE_COLUMNS: &str = "
select m.name || '|' || c.name || '|' || lower(c.type) || '|' || iif(c.\"notnull\", 'not', 'null') as line
from sqlite_master m join pragma_table_info(m.name) c
where m.type = 'table' and m.name not like '%schema_migrations' and m.name not like 'sqlite_%'";

const POSTGRES_COLUMNS: &str = "
select table_name || '|' || column_name || '|' || udt_name || '|' ||
       case is_nullable when 'YES' then 'null' else 'not' end
from information_schema.columns
where table_schema = 'public' and table_name not like '%schema_migrations' and table_name <> 'account_state_records'";

fn parse(text: &str, kind: impl Fn(&str) -> String) -> Columns {
    text.lines()
        .filter(|line| line.contains('|'))
        .map(|line| {
            let parts: Vec<&str> = line.trim().split('|').collect();
            let key = (parts[0].to_owned(), parts[1].to_owned());
            (key, (kind(parts[2]), parts[3] == "null"))
        })
        .collect()
}

/// Returns the SQLite type that stores a PostgreSQL type.
fn kind_in_sqlite(postgres: &str) -> String {
    match postgres {
        "uuid" | "bytea" => "blob",
        "timestamptz" | "int8" | "bool" => "integer",
        "jsonb" | "text" => "text",
        other => panic!("a type that Doorward does not use: {other}"),
    }
    .to_owned()
}

#[derive(diesel::QueryableByName)]
struct Line {
    #[diesel(sql_type = diesel::sql_types::Text)]
    line: String,
}

fn sqlite_columns(file: &Path) -> Columns {
    let mut conn =
        diesel::SqliteConnection::establish(&file.to_string_lossy()).expect("a connection");
    let lines = diesel::sql_query(SQLITE_COLUMNS)
        .load::<Line>(&mut conn)
        .expect("columns");
    let text: Vec<String> = lines.into_iter().map(|line| line.line).collect();
    parse(&text.join("\n"), str::to_owned)
}

#[test]
fn both_databases_have_the_same_tables_and_columns() {
    let embedded = TestServer::embedded();
    let sqlite = sqlite_columns(&embedded.config.server.data_dir.join("doorward.db"));
    let shared = Postgres::shared();
    let url = shared.fresh_database();
    let redis = crate::support::redis::Redis::shared().fresh_url();
    let _clustered = TestServer::on(&url, &redis, |_| {});
    let postgres = parse(&shared.psql(&url, POSTGRES_COLUMNS), kind_in_sqlite);
    assert!(
        sqlite.len() > 80,
        "the columns were not read: {}",
        sqlite.len()
    );
    assert_eq!(sqlite, postgres);
}

#[test]
fn every_migration_can_be_reverted_and_reapplied() {
    use diesel_migrations::{FileBasedMigrations, MigrationHarness};
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations");
    let url = Postgres::shared().fresh_database();
    let mut postgres = diesel::PgConnection::establish(&url).expect("a connection");
    let mut sqlite = diesel::SqliteConnection::establish(":memory:").expect("a connection");
    for _ in 0..2 {
        let migrations = FileBasedMigrations::from_path(root.join("postgres")).expect("migrations");
        postgres
            .run_pending_migrations(migrations.clone())
            .expect("up");
        postgres.revert_all_migrations(migrations).expect("down");
        let migrations = FileBasedMigrations::from_path(root.join("sqlite")).expect("migrations");
        sqlite
            .run_pending_migrations(migrations.clone())
            .expect("up");
        sqlite.revert_all_migrations(migrations).expect("down");
    }
}

/// A database that is migrated step by step.
trait Migrated {
    /// Runs the next migration, and returns its version.
    fn up(&mut self) -> String;

    /// Reverts the newest migration.
    fn down(&mut self);

    /// Runs statements.
    fn execute(&mut self, sql: &str);

    /// The column `line` of all rows.
    fn lines(&mut self, sql: &str) -> Vec<String>;
}

macro_rules! migrated {
    ($connection:ty, $folder:literal) => {
        impl Migrated for $connection {
            fn up(&mut self) -> String {
                let version = diesel_migrations::MigrationHarness::run_next_migration(
                    self,
                    migrations($folder),
                );
                version.expect("up").to_string()
            }

            fn down(&mut self) {
                diesel_migrations::MigrationHarness::revert_last_migration(
                    self,
                    migrations($folder),
                )
                .expect("down");
            }

            fn execute(&mut self, sql: &str) {
                diesel::connection::SimpleConnection::batch_execute(self, sql).expect(sql);
            }

            fn lines(&mut self, sql: &str) -> Vec<String> {
                let rows = diesel::sql_query(sql).load::<Line>(self).expect(sql);
                rows.into_iter().map(|row| row.line).collect()
            }
        }
    };
}

migrated!(diesel::PgConnection, "postgres");
migrated!(diesel::SqliteConnection, "sqlite");

fn migrations(folder: &str) -> diesel_migrations::FileBasedMigrations {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations");
    diesel_migrations::FileBasedMigrations::from_path(root.join(folder)).expect("migrations")
}

/// One row for each table that migration 0016 renames, or of which it renames a column. `ID`, `BYTES` and `AT` stand for a UUID,
/// for bytes and for an instant.
const ROWS_AT_0015: &str = "
insert into users (id, username, email_state, display_name, status, attributes, created_at, version, as_of)
values (ID, 'ada', 'vouched', 'Ada', 'active', '{}', AT, 1, AT);
insert into standings (user_id, version, session_epoch, moved_at) values (ID, 7, 3, AT);
insert into used_ceremonies (ceremony_hash, expires_at) values (BYTES, AT);
insert into resources (resource_type, resource_id, attributes, created_at, moved_at, version, as_of)
values ('order', '1', '{}', AT, AT, 1, AT);
insert into grants (id, user_id, resource_type, resource_id, roles, created_at, version, as_of)
values (ID, ID, 'order', '1', '[\"VIEWER\"]', AT, 1, AT);
insert into clients (id, name, scopes, metadata, enabled, token_epoch, people_epoch, revoked_tokens, moves, moved_at, created_at,
    version, as_of, consent_epoch, authority_epoch)
values (ID, 'Shop', '[\"grants:read\",\"grants:other\"]', '{}', true, 1, 2, '[]', 4, AT, AT, 1, AT, 5, 6);
insert into authorizations (id, user_id, client_id, session_id, sid, epoch, client_epoch, passkeys, scopes, resources, claims,
    offline, auth_time, acr, amr, redirect_uri, code_hash, code_expires_at, created_at, session_end, keep_until, told_at)
values (ID, ID, ID, ID, ID, 3, 2, '[]', '[\"openid\",\"grants:write\"]', '[]', '{}', true, AT, 'phr', '[]', 'https://shop.example/', BYTES, AT, AT, AT, AT, AT);
insert into consents (user_id, client_id, scopes, created_at, updated_at) values (ID, ID, '[\"grants:read\"]', AT, AT);
insert into refresh_families (id, authorization_id, n, advanced_at, expires_at, created_at) values (ID, ID, 9, AT, AT, AT);
insert into invitations (id, token_hash, purpose, roles, created_at, expires_at, email_vouched, maker_session,
    maker_authorization, maker_token)
values (ID, BYTES, 'join', '[]', AT, AT, true, ID, ID, ID);
update roles set manages_grants_on = '[\"order\"]' where name = 'admin';
insert into audit_events (id, at, actor, action, outcome, details)
values (ID, AT, 'command', 'role.updated', 'success', '{\"manages_grants_on\":[\"order\"]}');
insert into audit_seals (position, event_id, address_hash, user_agent_hash, details_hash, mac, sealed_at)
values (1, ID, BYTES, BYTES, BYTES, BYTES, AT);
update audit_sealer set position = 1, mac = BYTES, newest_at = AT;
update revisions set sealed_in = 1 where entity = 'role';";

/// What each of these rows holds, by the names before migration 0016 and by those after it. Audit events and revisions keep their
/// contents to the letter, because the chain of the audit log covers them.
const READ_AT_0015_AND_0016: [(&str, &str); 14] = [
    (
        "user_id, version, session_epoch, moved_at from standings",
        "user_id, version, session_epoch, changed_at from account_states",
    ),
    (
        "record from standing_records",
        "record from account_state_records",
    ),
    (
        "ceremony_hash, expires_at from used_ceremonies",
        "token_hash, expires_at from used_tokens",
    ),
    (
        "resource_type, moved_at from resources",
        "resource_type, changed_at from resources",
    ),
    (
        "id, resource_id, roles from grants",
        "id, resource_id, roles from role_assignments",
    ),
    (
        "people_epoch, moves, moved_at, authority_epoch from clients",
        "user_authorizations_epoch, state_version, changed_at, permissions_epoch from clients",
    ),
    (
        "keep_until, told_at from authorizations",
        "retain_until, notified_at from authorizations",
    ),
    (
        "n, advanced_at from refresh_families",
        "generation, rotated_at from refresh_families",
    ),
    (
        "email_vouched, maker_session, maker_authorization, maker_token from invitations",
        "email_confirmed, creator_session, creator_authorization, creator_token from invitations",
    ),
    (
        "name, manages_grants_on from roles",
        "name, manages_assignments_on from roles",
    ),
    (
        "id, details from audit_events",
        "id, details from audit_events",
    ),
    (
        "position, event_id, mac from audit_seals",
        "position, event_id, mac from audit_chain_entries",
    ),
    (
        "position, mac, newest_at from audit_sealer",
        "position, mac, newest_at from audit_chain_state",
    ),
    (
        "entity, version, data, sealed_in from revisions",
        "entity, version, data, chain_position from revisions",
    ),
];

/// The tables with scopes, of which the migration renames `grants:read` and `grants:write`.
const SCOPES_IN: [&str; 3] = ["clients", "authorizations", "consents"];

/// The rows of a query as text, the columns joined. Exactly one is expected.
fn read(database: &mut impl Migrated, query: &str) -> String {
    let (columns, table) = query.split_once(" from ").expect("columns and a table");
    let columns = columns
        .split(", ")
        .map(|name| format!("cast({name} as text)"));
    let columns: Vec<String> = columns.collect();
    let sql = format!(
        "select {} as line from {table}",
        columns.join(" || '|' || ")
    );
    let [line] = <[String; 1]>::try_from(database.lines(&sql)).expect(query);
    line
}

fn standard_names_keep_every_row(mut database: impl Migrated, id: &str, bytes: &str, at: &str) {
    while database.up() != "0015" {}
    let rows = ROWS_AT_0015.replace("ID", id).replace("BYTES", bytes);
    database.execute(&rows.replace("AT", at));
    let before = READ_AT_0015_AND_0016.map(|(earlier, _)| read(&mut database, earlier));
    let scopes = SCOPES_IN.map(|table| read(&mut database, &format!("scopes from {table}")));
    for _ in 0..2 {
        assert_eq!(database.up(), "0016");
        for (table, earlier) in SCOPES_IN.iter().zip(&scopes) {
            let standard = ["read", "write"].iter().fold(earlier.clone(), |text, end| {
                text.replace(
                    &format!("\"grants:{end}\""),
                    &format!("\"role-assignments:{end}\""),
                )
            });
            assert_ne!(&standard, earlier, "{table}");
            assert_eq!(
                read(&mut database, &format!("scopes from {table}")),
                standard
            );
        }
        let renamed = READ_AT_0015_AND_0016.map(|(_, standard)| read(&mut database, standard));
        assert_eq!(renamed, before);
        database.down();
        let earlier = READ_AT_0015_AND_0016.map(|(earlier, _)| read(&mut database, earlier));
        assert_eq!(earlier, before);
        let again = SCOPES_IN.map(|table| read(&mut database, &format!("scopes from {table}")));
        assert_eq!(again, scopes);
    }
}

// The bytes are ASCII letters, because SQLite casts them to text as they are.
#[test]
fn standard_names_keep_every_row_of_postgresql() {
    let url = Postgres::shared().fresh_database();
    let database = diesel::PgConnection::establish(&url).expect("a connection");
    let id = "'61616161-6161-4161-a161-616161616161'";
    standard_names_keep_every_row(database, id, r"'\x62626262'", "'2026-11-23T08:00:00Z'");
}

#[test]
fn the_renaming_migration_keeps_every_sqlite_row() {
    let database = diesel::SqliteConnection::establish(":memory:").expect("a connection");
    let id = "x'61616161616161616161616161616161'";
    standard_names_keep_every_row(database, id, "x'62626262'", "1795420800000000");
}

#[test]
fn instances_starting_concurrently_on_an_empty_database_migrate_it_once() {
    let url = Postgres::shared().fresh_database();
    let redis = crate::support::redis::Redis::shared().fresh_url();
    let folder = tempfile::TempDir::new().expect("a folder");
    let key = folder.path().join("given.key");
    let master = doorward::base::secrets::MasterKey::generate();
    master.write_new(&key).expect("a key");
    std::thread::scope(|scope| {
        let starts: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| {
                    TestServer::on(&url, &redis, |config| {
                        config.secrets.master_key_file = Some(key.clone());
                    })
                })
            })
            .collect();
        for start in starts {
            let server = start.join().expect("an installation that starts");
            assert_eq!(server.browser().get("/readyz").status, 200);
        }
    });
}

crate::on_both! {
    fn a_schema_that_is_newer_than_the_binary_is_refused(server) {
        const NEWER: &str = "9999";
        let known = newest_migration();
        let database = another_database(&server.config, &server.clock);
        let written = database.write(|conn| {
            let row = format!("insert into __diesel_schema_migrations (version) values ('{NEWER}')");
            diesel::sql_query(row).execute(conn)?;
            Ok::<_, doorward::db::Error>(())
        });
        server.run(written).expect("written");
        for arguments in [&["migrate"][..], &["serve"], &["user", "list"]] {
            let ran = binary::run(&server.config, arguments);
            assert_eq!(ran.code, 6, "{arguments:?}: {} {}", ran.output, ran.errors);
            for words in [NEWER, &known, env!("CARGO_PKG_VERSION"), "newer"] {
                assert!(ran.errors.contains(words), "{arguments:?}: {words}: {}", ran.errors);
            }
        }
    }
}

fn newest_migration() -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations/sqlite");
    let entries = std::fs::read_dir(folder).expect("migrations");
    let names = entries.map(|entry| entry.expect("a folder").file_name());
    let newest = names.max().expect("a migration");
    let newest = newest.to_string_lossy();
    let (version, _) = newest.split_once('_').expect("VERSION_NAME");
    version.to_owned()
}

#[test]
fn processes_starting_concurrently_on_an_empty_folder_migrate_it_once() {
    let server = TestServer::embedded();
    let mut config = server.config.clone();
    config.server.data_dir = server.config.server.data_dir.join("fresh");
    std::thread::scope(|scope| {
        let starts: Vec<_> = (0..6)
            .map(|_| scope.spawn(|| crate::support::binary::run(&config, &["migrate"])))
            .collect();
        for start in starts {
            let ran = start.join().expect("a command");
            assert_eq!(ran.code, 0, "{}", ran.errors);
        }
    });
}
