//! Output of `doorward client`.

use serde_json::{Value, json};

use crate::base::secrets::Token;
use crate::cli::output::{Output, counted};
use crate::clients::{
    ApplicationType, Client, CodeProtection, DisabledClient, GrantType, Metadata, Preset,
    RegisteredClient, SettingValues,
};
use crate::oidc::RecentRefusal;

/// What the output about a new client needs in addition to the client.
#[derive(Clone, Debug)]
pub(super) struct CreationContext<'a> {
    /// Doorward's public URL.
    pub(super) issuer: &'a str,
    /// The program that the client is created for, and its URL.
    pub(super) program: Option<(&'static Preset, Option<String>)>,
}

/// Shows a new client: the values to enter in the program's settings.
pub(super) fn show_created(
    client: &Client,
    secret: Option<&Token>,
    context: &CreationContext<'_>,
    output: &Output,
) {
    let discovery = format!("{}/.well-known/openid-configuration", context.issuer);
    let secret = secret.map(Token::expose);
    let mut document = json!(client);
    if let Some(members) = document.as_object_mut() {
        if let Some(secret) = secret {
            members.insert("client_secret".into(), json!(secret));
        }
        members.insert("issuer".into(), json!(context.issuer));
        members.insert("discovery".into(), json!(discovery));
    }
    let metadata = &client.metadata;
    let addresses: Vec<&str> = metadata
        .redirect_uris
        .iter()
        .map(|uri| uri.as_str())
        .collect();
    let after_logout = &metadata.post_logout_redirect_uris;
    let after_logout: Vec<&str> = after_logout.iter().map(|uri| uri.as_str()).collect();
    let scopes = client.scopes.to_text();
    let id = client.public_id.to_string();
    let rows = [
        ("client_id", Some(id.as_str())),
        ("client_secret", secret),
        ("issuer", Some(context.issuer)),
        ("discovery", Some(&discovery)),
        ("redirect_uris", Some(&addresses.join(" "))),
        ("after sign-out", Some(&after_logout.join(" "))),
        ("back-channel", metadata.backchannel_logout_uri.as_deref()),
        ("scope", Some(&scopes)),
        ("kind", Some(&describe_client(metadata))),
    ];
    let mut lines: Vec<String> = rows
        .into_iter()
        .filter_map(|(name, value)| {
            Some(format!(
                "{name:<15}{}",
                value.filter(|value| !value.is_empty())?
            ))
        })
        .collect();
    if secret.is_some() {
        lines.push("\nThe secret won't be shown again.".to_owned());
    }
    lines.extend(hints(metadata, &id));
    if let Some((preset, url)) = &context.program {
        let values = SettingValues {
            issuer: context.issuer,
            client_id: &id,
            client_secret: secret,
            url: url.as_deref(),
        };
        lines.push(format!(
            "\nSettings for {} ({}):\n",
            preset.name, preset.settings.file
        ));
        lines.push(preset.settings(values));
        lines.extend(preset.note.as_ref().map(|note| format!("\n{note}")));
    }
    output.show(&document, &lines.join("\n"));
}

/// Explains what a new client lacks, with the commands that add it.
fn hints(metadata: &Metadata, id: &str) -> Vec<String> {
    let mut hints = Vec::new();
    let has_no_way_back = metadata.post_logout_redirect_uris.is_empty();
    if metadata.allows(GrantType::AuthorizationCode) && has_no_way_back {
        hints.push(format!(
            "\nNo sign-out address is registered: after signing out, users stay on a page of Doorward.\n\
             To send them back to the app: doorward client update {id} --post-logout-redirect-uri URI"
        ));
    }
    let audiences = &metadata.audiences;
    if !audiences.is_empty() && !audiences.iter().any(|audience| audience.contains(':')) {
        hints.push(format!(
            "\nApps request tokens by a URI, and this service has only plain names. To add a URI:\n\
             doorward client update {id} --audience URI --audience {}",
            audiences.join(" --audience ")
        ));
    }
    hints
}

fn describe_client(metadata: &Metadata) -> String {
    if !metadata.allows(GrantType::AuthorizationCode) {
        return if metadata.audiences.is_empty() {
            "service (client credentials, no users)".to_owned()
        } else {
            let audiences = metadata.audiences.join(" ");
            format!("service that accepts tokens for {audiences}")
        };
    }
    let protection = match metadata.code_protection() {
        CodeProtection::Pkce => "PKCE",
        CodeProtection::PkceOrNonce => "PKCE or a nonce",
        CodeProtection::None => "with or without PKCE",
    };
    match (metadata.is_public(), metadata.application_type) {
        (true, ApplicationType::Native) => "native app (public client); PKCE".to_owned(),
        (true, ApplicationType::Web) => "single-page app (public client); PKCE".to_owned(),
        (false, ApplicationType::Native) => format!(
            "native app (with a secret); {protection}; loopback redirect URIs may have any port (--web for exact ports)"
        ),
        (false, ApplicationType::Web) => format!("web app (with a secret); {protection}"),
    }
}

