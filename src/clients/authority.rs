//! Which clients an author may change, and how: an administrator in person and the command may change all of them. A client,
//! also one that acts for an administrator, may change those that it registered or was granted, that hold no more than it
//! does; and it gives no more than it holds. A client that others disabled stays as it is until one of them, an administrator or
//! the command enables it.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::draft::Draft;
use super::lifetimes::GivenLifetimes;
use super::{
    ActingAs, Algorithm, Client, ClientError, ClientRecord, GrantType, Metadata, Provider, Scope,
    Scopes, queries,
};
use crate::base::ids::ClientId;
use crate::base::letters::fold;
use crate::db::Connection;
use crate::history::Author;

/// Locks the client that an operation changes, and then checks that the caller still may act.
///
/// Callers that are clients take turns: two that change each other would each hold the row of the other and wait for its own. The
/// rows can't be locked in the order of their IDs: a caller that waits for its target would hold its own row, and so hold up the
/// administrator who disables it.
pub(super) fn lock_target(
    conn: &mut Connection,
    id: ClientId,
    acting: &ActingAs,
) -> Result<(ClientRecord, Author), ClientError> {
    if acting.client().is_some() {
        queries::lock_changes_by_clients(conn)?;
    }
    let record = queries::lock(conn, id)?.ok_or(ClientError::Unknown)?;
    let author = acting.check(conn, &[])?;
    Ok((record, author))
}

/// Checks that the author may change this client at all. Every operation on an existing client passes here.
pub(super) fn require_right_over(
    conn: &mut Connection,
    author: &Author,
    client: &Client,
    own: &Provider,
) -> Result<(), ClientError> {
    let Some(acting) = acting_client(conn, author)? else {
        return Ok(());
    };
    // What it could not give itself it could otherwise write down for itself.
    if acting.id == client.id {
        return Err(ClientError::Itself);
    }
    if !manages(&acting, client) {
        return Err(ClientError::NotManaged);
    }
    if !client.enabled && queries::find_latest_author(conn, client.id)? != Some(acting.id) {
        return Err(ClientError::DisabledByOthers);
    }
    require_not_approved_beforehand(&client.metadata)?;
    let about_users = Scope::OPENID.into_iter().collect();
    let scopes = client.scopes.difference(&about_users);
    match require_held(&acting, &scopes, &client.metadata, own) {
        Err(
            ClientError::NotHeld(_)
            | ClientError::NotHeldServices { .. }
            | ClientError::NotHeldSetting(_),
        ) => Err(ClientError::HoldsMore),
        checked => checked,
    }
}

/// Checks that the author may register a client like this, or leave it so; `before` is how an existing one stands.
pub(super) fn require_right_to_give(
    conn: &mut Connection,
    author: &Author,
    draft: &Draft,
    before: Option<&Client>,
    own: &Provider,
) -> Result<(), ClientError> {
    let Some(acting) = acting_client(conn, author)? else {
        return Ok(());
    };
    require_not_approved_beforehand(&draft.metadata)?;
    let managers: &[ClientId] = before.map_or(&[], |before| &before.metadata.managed_by);
    if draft.metadata.managed_by != managers {
        return Err(ClientError::ManagersInPerson);
    }
    require_not_longer(
        &draft.metadata,
        before.map(|before| &before.metadata),
        own.given,
    )?;
    require_known_algorithm(&draft.metadata, before.map(|before| &before.metadata))?;
    // Users who allowed the app were not told of it, and the tokens that the app has would be good for more.
    if draft.metadata.userinfo_audience
        && before.is_some_and(|before| !before.metadata.userinfo_audience)
    {
        return Err(ClientError::NotHeldSetting("userinfo_audience"));
    }
    if before.is_none_or(|before| before.name != draft.name) {
        require_no_provider_name(&draft.name, own)?;
        require_own_name(conn, &acting, &draft.name, before.map(|before| before.id))?;
    }
    let scopes = draft.scopes.difference(&free_scopes(&acting, before));
    require_held(&acting, &scopes, &draft.metadata, own)
}

/// The scopes that a client may give without holding them: those about a user are the user's to give, who is asked. To a client
/// that others registered it adds none.
fn free_scopes(acting: &Client, before: Option<&Client>) -> Scopes {
    let about_users: Scopes = Scope::OPENID.into_iter().collect();
    match before {
        Some(before) if before.registered_by_client != Some(acting.id) => {
            about_users.intersection(&before.scopes)
        }
        _ => about_users,
    }
}

