//! A client before it is registered or saved, and the checks of the whole registration.

use super::addresses::{check_addresses, check_redirects};
use super::fault::{Fault, FieldFault, MOST_ENTRIES};
use super::lifetimes::check_lifetimes;
use super::services::check_services;
use super::{AuthMethod, Client, GrantType, Metadata, RequirePkce, Scope, Scopes};
use crate::base::config::Origin;
use crate::base::letters::is_unprintable;

/// The supported `acr` values, weakest first.
pub(super) const ACRS: [&str; 3] = ["phr", "urn:doorward:acr:device-bound", "phrh"];
/// The maximum for `default_max_age`, in seconds.
const OLDEST: u32 = 30 * 24 * 60 * 60;
/// The maximum number of scopes per client.
const MOST_SCOPES: usize = 100;
/// Prefixes that are reserved for Doorward's scopes. An unknown scope with one of them is refused: it is a misspelling, and a later
/// version might give it a meaning.
const FAMILIES: [&str; 8] = [
    "users", "sessions", "passkeys", "clients", "tokens", "audit", "grants", "access",
];

/// A client before it is registered or saved, and the response types of the request.
#[derive(Clone, Debug, Default)]
pub(super) struct Draft {
    pub(super) name: String,
    pub(super) scopes: Scopes,
    pub(super) metadata: Metadata,
    /// The response types, if they were given. They are only checked and not stored, because they follow from the grant types.
    pub(super) response_types: Option<Vec<String>>,
}

impl Draft {
    /// The draft that equals the registered client.
    pub(super) fn of(client: &Client) -> Self {
        Self {
            name: client.name.clone(),
            scopes: client.scopes.clone(),
            metadata: client.metadata.clone(),
            response_types: None,
        }
    }

    /// The scopes of a new client whose registration names none.
    pub(super) fn default_scopes(&self) -> Scopes {
        if self.metadata.allows(GrantType::AuthorizationCode) {
            Scope::OPENID.into_iter().collect()
        } else {
            Scopes::default()
        }
    }

    /// Checks the whole draft, and removes duplicate list entries. Returns the first field that can't be used as an error.
    pub(super) fn checked(mut self, own: &Origin) -> Result<Self, FieldFault> {
        self.name = self.name.trim().to_owned();
        if !is_printable(&self.name, 100) {
            return Err(FieldFault::new("client_name", Fault::Name));
        }
        check_scopes(&self.scopes, &self.metadata)?;
        check_response_types(&self)?;
        let metadata = &mut self.metadata;
        keep_first(&mut metadata.redirect_uris);
        keep_first(&mut metadata.post_logout_redirect_uris);
        keep_first(&mut metadata.grant_types);
        keep_first(&mut metadata.managed_by);
        for names in [
            &mut metadata.allowed_origins,
            &mut metadata.default_acr_values,
            &mut metadata.resources,
            &mut metadata.audiences,
            &mut metadata.allowed_roles,
        ] {
            keep_first(names);
        }
        metadata.accepts_either_secret_method &=
            metadata.token_endpoint_auth_method == AuthMethod::ClientSecretBasic;
        check_lengths(metadata)?;
        check_grants(metadata)?;
        check_addresses(metadata)?;
        check_redirects(metadata, own)?;
        check_services(metadata, own)?;
        check_demands(metadata)?;
        Ok(self)
    }
}

fn is_role_name(text: &str) -> bool {
    is_printable(text, 100) && !text.contains(char::is_whitespace)
}

/// Whether the text has 1 to `most` characters, all visible, and none that changes the direction of the surrounding text.
fn is_printable(text: &str, most: usize) -> bool {
    (1..=most).contains(&text.chars().count()) && !text.chars().any(is_unprintable)
}

fn keep_first<T: PartialEq>(list: &mut Vec<T>) {
    let mut kept: Vec<T> = Vec::with_capacity(list.len());
    for one in list.drain(..) {
        if !kept.contains(&one) {
            kept.push(one);
        }
    }
    *list = kept;
}

fn check_scopes(scopes: &Scopes, metadata: &Metadata) -> Result<(), FieldFault> {
    if scopes.names().count() > MOST_SCOPES {
        return Err(FieldFault::new("scope", Fault::TooMany));
    }
    let is_slip = |name: &str| {
        let family = name.split(':').next().unwrap_or_default();
        name.contains(':') && FAMILIES.contains(&family) && name.parse::<Scope>().is_err()
    };
    if let Some(name) = scopes.names().find(|name| is_slip(name)) {
        return Err(FieldFault::unknown("scope", Fault::ScopeUnknown, name));
    }
    // Another resource server's scope contains that server's name, or the client may get tokens for a resource.
    let gives_nothing = |name: &str| {
        metadata.resources.is_empty()
            && !name.contains([':', '/', '.'])
            && name.parse::<Scope>().is_err()
    };
    if let Some(name) = scopes.names().find(|name| gives_nothing(name)) {
        return Err(FieldFault::unknown("scope", Fault::ScopeUseless, name));
    }
    Ok(())
}

/// RFC 7591 §2.1: response types and grant types must correspond.
fn check_response_types(draft: &Draft) -> Result<(), FieldFault> {
    let Some(types) = &draft.response_types else {
        return Ok(());
    };
    if let Some(entry) = types.iter().position(|name| name != "code") {
        return Err(FieldFault::at(
            "response_types",
            entry,
            Fault::Choice("code"),
        ));
    }
    if types.is_empty() == draft.metadata.allows(GrantType::AuthorizationCode) {
        return Err(FieldFault::new("response_types", Fault::ResponseTypes));
    }
    Ok(())
}

