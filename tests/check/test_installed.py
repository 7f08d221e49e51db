#!/usr/bin/python3
"""muster models --installed in a home with real-format stores (stored_models.py): each is found once, under the name a command takes, with
its figures; what does not run says why; the same rows in every format; nothing there is written.

Usage: test_installed.py MUSTER.
"""
import csv
import io
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import stored_models  # noqa: E402

MUSTER = pathlib.Path(sys.argv[1]).resolve()
LINE = 'cpu:8 ram:8GiB bandwidth:60GB/s'
MODELS = {'hf:maker/chat-1B-GGUF:chat-1B-Q8_0.gguf': 'Hugging Face', 'hf:maker/chat-24B-GGUF:chat-24B-Q8_0.gguf': 'Hugging Face',
          'ollama:little:latest': 'Ollama'}


class Installed(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.home = pathlib.Path(cls.folder.name)
        stored_models.fill(cls.home)

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def muster(self, *words):
        return subprocess.run([str(MUSTER), *words], cwd=self.home, env={'HOME': str(self.home), 'PATH': '/usr/bin:/bin'},
                              capture_output=True, text=True)

    def rows(self, *words, line=LINE):
        run = self.muster('models', '--installed', '--machine', line, '--json', *words)
        self.assertEqual(run.returncode, 0, run.stderr)
        return {r['name']: r for r in json.loads(run.stdout)['rows']}

    def tree(self):
        return sorted((str(p), p.lstat().st_size, p.lstat().st_mtime_ns) for p in self.home.rglob('*'))

    def test_every_store(self):
        before = self.tree()
        rows = self.rows('--folder', 'mine')
        self.assertEqual({r['store'] for r in rows.values()}, {'Hugging Face', 'Ollama', 'LM Studio', 'llama.cpp',
                         str((self.home / 'mine').resolve())})
        for name, store in MODELS.items():
            self.assertEqual(rows[name]['store'], store)
            self.assertEqual((rows[name]['quant'], rows[name]['format'], rows[name]['architecture']), ('Q8_0', 'GGUF', 'llama'))
        self.assertEqual(len(rows), 10)
        self.assertEqual(self.tree(), before)
        self.assertEqual(len(self.rows()), 9, 'nobody else looks into mine')

    def test_bytes_are_those_of_the_files(self):
        for r in self.rows('--folder', 'mine').values():
            path = pathlib.Path(self.home / r['path'])
            if path.is_file():
                self.assertEqual(r['bytes'], path.stat().st_size, r['name'])

    def test_how_each_runs(self):
        rows = self.rows()
        small, large = (rows[n] for n in list(MODELS)[:2])
        self.assertEqual((small['fits'], small['where'], small['why']), ('yes', 'host', None))
        self.assertGreater(small['memory_bytes'], small['bytes'])
        self.assertGreater(small['decode_tokens_per_s'], 0)
        self.assertEqual((large['fits'], large['where'], large['decode_tokens_per_s']), ('no', None, None))
        by_store = {(r['store'], r['role']): r for r in rows.values()}
        self.assertIn('projector', by_store['LM Studio', 'projector']['why'])
        self.assertIn('1 of 2', next(r for r in rows.values() if r['missing'])['why'])
        published = [r for r in rows.values() if r['format'] == 'safetensors']
        self.assertEqual([r['quant'] for r in published], ['F16', 'awq, 4 bits, groups of 128'])
        for r in published:
            self.assertIn('convert', r['why'])
            self.assertIsNone(r['vllm'], 'no card')
        roomy = self.rows(line='cpu:8 ram:64GiB bandwidth:60GB/s')
        self.assertEqual(roomy[list(MODELS)[1]]['fits'], 'yes')

    def test_published_weights_on_a_card(self):
        line = 'cpu:8 ram:32GiB gpu:{}'
        rows = self.rows(line=line.format('RTX 3060 12GB'))
        for r in rows.values():
            self.assertEqual(r['vllm'] is None, r['format'] != 'safetensors', r['name'])
        half, four = (rows[f'hf:maker/published{n}']['vllm'] for n in ('', '-AWQ'))
        self.assertTrue(half['holds'] and four['holds'])
        # What vLLM is said to hold is what lies there, but for the files' headers.
        for name, v in (('', half), ('-AWQ', four)):
            self.assertAlmostEqual(v['weight_bytes_per_card'] / rows[f'hf:maker/published{name}']['bytes'], 1, 3)
        self.assertLess(half['cache_low_tokens'], four['cache_low_tokens'])
        small = self.rows(line=line.format('RTX 3060 12GB free 600MiB'))['hf:maker/published']['vllm']
        self.assertEqual((small['holds'], small['cache_low_tokens']), (False, 0))
        self.assertIsNone(self.rows(line=line.format('Arc A770'))['hf:maker/published']['vllm'], 'vLLM is not sized there')

    def test_a_quantised_checkpoint_in_fit(self):
        line = 'cpu:8 ram:32GiB gpu:RTX 3060 12GB'
        rows = self.rows(line=line)
        for name in ('published', 'published-AWQ'):
            for runtime in ('vllm', 'transformers'):
                run = self.muster('fit', f'hf:maker/{name}', '--machine', line, '--runtime', runtime, '--json')
                self.assertEqual(run.returncode, 0, run.stderr)
                weights = [t['bytes'] for t in json.loads(run.stdout)['held'] if t['group'] == 'weights']
                self.assertAlmostEqual(sum(weights) / rows[f'hf:maker/{name}']['bytes'], 1, 3, (name, runtime))
        again = self.muster('fit', 'hf:maker/published-AWQ', '--machine', line, '--runtime', 'transformers', '--dtype', 'nf4')
        self.assertEqual(again.returncode, 1)
        self.assertIn('quantised already', again.stdout)

    def test_a_name_is_taken_by_fit(self):
        for name, r in self.rows().items():
            if r['why']:
                continue
            run = self.muster('fit', name, '--machine', LINE, '--json', '--no-exact')
            self.assertEqual(json.loads(run.stdout)['fits'], r['fits'], name)

    def test_formats(self):
        names = set(self.rows())
        table = csv.reader(io.StringIO(self.muster('models', '--installed', '--machine', LINE, '--format', 'csv').stdout))
        self.assertLessEqual(names, {row[1].replace('~', str(self.home), 1) if row[1].startswith('~') else row[1] for row in table if row})
        for kind in ('md', 'html', 'text', 'jsonl'):
            run = self.muster('models', '--installed', '--machine', LINE, '--format', kind)
            self.assertEqual(run.returncode, 0, run.stderr)
            self.assertIn('ollama:little:latest', run.stdout.replace('\\', ''), kind)

    def test_refused(self):
        self.assertEqual(self.muster('models', '--folder', 'mine').returncode, 64)
        self.assertEqual(self.muster('models', '--installed', '--folder', 'nowhere', '--machine', LINE).returncode, 66)


unittest.main(argv=sys.argv[:1], verbosity=1)
