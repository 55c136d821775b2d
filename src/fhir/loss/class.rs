//! The classes of losses.

/// A class of losses. Each has a stable name, belongs to one of seven modes, and can be said in a few words. The gravest comes first: it
/// names a record that lost several things.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LossClass {
    /// Two records became one, and nobody decided that.
    MergedWithoutDecision,
    /// Another record stands where this one should.
    MixedUp,
    /// What is there is no record.
    Unreadable,
    /// The record is not there.
    Missing,
    /// All that is left of a structured record is its narrative.
    NarrativeOnly,
    /// A reference leads to another patient.
    ReferenceToAnotherPatient,
    /// Who a patient is: name, birth date, sex, number, death.
    IdentityChanged,
    /// A status says something else: clinical or verification status, status of a medication or an order.
    StatusChanged,
    /// Severity or criticality.
    SeverityChanged,
    /// A coded element is there as text only, or without one of its codes.
    CodeFlattened,
    /// A code is another one.
    CodeChanged,
    /// `coding.system` was dropped or is another one.
    CodeSystemChanged,
    /// When something ended, or that it did.
    AbatementChanged,
    /// When something began.
    OnsetChanged,
    /// Category.
    CategoryChanged,
    /// A choice of types has another type.
    ChoiceTypeCoerced,
    /// A quantity has another unit, or none.
    UnitChanged,
    /// A number has fewer digits, or a time is cut off.
    PrecisionLost,
    /// A reference range.
    ReferenceRangeChanged,
    /// The bytes of an attachment, or the way to them, are gone.
    AttachmentMissing,
    /// An attachment has other bytes, another size, hash or type.
    AttachmentAltered,
    /// A reference leads to no record.
    ReferenceToNothing,
    /// A reference is gone.
    ReferenceDropped,
    /// A reference leads to another record.
    ReferenceChanged,
    /// An extension is gone.
    ExtensionDropped,
    /// An element is gone.
    ElementDropped,
    /// An element says something else.
    ValueChanged,
    /// An element is there that the source did not have.
    ElementAdded,
    /// A list is in another order.
    OrderChanged,
    /// The same thing is there twice.
    Duplicated,
    /// A record is there that nothing received explains.
    Extra,
}

impl LossClass {
    /// All of them, the gravest first.
    pub const ALL: [Self; 31] = [
        Self::MergedWithoutDecision,
        Self::MixedUp,
        Self::Unreadable,
        Self::Missing,
        Self::NarrativeOnly,
        Self::ReferenceToAnotherPatient,
        Self::IdentityChanged,
        Self::StatusChanged,
        Self::SeverityChanged,
        Self::CodeFlattened,
        Self::CodeChanged,
        Self::CodeSystemChanged,
        Self::AbatementChanged,
        Self::OnsetChanged,
        Self::CategoryChanged,
        Self::ChoiceTypeCoerced,
        Self::UnitChanged,
        Self::PrecisionLost,
        Self::ReferenceRangeChanged,
        Self::AttachmentMissing,
        Self::AttachmentAltered,
        Self::ReferenceToNothing,
        Self::ReferenceDropped,
        Self::ReferenceChanged,
        Self::ExtensionDropped,
        Self::ElementDropped,
        Self::ValueChanged,
        Self::ElementAdded,
        Self::OrderChanged,
        Self::Duplicated,
        Self::Extra,
    ];

