//! The documentation agrees with the code: guides show code that the tests run, generated pages are up to date, links and anchors
//! exist, and named files and tests exist.

mod citations;
mod compatibility;
mod pages;
mod reference;

use std::fs;
use std::path::{Path, PathBuf};

use doorward::clients::{Preset, SettingValues};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn guides() -> Vec<(PathBuf, String)> {
    documents("docs/guides")
}

/// Returns every Markdown file below a folder with its text.
fn documents(folder: &str) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
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

/// A fenced code block: its language, the line before it, and its content.
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
            // Commands to be typed are not in any file.
            let is_typed = ["console", "sh"].contains(&block.language);
            // These pages are compared as a whole with the presets and the compatibility tests.
            if guide.ends_with("programs.md") || guide.ends_with("compatibility.md") {
                continue;
            }
            let Some(source) = source else {
                assert!(
                    is_typed,
                    "{}: the block names no file\n{}",
                    guide.display(),
                    block.code
                );
                continue;
            };
            let file = fs::read_to_string(root().join(source)).expect("the named file");
            // The block must consist of consecutive whole lines of the file.
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

/// Returns the anchor of a heading, as GitHub and mdBook generate it.
fn anchor(heading: &str) -> String {
    let lower = heading.to_lowercase().replace(' ', "-");
    let is_kept = |letter: &char| letter.is_alphanumeric() || ['-', '_'].contains(letter);
    lower.chars().filter(is_kept).collect()
}

/// Wraps a paragraph into lines of at most 100 characters: the first begins with `first`, the others with `rest`.
fn wrapped(text: &str, first: &str, rest: &str) -> String {
    let mut lines = vec![first.to_owned()];
    let mut is_start = true;
    for word in text.split_whitespace() {
        let line = lines.last_mut().expect("a line");
        let fits = line.chars().count() + 1 + word.chars().count() <= 100;
        // At the start of a line these would begin a list or a heading.
        let is_marker = ["-", "+", "*", "#"].contains(&word);
        if is_start {
            line.push_str(word);
        } else if fits || is_marker {
            line.push(' ');
            line.push_str(word);
        } else {
            lines.push(format!("{rest}{word}"));
        }
        is_start = false;
    }
    lines.join("\n")
}

/// Generates the part of the guide to programs that is based on the presets.
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
            writeln!(text, "\n{}", wrapped(note, "", "")).expect("text");
        }
    }
    text
}

/// Compares the part of a page after a line with the generated text. With `UPDATE_GUIDES=1` in the environment, updates it.
fn assert_written(page: &str, start: &str, expected: &str) {
    let path = root().join("docs").join(page);
    let text = fs::read_to_string(&path).expect("the page");
    let (before, after) = text.split_once(start).expect("the line where it begins");
    if std::env::var_os("UPDATE_GUIDES").is_some() {
        fs::write(&path, format!("{before}{start}{expected}")).expect("written");
    } else {
        assert_eq!(after, expected, "{page}: run the test with UPDATE_GUIDES=1");
    }
}

#[test]
fn the_guide_of_programs_matches_the_presets() {
    const START: &str = "<!-- From here on as src/clients/presets/table.json has it. -->\n";
    assert_written("guides/programs.md", START, &programs());
}
