#!/usr/bin/python3
"""muster check on this very machine, whole: measured by the real engine, kept, saved; and everything that may go wrong on the way.

Usage: test_check.py MUSTER SOURCE_ROOT.
"""
import json
import os
import pathlib
import resource
import signal
import stat
import subprocess
import sys
import tempfile
import unittest

import jsonschema

MUSTER, ROOT = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).resolve()
SCHEMA = json.loads((ROOT / 'docs' / 'schema' / 'report-1.json').read_text())
LINE = 'cpu:4 ram:8GiB available:6GiB disk:40GiB host:desk'
MEASURED = {'memory read', 'memory copy', 'memory triad', 'sgemm', 'dgemm', "guide's matrix rounds"}


class Check(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.cwd = pathlib.Path(folder.name) / 'here'
        self.cwd.mkdir()
        self.env = {'PATH': os.environ['PATH'], 'HOME': folder.name}

    def run_(self, *args, env=None, **more):
        return subprocess.run([str(MUSTER), *args], cwd=self.cwd, env={**self.env, **(env or {})}, text=True, timeout=120,
                              capture_output=True, **more)

    def report(self):
        (path,) = self.cwd.glob('capability_report_*.json')
        report = json.loads(path.read_text())
        jsonschema.validate(report, SCHEMA)
        return report

    def works(self, report):
        return {rate['work'] for rate in report['rates']}

    def test_measured_kept_and_saved(self):
        first = self.run_('check')
        self.assertIn(first.returncode, (0, 1), first.stderr)
        self.assertIn('just now', first.stdout)
        report = self.report()
        self.assertLessEqual(MEASURED, self.works(report))
        self.assertGreater(report['benchmark']['operations_per_second'], 0)
        self.assertAlmostEqual(report['benchmark']['matrix_mult_time'] * report['benchmark']['operations_per_second'], 100, delta=1)
        second = self.run_('check', '--quick')
        self.assertIn('kept from', second.stdout)
        again = self.report()
        self.assertEqual(again['rates'], report['rates'])
        self.assertIn('Report saved to capability_report_', second.stdout)

    def test_quick_measures_nothing(self):
        run = self.run_('check', '--quick')
        report = self.report()
        self.assertEqual(report['benchmark'], {'matrix_mult_time': None, 'operations_per_second': None})
        self.assertEqual(report['rates'], [])
        self.assertIn('--quick', run.stdout)

    def test_engine_that_dies(self):
        script = self.cwd / 'engine'
        for body, words in (('kill -SEGV $$', 'SIGSEGV'), ('kill -KILL $$', 'SIGKILL'), ('exit 3', ''), ('echo garbage', '')):
            script.write_text(f'#!/bin/sh\n{body}\n')
            script.chmod(0o755)
            run = self.run_('check', env={'MUSTER_ENGINE': str(script)})
            self.assertIn(run.returncode, (0, 1), run.stderr)
            self.assertIn(words, run.stdout)
            self.assertEqual(self.report()['rates'], [])
            self.assertTrue(self.report()['notes'])
        run = self.run_('check', env={'MUSTER_ENGINE': str(self.cwd / 'absent')})
        self.assertIn(run.returncode, (0, 1), run.stderr)
        self.assertTrue(self.report()['notes'])

    def test_never_overwrites_what_is_no_report(self):
        self.run_('check', '--quick')
        (path,) = self.cwd.glob('capability_report_*')
        name = path.name
        (self.cwd / name).write_text('my own notes\n')
        run = self.run_('check', '--quick')
        self.assertIn('was not saved', run.stdout)
        self.assertEqual((self.cwd / name).read_text(), 'my own notes\n')
        run = self.run_('check', '--quick', '--save', name)
        self.assertEqual(run.returncode, 73)
        self.assertRegex(run.stderr, r'\Amuster: [^\n]*is no report[^\n]*\n\Z')

    def test_full_disk_leaves_the_old_report(self):
        self.run_('check', '--machine', LINE, '--save', 'r.json')
        before = (self.cwd / 'r.json').read_text()

        def small_files():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (512, 512))

        run = self.run_('check', '--machine', LINE, '--save', 'r.json', '--explain', preexec_fn=small_files)
        self.assertIn(run.returncode, (73, 74))
        self.assertEqual((self.cwd / 'r.json').read_text(), before)
        self.assertEqual([p.name for p in self.cwd.iterdir()], ['r.json'])

    def test_require(self):
        for available, e0, status in (('6GiB', 'yes', 0), ('3GiB', 'no', 1)):
            run = self.run_('check', '--machine', f'cpu:4 ram:8GiB available:{available} disk:40GiB', '--require', 'e0_e1')
            self.assertIn(f'required: E0-E1, parameter search and retrieval: {e0}', run.stdout)
            self.assertEqual(run.returncode, status)
        run = self.run_('check', '--machine', LINE, '--require', 'e0_e9')
        self.assertEqual(run.returncode, 64)
        self.assertIn('e0_e9', run.stderr)

    def refused(self, status, *args):
        run = self.run_(*args)
        self.assertEqual(run.returncode, status, run.stderr + run.stdout)
        self.assertRegex(run.stderr, r'\Amuster: [^\n]+\n\Z')
        return run.stderr

    def test_bad_reports(self):
        self.run_('check', '--machine', LINE, '--save', 'r.json')
        whole = (self.cwd / 'r.json').read_text()
        bad = self.cwd / 'bad.json'
        bad.write_text(whole.replace('"report/1"', '"report/9"'))
        self.assertIn('report/9', self.refused(65, 'check', '--machine', 'bad.json'))
        for text in ('[' * 200_000, whole[:-40], '{}', '[]', '', '\0' * 100, whole.replace('{', '[', 1)):
            bad.write_text(text)
            self.refused(65, 'check', '--machine', 'bad.json')
        self.assertEqual((self.cwd / 'r.json').read_text(), whole)

    def test_inputs_that_are_no_files(self):
        (self.cwd / 'folder.gguf').mkdir()
        os.mkfifo(self.cwd / 'fifo.gguf')
        self.refused(66, 'fit', 'folder.gguf', '--machine', LINE)
        self.refused(66, 'fit', 'fifo.gguf', '--machine', LINE)
        self.refused(66, 'check', '--machine', 'folder.gguf/')
        os.mkfifo(self.cwd / 'fifo.json')
        self.refused(66, 'check', '--machine', 'fifo.json')
        with open(self.cwd / 'huge.gguf', 'wb') as f:
            f.truncate(2 << 40)
        self.refused(65, 'fit', 'huge.gguf', '--machine', LINE)
        self.refused(65, 'fit', '/etc/hostname' if os.path.getsize('/etc/hostname') else str(ROOT / 'LICENSE'), '--machine', LINE)

    @unittest.skipIf(os.geteuid(), 'only root may become somebody else')
    def test_no_permission(self):
        secret = self.cwd / 'secret.gguf'
        secret.write_bytes(b'GGUF')
        secret.chmod(stat.S_IRUSR)
        for folder in (self.cwd, self.cwd.parent):
            folder.chmod(0o755)
        nobody = lambda: os.setuid(65534)
        run = self.run_('fit', 'secret.gguf', '--machine', LINE, preexec_fn=nobody)
        self.assertEqual(run.returncode, 77, run.stderr)
        run = self.run_('check', '--quick', preexec_fn=nobody)  # a folder that cannot be written is no failure
        self.assertIn(run.returncode, (0, 1), run.stderr)
        self.assertIn('was not saved', run.stdout)

    def test_tables_of_the_user(self):
        folder = self.cwd.parent / '.config' / 'muster'
        folder.mkdir(parents=True)
        shape = '"n_layers": 4, "d_model": 64, "n_heads": 4, "n_kv_heads": 2, "head_dim": 16, "d_ff": 128, "vocab_size": 100, "max_context": 512'
        row = '{{"entries": [{{"hf_id": "mine/tiny", "arch": {arch}, {shape}, "shape": {{"kind": "dense", "gated_ffn": true, "norms_per_layer": 2}}}}]}}'
        cases = {
            'kernels.json': '{"entries": [{"work": null, "share": 1}]}',
            'residuals.json': '{"entries": [{"class": "x", "low": 3, "likely": 1, "high": 2}]}',
            'models.json': row.format(arch='"llama"', shape=shape.replace('"n_layers": 4', '"n_layers": 1e18')),
            'quants.json': '[',
        }
        for name, text in cases.items():
            (folder / name).write_text(text)
            self.assertIn(name, self.refused(65, 'fit', 'mine/tiny', '--quant', 'Q8_0', '--machine', LINE))
            (folder / name).unlink()
        (folder / 'models.json').write_text(row.format(arch='"llama"', shape=shape))
        self.assertTrue(self.run_('fit', 'tiny', '--quant', 'Q8_0', '--machine', LINE).stdout.startswith('Fits: mine/tiny Q8_0'))
        (folder / 'models.json').write_text(row.format(arch='null', shape=shape))
        run = self.run_('fit', 'tiny', '--quant', 'Q8_0', '--machine', LINE, '--explain')
        self.assertIn('Not computed, because its architecture is not named', run.stdout)
        for word in ('(null)', 'nan', 'inf'):
            self.assertNotIn(word, run.stdout.replace('finetun', ''))

    def test_experiments_of_the_user(self):
        (self.cwd / 'my.yaml').write_text('name: mine\nexperiments:\n  - {id: big, workload: {kind: generate, model: Llama-3.1-70B, quant: Q4_K_M}}\n')
        run = self.run_('check', '-e', 'my.yaml', '--machine', LINE, '--require', 'big')
        self.assertEqual(run.returncode, 1, run.stderr)
        (self.cwd / 'my.yaml').write_text('name: mine\nexperiments:\n  - {id: big, workloads: {kind: generate}}\n')
        self.assertIn("my.yaml:3:15: an experiment has no key 'workloads'; did you mean 'workload'?",
                      self.refused(65, 'check', '-e', 'my.yaml', '--machine', LINE))
        (self.cwd / 'my.yaml').write_text('[' * 200_000)
        self.refused(65, 'check', '-e', 'my.yaml', '--machine', LINE)


unittest.main(argv=sys.argv[:1], verbosity=1)
