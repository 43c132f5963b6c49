//! Pure: what happened in the demo's fortnight: who signed in when, from where, with what; who guessed; who left. The same
//! story at every start, told from the instants given. Carrying it out is `story.rs`.
//!
//! People are numbered: 0 is the owner, the others are `people::PEOPLE` from 1 on.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::people::{COUNT, DESKTOPS, PHONES, SCRIPT};
use crate::base::clock::UnixMillis;
use crate::policy::model::{MINUTE_MS, Method};

pub const HOUR_MS: i64 = 60 * MINUTE_MS;
pub const DAY_MS: i64 = 24 * HOUR_MS;
/// How long ago the workspace was founded.
pub const FORTNIGHT_MS: i64 = 14 * DAY_MS;

pub const OWNER: usize = 0;
/// The administrator who logged all users out; the next number is the other one.
pub const ADMIN: usize = 1;
const OTHER_ADMIN: usize = 2;
const FIRST_MEMBER: usize = 3;
/// The one who left: the last.
pub const LEAVER: usize = COUNT;

/// Sessions that live at the end, the one that survived the logging out of everybody included.
const LIVING: usize = 250;
/// Sessions of the first week, which that ended.
const OF_FIRST_WEEK: usize = 118;
/// From where somebody guessed the owner's password.
const STRANGER: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 66));

/// Something that happened.
pub struct Event {
    pub at: UnixMillis,
    pub what: What,
}

/// What it was.
pub enum What {
    /// The directory provisioned somebody.
    Joined(usize),
    SignedIn(SignIn),
    /// Somebody typed a wrong password for that account.
    Failed {
        person: usize,
        from: IpAddr,
        device: &'static str,
    },
    /// The directory deactivated somebody.
    Left(usize),
}

/// A sign-in that worked, and what became of its session.
pub struct SignIn {
    pub person: usize,
    pub method: Method,
    pub from: IpAddr,
    pub device: &'static str,
    pub then: Then,
}

/// What became of a session.
pub enum Then {
    /// It lives, and was last used at that instant.
    Lives {
        last_seen: UnixMillis,
    },
    /// It ends with everybody's, or with its person's.
    EndsWithOthers,
    LogsOut,
    /// An administrator ended it, for that reason.
    IsRevoked(&'static str),
}

/// From the founding to the logging out of everybody: all join, and sign in; in the end somebody guesses.
pub fn first_week(from: UnixMillis, to: UnixMillis) -> Vec<Event> {
    let mut dice = Dice(1);
    let mut events: Vec<Event> = (FIRST_MEMBER..=LEAVER)
        .zip(0_i64..)
        .map(|(person, place)| Event { at: from + place * 2_000, what: What::Joined(person) })
        .collect();
    let (opens, closes) = (from + HOUR_MS, to - MINUTE_MS);
    for _ in 0..OF_FIRST_WEEK {
        let person = dice.roll(COUNT + 1);
        let at = dice.instant(opens, closes);
        events.push(Event { at, what: What::SignedIn(dice.sign_in(person, Then::EndsWithOthers)) });
    }
    events.extend((0..9).map(|_| dice.failed(opens, closes)));
    events.extend((0..8_i64).map(|attempt| Event {
        at: to - HOUR_MS + attempt * 47_000,
        what: What::Failed { person: OWNER, from: STRANGER, device: SCRIPT },
    }));
    in_order(events)
}

/// From the logging out of everybody to `to`, which is now: all sign in again, and one leaves.
pub fn second_week(from: UnixMillis, to: UnixMillis) -> Vec<Event> {
    let mut dice = Dice(2);
    let (closes, left) = (to - 2 * MINUTE_MS, to - 4 * DAY_MS);
    let mut events = Vec::new();
    for number in 0..LIVING - 1 {
        // Everybody who stays has one at least.
        let person = if number < LEAVER { number } else { dice.anybody() };
        let at = dice.instant(from, closes);
        let then = Then::Lives { last_seen: dice.last_seen(at, to) };
        events.push(Event { at, what: What::SignedIn(dice.sign_in(person, then)) });
    }
    for _ in 0..7 {
        let (person, at) = (dice.anybody(), dice.instant(from, closes - HOUR_MS));
        events.push(Event { at, what: What::SignedIn(dice.sign_in(person, Then::LogsOut)) });
    }
    for _ in 0..3 {
        let at = dice.instant(from, left);
        events.push(Event { at, what: What::SignedIn(dice.sign_in(LEAVER, Then::EndsWithOthers)) });
    }
    let revoked = dice.sign_in(FIRST_MEMBER + 7, Then::IsRevoked("A phone was left on a train"));
    events.push(Event { at: to - 2 * DAY_MS, what: What::SignedIn(revoked) });
    events.push(Event { at: left, what: What::Left(LEAVER) });
    events.extend((0..10).map(|_| dice.failed(from, closes)));
    in_order(events)
}

/// A sign-in of the owner or an administrator at their desk, with a password.
pub fn at_the_desk(person: usize) -> SignIn {
    let device = DESKTOPS[person % DESKTOPS.len()];
    SignIn { person, method: Method::Password, from: office(0), device, then: Then::EndsWithOthers }
}

fn in_order(mut events: Vec<Event>) -> Vec<Event> {
    events.sort_by_key(|event| event.at);
    events
}

fn office(line: u8) -> IpAddr {
    IpAddr::V4(Ipv4Addr::new(203, 0, 113, 10 + line))
}

/// A working day, between 6 and 19 o'clock UTC.
fn is_working_time(at: UnixMillis) -> bool {
    // 1970-01-01 was a Thursday; Monday is 0.
    let weekday = (at.div_euclid(DAY_MS) + 3).rem_euclid(7);
    let hour = at.rem_euclid(DAY_MS) / HOUR_MS;
    weekday < 5 && (6..19).contains(&hour)
}

/// Chance that repeats itself (SplitMix64): the story must not depend on luck, and nothing secret comes from here.
struct Dice(u64);

impl Dice {
    fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// 0 to `sides` − 1.
    fn roll(&mut self, sides: usize) -> usize {
        let sides = u64::try_from(sides).unwrap_or(1).max(1);
        usize::try_from(self.draw() % sides).unwrap_or(0)
    }

