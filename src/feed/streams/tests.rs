use super::*;
use crate::base::clock::ManualClock;
use crate::feed::EventScope;
use crate::feed::stream_rules::BUFFER;

const LEFT: Duration = Duration::from_secs(3_600);

fn event(sequence: i64, workspace: &str) -> Event {
    Event {
        sequence,
        workspace: WorkspaceId::from_text(workspace),
        scope: EventScope::Workspace,
        target: None,
        user: None,
        epoch: 1,
        spared_session: None,
        cause: "admin".into(),
        at: 0,
    }
}

fn opening(workspace: &str, since: Option<i64>, heard: Duration) -> Opening {
    let anchor = Anchor { client_ms: 0, heard };
    Opening { workspace: WorkspaceId::from_text(workspace), key: CredentialId::from_text("k"), since, anchor }
}

fn word(number: u64, workspace: &str, sequence: i64) -> Acknowledgement {
    let (workspace, key) = (WorkspaceId::from_text(workspace), CredentialId::from_text("k"));
    Acknowledgement { number, workspace, key, sequence, client_ms: None }
}

fn status(result: Result<impl Sized>) -> u16 {
    result.err().map_or(200, |error| error.problem().status)
}

fn streams(head: i64) -> (Streams, ManualClock) {
    let streams = Streams::default();
    streams.restart(head);
    (streams, ManualClock::at(0))
}

/// Resolved, as far as one can tell without waiting for long.
async fn is_settled(streams: &Streams, clock: &ManualClock, sequence: i64) -> bool {
    timeout(Duration::from_millis(20), streams.settled(clock, sequence)).await.is_ok()
}

#[tokio::test]
async fn a_change_is_settled_by_the_word_of_everybody_concerned() {
    let (streams, clock) = streams(7);
    let now = || clock.monotonic();
    let [one, two, other] =
        ["w", "w", "v"].map(|workspace| streams.open(opening(workspace, None, now())).expect("there is room").number);
    for number in [one, two, other] {
        assert_eq!(streams.grant(number, now(), LEFT).map(|grant| grant.sequence), Some(7));
    }
    streams.announce(&event(8, "w"));
    assert!(!is_settled(&streams, &clock, 8).await);
    assert!(matches!(streams.take(one), Taken::Events(_)));
    assert_eq!(streams.take(other), Taken::Nothing);
    streams.acknowledge(&word(one, "w", 8), now()).expect("it was told");
    assert!(!is_settled(&streams, &clock, 8).await, "the other one has said nothing");
    streams.take(two);
    let (settled, said) = tokio::join!(timeout(Duration::from_millis(500), streams.settled(&clock, 8)), async {
        tokio::task::yield_now().await;
        streams.acknowledge(&word(two, "w", 8), now())
    });
    assert!(settled.is_ok() && said.is_ok());
    assert_eq!(streams.grant(other, now(), LEFT).map(|grant| grant.sequence), Some(8));
}

#[tokio::test]
async fn a_change_is_settled_when_the_lease_has_run_out() {
    let (streams, clock) = streams(0);
    let number = streams.open(opening("w", None, clock.monotonic())).expect("there is room").number;
    streams.grant(number, clock.monotonic(), LEFT).expect("it knows all");
    streams.close(number);
    streams.announce(&event(1, "w"));
    assert!(!is_settled(&streams, &clock, 1).await, "a broken connection doesn't end a lease");
    clock.advance(LEASE);
    assert!(is_settled(&streams, &clock, 1).await);
}

#[tokio::test]
async fn a_change_of_every_workspace_concerns_every_stream() {
    let (streams, clock) = streams(0);
    let number = streams.open(opening("w", None, clock.monotonic())).expect("there is room").number;
    streams.grant(number, clock.monotonic(), LEFT).expect("it knows all");
    streams.announce(&event(1_000_000, ""));
    assert!(!is_settled(&streams, &clock, 1_000_000).await);
}

#[tokio::test]
async fn who_registers_anew_gives_nothing_before() {
    let (streams, clock) = streams(3);
    let number = streams.open(opening("w", None, clock.monotonic())).expect("there is room").number;
    streams.grant(number, clock.monotonic(), LEFT).expect("it knows all");
    assert!(timeout(Duration::from_millis(20), streams.run_out(&clock)).await.is_err());
    assert_eq!(streams.grant(number, clock.monotonic(), LEFT), None);
    assert_eq!(status(streams.open(opening("w", None, clock.monotonic()))), 503);
    clock.advance(LEASE);
    assert!(timeout(Duration::from_millis(100), streams.run_out(&clock)).await.is_ok());
    streams.restart(9);
    assert_eq!(streams.take(number), Taken::CatchUpFrom(3));
    assert_eq!(streams.grant(number, clock.monotonic(), LEFT), None);
}

#[tokio::test]
async fn leases_of_a_process_that_crashed_are_waited_for() {
    let (streams, clock) = streams(0);
    streams.presume_leases(&clock);
    assert!(!is_settled(&streams, &clock, 1).await);
    clock.advance(LEASE + LEASE / 50);
    assert!(is_settled(&streams, &clock, 1).await);
}

#[test]
fn a_word_counts_for_ones_own_stream_and_what_it_was_told() {
    let (streams, _clock) = streams(5);
    let number = streams.open(opening("w", None, Duration::ZERO)).expect("there is room").number;
    let said = |number, workspace: &str, sequence| {
        status(streams.acknowledge(&word(number, workspace, sequence), Duration::ZERO))
    };
    assert_eq!((said(number, "w", 5), said(number, "v", 5), said(number + 1, "w", 5)), (200, 404, 404));
    streams.announce(&event(6, "w"));
    assert_eq!((said(number, "w", 6), said(number, "w", -1)), (400, 400));
    streams.take(number);
    assert_eq!(said(number, "w", 6), 200);
    let mut other = word(number, "w", 6);
    other.key = CredentialId::from_text("another");
    assert_eq!(status(streams.acknowledge(&other, Duration::ZERO)), 404);
}

#[test]
fn there_is_room_for_so_many_and_an_end_makes_room() {
    let (streams, _clock) = streams(0);
    let open = |workspace: &str| streams.open(opening(workspace, None, Duration::ZERO));
    let numbers: Vec<u64> = (0..PER_WORKSPACE).map(|_| open("w0").expect("there is room").number).collect();
    assert_eq!(status(open("w0")), 429);
    for workspace in 1..10 {
        for _ in 0..PER_WORKSPACE {
            open(&format!("w{workspace}")).expect("there is room");
        }
    }
    assert_eq!(status(open("w10")), 503);
    streams.close(numbers[0]);
    assert_eq!(status(open("w10")), 200);
    streams.close(numbers[1]);
    assert_eq!(status(open("w0")), 200);
}

#[test]
fn a_client_that_knows_more_than_this_replica_begins_anew() {
    let (streams, _clock) = streams(5);
    let opened = streams.open(opening("w", Some(6), Duration::ZERO)).expect("there is room");
    assert_eq!((opened.sequence, opened.anew), (5, true));
    let opened = streams.open(opening("w", Some(5), Duration::ZERO)).expect("there is room");
    assert_eq!((opened.sequence, opened.anew), (5, false));
}

#[test]
fn who_does_not_read_is_told_no_more() {
    let (streams, _clock) = streams(0);
    let number = streams.open(opening("w", None, Duration::ZERO)).expect("there is room").number;
    for sequence in 1..=i64::try_from(BUFFER).expect("small") + 1 {
        streams.announce(&event(sequence, "w"));
    }
    assert_eq!(streams.take(number), Taken::Ended);
}
