#!/usr/bin/python3
"""The guide's own scripts, unmodified, beside muster: executed from the seed's own text.

Usage: test_seed_scripts.py MUSTER SOURCE_ROOT. The seeds stand beside the checkout in the project's workplace (../shared/seeds, or
$MUSTER_SEEDS); without them the test is skipped (77), which tests/may-skip names.

1. test_capability.py on this machine: from the figures it wrote, muster comes to the same `capabilities`.
2. The same on 200 random machines (psutil, platform, the clock and nvidia-smi answered for them).
3. distribute_workload.py runs on reports that muster saved, and plans every machine whose prerequisites pass.
"""
import contextlib
import glob
import io
import json
import os
import pathlib
import platform
import random
import re
import subprocess
import sys
import tempfile
import time
import types
import unittest

import numpy
import psutil

MUSTER, ROOT = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).resolve()
SEEDS = pathlib.Path(os.environ.get('MUSTER_SEEDS') or ROOT.parent / 'shared' / 'seeds')
GIB = 1024 ** 3


def seed_blocks():
    found = sorted(glob.glob(str(SEEDS / '001*')))
    if not found:
        print(f'no seed 001 in {SEEDS}')
        sys.exit(77)
    text = pathlib.Path(found[0]).read_text()
    blocks = re.findall(r'```python\n(.*?)```', text, re.S)
    capability = next(b for b in blocks if 'def determine_capability' in b)
    distribute = next(b for b in blocks if 'def assign_workload' in b)
    return capability, distribute


def muster(*args, cwd):
    return subprocess.run([str(MUSTER), *args], cwd=cwd, capture_output=True, text=True)


def capabilities_of(report, cwd):
    """What muster makes of the figures in a report, through its own reading of that report; its exit status too."""
    path = pathlib.Path(cwd) / 'guide.json'
    path.write_text(json.dumps(report))
    run = muster('check', '--machine', str(path), '--no-save', '--json', cwd=cwd)
    if run.returncode not in (0, 1):
        raise AssertionError(f'exit status {run.returncode}: {run.stderr}')
    return json.loads(run.stdout)['capabilities'], run.returncode


class Random:
    """One machine that never was, answering psutil, platform, nvidia-smi and the clock."""

    def __init__(self, seed):
        r = random.Random(seed)
        near = lambda *edges: r.choice(edges) + r.choice([-0.01, -0.004, 0, 0.004, 0.01])
        self.total = r.choice([1, 2, 4, 8, 16, 32, 64, 256]) * GIB
        self.available = int(r.choice([near(3, 5, 6, 12), r.uniform(0.2, 40)]) * GIB)
        self.free = int(r.choice([near(5, 10, 15), r.uniform(0.5, 200)]) * GIB)
        self.cores = r.randint(1, 64)
        self.gpu = r.choice([None, None, 'NVIDIA GeForce RTX 3060, 12288 MiB', 'A, 1 MiB\nB, 2 MiB'])
        self.apple = self.gpu is None and r.random() < 0.2
        self.round_s = r.choice([0.02, 0.0999, 0.1, 0.11, 0.5])
        self.name = f'random-{seed}'


def stand_in(module, **changes):
    copy = types.ModuleType(module.__name__)
    copy.__dict__.update(module.__dict__)
    copy.__dict__.update(changes)
    return copy


