//! Plans: made from a preset and from what somebody typed, checked value by value, and put into the ledger.

use serde_json::{Map, Value};
use url::Url;

use super::connect::base;
use super::error::EngineError;
use super::export::request;
use super::tally::runs_of;
use crate::fhir;
use crate::http::{Http, HttpSettings, check_transport};
use crate::migration::{AuthMethod, Environment, Event, Plan, Preset, PresetError};
use crate::source::Session;
use crate::store::{MAX_RAW_LEN, Storage, migration_key};

/// A part of a plan that can be wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum PlanField {
    /// Short name.
    Id,
    /// Tenant at the destination.
    Tenant,
    /// FHIR base URL.
    BaseUrl,
    /// Token URL.
    TokenUrl,
    /// Where our keys are published.
    JwksUrl,
    /// Only what changed since.
    Since,
    /// Only what changed up to then.
    Until,
    /// Types.
    Types,
    /// Filters.
    TypeFilters,
    /// Patients.
    Patients,
    /// Files at the same time.
    Parallel,
    /// Requests a minute.
    RequestsPerMinute,
    /// Longest line.
    MaxLine,
}

/// What is wrong with a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanProblem {
    /// Where.
    pub field: PlanField,
    /// What, in a sentence.
    pub what: String,
    /// What to do.
    pub hint: String,
}

/// Fills in what a preset knows of its vendor's servers.
pub fn furnish(plan: &mut Plan, preset: &Preset) {
    let export = &preset.export;
    plan.preset.clone_from(&preset.id);
    plan.auth = preset.auth.methods.first().copied().unwrap_or(plan.auth);
    plan.algorithm = preset.auth.algorithms.first().copied().unwrap_or(plan.algorithm);
    plan.level = export.levels.first().copied().unwrap_or(plan.level);
    plan.method = export.method;
    plan.repeat = export.repeat;
    plan.types.clone_from(&export.types);
    plan.poll_floor_s = preset.poll.floor_s.unwrap_or(plan.poll_floor_s);
    plan.poll_ceiling_s = preset.poll.ceiling_s.unwrap_or(plan.poll_ceiling_s);
    plan.requests_per_minute = preset.rate.requests_per_minute;
}

/// Fills in the addresses of one of a vendor's servers, for the practice with this code.
pub fn fill_in(plan: &mut Plan, environment: &Environment, practice: Option<&str>) -> Result<(), PresetError> {
    let filled = environment.filled(practice)?;
    plan.base_url = filled.base_url.unwrap_or_default();
    plan.preset_token_url = filled.token_url;
    plan.group = filled.group;
    Ok(())
}

/// A short name for a practice of this name, other than those that are taken.
pub fn slug(name: &str, taken: &dyn Fn(&str) -> bool) -> String {
    let mut short = String::new();
    for c in deunicode::deunicode(name).to_ascii_lowercase().chars() {
        if c.is_ascii_alphanumeric() {
            short.push(c);
        } else if !short.is_empty() && !short.ends_with('-') {
            short.push('-');
        }
    }
    short.truncate(32);
    let short = short.trim_end_matches('-');
    let short = if short.is_empty() { "practice" } else { short };
    let numbered = (2..).map(|number| format!("{short}-{number}"));
    std::iter::once(short.to_owned())
        .chain(numbered)
        .find(|name| !taken(name))
        .unwrap_or_default()
}

/// A migration that nobody has told anything about yet but the practice's name.
pub fn prepared(id: &str, name: &str) -> Plan {
    Plan {
        name: name.to_owned(),
        auth: AuthMethod::PrivateKeyJwt,
        created: jiff::Timestamp::now().to_string(),
        ..Plan::new(id, "")
    }
}

