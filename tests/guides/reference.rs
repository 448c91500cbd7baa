//! Generates the reference pages: the command line from clap's definition, the configuration from its default file, the HTTP API
//! from its OpenAPI document.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;

use clap::{Arg, Command};
use serde_json::{Map, Value};

use super::{assert_written, root, wrapped};
use crate::support::test_server::TestServer;

const START: &str = "<!-- Generated; UPDATE_GUIDES=1 cargo test guides updates it. -->\n";

fn write_item(text: &mut String, item: &str) {
    writeln!(text, "{}", wrapped(item, "- ", "  ").trim_end()).expect("text");
}

/// Writes paragraphs, each with an empty line after it.
fn write_paragraphs(text: &mut String, paragraphs: &str) {
    for paragraph in paragraphs
        .split("\n\n")
        .filter(|paragraph| !paragraph.trim().is_empty())
    {
        writeln!(text, "{}\n", wrapped(paragraph, "", "")).expect("text");
    }
}

/// Escapes text so that Markdown sees no HTML.
fn escaped(text: &str) -> String {
    let parts = text
        .split('`')
        .enumerate()
        .map(|(index, part)| match index % 2 {
            0 => part.replace('<', "\\<"),
            _ => part.to_owned(),
        });
    parts.collect::<Vec<_>>().join("`")
}

// Command line.

fn spelling(argument: &Arg) -> String {
    let values: Vec<String> = argument
        .get_value_names()
        .unwrap_or_default()
        .iter()
        .map(|name| format!("<{name}>"))
        .collect();
    let value = if argument.get_action().takes_values() {
        values.join(" ")
    } else {
        String::new()
    };
    let spelling = match (argument.get_short(), argument.get_long()) {
        (Some(short), Some(long)) => format!("-{short}, --{long} {value}"),
        (None, Some(long)) => format!("--{long} {value}"),
        (Some(short), None) => format!("-{short} {value}"),
        (None, None) => value,
    };
    format!("`{}`", spelling.trim())
}

fn meaning(argument: &Arg) -> String {
    let help = argument.get_long_help().or(argument.get_help());
    let mut meaning = help.map(ToString::to_string).unwrap_or_default();
    let possible = argument.get_possible_values();
    if argument.get_action().takes_values() && !possible.is_empty() {
        let names: Vec<String> = possible
            .iter()
            .map(|value| format!("`{}`", value.get_name()))
            .collect();
        write!(meaning, " One of {}.", names.join(", ")).expect("text");
    }
    let defaults: Vec<String> = argument
        .get_default_values()
        .iter()
        .map(|value| format!("`{}`", value.to_string_lossy()))
        .collect();
    if argument.get_action().takes_values() && !defaults.is_empty() {
        write!(meaning, " Default: {}.", defaults.join(", ")).expect("text");
    }
    if let Some(variable) = argument.get_env() {
        write!(meaning, " Environment: `{}`.", variable.to_string_lossy()).expect("text");
    }
    escaped(&meaning)
}

/// Writes the section of a command, and those of its subcommands.
fn write_command(text: &mut String, command: &Command, names: &[&str]) {
    let level = "#".repeat(names.len() + 1);
    let name = names.join(" ");
    writeln!(text, "\n{level} {name}\n").expect("text");
    let about = command.get_long_about().or(command.get_about());
    let about = about.map(ToString::to_string).unwrap_or_default();
    write_paragraphs(text, &escaped(&about));
    let usage = command.clone().render_usage().to_string();
    let usage = usage.trim_start_matches("Usage: ");
    writeln!(text, "```text\n{usage}\n```").expect("text");
    let is_shown = |argument: &&Arg| {
        let is_inherited = names.len() > 1 && argument.is_global_set();
        let is_standard = ["help", "version"].contains(&argument.get_id().as_str());
        !is_inherited && !is_standard && !argument.is_hide_set()
    };
    let arguments: Vec<&Arg> = command.get_arguments().filter(is_shown).collect();
    if !arguments.is_empty() {
        text.push('\n');
    }
    for argument in arguments {
        write_item(
            text,
            &format!("{}: {}", spelling(argument), meaning(argument)),
        );
    }
    for subcommand in command.get_subcommands() {
        if !subcommand.is_hide_set() && subcommand.get_name() != "help" {
            write_command(
                text,
                subcommand,
                &[names, &[subcommand.get_name()][..]].concat(),
            );
        }
    }
}

