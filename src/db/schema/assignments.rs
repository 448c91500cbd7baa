//! Tables of role assignments on resources, and of resources (`access`).

use diesel::{allow_tables_to_appear_in_same_query, table};

table! {
    use crate::db::columns::{BigInt, Document, Instant, Nullable, Text, Uuid};

    /// Role assignments: roles of users on single resources (`access`).
    role_assignments (id) {
        id -> Uuid,
        user_id -> Uuid,
        resource_type -> Text,
        resource_id -> Text,
        roles -> Document,
        title -> Nullable<Text>,
        description -> Nullable<Text>,
        valid_until -> Nullable<Instant>,
        created_at -> Instant,
        version -> BigInt,
        as_of -> Instant,
        by_user -> Nullable<Uuid>,
        by_client -> Nullable<Uuid>,
    }
}

table! {
    use crate::db::columns::{BigInt, Document, Instant, Nullable, Text, Uuid};

    /// Registered resources and their attributes (`access`).
    resources (resource_type, resource_id) {
        resource_type -> Text,
        resource_id -> Text,
        title -> Nullable<Text>,
        description -> Nullable<Text>,
        attributes -> Document,
        created_at -> Instant,
        deleted_at -> Nullable<Instant>,
        changed_at -> Instant,
        version -> BigInt,
        as_of -> Instant,
        by_user -> Nullable<Uuid>,
        by_client -> Nullable<Uuid>,
    }
}

allow_tables_to_appear_in_same_query!(role_assignments, resources);
