//! Hardware frames: frames in the memory of a graphics card, for encoders that take them nowhere else.
//!
//! In: NV12 frames in main memory. Out: the same on the card. Owned by the encoder that they are for, on its thread.
//! Libav counts the references: frames and encoder keep the device for as long as they need it, also when this is dropped.
#![allow(unsafe_code)] // ffmpeg-next wraps none of this; each block says why it holds

use std::ptr::{NonNull, null, null_mut};

use ffmpeg::ffi;
use ffmpeg::format::Pixel;
use ffmpeg_next as ffmpeg;

/// What the frames on the card are made of: what every card of the last ten years encodes.
const IN_MAIN_MEMORY: Pixel = Pixel::NV12;

/// By which way a card is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// VA-API of Linux: Intel and AMD.
    VaApi,
    /// Vulkan, which a processor alone can play, too: so the way to the card and back is tested where there is none.
    #[cfg(test)]
    Vulkan,
}

impl Way {
    /// The format of frames on the card.
    pub(super) fn pixel(self) -> Pixel {
        match self {
            Self::VaApi => Pixel::VAAPI,
            #[cfg(test)]
            Self::Vulkan => Pixel::VULKAN,
        }
    }

    fn device_type(self) -> ffi::AVHWDeviceType {
        match self {
            Self::VaApi => ffi::AVHWDeviceType::AV_HWDEVICE_TYPE_VAAPI,
            #[cfg(test)]
            Self::Vulkan => ffi::AVHWDeviceType::AV_HWDEVICE_TYPE_VULKAN,
        }
    }
}

/// Room for frames of one size on a card. Libav makes as many frames as are in use at the same time, and uses them again.
pub(super) struct HardwareFrames {
    room: Reference,
    size: (u32, u32),
}

impl HardwareFrames {
    /// On the first card that can be reached.
    pub(super) fn open(way: Way, width: u32, height: u32) -> Result<Self, ffmpeg::Error> {
        let mut device = null_mut();
        // SAFETY: `device` outlives the call, which writes a reference to it or fails; without a name and without options
        // libav chooses the card itself.
        succeeded(unsafe {
            ffi::av_hwdevice_ctx_create(&raw mut device, way.device_type(), null(), null_mut(), 0)
        })?;
        let device = Reference::to(device)?;
        // SAFETY: the device is open; the call returns a reference of its own to it, or null.
        let frames = Reference::to(unsafe { ffi::av_hwframe_ctx_alloc(device.0.as_ptr()) })?;
        // SAFETY: libav says that the data of such a buffer is an AVHWFramesContext, and that these four fields are to be set
        // before it is initialised; nobody else has a reference to it yet.
        succeeded(unsafe {
            #[expect(clippy::cast_ptr_alignment, reason = "libav has made room for this very type")]
            let context = (*frames.0.as_ptr()).data.cast::<ffi::AVHWFramesContext>();
            (*context).format = way.pixel().into();
            (*context).sw_format = IN_MAIN_MEMORY.into();
            (*context).width = width as i32;
            (*context).height = height as i32;
            ffi::av_hwframe_ctx_init(frames.0.as_ptr())
        })?;
        Ok(Self { room: frames, size: (width, height) })
    }

    /// Tells an encoder, before it is opened, where its frames will lie.
    pub(super) fn announce(&self, encoder: &mut ffmpeg::encoder::video::Video) -> Result<(), ffmpeg::Error> {
        let own = self.room.another()?;
        // SAFETY: the encoder's context is not open, and its field is null since it was made; from here on the context owns
        // the reference, and frees it with itself.
        unsafe { (*encoder.as_mut_ptr()).hw_frames_ctx = own.into_raw() };
        Ok(())
    }

    /// The same frame on the card. VA-API has copied it when this returns; with Vulkan it has to be kept until it is fetched.
    pub(super) fn upload(
        &self,
        picture: &ffmpeg::frame::Video,
    ) -> Result<ffmpeg::frame::Video, ffmpeg::Error> {
        // Not every way of libav's looks at this.
        if (picture.width(), picture.height(), picture.format()) != (self.size.0, self.size.1, IN_MAIN_MEMORY)
        {
            return Err(ffmpeg::Error::InvalidData);
        }
        let mut uploaded = ffmpeg::frame::Video::empty();
        // SAFETY: the room is initialised and the frame empty, as the call demands; the frame has a reference to it afterwards.
        succeeded(unsafe { ffi::av_hwframe_get_buffer(self.room.0.as_ptr(), uploaded.as_mut_ptr(), 0) })?;
        // SAFETY: both frames have buffers, of the same size, the one of the format that the other has on the card.
        succeeded(unsafe { ffi::av_hwframe_transfer_data(uploaded.as_mut_ptr(), picture.as_ptr(), 0) })?;
        Ok(uploaded)
    }
}

