//! What callers and the registry say in JSON, as policies see it. Converted by hand: nothing that is written here becomes an
//! entity or a function, however it is spelt (`__entity`, `__extn` are names of fields like any other).

use cedar_policy::RestrictedExpression;
use serde_json::{Map, Number, Value};

/// How deep objects and lists may lie within each other.
const DEEPEST: usize = 16;
/// How many values one document may hold.
const MOST: usize = 10_000;

/// Why a document can't be shown to policies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ValueFault {
    /// Objects in objects in objects.
    #[error("must have at most {DEEPEST} levels of objects and lists")]
    TooDeep,
    /// Too much of it.
    #[error("must contain at most {MOST} values")]
    TooMany,
    /// A number that policies could only compare wrongly.
    #[error("a number must be whole and fit 64 bits, or have at most four digits after the point")]
    Number,
    /// What Cedar itself refuses.
    #[error("can't be used in policies")]
    Unreadable,
}

/// An object as a record: what is null is absent.
///
/// # Errors
/// Too deep, too much, or a number that can't be told exactly.
pub fn record(object: &Map<String, Value>) -> Result<RestrictedExpression, ValueFault> {
    let mut left = MOST;
    fields(object, DEEPEST, &mut left)
}

/// Whether an object can be shown to policies.
///
/// # Errors
/// A value that policies can't hold.
pub fn readable(object: &Map<String, Value>) -> Result<(), ValueFault> {
    record(object).map(drop)
}

/// The members of an object by their names, for what becomes the attributes of an entity.
///
/// # Errors
/// As [`record`].
pub fn attributes(
    object: &Map<String, Value>,
) -> Result<Vec<(String, RestrictedExpression)>, ValueFault> {
    let mut left = MOST;
    members(object, DEEPEST, &mut left)
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

/// `None` for null, which is absent.
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

/// The largest whole number that a double tells from its neighbours.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// A whole number is a Long however it is written (`1`, `1.0`, `1e0`), so that a comparison with `==` can't be evaded by another
/// spelling; a fraction is a decimal, which no Long is compared with by accident: Cedar fails, and the answer is no.
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
    // Cedar's decimal: 64 bits in steps of a ten-thousandth.
    let is_exact = (1..=4).contains(&digits) && number.abs() < 900_000_000_000_000.0;
    if !is_exact {
        return Err(ValueFault::Number);
    }
    Ok(RestrictedExpression::new_decimal(text))
}