/// Shows that a client was disabled, and which clients it registered.
pub(super) fn show_disabled(disabled: &DisabledClient, output: &Output) {
    let mut document = json!(disabled.client);
    if let Some(members) = document.as_object_mut() {
        members.insert("registered".into(), json!(disabled.registered));
    }
    let mut lines = vec!["disabled".to_owned()];
    let all = &disabled.registered;
    let line = |one: &RegisteredClient| format!("  {} {}", one.client_id, one.client_name);
    if all.iter().any(|one| one.enabled) {
        lines.push(format!(
            "It registered {} that {} still enabled:",
            counted(all.len(), "client"),
            if all.len() == 1 { "is" } else { "are" }
        ));
        lines.extend(all.iter().map(line));
        lines.push(format!(
            "To disable them too: doorward client disable {} --with-registered",
            disabled.client.public_id
        ));
    } else if !all.is_empty() {
        lines.push(format!(
            "{} that it registered {} disabled too:",
            counted(all.len(), "client"),
            if all.len() == 1 { "is" } else { "are" }
        ));
        lines.extend(all.iter().map(line));
    }
    output.show(&document, &lines.join("\n"));
}

/// Shows the metadata of a client or its new secret, and how many consents a change voided.
pub(super) fn show(client: &Client, secret: Option<&Token>, voided: Option<i64>, output: &Output) {
    let mut document = json!(client);
    if let Some(members) = document.as_object_mut() {
        if let Some(secret) = secret {
            members.insert("client_secret".into(), json!(secret.expose()));
        }
        if let Some(voided) = voided {
            members.insert("consents_voided".into(), json!(voided));
        }
    }
    let mut text = match secret {
        Some(secret) => format!(
            "client_id      {}\nclient_secret  {}\n\nThe secret won't be shown again.",
            client.public_id,
            secret.expose()
        ),
        None => settings(&document),
    };
    if let Some(voided) = voided.filter(|voided| *voided > 0) {
        text = format!("{text}\n\nUsers who will be asked for consent again: {voided}");
    }
    output.show(&document, &text);
}

/// Shows the recently rejected requests of a client, and the commands that would allow them.
pub(super) fn show_check(client: &Client, refusals: &[RecentRefusal], output: &Output) {
    let mut lines = vec![format!(
        "{} ({}): {}",
        client.name,
        client.public_id,
        describe_client(&client.metadata)
    )];
    if !client.enabled {
        lines.push(format!(
            "The client is disabled. To enable it: doorward client enable {}",
            client.public_id
        ));
    }
    if refusals.is_empty() {
        lines.push("No requests were rejected in the last seven days.".to_owned());
    }
    for refusal in refusals {
        let details = &refusal.details;
        lines.push(format!(
            "\n{}  {} ({}): {}",
            refusal.at,
            details.rule,
            counted(refusal.times, "time"),
            refusal.description
        ));
        for (name, value) in [
            ("sent", &details.presented),
            ("registered", &details.registered),
            ("to allow it", &details.remedy),
        ] {
            lines.extend(value.as_ref().map(|value| format!("  {name:<13}{value}")));
        }
    }
    if refusals
        .iter()
        .any(|refusal| refusal.details.remedy.is_some())
    {
        lines.push(
            "\nAnyone can send requests with this client ID: allow only what your own program sends. URI stands for the value that was \
             sent."
                .to_owned(),
        );
    }
    let document =
        json!({ "client_id": client.public_id, "enabled": client.enabled, "refusals": refusals });
    output.show(&document, &lines.join("\n"));
}

/// Lists the programs that have presets.
pub(super) fn list_presets(output: &Output) {
    output.list(
        Preset::all(),
        ["FOR", "PROGRAM", "REDIRECT URIS"],
        |preset| {
            let own = preset
                .redirect_paths
                .iter()
                .map(|path| format!("URL{path}"));
            let addresses: Vec<String> = own
                .chain(preset.fixed_redirect_uris.iter().cloned())
                .collect();
            [preset.key.clone(), preset.name.clone(), addresses.join(" ")]
        },
    );
}

/// Formats each setting that is not empty as one line, identifying ones first.
fn settings(document: &Value) -> String {
    let first = ["client_id", "client_name", "scope"];
    let members = document.as_object().into_iter().flatten();
    let (leading, others): (Vec<_>, Vec<_>) =
        members.partition(|(name, _)| first.contains(&name.as_str()));
    let lines: Vec<String> = leading
        .into_iter()
        .chain(others)
        .filter_map(|(name, value)| Some(format!("{name:<37}{}", words(value)?)))
        .collect();
    lines.join("\n")
}

/// Formats a value on one line; `None` if it is empty.
fn words(value: &Value) -> Option<String> {
    let text = match value {
        Value::Null => return None,
        Value::String(text) => text.clone(),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().filter_map(words).collect();
            items.join(" ")
        }
        other => other.to_string(),
    };
    Some(text).filter(|text| !text.is_empty())
}
