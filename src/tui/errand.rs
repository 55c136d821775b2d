//! Errands: what the worker reads from the store and changes in it, one thing after the other.

use std::sync::Arc;

use zeroize::Zeroizing;

use super::message::{Msg, Problem, Reply};
use super::screen::register::KeyPair;
use crate::engine::{self, Copied, EngineError, Wipeable, keys};
use crate::http::Secret;
use crate::migration::{Algorithm, By, Destination, Event, Plan, Preset, Registration};
use crate::source::{KeyAlgorithm, PrivateKey};
use crate::store::{Storage, read_file};

/// Every preset.
pub fn presets(storage: &Storage) -> Result<Msg, EngineError> {
    let presets = Preset::all(Some(&storage.workspace.presets_dir()));
    Ok(Msg::Read(Reply::Presets(
        presets.map_err(|e| EngineError::source(&e, e.hint()))?,
    )))
}

/// The journal of a migration.
pub fn journal(storage: &Storage, id: String) -> Result<Msg, EngineError> {
    let entries = storage.journal.read(&id, 0).collect::<Result<_, _>>()?;
    Ok(Msg::Read(Reply::Journal(id, entries)))
}

/// How far registering has come, and the key pair.
pub fn registration(storage: &Storage, id: String) -> Result<Msg, EngineError> {
    let registration = storage.tables.registrations.get(id.as_bytes())?.unwrap_or_default();
    let plan = plan(storage, &id)?;
    let key = if keys::exists(storage, &id) {
        Some(pair(storage, &keys::load(storage, &plan)?, &id))
    } else {
        None
    };
    Ok(Msg::Read(Reply::Registration(id, registration, key)))
}

/// Remembers how far registering has come.
pub fn save_registration(storage: &Storage, id: String, registration: &Registration) -> Result<Msg, EngineError> {
    storage.tables.registrations.put(id.as_bytes(), registration)?;
    storage.workspace.ledger().durable()?;
    self::registration(storage, id)
}

/// Adds a migration for a practice of this name.
pub fn add(storage: &Storage, name: &str) -> Result<Msg, EngineError> {
    let mut taken = Vec::new();
    for item in storage.tables.migrations.iter() {
        taken.push(item?.1.id);
    }
    let id = engine::slug(name, &|short| taken.iter().any(|known| known == short));
    engine::change(storage, &engine::prepared(&id, name), false)?;
    Ok(Msg::Read(Reply::Added(id)))
}

/// Puts a changed plan into the ledger.
pub fn save(storage: &Storage, plan: &Plan) -> Result<Msg, EngineError> {
    engine::change(storage, plan, false)?;
    Ok(Msg::Saved)
}

/// Seals a client secret.
pub fn save_secret(storage: &Storage, id: &str, secret: &Secret) -> Result<Msg, EngineError> {
    let mut secrets = storage.tables.secrets.get(id.as_bytes())?.unwrap_or_default();
    secrets.client_secret = Some(secret.expose().to_owned());
    storage.tables.secrets.put(id.as_bytes(), &secrets)?;
    engine::change(storage, &plan(storage, id)?, true)?;
    Ok(Msg::Saved)
}

/// Makes a key pair, or takes the private key in a file, and seals it. Takes seconds: not for the thread that reads.
pub fn key(storage: &Storage, mut plan: Plan, file: Option<&str>) -> Result<Msg, EngineError> {
    let key = match file {
        Some(path) => {
            let bytes = read_file(path.as_ref(), 64 * 1024).map_err(|e| EngineError::source(&e, e.hint()))?;
            let text = Zeroizing::new(String::from_utf8_lossy(&bytes).into_owned());
            PrivateKey::import(&text)
        }
        None => PrivateKey::generate(match plan.algorithm {
            Algorithm::Rs384 => KeyAlgorithm::Rs384,
            Algorithm::Es384 => KeyAlgorithm::Es384,
        }),
    };
    let key = key.map_err(|e| EngineError::source(&e, e.hint()))?;
    keys::save(storage, &plan.id, &key)?;
    let is = match key.algorithm() {
        KeyAlgorithm::Rs384 => Algorithm::Rs384,
        KeyAlgorithm::Es384 => Algorithm::Es384,
    };
    if plan.algorithm != is {
        plan.algorithm = is;
        engine::change(storage, &plan, false)?;
    }
    let kid = key.public().kid.clone();
    storage.journal.append(&plan.id, &Event::KeyCreated { kid })?;
    storage.workspace.ledger().durable()?;
    registration(storage, plan.id)
}

