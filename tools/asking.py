"""What the tools that measure share: muster-engine asked for rates, and what this machine is."""
import json
import os
import pathlib
import platform
import subprocess

RING_BYTES = 6e8


def threads():
    return len(os.sched_getaffinity(0))


def ask(engine, test, **request):
    """The rates that a test of the engine says, as dicts."""
    request = {'threads': threads(), 'bytes': RING_BYTES, **request}
    run = subprocess.run([engine, test], input=json.dumps(request), capture_output=True, text=True, check=True)
    return [json.loads(line) for line in run.stdout.splitlines() if '"work"' in line]


def cpu_name():
    lines = pathlib.Path('/proc/cpuinfo').read_text().splitlines()
    return next((line.split(':')[1].strip() for line in lines if line.startswith('model name')), platform.machine())
