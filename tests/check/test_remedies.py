#!/usr/bin/python3
"""What `muster fit` proposes is what a fit with those options answers: each remedy's command is run, and its figures are held against
those that were printed beside it. The guide's table of batch sizes stands beside what the search makes of its fine-tuning.

Usage: test_remedies.py MUSTER SOURCE_ROOT.
"""
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

MUSTER = pathlib.Path(sys.argv[1]).resolve()
GiB = 2 ** 30
SMALL = 'cpu:8 ram:8GiB available:7.5GiB bandwidth:40GB/s'
CARD = 'cpu:8 ram:64GiB available:60GiB bandwidth:60GB/s gpu:RTX 5060 Ti 16GB'
CASES = [
    (SMALL, ('Qwen2.5-7B', '--quant', 'Q8_0', '--ctx', '32k')),
    (SMALL, ('Qwen2.5-7B:Q8_0', '--ctx', '32k')),
    (SMALL, ('Qwen2.5-3B', '--quant', 'F16', '--kv-type', 'f32', '--parallel', '4', '--kind', 'serve', '--flash-attention', 'off', '--ctx', '16k')),
    (CARD, ('Llama-3.1-70B', '--quant', 'Q8_0', '--gpu-layers', 'all')),
    (CARD, ('Qwen2.5-14B', '--quant', 'Q8_0', '--min-tps', '25')),
    (CARD, ('Qwen2.5-32B', '--kind', 'serve', '--parallel', '64', '--ctx', '8k', '--kv-offload', 'on')),
    ('cpu:8 ram:32GiB available:30GiB bandwidth:40GB/s', ('gpt-oss-120b', '--ctx', '64k')),
    (CARD, ('Qwen2.5-7B', '--runtime', 'transformers', '--dtype', 'fp32', '--ctx', '16k', '--parallel', '8')),
    (CARD, ('Qwen2.5-7B', '--kind', 'finetune', '--micro-batch', '4', '--seq', '2k')),
    (CARD, ('Qwen2.5-7B', '--kind', 'finetune', '--method', 'full', '--device', 'gpu')),
    (CARD, ('Qwen2.5-7B', '--kind', 'finetune', '--micro-batch', '6', '--accumulate', '3', '--method', 'qlora', '--seq', '4k')),
    (CARD + ', RTX 5060 Ti 16GB', ('Qwen2.5-3B', '--kind', 'finetune', '--method', 'full', '--device', 'gpu')),
    (SMALL, ('phi-3-mini', '--kind', 'finetune', '--method', 'full', '--precision', 'masters', '--micro-batch', '4')),
    (CARD, ('Qwen2.5-7B', '--kind', 'hidden-states', '--batch', '8', '--seq', '4k', '--trials', '10')),
    (CARD, ('Qwen2.5-3B', '--kind', 'attention', '--batch', '4', '--seq', '4k', '--precision', 'fp32')),
    (CARD, ('Qwen2.5-7B', '--kind', 'evaluate', '--batch', '64', '--seq', '2k', '--prompts', '500', '--device', 'gpu')),
    (CARD, ('Qwen2.5-7B', '--kind', 'compare', '--other', 'Qwen2.5-3B', '--batch', '4', '--device', 'gpu')),
    (CARD, ('Qwen2.5-7B', '--kind', 'sweep', '--ranks', '8,64', '--micro-batch', '4', '--samples', '1000', '--device', 'gpu')),
    (SMALL, ('all-MiniLM-L6-v2', '--kind', 'retrieve', '--index', 'hnsw', '--vectors', '6000000')),
    (SMALL, ('GPT-2', '--kind', 'snn-run', '--mode', 'layer', '--timesteps', '64', '--batch', '8', '--beside-original')),
    (SMALL, ('all-MiniLM-L6-v2', '--kind', 'probe', '--samples', '2000000', '--double-precision')),
]


def fit(home, line, *args):
    run = subprocess.run([str(MUSTER), 'fit', *args, '--quick', '--machine', line, '--json'], cwd=home,
                         env={'HOME': home, 'PATH': '/usr/bin:/bin'}, capture_output=True, text=True)
    if run.returncode not in (0, 1):
        raise AssertionError(f'{args}: {run.stderr}')
    return json.loads(run.stdout)


def needs(document, pool=None):
    return sum(s['held_bytes']['likely'] + s['beside_bytes'] for s in document['sites'] if pool in (None, s['pool']))


