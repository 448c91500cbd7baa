//! The schemas of the two databases have the same tables, columns, types and constraints, and every migration can be reverted.

use std::collections::BTreeMap;
use std::path::Path;

use diesel::{Connection, RunQueryDsl};

use crate::support::binary;
use crate::support::house::{House, another_database};
use crate::support::postgres::Postgres;

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
where table_schema = 'public' and table_name not like '%schema_migrations' and table_name <> 'standing_records'";

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
        other => panic!("a type that the house does not use: {other}"),
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
    let embedded = House::embedded();
    let sqlite = sqlite_columns(&embedded.config.server.data_dir.join("doorward.db"));
    let shared = Postgres::shared();
    let url = shared.fresh_database();
    let redis = crate::support::redis::Redis::shared().fresh_url();
    let _clustered = House::on(&url, &redis, |_| {});
    let postgres = parse(&shared.psql(&url, POSTGRES_COLUMNS), kind_in_sqlite);
    assert!(
        sqlite.len() > 80,
        "the columns were not read: {}",
        sqlite.len()
    );
    assert_eq!(sqlite, postgres);
}

#[test]
fn every_migration_goes_up_down_and_up_again() {
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

#[test]
fn instances_that_start_at_once_on_an_empty_database_take_turns() {
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
                    House::on(&url, &redis, |config| {
                        config.secrets.master_key_file = Some(key.clone());
                    })
                })
            })
            .collect();
        for start in starts {
            let house = start.join().expect("a house that starts");
            assert_eq!(house.browser().get("/readyz").status, 200);
        }
    });
}

crate::on_both! {
    fn a_schema_that_is_newer_than_the_binary_is_refused(house) {
        const NEWER: &str = "9999";
        let known = newest_migration();
        let database = another_database(&house.config, &house.clock);
        let written = database.write(|conn| {
            let row = format!("insert into __diesel_schema_migrations (version) values ('{NEWER}')");
            diesel::sql_query(row).execute(conn)?;
            Ok::<_, doorward::db::Error>(())
        });
        house.run(written).expect("written");
        for arguments in [&["migrate"][..], &["serve"], &["user", "list"]] {
            let ran = binary::run(&house.config, arguments);
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
fn processes_that_start_at_once_on_an_empty_folder_take_turns() {
    let house = House::embedded();
    let mut config = house.config.clone();
    config.server.data_dir = house.config.server.data_dir.join("fresh");
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
