#!/usr/bin/python3
"""muster models and muster need as documents: orders, filters and offers hold, and what is offered fits by muster fit.

Usage: test_need.py MUSTER SOURCE_ROOT.
"""
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

MUSTER, ROOT = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).resolve()
LINE = 'cpu:8 ram:64GiB bandwidth:60GB/s gpu:RTX 3060 12GB'


def document(*words):
    with tempfile.TemporaryDirectory() as home:
        run = subprocess.run([str(MUSTER), *words, '--json'], cwd=home, env={'HOME': home, 'PATH': '/usr/bin:/bin'},
                             capture_output=True, text=True)
    if run.returncode not in (0, 1):
        raise AssertionError(f'{words}: {run.returncode}: {run.stderr}')
    return json.loads(run.stdout)


def models(*words):
    return document('models', '--machine', LINE, '--limit', '0', *words)


class Models(unittest.TestCase):
    def test_order(self):
        rows = models()['rows']
        published = [r['quality'] is not None for r in rows]
        self.assertEqual(published, sorted(published, reverse=True))
        well = [r['quality'] for r in rows if r['end'] == 'runs well' and r['quality'] is not None]
        self.assertEqual(well, sorted(well, reverse=True))
        self.assertGreater(len(well), 5)

    def test_sorts(self):
        for sort, key in (('params', lambda r: -r['parameters']), ('memory', lambda r: r['memory_bytes']),
                          ('speed', lambda r: -(r['decode_tokens_per_s']['likely'] or 0))):
            rows = [r for r in models('--sort', sort)['rows'] if r['end'] == 'runs well' and r['quality'] is None]
            self.assertGreater(len(rows), 5)
            self.assertEqual([key(r) for r in rows], sorted(key(r) for r in rows), sort)

    def test_filters(self):
        whole, fast = models(), models('--min-tps', '40')
        left = fast['left_out']
        self.assertEqual(len(fast['rows']) + sum(left.values()), fast['served'])
        self.assertEqual(len(whole['rows']), whole['served'])
        self.assertTrue(fast['rows'])
        for r in fast['rows']:
            self.assertGreaterEqual(r['decode_tokens_per_s']['likely'], 40, r['model'])
        small = models('--max-params', '4B', '--family', 'qwen', '--fits')['rows']
        self.assertTrue(small)
        for r in small:
            self.assertTrue(r['parameters'] <= 4e9 and 'qwen' in (r['family'] + r['model']).lower() and r['where'], r)
        for r in models('--license', 'apache')['rows']:
            self.assertIn('Apache', r['license'])

    def test_unknown_speed_is_left_out_and_counted(self):
        d = document('models', '--machine', 'cpu:8 ram:16GiB', '--min-tps', '1', '--limit', '0')
        self.assertEqual(d['rows'], [])
        self.assertGreater(d['left_out']['speed_unknown'], 10)

    def test_as_fit_says(self):
        for r in models('--limit', '3')['rows'][:3]:
            fit = document('fit', r['model'], '--quant', r['quant'], '--machine', LINE)
            self.assertEqual(fit['fits'], 'yes', r['model'])


class Need(unittest.TestCase):
    def test_cheapest_first_and_current(self):
        d = document('need', '13B', '--tps', '20')
        retired = {r['name'] for r in json.loads((ROOT / 'data' / 'clouds.json').read_text())['entries'] if r['status'] == 'retired'}
        self.assertTrue(retired)
        for kind, key in (('accelerators', 'usd'), ('instances', 'usd_per_hour')):
            offers = d[kind]['offers']
            self.assertGreater(len(offers), 5)
            prices = [o[key] for o in offers if o['does'] == 'recommended']
            known = [p for p in prices if p is not None]
            self.assertEqual(known, sorted(known))
            self.assertEqual(prices[:len(known)], known, 'those without a price stand behind')
            for o in offers:
                self.assertEqual(o[key] is None, o['price_date'] is None, o)
                self.assertGreaterEqual(o['decode_tokens_per_s']['likely'], 20, o)
                self.assertFalse(any(o['name'].endswith(' ' + name) for name in retired), o)

    def test_offers_fit(self):
        d = document('need', 'Qwen2.5-14B', '--tps', '15')
        high = d['levels'][1]
        for o in [o for o in d['accelerators']['offers'] if o['does'] == 'recommended'][:6]:
            line = f"cpu:8 ram:64GiB gpu:{o['name']} x{o['count']}"
            fit = document('fit', 'Qwen2.5-14B', '--quant', high['quant'], '--ctx', str(high['context_tokens']), '--machine', line)
            self.assertEqual(fit['fits'], 'yes', line)

    def test_more_asked_is_never_offered_more(self):
        least = None
        for tps in ('5', '20', '80', '320'):
            d = document('need', 'Llama-3.1-8B', '--tps', tps)
            offered = {o['name'] for o in d['accelerators']['offers']}
            self.assertTrue(least is None or offered <= least, tps)
            least = offered

    def test_table(self):
        rows = {(r['name'], r['size']): r for r in document('need', '--table')['guides']}
        self.assertEqual(len(rows), 15)
        for r in rows.values():
            need = [c['vram_bytes'] for c in r['columns']]
            self.assertEqual(need, sorted(need, reverse=True))
            for c in r['columns']:
                says = 'too low' if r['guide_bytes'] < c['vram_bytes'] else \
                    'too high' if r['guide_bytes'] > c['vram_with_spare_bytes'] else 'confirmed'
                self.assertEqual(c['guide_is'], says, r['name'])
                self.assertGreater(c['vram_bytes'], c['weight_bytes'] * 0.9)
        self.assertIn('NOT', rows['70B in INT4', '70B']['card'])


unittest.main(argv=sys.argv[:1], verbosity=1)
