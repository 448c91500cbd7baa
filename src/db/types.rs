//! SQL types that the databases represent differently, and their conversions from and to Rust types.
//!
//! | here | PostgreSQL | SQLite |
//! |---|---|---|
//! | [`Uuid`] | `uuid` | `blob` of 16 bytes |
//! | [`Instant`] | `timestamptz` | `integer`, microseconds since 1970 |
//! | [`Document`] | `jsonb` | `text` |

use std::fmt::Debug;
use std::io::Write;

use diesel::backend::Backend;
use diesel::deserialize::{self, FromSql, FromSqlRow};
use diesel::expression::AsExpression;
use diesel::pg::{Pg, PgValue};
use diesel::query_builder::QueryId;
use diesel::serialize::{self, IsNull, Output, ToSql};
use diesel::sql_types::{BigInt, Binary, HasSqlType, SqlOrd, SqlType, Text};
use diesel::sqlite::Sqlite;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::connection::MultiBackend;
use crate::base::clock::Timestamp;
use crate::base::ids::Id;

/// A UUID column.
#[derive(Debug, Clone, Copy, SqlType, QueryId)]
#[diesel(
    postgres_type(oid = 2950, array_oid = 2951),
    sqlite_type(name = "Binary")
)]
pub struct Uuid;

/// A timestamp column.
#[derive(Debug, Clone, Copy, SqlType, QueryId)]
#[diesel(
    postgres_type(oid = 1184, array_oid = 1185),
    sqlite_type(name = "Long")
)]
pub struct Instant;

impl SqlOrd for Instant {}

/// A JSON column.
#[derive(Debug, Clone, Copy, SqlType, QueryId)]
#[diesel(
    postgres_type(oid = 3802, array_oid = 3807),
    sqlite_type(name = "Text")
)]
pub struct Document;

/// A serializable value in a [`Document`] column.
#[derive(Debug, Clone, PartialEq, AsExpression, FromSqlRow)]
#[diesel(sql_type = Document)]
pub struct Json<T: Debug + 'static>(pub T);

/// The content of a [`Document`] column, as stored.
#[derive(Debug, Clone, PartialEq, FromSqlRow)]
pub struct StoredJson {
    /// The parsed value; null if the text can't be parsed.
    pub value: serde_json::Value,
    /// Whether the text is what [`Json`] writes for this value. Other text may contain data that parsers here don't see: of a
    /// duplicate key, only the last value counts. PostgreSQL stores only the value, except for digits of a number beyond the
    /// precision of parsers.
    pub is_canonical: bool,
    /// The text, if it can't be parsed: it is not JSON, or nested deeper than the parser allows.
    pub raw: Option<String>,
}

impl StoredJson {
    fn raw(text: &str) -> Self {
        Self {
            value: serde_json::Value::Null,
            is_canonical: false,
            raw: Some(text.to_owned()),
        }
    }
}

impl Serialize for StoredJson {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.value.serialize(serializer)
    }
}

impl From<Json<serde_json::Value>> for serde_json::Value {
    fn from(json: Json<Self>) -> Self {
        json.0
    }
}

// Diesel derives `AsExpression` and `Queryable` only where the type is declared, but `Id` and `Timestamp` are declared in
// `base`, which doesn't depend on SQL.
mod expressions {
    use diesel::expression::AsExpression;
    use diesel::internal::derives::as_expression::Bound;
    use diesel::sql_types::Nullable;

    use diesel::Queryable;
    use diesel::backend::Backend;
    use diesel::deserialize::{self, FromSql};
    use diesel::serialize::{self, Output, ToSql};

    use super::{Id, Instant, Timestamp, Uuid};

