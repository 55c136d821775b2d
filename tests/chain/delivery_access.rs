//! Servers that want to know who writes to them, and what goes over the line.

use std::sync::Arc;
use std::time::Duration;

use cutover::engine::destination::save_destination;
use cutover::engine::{Answer, Command, EngineError, keys, start_by};
use cutover::migration::{AuthMethod, Destination, Secrets, ServerKind};
use cutover::sandbox::destination::{DestinationConfig, GENERIC, HAPI, MEDPLUM, THROTTLED};
use cutover::sandbox::{Client, Keys};

use crate::bench::key;
use crate::clock::Impatient;
use crate::delivery::Rig;
use crate::said::{assert_same, said};

const WRITER: &str = "writer";
const SECRET: &str = "destination-secret-8c1d";

fn writer(auth: AuthMethod, scope: Option<&str>) -> Client {
    let signed = auth == AuthMethod::PrivateKeyJwt;
    let jwks = serde_json::from_str(&keys::jwks(key())).expect("a key set");
    Client {
        id: WRITER.to_owned(),
        secret: (!signed).then(|| SECRET.to_owned()),
        keys: if signed { Keys::Inline(jwks) } else { Keys::None },
        scope: scope.map(str::to_owned),
    }
}

/// Sets the destination up as `destination set` does.
async fn to(rig: &mut Rig, config: DestinationConfig, auth: AuthMethod, secret: Option<&str>) {
    let destination = Destination {
        auth,
        client_id: Some(WRITER.to_owned()),
        ..Destination::new("")
    };
    rig.at(config, destination).await;
    let known = rig.destination();
    let secrets = Secrets {
        client_secret: secret.map(str::to_owned),
        ..Secrets::default()
    };
    save_destination(rig.bench.storage(), &rig.bench.plan, &known, Some(&secrets)).expect("saved");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_demands_a_token_is_given_one_and_a_new_one_when_it_expires() {
    let mut rig = Rig::with(DestinationConfig::new(&GENERIC), ServerKind::Generic).await;
    assert!(rig.deliver(false).await.clean());
    let expected = said(&rig.server);
    for auth in [
        AuthMethod::PrivateKeyJwt,
        AuthMethod::ClientSecretBasic,
        AuthMethod::ClientSecretPost,
    ] {
        let config = DestinationConfig::new(&GENERIC).client(writer(auth, None));
        // Rarely enough that no request is struck twice, whatever else is in flight.
        let config = config.fault("token-expires:17".parse().expect("a fault"));
        to(&mut rig, config, auth, Some(SECRET)).await;
        let counts = rig.deliver(false).await;
        assert!(counts.clean(), "{auth:?}: {counts:?}");
        assert_same(&said(&rig.server), &expected, &format!("{auth:?}"));
        let stats = rig.server.stats();
        assert!(
            stats.tokens_issued > 1 && stats.struck["token-expires"] > 1,
            "{auth:?}: {stats:?}"
        );
        assert!(rig.prove().await.clean());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_may_not_write_is_told_so_and_nothing_is_written() {
    let mut rig = Rig::with(DestinationConfig::new(&GENERIC), ServerKind::Generic).await;
    let auth = AuthMethod::ClientSecretBasic;
    let failed = |result: Result<_, EngineError>| match result {
        Err(error) => error,
        Ok(_) => panic!("it was let in"),
    };
    let wrong = DestinationConfig::new(&GENERIC).client(writer(auth, None));
    to(&mut rig, wrong, auth, Some("something-else-41")).await;
    let error = failed(rig.bench.command(Command::Deliver { force: false }).await);
    let text = format!("{error} {error:?}");
    assert!(!text.contains("something-else-41"), "{text}");

    let reader = DestinationConfig::new(&GENERIC).client(writer(auth, Some("system/*.rs")));
    to(&mut rig, reader, auth, Some(SECRET)).await;
    let mut known = rig.destination();
    known.scopes = "system/*.rs".to_owned();
    save_destination(rig.bench.storage(), &rig.bench.plan, &known, None).expect("saved");
    let error = failed(rig.bench.command(Command::Deliver { force: false }).await);
    assert!(error.to_string().contains("does not let us"), "{error}");
    assert_eq!(rig.server.content().versions_written, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bodies_are_gzipped_for_a_server_that_takes_them_so_and_plain_for_one_that_does_not() {
    let mut rig = Rig::with(DestinationConfig::new(&GENERIC), ServerKind::Generic).await;
    for (manners, takes) in [(&GENERIC, true), (&HAPI, true), (&MEDPLUM, true), (&THROTTLED, false)] {
        let mut config = DestinationConfig::new(manners);
        (config.manners.points, config.manners.requests) = (None, None);
        let destination = Destination {
            kind: crate::delivery::kind(manners),
            ..Destination::new("")
        };
        rig.at(config, destination).await;
        assert!(rig.deliver(false).await.clean(), "{}", manners.name);
        let stats = rig.server.stats();
        // All but the smallest, and the one that tries it.
        assert_eq!(stats.gzipped * 2 > stats.bundles, takes, "{}: {stats:?}", manners.name);
        assert!(takes || stats.gzipped == 0, "{}: {stats:?}", manners.name);
    }
}

/// Many bundles are in flight when the points are spent: they are waited for once, and not once for each bundle.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn spent_points_are_waited_for_once() {
    const POINTS: u64 = 20_000;
    // A window is over before the shortest wait, which is a second at this server, and a quarter of it here.
    let config = DestinationConfig::new(&MEDPLUM).points(POINTS, Duration::from_millis(200));
    let rig = Rig::with(config, ServerKind::Medplum).await;
    let (plan, command) = (rig.bench.plan.clone(), Command::Deliver { force: false });
    let clock = Arc::new(Impatient::hurrying(4));
    let mut running = start_by(rig.bench.storage(), plan, command, clock);
    let mut snapshot = running.snapshot.clone();
    let waits = tokio::spawn(async move {
        let mut waits = 0;
        while snapshot.changed().await.is_ok() {
            let delivery = snapshot.borrow_and_update().delivery.clone();
            waits = delivery.map_or(waits, |delivery| delivery.throttled);
        }
        waits
    });
    while running.events.recv().await.is_some() {}
    let answer = running.answer.await.expect("an answer");
    assert!(
        matches!(&answer, Ok(Answer::Delivered(counts)) if counts.clean()),
        "{answer:?}"
    );
    drop(running.snapshot);
    let waits = waits.await.expect("no panic");
    // A write is a hundred points, and a search before it twenty.
    let windows = rig.server.content().versions_written as u64 * 120 / POINTS;
    assert!(
        windows > 2 && (1..=windows + 1).contains(&waits),
        "{waits} waits in {windows} windows"
    );
    rig.assert_there();
}
