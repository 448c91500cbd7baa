//! Sends signals to processes and groups by ID, and lists descendants.

use std::collections::BTreeMap;
use std::fs;
use std::process::{Command, Stdio};

/// Sends a signal to a process; a process that has ended is not an error.
pub fn signal(process: u32, signal_number: i32) {
    send(i64::from(process), signal_number);
}

/// Sends a signal to every process of a group; an empty group is not an error.
pub fn signal_group(group: u32, signal_number: i32) {
    send(-i64::from(group), signal_number);
}

fn send(target: i64, signal_number: i32) {
    // Runs the program instead of the system call, because this crate has no unsafe code. Its errors are ignored, because the
    // process may have ended.
    Command::new("kill")
        .args([format!("-{signal_number}"), "--".into(), target.to_string()])
        .stderr(Stdio::null())
        .status()
        .expect("the program kill");
}

/// Returns the IDs of all descendants of `ancestor`.
pub fn descendants(ancestor: u32) -> Vec<u32> {
    let mut children: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    for entry in fs::read_dir("/proc").expect("/proc is mounted").flatten() {
        if let Some(process) = entry
            .file_name()
            .to_str()
            .and_then(|name| name.parse().ok())
            && let Some((_, parent)) = state_and_parent(process)
        {
            children.entry(parent).or_default().push(process);
        }
    }
    let mut found = Vec::new();
    let mut open = vec![ancestor];
    while let Some(process) = open.pop() {
        let below = children.remove(&process).unwrap_or_default();
        open.extend(&below);
        found.extend(below);
    }
    found
}

/// Whether the process exists and is not a zombie.
pub fn is_alive(process: u32) -> bool {
    state_and_parent(process).is_some_and(|(state, _)| state != "Z" && state != "X")
}

/// Parses proc(5): `pid (name, which may contain anything) state ppid …`.
fn state_and_parent(process: u32) -> Option<(String, u32)> {
    let stat = fs::read(format!("/proc/{process}/stat")).ok()?;
    let stat = String::from_utf8_lossy(&stat);
    let (_, after_name) = stat.rsplit_once(')')?;
    let mut fields = after_name.split_ascii_whitespace();
    Some((fields.next()?.to_owned(), fields.next()?.parse().ok()?))
}
