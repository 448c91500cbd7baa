//! Claims about a user: those of the granted scopes, and individually requested ones (OpenID Connect Core §5).

use serde_json::{Map, Value, json};

use super::claims_request::ClaimsRequest;
use super::names;
use crate::base::config::{ClaimRule, USER_CLAIMS};
use crate::clients::{Client, Scope, Scopes};
use crate::tokens::seconds;
use crate::users::User;

/// Claims of the scope `profile` that come from a user's attributes (OpenID Connect Core §5.1).
const PROFILE: [&str; 9] = [
    "middle_name",
    "nickname",
    "profile",
    "picture",
    "website",
    "gender",
    "birthdate",
    "zoneinfo",
    "locale",
];

/// Members of the claim `address` (OpenID Connect Core §5.1.1).
const ADDRESS: [&str; 6] = [
    "formatted",
    "street_address",
    "locality",
    "region",
    "postal_code",
    "country",
];

/// Claims of tokens that are not about the user.
const TOKEN_CLAIMS: [&str; 12] = [
    "iss",
    "sub",
    "aud",
    "exp",
    "iat",
    "auth_time",
    "nonce",
    "acr",
    "amr",
    "azp",
    "sid",
    "at_hash",
];

/// Claims about a user's roles.
const ROLE_CLAIMS: [&str; 2] = ["roles", "groups"];

/// Returns every claim that discovery lists, except the configured ones.
pub fn supported() -> impl Iterator<Item = &'static str> {
    let all = TOKEN_CLAIMS.into_iter().chain(USER_CLAIMS);
    all.chain(ROLE_CLAIMS)
}

/// Rules of the configured claims.
pub type Rules<'a> = &'a [ClaimRule];

