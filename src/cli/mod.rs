//! The command line: starts the service, and offers what administrators do on the admin pages.
//!
//! It returns exit codes for scripts (see [`Failure`]), prints one JSON document on standard output with `--json`, and a change is
//! in force in every instance when its command ends. Each command is a separate process on the same stores as the service.

mod audit;
mod client;
mod config;
mod failure;
mod healthcheck;
mod installation;
mod invitation;
mod keys;
mod output;
mod passkey;
mod policy;
mod progress;
mod resource;
mod role;
mod role_assignment;
mod serve;
mod session;
mod setup_link;
mod user;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};
use serde_json::json;

use crate::app::{App, RpIdChange};
use crate::base::clock::Clock;
use crate::base::config::{Config, Log};
use crate::base::fault_injection::FaultInjector;
use crate::base::telemetry;
pub use failure::Failure;
use output::Output;

/// Passkey identity provider. Without a command, starts the service (`doorward serve`).
#[derive(Debug, Parser)]
#[command(name = "doorward", version, about, disable_help_subcommand = true)]
struct Arguments {
    /// Configuration file (TOML).
    #[arg(long, global = true, env = "DOORWARD_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// Print JSON instead of text.
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Start the service.
    Serve(serve::Serve),
    /// Migrate the database schema to this version.
    Migrate,
    /// Print the setup link for the first administrator, or with --user a recovery link for an administrator.
    SetupLink(setup_link::SetupLink),
    /// Invite, list, show, update, suspend and reactivate users.
    #[command(subcommand)]
    User(user::User),
    /// List and revoke invitations and recovery links.
    #[command(subcommand)]
    Invitation(invitation::Invitation),
    /// List, show, create, update and delete roles.
    #[command(subcommand)]
    Role(role::Role),
    /// List and revoke passkeys.
    #[command(subcommand)]
    Passkey(passkey::Passkey),
    /// List and end sessions.
    #[command(subcommand)]
    Session(session::Session),
    /// Create, show, update, list, disable and delete clients; rotate their secrets.
    #[command(subcommand)]
    Client(client::Client),
    /// Create, show, update, delete, list and import role assignments: roles of users on resources.
    #[command(subcommand)]
    RoleAssignment(role_assignment::RoleAssignment),
    /// Register, show, list and delete resources.
    #[command(subcommand)]
    Resource(resource::Resource),
    /// Create a master key; list, rotate and re-encrypt signing keys.
    #[command(subcommand)]
    Keys(keys::Keys),
    /// List, export and verify the audit log.
    #[command(subcommand)]
    Audit(audit::Audit),
    /// Check and test policies; explain a decision.
    #[command(subcommand)]
    Policy(policy::Policy),
    /// Check the configuration, or print its defaults.
    #[command(subcommand)]
    Config(config::ConfigCommand),
    /// Check whether the running service is ready, for container engines.
    Healthcheck,
}

impl Command {
    /// Whether the command may create a database and a master key. All other commands need an existing installation: in the wrong
    /// folder they would otherwise create an empty installation and change that.
    fn may_create(&self) -> bool {
        match self {
            Self::Serve(_) | Self::Migrate => true,
            Self::SetupLink(command) => command.is_for_first_administrator(),
            _ => false,
        }
    }
}

/// Returns the definition of the command line, from which its reference page is generated.
#[cfg_attr(feature = "dead-code", allow(dead_code, reason = "for tests"))]
pub fn definition() -> clap::Command {
    Arguments::command()
}

/// Runs the command line.
pub fn run() -> ExitCode {
    let arguments = Arguments::parse();
    let output = Output::new(arguments.json);
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => return Failure::Other(error.to_string()).report(&output),
    };
    match runtime.block_on(dispatch(arguments, &output)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(&output),
    }
}

async fn dispatch(arguments: Arguments, output: &Output) -> Result<(), Failure> {
    let file = arguments.config.as_deref();
    let command = arguments
        .command
        .unwrap_or(Command::Serve(serve::Serve::default()));
    // These commands work without a valid configuration.
    match command {
        Command::Keys(keys::Keys::GenerateMaster { file }) => {
            return keys::generate_master(file.as_deref(), output);
        }
        Command::Config(command) => return command.run(file, output),
        _ => {}
    }
    let config = Config::load(file).map_err(|error| Failure::Configuration(error.to_string()))?;
    match command {
        Command::Serve(command) => return Box::pin(command.run(config)).await,
        Command::Healthcheck => return healthcheck::run(&config, output),
        // These commands need no database.
        Command::Policy(policy::Policy::Check(check)) => return check.run(&config, output),
        Command::Policy(policy::Policy::Test(test)) => return test.run(&config, output),
        _ => {}
    }
    let log = quiet(&config.log);
    telemetry::start_command(&log).map_err(|error| Failure::Other(error.to_string()))?;
    if !command.may_create() {
        installation::require(&config, file).await?;
    }
    let app = Box::pin(App::build(
        config,
        Clock::system(),
        RpIdChange::Refuse,
        FaultInjector::default(),
    ))
    .await?;
    match command {
        Command::Migrate => {
            // The schema was migrated when the stores were opened.
            output.show(
                &json!({ "schema": "up to date" }),
                "the schema is up to date",
            );
            Ok(())
        }
        Command::SetupLink(command) => command.run(&app, output).await,
        Command::User(command) => command.run(&app, output).await,
        Command::Invitation(command) => command.run(&app, output).await,
        Command::Role(command) => command.run(&app, output).await,
        Command::Passkey(command) => command.run(&app, output).await,
        Command::Session(command) => command.run(&app, output).await,
        Command::Client(command) => command.run(&app, output).await,
        Command::RoleAssignment(command) => command.run(&app, output).await,
        Command::Resource(command) => command.run(&app, output).await,
        Command::Keys(command) => command.run(&app, output).await,
        Command::Audit(command) => command.run(&app, output).await,
        Command::Policy(policy::Policy::Explain(explain)) => explain.run(&app, output).await,
        Command::Policy(_) | Command::Serve(_) | Command::Healthcheck | Command::Config(_) => {
            Ok(())
        }
    }
}

/// Logging for commands: errors only, because results go to standard output.
fn quiet(log: &Log) -> Log {
    Log {
        level: "error".into(),
        console: true,
        file: None,
        ..log.clone()
    }
}
