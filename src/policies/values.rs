//! Converts JSON from callers and the registry to Cedar values. The conversion doesn't use Cedar's JSON format, so that no value
//! becomes an entity or an extension call (`__entity` and `__extn` are ordinary fields).

use cedar_policy::RestrictedExpression;
use serde_json::{Map, Number, Value};

const MAX_DEPTH: usize = 16;
const MAX_VALUES: usize = 10_000;

/// Why a document can't be converted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ValueFault {
    #[error("must have at most {MAX_DEPTH} levels of objects and lists")]
    TooDeep,
    #[error("must contain at most {MAX_VALUES} values")]
    TooMany,
    /// A number can't be represented exactly, and policies would compare it wrongly.
    #[error("a number must be whole and fit 64 bits, or have at most four digits after the point")]
    Number,
    #[error("can't be used in policies")]
    Unreadable,
}

/// Converts an object to a record. Members that are null are omitted.
pub fn record(object: &Map<String, Value>) -> Result<RestrictedExpression, ValueFault> {
    let mut left = MAX_VALUES;
    fields(object, MAX_DEPTH, &mut left)
}

/// Checks that an object can be converted (see `record`).
pub fn readable(object: &Map<String, Value>) -> Result<(), ValueFault> {
    record(object).map(drop)
}

/// Converts the members of an object to the attributes of an entity. Fails like [`record`].
pub fn attributes(
    object: &Map<String, Value>,
) -> Result<Vec<(String, RestrictedExpression)>, ValueFault> {
    let mut left = MAX_VALUES;
    members(object, MAX_DEPTH, &mut left)
}

fn members(
    object: &Map<String, Value>,
    depth: usize,
    left: &mut usize,
) -> Result<Vec<(String, RestrictedExpression)>, ValueFault> {
    let mut members = Vec::with_capacity(object.len());
    for (name, value) in object {
        if let Some(value) = convert(value, depth, left)? {
            members.push((name.clone(), value));
        }
    }
    Ok(members)
}

fn fields(
    object: &Map<String, Value>,
    depth: usize,
    left: &mut usize,
) -> Result<RestrictedExpression, ValueFault> {
    RestrictedExpression::new_record(members(object, depth, left)?)
        .map_err(|_| ValueFault::Unreadable)
}

/// Converts a value; `None` for null.
fn convert(
    value: &Value,
    depth: usize,
    left: &mut usize,
) -> Result<Option<RestrictedExpression>, ValueFault> {
    *left = left.checked_sub(1).ok_or(ValueFault::TooMany)?;
    let inner = || depth.checked_sub(1).ok_or(ValueFault::TooDeep);
    let converted = match value {
        Value::Null => return Ok(None),
        Value::Bool(value) => RestrictedExpression::new_bool(*value),
        Value::String(text) => RestrictedExpression::new_string(text.clone()),
        Value::Number(number) => convert_number(number)?,
        Value::Object(object) => fields(object, inner()?, left)?,
        Value::Array(items) => {
            let depth = inner()?;
            let mut set = Vec::with_capacity(items.len());
            for item in items {
                set.extend(convert(item, depth, left)?);
            }
            RestrictedExpression::new_set(set)
        }
    };
    Ok(Some(converted))
}

/// 2^53: doubles below it represent every whole number exactly.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// Converts a number. A whole number becomes a Long in every spelling (`1`, `1.0`, `1e0`), so that a comparison with `==` can't
/// be evaded by another spelling. A fraction becomes a decimal. Comparing a decimal with a Long is an error in Cedar, which
/// denies the request.
fn convert_number(number: &Number) -> Result<RestrictedExpression, ValueFault> {
    if let Some(whole) = number.as_i64() {
        return Ok(RestrictedExpression::new_long(whole));
    }
    let number = number
        .as_f64()
        .filter(|number| number.abs() < EXACT)
        .ok_or(ValueFault::Number)?;
    if number.fract() == 0.0 {
        #[expect(clippy::cast_possible_truncation, reason = "whole, and below 2^53")]
        return Ok(RestrictedExpression::new_long(number as i64));
    }
    let text = number.to_string();
    let digits = text.split_once('.').map_or(0, |(_, digits)| digits.len());
    // Cedar's decimal has 64 bits, in units of 1/10000.
    let is_exact = (1..=4).contains(&digits) && number.abs() < 900_000_000_000_000.0;
    if !is_exact {
        return Err(ValueFault::Number);
    }
    Ok(RestrictedExpression::new_decimal(text))
}
