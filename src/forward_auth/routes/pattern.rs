//! Path patterns, and templates that build resource IDs from their captures.

use std::borrow::Cow;

use super::path::parts;

/// A path pattern: `/orders/{id}`, `/files/{path...}`, `/static/*`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PathPattern {
    parts: Vec<Part>,
    /// Capture of the remaining segments; `None`: the path must end where the pattern does.
    rest: Option<Rest>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Literal(String),
    Name(String),
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Rest {
    Nameless,
    Name(String),
}

/// The captured values of a path, in the order of the pattern's names.
pub type Captures<'p> = Vec<Cow<'p, str>>;

impl PathPattern {
    /// Parses a pattern. Literal segments are written as in a path in normal form.
    pub fn parse(text: &str) -> Result<Self, String> {
        let below = text
            .strip_prefix('/')
            .ok_or("must begin with /, such as /orders/{id}")?;
        let count = below.split('/').count();
        let mut pattern = Self {
            parts: Vec::new(),
            rest: None,
        };
        for (index, part) in below.split('/').enumerate() {
            let is_last = index.saturating_add(1) == count;
            let name = part
                .strip_prefix('{')
                .and_then(|part| part.strip_suffix('}'));
            let rest = name.and_then(|name| name.strip_suffix("..."));
            match (part, name, rest) {
                ("*", ..) if is_last => pattern.rest = Some(Rest::Nameless),
                (_, _, Some(name)) if is_last => {
                    pattern.rest = Some(Rest::Name(pattern.new_name(name)?));
                }
                ("*", ..) | (_, _, Some(_)) => {
                    return Err("* and {name...} must come last".into());
                }
                (_, Some(name), None) => {
                    let name = pattern.new_name(name)?;
                    pattern.parts.push(Part::Name(name));
                }
                (literal, None, None) => {
                    let literal = read_literal(literal, is_last)?;
                    pattern.parts.push(Part::Literal(literal));
                }
            }
        }
        Ok(pattern)
    }

    fn new_name(&self, name: &str) -> Result<String, String> {
        let is_name = name.starts_with(|first: char| first.is_ascii_alphabetic())
            && name
                .chars()
                .all(|letter| letter.is_ascii_alphanumeric() || letter == '_');
        if !is_name {
            return Err(format!(
                "{{{name}}}: a name may contain letters, digits and _, and must start with a letter"
            ));
        }
        if self.names().any(|known| known == name) {
            return Err(format!("{{{name}}} is used twice"));
        }
        Ok(name.to_owned())
    }

    /// Names of the captures, in their order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let single = self.parts.iter().filter_map(|part| match part {
            Part::Name(name) => Some(name.as_str()),
            Part::Literal(_) => None,
        });
        single.chain(self.rest_name())
    }

    fn rest_name(&self) -> Option<&str> {
        match &self.rest {
            Some(Rest::Name(name)) => Some(name),
            Some(Rest::Nameless) | None => None,
        }
    }

    /// Returns the captures if a path matches. A named segment must not be empty; the rest is one or more segments.
    pub fn match_path<'p>(&self, path: &[Cow<'p, str>]) -> Option<Captures<'p>> {
        let (single, rest) = path.split_at_checked(self.parts.len())?;
        if rest.is_empty() == self.rest.is_some() {
            return None;
        }
        let mut captures = Vec::new();
        for (pattern, part) in self.parts.iter().zip(single) {
            match pattern {
                Part::Literal(literal) if literal == part => {}
                Part::Name(_) if !part.is_empty() => captures.push(part.clone()),
                Part::Literal(_) | Part::Name(_) => return None,
            }
        }
        if self.rest_name().is_some() {
            captures.push(match rest {
                [one] => one.clone(),
                many => Cow::Owned(many.join("/")),
            });
        }
        Some(captures)
    }

    /// Whether this pattern matches every path that the other one matches.
    pub fn covers(&self, other: &Self) -> bool {
        let is_long_enough = match (&self.rest, &other.rest) {
            (None, None) => self.parts.len() == other.parts.len(),
            (None, Some(_)) => false,
            // The rest is at least one segment.
            (Some(_), None) => self.parts.len() < other.parts.len(),
            (Some(_), Some(_)) => self.parts.len() <= other.parts.len(),
        };
        let takes = |(own, others): (&Part, &Part)| match (own, others) {
            (Part::Literal(own), Part::Literal(other)) => own == other,
            (Part::Literal(_), Part::Name(_)) => false,
            (Part::Name(_), Part::Literal(other)) => !other.is_empty(),
            (Part::Name(_), Part::Name(_)) => true,
        };
        is_long_enough && self.parts.iter().zip(&other.parts).all(takes)
    }
}

