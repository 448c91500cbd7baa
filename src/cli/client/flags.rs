//! Client metadata as command-line flags. A list flag replaces the registered list.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use crate::cli::Failure;
use crate::clients::{Client, ClientChange, Preset, Scopes};

const GRANTS: [&str; 3] = ["authorization_code", "refresh_token", "client_credentials"];

#[derive(Debug, Args)]
pub(in crate::cli) struct Flags {
    /// Register what this program needs; other flags override it. `doorward client presets` lists the programs.
    #[arg(long = "for", value_name = "PROGRAM", value_parser = parse_preset)]
    preset: Option<&'static Preset>,
    /// With --for: the program's own URL.
    #[arg(long, value_name = "URL", requires = "preset")]
    url: Option<String>,
    /// A scope that the client may request, for example groups or users:read; repeatable. Replaces all scopes of a client (to add
    /// one: `client update ID --add-scope`). Default: everything about the user, with a redirect URI; else none. docs/guides/api.md
    /// and /.well-known/openid-configuration list them.
    #[arg(long = "scope", value_name = "SCOPE", value_parser = parse_scope)]
    scopes: Vec<String>,
    /// A redirect URI; repeatable.
    #[arg(long = "redirect-uri", value_name = "URI")]
    redirect_uris: Vec<String>,
    /// A post-logout redirect URI, which users may be sent to after sign-out; repeatable.
    #[arg(long = "post-logout-redirect-uri", value_name = "URI")]
    post_logout_redirect_uris: Vec<String>,
    /// An origin whose pages may call the token endpoint, besides the origins of the redirect URIs; repeatable.
    #[arg(long = "origin", value_name = "ORIGIN")]
    origins: Vec<String>,
    /// The client can't keep a secret: a single-page app, or an app on a device.
    #[arg(long, conflicts_with = "auth_method")]
    public: bool,
    /// The client runs on the user's device: any port matches in loopback redirect URIs. Default if all are http URIs on loopback.
    #[arg(long, conflicts_with = "web")]
    native: bool,
    /// The client runs on a web server or in a browser page: redirect URIs are compared with their port.
    #[arg(long)]
    web: bool,
    /// How it authenticates at the token endpoint; `either`, the default, accepts its secret in the header and in the body.
    #[arg(long, value_parser = ["either", "client_secret_basic", "client_secret_post", "none"])]
    auth_method: Option<String>,
    /// A grant type that the client may use; repeatable. Default: `authorization_code` and `refresh_token` with a redirect URI, else
    /// `client_credentials`.
    #[arg(long = "grant", value_name = "GRANT", value_parser = GRANTS)]
    grants: Vec<String>,
    /// Where Doorward reports ended sessions; empty removes it.
    #[arg(long, value_name = "URI")]
    backchannel_logout_uri: Option<String>,
    /// Logout tokens name the user without `sid`, for software that rejects it: the client then ends all sessions of the user.
    #[arg(long, conflicts_with = "backchannel_logout_with_sid")]
    backchannel_logout_without_sid: bool,
    /// Logout tokens name the session (`sid`), so that the client ends this session only (the default).
    #[arg(long)]
    backchannel_logout_with_sid: bool,
    /// The app is your own: users are not asked for consent.
    #[arg(long, conflicts_with = "consent")]
    no_consent: bool,
    /// Users are asked for consent (the default).
    #[arg(long)]
    consent: bool,
    /// Accept requests without PKCE and nonce, for old software with a secret.
    #[arg(long, conflicts_with = "require_pkce")]
    no_pkce: bool,
    /// Whether it must use PKCE; `auto`, the default: with a secret it may rely on a nonce until it has used PKCE once.
    #[arg(long, value_name = "WHEN", value_parser = ["true", "false", "auto"])]
    require_pkce: Option<String>,
    /// Leave name, email address and groups out of ID tokens: programs read them from UserInfo. For small ID tokens.
    #[arg(long, conflicts_with = "claims_in_id_token")]
    no_claims_in_id_token: bool,
    /// Name, email address and groups are in ID tokens and in UserInfo (the default).
    #[arg(long)]
    claims_in_id_token: bool,
    /// Algorithm that the client's tokens are signed with. Default: RS256.
    #[arg(long, value_name = "ALGORITHM", value_parser = ["RS256", "ES256", "EdDSA"])]
    id_token_alg: Option<String>,
    /// Access tokens are opaque: services check them by introspection.
    #[arg(long, conflicts_with = "jwt")]
    opaque: bool,
    /// Access tokens are signed JWTs, which services can verify themselves (the default).
    #[arg(long)]
    jwt: bool,
    /// Header type (`typ`) of JWT access tokens; on a resource server, of all tokens issued for it. Spring needs `JWT`.
    #[arg(long, value_name = "TYPE", value_parser = ["at+jwt", "JWT"])]
    access_token_header_type: Option<String>,
    /// For how many seconds access tokens are valid (30 to 3600), or `default`.
    #[arg(long, value_name = "SECONDS", value_parser = parse_lifetime)]
    access_token_lifetime: Option<LifetimeFlag>,
    /// For how many seconds ID tokens are valid (30 to 3600), or `default`.
    #[arg(long, value_name = "SECONDS", value_parser = parse_lifetime)]
    id_token_lifetime: Option<LifetimeFlag>,
    /// For how many seconds from the first one on refresh tokens without offline access are valid (60 to 157680000), or `default`: as
    /// long as the session.
    #[arg(long, value_name = "SECONDS", value_parser = parse_lifetime)]
    refresh_token_lifetime: Option<LifetimeFlag>,
    /// For how many seconds offline access is valid (60 to 157680000), or `default`.
    #[arg(long, value_name = "SECONDS", value_parser = parse_lifetime)]
    offline_lifetime: Option<LifetimeFlag>,
    /// After how many seconds without use offline access ends (60 to 157680000), or `default`.
    #[arg(long, value_name = "SECONDS", value_parser = parse_lifetime)]
    offline_idle_timeout: Option<LifetimeFlag>,
    /// A role whose holders may use the client; repeatable, and empty allows all users. Roles are created with `doorward role create`.
    #[arg(long = "role", value_name = "ROLE")]
    roles: Vec<String>,
    /// A service that the client may get tokens for; repeatable.
    #[arg(long = "resource", value_name = "URI")]
    resources: Vec<String>,
    /// Accept the client's tokens for its `--resource` services at UserInfo too, where `openid` is granted.
    #[arg(long, conflicts_with = "no_userinfo_audience")]
    userinfo_audience: bool,
    /// UserInfo accepts only tokens for Doorward itself (the default).
    #[arg(long)]
    no_userinfo_audience: bool,
    /// An audience of this client as a resource server: a URI that apps request tokens by, or a plain name that is added to the `aud`
    /// of those tokens; repeatable.
    #[arg(long = "audience", value_name = "NAME")]
    audiences: Vec<String>,
    /// A service (client ID) that may manage the client, besides the one that registered it; repeatable.
    #[arg(long = "managed-by", value_name = "CLIENT")]
    managed_by: Vec<String>,
    /// All metadata as JSON with the names of RFC 7591, `-` for standard input; other flags override it.
    #[arg(long, value_name = "FILE")]
    json_metadata: Option<PathBuf>,
}

