//! Mutations of octets: what a broken wire does, and encodings.

use super::dice::Dice;

/// Spoils the octets in one way; says how.
pub fn spoil(dice: &mut Dice, octets: &mut Vec<u8>) -> &'static str {
    if octets.is_empty() {
        return "nothing";
    }
    let (at, length) = (dice.below(octets.len()), octets.len());
    match dice.below(10) {
        0 => {
            octets[at] ^= 1 << dice.below(8);
            "bit"
        }
        1 => {
            octets[at] = *dice.pick(&[0, 0x80, 0xc0, 0xed, 0xff, b'<', b'>', b'&', b'"', b'\'']);
            "octet"
        }
        2 => {
            octets.truncate(at);
            "cut"
        }
        3 => {
            octets.drain(at..length.min(at + 1 + dice.below(64)));
            "hole"
        }
        4 => {
            let part: Vec<u8> = octets[at..length.min(at + 1 + dice.below(256))].to_vec();
            octets.splice(at..at, part);
            "repeated"
        }
        5 => {
            *octets = octets.iter().flat_map(|octet| [*octet, 0]).collect();
            "wide"
        }
        6 => {
            octets.splice(0..0, *dice.pick(&[[0xef, 0xbb, 0xbf], [0xff, 0xfe, 0x20], [0x20, 0x20, 0x20]]));
            "mark"
        }
        7 => {
            *octets = String::from_utf8_lossy(octets).replace("><", ">\r\n<").into_bytes();
            "line ends"
        }
        8 => {
            octets.extend_from_slice(dice.pick::<&[u8]>(&[b"\0".as_slice(), b"\n", b" ", b"<x/>", b"x"]));
            "tail"
        }
        _ => {
            octets.insert(at, *dice.pick(&[0, 0x0d, 0x1f, 0x7f, 0xc2, 0xff]));
            "more"
        }
    }
}