/// Puts a plan into the ledger in the place of the one that is there, if one is, and journals which parts changed. What was received
/// belongs to its source and its tenant, so those stay after the first run. `secrets` says that secrets changed with it.
pub fn change(storage: &Storage, plan: &Plan, secrets: bool) -> Result<Vec<String>, EngineError> {
    let before = storage.tables.migrations.get(plan.id.as_bytes())?;
    let Some(before) = before else {
        storage.tables.migrations.put(plan.id.as_bytes(), plan)?;
        let (preset, base_url) = (plan.preset.clone(), plan.base_url.clone());
        storage
            .journal
            .append(&plan.id, &Event::MigrationAdded { preset, base_url })?;
        storage.workspace.ledger().durable()?;
        return Ok(Vec::new());
    };
    let moved = plan.base_url != before.base_url || plan.tenant != before.tenant;
    if moved && !runs_of(storage, &plan.id)?.is_empty() {
        return Err(EngineError::NotReady {
            what: "the source's base URL and the tenant cannot be changed after the first run: what was received belongs to them"
                .to_owned(),
            hint: "add another migration for the other source or tenant".to_owned(),
        });
    }
    let mut mapped = storage.tables.crosswalk.scan_prefix(&migration_key(&plan.id, &[]));
    if plan.tenant != before.tenant && mapped.next().is_some() {
        return Err(EngineError::NotReady {
            what: "the tenant cannot be changed while records are mapped to some of its own".to_owned(),
            hint: format!("`cutover crosswalk unset {} RECORD` takes a mapping away", plan.id),
        });
    }
    if plan.transforms != before.transforms && !runs_of(storage, &plan.id)?.is_empty() {
        return Err(EngineError::NotReady {
            what: "the transforms cannot be changed while a run stands: what it received is stored as they were"
                .to_owned(),
            hint: format!(
                "`cutover rollback {}` takes back what was received; `cutover transform preview {} --transforms FILE` shows on it what \
                 others would do",
                plan.id, plan.id
            ),
        });
    }
    if plan.transforms != before.transforms {
        super::program::forget(storage, &plan.id)?;
    }
    let mut fields = differences(&before, plan);
    if secrets {
        fields.push("secrets".to_owned());
    }
    if !fields.is_empty() {
        storage.tables.migrations.put(plan.id.as_bytes(), plan)?;
        storage
            .journal
            .append(&plan.id, &Event::MigrationChanged { fields: fields.clone() })?;
        storage.workspace.ledger().durable()?;
    }
    Ok(fields)
}

/// Names of the fields in which two plans differ.
fn differences(one: &Plan, other: &Plan) -> Vec<String> {
    let fields = |plan: &Plan| match serde_json::to_value(plan) {
        Ok(Value::Object(fields)) => fields,
        _ => Map::new(),
    };
    let (one, other) = (fields(one), fields(other));
    let differs = |(name, value): &(&String, &Value)| one.get(*name) != Some(*value);
    other.iter().filter(differs).map(|(name, _)| name.clone()).collect()
}

/// The kickoff that a plan asks for, line by line, as it will be sent. It can name patients.
pub fn kickoff_preview(plan: &Plan) -> Result<String, EngineError> {
    let http = Http::new(&HttpSettings::default()).map_err(|e| EngineError::source(&e, e.hint()))?;
    let mut text = request(plan)?.preview(&Session::new(http, base(plan)?, None));
    if plan.auth != AuthMethod::None {
        text = text.replacen("\nprefer:", "\nauthorization: Bearer [hidden]\nprefer:", 1);
    }
    Ok(text)
}

/// Looks a plan over; `called` says how the person knows a field, such as the option's name.
pub fn check(plan: &Plan, called: &dyn Fn(PlanField) -> &'static str) -> Result<(), PlanProblem> {
    let bad = |field, what: String, hint: &str| {
        Err(PlanProblem {
            field,
            what,
            hint: hint.to_owned(),
        })
    };
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let begins = plan.id.starts_with(|c: char| c.is_ascii_alphanumeric());
    if !begins || plan.id.len() > 40 || !plan.id.chars().all(allowed) {
        return bad(
            PlanField::Id,
            format!("`{}` cannot be the short name of a migration", fhir::safe(&plan.id)),
            "use 1 to 40 lower-case letters, digits and dashes, such as lakeside-2026",
        );
    }
    if !fhir::is_id(&plan.tenant) {
        return bad(
            PlanField::Tenant,
            format!("`{}` cannot be the name of a tenant", fhir::safe(&plan.tenant)),
            "use 1 to 64 letters, digits, dashes and dots",
        );
    }
    address("FHIR base URL", PlanField::BaseUrl, &plan.base_url, called)?;
    for (what, field, url) in [
        ("token URL", PlanField::TokenUrl, &plan.token_url),
        ("JWK Set URL", PlanField::JwksUrl, &plan.jku),
    ] {
        if let Some(url) = url {
            address(what, field, url, called)?;
        }
    }
    for (field, instant) in [(PlanField::Since, &plan.since), (PlanField::Until, &plan.until)] {
        if let Some(text) = instant
            && fhir::instant::micros(text).is_none()
        {
            return bad(
                field,
                format!("{} `{}` is not an instant", called(field), fhir::safe(text)),
                "write it with time and time zone, such as 2026-01-31T00:00:00Z",
            );
        }
    }
    if let Some(name) = plan.types.iter().find(|name| !fhir::is_type_name(name)) {
        let field = PlanField::Types;
        return bad(
            field,
            format!("`{}` is not the name of a resource type", fhir::safe(name)),
            &format!(
                "give {} names such as Patient,Condition with commas between them",
                called(field)
            ),
        );
    }
    let filtered = |filter: &&String| !filter.split_once('?').is_some_and(|(name, _)| fhir::is_type_name(name));
    if let Some(filter) = plan.type_filters.iter().find(filtered) {
        return bad(
            PlanField::TypeFilters,
            format!("`{}` is not a type filter", fhir::safe(filter)),
            "write it as a search, such as 'Condition?clinical-status=active'",
        );
    }
    let patient = |id: &&String| !fhir::is_id(id.strip_prefix("Patient/").unwrap_or(id));
    if plan.patients.iter().any(|id| patient(&id)) {
        return bad(
            PlanField::Patients,
            format!("one of the {} is not a resource id", called(PlanField::Patients)),
            "give ids with commas between them",
        );
    }
    numbers(plan, called)
}

