//! Keys, client ids and scopes that the EHR does not take.

use std::path::Path;

use crate::rig::{Rig, sandbox, smart, write};
use cutover::sandbox::ECW;

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
    let rig = Rig::with_migration(
        &ehr.base_url,
        &[
            "--preset",
            "eclinicalworks",
            "--algorithm",
            "RS384",
            "--group",
            "all-patients",
            "--types",
            "Patient,Device",
        ],
    );
    rig.register(&ehr, Some("system/Group.read system/Patient.read"));
    insta::assert_snapshot!("invalid_scope", rig.run(&["run", "lakeside"]));
}
