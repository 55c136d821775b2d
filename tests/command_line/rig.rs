//! A workspace of its own for each test, the program run in it, and its words with what changes from run to run taken out.

use std::path::Path;
use std::process::Command;

use cutover::sandbox::practice::Practice;
use cutover::sandbox::{Client, Fault, Flavour, Keys, RunningSandbox, SMART, Sandbox, SandboxConfig};
use tempfile::TempDir;

/// A folder with a workspace and its key.
pub struct Rig {
    pub folder: TempDir,
}

impl Rig {
    pub fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    /// With a migration `lakeside` from the server at `base`, and a key pair.
    pub fn with_migration(base: &str, options: &[&str]) -> Self {
        let rig = Self::new();
        // ES384, unless another algorithm is given: RSA keys take seconds to make.
        let mut add = vec!["migration", "add", "lakeside", "--base-url", base];
        add.extend_from_slice(options);
        if !options.contains(&"--algorithm") {
            add.extend(["--algorithm", "ES384"]);
        }
        rig.must(&add);
        rig.must(&["keys", "new", "lakeside"]);
        rig
    }

    pub fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cutover"));
        command
            .env("CUTOVER_HOME", self.folder.path().join("workspace"))
            .env_remove("CUTOVER_LOG")
            .stdin(std::process::Stdio::null())
            .args(args);
        command
    }

    /// Runs the program with exactly these arguments; exit code and standard error.
    pub fn bare(&self, args: &[&str]) -> String {
        let output = self.command(args).output().unwrap();
        let code = output.status.code().unwrap();
        format!(
            "{}\n[exit {code}]",
            self.settled(&String::from_utf8(output.stderr).unwrap())
        )
    }

    /// The same, with the workspace's key.
    pub fn run(&self, args: &[&str]) -> String {
        let key = self.path("key");
        let mut all = vec!["--key-file", &key];
        all.extend_from_slice(args);
        self.bare(&all)
    }

    /// Exit code and standard output, with the workspace's key.
    pub fn output(&self, args: &[&str]) -> (i32, String) {
        let output = self
            .command(&[&["--key-file", &self.path("key")][..], args].concat())
            .output()
            .unwrap();
        (output.status.code().unwrap(), String::from_utf8(output.stdout).unwrap())
    }

    /// One JSON document from standard output, and the exit code.
    pub fn json(&self, args: &[&str]) -> (i32, serde_json::Value) {
        let (code, text) = self.output(args);
        (
            code,
            serde_json::from_str(&text).unwrap_or_else(|e| panic!("{args:?}: {e}: {text}")),
        )
    }

    pub fn must(&self, args: &[&str]) {
        let text = self.run(args);
        assert!(text.ends_with("[exit 0]"), "{args:?}: {text}");
    }

    /// Registers the key of `lakeside` with the simulated EHR, and tells the migration its client id.
    pub fn register(&self, sandbox: &RunningSandbox, scope: Option<&str>) {
        self.register_as(sandbox, "lakeside", "known", scope);
        self.must(&["migration", "set", "lakeside", "--client-id", "known"]);
    }

    /// Registers the key of a migration with the simulated EHR under this client id.
    pub fn register_as(&self, sandbox: &RunningSandbox, migration: &str, client: &str, scope: Option<&str>) {
        let jwks = self.folder.path().join(format!("workspace/keys/{migration}.jwks.json"));
        sandbox.register(Client {
            id: client.to_owned(),
            secret: None,
            keys: Keys::Inline(serde_json::from_slice(&std::fs::read(jwks).unwrap()).unwrap()),
            scope: scope.map(ToOwned::to_owned),
        });
    }

    fn settled(&self, text: &str) -> String {
        let folder = self.folder.path();
        let text = text.replace(&folder.canonicalize().unwrap().display().to_string(), "[DIR]");
        let text = text.replace(&folder.display().to_string(), "[DIR]");
        digits_after(&text, &["127.0.0.1:", "localhost:"], "[PORT]")
    }
}

/// Replaces the digits after each of these beginnings.
pub fn digits_after(text: &str, beginnings: &[&str], with: &str) -> String {
    let mut out = text.to_owned();
    for beginning in beginnings {
        let mut parts = out.split(beginning);
        let mut next = parts.next().unwrap().to_owned();
        for part in parts {
            next.push_str(beginning);
            next.push_str(with);
            next.push_str(part.trim_start_matches(|c: char| c.is_ascii_digit()));
        }
        out = next;
    }
    out
}

/// A small simulated EHR.
pub fn sandbox(flavour: &'static Flavour, fault: Option<&str>) -> RunningSandbox {
    sandbox_with(flavour, fault, |config| config)
}

/// The same, set up further by `more`.
pub fn sandbox_with(
    flavour: &'static Flavour,
    fault: Option<&str>,
    more: impl FnOnce(SandboxConfig) -> SandboxConfig,
) -> RunningSandbox {
    let mut config = SandboxConfig::new(std::sync::Arc::new(Practice::new(5, 1)))
        .flavour(flavour)
        .polls(0, Some(0));
    if let Some(fault) = fault {
        config = config.fault(fault.parse::<Fault>().unwrap());
    }
    Sandbox::launch(more(config)).unwrap()
}

/// The same, with SMART manners and no fault.
pub fn smart() -> RunningSandbox {
    sandbox(&SMART, None)
}

pub fn write(path: &Path, text: &str) {
    std::fs::write(path, text).unwrap();
}
