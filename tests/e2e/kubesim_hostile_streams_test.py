#!/usr/bin/python3
"""Hostile streams: what comes after the head of exec and port-forward. After every case the server must be there and answer."""
import socket
import struct
import time
import unittest
import zlib

import harness
from simulator import Simulator

MIB = 1 << 20


class SpdyFrames:
    """Frames of a client that compresses headers without the protocol's dictionary, as it may."""

    def __init__(self):
        self.deflate = zlib.compressobj()

    def open(self, stream, **fields):
        block = struct.pack(">I", len(fields)) + b"".join(struct.pack(">I", len(text)) + text for pair in fields.items() for text in map(str.encode, pair))
        body = struct.pack(">IIH", stream, 0, 0) + self.deflate.compress(block) + self.deflate.flush(zlib.Z_SYNC_FLUSH)
        return struct.pack(">HHI", 0x8003, 1, len(body)) + body

    @staticmethod
    def data(stream, text, end=False):
        return struct.pack(">II", stream, int(end) << 24 | len(text)) + text

    @staticmethod
    def reset(stream):
        return struct.pack(">HHIII", 0x8003, 3, 8, stream, 5)


class Streams(unittest.TestCase):
    """What comes after the head of exec and port-forward, in a living cluster."""

    GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"

    @classmethod
    def setUpClass(cls):
        cls.cluster = Simulator("--demo", "--live")
        cls.cluster.__enter__()
        cls.addClassCleanup(cls.cluster.__exit__)
        pods = cls.cluster.request("GET", "/api/v1/namespaces/shop/pods?labelSelector=app%3Dnginx").json()["items"]
        cls.pod = pods[0]["metadata"]["name"]

    def talk(self, path, protocol, frames):
        """What the server says until it closes or falls silent for half a second."""
        with socket.create_connection(self.cluster.address, timeout=60) as connection:
            connection.sendall(f"POST /api/v1/namespaces/shop/pods/{self.pod}/{path} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n"
                               f"X-Stream-Protocol-Version: {protocol}\r\nContent-Length: 0\r\n\r\n".encode())
            head = b""
            while b"\r\n\r\n" not in head:
                piece = connection.recv(65536)
                self.assertTrue(piece, head)
                head += piece
            self.assertIn(b" 101 ", head, head)
            said = b""
            try:
                connection.sendall(frames)
                connection.settimeout(0.5)
                while piece := connection.recv(65536):
                    said += piece
            except OSError:
                pass
            return said

    def forward(self, *frames):
        said = self.talk("portforward", "portforward.k8s.io", b"".join(frames))
        self.assertTrue(self.cluster.alive(), self.cluster.log()[-2000:])
        self.assertEqual(self.cluster.request("GET", "/version", timeout=60).status, 200)
        return said

    def pair(self, frames, first, name="0"):
        return frames.open(first, streamtype="error", port="80", requestid=name) + frames.open(first + 2, streamtype="data", port="80", requestid=name)

    def test_a_forwarded_port_answers(self):
        end, said = time.monotonic() + 120, b""
        while b"HTTP/1.1 200" not in said and time.monotonic() < end:  # its kubelet has yet to look at it
            frames = SpdyFrames()
            said = self.forward(self.pair(frames, 1), SpdyFrames.data(3, self.GET))
        self.assertIn(b"HTTP/1.1 200", said)

    def test_a_connection_with_three_streams_is_cut(self):
        self.test_a_forwarded_port_answers()
        frames = SpdyFrames()
        self.forward(self.pair(frames, 1), frames.open(5, streamtype="data", port="80", requestid="0"), SpdyFrames.data(3, b"", True), SpdyFrames.data(5, self.GET))

    def test_streams_that_end_twice_or_were_never_opened_harm_nobody(self):
        frames = SpdyFrames()
        self.forward(self.pair(frames, 1), SpdyFrames.reset(3), SpdyFrames.reset(3), SpdyFrames.data(3, self.GET, True), SpdyFrames.data(77, self.GET), SpdyFrames.reset(79))

    def test_headers_that_unpack_to_megabytes_and_noise_end_the_connection(self):
        frames = SpdyFrames()
        self.forward(frames.open(1, streamtype="e" * (1 << 21), port="80", requestid="0"))
        self.forward(bytes(range(256)) * 64)

    def test_more_streams_than_a_command_has_are_not_kept(self):
        growths = []
        # A living cluster also grows by itself. Each turn has more streams than the one before: room that was made earlier does not hide them.
        while len(growths) < 5 and (not growths or growths[-1] >= 8 * MIB):
            frames = SpdyFrames()
            many = b"".join(frames.open(2 * i + 1, streamtype=f"kind{i}") + SpdyFrames.reset(2 * i + 1) for i in range(20000 * (len(growths) + 1)))
            before = self.cluster.resident_bytes()
            self.talk("exec?command=ls&stdout=1", "v4.channel.k8s.io", many)
            self.assertTrue(self.cluster.alive(), self.cluster.log()[-2000:])
            growths.append(self.cluster.resident_bytes() - before)
        self.assertLess(min(growths), 8 * MIB, growths)


if __name__ == "__main__":
    harness.main("__main__")
