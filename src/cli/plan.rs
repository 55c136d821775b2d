//! A plan from the command line: what the preset knows, and over it what a person typed. Then it is checked, value by value.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use url::Url;
use zeroize::Zeroizing;

use super::args::PlanArgs;
use super::failure::Failure;
use super::transform;
use crate::fhir;
use crate::http::check_transport;
use crate::migration::{Algorithm, AuthMethod, DeletionPolicy, ExportLevel, KickoffMethod, Plan, Preset, Secrets};
use crate::store::{MAX_RAW_LEN, read_file};

/// The plan of a new migration.
pub fn make(args: &PlanArgs, presets: Option<&Path>) -> Result<(Plan, Preset), Failure> {
    let preset = Preset::load(args.preset.as_deref().unwrap_or("smart"), presets)?;
    let mut plan = Plan {
        created: jiff::Timestamp::now().to_string(),
        ..Plan::new(&args.migration, "")
    };
    from_preset(&mut plan, &preset);
    addresses(&mut plan, &preset, args)?;
    typed(&mut plan, args)?;
    if plan.base_url.is_empty() {
        return Err(Failure::usage(
            &format!("the preset `{}` names no FHIR base URL, and none was typed", preset.id),
            "give --base-url https://...",
        ));
    }
    check(&plan)?;
    Ok((plan, preset))
}

/// The plan with what was typed changed in it; a new preset, environment or practice code fills in its values first.
pub fn changed(plan: &Plan, args: &PlanArgs, presets: Option<&Path>) -> Result<(Plan, Preset), Failure> {
    let preset = Preset::load(args.preset.as_deref().unwrap_or(&plan.preset), presets)?;
    let mut plan = plan.clone();
    if args.preset.is_some() {
        from_preset(&mut plan, &preset);
    }
    if args.preset.is_some() || args.environment.is_some() || args.practice.is_some() {
        addresses(&mut plan, &preset, args)?;
    }
    typed(&mut plan, args)?;
    check(&plan)?;
    Ok((plan, preset))
}

