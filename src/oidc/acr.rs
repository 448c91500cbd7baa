//! Authentication context classes (`acr`): their order by strength, and the minimum that an authorization request requires.

use serde::{Deserialize, Serialize};

use crate::sessions::Acr;

/// Attested hardware. It has a rank, but no session reaches it, because Doorward requests no attestation.
const ATTESTED: &str = "phrh";

/// The `acr` values that discovery lists, weakest first.
pub const SUPPORTED: [&str; 2] = [Acr::Synced.as_str(), Acr::DeviceBound.as_str()];

/// Returns the rank of an `acr` value, 1 being the weakest; `None` for an unknown value.
pub fn rank(acr: &str) -> Option<u8> {
    match acr {
        acr if acr == Acr::Synced.as_str() => Some(1),
        acr if acr == Acr::DeviceBound.as_str() => Some(2),
        ATTESTED => Some(3),
        _ => None,
    }
}

/// The `acr` values that an authorization request asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AcrRequest {
    /// Any one of these values satisfies the request; an empty list accepts any sign-in.
    pub values: Vec<String>,
    /// Whether the app requires one of the values (essential claim, OpenID Connect Core §5.5.1.1).
    pub essential: bool,
}

impl AcrRequest {
    /// Returns the rank that a session must reach; 0 accepts any sign-in. `client_minimum` is the client's registered minimum.
    pub fn min_rank(&self, client_minimum: Option<&str>) -> Result<u8, UnsupportedAcr> {
        let minimum = client_minimum.and_then(rank).unwrap_or(0);
        let lowest = self.values.iter().filter_map(|value| rank(value)).min();
        match lowest {
            Some(lowest) => Ok(lowest.max(minimum)),
            // Unknown values can't be met. If they are voluntary, they are ignored (OpenID Connect Core §3.1.2.1).
            None if self.essential && !self.values.is_empty() => Err(UnsupportedAcr),
            None => Ok(minimum),
        }
    }
}

/// The app requires an `acr`, and all requested values are unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnsupportedAcr;

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
    fn the_lowest_requested_acr_suffices() {
        let bound = Acr::DeviceBound.as_str();
        assert_eq!(request(&[], false).min_rank(None), Ok(0));
        assert_eq!(request(&["phr"], false).min_rank(None), Ok(1));
        assert_eq!(request(&[bound, "phr"], true).min_rank(None), Ok(1));
        assert_eq!(request(&[bound], false).min_rank(None), Ok(2));
        assert_eq!(request(&["phrh"], false).min_rank(None), Ok(3));
        assert_eq!(request(&["phr"], false).min_rank(Some(bound)), Ok(2));
    }

    #[test]
    fn an_unknown_acr_is_an_error_only_if_essential() {
        assert_eq!(request(&["1", "2"], false).min_rank(None), Ok(0));
        assert_eq!(
            request(&["1", "2"], true).min_rank(None),
            Err(UnsupportedAcr)
        );
    }
}