/// A counted reference of libav.
struct Reference(NonNull<ffi::AVBufferRef>);

impl Reference {
    /// Owns what libav has just handed out; null is what it hands out when there is no memory.
    fn to(buffer: *mut ffi::AVBufferRef) -> Result<Self, ffmpeg::Error> {
        let no_memory = ffmpeg::Error::Other { errno: ffmpeg::error::ENOMEM };
        NonNull::new(buffer).map(Self).ok_or(no_memory)
    }

    fn another(&self) -> Result<Self, ffmpeg::Error> {
        // SAFETY: it is a valid reference for as long as it is owned.
        Self::to(unsafe { ffi::av_buffer_ref(self.0.as_ptr()) })
    }

    fn into_raw(self) -> *mut ffi::AVBufferRef {
        std::mem::ManuallyDrop::new(self).0.as_ptr()
    }
}

impl Drop for Reference {
    fn drop(&mut self) {
        let mut buffer = self.0.as_ptr();
        // SAFETY: it is owned, and not used again.
        unsafe { ffi::av_buffer_unref(&raw mut buffer) };
    }
}

fn succeeded(returned: i32) -> Result<(), ffmpeg::Error> {
    if returned < 0 { Err(ffmpeg::Error::from(returned)) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Needs Vulkan, if only that of a processor (`.ci/tests` knows).
    #[track_caller]
    fn vulkan(width: u32, height: u32) -> HardwareFrames {
        HardwareFrames::open(Way::Vulkan, width, height)
            .unwrap_or_else(|error| panic!("no Vulkan here: {error}; install mesa-vulkan-drivers"))
    }

    /// A frame whose bytes are all different from their neighbours', and others for each seed.
    fn noise(width: u32, height: u32, seed: u32) -> ffmpeg::frame::Video {
        let mut picture = ffmpeg::frame::Video::new(IN_MAIN_MEMORY, width, height);
        let mut state = seed.wrapping_mul(2_654_435_761) | 1;
        for plane in 0..picture.planes() {
            for byte in picture.data_mut(plane) {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                *byte = (state >> 24) as u8;
            }
        }
        picture
    }

    fn download(uploaded: &ffmpeg::frame::Video) -> ffmpeg::frame::Video {
        let mut picture = ffmpeg::frame::Video::empty();
        picture.set_format(IN_MAIN_MEMORY);
        // SAFETY: one frame lies on the card, the other is empty and says what it is to become.
        succeeded(unsafe { ffi::av_hwframe_transfer_data(picture.as_mut_ptr(), uploaded.as_ptr(), 0) })
            .unwrap();
        picture
    }

    /// The pixels, without what fills the lines up. Both planes of NV12 are as wide in bytes.
    fn pixels(picture: &ffmpeg::frame::Video, width: u32, height: u32) -> Vec<u8> {
        let lines = |plane: usize, count: u32| {
            picture
                .data(plane)
                .chunks(picture.stride(plane))
                .take(count as usize)
                .map(|line| &line[..width as usize])
        };
        lines(0, height).chain(lines(1, height / 2)).flatten().copied().collect()
    }

    #[test]
    fn pictures_come_back_from_a_card_as_they_were_sent_there() {
        for (width, height) in [(640, 480), (322, 182)] {
            let frames = vulkan(width, height);
            let check = |sent: &ffmpeg::frame::Video, uploaded: &ffmpeg::frame::Video| {
                assert_eq!(uploaded.format(), Pixel::VULKAN);
                let back = download(uploaded);
                assert!(pixels(&back, width, height) == pixels(sent, width, height), "{width}x{height}");
            };
            // More than one at a time, and many one after the other: each has a frame of its own until it is let go.
            let sent: Vec<_> = (0..3).map(|seed| noise(width, height, seed)).collect();
            let uploaded: Vec<_> = sent.iter().map(|picture| frames.upload(picture).unwrap()).collect();
            sent.iter().zip(&uploaded).for_each(|(sent, uploaded)| check(sent, uploaded));
            for picture in (3..30).map(|seed| noise(width, height, seed)) {
                check(&picture, &frames.upload(&picture).unwrap());
            }
            // What lies on the card outlives the room that it was made in.
            drop(frames);
            sent.iter().zip(&uploaded).for_each(|(sent, uploaded)| check(sent, uploaded));
        }
    }

    #[test]
    fn a_picture_of_another_size_is_refused() {
        let frames = vulkan(640, 480);
        assert!(frames.upload(&noise(64, 48, 0)).is_err());
        assert!(frames.upload(&noise(642, 480, 0)).is_err());
        assert!(frames.upload(&ffmpeg::frame::Video::new(Pixel::YUV420P, 640, 480)).is_err());
    }
}
