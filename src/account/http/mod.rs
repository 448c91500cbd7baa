//! `/v1/me/…`: the JSON API for a user's own account.

pub mod apps;

use actix_session::Session;
use actix_web::{HttpRequest, HttpResponse, web};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::base::ids::{PasskeyId, SessionId, UserId};
use crate::clients::Permission;
use crate::passkeys::{PasskeyFilter, PasskeyView, Passkeys, RevocationResult, RevokeAs};
use crate::sessions::{Cookies, SessionView, Sessions, SignedIn, sign_out};
use crate::users::http::answer_user;
use crate::users::{DisplayName, Email, InvitationLink, Permit, UserChange, UserView, Users};
use crate::web::{Answer, Items, JsonBody, Problem, SessionsEnded, field};

crate::web::routes! {
    "/v1/me/apps" => get apps::list_apps;
    "/v1/me/apps/{client}" => delete apps::withdraw_app;
    "/v1/me" => get read_me, patch update_me;
    "/v1/me/suspend" => post suspend_me;
    "/v1/me/passkeys" => get list_passkeys;
    "/v1/me/passkeys/{passkey}" => patch rename_passkey, delete revoke_passkey;
    "/v1/me/device-links" => post create_device_link;
    "/v1/me/sessions" => get list_sessions, delete end_other_sessions;
    "/v1/me/sessions/{session}" => delete end_session;
}

/// Returns the signed-in user.
#[utoipa::path(
    get, path = "/v1/me", tag = "account", security(("cookie" = [])),
    params(("If-None-Match" = Option<String>, Header, description = "The `ETag` of your copy")),
    responses(
        (status = 200, description = "The user", body = UserView, headers(("ETag" = String, description = "The version"))),
        (status = 304, description = "Unchanged since `If-None-Match`"),
    )
)]
pub async fn read_me(request: HttpRequest, signed_in: SignedIn, users: web::Data<Users>) -> Answer {
    let user = users.find(&signed_in.session.user.to_string()).await?;
    answer_user(&request, user)
}

/// Changes to the signed-in user's account. Omitted members are unchanged.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateMe {
    /// New display name.
    display_name: Option<String>,
    /// Email address; `null` removes it.
    #[serde(default, deserialize_with = "crate::web::explicit_null")]
    #[schema(value_type = Option<String>)]
    email: Option<Option<String>>,
}

/// Changes the signed-in user's display name or email address.
#[utoipa::path(
    patch, path = "/v1/me", tag = "account", security(("cookie" = [])), request_body = UpdateMe,
    params(("If-Match" = Option<String>, Header, description = "The `ETag` that you read")),
    responses(
        (status = 200, description = "The user", body = UserView, headers(("ETag" = String, description = "The version"))),
        (status = 412, description = "Changed since `If-Match`"),
    )
)]
pub async fn update_me(
    request: HttpRequest,
    signed_in: SignedIn,
    users: web::Data<Users>,
    body: JsonBody<UpdateMe>,
) -> Answer {
    let UpdateMe {
        display_name,
        email,
    } = body.0;
    let email = email.map(|email| field("email", email.as_deref(), Email::parse));
    let change = UserChange {
        display_name: field("display_name", display_name.as_deref(), DisplayName::parse)?,
        email: email.transpose()?,
        ..UserChange::default()
    };
    let user = signed_in.session.user;
    let acting = signed_in.acting(&request, Permission::OwnAccount);
    let expected = crate::web::if_match_version(&request)?;
    let updated = users.update(user, change, expected, Permit::own_account(acting));
    answer_user(&request, updated.await?)
}

