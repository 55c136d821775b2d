//! The whole job on the demo, from its first screen to a practice that has gone over, with the keys that the screen names.

use super::pty::Pty;
use super::{ENTER, ESC, demo};

const DOWN: &str = "\x1b[B";
const END: &str = "\x1b[F";
const BACKSPACE: &str = "\x7f";
const CTRL_S: &str = "\x13";

/// The number before these words, which the screen says.
fn number_before(pty: &Pty, words: &str) -> usize {
    pty.says(words);
    let contents = pty.contents();
    let before = contents[..contents.find(words).unwrap()].trim_end();
    before
        .rsplit(|c: char| !c.is_ascii_digit())
        .next()
        .unwrap()
        .parse()
        .unwrap()
}

/// The field that is called so on this step is chosen.
fn choose(pty: &mut Pty, field: &str) {
    for _ in 0..12 {
        if pty.contents().contains(&format!("> {field}")) {
            return;
        }
        let before = pty.contents();
        pty.press(DOWN);
        pty.until("another field is chosen", |screen| screen.contents() != before);
    }
    panic!("no field {field}\n{}", pty.contents());
}

/// From the source to an export in which every conflict is to be asked.
fn receive(pty: &mut Pty) {
    pty.press(ENTER);
    pty.says("Nobody has asked for a token yet");
    pty.press("1");
    pty.says("Nothing was tested yet");
    pty.press("t");
    pty.says("more are as they should be");
    pty.press("2");
    pty.says("Published JWKS");
    pty.press("3");
    pty.says("Nobody has asked for a token yet");
    pty.press("t");
    pty.says("The EHR let us in.");
    pty.press("4");
    pty.says("exactly as it will be sent");
    choose(pty, "On conflict");
    pty.press(ENTER);
    pty.says("> newer-wins");
    while !pty.contents().contains("> ask") {
        let before = pty.contents();
        pty.press(DOWN);
        pty.until("another one is chosen", |screen| screen.contents() != before);
    }
    pty.press(ENTER);
    pty.says("On conflict     ask");
    pty.press("r");
    pty.says("conflicts need you; ");
}

/// How a conflict may be decided, by its heading.
fn ways(screen: &str) -> &'static [(&'static str, &'static str)] {
    if screen.contains("under another id") || screen.contains("patient twice") {
        &[
            ("m", "merge"),
            ("b", "keep-both"),
            ("s", "keep-source"),
            ("t", "keep-target"),
        ]
    } else {
        &[("w", "by "), ("o", "by "), ("s", "keep-source"), ("t", "keep-target")]
    }
}

/// Decides every conflict; all six ways are used.
fn decide(pty: &mut Pty) {
    let mut used: Vec<&str> = Vec::new();
    pty.press("c");
    while number_before(pty, " wait for you, ") > 0 {
        pty.press("n");
        pty.press(ENTER);
        pty.until("both records are there", |screen| {
            screen.contents().contains("From the EHR") && screen.contents().contains("EHR  ")
        });
        let screen = pty.contents();
        let dated = !screen.contains("no date");
        let fits = |(key, _): &&(&str, &str)| !used.contains(key) && (dated || !matches!(*key, "w" | "o"));
        let (key, said) = *ways(&screen).iter().find(fits).unwrap_or(&("s", "keep-source"));
        pty.press(key);
        if key == "m" {
            pty.says("First proposal");
            pty.press(ENTER);
            pty.says("Merge the two records?");
            pty.press("merge\r");
        }
        pty.says("Decided:");
        pty.says(said);
        used.push(key);
        pty.press(ESC);
        pty.says(" in all");
    }
    for (key, _) in [ways("under another id"), ways("")].concat() {
        assert!(
            used.contains(&key),
            "{key} was never used: {used:?}\n{}",
            pty.contents()
        );
    }
    pty.press(ESC);
}

