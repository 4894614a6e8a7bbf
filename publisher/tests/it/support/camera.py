# Serves /cam as network cameras do: over the transport in the first argument, what the second describes, on a free port, which it prints.
# Of each buffer that passes an element with the name "sent" it prints its time in the film and the wall clock, both in seconds.
import sys, time, gi
gi.require_version('Gst', '1.0')
gi.require_version('GstRtspServer', '1.0')
from gi.repository import Gst, GLib, GstRtspServer, GstRtsp

def passed(_pad, probed):
    if probed.type & Gst.PadProbeType.BUFFER:
        print('sent', probed.get_buffer().pts / Gst.SECOND, time.time(), flush=True)
    elif probed.get_event().type == Gst.EventType.EOS:
        print('over', flush=True)
    return Gst.PadProbeReturn.OK

def configured(_factory, media):
    sent = media.get_element().get_by_name('sent')
    if sent is not None:
        kinds = Gst.PadProbeType.BUFFER | Gst.PadProbeType.EVENT_DOWNSTREAM
        sent.get_static_pad('src').add_probe(kinds, passed)

Gst.init(None)
server = GstRtspServer.RTSPServer()
server.set_address('127.0.0.1')
server.set_service('0')
camera = GstRtspServer.RTSPMediaFactory()
camera.set_launch(sys.argv[2])
camera.set_shared(True)
camera.set_protocols(getattr(GstRtsp.RTSPLowerTrans, sys.argv[1]))
camera.connect('media-configure', configured)
server.get_mount_points().add_factory('/cam', camera)
server.attach(None)
print('port', server.get_bound_port(), flush=True)
GLib.MainLoop().run()
