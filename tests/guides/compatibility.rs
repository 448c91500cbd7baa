//! Generates the guide to compatible programs from the table of programs that the compatibility tests run.

use doorward::clients::Preset;

use super::{anchor, assert_written, root, wrapped};
use crate::api::simulations::{
    Behavior, Client, Program, ProgramGroup, Settings, program_groups, within_crate,
};

/// Returns the file of a test, relative to the guides: the longest prefix of its path that is a file.
fn file_of(test: &str) -> String {
    let parts: Vec<&str> = test.split("::").collect();
    let files = (1..=parts.len())
        .rev()
        .map(|length| parts[..length].join("/"));
    let mut files =
        files.flat_map(|path| [format!("tests/{path}.rs"), format!("tests/{path}/mod.rs")]);
    let file = files.find(|file| root().join(file).is_file());
    format!(
        "../../{}",
        file.unwrap_or_else(|| panic!("no file of {test}"))
    )
}

fn settings_link(program: &Program) -> String {
    match program.client {
        Client::For(key) => {
            let name = &Preset::find(key).expect("a preset").name;
            format!("[`--for {key}`](programs.md#{})", anchor(name))
        }
        Client::With(_) | Client::None => format!("[settings](#{})", anchor(program.name)),
        Client::Guide(path) => format!("[guide]({path})"),
    }
}

/// Formats a command as one shell line.
fn command_line(arguments: &[&str]) -> String {
    let is_plain = |text: &str| {
        text.chars()
            .all(|letter| letter.is_alphanumeric() || "-_./:=".contains(letter))
    };
    let quoted = arguments.iter().map(|text| {
        if is_plain(text) {
            (*text).to_owned()
        } else {
            format!("{text:?}")
        }
    });
    let quoted: Vec<String> = quoted.collect();
    format!("doorward {}", quoted.join(" ").replace(" --", " \\\n  --"))
}

fn table(group: &ProgramGroup) -> String {
    use std::fmt::Write;
    let mut text = format!("\n## {}\n\n", group.title);
    let mut simulations = group
        .rows
        .iter()
        .filter(|(_, program)| program.behavior.is_some());
    if let Some((test, _)) = simulations.next() {
        let file = file_of(within_crate(test));
        let name = file.trim_start_matches("../");
        let sentence = format!("The simulations are in [{name}]({file}).");
        writeln!(text, "{}\n", wrapped(&sentence, "", "")).expect("text");
    }
    if !group.about.is_empty() {
        writeln!(text, "{}\n", wrapped(group.about, "", "")).expect("text");
    }
    text.push_str("| program | what works | settings | checked by |\n|---|---|---|---|\n");
    for (test, program) in group.rows {
        let key = test.rsplit("::").next().unwrap_or_default();
        let simulation = program
            .behavior
            .as_ref()
            .map(|_| format!("simulation `{key}`"));
        let itself = program
            .real_program_test
            .map(|test| format!("[the program itself]({})", file_of(test)));
        let checks: Vec<String> = [simulation, itself].into_iter().flatten().collect();
        let (name, summary, settings) = (program.name, program.summary, settings_link(program));
        writeln!(
            text,
            "| {name} | {summary} | {settings} | {} |",
            checks.join(", ")
        )
        .expect("text");
    }
    text
}

/// Generates the commands and settings of a program that has no preset and no guide of its own.
fn section(program: &Program) -> String {
    let caller = match &program.behavior {
        Some(Behavior::TakesTokens(service)) => Some(service.caller()),
        _ => None,
    };
    let own = Some(program.arguments()).filter(|arguments| !arguments.is_empty());
    let commands: Vec<String> = caller
        .iter()
        .chain(&own)
        .map(|arguments| command_line(arguments))
        .collect();
    let Settings { file, lines } = program.settings;
    let (name, commands, lines) = (program.name, commands.join("\n"), lines.join("\n"));
    format!("\n### {name}\n\n```sh\n{commands}\n```\n\n{file}:\n\n```text\n{lines}\n```\n")
}

fn has_section(program: &Program) -> bool {
    matches!(program.client, Client::With(_) | Client::None)
}

/// Generates the part of the guide that is based on the table of programs.
fn guide() -> String {
    let mut text = String::new();
    for group in program_groups() {
        text.push_str(&table(group));
        let programs = group.rows.iter().map(|(_, program)| program);
        text.extend(programs.filter(|program| has_section(program)).map(section));
    }
    text
}

#[test]
fn the_compatibility_guide_matches_the_tests() {
    const START: &str = "<!-- Generated from tests/api/simulations; UPDATE_GUIDES=1 cargo test guides updates it. -->\n";
    assert_written("guides/compatibility.md", START, &guide());
    for (_, program) in program_groups().into_iter().flat_map(|group| group.rows) {
        let name = program.name;
        let has_settings = !program.settings.lines.is_empty();
        assert_eq!(
            has_settings,
            has_section(program),
            "{name}: settings here or in the preset"
        );
        assert!(
            program.settings.lines.len() <= 14,
            "{name}: too many settings"
        );
    }
    // Every row works; requirements are in its settings.
    let text = guide();
    let mut words = text.split(|letter: char| !letter.is_alphabetic() && letter != '\'');
    let denies = |word: &str| ["not", "cannot", "fails"].contains(&word) || word.ends_with("n't");
    assert_eq!(words.find(|word| denies(word)), None);
}
