use std::fs::Permissions;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

use super::*;
use crate::store::create_key_file;

/// Names the workspace to the process that is to hold it.
const HELD: &str = "CUTOVER_TEST_HELD_WORKSPACE";

fn place() -> (tempfile::TempDir, PathBuf, Secret) {
    let dir = tempfile::tempdir().unwrap();
    let key_file = dir.path().join("the.key");
    create_key_file(&key_file).unwrap();
    let root = dir.path().join("data/cutover");
    (dir, root, Secret::KeyFile(key_file))
}

fn text(dir: &tempfile::TempDir, error: &WorkspaceError) -> String {
    format!("{error}\nhint: {}", error.hint().unwrap()).replace(dir.path().to_str().unwrap(), "~")
}

#[test]
fn everything_in_a_workspace_is_private_and_comes_back() {
    let (_dir, root, secret) = place();
    let workspace = Workspace::open_or_create(&root, &secret, "demo").unwrap();
    let table = workspace.ledger().table::<String>("t").unwrap();
    table.put(b"k", &"x".repeat(300_000)).unwrap();
    workspace.ledger().durable().unwrap();
    drop((table, workspace));

    let workspace = Workspace::open_or_create(&root, &secret, "demo").unwrap();
    assert_eq!(workspace.repairs(), []);
    assert_eq!(
        workspace
            .ledger()
            .table::<String>("t")
            .unwrap()
            .get(b"k")
            .unwrap()
            .unwrap()
            .len(),
        300_000
    );
    let mut found = 0;
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let entry = entry.unwrap();
            let mode = entry.metadata().unwrap().permissions().mode() & 0o777;
            if entry.file_type().unwrap().is_dir() {
                assert_eq!(mode, 0o700, "{:?}", entry.path());
                folders.push(entry.path());
            } else {
                assert_eq!(mode, 0o600, "{:?}", entry.path());
                found += 1;
            }
        }
    }
    assert!(found >= 6, "vault, lock, log, settings, snapshot, large value: {found}");
}

