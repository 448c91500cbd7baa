//! Reads the commands that guides show, so that tests run the same.

use std::fs;
use std::path::Path;

const APP: &str = "https://app.example.com";

/// Returns the arguments of the command with which a guide registers its app, for an app at `origin`.
pub fn registration(guide: &str, origin: &str) -> Vec<String> {
    let path = format!("docs/guides/openid-connect/{guide}.md");
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(&path));
    let text = text.unwrap_or_else(|error| panic!("{path}: {error}"));
    let command = command(&text).unwrap_or_else(|| panic!("{path} registers nothing"));
    words(&command.replace(APP, origin))
}

/// Returns the command that registers a client, on one line and without the program's name.
fn command(guide: &str) -> Option<String> {
    let (_, rest) = guide.split_once("$ doorward client create ")?;
    let mut command = "client create ".to_owned();
    for line in rest.lines() {
        let goes_on = line.strip_suffix('\\');
        command.push_str(goes_on.unwrap_or(line).trim());
        command.push(' ');
        if goes_on.is_none() {
            return Some(command);
        }
    }
    None
}

/// Splits a command into words as a shell does; some are in double quotes.
fn words(command: &str) -> Vec<String> {
    let parts = command.split('"').enumerate();
    let words = parts.flat_map(|(index, part)| match index % 2 {
        0 => part.split_whitespace().map(str::to_owned).collect(),
        _ => vec![part.to_owned()],
    });
    words.collect()
}

#[test]
fn a_command_is_parsed_like_in_a_shell() {
    let guide = "```console\n$ doorward client create \"My app\" \\\n    --redirect-uri https://app.example.com/callback\nclient_id …\n```";
    assert_eq!(
        words(&command(guide).expect("a command")),
        [
            "client",
            "create",
            "My app",
            "--redirect-uri",
            "https://app.example.com/callback"
        ]
    );
}
