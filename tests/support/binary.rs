//! Runs the real `doorward` binary as a process, for tests of `kill -9`, commands, and starts and stops.

use std::io::{Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use secrecy::ExposeSecret;
use serde_json::Value;

use doorward::base::config::Config;

use super::process::ChildProcess;

/// Returns a command of this build, configured by environment variables.
pub fn command(config: &Config) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_doorward"));
    command.env_clear();
    for name in ["PATH", "HOME", "TMPDIR"] {
        if let Ok(value) = std::env::var(name) {
            command.env(name, value);
        }
    }
    let mut set = |key: &str, value: String| {
        command.env(format!("DOORWARD__{key}"), value);
    };
    set("SERVER__LISTEN", config.server.listen.to_string());
    set(
        "SERVER__OPERATOR_LISTEN",
        config.server.operator_listen.to_string(),
    );
    set(
        "SERVER__PUBLIC_URL",
        config.server.public_url.as_str().to_owned(),
    );
    set(
        "SERVER__DATA_DIR",
        config.server.data_dir.display().to_string(),
    );
    set(
        "LIMITS__CEREMONIES_PER_MINUTE",
        config.limits.ceremonies_per_minute.to_string(),
    );
    if let Some(url) = &config.database.url {
        set("DATABASE__URL", url.expose_secret().to_owned());
    }
    if let Some(url) = &config.redis.url {
        set("REDIS__URL", url.expose_secret().to_owned());
    }
    if let Some(path) = &config.secrets.master_key_file {
        set("SECRETS__MASTER_KEY_FILE", path.display().to_string());
    }
    command
}

/// Like [`command`], with limits that a shell sets first, such as `ulimit -n 1024`.
pub fn limited(config: &Config, limits: &str) -> Command {
    let plain = command(config);
    let mut limited = Command::new("sh");
    limited.env_clear();
    for (name, value) in plain.get_envs() {
        if let Some(value) = value {
            limited.env(name, value);
        }
    }
    limited
        .arg("-c")
        .arg(format!("{limits}; exec \"$0\""))
        .arg(plain.get_program());
    limited
}

/// Result of a command.
#[derive(Debug)]
pub struct CommandOutput {
    /// Exit code.
    pub code: i32,
    /// Standard output.
    pub output: String,
    /// Standard error.
    pub errors: String,
}

impl CommandOutput {
    /// Parses standard output as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.output)
            .unwrap_or_else(|error| panic!("{error}: {} {}", self.output, self.errors))
    }
}

/// Runs `doorward ARGUMENTS` to completion.
pub fn run(config: &Config, arguments: &[&str]) -> CommandOutput {
    finish(command(config).args(arguments))
}

/// Runs a prepared command to completion.
pub fn finish(command: &mut Command) -> CommandOutput {
    finish_with(command, "")
}

/// Like [`finish`], with text on standard input.
pub fn finish_with(command: &mut Command, input: &str) -> CommandOutput {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary");
    let mut pipe = child.stdin.take().expect("standard input");
    // Fails if the command ended without reading its input.
    pipe.write_all(input.as_bytes()).ok();
    drop(pipe);
    let mut errors = child.stderr.take().expect("standard error");
    let reader = std::thread::spawn(move || {
        let mut text = String::new();
        errors.read_to_string(&mut text).expect("text");
        text
    });
    let mut output = String::new();
    let stdout = child.stdout.as_mut().expect("standard output");
    stdout.read_to_string(&mut output).expect("text");
    let status = child.wait().expect("an exit status");
    CommandOutput {
        code: status.code().unwrap_or(-1),
        output,
        errors: reader.join().expect("the reader"),
    }
}

/// Starts `doorward serve` and waits until it responds; its output goes to `log`.
pub fn serve(config: &Config, log: &Path) -> ChildProcess {
    serve_command(&mut command(config), config, log)
}

/// Like [`serve`], for a prepared command of this configuration.
pub fn serve_command(command: &mut Command, config: &Config, log: &Path) -> ChildProcess {
    wait_for(ChildProcess::spawn(command, log), config)
}

fn wait_for(mut process: ChildProcess, config: &Config) -> ChildProcess {
    let address = config.server.listen;
    process.wait_until_ready(Duration::from_secs(30), || {
        std::net::TcpStream::connect(address).is_ok()
    });
    process
}

/// Like [`serve`], with a terminal as standard output and standard error.
pub fn serve_on_a_terminal(config: &Config, log: &Path) -> ChildProcess {
    let doorward = command(config);
    let program = doorward.get_program().to_string_lossy();
    let mut script = Command::new("script");
    script
        .args(["--quiet", "--return", "--command"])
        .arg(format!("exec '{program}'"))
        .arg("/dev/null")
        .env_clear()
        .envs(
            doorward
                .get_envs()
                .filter_map(|(name, value)| Some((name, value?))),
        );
    wait_for(ChildProcess::spawn(&mut script, log), config)
}

/// Runs `doorward ARGUMENTS` with its output pipes closed for reading; returns the exit code.
pub fn run_unread(config: &Config, arguments: &[&str]) -> i32 {
    let mut child = command(config)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary");
    drop((child.stdout.take(), child.stderr.take()));
    child.wait().expect("an exit status").code().unwrap_or(-1)
}
