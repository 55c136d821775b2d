//! Choices of types (R4 formats, choice of data types): `deceased[x]` stands for `deceasedBoolean` and `deceasedDateTime`.

/// The stem of the choice that an element is one type of: `deceased` for `deceasedBoolean` (R4, top level of all resources).
pub(super) fn choice(name: &str) -> Option<&'static str> {
    let stem = CHOICES.iter().find(|stem| {
        name.strip_prefix(**stem)
            .is_some_and(|datatype| DATATYPES.contains(&datatype))
    });
    stem.copied()
}

const CHOICES: [&str; 32] = [
    "abatement",
    "age",
    "asNeeded",
    "born",
    "code",
    "created",
    "deceased",
    "effective",
    "event",
    "identified",
    "item",
    "legallyBinding",
    "medication",
    "module",
    "multipleBirth",
    "occurred",
    "occurrence",
    "onset",
    "performed",
    "product",
    "quantity",
    "reported",
    "serviced",
    "source",
    "start",
    "statusReason",
    "subject",
    "target",
    "timing",
    "topic",
    "value",
    "amount",
];

const DATATYPES: [&str; 38] = [
    "Address",
    "Age",
    "Annotation",
    "Attachment",
    "Base64Binary",
    "Boolean",
    "Canonical",
    "Code",
    "CodeableConcept",
    "Coding",
    "ContactPoint",
    "Count",
    "Date",
    "DateTime",
    "Decimal",
    "Distance",
    "Duration",
    "HumanName",
    "Id",
    "Identifier",
    "Instant",
    "Integer",
    "Markdown",
    "Money",
    "Oid",
    "Period",
    "PositiveInt",
    "Quantity",
    "Range",
    "Ratio",
    "Reference",
    "SampledData",
    "String",
    "Time",
    "Timing",
    "UnsignedInt",
    "Uri",
    "Url",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_types_of_a_choice_are_one_field_and_other_names_are_not() {
        assert_eq!(choice("deceasedDateTime"), Some("deceased"));
        assert_eq!(choice("valueQuantity"), Some("value"));
        assert_eq!(choice("statusReasonReference"), Some("statusReason"));
        for name in [
            "value",
            "codeable",
            "reasonCode",
            "subject",
            "status",
            "targetDisease",
            "sourcePatientInfo",
        ] {
            assert_eq!(choice(name), None, "{name}");
        }
    }
}
