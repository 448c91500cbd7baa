//! What is registered of a client, as flags of the command. A list begins anew: what is given replaces it.

use std::path::PathBuf;

use clap::Args;

use crate::cli::Failure;
use crate::clients::{Client, ClientChange, Preset, Scope, Scopes};

const GRANTS: [&str; 3] = ["authorization_code", "refresh_token", "client_credentials"];

#[derive(Debug, Args)]
pub(in crate::cli) struct Flags {
    /// Start from what this program needs; the flags come on top of it. `doorward client presets` lists the programs.
    #[arg(long = "for", value_name = "PROGRAM", value_parser = parse_preset)]
    preset: Option<&'static Preset>,
    /// With --for: the program's own URL.
    #[arg(long, value_name = "URL", requires = "preset")]
    url: Option<String>,
    /// What it may ask; may be given again, for example --scope users:read.
    #[arg(long = "scope", value_name = "SCOPE", value_parser = parse_scope)]
    scopes: Vec<String>,
    /// Where people come back to; may be given again.
    #[arg(long = "redirect-uri", value_name = "URI")]
    redirect_uris: Vec<String>,
    /// Where people may be sent after sign-out; may be given again.
    #[arg(long = "post-logout-redirect-uri", value_name = "URI")]
    post_logout_redirect_uris: Vec<String>,
    /// An origin whose pages may call the token endpoint, besides those of its redirect URIs; may be given again.
    #[arg(long = "origin", value_name = "ORIGIN")]
    origins: Vec<String>,
    /// It can keep no secret: a page in the browser, an app on a device.
    #[arg(long, conflicts_with = "auth_method")]
    public: bool,
    /// It runs on a person's device: loopback addresses with any port. So it is understood where all redirect URIs are such.
    #[arg(long, conflicts_with = "web")]
    native: bool,
    /// It runs on a web server or in a page: redirect URIs are compared with their port.
    #[arg(long)]
    web: bool,
    /// How it proves who it is.
    #[arg(long, value_parser = ["client_secret_basic", "client_secret_post", "none"])]
    auth_method: Option<String>,
    /// A grant that it may use; may be given again.
    #[arg(long = "grant", value_name = "GRANT", value_parser = GRANTS)]
    grants: Vec<String>,
    /// Where it wants to hear of ended sessions; empty takes it away.
    #[arg(long, value_name = "URI")]
    backchannel_logout_uri: Option<String>,
    /// It is one of your own: people are not asked before it learns of them.
    #[arg(long, conflicts_with = "consent")]
    no_consent: bool,
    /// People are asked before it learns of them, as is the default.
    #[arg(long)]
    consent: bool,
    /// Old software that has a secret and no PKCE.
    #[arg(long)]
    no_pkce: bool,
    /// Under which algorithm its tokens are signed.
    #[arg(long, value_name = "ALGORITHM", value_parser = ["RS256", "ES256", "EdDSA"])]
    id_token_alg: Option<String>,
    /// Its access tokens are opaque: services ask by introspection.
    #[arg(long, conflicts_with = "jwt")]
    opaque: bool,
    /// Its access tokens are signed JWTs, as is the default: services can check them by themselves.
    #[arg(long)]
    jwt: bool,
    /// For how many seconds its access tokens are valid (30 to 3600), or `default`.
    #[arg(long, value_name = "SECONDS", value_parser = parse_lifetime)]
    access_token_lifetime: Option<Lifetime>,
    /// For how many seconds its ID tokens are valid (30 to 3600), or `default`.
    #[arg(long, value_name = "SECONDS", value_parser = parse_lifetime)]
    id_token_lifetime: Option<Lifetime>,
    /// Who may use it: holders of this role, or of another one that is given; empty lets everybody.
    #[arg(long = "role", value_name = "ROLE")]
    roles: Vec<String>,
    /// A service for which it may get tokens; may be given again.
    #[arg(long = "resource", value_name = "URI")]
    resources: Vec<String>,
    /// What it is called as such a service itself; may be given again.
    #[arg(long = "audience", value_name = "URI")]
    audiences: Vec<String>,
    /// A service that may manage it (client ID), besides the one that registered it; may be given again.
    #[arg(long = "managed-by", value_name = "CLIENT")]
    managed_by: Vec<String>,
    /// Everything, as JSON under the names of RFC 7591, `-` for standard input; the flags come on top of it.
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

/// A lifetime of the client's own; `None`: the configured one.
#[derive(Clone, Copy, Debug)]
struct Lifetime(Option<i64>);

fn parse_lifetime(text: &str) -> Result<Lifetime, String> {
    match text {
        "default" => Ok(Lifetime(None)),
        seconds => seconds
            .parse()
            .map(|seconds| Lifetime(Some(seconds)))
            .map_err(|_| "must be a number of seconds, or default".into()),
    }
}

/// A scope that means something here, or one of another service.
fn parse_scope(text: &str) -> Result<String, String> {
    match text.parse::<Scope>() {
        Ok(scope) => Ok(scope.as_str().to_owned()),
        Err(unknown) if !text.contains([':', '/', '.']) => Err(unknown),
        Err(_) if text.contains(' ') => Err("one scope at a time".into()),
        Err(_) => match Scopes::parse(text) {
            Ok(_) => Ok(text.to_owned()),
            Err(fault) => Err(fault.to_string()),
        },
    }
}

/// A list, if any of it was given; empty texts stand for none.
fn list(given: Vec<String>) -> Option<Vec<String>> {
    let any = !given.is_empty();
    any.then(|| given.into_iter().filter(|text| !text.is_empty()).collect())
}

/// What two flags that exclude each other choose; `None` where neither is given.
fn choose<T>(is_one: bool, one: T, is_other: bool, other: T) -> Option<T> {
    if is_one {
        Some(one)
    } else {
        is_other.then_some(other)
    }
}

/// What a change adds to lists, besides what is registered.
#[derive(Debug, Args)]
pub(in crate::cli) struct Additions {
    /// A redirect URI beside those that are registered; may be given again.
    #[arg(
        long = "add-redirect-uri",
        value_name = "URI",
        conflicts_with = "redirect_uris"
    )]
    more_redirect_uris: Vec<String>,
    /// A scope beside those that are registered; may be given again.
    #[arg(long = "add-scope", value_name = "SCOPE", value_parser = parse_scope, conflicts_with = "scopes")]
    more_scopes: Vec<String>,
    /// A grant beside those that are registered; may be given again.
    #[arg(long = "add-grant", value_name = "GRANT", value_parser = GRANTS, conflicts_with = "grants")]
    more_grants: Vec<String>,
    /// A service beside those that are registered; may be given again.
    #[arg(
        long = "add-resource",
        value_name = "URI",
        conflicts_with = "resources"
    )]
    more_resources: Vec<String>,
}