def modules_for(m):
    """The modules that the script imports, answering for machine m."""
    ticks = iter([0.0, m.round_s * 100])
    smi = types.SimpleNamespace(returncode=0, stdout=(m.gpu or '') + '\n')

    def run(command, **_):
        if command[0] == 'nvidia-smi' and m.gpu:
            return smi
        raise FileNotFoundError(command[0])

    fake_psutil = stand_in(psutil,
                           cpu_count=lambda logical=True: m.cores * (2 if logical else 1),
                           virtual_memory=lambda: types.SimpleNamespace(total=m.total, available=m.available),
                           disk_usage=lambda _: types.SimpleNamespace(free=m.free))
    fake_platform = stand_in(platform, node=lambda: m.name,
                             system=lambda: 'Darwin' if m.apple else 'Linux',
                             processor=lambda: 'arm' if m.apple else '',
                             machine=lambda: 'arm64' if m.apple else 'x86_64')
    fake_numpy = stand_in(numpy, dot=lambda a, b: None, random=types.SimpleNamespace(rand=lambda *_: None))
    return {'psutil': fake_psutil, 'platform': fake_platform, 'numpy': fake_numpy,
            'subprocess': stand_in(subprocess, run=run), 'time': stand_in(time, time=lambda: next(ticks))}


def run_script(text, cwd, modules=None):
    """Executes the seed's text as a program; returns its exit status."""
    before, real = os.getcwd(), {name: sys.modules.get(name) for name in modules or {}}
    os.chdir(cwd)
    sys.modules.update(modules or {})
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            exec(compile(text, 'seed', 'exec'), {'__name__': '__main__'})
    except SystemExit as end:
        return end.code
    finally:
        os.chdir(before)
        sys.modules.update(real)
    return 0


CAPABILITY, DISTRIBUTE = seed_blocks()


class SeedScripts(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.cwd = self.folder.name
        self.addCleanup(self.folder.cleanup)

    def report(self):
        (path,) = glob.glob(os.path.join(self.cwd, 'capability_report_*.json'))
        report = json.loads(pathlib.Path(path).read_text())
        os.unlink(path)
        return report

    def test_this_machine(self):
        status = run_script(CAPABILITY, self.cwd)
        report = self.report()
        ours, our_status = capabilities_of(report, self.cwd)
        self.assertEqual(ours, report['capabilities'])
        self.assertEqual(our_status, status)
        run = muster('check', '--quick', '--json', '--no-save', cwd=self.cwd)
        system = json.loads(run.stdout)['system']
        for key in ('platform', 'architecture', 'processor', 'python_version', 'cpu_count', 'cpu_count_physical', 'ram_gb'):
            if key != 'python_version':
                self.assertEqual(system[key], report['system'][key], key)
        self.assertEqual(set(report['system']) - set(system), set(), 'keys of the guide that our report lacks')

    def test_random_machines(self):
        outcomes = set()
        for seed in range(200):
            machine = Random(seed)
            with self.subTest(seed=seed):
                status = run_script(CAPABILITY, self.cwd, modules_for(machine))
                report = self.report()
                ours, our_status = capabilities_of(report, self.cwd)
                self.assertEqual(ours, report['capabilities'])
                self.assertEqual(our_status, status)
                outcomes.add(json.dumps(report['capabilities'], sort_keys=True))
        self.assertGreater(len(outcomes), 10, 'random machines that all come out alike prove nothing')

    def test_distribute(self):
        lines = {'weak': 'ram:4GiB available:3.5GiB disk:8GiB', 'medium': 'ram:8GiB available:7GiB disk:40GiB',
                 'search': 'ram:8GiB available:5.5GiB disk:40GiB', 'strong': 'ram:32GiB available:28GiB disk:200GiB'}
        for host, line in lines.items():
            run = muster('check', '--machine', f'cpu:8 {line} host:{host}', '--save', f'capability_report_{host}.json', cwd=self.cwd)
            self.assertEqual(run.returncode, 0, run.stderr)
        self.assertEqual(run_script(DISTRIBUTE, self.cwd), 0)
        plan = json.loads((pathlib.Path(self.cwd) / 'distributed_plan.json').read_text())
        self.assertEqual([p['machine'] for p in plan['phase1']], ['weak'])
        self.assertEqual({p['machine'] for p in plan['phase2']}, {'medium', 'search'})
        self.assertEqual([(p['machine'], p['experiment']) for p in plan['phase3']], [('strong', 'e2_full')])


unittest.main(argv=sys.argv[:1], verbosity=1)
