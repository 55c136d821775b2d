//! What holds for any two people.

use proptest::prelude::*;

use super::comparison::{Element, Level};
use super::grade::Grade;
use super::roster::Roster;
use super::sketch::sketch;
use super::traits::Traits;
use super::weigh::{compare, grade};

fn word() -> impl Strategy<Value = String> {
    prop_oneof![
        prop::sample::select(vec![
            "Smith",
            "Smyth",
            "Mary",
            "Maria",
            "Bill",
            "William",
            "Núñez",
            "Иванов",
            "Ivanov",
            "王",
            "Wang",
            "O'Brien",
            "de la Cruz",
            "J",
            "Lee-Kim",
            "Kim",
            "Jr",
            "Baby",
        ])
        .prop_map(str::to_owned),
        "[A-Za-zà-ü' ]{1,9}",
    ]
}

fn part() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => (word(), word()).prop_map(|(family, given)| format!("n={family},{given}")),
        2 => (1950_u16..1953, 1_u8..13, 1_u8..29).prop_map(|(y, m, d)| format!("b={y}-{m:02}-{d:02}")),
        1 => (1950_u16..1953).prop_map(|y| format!("b={y}")),
        1 => prop::sample::select(vec!["g=m", "g=f", "g=unknown"]).prop_map(str::to_owned),
        1 => (1_u8..4).prop_map(|n| format!("m={n}")),
        1 => (1_u8..4).prop_map(|n| format!("s=53622184{n}")),
        1 => (1_u8..4).prop_map(|n| format!("t=413555014{n}")),
        1 => (1_u8..4).prop_map(|n| format!("e=a{n}@x.org")),
        1 => (1_u8..4, 1_u8..3).prop_map(|(n, p)| format!("a={n} Main Street|Springfield|0110{p}")),
        1 => (1_u8..3).prop_map(|n| format!("o={n}")),
    ]
}

/// Parts of one person: of those that a person has one of only, the first.
fn parts() -> impl Strategy<Value = Vec<String>> {
    prop::collection::vec(part(), 0..8).prop_map(|mut parts| {
        let mut seen = Vec::new();
        parts.retain(|part| {
            let key = part.as_bytes()[0];
            let again = b"bgo".contains(&key) && seen.contains(&key);
            seen.push(key);
            !again
        });
        parts
    })
}

fn of(parts: &[String]) -> Traits {
    Traits::of(&sketch(&parts.join(";")))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn the_order_of_two_makes_no_difference(a in parts(), b in parts()) {
        let (a, b) = (of(&a), of(&b));
        prop_assert_eq!(compare(&a, &b), compare(&b, &a));
    }

    #[test]
    fn the_order_of_elements_makes_no_difference(a in parts(), b in parts()) {
        let mut turned = a.clone();
        turned.reverse();
        prop_assert_eq!(compare(&of(&a), &of(&b)), compare(&of(&turned), &of(&b)));
    }

    #[test]
    fn saying_less_is_never_worth_more_than_agreeing(a in parts(), left_out in 0_usize..8) {
        let mut less = a.clone();
        if left_out < less.len() {
            less.remove(left_out);
        }
        let (alike, fewer) = (compare(&of(&a), &of(&a)), compare(&of(&a), &of(&less)));
        prop_assert!(fewer.score <= alike.score);
        prop_assert!(fewer.grade <= alike.grade);
    }

    #[test]
    fn without_a_number_nothing_is_certain(a in parts(), b in parts()) {
        let found = compare(&of(&a), &of(&b));
        if found.grade == Grade::Certain {
            let (mrn, ssn) = (found.level(Element::Mrn), found.level(Element::Ssn));
            prop_assert!(mrn == Level::Same || ssn == Level::Same && found.level(Element::BirthDate) == Level::Same);
            let differing = |part: &&super::comparison::Part| part.level == Level::Different;
            let against = [Element::Given, Element::BirthDate, Element::Suffix, Element::BirthOrder, Element::Sex, Element::Ssn];
            prop_assert!(!found.parts.iter().filter(differing).any(|part| against.contains(&part.element)));
        }
    }

    #[test]
    fn who_is_passed_over_early_would_have_had_no_grade(a in parts(), b in parts()) {
        let (a, b) = (of(&a), of(&b));
        let whole = compare(&a, &b);
        let (grade, score) = grade(&a, &b);
        prop_assert_eq!(grade, whole.grade);
        prop_assert!(grade == Grade::None || score == whole.score);
    }

    #[test]
    fn the_score_is_the_sum_of_its_parts(a in parts(), b in parts()) {
        let found = compare(&of(&a), &of(&b));
        prop_assert_eq!(found.score, found.parts.iter().map(|part| part.weight).sum::<i32>());
    }

    #[test]
    fn a_roster_finds_the_same_whoever_else_is_on_it(people in prop::collection::vec(parts(), 1..12), who in parts()) {
        let mut roster = Roster::new();
        for person in &people {
            roster.add(&of(person));
        }
        let who = of(&who);
        let found = roster.like(&who);
        prop_assert!(found.windows(2).all(|two| two[0].1.grade >= two[1].1.grade));
        for (number, comparison) in found {
            prop_assert_eq!(&comparison, &compare(&of(&people[number as usize]), &who));
        }
    }
}
