//! `/v1/users/{user}/passkeys`.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;
use utoipa::ToSchema;

use super::history::{AsOf, ItemsNowOrThen, answer_past_passkeys};
use super::{Reason, authority, find_changeable, find_readable};
use crate::base::ids::PasskeyId;
use crate::clients::Scope;
use crate::db::Database;
use crate::passkeys::{PasskeyView, Passkeys, Right};
use crate::sessions::Caller;
use crate::users::Users;
use crate::web::{Answer, Items, Problem, only};

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .service(
            web::resource("/v1/users/{user}/passkeys")
                .route(web::get().to(list_passkeys))
                .default_service(only("GET")),
        )
        .service(
            web::resource("/v1/users/{user}/passkeys/{passkey}")
                .route(web::delete().to(revoke_passkey))
                .default_service(only("DELETE")),
        );
}

/// The passkeys of a person, revoked ones included.
#[utoipa::path(
    get, path = "/v1/users/{user}/passkeys", tag = "passkeys",
    params(("user" = String, Path, description = "Id or username"), AsOf),
    responses(
        (status = 200, description = "Their passkeys; with `as_of`, as they stood", body = ItemsNowOrThen<PasskeyView>),
        (status = 400, description = "`as_of` is no instant, or in the future"),
    )
)]
pub async fn list_passkeys(
    caller: Caller,
    users: web::Data<Users>,
    passkeys: web::Data<Passkeys>,
    database: web::Data<Database>,
    name: web::Path<String>,
    query: web::Query<AsOf>,
) -> Answer {
    let user = find_readable(&caller, &users, &name, Scope::PasskeysRead).await?;
    if let Some(at) = query.parse()? {
        let stores = (&**database, &**passkeys);
        return answer_past_passkeys(&caller, &users, stores, user, at).await;
    }
    let found = passkeys.list(user, true).await?;
    let items: Vec<PasskeyView> = found.into_iter().map(PasskeyView::from).collect();
    Ok(HttpResponse::Ok().json(Items { items }))
}

/// What a revocation cut.
#[derive(Debug, Serialize, ToSchema)]
pub struct PasskeyRevoked {
    #[schema(value_type = uuid::Uuid)]
    revoked: PasskeyId,
    sessions_ended: usize,
}

/// Revokes a passkey; every session that rests on it ends at once, everywhere.
#[utoipa::path(
    delete, path = "/v1/users/{user}/passkeys/{passkey}", tag = "passkeys",
    params(
        ("user" = String, Path, description = "Id or username"),
        ("passkey" = uuid::Uuid, Path, description = "The passkey's id"),
        Reason,
    ),
    responses(
        (status = 200, body = PasskeyRevoked),
        (status = 409, description = "The last passkey of the last administrator stays"),
    )
)]
pub async fn revoke_passkey(
    request: HttpRequest,
    caller: Caller,
    users: web::Data<Users>,
    passkeys: web::Data<Passkeys>,
    path: web::Path<(String, String)>,
    reason: web::Query<Reason>,
) -> Answer {
    let (name, id) = path.into_inner();
    let user = find_changeable(&caller, &users, &name, Scope::PasskeysRevoke).await?;
    let id = PasskeyId::parse(&id).ok_or_else(Problem::not_found)?;
    let reason = reason.into_inner().parse()?;
    // An administrator who removes a passkey of their own here is held to the rule for one's own.
    let is_own = caller.person().is_some_and(|person| person.user_id == user);
    let right = if is_own {
        Right::Own
    } else {
        Right::Over(authority(&caller))
    };
    let revoked = passkeys
        .revoke(
            user,
            id,
            reason,
            right,
            caller.acting(&request, Scope::PasskeysRevoke),
        )
        .await?;
    Ok(HttpResponse::Ok().json(PasskeyRevoked {
        revoked: id,
        sessions_ended: revoked.sessions,
    }))
}
