//! Tables of both databases. Each belongs to one module's `queries.rs`; a test compares the schemas of the two databases.

mod assignments;
mod history;

use diesel::{allow_tables_to_appear_in_same_query, table};

pub use assignments::*;
pub use history::*;

table! {
    use crate::db::columns::{BigInt, Binary, Instant, Nullable, Text, Uuid};

    /// Installation state, in a single row (`users`).
    setup (id) {
        id -> BigInt,
        key_check -> Binary,
        rp_id -> Text,
        token_hash -> Nullable<Binary>,
        expires_at -> Nullable<Instant>,
        completed_at -> Nullable<Instant>,
        user_id -> Nullable<Uuid>,
    }
}

table! {
    use crate::db::columns::{BigInt, Document, Instant, Nullable, Text, Uuid};

    /// Users (`users`).
    users (id) {
        id -> Uuid,
        username -> Text,
        email -> Nullable<Text>,
        email_state -> Text,
        email_verified_at -> Nullable<Instant>,
        email_verified_by -> Nullable<Uuid>,
        display_name -> Text,
        status -> Text,
        attributes -> Document,
        created_at -> Instant,
        version -> BigInt,
        as_of -> Instant,
        by_user -> Nullable<Uuid>,
        by_client -> Nullable<Uuid>,
        sort_name -> Nullable<Text>,
        search_text -> Nullable<Text>,
    }
}

table! {
    use crate::db::columns::{Instant, Nullable, Text, Uuid};

    /// Every current and former username that was not released (`users`).
    usernames (username) {
        username -> Text,
        user_id -> Uuid,
        renamed_at -> Nullable<Instant>,
        used_at -> Nullable<Instant>,
    }
}

table! {
    use crate::db::columns::{BigInt, Document, Instant, Nullable, Text, Uuid};

    /// Registered global roles (`users`).
    roles (name) {
        name -> Text,
        description -> Text,
        version -> BigInt,
        as_of -> Instant,
        by_user -> Nullable<Uuid>,
        by_client -> Nullable<Uuid>,
        manages_roles -> Document,
        manages_assignments_on -> Document,
        deleted_at -> Nullable<Instant>,
    }
}

table! {
    use crate::db::columns::{Text, Uuid};

    /// Global roles of users (`users`).
    user_roles (user_id, role) {
        user_id -> Uuid,
        role -> Text,
    }
}

table! {
    use crate::db::columns::{BigInt, Binary, Bool, Document, Instant, Nullable, Text, Uuid};

    /// Passkeys, including revoked ones (`passkeys`).
    passkeys (id) {
        id -> Uuid,
        user_id -> Uuid,
        credential_id -> Binary,
        credential -> Document,
        name -> Text,
        aaguid -> Uuid,
        transports -> Document,
        sign_count -> BigInt,
        backup_eligible -> Bool,
        backup_state -> Bool,
        enrolled_session -> Nullable<Uuid>,
        enrolled_passkey -> Nullable<Uuid>,
        created_at -> Instant,
        last_used_at -> Nullable<Instant>,
        revoked_at -> Nullable<Instant>,
        revoked_reason -> Nullable<Text>,
        version -> BigInt,
        as_of -> Instant,
        by_user -> Nullable<Uuid>,
        by_client -> Nullable<Uuid>,
    }
}

table! {
    use crate::db::columns::{Binary, Instant};

    /// Used ceremonies, until they would have expired (`passkeys`).
    used_tokens (token_hash) {
        token_hash -> Binary,
        expires_at -> Instant,
    }
}

table! {
    use crate::db::columns::{BigInt, Document, Instant, Nullable, Text, Uuid};

    /// Sessions, active and ended (`sessions`).
    sessions (id) {
        id -> Uuid,
        user_id -> Uuid,
        passkeys -> Document,
        epoch -> BigInt,
        auth_time -> Instant,
        acr -> Text,
        amr -> Document,
        address -> Nullable<Text>,
        user_agent -> Nullable<Text>,
        created_at -> Instant,
        absolute_end -> Instant,
        ended_at -> Nullable<Instant>,
        end_reason -> Nullable<Text>,
        listed_until -> Nullable<Instant>,
    }
}

table! {
    use crate::db::columns::{BigInt, Instant, Uuid};

    /// Version counter and session epoch of each user (`account_state`).
    account_states (user_id) {
        user_id -> Uuid,
        version -> BigInt,
        session_epoch -> BigInt,
        changed_at -> Instant,
    }
}

table! {
    use crate::db::columns::{BigInt, Document, Uuid};

    /// View that builds the account state record of each user in one snapshot (`account_state`).
    account_state_records (user_id) {
        user_id -> Uuid,
        version -> BigInt,
        record -> Document,
    }
}

table! {
    use crate::db::columns::{BigInt, Binary, Bool, Document, Instant, Nullable, Text, Uuid};

    /// Registered apps and services (`clients`).
    clients (id) {
        id -> Uuid,
        name -> Text,
        secret_hash -> Nullable<Binary>,
        scopes -> Document,
        metadata -> Document,
        enabled -> Bool,
        deleted_at -> Nullable<Instant>,
        token_epoch -> BigInt,
        user_authorizations_epoch -> BigInt,
        revoked_tokens -> Document,
        state_version -> BigInt,
        changed_at -> Instant,
        created_at -> Instant,
        version -> BigInt,
        as_of -> Instant,
        by_user -> Nullable<Uuid>,
        by_client -> Nullable<Uuid>,
        registered_by_client -> Nullable<Uuid>,
        consent_epoch -> BigInt,
        permissions_epoch -> BigInt,
    }
}