    /// Its stable name.
    pub fn name(self) -> &'static str {
        self.told().0
    }

    /// The class of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|class| class.name() == name)
    }

    /// What happened, in a few words that hold nothing of the record.
    pub fn words(self) -> &'static str {
        self.told().1
    }

    /// The mode that it belongs to: 1 codes flattened, 2 code systems, 3 status and granularity, 4 attachments, 5 references,
    /// 6 elements and values, 7 records missing, doubled or merged.
    pub fn mode(self) -> u8 {
        match self {
            Self::CodeFlattened | Self::NarrativeOnly => 1,
            Self::CodeSystemChanged | Self::CodeChanged => 2,
            Self::StatusChanged
            | Self::SeverityChanged
            | Self::CategoryChanged
            | Self::OnsetChanged
            | Self::AbatementChanged
            | Self::ChoiceTypeCoerced => 3,
            Self::AttachmentMissing | Self::AttachmentAltered => 4,
            Self::ReferenceToNothing
            | Self::ReferenceToAnotherPatient
            | Self::ReferenceChanged
            | Self::ReferenceDropped => 5,
            Self::PrecisionLost
            | Self::UnitChanged
            | Self::ReferenceRangeChanged
            | Self::ExtensionDropped
            | Self::ElementDropped
            | Self::ValueChanged
            | Self::ElementAdded
            | Self::OrderChanged => 6,
            Self::IdentityChanged
            | Self::Missing
            | Self::Extra
            | Self::Duplicated
            | Self::MergedWithoutDecision
            | Self::MixedUp
            | Self::Unreadable => 7,
        }
    }

    fn told(self) -> (&'static str, &'static str) {
        match self {
            Self::CodeFlattened => ("code-flattened", "lost a code, only text is left"),
            Self::NarrativeOnly => ("narrative-only", "is there as narrative only"),
            Self::CodeSystemChanged => ("code-system-changed", "has a code of another system, or of none"),
            Self::CodeChanged => ("code-changed", "has another code"),
            Self::StatusChanged => ("status-changed", "has another status"),
            Self::SeverityChanged => ("severity-changed", "has another severity or criticality"),
            Self::CategoryChanged => ("category-changed", "has another category"),
            Self::OnsetChanged => ("onset-changed", "began at another time"),
            Self::AbatementChanged => ("abatement-changed", "ended at another time, or did not end"),
            Self::ChoiceTypeCoerced => ("choice-type-coerced", "has a value of another type"),
            Self::AttachmentMissing => ("attachment-missing", "lost an attachment"),
            Self::AttachmentAltered => ("attachment-altered", "has another attachment"),
            Self::ReferenceToNothing => ("reference-to-nothing", "refers to a record that is not there"),
            Self::ReferenceToAnotherPatient => ("reference-to-another-patient", "belongs to another patient"),
            Self::ReferenceChanged => ("reference-changed", "refers to another record"),
            Self::ReferenceDropped => ("reference-dropped", "lost a reference"),
            Self::PrecisionLost => ("precision-lost", "lost digits of a number or a part of a date"),
            Self::UnitChanged => ("unit-changed", "has another unit, or none"),
            Self::ReferenceRangeChanged => ("reference-range-changed", "has another reference range"),
            Self::ExtensionDropped => ("extension-dropped", "lost an extension"),
            Self::ElementDropped => ("element-dropped", "lost an element"),
            Self::ValueChanged => ("value-changed", "says something else"),
            Self::ElementAdded => ("element-added", "has an element that was not received"),
            Self::OrderChanged => ("order-changed", "has a list in another order"),
            Self::IdentityChanged => ("identity-changed", "says otherwise who the patient is"),
            Self::Missing => ("missing", "is not in the store"),
            Self::Extra => ("extra", "is in the store, and nothing that was received explains it"),
            Self::Duplicated => ("duplicated", "is there twice"),
            Self::MergedWithoutDecision => (
                "merged-without-decision",
                "was merged with another, and no decision explains it",
            ),
            Self::MixedUp => ("mixed-up", "has another record in its place"),
            Self::Unreadable => ("unreadable", "cannot be read back as a record"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_class_is_known_by_its_name_and_every_mode_has_some() {
        for class in LossClass::ALL {
            assert_eq!(LossClass::named(class.name()), Some(class));
        }
        assert!((1..=7).all(|mode| LossClass::ALL.iter().any(|class| class.mode() == mode)));
        assert_eq!(LossClass::named("landing-short"), None);
    }
}
