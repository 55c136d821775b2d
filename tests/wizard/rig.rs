//! A practice that can be stopped half-way, the EHR that serves it, and a workspace to bring it into.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Arc, Condvar, Mutex};

use cutover::sandbox::practice::Practice;
use cutover::sandbox::{Dataset, Group, RunningSandbox, Sandbox, SandboxConfig};

/// The type that stands still half-way until it is let go.
const HELD: &str = "Observation";

/// A practice whose Observations stop coming half-way until they are let go.
pub struct Gated {
    inner: Practice,
    open: Arc<(Mutex<bool>, Condvar)>,
}

impl Dataset for Gated {
    fn types(&self) -> Vec<(String, u64)> {
        self.inner.types()
    }

    fn lines<'a>(&'a self, resource_type: &str, range: Range<u64>) -> Box<dyn Iterator<Item = Vec<u8>> + Send + 'a> {
        let held = resource_type == HELD;
        let half = range.start + (range.end - range.start) / 2;
        let lines = range.clone().zip(self.inner.lines(resource_type, range));
        Box::new(lines.map(move |(at, line)| {
            if held && at >= half {
                let (open, opened) = &*self.open;
                drop(opened.wait_while(open.lock().unwrap(), |open| !*open).unwrap());
            }
            line
        }))
    }

    fn read(&self, resource_type: &str, id: &str) -> Option<Vec<u8>> {
        self.inner.read(resource_type, id)
    }

    fn groups(&self) -> Vec<Group> {
        self.inner.groups()
    }

    fn in_group(&self, group: &str, patient_id: &str) -> bool {
        self.inner.in_group(group, patient_id)
    }

    fn transaction_time(&self) -> String {
        self.inner.transaction_time()
    }
}

/// A simulated EHR that is open to anyone, and a workspace with a migration from it.
pub struct Rig {
    pub sandbox: RunningSandbox,
    pub folder: tempfile::TempDir,
    open: Arc<(Mutex<bool>, Condvar)>,
}

impl Rig {
    pub fn new() -> Self {
        let open = Arc::new((Mutex::new(false), Condvar::new()));
        let dataset = Gated {
            inner: Practice::new(60, 7),
            open: Arc::clone(&open),
        };
        let mut config = SandboxConfig::new(Arc::new(dataset)).polls(1, Some(0));
        config.open = true;
        config.gzip = false;
        let rig = Self {
            sandbox: Sandbox::launch(config).unwrap(),
            folder: tempfile::tempdir().unwrap(),
            open,
        };
        let base_url = rig.sandbox.base_url.clone();
        let add = [
            "migration",
            "add",
            "lakeside",
            "--name",
            "Lakeside Family",
            "--auth",
            "none",
        ];
        let done = rig.command(&[&add[..], &["--level", "system", "--base-url", &base_url]].concat());
        assert!(done.status.success());
        rig
    }

    pub fn home(&self) -> PathBuf {
        self.folder.path().join("workspace")
    }

    pub fn key(&self) -> PathBuf {
        self.folder.path().join("key")
    }

    /// Arguments that name the workspace.
    pub fn workspace(&self) -> Vec<String> {
        let text = |path: &Path| path.to_str().unwrap().to_owned();
        let (home, key) = (text(&self.home()), text(&self.key()));
        vec!["--home".to_owned(), home, "--key-file".to_owned(), key]
    }

    /// Has a command done on the workspace.
    pub fn command(&self, args: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cutover"));
        command.args(args).args(self.workspace()).output().unwrap()
    }

    /// Lets what stands still go on.
    pub fn let_go(&self) {
        *self.open.0.lock().unwrap() = true;
        self.open.1.notify_all();
    }

    /// Lines of the practice.
    pub fn lines() -> u64 {
        Practice::new(60, 7).types().iter().map(|(_, lines)| lines).sum()
    }

    /// Everything is in the store, once, and as it was received.
    pub fn assert_whole(&self) {
        for command in [&["doctor"][..], &["verify", "lakeside"]] {
            let done = self.command(command);
            assert!(
                done.status.success(),
                "{command:?}: {}",
                String::from_utf8_lossy(&done.stderr)
            );
        }
        let status = self.command(&["status", "--json"]).stdout;
        let status: serde_json::Value = serde_json::from_slice(&status).unwrap();
        assert_eq!(status["migrations"][0]["rows"], Self::lines(), "{status}");
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        // The sandbox waits for whoever it serves.
        self.let_go();
    }
}
