//! A sample chart as a person looks at it: in sections, row by row, both sides.

use super::sample::SampleRecord;
use crate::fhir::{self, Difference, Section, chart_lines};

/// A row of a chart. It holds a patient's data.
#[derive(Clone, PartialEq, Eq)]
pub struct ChartRow {
    /// The section.
    pub section: Section,
    /// What it is of a patient, such as `birthDate`; empty for a whole record.
    pub name: &'static str,
    /// What the source says.
    pub left: Option<String>,
    /// What the destination says.
    pub right: Option<String>,
    /// How they differ, if they do.
    pub difference: Option<Difference>,
    /// Elements in which the records differ though they read alike in short.
    pub elements: Vec<String>,
}

impl std::fmt::Debug for ChartRow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("ChartRow").field(&self.section).finish()
    }
}

/// The rows of a chart, by section; what is read by date with the latest first.
pub fn chart_rows(records: &[SampleRecord]) -> Vec<ChartRow> {
    let mut rows: Vec<ChartRow> = records.iter().flat_map(rows_of).collect();
    rows.sort_by(|a, b| {
        let key = |row: &ChartRow| row.left.clone().or_else(|| row.right.clone());
        let dated = matches!(
            a.section,
            Section::Encounters | Section::Results | Section::Documents | Section::Other
        );
        a.section.cmp(&b.section).then_with(|| match a.section {
            Section::Demographics => std::cmp::Ordering::Equal,
            _ if dated => key(b).cmp(&key(a)),
            _ => key(a).cmp(&key(b)),
        })
    });
    rows
}

fn rows_of(record: &SampleRecord) -> Vec<ChartRow> {
    let resource_type = fhir::scan(record.source.as_bytes()).map_or("", |scan| scan.resource_type);
    let section = Section::of(resource_type);
    let (left, right) = (
        chart_lines(&record.source),
        record.target.as_deref().map(chart_lines).unwrap_or_default(),
    );
    let mut names: Vec<&'static str> = left.iter().map(|line| line.name).collect();
    for line in &right {
        if !names.contains(&line.name) {
            names.push(line.name);
        }
    }
    let mut rows: Vec<ChartRow> = names
        .into_iter()
        .map(|name| {
            let say = |lines: &[fhir::ChartLine]| {
                let line = lines.iter().find(|line| line.name == name);
                line.map(|line| line.words.clone())
            };
            let (left, right) = (say(&left), say(&right));
            let difference = match (&left, &right) {
                (Some(left), Some(right)) if left == right => None,
                (Some(_), None) => Some(Difference::OnlyLeft),
                (None, Some(_)) => Some(Difference::OnlyRight),
                _ => Some(Difference::Differs),
            };
            ChartRow {
                section,
                name,
                left,
                right,
                difference,
                elements: Vec::new(),
            }
        })
        .collect();
    // What reads alike and is not the same must be seen as well.
    if !record.same && rows.iter().all(|row| row.difference.is_none()) {
        let elements = elements(record);
        if let (Some(first), false) = (rows.first_mut(), elements.is_empty()) {
            first.difference = Some(Difference::Differs);
            first.elements = elements;
        }
    }
    rows
}

fn elements(record: &SampleRecord) -> Vec<String> {
    let target = record.target.as_deref().unwrap_or_default();
    let Ok(found) = fhir::diff(record.source.as_bytes(), target.as_bytes(), None) else {
        return vec!["the record".to_owned()];
    };
    // Which item of a list it is says nothing to a clinician.
    let mut names: Vec<String> = found
        .iter()
        .filter_map(|found| found.path.split('[').next().map(str::to_owned))
        .collect();
    names.dedup();
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(source: &str, target: Option<&str>, same: bool) -> SampleRecord {
        SampleRecord {
            source: source.to_owned(),
            target: target.map(str::to_owned),
            same,
        }
    }

    const ASTHMA: &str = r#"{"resourceType":"Condition","id":"a","subject":{"reference":"Patient/p"},"code":{"text":"Asthma"},"clinicalStatus":{"coding":[{"code":"resolved"}]}}"#;

    #[test]
    fn what_differs_is_told_and_what_is_missing() {
        let active = ASTHMA.replace("resolved", "active");
        let rows = chart_rows(&[
            record(ASTHMA, Some(&active), false),
            record(ASTHMA, None, false),
            record(ASTHMA, Some(ASTHMA), true),
        ]);
        let told: Vec<_> = rows
            .iter()
            .map(|row| (row.left.as_deref(), row.right.as_deref(), row.difference))
            .collect();
        assert_eq!(
            told[0],
            (
                Some("Asthma, resolved"),
                Some("Asthma, active"),
                Some(Difference::Differs)
            )
        );
        assert_eq!(told[1], (Some("Asthma, resolved"), None, Some(Difference::OnlyLeft)));
        assert_eq!(told[2].2, None);
    }

    #[test]
    fn a_difference_that_cannot_be_read_is_named() {
        let other = ASTHMA.replace("\"id\"", "\"note\":[{\"text\":\"x\"}],\"id\"");
        let rows = chart_rows(&[record(ASTHMA, Some(&other), false)]);
        assert_eq!(
            (rows[0].difference, rows[0].elements.as_slice()),
            (Some(Difference::Differs), &["note".to_owned()][..])
        );
    }

    #[test]
    fn sections_come_in_the_order_of_a_chart_and_visits_by_date() {
        let visit = |day: &str| {
            format!(r#"{{"resourceType":"Encounter","id":"e","status":"finished","period":{{"start":"{day}"}}}}"#)
        };
        let patient = r#"{"resourceType":"Patient","id":"p","birthDate":"1984-03-07","name":[{"family":"Mori"}]}"#;
        let records = [
            visit("2020-01-01"),
            ASTHMA.to_owned(),
            visit("2024-01-01"),
            patient.to_owned(),
        ];
        let records: Vec<_> = records.iter().map(|text| record(text, Some(text), true)).collect();
        let said: Vec<_> = chart_rows(&records).into_iter().map(|row| row.left.unwrap()).collect();
        assert_eq!(
            said,
            [
                "Mori",
                "1984-03-07",
                "Asthma, resolved",
                "2024-01-01, finished",
                "2020-01-01, finished"
            ]
        );
    }
}