fn read_literal(text: &str, is_last: bool) -> Result<String, String> {
    if text.contains(['{', '}', '*']) {
        return Err(format!(
            "{text}: a name must be a whole path segment, such as /{{id}}/"
        ));
    }
    if text.is_empty() && !is_last {
        return Err("has an empty segment (//)".into());
    }
    let path = format!("/{text}");
    let part = parts(&path)
        .ok()
        .and_then(|parts| parts.into_iter().next().map(Cow::into_owned));
    part.ok_or_else(|| {
        format!("{text}: must be written as browsers send it (percent-encoded in upper case, without . and ..)")
    })
}

/// A template of a resource ID, made of text and captures: `{id}`, `{shop}/{id}`, `the-only-one`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template(Vec<TemplatePiece>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum TemplatePiece {
    Text(String),
    /// Index of a capture among the pattern's names.
    Capture(usize),
}

impl Template {
    /// Parses a template that uses the names of a pattern. Two captures must be separated by a slash, which a captured segment
    /// can't contain, so that two paths never produce the same ID; the rest of a path must come last.
    pub fn parse(text: &str, pattern: &PathPattern) -> Result<Self, String> {
        let names: Vec<&str> = pattern.names().collect();
        let mut pieces = Vec::new();
        let mut left = text;
        while let Some((before, after)) = left.split_once('{') {
            let (name, after) = after.split_once('}').ok_or("a brace is not closed")?;
            let place = names.iter().position(|known| *known == name);
            let place = place.ok_or_else(|| format!("{{{name}}} is not a name in the path"))?;
            let is_second = pieces
                .iter()
                .any(|piece| matches!(piece, TemplatePiece::Capture(_)));
            if is_second && !before.contains('/') {
                return Err("there must be a / between two names".into());
            }
            if after.contains('{') && pattern.rest_name() == Some(name) {
                return Err(format!(
                    "{{{name}}} may contain slashes, so no name may follow it"
                ));
            }
            push_text(&mut pieces, before)?;
            pieces.push(TemplatePiece::Capture(place));
            left = after;
        }
        push_text(&mut pieces, left)?;
        if pieces.is_empty() {
            return Err("is empty".into());
        }
        Ok(Self(pieces))
    }

    /// Returns the text of a template without captures.
    pub fn constant(&self) -> Option<&str> {
        match self.0.as_slice() {
            [TemplatePiece::Text(text)] => Some(text),
            _ => None,
        }
    }

    /// Builds the ID from the captures of the template's own pattern.
    pub fn fill(&self, captures: &Captures<'_>) -> String {
        let pieces = self.0.iter().map(|piece| match piece {
            TemplatePiece::Text(text) => text.as_str(),
            TemplatePiece::Capture(place) => captures.get(*place).map_or("", Cow::as_ref),
        });
        pieces.collect()
    }
}

