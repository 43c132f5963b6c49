//! Case 60: one rule for user names. For every pair of spellings, creating the second is refused exactly if a filter for the
//! second finds the first, and exactly if signing in as the second is signing in as the first. Spellings without a canonical
//! form are nobody's, for all three.
//!
//! Beside the fixed families there are spellings that a seed makes (CURFEW_SCIM_SEED).

use reqwest::Method;
use serde_json::{Value, json};

use crate::history::dice::Dice;
use crate::scim_bad_input::plan;
use crate::support::scim::{USER, escaped};
use crate::support::{Database, PASSWORD, TestApp};

/// Spellings that are, or look like, one name.
const FAMILIES: [&[&str]; 12] = [
    &["caf\u{e9}", "cafe\u{301}", "CAF\u{c9}", "CAFE\u{301}", "cafe"],
    &["stra\u{df}e", "strasse", "STRASSE", "STRA\u{1e9e}E", "strase"],
    &["izmir", "\u{130}zmir", "IZMIR", "\u{131}zmir", "i\u{307}zmir"],
    &["\u{212a}im", "kim", "KIM", "\u{ff4b}\u{ff49}\u{ff4d}", "\u{43a}im"],
    &["admin", "ad\u{200b}min", "admin\u{200d}", "ad\u{ad}min", "\u{feff}admin", "ad\u{34f}min"],
    &["bo lee", "bo\u{a0}lee", "bo\u{3000}lee", "bo  lee", "bolee", "bo\u{2003}lee", "bo\tlee"],
    &["lee", " lee", "lee ", "lee\u{a0}", "\u{3000}lee", "lee\n", "lee\u{2028}"],
    &["noa", "\u{202e}noa", "noa\u{200f}", "\u{61c}noa", "\u{2067}noa\u{2069}"],
    &["a\u{323}\u{307}", "a\u{307}\u{323}", "\u{1ea1}\u{307}", "A\u{323}\u{307}", "a\u{307}"],
    &["\u{1f980}", "\u{1f980}\u{fe0f}", "\u{2764}", "\u{2764}\u{fe0f}", "\u{1f469}\u{200d}\u{1f4bb}"],
    &["\u{fb01}ona", "fiona", "FIONA", "\u{fb01}\u{fb01}", "fifi"],
    &[
        "\u{3bf}\u{3b4}\u{3bf}\u{3c2}",
        "\u{39f}\u{394}\u{39f}\u{3a3}",
        "\u{3bf}\u{3b4}\u{3bf}\u{3c3}",
        "\u{1c4}",
        "\u{1c6}",
    ],
];
/// Families that the seed makes, and spellings in each.
const MADE: (usize, usize) = (6, 3);

/// A name and other spellings of it, some of which are other names and some none at all.
fn made(dice: &mut Dice) -> Vec<String> {
    let letters: Vec<char> = "aeiknosuy\u{e9}\u{df}\u{130}\u{131}\u{fb01}".chars().collect();
    let name: Vec<char> = (0..5).map(|_| *dice.pick(&letters)).collect();
    let mut spellings = vec![name.iter().collect::<String>()];
    while spellings.len() < MADE.1 {
        spellings.push(name.iter().map(|letter| respelt(dice, *letter)).collect());
    }
    spellings
}

fn respelt(dice: &mut Dice, letter: char) -> String {
    match dice.below(9) {
        0 => letter.to_uppercase().collect(),
        1 => letter.to_lowercase().collect(),
        2 if letter.is_ascii_lowercase() => {
            char::from_u32(u32::from(letter) - u32::from('a') + 0xff41).map(String::from).unwrap_or_default()
        }
        3 if letter == 'k' => "\u{212a}".into(),
        4 => format!("{letter}{}", dice.pick(&["\u{301}", "\u{307}", "\u{200b}", "\u{ad}", "\u{fe0f}"])),
        _ => letter.into(),
    }
}

async fn create(app: &TestApp, name: &str) -> crate::support::Reply {
    let body = json!({"schemas": [USER], "userName": name, "password": PASSWORD});
    app.scim(Method::POST, "/Users", Some(body)).await
}