/// What users may know this provider as, whatever it is configured to be called.
const PRODUCT: &str = "Doorward";

/// Checks that users can't take a client for Doorward itself.
fn require_no_provider_name(name: &str, own: &Provider) -> Result<(), ClientError> {
    let name = comparable(name);
    if [PRODUCT, &own.name]
        .iter()
        .any(|own| comparable(own) == name)
    {
        return Err(ClientError::ProviderName);
    }
    Ok(())
}

/// Checks that users can't take a client for one that others registered: they read its name when they are asked for consent.
fn require_own_name(
    conn: &mut Connection,
    acting: &Client,
    name: &str,
    client: Option<ClientId>,
) -> Result<(), ClientError> {
    let name = comparable(name);
    let others = queries::list_names_of_others(conn, acting.id, client)?;
    if others.iter().any(|other| comparable(other) == name) {
        return Err(ClientError::NameTaken);
    }
    Ok(())
}

/// A name without what readers overlook: case, accents, spaces, punctuation and invisible characters.
fn comparable(name: &str) -> String {
    let folded = fold(name);
    let letters: String = folded.chars().filter(|one| one.is_alphanumeric()).collect();
    if letters.is_empty() { folded } else { letters }
}

/// A client only shortens lifetimes.
fn require_not_longer(
    after: &Metadata,
    before: Option<&Metadata>,
    given: GivenLifetimes,
) -> Result<(), ClientError> {
    match given.find_longer(after, before) {
        Some((field, longest)) => Err(ClientError::LongerInPerson { field, longest }),
        None => Ok(()),
    }
}

/// The first client of an algorithm publishes a key of it, and some verifiers of other apps reject the whole set of keys then.
fn require_known_algorithm(after: &Metadata, before: Option<&Metadata>) -> Result<(), ClientError> {
    let wanted = after.id_token_signed_response_alg;
    let known = before.map(|before| before.id_token_signed_response_alg);
    if wanted == Algorithm::default() || known == Some(wanted) {
        Ok(())
    } else {
        Err(ClientError::AlgorithmInPerson)
    }
}

/// An app that learns of users without asking them needs an administrator in person.
fn require_not_approved_beforehand(metadata: &Metadata) -> Result<(), ClientError> {
    if metadata.allows(GrantType::AuthorizationCode) && !metadata.require_consent {
        return Err(ClientError::Approval);
    }
    Ok(())
}

/// The client that acts, as of now; `None` if none does.
fn acting_client(
    conn: &mut Connection,
    author: &Author,
) -> Result<Option<Arc<Client>>, ClientError> {
    let Some(id) = author.client() else {
        return Ok(None);
    };
    let record = queries::find(conn, id)?.filter(|record| record.client.enabled);
    record
        .map(|record| Some(record.client))
        .ok_or(ClientError::NotManaged)
}

fn manages(acting: &Client, client: &Client) -> bool {
    client.registered_by_client == Some(acting.id)
        || client.metadata.managed_by.contains(&acting.id)
}

/// Checks that the acting client holds these scopes, services and settings.
fn require_held(
    acting: &Client,
    scopes: &Scopes,
    metadata: &Metadata,
    own: &Provider,
) -> Result<(), ClientError> {
    let beyond = scopes.difference(&acting.scopes);
    if !beyond.is_empty() {
        return Err(ClientError::NotHeld(beyond));
    }
    // Every client may get tokens for Doorward itself.
    let held: BTreeSet<&str> = acting
        .metadata
        .resources
        .iter()
        .map(String::as_str)
        .chain([own.origin.as_str()])
        .collect();
    require_services("resources", &metadata.resources, &held)?;
    let held = acting
        .metadata
        .audiences
        .iter()
        .map(String::as_str)
        .collect();
    require_services("audiences", &metadata.audiences, &held)?;
    if metadata.userinfo_audience && !acting.metadata.userinfo_audience {
        return Err(ClientError::NotHeldSetting("userinfo_audience"));
    }
    Ok(())
}

fn require_services(
    field: &'static str,
    given: &[String],
    held: &BTreeSet<&str>,
) -> Result<(), ClientError> {
    let values: Vec<String> = given
        .iter()
        .filter(|service| !held.contains(service.as_str()))
        .cloned()
        .collect();
    if values.is_empty() {
        Ok(())
    } else {
        Err(ClientError::NotHeldServices { field, values })
    }
}
