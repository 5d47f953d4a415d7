// SPDX-License-Identifier: GPL-2.0-only
//! The picture of `lockup sim cfs`: a straight line upwards before the fix, a flat one after it.

use cfs_bw::kernel::Kernel;
use cfs_bw::sim::{Load, simulate};
use plotters::prelude::*;

/// Width and height in pixels.
const SIZE: (u32, u32) = (900, 560);
/// The quotas of the picture, as parts of the one that was asked for.
const EIGHTHS: [u64; 7] = [1, 2, 4, 8, 16, 32, 64];

/// Revisions that do the same, and their points: quota and time with interrupts off, both in us.
struct Curve {
    label: String,
    points: Vec<(f64, f64)>,
}

/// Draws the longest time with interrupts off over the quota, from an eighth of the load's to eight times it.
pub(super) fn irqs_off_over_quota(kernels: &[Kernel], load: Load) -> String {
    let mut svg = String::new();
    draw(&curves(kernels, load), &mut svg).expect("a picture in memory");
    svg
}

fn curves(kernels: &[Kernel], load: Load) -> Vec<Curve> {
    let mut curves: Vec<Curve> = Vec::new();
    for kernel in kernels {
        let point = |eighths: u64| {
            let quota = (load.quota * eighths / 8).max(1);
            let outcome = simulate(*kernel, Load { quota, periods: 1, ..load });
            (quota as f64 / 1e3, outcome.irqs_off as f64 / 1e3)
        };
        let points: Vec<(f64, f64)> = EIGHTHS.map(point).into();
        match curves.iter_mut().find(|curve| curve.points == points) {
            Some(same) => same.label = format!("{}, {}", same.label, short(kernel.label.revision)),
            None => curves.push(Curve { label: short(kernel.label.revision).to_owned(), points }),
        }
    }
    curves
}

/// Enough of a commit to know it, so that many fit on a line.
fn short(commit: &str) -> &str {
    let is_commit = commit.trim_end_matches('^').chars().all(|c| c.is_ascii_hexdigit());
    if is_commit && !commit.ends_with('^') { &commit[..commit.len().min(8)] } else { commit }
}

fn draw(curves: &[Curve], svg: &mut String) -> Result<(), Box<dyn std::error::Error>> {
    let all = || curves.iter().flat_map(|curve| &curve.points);
    let range = |values: Vec<f64>| {
        let low = values.iter().copied().fold(f64::MAX, f64::min).max(1e-3);
        let high = values.iter().copied().fold(low, f64::max);
        (low / 2.0..high * 2.0).log_scale()
    };
    let area = SVGBackend::with_string(svg, SIZE).into_drawing_area();
    area.fill(&WHITE)?;
    let (x, y) = (range(all().map(|point| point.0).collect()), range(all().map(|point| point.1).collect()));
    let mut chart = ChartBuilder::on(&area)
        .margin(16)
        .caption("Interrupts off in one call of sched_cfs_period_timer()", ("sans-serif", 20))
        .set_left_and_bottom_label_area_size(56)
        .build_cartesian_2d(x, y)?;
    chart.configure_mesh().x_desc("quota, us").y_desc("interrupts off, us").draw()?;
    for (number, curve) in curves.iter().enumerate() {
        let color = Palette99::pick(number).to_rgba();
        chart
            .draw_series(LineSeries::new(curve.points.iter().copied(), color.stroke_width(2)).point_size(3))?
            .label(&curve.label)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 16, y)], color.stroke_width(2)));
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::MiddleRight)
        .background_style(WHITE.mix(0.8))
        .border_style(BLACK)
        .draw()?;
    area.present()?;
    Ok(())
}