/// The id of whom a filter for this name finds.
async fn found(app: &TestApp, name: &str) -> Option<String> {
    let filter = escaped(&format!("userName eq {}", Value::from(name)));
    let reply = app.scim(Method::GET, &format!("/Users?filter={filter}"), None).await.expect_any(&[200, 400]);
    let list = reply.json();
    let first = list["Resources"].as_array().and_then(|users| users.first());
    first.map(|user| user["id"].as_str().unwrap_or_default().to_owned())
}

/// The id of who is signed in by this name.
async fn signed_in(app: &TestApp, name: &str) -> Option<String> {
    let reply = app.try_sign_in("acme", name, PASSWORD).await.expect_any(&[200, 401]);
    (reply.status == 200).then(|| reply.json()["user"]["id"].as_str().unwrap_or_default().to_owned())
}

async fn delete(app: &TestApp, id: &str) {
    app.scim(Method::DELETE, &format!("/Users/{id}"), None).await.expect(204);
}

/// What all three say about the second spelling beside a user of the first; gives whether it is the same name.
async fn agree(app: &TestApp, first: (&str, &str), second: &str) -> bool {
    let pair = format!("{:?} beside {second:?}", first.0);
    let same = Some(first.1.to_owned());
    let (by_filter, by_sign_in) = (found(app, second).await, signed_in(app, second).await);
    assert_eq!(by_filter, by_sign_in, "{pair}: the filter and the sign-in disagree");
    let reply = create(app, second).await.expect_any(&[201, 400, 409]);
    match reply.status {
        201 => {
            assert_eq!(by_filter, None, "{pair}: created, and found before");
            let id = reply.json()["id"].as_str().unwrap_or_default().to_owned();
            assert_eq!(found(app, second).await.as_ref(), Some(&id), "{pair}: created, and not found");
            assert_eq!(signed_in(app, second).await.as_ref(), Some(&id), "{pair}: created, and not signed in");
            assert_eq!(found(app, first.0).await, same, "{pair}: the first is not found any more");
            delete(app, &id).await;
        }
        409 => {
            assert_eq!(by_filter, same, "{pair}: taken, and not found");
            assert_eq!(reply.expect_scim_error(409)["scimType"], "uniqueness", "{pair}");
        }
        _ => {
            assert_eq!(by_filter, None, "{pair}: no name, and found");
            assert_eq!(reply.expect_scim_error(400)["scimType"], "invalidValue", "{pair}");
        }
    }
    by_filter.is_some()
}

on_both_databases! {
    async fn case_60_names_mean_the_same_to_all_who_compare_them(database: Database) {
        let app = TestApp::with(database, |config| {
            config.sign_in.attempts_per_address = 1_000_000;
            config.sign_in.failures_per_account = 1_000_000;
        })
        .await;
        app.home.without_hold().await;
        let seed = plan::seed();
        plan::say(&format!("scim names: again with CURFEW_SCIM_SEED={seed}"));
        let mut dice = Dice::new(seed, 60);
        let fixed = FAMILIES.iter().map(|family| family.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>());
        let families: Vec<Vec<String>> = fixed.chain((0..MADE.0).map(|_| made(&mut dice))).collect();
        let (mut taken, mut refused) = (0, 0);
        for family in &families {
            for first in family {
                let reply = create(&app, first).await.expect_any(&[201, 400]);
                if reply.status == 400 {
                    assert_eq!((found(&app, first).await, signed_in(&app, first).await), (None, None), "{first:?}");
                    refused += 1;
                    continue;
                }
                let id = reply.json()["id"].as_str().unwrap_or_default().to_owned();
                assert_eq!(signed_in(&app, first).await.as_ref(), Some(&id), "{first:?}");
                for second in family {
                    taken += usize::from(agree(&app, (first.as_str(), id.as_str()), second).await);
                }
                delete(&app, &id).await;
            }
        }
        assert!(taken > 60 && refused > 10, "only {taken} pairs are one name, and {refused} spellings none");
    }
}
