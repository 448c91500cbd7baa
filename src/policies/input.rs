//! Converts the input of a decision to Cedar entities and context. Each is built from its parts.

use std::collections::{HashMap, HashSet};

use cedar_policy::{
    Context, Entities, Entity, EntityUid, PolicySet, Request, RestrictedExpression as Value,
};

use super::decision_input::{Claimed, DecisionInput, Subject};
use super::table::{EXTERNAL_SUBJECT, Names, PolicyTable, Selection};
use super::used_inputs::UsedInputs;
use super::values;
use crate::account_state::AccountState;
use crate::base::clock::Timestamp;
use crate::sessions::{Acr, SessionAuthentication};

/// Cedar types of principals that Doorward stores.
const USER: &str = "User";
const CLIENT: &str = "Client";

impl DecisionInput {
    /// Cedar type of the subject.
    pub(super) fn principal_type(&self) -> &'static str {
        match &self.subject {
            Subject::Person { .. } => USER,
            Subject::Client(_) => CLIENT,
            Subject::ExternalSubject { .. } => EXTERNAL_SUBJECT,
        }
    }
}

/// The request in Cedar's terms, which can be evaluated with any sign-in.
pub(super) struct CedarRequest<'t> {
    names: Names,
    pub(super) entities: Entities,
    context: Vec<(String, Value)>,
    /// The policies that can apply, each in one or more of these sets.
    pub(super) sets: Vec<&'t PolicySet>,
    pub(super) uses_auth: bool,
    now: Timestamp,
}

/// Why a request can't be converted to Cedar. Such a request is denied.
pub(super) type CedarRequestError = String;

fn cedar_error(error: impl std::fmt::Display) -> CedarRequestError {
    error.to_string()
}

impl Names {
    /// Builds the entity names of a decision. Fails for a type that is not a valid Cedar entity type.
    pub(super) fn of(
        table: &PolicyTable,
        input: &DecisionInput,
    ) -> Result<Self, CedarRequestError> {
        let own = |kind, id: &str| {
            let made = table.entity(kind, id);
            made.ok_or_else(|| format!("{kind} is not an entity type"))
        };
        let (id, roles) = match &input.subject {
            Subject::Person { account_state, .. } => (
                account_state.user_id.to_string(),
                account_state.roles.as_slice(),
            ),
            Subject::Client(client) => (client.id.to_string(), &[][..]),
            Subject::ExternalSubject { kind, id } => (external_subject(kind, id), &[][..]),
        };
        let parents = roles.iter().map(|role| own("Role", role));
        Ok(Self {
            principal: own(input.principal_type(), &id)?,
            parents: parents.collect::<Result<_, _>>()?,
            action: own("Action", &input.action)?,
            resource: own(input.resource.kind.as_str(), input.resource.id.as_str())?,
        })
    }
}

impl<'t> CedarRequest<'t> {
    pub(super) fn new(
        table: &PolicyTable,
        names: Names,
        selection: Selection<'t>,
        input: &DecisionInput,
    ) -> Result<Self, CedarRequestError> {
        let Selection { sets, used } = selection;
        let attributes = if used.principal {
            attributes(&input.subject)
        } else {
            Vec::new()
        };
        let unfit = |fault| format!("the attributes of {}: {fault}", input.resource);
        let resource_entity = resource_entity(&names.resource, &input.attributes).map_err(unfit)?;
        table
            .check_attributes(resource_entity.clone())
            .map_err(unfit)?;
        let principal = entity(&names.principal, attributes, names.parents.clone())?;
        let action = table.declared_action(&names.action);
        let entities = [principal, resource_entity].into_iter().chain(action);
        Ok(Self {
            names,
            entities: Entities::from_entities(entities, None).map_err(cedar_error)?,
            context: context(input, used)?,
            sets,
            uses_auth: used.auth,
            now: input.now,
        })
    }

    /// Returns the request with a sign-in; `None` if the sign-in is unknown.
    pub(super) fn request(
        &self,
        auth: Option<&SessionAuthentication>,
    ) -> Result<Request, CedarRequestError> {
        let mut context = self.context.clone();
        if let Some(auth) = auth.filter(|_| self.uses_auth) {
            context.push(("auth".to_owned(), of_auth(auth, self.now)?));
        }
        Request::new(
            self.names.principal.clone(),
            self.names.action.clone(),
            self.names.resource.clone(),
            Context::from_pairs(context).map_err(cedar_error)?,
            None,
        )
        .map_err(cedar_error)
    }
}

/// ID of an external subject. Colons in the type are escaped, so that two different subjects never have the same ID.
fn external_subject(kind: &str, id: &str) -> String {
    format!("{}:{id}", kind.replace('%', "%25").replace(':', "%3A"))
}

/// Builds the entity of a resource with its attributes.
pub(super) fn resource_entity(
    id: &EntityUid,
    attributes: &serde_json::Map<String, serde_json::Value>,
) -> Result<Entity, CedarRequestError> {
    let attributes = values::attributes(attributes).map_err(cedar_error)?;
    entity(id, attributes, HashSet::new())
}

