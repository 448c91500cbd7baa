//! Enums whose variants have a text, under which they are stored and shown.

/// Implements the texts of an enum without fields: `text_enum!(UserStatus { Active = "active", Suspended = "suspended" });`
macro_rules! text_enum {
    ($name:ident { $first:ident = $first_text:literal $(, $variant:ident = $text:literal)* $(,)? }) => {
        #[allow(dead_code, reason = "not every enum needs all of them")]
        impl $name {
            /// All values.
            pub const ALL: [Self; [$first_text $(, $text)*].len()] = [Self::$first $(, Self::$variant)*];
            /// The texts of all values, for error messages.
            pub const NAMES: &'static str = concat!($first_text $(, ", ", $text)*);

            /// The text, as it is stored and shown.
            pub const fn as_str(self) -> &'static str {
                match self {
                    Self::$first => $first_text,
                    $(Self::$variant => $text,)*
                }
            }

            /// Parses the text of a value.
            pub fn parse(text: &str) -> Option<Self> {
                Self::ALL.into_iter().find(|value| value.as_str() == text)
            }
        }
    };
}
pub(crate) use text_enum;
