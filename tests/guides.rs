//! The guides show what the tests run: each block of code stands in the file that it names, and each link leads somewhere.

use std::fs;
use std::path::{Path, PathBuf};

use doorward::clients::{Preset, SettingValues};

use crate::api::programs::{CALLER, Client, Does, Program, families, within_crate};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every guide, and its text.
fn guides() -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut folders = vec![root().join("docs/guides")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "md") {
                let text = fs::read_to_string(&path).expect("text");
                found.push((path, text));
            }
        }
    }
    found
}

/// A fenced block: its language, the line before it, and what is in it.
struct Block<'a> {
    language: &'a str,
    before: &'a str,
    code: String,
}

fn blocks(guide: &str) -> Vec<Block<'_>> {
    let mut blocks = Vec::new();
    let mut lines = guide.lines();
    let mut before = "";
    while let Some(line) = lines.next() {
        if let Some(language) = line.strip_prefix("```") {
            let code: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
            blocks.push(Block {
                language,
                before,
                code: code.join("\n"),
            });
        }
        before = line;
    }
    blocks
}

#[test]
fn code_in_a_guide_is_the_code_that_the_tests_run() {
    let mut shown = 0;
    for (guide, text) in guides() {
        for block in blocks(&text) {
            let source = block.before.strip_prefix("<!-- of ");
            let source = source.and_then(|rest| rest.strip_suffix(" -->"));
            // What is typed is of no file.
            let is_typed = ["console", "sh"].contains(&block.language);
            // These are compared with the presets and with the imitations as a whole.
            if guide.ends_with("programs.md") || guide.ends_with("compatibility.md") {
                continue;
            }
            let Some(source) = source else {
                assert!(
                    is_typed,
                    "{}: of which file?\n{}",
                    guide.display(),
                    block.code
                );
                continue;
            };
            let file = fs::read_to_string(root().join(source)).expect("the named file");
            // Whole lines, in one piece.
            let is_there = format!("\n{file}").contains(&format!("\n{}\n", block.code));
            assert!(
                is_there,
                "{}: {source} has other lines than\n{}",
                guide.display(),
                block.code
            );
            shown += 1;
        }
    }
    assert!(shown >= 20, "the guides were not read");
}

#[test]
fn links_in_a_guide_lead_somewhere() {
    for (guide, text) in guides() {
        let links = text.split("](").skip(1);
        for link in links.filter_map(|rest| rest.split(')').next()) {
            let path = link.split('#').next().unwrap_or_default();
            if !path.is_empty() && !path.contains("://") {
                let target = guide.with_file_name(path);
                assert!(target.exists(), "{}: {link}", guide.display());
            }
        }
    }
}

/// The part of the guide of programs that the presets make.
fn programs() -> String {
    use std::fmt::Write;
    let mut text = String::new();
    for preset in Preset::all() {
        let (key, name) = (&preset.key, &preset.name);
        let needs_url = preset.to_change(None).is_err();
        let url = if needs_url {
            " --url https://app.example.com"
        } else {
            ""
        };
        let settings = preset.settings(SettingValues {
            issuer: "https://id.example.com",
            client_id: "CLIENT_ID",
            client_secret: (!preset.public).then_some("CLIENT_SECRET"),
            url: Some("https://app.example.com"),
        });
        writeln!(
            text,
            "\n## {name}\n\n```sh\ndoorward client create {name:?} --for {key}{url}\n```\n"
        )
        .expect("text");
        writeln!(
            text,
            "{}:\n\n```text\n{settings}\n```",
            preset.settings.file
        )
        .expect("text");
        if let Some(note) = &preset.note {
            writeln!(text, "\n{note}").expect("text");
        }
    }
    text
}

