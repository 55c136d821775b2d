//! Keys, client ids and scopes that the EHR does not take.

use std::path::Path;

use crate::rig::{Rig, sandbox, smart, write};
use cutover::sandbox::{Client, ECW, KAREO, Keys};

/// An EC key on P-256, as `openssl ecparam -name prime256v1 -genkey -noout` writes it.
const P256_SEC1: &str = "-----BEGIN EC PRIVATE KEY-----
MHcCAQEEIIJ0Zyy/NjLFmUgxsFzHJh2cnMb7SG7uy8z4b2uzLyC9oAoGCCqGSM49
AwEHoUQDQgAE4k1cBZ3ClhvCnuB8cVk8j0cBUQZaUe8vWmL8d5K4n0m0n1xq9lJb
2Zt6H7Rk1v0j2m5S3X8G1o3rB4n6b7Y2qA==
-----END EC PRIVATE KEY-----
";

#[test]
fn a_sec1_key_that_cannot_sign() {
    let rig = Rig::new();
    rig.must(&["migration", "add", "lakeside", "--base-url", "https://ehr.example/fhir"]);
    let file = rig.path("key.pem");
    write(Path::new(&file), P256_SEC1);
    insta::assert_snapshot!("sec1_key", rig.run(&["keys", "new", "lakeside", "--import", &file]));
    let public = rig.path("public.pem");
    write(
        Path::new(&public),
        "-----BEGIN PUBLIC KEY-----\nMHYw\n-----END PUBLIC KEY-----\n",
    );
    insta::assert_snapshot!("public_key", rig.run(&["keys", "new", "lakeside", "--import", &public]));
}

#[test]
fn no_key_and_no_client_id() {
    let ehr = smart();
    let rig = Rig::new();
    rig.must(&[
        "migration",
        "add",
        "lakeside",
        "--base-url",
        &ehr.base_url,
        "--level",
        "system",
        "--algorithm",
        "ES384",
    ]);
    insta::assert_snapshot!("no_key", rig.run(&["run", "lakeside"]));
    rig.must(&["keys", "new", "lakeside"]);
    insta::assert_snapshot!("no_client_id", rig.run(&["run", "lakeside"]));
    insta::assert_snapshot!("second_key", rig.run(&["keys", "new", "lakeside"]));
}

#[test]
fn a_client_that_the_ehr_does_not_know() {
    let ehr = smart();
    let rig = Rig::with_migration(&ehr.base_url, &["--client-id", "nobody", "--level", "system"]);
    insta::assert_snapshot!("invalid_client", rig.run(&["run", "lakeside"]));
}

#[test]
fn scopes_that_the_client_may_not_have() {
    let ehr = sandbox(&ECW, None);
    let options = "--preset eclinicalworks --algorithm RS384 --group all-patients --types Patient,Device";
    let rig = Rig::with_migration(&ehr.base_url, &options.split(' ').collect::<Vec<_>>());
    rig.register(&ehr, Some("system/Group.read system/Patient.read"));
    insta::assert_snapshot!("invalid_grant", rig.run(&["run", "lakeside"]));
}

#[test]
fn a_scope_that_the_client_may_not_have_and_its_secret() {
    let ehr = sandbox(&KAREO, None);
    ehr.register(Client {
        id: "known".to_owned(),
        secret: Some("s3cr3t".to_owned()),
        keys: Keys::None,
        scope: Some("system/Patient.read".to_owned()),
    });
    let rig = Rig::new();
    let options = "--preset kareo --level system --types Patient,Device --client-id known --auth client-secret-post";
    let add = ["migration", "add", "lakeside", "--base-url", &ehr.base_url];
    rig.must(&add.into_iter().chain(options.split(' ')).collect::<Vec<_>>());
    insta::assert_snapshot!("no_secret", rig.run(&["run", "lakeside"]));
    let file = rig.path("secret");
    write(Path::new(&file), "s3cr3t\n");
    rig.must(&["migration", "set", "lakeside", "--client-secret-file", &file]);
    let said = rig.run(&["run", "lakeside"]);
    assert!(!said.contains("s3cr3t"));
    insta::assert_snapshot!("invalid_scope", said);
    let shown = rig.output(&["migration", "show", "lakeside", "--json"]).1;
    assert!(
        !shown.contains("s3cr3t") && shown.contains("\"client_secret_given\":true"),
        "{shown}"
    );
}
