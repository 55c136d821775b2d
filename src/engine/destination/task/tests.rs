use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::target::remote::Method;

const OURS: &[u8] =
    br#"{"resourceType":"Basic","meta":{"tag":[{"system":"https://cutover.dev/fhir/tenant","code":"t"}]},"n":1}"#;
const THEIRS: &[u8] = br#"{"resourceType":"Basic","id":"a","meta":{"versionId":"7"},"n":2}"#;

pub fn task(place: Place) -> Task {
    Task {
        anew: None,
        key: RecordKey::new(1, 1, [0; 16]),
        resource_type: Arc::from("Basic"),
        body: OURS.to_vec(),
        content: "c".to_owned(),
        made_from: "m".to_owned(),
        complete: true,
        goal: Goal::Write,
        place,
        exists: false,
        version: None,
        servers_own: false,
        known: None,
        step: Step::Look,
        attempts: 0,
        waited: 0,
        agreed: false,
        apart: false,
        going: Arc::default(),
        wrote: None,
        force: false,
        inside: Vec::new(),
        room: None,
    }
}

fn by_id() -> Task {
    task(Place::Id("a".to_owned()))
}

fn by_search() -> Task {
    task(Place::Search("identifier=s%7C1".to_owned()))
}

/// A record that was delivered in version 1, and has changed in the store since.
fn delivered() -> Task {
    let known = Delivered {
        id: "a".to_owned(),
        version: Some("1".to_owned()),
        content: "before".to_owned(),
        made_from: "before".to_owned(),
        complete: true,
        created: true,
        state: Standing::Delivered,
    };
    Task {
        exists: true,
        version: known.version.clone(),
        known: Some(known),
        ..by_id()
    }
}

fn status(status: u16) -> Reply {
    Reply {
        status,
        ..Reply::default()
    }
}

fn found(version: &str, record: &[u8]) -> Reply {
    Reply {
        status: 200,
        found: vec![Found {
            id: "a".to_owned(),
            version: Some(version.to_owned()),
            record: record.to_vec().into(),
        }],
        ..Reply::default()
    }
}

/// Answers a task until it is over, and gives what it asked, what came of it, and what is remembered.
fn way(mut task: Task, replies: &[Reply]) -> (Vec<String>, String) {
    let mut asked = Vec::new();
    for reply in replies {
        let request = task.request();
        let condition = [request.if_match.clone(), request.if_none_exist.clone()]
            .into_iter()
            .flatten()
            .collect::<Vec<_>>();
        asked.push(
            format!("{} {} {}", request.method.name(), request.url, condition.join(" "))
                .trim()
                .to_owned(),
        );
        match task.answered(Some(reply)) {
            Next::Over(came, _, known) => {
                let known = known.map(|known| format!(" {} {:?} {:?}", known.id, known.version, known.state));
                return (asked, format!("{came:?}{}", known.unwrap_or_default()));
            }
            Next::Again(next) | Next::Later(next) => task = next,
            Next::WithoutId(_) => return (asked, "without id".to_owned()),
            Next::Stop(error) => return (asked, format!("stop: {error}")),
        }
    }
    (asked, "not over".to_owned())
}

#[test]
fn what_is_new_is_looked_for_and_written_once() {
    let written = Reply {
        version: Some("1".to_owned()),
        ..status(201)
    };
    let (asked, end) = way(by_id(), &[status(404), written.clone()]);
    assert_eq!(asked, ["GET Basic/a", "PUT Basic/a"]);
    assert_eq!(end, "Created a Some(\"1\") Delivered");
    let named = Reply {
        id: Some("srv-1".to_owned()),
        ..written
    };
    let (asked, end) = way(by_search(), &[status(200), named]);
    assert_eq!(
        asked,
        ["GET Basic?identifier=s%7C1&_count=2", "POST Basic identifier=s%7C1"]
    );
    assert_eq!(end, "Created srv-1 Some(\"1\") Delivered");
}

#[test]
fn a_version_that_the_answer_does_not_say_is_read() {
    let named = Reply {
        id: Some("srv-1".to_owned()),
        ..status(201)
    };
    let (asked, end) = way(by_search(), &[status(200), named, found("x", THEIRS)]);
    assert_eq!(asked.last().map(String::as_str), Some("GET Basic/srv-1"));
    assert_eq!(end, "Created a Some(\"x\") Delivered");
}

