//! A folder that files are written to: of this machine, or with an object store.

use std::path::Path as LocalPath;
use std::sync::Arc;

use object_store::buffered::BufWriter;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt, parse_url_opts};
use url::Url;

/// Bytes gathered before they are sent off.
const PART: usize = 8 * 1024 * 1024;
/// Kinds of address; none in memory, and none in the clear.
const SCHEMES: [&str; 10] = [
    "file", "s3", "s3a", "gs", "az", "azure", "adl", "abfs", "abfss", "https",
];
/// How the names of environment variables begin that hold credentials of object stores.
const VENDORS: [&str; 3] = ["aws_", "google_", "azure_"];

/// Why files cannot be written to a folder. The address is not in it where it may hold a secret.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// It is the address of no folder.
    #[error("files cannot go there: {0}")]
    Address(String),
    /// The address holds a user, a password, a query or a fragment.
    #[error("the address of the files holds more than an address")]
    Secret,
    /// A file could not be written.
    #[error("a file cannot be written to {url}: {source}")]
    Write {
        /// The address of the folder.
        url: String,
        /// What the store said.
        source: std::io::Error,
    },
}

impl FolderError {
    /// What to do about it.
    pub fn hint(&self) -> String {
        let hint = match self {
            Self::Address(_) => {
                "give a folder, or s3://bucket/folder, gs://bucket/folder, https://ACCOUNT.blob.core.windows.net/container/folder; credentials are taken from the environment, as that store's own tools do"
            }
            Self::Secret => "leave out user, password, `?` and `#`: credentials are taken from the environment",
            Self::Write { .. } => {
                "nothing is lost: put it right and run the same command again; it writes the files anew"
            }
        };
        hint.to_owned()
    }
}

/// A folder that files are written to.
pub struct Folder {
    store: Arc<dyn ObjectStore>,
    path: Path,
    url: String,
}

impl Folder {
    /// A folder of this machine, made where it is not there, or the address of one: `s3://`, `gs://`, `az://` and what else object stores go
    /// by. Credentials are those that the environment has for it.
    pub fn open(to: &str) -> Result<Self, FolderError> {
        let wrong = |error: &dyn std::error::Error| FolderError::Address(error.to_string());
        let url = if to.contains("://") {
            Url::parse(to).map_err(|error| wrong(&error))?
        } else {
            local(to).map_err(|error| wrong(&error))?
        };
        if !url.username().is_empty() || url.password().is_some() || url.query().is_some() || url.fragment().is_some() {
            return Err(FolderError::Secret);
        }
        if !SCHEMES.contains(&url.scheme()) {
            return Err(FolderError::Address(format!("`{}` is no kind of store", url.scheme())));
        }
        let environment = std::env::vars_os().filter_map(|(name, value)| {
            let name = name.into_string().ok()?.to_ascii_lowercase();
            let known = VENDORS.iter().any(|vendor| name.starts_with(vendor));
            known.then_some((name, value.into_string().ok()?))
        });
        let (store, path) = parse_url_opts(&url, environment).map_err(|error| wrong(&error))?;
        Ok(Self {
            store: Arc::from(store),
            path,
            url: url.as_str().trim_end_matches('/').to_owned(),
        })
    }

    /// A folder inside of it.
    #[must_use]
    pub fn inside(self, name: &str) -> Self {
        Self {
            path: self.path.join(name),
            url: format!("{}/{name}", self.url),
            ..self
        }
    }

    /// Its address, without a slash at its end.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Whether it is a folder of this machine, which no server sees.
    pub fn is_here(&self) -> bool {
        self.url.starts_with("file:")
    }

    /// A file in it to be written piece by piece; it is there once it was shut down.
    pub fn file(&self, name: &str) -> BufWriter {
        BufWriter::with_capacity(Arc::clone(&self.store), self.path.clone().join(name), PART).with_max_concurrency(2)
    }

    /// Writes a whole file.
    pub async fn put(&self, name: &str, text: String) -> Result<(), FolderError> {
        let put = self.store.put(&self.path.clone().join(name), text.into()).await;
        put.map(drop).map_err(|error| self.failed(error))
    }

    /// The error of writing a file in it.
    pub fn failed(&self, source: impl Into<std::io::Error>) -> FolderError {
        FolderError::Write {
            url: self.url.clone(),
            source: source.into(),
        }
    }
}

fn local(path: &str) -> std::io::Result<Url> {
    std::fs::create_dir_all(path)?;
    let whole = LocalPath::new(path).canonicalize()?;
    Url::from_directory_path(whole).map_err(|()| std::io::ErrorKind::InvalidInput.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_with_a_secret_in_it_is_refused_and_not_said_again() {
        for to in [
            "s3://user:hunter2@bucket/x",
            "https://account.blob.core.windows.net/c/x?sig=hunter2",
            "ftp://user:hunter2@host/x",
            "https://hunter2 host/",
        ] {
            let error = Folder::open(to).map(|_| ()).expect_err(to);
            assert!(!format!("{error} {}", error.hint()).contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn what_is_no_store_or_is_in_the_clear_is_refused() {
        for to in ["memory:///x", "http://host/x", "ftp://host/x"] {
            let error = Folder::open(to).map(|_| ()).expect_err(to);
            assert!(matches!(error, FolderError::Address(_)), "{to}: {error}");
        }
    }

    #[test]
    fn a_folder_of_this_machine_is_made_and_has_an_address() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("a").join("b");
        let folder = Folder::open(&path.display().to_string()).expect("a folder").inside("c");
        assert!(path.is_dir() && folder.is_here());
        assert!(
            folder.url().starts_with("file:///") && folder.url().ends_with("/a/b/c"),
            "{}",
            folder.url()
        );
    }
}
