//! The table, and whether a user costs the same however many there are.

use std::fmt::Write;

use crate::kind::Kind;
use crate::measure::Figures;

/// By how much a unit may cost more when there are ten times as many.
const TOLERANCE: f64 = 1.25;
/// By how much a token may become slower than a bare map does, and what has to do
/// with a file slower by itself: its trees grow higher, and the users that are due
/// lie farther apart in it.
const LATENCY_TOLERANCE: f64 = 1.5;

/// The report as Markdown, and whether all is flat.
pub(crate) fn report(measured: &[Figures]) -> (String, bool) {
    let mut text = String::from(
        "| store | users | memory, bytes a user | disk, bytes a user | token itself, ns | bare map itself \
         | at a rate: p50, ns | p99 | p99.9 | sweep, µs a due user |\n|---|---|---|---|---|---|---|---|---|---|\n",
    );
    for figures in measured {
        let disk = figures
            .disk
            .map_or_else(|| "–".to_owned(), |disk| format!("{disk:.0}"));
        let token = figures.token;
        let _ = writeln!(
            text,
            "| {} | {} | {:.0} | {disk} | {:.0} | {:.0} | {:.0} | {:.0} | {:.0} | {:.1} |",
            figures.kind.name(),
            figures.users,
            figures.memory,
            token.own,
            figures.bare.own,
            token.p50,
            token.p99,
            token.p999,
            figures.sweep / 1000.0,
        );
    }
    let _ = writeln!(
        text,
        "\nFlat is what costs a unit at most {TOLERANCE} × as much from one size to the next. \
         Times in memory may grow so much more than that of a bare map, which pays for the \
         caches of the processor too, and a token's median {LATENCY_TOLERANCE} × as much; the sweep of a file \
         {LATENCY_TOLERANCE} × by itself. \"Itself\" is the median of what calls took; \"at a rate\", calls are \
         made at a fixed one, and count from when they should have begun: that has a meaning only \
         on a machine that does nothing else, so it is shown and not judged.\n"
    );
    let flat = judge(measured, &mut text);
    (text, flat)
}

/// Says of each unit whether it is flat; and whether all are.
fn judge(measured: &[Figures], text: &mut String) -> bool {
    let mut flat = true;
    for kind in Kind::ALL {
        let of: Vec<_> = measured.iter().filter(|found| found.kind == kind).collect();
        for unit in units() {
            if let Some((steps, is_flat)) = unit.judge(&of) {
                let word = if is_flat { "flat" } else { "NOT FLAT" };
                let _ = writeln!(text, "- {}, {}: {word} ({steps})", kind.name(), unit.name);
                flat &= is_flat;
            }
        }
    }
    flat
}

/// Figures of which one grows by more than it may are found not flat, each by
/// itself; those that stay the same are flat. A rule that calls everything flat
/// would show nothing.
pub(crate) fn prove() {
    const STEADY: [f64; 11] = [100.0; 11];
    let figures = |numbers: [f64; 11], kind, users| {
        let line = numbers.map(|number| number.to_string()).join(" ");
        Figures::from_line(kind, users, &line)
    };
    let is_flat = |larger, kind| {
        let measured = [
            figures(STEADY, kind, 10_000),
            figures(larger, kind, 100_000),
        ];
        judge(&measured, &mut String::new())
    };
    for kind in Kind::ALL {
        assert!(is_flat(STEADY, kind), "the rule refuses what is flat");
        // Memory, disk, a token, a sweep.
        for unit in [0, 1, 2, 10] {
            let mut larger = STEADY;
            larger[unit] *= 1.6;
            assert!(!is_flat(larger, kind), "the rule takes what is not flat");
        }
    }
}

struct Unit {
    name: &'static str,
    of: fn(&Figures) -> Option<f64>,
    /// What it may grow with.
    beside: fn(&Figures) -> f64,
    tolerance: f64,
}

fn units() -> [Unit; 5] {
    let plain = |name, of| Unit {
        name,
        of,
        beside: |_| 1.0,
        tolerance: TOLERANCE,
    };
    // What takes time pays for the caches of the processor, as a bare map does.
    let timed = |name, of, tolerance| Unit {
        name,
        of,
        beside: |found| found.bare.own,
        tolerance,
    };
    [
        plain("memory a user", |found| Some(found.memory)),
        plain("disk a user", |found| found.disk),
        timed(
            "sweep a due user",
            |found| (found.kind == Kind::Memory).then_some(found.sweep),
            TOLERANCE,
        ),
        Unit {
            tolerance: LATENCY_TOLERANCE,
            ..plain("sweep a due user", |found| {
                (found.kind != Kind::Memory).then_some(found.sweep)
            })
        },
        timed(
            "median of token",
            |found| Some(found.token.own),
            LATENCY_TOLERANCE,
        ),
    ]
}

impl Unit {
    /// By how much it grew at each step, and whether that is little enough.
    fn judge(&self, of: &[&Figures]) -> Option<(String, bool)> {
        let mut steps = Vec::new();
        let mut flat = true;
        for pair in of.windows(2) {
            let [small, large] = pair else { continue };
            let grew = (self.of)(large)? / (self.of)(small)?;
            // A map that became faster by chance asks nothing of anybody.
            let allowed = ((self.beside)(large) / (self.beside)(small)).max(1.0);
            flat &= grew <= self.tolerance * allowed;
            let mut step = format!("{} to {}: × {grew:.2}", small.users, large.users);
            if allowed > 1.0 {
                let _ = write!(step, ", bare map × {allowed:.2}");
            }
            steps.push(step);
        }
        Some((steps.join("; "), flat))
    }
}
