//! Medians and percentiles of what was measured, and how they are written.

use std::time::Duration;

/// The middle one; of an even number the later of the two.
pub fn median(mut values: Vec<f64>) -> f64 {
    assert!(!values.is_empty(), "nothing was measured");
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// The median of durations, in seconds.
pub fn median_seconds(times: &[Duration]) -> f64 {
    median(times.iter().map(Duration::as_secs_f64).collect())
}

/// The smallest value that so many of a hundred are not above. Sorts.
pub fn percentile(values: &mut [u64], hundredth: f64) -> u64 {
    assert!(!values.is_empty(), "nothing was measured");
    values.sort_unstable();
    let rank = (values.len() as f64 * hundredth / 100.0).ceil() as usize;
    values[rank.clamp(1, values.len()) - 1]
}

/// `1.23 ms`, with a unit in which it is between 1 and 1000.
pub fn shown(seconds: f64) -> String {
    match seconds {
        s if s >= 1.0 => format!("{s:.2} s"),
        s if s >= 1e-3 => format!("{:.2} ms", s * 1e3),
        s if s >= 1e-6 => format!("{:.1} µs", s * 1e6),
        s => format!("{:.0} ns", s * 1e9),
    }
}

/// `1,234,567`.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `31,240 /s`.
pub fn rate(per_second: f64) -> String {
    format!("{} /s", grouped(per_second.round() as u64))
}

/// The smallest and the largest of what rounds gave: how far to trust their median.
pub fn spread(values: &[f64]) -> String {
    let (low, high) =
        values.iter().fold((f64::MAX, f64::MIN), |(low, high), value| (low.min(*value), high.max(*value)));
    format!("{low:.2}–{high:.2}")
}

/// What was measured and its reference, a figure of each for every round.
#[derive(Debug, Default)]
pub struct Rounds {
    reference: Vec<f64>,
    measured: Vec<f64>,
}

impl Rounds {
    pub fn push(&mut self, reference: f64, measured: f64) {
        self.reference.push(reference);
        self.measured.push(measured);
    }

    /// The median of the reference, that of what was measured, and the spread of the rounds' ratios.
    pub fn medians(self) -> (f64, f64, String) {
        let ratios: Vec<f64> =
            self.measured.iter().zip(&self.reference).map(|(measured, reference)| measured / reference).collect();
        (median(self.reference), median(self.measured), spread(&ratios))
    }
}
