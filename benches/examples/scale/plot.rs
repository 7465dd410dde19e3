//! The figures as lines: flat ones are what is wanted.

use std::error::Error;
use std::path::Path;

use plotters::coord::Shift;
use plotters::prelude::*;

use crate::kind::Kind;
use crate::measure::Figures;

const SIZE: (u32, u32) = (1000, 760);
const COLOURS: [RGBColor; 3] = [
    RGBColor(31, 119, 180),
    RGBColor(44, 160, 44),
    RGBColor(214, 39, 40),
];

type Value = fn(&Figures) -> Option<f64>;
type Panel<'a> = DrawingArea<SVGBackend<'a>, Shift>;

pub(crate) fn draw(path: &Path, measured: &[Figures]) -> Result<(), Box<dyn Error>> {
    let root = SVGBackend::new(path, SIZE).into_drawing_area();
    root.fill(&WHITE)?;
    let panels: [(&str, Value); 4] = [
        ("memory, bytes a user", |found| Some(found.memory)),
        ("disk, bytes a user", |found| found.disk),
        ("token: median, ns", |found| Some(found.token.p50)),
        ("sweep, µs a due user", |found| Some(found.sweep / 1000.0)),
    ];
    for (area, (title, value)) in root.split_evenly((2, 2)).iter().zip(panels) {
        panel(area, title, value, measured)?;
    }
    root.present()?;
    Ok(())
}

fn panel(
    area: &Panel<'_>,
    title: &str,
    value: Value,
    measured: &[Figures],
) -> Result<(), Box<dyn Error>> {
    let users = measured.iter().map(|found| found.users as f64);
    let (few, many) = users.fold((f64::MAX, 1.0), |(few, many), users| {
        (few.min(users), users.max(many))
    });
    let top = measured.iter().filter_map(value).fold(1.0, f64::max);
    let mut chart = ChartBuilder::on(area)
        .caption(title, ("sans-serif", 20))
        .margin(14)
        .x_label_area_size(36)
        .y_label_area_size(64)
        .build_cartesian_2d((few * 0.8..many * 1.25).log_scale(), 0.0..top * 1.35)?;
    chart
        .configure_mesh()
        .x_desc("users")
        .x_label_formatter(&|users| format!("{users:.0}"))
        .y_label_formatter(&|value| format!("{value:.0}"))
        .light_line_style(WHITE)
        .draw()?;
    for (kind, colour) in Kind::ALL.into_iter().zip(COLOURS) {
        let of = measured.iter().filter(|found| found.kind == kind);
        let points: Vec<_> = of
            .filter_map(|found| Some((found.users as f64, value(found)?)))
            .collect();
        if points.is_empty() {
            continue;
        }
        let style = colour.stroke_width(2);
        chart
            .draw_series(LineSeries::new(points.iter().copied(), style))?
            .label(kind.name())
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], style));
        chart.draw_series(
            points
                .iter()
                .map(|point| Circle::new(*point, 4, colour.filled())),
        )?;
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperRight)
        .background_style(WHITE.mix(0.8))
        .draw()?;
    Ok(())
}
