//! Who is at the keyboard, for the audit trail.

use std::env;
use std::fs;

/// The login name of the person who runs this process; `root (for alice)` under `sudo`, and `uid 1000` when no name is known.
pub fn operator() -> String {
    let uid = rustix::process::getuid().as_raw();
    let name = fs::read_to_string("/etc/passwd")
        .ok()
        .and_then(|passwd| name_of(uid, &passwd))
        // Accounts from a directory service are not in that file.
        .or_else(|| variable("LOGNAME"))
        .or_else(|| variable("USER"))
        .unwrap_or_else(|| format!("uid {uid}"));
    match variable("SUDO_USER") {
        Some(person) if uid == 0 => format!("{name} (for {person})"),
        _ => name,
    }
}

fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

/// The name of a user in the format of passwd(5).
fn name_of(uid: u32, passwd: &str) -> Option<String> {
    passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next().filter(|name| !name.is_empty())?;
        let found = fields.nth(1)?.parse::<u32>().ok()?;
        (found == uid).then(|| name.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_found_by_its_number() {
        let passwd = "root:x:0:0:root:/root:/bin/sh\n+::::::\nbroken\nalice:x:1000:1000:A, B:/home/alice:/bin/sh\n";
        assert_eq!(name_of(1000, passwd).as_deref(), Some("alice"));
        assert_eq!(name_of(0, passwd).as_deref(), Some("root"));
        assert_eq!(name_of(100, passwd), None);
        assert!(!operator().is_empty());
    }
}
