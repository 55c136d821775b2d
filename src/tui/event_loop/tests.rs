use std::io;
use std::sync::{Arc, Mutex};

use crossterm::event::KeyCode;
use futures_util::stream::poll_fn;
use jiff::tz::TimeZone;
use ratatui::layout::Size;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

use super::*;
use crate::http::SystemClock;
use crate::migration::{Event, Plan};
use crate::store::{Secret, Storage, Workspace, create_key_file};
use crate::tui::key::Key;
use crate::tui::look::Look;
use crate::tui::model::Place;
use crate::tui::sample;
use crate::tui::surface::ByteSurface;

/// A terminal in memory: what was written to it, write by write.
#[derive(Clone, Default)]
struct Paper(Arc<Mutex<Vec<Vec<u8>>>>);

impl io::Write for Paper {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().push(bytes.to_vec());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Paper {
    fn writes(&self) -> Vec<Vec<u8>> {
        self.0.lock().unwrap().clone()
    }

    fn text(&self) -> String {
        let mut parser = vt100::Parser::new(24, 80, 0);
        parser.process(&self.writes().concat());
        parser.screen().contents()
    }

    /// Waits until the screen says this; a screen that never does is a failed test, not one that hangs.
    async fn until(&self, words: &str) -> String {
        for _ in 0..1000 {
            let text = self.text();
            if text.contains(words) {
                return text;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("never said {words:?}:\n{}", self.text());
    }
}

/// The real loop on a real store, in a folder of its own.
struct Stage {
    paper: Paper,
    keys: UnboundedSender<Input>,
    ended: tokio::task::JoinHandle<Ended>,
    _folder: tempfile::TempDir,
}

impl Stage {
    fn new(migrations: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let key = folder.path().join("key");
        create_key_file(&key).unwrap();
        let workspace = Workspace::create(&folder.path().join("workspace"), &Secret::KeyFile(key), "test").unwrap();
        let storage = Arc::new(Storage::open(workspace).unwrap());
        for id in migrations {
            let plan = Plan::new(id, "https://ehr.example/fhir");
            storage.tables.migrations.put(id.as_bytes(), &plan).unwrap();
            let (preset, base_url) = (plan.preset, plan.base_url);
            storage
                .journal
                .append(id, &Event::MigrationAdded { preset, base_url })
                .unwrap();
        }
        let paper = Paper::default();
        let surface = ByteSurface::new(paper.clone(), || Ok(Size::new(80, 24)), |_| Ok(()));
        let (out, news) = unbounded_channel();
        let (keys, mut pressed) = unbounded_channel();
        let model = Model::new(Place::default(), Look::default(), TimeZone::UTC, sample::now());
        let worker = Worker::new(storage, out, Arc::new(SystemClock::default())).unwrap();
        let wizard = Wizard {
            terminal: Terminal::new(surface).unwrap(),
            model,
            worker,
            news,
            now: sample::now,
        };
        let ended = tokio::spawn(wizard.run(poll_fn(move |context| pressed.poll_recv(context)), || ()));
        Self {
            paper,
            keys,
            ended,
            _folder: folder,
        }
    }

    fn press(&self, key: Key) {
        self.keys.send(Input::Key(key)).unwrap();
    }

    async fn end(self) -> Ended {
        drop(self.keys);
        self.ended.await.unwrap()
    }
}

const ENTER: Key = Key::plain(KeyCode::Enter);

#[tokio::test]
async fn keys_lead_from_home_into_a_migration_and_back() {
    let stage = Stage::new(&["harbor", "lakeside"]);
    stage.paper.until("harbor").await;
    stage.press(Key::of('j'));
    stage.press(ENTER);
    stage.paper.until("Register").await;
    stage.press(Key::of('l'));
    stage.paper.until("1 entry").await;
    stage.press(Key::plain(KeyCode::Esc));
    stage.press(Key::plain(KeyCode::Esc));
    stage.paper.until("2 practices").await;
    stage.press(Key::of('q'));
    assert_eq!(stage.ended.await.unwrap(), Ended::Quit);
}

#[tokio::test]
async fn a_migration_is_removed_only_when_its_name_was_typed() {
    let stage = Stage::new(&["harbor", "lakeside"]);
    stage.paper.until("lakeside").await;
    stage.press(Key::of('d'));
    stage.paper.until("Remove harbor?").await;
    stage.press(ENTER);
    stage.paper.until("type harbor first").await;
    stage.keys.send(Input::Paste("harbor\n".to_owned())).unwrap();
    stage.press(ENTER);
    stage.paper.until("harbor was removed").await;
    let text = stage.paper.until("1 practice").await;
    assert!(text.contains("lakeside"));
    assert_eq!(stage.end().await, Ended::Lost, "without anybody to type the loop ends");
}

#[tokio::test]
async fn frames_are_one_write_each_and_what_changes_nothing_writes_nothing() {
    let stage = Stage::new(&["harbor"]);
    stage.paper.until("harbor").await;
    stage.press(Key::of('?'));
    stage.paper.until("Keys on the screen Home").await;
    let before = stage.paper.writes();
    for write in &before {
        assert!(
            write.starts_with(b"\x1b[?2026h") && write.ends_with(b"\x1b[?2026l"),
            "a whole frame"
        );
    }
    let bytes: usize = before.iter().map(Vec::len).sum();
    assert!(bytes < 5000, "{bytes} bytes for two frames");
    // Up in a list that is at its top, and a key that means nothing here.
    stage.press(Key::plain(KeyCode::Up));
    stage.press(Key::plain(KeyCode::F(5)));
    stage.press(Key::of('?'));
    stage.paper.until("Enter open").await;
    assert_eq!(
        stage.paper.writes().len(),
        before.len() + 1,
        "only closing the help is drawn"
    );
    stage.end().await;
}

#[tokio::test]
async fn the_process_being_told_to_end_ends_the_loop() {
    let stage = Stage::new(&[]);
    stage.paper.until("No migration yet").await;
    stage.keys.send(Input::Terminate).unwrap();
    assert_eq!(stage.ended.await.unwrap(), Ended::Quit);
    let stage = Stage::new(&[]);
    stage.paper.until("No migration yet").await;
    stage.keys.send(Input::Gone).unwrap();
    assert_eq!(stage.ended.await.unwrap(), Ended::Lost);
}
