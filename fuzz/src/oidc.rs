//! OAuth and OpenID Connect requests, read as the endpoints read them without any store.

use std::fmt::Debug;

use doorward::parsers::{
    ApplicationType, AuthMethod, AuthorizationRequest, AuthorizationResponse, ClaimsRequest,
    Client, ClientAuthError, ClientId, EmailState, GrantType, IdTokenHint, Metadata, OAuthError,
    Parameters, PublicClientId, RedirectUri, RequirePkce, ResponseTarget, Scope, Scopes, Timestamp,
    Token, User, UserId, UserStatus, claims_for_id_token, claims_for_userinfo,
    parse_claims_parameter, read_authorization_request as read_request, read_credentials,
    read_grant_type, read_response_target, restrict_claims, scopes_of_claims, verify_pkce,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, json};
use url::Url;

use crate::tokens::Readers;

const ISSUER: &str = "https://id.example";
const NOW: Timestamp = Timestamp::from_micros(1_000_000);

/// The clients whose requests are read: one with a secret that may do everything, one on a device that has none.
pub struct Clients([Client; 2]);

impl Clients {
    /// Registers them.
    pub fn new() -> Self {
        let uri = |text| RedirectUri::parse(text).expect("a redirect URI");
        let confidential = Metadata {
            redirect_uris: vec![uri("https://app.example/callback?tenant=1")],
            grant_types: GrantType::ALL.to_vec(),
            resources: vec!["https://api.example/".into()],
            require_pkce: RequirePkce::NEVER,
            ..Metadata::default()
        };
        let public = Metadata {
            redirect_uris: vec![
                uri("http://127.0.0.1/callback"),
                uri("com.example.app:/callback"),
            ],
            grant_types: vec![GrantType::AuthorizationCode],
            application_type: ApplicationType::Native,
            token_endpoint_auth_method: AuthMethod::None,
            ..Metadata::default()
        };
        Self([
            client(confidential, Scope::ALL.iter().copied().collect()),
            client(public, Scopes::parse("openid email").expect("scopes")),
        ])
    }
}

impl Default for Clients {
    fn default() -> Self {
        Self::new()
    }
}

fn client(metadata: Metadata, scopes: Scopes) -> Client {
    let id = ClientId::random();
    Client {
        public_id: id.into(),
        id,
        name: "an app".into(),
        scopes,
        metadata,
        enabled: true,
        registered_by_client: None,
        consent_epoch: 0,
        created_at: NOW,
        version: 1,
        as_of: NOW,
    }
}

/// An authorization request: `query` is read for each client.
pub fn read_authorization_request(clients: &Clients, query: &[u8]) {
    let parameters = match Parameters::parse(query) {
        Ok(parameters) => parameters,
        Err(fault) => return check_refusal(&OAuthError::invalid_request(fault.to_string())),
    };
    for client in &clients.0 {
        match read_response_target(&parameters, client, ISSUER) {
            Ok(to) => read_the_rest(&parameters, client, &to),
            Err(refusal) => check_refusal(&refusal),
        }
    }
}

fn read_the_rest(parameters: &Parameters, client: &Client, to: &ResponseTarget) {
    assert!(client.metadata.allows_redirect_to(&to.redirect_uri));
    let hint = parameters.get("id_token_hint").map(|_| UserId::random());
    let read = read_request(parameters, client, to.clone(), hint, (ISSUER, NOW, &[]));
    let outcome = match read {
        Ok(request) => {
            check_request(&request, client);
            Ok(Token::parse(&"A".repeat(43)).expect("a code"))
        }
        Err(refusal) => {
            check_refusal(&refusal);
            Err(refusal)
        }
    };
    check_answer(to, outcome);
}

/// The request stays within what the client is registered for, and survives being stored.
fn check_request(request: &AuthorizationRequest, client: &Client) {
    assert!(request.scopes.is_subset(&client.scopes), "a scope too much");
    assert!(
        request.consent.is_subset(&client.scopes),
        "a scope too much"
    );
    assert!(request.code_challenge.is_some() || !client.metadata.is_public());
    check_storable(request);
    let later = request.clone().restrict_to(client, ISSUER, &[]);
    assert!(later.is_some(), "a request that could not be continued");
}

/// The response goes to the very address, has each parameter once and in ASCII, and `state` as it came.
fn check_answer(to: &ResponseTarget, outcome: Result<Token, OAuthError>) {
    let response = AuthorizationResponse::new(to, outcome, ISSUER);
    let address = response.address();
    assert!(address.starts_with(&to.redirect_uri), "sent elsewhere");
    assert!(
        address.bytes().all(|byte| byte.is_ascii_graphic()),
        "no header"
    );
    let url = Url::parse(&address);
    assert!(url.is_ok(), "no address: {address}");
    let Ok(url) = url else { return };
    assert_eq!(url.fragment(), None);
    for (name, value) in &response.fields {
        let said: Vec<_> = url.query_pairs().filter(|pair| pair.0 == *name).collect();
        assert!(
            matches!(said.as_slice(), [(_, one)] if one == value),
            "{name} is not there once"
        );
    }
    let state = response.fields.iter().find(|field| field.0 == "state");
    assert_eq!(state.map(|field| &field.1), to.state.as_ref());
}