#[test]
fn the_command_line_reference_matches_its_definition() {
    let mut command = doorward::cli::definition();
    command.build();
    let mut text = String::new();
    write_command(&mut text, &command, &["doorward"]);
    assert_written("reference/cli.md", START, &text);
}

// Configuration.

/// A configuration key, with its default and its comment.
struct Key<'a> {
    name: &'a str,
    default: &'a str,
    comment: Vec<&'a str>,
}

fn sections(file: &str) -> Vec<(&str, Vec<Key<'_>>)> {
    let mut sections: Vec<(&str, Vec<Key<'_>>)> = Vec::new();
    let mut comment = Vec::new();
    for line in file.lines() {
        if let Some(text) = line.strip_prefix('#') {
            comment.push(text.strip_prefix(' ').unwrap_or(text));
        } else if let Some(section) = line.strip_prefix('[') {
            comment.clear();
            sections.push((section.trim_end_matches(']'), Vec::new()));
        } else if let Some((name, default)) = line.split_once(" = ") {
            let (_, keys) = sections.last_mut().expect("a section");
            keys.push(Key {
                name,
                default,
                comment: std::mem::take(&mut comment),
            });
        }
    }
    sections
}

/// Writes the section of a key. Indented lines of its comment are code.
fn write_key(text: &mut String, section: &str, key: &Key<'_>) {
    let (name, default) = (key.name, key.default);
    writeln!(text, "\n### `{section}.{name}`\n").expect("text");
    let is_code = |line: &str| line.starts_with("  ") || line.is_empty();
    let first = key.comment.iter().position(|line| is_code(line));
    let (before, code) = key.comment.split_at(first.unwrap_or(key.comment.len()));
    writeln!(text, "{}", wrapped(&escaped(&before.join(" ")), "", "")).expect("text");
    if !code.is_empty() {
        let code: Vec<&str> = code
            .iter()
            .map(|line| line.strip_prefix("  ").unwrap_or(line))
            .collect();
        let code = code.join("\n");
        writeln!(text, "\n```toml\n{}\n```", code.trim_matches('\n')).expect("text");
    }
    let variable = format!("DOORWARD__{section}__{name}").to_uppercase();
    writeln!(
        text,
        "\n- Default: `{default}`\n- Environment: `{variable}`"
    )
    .expect("text");
}

#[test]
fn the_configuration_reference_matches_the_default_file() {
    let file = fs::read_to_string(root().join("config/default.toml")).expect("the file");
    let mut text = String::new();
    for (section, keys) in sections(&file) {
        writeln!(text, "\n## {section}").expect("text");
        for key in keys {
            assert!(
                !key.comment.is_empty(),
                "{section}.{} has no comment",
                key.name
            );
            write_key(&mut text, section, &key);
        }
    }
    assert_written("reference/configuration.md", START, &text);
}

// HTTP API.

/// Returns the text at a JSON pointer, or an empty one.
fn text_at<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value
        .pointer(pointer)
        .and_then(Value::as_str)
        .unwrap_or_default()
}

/// Resolves a `$ref`, or returns the value itself.
fn resolved<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    let pointer = text_at(value, "/$ref").trim_start_matches('#');
    if pointer.is_empty() {
        return value;
    }
    document.pointer(pointer).expect("the named part")
}

