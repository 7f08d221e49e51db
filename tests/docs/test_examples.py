#!/usr/bin/python3
"""The requirements documents in docs/examples are what `muster doc` writes, and their figures are those of the lines they give.

Usage: test_examples.py MUSTER SOURCE_ROOT [--update]. With --update the documents are written anew.
"""
import difflib
import functools
import json
import os
import pathlib
import shlex
import subprocess
import sys
import tempfile
import unittest

MUSTER, ROOT = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).resolve()
FOLDER = ROOT / 'docs' / 'examples'
SETS = sorted(p.stem for p in (ROOT / 'data' / 'experiments').glob('*.yaml'))
AS_PAGE = 'llm-memory'  # this one as a page, too
HOME = tempfile.TemporaryDirectory()
ENVIRONMENT = {'PATH': os.environ['PATH'], 'HOME': HOME.name, 'LC_ALL': 'C.UTF-8'}
NEAR = 1e-9


@functools.lru_cache(maxsize=None)
def muster(*args):
    run = subprocess.run([str(MUSTER), *args], cwd=HOME.name, env=ENVIRONMENT, capture_output=True, text=True, timeout=100)
    if run.returncode not in (0, 1) or run.stderr:
        raise AssertionError(f'{args}: exit status {run.returncode}: {run.stderr}')
    return run.stdout


def document(name):
    return json.loads(muster('doc', name, '--json'))


def examples():
    """(path, what muster writes there now)"""
    for name in SETS:
        yield FOLDER / f'{name}.md', muster('doc', name, '--format', 'md')
    yield FOLDER / f'{AS_PAGE}.html', muster('doc', AS_PAGE, '--format', 'html')


def needed(site):
    return site['held_bytes']['likely'] + site['beside_bytes']


class Examples(unittest.TestCase):
    maxDiff = None

    def test_as_written(self):
        met = set()
        for path, now in examples():
            met.add(path)
            with self.subTest(document=path.name):
                before = path.read_text() if path.exists() else ''
                changes = '\n'.join(difflib.unified_diff(before.splitlines(), now.splitlines(), path.name, 'now', lineterm='', n=0))
                self.assertEqual(changes, '', f'written otherwise now; to take it: {sys.argv[0]} MUSTER ROOT --update')
        self.assertEqual(met, set(FOLDER.iterdir()), 'documents that no set makes')

    def test_lines_give_the_figures(self):
        """Every line under "again" is run, and holds what the document says."""
        for name in SETS:
            lines = 0
            for e in document(name)['experiments']:
                again = e.get('again') or {}
                for place, line in again.items():
                    if line is None:
                        continue
                    lines += 1
                    with self.subTest(set=name, experiment=e['id'], place=place):
                        words = shlex.split(line)
                        self.assertEqual(words[0], 'muster')
                        fit = json.loads(muster(*words[1:], '--json'))
                        sites = fit['sites']
                        if place == 'host':
                            self.assertEqual(len(sites), 1)
                            self.assertAlmostEqual(needed(sites[0]) / e['ram_bytes']['likely'], 1, delta=NEAR)
                        else:
                            self.assertEqual(len(sites), 2)
                            self.assertAlmostEqual(needed(sites[1]) / e['vram_bytes']['likely'], 1, delta=NEAR)
                            self.assertAlmostEqual(needed(sites[0]), e['ram_beside_bytes']['likely'], delta=1)
                        self.assertIn(fit['fits'], ('yes', 'probably'))
            self.assertGreater(lines, 0, name)

    def test_what_is_too_small_is(self):
        """The lines beside what to change say no."""
        met = 0
        for name in SETS:
            for e in document(name)['experiments']:
                line = (e.get('less') or {}).get('line')
                if line is None:
                    continue
                with self.subTest(set=name, experiment=e['id']):
                    fit = json.loads(muster(*shlex.split(line)[1:], '--json'))
                    self.assertEqual(fit['fits'], 'no')
                    met += 1
        self.assertGreater(met, 0)

    def test_totals_are_those_of_the_experiments(self):
        """Minimum and recommended are the largest of what each experiment needs (none of these sets runs several together)."""
        for name in SETS:
            d = document(name)
            if any(e.get('together') for e in d['experiments']):
                continue
            spare = 1 - d['spare_share']
            for key, of in (('ram', 'ram_bytes'), ('vram', 'vram_bytes'), ('ram_beside', 'ram_beside_bytes')):
                with self.subTest(set=name, of=key):
                    rows = [(e['id'], e[of]) for e in d['experiments'] if e.get(of)]
                    likely = max((r['likely'] for _, r in rows), default=None)
                    high = max((r['high'] / spare for _, r in rows), default=None)
                    self.assertEqual(d['minimum'][key]['bytes'], likely)
                    if high is not None:
                        self.assertAlmostEqual(d['recommended'][key]['bytes'] / (high or 1), 1 if high else 0, delta=NEAR)

    def test_no_retired_instance(self):
        clouds = json.loads((ROOT / 'data' / 'clouds.json').read_text())['entries']
        retired = {(c['provider'], c['name']) for c in clouds if c['status'] == 'retired'}
        self.assertTrue(retired)
        for name in SETS:
            d = document(name)
            rents = d['instances']['host'] + d['instances']['device']
            for e in d['experiments']:
                rents += [x['instance'] for x in (e.get('cheapest') or {}).values() if x]
            self.assertTrue(rents, name)
            for x in rents:
                self.assertNotIn((x['provider'], x['name']), retired)
                self.assertTrue(x['price_date'])
            for place in ('host', 'device'):
                prices = [x['usd_per_hour'] for x in d['instances'][place]]
                self.assertEqual(prices, sorted(prices))

    def test_another_quantisation(self):
        as_set = document('llm-memory')
        as_asked = json.loads(muster('doc', 'llm-memory', '--quant', 'Q8_0', '--json'))
        for before, now in zip(as_set['experiments'], as_asked['experiments']):
            if before['kind'] == 'generate':
                self.assertGreater(now['ram_bytes']['likely'], before['ram_bytes']['likely'])
                self.assertIn('--quant Q8_0', now['again']['host'])
            elif before['kind']:
                self.assertEqual(now['ram_bytes'], before['ram_bytes'])

    def test_same_bytes_each_time(self):
        once = muster('doc', 'llm-memory', '--format', 'md')
        muster.cache_clear()
        self.assertEqual(muster('doc', 'llm-memory', '--format', 'md'), once)


