//! `doorward policy …`.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde_json::{Map, json};

use super::Failure;
use super::output::Output;
use crate::app::App;
use crate::authzen::{
    AssumedSignIn, Cases, EvaluationRequest, Explanation, NamedAction, NamedEntity, Outcome,
};
use crate::base::clock::Clock;
use crate::base::config::Config;
use crate::policies::{Policies, check as check_policies};
use crate::web::parse_object;

#[derive(Debug, Subcommand)]
pub(super) enum Policy {
    /// Check policies as the service does when it loads them. Exits with 4 and prints file, line and reason if they are invalid.
    Check(Check),
    /// Run the test cases of a file against policies. Exits with 1 if a case fails.
    Test(Test),
    /// Evaluate a request with the current data, and print which policies decided.
    Explain(Explain),
}

/// Which policies to use. Default: the configured ones.
#[derive(Debug, Args)]
pub(super) struct Source {
    /// Schema file (.cedarschema).
    #[arg(long, value_name = "FILE")]
    schema: Option<PathBuf>,
}

impl Source {
    /// Returns the policy folder and the schema. The configured schema applies only to the configured folder.
    fn find(
        self,
        folder: Option<PathBuf>,
        config: &Config,
    ) -> Result<(PathBuf, Option<PathBuf>), Failure> {
        match (folder, config.access.policies.clone()) {
            (Some(folder), _) => Ok((folder, self.schema)),
            (None, Some(folder)) => {
                Ok((folder, self.schema.or_else(|| config.access.schema.clone())))
            }
            (None, None) => Err(Failure::Other(
                "no policies: pass a folder, or set access.policies in the configuration"
                    .to_owned(),
            )),
        }
    }
}

#[derive(Debug, Args)]
pub(super) struct Check {
    /// Folder with the policies.
    folder: Option<PathBuf>,
    #[command(flatten)]
    source: Source,
}

impl Check {
    pub(super) fn run(self, config: &Config, output: &Output) -> Result<(), Failure> {
        let (folder, schema) = self.source.find(self.folder, config)?;
        let (count, warnings) = check_policies(&folder, schema.as_deref())
            .map_err(|fault| Failure::Refused(fault.to_string()))?;
        let mut text = format!("{count} policies are valid");
        for warning in &warnings {
            text = format!("{text}\nwarning: {warning}");
        }
        output.show(&json!({ "policies": count, "warnings": warnings }), &text);
        Ok(())
    }
}

#[derive(Debug, Args)]
pub(super) struct Test {
    /// File with test cases (TOML, or JSON if its name ends in .json).
    file: PathBuf,
    /// Folder with the policies.
    #[arg(long, value_name = "FOLDER")]
    policies: Option<PathBuf>,
    #[command(flatten)]
    source: Source,
}

impl Test {
    pub(super) fn run(self, config: &Config, output: &Output) -> Result<(), Failure> {
        let (folder, schema) = self.source.find(self.policies, config)?;
        let mut access = config.access.clone();
        access.policies = Some(folder);
        access.schema = schema;
        let policies = Policies::new(&access);
        policies.load();
        if let Some(fault) = policies.fault() {
            return Err(Failure::Refused(fault.to_string()));
        }
        let cases = Cases::read(&self.file).map_err(|error| Failure::Other(error.to_string()))?;
        let outcomes = cases
            .run(&policies, Clock::system().now())
            .map_err(|error| Failure::Other(error.to_string()))?;
        let failed = outcomes.iter().filter(|outcome| !outcome.passed).count();
        let rows: Vec<[String; 5]> = outcomes.iter().map(row).collect();
        let heading = ["CASE", "EXPECTED", "DECISION", "RESULT", "BY"];
        if failed == 0 {
            output.table(&json!({ "cases": outcomes }), heading, &rows);
            return Ok(());
        }
        // With --json, only the error document is printed, so that the output is one document.
        output.table_of_failures(heading, &rows);
        Err(Failure::Other(format!(
            "{failed} of {} cases failed",
            outcomes.len()
        )))
    }
}

fn row(outcome: &Outcome) -> [String; 5] {
    let word = |permits: bool| if permits { "permit" } else { "deny" }.to_owned();
    let by = if outcome.errors.is_empty() {
        outcome.policies.join(" ")
    } else {
        outcome.errors.join("; ")
    };
    [
        outcome.name.clone(),
        word(outcome.expected),
        word(outcome.decision),
        if outcome.passed { "ok" } else { "FAILED" }.to_owned(),
        by,
    ]
}

