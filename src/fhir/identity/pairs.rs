//! Pairs of people as practices meet them (`pairs.txt`), each with the grade that it must get.

use super::grade::Grade;
use super::roster::Roster;
use super::sketch::traits;
use super::weigh::compare;

struct Pair {
    what: &'static str,
    a: &'static str,
    b: &'static str,
    grade: Grade,
}

fn pairs() -> Vec<Pair> {
    let told = |line: &&str| !line.starts_with('#') && !line.is_empty();
    let lines: Vec<&str> = include_str!("pairs.txt").lines().filter(told).collect();
    let pairs = lines.chunks(3).map(|lines| {
        let [title, a, b] = lines else {
            panic!("a pair has three lines: {lines:?}")
        };
        let (grade, what) = title.split_once(' ').expect("a grade and a title");
        let all = [Grade::None, Grade::Possible, Grade::Probable, Grade::Certain];
        Pair {
            what: what.trim(),
            a: a.trim(),
            b: b.trim(),
            grade: all.into_iter().find(|known| known.name() == grade).expect("a grade"),
        }
    });
    pairs.collect()
}

#[test]
fn each_pair_gets_its_grade() {
    let pairs = pairs();
    assert!(pairs.len() >= 60, "{}", pairs.len());
    let mut wrong = Vec::new();
    for Pair { what, a, b, grade } in pairs {
        for (a, b) in [(a, b), (b, a)] {
            let found = compare(&traits(a), &traits(b));
            if found.grade != grade {
                let parts: Vec<String> = found.parts.iter().map(ToString::to_string).collect();
                let (is, score) = (found.grade, found.score);
                wrong.push(format!("{what}: {is} and not {grade}; {score}: {}", parts.join(", ")));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_pair_worth_a_question_is_found_among_many() {
    for Pair { what, a, b, grade } in pairs() {
        let mut roster = Roster::new();
        roster.add(&traits(a));
        let found = roster.like(&traits(b));
        assert_eq!(
            found.first().map_or(Grade::None, |(_, found)| found.grade),
            grade,
            "{what}"
        );
    }
}

#[test]
fn a_key_that_a_crowd_shares_hides_nobody_who_has_another() {
    let mut roster = Roster::new();
    for n in 0..1000 {
        roster.add(&traits(&format!(
            "n=Family{n},Given{n}; t=4135550142; b=19{:02}-05-03",
            n % 90 + 10
        )));
    }
    let found = roster.like(&traits("n=Family7,Given7; t=4135550142; b=1917-05-03"));
    assert_eq!(found.first().map(|(number, _)| *number), Some(7));
}
