//! A text that must not be shown.

use std::fmt;

use zeroize::Zeroizing;

/// A token, client secret or assertion: wiped from memory when dropped, never shown by `Debug`, without `Display`.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes a secret text over.
    pub fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    /// The secret itself; only for the header or form field it is meant for.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[hidden]")
    }
}

#[cfg(test)]
mod tests {
    use super::Secret;

    #[test]
    fn a29_debug_output_never_shows_a_secret() {
        assert_eq!(
            format!("{:?}", Some(Secret::new("s3cr3t"))),
            "Some([hidden])"
        );
    }
}
