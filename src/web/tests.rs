//! Checks that the catalogue of texts (`ui/text/en.json`) and the keys that the code uses are the same set.

use std::collections::BTreeSet;
use std::path::Path;

use super::text;

/// Keys that the code composes: the prefix, and the names that follow it, separated by spaces. A key that is written out in a
/// source file does not belong here.
const COMPOSED: &[(&str, &str)] = &[
    (
        "account.notice",
        "app_withdrawn passkey_added passkey_removed renamed session_ended sessions_ended",
    ),
    (
        "audit_action",
        "audit.erased audit.revisions_sealed authorization.ended client.authenticated \
         client.authentication_changed client.authorized client.consents_voided client.created client.deleted \
         client.disabled client.enabled client.pkce_required client.redirect_uris_changed \
         client.secret_rotated client.logout_notified client.updated code.redeemed configuration.loaded \
         consent.granted consent.withdrawn role_assignment.created role_assignment.deleted role_assignment.updated invitation.revoked \
         key.compromised key.created key.rewrapped key.rotated passkey.device_link_created passkey.registered \
         passkey.renamed passkey.revoked policies.loaded request.refused resource.deleted resource.registered \
         resource.updated role.created role.deleted role.updated session.ended session.ended_all \
         session.ended_others session.signed_in session.stepped_up setup.completed setup.link_created \
         token.refreshed token.revoked user.invited user.joined user.reactivated user.recovered \
         user.suspended user.updated username.released",
    ),
    (
        "audit_detail",
        "aaguid algorithm attempts attributes authorization authorizations backup_state because chosen \
         consents count description display_name email email_state email_verified event expires_at hash \
         invitation kept kid manages_assignments_on manages_roles method name pkce_used policies position purpose \
         resource_id resource_type resources retires_at role role_assignment roles route scope session sessions sid \
         sign_count signs_from title token user_id username valid_until version",
    ),
    (
        "client_choice",
        "ES256 EdDSA JWT RS256 at+jwt authorization_code client_credentials client_secret_basic \
         client_secret_post jwt native none opaque phr phrh refresh_token require_pkce.auto \
         require_pkce.false require_pkce.true token_endpoint_auth_method.any urn:doorward:acr:device-bound \
         web",
    ),
    (
        "client_fault",
        "acr age at_registration audience audience_is_client choice client client_id client_id_taken \
         code_needed endpoint lifetime name origin own_audience own_redirect page pkce_needed \
         redirect_fragment redirect_needed redirect_not_absolute redirect_scheme redirect_too_long \
         redirect_user_info redirect_wildcard refresh_lifetime response_types role role_unknown \
         rotation_needed scope_name scope_unknown scope_useless secret secret_needed secret_of_public service \
         sid_required too_long too_many",
    ),
    (
        "client_field",
        "access_token_format access_token_header_type access_token_header_type.hint access_token_lifetime \
         access_token_lifetime.hint allowed_origins allowed_origins.hint allowed_roles allowed_roles.hint \
         application_type audiences audiences.hint backchannel_logout_session_required backchannel_logout_uri \
         backchannel_logout_without_sid claims_in_id_token client_id client_id.hint client_name \
         client_name.hint client_uri default_acr_values default_acr_values.hint default_max_age \
         default_max_age.hint grant_types id_token_lifetime id_token_lifetime.hint \
         id_token_signed_response_alg least_acr managed_by managed_by.hint offline_idle_timeout \
         offline_idle_timeout.hint offline_lifetime offline_lifetime.hint pkce_used policy_uri \
         post_logout_redirect_uris post_logout_redirect_uris.hint redirect_uris redirect_uris.hint \
         refresh_token_lifetime refresh_token_lifetime.hint require_consent require_pkce require_pkce.hint \
         resources resources.hint rotate_refresh_tokens scope scope.hint token_endpoint_auth_method \
         token_endpoint_auth_method.hint tos_uri userinfo_audience userinfo_audience.hint",
    ),
    (
        "client_section",
        "app chosen links logout management tokens users",
    ),
    (
        "confirm",
        "client_secret.button client_secret.effect_1 client_secret.title client_secret.undo \
         client_secret.what delete_client.button delete_client.effect_1 delete_client.effect_2 \
         delete_client.title delete_client.undo delete_client.what delete_role.button delete_role.effect \
         delete_role.title delete_role.undo delete_role.what disable_client.button disable_client.effect_1 \
         disable_client.effect_2 disable_client.title disable_client.undo disable_client.what \
         enable_client.button enable_client.title enable_client.what end_all_sessions.button \
         end_all_sessions.title end_all_sessions.undo end_all_sessions.what end_session.button \
         end_session.title end_session.undo end_session.what recovery_link.button recovery_link.title \
         recovery_link.what delete_resource.button delete_resource.title delete_resource.undo \
         delete_resource.what lock.button lock.title lock.undo lock.what reactivate.button reactivate.title \
         reactivate.what release_username.button release_username.title release_username.what \
         revoke_invitation.button revoke_invitation.title revoke_invitation.undo revoke_invitation.what \
         revoke_passkey.button revoke_passkey.title revoke_passkey.undo revoke_passkey.what suspend.button \
         suspend.undo suspend.what verify_email.button verify_email.title verify_email.undo verify_email.what \
         delete_role_assignment.button delete_role_assignment.title delete_role_assignment.undo delete_role_assignment.what",
    ),
    (
        "admin.notice",
        "email_saved email_verified reactivated roles_saved username_released",
    ),
    ("admin_audit.script", "from until"),
    ("admin_client.notice", "disabled enabled registered saved"),
    ("admin_clients.notice", "deleted"),
    (
        "admin_done",
        "end_all_sessions.title end_session.title revoke_passkey.title suspend.title",
    ),
    ("admin_role_assignment.notice", "created updated"),
    (
        "admin_role_assignment.wrong",
        "attributes description resource_id resource_type roles title valid_until",
    ),
    ("admin_invitations.notice", "revoked"),
    ("admin_invitations.purpose", "add_device join recover"),
    (
        "admin_invitations.state",
        "any expired lapsed open revoked used",
    ),
    ("admin_resource.notice", "saved"),
    ("admin_resources.notice", "deleted"),
    ("admin_role.notice", "made saved"),
    ("admin_roles.notice", "deleted"),
    ("admin_user_roles", "changed_meanwhile last_administrator"),
    ("protected_host.gone", "title what"),
    ("protected_host.logged_out", "title what"),
    ("protected_host.logout", "title what"),
    ("protected_host.refused", "title what"),
    (
        "link_gone",
        "invitation_expired.title invitation_expired.what invitation_used.title invitation_used.what \
         setup_expired.title setup_expired.what setup_used.title setup_used.what unknown.title unknown.what",
    ),
    ("login.notice", "locked session_ended signed_out"),
    (
        "problem",
        "400.title 400.what 403.title 403.what 404.title 404.what 405.title 405.what 409.title 409.what \
         410.title 410.what 413.title 413.what 415.title 415.what 429.title 429.what 500.title 500.what \
         503.title 503.what account-suspended.title account-suspended.what authorization-gone.title \
         authorization-gone.what authorization-request.detail authorization-request.title \
         authorization-request.what changed-since.title last-administrator.title last-administrator.what \
         last-passkey.title last-passkey.what logout-request.detail logout-request.title logout-request.what \
         other-user.title page-gone.title page-gone.what role-built-in.title role-built-in.what \
         role-in-use.title role-in-use.what untrusted-proxy.title untrusted-proxy.what",
    ),
    (
        "scope",
        "address audit:read clients:read clients:write email role-assignments:read role-assignments:write groups offline_access \
         openid passkeys:read passkeys:revoke phone profile roles sessions:read sessions:revoke users:read \
         users:write",
    ),
    (
        "step_up.act",
        "change_email update_role_assignment change_roles client_secret delete_client delete_role device_link \
         disable_client enable_client end_all_sessions end_session recovery_link delete_resource create_role_assignment \
         invite invite_without_name make_role put_resource reactivate register_client release_username \
         revoke_invitation revoke_passkey suspend update_client update_role verify_email delete_role_assignment",
    ),
];