/// Locks the signed-in user's account: all sessions end, and no passkey signs in, until an administrator reactivates it.
#[utoipa::path(
    post, path = "/v1/me/suspend", tag = "account", security(("cookie" = [])),
    responses(
        (status = 204, description = "Locked, and signed out everywhere"),
        (status = 409, description = "The only administrator can't be locked"),
    )
)]
pub async fn suspend_me(
    request: HttpRequest,
    session: Session,
    signed_in: SignedIn,
    users: web::Data<Users>,
    cookies: web::Data<Cookies>,
) -> Answer {
    let user = signed_in.session.user;
    let acting = signed_in.acting(&request, Permission::OwnAccount);
    let (reason, permit) = ("requested-by-user".into(), Permit::own_account(acting));
    users.suspend(user, Some(reason), permit).await?;
    let response = HttpResponse::NoContent().finish();
    Ok(sign_out(&session, &cookies, response))
}

/// Lists the signed-in user's passkeys.
#[utoipa::path(
    get, path = "/v1/me/passkeys", operation_id = "list_own_passkeys", tag = "account", security(("cookie" = [])),
    responses((status = 200, description = "The passkeys", body = Items<PasskeyView>))
)]
pub async fn list_passkeys(signed_in: SignedIn, passkeys: web::Data<Passkeys>) -> Answer {
    let found = passkeys
        .list(signed_in.session.user, PasskeyFilter::Valid)
        .await?;
    let items: Vec<PasskeyView> = found.into_iter().map(PasskeyView::from).collect();
    Ok(HttpResponse::Ok().json(Items { items }))
}

/// A passkey's new name.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Rename {
    name: String,
}

/// Renames a passkey.
#[utoipa::path(
    patch, path = "/v1/me/passkeys/{passkey}", tag = "account", security(("cookie" = [])), request_body = Rename,
    params(("passkey" = uuid::Uuid, Path, description = "ID of the passkey")),
    responses((status = 200, description = "The passkey", body = PasskeyView), (status = 404, description = "Not found in your account"))
)]
pub async fn rename_passkey(
    request: HttpRequest,
    signed_in: SignedIn,
    passkeys: web::Data<Passkeys>,
    id: web::Path<String>,
    body: JsonBody<Rename>,
) -> Answer {
    let id = PasskeyId::parse(&id).ok_or_else(Problem::not_found)?;
    let user = signed_in.session.user;
    let acting = signed_in.acting(&request, Permission::OwnAccount);
    let passkey = passkeys.rename(user, id, &body.0.name, acting).await?;
    Ok(HttpResponse::Ok().json(PasskeyView::from(passkey)))
}

/// The result of removing a passkey, and the data to signal to the browser's password manager.
#[derive(Debug, Serialize, ToSchema)]
pub struct RevokedPasskey {
    #[serde(rename = "revoked")]
    #[schema(value_type = uuid::Uuid)]
    passkey: PasskeyId,
    sessions_ended: usize,
    signal: Signal,
}

/// For `PublicKeyCredential.signalAllAcceptedCredentials` (WebAuthn Level 3 §5.1.10.3).
#[derive(Debug, Serialize, ToSchema)]
pub struct Signal {
    rp_id: String,
    user_id: String,
    all_accepted_credential_ids: Vec<String>,
}

/// Removes a passkey of the signed-in user. All sessions that depend on it end.
#[utoipa::path(
    delete, path = "/v1/me/passkeys/{passkey}", operation_id = "revoke_own_passkey", tag = "account", security(("cookie" = [])),
    params(("passkey" = uuid::Uuid, Path, description = "ID of the passkey")),
    responses(
        (status = 200, description = "The passkey was removed", body = RevokedPasskey),
        (status = 403, description = "Needs a recent sign-in"),
        (status = 404, description = "Not found in your account"),
        (status = 409, description = "The only passkey can't be removed"),
    )
)]
pub async fn revoke_passkey(
    request: HttpRequest,
    signed_in: SignedIn,
    passkeys: web::Data<Passkeys>,
    id: web::Path<String>,
) -> Answer {
    signed_in.require_fresh()?;
    let id = PasskeyId::parse(&id).ok_or_else(Problem::not_found)?;
    let user = signed_in.session.user;
    let acting = signed_in.acting(&request, Permission::OwnAccount);
    let reason = Some("requested-by-user".into());
    let revoked = passkeys.revoke(user, id, reason, RevokeAs::Owner, acting);
    let revoked = revoked.await?;
    Ok(HttpResponse::Ok().json(RevokedPasskey {
        passkey: id,
        sessions_ended: revoked.sessions,
        signal: signal(passkeys.rp_id(), user, &revoked),
    }))
}

