//! How strong a sign-in must be: the ladder of `acr` values, and what a request asks of it.

use serde::{Deserialize, Serialize};

use crate::sessions::Acr;

/// Attested hardware: on the ladder, and out of reach here, for no attestation is asked for.
const ATTESTED: &str = "phrh";

/// The values that discovery lists, weakest first.
pub const SUPPORTED: [&str; 2] = [Acr::Synced.as_str(), Acr::DeviceBound.as_str()];

/// Where a value stands on the ladder; `None` for one that is not on it.
pub fn rank(acr: &str) -> Option<u8> {
    match acr {
        acr if acr == Acr::Synced.as_str() => Some(1),
        acr if acr == Acr::DeviceBound.as_str() => Some(2),
        ATTESTED => Some(3),
        _ => None,
    }
}

/// What a request asks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AcrRequest {
    /// Any of these will do; none: any sign-in.
    pub values: Vec<String>,
    /// Whether the app can do nothing without (OpenID Connect Core §5.5.1.1).
    pub essential: bool,
}

impl AcrRequest {
    /// The rank that a session must reach; `None`: any will do.
    ///
    /// # Errors
    /// Only values that nobody here can ever reach were asked for, and the app can do nothing without.
    pub fn least_rank(&self, clients_least: Option<&str>) -> Result<u8, Unreachable> {
        let floor = clients_least.and_then(rank).unwrap_or(0);
        let lowest = self.values.iter().filter_map(|value| rank(value)).min();
        match lowest {
            Some(lowest) => Ok(lowest.max(floor)),
            // Values that mean nothing here can't be met; asked for as a wish, they are none (OpenID Connect Core §3.1.2.1).
            None if self.essential && !self.values.is_empty() => Err(Unreachable),
            None => Ok(floor),
        }
    }
}

/// What was asked for is on no ladder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unreachable;

#[cfg(test)]
mod tests {
    use super::*;

    fn request(values: &[&str], essential: bool) -> AcrRequest {
        AcrRequest {
            values: values.iter().map(|value| (*value).to_owned()).collect(),
            essential,
        }
    }

    #[test]
    fn the_lowest_of_the_wanted_rungs_will_do() {
        let bound = Acr::DeviceBound.as_str();
        assert_eq!(request(&[], false).least_rank(None), Ok(0));
        assert_eq!(request(&["phr"], false).least_rank(None), Ok(1));
        assert_eq!(request(&[bound, "phr"], true).least_rank(None), Ok(1));
        assert_eq!(request(&[bound], false).least_rank(None), Ok(2));
        assert_eq!(request(&["phrh"], false).least_rank(None), Ok(3));
        assert_eq!(request(&["phr"], false).least_rank(Some(bound)), Ok(2));
    }

    #[test]
    fn what_means_nothing_here_is_a_wish_or_an_error() {
        assert_eq!(request(&["1", "2"], false).least_rank(None), Ok(0));
        assert_eq!(
            request(&["1", "2"], true).least_rank(None),
            Err(Unreachable)
        );
    }
}
