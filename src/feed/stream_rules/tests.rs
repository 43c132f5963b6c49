use super::*;
use crate::feed::EventScope;

const REPLICA: Duration = Duration::from_secs(3_600);

fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

fn event(sequence: i64) -> Arc<Event> {
    Arc::new(Event {
        sequence,
        workspace: WorkspaceId::from_text("w"),
        scope: EventScope::Session,
        target: None,
        user: None,
        epoch: 0,
        spared_session: None,
        cause: "admin".into(),
        at: 0,
    })
}

fn anchor(client_ms: i64, heard: Duration) -> Anchor {
    Anchor { client_ms, heard }
}

fn live(position: i64) -> Slot {
    Slot::live(WorkspaceId::from_text("w"), CredentialId::from_text("k"), anchor(0, Duration::ZERO), position)
}

fn resumed(since: i64) -> Slot {
    Slot::resumed(WorkspaceId::from_text("w"), CredentialId::from_text("k"), anchor(0, Duration::ZERO), since, since)
}

fn numbers(taken: Taken) -> Vec<i64> {
    match taken {
        Taken::Events(events) => events.iter().map(|event| event.sequence).collect(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_lease_is_over_for_the_client_before_it_is_over_here_whatever_the_clocks_do() {
    for heard in [0, 7, 5_000_000] {
        for age in [0, 1, 300, 5_000, 20_000, 40_000] {
            for left in [1, 250, 5_000] {
                let now = ms(heard + age);
                let mut slot = live(0);
                slot.anchor = anchor(1_000, ms(heard));
                let Some(grant) = slot.grant(now, now + ms(left), 0) else { continue };
                let counted = f64::from(u32::try_from(grant.until_ms - 1_000).expect("a short lease"));
                // The client's clock runs slow by 1 %, ours fast by 1 %.
                let true_ms = counted / 0.99;
                let ours = true_ms * 1.01;
                let until = slot.granted_until.saturating_sub(ms(heard)).as_secs_f64() * 1_000.0;
                assert!(ours <= until + 0.001, "{ours} > {until}: heard {heard}, age {age}, left {left}");
                assert!(slot.granted_until <= now + LEASE && slot.granted_until <= now + ms(left));
            }
        }
    }
}

#[test]
fn an_old_reading_of_the_clients_clock_earns_no_lease_and_a_new_one_does() {
    let mut slot = live(5);
    assert!(slot.grant(ms(30_000), REPLICA, 5).is_some());
    assert_eq!(slot.grant(ms(60_000), REPLICA, 5), None);
    slot.acknowledge(5, Some(anchor(70_000, ms(60_010))));
    assert_eq!(slot.grant(ms(60_010), REPLICA, 5).map(|grant| grant.until_ms), Some(70_980));
    // An older reading that was overtaken changes nothing.
    slot.acknowledge(5, Some(anchor(69_000, ms(60_400))));
    assert_eq!(slot.grant(ms(60_410), REPLICA, 5).map(|grant| grant.until_ms), Some(70_000 + 1_372));
}

#[test]
fn without_a_lease_of_this_replica_nobody_gets_one() {
    let mut slot = live(5);
    assert_eq!(slot.grant(ms(100), ms(100), 5), None);
    assert_eq!(slot.granted_until(), Duration::ZERO);
    assert!(slot.grant(ms(100), ms(110), 5).is_some());
    assert_eq!(slot.granted_until(), ms(110));
}

#[test]
fn a_change_waits_for_the_lease_or_for_the_word_of_the_client() {
    let mut slot = live(5);
    let grant = slot.grant(ms(100), REPLICA, 5).expect("it knows all");
    assert_eq!((grant.sequence, slot.granted_until()), (5, ms(1_100)));
    assert_eq!(slot.holds_up(6, ms(200)), None, "it was not told of it: it is no change of its workspace");
    assert!(slot.hear(&event(6)));
    assert_eq!(slot.holds_up(5, ms(200)), None);
    assert_eq!(slot.holds_up(6, ms(200)), Some(ms(1_100)));
    assert_eq!(slot.grant(ms(300), REPLICA, 6), None, "it has still to be sent");
    assert_eq!(numbers(slot.take()), [6]);
    assert_eq!(slot.grant(ms(400), REPLICA, 6), None, "it is not acknowledged");
    assert_eq!(slot.holds_up(6, ms(1_099)), Some(ms(1_100)));
    assert_eq!(slot.holds_up(6, ms(1_100)), None, "the lease has run out");
    slot.acknowledge(6, None);
    assert_eq!(slot.holds_up(6, ms(500)), None);
    assert_eq!(slot.grant(ms(500), REPLICA, 9).map(|grant| grant.sequence), Some(9));
}

#[test]
fn whoever_never_acknowledges_is_waited_for_once() {
    let mut slot = live(0);
    slot.grant(ms(0), REPLICA, 0).expect("it knows all");
    slot.hear(&event(1));
    assert_eq!(slot.holds_up(1, ms(10)), Some(ms(1_000)));
    for step in 1..20 {
        let now = ms(1_000 + step * 300);
        assert_eq!(slot.grant(now, REPLICA, 1), None);
        slot.hear(&event(i64::try_from(step).expect("small") + 1));
        assert_eq!(slot.holds_up(i64::MAX, now), None);
    }
}

#[test]
fn a_broken_connection_keeps_its_lease() {
    let mut slot = live(5);
    slot.grant(ms(100), REPLICA, 5).expect("it knows all");
    slot.close();
    slot.hear(&event(6));
    assert_eq!(slot.holds_up(6, ms(1_000)), Some(ms(1_100)));
    assert!(!slot.is_over(ms(1_000)));
    assert!(slot.is_over(ms(1_100)));
    assert_eq!((slot.take(), slot.is_open()), (Taken::Ended, false));
    assert_eq!(slot.grant(ms(200), REPLICA, 6), None);
    // Its word still counts: it may have read the change elsewhere.
    slot.position = 6;
    slot.acknowledge(6, None);
    assert_eq!(slot.holds_up(6, ms(1_000)), None);
}

#[test]
fn what_was_missed_comes_before_what_is_new_and_nothing_twice() {
    let mut slot = resumed(5);
    assert_eq!(slot.take(), Taken::CatchUpFrom(5));
    assert!(!slot.hear(&event(9)), "it is read from the database");
    slot.caught_up(7, Some(7));
    assert_eq!(slot.take(), Taken::CatchUpFrom(7), "9 is missing");
    assert_eq!(slot.grant(ms(0), REPLICA, 9), None);
    slot.caught_up(10, Some(9));
    assert!(!slot.hear(&event(10)), "the database told it already");
    assert!(slot.hear(&event(11)));
    assert_eq!(numbers(slot.take()), [11]);
    assert_eq!(slot.take(), Taken::Nothing);
    assert_eq!(slot.grant(ms(0), REPLICA, 11), None, "nothing of it is acknowledged");
    slot.acknowledge(11, None);
    assert!(slot.grant(ms(0), REPLICA, 11).is_some());
}

#[test]
fn changes_that_nobody_announced_are_waited_for_and_read() {
    let mut slot = live(5);
    slot.grant(ms(0), REPLICA, 5).expect("it knows all");
    slot.hear(&event(6));
    slot.catch_up_to(20);
    assert_eq!(slot.take(), Taken::CatchUpFrom(5), "what waited is read again");
    assert_eq!(slot.holds_up(20, ms(10)), Some(ms(1_000)));
    slot.caught_up(20, Some(8));
    assert_eq!(slot.take(), Taken::Nothing);
    assert_eq!(slot.holds_up(20, ms(10)), Some(ms(1_000)), "8 is not acknowledged");
    slot.acknowledge(8, None);
    assert_eq!(slot.holds_up(20, ms(10)), None);
}

#[test]
fn whoever_begins_anew_acknowledges_that() {
    let mut slot = live(5);
    slot.begin_anew(5);
    assert_eq!(slot.grant(ms(0), REPLICA, 5), None);
    slot.acknowledge(5, None);
    assert!(slot.grant(ms(0), REPLICA, 5).is_some());
    let mut slot = resumed(2);
    slot.hear(&event(12));
    slot.begin_anew(10);
    assert_eq!(slot.take(), Taken::CatchUpFrom(10), "12 is newer");
}

#[test]
fn whoever_does_not_read_is_cut() {
    let mut slot = live(0);
    slot.grant(ms(0), REPLICA, 0).expect("it knows all");
    for sequence in 1..=64 {
        slot.hear(&event(sequence));
    }
    let mut reader = slot.clone();
    assert_eq!(numbers(reader.take()).len(), BUFFER);
    slot.hear(&event(65));
    assert_eq!(slot.take(), Taken::Ended);
    assert_eq!(slot.grant(ms(10), REPLICA, 65), None);
    assert_eq!(slot.holds_up(65, ms(10)), Some(ms(1_000)), "its lease goes on to count");
}

#[test]
fn silence_is_counted_from_the_first_unacknowledged_change() {
    let mut slot = live(0);
    assert!(!slot.is_silent(ms(0)));
    assert!(!slot.is_silent(ms(3_600_000)));
    slot.hear(&event(1));
    slot.take();
    assert!(!slot.is_silent(ms(3_600_500)));
    assert!(!slot.is_silent(ms(3_630_499)));
    slot.acknowledge(1, None);
    assert!(!slot.is_silent(ms(3_630_500)));
    slot.hear(&event(2));
    assert!(!slot.is_silent(ms(3_631_000)));
    assert!(slot.is_silent(ms(3_661_000)));
}

#[test]
fn only_what_is_still_kept_can_be_told() {
    assert!(reaches_back(5, None, 5), "nothing came since");
    assert!(reaches_back(5, Some(1), 9));
    assert!(reaches_back(5, Some(6), 9));
    assert!(!reaches_back(5, Some(7), 9), "6 was forgotten");
    assert!(!reaches_back(5, None, 9));
}
