//! `sample`: the charts that a verification has drawn, looked at and judged.

use std::fmt::Write;

use serde::Serialize;

use super::args::{JudgeArgs, SampleCommand, WorkspaceArgs};
use super::failure::{Failure, code};
use super::run::{self, Show};
use super::{open, output};
use crate::engine::{Command, chart_records, charts, find_chart};
use crate::fhir::{self, Difference};
use crate::migration::{By, Chart, ChartRow, ChartState, ChartTally, ChartVerdict, Drawn, chart_rows};
use crate::store::operator;

/// Carries out a `sample` command.
pub fn sample(workspace: &WorkspaceArgs, command: &SampleCommand) -> Result<u8, Failure> {
    match command {
        SampleCommand::List { migration, json } => list(workspace, migration, *json),
        SampleCommand::Show { migration, chart, json } => show(workspace, migration, *chart, *json),
        SampleCommand::Pass(args) => judge(workspace, args, ChartVerdict::Passed),
        SampleCommand::Fail(args) => judge(workspace, args, ChartVerdict::Failed),
        SampleCommand::Waive(args) => judge(workspace, args, ChartVerdict::Waived),
    }
}

/// A chart in the list.
#[derive(Serialize)]
struct Listed<'c> {
    chart: u32,
    stratum: &'c str,
    drawn: Drawn,
    patient: &'c str,
    records: u32,
    differing: u32,
    left_out: u32,
    state: &'static str,
    judged_by: Option<&'c str>,
    comment: Option<&'c str>,
}

impl<'c> Listed<'c> {
    fn of(chart: &'c Chart) -> Self {
        let (patient, judgement) = (&chart.patient, chart.judgement.as_ref());
        Self {
            chart: patient.number,
            stratum: &patient.stratum,
            drawn: patient.drawn,
            patient: &patient.id,
            records: patient.records,
            differing: patient.differing,
            left_out: patient.left_out,
            state: chart.state().words(),
            judged_by: judgement.map(crate::migration::Judgement::who),
            comment: judgement.and_then(|judgement| judgement.why.as_deref()),
        }
    }
}

/// Lists the charts, and gives exit code 3 while one waits for a person.
fn list(workspace: &WorkspaceArgs, migration: &str, json: bool) -> Result<u8, Failure> {
    let storage = open::open(workspace, "sample list")?;
    let plan = open::plan(&storage, migration)?;
    let all = charts(&storage, &plan)?;
    let tally = ChartTally::of(&all);
    let code = if tally.settled() { code::DONE } else { code::WAITING };
    if json {
        output::json(&all.iter().map(Listed::of).collect::<Vec<_>>())?;
        return Ok(code);
    }
    if all.is_empty() {
        output::say(&format!("No charts were drawn yet: cutover verify {}", plan.id));
        return Ok(code::DONE);
    }
    output::print(&text(&all));
    if let Some(found) = storage.tables.verifications.get(plan.id.as_bytes())? {
        output::say(&output::wrapped("", &format!("\n{}.", found.acceptance.words())));
    }
    if code == code::WAITING {
        output::say(&format!(
            "\nNext: cutover sample show {} CHART, then pass, fail or waive it",
            plan.id
        ));
    }
    Ok(code)
}

fn text(charts: &[Chart]) -> String {
    let mut rows = vec![
        ["Chart", "Stratum", "Drawn", "Records", "Differing", "State", "By"]
            .map(str::to_owned)
            .to_vec(),
    ];
    for chart in charts {
        let listed = Listed::of(chart);
        let drawn = match chart.patient.drawn {
            Drawn::Lot => "by lot",
            Drawn::Stratum => "for its stratum",
            Drawn::Named => "named",
            Drawn::Failed => "failed before",
        };
        rows.push(vec![
            listed.chart.to_string(),
            listed.stratum.to_owned(),
            drawn.to_owned(),
            (listed.records + listed.left_out).to_string(),
            listed.differing.to_string(),
            listed.state.to_owned(),
            fhir::safe(listed.judged_by.unwrap_or_default()).into_owned(),
        ]);
    }
    let tally = ChartTally::of(charts);
    let mut out = output::table(&rows);
    // Writing to a String does not fail.
    let _ = writeln!(
        out,
        "\n{} charts: {} passed, {} waived, {} failed, {} to look at.",
        tally.drawn, tally.passed, tally.waived, tally.failed, tally.open
    );
    out
}

