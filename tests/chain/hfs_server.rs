//! A Helios FHIR server in a process of its own, where it is installed.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// A server of its own, empty at first; it ends when it is dropped.
pub struct Server {
    pub child: Child,
    pub base: String,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The server's program: named by `CUTOVER_TEST_HFS`, or found on the path.
pub fn program() -> Option<PathBuf> {
    let named = std::env::var_os("CUTOVER_TEST_HFS").map(PathBuf::from);
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).map(|folder| folder.join("hfs"));
    let program = named.into_iter().chain(found).find(|program| program.is_file());
    if program.is_none() {
        eprintln!("SKIPPED: the Helios FHIR server is not installed; CUTOVER_TEST_HFS names it");
    }
    program
}

impl Server {
    /// Starts an empty server and waits until it says that it listens.
    pub fn start(program: &Path, folder: &Path, definitions: &Path) -> Self {
        let port = TcpListener::bind("127.0.0.1:0")
            .and_then(|free| free.local_addr())
            .expect("a port")
            .port();
        let base = format!("http://127.0.0.1:{port}");
        let mut child = Command::new(program)
            .arg("--database-url")
            .arg(folder.join("hfs.db"))
            .env("HFS_BASE_URL", &base)
            .env("HFS_SERVER_PORT", port.to_string())
            .env("HFS_SERVER_HOST", "127.0.0.1")
            .env("HFS_DATA_DIR", definitions)
            .env("HFS_BULK_EXPORT_OUTPUT_DIR", folder.join("hfs-output"))
            .env("HFS_EXPORT_DIR", folder.join("hfs-exports"))
            .env("HFS_LOG_LEVEL", "info")
            .current_dir(folder)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the server starts");
        let mut log = BufReader::new(child.stdout.take().expect("its log"));
        let mut line = String::new();
        while !line.contains("Server listening") {
            line.clear();
            assert!(
                log.read_line(&mut line).expect("its log") > 0,
                "the server ended before it listened"
            );
        }
        // Its log is read on, or the pipe fills and the server stands still.
        std::thread::spawn(move || std::io::copy(&mut log, &mut std::io::sink()));
        Self { child, base }
    }
}
