//! Which changes loosen a client and so void its consents: more parties can receive what users consented to, or the client can get
//! more. A table in the tests covers every member.

use super::draft::ACRS;
use super::{ApplicationType, Client};

/// Returns the members that a change loosens. Consents given before the change are no longer in force.
pub(super) fn fields_voiding_consent(before: &Client, after: &Client) -> Vec<&'static str> {
    let (old, new) = (&before.metadata, &after.metadata);
    let is_widened = !old.allowed_roles.is_empty()
        && (new.allowed_roles.is_empty() || has_added(&old.allowed_roles, &new.allowed_roles));
    let members = [
        (
            "redirect_uris",
            has_added(&old.redirect_uris, &new.redirect_uris),
        ),
        // Native apps may redirect to any loopback port; users of public native apps are asked every time,
        // those of web apps are not.
        (
            "application_type",
            old.application_type != new.application_type
                && (new.application_type == ApplicationType::Native || new.is_public()),
        ),
        (
            "token_endpoint_auth_method",
            !old.is_public() && new.is_public(),
        ),
        ("grant_types", has_added(&old.grant_types, &new.grant_types)),
        (
            "require_pkce",
            old.code_protection() > new.code_protection(),
        ),
        (
            "rotate_refresh_tokens",
            old.rotate_refresh_tokens && !new.rotate_refresh_tokens,
        ),
        // The endpoint is notified which users' sessions end.
        (
            "backchannel_logout_uri",
            new.backchannel_logout_uri.is_some()
                && new.backchannel_logout_uri != old.backchannel_logout_uri,
        ),
        ("allowed_roles", is_widened),
        (
            "least_acr",
            rank(new.least_acr.as_deref()) < rank(old.least_acr.as_deref()),
        ),
        ("scope", !after.scopes.is_subset(&before.scopes)),
        ("resources", has_added(&old.resources, &new.resources)),
        ("audiences", has_added(&old.audiences, &new.audiences)),
        // The resource servers that receive the client's tokens can read the user's claims.
        (
            "userinfo_audience",
            !old.userinfo_audience && new.userinfo_audience,
        ),
    ];
    members
        .into_iter()
        .filter_map(|(member, voids_consent)| voids_consent.then_some(member))
        .collect()
}

fn has_added<T: PartialEq>(before: &[T], after: &[T]) -> bool {
    after.iter().any(|entry| !before.contains(entry))
}

/// 0 without a minimum; otherwise 1 for the weakest sign-in, and so on.
fn rank(acr: Option<&str>) -> usize {
    let place = acr.and_then(|acr| ACRS.iter().position(|known| *known == acr));
    place.map_or(0, |place| place.saturating_add(1))
}

#[cfg(test)]
mod tests {
    use super::super::{
        AccessTokenFormat, AccessTokenHeaderType, Algorithm, AuthMethod, GrantType, Metadata,
        RedirectUri, RequirePkce, Scope, Scopes,
    };
    use super::*;
    use crate::base::clock::Timestamp;
    use crate::base::ids::ClientId;