/// Returns the texts of all source files below a folder of the repository except this file.
fn sources(folder: &str) -> Vec<String> {
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)];
    let mut texts = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if !path.ends_with("web/tests.rs") {
                texts.push(std::fs::read_to_string(&path).expect("a text"));
            }
        }
    }
    texts
}

/// Returns the string literals that may be keys or prefixes of keys.
fn literals(source: &str) -> impl Iterator<Item = &str> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || "._-:+".contains(c);
    source
        .split('"')
        .filter(move |text| text.contains('.') && text.chars().all(is_part))
}

/// Returns whether a literal that looks like a key is something else.
fn is_other(literal: &str, keys: &BTreeSet<&str>) -> bool {
    let is_file = [".html", ".js", ".css"]
        .iter()
        .any(|end| literal.ends_with(end));
    let is_action = keys.contains(format!("audit_action.{literal}").as_str());
    let is_host = literal.starts_with("app.example");
    is_file || is_action || is_host
}

/// Returns a key, and its singular and plural forms.
fn with_forms(key: &str) -> [String; 3] {
    [key.to_owned(), format!("{key}.one"), format!("{key}.other")]
}

#[test]
fn every_key_in_use_has_a_text_and_every_text_is_in_use() {
    let keys: BTreeSet<&str> = text::keys().collect();
    let groups: BTreeSet<&str> = keys
        .iter()
        .filter_map(|key| key.split('.').next())
        .collect();
    let sources: Vec<String> = ["src", "ui/templates", "ui/static"]
        .iter()
        .flat_map(|folder| sources(folder))
        .collect();
    let mut used: BTreeSet<String> = ["language".to_owned()].into();
    let mut missing = BTreeSet::new();
    for literal in sources.iter().flat_map(|source| literals(source)) {
        let forms = with_forms(literal);
        if forms.iter().any(|form| keys.contains(form.as_str())) {
            used.extend(forms);
            continue;
        }
        let prefix = format!("{}.", literal.trim_end_matches('.'));
        let is_prefix = keys.iter().any(|key| key.starts_with(&prefix));
        let group = literal.split('.').next().unwrap_or_default();
        if groups.contains(group) && !is_prefix && !is_other(literal, &keys) {
            missing.insert(literal.to_owned());
        }
    }
    for (prefix, names) in COMPOSED {
        let starts = ["{", "$"].map(|next| format!("{prefix}.{next}"));
        let is_composed = sources.iter().any(|source| {
            source.contains(&format!("\"{prefix}\""))
                || starts.iter().any(|start| source.contains(start))
        });
        assert!(
            is_composed,
            "no code composes keys that begin with {prefix}"
        );
        for name in names.split(' ') {
            let key = format!("{prefix}.{name}");
            if !keys.contains(key.as_str()) {
                missing.insert(key.clone());
            }
            used.insert(key);
        }
    }
    let unused: Vec<&&str> = keys.iter().filter(|key| !used.contains(**key)).collect();
    assert!(missing.is_empty(), "keys without a text: {missing:?}");
    assert!(unused.is_empty(), "texts that no code uses: {unused:?}");
}
