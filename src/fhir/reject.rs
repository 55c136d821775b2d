//! Why a line cannot be taken as a record.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::json::{Flaw, MAX_DEPTH};

/// Why a line is not a record; it holds positions and element names, never content. Columns count bytes from 1.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum Reject {
    /// A byte that is not UTF-8 (RFC 8259, section 8.1).
    #[error("the line is not UTF-8 at column {column}")]
    NotUtf8 {
        /// Where.
        column: usize,
    },
    /// Not JSON, cut off, or followed by something else.
    #[error("the line is not JSON at column {column}")]
    NotJson {
        /// Where.
        column: usize,
    },
    /// JSON, but not an object.
    #[error("the line is not a JSON object")]
    NotObject,
    /// Nested deeper than any FHIR record.
    #[error("the record is nested deeper than {MAX_DEPTH} levels at column {column}")]
    TooDeep {
        /// Where.
        column: usize,
    },
    /// Half of a surrogate pair, which stands for no character.
    #[error("the record has half of a UTF-16 surrogate pair at column {column}")]
    LoneSurrogate {
        /// Where.
        column: usize,
    },
    /// An element name written with escapes.
    #[error("the record has an element name written with escapes at column {column}")]
    EscapedName {
        /// Where.
        column: usize,
    },
    /// An element that must be there once is there twice.
    #[error("the element {element} is there twice")]
    Duplicate {
        /// Path of the element.
        element: Cow<'static, str>,
    },
    /// An element is of another JSON kind than FHIR gives it.
    #[error("the element {element} is not of the kind that FHIR gives it")]
    WrongKind {
        /// Path of the element.
        element: Cow<'static, str>,
    },
    /// A value that needs no escapes is written with them.
    #[error("the element {element} is written with escapes")]
    EscapedValue {
        /// Path of the element.
        element: Cow<'static, str>,
    },
    /// No `resourceType`.
    #[error("the record has no resourceType")]
    NoResourceType,
    /// A `resourceType` that cannot be the name of a type.
    #[error("the record's resourceType is not the name of a type")]
    BadResourceType,
    /// No `id`.
    #[error("the record has no id")]
    NoId,
    /// An `id` that is not 1 to 64 letters, digits, `-` and `.` (R4 datatypes, id).
    #[error("the record's id is not 1 to 64 letters, digits, '-' and '.'")]
    BadId,
    /// An element that base R4 requires is absent or empty.
    #[error("the {resource_type} has no {element}, which FHIR R4 requires")]
    MissingElement {
        /// Type of the record.
        resource_type: Cow<'static, str>,
        /// Path of the element.
        element: Cow<'static, str>,
    },
}

impl Reject {
    /// The stable name of the reason.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotUtf8 { .. } => "not-utf8",
            Self::NotJson { .. } => "not-json",
            Self::NotObject => "not-object",
            Self::TooDeep { .. } => "too-deep",
            Self::LoneSurrogate { .. } => "lone-surrogate",
            Self::EscapedName { .. } => "escaped-name",
            Self::Duplicate { .. } => "duplicate",
            Self::WrongKind { .. } => "wrong-kind",
            Self::EscapedValue { .. } => "escaped-value",
            Self::NoResourceType => "no-resource-type",
            Self::BadResourceType => "bad-resource-type",
            Self::NoId => "no-id",
            Self::BadId => "bad-id",
            Self::MissingElement { .. } => "missing-element",
        }
    }

    /// What a person can do about it.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::NotUtf8 { .. } => "the EHR exported another encoding; ask the vendor for UTF-8",
            Self::NotJson { .. } => "the line may have been cut off; export the file again and compare",
            Self::BadId => "ask the vendor how this record is known; no FHIR server accepts such an id",
            Self::MissingElement { .. } => "correct the record in the EHR and export it again, or accept its absence",
            _ => return None,
        };
        Some(hint.to_owned())
    }
}

impl From<Flaw> for Reject {
    fn from(flaw: Flaw) -> Self {
        match flaw {
            Flaw::Syntax { at } => Self::NotJson { column: at + 1 },
            Flaw::TooDeep { at } => Self::TooDeep { column: at + 1 },
            Flaw::LoneSurrogate { at } => Self::LoneSurrogate { column: at + 1 },
            Flaw::EscapedName { at } => Self::EscapedName { column: at + 1 },
        }
    }
}
