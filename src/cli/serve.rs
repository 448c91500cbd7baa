//! `doorward serve`.

use std::io::{IsTerminal, stdout};

use clap::Args;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::Failure;
use super::output::Output;
use crate::app::{App, RpIdChange};
use crate::base::clock::Clock;
use crate::base::config::Config;
use crate::base::fault_injection::FaultInjector;
use crate::base::telemetry;
use crate::history::ChainError;
use crate::server;
use crate::users::SetUpError;

/// Starts the service.
#[derive(Debug, Default, Args)]
pub(super) struct Serve {
    /// Start although `passkeys.rp_id` differs from the one the database was created with: all existing passkeys become unusable.
    #[arg(long)]
    accept_new_rp_id: bool,
}

impl Serve {
    pub(super) async fn run(self, config: Config) -> Result<(), Failure> {
        let _guard =
            telemetry::start(&config.log).map_err(|error| Failure::Other(error.to_string()))?;
        let rp_id_change = if self.accept_new_rp_id {
            RpIdChange::Accept
        } else {
            RpIdChange::Refuse
        };
        let app = Box::pin(App::build(
            config,
            Clock::system(),
            rp_id_change,
            FaultInjector::default(),
        ))
        .await?;
        app.keyring.check_private_keys_decrypt().await?;
        check_audit_seal(&app).await?;
        // Listens for signals before the first request, so that a stop during startup also lets requests in flight finish.
        let mut stop = StopSignals::listen().map_err(|error| Failure::Other(error.to_string()))?;
        let running = server::start(app.clone())
            .map_err(|error| Failure::Configuration(format!("server.listen: {error}")))?;
        server::record_start(&app).await?;
        tracing::info!(address = %running.address, operator = %running.operator_address, "listening");
        tokio::select! {
            () = stop.wait() => {}
            greeted = greet(&app) => {
                greeted?;
                stop.wait().await;
            }
        }
        tracing::info!("stopping; waiting for requests in flight");
        running.stop().await;
        Ok(())
    }
}

/// Logs an error if the audit log can't be sealed. The service starts anyway: events are still written, and an operator who lost
/// the previous master key has no other key to configure.
async fn check_audit_seal(app: &App) -> Result<(), Failure> {
    match app.audit_chain.check().await {
        Ok(()) => Ok(()),
        Err(error @ ChainError::Database(_)) => Err(error.into()),
        Err(error @ (ChainError::Key(_) | ChainError::KeyGone)) => {
            tracing::error!(
                %error,
                "the audit log can't be sealed; configure both master keys and run `doorward keys rewrap`"
            );
            Ok(())
        }
    }
}

/// Prints the public URL and how to create the first administrator. The setup link itself is printed only by an embedded
/// installation on a terminal: any other standard output may be a log, and in a cluster every instance has one.
async fn greet(app: &App) -> Result<(), Failure> {
    let place = app.config.server.public_url.as_str();
    Output::print_startup_line(&format!("Doorward is running at {place}"));
    match app.users.find_valid_set_up_link().await {
        Err(SetUpError::Completed) => {}
        Err(error) => return Err(error.into()),
        Ok(_) if app.config.is_clustered() || !stdout().is_terminal() => {
            tracing::warn!(
                "there is no administrator yet; run `doorward setup-link` (in a container: inside it) to create the first one"
            );
        }
        Ok(Some(until)) => Output::print_startup_line(&format!(
            "There is no administrator yet. The setup link printed earlier is valid until {}; \
             `doorward setup-link` creates a new one.",
            until.to_plain_text()
        )),
        Ok(None) => {
            let link = app.users.create_set_up_link().await?;
            Output::print_startup_line(&format!(
                "Open this link to create the first administrator (works once, expires in 1 hour):\n\n  {}\n",
                link.url
            ));
        }
    }
    Ok(())
}

/// The signals that stop the service.
struct StopSignals {
    terminate: Signal,
    interrupt: Signal,
}

impl StopSignals {
    /// Replaces the default action of these signals, which ends the process immediately.
    fn listen() -> std::io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    /// Waits for the first signal since [`StopSignals::listen`].
    async fn wait(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
