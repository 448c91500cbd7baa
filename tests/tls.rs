//! A PostgreSQL server that requires TLS.

use crate::support::postgres::{Encryption, Postgres, PostgresOptions};
use crate::support::redis::Redis;
use crate::support::test_server::TestServer;

#[test]
fn a_postgresql_that_requires_tls_is_used_with_tls_and_its_certificate_is_verified() {
    let postgres = Postgres::start(PostgresOptions {
        encryption: Encryption::Required,
        ..PostgresOptions::default()
    });
    postgres.create_database("doorward");
    let url = postgres.url("doorward");
    let join = if url.contains('?') { '&' } else { '?' };
    let redis = Redis::shared().fresh_url();
    let certificate = postgres.certificate();
    let verified = format!(
        "{url}{join}sslmode=verify-full&sslrootcert={}",
        certificate.display()
    );
    let server = TestServer::on(&verified, &redis, |_| {});
    assert_eq!(server.administrator().session_status(), 200);
    let in_the_open = format!("{url}{join}sslmode=disable");
    let refused = std::panic::catch_unwind(|| TestServer::on(&in_the_open, &redis, |_| {}));
    assert!(refused.is_err());
}
