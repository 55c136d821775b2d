//! Forms: what a plan's fields are called, what they hold and where that came from, and a plan with one of them changed. Pure: the
//! plan is saved by an effect.

use super::model::Model;
use crate::engine::{self, PlanField};
use crate::migration::{Confidence, Environment, ExportLevel, Plan, Policy, Preset};

/// A field of a form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    /// The practice's name.
    Name,
    /// The preset.
    System,
    /// Production or sandbox.
    Environment,
    /// The practice's code at the vendor.
    Practice,
    /// The FHIR base URL.
    BaseUrl,
    /// The token URL.
    TokenUrl,
    /// The client id that the EHR gave us.
    ClientId,
    /// The client secret.
    Secret,
    /// Where our public keys are published.
    Published,
    /// Level of the export.
    Level,
    /// Group id.
    Group,
    /// Types.
    Types,
    /// Only what changed since.
    Since,
    /// Filters.
    Filters,
    /// What is done when the destination has other content.
    OnConflict,
}

impl Field {
    /// What it is called.
    pub fn label(self) -> &'static str {
        match self {
            Self::Name => "Practice",
            Self::System => "System",
            Self::Environment => "Environment",
            Self::Practice => "Practice code",
            Self::BaseUrl => "FHIR base",
            Self::TokenUrl => "Token URL",
            Self::ClientId => "Client id",
            Self::Secret => "Client secret",
            Self::Published => "Published JWKS",
            Self::Level => "Level",
            Self::Group => "Group id",
            Self::Types => "Types",
            Self::Since => "Changed since",
            Self::Filters => "Filters",
            Self::OnConflict => "On conflict",
        }
    }

    /// The values to choose from, with their names; nothing where it is typed.
    pub fn choices(self, model: &Model, plan: &Plan) -> Option<Vec<(String, String)>> {
        let same = |names: &[&str]| Some(names.iter().map(|n| ((*n).to_owned(), (*n).to_owned())).collect());
        match self {
            Self::System => Some(model.presets.iter().map(|p| (p.id.clone(), p.label.clone())).collect()),
            Self::Environment => {
                let known = &preset(model, plan)?.environment;
                let mut names = Vec::new();
                names.extend(known.production.is_some().then_some("production"));
                names.extend(known.sandbox.is_some().then_some("sandbox"));
                same(&names)
            }
            Self::Level => same(&["group", "patient", "system"]),
            Self::OnConflict => same(&Policy::ALL.map(Policy::name)),
            _ => None,
        }
    }

    /// What it holds.
    pub fn value(self, model: &Model, plan: &Plan) -> String {
        let text = |value: &Option<String>| value.clone().unwrap_or_default();
        match self {
            Self::Name => plan.name.clone(),
            Self::System => preset(model, plan).map_or_else(|| plan.preset.clone(), |preset| preset.label.clone()),
            Self::Environment => server(model, plan).map_or_else(String::new, |(name, _, _)| name.to_owned()),
            Self::Practice => server(model, plan).map(|(_, _, code)| code).unwrap_or_default(),
            Self::BaseUrl => plan.base_url.clone(),
            Self::TokenUrl => plan
                .token_url
                .clone()
                .or(plan.preset_token_url.clone())
                .unwrap_or_default(),
            Self::ClientId => text(&plan.client_id),
            Self::Secret => String::new(),
            Self::Published => text(&model.register.registration.published),
            Self::Level => level(plan.level).to_owned(),
            Self::Group => text(&plan.group),
            Self::Types => plan.types.join(","),
            Self::Since => text(&plan.since),
            Self::Filters => plan.type_filters.join(" "),
            Self::OnConflict => plan.on_conflict.name().to_owned(),
        }
    }

    /// Where what it holds came from.
    pub fn origin(self, model: &Model, plan: &Plan) -> String {
        let Some(preset) = preset(model, plan) else {
            return String::new();
        };
        let sure = |path: &str| match preset.confidence(path) {
            Some(Confidence::Medium) => "preset, likely".to_owned(),
            Some(Confidence::Low) => "preset, unsure".to_owned(),
            Some(Confidence::High) | None => "preset".to_owned(),
        };
        let typed = |known: bool| if known { "typed".to_owned() } else { String::new() };
        let server = server(model, plan);
        let environment = |part: &str| match server {
            Some((name, _, _)) => sure(&format!("environment.{name}.{part}")),
            None => String::new(),
        };
        match self {
            Self::System => format!("checked {}", preset.last_verified),
            Self::BaseUrl if server.is_some() => environment("base_url"),
            Self::BaseUrl => typed(!plan.base_url.is_empty()),
            Self::TokenUrl if plan.token_url.is_some() => typed(true),
            Self::TokenUrl if plan.preset_token_url.is_some() => environment("token_url"),
            Self::Group => match &server {
                Some((_, known, _)) if known.group.is_some() && known.group == plan.group => environment("group"),
                _ => typed(plan.group.is_some()),
            },
            Self::Types if plan.types == preset.export.types && !plan.types.is_empty() => sure("export.types"),
            Self::Level if preset.export.levels.first() == Some(&plan.level) => sure("export.levels"),
            _ => String::new(),
        }
    }

    /// What to know about it while it is chosen.
    pub fn note(self, model: &Model, plan: &Plan) -> String {
        match self {
            Self::Name => "As people call it; the short name in commands stays.".to_owned(),
            Self::System => {
                "The vendor. It fills in what is known of its servers; you can change every value.".to_owned()
            }
            Self::Environment => "Sandbox is for trying things out.".to_owned(),
            Self::Practice => server_template(model, plan)
                .and_then(|server| server.practice_hint.clone())
                .map_or_else(
                    || "This system's address needs no practice code.".to_owned(),
                    |hint| format!("The code that the vendor gave the practice: {hint}."),
                ),
            Self::BaseUrl => "Must be https, except on this machine.".to_owned(),
            Self::TokenUrl => "What discovery finds goes before the preset; what is typed goes before both.".to_owned(),
            Self::ClientId => "The EHR gives it when you register.".to_owned(),
            Self::Secret => "Sealed in the workspace as soon as you keep it; never shown again.".to_owned(),
            Self::Published => "A public https address under which the EHR finds our JWK Set.".to_owned(),
            Self::Level => "What to ask for: a group of patients, all patients, or everything.".to_owned(),
            Self::Group => "The id that the practice sees in its EHR.".to_owned(),
            Self::Types => {
                "Names with commas between; empty asks for all. Space on this line chooses from a list.".to_owned()
            }
            Self::Since => "Such as 2026-01-31T00:00:00Z; empty asks for everything.".to_owned(),
            Self::Filters => "Such as Condition?clinical-status=active, with spaces between.".to_owned(),
            Self::OnConflict => {
                "What is done where the destination has other content. ask: a person decides each.".to_owned()
            }
        }
    }

    /// The plan with this field changed, or what is wrong with the text.
    pub fn changed(self, model: &Model, plan: &Plan, text: &str) -> Result<Plan, String> {
        let text = text.trim();
        let mut plan = plan.clone();
        let optional = || (!text.is_empty()).then(|| text.to_owned());
        match self {
            Self::Name if text.is_empty() => return Err("a practice has a name".to_owned()),
            Self::Name => text.clone_into(&mut plan.name),
            Self::System => {
                let practice = server(model, &plan)
                    .map(|(_, _, code)| code)
                    .filter(|code| !code.is_empty());
                let found = model
                    .presets
                    .iter()
                    .find(|p| p.id == text)
                    .ok_or("there is no such preset")?;
                engine::furnish(&mut plan, found);
                let environment = found
                    .environment
                    .production
                    .as_ref()
                    .or(found.environment.sandbox.as_ref());
                fill(&mut plan, environment, practice.as_deref());
            }
            Self::Environment => {
                let known = preset(model, &plan).map(|p| p.environment.clone()).unwrap_or_default();
                let practice = server(model, &plan)
                    .map(|(_, _, code)| code)
                    .filter(|code| !code.is_empty());
                let environment = if text == "sandbox" {
                    known.sandbox
                } else {
                    known.production
                };
                let code = environment.as_ref().and_then(|e| e.practice.clone()).or(practice);
                fill(&mut plan, environment.as_ref(), code.as_deref());
            }
            Self::Practice => {
                let known = server_template(model, &plan)
                    .cloned()
                    .ok_or("this system's address needs no code")?;
                engine::fill_in(&mut plan, &known, Some(text)).map_err(|error| error.to_string())?;
            }
            Self::BaseUrl => text.trim_end_matches('/').clone_into(&mut plan.base_url),
            Self::TokenUrl => plan.token_url = optional().filter(|typed| Some(typed) != plan.preset_token_url.as_ref()),
            Self::ClientId => plan.client_id = optional(),
            Self::Level => {
                plan.level = match text {
                    "patient" => ExportLevel::Patient,
                    "system" => ExportLevel::System,
                    _ => ExportLevel::Group,
                }
            }
            Self::Group => plan.group = optional(),
            Self::Types => plan.types = words(text, |c| c == ',' || c.is_whitespace()),
            Self::Since => plan.since = optional(),
            Self::Filters => plan.type_filters = words(text, char::is_whitespace),
            Self::OnConflict => plan.on_conflict = text.parse().map_err(|_| "there is no such policy")?,
            Self::Published => {
                // Checked as any address is, though it is no part of the plan.
                plan.jku = optional();
            }
            Self::Secret => {}
        }
        // What is not known yet is not wrong yet.
        let mut known = plan.clone();
        if known.base_url.is_empty() {
            "https://not.known.yet/".clone_into(&mut known.base_url);
        }
        engine::check(&known, &called).map_err(|problem| problem.what)?;
        Ok(plan)
    }
}

