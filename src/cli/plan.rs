//! A plan from the command line: what the preset knows, and over it what a person typed. Then it is checked, value by value.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::args::PlanArgs;
use super::failure::Failure;
use super::transform;
use crate::engine::{self, PlanField};
use crate::migration::{Algorithm, AuthMethod, DeletionPolicy, ExportLevel, KickoffMethod, Plan, Preset, Secrets};
use crate::store::read_file;

/// The plan of a new migration.
pub fn make(args: &PlanArgs, presets: Option<&Path>) -> Result<(Plan, Preset), Failure> {
    let preset = Preset::load(args.preset.as_deref().unwrap_or("smart"), presets)?;
    let mut plan = Plan {
        created: jiff::Timestamp::now().to_string(),
        ..Plan::new(&args.migration, "")
    };
    engine::furnish(&mut plan, &preset);
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
        engine::furnish(&mut plan, &preset);
    }
    if args.preset.is_some() || args.environment.is_some() || args.practice.is_some() {
        addresses(&mut plan, &preset, args)?;
    }
    typed(&mut plan, args)?;
    check(&plan)?;
    Ok((plan, preset))
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
    match engine::fill_in(plan, environment, args.practice.as_deref()) {
        Err(_) if args.base_url.is_some() && args.practice.is_none() => Ok(()),
        filled => Ok(filled?),
    }
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
pub fn ca_file(path: &Path) -> Result<Option<PathBuf>, Failure> {
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

/// The way to authenticate of that name.
pub fn auth(name: &str) -> Result<AuthMethod, Failure> {
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

/// A value that is none of those known.
pub fn unknown(what: &str, given: &str, known: &str) -> Failure {
    Failure::usage(&format!("there is no {what} `{given}`"), &format!("use {known}"))
}

fn check(plan: &Plan) -> Result<(), Failure> {
    engine::check(plan, &option).map_err(|problem| Failure::usage(&problem.what, &problem.hint))
}

/// The option that gives a field.
fn option(field: PlanField) -> &'static str {
    match field {
        PlanField::Id => "the short name",
        PlanField::Tenant => "--tenant",
        PlanField::BaseUrl => "--base-url",
        PlanField::TokenUrl => "--token-url",
        PlanField::JwksUrl => "--jwks-url",
        PlanField::Since => "--since",
        PlanField::Until => "--until",
        PlanField::Types => "--types",
        PlanField::TypeFilters => "--type-filter",
        PlanField::Patients => "--patients",
        PlanField::Parallel => "--parallel",
        PlanField::RequestsPerMinute => "--requests-per-minute",
        PlanField::MaxLine => "--max-line",
    }
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

pub fn secret_in(path: &Path) -> Result<String, Failure> {
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