fn entity(
    id: &EntityUid,
    attributes: Vec<(String, Value)>,
    parents: HashSet<EntityUid>,
) -> Result<Entity, CedarRequestError> {
    let attributes: HashMap<String, Value> = attributes.into_iter().collect();
    Entity::new(id.clone(), attributes, parents).map_err(cedar_error)
}

fn attributes(subject: &Subject) -> Vec<(String, Value)> {
    let text = |name: &str, text: &str| (name.to_owned(), Value::new_string(text.to_owned()));
    match subject {
        Subject::Person { account_state, .. } => person(account_state),
        Subject::Client(client) => {
            let scopes = client.scopes.names().map(str::to_owned);
            vec![
                text("name", &client.name),
                ("scopes".to_owned(), set(scopes)),
            ]
        }
        Subject::ExternalSubject { kind, id } => vec![text("type", kind), text("id", id)],
    }
}

fn person(account_state: &AccountState) -> Vec<(String, Value)> {
    let text = |text: &str| Value::new_string(text.to_owned());
    let mut attributes = vec![
        ("username".to_owned(), text(&account_state.username)),
        (
            "email_verified".to_owned(),
            Value::new_bool(account_state.email_verified),
        ),
        ("display_name".to_owned(), text(&account_state.display_name)),
    ];
    // An unverified address is a claim, not a fact: see `claimed_email`.
    if let Some(email) = &account_state.email
        && account_state.email_verified
    {
        attributes.push(("email".to_owned(), text(email)));
    }
    attributes
}

fn set(texts: impl Iterator<Item = String>) -> Value {
    Value::new_set(texts.map(Value::new_string))
}

/// Builds the context except for the sign-in. The time and the claimed properties are included only if a policy reads them.
fn context(
    input: &DecisionInput,
    used: UsedInputs,
) -> Result<Vec<(String, Value)>, CedarRequestError> {
    let mut context = vec![
        (
            "resource_roles".to_owned(),
            set(input.resource_roles.iter().cloned()),
        ),
        ("now".to_owned(), Value::new_long(seconds(input.now))),
    ];
    if used.time {
        let time = Value::new_datetime(date_time(input.now));
        context.push(("time".to_owned(), time));
    }
    // Claimed values are converted even if no policy reads them: a request with a value that can't be represented
    // exactly is denied.
    if used.claimed || !input.claimed.is_empty() {
        let claimed = claimed(&input.claimed, claimed_email(&input.subject))?;
        context.extend(used.claimed.then(|| ("claimed".to_owned(), claimed)));
    }
    Ok(context)
}

/// Returns the unverified email address of a user.
fn claimed_email(subject: &Subject) -> Option<&str> {
    match subject {
        Subject::Person { account_state, .. } if !account_state.email_verified => {
            account_state.email.as_deref()
        }
        Subject::Person { .. } | Subject::Client(_) | Subject::ExternalSubject { .. } => None,
    }
}

fn claimed(claimed: &Claimed, email: Option<&str>) -> Result<Value, CedarRequestError> {
    let said = |name: &str, object| {
        let value = values::record(object).map_err(|fault| format!("claimed.{name}: {fault}"))?;
        Ok::<_, CedarRequestError>((name.to_owned(), value))
    };
    let mut members = vec![
        said("subject", &claimed.subject)?,
        said("resource", &claimed.resource)?,
        said("action", &claimed.action)?,
        said("context", &claimed.context)?,
    ];
    let email = email.map(|email| ("email".to_owned(), Value::new_string(email.to_owned())));
    members.extend(email);
    Value::new_record(members).map_err(cedar_error)
}

fn seconds(at: Timestamp) -> i64 {
    at.as_micros().div_euclid(1_000_000)
}

/// Formats to the second, the format of Cedar's `datetime`.
fn date_time(at: Timestamp) -> String {
    let text = at.to_rfc3339();
    format!("{}Z", text.get(..19).unwrap_or("1970-01-01T00:00:00"))
}

fn of_auth(auth: &SessionAuthentication, now: Timestamp) -> Result<Value, CedarRequestError> {
    let age = i64::try_from(now.since(auth.auth_time).as_secs()).unwrap_or(i64::MAX);
    let mut fields = vec![
        ("acr".to_owned(), Value::new_string(auth.acr.clone())),
        ("amr".to_owned(), set(auth.amr.iter().cloned())),
        (
            "auth_time".to_owned(),
            Value::new_long(seconds(auth.auth_time)),
        ),
        ("age".to_owned(), Value::new_long(age)),
    ];
    if let Some(level) = Acr::rank(&auth.acr) {
        fields.push(("acr_level".to_owned(), Value::new_long(level.into())));
    }
    Value::new_record(fields).map_err(cedar_error)
}
