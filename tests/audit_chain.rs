//! The seal of the audit log: manual changes are detected, and concurrent sealers never fork the chain.

use std::time::Duration;

use diesel::connection::SimpleConnection;
use doorward::base::ids::{AuditEventId, UserId};
use doorward::base::seal::Sealer;
use doorward::base::secrets::MasterKey;
use doorward::db;
use doorward::history::{
    self, AuditChain, Author, ChainStatus, EraseError, Event, EventFilter, Expected, FindingKind,
    Report,
};
use serde_json::{Value, json};

use crate::on_both;
use crate::support::binary;
use crate::support::http::TestBrowser;
use crate::support::process::wait_until;
use crate::support::race::{RUNNERS, race};
use crate::support::test_server::{TestServer, runtime};

/// Writes events as an operation would, with a timestamp `back` before now.
fn write_events(server: &TestServer, count: usize, back: Duration) {
    let database = server.app.database.clone();
    let author = Author {
        address: Some("192.0.2.7".into()),
        user_agent: Some("a browser".into()),
        ..Author::command()
    };
    let work = server.app.database.write(move |conn| {
        let now = database.now(conn)?.before(back);
        for number in 0..count {
            let event = Event::done("user.updated")
                .subject(UserId::random())
                .with_reason(Some("told to"))
                .details(json!({ "number": number, "b": { "z": 1.5, "a": [null, "é"] } }));
            history::record(conn, now, &author, event)?;
        }
        Ok::<_, db::Error>(())
    });
    server.run(work).expect("written");
}

/// Empties the log, as before the first event.
fn blank(server: &TestServer) {
    let nothing = for_database(server, "x''", "''");
    // Resets the sealer's row first: this waits for a sealing transaction that is in progress.
    execute_sql(
        server,
        &format!(
            "update audit_chain_state set position = 0, mac = {nothing}, newest_at = null, holder = null, leased_until = null; \
        delete from audit_chain_entries; delete from audit_events; update revisions set chain_position = null"
        ),
    );
}

/// Writes five events, a second apart, and seals them a second later.
fn sealed_server(server: &TestServer) {
    blank(server);
    for _ in 0..5 {
        write_events(server, 1, Duration::ZERO);
        server.advance_clock(1);
    }
    seal(server);
}

fn seal(server: &TestServer) {
    server.run(server.app.audit_chain.run()).expect("sealed");
}

/// Executes SQL, as an owner of the database could.
fn execute_sql(server: &TestServer, sql: &str) {
    let sql = sql.to_owned();
    let work = server
        .app
        .database
        .write(move |conn| conn.batch_execute(&sql).map_err(db::Error::from));
    server.run(work).unwrap_or_else(|error| panic!("{error}"));
}

fn verify(server: &TestServer) -> Report {
    verify_expecting(server, &[])
}

fn verify_expecting(server: &TestServer, expected: &[Expected]) -> Report {
    server
        .run(server.app.audit_chain.verify(expected, |_, _| {}))
        .expect("a report")
}

fn findings_of(report: &Report) -> Vec<(FindingKind, Option<i64>)> {
    report
        .findings
        .iter()
        .map(|finding| (finding.kind, finding.position))
        .collect()
}

/// Selects the statement for the database in use: IDs and earlier timestamps have a different syntax in each.
fn for_database<'a>(server: &TestServer, sqlite: &'a str, postgres: &'a str) -> &'a str {
    if server.config.is_clustered() {
        postgres
    } else {
        sqlite
    }
}

const SECOND: &str = "(select event_id from audit_chain_entries where position = 2)";

/// Returns a sealer like that of another process on the same stores.
fn another_sealer(server: &TestServer) -> AuditChain {
    let master = MasterKey::read(&server.config.master_key_path()).expect("the key");
    AuditChain::new(
        server.app.database.clone(),
        Sealer::new(&master, None, "audit-seal"),
    )
}

/// Gives the lease to another process that does nothing, so that no sealing happens until the lease expires.
fn give_lease_to_another_process(server: &TestServer) {
    let other_holder = for_database(server, "randomblob(16)", "gen_random_uuid()");
    let until = server.clock.now().after(Duration::from_secs(9)).as_micros();
    let until = until.to_string();
    let until = for_database(server, &until, "now() + interval '9 seconds'");
    execute_sql(
        server,
        &format!("update audit_chain_state set holder = {other_holder}, leased_until = {until}"),
    );
}

