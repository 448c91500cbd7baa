//! What strangers send, read as the endpoints read it, without any store: for the fuzz targets (`fuzz/`) alone. Each function
//! panics when something that this room promises does not hold.

use std::fmt::Debug;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, json};
use url::Url;

use super::client_authentication::{ClientError, read_credentials};
use super::error::Refusal;
use super::id_token::KnownIdToken;
use super::parameters::Parameters;
use super::request::{self, AuthorizationRequest, ReturnAddress};
use super::response::{AuthorizationResponse, Outcome};
use super::{claims_request, pkce, token, user_claims};
use crate::base::clock::Timestamp;
use crate::base::ids::{ClientId, UserId};
use crate::base::public_client_id::PublicClientId;
use crate::base::secrets::Token;
use crate::clients::{
    ApplicationType, AuthMethod, Client, GrantType, Metadata, RedirectUri, Scope, Scopes,
};
use crate::standing::UserStatus;
use crate::tokens::fuzzing::Readers;
use crate::users::{EmailState, User};

const ISSUER: &str = "https://id.example";
const NOW: Timestamp = Timestamp::from_micros(1_000_000);

/// The clients whose requests are read: one with a secret that may do everything, one on a device that has none.
pub struct Clients([Client; 2]);

impl Clients {
    /// Makes them; `None` where they could not be registered.
    pub fn make() -> Option<Self> {
        let confidential = Metadata {
            redirect_uris: vec![RedirectUri::parse("https://app.example/callback?tenant=1").ok()?],
            grant_types: GrantType::ALL.to_vec(),
            resources: vec!["https://api.example/".into()],
            require_pkce: crate::clients::RequirePkce::NEVER,
            ..Metadata::default()
        };
        let public = Metadata {
            redirect_uris: vec![
                RedirectUri::parse("http://127.0.0.1/callback").ok()?,
                RedirectUri::parse("com.example.app:/callback").ok()?,
            ],
            grant_types: vec![GrantType::AuthorizationCode],
            application_type: ApplicationType::Native,
            token_endpoint_auth_method: AuthMethod::None,
            ..Metadata::default()
        };
        Some(Self([
            client(confidential, Scope::ALL.iter().copied().collect()),
            client(public, Scopes::parse("openid email").ok()?),
        ]))
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
        Err(fault) => return check_refusal(&Refusal::invalid_request(fault.to_string())),
    };
    for client in &clients.0 {
        match request::read_return_address(&parameters, client, ISSUER) {
            Ok(to) => read_the_rest(&parameters, client, &to),
            Err(refusal) => check_refusal(&refusal),
        }
    }
}

fn read_the_rest(parameters: &Parameters, client: &Client, to: &ReturnAddress) {
    assert!(client.metadata.allows_redirect_to(&to.redirect_uri));
    let hint = parameters.get("id_token_hint").map(|_| UserId::random());
    let read = request::read(parameters, client, to.clone(), hint, (ISSUER, NOW, &[]));
    let outcome = match read {
        Ok(request) => {
            check_request(&request, client);
            let Some(code) = Token::parse(&"A".repeat(43)) else {
                return;
            };
            Outcome::Code(code)
        }
        Err(refusal) => {
            check_refusal(&refusal);
            Outcome::Refused(refusal)
        }
    };
    check_answer(to, outcome);
}

/// What was read stays within what the client is registered for, and waits in the store without loss.
fn check_request(request: &AuthorizationRequest, client: &Client) {
    assert!(request.scopes.is_subset(&client.scopes), "a scope too much");
    assert!(
        request.consent.is_subset(&client.scopes),
        "a scope too much"
    );
    assert!(request.code_challenge.is_some() || !client.metadata.is_public());
    check_storable(request);
    let later = request.clone().under(client, ISSUER, &[]);
    assert!(
        later.is_some(),
        "a request that would not be taken up again"
    );
}