/// The WebAuthn user handle of a user: the bytes of the user's ID, base64url.
pub(super) fn user_handle(user: UserId) -> String {
    URL_SAFE_NO_PAD.encode(user.uuid().as_bytes())
}

fn signal(rp_id: &str, user: UserId, revoked: &RevocationResult) -> Signal {
    Signal {
        rp_id: rp_id.to_owned(),
        user_id: user_handle(user),
        all_accepted_credential_ids: revoked
            .remaining
            .iter()
            .map(|id| URL_SAFE_NO_PAD.encode(id))
            .collect(),
    }
}

/// Creates a link to register a passkey on another device of the signed-in user. It can be used once, within 15 minutes.
#[utoipa::path(
    post, path = "/v1/me/device-links", tag = "account", security(("cookie" = [])),
    responses(
        (status = 201, description = "The link", body = InvitationLink),
        (status = 403, description = "Needs a recent sign-in"),
    )
)]
pub async fn create_device_link(
    request: HttpRequest,
    signed_in: SignedIn,
    users: web::Data<Users>,
) -> Answer {
    signed_in.require_fresh()?;
    let acting = signed_in.acting(&request, Permission::OwnAccount);
    let link = users.invite_own_device(&signed_in.session, acting).await?;
    Ok(HttpResponse::Created().json(link))
}

/// Lists the signed-in user's sessions.
#[utoipa::path(
    get, path = "/v1/me/sessions", operation_id = "list_own_sessions", tag = "account", security(("cookie" = [])),
    responses((status = 200, description = "The open sessions", body = Items<SessionView>))
)]
pub async fn list_sessions(signed_in: SignedIn, sessions: web::Data<Sessions>) -> Answer {
    let items = sessions.list(signed_in.session.user).await?;
    Ok(HttpResponse::Ok().json(Items { items }))
}

/// Ends all other sessions of the signed-in user and the access that apps got in them, including offline access.
#[utoipa::path(
    delete, path = "/v1/me/sessions", tag = "account", security(("cookie" = [])),
    responses((status = 200, description = "The number of sessions that were ended", body = SessionsEnded))
)]
pub async fn end_other_sessions(
    request: HttpRequest,
    signed_in: SignedIn,
    sessions: web::Data<Sessions>,
) -> Answer {
    let acting = signed_in.acting(&request, Permission::OwnAccount);
    let ended = sessions
        .end_others(&signed_in.session, &signed_in.key, acting)
        .await?;
    Ok(HttpResponse::Ok().json(SessionsEnded {
        sessions_ended: ended.sessions,
    }))
}

/// Ends a session of the signed-in user and the access that apps got in it, including offline access. To sign out and keep
/// offline access, use `DELETE /v1/session`.
#[utoipa::path(
    delete, path = "/v1/me/sessions/{session}", operation_id = "end_own_session", tag = "account", security(("cookie" = [])),
    params(("session" = uuid::Uuid, Path, description = "ID of the session")),
    responses((status = 200, description = "The number of sessions that were ended", body = SessionsEnded), (status = 404, description = "Not found in your account"))
)]
pub async fn end_session(
    request: HttpRequest,
    signed_in: SignedIn,
    sessions: web::Data<Sessions>,
    id: web::Path<String>,
) -> Answer {
    let id = SessionId::parse(&id).ok_or_else(Problem::not_found)?;
    let user = signed_in.session.user;
    let acting = signed_in.acting(&request, Permission::OwnAccount);
    let ended = sessions.end_one(user, id, None, acting).await?;
    Ok(HttpResponse::Ok().json(SessionsEnded {
        sessions_ended: ended.sessions,
    }))
}
