//! Checks the architecture: imports go to lower layers only, the HTTP framework and the databases are used only in certain
//! modules, and a table has one owner.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Modules and their layers. A module may import only modules of lower layers. `cli` is above `server`, `server` above `app`.
const LAYERS: [(&str, u32); 27] = [
    ("main", 103),
    ("cli", 102),
    ("server", 101),
    ("app", 100),
    ("account", 10),
    ("admin", 10),
    ("authzen", 10),
    ("forward_auth", 10),
    ("oidc", 9),
    ("policies", 9),
    ("passkeys", 8),
    ("assignments", 8),
    ("users", 7),
    ("sessions", 6),
    ("tokens", 5),
    ("clients", 4),
    ("account_state", 3),
    ("web", 3),
    ("ephemeral", 2),
    ("history", 2),
    ("egress", 2),
    ("outbox", 2),
    ("db", 1),
    ("base", 0),
    ("lib", 104),
    ("parsers", 104),
    ("testing", 104),
];

const OWNERS: [(&str, &str); 25] = [
    ("setup", "users"),
    ("users", "users"),
    ("usernames", "users"),
    ("roles", "users"),
    ("user_roles", "users"),
    ("invitations", "users"),
    ("passkeys", "passkeys"),
    ("used_tokens", "sessions"),
    ("sessions", "sessions"),
    ("account_states", "account_state"),
    ("account_state_records", "account_state"),
    ("clients", "clients"),
    ("client_audiences", "clients"),
    ("client_origins", "clients"),
    ("authorizations", "tokens"),
    ("refresh_families", "tokens"),
    ("signing_keys", "tokens"),
    ("consents", "clients"),
    ("outbox", "outbox"),
    ("audit_events", "history"),
    ("revisions", "history"),
    ("audit_chain_entries", "history"),
    ("audit_chain_state", "history"),
    ("role_assignments", "assignments"),
    ("resources", "assignments"),
];

pub struct Source {
    /// Path below `src/`, with `/`.
    pub path: String,
    module: String,
    text: String,
}

/// Returns the paths of all Rust files below a folder of the crate.
fn rust_files(folder: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder") {
            let path: PathBuf = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }
    found
}

pub fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let read = |path: PathBuf| {
        let below = path.strip_prefix(&root).expect("below src");
        let below = below.to_string_lossy().into_owned();
        let module = below.split('/').next().unwrap_or_default();
        Source {
            module: module.trim_end_matches(".rs").to_owned(),
            text: fs::read_to_string(&path).expect("text"),
            path: below,
        }
    };
    let found: Vec<Source> = rust_files("src").into_iter().map(read).collect();
    assert!(found.len() > 80, "the sources were not read");
    found
}

/// Returns the code without comments and without unit tests.
pub fn code(source: &Source) -> String {
    let text = source
        .text
        .split("#[cfg(test)]\nmod tests")
        .next()
        .unwrap_or_default();
    let lines = text
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"));
    lines.collect::<Vec<_>>().join("\n")
}

fn layer_of(module: &str) -> u32 {
    let found = LAYERS.iter().find(|(name, _)| *name == module);
    found
        .unwrap_or_else(|| panic!("a module without a layer: {module}"))
        .1
}

/// Returns the modules that the code names: `crate::module` and the braces of `use crate::{…}`.
fn named_modules(code: &str) -> BTreeSet<String> {
    let mut modules = BTreeSet::new();
    for (at, _) in code.match_indices("crate::") {
        let rest = &code[at + "crate::".len()..];
        if let Some(list) = rest.strip_prefix('{') {
            let list = list.split("};").next().unwrap_or_default();
            for part in list.split(',') {
                let name: String = part
                    .trim()
                    .chars()
                    .take_while(|c| c.is_alphanumeric() || *c == '_')
                    .collect();
                if LAYERS.iter().any(|(module, _)| *module == name) {
                    modules.insert(name);
                }
            }
        } else {
            let name: String = rest
                .chars()
                .take_while(|c| c.is_alphanumeric() || *c == '_')
                .collect();
            if name != "timed" {
                modules.insert(name);
            }
        }
    }
    modules
}

#[test]
fn imports_go_strictly_downward() {
    let mut upward = Vec::new();
    for source in sources() {
        for named in named_modules(&code(&source)) {
            if named != source.module && layer_of(&named) >= layer_of(&source.module) {
                upward.push(format!("{} names {named}", source.path));
            }
        }
    }
    assert_eq!(upward, Vec::<String>::new());
}

#[test]
fn a_reversed_import_is_detected() {
    assert_eq!(
        named_modules("use crate::admin::http;")
            .into_iter()
            .next()
            .as_deref(),
        Some("admin")
    );
    assert!(named_modules("use crate::{account, web as pages};").contains("account"));
    assert!(layer_of("admin") > layer_of("db") && layer_of("web") == layer_of("account_state"));
}

fn files_that_contain(pattern: &str, may: impl Fn(&str) -> bool) -> Vec<String> {
    sources()
        .iter()
        .filter(|source| !may(&source.path) && code(source).contains(pattern))
        .map(|source| source.path.clone())
        .collect()
}

