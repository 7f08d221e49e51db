#!/usr/bin/python3
"""The list of devices that the engine gives, and what muster check makes of it: real where a device is here, and with engines of the
test's own beside a MUSTER_ENGINE that measures nothing.

test_devices.py MUSTER ENGINE SOURCE_ROOT WITH_LLAMA [VULKAN_ENGINE]

Of the build for Vulkan the software renderer of Mesa is asked, where its driver is installed ($VK_ICD_FILENAMES names another place).
"""
import glob
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

import jsonschema

MUSTER, ENGINE, ROOT = (pathlib.Path(p).resolve() for p in sys.argv[1:4])
WITH_LLAMA = sys.argv[4] == 'yes'
VULKAN_ENGINE = sys.argv[5] if len(sys.argv) > 5 else None
SCHEMA = json.loads((ROOT / 'docs' / 'schema' / 'report-1.json').read_text())
KEYS = ['name', 'description', 'backend', 'type', 'id', 'free_bytes', 'total_bytes', 'software', 'source']
GIB = 1 << 30
CARD = {'name': 'CUDA0', 'description': 'Maker Card 9', 'backend': 'CUDA', 'type': 'GPU', 'id': 'fffe:c1:00.0',
        'free_bytes': 22 * GIB, 'total_bytes': 23.5 * GIB, 'software': False, 'source': 'llama.cpp 9.9.9'}


def icds():
    given = os.environ.get('VK_ICD_FILENAMES')
    return given or next(iter(glob.glob('/usr/share/vulkan/icd.d/lvp_icd*.json')), None)


def ask(engine, env=None):
    return subprocess.run([engine, 'devices'], input='{}', capture_output=True, text=True, timeout=60, env={**os.environ, **(env or {})})


class Listed(unittest.TestCase):
    def rows(self, engine, env=None):
        done = ask(engine, env)
        self.assertEqual((done.returncode, done.stderr), (0, ''))
        rows = [json.loads(line) for line in done.stdout.splitlines()]
        for row in rows:
            self.assertEqual([k for k in KEYS if k in row], list(row))
            self.assertRegex(row['source'], r'^llama\.cpp \d+\.\d+')
            self.assertLessEqual(row.get('free_bytes', 0), row.get('total_bytes', 0))
        self.assertEqual(len({row['name'] for row in rows}), len(rows))
        return rows

    def test_the_cpu_is_a_device_without_free_memory(self):
        if not WITH_LLAMA:
            done = ask(ENGINE)
            self.assertEqual((done.returncode, done.stdout), (64, ''))
            return
        (cpu,) = [row for row in self.rows(ENGINE) if row['type'] == 'CPU']
        self.assertEqual((cpu['name'], cpu['backend'], cpu['id'], cpu['software']), ('CPU', 'CPU', None, False))
        self.assertNotIn('free_bytes', cpu)
        pages = os.sysconf('SC_PHYS_PAGES') * os.sysconf('SC_PAGE_SIZE')
        self.assertAlmostEqual(cpu['total_bytes'] / pages, 1, delta=0.01)

    def test_a_software_renderer_is_told_as_one(self):
        if not VULKAN_ENGINE or not icds():
            return
        rows = self.rows(VULKAN_ENGINE, {'VK_ICD_FILENAMES': icds(), 'GGML_VK_VISIBLE_DEVICES': '0'})
        (gpu,) = [row for row in rows if row['type'] != 'CPU']
        self.assertEqual((gpu['name'], gpu['backend'], gpu['type'], gpu['id']), ('Vulkan0', 'Vulkan', 'GPU', None))
        self.assertTrue(gpu['software'])
        self.assertIn('llvmpipe', gpu['description'])
        self.assertGreater(gpu['total_bytes'], GIB)
        # ggml leaves it out when nobody asks for it.
        self.assertEqual([row['type'] for row in self.rows(VULKAN_ENGINE, {'VK_ICD_FILENAMES': icds()})], ['CPU'])

    def test_a_device_that_is_not_there(self):
        if not VULKAN_ENGINE or not icds():
            return
        done = ask(VULKAN_ENGINE, {'VK_ICD_FILENAMES': icds(), 'GGML_VK_VISIBLE_DEVICES': '7'})
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual([json.loads(line)['type'] for line in done.stdout.splitlines()], ['CPU'])


