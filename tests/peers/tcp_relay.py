"""A bad network between client and server: a TCP relay that can cut, stall, trickle, swallow, corrupt and refuse."""

import select
import socket
import threading
import time
from contextlib import suppress
from typing import Literal, Self

_CHUNK_BYTES = 64 * 1024
_MOST_BYTES = {"trickling": 512, "dripping": 1}
_POLL_S = 0.05

Manner = Literal["whole", "stalled", "trickling", "dripping", "swallowed", "corrupt", "refused"]


class TcpRelay:
    """Relays each connection to `port` of this machine. A context manager.

    Attributes:
        manner: how data passes from now on. stalled: not at all, while connections stay open and the sender may go on
            until all buffers are full; trickling: about 10 kB per second; dripping: 20 bytes per second; swallowed: it
            is taken and lost; corrupt: with one wrong byte in each chunk; refused: as ever, but nobody listens for new
            connections.
        connections: how many have come so far.
    """

    def __init__(self, port: int) -> None:
        self.manner: Manner = "whole"
        self.connections = 0
        self._target = port
        self._cuts = 0
        self._ending = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._threads = [threading.Thread(target=self._listen, name="relay")]
        self._threads[0].start()

    def cut(self) -> None:
        """End the connections of now; new ones may come."""
        self._cuts += 1

    def _listen(self) -> None:
        while not self._ending.is_set():
            with self._listener:
                self._listener.settimeout(_POLL_S)
                while not self._ending.is_set() and self.manner != "refused":
                    self._accept()
            while not self._ending.wait(_POLL_S):
                # The port may be in use for a moment by a connection that somebody begins.
                with suppress(OSError):
                    if self.manner != "refused":
                        self._listener = socket.create_server(("127.0.0.1", self.port))
                        break

    def _accept(self) -> None:
        with suppress(TimeoutError):
            client, _ = self._listener.accept()
            self.connections += 1
            thread = threading.Thread(target=self._relay, args=(client,), name="relay")
            self._threads.append(thread)
            thread.start()

    def _relay(self, client: socket.socket) -> None:
        cuts = self._cuts
        with client, suppress(OSError), socket.create_connection(("127.0.0.1", self._target)) as server:
            other = {client: server, server: client}
            while not self._ending.is_set() and self._cuts == cuts:
                if self.manner == "stalled":
                    time.sleep(_POLL_S)
                    continue
                for end in select.select([client, server], [], [], _POLL_S)[0]:
                    data = end.recv(_MOST_BYTES.get(self.manner, _CHUNK_BYTES))
                    if not data:
                        return
                    other[end].sendall(self._as_it_arrives(data))

    def _as_it_arrives(self, data: bytes) -> bytes:
        match self.manner:
            case "trickling" | "dripping":
                time.sleep(_POLL_S)
            case "swallowed":
                return b""
            case "corrupt":
                middle = len(data) // 2
                return data[:middle] + bytes([data[middle] ^ 0xFF]) + data[middle + 1 :]
        return data

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        for thread in self._threads:
            thread.join()
