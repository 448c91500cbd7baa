//! Character classes for texts that users read: invisible characters, and folding for comparison.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::canonical_combining_class;

/// Whether a character is invisible, or changes how those around it are shown: control characters, line and paragraph separators,
/// blank letters (fillers), and invisible format characters, including everything that changes the direction of text (UAX #9 §2)
/// and the tag characters that can hide text (and spell three flags). The two joiners are not included, because several scripts
/// and emoji need them.
pub fn is_unprintable(letter: char) -> bool {
    letter.is_control()
        || matches!(
            letter,
            '\u{AD}'
                | '\u{34F}'
                | '\u{61C}'
                | '\u{115F}'..='\u{1160}'
                | '\u{17B4}'..='\u{17B5}'
                | '\u{180E}'
                | '\u{200B}'
                | '\u{200E}'..='\u{200F}'
                | '\u{2028}'..='\u{202E}'
                | '\u{2060}'..='\u{206F}'
                | '\u{2800}'
                | '\u{3164}'
                | '\u{FEFF}'
                | '\u{FFA0}'
                | '\u{FFF9}'..='\u{FFFB}'
                | '\u{E0000}'..='\u{E007F}'
        )
}

/// Lowest combining class of accents above, below or around a letter (Unicode Standard, table 4-3).
const FIRST_ACCENT: u8 = 200;

/// Folds a text for comparison: replaces compatibility characters with their plain equivalents (NFKD), drops accents, and ignores
/// case (by way of the upper case, so that `ß` equals `ss`). "Élodie" and "ELODIE" become "elodie".
pub fn fold(text: &str) -> String {
    text.nfkd()
        .filter(|letter| canonical_combining_class(*letter) < FIRST_ACCENT)
        .flat_map(char::to_lowercase)
        .flat_map(char::to_uppercase)
        .flat_map(char::to_lowercase)
        .nfc()
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invisible_and_direction_changing_characters_are_unprintable() {
        for letter in "\0\n\t\u{7F}\u{85}\u{AD}\u{61C}\u{180E}\u{200B}\u{200E}\u{200F}\u{2028}\u{2029}\u{202A}\u{202E}\
            \u{2060}\u{2066}\u{2069}\u{206F}\u{FEFF}\u{FFF9}\u{E0001}\u{E007F}\
            \u{34F}\u{115F}\u{1160}\u{17B4}\u{2800}\u{3164}\u{FFA0}"
            .chars()
        {
            assert!(is_unprintable(letter), "{letter:?}");
        }
    }

    #[test]
    fn letters_of_all_scripts_are_printable() {
        for text in [
            "Ada Lovelace",
            "Ада Лавлейс",
            "می\u{200C}خواهم",
            "क्\u{200D}ष",
            "👩\u{200D}💻",
            "❤\u{FE0F}",
            "עברית",
            "日本語",
            "e\u{301}",
        ] {
            assert!(!text.chars().any(is_unprintable), "{text}");
        }
    }

    #[test]
    fn case_and_accents_are_folded() {
        for (text, folded) in [
            ("Élodie", "elodie"),
            ("E\u{301}LODIE", "elodie"),
            ("Özlem", "ozlem"),
            ("ÖZLEM", "ozlem"),
            ("İpek", "ipek"),
            ("Straße", "strasse"),
            ("STRASSE", "strasse"),
            ("STRAẞE", "strasse"),
            ("Ｆｕｌｌ", "full"),
            ("ﬁn", "fin"),
            ("Ёлка", "елка"),
            ("ΣΊΣΥΦΟΣ", "σισυφοσ"),
            ("Σίσυφος", "σισυφοσ"),
            ("日本語", "日本語"),
            ("がか", "がか"),
            ("한국어", "한국어"),
            ("हिन्दी", "हिन्दी"),
        ] {
            assert_eq!(fold(text), folded, "{text}");
        }
    }

    #[test]
    fn folding_twice_changes_nothing() {
        for text in ["Élodie", "Straße", "İ", "ΐ", "ǰ", "ŉ", "ﷺ", "Ǆ"] {
            let folded = fold(text);
            assert_eq!(fold(&folded), folded, "{text}");
        }
    }
}