fn words(text: &str, apart: impl Fn(char) -> bool) -> Vec<String> {
    text.split(apart)
        .filter(|word| !word.is_empty())
        .map(ToOwned::to_owned)
        .collect()
}

/// Puts the addresses of a server in; one that needs a code that nobody knows yet stays open.
fn fill(plan: &mut Plan, environment: Option<&Environment>, practice: Option<&str>) {
    let Some(environment) = environment else { return };
    if engine::fill_in(plan, environment, practice).is_err() {
        plan.base_url.clear();
        plan.preset_token_url.clone_from(&environment.token_url);
        plan.group = None;
    }
}

/// How a person knows a field of a plan here.
fn called(field: PlanField) -> &'static str {
    match field {
        PlanField::Since => "the instant",
        PlanField::BaseUrl => "FHIR base",
        PlanField::TokenUrl => "Token URL",
        PlanField::JwksUrl => "Published JWKS",
        PlanField::Types => "types",
        _ => "it",
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

/// The preset of a plan.
pub fn preset<'m>(model: &'m Model, plan: &Plan) -> Option<&'m Preset> {
    model.presets.iter().find(|preset| preset.id == plan.preset)
}

/// The vendor's server that a plan's address belongs to: its name, what is known of it, and the practice's code.
fn server<'m>(model: &'m Model, plan: &Plan) -> Option<(&'static str, &'m Environment, String)> {
    let known = &preset(model, plan)?.environment;
    let servers = [
        ("production", known.production.as_ref()),
        ("sandbox", known.sandbox.as_ref()),
    ];
    servers.into_iter().find_map(|(name, server)| {
        let server = server?;
        Some((name, server, server.practice_in(&plan.base_url)?))
    })
}

/// The server whose address a practice code would go into.
fn server_template<'m>(model: &'m Model, plan: &Plan) -> Option<&'m Environment> {
    let known = &preset(model, plan)?.environment;
    let needs = |server: &&Environment| server.base_url.as_ref().is_some_and(|url| url.contains("{practice}"));
    let here = server(model, plan).map(|(_, server, _)| server);
    here.or(known.production.as_ref()).filter(needs)
}
