"""A device that is at hand everywhere: llama.cpp's RPC server on this machine's CPU stands in for a card."""
import contextlib
import socket
import subprocess
import time


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


@contextlib.contextmanager
def server(programs):
    """A server of one device, and its address; programs: the folder of ggml-rpc-server."""
    port = free_port()
    child = subprocess.Popen([programs / "ggml-rpc-server", "-t", "1", "-p", str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(200):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            time.sleep(0.05)
        yield child, f"127.0.0.1:{port}"
    finally:
        child.kill()
        child.wait()