/// The answer goes to the very address, says each thing once and in ASCII, and `state` as it came.
fn check_answer(to: &ReturnAddress, outcome: Outcome) {
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
            "{name} is not said once"
        );
    }
    let state = response.fields.iter().find(|field| field.0 == "state");
    assert_eq!(state.map(|field| &field.1), to.state.as_ref());
}

/// A token request: `header` is its `Authorization`, `body` its form.
pub fn read_token_request(readers: &Readers, header: Option<&str>, body: &[u8]) {
    let parameters = match Parameters::parse(body) {
        Ok(parameters) => parameters,
        Err(fault) => return check_refusal(&Refusal::invalid_request(fault.to_string())),
    };
    match read_credentials(header, &parameters) {
        Ok(credentials) => {
            assert_eq!(
                header.is_some(),
                credentials.method == AuthMethod::ClientSecretBasic
            );
            assert_eq!(
                credentials.secret.is_none(),
                credentials.method == AuthMethod::None
            );
            let both = header.is_some() && parameters.get("client_secret").is_some();
            assert!(!both, "two methods");
        }
        Err(error) => {
            let asks_nobody = !matches!(error, ClientError::Unavailable(_));
            assert!(asks_nobody, "no store is there: {error}");
        }
    }
    if let Err(refusal) = token::read_grant_type(&parameters) {
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
    if let Err(refusal) = pkce::verify(Some(challenge), verifier) {
        check_refusal(&refusal);
    }
}

fn check_scopes(text: &str) {
    match Scopes::parse(text) {
        Ok(scopes) => {
            let again = Scopes::parse(&scopes.to_text());
            assert!(again.is_ok_and(|again| again == scopes), "other scopes");
        }
        Err(fault) => check_refusal(&Refusal::invalid_request(fault.to_string())),
    }
}

/// The parameter `claims`: what it asks for is told of a person within what each client is registered for.
pub fn read_claims_parameter(clients: &Clients, text: &str) {
    let (claims, _) = match claims_request::parse(text) {
        Ok(read) => read,
        Err(refusal) => return check_refusal(&refusal),
    };
    check_storable(&claims);
    let user = somebody();
    let nothing = Scopes::default();
    for client in &clients.0 {
        let consent = user_claims::scopes_of(&claims, &[]).intersection(&client.scopes);
        let within = user_claims::within(claims.clone(), &client.scopes, &[]);
        let told = user_claims::for_userinfo(&user, &nothing, &client.scopes, (&within, &[]));
        for name in told.keys() {
            assert!(claims.userinfo.contains(name), "{name} was not asked for");
            let asked = claims_request::ClaimsRequest {
                userinfo: vec![name.clone()],
                id_token: Vec::new(),
            };
            let scopes = user_claims::scopes_of(&asked, &[]);
            assert!(scopes.is_subset(&consent), "{name} without consent");
        }
        user_claims::for_id_token(&user, &nothing, client, (&within, &[]));
    }
}

fn somebody() -> User {
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

/// An `id_token_hint`, genuine, with any payload.
pub fn read_id_token_hint(readers: &Readers, payload: &[u8]) {
    let known: Option<KnownIdToken> = readers.read_signed("JWT", payload);
    if let Some(known) = known {
        UserId::parse(&known.sub);
        PublicClientId::parse(&known.aud);
    }
    // An access token is no hint.
    let other: Option<KnownIdToken> = readers.read_signed("at+jwt", payload);
    assert!(other.is_none());
}

/// What is stored is read back as it was.
fn check_storable<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: &T) {
    let again = serde_json::to_string(value).and_then(|text| serde_json::from_str::<T>(&text));
    assert!(again.is_ok_and(|again| again == *value), "lost: {value:?}");
}

/// RFC 6749 §4.1.2.1: ASCII without quotes and backslashes, and short enough for a header.
fn check_refusal(refusal: &Refusal) {
    let description = &refusal.description;
    let is_plain = |letter| matches!(letter, ' '..='~') && !matches!(letter, '"' | '\\');
    assert!(description.chars().all(is_plain), "{description:?}");
    assert!((1..500).contains(&description.len()), "{description:?}");
}
