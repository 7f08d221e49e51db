#!/usr/bin/python3
"""The user's own parts, from a folder of their own: what docs/own-parts.md shows is taken word for word, wins over what ships, and a
mistake is one line with the file, the row and the key.

Usage: test_own_parts.py MUSTER SOURCE_ROOT.
"""
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

MUSTER, ROOT = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).resolve()
TABLES = ['gpus', 'cpus', 'models', 'clouds', 'sources', 'quants']


class OwnParts(unittest.TestCase):
    def setUp(self):
        self.home = tempfile.TemporaryDirectory()
        self.addCleanup(self.home.cleanup)
        self.tables = pathlib.Path(self.home.name) / 'config' / 'muster'
        self.tables.mkdir(parents=True)

    def muster(self, *args):
        env = {'HOME': self.home.name, 'PATH': '/usr/bin:/bin', 'XDG_CONFIG_HOME': str(self.tables.parent), 'XDG_STATE_HOME': self.home.name}
        return subprocess.run([str(MUSTER), *args], cwd=self.home.name, env=env, capture_output=True, text=True, timeout=60)

    def write(self, table, rows):
        (self.tables / f'{table}.json').write_text(rows if isinstance(rows, str) else json.dumps({'entries': rows}))

    def facts(self, *args):
        run = self.muster('facts', *args, '--json')
        self.assertEqual(run.returncode, 0, run.stderr)
        return json.loads(run.stdout)['rows']

    def test_what_the_document_shows_is_taken(self):
        text = (ROOT / 'docs' / 'own-parts.md').read_text()
        shown = re.findall(r'`(\w+)\.json`:\n\n```json\n(.*?)^```', text, re.M | re.S)
        self.assertEqual({name for name, _ in shown}, set(TABLES))
        for name, rows in shown:
            self.write(name, rows)
        for name, rows in shown:
            key = 'kv_cache_types' if name == 'quants' else 'entries'
            for row in json.loads(rows)[key]:
                with self.subTest(table=name, row=row):
                    found = self.facts(name[:-1], row.get('name') or row.get('hf_id') or row['repository'])[0]
                    self.assertTrue(found['own'])
                    self.assertEqual(found['file'], str(self.tables / f'{name}.json'))
                    self.assertEqual({f['key'] for f in found['facts']} >= {k for k in row if not isinstance(row[k], dict)}, True)

    def test_an_own_source_gives_the_lines(self):
        text = (ROOT / 'docs' / 'own-parts.md').read_text()
        for name, rows in re.findall(r'`(models|sources)\.json`:\n\n```json\n(.*?)^```', text, re.M | re.S):
            self.write(name, rows)
        run = self.muster('fit', 'tiny-mine', '--quant', 'Q8_0', '--machine', 'cpu:8 ram:32GiB', '--json')
        fetch = json.loads(run.stdout)['fetch']
        self.assertEqual(fetch['file'], 'tiny-llama-mine-Q8_0.gguf', run.stderr)
        self.assertIn('hf download me/tiny-llama-mine-GGUF tiny-llama-mine-Q8_0.gguf', [line['line'] for line in fetch['lines']])

    def test_an_own_gpu_is_taken_by_name(self):
        line = 'cpu:8 ram:32GiB disk:500GiB gpu:RTX 4090'
        ours = self.muster('check', '--machine', line, '--no-save', '--json')
        self.write('gpus', [{'name': 'RTX 4090', 'vendor': 'nvidia', 'memory_gib': 48, 'memory_bandwidth_gbs': 1100}])
        own = self.muster('check', '--machine', line, '--no-save', '--json')
        memory = [json.loads(run.stdout)['facts']['gpus'][0]['memory_bytes']['value'] for run in (ours, own)]
        self.assertEqual(memory[1], 48 * 2**30, own.stderr)
        self.assertLess(abs(memory[0] / (24 * 2**30) - 1), 0.01, ours.stderr)  # as its driver counts them

    def test_an_own_gpu_is_taken_by_pci_id(self):
        tree = ROOT / 'tests' / 'machines' / 'hybrid-laptop'
        device = next(d for d in sorted((tree / 'sys/bus/pci/devices').iterdir()) if (d / 'vendor').read_text().strip() == '0x1002')
        pci = f'1002:{(device / "device").read_text().strip()[2:]}'
        self.write('gpus', [{'name': 'My card', 'vendor': 'amd', 'memory_gib': 20, 'memory_bandwidth_gbs': 800, 'pci_ids': [pci]}])
        run = self.muster('check', '--root', str(tree), '--no-save', '--quick', '--json')
        gpus = json.loads(run.stdout)['facts']['gpus']
        self.assertIn('My card', [g['name'] for g in gpus])

    def test_an_own_cpu_decides_a_requirement(self):
        (pathlib.Path(self.home.name) / 'set.yaml').write_text(
            'name: mine\nexperiments:\n  - {id: a, why_not: words only, minimum: {cpu: i7-12700 or equivalent}}\n')
        check = ('check', '--machine', 'cpu:Old Box ram:8GiB', '--no-save', '-e', 'set.yaml', '--json')
        self.assertEqual(self.muster(*check).returncode, 64)
        self.write('cpus', [{'name': 'Old Box', 'cores': 4, 'threads': 4, 'avx2': True, 'theoretical_bandwidth_gbs': 20}])
        row = json.loads(self.muster(*check).stdout)['requirements'][0]
        self.assertEqual(row['verdict'], 'not met', row)
        self.write('cpus', [{'name': 'Old Box', 'cores': 32, 'threads': 64, 'avx2': True, 'theoretical_bandwidth_gbs': 200}])
        row = json.loads(self.muster(*check).stdout)['requirements'][0]
        self.assertEqual(row['verdict'], 'met', row)

    def test_an_own_model_fits(self):
        run = self.muster('facts', 'model', 'phi3:mini', '--json')
        facts = {f['key']: f['value'] for f in json.loads(run.stdout)['rows'][0]['facts']}
        row = {k: v for k, v in facts.items() if '.' not in k and k not in ('hf_id', 'aliases', 'id')}
        row['shape'] = {k[6:]: v for k, v in facts.items() if k.startswith('shape.')}
        self.write('models', [{'hf_id': 'me/my-phi', **row}])
        own = json.loads(self.muster('fit', 'my-phi', '--machine', 'cpu:8 ram:32GiB', '--quant', 'Q4_K_M', '--json').stdout)
        ours = json.loads(self.muster('fit', 'phi3:mini', '--machine', 'cpu:8 ram:32GiB', '--quant', 'Q4_K_M', '--json').stdout)
        self.assertEqual(own['sites'], ours['sites'])

    def test_a_mistake_is_one_line(self):
        for table, rows, says in [('gpus', '{"entries": [{"name": "a", "memory_gb": 8}]}', "entries[0]: there is no key 'memory_gb'; did you mean 'memory_gib'?"),
                                  ('clouds', '{"entries": [{"name": "a", "usd_per_hour": 1}]}', 'entries[0]: usd_per_hour: a price needs its price_date'),
                                  ('models', '{"entries": [{"hf_id": "a", "n_layers": -1}]}', 'entries[0]: n_layers is -1'),
                                  ('cpus', '{"entries": 3}', 'entries must be a list'),
                                  ('quants', '{', ':1:')]:
            with self.subTest(table=table):
                self.write(table, rows)
                run = self.muster('facts', table[:-1])
                self.assertEqual((run.returncode, run.stdout), (65, ''))
                self.assertEqual(len(run.stderr.splitlines()), 1)
                self.assertIn(str(self.tables / f'{table}.json'), run.stderr)
                self.assertIn(says, run.stderr)

    def test_every_format(self):
        for form in ('text', 'json', 'jsonl', 'csv', 'md', 'html'):
            for args in (('gpu', 'RTX 3060'), ('cloud', '--filter', 'A100'), ('quant', 'Q8_0')):
                run = self.muster('facts', *args, '--format', form)
                self.assertEqual((run.returncode, run.stderr), (0, ''))
                self.assertIn('A100' if args[0] == 'cloud' else args[1], run.stdout)

    def test_unknown_names_and_kinds(self):
        for args, status, says in [(('gpu', 'RTX 4909'), 66, 'did you mean GeForce RTX 4090'), (('gpu', 'zzzzz'), 66, 'muster facts gpu lists them'),
                                   (('gqu', 'x'), 64, 'did you mean gpu?'), (('gpu', 'x', '--filter', 'y'), 64, '--filter'), ((), 64, 'needs KIND')]:
            run = self.muster('facts', *args)
            self.assertEqual((run.returncode, run.stdout), (status, ''))
            self.assertIn(says, run.stderr)
        self.assertEqual(self.muster('facts', 'gpu', '--filter', 'zzzzz').returncode, 1)


unittest.main(argv=sys.argv[:1], verbosity=1)
