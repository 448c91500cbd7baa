//! `/admin/users/{user}/passkeys/{passkey}/revoke`.

use actix_web::{HttpRequest, web};

use super::act::{Act, ReasonForm};
use super::manager::Manager;
use crate::base::ids::PasskeyId;
use crate::passkeys::{ManageError, PasskeyEntry, Passkeys, Right};
use crate::sessions::Sessions;
use crate::users::{LastAdministrator, Users};
use crate::web::{Answer, Problem, only};

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config.service(
        web::resource("/admin/users/{user}/passkeys/{passkey}/revoke")
            .route(web::get().to(ask_to_revoke))
            .route(web::post().to(revoke))
            .default_service(only("GET, POST")),
    );
}

fn find(entries: &[PasskeyEntry], id: &str) -> Result<PasskeyEntry, Problem> {
    let id = PasskeyId::parse(id).ok_or_else(Problem::not_found)?;
    let found = entries.iter().find(|entry| entry.id == id);
    found.cloned().ok_or_else(Problem::not_found)
}

async fn ask_to_revoke(
    manager: Manager,
    users: web::Data<Users>,
    passkeys: web::Data<Passkeys>,
    sessions: web::Data<Sessions>,
    path: web::Path<(String, String)>,
) -> Answer {
    let person = manager.find(&users, &path.0).await?;
    let live = passkeys.list_entries(person.id, false).await?;
    let passkey = find(&live, &path.1)?;
    let is_last = live.len() == 1;
    if is_last && person.id == manager.visitor.user() {
        return Err(ManageError::LastPasskey.into());
    }
    if is_last && users.is_last_administrator(person.id).await? {
        return Err(LastAdministrator.into());
    }
    let open = sessions.list(person.id).await?;
    let resting = open
        .iter()
        .filter(|session| session.passkeys.contains(&passkey.id))
        .count();
    let frame = manager.visitor.frame;
    let mut effects = vec![
        frame
            .text("confirm.revoke_passkey.effect_passkey")
            .to_owned(),
    ];
    if resting > 0 {
        effects.push(frame.text_counted("confirm.revoke_passkey.effect_sessions", resting));
    }
    if is_last {
        effects.push(frame.text("confirm.revoke_passkey.effect_last").to_owned());
    }
    Act::RevokePasskey(&passkey.name).confirm(frame, &person, effects)
}

async fn revoke(
    request: HttpRequest,
    manager: Manager,
    users: web::Data<Users>,
    passkeys: web::Data<Passkeys>,
    path: web::Path<(String, String)>,
    form: web::Form<ReasonForm>,
) -> Answer {
    let person = manager.find(&users, &path.0).await?;
    // Revoked ones too: repeating is safe.
    let passkey = find(&passkeys.list_entries(person.id, true).await?, &path.1)?;
    let reason = form.parse()?;
    form.require_version(person.version)?;
    let act = Act::RevokePasskey(&passkey.name);
    if !manager.is_fresh() {
        return act.step_up(manager.visitor.frame, &person);
    }
    // An administrator who removes a passkey of their own here is held to the rule for one's own.
    let right = if person.id == manager.visitor.user() {
        Right::Own
    } else {
        Right::Over(manager.authority())
    };
    let acting = manager.acting(&request);
    let revoked = passkeys
        .revoke(person.id, passkey.id, reason, right, acting)
        .await?;
    act.done(manager.visitor.frame, &person, revoked.sessions)
}
