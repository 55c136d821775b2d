use std::io::Write;
use std::process::{Command, Stdio};

use aws_lc_rs::encoding::{AsDer, EcPrivateKeyRfc5915Der};
use aws_lc_rs::signature::ECDSA_P256_SHA256_FIXED_SIGNING;

use super::*;
use crate::source::jwk::KeyAlgorithm;

fn pem(label: &str, der: &[u8]) -> String {
    let base64 = STANDARD.encode(der);
    let lines: Vec<&str> = base64
        .as_bytes()
        .chunks(64)
        .map(|line| std::str::from_utf8(line).unwrap())
        .collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}

fn sec1(alg: &'static aws_lc_rs::signature::EcdsaSigningAlgorithm) -> String {
    let pair = EcdsaKeyPair::generate(alg).unwrap();
    let der: EcPrivateKeyRfc5915Der<'_> = pair.private_key().as_der().unwrap();
    pem("EC PRIVATE KEY", der.as_ref())
}

#[test]
fn a07_both_kinds_of_key_survive_export_and_import() {
    for algorithm in [KeyAlgorithm::Rs384, KeyAlgorithm::Es384] {
        let key = PrivateKey::generate(algorithm).unwrap();
        let again = PrivateKey::import(&key.to_pkcs8_pem()).unwrap();
        assert_eq!(again.public(), key.public());
        assert_eq!(*again.to_pkcs8_pem(), *key.to_pkcs8_pem());
        let shown = format!("{key:?}");
        assert!(shown.starts_with("PrivateKey(") && shown.len() < 100, "{shown}");
    }
}

#[test]
fn a05_a06_the_public_half_has_what_servers_look_for_and_nothing_private() {
    for algorithm in [KeyAlgorithm::Rs384, KeyAlgorithm::Es384] {
        let key = PrivateKey::generate(algorithm).unwrap();
        let json = serde_json::to_value(key.public()).unwrap();
        assert_eq!(
            (&json["use"], &json["key_ops"][0], json["alg"].as_str()),
            (&"sig".into(), &"verify".into(), Some(algorithm.name()))
        );
        let mut members: Vec<&str> = json.as_object().unwrap().keys().map(String::as_str).collect();
        members.sort_unstable();
        match algorithm {
            KeyAlgorithm::Rs384 => {
                assert_eq!(members, ["alg", "e", "key_ops", "kid", "kty", "n", "use"]);
            }
            KeyAlgorithm::Es384 => assert_eq!(members, ["alg", "crv", "key_ops", "kid", "kty", "use", "x", "y"]),
        }
    }
}

#[test]
fn a_sec1_key_on_p384_is_taken_also_with_parameters_before_it() {
    let text = sec1(&ECDSA_P384_SHA384_FIXED_SIGNING);
    let key = PrivateKey::import(&text).unwrap();
    assert_eq!(key.algorithm(), KeyAlgorithm::Es384);
    let parameters = "-----BEGIN EC PARAMETERS-----\r\nBgUrgQQAIg==\r\n-----END EC PARAMETERS-----\r\n";
    let with_parameters = format!("\u{feff}{parameters}{}", text.replace('\n', "\r\n"));
    assert_eq!(PrivateKey::import(&with_parameters).unwrap().public(), key.public());
}

