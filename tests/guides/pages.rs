//! Checks the form of the pages: links, anchors, line lengths, and the table of contents.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::{anchor, documents, root};

/// Maximum length of a line of prose; tables, code and headings are exempt.
const LONGEST_LINE: usize = 100;

/// Returns every page: those of the site, and the documents outside it.
fn pages() -> Vec<(PathBuf, String)> {
    let beside = [
        "README.md",
        "CONTRIBUTING.md",
        "SECURITY.md",
        "CHANGELOG.md",
    ];
    let mut pages = documents("docs");
    pages.extend(beside.map(|name| {
        let path = root().join(name);
        let text = fs::read_to_string(&path).expect("a page");
        (path, text)
    }));
    pages
}

/// Returns the lines of a page outside of code blocks.
fn prose(page: &str) -> Vec<&str> {
    let mut is_code = false;
    let outside = page.lines().filter(|line| {
        let is_fence = line.trim_start().starts_with("```");
        is_code ^= is_fence;
        !is_code && !is_fence
    });
    outside.collect()
}

fn links(page: &str) -> Vec<String> {
    let text = prose(page).join("\n");
    let links = text.split("](").skip(1);
    links
        .filter_map(|rest| rest.split(')').next())
        .map(str::to_owned)
        .collect()
}

/// Returns the anchors of a page's headings; a repeated heading gets a number.
fn anchors_of(page: &str) -> BTreeSet<String> {
    let mut anchors = BTreeSet::new();
    for line in prose(page) {
        let Some(heading) = line.strip_prefix('#') else {
            continue;
        };
        let first = anchor(&shown(heading.trim_start_matches('#').trim()));
        let mut name = first.clone();
        let mut number = 0;
        while !anchors.insert(name) {
            number += 1;
            name = format!("{first}-{number}");
        }
    }
    anchors
}

/// Returns the text of a heading as displayed: a link is replaced by its text.
fn shown(heading: &str) -> String {
    let mut shown = String::new();
    let mut rest = heading;
    while let Some((before, after)) = rest.split_once("](") {
        shown.push_str(&before.replace('[', ""));
        rest = after.split_once(')').map_or("", |(_, after)| after);
    }
    shown + rest
}

#[test]
fn every_link_leads_to_a_file_and_every_anchor_to_a_heading() {
    let mut dead = Vec::new();
    let mut checked = 0;
    for (page, text) in pages() {
        for link in links(&text) {
            if link.contains("://") {
                continue;
            }
            let (path, fragment) = link.split_once('#').unwrap_or((&link, ""));
            let target = if path.is_empty() {
                page.clone()
            } else {
                page.with_file_name(path)
            };
            checked += 1;
            let is_dead = !target.is_file()
                || (!fragment.is_empty()
                    && !anchors_of(&fs::read_to_string(&target).expect("a page"))
                        .contains(fragment));
            if is_dead {
                dead.push(format!("{}: {link}", page.display()));
            }
        }
    }
    assert!(checked > 100, "the pages were not read");
    assert_eq!(dead, Vec::<String>::new());
}

#[test]
fn a_dead_link_and_a_dead_anchor_are_detected() {
    assert_eq!(links("[a](b.md#c)\n```\n[d](e)\n```"), ["b.md#c"]);
    let headings = anchors_of("# One, `two`\n## [Three](four.md)\n## Three\n```\n# five\n```");
    let expected = ["one-two", "three", "three-1"];
    assert_eq!(headings, expected.map(str::to_owned).into());
}

#[test]
fn every_page_is_in_the_table_of_contents() {
    let summary = fs::read_to_string(root().join("docs/SUMMARY.md")).expect("the summary");
    let listed: BTreeSet<PathBuf> = links(&summary)
        .iter()
        .map(|link| fs::canonicalize(root().join("docs").join(link)).expect("a page"))
        .collect();
    let missing: Vec<PathBuf> = pages()
        .into_iter()
        .map(|(path, _)| fs::canonicalize(path).expect("a page"))
        .filter(|path| !path.ends_with("SUMMARY.md") && !listed.contains(path))
        .collect();
    assert_eq!(missing, Vec::<PathBuf>::new());
}

#[test]
fn prose_has_at_most_100_columns() {
    let mut long = Vec::new();
    for (page, text) in pages() {
        for line in prose(&text) {
            let is_exempt = line.starts_with(['|', '#'])
                || line.starts_with("<!--")
                || line.trim_start().starts_with('|')
                // Links can't be wrapped.
                || !line.trim_start_matches(['-', ' ']).contains(' ')
                || page.ends_with(Path::new("SUMMARY.md"));
            if !is_exempt && line.chars().count() > LONGEST_LINE {
                long.push(format!("{}: {line}", page.display()));
            }
        }
    }
    assert_eq!(long, Vec::<String>::new());
}

#[test]
fn the_readme_has_at_most_200_lines() {
    let readme = fs::read_to_string(root().join("README.md")).expect("the README");
    assert!(readme.lines().count() < 200);
    let too_long = readme
        .lines()
        .find(|line| line.chars().count() > LONGEST_LINE);
    assert_eq!(too_long, None);
}