fn parse_preset(text: &str) -> Result<&'static Preset, String> {
    Preset::find(text).ok_or_else(|| {
        let keys: Vec<&str> = Preset::all()
            .iter()
            .map(|preset| preset.key.as_str())
            .collect();
        format!("must be one of {}", keys.join(", "))
    })
}

/// A lifetime that is set for the client; `None` means the configured default.
#[derive(Clone, Copy, Debug)]
struct LifetimeFlag(Option<i64>);

fn parse_lifetime(text: &str) -> Result<LifetimeFlag, String> {
    match text {
        "default" => Ok(LifetimeFlag(None)),
        seconds => seconds
            .parse()
            .map(|seconds| LifetimeFlag(Some(seconds)))
            .map_err(|_| "must be a number of seconds, or default".into()),
    }
}

/// Parses one scope. Whether the client may have it is checked together with the other metadata.
fn parse_scope(text: &str) -> Result<String, String> {
    if text.contains([' ', ',']) {
        return Err("pass one scope per flag: --scope openid --scope profile".into());
    }
    match Scopes::parse(text) {
        Ok(_) => Ok(text.to_owned()),
        Err(fault) => Err(fault.to_string()),
    }
}

/// Returns the list without empty values if the flag was given, so that one empty value clears the list.
fn list(given: Vec<String>) -> Option<Vec<String>> {
    let any = !given.is_empty();
    any.then(|| given.into_iter().filter(|text| !text.is_empty()).collect())
}

