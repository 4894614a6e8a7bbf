//! Title: what viewers see of the stream's source. Pure.

use super::LiveSettings;

impl LiveSettings {
    /// The title that was given, or else the kind of the source, and never its address. `has_camera` says whether there is one
    /// where the first is asked for.
    #[must_use]
    pub fn shown_title(&self, has_camera: impl FnOnce() -> bool) -> String {
        self.title.clone().unwrap_or_else(|| self.source.kind(has_camera).to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::meant;

    #[test]
    fn the_title_is_what_was_said_or_the_kind_of_the_source() {
        for (line, has_camera, expected) in [
            ("", true, "camera"),
            ("", false, "test pattern"),
            ("camera:1", false, "camera"),
            ("secret/film.mp4", false, "film"),
            ("rtsp://cam.local/1", false, "camera"),
            ("rtmp://0.0.0.0:1935/live/KEY", false, "stream"),
            ("secret/film.mp4 --title Harbour", false, "Harbour"),
            ("test --title=", false, "test pattern"),
        ] {
            assert_eq!(meant(line).unwrap().shown_title(|| has_camera), expected, "{line}");
        }
    }
}
