//! Time against partitions as an SVG, both axes logarithmic.

use std::path::Path;

use plotters::prelude::*;

use crate::bed::{Store, Tool};
use crate::growth::Point;

pub fn draw_chart(points: &[Point], path: &Path) -> Result<(), Box<dyn std::error::Error>> {
    let root = SVGBackend::new(path, (760, 460)).into_drawing_area();
    root.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&root)
        .caption("metadata migrate on one machine", ("sans-serif", 20))
        .margin(16)
        .x_label_area_size(44)
        .y_label_area_size(56)
        .build_cartesian_2d((50.0..80_000.0).log_scale(), (0.01..200.0).log_scale())?;
    chart
        .configure_mesh()
        .x_desc("partitions")
        .y_desc("seconds")
        .x_label_formatter(&|x| format!("{x:.0}"))
        .y_label_formatter(&|y| format!("{y}"))
        .draw()?;
    for (tool, store, colour) in [
        (Tool::Official, Store::S3, RGBColor(0xd9, 0x5f, 0x02)),
        (Tool::Official, Store::Etcd, RGBColor(0xe7, 0x29, 0x8a)),
        (Tool::Ours, Store::S3, RGBColor(0x1b, 0x9e, 0x77)),
        (Tool::Ours, Store::Etcd, RGBColor(0x75, 0x70, 0xb3)),
    ] {
        let line: Vec<_> = points
            .iter()
            .filter(|point| point.tool == tool && point.store == store)
            .map(|point| (point.partitions as f64, point.cost.wall))
            .collect();
        chart
            .draw_series(LineSeries::new(line.clone(), colour.stroke_width(2)))?
            .label(format!("{}, to {}", tool.name(), store.name()))
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], colour.stroke_width(2)));
        chart.draw_series(line.iter().map(|at| Circle::new(*at, 3, colour.filled())))?;
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperLeft)
        .background_style(WHITE.mix(0.8))
        .border_style(BLACK.mix(0.3))
        .draw()?;
    root.present()?;
    Ok(())
}