    /// As `roll`, for what fits in an octet.
    fn octet(&mut self, sides: u8) -> u8 {
        u8::try_from(self.roll(usize::from(sides))).unwrap_or(0)
    }

    /// 0 to `length` − 1 milliseconds.
    fn span(&mut self, length: i64) -> i64 {
        i64::try_from(self.draw() % length.max(1).unsigned_abs()).unwrap_or(0)
    }

    /// An instant in between, in working time if that is soon found.
    fn instant(&mut self, from: UnixMillis, to: UnixMillis) -> UnixMillis {
        for _ in 0..6 {
            let at = from + self.span(to - from);
            if is_working_time(at) {
                return at;
            }
        }
        from + self.span(to - from)
    }

    /// When a session that began at `at` was last used: a third in the last hours.
    fn last_seen(&mut self, at: UnixMillis, now: UnixMillis) -> UnixMillis {
        match self.roll(3) {
            0 => now - self.span((now - at).min(3 * HOUR_MS)),
            _ => at + self.span(now - at),
        }
    }

    /// Somebody who stays; owner and administrators more often than their share.
    fn anybody(&mut self) -> usize {
        match self.roll(7) {
            0 => self.roll(FIRST_MEMBER),
            _ => FIRST_MEMBER + self.roll(LEAVER - FIRST_MEMBER),
        }
    }

    fn sign_in(&mut self, person: usize, then: Then) -> SignIn {
        let method = match person {
            OWNER => Method::Password,
            ADMIN | OTHER_ADMIN if self.roll(4) > 0 => Method::Password,
            _ => Method::Saml,
        };
        let devices: &[&'static str] = if self.roll(3) == 0 { &PHONES } else { &DESKTOPS };
        SignIn { person, method, from: self.place(person), device: devices[person % devices.len()], then }
    }

    /// The office, a train, or home by the new or the old protocol.
    fn place(&mut self, person: usize) -> IpAddr {
        let number = u8::try_from(person).unwrap_or(0);
        match self.roll(6) {
            0..=2 => office(self.octet(4)),
            3 => IpAddr::V4(Ipv4Addr::new(192, 0, 2, 100 + self.octet(50))),
            4 => IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0x77, u16::from(number), 0, 0, 0, 1)),
            _ => IpAddr::V4(Ipv4Addr::new(198, 51, 100, 20 + number)),
        }
    }

    fn failed(&mut self, from: UnixMillis, to: UnixMillis) -> Event {
        let person = self.anybody();
        let device = DESKTOPS[person % DESKTOPS.len()];
        Event { at: self.instant(from, to), what: What::Failed { person, from: self.place(person), device } }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMillis = 1_795_488_638_000;
    const MIDWAY: UnixMillis = NOW - FORTNIGHT_MS / 2;

    #[test]
    fn two_hundred_and_fifty_sessions_live_and_everybody_has_one() {
        let events = second_week(MIDWAY, NOW);
        let living: Vec<&SignIn> = events
            .iter()
            .filter_map(|event| match &event.what {
                What::SignedIn(sign_in) if matches!(sign_in.then, Then::Lives { .. }) => Some(sign_in),
                _ => None,
            })
            .collect();
        assert_eq!(living.len() + 1, LIVING);
        assert!((OWNER..LEAVER).all(|person| living.iter().any(|sign_in| sign_in.person == person)));
        assert!(living.iter().all(|sign_in| sign_in.person != LEAVER));
        let passwords = living.iter().filter(|sign_in| sign_in.method == Method::Password).count();
        assert!((15..80).contains(&passwords), "{passwords} of them began with a password");
    }

    #[test]
    fn events_are_in_order_and_within_their_week() {
        for (events, from, to) in [
            (first_week(NOW - FORTNIGHT_MS, MIDWAY), NOW - FORTNIGHT_MS, MIDWAY),
            (second_week(MIDWAY, NOW), MIDWAY, NOW),
        ] {
            assert!(events.is_sorted_by_key(|event| event.at));
            for event in &events {
                assert!((from..to).contains(&event.at));
                if let What::SignedIn(SignIn { then: Then::Lives { last_seen }, .. }) = event.what {
                    assert!((event.at..=to).contains(&last_seen));
                }
            }
        }
    }
}
