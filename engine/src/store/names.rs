//! Enumerations whose values have names, in answers, lists and the database.

/// Gives an enumeration its names: `ALL`, `as_str`, `Display`, `FromStr`.
macro_rules! names {
    ($type:ident, $what:literal: $($variant:ident = $name:literal),+ $(,)?) => {
        impl $type {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The name in answers, lists and the database.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $name),+
                }
            }
        }

        impl std::fmt::Display for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl std::str::FromStr for $type {
            type Err = $crate::store::StoreError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                match text {
                    $($name => Ok(Self::$variant),)+
                    _ => Err($crate::store::StoreError::NotFound(format!(
                        "'{text}' is not a {}; there are {}",
                        $what,
                        [$($name),+].join(", ")
                    ))),
                }
            }
        }
    };
}
pub(super) use names;
