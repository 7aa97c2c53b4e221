"""A TCP proxy on loopback that cuts, delays, swallows and refuses connections, as networks do."""

from __future__ import annotations

import contextlib
import selectors
import socket
import struct
import threading
from collections.abc import Iterator
from typing import Literal

Mode = Literal["pass", "hold", "black hole", "mute", "refuse"]


class Proxy:
    """Passes bytes on to a server, until it is told otherwise.

    Attributes:
        port: where it listens.
        accepted: how many connections it has taken, those that it then refused included.
    """

    def __init__(self, target: tuple[str, int]) -> None:
        self._target = target
        self._mode: Mode = "pass"
        self._pairs: set[_Pair] = set()
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port: int = self._listener.getsockname()[1]
        self.accepted = 0
        self._acceptor = threading.Thread(target=self._accept, daemon=True)
        self._acceptor.start()

    def set(self, mode: Mode) -> None:
        """Say what happens to bytes and connections from now on.

        pass: bytes are passed on. hold: they wait, and arrive when the mode changes. black hole: they are swallowed,
        both ways. mute: the client's are passed on, and the server's swallowed. refuse: all connections are reset, and
        new ones too. A connection that has lost bytes is reset when the mode changes: no network mends that.
        """
        self._mode = mode
        for pair in self._those_there_are():
            pair.set(mode)

    def cut(self) -> None:
        """Reset all connections; they are gone when this returns."""
        for pair in self._those_there_are():
            pair.cut()

    @property
    def open(self) -> int:
        """How many connections there are."""
        return len(self._those_there_are())

    def close(self) -> None:
        with contextlib.suppress(OSError):
            # Wakes the thread that accepts; closing alone would not.
            self._listener.shutdown(socket.SHUT_RDWR)
        self._acceptor.join(5)
        self._listener.close()
        self.cut()

    def _those_there_are(self) -> list[_Pair]:
        with self._lock:
            self._pairs = {pair for pair in self._pairs if pair.alive}
            return list(self._pairs)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self.accepted += 1
            try:
                if self._mode == "refuse":
                    raise ConnectionRefusedError
                server = socket.create_connection(self._target, timeout=5)
            except OSError:
                _reset(client)
                continue
            pair = _Pair(client, server, self._mode)
            with self._lock:
                self._pairs.add(pair)
            pair.set(self._mode)  # It may be another one since.


class _Pair:
    """A client's connection and the one to the server, and the thread that passes bytes between them."""

    def __init__(self, client: socket.socket, server: socket.socket, mode: Mode) -> None:
        self._client = client
        self._server = server
        self._mode = mode
        self._lossy = False
        self._ended = False
        self._waker, self._woken = socket.socketpair()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    @property
    def alive(self) -> bool:
        return self._thread.is_alive()

    def set(self, mode: Mode) -> None:
        if mode == "refuse" or (mode != self._mode and self._lossy):
            self.cut()
        self._mode = mode
        self._wake()

    def cut(self) -> None:
        self._ended = True
        self._wake()
        self._thread.join(10)

    def _wake(self) -> None:
        with contextlib.suppress(OSError):
            self._waker.send(b"!")

    def _run(self) -> None:
        try:
            with contextlib.suppress(OSError):
                while not self._ended and self._step():
                    pass
        finally:
            for end in (self._client, self._server):
                (_reset if self._ended else socket.socket.close)(end)
            self._waker.close()
            self._woken.close()

    def _step(self) -> bool:
        """Pass on what there is; say whether both ends are still open."""
        ends = [] if self._mode == "hold" else [self._client, self._server]
        with selectors.DefaultSelector() as selector:  # Unlike select(), it takes any file descriptor.
            for end in (self._woken, *ends):
                selector.register(end, selectors.EVENT_READ)
            readable = [key.fileobj for key, _ in selector.select()]
        if self._woken in readable:
            self._woken.recv(100)
            return True
        for end in ends:
            if end not in readable:
                continue
            mode = self._mode
            data = end.recv(65536)
            if not data:
                return False
            if mode == "black hole" or (mode == "mute" and end is self._server):
                self._lossy = True
            else:
                other = self._server if end is self._client else self._client
                other.sendall(data)
        return True


def _reset(end: socket.socket) -> None:
    with contextlib.suppress(OSError):
        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    end.close()


@contextlib.contextmanager
def proxy_to(port: int) -> Iterator[Proxy]:
    """Give a proxy to a port of this machine, for as long as the block runs."""
    proxy = Proxy(("127.0.0.1", port))
    try:
        yield proxy
    finally:
        proxy.close()
