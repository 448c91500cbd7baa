//! Splits a path in normal form (RFC 3986 §6.2.2) into segments. Rejects every path that a server could interpret differently.

use std::borrow::Cow;

/// Maximum length of path and query, in bytes.
pub const MAX_LEN: usize = 8_192;
const MAX_PARTS: usize = 256;

/// Why a path is rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct PathFault(pub &'static str);

/// Returns the decoded segments of a path. The last one is empty if the path ends with a slash.
///
/// A path that isn't in normal form is rejected: a proxy or an application could interpret it as another one. The error is
/// one word for the log.
pub fn parts(path: &str) -> Result<Vec<Cow<'_, str>>, PathFault> {
    if path.len() > MAX_LEN {
        return Err(PathFault("too-long"));
    }
    let below = path.strip_prefix('/').ok_or(PathFault("not-absolute"))?;
    let count = below.split('/').count();
    if count > MAX_PARTS {
        return Err(PathFault("too-many-parts"));
    }
    let mut parts = Vec::with_capacity(count);
    for (index, part) in below.split('/').enumerate() {
        let is_last = index.saturating_add(1) == count;
        if part.is_empty() && !is_last {
            return Err(PathFault("empty-part"));
        }
        parts.push(decode(part)?);
    }
    Ok(parts)
}

fn decode(part: &str) -> Result<Cow<'_, str>, PathFault> {
    // Some servers interpret what follows a semicolon as parameters: they read `17;x` as `17`, and `..;x` as a dot segment.
    if part.contains(';') {
        return Err(PathFault("parameters"));
    }
    if matches!(part, "." | "..") {
        return Err(PathFault("dot-segment"));
    }
    if part.bytes().all(is_plain) {
        return Ok(Cow::Borrowed(part));
    }
    let mut bytes = Vec::with_capacity(part.len());
    let mut rest = part.bytes();
    while let Some(byte) = rest.next() {
        match byte {
            b'%' => bytes.push(decode_triplet(rest.next(), rest.next())?),
            byte if is_plain(byte) => bytes.push(byte),
            _ => return Err(PathFault("character")),
        }
    }
    let text = String::from_utf8(bytes).map_err(|_| PathFault("not-utf-8"))?;
    if text.chars().any(char::is_control) {
        return Err(PathFault("control-character"));
    }
    if has_triplet(&text) {
        return Err(PathFault("encoded-twice"));
    }
    Ok(Cow::Owned(text))
}

/// RFC 3986 §6.2.2.1, §6.2.2.2: digits must be upper case, and nothing may be encoded unnecessarily. Slashes and backslashes are
/// rejected in either form.
fn decode_triplet(high: Option<u8>, low: Option<u8>) -> Result<u8, PathFault> {
    let digit = |byte: Option<u8>| match byte {
        Some(byte @ b'0'..=b'9') => Ok(byte.wrapping_sub(b'0')),
        Some(byte @ b'A'..=b'F') => Ok(byte.wrapping_sub(b'A').wrapping_add(10)),
        _ => Err(PathFault("percent-encoding")),
    };
    let byte = digit(high)? << 4 | digit(low)?;
    match byte {
        b'/' | b'\\' => Err(PathFault("encoded-slash")),
        byte if is_unreserved(byte) => Err(PathFault("encoded-needlessly")),
        0..=0x1F | 0x7F => Err(PathFault("control-character")),
        byte => Ok(byte),
    }
}

/// Whether a decoded text could be decoded again.
fn has_triplet(text: &str) -> bool {
    text.as_bytes().windows(3).any(|three| match three {
        [b'%', high, low] => high.is_ascii_hexdigit() && low.is_ascii_hexdigit(),
        _ => false,
    })
}

/// Unreserved characters (RFC 3986 §2.3).
fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)
}

/// Whether a byte may occur unencoded in a segment: `pchar` without percent-encoding (RFC 3986 §3.3).
fn is_plain(byte: u8) -> bool {
    is_unreserved(byte) || b"!$&'()*+,;=:@".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_normalized_path_is_split_into_segments() {
        let cases: [(&str, &[&str]); 6] = [
            ("/", &[""]),
            ("/orders", &["orders"]),
            ("/orders/", &["orders", ""]),
            ("/a/b,c=1/d@e:f", &["a", "b,c=1", "d@e:f"]),
            ("/%C3%A4%20%25x/~.x", &["ä %x", "~.x"]),
            ("/...", &["..."]),
        ];
        for (path, expected) in cases {
            assert_eq!(parts(path).expect(path), expected, "{path}");
        }
    }

    #[test]
    fn a_path_that_is_not_normalized_is_refused() {
        let long = format!("/{}", "a".repeat(MAX_LEN));
        let deep = "/a".repeat(MAX_PARTS + 1);
        for path in [
            "",
            "orders",
            "//",
            "/a//b",
            "//a",
            "/.",
            "/..",
            "/a/../b",
            "/a/./b",
            "/a/..",
            "/..;/a",
            "/.;x/a",
            "/%2e%2e/a",
            "/%2E%2E/a",
            "/.%2E/a",
            "/a%2Fb",
            "/a%2fb",
            "/a%5Cb",
            "/a\\b",
            "/%41",
            "/%c3%a4",
            "/%7Ea",
            "/%",
            "/%4",
            "/%zz",
            "/%C3",
            "/%FF",
            "/%C0%AF",
            "/%00",
            "/%0A",
            "/%7F",
            "/%C2%85",
            "/a b",
            "/a\tb",
            "/ä",
            "/a#b",
            "/a?b",
            "/a\"b",
            "/<a>",
            "/%252e",
            "/%252F",
            "/%25%32%65",
            "/a|b",
            "/[a]",
            "/`",
            "/{a}",
            "/^",
            &long,
            &deep,
        ] {
            assert!(parts(path).is_err(), "{path}");
        }
    }

    proptest::proptest! {
        #[test]
        fn splitting_and_joining_a_path_returns_the_same_path(path in "(/[a-z.%/;A-F0-9ä~ ]{0,6}){0,4}") {
            if let Ok(parts) = parts(&path) {
                let mut written = String::new();
                for part in parts {
                    written.push('/');
                    for byte in part.bytes() {
                        if is_plain(byte) {
                            written.push(char::from(byte));
                        } else {
                            written.extend(["%", format!("{byte:02X}").as_str()]);
                        }
                    }
                }
                proptest::prop_assert_eq!(written, path);
            }
        }
    }
}
