//! Parses the values of the section `[security]`.

/// Parses a URI for reports (RFC 9116 §2.5.3): `mailto:`, `https:` or `tel:`.
pub(super) fn parse_contact(text: &str) -> Result<String, String> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_graphic());
    let is_known = match text.split_once(':') {
        Some(("mailto", address)) => address
            .split_once('@')
            .is_some_and(|(name, host)| !name.is_empty() && !host.is_empty()),
        Some(("tel", number)) => !number.is_empty(),
        // URLs that the parser would have to repair are refused.
        Some(("https", rest)) => rest.starts_with("//") && url::Url::parse(text).is_ok(),
        _ => false,
    };
    if is_plain && is_known {
        Ok(text.to_owned())
    } else {
        Err(format!(
            "{text:?} must be a URI that begins with mailto:, https:// or tel:"
        ))
    }
}

/// Parses a language tag such as `en` or `de-CH` (RFC 5646 §2.1).
pub(super) fn parse_language(text: &str) -> Result<String, String> {
    let is_subtag = |part: &str| {
        (1..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric())
    };
    let is_language = text
        .split('-')
        .next()
        .is_some_and(|part| part.len() >= 2 && part.bytes().all(|byte| byte.is_ascii_alphabetic()));
    if is_language && text.split('-').all(is_subtag) {
        Ok(text.to_owned())
    } else {
        Err(format!(
            "{text:?} must be a language tag such as \"en\" or \"de-CH\""
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_contact_is_a_mailto_tel_or_https_uri() {
        for good in [
            "mailto:security@example.com",
            "https://example.com/report",
            "tel:+41-44-000-00-00",
        ] {
            assert_eq!(parse_contact(good).as_deref(), Ok(good));
        }
        for bad in [
            "",
            "security@example.com",
            "mailto:",
            "mailto:@",
            "tel:",
            "http://example.com/",
            "https:example.com",
            "https://",
            "https://a b/",
            "mailto:a@b\nExpires: x",
            "javascript:alert(1)",
        ] {
            assert!(parse_contact(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_language_is_a_tag() {
        for good in ["en", "de-CH", "zh-Hant-TW"] {
            assert_eq!(parse_language(good).as_deref(), Ok(good));
        }
        for bad in ["", "e", "en, de", "en_US", "en-", "1e", "en\n"] {
            assert!(parse_language(bad).is_err(), "{bad:?}");
        }
    }
}
