//! Which clients an author may change, and how.
//!
//! The command line and signed-in administrators may change every client. A client, also when it acts for an administrator,
//! may change only clients that it registered or was made a manager of and that have no more permissions than it has, and
//! assign only permissions that it has. A client that another party disabled stays disabled until that party, an administrator
//! or the command line enables it.

use std::sync::Arc;

use super::draft::Draft;
use super::{
    ActingAs, Algorithm, Client, ClientError, ClientRecord, GrantType, Metadata, ProviderInfo,
    Scope, Scopes, queries,
};
use crate::base::ids::ClientId;
use crate::base::text_folding::fold;
use crate::db::Connection;
use crate::history::Author;

/// Locks the client that an operation changes, and then checks that the caller may still make the change.
///
/// Operations by clients run one at a time: two clients that change each other would each hold the other's row and wait for their
/// own. Locking the rows in the order of their IDs is no alternative: a caller that waits for its target would hold its own row,
/// and so delay the administrator who disables it.
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

/// Checks that the author may change this client at all. Every operation on an existing client calls this.
pub(super) fn require_may_manage(
    conn: &mut Connection,
    author: &Author,
    client: &Client,
    provider: &ProviderInfo,
) -> Result<(), ClientError> {
    let Some(acting) = acting_client(conn, author)? else {
        return Ok(());
    };
    // A client must not be able to extend its own permissions.
    if acting.id == client.id {
        return Err(ClientError::SelfChange);
    }
    let has_registered = client.registered_by_client == Some(acting.id);
    if !has_registered && !client.metadata.managed_by.contains(&acting.id) {
        return Err(ClientError::NotManaged);
    }
    if !client.enabled && queries::find_latest_author(conn, client.id)? != Some(acting.id) {
        return Err(ClientError::DisabledByOthers);
    }
    require_consent_or_administrator(&client.metadata)?;
    let about_users = Scope::OPENID.into_iter().collect();
    let scopes = client.scopes.difference(&about_users);
    match require_held(&acting, &scopes, &client.metadata, provider) {
        Err(
            ClientError::ScopeNotHeld(_)
            | ClientError::ResourcesNotHeld { .. }
            | ClientError::SettingNotHeld(_),
        ) => Err(ClientError::ExceedsCaller),
        checked => checked,
    }
}

/// Checks that the author may register a client with these values or save them; `before` is the existing client, if any.
pub(super) fn require_may_register(
    conn: &mut Connection,
    author: &Author,
    draft: &Draft,
    before: Option<&Client>,
    provider: &ProviderInfo,
) -> Result<(), ClientError> {
    let Some(acting) = acting_client(conn, author)? else {
        return Ok(());
    };
    require_consent_or_administrator(&draft.metadata)?;
    let managers: &[ClientId] = before.map_or(&[], |before| &before.metadata.managed_by);
    if draft.metadata.managed_by != managers {
        return Err(ClientError::ManagersNeedAdministrator);
    }
    let known = before.map(|before| &before.metadata);
    let limits = provider.lifetime_limits;
    if let Some((field, max)) = limits.find_above_limit(&draft.metadata, known) {
        return Err(ClientError::LongerLifetimeNeedsAdministrator { field, max });
    }
    require_known_algorithm(&draft.metadata, known)?;
    // Users who consented to the app did not agree to this, and the app's existing tokens would become valid for more.
    if draft.metadata.userinfo_audience && known.is_some_and(|known| !known.userinfo_audience) {
        return Err(ClientError::SettingNotHeld("userinfo_audience"));
    }
    if before.is_none_or(|before| before.name != draft.name) {
        require_not_provider_name(&draft.name, provider)?;
        require_distinct_name(conn, &acting, &draft.name, before.map(|before| before.id))?;
    }
    let scopes = draft
        .scopes
        .difference(&scopes_granted_by_users(&acting, before));
    require_held(&acting, &scopes, &draft.metadata, provider)
}

/// Scopes that a client may assign without having them itself: those about users, who are asked for consent. A client that another
/// party registered gets no new ones.
fn scopes_granted_by_users(acting: &Client, before: Option<&Client>) -> Scopes {
    let about_users: Scopes = Scope::OPENID.into_iter().collect();
    match before {
        Some(before) if before.registered_by_client != Some(acting.id) => {
            about_users.intersection(&before.scopes)
        }
        _ => about_users,
    }
}

/// The product name, which users may know this provider by, whatever name is configured.
const PRODUCT: &str = "Doorward";

/// Checks that users can't mistake the client for Doorward itself.
fn require_not_provider_name(name: &str, provider: &ProviderInfo) -> Result<(), ClientError> {
    let name = comparable(name);
    if [PRODUCT, &provider.name]
        .iter()
        .any(|reserved| comparable(reserved) == name)
    {
        return Err(ClientError::ProviderName);
    }
    Ok(())
}

/// Checks that users can't mistake the client for one that another party registered: the consent page shows the client's name.
fn require_distinct_name(
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

/// The name without differences that readers overlook: case, accents, spaces, punctuation and invisible characters.
fn comparable(name: &str) -> String {
    let folded = fold(name);
    let letters: String = folded.chars().filter(|one| one.is_alphanumeric()).collect();
    if letters.is_empty() { folded } else { letters }
}

/// The first client with an algorithm makes Doorward publish a key for it, and some verifiers in other apps then
/// reject the whole key set.
fn require_known_algorithm(after: &Metadata, before: Option<&Metadata>) -> Result<(), ClientError> {
    let wanted = after.id_token_signed_response_alg;
    let known = before.map(|before| before.id_token_signed_response_alg);
    if wanted == Algorithm::default() || known == Some(wanted) {
        Ok(())
    } else {
        Err(ClientError::AlgorithmNeedsAdministrator)
    }
}

/// A client may not manage an app that receives user data without asking the users for consent.
fn require_consent_or_administrator(metadata: &Metadata) -> Result<(), ClientError> {
    if metadata.allows(GrantType::AuthorizationCode) && !metadata.require_consent {
        return Err(ClientError::ConsentExempt);
    }
    Ok(())
}

/// The client that makes the change, as it is in the database now; `None` if no client is involved.
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

/// Checks that the acting client itself has these scopes, resources, audiences and settings.
fn require_held(
    acting: &Client,
    scopes: &Scopes,
    metadata: &Metadata,
    provider: &ProviderInfo,
) -> Result<(), ClientError> {
    let beyond = scopes.difference(&acting.scopes);
    if !beyond.is_empty() {
        return Err(ClientError::ScopeNotHeld(beyond));
    }
    let (given, held) = (metadata, &acting.metadata);
    // Every client may get tokens for Doorward itself.
    let is_held = |resource: &String| {
        held.resources.contains(resource) || resource == provider.origin.as_str()
    };
    require_all_held("resources", &given.resources, is_held)?;
    require_all_held("audiences", &given.audiences, |audience| {
        held.audiences.contains(audience)
    })?;
    if given.userinfo_audience && !held.userinfo_audience {
        return Err(ClientError::SettingNotHeld("userinfo_audience"));
    }
    Ok(())
}

fn require_all_held(
    field: &'static str,
    given: &[String],
    is_held: impl Fn(&String) -> bool,
) -> Result<(), ClientError> {
    let values: Vec<String> = given
        .iter()
        .filter(|value| !is_held(value))
        .cloned()
        .collect();
    if values.is_empty() {
        return Ok(());
    }
    Err(ClientError::ResourcesNotHeld { field, values })
}
