//! `doorward dev seed`: fills an empty installation straight through the rooms that own the tables, in batches.

use std::ops::Range;
use std::time::Duration;

use clap::Args;
use serde_json::{Value, json};

use super::population::{Batch, Population};
use crate::app::App;
use crate::base::clock::{Stopwatch, Timestamp};
use crate::cli::Failure;
use crate::cli::output::Output;
use crate::cli::progress::Progress;
use crate::db::{self, Connection};
use crate::history::{self, Author, Event};
use crate::passkeys::seed::PublicKey;
use crate::{access, passkeys, sessions, users};

/// How many rows one transaction writes, or a few more: enough to make it worth its commit, few enough for the database's timeout.
const BATCH: u64 = 28_000;
/// How long ago everything was made: nothing of it has moved lately, and no session of it is in anybody's standing.
const AGO: Duration = Duration::from_secs(90 * 86_400);
/// How long each of the sessions that are over lasted.
const SESSION: Duration = Duration::from_secs(30 * 86_400);

#[derive(Debug, Args)]
pub(in crate::cli) struct Seed {
    /// How many people.
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..=100_000_000))]
    users: u64,
    /// How many passkeys each of them has.
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u64).range(0..=20))]
    passkeys_per_user: u64,
    /// On how many things each of them holds a role.
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u64).range(0..=20))]
    grants_per_user: u64,
    /// How many sessions of each of them are over.
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u64).range(0..=20))]
    sessions_per_user: u64,
    /// The key of all passkeys: an uncompressed point on P-256 in base64url. Without one nobody can sign in with them.
    #[arg(long, value_name = "POINT")]
    public_key: Option<PublicKey>,
    /// How many people to describe in the result, evenly chosen.
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u64).range(0..=10_000))]
    sample: u64,
}

/// Why nothing, or not everything, was written.
#[derive(Debug, thiserror::Error)]
enum SeedError {
    #[error("this installation has people already: `dev seed` fills an empty one only")]
    NotEmpty,
    #[error(transparent)]
    Database(#[from] db::Error),
}

impl From<SeedError> for Failure {
    fn from(error: SeedError) -> Self {
        match error {
            SeedError::NotEmpty => Self::Refused(error.to_string()),
            SeedError::Database(db::Error::Away(_)) => Self::Unavailable(error.to_string()),
            SeedError::Database(_) => Self::Other(error.to_string()),
        }
    }
}

/// Why it ended where so many people were stored for certain. Then there is nothing to repeat: the installation is not empty.
fn broken_off(error: SeedError, stored: u64, of: u64) -> Failure {
    if stored == 0 {
        return error.into();
    }
    Failure::Other(format!(
        "{error}; the first {stored} of {of} people are stored, and perhaps some after them: this can't be repeated here, \
         begin again with an empty database"
    ))
}

impl Seed {
    pub(in crate::cli) async fn run(self, app: &App, output: &Output) -> Result<(), Failure> {
        let nobodys = || Failure::Other("the machine gives no randomness".into());
        let key = match self.public_key.clone() {
            Some(key) => key,
            None => PublicKey::nobodys().ok_or_else(nobodys)?,
        };
        let population = Population {
            users: self.users,
            passkeys: self.passkeys_per_user,
            grants: self.grants_per_user,
            sessions: self.sessions_per_user,
            key,
            at: app.clock.now().before(AGO),
        };
        let watch = Stopwatch::start();
        let sample = self.fill(app, &population).await?;
        let seconds = watch.elapsed().as_secs_f64();
        let document = json!({
            "users": self.users,
            "passkeys": self.users.saturating_mul(self.passkeys_per_user),
            "grants": self.users.saturating_mul(self.grants_per_user),
            "seconds": seconds,
            "sample": sample,
        });
        let text = format!("{} people in {seconds:.1} s", self.users);
        output.show(&document, &text);
        Ok(())
    }

    async fn fill(&self, app: &App, population: &Population) -> Result<Vec<Value>, Failure> {
        let mut progress = Progress::everywhere("people");
        let mut sample = Vec::new();
        let mut from = 0;
        let people = population.people_in(BATCH);
        while from < self.users {
            let until = from.saturating_add(people).min(self.users);
            let batch = population.batch(from..until);
            sample.extend(self.describe(from..until, &batch));
            write(app, population, batch)
                .await
                .map_err(|error| broken_off(error, from, self.users))?;
            progress.show(until, until, Some(self.users));
            from = until;
        }
        Ok(sample)
    }

    /// Those of a batch who are described: evenly chosen among all.
    fn describe(&self, numbers: Range<u64>, batch: &Batch) -> Vec<Value> {
        let chosen = |place: u64| {
            let number = u128::from(place) * u128::from(self.users) / u128::from(self.sample);
            u64::try_from(number).ok()
        };
        (0..self.sample.min(self.users))
            .filter_map(chosen)
            .filter(|number| numbers.contains(number))
            .filter_map(|number| usize::try_from(number - numbers.start).ok())
            .filter_map(|place| batch.describe(place))
            .collect()
    }
}

/// In the transaction of the first batch: makes sure that nobody is here, and writes the roles and the event.
fn begin(conn: &mut Connection, population: &Population, now: Timestamp) -> Result<(), SeedError> {
    if users::seed::has_people(conn)? {
        return Err(SeedError::NotEmpty);
    }
    let author = Author::command();
    users::seed::insert_roles(conn, &Population::roles(), population.at, &author)?;
    let event = Event::done("installation.seeded").details(json!({ "users": population.users }));
    history::record(conn, now, &author, event)?;
    Ok(())
}

async fn write(app: &App, population: &Population, batch: Batch) -> Result<(), SeedError> {
    let (database, population, at) = (app.database.clone(), population.clone(), population.at);
    let work = move |conn: &mut Connection| {
        if batch.is_first {
            let now = database.now(conn)?;
            begin(conn, &population, now)?;
        }
        let author = Author::command();
        users::seed::insert(conn, &batch.people, &author)?;
        passkeys::seed::insert(conn, &batch.passkeys, &author)?;
        sessions::insert_past(conn, &batch.sessions, (at, at.after(SESSION)))?;
        access::seed::insert_resources(conn, &batch.resources, at, &author)?;
        access::seed::insert_grants(conn, &batch.grants, at, &author)?;
        Ok(())
    };
    app.database.write(work).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_where_nothing_is_stored_it_may_be_repeated() {
        let away = || SeedError::Database(db::Error::Away("no answer".into()));
        assert!(matches!(
            broken_off(away(), 0, 9000),
            Failure::Unavailable(_)
        ));
        let Failure::Other(told) = broken_off(away(), 2000, 9000) else {
            panic!("exit code 5 says: repeat it");
        };
        assert!(told.contains("the first 2000 of 9000"), "{told}");
    }
}
