//! The authentication context class (`acr`) that an authorization request requires.

use serde::{Deserialize, Serialize};

use crate::sessions::Acr;

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
        let minimum = client_minimum.and_then(Acr::rank).unwrap_or(0);
        let lowest = self
            .values
            .iter()
            .filter_map(|value| Acr::rank(value))
            .min();
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
