//! The presets there are: embedded in the program, replaced or joined by the files of a folder.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::preset::Preset;

/// Id and text of every embedded preset.
const EMBEDDED: [(&str, &str); 12] = [
    ("advancedmd", include_str!("../../presets/advancedmd.toml")),
    ("athenahealth", include_str!("../../presets/athenahealth.toml")),
    ("eclinicalworks", include_str!("../../presets/eclinicalworks.toml")),
    ("epic", include_str!("../../presets/epic.toml")),
    ("hapi", include_str!("../../presets/hapi.toml")),
    ("kareo", include_str!("../../presets/kareo.toml")),
    ("medplum", include_str!("../../presets/medplum.toml")),
    ("nextgen-office", include_str!("../../presets/nextgen-office.toml")),
    ("oracle-health", include_str!("../../presets/oracle-health.toml")),
    ("smart", include_str!("../../presets/smart.toml")),
    ("smart-reference", include_str!("../../presets/smart-reference.toml")),
    ("veradigm", include_str!("../../presets/veradigm.toml")),
];

/// Why a preset cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum PresetError {
    /// No preset has this id or alias.
    #[error("there is no preset called {id:?}")]
    Unknown {
        /// What was asked for.
        id: String,
        /// Every id there is, sorted.
        known: Vec<String>,
        /// The id that was probably meant.
        nearest: Option<String>,
    },
    /// A file or folder of presets cannot be read.
    #[error("the preset file {} cannot be read: {source}", path.display())]
    Unreadable {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A preset file is not what it should be.
    #[error("the preset file {file} is not valid{}: {problem}", line.map(|line| format!(" at line {line}")).unwrap_or_default())]
    Invalid {
        /// The file.
        file: String,
        /// Line, from 1, where it is known.
        line: Option<usize>,
        /// What is wrong, naming the field.
        problem: String,
    },
    /// An address needs the practice's code.
    #[error("the address of this server needs the practice's code")]
    NoPractice {
        /// What a code looks like.
        looks_like: Option<String>,
    },
    /// The practice's code cannot be part of an address.
    #[error("the practice's code has characters other than letters, digits, '-', '_' and '.'")]
    BadPractice {
        /// What a code looks like.
        looks_like: Option<String>,
    },
}

impl PresetError {
    /// What a person can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Unknown { known, nearest, .. } => {
                let meant = nearest
                    .as_ref()
                    .map(|id| format!("did you mean {id}? "))
                    .unwrap_or_default();
                Some(format!(
                    "{meant}presets: {}; for any other server use smart",
                    known.join(", ")
                ))
            }
            Self::Invalid { file, .. } => Some(format!("correct {file}, or move it away to use the embedded preset")),
            Self::NoPractice { looks_like } | Self::BadPractice { looks_like } => {
                let form = looks_like.as_ref().map(|form| format!(" ({form})")).unwrap_or_default();
                Some(format!("ask the practice or the vendor for the code{form}"))
            }
            Self::Unreadable { .. } => None,
        }
    }
}

impl Preset {
    /// The preset with this id or alias; a file `<id>.toml` in `override_dir` goes before the embedded one.
    pub fn load(id: &str, override_dir: Option<&Path>) -> Result<Self, PresetError> {
        let texts = texts(override_dir)?;
        if let Some((file, text)) = texts.get(id) {
            return Self::parse(id, file, text);
        }
        let wanted = id.to_lowercase();
        let mut nearest: Option<(usize, &String)> = None;
        for (known, (file, text)) in &texts {
            let preset = Self::parse(known, file, text)?;
            if *known == wanted || preset.aliases.contains(&wanted) {
                return Ok(preset);
            }
            for name in preset.aliases.iter().chain([known]) {
                let distance = distance(&wanted, name);
                if distance <= 1 + name.len() / 4 && nearest.is_none_or(|(least, _)| distance < least) {
                    nearest = Some((distance, known));
                }
            }
        }
        Err(PresetError::Unknown {
            id: id.to_owned(),
            nearest: nearest.map(|(_, id)| id.clone()),
            known: texts.into_keys().collect(),
        })
    }

    /// Every preset, by id; those in `override_dir` replace embedded ones of the same id.
    pub fn all(override_dir: Option<&Path>) -> Result<Vec<Self>, PresetError> {
        texts(override_dir)?
            .iter()
            .map(|(id, (file, text))| Self::parse(id, file, text))
            .collect()
    }

    /// Reads the preset `id` from TOML; `file` is for the error.
    fn parse(id: &str, file: &str, text: &str) -> Result<Self, PresetError> {
        let invalid = |line, problem| PresetError::Invalid {
            file: file.to_owned(),
            line,
            problem,
        };
        let mut preset: Self = toml::from_str(text).map_err(|error| {
            let line = error
                .span()
                .and_then(|span| text.get(..span.start))
                .map(|before| 1 + before.matches('\n').count());
            invalid(line, error.message().lines().collect::<Vec<_>>().join(" "))
        })?;
        id.clone_into(&mut preset.id);
        if !preset.confidence.contains_key("overall") {
            return Err(invalid(None, "confidence has no overall".to_owned()));
        }
        let fields: toml::Table = toml::from_str(text).map_err(|error| invalid(None, error.message().to_owned()))?;
        for path in preset.confidence.keys().filter(|path| *path != "overall") {
            let mut names = path.split('.');
            let first = names.next().and_then(|name| fields.get(name));
            if names.fold(first, |value, name| value?.get(name)).is_none() {
                return Err(invalid(
                    None,
                    format!("confidence names the field {path}, which the file does not have"),
                ));
            }
        }
        Ok(preset)
    }
}

/// File name and text of every preset, by id.
fn texts(override_dir: Option<&Path>) -> Result<BTreeMap<String, (String, String)>, PresetError> {
    let mut texts: BTreeMap<_, _> = EMBEDDED
        .iter()
        .map(|(id, text)| ((*id).to_owned(), (format!("{id}.toml (embedded)"), (*text).to_owned())))
        .collect();
    let Some(folder) = override_dir else {
        return Ok(texts);
    };
    let unreadable = |path: &Path, source| PresetError::Unreadable {
        path: path.to_owned(),
        source,
    };
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(texts),
        Err(error) => return Err(unreadable(folder, error)),
    };
    for entry in entries {
        let path = entry.map_err(|error| unreadable(folder, error))?.path();
        if path.extension().is_some_and(|extension| extension == "toml")
            && let Some(id) = path.file_stem().and_then(|stem| stem.to_str())
        {
            let text = std::fs::read_to_string(&path).map_err(|error| unreadable(&path, error))?;
            texts.insert(id.to_owned(), (path.display().to_string(), text));
        }
    }
    Ok(texts)
}

/// Number of letters to insert, remove or replace to turn one word into the other.
fn distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (i, letter) in from.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, other) in to.iter().enumerate() {
            let replaced = diagonal + usize::from(letter != *other);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[to.len()]
}
