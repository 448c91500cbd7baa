//! `doorward audit …`.

use clap::{Args, Subcommand};
use serde_json::json;

use super::Failure;
use super::output::{Output, counted};
use super::progress::Progress;
use crate::app::App;
use crate::base::clock::Timestamp;
use crate::base::ids::{AuditEventId, ClientId};
use crate::clients;
use crate::history::{self, Author, EventFilter, Expected, Outcome, RecordedEvent, Report};

#[derive(Debug, Subcommand)]
pub(super) enum Audit {
    /// List the newest events.
    List {
        /// Maximum number of events.
        #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(i64).range(1..=1000))]
        limit: i64,
        #[command(flatten)]
        filter: Filter,
    },
    /// Print events with their seals, oldest first, as JSON lines.
    Export {
        #[command(flatten)]
        filter: Filter,
    },
    /// Erase IP address, user agent and details of sealed events, and record the erasure as an event.
    Erase {
        /// IDs of the events.
        #[arg(required = true, value_parser = event_id)]
        events: Vec<AuditEventId>,
        /// Reason for the audit log.
        #[arg(long)]
        reason: Option<String>,
    },
    /// Verify the whole chain and report what was altered, deleted or inserted. Exits with 4 if anything was.
    Verify {
        /// A seal kept elsewhere, as logged every minute; repeatable.
        #[arg(long, value_name = "POSITION:MAC")]
        expect: Vec<Expected>,
    },
}

#[derive(Debug, Args)]
pub(super) struct Filter {
    /// Only events from this time on (RFC 3339).
    #[arg(long, value_name = "INSTANT", value_parser = instant)]
    from: Option<Timestamp>,
    /// Only events before this time (RFC 3339).
    #[arg(long, value_name = "INSTANT", value_parser = instant)]
    until: Option<Timestamp>,
    /// Only actions that start with this text, for example `passkey.`
    #[arg(long)]
    action: Option<String>,
    /// Only events by, through or about this client.
    #[arg(long, value_name = "CLIENT_ID")]
    #[arg(value_parser = ClientId::from_argument)]
    client: Option<ClientId>,
    /// Only events by or about this user (ID or username).
    #[arg(long, value_name = "NAME")]
    user: Option<String>,
    /// Only events with this outcome: success or refused.
    #[arg(long, value_parser = outcome)]
    outcome: Option<Outcome>,
}

impl Filter {
    async fn resolve(self, app: &App) -> Result<EventFilter, Failure> {
        let user = match &self.user {
            Some(name) => Some(app.users.resolve(name).await?),
            None => None,
        };
        Ok(EventFilter {
            user,
            action: self.action,
            client: self.client,
            outcome: self.outcome,
            from: self.from,
            until: self.until,
            ..EventFilter::default()
        })
    }
}

fn outcome(text: &str) -> Result<Outcome, &'static str> {
    Outcome::parse(text).ok_or("must be success or refused")
}

fn event_id(text: &str) -> Result<AuditEventId, &'static str> {
    AuditEventId::parse(text).ok_or("must be the ID of an event")
}

fn instant(text: &str) -> Result<Timestamp, &'static str> {
    Timestamp::parse(text).ok_or("must be an RFC 3339 time, for example 2026-11-23T08:00:00Z")
}

impl Audit {
    pub(super) async fn run(self, app: &App, output: &Output) -> Result<(), Failure> {
        match self {
            Self::List { limit, filter } => {
                list(app, output, filter.resolve(app).await?, limit).await
            }
            Self::Export { filter } => export(app, &filter.resolve(app).await?).await,
            Self::Erase { events, reason } => erase(app, output, events, reason).await,
            Self::Verify { expect } => verify(app, output, &expect).await,
        }
    }
}

async fn list(app: &App, output: &Output, filter: EventFilter, limit: i64) -> Result<(), Failure> {
    let events = app
        .database
        .read(move |conn| history::list(conn, &filter, limit))
        .await?;
    let ids = events.iter().flat_map(clients_in).collect();
    let labels = clients::labels(&app.database, ids).await?;
    let label = |id: ClientId| labels.get(&id).cloned().unwrap_or_else(|| id.to_string());
    let heading = ["AT", "ACTION", "OUTCOME", "BY", "TO", "CLIENT", "REASON"];
    output.list(&events, heading, |event| {
        [
            event.at.to_rfc3339(),
            event.action.clone(),
            event.outcome.clone(),
            by(event, label),
            event.subject.map(|id| id.to_string()).unwrap_or_default(),
            event.client.map(label).unwrap_or_default(),
            event.reason.clone().unwrap_or_default(),
        ]
    });
    Ok(())
}

