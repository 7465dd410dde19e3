//! The figures as lines: flat ones are what is wanted.

use std::error::Error;
use std::path::Path;

use plotters::coord::Shift;
use plotters::prelude::*;

use crate::kind::Kind;
use crate::measure::Figures;

const SIZE: (u32, u32) = (1000, 1050);
const COLOURS: [RGBColor; 3] = [
    RGBColor(31, 119, 180),
    RGBColor(44, 160, 44),
    RGBColor(214, 39, 40),
];
const GREY: RGBColor = RGBColor(150, 150, 150);

type Panel<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// What a panel shows, and how high on it.
struct Shown {
    title: &'static str,
    value: fn(&Figures) -> Option<f64>,
    height: fn(f64) -> f64,
    /// What to write beside a height.
    label: fn(f64) -> String,
}

fn linear(title: &'static str, value: fn(&Figures) -> Option<f64>) -> Shown {
    Shown {
        title,
        value,
        height: |value| value,
        label: |height| format!("{height:.0}"),
    }
}

/// By powers of ten.
fn times(title: &'static str, value: fn(&Figures) -> Option<f64>) -> Shown {
    Shown {
        title,
        value,
        height: f64::log10,
        label: |height| match 10_f64.powf(height) {
            nanos if nanos < 1e3 => format!("{nanos:.0} ns"),
            nanos if nanos < 1e6 => format!("{:.1} µs", nanos / 1e3),
            nanos if nanos < 1e9 => format!("{:.1} ms", nanos / 1e6),
            nanos => format!("{:.0} s", nanos / 1e9),
        },
    }
}

pub(crate) fn draw(path: &Path, measured: &[Figures]) -> Result<(), Box<dyn Error>> {
    let root = SVGBackend::new(path, SIZE).into_drawing_area();
    root.fill(&WHITE)?;
    let panels = [
        linear("memory, bytes a user", |found| Some(found.memory)),
        linear("disk, bytes a user", |found| found.disk),
        times("token itself, median (a bare map is grey)", |found| {
            Some(found.token.own)
        }),
        times("token at a fixed rate, 99 of 100 within", |found| {
            Some(found.token.p99)
        }),
        times("token at a fixed rate, 999 of 1000 within", |found| {
            Some(found.token.p999)
        }),
        times("sweep, a due user", |found| Some(found.sweep)),
    ];
    for (area, shown) in root.split_evenly((3, 2)).iter().zip(&panels) {
        panel(area, shown, measured)?;
    }
    root.present()?;
    Ok(())
}

fn panel(area: &Panel<'_>, shown: &Shown, measured: &[Figures]) -> Result<(), Box<dyn Error>> {
    let users = measured.iter().map(|found| found.users as f64);
    let (few, many) = users.fold((f64::MAX, 1.0), |(few, many), users| {
        (few.min(users), users.max(many))
    });
    let heights = measured.iter().filter_map(shown.value).map(shown.height);
    let top = heights.fold(1.0, f64::max);
    let mut chart = ChartBuilder::on(area)
        .caption(shown.title, ("sans-serif", 18))
        .margin(12)
        .x_label_area_size(34)
        .y_label_area_size(64)
        .build_cartesian_2d((few * 0.8..many * 1.25).log_scale(), 0.0..top * 1.5)?;
    chart
        .configure_mesh()
        .x_desc("users")
        .x_label_formatter(&|users| power_of_ten(*users))
        .y_label_formatter(&|height| (shown.label)(*height))
        .light_line_style(WHITE)
        .draw()?;
    for (kind, colour) in Kind::ALL.into_iter().zip(COLOURS) {
        let of = measured.iter().filter(|found| found.kind == kind);
        let points: Vec<_> = of
            .filter_map(|found| Some((found.users as f64, (shown.height)((shown.value)(found)?))))
            .collect();
        if points.is_empty() {
            continue;
        }
        let style = colour.stroke_width(2);
        chart
            .draw_series(LineSeries::new(points.iter().copied(), style))?
            .label(kind.name())
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], style));
        let dots = points
            .iter()
            .map(|point| Circle::new(*point, 4, colour.filled()));
        chart.draw_series(dots)?;
    }
    if shown.title.contains("grey") {
        let memory = measured.iter().filter(|found| found.kind == Kind::Memory);
        let bare = memory.map(|found| (found.users as f64, (shown.height)(found.bare.own)));
        chart.draw_series(LineSeries::new(bare, GREY.stroke_width(2)))?;
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperRight)
        .background_style(WHITE.mix(0.8))
        .draw()?;
    Ok(())
}

/// Others would stand one over the other.
fn power_of_ten(users: f64) -> String {
    let power = users.log10();
    if (power - power.round()).abs() < 1e-6 {
        format!("{users:.0}")
    } else {
        String::new()
    }
}
