//! Presets: how known programs are registered, and what they are configured with. One table ([`TABLE`]) for the command, the
//! admin pages and the guide.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use super::{ClientChange, Metadata, Scopes};

/// The table. `redirect_paths`, `post_logout_path` and `backchannel_logout_path` are below the program's own URL; a path that names
/// the provider calls it `doorward`. Lines of settings have the placeholders `{issuer}`, `{client_id}`, `{client_secret}` and `{url}`.
const TABLE: &str = include_str!("table.json");

/// A program, and how it is connected.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Preset {
    /// Its name on the command line.
    pub key: String,
    /// Its name.
    pub name: String,
    /// Where users come back to, below its URL.
    pub redirect_paths: Vec<String>,
    /// Where users come back to, whatever its URL is: on their own device.
    pub fixed_redirect_uris: Vec<String>,
    /// Where users go after sign-out, below its URL.
    pub post_logout_path: Option<String>,
    /// Where it hears of ended sessions, below its URL.
    pub backchannel_logout_path: Option<String>,
    /// Whether it has no secret.
    pub public: bool,
    /// Whether it sends no PKCE challenge with these settings.
    pub without_pkce: bool,
    /// The scopes that it requests.
    pub scopes: Vec<String>,
    /// What it is configured with.
    pub settings: Settings,
    /// What people trip over.
    pub note: Option<String>,
}

/// The settings of a program.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Where they are written.
    pub file: String,
    /// Their lines, with placeholders.
    pub lines: Vec<String>,
}

/// What the placeholders of settings stand for.
#[derive(Clone, Copy, Debug)]
pub struct SettingValues<'a> {
    /// Doorward's public URL.
    pub issuer: &'a str,
    /// The client's ID.
    pub client_id: &'a str,
    /// The client's secret, where it has one and it is known.
    pub client_secret: Option<&'a str>,
    /// The program's own URL.
    pub url: Option<&'a str>,
}

/// Why a preset can't be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PresetError {
    /// Its redirect URIs are below the program's URL.
    #[error("the program's own URL is needed, for example https://app.example.com")]
    UrlNeeded,
    /// What was given is no URL of a program.
    #[error("must begin with https:// (or http://localhost), without query and fragment")]
    NoUrl,
}

static PRESETS: LazyLock<Vec<Preset>> = LazyLock::new(|| {
    let read = serde_json::from_str(TABLE);
    // Compiled in, and read by a test.
    read.unwrap_or_default()
});

impl Preset {
    /// All of them, by key.
    pub fn all() -> &'static [Self] {
        &PRESETS
    }

    /// The preset of a key.
    pub fn find(key: &str) -> Option<&'static Self> {
        PRESETS.iter().find(|preset| preset.key == key)
    }

    /// The client to register, for a program at this URL.
    ///
    /// # Errors
    /// When a URL is needed, or is none.
    pub fn to_change(&self, url: Option<&str>) -> Result<ClientChange, PresetError> {
        let url = url.map(parse_url).transpose()?;
        let below = |path: &String| -> Result<String, PresetError> {
            let url = url.as_ref().ok_or(PresetError::UrlNeeded)?;
            Ok(format!("{url}{path}"))
        };
        let own: Vec<String> = self
            .redirect_paths
            .iter()
            .map(below)
            .collect::<Result<_, _>>()?;
        let redirect_uris: Vec<String> = own
            .into_iter()
            .chain(self.fixed_redirect_uris.clone())
            .collect();
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
            token_endpoint_auth_method: self.public.then(|| "none".to_owned()),
            require_pkce: self.without_pkce.then_some(false),
            scope: (!self.scopes.is_empty()).then(|| self.scopes.join(" ")),
            ..ClientChange::default()
        })
    }

    /// As [`Preset::to_change`], as what would be registered.
    ///
    /// # Errors
    /// As there.
    pub fn to_registration(&self, url: Option<&str>) -> Result<(Scopes, Metadata), PresetError> {
        // A test registers all of them.
        let draft = self.to_change(url)?.into_draft();
        let draft = draft.map_err(|_| PresetError::NoUrl)?;
        Ok((draft.scopes, draft.metadata))
    }

    /// The program's settings, line by line.
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

/// The URL of a program, without the slash at its end.
fn parse_url(text: &str) -> Result<String, PresetError> {
    if text.contains(['?', '#']) || !super::uris::is_page(text) {
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
        let own = Origin::parse("https://id.example.com").expect("an origin");
        for preset in presets {
            let mut change = preset
                .to_change(Some("https://app.example.com/"))
                .expect("a change");
            change.client_name = Some(preset.name.clone());
            let draft = change.into_draft().and_then(|draft| draft.checked(&own));
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
    fn a_program_is_at_a_url() {
        let grafana = Preset::find("grafana").expect("a preset");
        assert_eq!(grafana.to_change(None).err(), Some(PresetError::UrlNeeded));
        for bad in [
            "",
            "app.example.com",
            "http://app.example.com",
            "https://app.example.com/?x",
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
