//! Trial: what filters make of frames is known before a stream begins, and what cannot work is refused.

use std::sync::Arc;
use std::time::Duration;

use crate::picture::canvas::Canvas;
use crate::picture::colour_space::ColourSpace;
use crate::picture::filter::{Filter, FilterError, FilterSettings};
use crate::picture::scaler::Scaler;

/// Frames that a graph is tried out with: enough to see that it holds some back, or makes more or fewer of them.
const TRIAL_PICTURES: u32 = 12;

/// Width and height in pixels that frames of `size` are shown with after the filters, by making some.
pub fn try_out(settings: &FilterSettings, size: (u32, u32), fps: u32) -> Result<(u32, u32), FilterError> {
    let mut filter = Filter::new(settings);
    let Some(last) = filter.last_steps().map(str::to_owned) else { return Ok(size) };
    let canvas = Canvas::new(size.0, size.1);
    let mut shown = size;
    for n in 0..TRIAL_PICTURES {
        let filtered = filter.apply(canvas.to_frame().into(), Duration::from_secs(1) * n / fps.max(1))?;
        let (format, aspect) = (filtered.format(), filtered.aspect_ratio());
        shown = (filtered.width(), filtered.height());
        if aspect.numerator() > 0 && aspect.denominator() > 0 {
            let wide = u64::from(shown.0) * aspect.numerator() as u64 / aspect.denominator() as u64;
            shown.0 = wide.clamp(1, u64::from(u32::MAX)) as u32;
        }
        if Scaler::new(16, 16, ColourSpace::WEBCAM).scale(Arc::new(filtered)).is_err() {
            return Err(FilterError::Format { graph: last, format });
        }
    }
    Ok(shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(rotate: u32, mirror: bool, graph: &str) -> FilterSettings {
        FilterSettings { rotate, mirror, graph: (!graph.is_empty()).then(|| graph.to_owned()) }
    }

    #[track_caller]
    fn check_size(settings: &FilterSettings, expected: (u32, u32)) {
        assert_eq!(try_out(settings, (640, 360), 20).unwrap_or_else(|error| panic!("{error}")), expected);
    }

    #[test]
    fn the_size_after_the_filters_is_known_before_the_stream_begins() {
        check_size(&settings(0, false, ""), (640, 360));
        check_size(&settings(90, true, ""), (360, 640));
        check_size(&settings(90, false, "crop=100:200"), (100, 200));
        check_size(&settings(0, false, "scale=320:360,setsar=2"), (640, 360));
        check_size(&settings(0, false, "split[a][b];[a]crop=100:100[c];[b][c]overlay=8:8"), (640, 360));
    }

    #[track_caller]
    fn check_refused(graph: &str, expected: &str) {
        let error = try_out(&settings(0, false, graph), (640, 360), 20).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
        assert!(!error.contains('\n'), "{error}");
    }

    #[test]
    fn a_graph_that_cannot_work_is_refused_with_the_remedy() {
        check_refused("hfilp", "no filter 'hfilp'");
        check_refused("hflip,nosuch=a=b:c,vflip", "no filter 'nosuch'");
        check_refused("[in]nosuch@x[out]", "no filter 'nosuch'");
        check_refused("crop=1000:1000", "cannot be set up for 640x360");
        check_refused("scale=wide", "cannot be set up");
    }

    #[test]
    fn a_graph_that_changes_the_number_of_pictures_is_refused() {
        check_refused("fps=10", "delays or drops frames");
        check_refused("framestep=2", "delays or drops frames");
        check_refused("select='not(mod(n,3))'", "delays or drops frames");
        check_refused("trim=end_frame=3", "delays or drops frames");
        check_refused("loop=loop=-1:size=1", "makes several frames of one");
    }

    #[test]
    fn no_graph_whatsoever_makes_it_panic() {
        for graph in [
            "\0",
            "[",
            "]",
            "'",
            "\\",
            ";",
            ",,",
            "=",
            "[in]",
            "[in][out]",
            "null,",
            "nullsink",
            "color",
            "anull",
            "Ü=ß",
            "%{pts}",
        ] {
            let _ = try_out(&settings(0, false, graph), (64, 36), 20);
        }
    }
}