#[test]
fn the_web_framework_is_used_only_in_http_modules() {
    let may = |path: &str| {
        path == "main.rs"
            || ["app/", "web/", "sessions/", "server/"]
                .iter()
                .any(|folder| path.starts_with(folder))
            || path.ends_with("/http.rs")
            || path.contains("/http/")
            || path.ends_with("/pages.rs")
            || path.contains("/pages/")
    };
    assert_eq!(files_that_contain("actix_", may), Vec::<String>::new());
}

#[test]
fn sql_is_used_only_in_queries_and_redis_only_in_the_ephemeral_module() {
    let may = |path: &str| {
        path.starts_with("db/")
            || path.starts_with("ephemeral/embedded")
            || path.ends_with("/queries.rs")
            || path.contains("/queries/")
    };
    assert_eq!(files_that_contain("diesel", may), Vec::<String>::new());
    let may = |path: &str| path.starts_with("ephemeral/");
    assert_eq!(
        files_that_contain("redis::", |path| may(path)),
        Vec::<String>::new()
    );
}

#[test]
fn policies_are_evaluated_without_a_store_and_cedar_stays_there() {
    let is_in_policies = |path: &str| path.starts_with("policies/");
    assert_eq!(
        files_that_contain("cedar_policy", is_in_policies),
        Vec::<String>::new()
    );
    // `decide.rs` reads the facts; the other files only compute.
    let may = |path: &str| !is_in_policies(path) || path == "policies/decide.rs";
    assert_eq!(files_that_contain("async ", may), Vec::<String>::new());
    assert_eq!(files_that_contain("crate::db", may), Vec::<String>::new());
    assert_eq!(
        files_that_contain("crate::ephemeral", may),
        Vec::<String>::new()
    );
}

#[test]
fn a_table_belongs_to_one_module() {
    let mut trespassers = Vec::new();
    for source in sources().iter().filter(|source| source.module != "db") {
        for import in code(source).split("use crate::db::schema::").skip(1) {
            let import = import.split(';').next().unwrap_or_default();
            for table in import.trim_matches(['{', '}']).split(',').map(str::trim) {
                let owner = OWNERS.iter().find(|(name, _)| *name == table);
                let owner = owner
                    .unwrap_or_else(|| panic!("a table without an owner: {table}"))
                    .1;
                if owner != source.module {
                    trespassers.push(format!("{} uses {table}", source.path));
                }
            }
        }
    }
    assert_eq!(trespassers, Vec::<String>::new());
}

#[test]
fn only_the_three_ceremonies_create_a_verified_ceremony() {
    let attest = files_that_contain("VerifiedCeremony::attest", |path| {
        [
            "passkeys/login.rs",
            "passkeys/register/mod.rs",
            "passkeys/step_up.rs",
        ]
        .contains(&path)
    });
    assert_eq!(attest, Vec::<String>::new());
    assert_eq!(
        files_that_contain("Self::attest", |_| false),
        Vec::<String>::new()
    );
}

/// An [`Author`] comes from `ActingAs::check`, in the transaction of the change. The exceptions create one from a request:
/// ceremonies and the token endpoint, which authenticate there; the response to an app's request, whose operation checks the
/// session under the lock; and signing out, which needs no permission.
#[test]
fn only_a_check_in_the_transaction_creates_the_author_of_a_change() {
    let allowed = [
        "sessions/caller.rs",
        "sessions/signed_in.rs",
        "sessions/http.rs",
        "account/pages/sign_out.rs",
        "passkeys/pages/join.rs",
        "passkeys/http/login.rs",
        "passkeys/http/register.rs",
        "passkeys/http/step_up.rs",
        "oidc/http/token.rs",
        "oidc/pages/authorize.rs",
        "oidc/pages/logout.rs",
    ];
    for (word, allowed) in [
        (
            "Actor::User(",
            &[
                &allowed[..],
                &[
                    "users/",
                    "passkeys/",
                    "history/",
                    "assignments/assignment_permission.rs",
                ],
            ]
            .concat()[..],
        ),
        ("ActingAs::new(", &allowed[..2]),
    ] {
        let named = files_that_contain(word, |path| {
            allowed.iter().any(|allowed| path.starts_with(allowed))
        });
        assert_eq!(named, Vec::<String>::new(), "{word}");
    }
    let crafted = files_that_contain("Author {", |path| {
        [
            "web/client_address.rs",
            "history/author.rs",
            "tokens/keys/keyring.rs",
        ]
        .contains(&path)
    });
    assert_eq!(crafted, Vec::<String>::new());
}

#[test]
fn files_stay_small_and_begin_with_a_short_module_comment() {
    for source in sources() {
        let lines = source.text.lines().count();
        assert!(lines <= 400, "{} has {lines} lines: split it", source.path);
        let comment_lines = source
            .text
            .lines()
            .take_while(|line| line.starts_with("//!"))
            .count();
        assert!(
            (1..=15).contains(&comment_lines),
            "{}: the module comment has {comment_lines} lines",
            source.path
        );
    }
}

#[test]
fn a_module_with_children_is_declared_in_mod_rs() {
    let mut beside = Vec::new();
    for folder in ["src", "tests", "benches", "fuzz/src", "fuzz/fuzz_targets"] {
        for file in rust_files(folder) {
            if file.with_extension("").is_dir() {
                beside.push(file);
            }
        }
    }
    assert_eq!(
        beside,
        Vec::<PathBuf>::new(),
        "move each to mod.rs in the folder of its name"
    );
}