/// Compares the part of a guide after a line with what it is written from. With `UPDATE_GUIDES=1` in the environment, it is
/// written anew.
fn assert_written(guide: &str, start: &str, expected: &str) {
    let path = root().join("docs/guides").join(guide);
    let text = fs::read_to_string(&path).expect("the guide");
    let (before, after) = text.split_once(start).expect("the line where it begins");
    if std::env::var_os("UPDATE_GUIDES").is_some() {
        fs::write(&path, format!("{before}{start}{expected}")).expect("written");
    } else {
        assert_eq!(
            after, expected,
            "{guide}: run the test with UPDATE_GUIDES=1"
        );
    }
}

#[test]
fn the_guide_of_programs_says_what_the_presets_say() {
    const START: &str = "<!-- From here on as src/clients/presets/table.json has it. -->\n";
    assert_written("programs.md", START, &programs());
}

/// The anchor of a heading.
fn anchor(heading: &str) -> String {
    let lower = heading.to_lowercase().replace(' ', "-");
    let is_kept = |letter: &char| letter.is_alphanumeric() || ['-', '_'].contains(letter);
    lower.chars().filter(is_kept).collect()
}

/// The file of a test, relative to the guides: the longest beginning of its path that is a file.
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

/// Where the settings of a program are.
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

/// A command as one line of a shell.
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

/// The part of the guide of compatible programs that the imitations make.
fn compatible_programs() -> String {
    use std::fmt::Write;
    let mut text = String::new();
    for family in families() {
        let title = family.title;
        let head = "| program | with the defaults | settings | checked by |\n|---|---|---|---|";
        writeln!(text, "\n## {title}\n\n{head}").expect("text");
        for (test, program) in family.rows {
            let imitation = program
                .does
                .as_ref()
                .map(|_| ("imitation", within_crate(test)));
            let itself = program.run_by.map(|test| ("the program itself", test));
            let checks = [imitation, itself].into_iter().flatten();
            let checks: Vec<String> = checks
                .map(|(how, test)| format!("[{how}]({})", file_of(test)))
                .collect();
            let (name, works) = (program.name, program.works);
            writeln!(
                text,
                "| {name} | {works} | {} | {} |",
                settings_link(program),
                checks.join(", ")
            )
            .expect("text");
        }
        for (_, program) in family
            .rows
            .iter()
            .filter(|(_, program)| matches!(program.client, Client::With(_) | Client::None))
        {
            writeln!(text, "\n### {}", program.name).expect("text");
            let takes_tokens = matches!(program.does, Some(Does::TakesTokens(_)));
            let caller = takes_tokens.then(|| CALLER.to_vec());
            let own = Some(program.arguments()).filter(|arguments| !arguments.is_empty());
            let commands = caller.into_iter().chain(own);
            let commands: Vec<String> =
                commands.map(|arguments| command_line(&arguments)).collect();
            if !commands.is_empty() {
                writeln!(text, "\n```sh\n{}\n```", commands.join("\n")).expect("text");
            }
            let settings = &program.settings;
            writeln!(
                text,
                "\n{}:\n\n```text\n{}\n```",
                settings.file,
                settings.lines.join("\n")
            )
            .expect("text");
        }
    }
    text
}

#[test]
fn the_guide_of_compatible_programs_says_what_their_tests_do() {
    const START: &str = "<!-- From here on as the rows of tests/api/programs have it. -->\n";
    let expected = compatible_programs();
    assert_written("compatibility.md", START, &expected);
    for (_, program) in families().into_iter().flat_map(|family| family.rows) {
        let name = program.name;
        let has_settings = !program.settings.lines.is_empty();
        assert_eq!(
            has_settings,
            matches!(program.client, Client::With(_) | Client::None),
            "{name}: settings here or in the preset"
        );
        assert!(
            program.settings.lines.len() <= 10,
            "{name}: too many settings"
        );
        let words: Vec<&str> = program
            .works
            .split(|letter: char| !letter.is_alphabetic())
            .collect();
        assert!(
            !words
                .iter()
                .any(|word| ["not", "cannot", "can", "fails"].contains(word)),
            "{name}: {}",
            program.works
        );
    }
}
