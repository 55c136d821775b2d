use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use super::*;
use crate::store::create_key_file;

fn passphrase(words: &str) -> Secret {
    Secret::Passphrase(Zeroizing::new(words.to_owned()))
}

fn key_file(dir: &Path, name: &str) -> (Secret, PathBuf) {
    let path = dir.join(name);
    create_key_file(&path).unwrap();
    (Secret::KeyFile(path.clone()), path)
}

/// The error's text with the temporary folder cut out.
fn text(dir: &Path, error: &VaultError) -> String {
    format!("{error}\nhint: {}", error.hint().unwrap()).replace(dir.to_str().unwrap(), "~")
}

#[test]
fn a_passphrase_opens_its_own_vault_and_no_other_secret_does() {
    let dir = tempfile::tempdir().unwrap();
    let keys = dir.path().join("keys");
    let sealed = Vault::create(&keys, &passphrase("café au lait"))
        .unwrap()
        .seal(b"here", b"data");
    // The same words from a terminal that sends the accent as a character of its own.
    let vault = Vault::open(&keys, &passphrase("cafe\u{301} au lait")).unwrap();
    assert_eq!(vault.unseal(b"here", &sealed).unwrap(), b"data");
    assert_eq!(vault.unseal(b"there", &sealed), Err(Unauthentic));

    let error = Vault::open(&keys, &passphrase("cafe au lait")).unwrap_err();
    insta::assert_snapshot!(text(dir.path(), &error), @r"
    the passphrase does not open the workspace key ~/keys/vault.json
    hint: check the keyboard layout and Caps Lock, and that CUTOVER_HOME names the workspace you mean; a forgotten passphrase cannot be recovered
    ");
    let (other, _) = key_file(dir.path(), "some.key");
    let error = Vault::open(&keys, &other).unwrap_err();
    insta::assert_snapshot!(text(dir.path(), &error), @r"
    the workspace key ~/keys/vault.json is opened by a passphrase, and something else was given
    hint: give the passphrase instead of a key file
    ");
}

#[test]
fn a_key_file_opens_its_own_vault_and_no_other_secret_does() {
    let dir = tempfile::tempdir().unwrap();
    let keys = dir.path().join("keys");
    let (secret, path) = key_file(dir.path(), "a.key");
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(
        create_key_file(&path).is_err(),
        "an existing key file is never replaced"
    );
    let sealed = Vault::create(&keys, &secret).unwrap().seal(b"", b"data");
    assert_eq!(
        Vault::open(&keys, &secret).unwrap().unseal(b"", &sealed).unwrap(),
        b"data"
    );

    let (other, _) = key_file(dir.path(), "b.key");
    insta::assert_snapshot!(text(dir.path(), &Vault::open(&keys, &other).unwrap_err()), @r"
    the key file ~/b.key does not open the workspace key ~/keys/vault.json
    hint: each workspace has its own key file; check that CUTOVER_HOME and the key file belong together
    ");
    insta::assert_snapshot!(text(dir.path(), &Vault::open(&keys, &passphrase("x")).unwrap_err()), @r"
    the workspace key ~/keys/vault.json is opened by a key file, and something else was given
    hint: give the key file instead of a passphrase
    ");
    fs::write(&path, "-----BEGIN PRIVATE KEY-----\n").unwrap();
    insta::assert_snapshot!(text(dir.path(), &Vault::open(&keys, &secret).unwrap_err()), @r"
    the key file ~/a.key does not hold a key (32 bytes in base64)
    hint: check that this is the key file and not, say, a private key in PEM
    ");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    insta::assert_snapshot!(text(dir.path(), &Vault::open(&keys, &secret).unwrap_err()), @r"
    ~/a.key is open to other users of this machine (mode 0640)
    hint: close it with: chmod -R go-rwx ~/a.key
    ");
}

#[test]
fn a_changed_secret_opens_what_was_sealed_before() {
    let dir = tempfile::tempdir().unwrap();
    let keys = dir.path().join("keys");
    let (old, _) = key_file(dir.path(), "old.key");
    let vault = Vault::create(&keys, &old).unwrap();
    let sealed = vault.sealer("landing").seal(b"", b"data");
    let hash = vault.hasher("patient").hash(&[b"1"]);
    vault.change_secret(&keys, &passphrase("new words")).unwrap();

    assert!(matches!(Vault::open(&keys, &old), Err(VaultError::WrongKind { .. })));
    let vault = Vault::open(&keys, &passphrase("new words")).unwrap();
    assert_eq!(vault.sealer("landing").unseal(b"", &sealed).unwrap(), b"data");
    assert_eq!(vault.hasher("patient").hash(&[b"1"]), hash);
    assert_eq!(
        fs::metadata(keys.join("vault.json")).unwrap().permissions().mode() & 0o777,
        0o600
    );
}

#[test]
fn a_vault_is_never_replaced_and_an_empty_passphrase_never_accepted() {
    let dir = tempfile::tempdir().unwrap();
    let (secret, _) = key_file(dir.path(), "a.key");
    let keys = dir.path().join("keys");
    assert!(matches!(
        Vault::create(&keys, &passphrase("")),
        Err(VaultError::EmptyPassphrase)
    ));
    assert!(matches!(Vault::open(&keys, &secret), Err(VaultError::Missing { .. })));
    Vault::create(&keys, &secret).unwrap();
    assert!(matches!(Vault::create(&keys, &secret), Err(VaultError::Exists { .. })));
}

#[test]
fn every_damage_to_the_vault_file_is_an_error_and_none_is_called_a_wrong_secret() {
    let dir = tempfile::tempdir().unwrap();
    let keys = dir.path().join("keys");
    let (secret, _) = key_file(dir.path(), "a.key");
    Vault::create(&keys, &secret).unwrap();
    let file = keys.join("vault.json");
    let good = fs::read(&file).unwrap();
    let end = good.trim_ascii_end().len();
    for at in 0..end {
        let mut bad = good.clone();
        bad[at] ^= 0x04;
        fs::write(&file, &bad).unwrap();
        match Vault::open(&keys, &secret) {
            Err(VaultError::Corrupt { .. } | VaultError::Newer { .. }) => {}
            // White space between the members may change without harm.
            Ok(_) if good[at].is_ascii_whitespace() => {}
            other => panic!("byte {at}: {other:?}"),
        }
        fs::write(&file, &good[..at]).unwrap();
        assert!(
            matches!(Vault::open(&keys, &secret), Err(VaultError::Corrupt { .. })),
            "cut at {at}"
        );
    }
    fs::write(&file, [good.clone(), b"x".to_vec()].concat()).unwrap();
    insta::assert_snapshot!(text(dir.path(), &Vault::open(&keys, &secret).unwrap_err()), @r"
    the workspace key ~/keys/vault.json is damaged: it is not the JSON it should be
    hint: restore this file from a backup; nothing in the workspace can be read without it, and nothing else is damaged
    ");
    let newer = String::from_utf8(good)
        .unwrap()
        .replace("\"version\": 1", "\"version\": 2");
    fs::write(&file, newer).unwrap();
    insta::assert_snapshot!(text(dir.path(), &Vault::open(&keys, &secret).unwrap_err()), @r"
    the workspace key ~/keys/vault.json has format version 2, and this program reads version 1
    hint: use the version of cutover that made this workspace, or a later one
    ");
}

#[test]
fn a_forged_vault_file_cannot_ask_for_unbounded_memory_or_time() {
    let dir = tempfile::tempdir().unwrap();
    let keys = dir.path().join("keys");
    Vault::create(&keys, &passphrase("x")).unwrap();
    let file = keys.join("vault.json");
    let good = fs::read_to_string(&file).unwrap();
    for (from, to) in [
        ("65536", "4294967295"),
        ("\"passes\": 3", "\"passes\": 4000000000"),
        ("\"lanes\": 1", "\"lanes\": 0"),
    ] {
        let forged = good.replace(from, to);
        assert_ne!(forged, good);
        // With the checksum made to match, as a forger would.
        let mut json: serde_json::Value = serde_json::from_str(&forged).unwrap();
        let lock: crate::store::secret::Lock = serde_json::from_value(json["lock"].clone()).unwrap();
        json["check"] = vault_file::check(&lock, json["wrapped"].as_str().unwrap()).into();
        fs::write(&file, json.to_string()).unwrap();
        assert!(
            matches!(Vault::open(&keys, &passphrase("x")), Err(VaultError::Corrupt { .. })),
            "{to}"
        );
    }
}

#[test]
fn domains_and_purposes_have_keys_of_their_own() {
    let vault = Vault::from_key(Zeroizing::new([1; 32]));
    let sealed = vault.sealer("landing").seal(b"", b"data");
    assert_eq!(vault.sealer("ledger").unseal(b"", &sealed), Err(Unauthentic));
    assert_eq!(vault.unseal(b"", &sealed), Err(Unauthentic));
    assert_ne!(vault.hasher("a").hash(&[b"x"]), vault.hasher("b").hash(&[b"x"]));
    assert_ne!(*derive(&vault.key, "seal", "a"), *derive(&vault.key, "hash", "a"));
}

#[test]
fn nothing_secret_is_in_debug_output() {
    let vault = Vault::from_key(Zeroizing::new([1; 32]));
    let shown = format!(
        "{vault:?} {:?} {:?} {:?}",
        vault.sealer("x"),
        vault.hasher("x"),
        passphrase("hunter2")
    );
    assert_eq!(shown, "Vault(..) Sealer(..) KeyedHasher(..) Passphrase(..)");
}
