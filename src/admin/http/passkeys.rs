//! `/v1/users/{user}/passkeys`: lists and revokes the passkeys of a user.

use actix_web::{HttpResponse, web};
use serde::Serialize;
use utoipa::ToSchema;

use super::AuditReason;
use super::history::{AsOf, ItemsCurrentOrAsOf, answer_past_passkeys};
use crate::admin::commands::Commands;
use crate::base::ids::PasskeyId;
use crate::clients::Scope;
use crate::passkeys::{PasskeyFilter, PasskeyView};
use crate::web::{Answer, Items, Problem};

/// Lists the passkeys of a user, including revoked ones.
#[utoipa::path(
    get, path = "/v1/users/{user}/passkeys", tag = "passkeys",
    params(("user" = String, Path, description = "ID or username"), AsOf),
    responses(
        (status = 200, description = "The user's passkeys; with `as_of`, their state at that time", body = ItemsCurrentOrAsOf<PasskeyView>),
        (status = 400, description = "`as_of` is not a time, or in the future"),
        (status = 403, description = "The caller may not read this"),
        (status = 404, description = "No user has this ID or name"),
    )
)]
pub async fn list_passkeys(
    commands: Commands,
    name: web::Path<String>,
    query: web::Query<AsOf>,
) -> Answer {
    let user = commands.readable_user(&name, Scope::PasskeysRead).await?;
    if let Some(at) = query.parse()? {
        return answer_past_passkeys(&commands, user, at).await;
    }
    let found = commands.passkeys.list(user, PasskeyFilter::All).await?;
    let items: Vec<PasskeyView> = found.into_iter().map(PasskeyView::from).collect();
    Ok(HttpResponse::Ok().json(Items { items }))
}

/// The result of revoking a passkey.
#[derive(Debug, Serialize, ToSchema)]
pub struct PasskeyRevoked {
    #[serde(rename = "revoked")]
    #[schema(value_type = uuid::Uuid)]
    passkey: PasskeyId,
    sessions_ended: usize,
}

/// Revokes a passkey. All sessions that depend on it end immediately.
#[utoipa::path(
    delete, path = "/v1/users/{user}/passkeys/{passkey}", tag = "passkeys",
    params(
        ("user" = String, Path, description = "ID or username"),
        ("passkey" = uuid::Uuid, Path, description = "ID of the passkey"),
        AuditReason,
    ),
    responses(
        (status = 200, description = "The passkey was revoked", body = PasskeyRevoked),
        (status = 403, description = "Needs an administrator, a user who manages the user, or `passkeys:revoke`"),
        (status = 404, description = "No such user or passkey"),
        (status = 409, description = "The last passkey of the only administrator can't be revoked"),
    )
)]
pub async fn revoke_passkey(
    commands: Commands,
    path: web::Path<(String, String)>,
    reason: web::Query<AuditReason>,
) -> Answer {
    let (user, permit) = commands
        .user_to_change(&path.0, Scope::PasskeysRevoke)
        .await?;
    let id = PasskeyId::parse(&path.1).ok_or_else(Problem::not_found)?;
    let reason = reason.parse()?;
    let revoked = commands.revoke_passkey(user, id, reason, permit).await?;
    Ok(HttpResponse::Ok().json(PasskeyRevoked {
        passkey: id,
        sessions_ended: revoked.sessions,
    }))
}
