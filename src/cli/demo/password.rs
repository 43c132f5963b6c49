//! A password that a person can read, type and say: words of five letters, consonant and vowel by turns.

use crate::base::random::Random;

const CONSONANTS: [char; 16] = ['b', 'd', 'f', 'g', 'h', 'j', 'k', 'l', 'm', 'n', 'p', 'r', 's', 't', 'v', 'z'];
const VOWELS: [char; 4] = ['a', 'i', 'o', 'u'];

/// Four such words (`lusab-babad-gutih-tugad`): 64 random bits, 16 in each ("proquints", arXiv:0901.4016).
pub fn readable(random: &dyn Random) -> String {
    let mut bytes = [0; 8];
    random.fill(&mut bytes);
    let words: Vec<String> = bytes.chunks(2).map(|pair| word(u16::from_be_bytes([pair[0], pair[1]]))).collect();
    words.join("-")
}

fn word(bits: u16) -> String {
    let consonant = |shift: u32| CONSONANTS[usize::from((bits >> shift) & 15)];
    let vowel = |shift: u32| VOWELS[usize::from((bits >> shift) & 3)];
    [consonant(12), vowel(10), consonant(6), vowel(4), consonant(0)].iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::random::SeededRandom;

    #[test]
    fn words_are_those_of_the_article() {
        assert_eq!((word(0x7f00), word(0x0001)), ("lusab".to_owned(), "babad".to_owned()));
        assert_eq!((word(0x3f54), word(0xdcc1)), ("gutih".to_owned(), "tugad".to_owned()));
        let random = SeededRandom::from_seed(1);
        let (first, second) = (readable(&random), readable(&random));
        assert_eq!(first.len(), 23);
        assert_ne!(first, second);
    }
}