/// Returns a short description of a schema's type.
fn type_of(document: &Value, schema: &Value) -> String {
    let choices = schema.get("oneOf").or(schema.get("anyOf"));
    if let Some(choices) = choices.and_then(Value::as_array) {
        let types: Vec<String> = choices
            .iter()
            .map(|choice| type_of(document, choice))
            .collect();
        return types.join(" or ");
    }
    if let Some(name) = text_at(schema, "/$ref").rsplit('/').next()
        && !name.is_empty()
    {
        return type_of(document, resolved(document, schema));
    }
    match schema.get("type") {
        Some(Value::String(name)) if name == "array" => {
            let items = schema.get("items").unwrap_or(&Value::Null);
            format!("list of {}", type_of(document, items))
        }
        Some(Value::String(name)) => name.clone(),
        Some(Value::Array(names)) => {
            let names: Vec<&str> = names.iter().filter_map(Value::as_str).collect();
            names.join(" or ")
        }
        _ => "any".to_owned(),
    }
}

/// Writes the fields of an object's schema, one item each.
fn write_fields(text: &mut String, document: &Value, schema: &Value) {
    let schema = resolved(document, schema);
    let schema = match schema.get("oneOf").and_then(Value::as_array) {
        // An optional body: null or the object.
        Some(choices) => choices
            .iter()
            .map(|choice| resolved(document, choice))
            .find(|choice| choice.get("properties").is_some())
            .unwrap_or(schema),
        None => schema,
    };
    let required: Vec<&str> = schema
        .get("required")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let empty = Map::new();
    let fields = schema.get("properties").and_then(Value::as_object);
    for (name, field) in fields.unwrap_or(&empty) {
        let kind = type_of(document, field);
        let is_required = if required.contains(&name.as_str()) {
            ", required"
        } else {
            ""
        };
        let about = escaped(text_at(field, "/description"));
        write_item(text, &format!("`{name}` ({kind}{is_required}) {about}"));
    }
}

struct Operation<'a> {
    method: String,
    path: &'a str,
    value: &'a Value,
}

fn write_operation(text: &mut String, document: &Value, operation: &Operation<'_>) {
    let Operation {
        method,
        path,
        value,
    } = operation;
    writeln!(text, "\n### `{method} {path}`\n").expect("text");
    write_paragraphs(text, &escaped(text_at(value, "/summary")));
    write_paragraphs(text, &escaped(text_at(value, "/description")));
    let parameters = value.get("parameters").and_then(Value::as_array);
    let parameters: Vec<&Value> = parameters.into_iter().flatten().collect();
    if !parameters.is_empty() {
        writeln!(text, "Parameters:\n").expect("text");
        for parameter in parameters {
            let parameter = resolved(document, parameter);
            let name = text_at(parameter, "/name");
            let place = text_at(parameter, "/in");
            let about = escaped(text_at(parameter, "/description"));
            write_item(text, &format!("`{name}` ({place}) {about}"));
        }
        text.push('\n');
    }
    if let Some(schema) = value.pointer("/requestBody/content/application~1json/schema") {
        let mut fields = String::new();
        write_fields(&mut fields, document, schema);
        if !fields.is_empty() {
            writeln!(text, "Body:\n\n{fields}").expect("text");
        }
    }
    writeln!(text, "Responses:\n").expect("text");
    let responses = value.get("responses").and_then(Value::as_object);
    for (status, response) in responses.into_iter().flatten() {
        let about = escaped(text_at(resolved(document, response), "/description"));
        write_item(text, &format!("`{status}` {about}"));
    }
}

fn operations(document: &Value) -> BTreeMap<&str, Vec<Operation<'_>>> {
    let mut tags: BTreeMap<&str, Vec<Operation<'_>>> = BTreeMap::new();
    let paths = document.pointer("/paths").and_then(Value::as_object);
    for (path, item) in paths.expect("paths") {
        for (method, value) in item.as_object().expect("operations") {
            let method = method.to_uppercase();
            let operation = Operation {
                method,
                path,
                value,
            };
            tags.entry(text_at(value, "/tags/0"))
                .or_default()
                .push(operation);
        }
    }
    tags
}

#[test]
fn the_api_reference_matches_the_openapi_document() {
    let server = TestServer::embedded();
    let document = server.browser().get("/openapi.json").json();
    let mut text = String::new();
    for (tag, entries) in operations(&document) {
        writeln!(text, "\n## {tag}").expect("text");
        for operation in &entries {
            write_operation(&mut text, &document, operation);
        }
    }
    assert_written("reference/api.md", START, &text);
}