table! {
    use crate::db::columns::{Text, Uuid};

    /// Audiences of clients that are resource servers (`clients`).
    client_audiences (audience, client_id) {
        audience -> Text,
        client_id -> Uuid,
    }
}

table! {
    use crate::db::columns::{Text, Uuid};

    /// Web origins of registered redirect URIs (`clients`).
    client_origins (origin, client_id) {
        origin -> Text,
        client_id -> Uuid,
    }
}

table! {
    use crate::db::columns::{BigInt, Binary, Bool, Document, Instant, Nullable, Text, Uuid};

    /// Authorizations: access that users granted to clients (`tokens`).
    authorizations (id) {
        id -> Uuid,
        user_id -> Uuid,
        client_id -> Uuid,
        session_id -> Uuid,
        sid -> Uuid,
        epoch -> BigInt,
        client_epoch -> BigInt,
        passkeys -> Document,
        scopes -> Document,
        resources -> Document,
        claims -> Document,
        offline -> Bool,
        nonce -> Nullable<Text>,
        auth_time -> Instant,
        acr -> Text,
        amr -> Document,
        redirect_uri -> Text,
        code_hash -> Binary,
        code_challenge -> Nullable<Text>,
        code_expires_at -> Instant,
        code_used_at -> Nullable<Instant>,
        created_at -> Instant,
        session_end -> Instant,
        retain_until -> Instant,
        revoked_at -> Nullable<Instant>,
        revoked_reason -> Nullable<Text>,
        notified_at -> Nullable<Instant>,
    }
}

table! {
    use crate::db::columns::{BigInt, Instant, Uuid};

    /// Refresh token families, one row per chain of rotated tokens (`tokens`).
    refresh_families (id) {
        id -> Uuid,
        authorization_id -> Uuid,
        generation -> BigInt,
        rotated_at -> Instant,
        expires_at -> Instant,
        created_at -> Instant,
    }
}

table! {
    use crate::db::columns::{BigInt, Document, Instant, Uuid};

    /// Consents of users to clients, until they are withdrawn (`clients`).
    consents (user_id, client_id) {
        user_id -> Uuid,
        client_id -> Uuid,
        scopes -> Document,
        created_at -> Instant,
        updated_at -> Instant,
        client_epoch -> BigInt,
        resources -> Document,
    }
}

table! {
    use crate::db::columns::{BigInt, Binary, Document, Instant, Nullable, Text, Uuid};

    /// Keys that sign tokens; private keys are sealed (`tokens`).
    signing_keys (id) {
        id -> Uuid,
        algorithm -> Text,
        generation -> BigInt,
        public -> Document,
        sealed -> Binary,
        published_at -> Instant,
        signs_from -> Instant,
        retires_at -> Nullable<Instant>,
        compromised_at -> Nullable<Instant>,
        created_at -> Instant,
        version -> BigInt,
        as_of -> Instant,
        by_user -> Nullable<Uuid>,
        by_client -> Nullable<Uuid>,
    }
}

table! {
    use crate::db::columns::{BigInt, Document, Instant, Nullable, Text, Uuid};

    /// Work to be delivered after the commit of its transaction (`outbox`).
    outbox (id) {
        id -> Uuid,
        kind -> Text,
        queue -> Text,
        payload -> Document,
        created_at -> Instant,
        due_at -> Instant,
        attempts -> BigInt,
        leased_until -> Nullable<Instant>,
    }
}

table! {
    use crate::db::columns::{BigInt, Binary, Bool, Document, Instant, Nullable, Text, Uuid};

    /// Invitation and recovery links, which are single-use (`users`).
    invitations (id) {
        id -> Uuid,
        token_hash -> Binary,
        purpose -> Text,
        user_id -> Nullable<Uuid>,
        email -> Nullable<Text>,
        display_name -> Nullable<Text>,
        roles -> Document,
        by_session -> Nullable<Uuid>,
        created_at -> Instant,
        expires_at -> Instant,
        voided_at -> Nullable<Instant>,
        used_at -> Nullable<Instant>,
        used_by -> Nullable<Uuid>,
        by_user -> Nullable<Uuid>,
        by_client -> Nullable<Uuid>,
        user_epoch -> Nullable<BigInt>,
        client_epoch -> Nullable<BigInt>,
        email_confirmed -> Bool,
        creator_session -> Nullable<Uuid>,
        creator_authorization -> Nullable<Uuid>,
        creator_token -> Nullable<Uuid>,
    }
}

diesel::joinable!(user_roles -> users (user_id));
diesel::joinable!(client_audiences -> clients (client_id));
diesel::joinable!(client_origins -> clients (client_id));
diesel::joinable!(consents -> clients (client_id));
diesel::joinable!(refresh_families -> authorizations (authorization_id));
allow_tables_to_appear_in_same_query!(users, user_roles);
allow_tables_to_appear_in_same_query!(users, usernames);
allow_tables_to_appear_in_same_query!(clients, client_audiences);
allow_tables_to_appear_in_same_query!(clients, client_origins);
allow_tables_to_appear_in_same_query!(clients, consents);
allow_tables_to_appear_in_same_query!(authorizations, refresh_families);
allow_tables_to_appear_in_same_query!(role_assignments, account_states);
