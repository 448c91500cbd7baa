//! `tokens.claims`: user attributes that clients receive as claims.

/// Maps a user attribute to a claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimRule {
    /// Scope that includes the claim.
    pub scope: String,
    /// Name of the claim.
    pub claim: String,
    /// Name of the attribute.
    pub attribute: String,
}

/// Scopes whose claims describe only the user, and which users consent to.
const SCOPES: [&str; 5] = ["profile", "email", "address", "phone", "roles"];

/// Claims about users of OpenID Connect Core §5.1.
pub const USER_CLAIMS: [&str; 19] = [
    "name",
    "preferred_username",
    "given_name",
    "family_name",
    "middle_name",
    "nickname",
    "profile",
    "picture",
    "website",
    "gender",
    "birthdate",
    "zoneinfo",
    "locale",
    "updated_at",
    "email",
    "email_verified",
    "address",
    "phone_number",
    "phone_number_verified",
];

/// Other claims with a defined meaning: OpenID Connect Core §2, JWTs and access tokens (RFC 7519, RFC 9068, RFC 7800, RFC
/// 8693, RFC 7662), logout tokens, and Doorward's own.
const RESERVED: &[&str] = &[
    "iss",
    "sub",
    "aud",
    "exp",
    "nbf",
    "iat",
    "jti",
    "azp",
    "nonce",
    "auth_time",
    "acr",
    "amr",
    "sid",
    "at_hash",
    "c_hash",
    "s_hash",
    "events",
    "toe",
    "txn",
    "cnf",
    "act",
    "may_act",
    "scope",
    "client_id",
    "active",
    "token_type",
    "username",
    "typ",
    "_claim_names",
    "_claim_sources",
    "sub_jwk",
    "sub_id",
    "entitlements",
    "authorization_details",
    "roles",
    "groups",
    "vc",
    "vp",
    "trust_framework",
];

impl ClaimRule {
    /// Parses `scope:claim` or `scope:claim=attribute`.
    ///
    /// # Errors
    /// The rule in quotes, and what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let shape = || {
            format!(
                "{text:?} must be \"scope:claim\" or \"scope:claim=attribute\", such as \"profile:department\""
            )
        };
        let (scope, rest) = text.split_once(':').ok_or_else(shape)?;
        let (claim, attribute) = rest.split_once('=').unwrap_or((rest, rest));
        if !SCOPES.contains(&scope) {
            return Err(format!(
                "{text:?} must begin with one of {}",
                SCOPES.join(", ")
            ));
        }
        let is_name = |name: &str| {
            (1..=128).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_graphic())
        };
        if !is_name(claim) || attribute.is_empty() || attribute.chars().count() > 128 {
            return Err(shape());
        }
        if RESERVED.contains(&claim)
            || USER_CLAIMS.contains(&claim)
            || claim.starts_with("urn:doorward:")
        {
            return Err(format!(
                "{text:?}: the claim {claim} is reserved; choose another name"
            ));
        }
        Ok(Self {
            scope: scope.to_owned(),
            claim: claim.to_owned(),
            attribute: attribute.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_consists_of_scope_claim_and_attribute() {
        let rule = |text: &str| {
            let rule = ClaimRule::parse(text).expect(text);
            [rule.scope, rule.claim, rule.attribute]
        };
        assert_eq!(
            rule("profile:department"),
            ["profile", "department", "department"]
        );
        assert_eq!(rule("roles:team=Team name"), ["roles", "team", "Team name"]);
        assert_eq!(
            rule("profile:https://example.com/unit=unit"),
            ["profile", "https://example.com/unit", "unit"]
        );
        for bad in [
            "",
            "department",
            "openid:department",
            "offline_access:x",
            "users:read:x",
            "Profile:x",
            "profile:",
            "profile:x=",
            "profile:=x",
            "profile:a b",
            "profile:sub=x",
            "profile:email=mail",
            "roles:roles=teams",
            "profile:nonce",
            "profile:acr",
            "profile:urn:doorward:issuance=x",
        ] {
            assert!(ClaimRule::parse(bad).is_err(), "{bad}");
        }
    }
}
