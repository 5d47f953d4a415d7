// SPDX-License-Identifier: GPL-2.0-only
//! An experiment as a picture: the ratios with their intervals, and the waits as far as they go.

use crate::record::Record;
use crate::statistics::{Interval, short};
use plotters::coord::Shift;
use plotters::coord::ranged1d::ValueFormatter;
use plotters::coord::types::RangedCoordf64;
use plotters::prelude::*;
use std::error::Error;
use std::path::Path;

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Chart<'a, X> = ChartContext<'a, SVGBackend<'a>, Cartesian2d<X, RangedCoordf64>>;
/// The greatest ratio by the smallest, up to which they are close together.
const CLOSE: f64 = 8.0;
const FONT: (&str, u32) = ("sans-serif", 14);

/// Writes the picture.
///
/// # Errors
/// If it cannot be written.
pub(crate) fn draw(record: &Record, path: &Path) -> Result<(), Box<dyn Error>> {
    let distribution = record.candidates.iter().find_map(|candidate| candidate.histograms.keys().last().cloned());
    let height = 120 + 28 * record.candidates.len() as u32;
    let size = (if distribution.is_some() { 1200 } else { 640 }, height.max(360));
    let area = SVGBackend::new(path, size).into_drawing_area();
    area.fill(&WHITE)?;
    let area = area.titled(&format!("{}: {}", record.name, record.what), FONT)?;
    if let Some(name) = distribution {
        let (left, right) = area.split_horizontally(640);
        ratios(record, &left)?;
        waits(record, &name, &right)?;
    } else {
        ratios(record, &area)?;
    }
    area.present()?;
    Ok(())
}

fn color(number: usize) -> PaletteColor<Palette99> {
    Palette99::pick(number)
}

/// A row for each candidate: the median ratio to the first one, and its interval. Ratios that are close together stand
/// on a linear scale, on which they can be read; others on a logarithmic one.
fn ratios(record: &Record, area: &Area<'_>) -> Result<(), Box<dyn Error>> {
    let (Some(metric), Some(first)) = (record.metrics.first(), record.candidates.first()) else { return Ok(()) };
    let intervals: Vec<_> =
        record.candidates.iter().map(|candidate| record.ratio(metric, candidate, first)).collect();
    let known = || intervals.iter().flatten();
    let low = known().map(|interval| interval.low).fold(1.0, f64::min) * 0.9;
    let high = known().map(|interval| interval.high).fold(1.0, f64::max) * 1.1;
    let rows = record.candidates.len() as f64;
    let mut chart = ChartBuilder::on(area);
    chart.margin(10).x_label_area_size(40).y_label_area_size(170);
    let (across, down) = ((low.max(1e-6)..high), rows - 0.5..-0.5);
    if high < CLOSE * low {
        rows_of(record, &intervals, chart.build_cartesian_2d(across, down)?)
    } else {
        rows_of(record, &intervals, chart.build_cartesian_2d(across.log_scale(), down)?)
    }
}

/// The rows, on either scale.
fn rows_of<X>(record: &Record, intervals: &[Option<Interval>], mut chart: Chart<'_, X>) -> Result<(), Box<dyn Error>>
where
    X: Ranged<ValueType = f64> + ValueFormatter<f64>,
{
    let name = |row: &f64| {
        let exact = (row - row.round()).abs() < 1e-6;
        record.candidates.get(row.round() as usize).filter(|_| exact).map_or(String::new(), |one| one.name.clone())
    };
    chart
        .configure_mesh()
        .disable_y_mesh()
        .y_labels(2 * record.candidates.len())
        .y_label_formatter(&name)
        .x_label_formatter(&|ratio| short(*ratio))
        .x_desc(format!("{}, ratio to {}", record.metrics[0], record.candidates[0].name))
        .draw()?;
    for (number, interval) in intervals.iter().enumerate() {
        let Some(interval) = interval else { continue };
        let row = number as f64;
        let line = [(interval.low.max(1e-6), row), (interval.high, row)];
        chart.draw_series(LineSeries::new(line, color(number).stroke_width(2)))?;
        chart.draw_series([Circle::new((interval.middle, row), 4, color(number).filled())])?;
    }
    Ok(())
}

/// For each candidate which share of all takes longer than so long: both axes logarithmic, so that the tail is seen.
fn waits(record: &Record, name: &str, area: &Area<'_>) -> Result<(), Box<dyn Error>> {
    let high =
        record.candidates.iter().filter_map(|candidate| candidate.histograms.get(name)?.last()).map(|last| last.0);
    let high = high.max().unwrap_or(1) as f64 * 1.2;
    let mut chart = ChartBuilder::on(area)
        .margin(10)
        .x_label_area_size(40)
        .y_label_area_size(60)
        .build_cartesian_2d((1f64..high.max(10.0)).log_scale(), (1e-6..1f64).log_scale())?;
    chart
        .configure_mesh()
        .x_desc(format!("{name}, ns"))
        .x_label_formatter(&|ns| short(*ns))
        .y_desc("share that takes longer")
        .y_label_formatter(&|share| short(*share))
        .draw()?;
    for (number, candidate) in record.candidates.iter().enumerate() {
        let Some(counts) = candidate.histograms.get(name) else { continue };
        let total = counts.iter().map(|(_, count)| count).sum::<u64>() as f64;
        let mut left = total;
        let line = counts.iter().map(|&(value, count)| {
            left -= count as f64;
            (value.max(1) as f64, (left / total).max(1e-7))
        });
        chart
            .draw_series(LineSeries::new(line.collect::<Vec<_>>(), color(number)))?
            .label(candidate.name.clone())
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 16, y)], color(number)));
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::LowerLeft)
        .background_style(WHITE.mix(0.8))
        .border_style(BLACK)
        .draw()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::tests::{candidate, record};

    #[test]
    fn the_picture_names_the_candidates_and_shows_the_tail() {
        let mut record = record(vec![candidate("one", &[(5.0, None); 3]), candidate("two", &[(6.0, None); 3])]);
        for candidate in &mut record.candidates {
            candidate.histograms.insert("wait".to_owned(), vec![(20, 900), (400, 99), (90_000, 1)]);
        }
        let path = std::env::temp_dir().join(format!("spin-time-{}.svg", std::process::id()));
        draw(&record, &path).expect("it can be drawn");
        let svg = std::fs::read_to_string(&path).expect("it was just written");
        std::fs::remove_file(&path).expect("it is there");
        for text in ["<svg", "one", "two", "wait, ns", "ratio to one", "<polyline"] {
            assert!(svg.contains(text), "{text} in {svg}");
        }
    }
}
