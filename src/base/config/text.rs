//! Deserializes single values. Environment variables hold every value as text; files hold quoted text, numbers and booleans.

use std::net::SocketAddr;
use std::str::FromStr;
use std::time::Duration;

use figment::value::Value;
use serde::de::{DeserializeOwned, Error};
use serde::{Deserialize, Deserializer};
use tracing_appender::rolling::Rotation;

use super::claims::ClaimRule;
use super::values::{Network, Origin, parse_duration, parse_rotation};

/// Deserializes an integer within bounds.
pub(super) fn whole<'de, D, T, const LEAST: u64, const MOST: u64>(
    deserializer: D,
) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: TryFrom<u64>,
{
    scalar(&<Value as Deserialize>::deserialize(deserializer)?)
        .filter(|number| (LEAST..=MOST).contains(number))
        .and_then(|number| T::try_from(number).ok())
        .ok_or_else(|| D::Error::custom(format!("must be a whole number from {LEAST} to {MOST}")))
}

/// Deserializes `true` or `false`.
pub(super) fn flag<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    scalar(&<Value as Deserialize>::deserialize(deserializer)?)
        .ok_or_else(|| D::Error::custom("must be true or false"))
}

fn scalar<T: FromStr + DeserializeOwned>(value: &Value) -> Option<T> {
    match value {
        Value::String(_, text) => text.parse().ok(),
        value => value.deserialize().ok(),
    }
}

/// Deserializes text; `None` if it is empty.
pub(super) fn optional<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: From<String>,
{
    let text = String::deserialize(deserializer)?;
    Ok(Some(text).filter(|text| !text.is_empty()).map(T::from))
}

fn parsed<'de, D: Deserializer<'de>, T>(
    deserializer: D,
    parse: impl FnOnce(&str) -> Result<T, String>,
) -> Result<T, D::Error> {
    parse(&String::deserialize(deserializer)?).map_err(D::Error::custom)
}

/// Deserializes an IP address and a port.
pub(super) fn address<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SocketAddr, D::Error> {
    const SHAPE: &str = "must be an address and a port such as 127.0.0.1:8080";
    parsed(deserializer, |text| text.parse().map_err(|_| SHAPE.into()))
}

/// Deserializes a positive duration.
pub(super) fn duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    parsed(deserializer, parse_duration)
}

/// Deserializes a duration that may be `0s`.
pub(super) fn duration_or_zero<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Duration, D::Error> {
    parsed(deserializer, |text| match text {
        "0s" => Ok(Duration::ZERO),
        text => parse_duration(text),
    })
}

/// Deserializes how often a new log file is started.
pub(super) fn rotation<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Rotation, D::Error> {
    parsed(deserializer, parse_rotation)
}

macro_rules! deserialize_parsed {
    ($($type:ty),+) => {
        $(impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                parsed(deserializer, Self::parse)
            }
        })+
    };
}

deserialize_parsed!(ClaimRule, Network, Origin);
