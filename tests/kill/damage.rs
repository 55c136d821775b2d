//! What a crash can leave on disk besides what was written: torn snapshots of the ledger, garbage behind a segment's end.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use super::rig::Dice;

/// Does one kind of damage; false when there was nothing to damage.
pub fn some(home: &Path, dice: &mut Dice) -> bool {
    match dice.below(3) {
        0 => snapshots(home, |path| {
            let len = fs::metadata(path).unwrap().len();
            File::options()
                .write(true)
                .open(path)
                .unwrap()
                .set_len(len / 2)
                .unwrap();
        }),
        1 => snapshots(home, |path| fs::write(path, [0x5A; 3000]).unwrap()),
        _ => segments(home),
    }
}

fn named(folder: &Path, wanted: impl Fn(&str) -> bool) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.file_name().and_then(|n| n.to_str()).is_some_and(&wanted))
        .collect();
    found.sort();
    found
}

fn snapshots(home: &Path, tear: impl Fn(&Path)) -> bool {
    let found = named(&home.join("ledger"), |n| {
        n.starts_with("snap.") && !n.contains("damaged")
    });
    for path in &found {
        tear(path);
    }
    !found.is_empty()
}

/// Appends garbage to the two newest segments, once as it comes, once in the likeness of a block.
fn segments(home: &Path) -> bool {
    let found = named(&home.join("landing"), |n| {
        Path::new(n).extension().is_some_and(|e| e == "seg")
    });
    for (path, garbage) in found
        .iter()
        .rev()
        .zip([&b"CTOB\x01\x01\x00\x00 and so on"[..], &vec![0xA5; 70_000]])
    {
        File::options()
            .append(true)
            .open(path)
            .unwrap()
            .write_all(garbage)
            .unwrap();
    }
    !found.is_empty()
}