/// One quarantined row is set right, the others are done without.
fn settle_quarantine(pty: &mut Pty) {
    pty.press("6");
    pty.says("x quarantine");
    pty.press("x");
    let rows = number_before(pty, " wait for you, ");
    assert!(rows > 2);
    pty.press("/other-type\r");
    pty.says("with \"other-type\"");
    pty.until("its line is there", |screen| screen.contents().contains("resourceType"));
    let row = pty
        .contents()
        .lines()
        .find(|line| line.contains("> ! other-type"))
        .unwrap()
        .to_owned();
    let resource_type = row.split_whitespace().nth(3).unwrap().to_owned();
    ask(pty, "e", "as JSON");
    pty.says(&format!("in a file of {resource_type}"));
    pty.press(DOWN);
    pty.press(END);
    let contents = pty.contents();
    let line = contents
        .lines()
        .find(|line| line.contains("\"resourceType\""))
        .unwrap()
        .trim();
    pty.press(&BACKSPACE.repeat(line.chars().count()));
    pty.press(&format!("\"resourceType\": \"{resource_type}\","));
    pty.says("It can be taken.");
    pty.press(CTRL_S);
    pty.says("Why is this right?");
    pty.press("the paper chart says so\r");
    pty.says("the row was taken in");
    pty.says("amended");
    pty.press(ESC);
    pty.says("x quarantine");
    loop {
        pty.press("x");
        let waiting = number_before(pty, " wait for you, ");
        if waiting == 0 {
            break;
        }
        pty.until("its line is there", |screen| screen.contents().contains('{'));
        pty.press("a");
        pty.says("do without");
        pty.press("an empty line of a test\r");
        pty.until("fewer wait", |screen| {
            let contents = screen.contents();
            contents.contains(" wait for you, ") && !contents.contains(&format!("  {waiting} wait"))
        });
        pty.press(ESC);
        pty.says("x quarantine");
    }
    pty.press(ESC);
}

/// The first row of a chart: which it is, and how it stands.
fn chart(pty: &Pty, number: usize, state: &str) {
    let begins = format!("Chart {number} of ");
    pty.until(&format!("{begins}.. {state}"), |screen| {
        let row = screen.rows(0, 80).nth(3).unwrap_or_default();
        row.contains(&begins) && row.trim_end().ends_with(state) && screen.contents().contains("Demographics")
    });
}

/// Presses a key until it asks this: what is being read anew cannot be judged or set right yet.
pub fn ask(pty: &mut Pty, key: &str, question: &str) {
    for _ in 0..20 {
        pty.press(key);
        if pty.says_soon(question) {
            return;
        }
    }
    panic!("{key} never asked {question}\n{}", pty.contents());
}

/// One chart is failed, then looked at again and passed with all the others.
pub fn judge(pty: &mut Pty) {
    pty.press("7");
    pty.says("r verify again");
    pty.press("r");
    pty.says("verified, nothing to find");
    pty.press("s");
    pty.says("passed or waived");
    pty.press(ENTER);
    chart(pty, 1, "to look at");
    ask(pty, "f", "What is wrong with this chart?");
    pty.press("asthma resolved in 2019 shows active\r");
    chart(pty, 1, "failed");
    pty.press(ESC);
    pty.says("passed or waived");
    pty.press(ESC);
    pty.says("1 failed");
    pty.press("8");
    pty.says("1 failed chart");
    pty.press("g");
    pty.says("sign off: ");
    pty.press("7");
    pty.says("Sample charts");
    pty.press("s");
    let words = " passed or waived";
    pty.says(words);
    let charts = number_before(pty, words);
    pty.press(ENTER);
    chart(pty, 1, "failed");
    for number in 1..=charts {
        ask(pty, "p", "Is this chart as it should be?");
        pty.press(ENTER);
        chart(pty, number, "passed");
        pty.press("n");
        if number < charts {
            chart(pty, number + 1, "to look at");
        }
    }
    pty.press(ESC);
    pty.says(&format!("{charts} of {charts} passed or waived"));
    pty.press(ESC);
}

/// Both answer for it by name, the report is written, and the practice goes over.
pub fn sign_and_flip(pty: &mut Pty) {
    pty.press("8");
    pty.says("g sign off");
    for (asked, name) in [
        ("Technical sign-off: who", "Mo Okafor"),
        ("Clinical sign-off: who", "Ann Mori"),
    ] {
        pty.press("g");
        pty.says(asked);
        pty.press(name);
        pty.press(ENTER);
        pty.says(&format!("{name}, 20"));
        pty.says("done, and on record");
    }
    pty.says("the practice can go over");
    pty.press("R");
    pty.says("the report is in");
    pty.press("f");
    pty.says("Has the practice gone over?");
    pty.press("lakeside");
    pty.press(ENTER);
    pty.says("The practice went over on");
}

#[test]
fn the_demo_is_walked_from_the_source_to_the_flip() {
    let mut pty = demo(&[]);
    receive(&mut pty);
    decide(&mut pty);
    pty.press("8");
    pty.says("s last changes");
    pty.press("s");
    pty.says("done, every row is accounted for");
    settle_quarantine(&mut pty);
    judge(&mut pty);
    sign_and_flip(&mut pty);
    pty.press("l");
    pty.says("flipped by");
    pty.press(ESC);
    pty.says("The practice went over on");
    pty.press(ESC);
    pty.says("flipped");
    pty.press("q");
    assert!(pty.end().success() && pty.given_back());
}
