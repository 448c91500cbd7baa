//! Checks that files and tests named on pages exist.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use super::root;

/// Returns the texts in backticks of a line.
fn texts_in_backticks(line: &str) -> Vec<&str> {
    line.split('`').skip(1).step_by(2).collect()
}

/// Returns every Rust source below a folder.
fn sources(folder: &Path) -> Vec<String> {
    let mut texts = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() && !path.ends_with("target") {
            texts.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            texts.push(fs::read_to_string(&path).expect("text"));
        }
    }
    texts
}

/// Whether one of the sources contains a test of this name.
fn is_test(name: &str, sources: &[String]) -> bool {
    let declaration = format!("fn {name}(");
    sources.iter().any(|text| text.contains(&declaration))
}

/// Whether a module of tests, such as `tests/api/ceremony_attacks`, or a file exists.
fn is_module(path: &str) -> bool {
    let path = root().join(path);
    path.exists() || path.with_extension("rs").exists()
}

/// Whether a file or folder of this name exists below `src` or in the repository, or a file matches the pattern `name*.rs`.
fn is_code(path: &str) -> bool {
    if let Some((start, end)) = path.split_once('*') {
        let start = root().join("src").join(start);
        let prefix = start.file_name().and_then(|name| name.to_str());
        let entries = fs::read_dir(start.with_file_name("")).expect("a folder");
        return entries.flatten().any(|entry| {
            let name = entry.file_name().to_string_lossy().into_owned();
            prefix.is_some_and(|prefix| name.starts_with(prefix)) && name.ends_with(end)
        });
    }
    root().join("src").join(path).exists() || root().join(path).exists()
}

#[test]
fn the_specifications_name_code_and_tests_that_exist() {
    let page = fs::read_to_string(root().join("docs/SPECS.md")).expect("the page");
    let mut code = sources(&root().join("src"));
    code.extend(sources(&root().join("tests")));
    let mut missing = Vec::new();
    let (mut tests, mut files) = (0, 0);
    // An entry continues on lines with deeper indentation.
    let page = page.replace("\n    ", " ");
    for line in page.lines() {
        if let Some(named) = line.strip_prefix("  - tests: ") {
            for name in texts_in_backticks(named) {
                tests += 1;
                let exists = match name {
                    path if path.contains('/') => is_module(path) || is_code(path),
                    name => {
                        is_test(name, &code)
                            || root().join(format!("fuzz/fuzz_targets/{name}.rs")).exists()
                    }
                };
                if !exists {
                    missing.push(format!("test {name}"));
                }
            }
        } else if let Some(named) = line.strip_prefix("  - code: ") {
            for path in texts_in_backticks(named) {
                files += 1;
                if !is_code(path) {
                    missing.push(format!("file {path}"));
                }
            }
        }
    }
    assert!(tests > 250 && files > 200, "{tests} tests, {files} files");
    assert_eq!(missing, Vec::<String>::new());
}

#[test]
fn every_clause_names_its_code_and_a_test() {
    let page = fs::read_to_string(root().join("docs/SPECS.md")).expect("the page");
    let entries = page.split("\n- **").skip(1);
    let without_test: Vec<&str> = entries
        .filter(|entry| !entry.contains("\n  - tests: "))
        .filter_map(|entry| entry.lines().next())
        .collect();
    assert_eq!(without_test, Vec::<&str>::new());
}

#[test]
fn the_code_map_names_files_that_exist() {
    let page = fs::read_to_string(root().join("docs/internals/code-map.md")).expect("the page");
    let rows = page.lines().filter(|line| line.starts_with("| "));
    let paths: Vec<&str> = rows
        .flat_map(texts_in_backticks)
        .filter(|path| path.starts_with("src/"))
        .collect();
    assert!(paths.len() >= 10, "the page was not read");
    let missing: Vec<&&str> = paths
        .iter()
        .filter(|path| !root().join(path).exists())
        .collect();
    assert_eq!(missing, Vec::<&&str>::new());
}

/// Text before a colon and a placeholder in code that is no key of the ephemeral store.
const NO_STORE_KEYS: [&str; 7] = ["b", "passkey", "profile", "s", "seal", "u", "wrong-secret"];

/// Returns the names before the first colon of every `"name:{…` in the sources, and of every `KIND` of a stored response.
fn key_names(sources: &[String]) -> BTreeSet<&str> {
    let mut names = BTreeSet::new();
    for text in sources {
        for (before, _) in text.match_indices(":{").map(|(at, _)| text.split_at(at)) {
            let name = before.rsplit('"').next().unwrap_or_default();
            let is_name = |letter: char| letter.is_ascii_lowercase() || letter == '-';
            if !name.is_empty() && name.chars().all(is_name) && !NO_STORE_KEYS.contains(&name) {
                names.insert(name);
            }
        }
        let kinds = text.split("const KIND: &str = \"").skip(1);
        names.extend(kinds.filter_map(|rest| rest.split('"').next()));
    }
    names
}

#[test]
fn the_architecture_page_lists_every_key_of_the_ephemeral_store() {
    let page = fs::read_to_string(root().join("docs/ARCHITECTURE.md")).expect("the page");
    let rows = page
        .lines()
        .skip_while(|line| *line != "| key | contents | expires |");
    let rows = rows.take_while(|line| line.starts_with('|'));
    let listed: BTreeSet<&str> = rows
        .filter_map(|row| texts_in_backticks(row).first()?.split(':').next())
        .collect();
    let code = sources(&root().join("src"));
    assert_eq!(key_names(&code), listed);
}

#[test]
fn the_citation_check_detects_unknown_tests_and_files() {
    let code = ["#[test]\nfn it_holds() {}".to_owned()];
    assert!(is_test("it_holds", &code) && !is_test("it_hold", &code));
    assert!(is_module("tests/api/ceremony_attacks") && !is_module("tests/api/ceremony_attack"));
    assert!(is_code("src") && is_code("main.rs") && !is_code("mai.rs"));
}