    macro_rules! stored_as {
        ($sql:ty, $rust:ty $(, $label:ident)?) => {
            impl<DB: Backend $(, $label: 'static)?> ToSql<Nullable<$sql>, DB> for $rust
            where
                $rust: ToSql<$sql, DB>,
            {
                fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, DB>) -> serialize::Result {
                    ToSql::<$sql, DB>::to_sql(self, out)
                }
            }
            impl<$($label: 'static)?> AsExpression<$sql> for $rust {
                type Expression = Bound<$sql, Self>;
                fn as_expression(self) -> Self::Expression { Bound::new(self) }
            }
            impl<$($label: 'static)?> AsExpression<Nullable<$sql>> for $rust {
                type Expression = Bound<Nullable<$sql>, Self>;
                fn as_expression(self) -> Self::Expression { Bound::new(self) }
            }
            impl<'a $(, $label: 'static)?> AsExpression<$sql> for &'a $rust {
                type Expression = Bound<$sql, Self>;
                fn as_expression(self) -> Self::Expression { Bound::new(self) }
            }
            impl<'a $(, $label: 'static)?> AsExpression<Nullable<$sql>> for &'a $rust {
                type Expression = Bound<Nullable<$sql>, Self>;
                fn as_expression(self) -> Self::Expression { Bound::new(self) }
            }
            impl<DB: Backend $(, $label: 'static)?> Queryable<$sql, DB> for $rust
            where
                $rust: FromSql<$sql, DB>,
            {
                type Row = Self;
                fn build(row: Self) -> deserialize::Result<Self> { Ok(row) }
            }
        };
    }

    stored_as!(Uuid, Id<T>, T);
    stored_as!(Instant, Timestamp);
}

macro_rules! on_both {
    ($sql:ty, $rust:ty $(, $label:ident: $($bound:path),*)?) => {
        impl<$($label: $($bound + Debug +)* 'static)?> FromSql<$sql, MultiBackend> for $rust
        where
            $rust: FromSql<$sql, Pg> + FromSql<$sql, Sqlite>,
        {
            fn from_sql(bytes: <MultiBackend as Backend>::RawValue<'_>) -> deserialize::Result<Self> {
                bytes.from_sql::<Self, $sql>()
            }
        }
    };
}

macro_rules! metadata_on_both {
    ($($sql:ident),+) => {
        $(impl HasSqlType<$sql> for MultiBackend {
            fn metadata(lookup: &mut Self::MetadataLookup) -> Self::TypeMetadata {
                Self::lookup_sql_type::<$sql>(lookup)
            }
        })+
    };
}

metadata_on_both!(Uuid, Instant, Document);
on_both!(Uuid, Id<T>, T:);
on_both!(Instant, Timestamp);
on_both!(Document, Json<T>, T: DeserializeOwned);
on_both!(Document, StoredJson);

impl<T: Copy + 'static> ToSql<Uuid, MultiBackend> for Id<T> {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, MultiBackend>) -> serialize::Result {
        out.set_value((Uuid, self));
        Ok(IsNull::No)
    }
}

impl ToSql<Instant, MultiBackend> for Timestamp {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, MultiBackend>) -> serialize::Result {
        out.set_value((Instant, self));
        Ok(IsNull::No)
    }
}

impl<T: Serialize + Debug + Send + Sync + 'static> ToSql<Document, MultiBackend> for Json<T> {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, MultiBackend>) -> serialize::Result {
        out.set_value((Document, self));
        Ok(IsNull::No)
    }
}

impl<T: 'static> FromSql<Uuid, Pg> for Id<T> {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        Ok(Self::from_uuid(uuid::Uuid::from_slice(value.as_bytes())?))
    }
}

impl<T: Copy + 'static> ToSql<Uuid, Pg> for Id<T> {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        out.write_all(self.uuid().as_bytes())?;
        Ok(IsNull::No)
    }
}

impl<T: 'static> FromSql<Uuid, Sqlite> for Id<T> {
    fn from_sql(value: <Sqlite as Backend>::RawValue<'_>) -> deserialize::Result<Self> {
        let bytes = <Vec<u8> as FromSql<Binary, Sqlite>>::from_sql(value)?;
        Ok(Self::from_uuid(uuid::Uuid::from_slice(&bytes)?))
    }
}