#[test]
fn a_conditional_create_that_found_one_is_looked_at_before_it_counts() {
    let there = Reply {
        id: Some("a".to_owned()),
        ..status(200)
    };
    let (asked, end) = way(by_search(), &[status(200), there, found("3", OURS)]);
    assert_eq!(
        asked.last().map(String::as_str),
        Some("GET Basic?identifier=s%7C1&_count=2")
    );
    assert_eq!(end, "Found a Some(\"3\") Delivered");
}

#[test]
fn somebody_elses_record_is_not_written_over() {
    let (_, end) = way(by_id(), &[found("7", THEIRS)]);
    assert!(
        end.starts_with("Conflict") && end.contains("another record in its place"),
        "{end}"
    );
    let own = Task {
        servers_own: true,
        version: Some("6".to_owned()),
        ..by_id()
    };
    let (_, end) = way(own, &[found("7", THEIRS)]);
    assert!(end.contains("changed at the destination since"), "{end}");
    let two = Reply {
        found: [found("1", OURS).found, found("1", OURS).found].concat(),
        ..status(200)
    };
    let (_, end) = way(by_search(), &[two]);
    assert!(end.contains("several records"), "{end}");
}

#[test]
fn a_record_of_the_servers_own_in_the_version_that_was_read_gets_a_new_one() {
    let own = Task {
        servers_own: true,
        version: Some("7".to_owned()),
        ..by_id()
    };
    let written = Reply {
        version: Some("8".to_owned()),
        ..status(200)
    };
    let (asked, end) = way(own, &[found("7", THEIRS), written]);
    assert_eq!(asked, ["GET Basic/a", "PUT Basic/a W/\"7\""]);
    assert_eq!(end, "Updated a Some(\"8\") Delivered");
}

#[test]
fn what_was_removed_there_is_made_anew_in_the_way_of_its_type() {
    let agreed = |anew| Task {
        exists: false,
        version: None,
        agreed: true,
        anew,
        ..delivered()
    };
    let (asked, _) = way(agreed(None), &[status(404), status(201)]);
    assert_eq!(asked, ["GET Basic/a", "PUT Basic/a"]);
    let search = Place::Search("identifier=s%7C1".to_owned());
    let (asked, _) = way(agreed(Some(search)), &[status(404), status(201)]);
    assert_eq!(asked, ["GET Basic/a", "POST Basic identifier=s%7C1"]);
}

#[test]
fn t07_a_version_that_moved_on_is_looked_at_and_left_alone() {
    let changed = Task {
        step: Step::Act,
        ..delivered()
    };
    for refusal in [412, 409] {
        let again = Task {
            step: Step::Act,
            ..delivered()
        };
        let (asked, end) = way(again, &[status(refusal), found("2", THEIRS)]);
        assert_eq!(asked, ["PUT Basic/a W/\"1\"", "GET Basic/a"]);
        assert!(end.contains("changed at the destination since"), "{end}");
    }
    // Our own write, whose answer was lost.
    let (_, end) = way(changed, &[status(502), found("2", OURS)]);
    assert_eq!(end, "Found a Some(\"2\") Delivered");
}

#[test]
fn after_an_unknown_outcome_it_is_looked_at_before_it_is_written_again() {
    for unknown in [0, 500, 502, 503, 504] {
        let task = Task {
            step: Step::Act,
            ..by_id()
        };
        let (asked, end) = way(task, &[status(unknown), found("1", OURS)]);
        assert_eq!(asked, ["PUT Basic/a", "GET Basic/a"], "{unknown}");
        assert_eq!(end, "Found a Some(\"1\") Delivered", "{unknown}");
    }
    let (_, end) = way(by_id(), &vec![status(500); 20]);
    assert!(end.starts_with("Refused"), "{end}");
}

#[test]
fn what_the_server_does_not_take_is_refused_with_its_words() {
    let no = Reply {
        words: "no such code".to_owned(),
        ..status(422)
    };
    let (_, end) = way(by_id(), &[status(404), no]);
    assert!(end.starts_with("Refused") && end.contains("no such code"), "{end}");
    let (_, end) = way(by_id(), &[status(404), status(405)]);
    assert_eq!(end, "without id");
    let (_, end) = way(by_id(), &[status(403)]);
    assert!(end.starts_with("stop"), "{end}");
}

