//! Presets: client registrations for well-known programs, with the settings to enter in each program. The command line, the admin
//! pages and the guide share one table ([`TABLE`]).

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{ClientChange, Metadata, Scopes};

/// The presets as JSON. `redirect_paths`, `post_logout_path` and `backchannel_logout_path` are relative to the program's own URL;
/// where a path contains the provider's name, it is `doorward`. The placeholders of settings are `{issuer}`, `{client_id}`,
/// `{client_secret}`, `{url}`.
const TABLE: &str = include_str!("table.json");

/// A program's client registration and settings.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Preset {
    /// Name of the preset on the command line.
    pub key: String,
    /// Display name of the program.
    pub name: String,
    /// Paths of the redirect URIs, relative to the program's URL.
    pub redirect_paths: Vec<String>,
    /// Redirect URIs on the user's device, which don't depend on the program's URL.
    pub fixed_redirect_uris: Vec<String>,
    /// Path of the post-logout redirect URI, relative to the program's URL.
    pub post_logout_path: Option<String>,
    /// Path of the back-channel logout URI, relative to the program's URL.
    pub backchannel_logout_path: Option<String>,
    /// Whether the program is a public client, without a secret.
    pub public: bool,
    /// Whether the program sends no PKCE challenge with these settings.
    pub without_pkce: bool,
    /// The scopes that the program requests.
    pub scopes: Vec<String>,
    /// The settings to enter in the program.
    pub settings: Settings,
    /// A known pitfall.
    pub note: Option<String>,
}

/// The settings to enter in a program.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The program's file or page in which to enter the settings.
    pub file: String,
    /// The lines to enter, with placeholders.
    pub lines: Vec<String>,
}

/// Values for the placeholders of settings.
#[derive(Clone, Copy, Debug)]
pub struct SettingValues<'a> {
    /// Doorward's public URL.
    pub issuer: &'a str,
    /// The client's ID.
    pub client_id: &'a str,
    /// The client's secret, if it has one and it is known.
    pub client_secret: Option<&'a str>,
    /// The program's own URL.
    pub url: Option<&'a str>,
}

/// Why a preset can't be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PresetError {
    /// The preset needs the program's URL, and none was given.
    #[error("the program's own URL is needed, for example https://app.example.com")]
    UrlNeeded,
    /// The given URL can't be used.
    #[error("must begin with https:// (or http://localhost), without query and fragment")]
    NoUrl,
}

static PRESETS: LazyLock<Vec<Preset>> = LazyLock::new(|| {
    let read = serde_json::from_str(TABLE);
    // Compiled in; a test checks that it can be parsed.
    read.unwrap_or_default()
});

impl Preset {
    /// All presets, sorted by key.
    pub fn all() -> &'static [Self] {
        &PRESETS
    }

    /// Finds the preset with this key.
    pub fn find(key: &str) -> Option<&'static Self> {
        PRESETS.iter().find(|preset| preset.key == key)
    }

    /// The registration of the program at this URL, as a [`ClientChange`] for a new client. `UrlNeeded` if the preset needs a URL.
    pub fn to_change(&self, url: Option<&str>) -> Result<ClientChange, PresetError> {
        let url = url.map(parse_url).transpose()?;
        let below = |path: &String| -> Result<String, PresetError> {
            let url = url.as_ref().ok_or(PresetError::UrlNeeded)?;
            Ok(format!("{url}{path}"))
        };
        let mut redirect_uris = Vec::new();
        for path in &self.redirect_paths {
            redirect_uris.push(below(path)?);
        }
        redirect_uris.extend(self.fixed_redirect_uris.clone());
        let post_logout = self.post_logout_path.as_ref().map(below).transpose()?;
        let backchannel = self
            .backchannel_logout_path
            .as_ref()
            .map(below)
            .transpose()?;
        Ok(ClientChange {
            redirect_uris: (!redirect_uris.is_empty()).then_some(redirect_uris),
            post_logout_redirect_uris: post_logout.map(|uri| vec![uri]),
            backchannel_logout_uri: backchannel.map(Some),
            // A program with its own URL runs on a server, even while it is being tested on localhost.
            application_type: (!self.redirect_paths.is_empty()).then(|| "web".to_owned()),
            token_endpoint_auth_method: self.public.then(|| Some("none".to_owned())),
            require_pkce: self.without_pkce.then(|| json!(false)),
            scope: (!self.scopes.is_empty()).then(|| self.scopes.join(" ")),
            ..ClientChange::default()
        })
    }

    /// The scopes and metadata that [`Preset::to_change`] results in.
    pub fn to_registration(&self, url: Option<&str>) -> Result<(Scopes, Metadata), PresetError> {
        // Parsing succeeds for every preset (there is a test), so only the URL can be wrong.
        let draft = self.to_change(url)?.into_draft();
        let draft = draft.map_err(|_| PresetError::NoUrl)?;
        Ok((draft.scopes, draft.metadata))
    }

    /// The program's settings with the placeholders filled in, one per line.
    pub fn settings(&self, values: SettingValues<'_>) -> String {
        let url = values.url.map(|url| url.trim_end_matches('/'));
        let fill = |line: &String| {
            line.replace("{issuer}", values.issuer)
                .replace("{client_id}", values.client_id)
                .replace("{client_secret}", values.client_secret.unwrap_or("SECRET"))
                .replace("{url}", url.unwrap_or("https://app.example.com"))
        };
        let lines: Vec<String> = self.settings.lines.iter().map(fill).collect();
        lines.join("\n")
    }
}

