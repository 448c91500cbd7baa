//! Which changes loosen a client: afterwards more parties can receive what users consented to, or the client may get more.

use super::draft::ACRS;
use super::{ApplicationType, Client};

/// The members that a change loosens. Consents given before it no longer count.
pub(super) fn loosened(before: &Client, after: &Client) -> Vec<&'static str> {
    let (old, new) = (&before.metadata, &after.metadata);
    let is_widened = !old.allowed_roles.is_empty()
        && (new.allowed_roles.is_empty() || has_added(&old.allowed_roles, &new.allowed_roles));
    let members = [
        (
            "redirect_uris",
            has_added(&old.redirect_uris, &new.redirect_uris),
        ),
        // Native apps may come back to any port of the loopback address.
        (
            "application_type",
            old.application_type != new.application_type
                && new.application_type == ApplicationType::Native,
        ),
        (
            "token_endpoint_auth_method",
            !old.is_public() && new.is_public(),
        ),
        ("grant_types", has_added(&old.grant_types, &new.grant_types)),
        ("require_pkce", old.require_pkce && !new.require_pkce),
        ("allowed_roles", is_widened),
        (
            "least_acr",
            rank(new.least_acr.as_deref()) < rank(old.least_acr.as_deref()),
        ),
        ("scope", !after.scopes.is_subset(&before.scopes)),
        ("resources", has_added(&old.resources, &new.resources)),
        ("audiences", has_added(&old.audiences, &new.audiences)),
    ];
    members
        .into_iter()
        .filter_map(|(member, is_loosened)| is_loosened.then_some(member))
        .collect()
}

fn has_added<T: PartialEq>(before: &[T], after: &[T]) -> bool {
    after.iter().any(|entry| !before.contains(entry))
}

/// 0 without a minimum; then the weakest sign-in first.
fn rank(acr: Option<&str>) -> usize {
    let place = acr.and_then(|acr| ACRS.iter().position(|known| *known == acr));
    place.map_or(0, |place| place.saturating_add(1))
}

#[cfg(test)]
mod tests {
    use super::super::{AuthMethod, GrantType, Metadata, RedirectUri, Scope, Scopes};
    use super::*;
    use crate::base::clock::Timestamp;
    use crate::base::ids::ClientId;

    fn app() -> Client {
        let callback = RedirectUri::parse("https://app.example/callback").expect("an address");
        Client {
            id: ClientId::random(),
            name: "An app".into(),
            scopes: [Scope::OpenId, Scope::Email].into_iter().collect(),
            metadata: Metadata {
                redirect_uris: vec![callback],
                grant_types: vec![GrantType::AuthorizationCode],
                allowed_roles: vec!["clerk".into(), "cook".into()],
                least_acr: Some("phrh".into()),
                resources: vec!["https://api.example".into()],
                ..Metadata::default()
            },
            enabled: true,
            registered_by_client: None,
            consent_epoch: 0,
            created_at: Timestamp::from_micros(0),
            version: 1,
            as_of: Timestamp::from_micros(0),
        }
    }

    fn loosened_by(change: impl FnOnce(&mut Client)) -> Vec<&'static str> {
        let before = app();
        let mut after = before.clone();
        change(&mut after);
        loosened(&before, &after)
    }

    #[test]
    fn every_member_that_lets_more_in_is_named() {
        let callback = RedirectUri::parse("https://app.example/other").expect("an address");
        let added = loosened_by(|client| client.metadata.redirect_uris.push(callback));
        assert_eq!(added, ["redirect_uris"]);
        let public = loosened_by(|client| {
            client.metadata.token_endpoint_auth_method = AuthMethod::None;
            client.metadata.application_type = ApplicationType::Native;
        });
        assert_eq!(public, ["application_type", "token_endpoint_auth_method"]);
        let weaker = loosened_by(|client| {
            client.metadata.require_pkce = false;
            client.metadata.least_acr = Some("phr".into());
            client.metadata.allowed_roles = vec!["clerk".into(), "guest".into()];
        });
        assert_eq!(weaker, ["require_pkce", "allowed_roles", "least_acr"]);
        let open = loosened_by(|client| {
            client.metadata.allowed_roles = Vec::new();
            client.metadata.least_acr = None;
        });
        assert_eq!(open, ["allowed_roles", "least_acr"]);
        let more = loosened_by(|client| {
            client.scopes = Scopes::parse("openid email phone").expect("scopes");
            client.metadata.grant_types.push(GrantType::RefreshToken);
            client.metadata.resources.push("https://b.example".into());
            client.metadata.audiences.push("https://c.example".into());
        });
        assert_eq!(more, ["grant_types", "scope", "resources", "audiences"]);
    }

    #[test]
    fn a_change_that_narrows_or_renames_loosens_nothing() {
        let narrowed = loosened_by(|client| {
            client.name = "Another name".into();
            client.scopes = Scope::OPENID.into_iter().take(1).collect();
            client.metadata.resources = Vec::new();
            client.metadata.allowed_roles = vec!["cook".into()];
            client.metadata.policy_uri = Some("https://app.example/policy".into());
        });
        assert_eq!(narrowed, Vec::<&str>::new());
    }
}