class Joined(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.cwd = pathlib.Path(folder.name) / 'here'
        self.cwd.mkdir()
        self.engine = pathlib.Path(folder.name) / 'engine'
        self.env = {'PATH': os.environ['PATH'], 'HOME': folder.name, 'MUSTER_ENGINE': str(self.engine)}
        self.build('', 'echo "nothing is measured here" >&2; exit 69')

    def build(self, suffix, text):
        path = pathlib.Path(f'{self.engine}{suffix}')
        path.write_text(f'#!/bin/sh\n{text}\n')
        path.chmod(0o755)

    def lists(self, suffix, *rows):
        text = ''.join((row if isinstance(row, str) else json.dumps(row)) + '\n' for row in rows)
        (self.cwd / f'rows{suffix}').write_text(text)
        self.build(suffix, f'[ "$1" = devices ] && exec cat {self.cwd}/rows{suffix}\nexit 69')

    def check(self, *args, env=None):
        done = subprocess.run([str(MUSTER), 'check', '--no-save', *args], cwd=self.cwd, env={**self.env, **(env or {})},
                              capture_output=True, text=True, timeout=120)
        self.assertIn(done.returncode, (0, 1), done.stderr)
        return done.stdout

    def report(self, *args, env=None):
        report = json.loads(self.check('--json', *args, env=env))
        jsonschema.validate(report, SCHEMA)
        return report

    def added(self, report):
        return [gpu for gpu in report['facts']['gpus'] if 'engine' in gpu]

    def notes(self, report):
        return [note for note in report['notes'] if 'GPU' in note]

    def test_one_card_of_two_builds(self):
        self.lists('-cuda', {'name': 'CPU', 'backend': 'CPU', 'type': 'CPU', 'source': 'x', 'total_bytes': GIB}, CARD)
        self.lists('-vulkan', {**CARD, 'name': 'Vulkan0', 'backend': 'Vulkan', 'id': 'FFFE:C1:00.0', 'free_bytes': GIB})
        (gpu,) = self.added(self.report())
        self.assertEqual((gpu['name'], gpu['engine']), ('Maker Card 9', 'CUDA0, Vulkan0'))
        self.assertEqual(gpu['engine_free_bytes'], {'value': 22 * GIB, 'origin': 'measured', 'source': 'llama.cpp 9.9.9'})
        self.assertEqual(gpu['engine_total_bytes']['value'], 23.5 * GIB)
        self.assertIn('Maker Card 9 · CUDA0, Vulkan0, 22.0 GiB free of 23.5 GiB, not seen on PCI', self.check())

    def test_quick_asks_nothing(self):
        self.lists('-cuda', CARD)
        self.assertEqual(self.added(self.report('--quick')), [])

    def test_another_machine_is_not_asked(self):
        self.lists('-cuda', CARD)
        self.assertEqual(self.added(self.report('--machine', 'cpu:4 ram:8GiB available:6GiB disk:40GiB')), [])

    def test_a_saved_report_keeps_them(self):
        self.lists('-cuda', CARD)
        path = self.cwd / 'report.json'
        path.write_text(json.dumps(self.report()))
        self.assertEqual(self.added(self.report('--machine', str(path))), self.added(json.loads(path.read_text())))

    def test_lists_that_are_none(self):
        for words, rows in (("line 1", ['garbage']),
                            ('name', [{**CARD, 'name': None}]),
                            ('name', [{'free_bytes': 1}]),
                            ('bytes', [CARD, {**CARD, 'total_bytes': -1}]),
                            ('bytes', [{**CARD, 'total_bytes': 1e300}]),
                            ('bytes', [{**CARD, 'description': 'x' * 5000}]),
                            ('more than 64', [{**CARD, 'name': f'CUDA{i}'} for i in range(100)]),
                            ('software', [{**CARD, 'software': 'yes'}]),
                            ('said nothing', [])):
            with self.subTest(words=words):
                self.lists('-cuda', *rows)
                report = self.report()
                self.assertEqual(self.added(report), [])  # half a list is none
                (note,) = self.notes(report)
                self.assertIn('muster-engine-cuda', note)
                self.assertIn(words, note)

    def test_text_that_would_move_the_cursor(self):
        self.lists('-cuda', {**CARD, 'description': 'a\x1b[2Jb', 'name': 'x\x07'})
        self.assertNotIn('\x1b', self.check())
        self.assertNotIn('\x07', self.check())

    def test_one_build_that_dies_leaves_the_other(self):
        self.build('-cuda', 'kill -SEGV $$')
        self.lists('-vulkan', {**CARD, 'name': 'Vulkan0', 'backend': 'Vulkan'})
        report = self.report()
        self.assertEqual([gpu['engine'] for gpu in self.added(report)], ['Vulkan0'])
        (note,) = self.notes(report)
        self.assertIn('SIGSEGV', note)

    def test_a_build_without_llama_is_said(self):
        self.build('-cuda', 'exit 64')
        (note,) = self.notes(self.report())
        self.assertIn('built without llama.cpp', note)

    def test_the_real_build_for_vulkan(self):
        if not VULKAN_ENGINE or not icds():
            return
        pathlib.Path(f'{self.engine}-vulkan').symlink_to(pathlib.Path(VULKAN_ENGINE).resolve())
        (gpu,) = self.added(self.report(env={'VK_ICD_FILENAMES': icds(), 'GGML_VK_VISIBLE_DEVICES': '0',
                                             'LD_LIBRARY_PATH': os.environ.get('LD_LIBRARY_PATH', '')}))
        self.assertEqual(gpu['engine'], 'Vulkan0')
        self.assertIn('for tests only', gpu['sized'])
        self.assertIsNone(gpu['memory_bytes']['value'])


if __name__ == '__main__':
    unittest.main(argv=sys.argv[:1])
