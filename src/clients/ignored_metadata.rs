//! Standard client metadata that Doorward ignores. Servers ignore metadata that they don't understand (RFC 7591 §2). Doorward
//! ignores only names in the IANA registry, so that misspelled members are still refused.

/// The IANA registry "OAuth Dynamic Client Registration Metadata", without the members that Doorward uses.
const IGNORED: [&str; 45] = [
    "authorization_details_types",
    "authorization_encrypted_response_alg",
    "authorization_encrypted_response_enc",
    "authorization_signed_response_alg",
    "backchannel_authentication_request_signing_alg",
    "backchannel_client_notification_endpoint",
    "backchannel_token_delivery_mode",
    "backchannel_user_code_parameter",
    "client_registration_types",
    "contacts",
    "dpop_bound_access_tokens",
    "frontchannel_logout_session_required",
    "frontchannel_logout_uri",
    "id_token_encrypted_response_alg",
    "id_token_encrypted_response_enc",
    "initiate_login_uri",
    "introspection_encrypted_response_alg",
    "introspection_encrypted_response_enc",
    "introspection_signed_response_alg",
    "jwks",
    "jwks_uri",
    "logo_uri",
    "organization_name",
    "request_object_encryption_alg",
    "request_object_encryption_enc",
    "request_object_signing_alg",
    "request_uris",
    "require_auth_time",
    "require_pushed_authorization_requests",
    "require_signed_request_object",
    "sector_identifier_uri",
    "signed_jwks_uri",
    "software_id",
    "software_statement",
    "software_version",
    "subject_type",
    "tls_client_auth_san_dns",
    "tls_client_auth_san_email",
    "tls_client_auth_san_ip",
    "tls_client_auth_san_uri",
    "tls_client_auth_subject_dn",
    "tls_client_certificate_bound_access_tokens",
    "token_endpoint_auth_signing_alg",
    "userinfo_encrypted_response_alg",
    "userinfo_signed_response_alg",
];

/// Human-readable members, which may be sent in several languages, such as `client_name#ja` (RFC 7591 §2.2).
const HUMAN_READABLE: [&str; 6] = [
    "client_name",
    "client_uri",
    "logo_uri",
    "organization_name",
    "policy_uri",
    "tos_uri",
];

/// Whether a member is registered with IANA but not used by Doorward.
pub(super) fn is_ignored(member: &str) -> bool {
    match member.split_once('#') {
        Some((member, _)) => HUMAN_READABLE.contains(&member),
        None => IGNORED.contains(&member),
    }
}