class Remedies(unittest.TestCase):
    def setUp(self):
        self.home = tempfile.TemporaryDirectory()
        self.addCleanup(self.home.cleanup)

    def ask(self, line, *args):
        return fit(self.home.name, line, *args)

    def same(self, line, args, asked, remedy):
        """A fit with the remedy's options answers what the remedy says."""
        then = self.ask(line, remedy['model'], *args[1:], *remedy['options'])
        self.assertEqual(then['fits'], remedy['fits'])
        self.assertAlmostEqual(needs(then), remedy['needs_bytes'], delta=1)
        self.assertAlmostEqual(needs(then, remedy['pool']), remedy['after_bytes'], delta=1)
        self.assertAlmostEqual(needs(asked, remedy['pool']), remedy['before_bytes'], delta=1)
        for speed in ('decode_tokens_per_s', 'unit_s', 'duration_s'):
            if speed in then:
                self.assertEqual(then[speed], remedy[speed])

    def test_effects(self):
        proposed = 0
        for line, args in CASES:
            asked = self.ask(line, *args)
            if '--min-tps' not in args:
                self.assertEqual(asked['fits'], 'no', args)
            self.assertTrue(asked['remedies'], args)
            counts = [len({c['setting'] for c in r['changes']} - {'accumulate'}) for r in asked['remedies']]
            self.assertEqual(counts, sorted(counts), args)
            for remedy in asked['remedies']:
                proposed += 1
                with self.subTest(args=args, options=remedy['options']):
                    self.same(line, args, asked, remedy)
        self.assertGreater(proposed, 40)

    def test_speed(self):
        asked = self.ask(CARD, 'Qwen2.5-14B', '--quant', 'Q8_0', '--min-tps', '25')
        self.assertLess(asked['decode_tokens_per_s']['likely'], 25)
        for remedy in asked['remedies']:
            self.assertGreaterEqual(remedy['decode_tokens_per_s']['likely'], 25)

    def test_none(self):
        """Nothing to change: it fits, or nothing is computed."""
        self.assertIsNone(self.ask(CARD, 'Qwen2.5-7B')['remedies'])
        self.assertIsNone(self.ask(CARD, 'GPT-4')['remedies'])
        self.assertIsNone(self.ask(CARD, 'Qwen2.5-7B', '--min-tps', '1')['remedies'])
        self.assertEqual(self.ask('cpu:1 ram:64MiB', 'Qwen2.5-7B')['remedies'], [])

    def test_accumulation_stays(self):
        """A smaller micro-batch keeps the sequences of a step."""
        seen = 0
        for batch, accumulate in ((4, 1), (6, 3), (5, 2), (16, 1)):
            asked = self.ask(CARD, 'Qwen2.5-7B', '--kind', 'finetune', '--method', 'qlora', '--seq', '4k', '--micro-batch', str(batch),
                             '--accumulate', str(accumulate))
            for remedy in asked['remedies'] or []:
                now = {c['setting']: int(c['to']) for c in remedy['changes'] if c['setting'] in ('micro_batch', 'accumulate')}
                if now:
                    self.assertEqual(now['micro_batch'] * now['accumulate'], batch * accumulate)
                    seen += 1
        self.assertGreater(seen, 2)

    def test_one_at_a_time(self):
        """What does not fit beside another model is told to fit without it, as a fit without it says."""
        line = 'cpu:8 ram:16GiB available:12GiB bandwidth:40GB/s'
        asked = self.ask(line, 'Qwen2.5-14B', '--quant', 'Q4_K_M', '--together', 'Qwen2.5-7B:Q4_K_M')
        alone = self.ask(line, 'Qwen2.5-14B', '--quant', 'Q4_K_M')
        self.assertEqual((asked['fits'], alone['fits']), ('no', 'yes'))
        self.assertEqual(asked['one_at_a_time']['fits'], 'yes')
        self.assertAlmostEqual(asked['one_at_a_time']['needs_bytes'], needs(alone), delta=1)
        self.assertIsNone(alone['one_at_a_time'])
        self.assertIsNone(self.ask(line, 'Llama-3.1-70B', '--together', 'Qwen2.5-7B:Q4_K_M')['one_at_a_time'])

    def largest_batch(self, line, *training):
        """Of a micro-batch of 4 what the search makes of it by that change alone; 0: nothing."""
        asked = self.ask(line, 'microsoft/Phi-3-mini-4k-instruct', '--kind', 'finetune', *training, '--micro-batch', '4')
        if asked['fits'] != 'no':
            return 4
        for remedy in asked['remedies']:
            now = {c['setting']: int(c['to']) for c in remedy['changes'] if c['setting'] in ('micro_batch', 'accumulate')}
            if now and len(remedy['changes']) == len(now):
                self.assertEqual(now['micro_batch'] * now['accumulate'], 4)
                over = self.ask(line, 'microsoft/Phi-3-mini-4k-instruct', '--kind', 'finetune', *training, '--micro-batch',
                                str(now['micro_batch'] * 2), '--accumulate', str(now['accumulate'] // 2))
                self.assertNotEqual(over['fits'], 'yes', 'the next larger one fits')
                return now['micro_batch']
        return 0

    def test_guides_batch_sizes(self):
        """The guide's table of batch sizes by available memory, beside the largest micro-batch of its own fine-tuning that fits: more
        memory never makes it smaller, and the table is not right for both."""
        rows = re.findall(r'ram_low_gb: (\d+)(?:, ram_high_gb: (\d+))?, text: batch size (\d+)',
                          pathlib.Path(sys.argv[2], 'data', 'experiments', 'llm-memory.yaml').read_text())
        self.assertEqual(len(rows), 3)
        wrong = 0
        for training in (('--method', 'qlora', '--rank', '16', '--seq', '512'),
                         ('--method', 'full', '--checkpointing', 'true', '--seq', '512')):
            before = 0
            for low, high, guide in rows:
                gb = float(high or 24) - 0.1
                line = f'cpu:8 ram:{gb + 2:g}GiB available:{gb:g}GiB'
                batch = self.largest_batch(line, *training)
                with self.subTest(training=training, gb=gb):
                    self.assertGreaterEqual(batch, before)
                before = batch
                wrong += batch != int(guide)
        grown = [self.largest_batch(f'cpu:8 ram:16GiB available:{gb / 4:g}GiB', '--method', 'qlora') for gb in range(6, 40, 2)]
        self.assertEqual(grown, sorted(grown))
        self.assertTrue({0, 4} < set(grown), grown)
        self.assertGreater(wrong, 0, 'the guide is right everywhere: say so in STATE.md')

    def check(self, name, line):
        run = subprocess.run([str(MUSTER), 'check', '--machine', line, '--save', name], cwd=self.home.name,
                             env={'HOME': self.home.name, 'PATH': '/usr/bin:/bin'}, capture_output=True, text=True)
        self.assertIn(run.returncode, (0, 1), run.stderr)

    def test_reports(self):
        """Each report of a folder answers as --machine with it does; what is no report is named and skipped."""
        folder = pathlib.Path(self.home.name, 'reports')
        folder.mkdir()
        self.check('reports/a.json', 'cpu:i7-8700K ram:64GiB available:60GiB gpu:RTX 4090 host:desk bandwidth:40GB/s')
        self.check('reports/b.json', 'cpu:4 ram:8GiB available:6GiB host:old bandwidth:20GB/s')
        (folder / 'c.json').write_text('{"hostname": [1')
        (folder / 'd.json').write_text('[]')
        (folder / 'notes.txt').write_text('not looked at')
        for args in (('Qwen2.5-14B', '--quant', 'Q4_K_M'), ('Qwen2.5-7B', '--kind', 'finetune'), ('phi-3-mini', '--kind', 'hidden-states')):
            with self.subTest(args=args):
                asked = self.ask(SMALL, *args, '--reports', str(folder))
                rows = [r for r in asked['elsewhere'] if r['report']]
                self.assertEqual([r['name'] for r in rows], ['desk', 'old'])
                for row in rows:
                    there = self.ask(row['report'], *args)
                    self.assertEqual(there['fits'], row['fits'])
                    self.assertAlmostEqual(needs(there), row['needs_bytes'], delta=1)
                    self.assertEqual(there['decode_tokens_per_s'], row['decode_tokens_per_s'])
                    self.assertEqual(there['placement']['words'], row['placement'])
                for bad in ('c.json', 'd.json'):
                    self.assertTrue([n for n in asked['notes'] if n.startswith(bad + ' is skipped')], asked['notes'])
                self.assertFalse([n for n in asked['notes'] if 'notes.txt' in n])

    def test_no_folder(self):
        run = subprocess.run([str(MUSTER), 'fit', 'Qwen2.5-7B', '--machine', SMALL, '--reports', '/nowhere'], cwd=self.home.name,
                             env={'HOME': self.home.name, 'PATH': '/usr/bin:/bin'}, capture_output=True, text=True)
        self.assertEqual(run.returncode, 66)
        self.assertIn('/nowhere', run.stderr)

    def test_for_rent(self):
        """Instances that hold it, cheapest first; none that is retired is offered, and none that is too slow where a speed is asked."""
        clouds = json.loads(pathlib.Path(sys.argv[2], 'data', 'clouds.json').read_text())['entries']
        asked = self.ask(SMALL, 'Llama-3.1-70B', '--quant', 'Q4_K_M')
        rows = [r for r in asked['elsewhere'] if not r['report']]
        self.assertTrue(1 <= len(rows) <= 2)
        self.assertEqual([r['usd_per_hour'] for r in rows], sorted(r['usd_per_hour'] for r in rows))
        named = {' '.join(filter(None, (c.get('provider'), c['name']))): c for c in clouds}
        for row in rows:
            self.assertIn(row['fits'], ('yes', 'probably'))
            self.assertNotEqual(named[row['name']].get('status'), 'retired')
        fast = self.ask(SMALL, 'Llama-3.1-70B', '--quant', 'Q4_K_M', '--min-tps', '20')
        for row in [r for r in fast['elsewhere'] if not r['report']]:
            self.assertGreaterEqual(row['decode_tokens_per_s']['likely'], 20)
        self.assertIsNone(self.ask(CARD, 'Qwen2.5-7B')['elsewhere'])


unittest.main(argv=sys.argv[:1], verbosity=1)
