//! The cookie jar of [`super::TestBrowser`], which supports only names, values and deletion.

use std::collections::BTreeMap;

use crate::support::process::unix_seconds;

/// Cookies by name.
#[derive(Clone, Default)]
pub struct CookieJar(BTreeMap<String, String>);

impl CookieJar {
    /// Returns all `(name, value)` pairs, sorted by name.
    pub fn all(&self) -> Vec<(String, String)> {
        self.0
            .iter()
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect()
    }

    /// Returns the value of a cookie.
    pub fn value(&self, name: &str) -> Option<String> {
        self.0.get(name).cloned()
    }

    /// Adds or replaces a cookie.
    pub fn set(&mut self, name: &str, value: &str) {
        self.0.insert(name.to_owned(), value.to_owned());
    }

    /// Returns the `Cookie` header; empty for an empty jar.
    pub fn header(&self) -> String {
        let pairs: Vec<String> = self
            .0
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        pairs.join("; ")
    }

    /// Applies the `Set-Cookie` headers of a response.
    pub fn store_from<'header>(
        &mut self,
        set_cookie_headers: impl IntoIterator<Item = &'header str>,
    ) {
        for header in set_cookie_headers {
            let mut parts = header.split(';');
            let Some((name, value)) = parts.next().and_then(|pair| pair.split_once('=')) else {
                continue;
            };
            let attributes: Vec<(&str, &str)> = parts
                .filter_map(|part| part.trim().split_once('='))
                .collect();
            if is_deletion(&attributes) {
                self.0.remove(name.trim());
            } else {
                self.set(name.trim(), value.trim());
            }
        }
    }
}

/// Whether the attributes delete the cookie: `Max-Age` of zero or less, or without it `Expires` in the past (RFC 6265 §5.3).
fn is_deletion(attributes: &[(&str, &str)]) -> bool {
    let attribute = |wanted: &str| {
        attributes
            .iter()
            .rev()
            .find(|(name, _)| name.eq_ignore_ascii_case(wanted))
            .map(|(_, v)| *v)
    };
    if let Some(seconds) = attribute("max-age").and_then(|value| value.parse::<i64>().ok()) {
        return seconds <= 0;
    }
    attribute("expires")
        .and_then(http_date)
        .is_some_and(|moment| moment <= unix_seconds())
}

/// Parses `Wdy, 09 Jun 2021 10:18:14 GMT` (RFC 9110 §5.6.7) to seconds since 1970.
fn http_date(text: &str) -> Option<i64> {
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let fields: Vec<&str> = text
        .split([' ', ':', '-', ','])
        .filter(|field| !field.is_empty())
        .collect();
    let [_, day, month, year, hour, minute, second, "GMT"] = fields[..] else {
        return None;
    };
    let number = |field: &str| field.parse::<i64>().ok();
    let month = i64::try_from(MONTHS.iter().position(|name| *name == month)?).ok()?;
    // Years begin in March here, so that the leap day is the last of its year.
    let (year, month) = if month < 2 {
        (number(year)? - 1, month + 10)
    } else {
        (number(year)?, month - 2)
    };
    let days =
        year * 365 + year / 4 - year / 100 + year / 400 + (month * 153 + 2) / 5 + number(day)?
            - 719_469;
    Some(days * 86_400 + number(hour)? * 3600 + number(minute)? * 60 + number(second)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_http_date_is_converted_to_seconds() {
        assert_eq!(http_date("Thu, 01 Jan 1970 00:00:00 GMT"), Some(0));
        assert_eq!(
            http_date("Sun, 06 Nov 1994 08:49:37 GMT"),
            Some(784_111_777)
        );
        assert_eq!(
            http_date("Thu, 29 Feb 2024 12:00:00 GMT"),
            Some(1_709_208_000)
        );
        assert_eq!(http_date("tomorrow"), None);
    }

    #[test]
    fn a_cookie_is_stored_replaced_and_deleted() {
        let mut jar = CookieJar::default();
        jar.store_from([
            "a=1; Path=/; HttpOnly",
            "b=x=y; Max-Age=10; Expires=Thu, 01 Jan 1970 00:00:00 GMT",
        ]);
        assert_eq!(jar.header(), "a=1; b=x=y");
        jar.store_from(["a=2"]);
        assert_eq!(jar.value("a").as_deref(), Some("2"));
        jar.store_from(["a=; Max-Age=0", "b=; expires=Thu, 01-Jan-1970 00:00:00 GMT"]);
        assert!(jar.all().is_empty());
    }
}