#[test]
fn what_was_removed_at_the_destination_is_not_brought_back_unasked() {
    let (_, end) = way(delivered(), &[status(410)]);
    assert!(end.contains("removed at the destination"), "{end}");
    let forced = Task {
        force: true,
        ..delivered()
    };
    let written = Reply {
        version: Some("3".to_owned()),
        ..status(201)
    };
    let (asked, end) = way(forced, &[status(410), written]);
    assert_eq!(asked, ["GET Basic/a", "PUT Basic/a"]);
    assert!(end.starts_with("Created"), "{end}");
}

#[test]
fn only_what_is_as_we_left_it_is_removed() {
    let remove = || Task {
        goal: Goal::Remove,
        ..delivered()
    };
    let (asked, end) = way(remove(), &[found("1", OURS), status(204)]);
    assert_eq!(asked, ["GET Basic/a", "DELETE Basic/a"]);
    assert_eq!(end, "Removed");
    let (asked, end) = way(remove(), &[found("2", THEIRS)]);
    assert_eq!(asked, ["GET Basic/a"]);
    assert!(end.contains("changed at the destination since"), "{end}");
    let (_, end) = way(remove(), &[status(404)]);
    assert_eq!(end, "Removed");
}

/// A server with one record, which answers as it likes: late, wrongly, or not at all, though it did what was asked.
struct Whimsical {
    records: BTreeMap<String, (u32, Vec<u8>)>,
    writes: u32,
}

impl Whimsical {
    fn answer(&mut self, task: &Task, whim: u8) -> Option<Reply> {
        if whim == 1 {
            return Some(status(429));
        }
        let request = task.request();
        let reply = self.carry_out(task, request.method, &request.url);
        match whim {
            // It was done, and the answer is lost.
            2 => None,
            3 => Some(status(503)),
            4 => Some(status(500)),
            _ => Some(reply),
        }
    }

    fn carry_out(&mut self, task: &Task, method: Method, url: &str) -> Reply {
        let there = |(id, (version, record)): (&String, &(u32, Vec<u8>))| Reply {
            found: vec![Found {
                id: id.clone(),
                version: Some(version.to_string()),
                record: record.clone().into(),
            }],
            ..status(200)
        };
        match method {
            Method::Get if url.contains('?') => self.records.iter().next().map_or_else(|| status(200), there),
            Method::Get => self.records.iter().next().map_or_else(|| status(404), there),
            Method::Delete => {
                self.records.clear();
                status(204)
            }
            Method::Post if !self.records.is_empty() => status(200),
            Method::Post | Method::Put => {
                self.writes += 1;
                let version = self.records.values().next().map_or(1, |(version, _)| version + 1);
                self.records.clear();
                self.records.insert("a".to_owned(), (version, task.body.clone()));
                Reply {
                    id: Some("a".to_owned()),
                    version: Some(version.to_string()),
                    ..status(if version == 1 { 201 } else { 200 })
                }
            }
        }
    }
}

proptest! {
    #[test]
    fn whatever_a_server_answers_a_record_is_there_once_or_said_not_to_be(
        whims in prop::collection::vec(0_u8..6, 0..12), searching in any::<bool>(),
    ) {
        let mut server = Whimsical { records: BTreeMap::new(), writes: 0 };
        let mut task = if searching { by_search() } else { by_id() };
        let mut whims = whims.into_iter();
        let over = loop {
            let reply = server.answer(&task, whims.next().unwrap_or(0));
            match task.answered(reply.as_ref()) {
                Next::Over(came, ..) => break came,
                Next::Again(next) | Next::Later(next) => task = next,
                Next::WithoutId(_) | Next::Stop(_) => panic!("neither was answered"),
            }
        };
        match over {
            Came::Created | Came::Found => {
                prop_assert_eq!(server.writes, 1);
                prop_assert_eq!(server.records.len(), 1);
            }
            Came::Refused => {}
            other => panic!("{other:?}"),
        }
    }
}
