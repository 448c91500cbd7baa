//! Files with secrets that other users of the machine can access.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use secrecy::ExposeSecret;

use crate::on_both;
use crate::support::binary;
use crate::support::process::free_port;
use crate::support::test_server::TestServer;

/// Modes with which users other than the owner can read or change a file.
const EXPOSED: [u32; 7] = [0o644, 0o640, 0o604, 0o620, 0o602, 0o610, 0o660];
const ALLOW: &str = "DOORWARD__SECRETS__ALLOW_READABLE_FILES";

fn set_mode(path: &Path, mode: u32) {
    let permissions = std::fs::Permissions::from_mode(mode);
    std::fs::set_permissions(path, permissions).expect("a mode");
}

on_both! {
    fn a_master_key_that_others_can_access_is_refused(server) {
        let path = server.config.master_key_path();
        let previous = path.with_extension("previous");
        std::fs::copy(&path, &previous).expect("a copy");
        set_mode(&previous, 0o600);
        let run = |arguments: &[&str]| {
            let mut command = binary::command(&server.config);
            command.env("DOORWARD__SECRETS__PREVIOUS_MASTER_KEY_FILE", &previous);
            binary::finish(command.args(arguments))
        };
        for (file, key) in [(&path, "secrets.master_key_file"), (&previous, "secrets.previous_master_key_file")] {
            for mode in EXPOSED {
                set_mode(file, mode);
                for arguments in [&["serve"][..], &["user", "list"], &["config", "check"]] {
                    let ran = run(arguments);
                    assert_eq!(ran.code, 6, "{mode:o} {arguments:?}: {}", ran.errors);
                    let chmod = format!("chmod 600 {}", file.display());
                    for words in [key, &chmod, &format!("{mode:04o}"), "secrets.allow_readable_files"] {
                        assert!(ran.errors.contains(words), "{words}: {}", ran.errors);
                    }
                }
            }
            for mode in [0o600, 0o400] {
                set_mode(file, mode);
                let ran = run(&["user", "list"]);
                assert_eq!(ran.code, 0, "{mode:o}: {}", ran.errors);
            }
        }
    }

    fn a_master_key_that_others_can_access_only_causes_a_warning_if_allowed(server) {
        let path = server.config.master_key_path();
        set_mode(&path, 0o644);
        let mut config = server.config.clone();
        config.server.listen.set_port(free_port());
        let printed = tempfile::NamedTempFile::new().expect("a file");
        let mut command = binary::command(&config);
        let process = binary::serve_command(command.env(ALLOW, "true"), &config, printed.path());
        let output = process.output();
        let warned = output.lines().any(|line| line.contains("WARN") && line.contains("chmod 600"));
        assert!(warned, "{output}");
        let ran = binary::finish(binary::command(&server.config).env(ALLOW, "true").args(["config", "check"]));
        assert_eq!(ran.code, 0, "{}", ran.errors);
        assert!(ran.errors.contains("chmod 600"), "{}", ran.errors);
    }
}

#[test]
fn a_url_file_with_a_password_that_others_can_read_is_refused() {
    let server = TestServer::clustered();
    let folder = tempfile::tempdir().expect("a folder");
    let database = server.config.database.url.as_ref().expect("a URL");
    let redis = server.config.redis.url.as_ref().expect("a URL");
    for (section, key, url) in [
        ("DATABASE", "database.url_file", database),
        ("REDIS", "redis.url_file", redis),
    ] {
        let file = folder.path().join(section);
        std::fs::write(&file, url.expose_secret()).expect("a URL");
        let run = |mode: u32| {
            set_mode(&file, mode);
            let mut command = binary::command(&server.config);
            command
                .env_remove(format!("DOORWARD__{section}__URL"))
                .env(format!("DOORWARD__{section}__URL_FILE"), &file);
            binary::finish(command.args(["user", "list"]))
        };
        for mode in EXPOSED {
            let ran = run(mode);
            assert_eq!(ran.code, 6, "{mode:o}: {}", ran.errors);
            assert!(ran.errors.contains(key), "{}", ran.errors);
            assert!(!ran.errors.contains(url.expose_secret()));
        }
        assert_eq!(run(0o600).code, 0);
    }
    // The configuration file itself, if it contains a secret.
    let file = folder.path().join("doorward.toml");
    let run = |text: &str, mode: u32| {
        std::fs::write(&file, text).expect("a file");
        set_mode(&file, mode);
        let mut command = binary::command(&server.config);
        command.arg("--config").arg(&file);
        binary::finish(
            command
                .env_remove("DOORWARD__DATABASE__URL")
                .args(["config", "check"]),
        )
    };
    let with_password = "[database]\nurl = \"postgres://doorward:secret@localhost/doorward\"\n";
    let without = "[database]\nurl = \"postgres://localhost/doorward\"\n";
    let refused = run(with_password, 0o644);
    assert_eq!(refused.code, 6, "{}", refused.errors);
    assert!(refused.errors.contains("--config"), "{}", refused.errors);
    assert_eq!(run(with_password, 0o600).code, 0);
    assert_eq!(run(without, 0o644).code, 0);
}
