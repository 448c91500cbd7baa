//! `/admin/users/{user}/usernames/{username}/release`: an administrator frees a name that was never used to sign in.

use actix_web::{HttpRequest, web};

use super::act::{Act, ReasonForm, person_url};
use super::administrator::Administrator;
use crate::users::{Authority, User, Username, Users};
use crate::web::{Answer, Problem, only, redirect};

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config.service(
        web::resource("/admin/users/{user}/usernames/{username}/release")
            .route(web::get().to(ask_to_release))
            .route(web::post().to(release))
            .default_service(only("GET, POST")),
    );
}

/// The user that the path names, and the name of theirs that may be released.
async fn find(users: &Users, path: &(String, String)) -> Result<(User, Username), Problem> {
    let user = users.find(&path.0).await?;
    let names = users.list_usernames(user.id).await?;
    let name = names
        .iter()
        .find(|name| name.username == path.1 && name.is_releasable())
        .ok_or_else(Problem::not_found)?;
    let name = Username::parse(&name.username).map_err(|_| Problem::not_found())?;
    Ok((user, name))
}

async fn ask_to_release(
    administrator: Administrator,
    users: web::Data<Users>,
    path: web::Path<(String, String)>,
) -> Answer {
    let (user, name) = find(&users, &path).await?;
    Act::ReleaseUsername(name.as_str()).confirm(administrator.0.frame, &user, Vec::new())
}

async fn release(
    request: HttpRequest,
    administrator: Administrator,
    users: web::Data<Users>,
    path: web::Path<(String, String)>,
    form: web::Form<ReasonForm>,
) -> Answer {
    let (user, name) = find(&users, &path).await?;
    form.require_version(user.version)?;
    if !administrator.is_fresh() {
        let frame = administrator.0.frame;
        return Act::ReleaseUsername(name.as_str()).step_up(frame, &user);
    }
    let acting = administrator.acting(&request);
    let authority = Authority::Delegate(administrator.0.user());
    users.release_username(name, authority, acting).await?;
    let url = person_url(&user);
    Ok(redirect(&format!("{url}?notice=username_released")))
}