fn numbers(plan: &Plan, called: &dyn Fn(PlanField) -> &'static str) -> Result<(), PlanProblem> {
    let bad = |field, what: String, hint: String| Err(PlanProblem { field, what, hint });
    let out_of_range = |field| format!("{} is out of range", called(field));
    if !(1..=64).contains(&plan.parallel) {
        let hint = "use 1 to 64; 4 is right for most sources".to_owned();
        return bad(PlanField::Parallel, out_of_range(PlanField::Parallel), hint);
    }
    if plan.requests_per_minute == Some(0) {
        let field = PlanField::RequestsPerMinute;
        return bad(
            field,
            format!("{} is 0", called(field)),
            "leave it out when the source has no limit".to_owned(),
        );
    }
    if !(1024..=MAX_RAW_LEN / 2).contains(&(plan.max_line as usize)) {
        let hint = format!("use 1024 to {} bytes", MAX_RAW_LEN / 2);
        return bad(PlanField::MaxLine, out_of_range(PlanField::MaxLine), hint);
    }
    Ok(())
}

fn address(
    what: &str,
    field: PlanField,
    text: &str,
    called: &dyn Fn(PlanField) -> &'static str,
) -> Result<(), PlanProblem> {
    let shown = fhir::safe(text).into_owned();
    let problem = |what: String, hint: String| Err(PlanProblem { field, what, hint });
    let hint = format!("give {} an address such as https://ehr.example/fhir/r4", called(field));
    let bad = |why: &str| problem(format!("the {what} `{shown}` {why}"), hint.clone());
    let Ok(url) = Url::parse(text) else {
        return bad("is not a URL");
    };
    if url.host().is_none() || !matches!(url.scheme(), "https" | "http") {
        return bad("is not an https address");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return problem(
            format!("the {what} holds a user name or a password"),
            "leave them out: credentials are given by client id and client secret".to_owned(),
        );
    }
    if field == PlanField::BaseUrl && (url.query().is_some() || url.fragment().is_some()) {
        return bad("has a query or a fragment");
    }
    check_transport(&url).map_err(|e| PlanProblem {
        field,
        what: e.to_string(),
        hint: e.hint().unwrap_or_default(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_practice_gets_a_short_name_of_its_own() {
        let none = |_: &str| false;
        assert_eq!(slug("Lakeside Family Medicine", &none), "lakeside-family-medicine");
        assert_eq!(slug("  Grüße & Söhne!  ", &none), "grusse-sohne");
        assert_eq!(slug("***", &none), "practice");
        let taken = |name: &str| matches!(name, "lakeside" | "lakeside-2");
        assert_eq!(slug("Lakeside", &taken), "lakeside-3");
        for name in ["林診療所", "مركز الصحة", "-9 Lives"] {
            let plan = Plan {
                base_url: "https://ehr.example/fhir".to_owned(),
                ..prepared(&slug(name, &none), name)
            };
            let plan = Plan {
                tenant: plan.id.clone(),
                ..plan
            };
            assert_eq!(check(&plan, &|_| "it"), Ok(()), "{name}");
        }
    }

    #[test]
    fn a_preview_shows_the_request_and_not_the_token() {
        let mut plan = Plan::new("lakeside", "https://ehr.example/fhir/r4");
        plan.group = Some("42".to_owned());
        plan.types = vec!["Patient".to_owned()];
        let text = kickoff_preview(&plan).unwrap();
        assert!(
            text.starts_with("GET /fhir/r4/Group/42/$export?_type=Patient HTTP/1.1\nhost: ehr.example\n"),
            "{text}"
        );
        assert!(text.contains("authorization: Bearer [hidden]"));
    }
}