/// Removes a migration that brought nothing here.
pub fn remove(storage: &Storage, id: &str) -> Result<Msg, EngineError> {
    engine::remove(storage, &plan(storage, id)?)?;
    Ok(Msg::Done(format!("{id} was removed")))
}

/// The kickoff as it would be sent.
pub fn preview(plan: &Plan) -> Msg {
    let made = engine::kickoff_preview(plan).map_err(|error| error.to_string());
    Msg::Read(Reply::Preview(plan.id.clone(), made))
}

/// Has a patient's chart looked at from the next verification on.
pub fn name_patient(storage: &Storage, mut plan: Plan, id: String) -> Result<Msg, EngineError> {
    engine::name_patients(storage, &mut plan, &[id])?;
    Ok(Msg::Done("the next verification draws that chart as well".to_owned()))
}

/// Makes a FHIR server the destination, or changes what is known of it.
pub fn choose(storage: &Arc<Storage>, plan: &Plan, chosen: &Destination) -> Result<Msg, EngineError> {
    engine::destination::choose(storage, plan, chosen, None)?;
    let found = engine::destination::stand(storage, plan)?;
    Ok(Msg::Read(Reply::Destination(plan.id.clone(), Box::new(found))))
}

/// Writes the evidence of a migration to files.
pub fn report(storage: &Storage, id: String) -> Result<Msg, EngineError> {
    let written = engine::write_report(storage, &plan(storage, &id)?)?;
    Ok(Msg::Read(Reply::Written(id, written)))
}

/// Looks whether the workspace can be wiped.
pub fn wipeable(storage: &Arc<Storage>, id: String, folder: &str) -> Result<Msg, EngineError> {
    let copy = Copied {
        tenant: None,
        folder: folder.into(),
    };
    let found = engine::wipeable(storage, std::slice::from_ref(&id), &[copy])?;
    Ok(Msg::Read(Reply::Wipeable(id, found)))
}

/// Puts a wipe on record.
pub fn begin_wipe(storage: &Arc<Storage>, found: &Wipeable) -> Result<Msg, EngineError> {
    let by = By::from(crate::store::operator());
    Ok(Msg::Read(Reply::WipeBegun(engine::begin_wipe(storage, found, &by)?)))
}

/// What an errand came to.
pub fn told(result: Result<Msg, EngineError>) -> Msg {
    result.unwrap_or_else(|error| Msg::Failed(Problem::from(error)))
}

fn plan(storage: &Storage, id: &str) -> Result<Plan, EngineError> {
    let known = Vec::new();
    let plan = storage.tables.migrations.get(id.as_bytes())?;
    plan.ok_or_else(|| EngineError::UnknownMigration {
        id: id.to_owned(),
        known,
    })
}

fn pair(storage: &Storage, key: &PrivateKey, id: &str) -> KeyPair {
    KeyPair {
        kid: key.public().kid.clone(),
        algorithm: key.algorithm().name(),
        jwks: keys::jwks(key),
        path: keys::jwks_path(storage, id).display().to_string(),
    }
}

/// The type of an errand that waits for its turn.
pub type Errand = Box<dyn FnOnce(&Arc<Storage>) -> Result<Msg, EngineError> + Send>;
