//! Luck that can be had again: splitmix64 from a seed.

#[derive(Clone, Debug)]
pub struct Dice(u64);

impl Dice {
    /// The `number`th of the dice of one seed: each task has its own.
    pub fn new(seed: u64, number: u64) -> Self {
        Self(seed ^ number.wrapping_mul(0xa076_1d64_78bd_642f))
    }

    pub fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// 0 to `count` - 1.
    pub fn below(&mut self, count: usize) -> usize {
        let count = u64::try_from(count).expect("a count fits").max(1);
        usize::try_from(self.roll() % count).expect("less than a count")
    }

    /// `from` to `until` - 1.
    pub fn between(&mut self, from: u64, until: u64) -> u64 {
        from + self.roll() % (until - from).max(1)
    }

    pub fn pick<'a, T>(&mut self, among: &'a [T]) -> &'a T {
        &among[self.below(among.len())]
    }

    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for index in (1..items.len()).rev() {
            items.swap(index, self.below(index + 1));
        }
    }
}

#[test]
fn the_same_seed_gives_the_same_luck() {
    let rolls =
        |number| (0..3).map(|_| ()).scan(Dice::new(7, number), |dice, ()| Some(dice.roll())).collect::<Vec<_>>();
    assert_eq!(rolls(1), rolls(1));
    assert_ne!(rolls(1), rolls(2));
    let mut cards: Vec<usize> = (0..20).collect();
    Dice::new(7, 1).shuffle(&mut cards);
    assert_ne!(cards, (0..20).collect::<Vec<_>>());
    cards.sort_unstable();
    assert_eq!(cards, (0..20).collect::<Vec<_>>());
}