    fn app() -> Client {
        let callback = RedirectUri::parse("https://app.example/callback").expect("an address");
        let id = ClientId::random();
        Client {
            public_id: id.into(),
            id,
            name: "An app".into(),
            scopes: [Scope::OpenId, Scope::Email].into_iter().collect(),
            metadata: Metadata {
                redirect_uris: vec![callback],
                grant_types: vec![GrantType::AuthorizationCode],
                allowed_roles: vec!["clerk".into(), "cook".into()],
                least_acr: Some("phrh".into()),
                default_max_age: Some(3_600),
                default_acr_values: vec!["phr".into()],
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

    fn voided_by(change: impl FnOnce(&mut Client)) -> Vec<&'static str> {
        let before = app();
        let mut after = before.clone();
        change(&mut after);
        fields_voiding_consent(&before, &after)
    }

    /// What a client that manages another client may do to a member.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    enum Rule {
        /// Nothing: only Doorward or a signed-in administrator sets it.
        NotSettable,
        /// Set it to at most what it has itself; adding to it voids consents.
        WithinCaller,
        /// Change it; a change that gives more parties access voids consents.
        VoidsConsent,
        /// Change it freely: no change gives another party access to users' data.
        Free,
    }

    /// Every member of a registration. A new member must be added here with its rule.
    const RULES: [(&str, Rule); 44] = [
        ("client_id", Rule::NotSettable),
        ("id", Rule::NotSettable),
        ("registered_by_client", Rule::NotSettable),
        ("consent_epoch", Rule::NotSettable),
        ("created_at", Rule::NotSettable),
        ("version", Rule::NotSettable),
        ("as_of", Rule::NotSettable),
        ("enabled", Rule::NotSettable),
        ("managed_by", Rule::NotSettable),
        ("require_consent", Rule::NotSettable),
        ("scope", Rule::WithinCaller),
        ("resources", Rule::WithinCaller),
        ("audiences", Rule::WithinCaller),
        ("userinfo_audience", Rule::WithinCaller),
        ("redirect_uris", Rule::VoidsConsent),
        ("token_endpoint_auth_method", Rule::VoidsConsent),
        ("grant_types", Rule::VoidsConsent),
        ("application_type", Rule::VoidsConsent),
        ("backchannel_logout_uri", Rule::VoidsConsent),
        ("require_pkce", Rule::VoidsConsent),
        ("rotate_refresh_tokens", Rule::VoidsConsent),
        ("allowed_roles", Rule::VoidsConsent),
        ("least_acr", Rule::VoidsConsent),
        // Except to the name of a client that another party registered.
        ("client_name", Rule::Free),
        // Shown to users on pages that also show the redirect URI's host.
        ("client_uri", Rule::Free),
        ("policy_uri", Rule::Free),
        ("tos_uri", Rule::Free),
        // Codes and tokens are never sent there.
        ("post_logout_redirect_uris", Rule::Free),
        ("backchannel_logout_session_required", Rule::Free),
        // Pages there may send requests, but without cookies, and this gives them no token.
        ("allowed_origins", Rule::Free),
        // Defaults that each of the app's requests may override anyway.
        ("default_max_age", Rule::Free),
        ("default_acr_values", Rule::Free),
        // A client may only shorten them.
        ("access_token_lifetime", Rule::Free),
        ("id_token_lifetime", Rule::Free),
        ("refresh_token_lifetime", Rule::Free),
        ("offline_lifetime", Rule::Free),
        ("offline_idle_timeout", Rule::Free),
        // How the app receives what its users consented to.
        ("id_token_signed_response_alg", Rule::Free),
        ("access_token_format", Rule::Free),
        ("access_token_header_type", Rule::Free),
        ("claims_in_id_token", Rule::Free),
        // The secret is the same with either method.
        ("accepts_either_secret_method", Rule::Free),
        // Setting it is stricter; resetting it loosens `require_pkce`.
        ("pkce_used", Rule::Free),
        // Logout tokens name the user whose session ended in any case.
        ("backchannel_logout_without_sid", Rule::Free),
    ];

    #[test]
    fn every_metadata_member_has_a_rule() {
        let registered = serde_json::json!(app());
        let registered = registered.as_object().expect("an object");
        let mut members: Vec<&str> = registered.keys().map(String::as_str).collect();
        let mut decided: Vec<&str> = RULES.iter().map(|(member, _)| *member).collect();
        members.sort_unstable();
        decided.sort_unstable();
        assert_eq!(members, decided);
    }

    #[test]
    fn only_changes_of_free_members_keep_consents() {
        for (member, rule) in RULES {
            let changed = match rule {
                Rule::NotSettable => continue,
                Rule::WithinCaller | Rule::VoidsConsent => vec![member],
                Rule::Free => vec![],
            };
            assert_eq!(
                voided_by(|client| change(client, member)),
                changed,
                "{member}"
            );
        }
    }

    /// Changes a member so that it gives as much access as possible.
    fn change(client: &mut Client, member: &str) {
        let address = |text: &str| RedirectUri::parse(text).expect("an address");
        let page = || Some("https://other.example/".to_owned());
        let metadata = &mut client.metadata;
        match member {
            "scope" => client.scopes = Scopes::parse("openid email roles").expect("scopes"),
            "resources" => metadata.resources.push("https://b.example".into()),
            "audiences" => metadata.audiences.push("https://c.example".into()),
            "userinfo_audience" => metadata.userinfo_audience = true,
            "redirect_uris" => metadata.redirect_uris.push(address("https://b.example/cb")),
            "token_endpoint_auth_method" => metadata.token_endpoint_auth_method = AuthMethod::None,
            "grant_types" => metadata.grant_types.push(GrantType::RefreshToken),
            "application_type" => metadata.application_type = ApplicationType::Native,
            "backchannel_logout_uri" => metadata.backchannel_logout_uri = page(),
            "require_pkce" => metadata.require_pkce = RequirePkce::NEVER,
            "rotate_refresh_tokens" => metadata.rotate_refresh_tokens = false,
            "allowed_roles" => metadata.allowed_roles.clear(),
            "least_acr" => metadata.least_acr = None,
            "client_name" => client.name = "Another name".into(),
            "client_uri" => metadata.client_uri = page(),
            "policy_uri" => metadata.policy_uri = page(),
            "tos_uri" => metadata.tos_uri = page(),
            "post_logout_redirect_uris" => {
                metadata
                    .post_logout_redirect_uris
                    .push(address("https://b.example/"));
            }
            "backchannel_logout_session_required" => {
                metadata.backchannel_logout_session_required = true;
            }
            "access_token_lifetime" => metadata.access_token_lifetime = Some(60),
            "id_token_lifetime" => metadata.id_token_lifetime = Some(60),
            "refresh_token_lifetime" => metadata.refresh_token_lifetime = Some(60),
            "offline_lifetime" => metadata.offline_lifetime = Some(60),
            "offline_idle_timeout" => metadata.offline_idle_timeout = Some(60),
            "allowed_origins" => metadata.allowed_origins.push("https://b.example".into()),
            "default_max_age" => metadata.default_max_age = None,
            "default_acr_values" => metadata.default_acr_values.clear(),
            "id_token_signed_response_alg" => {
                metadata.id_token_signed_response_alg = Algorithm::EdDSA;
            }
            "access_token_format" => metadata.access_token_format = AccessTokenFormat::Opaque,
            "access_token_header_type" => {
                metadata.access_token_header_type = AccessTokenHeaderType::Jwt;
            }
            "claims_in_id_token" => metadata.claims_in_id_token = true,
            "accepts_either_secret_method" => metadata.accepts_either_secret_method = true,
            "pkce_used" => metadata.pkce_used = true,
            "backchannel_logout_without_sid" => metadata.backchannel_logout_without_sid = true,
            other => panic!("no change of {other}"),
        }
    }

    #[test]
    fn making_pkce_optional_again_voids_consents() {
        let mut before = app();
        before.metadata.pkce_used = true;
        let mut after = before.clone();
        after.metadata.pkce_used = false;
        assert_eq!(fields_voiding_consent(&before, &after), ["require_pkce"]);
        assert_eq!(fields_voiding_consent(&after, &before), Vec::<&str>::new());
    }

    #[test]
    fn a_public_app_that_is_no_longer_native_loses_its_consents() {
        let before = {
            let mut client = app();
            client.metadata.token_endpoint_auth_method = AuthMethod::None;
            client.metadata.application_type = ApplicationType::Native;
            client
        };
        let mut after = before.clone();
        after.metadata.application_type = ApplicationType::Web;
        assert_eq!(
            fields_voiding_consent(&before, &after),
            ["application_type"]
        );
    }

    #[test]
    fn every_member_that_widens_access_is_reported() {
        let callback = RedirectUri::parse("https://app.example/other").expect("an address");
        let added = voided_by(|client| client.metadata.redirect_uris.push(callback));
        assert_eq!(added, ["redirect_uris"]);
        let public = voided_by(|client| {
            client.metadata.token_endpoint_auth_method = AuthMethod::None;
            client.metadata.application_type = ApplicationType::Native;
        });
        assert_eq!(public, ["application_type", "token_endpoint_auth_method"]);
        let weaker = voided_by(|client| {
            client.metadata.require_pkce = RequirePkce::NEVER;
            client.metadata.least_acr = Some("phr".into());
            client.metadata.allowed_roles = vec!["clerk".into(), "guest".into()];
        });
        assert_eq!(weaker, ["require_pkce", "allowed_roles", "least_acr"]);
        let open = voided_by(|client| {
            client.metadata.allowed_roles = Vec::new();
            client.metadata.least_acr = None;
        });
        assert_eq!(open, ["allowed_roles", "least_acr"]);
        let more = voided_by(|client| {
            client.scopes = Scopes::parse("openid email phone").expect("scopes");
            client.metadata.grant_types.push(GrantType::RefreshToken);
            client.metadata.resources.push("https://b.example".into());
            client.metadata.audiences.push("https://c.example".into());
        });
        assert_eq!(more, ["grant_types", "scope", "resources", "audiences"]);
    }

    #[test]
    fn narrowing_access_or_renaming_keeps_consents() {
        let narrowed = voided_by(|client| {
            client.name = "Another name".into();
            client.scopes = Scope::OPENID.into_iter().take(1).collect();
            client.metadata.resources = Vec::new();
            client.metadata.allowed_roles = vec!["cook".into()];
            client.metadata.policy_uri = Some("https://app.example/policy".into());
        });
        assert_eq!(narrowed, Vec::<&str>::new());
    }
}