#[test]
fn a_folder_open_to_others_is_refused() {
    let (dir, root, secret) = place();
    drop(Workspace::create(&root, &secret, "demo").unwrap());
    fs::set_permissions(&root, Permissions::from_mode(0o755)).unwrap();
    insta::assert_snapshot!(text(&dir, &Workspace::open(&root, &secret, "run").unwrap_err()), @r"
    ~/data/cutover is open to other users of this machine (mode 0755)
    hint: close it with: chmod -R go-rwx ~/data/cutover
    ");
    fs::set_permissions(&root, Permissions::from_mode(0o700)).unwrap();
    fs::set_permissions(root.join("landing"), Permissions::from_mode(0o710)).unwrap();
    insta::assert_snapshot!(text(&dir, &Workspace::open(&root, &secret, "run").unwrap_err()), @r"
    ~/data/cutover/landing is open to other users of this machine (mode 0710)
    hint: close it with: chmod -R go-rwx ~/data/cutover/landing
    ");
}

#[test]
fn a_missing_or_foreign_folder_is_refused() {
    let (dir, root, secret) = place();
    insta::assert_snapshot!(text(&dir, &Workspace::open(&root, &secret, "run").unwrap_err()), @r"
    there is no workspace at ~/data/cutover
    hint: check CUTOVER_HOME; a new workspace is made by `cutover migration add`
    ");
    assert!(!root.exists(), "looking does not create");
    private::create_folder(&root).unwrap();
    fs::write(root.join("letters.txt"), "mine").unwrap();
    insta::assert_snapshot!(text(&dir, &Workspace::open_or_create(&root, &secret, "run").unwrap_err()), @r"
    ~/data/cutover is not a workspace and is not empty
    hint: set CUTOVER_HOME to a new or empty folder
    ");
}

#[test]
fn data_without_its_key_is_never_given_a_new_one() {
    let (_dir, root, secret) = place();
    drop(Workspace::create(&root, &secret, "demo").unwrap());
    assert!(matches!(
        Workspace::create(&root, &secret, "demo"),
        Err(WorkspaceError::Vault(VaultError::Exists { .. }))
    ));
    fs::remove_file(root.join("keys/vault.json")).unwrap();
    for attempt in [Workspace::open_or_create, Workspace::create, Workspace::open] {
        let result = attempt(&root, &secret, "demo");
        assert!(
            matches!(result, Err(WorkspaceError::Vault(VaultError::Missing { .. }))),
            "{result:?}"
        );
    }
}

#[test]
fn creation_that_was_interrupted_is_taken_up_again() {
    let (_dir, root, secret) = place();
    private::create_folder(&root.join("keys")).unwrap();
    fs::write(root.join("keys/vault.json.new"), "half").unwrap();
    fs::write(root.join("lock"), "").unwrap();
    Workspace::open_or_create(&root, &secret, "demo").unwrap();
    assert!(Workspace::exists(&root));
}

#[test]
fn a_damaged_ledger_is_set_aside_on_request_and_not_before() {
    let (_dir, root, secret) = place();
    let workspace = Workspace::create(&root, &secret, "demo").unwrap();
    workspace.ledger().table::<u8>("t").unwrap().put(b"k", &1).unwrap();
    workspace.ledger().durable().unwrap();
    drop(workspace);
    fs::write(root.join("ledger/db"), "").unwrap();
    match Workspace::open(&root, &secret, "run") {
        Err(WorkspaceError::Ledger(error)) => assert!(error.needs_rebuild()),
        other => panic!("{other:?}"),
    }
    let workspace = Workspace::open_with_new_ledger(&root, &secret, "doctor").unwrap();
    assert_eq!(workspace.ledger().table::<u8>("t").unwrap().get(b"k").unwrap(), None);
    assert!(root.join("ledger.damaged.1/db").exists());
    drop(workspace);
    Workspace::open(&root, &secret, "run").unwrap();
}

/// Not a test of its own: what the next one starts as a process. Holds the workspace until its input ends.
#[test]
fn holds_a_workspace() {
    let Some(root) = std::env::var_os(HELD) else {
        return;
    };
    let root = PathBuf::from(root);
    let secret = Secret::KeyFile(root.parent().unwrap().parent().unwrap().join("the.key"));
    let _workspace = Workspace::open(&root, &secret, "run").unwrap();
    println!("\nholding");
    std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
}

#[test]
fn a_second_process_is_told_who_holds_the_workspace_until_the_first_ends() {
    let (dir, root, secret) = place();
    assert_eq!(Workspace::holder(&root).unwrap(), None);
    drop(Workspace::create(&root, &secret, "demo").unwrap());
    assert_eq!(
        Workspace::holder(&root).unwrap(),
        None,
        "the lock file of an ended process holds nothing"
    );

    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "store::workspace::tests::holds_a_workspace", "--nocapture"])
        .env(HELD, &root)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap() == "holding"));

    let holder = Workspace::holder(&root).unwrap().unwrap();
    assert_eq!((holder.pid, holder.command.as_str()), (child.id(), "run"));
    let error = Workspace::open(&root, &secret, "status").unwrap_err();
    // The time first: its digits may contain the process id.
    let shown = text(&dir, &error)
        .replace(&format!("{:.0}", holder.since), "SINCE")
        .replace(&format!(" on {}", holder.host.as_deref().unwrap()), " on HOST")
        .replace(&format!("process {}", holder.pid), "process PID")
        .replace(&format!("kill {}", holder.pid), "kill PID");
    insta::assert_snapshot!(shown, @r"
    the workspace ~/data/cutover is in use by `cutover run` (process PID on HOST) since SINCE
    hint: wait until it has ended, or end it with: kill PID; it then continues later where it stopped
    ");

    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(Workspace::holder(&root).unwrap(), None);
    Workspace::open(&root, &secret, "status").unwrap();
}

#[test]
fn a_holder_that_did_not_say_who_it_is_is_still_a_holder() {
    let (dir, root, secret) = place();
    drop(Workspace::create(&root, &secret, "demo").unwrap());
    let mut file = fs::File::create(root.join("lock")).unwrap();
    file.lock().unwrap();
    file.write_all(b"{\"pid\":").unwrap();
    insta::assert_snapshot!(text(&dir, &Workspace::open(&root, &secret, "run").unwrap_err()), @r"
    the workspace ~/data/cutover is in use by another process
    hint: wait until it has ended
    ");
}

#[test]
fn wrong_secrets_leave_the_workspace_unlocked_for_the_next_try() {
    let (dir, root, secret) = place();
    drop(Workspace::create(&root, &secret, "demo").unwrap());
    let other = dir.path().join("other.key");
    create_key_file(&other).unwrap();
    assert!(matches!(
        Workspace::open(&root, &Secret::KeyFile(other.clone()), "run"),
        Err(WorkspaceError::Vault(VaultError::WrongKeyFile { .. }))
    ));
    let workspace = Workspace::open(&root, &secret, "run").unwrap();
    workspace.change_secret(&Secret::KeyFile(other.clone())).unwrap();
    drop(workspace);
    Workspace::open(&root, &Secret::KeyFile(other), "run").unwrap();
}