#[derive(Debug, Args)]
pub(super) struct Explain {
    /// ID or username of a user, or TYPE:ID of another subject.
    #[arg(long, required_unless_present = "request")]
    subject: Option<String>,
    /// Action to check.
    #[arg(long, required_unless_present = "request")]
    action: Option<String>,
    /// TYPE:ID of the resource.
    #[arg(long, required_unless_present = "request")]
    resource: Option<String>,
    /// Session of the user to use.
    #[arg(long)]
    session: Option<String>,
    /// Assume a sign-in of this strength (ACR value).
    #[arg(long, conflicts_with = "session")]
    acr: Option<String>,
    /// Assume a sign-in this many seconds ago.
    #[arg(long, requires = "acr")]
    age: Option<u64>,
    /// File with a request as services send it to /access/v1/evaluation (JSON), including context; `-` for standard input.
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with_all = ["subject", "action", "resource", "session", "acr", "age"]
    )]
    request: Option<PathBuf>,
}

impl Explain {
    pub(super) async fn run(self, app: &App, output: &Output) -> Result<(), Failure> {
        let policies = &app.policies;
        policies.load();
        if let Some(fault) = policies.fault() {
            return Err(Failure::Refused(fault.to_string()));
        }
        let (evaluation, assumed) = self.read()?;
        let explained = app.authzen.explain(evaluation, assumed).await?;
        output.show(&explained, &words(&explained));
        Ok(())
    }

    fn read(self) -> Result<(EvaluationRequest, Option<AssumedSignIn>), Failure> {
        if let Some(file) = &self.request {
            return Ok((read_request(file)?, None));
        }
        let (Some(subject), Some(action), Some(resource)) =
            (self.subject, self.action, self.resource)
        else {
            let needed = "pass --subject, --action and --resource, or a file with --request";
            return Err(Failure::Other(needed.to_owned()));
        };
        let resource = split(&resource)
            .ok_or_else(|| Failure::Other("--resource is written TYPE:ID".to_owned()))?;
        let subject = split(&subject).unwrap_or_else(|| ("user".to_owned(), subject.clone()));
        let context = self
            .session
            .map(|session| ("session".to_owned(), json!(session)));
        let named = |(kind, id)| NamedEntity {
            kind,
            id,
            properties: Map::new(),
        };
        let evaluation = EvaluationRequest {
            subject: named(subject),
            action: NamedAction {
                name: action,
                properties: Map::new(),
            },
            resource: named(resource),
            context: context.into_iter().collect(),
        };
        let age = self.age.unwrap_or_default();
        Ok((evaluation, self.acr.map(|acr| AssumedSignIn { acr, age })))
    }
}

/// Reads a request from a file, with the same strict parsing as for requests to the API.
fn read_request(file: &Path) -> Result<EvaluationRequest, Failure> {
    let refused =
        |fault: &dyn std::fmt::Display| Failure::Other(format!("{}: {fault}", file.display()));
    let text = if file.as_os_str() == "-" {
        std::io::read_to_string(std::io::stdin())
    } else {
        std::fs::read_to_string(file)
    };
    let text = text.map_err(|fault| refused(&fault))?;
    let request = parse_object(&text)
        .ok_or_else(|| refused(&"must be one JSON object without duplicate members"))?;
    EvaluationRequest::read(&request).map_err(|fault| refused(&fault))
}

/// Splits `TYPE:ID` at the first single colon; the type may contain `::`.
fn split(text: &str) -> Option<(String, String)> {
    let mut from = 0;
    loop {
        let at = text.get(from..)?.find(':')?.checked_add(from)?;
        let (kind, rest) = text.split_at_checked(at)?;
        match rest.strip_prefix("::") {
            Some(_) => from = at.checked_add(2)?,
            None => return Some((kind.to_owned(), rest.get(1..)?.to_owned())),
        }
    }
}

fn words(explained: &Explanation) -> String {
    let list = |items: &[String]| match items {
        [] => "–".to_owned(),
        items => items.join(" "),
    };
    let mut lines = vec![
        format!(
            "decision    {}",
            if explained.decision { "permit" } else { "deny" }
        ),
        format!("policies    {}", list(&explained.policies)),
        format!("principal   {}", explained.principal),
        format!("roles       {}", list(&explained.roles)),
        format!("on resource {}", list(&explained.resource_roles)),
        format!("attributes  {}", json!(explained.attributes)),
    ];
    for error in &explained.errors {
        lines.push(format!("error       {error}"));
    }
    if !explained.acr_values.is_empty() || explained.max_age.is_some() {
        let age = explained.max_age.map(|age| format!("at most {age} s old"));
        lines.push(format!(
            "sufficient  a sign-in {} {}",
            explained.acr_values.join(" or "),
            age.unwrap_or_default()
        ));
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_ends_at_its_first_single_colon() {
        let pair = |kind: &str, id: &str| Some((kind.to_owned(), id.to_owned()));
        assert_eq!(split("order:7"), pair("order", "7"));
        assert_eq!(split("Shop::order:a:b"), pair("Shop::order", "a:b"));
        assert_eq!(split("order:"), pair("order", ""));
        assert_eq!(split("order"), None);
        assert_eq!(split("Shop::order"), None);
    }
}
