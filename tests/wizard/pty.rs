//! The program in a pseudo-terminal of 80 by 24, and a terminal that reads what it writes.

use std::io::{Read, Write};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, ExitStatus, MasterPty, PtySize, native_pty_system};
use vt100::Parser;

/// How long anything may take before a test calls it missing; nothing takes a tenth of it on a machine that is not busy.
const PATIENCE: Duration = Duration::from_secs(60);

/// Bits of a terminal's modes: keys come by line, are echoed, and some are signals (`termios.h` of Linux).
const ICANON: u32 = 0o2;
const ECHO: u32 = 0o10;
const ISIG: u32 = 0o1;

pub struct Pty {
    pub child: Box<dyn Child + Send + Sync>,
    master: Option<Box<dyn MasterPty + Send>>,
    keys: Option<Box<dyn Write + Send>>,
    seen: Arc<(Mutex<Seen>, Condvar)>,
    _home: tempfile::TempDir,
}

struct Seen {
    parser: Parser,
    /// Bytes that the program has written.
    bytes: u64,
    ended: bool,
    /// Nobody is to read on.
    enough: bool,
}

/// `cutover` with these arguments.
pub fn cutover(args: &[&str]) -> CommandBuilder {
    let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_cutover"));
    command.args(args);
    command
}

impl Pty {
    /// Starts `cutover` with these arguments and variables.
    pub fn start(args: &[&str], variables: &[(&str, &str)]) -> Self {
        let mut command = cutover(args);
        for name in [
            "NO_COLOR",
            "COLORFGBG",
            "CUTOVER_LOOK",
            "CUTOVER_LOG",
            "LC_ALL",
            "LC_CTYPE",
        ] {
            command.env_remove(name);
        }
        command.env("LANG", "C.UTF-8");
        for (name, value) in variables {
            command.env(name, value);
        }
        Self::of(command)
    }