impl<T: Copy + 'static> ToSql<Uuid, Sqlite> for Id<T> {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
        out.set_value(self.uuid().as_bytes().to_vec());
        Ok(IsNull::No)
    }
}

/// Microseconds from 1970-01-01 to 2000-01-01, PostgreSQL's epoch.
const POSTGRES_EPOCH: i64 = 946_684_800_000_000;

impl FromSql<Instant, Pg> for Timestamp {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        let micros = <i64 as FromSql<BigInt, Pg>>::from_sql(value)?;
        Ok(Self::from_micros(micros.saturating_add(POSTGRES_EPOCH)))
    }
}

impl ToSql<Instant, Pg> for Timestamp {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        let micros = self.as_micros().saturating_sub(POSTGRES_EPOCH);
        out.write_all(&micros.to_be_bytes())?;
        Ok(IsNull::No)
    }
}

impl FromSql<Instant, Sqlite> for Timestamp {
    fn from_sql(value: <Sqlite as Backend>::RawValue<'_>) -> deserialize::Result<Self> {
        <i64 as FromSql<BigInt, Sqlite>>::from_sql(value).map(Self::from_micros)
    }
}

impl ToSql<Instant, Sqlite> for Timestamp {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
        out.set_value(self.as_micros());
        Ok(IsNull::No)
    }
}

/// Version byte that PostgreSQL sends before the text of a `jsonb`.
const JSONB_VERSION: u8 = 1;

fn json_text<'v>(value: &'v PgValue<'_>) -> deserialize::Result<&'v [u8]> {
    match value.as_bytes().split_first() {
        Some((&JSONB_VERSION, json)) => Ok(json),
        _ => Err("a jsonb of an unknown version".into()),
    }
}

impl<T: DeserializeOwned + Debug + 'static> FromSql<Document, Pg> for Json<T> {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        Ok(Self(serde_json::from_slice(json_text(&value)?)?))
    }
}

impl FromSql<Document, Pg> for StoredJson {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        let json = json_text(&value)?;
        Ok(match serde_json::from_slice(json) {
            Ok(value) => Self {
                value,
                is_canonical: true,
                raw: None,
            },
            Err(_) => Self::raw(&String::from_utf8_lossy(json)),
        })
    }
}

impl<T: Serialize + Debug + 'static> ToSql<Document, Pg> for Json<T> {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        out.write_all(&[JSONB_VERSION])?;
        serde_json::to_writer(out, &self.0)?;
        Ok(IsNull::No)
    }
}

impl<T: DeserializeOwned + Debug + 'static> FromSql<Document, Sqlite> for Json<T> {
    fn from_sql(value: <Sqlite as Backend>::RawValue<'_>) -> deserialize::Result<Self> {
        let text = <String as FromSql<Text, Sqlite>>::from_sql(value)?;
        Ok(Self(serde_json::from_str(&text)?))
    }
}

impl FromSql<Document, Sqlite> for StoredJson {
    fn from_sql(value: <Sqlite as Backend>::RawValue<'_>) -> deserialize::Result<Self> {
        let text = <String as FromSql<Text, Sqlite>>::from_sql(value)?;
        let Ok(value) = serde_json::from_str::<serde_json::Value>(&text) else {
            return Ok(Self::raw(&text));
        };
        let is_canonical = serde_json::to_string(&value)? == text;
        Ok(Self {
            value,
            is_canonical,
            raw: None,
        })
    }
}

impl<T: Serialize + Debug + 'static> ToSql<Document, Sqlite> for Json<T> {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
        out.set_value(serde_json::to_string(&self.0)?);
        Ok(IsNull::No)
    }
}

impl From<Json<Vec<String>>> for Vec<String> {
    fn from(stored: Json<Vec<String>>) -> Self {
        stored.0
    }
}
