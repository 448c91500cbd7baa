//! What the registry knows of one thing.

use serde_json::{Map, Value};

use super::{Access, ResourceName, queries};
use crate::standing::Unavailable;

/// A registered thing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Thing {
    /// What people call it.
    pub title: Option<String>,
    /// What it is.
    pub description: Option<String>,
    /// What policies read of it.
    pub attributes: Map<String, Value>,
    /// From 1.
    pub version: i64,
}

impl Access {
    /// What is registered of a thing; `None`: nothing.
    ///
    /// # Errors
    /// When a store that is needed is away.
    pub async fn thing(&self, name: &ResourceName) -> Result<Option<Thing>, Unavailable> {
        let name = name.clone();
        let found = self
            .database
            .read(move |conn| queries::find_thing(conn, &name));
        Ok(found.await?)
    }
}
