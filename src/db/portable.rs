//! SQL that differs between the two databases.

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

/// Inserts several rows into a table with one statement; evaluates to the number of rows or Diesel's error. Diesel supports this
/// for each database's connection type, but not for [`Connection`].
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

/// Declares a wrapper that adds a locking clause on PostgreSQL. SQLite needs none, because a writer locks the whole file.
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
    /// Adds `FOR UPDATE`: no other transaction can lock or change the rows until this one ends.
    ForUpdate, " FOR UPDATE"
}
row_lock! {
    /// Adds `FOR NO KEY UPDATE`: like [`ForUpdate`], but rows that refer to these by a foreign key may be inserted.
    ForNoKeyUpdate, " FOR NO KEY UPDATE"
}
row_lock! {
    /// Adds `FOR SHARE`: the rows can't change until the transaction ends, and other transactions may share the lock.
    ForShare, " FOR SHARE"
}

/// Acquires an advisory lock until the transaction ends, for rules about rows that may not exist yet. Not needed with SQLite,
/// which has a single writer.
pub fn lock_for_transaction(conn: &mut Connection, number: i64) -> Result<()> {
    if let Connection::Postgres(conn) = conn {
        diesel::sql_query("select pg_advisory_xact_lock($1)")
            .bind::<diesel::sql_types::BigInt, _>(number)
            .execute(conn)?;
    }
    Ok(())
}

/// Condition: a [`super::Document`] column with a list of texts contains the given text.
pub type ContainsText = SqlLiteral<Bool, UncheckedBind<SqlLiteral<Bool>, Bound<Text, String>>>;

/// Builds [`ContainsText`] for a column, given as in SQL: `"table"."column"`.
pub fn contains_text(conn: &Connection, column: &str, text: String) -> ContainsText {
    let (before, after) = match conn {
        Connection::Postgres(_) => (format!("jsonb_exists({column}, "), ")"),
        Connection::Sqlite(_) => (
            format!("exists (select 1 from json_each({column}) where value = "),
            ")",
        ),
    };
    sql::<Bool>(&before).bind::<Text, _>(text).sql(after)
}

/// Returns the database's current time (not the start of the transaction).
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
