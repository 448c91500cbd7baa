//! A client before it is registered or saved, and the checks of the whole registration.

use super::addresses::{check_addresses, check_redirects};
use super::invalid_field::{FieldErrorKind, InvalidField, MAX_ENTRIES};
use super::lifetimes::check_lifetimes;
use super::resource_names::check_resource_names;
use super::{AuthMethod, Client, GrantType, Metadata, RequirePkce, Scope, Scopes};
use crate::base::config::Origin;
use crate::base::text_folding::is_unprintable;

/// The supported `acr` values, weakest first.
pub(super) const ACRS: [&str; 3] = ["phr", "urn:doorward:acr:device-bound", "phrh"];
/// The maximum for `default_max_age`, in seconds.
const MAX_SIGN_IN_AGE: u32 = 30 * 24 * 60 * 60;
/// The maximum number of scopes per client.
const MAX_SCOPES: usize = 100;
/// Prefixes that are reserved for Doorward's scopes. An unknown scope with one of them is refused: it is a misspelling, and a later
/// version might give it a meaning.
const RESERVED_PREFIXES: [&str; 8] = [
    "users",
    "sessions",
    "passkeys",
    "clients",
    "tokens",
    "audit",
    "role-assignments",
    "access",
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
    pub(super) fn validated(mut self, issuer: &Origin) -> Result<Self, InvalidField> {
        self.name = self.name.trim().to_owned();
        if !is_printable(&self.name, 100) {
            return Err(FieldErrorKind::Name.of("client_name"));
        }
        check_scopes(&self.scopes, &self.metadata)?;
        check_response_types(&self)?;
        let metadata = &mut self.metadata;
        remove_duplicates(&mut metadata.redirect_uris);
        remove_duplicates(&mut metadata.post_logout_redirect_uris);
        remove_duplicates(&mut metadata.grant_types);
        remove_duplicates(&mut metadata.managed_by);
        for names in [
            &mut metadata.allowed_origins,
            &mut metadata.default_acr_values,
            &mut metadata.resources,
            &mut metadata.audiences,
            &mut metadata.allowed_roles,
        ] {
            remove_duplicates(names);
        }
        metadata.accepts_either_secret_method &=
            metadata.token_endpoint_auth_method == AuthMethod::ClientSecretBasic;
        check_lengths(metadata)?;
        check_grants(metadata)?;
        check_addresses(metadata)?;
        check_redirects(metadata, issuer)?;
        check_resource_names(metadata, issuer)?;
        check_sign_in_requirements(metadata)?;
        Ok(self)
    }
}

/// Whether the text has 1 to `max` characters, all visible, and none that changes the direction of the surrounding text.
fn is_printable(text: &str, max: usize) -> bool {
    (1..=max).contains(&text.chars().count()) && !text.chars().any(is_unprintable)
}

fn remove_duplicates<T: PartialEq>(list: &mut Vec<T>) {
    let mut kept: Vec<T> = Vec::with_capacity(list.len());
    for one in list.drain(..) {
        if !kept.contains(&one) {
            kept.push(one);
        }
    }
    *list = kept;
}

fn check_scopes(scopes: &Scopes, metadata: &Metadata) -> Result<(), InvalidField> {
    if scopes.names().count() > MAX_SCOPES {
        return Err(FieldErrorKind::TooMany.of("scope"));
    }
    let is_slip = |name: &str| {
        let family = name.split(':').next().unwrap_or_default();
        name.contains(':') && RESERVED_PREFIXES.contains(&family) && name.parse::<Scope>().is_err()
    };
    if let Some(name) = scopes.names().find(|name| is_slip(name)) {
        return Err(FieldErrorKind::ScopeUnknown.with_value("scope", name));
    }
    // Another resource server's scope contains that server's name, or the client may get tokens for a resource.
    let gives_nothing = |name: &str| {
        metadata.resources.is_empty()
            && !name.contains([':', '/', '.'])
            && name.parse::<Scope>().is_err()
    };
    if let Some(name) = scopes.names().find(|name| gives_nothing(name)) {
        return Err(FieldErrorKind::ScopeUseless.with_value("scope", name));
    }
    Ok(())
}

/// RFC 7591 §2.1: response types and grant types must correspond.
fn check_response_types(draft: &Draft) -> Result<(), InvalidField> {
    let Some(types) = &draft.response_types else {
        return Ok(());
    };
    if let Some(entry) = types.iter().position(|name| name != "code") {
        return Err(FieldErrorKind::Choice("code").at("response_types", entry));
    }
    if types.is_empty() == draft.metadata.allows(GrantType::AuthorizationCode) {
        return Err(FieldErrorKind::ResponseTypes.of("response_types"));
    }
    Ok(())
}