TOGETHER = """name: mine
title: "Two | at <once>"
experiments:
  - id: small
    title: a `small` one
    workload: {kind: generate, model: Qwen/Qwen2.5-0.5B-Instruct, quant: Q8_0, context_tokens: 2048}
  - id: both
    title: beside it
    workload: {kind: generate, model: microsoft/Phi-3-mini-4k-instruct, quant: Q4_K_M, context_tokens: 4096}
    together: [small]
    command: run --ctx {context_tokens} {model}
"""
NOTHING = """name: words
experiments:
  - id: one
    title: one
    why_not: it is only a name
"""


class OwnSets(unittest.TestCase):
    def doc(self, text, *args):
        path = pathlib.Path(HOME.name) / 'set.yaml'
        path.write_text(text)
        return subprocess.run([str(MUSTER), 'doc', 'set.yaml', *args], cwd=HOME.name, env=ENVIRONMENT, capture_output=True, text=True)

    def test_what_runs_together_is_counted_together(self):
        d = json.loads(self.doc(TOGETHER, '--json').stdout)
        small, both = d['experiments']
        for of, key in (('ram', 'ram_bytes'), ('vram', 'vram_bytes')):
            self.assertEqual(d['minimum'][of], {'bytes': small[key]['likely'] + both[key]['likely'], 'by': 'both'})
        self.assertEqual(both['command'], 'run --ctx 4096 microsoft/Phi-3-mini-4k-instruct')

    def test_what_lies_on_the_host_is_beside_the_card(self):
        text = TOGETHER.replace('{kind: generate, model: Qwen/Qwen2.5-0.5B-Instruct, quant: Q8_0, context_tokens: 2048}',
                                '{kind: statistics, model: gpt2, device: cpu}')
        d = json.loads(self.doc(text, '--json').stdout)
        small, both = d['experiments']
        self.assertIsNone(small['vram_bytes'])
        self.assertEqual(d['minimum']['vram']['bytes'], both['vram_bytes']['likely'])
        self.assertEqual(d['minimum']['ram_beside']['bytes'], both['ram_beside_bytes']['likely'] + small['ram_bytes']['likely'])

    def test_titles_are_text(self):
        page = self.doc(TOGETHER, '--format', 'html').stdout
        self.assertIn('<h1>Requirements: Two | at &lt;once&gt;</h1>', page)
        self.assertIn('<title>Requirements: Two | at &lt;once&gt;</title>', page)
        markdown = self.doc(TOGETHER, '--format', 'md').stdout
        self.assertTrue(markdown.startswith('# Requirements: Two \\| at &lt;once\\>\n\n'), markdown[:60])
        self.assertIn('| a \\`small\\` one |', markdown)

    def test_nothing_computed(self):
        run = self.doc(NOTHING)
        self.assertEqual(run.returncode, 1)
        self.assertTrue(run.stdout.startswith('Nothing of this set is computed.'))
        d = json.loads(self.doc(NOTHING, '--json').stdout)
        self.assertEqual(d['computed'], 0)
        self.assertEqual(d['minimum']['ram'], {'bytes': None, 'by': None})
        self.assertEqual(d['instances']['host'] + d['instances']['device'], [])

    def test_what_is_no_set(self):
        self.assertEqual(self.doc('name: [').returncode, 65)
        self.assertEqual(subprocess.run([str(MUSTER), 'doc', 'no-such-set'], env=ENVIRONMENT, capture_output=True).returncode, 66)


if '--update' in sys.argv:
    FOLDER.mkdir(exist_ok=True)
    for path, now in examples():
        path.write_text(now)
else:
    unittest.main(argv=sys.argv[:1], verbosity=1)
