//! Audit events as pages show them: with names instead of IDs, and changes as before and after.

use std::collections::HashMap;
use std::fmt::Display;
use std::hash::Hash;

use serde_json::Value;

use crate::base::ids::{ClientId, PasskeyId, UserId};
use crate::clients;
use crate::db::Database;
use crate::history::RecordedEvent;
use crate::passkeys::Passkeys;
use crate::users::Users;
use crate::web::{Frame, Problem, browser_name};

/// An event, for `parts/audit_events.html`.
pub(super) struct EventView {
    pub(super) event: RecordedEvent,
    pub(super) actor: String,
    /// ID of the actor, if it is a user.
    pub(super) actor_id: Option<UserId>,
    pub(super) subject: Option<String>,
    pub(super) browser: Option<String>,
    pub(super) client: Option<String>,
    pub(super) passkey: Option<String>,
    /// Name of the app through which a user acted.
    pub(super) through: Option<String>,
    pub(super) changes: Vec<ChangeView>,
    pub(super) details: Vec<DetailView>,
}

/// A changed field.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ChangeView {
    pub(super) field: String,
    pub(super) before: Option<String>,
    pub(super) after: Option<String>,
}

/// Another detail of an event.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct DetailView {
    pub(super) name: String,
    pub(super) value: String,
}

/// The names of the users, passkeys and clients in a page of events. An ID without a name is shown itself.
struct Names {
    users: HashMap<UserId, String>,
    passkeys: HashMap<PasskeyId, String>,
    clients: HashMap<ClientId, String>,
}

impl Names {
    async fn of(
        events: &[RecordedEvent],
        users: &Users,
        passkeys: &Passkeys,
        database: &Database,
    ) -> Result<Self, Problem> {
        let mut user_ids: Vec<String> = events
            .iter()
            .flat_map(|event| event.subject.into_iter().chain(user_in(&event.actor)))
            .map(|id| id.to_string())
            .collect();
        user_ids.sort_unstable();
        user_ids.dedup();
        let clients = events
            .iter()
            .flat_map(|event| {
                let acting = event.by_client.into_iter().chain(client_in(&event.actor));
                event.client.into_iter().chain(acting)
            })
            .collect();
        let keys = events.iter().filter_map(|event| event.passkey).collect();
        let users = users.find_many(user_ids).await?;
        Ok(Self {
            users: users
                .into_iter()
                .map(|user| (user.id, user.display_name))
                .collect(),
            passkeys: passkeys.names(keys).await?,
            clients: clients::labels(database, clients).await?,
        })
    }

    fn actor(&self, frame: &Frame, actor: &str) -> String {
        if let Some(user) = user_in(actor) {
            return name(&self.users, &user);
        }
        if let Some(client) = client_in(actor) {
            return name(&self.clients, &client);
        }
        match actor {
            "command" => frame.text("audit_event.actor.command").to_owned(),
            "doorward" => frame.text("audit_event.actor.doorward").to_owned(),
            other => other.to_owned(),
        }
    }
}

/// Returns a name, or else the ID.
fn name<Id: Eq + Hash + Display>(names: &HashMap<Id, String>, id: &Id) -> String {
    names.get(id).cloned().unwrap_or_else(|| id.to_string())
}

fn user_in(actor: &str) -> Option<UserId> {
    actor.strip_prefix("user:").and_then(UserId::parse)
}

fn client_in(actor: &str) -> Option<ClientId> {
    actor.strip_prefix("client:").and_then(ClientId::parse)
}

/// Converts events for a page, in the same order.
pub(super) async fn views(
    frame: &Frame,
    users: &Users,
    passkeys: &Passkeys,
    database: &Database,
    events: Vec<RecordedEvent>,
) -> Result<Vec<EventView>, Problem> {
    let names = Names::of(&events, users, passkeys, database).await?;
    let view = |event: RecordedEvent| {
        let (changes, details) = split(&event.details.value);
        EventView {
            actor: names.actor(frame, &event.actor),
            actor_id: user_in(&event.actor),
            subject: event.subject.map(|id| name(&names.users, &id)),
            client: event.client.map(|id| name(&names.clients, &id)),
            through: event
                .by_client
                .filter(|_| event.by_user.is_some())
                .map(|id| name(&names.clients, &id)),
            passkey: event.passkey.map(|id| name(&names.passkeys, &id)),
            browser: event.user_agent.as_deref().and_then(browser_name),
            changes,
            details,
            event,
        }
    };
    Ok(events.into_iter().map(view).collect())
}

/// Splits the details of an event into changes (`{"before": …, "after": …}`) and all others.
fn split(details: &Value) -> (Vec<ChangeView>, Vec<DetailView>) {
    let (mut changes, mut others) = (Vec::new(), Vec::new());
    for (name, value) in details.as_object().into_iter().flatten() {
        if let (Some(before), Some(after)) = (value.get("before"), value.get("after")) {
            changes.push(ChangeView {
                field: name.clone(),
                before: words(before),
                after: words(after),
            });
        } else if let Some(value) = words(value) {
            others.push(DetailView {
                name: name.clone(),
                value,
            });
        }
    }
    (changes, others)
}

/// A value as readable text; `None` if it is empty.
fn words(value: &Value) -> Option<String> {
    let text = match value {
        Value::Null => return None,
        Value::String(text) => text.clone(),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().filter_map(words).collect();
            items.join(", ")
        }
        Value::Bool(_) | Value::Number(_) | Value::Object(_) => value.to_string(),
    };
    Some(text).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn changes_and_other_details_are_distinguished() {
        let (changes, details) = split(&json!({
            "email": { "before": null, "after": "ada@example.com" },
            "roles": ["admin", "auditor"],
            "sessions": 2,
            "nothing": null,
        }));
        assert_eq!(
            changes,
            [ChangeView {
                field: "email".into(),
                before: None,
                after: Some("ada@example.com".into()),
            }]
        );
        let shown: Vec<(&str, &str)> = details
            .iter()
            .map(|detail| (detail.name.as_str(), detail.value.as_str()))
            .collect();
        assert_eq!(shown, [("roles", "admin, auditor"), ("sessions", "2")]);
    }

    #[test]
    fn an_actor_is_a_user_or_a_client_or_neither() {
        let id = UserId::random();
        assert_eq!(user_in(&format!("user:{id}")), Some(id));
        assert_eq!(user_in("command"), None);
        assert_eq!(client_in(&format!("user:{id}")), None);
    }
}