#[test]
fn a_sec1_key_on_another_curve_gets_the_command_that_helps() {
    let error = PrivateKey::import(&sec1(&ECDSA_P256_SHA256_FIXED_SIGNING)).unwrap_err();
    insta::assert_snapshot!(format!("{error}\n\nhint: {}", error.hint().unwrap()), @"
        the EC key (SEC1) is not on the named curve P-384, so it cannot sign ES384

        hint: if it is a P-384 key, convert it: openssl ec -in key.pem -param_enc named_curve | openssl pkcs8 -topk8 -nocrypt -out key-pkcs8.pem; if it is on another curve, make a new one with: cutover keys new MIGRATION --algorithm ES384
    ");
}

#[test]
fn keys_of_no_use_are_told_apart() {
    let public = PrivateKey::generate(KeyAlgorithm::Es384).unwrap().public().clone();
    let jwk = serde_json::to_string(&public).unwrap();
    let ed25519 = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n-----END PRIVATE KEY-----";
    for (text, expected) in [
        ("", KeyError::Unrecognized),
        ("ssh-rsa AAAA", KeyError::Unrecognized),
        (
            "-----BEGIN PRIVATE KEY-----\n!!!\n-----END PRIVATE KEY-----",
            KeyError::Unrecognized,
        ),
        ("-----BEGIN PRIVATE KEY-----\nAAAA", KeyError::Unrecognized),
        (
            "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----",
            KeyError::Encrypted,
        ),
        (
            "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nAAAA\n-----END RSA PRIVATE KEY-----",
            KeyError::Encrypted,
        ),
        (
            "-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----",
            KeyError::UnfitRsa,
        ),
        (
            "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----",
            KeyError::NotPrivate("a public key"),
        ),
        (
            "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----",
            KeyError::NotPrivate("a certificate"),
        ),
        (ed25519, KeyError::Unsupported),
        (jwk.as_str(), KeyError::NotPrivate("a public key")),
        (r#"{"keys":[]}"#, KeyError::NotPrivate("a set of public keys")),
        (r#"{"kty":"RSA","d":"AA"}"#, KeyError::Jwk { member: "n" }),
        (
            r#"{"kty":"EC","crv":"P-256","d":"AA"}"#,
            KeyError::WrongCurve { form: "JWK" },
        ),
        (r#"{"kty":"oct","d":"AA"}"#, KeyError::Unsupported),
        ("{}", KeyError::Jwk { member: "kty" }),
    ] {
        assert_eq!(PrivateKey::import(text).err(), Some(expected), "{text}");
    }
}

#[test]
fn a_private_jwk_is_taken_alone_or_in_a_set() {
    // The numbers of an EC key, taken apart from our own PKCS#8.
    let key = PrivateKey::generate(KeyAlgorithm::Es384).unwrap();
    let pair = {
        let pem = key.to_pkcs8_pem();
        let base64: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
        EcdsaKeyPair::from_pkcs8(&ECDSA_P384_SHA384_FIXED_SIGNING, &STANDARD.decode(base64).unwrap()).unwrap()
    };
    let d: aws_lc_rs::encoding::EcPrivateKeyBin<'_> =
        aws_lc_rs::encoding::AsBigEndian::as_be_bytes(&pair.private_key()).unwrap();
    let mut jwk = serde_json::to_value(key.public()).unwrap();
    jwk["d"] = URL_SAFE_NO_PAD.encode(d.as_ref()).into();
    assert_eq!(PrivateKey::import(&jwk.to_string()).unwrap().public(), key.public());
    let set = serde_json::json!({"keys": [jwk, key.public()]});
    assert_eq!(PrivateKey::import(&set.to_string()).unwrap().public(), key.public());
}

/// What people really have in their folders comes from `openssl`; where it is installed, its files are read.
#[test]
fn keys_made_by_openssl_are_taken() {
    let openssl = |arguments: &[&str], input: &str| -> Option<String> {
        let mut child = Command::new("openssl")
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .ok()?;
        child.stdin.take()?.write_all(input.as_bytes()).ok()?;
        let output = child.wait_with_output().ok()?;
        output
            .status
            .success()
            .then(|| String::from_utf8(output.stdout).unwrap())
    };
    let Some(pkcs8) = openssl(&["genrsa", "2048"], "") else {
        return;
    };
    let rsa = PrivateKey::import(&pkcs8).unwrap();
    if let Some(pkcs1) = openssl(&["rsa", "-traditional"], &pkcs8) {
        assert!(pkcs1.contains("BEGIN RSA PRIVATE KEY"));
        assert_eq!(PrivateKey::import(&pkcs1).unwrap().public(), rsa.public());
    }
    let ec = openssl(&["ecparam", "-genkey", "-name", "secp384r1"], "").unwrap();
    assert!(ec.contains("BEGIN EC PARAMETERS"));
    PrivateKey::import(&ec).unwrap();
    let converted = openssl(&["pkcs8", "-topk8", "-nocrypt"], &ec).unwrap();
    PrivateKey::import(&converted).unwrap();
    let explicit = openssl(
        &["ecparam", "-genkey", "-name", "secp384r1", "-param_enc", "explicit"],
        "",
    )
    .unwrap();
    if let Err(error) = PrivateKey::import(&explicit) {
        assert_eq!(error, KeyError::WrongCurve { form: "SEC1" });
        // The command that the hint names.
        let named = openssl(&["ec", "-param_enc", "named_curve"], &explicit).unwrap();
        PrivateKey::import(&openssl(&["pkcs8", "-topk8", "-nocrypt"], &named).unwrap()).unwrap();
    }
}
