//! Re-exports the parsers of untrusted input, with their argument and result types, for the fuzz targets in `fuzz/`. Not a stable
//! API: they may change at any time.

pub use crate::account_state::{AccountState, UserStatus};
pub use crate::assignments::ResourceName;
pub use crate::authzen::EvaluationRequest;
pub use crate::base::clock::Timestamp;
pub use crate::base::config::{Access as AccessConfig, Origin, Route, RouteResource, SubjectId};
pub use crate::base::ids::{ClientId, RefreshFamilyId, UserId};
pub use crate::base::public_client_id::PublicClientId;
pub use crate::base::seal::Sealer;
pub use crate::base::secrets::{MasterKey, Token};
pub use crate::clients::{
    ApplicationType, AuthMethod, Client, GrantType, Metadata, RedirectUri, RequirePkce, Scope,
    Scopes,
};
pub use crate::forward_auth::routes::{RouteTable, parts};
pub use crate::forward_auth::{ForwardedHeaders, ForwardedRequest, ProxyProtocol};
pub use crate::oidc::claims_request::{ClaimsRequest, parse as parse_claims_parameter};
pub use crate::oidc::client_authentication::{ClientAuthError, read_credentials};
pub use crate::oidc::error::OAuthError;
pub use crate::oidc::id_token::IdTokenHint;
pub use crate::oidc::parameters::Parameters;
pub use crate::oidc::pkce::verify as verify_pkce;
pub use crate::oidc::request::{
    AuthorizationRequest, ResponseTarget, read as read_authorization_request, read_response_target,
};
pub use crate::oidc::response::AuthorizationResponse;
pub use crate::oidc::token::read_grant_type;
pub use crate::oidc::user_claims::{
    for_id_token as claims_for_id_token, for_userinfo as claims_for_userinfo,
    restrict as restrict_claims, scopes_of as scopes_of_claims,
};
pub use crate::policies::{
    Claimed, DecisionInput, Policies, StepUpSearch, Subject, is_action, readable,
};
pub use crate::tokens::access_token::{
    AccessClaims, TYPES as ACCESS_TOKEN_TYPES, peek_unverified as peek_access_token,
    read as read_access_token, seal as seal_access_token,
};
pub use crate::tokens::issued_state::IssuedState;
pub use crate::tokens::keys::KeySet;
pub use crate::tokens::refresh::{RefreshToken, RefreshTokens};
pub use crate::users::{EmailState, User};