/// Returns the value that one of two exclusive flags selects; `None` if neither was given.
fn exclusive_flag<T>(is_one: bool, one: T, is_other: bool, other: T) -> Option<T> {
    if is_one {
        Some(one)
    } else {
        is_other.then_some(other)
    }
}

/// Values to add to registered lists.
#[derive(Debug, Args)]
#[expect(
    clippy::struct_field_names,
    reason = "clap names arguments after fields, and those of `Flags` are beside them"
)]
pub(in crate::cli) struct Additions {
    /// A redirect URI to add to the registered ones; repeatable.
    #[arg(
        long = "add-redirect-uri",
        value_name = "URI",
        conflicts_with = "redirect_uris"
    )]
    more_redirect_uris: Vec<String>,
    /// Post-logout redirect URI to add; repeatable.
    #[arg(
        long = "add-post-logout-redirect-uri",
        value_name = "URI",
        conflicts_with = "post_logout_redirect_uris"
    )]
    more_post_logout_redirect_uris: Vec<String>,
    /// A scope to add to the registered ones; repeatable.
    #[arg(long = "add-scope", value_name = "SCOPE", value_parser = parse_scope, conflicts_with = "scopes")]
    more_scopes: Vec<String>,
    /// A grant type to add to the registered ones; repeatable.
    #[arg(long = "add-grant", value_name = "GRANT", value_parser = GRANTS, conflicts_with = "grants")]
    more_grants: Vec<String>,
    /// A service to add to the registered ones; repeatable.
    #[arg(
        long = "add-resource",
        value_name = "URI",
        conflicts_with = "resources"
    )]
    more_resources: Vec<String>,
    /// An audience to add to the registered ones; repeatable.
    #[arg(
        long = "add-audience",
        value_name = "NAME",
        conflicts_with = "audiences"
    )]
    more_audiences: Vec<String>,
}

impl Additions {
    /// Whether nothing is to be added.
    pub(super) fn is_empty(&self) -> bool {
        let lists = [
            &self.more_redirect_uris,
            &self.more_post_logout_redirect_uris,
            &self.more_scopes,
            &self.more_grants,
            &self.more_resources,
            &self.more_audiences,
        ];
        lists.iter().all(|list| list.is_empty())
    }

    /// Returns the change with complete lists: the registered values followed by the added ones.
    pub(super) fn add_to(self, change: ClientChange, client: &Client) -> ClientChange {
        let metadata = &client.metadata;
        let whole = |registered: Vec<String>, added: Vec<String>| {
            (!added.is_empty()).then(|| registered.into_iter().chain(added).collect::<Vec<_>>())
        };
        let uris = metadata
            .redirect_uris
            .iter()
            .map(|uri| uri.as_str().to_owned());
        let after_logout = &metadata.post_logout_redirect_uris;
        let after_logout = after_logout.iter().map(|uri| uri.as_str().to_owned());
        let grants = metadata
            .grant_types
            .iter()
            .map(|grant| grant.as_str().to_owned());
        let scopes = client.scopes.names().map(str::to_owned);
        let scope = whole(scopes.collect(), self.more_scopes).map(|names| names.join(" "));
        ClientChange {
            redirect_uris: whole(uris.collect(), self.more_redirect_uris).or(change.redirect_uris),
            post_logout_redirect_uris: whole(
                after_logout.collect(),
                self.more_post_logout_redirect_uris,
            )
            .or(change.post_logout_redirect_uris),
            grant_types: whole(grants.collect(), self.more_grants).or(change.grant_types),
            resources: whole(metadata.resources.clone(), self.more_resources).or(change.resources),
            audiences: whole(metadata.audiences.clone(), self.more_audiences).or(change.audiences),
            scope: scope.or(change.scope),
            ..change
        }
    }
}

