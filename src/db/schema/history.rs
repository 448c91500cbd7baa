//! Tables of the audit log and of revisions (`history`).

use diesel::{allow_tables_to_appear_in_same_query, table};

table! {
    use diesel::sql_types::{Nullable, Text};
    use crate::db::{Document, Instant, Uuid};

    /// Audit log: completed and refused actions (`history`).
    audit_events (id) {
        id -> Uuid,
        at -> Instant,
        actor -> Text,
        action -> Text,
        subject -> Nullable<Uuid>,
        client -> Nullable<Uuid>,
        passkey -> Nullable<Uuid>,
        address -> Nullable<Text>,
        user_agent -> Nullable<Text>,
        outcome -> Text,
        reason -> Nullable<Text>,
        details -> Document,
        by_user -> Nullable<Uuid>,
        by_client -> Nullable<Uuid>,
        operator -> Nullable<Text>,
    }
}

table! {
    use diesel::sql_types::{BigInt, Nullable, Text};
    use crate::db::{Document, Instant, Uuid};

    /// Every version of every versioned entity (`history`).
    revisions (entity, entity_id, version) {
        entity -> Text,
        entity_id -> Uuid,
        version -> BigInt,
        as_of -> Instant,
        by_user -> Nullable<Uuid>,
        by_client -> Nullable<Uuid>,
        data -> Document,
        chain_position -> Nullable<BigInt>,
    }
}

table! {
    use diesel::sql_types::{BigInt, Binary, Nullable};
    use crate::db::{Instant, Uuid};

    /// Hash chain over the audit log (`history`).
    audit_chain_entries (position) {
        position -> BigInt,
        event_id -> Uuid,
        salt -> Nullable<Binary>,
        address_hash -> Binary,
        user_agent_hash -> Binary,
        details_hash -> Binary,
        mac -> Binary,
        sealed_at -> Instant,
        layout -> BigInt,
        revisions -> BigInt,
        revisions_hash -> Nullable<Binary>,
    }
}

table! {
    use diesel::sql_types::{BigInt, Binary, Nullable};
    use crate::db::{Instant, Uuid};

    /// State of the sealer: its lease, and the end of the chain (`history`).
    audit_chain_state (id) {
        id -> BigInt,
        sealed_key -> Nullable<Binary>,
        position -> BigInt,
        mac -> Binary,
        newest_at -> Nullable<Instant>,
        holder -> Nullable<Uuid>,
        leased_until -> Nullable<Instant>,
    }
}

allow_tables_to_appear_in_same_query!(audit_events, audit_chain_entries);
