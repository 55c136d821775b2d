//! The simulated destination, started by hand.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use serde_json::Value;

use crate::rig::Rig;

#[test]
fn a_destination_tells_where_it_is_and_what_goes_wrong() {
    let rig = Rig::new();
    let arguments = [
        "sandbox",
        "--destination",
        "medplum",
        "--limit",
        "900",
        "--fault",
        "entry-429:4",
    ];
    let mut server = rig.command(&arguments).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    let told = BufReader::new(server.stdout.as_mut().unwrap()).read_line(&mut line);
    server.kill().unwrap();
    server.wait().unwrap();
    told.unwrap();
    let told: Value = serde_json::from_str(&line).unwrap();
    assert_eq!(
        (&told["destination"], &told["faults"][0]),
        (&"medplum".into(), &"entry-429:4".into())
    );
    assert!(told["base_url"].as_str().unwrap().ends_with("/fhir/R4"));
    assert!(told["client_secret"].is_string(), "closed unless --open is given");
}

#[test]
fn what_means_nothing_for_a_destination_is_refused() {
    let rig = Rig::new();
    let said = rig.bare(&["sandbox", "--destination", "epic"]);
    assert!(
        said.contains("there is no destination `epic`") && said.contains("generic, hapi, medplum, throttled"),
        "{said}"
    );
    let said = rig.bare(&["sandbox", "--destination", "hapi", "--fault", "cut-once"]);
    assert!(said.contains("There is no fault named \"cut-once\"."), "{said}");
    let said = rig.bare(&["sandbox", "--destination", "hapi", "--limit", "5"]);
    assert!(said.contains("counts neither points nor requests"), "{said}");
    for option in [["--flavour", "ecw"], ["--patients", "5"], ["--polls", "1"]] {
        let said = rig.bare(&["sandbox", "--destination", "hapi", option[0], option[1]]);
        assert!(said.contains("cannot be used with"), "{said}");
    }
}

#[test]
fn the_faults_of_writing_are_listed() {
    let output = Rig::new()
        .command(&["sandbox", "--destination", "hapi", "--fault", "help"])
        .output()
        .unwrap();
    let listed = String::from_utf8(output.stdout).unwrap();
    assert!(
        listed.contains("cut-after-write[:N]") && !listed.contains("malformed-lines"),
        "{listed}"
    );
}
