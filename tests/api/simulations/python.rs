//! Python. Many programs use Authlib, which sends ID and secret by HTTP Basic without form encoding.

use super::app::{APP, ClaimSource, ClientAuth};
use super::{App, Behavior, Client, Program, SETTINGS_IN_PRESET, Settings, SignOut, programs};

/// Authlib with discovery and the scope `openid`: state and a nonce; PKCE only if a challenge method is configured.
const AUTHLIB: App = App {
    scope: "openid email profile",
    nonce: true,
    secret: ClientAuth::PlainBasic,
    reads: &[
        (ClaimSource::IdToken, "name"),
        (ClaimSource::IdToken, "email"),
    ],
    ..APP
};

programs! {
    "Python",
    "";

    authlib: Program {
        name: "Authlib (Flask, Starlette, Django)",
        summary: "signs in, reads the ID token and UserInfo",
        client: Client::With(&["--redirect-uri", "https://app.example.com/auth"]),
        settings: Settings {
            file: "app.py",
            lines: &[
                "oauth.register(",
                "    name='doorward',",
                "    client_id='CLIENT_ID',",
                "    client_secret='CLIENT_SECRET',",
                "    server_metadata_url='https://id.example.com/.well-known/openid-configuration',",
                "    client_kwargs={'scope': 'openid email profile'},",
                ")",
            ],
        },
        real_program_test: Some("programs::python::authlib_signs_a_user_in"),
        behavior: Some(Behavior::SignsIn(App {
            reads: &[(ClaimSource::IdToken, "name"), (ClaimSource::IdToken, "email"), (ClaimSource::UserInfo, "email")],
            renews: Some(ClientAuth::PlainBasic),
            ..AUTHLIB
        })),
    };

    // OAUTH_PKCE_ENABLED, because it sends no nonce; ID and secret in the body if discovery lists that method.
    django_allauth: Program {
        name: "django-allauth",
        summary: "signs in, takes over name and verified email",
        client: Client::For("django-allauth"),
        settings: SETTINGS_IN_PRESET,
        real_program_test: Some("programs::python::django_allauth_signs_a_user_in"),
        behavior: Some(Behavior::SignsIn(App {
            pkce: true,
            starts_without: true,
            secret: ClientAuth::Body,
            reads: &[
                (ClaimSource::UserInfo, "email"), (ClaimSource::UserInfo, "email_verified"), (ClaimSource::UserInfo, "preferred_username"),
                (ClaimSource::UserInfo, "given_name"), (ClaimSource::UserInfo, "family_name"),
            ],
            ..APP
        })),
    };

    // OIDC_RP_SIGN_ALGO = "RS256"; PKCE, a nonce, and ID and secret in the body. Its `verify_claims` requires a
    // verified email address.
    mozilla_django_oidc: Program {
        name: "mozilla-django-oidc",
        summary: "signs in by verified email, takes over name and groups",
        client: Client::For("mozilla-django-oidc"),
        settings: SETTINGS_IN_PRESET,
        real_program_test: None,
        behavior: Some(Behavior::SignsIn(App {
            scope: "openid email profile groups",
            pkce: true,
            nonce: true,
            secret: ClientAuth::Body,
            reads: &[
                (ClaimSource::UserInfo, "email"), (ClaimSource::UserInfo, "email_verified"), (ClaimSource::UserInfo, "given_name"),
                (ClaimSource::UserInfo, "family_name"), (ClaimSource::UserInfo, "groups"),
            ],
            ..APP
        })),
    };

    // It checks nonce, `at_hash` and the authorized party.
    python_social_auth: Program {
        name: "python-social-auth (social-core)",
        summary: "signs in, takes over name and email, renews",
        client: Client::With(&["--redirect-uri", "https://app.example.com/complete/oidc/"]),
        settings: Settings {
            file: "settings.py",
            lines: &[
                "AUTHENTICATION_BACKENDS = ['social_core.backends.open_id_connect.OpenIdConnectAuth']",
                "SOCIAL_AUTH_OIDC_OIDC_ENDPOINT = 'https://id.example.com'",
                "SOCIAL_AUTH_OIDC_KEY = 'CLIENT_ID'",
                "SOCIAL_AUTH_OIDC_SECRET = 'CLIENT_SECRET'",
            ],
        },
        real_program_test: None,
        behavior: Some(Behavior::SignsIn(App {
            nonce: true,
            secret: ClientAuth::PlainBasic,
            reads: &[
                (ClaimSource::UserInfo, "preferred_username"), (ClaimSource::UserInfo, "email"), (ClaimSource::UserInfo, "name"),
                (ClaimSource::UserInfo, "given_name"), (ClaimSource::UserInfo, "family_name"),
            ],
            renews: Some(ClientAuth::PlainBasic),
            also: |program_session, issued| {
                assert_eq!(issued.id_claims["azp"], program_session.client["client_id"]);
            },
            ..APP
        })),
    };

    // Version 2 signs users in with Authlib; `accept_token` introspects with ID and secret in the body.
    flask_oidc: Program {
        name: "Flask-OIDC",
        summary: "signs in, shows name and email, takes over groups, introspects tokens",
        client: Client::With(&["--redirect-uri", "https://app.example.com/authorize"]),
        settings: Settings {
            file: "client_secrets.json, and the settings of Flask in app.py",
            lines: &[
                "{ \"web\": {",
                "    \"issuer\": \"https://id.example.com\",",
                "    \"client_id\": \"CLIENT_ID\",",
                "    \"client_secret\": \"CLIENT_SECRET\",",
                "    \"auth_uri\": \"https://id.example.com/oauth2/authorize\",",
                "    \"token_uri\": \"https://id.example.com/oauth2/token\"",
                "} }",
                "# app.py",
                "app.config['OIDC_SCOPES'] = 'openid email profile groups'",
            ],
        },
        real_program_test: None,
        behavior: Some(Behavior::SignsIn(App {
            scope: "openid email profile groups",
            reads: &[
                (ClaimSource::IdToken, "email"), (ClaimSource::UserInfo, "email"), (ClaimSource::UserInfo, "name"), (ClaimSource::UserInfo, "groups"),
            ],
            renews: Some(ClientAuth::PlainBasic),
            also: |program_session, _| {
                let token = program_session.sign_in().access;
                let fields = [("token", token.as_str()), ("token_type_hint", "access_token")];
                let told = program_session.post("introspection_endpoint", &fields, ClientAuth::Body).json();
                assert_eq!((&told["active"], &told["sub"]), (&true.into(), &program_session.ada.id.as_str().into()));
            },
            ..AUTHLIB
        })),
    };

    // pyoidc: HTTP Basic, form-encoded; sign-out with a hint.
    flask_pyoidc: Program {
        name: "Flask-pyoidc",
        summary: "signs in, reads the ID token and UserInfo, renews, signs out",
        client: Client::With(&[
            "--redirect-uri", "https://app.example.com/redirect_uri",
            "--post-logout-redirect-uri", "https://app.example.com/logout",
        ]),
        settings: Settings {
            file: "app.py",
            lines: &[
                "app.config.update(OIDC_REDIRECT_URI='https://app.example.com/redirect_uri')",
                "provider = ProviderConfiguration(",
                "    issuer='https://id.example.com',",
                "    client_metadata=ClientMetadata('CLIENT_ID', 'CLIENT_SECRET',",
                "        post_logout_redirect_uris=['https://app.example.com/logout']),",
                "    auth_request_params={'scope': ['openid', 'profile', 'email']})",
                "auth = OIDCAuthentication({'doorward': provider}, app)",
            ],
        },
        real_program_test: None,
        behavior: Some(Behavior::SignsIn(App {
            nonce: true,
            reads: &[(ClaimSource::IdToken, "email"), (ClaimSource::UserInfo, "name")],
            renews: Some(ClientAuth::Basic),
            sign_out: SignOut::WithHint,
            ..APP
        })),
    };

    // With the provider name `okta`, it requests `userinfo` below the API's URL, with names and groups.
    flask_appbuilder: Program {
        name: "Flask-AppBuilder (Airflow, Superset)",
        summary: "signs in, takes over name, email and groups as roles",
        client: Client::With(&["--redirect-uri", "https://app.example.com/oauth-authorized/okta"]),
        settings: Settings {
            file: "webserver_config.py or superset_config.py",
            lines: &[
                "from flask_appbuilder.security.manager import AUTH_OAUTH",
                "AUTH_TYPE = AUTH_OAUTH",
                "AUTH_USER_REGISTRATION = True",
                "AUTH_ROLES_SYNC_AT_LOGIN = True",
                "AUTH_ROLES_MAPPING = {'engineers': ['Admin']}  # role at Doorward: roles here",
                "OAUTH_PROVIDERS = [{",
                "    'name': 'okta', 'icon': 'fa-key', 'token_key': 'access_token',",
                "    'remote_app': {",
                "        'client_id': 'CLIENT_ID', 'client_secret': 'CLIENT_SECRET',",
                "        'api_base_url': 'https://id.example.com/oauth2/',",
                "        'client_kwargs': {'scope': 'openid profile email groups'},",
                "        'server_metadata_url': 'https://id.example.com/.well-known/openid-configuration',",
                "    },",
                "}]",
            ],
        },
        real_program_test: None,
        behavior: Some(Behavior::SignsIn(App {
            scope: "openid profile email groups",
            reads: &[
                (ClaimSource::UserInfo, "sub"), (ClaimSource::UserInfo, "given_name"), (ClaimSource::UserInfo, "family_name"),
                (ClaimSource::UserInfo, "email"), (ClaimSource::UserInfo, "groups"),
            ],
            also: |program_session, issued| {
                // `api_base_url` and `userinfo`, without discovery.
                assert_eq!(program_session.user_info_at("/oauth2/userinfo", &issued.access)["sub"], program_session.ada.id);
            },
            ..AUTHLIB
        })),
    };

    // PKCE, and ID and secret in the body (`basic_auth = False`).
    jupyterhub: Program {
        name: "JupyterHub (GenericOAuthenticator)",
        summary: "signs in by `preferred_username`, takes over groups",
        client: Client::For("jupyterhub"),
        settings: SETTINGS_IN_PRESET,
        real_program_test: Some("programs::python::jupyterhub_signs_a_user_in"),
        behavior: Some(Behavior::SignsIn(App {
            scope: "openid profile email groups",
            pkce: true,
            secret: ClientAuth::Body,
            reads: &[(ClaimSource::UserInfo, "preferred_username"), (ClaimSource::UserInfo, "groups")],
            renews: Some(ClientAuth::Body),
            ..APP
        })),
    };

    // PKCE because discovery announces S256, a nonce, and the user from the ID token.
    synapse: Program {
        name: "Synapse (Matrix)",
        summary: "signs in under the username, takes over name and verified email, ends its sessions with Doorward's",
        client: Client::For("synapse"),
        settings: SETTINGS_IN_PRESET,
        real_program_test: Some("programs::python::synapse_signs_a_user_in"),
        behavior: Some(Behavior::SignsIn(App {
            pkce: true,
            reads: &[
                (ClaimSource::IdToken, "preferred_username"), (ClaimSource::IdToken, "name"), (ClaimSource::IdToken, "email"),
                (ClaimSource::IdToken, "email_verified"),
            ],
            also: |program_session, _| {
                let methods = &program_session.discovery["code_challenge_methods_supported"];
                assert_eq!(methods[0], "S256");
            },
            ..AUTHLIB
        })),
    };

    // `prompt=select_account`, and the user from the ID token; it stores no ID token for the sign-out, and sends users to its
    // redirect URI then.
    streamlit: Program {
        name: "Streamlit",
        summary: "signs in, knows name and email, signs out",
        client: Client::For("streamlit"),
        settings: SETTINGS_IN_PRESET,
        real_program_test: None,
        behavior: Some(Behavior::SignsIn(App {
            asks_also: &[("prompt", "select_account")],
            reads: &[(ClaimSource::IdToken, "name"), (ClaimSource::IdToken, "email"), (ClaimSource::IdToken, "email_verified")],
            sign_out: SignOut::WithClientId,
            returns_to: Some("https://app.example.com/oauth2callback"),
            ..AUTHLIB
        })),
    };

    pgadmin: Program {
        name: "pgAdmin 4",
        summary: "signs in by email",
        client: Client::For("pgadmin"),
        settings: SETTINGS_IN_PRESET,
        real_program_test: None,
        behavior: Some(Behavior::SignsIn(App {
            reads: &[(ClaimSource::UserInfo, "email"), (ClaimSource::UserInfo, "preferred_username")],
            ..AUTHLIB
        })),
    };
}