fn clients_in(event: &RecordedEvent) -> impl Iterator<Item = ClientId> {
    event.client.into_iter().chain(event.by_client)
}

/// Describes the actor: a user and the client they used, a client, or the command line and its operating-system account.
fn by(event: &RecordedEvent, label: impl Fn(ClientId) -> String) -> String {
    let by = &event.actor;
    match (event.by_user, event.by_client, &event.operator) {
        (Some(_), Some(client), _) => format!("{by} through {}", label(client)),
        (None, Some(client), _) => label(client),
        (_, None, Some(operator)) => format!("{by} ({operator})"),
        (_, None, None) => by.clone(),
    }
}

async fn export(app: &App, filter: &EventFilter) -> Result<(), Failure> {
    let mut after = None;
    loop {
        let page = app.audit_chain.list(filter, after).await?;
        for event in &page.events {
            let line =
                serde_json::to_string(event).map_err(|error| Failure::Other(error.to_string()))?;
            Output::line(&line);
        }
        if page.next.is_none() {
            return Ok(());
        }
        after = page.next;
    }
}

async fn erase(
    app: &App,
    output: &Output,
    events: Vec<AuditEventId>,
    reason: Option<String>,
) -> Result<(), Failure> {
    let erased = app
        .audit_chain
        .erase(events, reason, Author::command())
        .await?;
    let text = format!("{} erased in part", counted(erased, "event"));
    output.show(&json!({ "erased": erased }), &text);
    Ok(())
}

async fn verify(app: &App, output: &Output, expect: &[Expected]) -> Result<(), Failure> {
    let mut progress = Progress::on_terminal("seals verified");
    let tell = |done: i64, of: i64| {
        let done = u64::try_from(done).unwrap_or_default();
        progress.show(done, done, u64::try_from(of).ok());
    };
    let report = app.audit_chain.verify(expect, tell).await;
    drop(progress);
    let report = report?;
    if report.is_whole() {
        output.show(&report, &text(&report));
        Ok(())
    } else {
        output.show_failure(&report, &text(&report));
        Err(Failure::CheckFailed(format!(
            "the audit log is not intact: {} faults",
            report.faults
        )))
    }
}

fn text(report: &Report) -> String {
    let mut lines: Vec<String> = report.findings.iter().map(ToString::to_string).collect();
    let sealed_at = report.sealed_at.map(|at| format!(", created at {at}"));
    lines.push(format!("sealed events: {}", report.sealed));
    if report.erased > 0 {
        lines.push(format!("of which erased in part: {}", report.erased));
        let erasures = report.erasures.iter();
        lines.extend(erasures.map(|erasure| format!("  {erasure}")));
    }
    lines.push(format!("sealed record versions: {}", report.revisions));
    if report.unsealed_revisions > 0 {
        let waiting = report.unsealed_revisions;
        lines.push(format!("record versions not sealed yet: {waiting}"));
    }
    if report.position > 0 {
        let made = sealed_at.unwrap_or_default();
        lines.push(format!(
            "newest seal: {}:{}{made}",
            report.position, report.mac
        ));
    }
    if report.longest_wait_seconds > 0 {
        lines.push(format!(
            "longest wait for a seal: {} seconds, at position {}",
            report.longest_wait_seconds, report.longest_wait_position
        ));
    }
    if report.sealed_late > 0 {
        lines.push(format!(
            "sealed more than a minute late: {} (sealing was stopped, or events were inserted with an old date)",
            report.sealed_late
        ));
        lines.extend(report.late_seals.iter().map(|late| format!("  {late}")));
        let listed = u64::try_from(report.late_seals.len()).unwrap_or(u64::MAX);
        let others = report.sealed_late.saturating_sub(listed);
        if others > 0 {
            lines.push(format!("  and {others} more"));
        }
    }
    lines.push(match report.unsealed_since {
        Some(_) => format!(
            "oldest unsealed event: {} seconds old",
            report.unsealed_seconds
        ),
        None => "unsealed events: none".to_owned(),
    });
    lines.join("\n")
}
