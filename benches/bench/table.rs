//! The table: a line for each promise, printed as it is measured and once more as Markdown at the end.

use std::fmt;

/// What a figure has to be.
#[derive(Clone, Copy, Debug)]
pub enum Goal {
    AtLeast(f64),
    AtMost(f64),
    /// Nothing was promised: it explains another line.
    None,
}

#[derive(Debug)]
struct Row {
    what: String,
    reference: String,
    measured: String,
    ratio: String,
    goal: String,
    met: &'static str,
}

#[derive(Debug, Default)]
pub struct Table {
    section: String,
    versions: Vec<String>,
    rows: Vec<Row>,
    wrong: Vec<String>,
}

impl Table {
    /// On which database the following lines are.
    pub fn section(&mut self, name: &str) {
        self.section = name.to_owned();
        progress(&format!("{name}:"));
    }

    /// What took part, for the paragraph above the table.
    pub fn version(&mut self, name: String) {
        self.versions.push(name);
    }

    pub fn versions(&self) -> &[String] {
        &self.versions
    }

    /// A line whose figure is a ratio. `spread` is that of the rounds, or empty.
    pub fn ratio(&mut self, what: &str, reference: String, measured: String, ratio: f64, spread: &str, goal: Goal) {
        let spread = if spread.is_empty() { String::new() } else { format!(" ({spread})") };
        self.push(what, reference, measured, format!("{ratio:.2}{spread}"), ratio, "", goal);
    }

    /// A line whose figure is not a ratio: bytes, or a number of mistakes.
    pub fn figure(&mut self, what: &str, reference: String, measured: String, figure: f64, unit: &str, goal: Goal) {
        self.push(what, reference, measured, String::new(), figure, unit, goal);
    }

    /// Something that must never happen has happened: the run fails, whatever the figures say.
    pub fn wrong(&mut self, what: String) {
        progress(&format!("  WRONG: {what}"));
        self.wrong.push(what);
    }

    pub fn is_sound(&self) -> bool {
        self.wrong.is_empty()
    }

    #[expect(clippy::too_many_arguments, reason = "one for each column")]
    fn push(
        &mut self,
        what: &str,
        reference: String,
        measured: String,
        ratio: String,
        figure: f64,
        unit: &str,
        goal: Goal,
    ) {
        let (goal, met) = match goal {
            Goal::AtLeast(least) => (format!("≥ {least}{unit}"), if figure >= least { "yes" } else { "**no**" }),
            Goal::AtMost(most) => (format!("≤ {most}{unit}"), if figure <= most { "yes" } else { "**no**" }),
            Goal::None => (String::new(), ""),
        };
        let row = Row { what: format!("{what}, {}", self.section), reference, measured, ratio, goal, met };
        progress(&format!(
            "  {}: {} beside {}  {} {} {}",
            row.what, row.measured, row.reference, row.ratio, row.goal, row.met
        ));
        self.rows.push(row);
    }
}

impl fmt::Display for Table {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "| what | reference | measured | ratio | to reach | met |")?;
        writeln!(formatter, "| --- | --- | --- | --- | --- | --- |")?;
        for row in &self.rows {
            let Row { what, reference, measured, ratio, goal, met } = row;
            writeln!(formatter, "| {what} | {reference} | {measured} | {ratio} | {goal} | {met} |")?;
        }
        for wrong in &self.wrong {
            writeln!(formatter, "\n**Wrong:** {wrong}")?;
        }
        Ok(())
    }
}

/// Says what goes on, apart from the result.
pub fn progress(text: &str) {
    eprintln!("{text}");
}