fn show(workspace: &WorkspaceArgs, migration: &str, chart: u32, json: bool) -> Result<u8, Failure> {
    let storage = open::open(workspace, "sample show")?;
    let plan = open::plan(&storage, migration)?;
    let patient = find_chart(&storage, &plan, chart)?;
    let records = chart_records(&storage, &plan, chart)?;
    if json {
        output::json(&records)?;
        return Ok(code::DONE);
    }
    output::say(&format!(
        "Chart {chart} of `{}`: {}, {} records, {} of them not shown.",
        plan.id,
        patient.stratum,
        patient.records + patient.left_out,
        patient.left_out
    ));
    output::print(&side_by_side(&chart_rows(&records)));
    let all = charts(&storage, &plan)?;
    let state = all.iter().find(|known| known.patient.number == chart).map(Chart::state);
    if state.is_some_and(|state| !matches!(state, ChartState::Judged(ChartVerdict::Passed | ChartVerdict::Waived))) {
        output::say(&format!("\nNext: cutover sample pass {} {chart}", plan.id));
    }
    Ok(code::DONE)
}

/// A chart in text: what is alike in one line, what differs in two.
fn side_by_side(rows: &[ChartRow]) -> String {
    let mut out = String::new();
    let mut section = None;
    for row in rows {
        if section != Some(row.section) {
            section = Some(row.section);
            let _ = writeln!(out, "\n{}", row.section.name());
        }
        let name = if row.name.is_empty() {
            String::new()
        } else {
            format!("{}: ", row.name)
        };
        let say = |side: &Option<String>| format!("{name}{}", fhir::safe(side.as_deref().unwrap_or("(none)")));
        match row.difference {
            None => out.push_str(&output::wrapped("  = ", &say(&row.left))),
            Some(difference) => {
                let sign = match difference {
                    Difference::OnlyLeft => "  + ",
                    Difference::OnlyRight => "  - ",
                    Difference::Differs | Difference::Order => "  # ",
                };
                out.push_str(&output::wrapped(&format!("{sign}EHR   "), &say(&row.left)));
                out.push('\n');
                out.push_str(&output::wrapped("    here  ", &say(&row.right)));
                if !row.elements.is_empty() {
                    out.push('\n');
                    out.push_str(&output::wrapped("    in    ", &row.elements.join(", ")));
                }
            }
        }
        out.push('\n');
    }
    out
}

fn judge(workspace: &WorkspaceArgs, args: &JudgeArgs, verdict: ChartVerdict) -> Result<u8, Failure> {
    let storage = open::open(workspace, "sample")?;
    let plan = open::plan(&storage, &args.migration)?;
    let command = Command::Judge {
        chart: args.chart,
        content: find_chart(&storage, &plan, args.chart)?.content,
        verdict,
        who: By {
            login: operator(),
            name: args.name.clone(),
            why: args.comment.clone(),
        },
    };
    run::command(&storage, &plan, command, Show::Nothing)?;
    let tally = ChartTally::of(&charts(&storage, &plan)?);
    output::say(&format!("Sample chart {} is {}.", args.chart, verdict.name()));
    if tally.settled() {
        output::say(&format!(
            "Every sample chart is passed or waived.\n\nNext: cutover gate {}",
            plan.id
        ));
    } else {
        let left = tally.failed + tally.open;
        output::say(&format!("{left} more to go: cutover sample list {}", plan.id));
    }
    Ok(code::DONE)
}