/// Returns the claims of a UserInfo response: those of the granted scopes, and individually requested ones. The latter need no
/// granted scope (OpenID Connect Core §5.5), but the client must be registered for it, and the consent page lists it.
pub fn for_userinfo(
    user: &User,
    granted: &Scopes,
    registered: &Scopes,
    (request, rules): (&ClaimsRequest, Rules<'_>),
) -> Map<String, Value> {
    let mut all = of_scopes(user, granted, rules);
    all.extend(single(user, registered, &request.userinfo, rules));
    all
}

/// Returns the user claims of an ID token: individually requested ones and, if the client is registered so, those of its scopes.
pub fn for_id_token(
    user: &User,
    granted: &Scopes,
    client: &Client,
    (request, rules): (&ClaimsRequest, Rules<'_>),
) -> Map<String, Value> {
    let mut all = if client.metadata.claims_in_id_token {
        of_scopes(user, granted, rules)
    } else {
        Map::new()
    };
    all.extend(single(user, &client.scopes, &request.id_token, rules));
    all
}

/// Returns the requested claims that are known and belong to scopes that the client is registered for.
pub fn restrict(request: ClaimsRequest, registered: &Scopes, rules: Rules<'_>) -> ClaimsRequest {
    let keep = |names: Vec<String>| {
        let known = names.into_iter();
        let known = known
            .filter(|name| scope_of(name, rules).is_some_and(|scope| registered.contains(scope)));
        known.collect()
    };
    ClaimsRequest {
        userinfo: keep(request.userinfo),
        id_token: keep(request.id_token),
    }
}

/// Returns the scopes to which the requested claims belong.
pub fn scopes_of(request: &ClaimsRequest, rules: Rules<'_>) -> Scopes {
    let names = request.userinfo.iter().chain(&request.id_token);
    names.filter_map(|name| scope_of(name, rules)).collect()
}

fn scope_of(claim: &str, rules: Rules<'_>) -> Option<Scope> {
    match claim {
        "name" | "preferred_username" | "given_name" | "family_name" | "updated_at" => {
            Some(Scope::Profile)
        }
        name if PROFILE.contains(&name) => Some(Scope::Profile),
        "email" | "email_verified" => Some(Scope::Email),
        "address" => Some(Scope::Address),
        "phone_number" | "phone_number_verified" => Some(Scope::Phone),
        "roles" | "groups" => Some(Scope::Roles),
        _ => {
            let rule = rules.iter().find(|rule| rule.claim == claim)?;
            rule.scope.parse().ok()
        }
    }
}

fn single(
    user: &User,
    registered: &Scopes,
    requested: &[String],
    rules: Rules<'_>,
) -> Map<String, Value> {
    if requested.is_empty() {
        return Map::new();
    }
    let mut all = of_scopes(user, registered, rules);
    all.retain(|name, _| requested.contains(name));
    all
}

fn of_scopes(user: &User, scopes: &Scopes, rules: Rules<'_>) -> Map<String, Value> {
    let mut all = configured(user, scopes, rules);
    add_profile(&mut all, user, scopes);
    if scopes.contains(Scope::Email)
        && let Some(email) = &user.email
    {
        all.insert("email".into(), json!(email));
        all.insert("email_verified".into(), json!(user.is_email_verified()));
    }
    if scopes.contains(Scope::Address)
        && let Some(address) = address(user)
    {
        all.insert("address".into(), address);
    }
    if scopes.contains(Scope::Phone)
        && let Some(number) = text(user, "phone_number")
    {
        let is_verified = user.attributes.get("phone_number_verified") == Some(&Value::Bool(true));
        all.insert("phone_number".into(), number);
        all.insert("phone_number_verified".into(), json!(is_verified));
    }
    if scopes.contains(Scope::Roles) {
        all.insert("roles".into(), json!(user.roles));
        all.insert("groups".into(), json!(user.roles));
    }
    all
}

/// Returns the configured claims. An empty or `null` attribute counts as missing (OpenID Connect Core §5.3.2).
fn configured(user: &User, scopes: &Scopes, rules: Rules<'_>) -> Map<String, Value> {
    let told = rules.iter().filter(|rule| {
        let scope: Option<Scope> = rule.scope.parse().ok();
        scope.is_some_and(|scope| scopes.contains(scope))
    });
    told.filter_map(|rule| {
        let value = user.attributes.get(&rule.attribute)?;
        let is_empty = value.is_null() || value.as_str() == Some("");
        (!is_empty).then(|| (rule.claim.clone(), value.clone()))
    })
    .collect()
}

fn add_profile(all: &mut Map<String, Value>, user: &User, scopes: &Scopes) {
    if !scopes.contains(Scope::Profile) {
        return;
    }
    all.insert("name".into(), json!(user.display_name));
    all.insert("preferred_username".into(), json!(user.username));
    // OpenID Connect Core §5.1: `updated_at` is a number.
    all.insert("updated_at".into(), json!(seconds(user.as_of)));
    let attribute = |name: &str| user.attributes.get(name).and_then(Value::as_str);
    let said = |name: &str| attribute(name).filter(|text| !text.is_empty());
    let (given, family) =
        names::complete(&user.display_name, said("given_name"), said("family_name"));
    for (name, value) in [("given_name", given), ("family_name", family)] {
        if let Some(value) = value {
            all.insert(name.into(), json!(value));
        }
    }
    for name in PROFILE {
        if let Some(value) = text(user, name) {
            all.insert(name.into(), value);
        }
    }
}

fn text(user: &User, name: &str) -> Option<Value> {
    let value = user.attributes.get(name)?.as_str()?;
    (!value.is_empty()).then(|| json!(value))
}

/// The claim `address`: an object of strings with the members of OpenID Connect Core §5.1.1.
fn address(user: &User) -> Option<Value> {
    match user.attributes.get("address")? {
        Value::String(text) if !text.is_empty() => Some(json!({ "formatted": text })),
        Value::Object(parts) => {
            let texts = ADDRESS.into_iter().filter_map(|name| {
                let part = parts.get(name)?.as_str().filter(|part| !part.is_empty())?;
                Some((name.to_owned(), json!(part)))
            });
            let texts: Map<String, Value> = texts.collect();
            (!texts.is_empty()).then_some(Value::Object(texts))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_attribute_is_configured_under_the_name_of_a_supported_claim() {
        for claim in supported() {
            let refused = ClaimRule::parse(&format!("profile:{claim}=department"));
            let reason = refused.expect_err(claim);
            assert!(reason.contains("is reserved"), "{reason}");
        }
    }
}
