//! The few places where the two databases speak differently, once each.

use diesel::dsl::sql;
use diesel::expression::{SqlLiteral, UncheckedBind};
use diesel::internal::derives::as_expression::Bound;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{Bool, Text};
use diesel::{QueryResult, RunQueryDsl};

use super::Connection;
use super::connection::MultiBackend;
use super::{Instant, Result};
use crate::base::clock::{Clock, Timestamp};

/// Inserts several rows into a table with one statement; evaluates to the number of rows or Diesel's error. A connection of
/// either database can do that, [`Connection`] can't.
macro_rules! insert_rows {
    ($conn:expr, $table:expr, $rows:expr) => {
        match $conn {
            $crate::db::Connection::Postgres(conn) => {
                diesel::insert_into($table).values($rows).execute(conn)
            }
            $crate::db::Connection::Sqlite(conn) => {
                diesel::insert_into($table).values($rows).execute(conn)
            }
        }
    };
}
pub(crate) use insert_rows;

/// Declares a wrapper that adds a locking clause where rows are locked one by one. SQLite's writer has the whole file already.
macro_rules! row_lock {
    ($(#[doc = $doc:literal])+ $name:ident, $clause:literal) => {
        $(#[doc = $doc])+
        #[derive(Debug, Clone, Copy)]
        pub struct $name<Q>(pub Q);

        impl<Q: QueryFragment<MultiBackend>> QueryFragment<MultiBackend> for $name<Q> {
            fn walk_ast<'b>(&'b self, mut pass: AstPass<'_, 'b, MultiBackend>) -> QueryResult<()> {
                self.0.walk_ast(pass.reborrow())?;
                if matches!(pass.backend(), MultiBackend::Postgres(_)) {
                    pass.push_sql($clause);
                }
                Ok(())
            }
        }

        impl<Q: Query> Query for $name<Q> {
            type SqlType = Q::SqlType;
        }

        impl<Q: QueryId> QueryId for $name<Q> {
            type QueryId = $name<Q::QueryId>;
            const HAS_STATIC_QUERY_ID: bool = Q::HAS_STATIC_QUERY_ID;
        }

        impl<Q> RunQueryDsl<Connection> for $name<Q> {}
    };
}

row_lock! {
    /// Adds `FOR UPDATE`: no other transaction locks or changes the rows until this one ends.
    ForUpdate, " FOR UPDATE"
}
row_lock! {
    /// Adds `FOR NO KEY UPDATE`: as [`ForUpdate`], except that rows which refer to these by a foreign key may be inserted.
    ForNoKeyUpdate, " FOR NO KEY UPDATE"
}
row_lock! {
    /// Adds `FOR SHARE`: the rows stay as they are until the transaction ends, and others may share the lock.
    ForShare, " FOR SHARE"
}

/// Waits for a lock of ours, held until the transaction ends, for a rule over rows that may not be there yet. SQLite's one
/// writer has no need of it.
///
/// # Errors
/// When the database is away, or the lock is not free in time.
pub fn lock_for_transaction(conn: &mut Connection, number: i64) -> Result<()> {
    if let Connection::Postgres(conn) = conn {
        diesel::sql_query("select pg_advisory_xact_lock($1)")
            .bind::<diesel::sql_types::BigInt, _>(number)
            .execute(conn)?;
    }
    Ok(())
}

/// Whether a [`super::Document`] column that holds a list of texts has this one in it.
pub type HoldsText = SqlLiteral<Bool, UncheckedBind<SqlLiteral<Bool>, Bound<Text, String>>>;

/// [`HoldsText`] for a column, written as SQL writes it: `"table"."column"`.
pub fn holds_text(conn: &Connection, column: &str, text: String) -> HoldsText {
    let (before, after) = match conn {
        Connection::Postgres(_) => (format!("jsonb_exists({column}, "), ")"),
        Connection::Sqlite(_) => (
            format!("exists (select 1 from json_each({column}) where value = "),
            ")",
        ),
    };
    sql::<Bool>(&before).bind::<Text, _>(text).sql(after)
}

/// The database's clock at this very moment (not at the beginning of the transaction).
pub(super) fn now(conn: &mut Connection, clock: &Clock) -> Result<Timestamp> {
    match conn {
        Connection::Postgres(conn) => {
            let at = diesel::select(diesel::dsl::sql::<Instant>("clock_timestamp()"))
                .get_result::<Timestamp>(conn)?;
            Ok(at)
        }
        Connection::Sqlite(_) => Ok(clock.now()),
    }
}