fn from_preset(plan: &mut Plan, preset: &Preset) {
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

fn addresses(plan: &mut Plan, preset: &Preset, args: &PlanArgs) -> Result<(), Failure> {
    let environment = match args.environment.as_deref() {
        None | Some("production") => &preset.environment.production,
        Some("sandbox") => &preset.environment.sandbox,
        Some(other) => return Err(unknown("environment", other, "production or sandbox")),
    };
    let Some(environment) = environment else {
        return match &args.environment {
            Some(name) => Err(Failure::usage(
                &format!("the preset `{}` knows no {name} environment", preset.id),
                "give --base-url https://... instead",
            )),
            None => Ok(()),
        };
    };
    // A practice code is only missed where the address that needs it was not typed.
    let filled = match environment.filled(args.practice.as_deref()) {
        Err(_) if args.base_url.is_some() && args.practice.is_none() => return Ok(()),
        filled => filled?,
    };
    plan.base_url = filled.base_url.unwrap_or_default();
    plan.preset_token_url = filled.token_url;
    plan.group = filled.group;
    Ok(())
}

fn typed(plan: &mut Plan, args: &PlanArgs) -> Result<(), Failure> {
    let text = |to: &mut String, from: &Option<String>| {
        if let Some(value) = from {
            to.clone_from(value);
        }
    };
    // An empty value takes away what was there.
    let optional = |to: &mut Option<String>, from: &Option<String>| {
        if let Some(value) = from {
            *to = (!value.is_empty()).then(|| value.clone());
        }
    };
    let list = |to: &mut Vec<String>, from: &[String]| {
        if !from.is_empty() {
            *to = from.iter().filter(|v| !v.is_empty()).cloned().collect();
        }
    };
    text(&mut plan.name, &args.name);
    text(&mut plan.tenant, &args.tenant);
    if let Some(url) = &args.base_url {
        url.trim().trim_end_matches('/').clone_into(&mut plan.base_url);
    }
    optional(&mut plan.token_url, &args.token_url);
    optional(&mut plan.client_id, &args.client_id);
    optional(&mut plan.jku, &args.jwks_url);
    optional(&mut plan.scopes, &args.scopes);
    optional(&mut plan.group, &args.group);
    optional(&mut plan.since, &args.since);
    optional(&mut plan.until, &args.until);
    optional(&mut plan.organize_output_by, &args.organize_output_by);
    list(&mut plan.types, &args.types);
    list(&mut plan.type_filters, &args.type_filter);
    list(&mut plan.elements, &args.elements);
    list(&mut plan.patients, &args.patients);
    list(&mut plan.include_associated_data, &args.include_associated_data);
    plan.allow_partial_manifests |= args.allow_partial_manifests;
    plan.lenient |= args.lenient;
    plan.parallel = args.parallel.unwrap_or(plan.parallel);
    plan.requests_per_minute = args.requests_per_minute.or(plan.requests_per_minute);
    if let Some(path) = &args.transforms {
        plan.transforms = transform::rules(Path::new(path))?;
    }
    plan.decide_by(&args.on_conflict);
    plan.merge_links = args.write_links.unwrap_or(plan.merge_links);
    plan.max_rejects = args.max_rejects.unwrap_or(plan.max_rejects);
    plan.max_line = args.max_line.unwrap_or(plan.max_line);
    if let Some(name) = &args.auth {
        plan.auth = auth(name)?;
    }
    if let Some(name) = &args.algorithm {
        plan.algorithm = algorithm(name)?;
    }
    if let Some(name) = &args.level {
        plan.level = match name.to_ascii_lowercase().as_str() {
            "group" => ExportLevel::Group,
            "patient" => ExportLevel::Patient,
            "system" => ExportLevel::System,
            _ => return Err(unknown("level", name, "group, patient or system")),
        };
    }
    if let Some(name) = &args.method {
        plan.method = match name.to_ascii_lowercase().as_str() {
            "get" => KickoffMethod::Get,
            "post" => KickoffMethod::Post,
            _ => return Err(unknown("method", name, "get or post")),
        };
    }
    if let Some(name) = &args.on_deleted {
        plan.on_deleted = match name.as_str() {
            "apply" => DeletionPolicy::Apply,
            "ignore" => DeletionPolicy::Ignore,
            _ => return Err(unknown("policy for deletions", name, "apply or ignore")),
        };
    }
    if let Some(path) = &args.ca_file {
        plan.ca_file = ca_file(path)?;
    }
    mrn_systems(&mut plan.mrn_systems, &args.mrn_system)
}

/// Puts `SOURCE=DESTINATION` into the table; the last `=` parts the two, for a system's URL may hold others.
fn mrn_systems(systems: &mut BTreeMap<String, String>, given: &[String]) -> Result<(), Failure> {
    for text in given {
        match text
            .rsplit_once('=')
            .map(|(source, theirs)| (source.trim(), theirs.trim()))
        {
            Some((source, "")) if !source.is_empty() => drop(systems.remove(source)),
            Some((source, theirs)) if !source.is_empty() => {
                systems.insert(source.to_owned(), theirs.to_owned());
            }
            _ => {
                return Err(Failure::usage(
                    "an --mrn-system is not written as SOURCE=DESTINATION",
                    "give the `system` of MRNs at the source, and the one that the destination uses for the same numbers",
                ));
            }
        }
    }
    Ok(())
}

/// The absolute path of a file with certificate authorities, so that the plan holds wherever a command is run.
fn ca_file(path: &Path) -> Result<Option<PathBuf>, Failure> {
    if path.as_os_str().is_empty() {
        return Ok(None);
    }
    let absolute = path.canonicalize().map_err(|e| {
        Failure::usage(
            &format!(
                "the file with certificate authorities {} cannot be read: {e}",
                path.display()
            ),
            "give --ca-file the path of a PEM file",
        )
    })?;
    Ok(Some(absolute))
}

fn auth(name: &str) -> Result<AuthMethod, Failure> {
    Ok(match name.to_ascii_lowercase().replace('_', "-").as_str() {
        "private-key-jwt" => AuthMethod::PrivateKeyJwt,
        "client-secret-basic" => AuthMethod::ClientSecretBasic,
        "client-secret-post" => AuthMethod::ClientSecretPost,
        "none" => AuthMethod::None,
        _ => {
            let known = "private-key-jwt, client-secret-basic, client-secret-post or none";
            return Err(unknown("way to authenticate", name, known));
        }
    })
}

/// The signature algorithm of that name.
pub fn algorithm(name: &str) -> Result<Algorithm, Failure> {
    match name.to_ascii_uppercase().as_str() {
        "RS384" => Ok(Algorithm::Rs384),
        "ES384" => Ok(Algorithm::Es384),
        _ => Err(unknown("algorithm", name, "RS384 or ES384")),
    }
}

fn unknown(what: &str, given: &str, known: &str) -> Failure {
    Failure::usage(&format!("there is no {what} `{given}`"), &format!("use {known}"))
}

fn check(plan: &Plan) -> Result<(), Failure> {
    let bad = |what: String, hint: &str| Err(Failure::usage(&what, hint));
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let begins = plan.id.starts_with(|c: char| c.is_ascii_alphanumeric());
    if !begins || plan.id.len() > 40 || !plan.id.chars().all(allowed) {
        return bad(
            format!("`{}` cannot be the short name of a migration", fhir::safe(&plan.id)),
            "use 1 to 40 lower-case letters, digits and dashes, such as lakeside-2026",
        );
    }
    if !fhir::is_id(&plan.tenant) {
        return bad(
            format!("`{}` cannot be the name of a tenant", fhir::safe(&plan.tenant)),
            "use 1 to 64 letters, digits, dashes and dots",
        );
    }
    address("FHIR base URL", "--base-url", &plan.base_url)?;
    for (what, option, url) in [
        ("token URL", "--token-url", &plan.token_url),
        ("JWK Set URL", "--jwks-url", &plan.jku),
    ] {
        if let Some(url) = url {
            address(what, option, url)?;
        }
    }
    for (option, instant) in [("--since", &plan.since), ("--until", &plan.until)] {
        if let Some(text) = instant
            && fhir::instant::micros(text).is_none()
        {
            return bad(
                format!("{option} `{}` is not an instant", fhir::safe(text)),
                "write it with time and time zone, such as 2026-01-31T00:00:00Z",
            );
        }
    }
    if let Some(name) = plan.types.iter().find(|name| !fhir::is_type_name(name)) {
        return bad(
            format!("`{}` is not the name of a resource type", fhir::safe(name)),
            "give --types names such as Patient,Condition with commas between them",
        );
    }
    let filtered = |filter: &&String| !filter.split_once('?').is_some_and(|(name, _)| fhir::is_type_name(name));
    if let Some(filter) = plan.type_filters.iter().find(filtered) {
        return bad(
            format!("`{}` is not a type filter", fhir::safe(filter)),
            "write it as a search, such as 'Condition?clinical-status=active'",
        );
    }
    let patient = |id: &&String| !fhir::is_id(id.strip_prefix("Patient/").unwrap_or(id));
    if plan.patients.iter().any(|id| patient(&id)) {
        return bad(
            "one of the --patients is not a resource id".to_owned(),
            "give ids with commas between them",
        );
    }
    numbers(plan)
}

fn numbers(plan: &Plan) -> Result<(), Failure> {
    let bad = |what: &str, hint: &str| Err(Failure::usage(what, hint));
    if !(1..=64).contains(&plan.parallel) {
        return bad("--parallel is out of range", "use 1 to 64; 4 is right for most sources");
    }
    if plan.requests_per_minute == Some(0) {
        return bad(
            "--requests-per-minute is 0",
            "leave it out when the source has no limit",
        );
    }
    if !(1024..=MAX_RAW_LEN / 2).contains(&(plan.max_line as usize)) {
        let most = MAX_RAW_LEN / 2;
        return bad("--max-line is out of range", &format!("use 1024 to {most} bytes"));
    }
    Ok(())
}

fn address(what: &str, option: &str, text: &str) -> Result<(), Failure> {
    let shown = fhir::safe(text).into_owned();
    let hint = format!("give {option} an address such as https://ehr.example/fhir/r4");
    let bad = |why: &str| Err(Failure::usage(&format!("the {what} `{shown}` {why}"), &hint));
    let Ok(url) = Url::parse(text) else {
        return bad("is not a URL");
    };
    if url.host().is_none() || !matches!(url.scheme(), "https" | "http") {
        return bad("is not an https address");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(Failure::usage(
            &format!("the {what} holds a user name or a password"),
            "leave them out: credentials are given by --client-id and --client-secret-file",
        ));
    }
    if option == "--base-url" && (url.query().is_some() || url.fragment().is_some()) {
        return bad("has a query or a fragment");
    }
    check_transport(&url).map_err(|e| Failure {
        code: super::failure::code::USAGE,
        ..Failure::failed(&e.to_string(), e.hint())
    })
}

/// The secrets that were given in files, put over those there are; `None` when none was given.
pub fn secrets(args: &PlanArgs, known: Option<Secrets>) -> Result<Option<Secrets>, Failure> {
    if args.client_secret_file.is_none() && args.token_param.is_empty() {
        return Ok(None);
    }
    let mut secrets = known.unwrap_or_default();
    if let Some(path) = &args.client_secret_file {
        secrets.client_secret = Some(secret_in(path)?);
    }
    for param in &args.token_param {
        let Some((name, path)) = param
            .split_once('=')
            .filter(|(name, path)| !name.is_empty() && !path.is_empty())
        else {
            return Err(Failure::usage(
                "a --token-param is not written as NAME=FILE",
                "write the value into a file and give its path: a value on the command line is seen by other users",
            ));
        };
        secrets
            .token_params
            .insert(name.to_owned(), secret_in(Path::new(path))?);
    }
    Ok(Some(secrets))
}

fn secret_in(path: &Path) -> Result<String, Failure> {
    let bytes = Zeroizing::new(read_file(path, 64 * 1024)?);
    let text = std::str::from_utf8(&bytes)
        .ok()
        .and_then(|text| text.lines().next())
        .map(str::trim);
    match text {
        Some(text) if !text.is_empty() => Ok(text.to_owned()),
        _ => Err(Failure::usage(
            &format!("{} does not hold a secret", path.display()),
            "write the secret on its first line, as UTF-8 text",
        )),
    }
}