fn parse_url(text: &str) -> Result<String, PresetError> {
    // The URL is printed into settings and commands that users copy.
    let is_plain = text
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b"-._~:/[]%".contains(&byte));
    if !is_plain || !super::uris::is_page(text) {
        return Err(PresetError::NoUrl);
    }
    Ok(text.trim_end_matches('/').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::config::Origin;

    #[test]
    fn every_preset_can_be_registered() {
        let presets: Vec<Preset> = serde_json::from_str(TABLE).expect("a table");
        assert!(presets.len() > 20, "{}", presets.len());
        assert!(
            presets.is_sorted_by(|one, next| one.key < next.key),
            "by key"
        );
        let issuer = Origin::parse("https://id.example.com").expect("an origin");
        for preset in presets {
            let mut change = preset
                .to_change(Some("https://app.example.com/"))
                .expect("a change");
            change.client_name = Some(preset.name.clone());
            let draft = change
                .into_draft()
                .and_then(|draft| draft.validated(&issuer));
            let draft = draft.unwrap_or_else(|fault| panic!("{}: {fault:?}", preset.key));
            let uris = &draft.metadata.redirect_uris;
            let is_below = |uri: &str| uri.starts_with("https://app.example.com");
            assert_eq!(
                uris.iter().filter(|uri| is_below(uri.as_str())).count(),
                preset.redirect_paths.len(),
                "{}",
                preset.key
            );
            let settings = preset.settings(SettingValues {
                issuer: "https://id.example.com",
                client_id: "CLIENT",
                client_secret: (!preset.public).then_some("SECRET"),
                url: Some("https://app.example.com/"),
            });
            for placeholder in ["{issuer}", "{client_id}", "{client_secret}", "{url}"] {
                assert!(
                    !settings.contains(placeholder),
                    "{}: {settings}",
                    preset.key
                );
            }
            assert!(
                settings.contains("id.example.com"),
                "{}: {settings}",
                preset.key
            );
            assert!(
                !settings.contains("example.com//"),
                "{}: {settings}",
                preset.key
            );
        }
    }

    #[test]
    fn a_preset_needs_the_programs_url() {
        let grafana = Preset::find("grafana").expect("a preset");
        assert_eq!(grafana.to_change(None).err(), Some(PresetError::UrlNeeded));
        for bad in [
            "",
            "app.example.com",
            "http://app.example.com",
            "https://app.example.com/?x",
            "https://app.example.com/$(id)",
            "https://app.example.com/'",
            "https://app.example.com/;a",
            "https://app.example.com/&a",
            "https://app.example.com/`a`",
            "https://app.example.com#x",
            "javascript:alert(1)",
        ] {
            assert_eq!(
                grafana.to_change(Some(bad)).err(),
                Some(PresetError::NoUrl),
                "{bad}"
            );
        }
        let below = grafana
            .to_change(Some("https://example.com/grafana/"))
            .expect("a change");
        assert_eq!(
            below.redirect_uris,
            Some(vec![
                "https://example.com/grafana/login/generic_oauth".to_owned()
            ])
        );
    }
}