impl Additions {
    /// Whether there are none.
    pub(super) fn is_empty(&self) -> bool {
        let lists = [
            &self.more_redirect_uris,
            &self.more_scopes,
            &self.more_grants,
            &self.more_resources,
        ];
        lists.iter().all(|list| list.is_empty())
    }

    /// The change with whole lists: what is registered, and what is added.
    pub(super) fn add_to(self, change: ClientChange, client: &Client) -> ClientChange {
        let metadata = &client.metadata;
        let whole = |registered: Vec<String>, added: Vec<String>| {
            (!added.is_empty()).then(|| registered.into_iter().chain(added).collect::<Vec<_>>())
        };
        let uris = metadata
            .redirect_uris
            .iter()
            .map(|uri| uri.as_str().to_owned());
        let grants = metadata
            .grant_types
            .iter()
            .map(|grant| grant.as_str().to_owned());
        let scopes = client.scopes.names().map(str::to_owned);
        let scope = whole(scopes.collect(), self.more_scopes).map(|names| names.join(" "));
        ClientChange {
            redirect_uris: whole(uris.collect(), self.more_redirect_uris).or(change.redirect_uris),
            grant_types: whole(grants.collect(), self.more_grants).or(change.grant_types),
            resources: whole(metadata.resources.clone(), self.more_resources).or(change.resources),
            scope: scope.or(change.scope),
            ..change
        }
    }
}

impl Flags {
    /// The program that a client is made for, and the program's URL.
    pub(super) fn program(&self) -> Option<(&'static Preset, Option<String>)> {
        self.preset.map(|preset| (preset, self.url.clone()))
    }

    /// What they ask for.
    pub(super) fn into_change(self) -> Result<ClientChange, Failure> {
        let mut change = match self.preset {
            Some(_) if self.json_metadata.is_some() => {
                return Err(Failure::Refused(
                    "--for and --json-metadata: give one of them".into(),
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
            .or_else(|| text(self.public.then_some("none")));
        let kind = text(choose(self.native, "native", self.web, "web"));
        let format = text(choose(self.opaque, "opaque", self.jwt, "jwt"));
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
            require_consent: choose(self.no_consent, false, self.consent, true),
            require_pkce: self.no_pkce.then_some(false),
            id_token_signed_response_alg: self.id_token_alg,
            access_token_format: format,
            access_token_lifetime: self.access_token_lifetime.map(|lifetime| lifetime.0),
            id_token_lifetime: self.id_token_lifetime.map(|lifetime| lifetime.0),
            allowed_roles: list(self.roles),
            resources: list(self.resources),
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
