use proptest::prelude::*;

use super::*;

fn party(id: &str, npi: &str, identifier: &str, name: &str, organization: &str) -> Party {
    let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    Party {
        id: id.to_owned(),
        credentials: Credentials {
            npis: some(npi).into_iter().collect(),
            identifiers: some(identifier)
                .map(|value| ("urn:s".to_owned(), value))
                .into_iter()
                .collect(),
            names: some(name).into_iter().collect(),
            organization: None,
        },
        organization: some(organization),
    }
}

fn verdicts(resource_type: &str, sources: &[Party], targets: &[Party]) -> Vec<Verdict> {
    counterparts(resource_type, sources, targets, &|id| id == "taken")
}

#[test]
fn practitioners_are_the_same_by_npi_and_never_by_name() {
    let targets = [
        party("a", "1", "7", "Ann Smith", ""),
        party("b", "2", "", "Bea Jones", ""),
        party("c", "3", "", "Cal Ortiz", ""),
        party("d", "3", "", "Cal Ortiz", ""),
        party("taken", "4", "", "Dee Wong", ""),
    ];
    let sources = [
        party("1", "1", "", "Ann Miller", ""),
        // The same person under two ids.
        party("2", "1", "", "SMITH, Ann", ""),
        party("3", "2", "", "Zoë Quinn", ""),
        party("4", "3", "", "Cal Ortiz", ""),
        party("5", "4", "", "Dee Wong", ""),
        party("6", "", "7", "Ann Smith", ""),
        party("7", "9", "", "Eve New", ""),
    ];
    assert_eq!(
        verdicts("Practitioner", &sources, &targets),
        [
            Verdict::Same(0, Ground::Npi),
            Verdict::Same(0, Ground::Npi),
            Verdict::Maybe(vec![1], Doubt::OtherName),
            Verdict::Maybe(vec![2, 3], Doubt::Several),
            Verdict::Maybe(vec![4], Doubt::Taken),
            Verdict::Maybe(vec![0], Doubt::NameOnly),
            Verdict::New,
        ]
    );
}

#[test]
fn organizations_are_the_same_by_number_one_by_one() {
    let targets = [
        party("a", "1", "", "Hillside", ""),
        party("b", "", "7", "Westside Clinic", ""),
        party("c", "", "8", "Lakeshore", ""),
        party("d", "", "8", "Lakeshore Radiology", ""),
        party("e", "5", "9", "Northgate", ""),
    ];
    let sources = [
        party("1", "1", "", "Hillside Radiology", ""),
        party("2", "1", "", "Hillside", ""),
        party("3", "", "7", "Westside", ""),
        party("4", "", "8", "Lakeshore", ""),
        party("5", "", "", "Westside Clinic", ""),
        party("6", "6", "9", "Northgate", ""),
    ];
    assert_eq!(
        verdicts("Organization", &sources, &targets),
        [
            // Departments share the number of their house.
            Verdict::Maybe(vec![0], Doubt::Several),
            Verdict::Same(0, Ground::Npi),
            Verdict::Same(1, Ground::Identifier),
            Verdict::Same(2, Ground::Identifier),
            Verdict::Maybe(vec![1], Doubt::NameOnly),
            Verdict::Maybe(vec![4], Doubt::OtherName),
        ]
    );
}

#[test]
fn locations_are_the_same_by_name_within_one_organization() {
    let targets = [
        party("a", "", "", "Riverside Clinic", "org"),
        party("b", "", "", "Main Building", "org"),
        party("c", "", "", "Main Building", "other"),
        party("d", "", "", "Annex", ""),
    ];
    let sources = [
        party("1", "", "", "RIVERSIDE clinic", "org"),
        party("2", "", "", "Main Building", "org"),
        party("3", "", "", "Main Building", ""),
        party("4", "", "", "Annex", ""),
        party("5", "", "", "Tower", "org"),
    ];
    assert_eq!(
        verdicts("Location", &sources, &targets),
        [
            Verdict::Same(0, Ground::Name),
            Verdict::Same(1, Ground::Name),
            Verdict::Maybe(vec![1, 2], Doubt::NameOnly),
            Verdict::Maybe(vec![3], Doubt::NameOnly),
            Verdict::New,
        ]
    );
}

fn anyone() -> impl Strategy<Value = Party> {
    (0_u8..4, 0_u8..4, 0_u8..4, 0_u8..3).prop_map(|(npi, number, name, organization)| {
        let some = |prefix: &str, of: u8| {
            if of == 0 {
                String::new()
            } else {
                format!("{prefix}{of}")
            }
        };
        party(
            "x",
            &some("n", npi),
            &some("i", number),
            &some("Name", name),
            &some("o", organization),
        )
    })
}

proptest! {
    #[test]
    fn nobody_is_two_and_the_order_does_not_matter(
        sources in prop::collection::vec(anyone(), 0..8), targets in prop::collection::vec(anyone(), 0..8),
    ) {
        for resource_type in ["Organization", "Location", "Practitioner"] {
            let forwards = verdicts(resource_type, &sources, &targets);
            let mut claimed = Vec::new();
            for (source, verdict) in sources.iter().zip(&forwards) {
                let Verdict::Same(target, ground) = verdict else { continue };
                claimed.push(*target);
                prop_assert!(source.credentials.alike(&targets[*target].credentials));
                prop_assert!(resource_type != "Practitioner" || *ground == Ground::Npi);
            }
            let all = claimed.len();
            claimed.sort_unstable();
            claimed.dedup();
            prop_assert!(resource_type == "Practitioner" || claimed.len() == all);
            let reversed: Vec<Party> = sources.iter().rev().cloned().collect();
            let mut backwards = verdicts(resource_type, &reversed, &targets);
            backwards.reverse();
            prop_assert_eq!(backwards, forwards);
        }
    }
}
