#!/usr/bin/python3
"""Cards of a driver library, seen by muster itself through the loader's search path, and how the environment hides them.

By document: tests/machine/fake_nvml.c says what the library's answers rest on; no machine with such a card was recorded.
Usage: test_nvml_seen.py MUSTER SOURCE_ROOT WHOLE OLD BROKEN.
"""
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

MUSTER, ROOT = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).resolve()
WHOLE, OLD, BROKEN = (pathlib.Path(p).resolve().parent for p in sys.argv[3:6])
MIB = 1 << 20


class Seen(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.home = folder.name

    def check(self, scenario, make=WHOLE, env=None, root=None):
        args = [str(MUSTER), 'check', '--quick', '--no-save', '--json'] + (['--root', str(root)] if root else [])
        run = subprocess.run(args, cwd=self.home, text=True, capture_output=True, timeout=100, env={
            'PATH': os.environ['PATH'], 'HOME': self.home, 'LD_LIBRARY_PATH': str(make),
            'FAKE_NVML': str(ROOT / 'tests' / 'machine' / 'scenarios' / (scenario + '.txt')), **(env or {})})
        self.assertIn(run.returncode, (0, 1), run.stderr)
        return json.loads(run.stdout)

    def cards(self, report):
        return [gpu for gpu in report['facts']['gpus'] if gpu['vendor'] == 'NVIDIA']

    def test_two_cards_are_two_cards(self):
        report = self.check('two-unlike')
        a, b = self.cards(report)
        self.assertEqual((a['name'], b['name']), ('NVIDIA GeForce RTX 4090', 'NVIDIA GeForce RTX 3060'))
        self.assertEqual(a['pci_address'], '0000:01:00.0')
        self.assertEqual(a['memory_bytes']['value'], 24564 * MIB)
        self.assertEqual(a['memory_bytes']['origin'], 'reported')
        self.assertEqual(b['memory_bytes']['value'], 12288 * MIB)

    def test_a_library_of_no_use_is_said(self):
        for scenario, make, why in (('full', BROKEN, 'lacks nvmlDeviceGetMemoryInfo'), ('million', WHOLE, '1000000 GPUs'),
                                    ('mismatch', WHOLE, 'different versions')):
            report = self.check(scenario, make)
            self.assertEqual(self.cards(report), [])
            self.assertTrue(any(why in note for note in report['notes']), report['notes'])

    def test_hostile_answers_are_shown_harmless(self):
        text = json.dumps(self.check('hostile'), ensure_ascii=False)
        self.assertNotIn('\x1b', text)
        self.assertIn('contradicts itself', text)

    def test_the_environment_is_heard(self):
        for env, said in (({}, False), ({'CUDA_VISIBLE_DEVICES': '1'}, True),
                          ({'CUDA_VISIBLE_DEVICES': '1', 'CUDA_DEVICE_ORDER': 'PCI_BUS_ID'}, False)):
            notes = self.check('two-unlike', env=env)['notes']
            self.assertEqual(any('CUDA_VISIBLE_DEVICES counts unlike GPUs' in note for note in notes), said, notes)

    def test_another_machine_is_not_ours(self):
        report = self.check('two-unlike', root=ROOT / 'tests' / 'machines' / 'raspberry-pi')
        self.assertEqual(self.cards(report), [])


if __name__ == '__main__':
    unittest.main(argv=sys.argv[:1])
