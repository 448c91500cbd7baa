//! `GET /admin/users/{user}/access?on=`: the roles that a user held on a chosen day, and who assigned them.

use std::time::Duration;

use actix_web::web;
use askama::Template;
use serde::Deserialize;

use super::audit::parse_instant;
use super::visitor::Administrator;
use crate::admin::assigned_by::{self, AssignedBy, AssignedByRole};
use crate::admin::versions::{self, ActorIds, ActorNames};
use crate::assignments::{RoleAssignment, RoleAssignmentFilter, UserRolesError, UserRolesQuery};
use crate::base::clock::Timestamp;
use crate::base::ids::UserId;
use crate::db::Database;
use crate::web::{Answer, FieldProblem, Frame, Problem, page};

/// Maximum number of role assignments on the page, which says whether there are more.
const MAX_SHOWN: usize = 200;
const DAY: Duration = Duration::from_secs(86_400);

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct AccessQuery {
    on: String,
}

/// When and by whom a role was assigned; `None` if that was too many versions ago.
type Assigned = Option<(Timestamp, String)>;

/// Roles of one assignment that the same change assigned, with its time and author.
struct PastRoleAssignment {
    assignment: RoleAssignment,
    assigned: Assigned,
}

/// The roles that the user held at the instant.
struct PastAccess {
    at: Timestamp,
    is_settled: bool,
    /// Global roles.
    roles: Vec<(String, Assigned)>,
    assignments: Vec<PastRoleAssignment>,
    are_there_more: bool,
}

#[derive(Template)]
#[template(path = "admin_access.html")]
struct AdminAccessPage {
    frame: Frame,
    id: UserId,
    display_name: String,
    /// The submitted text, or today's date.
    on: String,
    problem: Option<FieldProblem>,
    /// `None` if the user did not exist then, or if the text is not a valid time.
    then: Option<PastAccess>,
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
    query: web::Query<AccessQuery>,
) -> Answer {
    let user = administrator.find(&name).await?;
    let frame = administrator.frame();
    let clock = Database::clone(&administrator.database);
    let now = administrator
        .database
        .read(move |conn| clock.now(conn))
        .await?;
    let at = chosen(&query.on, now);
    let (then, problem) = match at {
        None => (None, Some("admin_access.time_wrong")),
        Some(at) if at > now => (None, Some("admin_access.future")),
        Some(at) => (find_past_access(&administrator, user.id, at).await?, None),
    };
    let on = match query.on.trim() {
        "" => now.to_rfc3339().chars().take(10).collect(),
        text => text.to_owned(),
    };
    page(&AdminAccessPage {
        id: user.id,
        display_name: user.display_name,
        on,
        problem: problem.map(|key| FieldProblem::new("on", frame.text(key))),
        then,
        frame,
    })
}

async fn find_past_access(
    administrator: &Administrator,
    user: UserId,
    at: Timestamp,
) -> Result<Option<PastAccess>, Problem> {
    let (frame, database) = (administrator.frame(), &administrator.database);
    let query = UserRolesQuery {
        role_assignments: Some(RoleAssignmentFilter::of_user(user)),
        limit: MAX_SHOWN,
        as_of: Some(at),
        managed_by: None,
    };
    let held = match administrator.assignments.roles_of(user, query).await {
        Err(UserRolesError::UserUnknown) => return Ok(None),
        held => held?,
    };
    let role_assigners = assigned_by::find_role_assigners(database, user, at).await?;
    let (assignments, are_there_more) = match held.role_assignments {
        Some(page) => (page.items, page.next.is_some()),
        None => (Vec::new(), false),
    };
    let assignment_assigners =
        assigned_by::find_assignment_assigners(database, &assignments).await?;
    let all = assignment_assigners.values().chain([&role_assigners]);
    let actors = all
        .flat_map(AssignedByRole::values)
        .map(|assigner| assigner.by);
    let actors = versions::find_actor_names(database, actors.collect()).await?;
    let describe = |assigner: &AssignedBy| (assigner.since, name(&frame, &actors, assigner.by));
    let assigned = |role: String| {
        let assigned = role_assigners.get(&role).map(describe);
        (role, assigned)
    };
    let mut rows = Vec::new();
    for assignment in assignments {
        let assigners = assignment_assigners.get(&assignment.id);
        for (assigner, roles) in by_assigner(&assignment.roles, assigners) {
            let assigned = assigner.as_ref().map(describe);
            let assignment = RoleAssignment {
                roles,
                ..assignment.clone()
            };
            rows.push(PastRoleAssignment {
                assignment,
                assigned,
            });
        }
    }
    Ok(Some(PastAccess {
        at,
        is_settled: held.instant.is_some_and(|instant| instant.is_settled),
        roles: held.roles.into_iter().flatten().map(assigned).collect(),
        assignments: rows,
        are_there_more,
    }))
}

/// Groups the roles of an assignment by the change that assigned them; `None` if that was too many versions ago.
fn by_assigner(
    roles: &[String],
    assigners: Option<&AssignedByRole>,
) -> Vec<(Option<AssignedBy>, Vec<String>)> {
    let mut groups: Vec<(Option<AssignedBy>, Vec<String>)> = Vec::new();
    for role in roles {
        let assigner = assigners.and_then(|assigners| assigners.get(role)).copied();
        match groups.iter_mut().find(|(of, _)| *of == assigner) {
            Some((_, together)) => together.push(role.clone()),
            None => groups.push((assigner, vec![role.clone()])),
        }
    }
    groups
}

/// The text that names the author of a change.
fn name(frame: &Frame, actors: &ActorNames, by: ActorIds) -> String {
    match (actors.user(by.0), actors.client(by.1)) {
        (Some(user), Some(client)) => frame.text_with(
            "admin_access.through",
            &[("user", user), ("client", client)],
        ),
        (Some(name), None) | (None, Some(name)) => name.to_owned(),
        (None, None) => frame.text("admin_access.by_command").to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_means_its_end_and_today_means_now() {
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
