//! What goes wrong on demand.

use cutover::sandbox::destination::{DestinationConfig, GENERIC};
use serde_json::{Value, json};

use super::{Rig, bundle, entry, numbered, patient, statuses, told, upsert};

fn patients(count: usize) -> Value {
    (0..count).map(|nth| entry(&patient(&format!("p{nth}")))).collect()
}

#[tokio::test]
async fn every_third_entry_fails_inside_the_200() {
    for (fault, status) in [("entry-429:3", 429), ("entry-409:3", 409), ("entry-500:3", 500)] {
        let rig = Rig::with(&GENERIC, fault).await;
        let answer = rig.bundle("batch", patients(6)).await;
        assert_eq!(
            (answer.status, statuses(&answer.body)),
            (200, vec![201, 201, status, 201, 201, status])
        );
        assert_eq!(rig.server.content().records.len(), 4);
        assert_eq!(rig.server.stats().struck[&fault[..9]], 2);
        rig.server.calm();
        assert_eq!(
            statuses(&rig.bundle("batch", patients(6)).await.body),
            [200, 200, 201, 200, 200, 201]
        );
    }
}

#[tokio::test]
async fn if_match_is_answered_412_though_it_was_right() {
    let rig = Rig::with(&GENERIC, "entry-412:2").await;
    rig.bundle("batch", patients(2)).await;
    let guarded = |id: &str| {
        let mut guarded = entry(&patient(id));
        guarded["request"]["ifMatch"] = json!("W/\"1\"");
        guarded
    };
    let answer = rig
        .bundle("batch", json!([guarded("p0"), entry(&patient("p2")), guarded("p1")]))
        .await;
    assert_eq!(statuses(&answer.body), [200, 201, 412]);
    assert_eq!(rig.server.content().versions["Patient/p1"], 1);
}

#[tokio::test]
async fn bursts_come_and_go_and_write_nothing() {
    for (fault, status) in [("burst-503:2", 503), ("burst-429:2", 429)] {
        let rig = Rig::with(&GENERIC, fault).await;
        let mut seen = Vec::new();
        for nth in 0..8 {
            let response = rig.posting("", &bundle("batch", json!([entry(&patient(&format!("p{nth}")))])));
            let response = response.send().await.unwrap();
            assert_eq!(response.headers().contains_key("retry-after"), response.status() == 429);
            seen.push(response.status().as_u16());
            assert_eq!(rig.get("Patient/p0").await.status, 200, "reads go on");
        }
        assert_eq!(seen, [200, 200, 200, 200, 200, status, status, 200]);
        assert_eq!(rig.server.content().records.len(), 6);
    }
}

#[tokio::test]
async fn a_connection_breaks_after_the_write_or_before_it() {
    for (fault, written) in [("cut-after-write", 2), ("cut-before-write", 0)] {
        let rig = Rig::with(&GENERIC, fault).await;
        let lost = rig.posting("", &bundle("batch", patients(2))).send().await;
        assert!(lost.is_err(), "no answer comes");
        assert_eq!(rig.server.content().records.len(), written);
        let again = rig.bundle("batch", patients(2)).await;
        assert_eq!(again.status, 200, "once is once");
        assert_eq!(rig.server.content().records.len(), 2);
    }
    let rig = Rig::with(&GENERIC, "cut-after-write:2").await;
    let mut answered = Vec::new();
    for nth in 0..4 {
        let put = rig.putting(&format!("Patient/p{nth}"), &patient(&format!("p{nth}")));
        answered.push(put.send().await.is_ok());
    }
    assert_eq!(answered, [true, false, true, false]);
    assert_eq!(rig.server.content().records.len(), 4);
}

#[tokio::test]
async fn a_gateway_gives_up_on_what_is_written_all_the_same() {
    let rig = Rig::with(&GENERIC, "gateway-timeout").await;
    assert_eq!(rig.put("Patient/p1", &patient("p1")).await.status, 504);
    assert_eq!(rig.server.content().versions["Patient/p1"], 1);
}

#[tokio::test]
async fn what_is_too_large_gets_413() {
    let rig = Rig::with(&GENERIC, "max-entries:2").await;
    assert_eq!(rig.bundle("batch", patients(3)).await.status, 413);
    assert_eq!(rig.bundle("batch", patients(2)).await.status, 200);
    let rig = Rig::with(&GENERIC, "max-bytes:300").await;
    assert_eq!(rig.bundle("transaction", patients(9)).await.status, 413);
    assert_eq!(rig.bundle("transaction", patients(1)).await.status, 200);
    assert_eq!(rig.server.content().records.len(), 1);
}

#[tokio::test]
async fn a_poisoned_record_fails_alone_in_a_batch_and_with_all_others_in_a_transaction() {
    let rig = Rig::with(&GENERIC, "poison:p1").await;
    assert_eq!(statuses(&rig.bundle("batch", patients(3)).await.body), [201, 422, 201]);
    let failed = rig.bundle("transaction", patients(3)).await;
    assert_eq!(
        (failed.status, &failed.body["resourceType"]),
        (422, &json!("OperationOutcome"))
    );
    assert_eq!(failed.body["issue"][0]["code"], "business-rule");
    assert_eq!(rig.server.content().versions_written, 2);
    let rig = Rig::with(&GENERIC, "poison:77").await;
    let by_number = rig
        .bundle("batch", json!([upsert(&numbered("77")), upsert(&numbered("78"))]))
        .await;
    assert_eq!(statuses(&by_number.body), [422, 201]);
    assert_eq!(rig.post("Patient", &numbered("77")).await.status, 422, "by itself too");
}

#[tokio::test]
async fn an_answer_lacks_an_entry_that_was_written() {
    let rig = Rig::with(&GENERIC, "fewer-entries").await;
    assert_eq!(statuses(&rig.bundle("batch", patients(3)).await.body), [201, 201]);
    assert_eq!(rig.server.content().records.len(), 3);
    assert_eq!(statuses(&rig.bundle("batch", patients(3)).await.body), [200, 200, 200]);
}

#[tokio::test]
async fn faults_strike_together() {
    let mut config = DestinationConfig::new(&GENERIC);
    for fault in ["entry-429:2", "cut-after-write:3"] {
        config = config.fault(fault.parse().unwrap());
    }
    let rig = Rig::start(config).await;
    let mut lost = 0;
    for _ in 0..6 {
        let posted = rig.posting("", &bundle("batch", patients(3)));
        lost += u32::from(posted.send().await.is_err());
    }
    let struck = rig.server.stats().struck;
    assert_eq!((lost, struck["cut-after-write"], struck["entry-429"]), (2, 2, 9));
    assert_eq!(
        told(rig.http.get(rig.url("Patient?_summary=count"))).await.body["total"],
        3
    );
}