fn check_lengths(metadata: &Metadata) -> Result<(), InvalidField> {
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
        if length > MAX_ENTRIES {
            return Err(FieldErrorKind::TooMany.of(field));
        }
    }
    Ok(())
}

fn check_grants(metadata: &Metadata) -> Result<(), InvalidField> {
    let code = metadata.allows(GrantType::AuthorizationCode);
    if code && metadata.redirect_uris.is_empty() {
        return Err(FieldErrorKind::RedirectNeeded.of("redirect_uris"));
    }
    if metadata.allows(GrantType::RefreshToken) && !code {
        return Err(FieldErrorKind::CodeNeeded.of("grant_types"));
    }
    if !metadata.is_public() {
        return Ok(());
    }
    // RFC 6749 §4.4: only confidential clients.
    if metadata.allows(GrantType::ClientCredentials) {
        return Err(FieldErrorKind::SecretNeeded.of("grant_types"));
    }
    // RFC 9700 §2.1.1: public clients must use PKCE.
    if metadata.require_pkce == RequirePkce::NEVER {
        return Err(FieldErrorKind::PkceNeeded.of("require_pkce"));
    }
    // RFC 9700 §4.14.2: a public client's refresh tokens are bound to it, or rotate.
    if !metadata.rotate_refresh_tokens {
        return Err(FieldErrorKind::RotationNeeded.of("rotate_refresh_tokens"));
    }
    Ok(())
}

fn check_sign_in_requirements(metadata: &Metadata) -> Result<(), InvalidField> {
    if metadata
        .default_max_age
        .is_some_and(|age| age > MAX_SIGN_IN_AGE)
    {
        return Err(FieldErrorKind::Age.of("default_max_age"));
    }
    check_lifetimes(metadata)?;
    for (field, acr) in metadata
        .default_acr_values
        .iter()
        .map(|acr| ("default_acr_values", acr))
        .chain(metadata.least_acr.iter().map(|acr| ("least_acr", acr)))
    {
        if !ACRS.contains(&acr.as_str()) {
            return Err(FieldErrorKind::Acr.of(field));
        }
    }
    for (entry, role) in metadata.allowed_roles.iter().enumerate() {
        if !is_printable(role, 100) || role.contains(char::is_whitespace) {
            return Err(FieldErrorKind::Role.at("allowed_roles", entry));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::RedirectUri;
    use super::*;

    fn app(change: impl FnOnce(&mut Metadata)) -> Result<Draft, InvalidField> {
        let callback = RedirectUri::parse("https://app.example/callback").expect("an address");
        let mut draft = Draft {
            name: "An app".into(),
            ..Draft::default()
        };
        draft.metadata.redirect_uris = vec![callback];
        draft.metadata.grant_types = vec![GrantType::AuthorizationCode, GrantType::RefreshToken];
        change(&mut draft.metadata);
        draft.validated(&Origin::parse("https://id.example.com").expect("an origin"))
    }

    fn fault(change: impl FnOnce(&mut Metadata)) -> Option<(&'static str, FieldErrorKind)> {
        let fault = app(change).err()?;
        Some((fault.field, fault.kind))
    }

    #[test]
    fn duplicates_are_removed() {
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
    fn public_clients_need_pkce_and_rotation_and_no_client_credentials() {
        let public = |change: fn(&mut Metadata)| {
            fault(|metadata| {
                metadata.token_endpoint_auth_method = AuthMethod::None;
                change(metadata);
            })
        };
        assert_eq!(public(|_| {}), None);
        assert_eq!(
            public(|metadata| metadata.require_pkce = RequirePkce::NEVER),
            Some(("require_pkce", FieldErrorKind::PkceNeeded))
        );
        assert_eq!(
            public(|metadata| metadata.rotate_refresh_tokens = false),
            Some(("rotate_refresh_tokens", FieldErrorKind::RotationNeeded))
        );
        assert_eq!(
            public(|metadata| metadata.grant_types.push(GrantType::ClientCredentials)),
            Some(("grant_types", FieldErrorKind::SecretNeeded))
        );
    }

    #[test]
    fn a_typo_in_one_of_doorwards_scopes_is_detected() {
        let metadata = Metadata::default();
        let check =
            |text: &str| check_scopes(&Scopes::parse(text).expect("scopes"), &metadata).is_ok();
        assert!(check(
            "openid users:read orders:read https://api.example/write"
        ));
        assert!(!check("users:everything") && !check("role-assignments:all") && !check("tokens:"));
    }
}
