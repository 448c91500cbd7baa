//! `GET /admin/users/{user}/access?on=`: the roles that a user held on a chosen day, and who assigned them.

use std::time::Duration;

use actix_web::web;
use askama::Template;
use serde::Deserialize;

use super::audit::parse_instant;
use super::visitor::Administrator;
use crate::access::{GrantFilter, RolesHeldError, RolesWanted};
use crate::admin::givers::{self, Giver, Givers};
use crate::admin::versions::{self, Maker, Makers};
use crate::base::clock::Timestamp;
use crate::base::ids::UserId;
use crate::db::Database;
use crate::web::{Answer, FieldProblem, Frame, Moment, Problem, page};

/// Maximum number of role assignments on the page, which says whether there are more.
const MOST: usize = 200;
const DAY: Duration = Duration::from_secs(86_400);

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct When {
    on: String,
}

/// A global role, and when and by whom it was assigned.
struct RoleThen {
    name: String,
    given: Option<(Moment, String)>,
}

/// Roles of one assignment that the same change assigned, with its time and author.
struct GrantThen {
    resource_type: String,
    resource_id: String,
    title: Option<String>,
    roles: Vec<String>,
    valid_until: Option<Moment>,
    given: Option<(Moment, String)>,
}

/// The roles that the user held at the instant.
struct Then {
    at: Moment,
    is_settled: bool,
    roles: Vec<RoleThen>,
    grants: Vec<GrantThen>,
    are_there_more: bool,
}

#[derive(Template)]
#[template(path = "console_access.html")]
struct ConsoleAccessPage {
    frame: Frame,
    id: UserId,
    display_name: String,
    /// The submitted text, or today's date.
    on: String,
    problem: Option<FieldProblem>,
    /// `None` if the user did not exist then, or if the text is not a valid time.
    then: Option<Then>,
}

/// The instant that a submitted text selects: for a date the end of that day, or now if the day has not ended; for a time that
/// time; for an empty text now. A later day selects its beginning, which the caller rejects as being in the future.
fn chosen(text: &str, now: Timestamp) -> Option<Timestamp> {
    let text = text.trim();
    if text.is_empty() {
        return Some(now);
    }
    if text.len() != "2026-11-23".len() {
        return parse_instant(text);
    }
    let begins = Timestamp::parse(&format!("{text}T00:00:00Z"))?;
    let ends = begins.after(DAY).before(Duration::from_micros(1));
    Some(if begins <= now { ends.min(now) } else { begins })
}

pub(super) async fn show_access(
    administrator: Administrator,
    name: web::Path<String>,
    query: web::Query<When>,
) -> Answer {
    let person = administrator.find(&name).await?;
    let frame = administrator.frame();
    let clock = Database::clone(&administrator.database);
    let now = administrator
        .database
        .read(move |conn| clock.now(conn))
        .await?;
    let at = chosen(&query.on, now);
    let (then, problem) = match at {
        None => (None, Some("console_access.time_wrong")),
        Some(at) if at > now => (None, Some("console_access.future")),
        Some(at) => (find_then(&administrator, person.id, at).await?, None),
    };
    let on = match query.on.trim() {
        "" => now.to_rfc3339().chars().take(10).collect(),
        text => text.to_owned(),
    };
    page(&ConsoleAccessPage {
        id: person.id,
        display_name: person.display_name,
        on,
        problem: problem.map(|key| FieldProblem::new("on", frame.text(key))),
        then,
        frame,
    })
}

async fn find_then(
    administrator: &Administrator,
    user: UserId,
    at: Timestamp,
) -> Result<Option<Then>, Problem> {
    let (frame, database) = (administrator.frame(), &administrator.database);
    let wanted = RolesWanted {
        grants: Some(GrantFilter::of_user(user)),
        limit: MOST,
        as_of: Some(at),
        managed_by: None,
    };
    let held = match administrator.access.roles_of(user, wanted).await {
        Err(RolesHeldError::UserUnknown) => return Ok(None),
        held => held?,
    };
    let role_givers = givers::list_role_givers(database, user, at).await?;
    let (grants, are_there_more) = match held.grants {
        Some(page) => (page.items, page.next.is_some()),
        None => (Vec::new(), false),
    };
    let grant_givers = givers::list_grant_givers(database, &grants).await?;
    let all = grant_givers.values().chain([&role_givers]);
    let makers = all.flat_map(Givers::values).map(|giver| giver.by);
    let makers = versions::find_makers(database, makers.collect()).await?;
    let told = |giver: &Giver| -> (Moment, String) {
        (giver.since.into(), name(&frame, &makers, giver.by))
    };
    let roles = held.roles.into_iter().flatten().map(|role| RoleThen {
        given: role_givers.get(&role).map(told),
        name: role,
    });
    let mut rows = Vec::new();
    for grant in grants {
        let givers = grant_givers.get(&grant.id);
        for (giver, roles) in by_giver(grant.roles, givers) {
            rows.push(GrantThen {
                given: giver.as_ref().map(told),
                valid_until: grant.valid_until.map(Moment::from),
                resource_type: grant.resource_type.to_string(),
                resource_id: grant.resource_id.to_string(),
                title: grant.title.clone(),
                roles,
            });
        }
    }
    Ok(Some(Then {
        at: at.into(),
        is_settled: held.instant.is_some_and(|instant| instant.is_settled),
        roles: roles.collect(),
        grants: rows,
        are_there_more,
    }))
}

/// Groups the roles of an assignment by the change that assigned them; `None` if that was too many versions ago.
fn by_giver(roles: Vec<String>, givers: Option<&Givers>) -> Vec<(Option<Giver>, Vec<String>)> {
    let mut groups: Vec<(Option<Giver>, Vec<String>)> = Vec::new();
    for role in roles {
        let giver = givers.and_then(|givers| givers.get(&role)).copied();
        match groups.iter_mut().find(|(of, _)| *of == giver) {
            Some((_, together)) => together.push(role),
            None => groups.push((giver, vec![role])),
        }
    }
    groups
}

/// The text that names the author of a change.
fn name(frame: &Frame, makers: &Makers, by: Maker) -> String {
    match (makers.person(by.0), makers.client(by.1)) {
        (Some(person), Some(client)) => frame.text_with(
            "console_access.through",
            &[("person", person), ("client", client)],
        ),
        (Some(name), None) | (None, Some(name)) => name.to_owned(),
        (None, None) => frame.text("console_access.by_command").to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_asked_about_at_its_end_and_today_at_this_moment() {
        let instant = |text| Timestamp::parse(text).expect("an instant");
        let now = instant("2026-11-23T08:00:00Z");
        for (text, at) in [
            ("", "2026-11-23T08:00:00Z"),
            ("2026-11-22", "2026-11-22T23:59:59.999999Z"),
            ("2026-11-23", "2026-11-23T08:00:00Z"),
            ("2026-11-24", "2026-11-24T00:00:00Z"),
            ("2026-11-22T07:30", "2026-11-22T07:30:00Z"),
            ("2026-11-22T07:30:00+01:00", "2026-11-22T06:30:00Z"),
        ] {
            assert_eq!(chosen(text, now), Some(instant(at)), "{text}");
        }
        for text in ["yesterday", "2026-13-01", "2026-11-2", "99999-11-22"] {
            assert_eq!(chosen(text, now), None, "{text}");
        }
    }
}