/// A token request: `header` is its `Authorization`, `body` its form.
pub fn read_token_request(readers: &Readers, header: Option<&str>, body: &[u8]) {
    let parameters = match Parameters::parse(body) {
        Ok(parameters) => parameters,
        Err(fault) => return check_refusal(&OAuthError::invalid_request(fault.to_string())),
    };
    match read_credentials(header, &parameters) {
        Ok(credentials) => {
            assert_eq!(header.is_some(), credentials.by_header);
            // HTTP Basic with an empty secret is a client without one (RFC 6749 §2.3.1).
            let is_basic = credentials.method == AuthMethod::ClientSecretBasic;
            assert_eq!(is_basic, header.is_some() && credentials.secret.is_some());
            assert_eq!(
                credentials.secret.is_none(),
                credentials.method == AuthMethod::None
            );
            let both = header.is_some() && parameters.get("client_secret").is_some();
            assert!(!both, "two methods");
        }
        Err(error) => {
            let is_unavailable = matches!(error, ClientAuthError::Unavailable(_));
            assert!(!is_unavailable, "no store is asked: {error}");
        }
    }
    if let Err(refusal) = read_grant_type(&parameters) {
        check_refusal(&refusal);
    }
    for name in ["refresh_token", "token", "code"] {
        if let Some(presented) = parameters.get(name) {
            readers.refuse(presented);
            Token::parse(presented);
        }
    }
    if let Some(text) = parameters.get("scope") {
        check_scopes(text);
    }
    let challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
    let verifier = parameters.get("code_verifier");
    if let Err(refusal) = verify_pkce(Some(challenge), verifier) {
        check_refusal(&refusal);
    }
}

fn check_scopes(text: &str) {
    match Scopes::parse(text) {
        Ok(scopes) => {
            let again = Scopes::parse(&scopes.to_text());
            assert!(again.is_ok_and(|again| again == scopes), "other scopes");
        }
        Err(fault) => check_refusal(&OAuthError::invalid_request(fault.to_string())),
    }
}

/// The parameter `claims`: the claims that a client gets are among those that it asked for and is registered for.
pub fn read_claims_parameter(clients: &Clients, text: &str) {
    let (claims, _) = match parse_claims_parameter(text) {
        Ok(read) => read,
        Err(refusal) => return check_refusal(&refusal),
    };
    check_storable(&claims);
    let user = user();
    let nothing = Scopes::default();
    for client in &clients.0 {
        let consent = scopes_of_claims(&claims, &[]).intersection(&client.scopes);
        let within = restrict_claims(claims.clone(), &client.scopes, &[]);
        let told = claims_for_userinfo(&user, &nothing, &client.scopes, (&within, &[]));
        for name in told.keys() {
            assert!(claims.userinfo.contains(name), "{name} was not asked for");
            let asked = ClaimsRequest {
                userinfo: vec![name.clone()],
                id_token: Vec::new(),
            };
            let scopes = scopes_of_claims(&asked, &[]);
            assert!(scopes.is_subset(&consent), "{name} without consent");
        }
        claims_for_id_token(&user, &nothing, client, (&within, &[]));
    }
}

fn user() -> User {
    User {
        id: UserId::random(),
        username: "ada".into(),
        email: Some("ada@example.com".into()),
        email_state: EmailState::Unverified,
        email_verified_at: None,
        email_verified_by: None,
        display_name: "Ada".into(),
        status: UserStatus::Active,
        attributes: Map::from_iter([
            ("phone_number".to_owned(), json!("+44")),
            ("address".to_owned(), json!({ "country": "UK" })),
        ]),
        roles: vec!["admin".into()],
        created_at: NOW,
        version: 1,
        as_of: NOW,
    }
}

/// A genuine `id_token_hint` with any payload.
pub fn read_id_token_hint(readers: &Readers, payload: &[u8]) {
    let known: Option<IdTokenHint> = readers.read_signed("JWT", payload);
    if let Some(known) = known {
        UserId::parse(&known.sub);
        PublicClientId::parse(&known.aud);
    }
    // An access token is not accepted as a hint.
    let other: Option<IdTokenHint> = readers.read_signed("at+jwt", payload);
    assert!(other.is_none());
}

/// The stored value is read back as it was.
fn check_storable<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: &T) {
    let again = serde_json::to_string(value).and_then(|text| serde_json::from_str::<T>(&text));
    assert!(again.is_ok_and(|again| again == *value), "lost: {value:?}");
}

/// RFC 6749 §4.1.2.1: ASCII without quotes and backslashes, and short enough for a header.
fn check_refusal(refusal: &OAuthError) {
    let description = &refusal.description;
    let is_plain = |letter| matches!(letter, ' '..='~') && !matches!(letter, '"' | '\\');
    assert!(description.chars().all(is_plain), "{description:?}");
    assert!((1..500).contains(&description.len()), "{description:?}");
}
