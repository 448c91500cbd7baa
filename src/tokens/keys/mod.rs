//! Stub until the room is there.
use crate::base::clock::*;
use crate::base::config;
use crate::base::seal::Sealer;
use crate::clients::Algorithm;
use crate::db::Database;
use crate::ephemeral::Ephemeral;
use crate::standing::Unavailable;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::sync::Arc;
#[derive(Clone, Debug)]
pub struct Keyring;
#[derive(Debug)]
pub struct Ring;
#[derive(Debug, thiserror::Error)]
pub enum SignError {
    #[error("x")]
    X(#[from] Unavailable),
    #[error("j")]
    J(#[from] serde_json::Error),
}
#[derive(Debug, thiserror::Error)]
#[error("v")]
pub struct VerifyError;
#[derive(Debug, thiserror::Error)]
#[error("v")]
pub struct KeyError;
impl Keyring {
    pub const KEY: &'static str = "keyring";
    pub fn new(
        _database: Database,
        _ephemeral: Ephemeral,
        _clock: Clock,
        _sealer: Sealer,
        _config: &config::Tokens,
    ) -> Self {
        todo!()
    }
    pub async fn ring(&self) -> Result<Arc<Ring>, Unavailable> {
        todo!()
    }
    pub async fn ring_of_copy(&self, _copy: Option<&str>) -> Result<Arc<Ring>, Unavailable> {
        todo!()
    }
    pub async fn sign<C: Serialize>(
        &self,
        _algorithm: Algorithm,
        _typ: &str,
        _claims: &C,
    ) -> Result<String, SignError> {
        todo!()
    }
}
impl Ring {
    pub fn jwks(&self, _now: Timestamp) -> serde_json::Value {
        todo!()
    }
    pub fn verify<C: DeserializeOwned>(
        &self,
        _token: &str,
        _typ: &[&str],
    ) -> Result<C, VerifyError> {
        todo!()
    }
}
