//! Title: what viewers see of the stream's source. Pure.

use super::LiveSettings;

impl LiveSettings {
    /// The title that was given, or else the kind of the source, and never its address. `has_camera` says whether there is one
    /// where the first is asked for.
    #[must_use]
    pub fn shown_title(&self, has_camera: impl FnOnce() -> bool) -> String {
        self.title.clone().unwrap_or_else(|| self.source.kind(has_camera).to_owned())
    }

    /// The same once the source has shown that it has sound alone: a file is no film then.
    #[must_use]
    pub fn shown_title_of_sound(&self) -> String {
        let kind = match self.source.kind(|| false) {
            "film" => "sound",
            kind => kind,
        };
        self.title.clone().unwrap_or_else(|| kind.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::meant;

    #[test]
    fn a_file_of_sound_is_called_so_and_no_film() {
        for (line, expected) in [
            ("secret/song.mp3", "sound"),
            ("secret/song.mp3 --title Radio", "Radio"),
            ("http://host/radio", "stream"),
            ("--no-video", "microphone"),
        ] {
            assert_eq!(meant(line).unwrap().shown_title_of_sound(), expected, "{line}");
        }
    }

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
