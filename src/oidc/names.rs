//! Given and family names for users whose attributes lack them (OpenID Connect Core §5.1).

/// Derives missing names from the display name, so that given and family name together make the display name.
///
/// If both are missing, the last word is the family name, and a comma puts the family name first (`Lovelace, Ada`). That is a
/// guess; set the attributes `given_name` and `family_name` for users whose names are written otherwise.
pub fn complete(
    display_name: &str,
    given: Option<&str>,
    family: Option<&str>,
) -> (Option<String>, Option<String>) {
    let words: Vec<&str> = display_name.split_whitespace().collect();
    let whole = words.join(" ");
    let own = |name: Option<&str>| name.map(str::to_owned);
    match (given, family) {
        (Some(_), Some(_)) => (own(given), own(family)),
        (Some(name), None) => (own(given), rest(whole.strip_prefix(name))),
        (None, Some(name)) => (rest(whole.strip_suffix(name)), own(family)),
        (None, None) => split(&whole),
    }
}

/// Returns what is left of a display name beside a known name, if it is whole words.
fn rest(left: Option<&str>) -> Option<String> {
    let left = left?;
    let is_whole_word = left.starts_with(' ') || left.ends_with(' ');
    Some(left.trim().to_owned()).filter(|name| is_whole_word && !name.is_empty())
}

fn split(whole: &str) -> (Option<String>, Option<String>) {
    let name = |text: &str| Some(text.trim().to_owned()).filter(|name| !name.is_empty());
    if let Some((family, given)) = whole.split_once(',')
        && !given.contains(',')
    {
        return (name(given), name(family));
    }
    match whole.rsplit_once(' ') {
        Some((given, family)) => (name(given), name(family)),
        None => (name(whole), None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_from_the_display_name_unless_an_attribute_is_set() {
        for (display_name, given, family, expected) in [
            ("Ada Lovelace", None, None, ("Ada", "Lovelace")),
            (
                "  Ada  King   Lovelace ",
                None,
                None,
                ("Ada King", "Lovelace"),
            ),
            ("Lovelace, Ada", None, None, ("Ada", "Lovelace")),
            ("Ada", None, None, ("Ada", "")),
            ("Lovelace,", None, None, ("", "Lovelace")),
            ("a, b, c", None, None, ("a, b,", "c")),
            ("Ада Лавлейс", None, None, ("Ада", "Лавлейс")),
            ("山田太郎", None, None, ("山田太郎", "")),
            (
                "Ada Lovelace",
                Some("Augusta"),
                Some("King"),
                ("Augusta", "King"),
            ),
            ("Ada van Dyk", Some("Ada"), None, ("Ada", "van Dyk")),
            ("Ada van Dyk", None, Some("van Dyk"), ("Ada", "van Dyk")),
            ("Adam Smith", Some("Ada"), None, ("Ada", "")),
            ("Ada Lovelace", Some("Augusta"), None, ("Augusta", "")),
            ("Ada", Some("Ada"), None, ("Ada", "")),
        ] {
            let (given, family) = complete(display_name, given, family);
            let told = (given.unwrap_or_default(), family.unwrap_or_default());
            assert_eq!(
                (told.0.as_str(), told.1.as_str()),
                expected,
                "{display_name}"
            );
        }
    }

    proptest::proptest! {
        #[test]
        fn names_contain_only_words_of_the_display_name(text in "\\PC*") {
            let (given, family) = complete(&text, None, None);
            for name in [given, family].into_iter().flatten() {
                proptest::prop_assert!(!name.is_empty());
                let words = name.split_whitespace().all(|word| text.contains(word));
                proptest::prop_assert!(words);
            }
        }
    }
}