/// Returns the age of the oldest unsealed event in seconds, from the metric on the operator's port.
fn unsealed_seconds(server: &TestServer) -> f64 {
    let operator = TestBrowser::new(server.operator_port(), server.origin());
    let metrics = operator.get("/metrics").text();
    let mut lines = metrics.lines();
    let age = lines.find_map(|line| line.strip_prefix("doorward_audit_unsealed_seconds "));
    age.and_then(|age| age.parse().ok()).expect("the metric")
}

on_both! {
    fn an_unmodified_log_verifies(server) {
        sealed_server(server);
        let root = server.administrator();
        server.create_user(&root, "ada");
        seal(server);
        let report = verify(server);
        assert!(report.is_whole(), "{:?}", report.findings);
        assert_eq!((report.sealed, report.erased, report.unsealed_since), (report.position, 0, None));
        assert!(report.sealed >= 9, "set-up, invitation, join and more: {}", report.sealed);
        write_events(server, 1, Duration::ZERO);
        let mac = report.mac;
        let kept = Expected { position: report.position, mac };
        seal(server);
        let later = verify_expecting(server, std::slice::from_ref(&kept));
        assert!(later.is_whole() && later.position == kept.position + 1, "{later:?}");
    }

    fn a_modified_row_is_detected_whatever_column_was_changed(server) {
        sealed_server(server);
        execute_sql(server, "create table kept_events as select * from audit_events; create table kept_seals as select * from audit_chain_entries");
        let other_at = "(select at from audit_events where id = (select event_id from audit_chain_entries where position = 4))";
        for (column, value) in [
            ("at", other_at), ("actor", "'doorward'"), ("action", "'user.suspended'"), ("subject", "id"), ("subject", "null"),
            ("client", "id"), ("passkey", "id"), ("address", "'192.0.2.8'"), ("address", "null"), ("user_agent", "''"),
            ("by_user", "id"), ("by_client", "id"), ("operator", "'root@elsewhere'"),
            ("outcome", "'refused'"), ("reason", "null"), ("reason", "'told to '"), ("details", "'{\"number\":2}'"), ("details", "'{}'"),
        ] {
            execute_sql(server, &format!("update audit_events set {column} = {value} where id = {SECOND}"));
            assert_eq!(findings_of(&verify(server)), [(FindingKind::Altered, Some(2))], "{column} = {value}");
            execute_sql(server, &format!("update audit_events set {column} = (select k.{column} from kept_events k where k.id = audit_events.id)"));
        }
        for (column, value) in [
            ("salt", "mac"), ("salt", "null"), ("address_hash", "mac"), ("user_agent_hash", "mac"), ("details_hash", "mac"),
            ("layout", "1"), ("layout", "3"),
            ("mac", "address_hash"), ("sealed_at", "(select as_of from revisions where entity = 'role')"),
        ] {
            execute_sql(server, &format!("update audit_chain_entries set {column} = {value} where position = 2"));
            assert_eq!(findings_of(&verify(server)), [(FindingKind::Altered, Some(2))], "{column} = {value}");
            execute_sql(server, &format!("update audit_chain_entries set {column} = (select k.{column} from kept_seals k where k.position = audit_chain_entries.position)"));
        }
        assert!(verify(server).is_whole(), "unchanged");
    }

    fn erasing_details_with_their_salt_keeps_the_chain_valid(server) {
        sealed_server(server);
        let erased = format!("update audit_events set address = null, user_agent = null, details = '{{}}' where id = {SECOND}");
        execute_sql(server, &erased);
        assert_eq!(findings_of(&verify(server)), [(FindingKind::Altered, Some(2))], "an erasure that leaves its salt is an alteration");
        execute_sql(server, "update audit_chain_entries set salt = null where position = 2");
        let report = verify(server);
        assert_eq!(findings_of(&report), [(FindingKind::ErasedWithoutRecord, Some(2))], "a manual change is not recorded");
        assert_eq!(report.erased, 1);
    }

    fn an_erasure_is_recorded_and_the_chain_stays_valid(server) {
        sealed_server(server);
        let events = server.run(server.app.audit_chain.list(&EventFilter::default(), None)).expect("events").events;
        let (second, third) = (events[1].event.id, events[2].event.id);
        let erase = |ids: &[AuditEventId]| {
            server.run(server.app.audit_chain.erase(ids.to_vec(), Some("a request".into()), Author::command()))
        };
        assert!(matches!(erase(&[AuditEventId::sortable()]), Err(EraseError::Unknown(_))));
        assert_eq!(erase(&[second, third, second]).expect("erased"), 2);
        assert_eq!(erase(&[third]).expect("nothing to do"), 0);
        seal(server);
        let report = verify(server);
        assert!(report.is_whole(), "{:?}", report.findings);
        let told: Vec<(i64, AuditEventId)> = report.erasures.iter().map(|erasure| (erasure.position, erasure.event)).collect();
        assert_eq!((report.erased, told), (2, vec![(2, second), (3, third)]));
        assert_eq!((report.erasures[0].actor.as_str(), report.erasures[0].reason.as_deref()), ("command", Some("a request")));
        let list = server.run(server.app.audit_chain.list(&EventFilter::default(), None)).expect("events").events;
        assert_eq!((&list[1].event.address, &list[1].event.details.value), (&None, &json!({})));
        // The event that records the erasure can't be erased, and removing it by hand is detected.
        let record = list.iter().find(|event| event.event.action == "audit.erased").expect("a record").event.id;
        assert!(matches!(erase(&[record]), Err(EraseError::Kept(_))));
        execute_sql(server, "update audit_events set details = '{}' where action = 'audit.erased'");
        assert!(findings_of(&verify(server)).contains(&(FindingKind::ErasedWithoutRecord, Some(2))));
        write_events(server, 1, Duration::ZERO);
        let newest = server.run(server.app.database.read(|conn| history::list(conn, &EventFilter::default(), 1))).expect("events");
        let unsealed = erase(&[newest[0].id]);
        assert!(matches!(unsealed, Err(EraseError::Unsealed(_)) | Ok(1)), "{unsealed:?}");
    }

    fn versions_are_sealed_with_the_events_of_the_same_transaction(server) {
        let root = server.administrator();
        let ada = server.create_user(&root, "ada");
        seal(server);
        let report = verify(server);
        assert!(report.is_whole(), "{:?}", report.findings);
        assert!(report.revisions >= 5 && report.unsealed_revisions == 0, "{report:?}");
        execute_sql(server, "create table kept_revisions as select * from revisions");
        let of_ada = for_database(server, "entity = 'user' and entity_id = unhex(replace('ID', '-', ''))", "entity = 'user' and entity_id = 'ID'").replace("ID", &ada.id);
        let later = for_database(server, "as_of + 1", "as_of + interval '1 microsecond'");
        for change in [
            format!("update revisions set data = '{{}}' where {of_ada}"),
            format!("update revisions set by_user = entity_id where {of_ada}"),
            format!("update revisions set by_client = entity_id where {of_ada}"),
            format!("update revisions set as_of = {later} where {of_ada}"),
            format!("update revisions set version = version + 100 where {of_ada}"),
            format!("update revisions set entity = 'role' where {of_ada}"),
            format!("update revisions set chain_position = null where {of_ada}"),
            format!("delete from revisions where {of_ada}"),
            format!("insert into revisions (entity, entity_id, version, as_of, data, chain_position) select entity, entity_id, version + 77, as_of, data, chain_position from revisions where {of_ada}"),
        ] {
            // In one transaction, so that a concurrent sealer sees the versions before the change or after it.
            execute_sql(server, &change);
            let report = verify(server);
            let kinds: Vec<FindingKind> = report.findings.iter().map(|finding| finding.kind).collect();
            assert!(!kinds.is_empty() && kinds.iter().all(|kind| *kind == FindingKind::RevisionsAltered), "{change}: {kinds:?}");
            execute_sql(server, "delete from revisions; insert into revisions select * from kept_revisions");
            assert!(verify(server).is_whole(), "{change}");
        }
        execute_sql(server, &format!("insert into revisions (entity, entity_id, version, as_of, data, chain_position) select entity, entity_id, version + 77, as_of, data, 100000 from revisions where {of_ada}"));
        assert_eq!(findings_of(&verify(server)), [(FindingKind::RevisionsOutside, Some(100_000))]);
        execute_sql(server, "delete from revisions where version > 77");
        execute_sql(server, "update audit_chain_entries set revisions = revisions + 1 where position = (select max(chain_position) from revisions)");
        let report = verify(server);
        assert!(findings_of(&report).iter().any(|(kind, _)| *kind == FindingKind::RevisionsAltered), "{:?}", report.findings);
    }

    fn a_deleted_row_is_detected_with_or_without_its_seal(server) {
        sealed_server(server);
        execute_sql(server, &format!("delete from audit_events where id = {SECOND}"));
        assert_eq!(findings_of(&verify(server)), [(FindingKind::MissingEvent, Some(2))]);
        execute_sql(server, "delete from audit_chain_entries where position = 2");
        assert_eq!(findings_of(&verify(server)), [(FindingKind::MissingSeals, Some(2))]);
        execute_sql(server, "update audit_chain_entries set position = position - 1 where position = 3");
        assert_eq!(findings_of(&verify(server)), [(FindingKind::Altered, Some(2)), (FindingKind::MissingSeals, Some(3))], "closing the gap shows too");
    }

    fn a_truncated_chain_is_detected(server) {
        sealed_server(server);
        let kept = verify(server);
        let kept = Expected { position: kept.position, mac: kept.mac };
        execute_sql(server, "delete from audit_events where id in (select event_id from audit_chain_entries where position > 3); delete from audit_chain_entries where position > 3");
        let report = verify(server);
        assert_eq!((findings_of(&report), report.findings[0].until), (vec![(FindingKind::CutTail, Some(4))], Some(5)));
        // A consistent truncation is detected only with a seal that was stored elsewhere.
        execute_sql(server, "update audit_chain_state set position = 3, mac = (select mac from audit_chain_entries where position = 3)");
        assert_eq!(findings_of(&verify(server)), [(FindingKind::HeadAltered, Some(3))], "an incomplete forgery is detected");
        execute_sql(server, "update audit_chain_state set newest_at = (select max(e.at) from audit_events e, audit_chain_entries s where s.event_id = e.id)");
        assert!(verify(server).is_whole(), "the chain alone does not show it");
        assert_eq!(findings_of(&verify_expecting(server, std::slice::from_ref(&kept))), [(FindingKind::CutTail, Some(4))]);
        write_events(server, 2, Duration::ZERO);
        seal(server);
        assert_eq!(findings_of(&verify_expecting(server, &[kept])), [(FindingKind::Fork, Some(5))], "another chain replaced it");
        execute_sql(server, "update audit_chain_state set position = 4");
        assert_eq!(findings_of(&verify(server)), [(FindingKind::HeadAltered, Some(5))]);
    }

    fn two_swapped_rows_are_detected(server) {
        sealed_server(server);
        execute_sql(server, "update audit_chain_entries set position = -1 where position = 2; update audit_chain_entries set position = 2 where position = 3; \
            update audit_chain_entries set position = 3 where position = -1");
        let found = findings_of(&verify(server));
        assert!(found.contains(&(FindingKind::Altered, Some(2))) && found.contains(&(FindingKind::Altered, Some(3))), "{found:?}");
    }

    fn a_seal_at_an_invalid_position_is_detected(server) {
        sealed_server(server);
        execute_sql(server, "update audit_chain_entries set position = -1 where position = 5");
        assert_eq!(findings_of(&verify(server)), [(FindingKind::OutsideTheChain, Some(-1)), (FindingKind::CutTail, Some(5))]);
    }

    fn a_clock_that_was_ahead_does_not_delay_sealing(server) {
        sealed_server(server);
        let year_later = for_database(server, "newest_at + 31536000000000", "newest_at + interval '365 days'");
        execute_sql(server, &format!("update audit_chain_state set newest_at = {year_later}"));
        assert_eq!(findings_of(&verify(server)), [(FindingKind::HeadAltered, Some(5))]);
        write_events(server, 1, Duration::ZERO);
        seal(server);
        let report = verify(server);
        assert_eq!((report.sealed, report.unsealed_since), (6, None));
        // A lease with a timestamp from such a clock doesn't block sealing either.
        let (other_holder, later) = (
            for_database(server, "randomblob(16)", "gen_random_uuid()"),
            for_database(server, "newest_at", "now() + interval '365 days'"),
        );
        execute_sql(server, &format!("update audit_chain_state set holder = {other_holder}, leased_until = {later}"));
        write_events(server, 1, Duration::ZERO);
        seal(server);
        assert_eq!(verify(server).sealed, 7);
    }

    fn a_chain_whose_key_is_missing_gets_no_new_key(server) {
        sealed_server(server);
        execute_sql(server, "update audit_chain_state set sealed_key = null");
        write_events(server, 1, Duration::ZERO);
        let other = another_sealer(server);
        execute_sql(server, "update audit_chain_state set holder = null, leased_until = null");
        assert!(server.run(other.check()).is_err(), "the error at startup");
        let error = server.run(other.run()).expect_err("no key");
        assert!(error.to_string().contains("restore"), "{error}");
    }

    fn a_backdated_seal_shows_as_a_long_wait(server) {
        sealed_server(server);
        let day_before = for_database(server, "sealed_at + 86400000000", "sealed_at + interval '1 day'");
        execute_sql(server, &format!("update audit_chain_entries set sealed_at = {day_before} where position = 3"));
        let report = verify(server);
        assert_eq!(report.longest_wait_position, 3);
        assert!(report.longest_wait_seconds >= 86_399, "{report:?}");
    }

    fn an_inserted_backdated_row_is_detected_and_never_sealed(server) {
        sealed_server(server);
        let id = for_database(server, "randomblob(16)", "gen_random_uuid()");
        let day_before = for_database(server, "at - 86400000000", "at - interval '1 day'");
        execute_sql(server, &format!("insert into audit_events (id, at, actor, action, outcome, details) \
            select {id}, {day_before}, 'command', 'user.updated', 'success', '{{}}' from audit_events where id = {SECOND}"));
        seal(server);
        let report = verify(server);
        assert_eq!(findings_of(&report), [(FindingKind::OutsideTheChain, None)]);
        assert!(report.findings[0].event.is_some() && report.unsealed_since.is_none());
        execute_sql(server, "update audit_chain_state set newest_at = null");
        write_events(server, 1, Duration::ZERO);
        seal(server);
        let found = findings_of(&verify(server));
        assert_eq!(found, [(FindingKind::SealedTooLate, Some(6))], "forcing the sealer to include it is detected as well");
    }

    fn an_event_backdated_into_a_quiet_period_is_reported(server) {
        blank(server);
        // The last events before three hours without events; these are sealed late as well.
        write_events(server, 2, Duration::from_secs(10_800));
        seal(server);
        let id = for_database(server, "randomblob(16)", "gen_random_uuid()");
        let later = for_database(server, "newest_at + 3600000000", "newest_at + interval '1 hour'");
        execute_sql(server, &format!("insert into audit_events (id, at, actor, action, outcome, details) \
            select {id}, {later}, 'command', 'user.updated', 'success', '{{}}' from audit_chain_state"));
        write_events(server, 1, Duration::ZERO);
        seal(server);
        let report = verify(server);
        assert!(report.is_whole() && report.sealed == 4, "{report:?}");
        let late: Vec<_> = report.late_seals.iter().map(|late| (late.position, late.seconds / 3600)).collect();
        assert_eq!((report.sealed_late, late), (3, vec![(1, 3), (2, 3), (3, 2)]));
        let told = binary::run(&server.config, &["audit", "verify"]);
        assert_eq!(told.code, 0, "{} {}", told.output, told.errors);
        assert!(told.output.contains("sealed more than a minute late: 3") && told.output.contains("position 3, event "), "{}", told.output);
        // The first ones are listed, all are counted.
        blank(server);
        write_events(server, 25, Duration::from_secs(61));
        seal(server);
        let report = verify(server);
        assert_eq!((report.sealed_late, report.late_seals.len()), (25, 20));
        assert!(binary::run(&server.config, &["audit", "verify"]).output.contains("and 5 more"));
    }

    fn an_event_is_sealed_if_at_most_a_minute_older_than_the_newest(server) {
        sealed_server(server);
        let insert = |at: &str| {
            let id = for_database(server, "randomblob(16)", "gen_random_uuid()");
            execute_sql(server, &format!("insert into audit_events (id, at, actor, action, outcome, details) \
                select {id}, {at}, 'command', 'user.updated', 'success', '{{}}' from audit_chain_state"));
        };
        insert(for_database(server, "newest_at - 60000000", "newest_at - interval '60 seconds'"));
        seal(server);
        let report = verify(server);
        assert!(report.is_whole(), "{:?}", report.findings);
        assert_eq!((report.sealed, report.unsealed_since), (6, None), "the last moment");
        insert(for_database(server, "newest_at - 60000001", "newest_at - interval '60.000001 seconds'"));
        seal(server);
        let report = verify(server);
        assert_eq!(findings_of(&report), [(FindingKind::OutsideTheChain, None)]);
        assert_eq!((report.sealed, report.unsealed_since), (6, None), "it is detected, and not counted as unsealed");
    }

    fn the_operator_sees_how_long_an_event_waits_for_its_seal(server) {
        sealed_server(server);
        wait_until("no event is unsealed", Duration::from_secs(10), || unsealed_seconds(server) == 0.0);
        give_lease_to_another_process(server);
        write_events(server, 1, Duration::from_secs(30));
        wait_until("the wait is reported", Duration::from_secs(6), || unsealed_seconds(server) >= 30.0);
        execute_sql(server, "update audit_chain_state set holder = null, leased_until = null");
        wait_until("no event is unsealed", Duration::from_secs(10), || unsealed_seconds(server) == 0.0);
        assert!(verify(server).is_whole());
    }

    fn the_reported_age_grows_while_the_database_is_unavailable(server) {
        sealed_server(server);
        wait_until("no event is unsealed", Duration::from_secs(10), || unsealed_seconds(server) == 0.0);
        execute_sql(server, "alter table audit_chain_state rename to sealer_away");
        wait_until("the age grows", Duration::from_secs(10), || unsealed_seconds(server) >= 2.0);
        execute_sql(server, "alter table sealer_away rename to audit_chain_state");
        wait_until("no event is unsealed", Duration::from_secs(10), || unsealed_seconds(server) == 0.0);
    }

    fn unreadable_details_do_not_stop_sealing_and_are_reported(server) {
        sealed_server(server);
        let deep = format!("{}1{}", "[".repeat(200), "]".repeat(200));
        let id = for_database(server, "randomblob(16)", "gen_random_uuid()");
        execute_sql(server, &format!("insert into audit_events (id, at, actor, action, outcome, details) \
            select {id}, newest_at, 'command', 'user.updated', 'success', '{deep}' from audit_chain_state"));
        write_events(server, 1, Duration::ZERO);
        seal(server);
        let report = verify(server);
        assert_eq!((report.sealed, report.unsealed_since), (7, None));
        assert_eq!(findings_of(&report), [(FindingKind::Unreadable, Some(6))]);
        let page = server.run(server.app.audit_chain.list(&EventFilter::default(), None)).expect("a page");
        let details: Vec<&Value> = page.events.iter().map(|one| &one.event.details.value).collect();
        assert_eq!(details.iter().filter(|details| details.is_null()).count(), 1, "{details:?}");
        let listed = server.run(server.app.database.read(|conn| history::list(conn, &EventFilter::default(), 50))).expect("a list");
        assert_eq!(listed.len(), 7);
        // The text is sealed as written.
        execute_sql(server, &format!("update audit_events set details = '[{deep}]' where id = (select event_id from audit_chain_entries where position = 6)"));
        assert_eq!(findings_of(&verify(server)), [(FindingKind::Altered, Some(6))]);
    }

    fn an_event_committed_late_is_sealed_late(server) {
        sealed_server(server);
        give_lease_to_another_process(server);
        write_events(server, 1, Duration::from_secs(30));
        let report = verify(server);
        assert!(report.is_whole() && report.unsealed_since.is_some() && report.unsealed_seconds >= 30, "{report:?}");
        // The command uses the system clock, which is behind the test's clock by the time that the test advanced.
        let told = binary::run(&server.config, &["audit", "verify"]);
        assert_eq!(told.code, 0, "{} {}", told.output, told.errors);
        let line = told.output.lines().find(|line| line.starts_with("oldest unsealed event: "));
        let seconds = line.and_then(|line| line.split(' ').nth(3)).and_then(|seconds| seconds.parse::<u64>().ok());
        assert!(seconds.is_some_and(|seconds| seconds >= 5), "{}", told.output);
        execute_sql(server, "update audit_chain_state set holder = null, leased_until = null");
        seal(server);
        let report = verify(server);
        assert!(report.is_whole(), "{:?}", report.findings);
        assert_eq!((report.sealed, report.unsealed_since), (6, None));
    }

    fn concurrent_sealers_create_one_chain(server) {
        blank(server);
        // Enough for several transactions.
        write_events(server, 1200, Duration::ZERO);
        let strangers: Vec<AuditChain> = (0..RUNNERS).map(|_| another_sealer(server)).collect();
        execute_sql(server, "update audit_chain_state set holder = null, leased_until = null");
        race(strangers, |sealer| runtime().block_on(sealer.run()).expect("sealed, or another's turn"));
        execute_sql(server, "update audit_chain_state set holder = null, leased_until = null");
        // Sealers of a single process all hold the lease, so only the lock of the row serializes them.
        write_events(server, 1200, Duration::ZERO);
        let sealer = another_sealer(server);
        race(vec![sealer; RUNNERS], |sealer| runtime().block_on(sealer.run()).expect("sealed"));
        execute_sql(server, "update audit_chain_state set holder = null, leased_until = null");
        seal(server);
        let report = verify(server);
        assert!(report.is_whole(), "{:?}", report.findings);
        assert_eq!((report.sealed, report.unsealed_since), (2400, None));
    }

    fn the_lease_of_an_unresponsive_sealer_passes_to_another(server) {
        let other = another_sealer(server);
        blank(server);
        write_events(server, 1, Duration::ZERO);
        server.run(other.run()).expect("sealed");
        write_events(server, 1, Duration::ZERO);
        let look = server.run(server.app.audit_chain.status()).expect("a status");
        if !look.may_seal {
            // Simulates a sealer that checked before the other process took the lease.
            let late = ChainStatus { may_seal: true, ..look };
            assert_eq!(server.run(server.app.audit_chain.seal_pending(&late)).expect("nothing"), 0, "another sealer holds the lease");
            assert_eq!(verify(server).position, late.head.position);
        }
        execute_sql(server, &format!("update audit_chain_state set leased_until = {}", for_database(server, "0", "now() - interval '1 second'")));
        seal(server);
        let report = verify(server);
        assert!(report.is_whole() && report.sealed == 2, "{report:?}");
    }

    fn a_chain_of_ten_thousand_entries_is_verified_in_pages_with_progress(server) {
        blank(server);
        for _ in 0..50 {
            write_events(server, 200, Duration::ZERO);
        }
        seal(server);
        let mut told = Vec::new();
        let report = server.run(server.app.audit_chain.verify(&[], |done, of| told.push((done, of)))).expect("a report");
        assert!(report.is_whole() && report.sealed == 10_000, "{report:?}");
        assert!(told.len() >= 20 && told.last() == Some(&(10_000, 10_000)), "{told:?}");
    }

    fn an_export_page_reads_a_bounded_number_of_rows_for_any_filter(server) {
        blank(server);
        write_events(server, 1200, Duration::ZERO);
        server.advance_clock(1);
        let last = for_database(server, "max(id)", "max(id::text)::uuid");
        execute_sql(server, &format!("update audit_events set action = 'user.joined' where id = (select {last} from audit_events)"));
        let filter = EventFilter { action: Some("user.j".into()), ..EventFilter::default() };
        let (mut pages, mut found, mut after) = (0, Vec::new(), None);
        loop {
            let page = server.run(server.app.audit_chain.list(&filter, after)).expect("a page");
            pages += 1;
            found.extend(page.events.into_iter().map(|one| one.event.action));
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(found, ["user.joined"]);
        assert!(pages >= 3, "the matching event follows pages without matches: {pages}");
    }

    fn the_command_verifies_exports_and_lists(server) {
        sealed_server(server);
        let run = |arguments: &[&str]| binary::run(&server.config, arguments);
        let whole = run(&["audit", "verify", "--json"]);
        assert_eq!(whole.code, 0, "{} {}", whole.output, whole.errors);
        let report = whole.json();
        assert_eq!((&report["sealed"], &report["faults"], &report["findings"]), (&json!(5), &json!(0), &json!([])));
        let kept = format!("{}:{}", report["position"], report["mac"].as_str().expect("a seal"));
        assert_eq!(run(&["audit", "verify", "--expect", &kept]).code, 0);
        assert_eq!(run(&["audit", "verify", "--expect", "5:abc"]).code, 2);
        let other = format!("5:{}", "0".repeat(64));
        let forked = run(&["audit", "verify", "--expect", &other]);
        assert_eq!(forked.code, 4);
        assert!(forked.output.contains("position 5, event ") && forked.output.contains("not the seal that was expected"), "{}", forked.output);

        let exported = run(&["audit", "export"]);
        let lines: Vec<Value> = exported.output.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        assert_eq!(lines.len(), 5, "{}", exported.output);
        let positions: Vec<_> = lines.iter().map(|line| line["seal"]["position"].as_i64()).collect();
        assert_eq!(positions, [1, 2, 3, 4, 5].map(Some));
        assert_eq!((&lines[4]["seal"]["mac"], &lines[4]["address"]), (&report["mac"], &json!("192.0.2.7")));
        let from = lines[3]["at"].as_str().expect("an instant");
        assert_eq!(run(&["audit", "export", "--until", from]).output.lines().count(), 3);
        assert_eq!(run(&["audit", "export", "--from", from, "--action", "user."]).output.lines().count(), 2);
        assert_eq!(run(&["audit", "export", "--action", "passkey."]).output, "");
        assert_eq!(run(&["audit", "export", "--from", "yesterday"]).code, 2);
        let listed = run(&["audit", "list", "--limit", "2", "--json"]).json();
        assert_eq!(listed["items"].as_array().map(Vec::len), Some(2));

        execute_sql(server, &format!("update audit_events set actor = 'doorward' where id = {SECOND}"));
        let altered = run(&["audit", "verify", "--json"]);
        assert_eq!(altered.code, 4);
        assert_eq!((&altered.json()["findings"][0]["kind"], &altered.json()["findings"][0]["position"]), (&json!("altered"), &json!(2)));
        let told = run(&["audit", "verify"]);
        assert!(told.output.contains("position 2") && told.output.contains("altered") && told.errors.contains("not intact"), "{} {}", told.output, told.errors);
    }

    fn the_key_is_re_encrypted_under_a_new_master_key(server) {
        sealed_server(server);
        let old = MasterKey::read(&server.config.master_key_path()).expect("the key");
        let new = MasterKey::generate();
        let sealer = |present: &MasterKey, previous: Option<&MasterKey>| {
            AuditChain::new(server.app.database.clone(), Sealer::new(present, previous, "audit-seal"))
        };
        assert!(server.run(sealer(&new, None).check()).is_err(), "another master key decrypts nothing");
        assert!(server.run(sealer(&new, None).rewrap()).is_err());
        server.run(sealer(&new, Some(&old)).check()).expect("the previous one opens it");
        assert!(server.run(sealer(&new, Some(&old)).rewrap()).expect("moved"));
        assert!(!server.run(sealer(&new, Some(&old)).rewrap()).expect("not moved again"));
        let report = server.run(sealer(&new, None).verify(&[], |_, _| {})).expect("a report");
        assert!(report.is_whole() && report.sealed == 5, "{report:?}");
        assert!(server.run(sealer(&old, None).verify(&[], |_, _| {})).is_err());
    }
}

/// PostgreSQL stores the value of details, SQLite their text.
#[test]
fn rewritten_details_with_the_same_meaning_are_detected() {
    let server = TestServer::embedded();
    sealed_server(&server);
    // So that they are also in the range that is searched for events without a seal.
    server.advance_clock(120);
    write_events(&server, 1, Duration::ZERO);
    seal(&server);
    execute_sql(&server, "create table kept as select * from audit_events");
    for details in [
        r#"replace(details, '{"number":', '{"number":7,"number":')"#,
        r#"replace(details, '"z":', '"z":0,"z":')"#,
        "replace(details, '1.5', '1.50')",
        "replace(details, ':', ': ')",
        r"replace(details, 'é', '\u00e9')",
        "'no JSON'",
    ] {
        execute_sql(
            &server,
            &format!("update audit_events set details = {details} where id = {SECOND}"),
        );
        assert_eq!(
            findings_of(&verify(&server)),
            [(FindingKind::Altered, Some(2))],
            "{details}"
        );
        execute_sql(
            &server,
            "update audit_events set details = (select k.details from kept k where k.id = audit_events.id)",
        );
    }
    assert!(verify(&server).is_whole(), "unchanged");
}
