"""Switch the loopback interface on where a bare network namespace (`unshare -n`) has it off.

Notebook kernels and the browser tests talk over 127.0.0.1; nothing leaves the machine. Linux only, silent elsewhere.
"""

from __future__ import annotations

import socket
import struct
import sys

SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 0x1


def switch_on() -> None:
    """Set the interface's flag IFF_UP if it is not set."""
    import fcntl

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        name, flags = struct.unpack("16sh", fcntl.ioctl(any_socket, SIOCGIFFLAGS, struct.pack("16sh", b"lo", 0)))
        if not flags & IFF_UP:
            fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sh", name, flags | IFF_UP))


if __name__ == "__main__" and sys.platform == "linux":
    try:
        switch_on()
    except OSError as error:
        sys.exit(f"the loopback interface is off and can't be switched on ({error}): run 'ip link set lo up' first")
