//! Audit events about the service itself: its configuration at startup, and the policies that it loads.

use serde_json::json;

use crate::app::App;
use crate::db;
use crate::history::{self, Author, Event};
use crate::policies::Loaded;

/// Records hashes of the configuration and the policies that an instance starts with.
pub async fn record_start(app: &App) -> db::Result<()> {
    let loaded = app.policies.loaded();
    let event = Event::done("configuration.loaded").details(json!({
        "hash": app.config.digest(),
        "version": env!("CARGO_PKG_VERSION"),
        "policies": loaded.hash,
    }));
    record(app, event).await
}

/// Records which policies are in force after the folder was reloaded, or that the new ones were rejected.
pub(super) async fn record_policies(app: &App, loaded: &Loaded) -> db::Result<()> {
    let event = if loaded.is_refused {
        Event::refused("policies.loaded", "invalid")
    } else {
        Event::done("policies.loaded")
    };
    let in_force = json!({ "hash": loaded.hash, "count": loaded.count });
    record(app, event.details(in_force)).await
}

async fn record(app: &App, event: Event) -> db::Result<()> {
    let database = app.database.clone();
    app.database
        .write(move |conn| {
            let now = database.now(conn)?;
            history::record(conn, now, &Author::doorward(), event)
        })
        .await
}
