//! Tables of the audit log and of revisions (`history`).

use diesel::{allow_tables_to_appear_in_same_query, table};

table! {
    use crate::db::columns::{Document, Instant, Nullable, Text, Uuid};

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
    use crate::db::columns::{BigInt, Document, Instant, Nullable, Text, Uuid};

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
    use crate::db::columns::{BigInt, Binary, Instant, Nullable, Uuid};

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
    use crate::db::columns::{BigInt, Binary, Instant, Nullable, Uuid};

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