fn push_text(pieces: &mut Vec<TemplatePiece>, text: &str) -> Result<(), String> {
    if text.contains('}') {
        return Err("a closing brace has no opening brace".into());
    }
    if !text.is_empty() {
        pieces.push(TemplatePiece::Text(text.to_owned()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn captures(pattern: &str, path: &str) -> Option<Vec<String>> {
        let pattern = PathPattern::parse(pattern).expect(pattern);
        let path = parts(path).expect(path);
        let captures = pattern.match_path(&path)?;
        Some(captures.into_iter().map(Cow::into_owned).collect())
    }

    fn texts(parts: &[&str]) -> Vec<String> {
        parts.iter().map(|part| (*part).to_owned()).collect()
    }

    #[test]
    fn a_pattern_matches_segment_by_segment() {
        assert_eq!(captures("/", "/"), Some(texts(&[])));
        assert_eq!(captures("/orders/{id}", "/orders/17"), Some(texts(&["17"])));
        assert_eq!(
            captures("/orders/{id}", "/orders/%C3%A4"),
            Some(texts(&["ä"]))
        );
        for other in [
            "/orders",
            "/orders/",
            "/orders/17/",
            "/orders/17/x",
            "/Orders/17",
            "/",
        ] {
            assert_eq!(captures("/orders/{id}", other), None, "{other}");
        }
        assert_eq!(captures("/orders/", "/orders/"), Some(texts(&[])));
        assert_eq!(captures("/orders", "/orders/"), None);
        assert_eq!(captures("/%C3%A4", "/%C3%A4"), Some(texts(&[])));
    }

    #[test]
    fn a_trailing_wildcard_matches_any_number_of_segments() {
        assert_eq!(captures("/*", "/"), Some(texts(&[])));
        assert_eq!(captures("/*", "/a/b/"), Some(texts(&[])));
        assert_eq!(captures("/f/{path...}", "/f/a/b"), Some(texts(&["a/b"])));
        assert_eq!(captures("/f/{path...}", "/f/"), Some(texts(&[""])));
        assert_eq!(captures("/f/{path...}", "/f"), None);
        assert_eq!(captures("/{a}/*", "/x/y"), Some(texts(&["x"])));
    }

    #[test]
    fn a_pattern_covers_another_only_if_it_matches_all_its_paths() {
        let covers = |one: &str, other: &str| {
            let parse = |text| PathPattern::parse(text).expect("a pattern");
            parse(one).covers(&parse(other))
        };
        for (one, other) in [
            ("/*", "/"),
            ("/*", "/*"),
            ("/*", "/{path...}"),
            ("/*", "/a/{b}/c/*"),
            ("/{a}", "/{b}"),
            ("/{a}", "/b"),
            ("/a/{rest...}", "/a/"),
            ("/a/{b}/*", "/a/{c}/{d}"),
        ] {
            assert!(covers(one, other), "{one} {other}");
        }
        for (one, other) in [
            ("/a", "/{b}"),
            ("/a", "/b"),
            ("/{a}", "/"),
            ("/a/{b}", "/a/"),
            ("/a/*", "/a"),
            ("/a/{b}", "/a/*"),
            ("/a/{b}/*", "/a/*"),
            ("/{a}", "/b/c"),
            ("/a/*", "/b/*"),
        ] {
            assert!(!covers(one, other), "{one} {other}");
        }
    }

    #[test]
    fn malformed_patterns_are_refused() {
        for bad in [
            "",
            "orders",
            "/a//b",
            "/{id",
            "/id}",
            "/x{id}",
            "/{id}x",
            "/{}",
            "/{1}",
            "/{a-b}",
            "/{a}/{a}",
            "/*/a",
            "/a*",
            "/{a...}/b",
            "/{a...}/*",
            "/../a",
            "/a b",
            "/ä",
            "/%c3%a4",
            "/%2F",
            "/a?b",
            "/{...}",
        ] {
            assert!(PathPattern::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn different_paths_never_yield_the_same_id() {
        let pattern = PathPattern::parse("/{shop}/{id}/{rest...}").expect("a pattern");
        for good in [
            "{id}",
            "x",
            "{shop}/{id}",
            "{id}-x/{shop}",
            "{shop}/{rest}",
            "a{id}b",
        ] {
            assert!(Template::parse(good, &pattern).is_ok(), "{good}");
        }
        for bad in [
            "",
            "{x}",
            "{id",
            "id}",
            "{shop}{id}",
            "{shop}-{id}",
            "{rest}/{id}",
            "{}",
        ] {
            assert!(Template::parse(bad, &pattern).is_err(), "{bad}");
        }
        let template = Template::parse("{shop}/{id}", &pattern).expect("a template");
        let path = parts("/a/b/c").expect("a path");
        assert_eq!(
            template.fill(&pattern.match_path(&path).expect("caught")),
            "a/b"
        );
    }

    proptest::proptest! {
        #[test]
        fn captures_equal_the_matched_segments(first in "[a-z]{1,3}", second in "[a-z0-9]{1,3}", rest in "[a-z/]{0,6}") {
            let text = format!("/{first}/{second}/{rest}");
            if let Ok(path) = parts(&text) {
                let pattern = PathPattern::parse("/{a}/{b}/{c...}").expect("a pattern");
                let captures = pattern.match_path(&path).expect("it fits");
                proptest::prop_assert_eq!(captures, [first, second, rest]);
            }
        }
    }
}
