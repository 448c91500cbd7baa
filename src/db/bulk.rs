//! Many rows in one statement: each row travels as a JSON array, and the database takes the columns out of it.

use diesel::RunQueryDsl;
use diesel::sql_types::Text;
use serde_json::Value;

use super::{Connection, Error, Result};
use crate::base::clock::Timestamp;
use crate::base::hex::to_hex;
use crate::base::ids::Id;

/// How a cell of a row is written, and what column it goes into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cell {
    /// Text.
    Text,
    /// A whole number.
    Number,
    /// A truth value.
    Truth,
    /// A UUID, as [`uuid()`] writes it.
    Uuid,
    /// Bytes, as [`bytes`] writes them.
    Bytes,
    /// An instant, as [`instant`] writes it.
    Instant,
    /// Any JSON.
    Document,
}

/// The columns of a table that rows bring, in their order.
pub type Columns = [(&'static str, Cell)];

/// A UUID in a row.
pub fn uuid<T>(id: Id<T>) -> Value {
    id.uuid().simple().to_string().into()
}

/// Bytes in a row.
pub fn bytes(bytes: &[u8]) -> Value {
    to_hex(bytes).into()
}

/// An instant in a row.
pub fn instant(at: Timestamp) -> Value {
    at.as_micros().into()
}

/// Inserts rows, all or none of them.
///
/// # Errors
/// When the database is away, or refuses a row.
pub fn insert(
    conn: &mut Connection,
    table: &str,
    columns: &Columns,
    rows: Vec<Value>,
) -> Result<()> {
    let expected = rows.len();
    if expected == 0 {
        return Ok(());
    }
    let rows = Value::Array(rows).to_string();
    let inserted = match conn {
        Connection::Postgres(conn) => {
            let statement = statement(table, columns, in_postgres, "json_array_elements($1::json)");
            diesel::sql_query(statement)
                .bind::<Text, _>(rows)
                .execute(conn)?
        }
        Connection::Sqlite(conn) => {
            let statement = statement(table, columns, in_sqlite, "json_each(?)");
            diesel::sql_query(statement)
                .bind::<Text, _>(rows)
                .execute(conn)?
        }
    };
    if inserted != expected {
        return Err(Error::Refused(format!(
            "{inserted} of {expected} rows for {table}"
        )));
    }
    Ok(())
}

/// The names in it are constants of the rooms that own the tables.
fn statement(
    table: &str,
    columns: &Columns,
    taken: fn(usize, Cell) -> String,
    source: &str,
) -> String {
    let names: Vec<&str> = columns.iter().map(|(name, _)| *name).collect();
    let values: Vec<String> = columns
        .iter()
        .enumerate()
        .map(|(at, (_, cell))| taken(at, *cell))
        .collect();
    format!(
        "insert into {table} ({}) select {} from {source} as r",
        names.join(", "),
        values.join(", ")
    )
}

fn in_postgres(at: usize, cell: Cell) -> String {
    match cell {
        Cell::Text => format!("r.value->>{at}"),
        Cell::Number => format!("(r.value->>{at})::bigint"),
        Cell::Truth => format!("(r.value->>{at})::boolean"),
        Cell::Uuid => format!("(r.value->>{at})::uuid"),
        Cell::Bytes => format!("decode(r.value->>{at}, 'hex')"),
        Cell::Instant => {
            format!("timestamptz 'epoch' + (r.value->>{at})::bigint * interval '1 microsecond'")
        }
        Cell::Document => format!("(r.value->{at})::jsonb"),
    }
}

fn in_sqlite(at: usize, cell: Cell) -> String {
    match cell {
        Cell::Text | Cell::Number | Cell::Truth | Cell::Instant => format!("r.value->>{at}"),
        Cell::Uuid | Cell::Bytes => format!("unhex(r.value->>{at})"),
        Cell::Document => format!("r.value->{at}"),
    }
}
