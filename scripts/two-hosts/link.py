"""A link between two network namespaces: Ethernet frames from a TAP device in one to one in the other, late, lost, and no faster than asked.

usage: link.py NAMESPACE NAMESPACE [--latency MS] [--loss PERCENT] [--rate MBIT]
--latency: one way. A frame is lost with that chance, in both directions. SIGUSR1 cuts the link, SIGUSR2 mends it, SIGTERM ends this.
The devices are called e0, with the addresses 10.77.0.1 and 10.77.0.2.
"""
import argparse
import ctypes
import fcntl
import heapq
import os
import random
import select
import signal
import struct
import subprocess
import time

TUNSETIFF, IFF_TAP, IFF_NO_PI, CLONE_NEWNET = 0x400454CA, 0x0002, 0x1000, 0x40000000
libc = ctypes.CDLL(None, use_errno=True)


def device(namespace, address):
    """The descriptor of a new TAP device in a namespace."""
    own = os.open("/proc/self/ns/net", os.O_RDONLY)
    there = os.open(f"/run/netns/{namespace}", os.O_RDONLY)
    if libc.setns(there, CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), f"namespace {namespace}")
    tap = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(tap, TUNSETIFF, struct.pack("16sH", b"e0", IFF_TAP | IFF_NO_PI))
    libc.setns(own, CLONE_NEWNET)
    for command in (f"addr add {address}/24 dev e0", "link set e0 up", "link set lo up"):
        subprocess.run(["ip", "-n", namespace, *command.split()], check=True)
    return tap


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("namespaces", nargs=2)
    parser.add_argument("--latency", type=float, default=0)
    parser.add_argument("--loss", type=float, default=0)
    parser.add_argument("--rate", type=float, default=0)
    options = parser.parse_args()
    taps = [device(name, f"10.77.0.{index + 1}") for index, name in enumerate(options.namespaces)]
    cut = False

    def set_cut(number, _):
        nonlocal cut
        cut = number == signal.SIGUSR1

    signal.signal(signal.SIGUSR1, set_cut)
    signal.signal(signal.SIGUSR2, set_cut)
    print("up", flush=True)

    chance = random.Random(1)
    # Frames on their way: when they arrive, a number that keeps their order, where, and what.
    pending, number, free_at = [], 0, [0.0, 0.0]
    while True:
        timeout = max(0.0, pending[0][0] - time.monotonic()) if pending else None
        for tap in select.select(taps, [], [], timeout)[0]:
            source = taps.index(tap)
            for _ in range(64):
                try:
                    frame = os.read(tap, 65536)
                except BlockingIOError:
                    break
                if cut or chance.random() * 100 < options.loss:
                    continue
                now = time.monotonic()
                # The wire takes one frame after the other.
                free_at[source] = max(now, free_at[source]) + (len(frame) * 8 / (options.rate * 1e6) if options.rate else 0)
                # A queue of half a second, as switches have one that ends.
                if free_at[source] - now > 0.5:
                    free_at[source] = now + 0.5
                    continue
                number += 1
                heapq.heappush(pending, (free_at[source] + options.latency / 1000, number, 1 - source, frame))
        while pending and pending[0][0] <= time.monotonic():
            _, _, target, frame = heapq.heappop(pending)
            try:
                os.write(taps[target], frame)
            except (BlockingIOError, OSError):
                pass


if __name__ == "__main__":
    main()