fn check_lengths(metadata: &Metadata) -> Result<(), FieldFault> {
    for (field, length) in [
        ("redirect_uris", metadata.redirect_uris.len()),
        (
            "post_logout_redirect_uris",
            metadata.post_logout_redirect_uris.len(),
        ),
        ("allowed_origins", metadata.allowed_origins.len()),
        ("resources", metadata.resources.len()),
        ("audiences", metadata.audiences.len()),
        ("allowed_roles", metadata.allowed_roles.len()),
        ("managed_by", metadata.managed_by.len()),
    ] {
        if length > MOST_ENTRIES {
            return Err(FieldFault::new(field, Fault::TooMany));
        }
    }
    Ok(())
}

fn check_grants(metadata: &Metadata) -> Result<(), FieldFault> {
    let code = metadata.allows(GrantType::AuthorizationCode);
    if code && metadata.redirect_uris.is_empty() {
        return Err(FieldFault::new("redirect_uris", Fault::RedirectNeeded));
    }
    if metadata.allows(GrantType::RefreshToken) && !code {
        return Err(FieldFault::new("grant_types", Fault::CodeNeeded));
    }
    if !metadata.is_public() {
        return Ok(());
    }
    // RFC 6749 §4.4: only confidential clients.
    if metadata.allows(GrantType::ClientCredentials) {
        return Err(FieldFault::new("grant_types", Fault::SecretNeeded));
    }
    // RFC 9700 §2.1.1: public clients must use PKCE.
    if metadata.require_pkce == RequirePkce::NEVER {
        return Err(FieldFault::new("require_pkce", Fault::PkceNeeded));
    }
    // RFC 9700 §4.14.2: a public client's refresh tokens are bound to it, or rotate.
    if !metadata.rotate_refresh_tokens {
        return Err(FieldFault::new(
            "rotate_refresh_tokens",
            Fault::RotationNeeded,
        ));
    }
    Ok(())
}

fn check_demands(metadata: &Metadata) -> Result<(), FieldFault> {
    if metadata.default_max_age.is_some_and(|age| age > OLDEST) {
        return Err(FieldFault::new("default_max_age", Fault::Age));
    }
    check_lifetimes(metadata)?;
    for (field, acr) in metadata
        .default_acr_values
        .iter()
        .map(|acr| ("default_acr_values", acr))
        .chain(metadata.least_acr.iter().map(|acr| ("least_acr", acr)))
    {
        if !ACRS.contains(&acr.as_str()) {
            return Err(FieldFault::new(field, Fault::Acr));
        }
    }
    for (entry, role) in metadata.allowed_roles.iter().enumerate() {
        if !is_role_name(role) {
            return Err(FieldFault::at("allowed_roles", entry, Fault::Role));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::RedirectUri;
    use super::*;

    fn app(change: impl FnOnce(&mut Metadata)) -> Result<Draft, FieldFault> {
        let callback = RedirectUri::parse("https://app.example/callback").expect("an address");
        let mut draft = Draft {
            name: "An app".into(),
            ..Draft::default()
        };
        draft.metadata.redirect_uris = vec![callback];
        draft.metadata.grant_types = vec![GrantType::AuthorizationCode, GrantType::RefreshToken];
        change(&mut draft.metadata);
        draft.checked(&Origin::parse("https://id.example.com").expect("an origin"))
    }

    fn fault(change: impl FnOnce(&mut Metadata)) -> Option<(&'static str, Fault)> {
        let fault = app(change).err()?;
        Some((fault.field, fault.fault))
    }

    #[test]
    fn what_stands_there_twice_stands_there_once() {
        let draft = app(|metadata| {
            let again = metadata.redirect_uris.clone();
            metadata.redirect_uris.extend(again);
            metadata.resources = vec!["https://a.example".into(), "https://a.example".into()];
        });
        let metadata = draft.expect("a client").metadata;
        assert_eq!(
            (metadata.redirect_uris.len(), metadata.resources.len()),
            (1, 1)
        );
    }

    #[test]
    fn a_public_client_is_held_to_more() {
        let public = |change: fn(&mut Metadata)| {
            fault(|metadata| {
                metadata.token_endpoint_auth_method = AuthMethod::None;
                change(metadata);
            })
        };
        assert_eq!(public(|_| {}), None);
        assert_eq!(
            public(|metadata| metadata.require_pkce = RequirePkce::NEVER),
            Some(("require_pkce", Fault::PkceNeeded))
        );
        assert_eq!(
            public(|metadata| metadata.rotate_refresh_tokens = false),
            Some(("rotate_refresh_tokens", Fault::RotationNeeded))
        );
        assert_eq!(
            public(|metadata| metadata.grant_types.push(GrantType::ClientCredentials)),
            Some(("grant_types", Fault::SecretNeeded))
        );
    }

    #[test]
    fn a_slip_in_a_scope_of_doorwards_own_is_seen() {
        let metadata = Metadata::default();
        let check =
            |text: &str| check_scopes(&Scopes::parse(text).expect("scopes"), &metadata).is_ok();
        assert!(check(
            "openid users:read orders:read https://api.example/write"
        ));
        assert!(!check("users:everything") && !check("grants:all") && !check("tokens:"));
    }
}
