use super::*;

fn sh(script: &str) -> Vec<String> {
    ["/bin/sh", "-c", script].map(str::to_owned).to_vec()
}

fn records() -> Vec<String> {
    (0..9).map(|n| format!("{{\"id\":\"{n}\"}}")).collect()
}

fn run(script: &str) -> Vec<Output> {
    let made = batch(&sh(script), records(), PATIENCE).unwrap();
    assert_eq!(
        made.iter().map(|(record, _)| record.clone()).collect::<Vec<_>>(),
        records()
    );
    made.into_iter().map(|(_, output)| output).collect()
}

fn refused(made: &[Output]) -> Vec<(usize, &str)> {
    let refused = made.iter().enumerate().filter_map(|(at, output)| match output {
        Output::Nothing(why) => Some((at, why.as_str())),
        _ => None,
    });
    refused.collect()
}

#[test]
fn a_line_for_each_in_order() {
    assert!(run("cat").iter().all(|output| *output == Output::Same));
    let changed = run("sed 's/\"3\"/\"three\"/'");
    assert!(changed[3] == Output::Line("{\"id\":\"three\"}".to_owned()));
    assert_eq!(changed.iter().filter(|output| **output == Output::Same).count(), 8);
}

#[test]
fn only_the_record_on_which_it_fails_is_refused() {
    let made = run("awk '/\"5\"/ { exit 3 } { print }'");
    assert_eq!(refused(&made), [(5, "its program ended with exit status: 3")]);
    let made = run("grep -v '\"2\"' || true");
    assert_eq!(
        refused(&made),
        [(2, "its program did not write one line for each record")]
    );
    let made = run("sed '/\"7\"/s/.*//'");
    assert_eq!(refused(&made), [(7, "its program gave an empty line for it")]);
    let made = run("sed '/\"1\"/s/.*/\\xff/'");
    assert_eq!(refused(&made), [(1, "its program wrote what is not UTF-8")]);
}

#[test]
fn one_that_does_not_read_or_does_not_end_refuses_them_all() {
    assert_eq!(refused(&run("exit 0")).len(), 9);
    assert_eq!(refused(&run("yes")).len(), 9);
    let made = batch(&sh("sleep 1000 | cat"), records(), Duration::from_millis(20)).unwrap();
    assert!(
        made.iter()
            .all(|(_, output)| matches!(output, Output::Nothing(why) if why.contains("silent")))
    );
}

#[test]
fn more_than_a_pipe_holds_goes_through() {
    let records: Vec<String> = (0..3_000)
        .map(|n| format!("{{\"id\":\"{n}\",\"x\":\"{}\"}}", "y".repeat(100)))
        .collect();
    let made = batch(&sh("cat"), records, PATIENCE).unwrap();
    assert!(made.iter().all(|(_, output)| *output == Output::Same));
}

#[test]
fn one_that_is_not_there_stops_the_run() {
    let error = batch(&["/nowhere/mend".to_owned()], records(), PATIENCE).err().unwrap();
    insta::assert_snapshot!(error, @"/nowhere/mend cannot be run: No such file or directory (os error 2)");
}
