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


class Named(unittest.TestCase):
    """A quantisation behind a catalogue model's name is that of --quant."""

    def test_same_as_the_option(self):
        for named, name in (('Qwen2.5-7B:Q8_0', 'Qwen2.5-7B'), ('Qwen2.5-7B-q8_0', 'Qwen2.5-7B'), ('llama3.1:8b-instruct-q8_0', 'llama3.1:8b')):
            fit = document('fit', named, '--machine', LINE)
            self.assertEqual(fit, document('fit', name, '--quant', 'Q8_0', '--machine', LINE), named)
            self.assertEqual(fit['model']['quant'], 'Q8_0')
        self.assertEqual(document('need', 'Qwen2.5-7B:Q8_0')['levels'], document('need', 'Qwen2.5-7B', '--quant', 'Q8_0')['levels'])
        size = document('need', '7B:Q8_0')
        for key in ('levels', 'assumed', 'guides', 'accelerators'):
            self.assertEqual(size[key], document('need', '7B', '--quant', 'Q8_0')[key], key)
        beside = [document('fit', 'Qwen2.5-7B', '--together', other, '--machine', LINE)['sites'][1]['usable_bytes']
                  for other in ('Qwen2.5-0.5B', 'Qwen2.5-0.5B:Q8_0')]
        self.assertGreater(*beside)

    def test_refused(self):
        for status, words in ((64, ('Qwen2.5-7B:Q8_0', '--quant', 'Q4_K_M')), (66, ('Qwen2.5-7B:Q9_0',)), (66, ('nobody:Q8_0',))):
            with tempfile.TemporaryDirectory() as home:
                run = subprocess.run([str(MUSTER), 'fit', *words, '--machine', LINE], cwd=home, env={'HOME': home}, capture_output=True)
            self.assertEqual(run.returncode, status, run.stderr)

    def test_a_model_trained_in_a_mix_is_needed_in_it(self):
        self.assertEqual([level['quant'] for level in document('need', 'gpt-oss-20b')['levels']], ['MXFP4_MOE'] * 2)
        self.assertEqual([level['quant'] for level in document('need', 'gpt-oss-20b', '--quant', 'Q8_0')['levels']], ['Q8_0'] * 2)


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

    def test_reasons(self):
        d = document('need', 'Qwen2.5-14B', '--tps', '15')
        rows = {r['name']: r for r in json.loads((ROOT / 'data' / 'gpus.json').read_text())['entries']}
        quant, context = d['levels'][1]['quant'], str(d['levels'][1]['context_tokens'])
        tried = set()
        for o in d['accelerators']['offers']:
            self.assertEqual(o['more_is'] is None, o['does'] == 'recommended', o)
            if o['more_is'] not in tried:
                tried.add(o['more_is'])
                fit = document('fit', 'Qwen2.5-14B', '--quant', quant, '--ctx', context, '--gpu-layers', 'all',
                               '--machine', f"cpu:8 ram:96GiB gpu:{o['name']} x{o['count']}")
                slow = fit['decode_tokens_per_s']['likely'] is not None and fit['decode_tokens_per_s']['likely'] < 15
                if o['more_is'] == 'too_slow':
                    self.assertTrue(fit['fits'] == 'yes' and slow, o)
        self.assertIn('too_slow', tried)
        left = {k: d['accelerators'][k] for k in ('too_small', 'too_slow', 'speed_unknown', 'not_for_llama_cpp')}
        discrete = [r for r in rows.values() if not r.get('unified_memory')]
        self.assertEqual(len(d['accelerators']['offers']) + sum(left.values()), len(discrete))
        self.assertGreater(left['not_for_llama_cpp'], 0)

    def test_a_chip_is_short_with_all_its_memory(self):
        d = document('need', 'Qwen3-30B-A3B', '--tps', '40', '--ctx', '32k')
        some = [o for o in d['shared_memory']['offers'] if o['does'] == 'minimum' and '(' not in o['name']]
        self.assertTrue(some)
        for o in some:
            gib = o['most_memory_bytes'] / 2**30
            fit = document('fit', 'Qwen3-30B-A3B', '--quant', d['levels'][1]['quant'], '--ctx', '32k', '--gpu-layers', 'all',
                           '--machine', f"cpu:8 ram:{gib:.0f}GiB available:{gib - 1:.0f}GiB gpu:{o['name']}")
            self.assertEqual(o['more_is'], 'too_slow' if fit['fits'] == 'yes' else 'too_small', o)

    def test_a_cpu_has_the_memory_of_its_level(self):
        d = document('need', 'DeepSeek-R1')
        rows = {r['name']: r for r in json.loads((ROOT / 'data' / 'cpus.json').read_text())['entries']}
        needs = {level['name']: level['ram_bytes'] for level in d['levels']}
        self.assertGreater(needs['recommended'], 1.5 * needs['minimum'])
        seen = set()
        for o in d['cpus']['offers']:
            seen.add((o['does'], o['more_is']))
            self.assertLess(abs(o['memory_bytes'] - needs[o['does']]), 3 * 2**30, o)
            self.assertLessEqual(o['memory_bytes'] / 2**30, rows[o['name']].get('max_memory_gib') or float('inf'), o)
            if o['more_is'] == 'too_small':
                self.assertLess(rows[o['name']]['max_memory_gib'] * 2**30, needs['recommended'] + 2**31, o)
        self.assertLessEqual({('minimum', 'too_slow'), ('minimum', 'too_small')}, seen)

    def test_more_asked_is_never_offered_more(self):
        least = None
        for tps in ('5', '20', '80', '320'):
            d = document('need', 'Llama-3.1-8B', '--tps', tps)
            offered = {o['name'] for o in d['accelerators']['offers']}
            self.assertTrue(least is None or offered <= least, tps)
            least = offered

    def test_shared_memory_does_with_the_least(self):
        d = document('need', 'Qwen2.5-7B', '--tps', '10')
        offers = [o for o in d['shared_memory']['offers'] if o['does'] == 'recommended' and '(' not in o['name']]
        self.assertGreater(len(offers), 5)
        high, less_fits = d['levels'][1], []
        for o in offers:
            self.assertLessEqual(o['memory_bytes'], o['most_memory_bytes'], o)
            self.assertGreaterEqual(o['decode_tokens_per_s']['likely'], 10, o)
            for gib, fits in ((o['memory_bytes'] / 2**30, ['yes']), (o['memory_bytes'] / 2**30 - 4, ['no', 'probably', 'yes'])):
                line = f"cpu:8 ram:{gib:.0f}GiB available:{gib - 1:.0f}GiB gpu:{o['name']}"
                fit = document('fit', 'Qwen2.5-7B', '--quant', high['quant'], '--ctx', str(high['context_tokens']), '--gpu-layers', 'all',
                               '--machine', line)
                self.assertIn(fit['fits'], fits, line)
                less_fits += [fit['fits']] if len(fits) > 1 else []
        self.assertIn('no', less_fits)

    def test_instances_without_accelerator(self):
        small, fast = (document('need', 'Qwen2.5-1.5B', '--tps', tps)['instances'] for tps in ('2', '400'))
        names = {o['name'] for o in small['offers'] if o['on_cpu']}
        rows = {f"{r['provider']} {r['name']}": r for r in json.loads((ROOT / 'data' / 'clouds.json').read_text())['entries']}
        self.assertTrue(names)
        for name in names:
            self.assertTrue(rows[name]['cpu'] and not rows[name]['gpu_count'], name)
        self.assertFalse([o for o in fast['offers'] if o['on_cpu']])
        for o in small['offers']:
            self.assertEqual(o['ram_assumed'], rows[o['name']].get('ram_gib') is None, o)
            self.assertFalse(o['ram_assumed'] and o['on_cpu'], o)
        unknown = [n for n, r in rows.items() if not r['gpu_count'] and not r.get('cpu')]
        self.assertTrue(unknown)
        self.assertEqual(small['speed_unknown'], len(unknown), 'no speed is made up for them')

    def test_table(self):
        rows = {(r['name'], r['size']): r for r in document('need', '--table')['guides']}
        self.assertEqual(len(rows), 17)
        for r in rows.values():
            if r['size'] == 'GPT-4':
                continue
            need = [c['vram_bytes'] for c in r['columns']]
            self.assertEqual(need, sorted(need, reverse=True))
            for c in r['columns']:
                says = 'too low' if r['guide_bytes'] < c['vram_bytes'] else \
                    'too high' if r['guide_bytes'] > c['vram_with_spare_bytes'] else 'confirmed'
                self.assertEqual(c['guide_is'], says, r['name'])
                self.assertGreater(c['vram_bytes'], c['weight_bytes'] * 0.9)

    def test_examples(self):
        rows = {r['name']: r for r in document('need', '--table')['guides'] if r['as']}
        for name, verdict in (('7B in FP32', 'too low'), ('7B in FP16', 'too low'), ('8B on 8 GB', 'confirmed'), ('70B in FP16', 'too high'),
                              ('70B in INT4', 'too low'), ('GPT-4 in FP16', 'unsupported')):
            self.assertTrue(rows[name]['verdict'].startswith(verdict), rows[name])
        for r in rows.values():
            for card in r['cards']:
                self.assertEqual(card['holds'], r['as_vram_bytes'] <= card['usable_bytes'], r)
        self.assertEqual({c['name']: c['holds'] for c in rows['70B in INT4']['cards']}, {'A100 40GB': False, 'RTX 6000 Ada': True})
        self.assertEqual(document('need', 'GPT-4')['guides'][0]['columns'][0]['guide_is'], 'unsupported')

    def test_precisions(self):
        rows = {r['file']: r for r in document('need', '8b')['precisions']}
        for file, bytes_ in (('F32', 4), ('F16', 2), ('BF16', 2)):
            self.assertAlmostEqual(rows[file]['bytes_per_parameter'], bytes_, 3)
            self.assertEqual(rows[file]['guide_is'], 'confirmed')
        self.assertAlmostEqual(rows['Q8_0']['bytes_per_parameter'], 8.5 / 8, 2)
        # llama-quantize's own log of Meta-Llama-3-8B: 4.89 bits a weight of Q4_K_M, 4.64 of Q4_0.
        self.assertAlmostEqual(rows['Q4_K_M']['bytes_per_parameter'] * 8, 4.89, 1)
        for r in rows.values():
            self.assertEqual(r['guide_is'] == 'confirmed', abs(r['bytes_per_parameter'] / r['guide_bytes_per_parameter'] - 1) < 0.006, r)
            if r['bits_per_quantised_weight']:
                self.assertGreater(r['bytes_per_parameter'] * 8, r['bits_per_quantised_weight'])


unittest.main(argv=sys.argv[:1], verbosity=1)