    /// Starts a program in a folder and a workspace of its own.
    pub fn of(mut command: CommandBuilder) -> Self {
        let home = tempfile::tempdir().unwrap();
        let size = PtySize {
            rows: 24,
            cols: 80,
            pixel_width: 0,
            pixel_height: 0,
        };
        let pair = native_pty_system().openpty(size).unwrap();
        command.cwd(home.path());
        command.env("TERM", "xterm-256color");
        command.env("TMPDIR", home.path());
        if command.get_env("CUTOVER_HOME").is_none() {
            command.env("CUTOVER_HOME", home.path().join("workspace"));
        }
        let child = pair.slave.spawn_command(command).unwrap();
        drop(pair.slave);
        let mut reader = pair.master.try_clone_reader().unwrap();
        let keys = pair.master.take_writer().unwrap();
        let seen = Arc::new((
            Mutex::new(Seen {
                parser: Parser::new(24, 80, 0),
                bytes: 0,
                ended: false,
                enough: false,
            }),
            Condvar::new(),
        ));
        let told = Arc::clone(&seen);
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            loop {
                let read = reader.read(&mut bytes).unwrap_or(0);
                let mut seen = told.0.lock().unwrap();
                seen.parser.process(&bytes[..read]);
                seen.bytes += read as u64;
                seen.ended = read == 0 || seen.enough;
                told.1.notify_all();
                if seen.ended {
                    return;
                }
            }
        });
        Self {
            child,
            master: Some(pair.master),
            keys: Some(keys),
            seen,
            _home: home,
        }
    }

    /// Types.
    pub fn press(&mut self, keys: &str) {
        self.keys.as_mut().unwrap().write_all(keys.as_bytes()).unwrap();
    }

    /// Waits until this is so of the terminal.
    pub fn until(&self, what: &str, so: impl Fn(&vt100::Screen) -> bool) {
        let (seen, changed) = &*self.seen;
        let deadline = Instant::now() + PATIENCE;
        let mut seen = seen.lock().unwrap();
        while !so(seen.parser.screen()) {
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(
                !left.is_zero() && !seen.ended,
                "never so: {what}\n{}",
                seen.parser.screen().contents()
            );
            seen = changed.wait_timeout(seen, left).unwrap().0;
        }
    }

    /// Waits until the screen says this.
    pub fn says(&self, words: &str) {
        self.until(words, |screen| screen.contents().contains(words));
    }

    /// Whether the screen says this in a moment.
    pub fn says_soon(&self, words: &str) -> bool {
        let (seen, changed) = &*self.seen;
        let seen = seen.lock().unwrap();
        let silent = |seen: &mut Seen| !seen.ended && !seen.parser.screen().contents().contains(words);
        !changed
            .wait_timeout_while(seen, Duration::from_secs(3), silent)
            .unwrap()
            .1
            .timed_out()
    }

    /// Waits until the program has ended and everything it wrote is read.
    pub fn end(&mut self) -> ExitStatus {
        let (seen, changed) = &*self.seen;
        let deadline = Instant::now() + PATIENCE;
        let mut seen = seen.lock().unwrap();
        while !seen.ended {
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "it never ended:\n{}", seen.parser.screen().contents());
            seen = changed.wait_timeout(seen, left).unwrap().0;
        }
        drop(seen);
        self.child.wait().unwrap()
    }

    /// Whether the terminal is as it was before: what it shows, and how it takes keys.
    pub fn given_back(&self) -> bool {
        let seen = self.seen.0.lock().unwrap();
        let screen = seen.parser.screen();
        let modes = self.master.as_ref().and_then(|master| master.get_termios()).unwrap();
        let by_line = modes.local_flags.bits() & (ICANON | ECHO | ISIG) == ICANON | ECHO | ISIG;
        by_line && !screen.alternate_screen() && !screen.hide_cursor() && !screen.bracketed_paste()
    }

    /// Bytes that the program has written so far.
    #[allow(dead_code)] // The benchmark counts them.
    pub fn bytes(&self) -> u64 {
        self.seen.0.lock().unwrap().bytes
    }

    /// What stands on the screen.
    pub fn contents(&self) -> String {
        self.seen.0.lock().unwrap().parser.screen().contents()
    }

    /// Sends a signal to the program.
    pub fn signal(&self, signal: rustix::process::Signal) {
        let pid = i32::try_from(self.child.process_id().unwrap()).unwrap();
        rustix::process::kill_process(rustix::process::Pid::from_raw(pid).unwrap(), signal).unwrap();
    }

    /// Takes the terminal away, as a lost connection does; then the program has to end by itself. Gives how it ended, and how much of
    /// the processor it took from then on.
    pub fn hang_up(&mut self) -> (ExitStatus, Duration) {
        // Whoever reads has a hold on the terminal too, and looks up only when something was written.
        self.seen.0.lock().unwrap().enough = true;
        self.press("\x0c");
        {
            let (seen, changed) = &*self.seen;
            let seen = seen.lock().unwrap();
            drop(changed.wait_timeout_while(seen, PATIENCE, |seen| !seen.ended).unwrap());
        }
        let pid = self.child.process_id().unwrap();
        let before = processor_time(pid).1;
        self.keys = None;
        self.master = None;
        let deadline = Instant::now() + PATIENCE;
        loop {
            // What it took can be read until it was waited for.
            let (ended, taken) = processor_time(pid);
            if ended {
                return (self.child.wait().unwrap(), taken.saturating_sub(before));
            }
            assert!(Instant::now() < deadline, "it never ended");
            std::thread::yield_now();
        }
    }
}

/// Whether a process has ended and was not waited for yet, and the processor time that it took.
pub fn processor_time(pid: u32) -> (bool, Duration) {
    let text = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    // After the name, which may hold anything: the state, and from the twelfth on the times in hundredths of a second.
    let fields: Vec<&str> = text[text.rfind(')').unwrap() + 1..].split_whitespace().collect();
    let ticks: u64 = fields[11..13].iter().map(|field| field.parse::<u64>().unwrap()).sum();
    (fields[0] == "Z", Duration::from_millis(ticks * 10))
}

impl Drop for Pty {
    fn drop(&mut self) {
        // After a failed test; a program that has ended cannot be killed, and that is well.
        let _ = self.child.kill();
    }
}