impl Flags {
    /// The program that the client is created for, and its URL.
    pub(super) fn program(&self) -> Option<(&'static Preset, Option<String>)> {
        self.preset.map(|preset| (preset, self.url.clone()))
    }

    /// The change that the flags request.
    pub(super) fn into_change(self) -> Result<ClientChange, Failure> {
        let mut change = match self.preset {
            Some(_) if self.json_metadata.is_some() => {
                return Err(Failure::Refused(
                    "--for and --json-metadata exclude each other: give one of them".into(),
                ));
            }
            Some(preset) => {
                let change = preset.to_change(self.url.as_deref());
                change.map_err(|fault| Failure::Refused(format!("--url: {fault}")))?
            }
            None => read(self.json_metadata)?,
        };
        let text = |text: Option<&'static str>| text.map(str::to_owned);
        let method = self
            .auth_method
            .or_else(|| text(self.public.then_some("none")))
            .map(|method| Some(method).filter(|method| method != "either"));
        let kind = text(exclusive_flag(self.native, "native", self.web, "web"));
        let format = text(exclusive_flag(self.opaque, "opaque", self.jwt, "jwt"));
        let require_pkce = self.no_pkce.then(|| json!(false));
        let require_pkce = require_pkce.or_else(|| self.require_pkce.map(|when| json!(when)));
        let scope = (!self.scopes.is_empty()).then(|| self.scopes.join(" "));
        let endpoint = self.backchannel_logout_uri;
        let endpoint = endpoint.map(|uri| Some(uri).filter(|uri| !uri.is_empty()));
        macro_rules! put {
            ($($field:ident: $value:expr),+ $(,)?) => {
                $(change.$field = $value.or(change.$field);)+
            };
        }
        put!(
            scope: scope,
            redirect_uris: list(self.redirect_uris),
            post_logout_redirect_uris: list(self.post_logout_redirect_uris),
            token_endpoint_auth_method: method,
            allowed_origins: list(self.origins),
            application_type: kind,
            grant_types: list(self.grants),
            backchannel_logout_uri: endpoint,
            backchannel_logout_without_sid: exclusive_flag(
                self.backchannel_logout_without_sid, true, self.backchannel_logout_with_sid, false
            ),
            require_consent: exclusive_flag(self.no_consent, false, self.consent, true),
            require_pkce: require_pkce,
            claims_in_id_token: exclusive_flag(
                self.no_claims_in_id_token, false, self.claims_in_id_token, true
            ),
            id_token_signed_response_alg: self.id_token_alg,
            access_token_format: format,
            access_token_header_type: self.access_token_header_type,
            access_token_lifetime: self.access_token_lifetime.map(|lifetime| lifetime.0),
            id_token_lifetime: self.id_token_lifetime.map(|lifetime| lifetime.0),
            refresh_token_lifetime: self.refresh_token_lifetime.map(|lifetime| lifetime.0),
            offline_lifetime: self.offline_lifetime.map(|lifetime| lifetime.0),
            offline_idle_timeout: self.offline_idle_timeout.map(|lifetime| lifetime.0),
            allowed_roles: list(self.roles),
            resources: list(self.resources),
            userinfo_audience: exclusive_flag(
                self.userinfo_audience, true, self.no_userinfo_audience, false
            ),
            audiences: list(self.audiences),
            managed_by: list(self.managed_by),
        );
        Ok(change)
    }
}

fn read(file: Option<PathBuf>) -> Result<ClientChange, Failure> {
    let Some(file) = file else {
        return Ok(ClientChange::default());
    };
    let refused =
        |fault: &dyn std::fmt::Display| Failure::Refused(format!("{}: {fault}", file.display()));
    let text = if file.as_os_str() == "-" {
        std::io::read_to_string(std::io::stdin())
    } else {
        std::fs::read_to_string(&file)
    };
    let text = text.map_err(|fault| refused(&fault))?;
    serde_json::from_str(&text).map_err(|fault| refused(&fault))
}
