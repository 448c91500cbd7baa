//! Modules of a folder have no circular imports.
//!
//! The exception is `queries`, which may name the types that it reads and writes.

use std::collections::{BTreeMap, BTreeSet};

use crate::architecture::{code, sources};

type Path = Vec<String>;

#[derive(Default)]
struct Module {
    /// Paths that the module names, as written.
    named: Vec<Path>,
    /// Names that the module imports or re-exports.
    imported: BTreeMap<String, Path>,
}

fn path(text: &str) -> Path {
    text.split("::")
        .map(|part| part.trim().to_owned())
        .collect()
}

/// Returns the paths of a `use` declaration, given without keyword and semicolon.
fn expand(prefix: &[String], tree: &str, found: &mut Vec<(Path, String)>) {
    let (mut depth, mut start) = (0, 0);
    let mut parts = Vec::new();
    for (at, letter) in tree.char_indices() {
        match letter {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(&tree[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&tree[start..]);
    for part in parts
        .iter()
        .map(|part| part.trim())
        .filter(|part| !part.is_empty())
    {
        if let Some((before, rest)) = part.split_once('{') {
            let before = path(before.trim_end_matches("::"));
            let before: Path = prefix
                .iter()
                .cloned()
                .chain(before.into_iter().filter(|part| !part.is_empty()))
                .collect();
            expand(&before, rest.trim_end().trim_end_matches('}'), found);
        } else {
            let (target, alias) = part.split_once(" as ").unwrap_or((part, ""));
            let whole: Path = prefix
                .iter()
                .cloned()
                .chain(path(target))
                .filter(|part| part != "self")
                .collect();
            let name = if alias.is_empty() {
                whole.last().cloned().unwrap_or_default()
            } else {
                alias.trim().to_owned()
            };
            found.push((whole, name));
        }
    }
}

fn is_name(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_'
}

/// Returns the paths outside of `use` declarations: each word followed by `::`, with the rest of the path.
fn inline_paths(body: &str) -> Vec<Path> {
    let mut found = Vec::new();
    let mut rest = body;
    while let Some(at) = rest.find("::") {
        let start = rest[..at]
            .rfind(|letter| !is_name(letter))
            .map_or(0, |before| before + 1);
        let end = rest[at..]
            .find(|letter| !is_name(letter) && letter != ':')
            .map_or(rest.len(), |length| at + length);
        found.push(path(rest[start..end].trim_end_matches(':')));
        rest = &rest[end..];
    }
    found
}

fn read(text: &str) -> Module {
    let mut module = Module::default();
    let mut body = String::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let declared = line.trim_start();
        let after_visibility = match declared.strip_prefix("pub") {
            Some(rest) if rest.starts_with('(') => {
                rest.split_once(") ").map_or("", |(_, rest)| rest)
            }
            Some(rest) => rest.trim_start(),
            None => declared,
        };
        let Some(tree) = after_visibility.strip_prefix("use ") else {
            body.push_str(line);
            body.push('\n');
            continue;
        };
        let mut tree = tree.to_owned();
        while !tree.trim_end().ends_with(';') {
            let Some(more) = lines.next() else { break };
            tree.push_str(more);
        }
        let mut found = Vec::new();
        expand(&[], tree.trim_end().trim_end_matches(';'), &mut found);
        for (whole, name) in found {
            module.named.push(whole.clone());
            module.imported.insert(name, whole);
        }
    }
    module.named.extend(inline_paths(&body));
    module
}

type Modules = BTreeMap<Path, Module>;

/// Returns the module that declares the item of a path, resolved in the module `from`; `None` for other crates.
fn resolve(modules: &Modules, from: &[String], named: &[String], depth: usize) -> Option<Path> {
    let (first, mut rest) = named.split_first()?;
    let child: Path = from.iter().chain([first]).cloned().collect();
    let mut module: Path = match first.as_str() {
        _ if depth > 6 => return None,
        "crate" => Vec::new(),
        "self" => from.to_vec(),
        "super" => from[..from.len().saturating_sub(1)].to_vec(),
        _ if modules.contains_key(&child) => child,
        name => {
            let import = modules.get(from)?.imported.get(name)?;
            if !["crate", "self", "super"].contains(&import[0].as_str())
                || import.as_slice() == named
            {
                return None;
            }
            let whole: Path = import.iter().chain(rest).cloned().collect();
            return resolve(modules, from, &whole, depth + 1);
        }
    };
    while let Some((name, after)) = rest.split_first() {
        let child: Path = module.iter().chain([name]).cloned().collect();
        if name == "super" {
            module.pop();
        } else if modules.contains_key(&child) {
            module = child;
        } else {
            let import = modules
                .get(&module)
                .and_then(|found| found.imported.get(name));
            return match import {
                Some(import) if module != from => {
                    let whole: Path = import.iter().chain(after).cloned().collect();
                    resolve(modules, &module, &whole, depth + 1).or(Some(module))
                }
                _ => Some(module),
            };
        }
        rest = after;
    }
    Some(module)
}

/// Returns which modules import which others, for each folder.
fn imports_in_folders(modules: &Modules) -> BTreeMap<Path, BTreeMap<String, BTreeSet<String>>> {
    let mut folders: BTreeMap<Path, BTreeMap<String, BTreeSet<String>>> = BTreeMap::new();
    for (from, module) in modules {
        for named in &module.named {
            let Some(target) = resolve(modules, from, named, 0) else {
                continue;
            };
            let common = from
                .iter()
                .zip(&target)
                .take_while(|(one, other)| one == other)
                .count();
            // A module may import its ancestors and its descendants.
            if common == 0
                || common == from.len()
                || common == target.len()
                || from[common] == "queries"
            {
                continue;
            }
            let folder = folders.entry(from[..common].to_vec()).or_default();
            folder
                .entry(from[common].clone())
                .or_default()
                .insert(target[common].clone());
        }
    }
    folders
}

/// Whether following imports leads from a module back to itself.
fn reaches_itself(imports: &BTreeMap<String, BTreeSet<String>>, start: &str) -> bool {
    let mut open: Vec<&str> = vec![start];
    let mut seen = BTreeSet::new();
    while let Some(module) = open.pop() {
        for next in imports.get(module).into_iter().flatten() {
            if next == start {
                return true;
            }
            if seen.insert(next.as_str()) {
                open.push(next);
            }
        }
    }
    false
}

fn cycles(modules: &Modules) -> Vec<String> {
    let mut found = Vec::new();
    for (folder, imports) in imports_in_folders(modules) {
        let members: Vec<&str> = imports
            .keys()
            .map(String::as_str)
            .filter(|module| reaches_itself(&imports, module))
            .collect();
        if !members.is_empty() {
            found.push(format!("{}: {}", folder.join("/"), members.join(", ")));
        }
    }
    found
}

fn module_path(file: &str) -> Path {
    let file = file.trim_end_matches(".rs").trim_end_matches("/mod");
    file.split('/').map(str::to_owned).collect()
}

#[test]
fn modules_of_one_folder_import_in_one_direction() {
    let modules: Modules = sources()
        .iter()
        .map(|source| (module_path(&source.path), read(&code(source))))
        .collect();
    assert_eq!(cycles(&modules), Vec::<String>::new());
}

#[test]
fn a_cycle_is_detected_through_braces_reexports_and_inline_paths() {
    let modules = |files: &[(&str, &str)]| -> Modules {
        files
            .iter()
            .map(|(file, text)| (module_path(file), read(text)))
            .collect()
    };
    let through_reexport = [
        (
            "a/mod.rs",
            "mod one;\nmod two;\npub use one::{One, Other};\n",
        ),
        ("a/one.rs", "use super::{\n    two::Two,\n};\n"),
        ("a/two.rs", "fn f(one: crate::a::One) {}\n"),
    ];
    assert_eq!(cycles(&modules(&through_reexport)), ["a: one, two"]);
    let downward = [
        ("a/mod.rs", "mod one;\nmod two;\npub use one::One;\n"),
        ("a/one.rs", "use std::fmt;\n"),
        ("a/two.rs", "use super::One;\nfn f() { one::g() }\n"),
    ];
    assert_eq!(cycles(&modules(&downward)), Vec::<String>::new());
    let with_queries = [
        ("a/mod.rs", "mod one;\nmod queries;\n"),
        ("a/one.rs", "use super::queries;\n"),
        ("a/queries.rs", "use super::one::Row;\n"),
    ];
    assert_eq!(cycles(&modules(&with_queries)), Vec::<String>::new());
}
