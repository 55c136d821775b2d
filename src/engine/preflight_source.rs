//! The checks of a preflight that look at what the source says of itself.

use super::connect::base;
use super::preflight::{Check, Verdict};
use crate::http::Http;
use crate::migration::{AuthMethod, ExportLevel, Plan};
use crate::source::{Discovered, Origin, Sourced};

/// Seconds between two clocks that are worth a note: assertions live five minutes.
const SKEW_WORTH_A_NOTE: u64 = 30;

/// The check `TLS`, of a connection that was made.
pub fn tls(plan: &Plan) -> Check {
    if base(plan).is_ok_and(|url| url.scheme() == "https") {
        Check::ok("TLS", "https, and its certificate is trusted")
    } else {
        Check::new(
            "TLS",
            Verdict::Note,
            "plain http, which is accepted because the source is this machine",
        )
    }
}

/// The check `discovery`: every value with where it came from.
pub fn discovery(plan: &Plan, found: &Discovered) -> Check {
    let mut check = match (&found.token_endpoint, plan.auth) {
        (_, AuthMethod::None) => Check::ok("discovery", "an open source: no token is needed"),
        (Some(endpoint), _) => Check::ok("discovery", format!("tokens are got at {}", endpoint.value)),
        (None, _) => Check::new("discovery", Verdict::Failed, "it is not known where tokens are got")
            .hint(format!("`cutover migration set {} --token-url https://...`", plan.id)),
    };
    let details = &mut check.details;
    if let Some(endpoint) = &found.token_endpoint {
        sourced(details, "token endpoint", endpoint, ToString::to_string);
    }
    if let Some(algorithms) = &found.signing_algorithms {
        sourced(details, "signing algorithms", algorithms, |names| names.join(", "));
    }
    let listed = [
        ("authentication", &found.auth_methods),
        ("grants", &found.grant_types),
        ("capabilities", &found.capabilities),
    ];
    for (name, values) in listed {
        if !values.is_empty() {
            details.push(format!("{name}: {} (from discovery)", values.join(", ")));
        }
    }
    if let Some(capability) = &found.capability {
        let software = capability.software.as_deref().unwrap_or("unnamed software");
        let version = capability.fhir_version.as_deref().unwrap_or("unknown");
        details.push(format!("software: {software}, FHIR {version} (from metadata)"));
    }
    for line in details.iter_mut() {
        *line = crate::fhir::safe_start(line, 300).into_owned();
    }
    if let Some(note) = found.notes.first()
        && check.verdict == Verdict::Ok
    {
        check.verdict = Verdict::Note;
        check.hint = note.hint();
    }
    check
        .details
        .extend(found.notes.iter().map(|note| format!("note: {note}")));
    check
}

fn sourced<T>(details: &mut Vec<String>, name: &str, found: &Sourced<T>, text: impl Fn(&T) -> String) {
    details.push(format!(
        "{name}: {} (from {})",
        text(&found.value),
        origin(found.origin)
    ));
    for (other, value) in &found.others {
        details.push(format!("  also {} (from {})", text(value), origin(*other)));
    }
}

fn origin(origin: Origin) -> &'static str {
    match origin {
        Origin::Discovery => "discovery",
        Origin::Metadata => "metadata",
        Origin::Preset => "the preset",
        Origin::Typed => "what was typed",
    }
}

/// The check `clock`.
pub fn clock(plan: &Plan, http: &Http) -> Check {
    match base(plan).ok().and_then(|url| http.skew(&url)) {
        None => Check::new("clock", Verdict::Note, "the source does not say what time it is"),
        Some(skew) if skew.unsigned_abs() >= SKEW_WORTH_A_NOTE => {
            let way = if skew > 0 { "ahead of" } else { "behind" };
            let what = format!("the source's clock is {} seconds {way} ours", skew.unsigned_abs());
            Check::new("clock", Verdict::Note, what)
                .hint("assertions are dated by the source's clock when it refuses ours; still, have this machine's time set (NTP)")
        }
        Some(_) => Check::ok("clock", "agrees with the source's"),
    }
}

/// The name of a level.
pub fn level(level: ExportLevel) -> &'static str {
    match level {
        ExportLevel::Group => "group",
        ExportLevel::Patient => "patient",
        ExportLevel::System => "system",
    }
}

/// The check `export`: what is declared against what is wanted.
pub fn export(plan: &Plan, found: &Discovered) -> Check {
    let Some(capability) = &found.capability else {
        return Check::new(
            "export",
            Verdict::Note,
            "no CapabilityStatement says whether there is bulk export",
        )
        .hint("go on; the kickoff will tell");
    };
    let declared = capability.export;
    let wanted = match plan.level {
        ExportLevel::Group => declared.group,
        ExportLevel::Patient => declared.patient,
        ExportLevel::System => declared.system,
    };
    if wanted {
        return Check::ok("export", format!("offered at {} level", level(plan.level)));
    }
    let all = [
        ("group", declared.group),
        ("patient", declared.patient),
        ("system", declared.system),
    ];
    let offered: Vec<&str> = all.iter().filter(|(_, is)| *is).map(|(name, _)| *name).collect();
    let what = if offered.is_empty() {
        "no export is declared; many servers forget it".to_owned()
    } else {
        format!(
            "declared at {} level, not at {} level",
            offered.join(" and "),
            level(plan.level)
        )
    };
    Check::new("export", Verdict::Note, what).hint("go on; the kickoff will tell")
}

/// The check `types`.
pub fn types(plan: &Plan, found: &Discovered) -> Check {
    let Some(capability) = found.capability.as_ref().filter(|c| !c.types.is_empty()) else {
        return Check::new("types", Verdict::Note, "the source does not say which types it has");
    };
    if plan.types.is_empty() {
        return Check::ok("types", "everything that the source exports");
    }
    let (mut unknown, mut left_out) = (Vec::new(), Vec::new());
    for name in &plan.types {
        match capability.types.iter().find(|t| t.name == *name) {
            None => unknown.push(name.as_str()),
            Some(t) if t.not_exported => left_out.push(name.as_str()),
            Some(_) => {}
        }
    }
    let doubtful = unknown.len() + left_out.len();
    if doubtful == 0 {
        return Check::ok("types", format!("the source has all {}", plan.types.len()));
    }
    let what = format!("{doubtful} of {} are doubtful", plan.types.len());
    let mut check = Check::new("types", Verdict::Note, what);
    for (why, names) in [
        ("not among the source's types", unknown),
        ("declared as left out of exports", left_out),
    ] {
        if !names.is_empty() {
            check.details.push(format!("{why}: {}", names.join(", ")));
        }
    }
    check.hint("some servers refuse an export that names a type they lack; leave it out with --types if so")
}
