#!/usr/bin/python3
"""Every document that a command prints as JSON is held against its schema in docs/schema/.

Usage: test_schemas.py MUSTER SOURCE_ROOT.
"""
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

import jsonschema

MUSTER, ROOT = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).resolve()
LINE = 'cpu:4 ram:8GiB available:6GiB disk:40GiB bandwidth:30GB/s'
COMMANDS = [
    ('fit', 'phi3:mini', '--quant', 'Q4_K_M', '--machine', LINE),
    ('fit', 'Llama-3.1-70B', '--machine', LINE),
    ('fit', 'phi3:mini', '--machine', LINE, '--prompts', '10', '--new-tokens', '100'),
    ('fit', 'GPT-4', '--machine', LINE),
    ('fit', 'gpt-oss-20b', '--quant', 'Q8_0', '--machine', 'cpu:4 ram:64GiB', '--line', '50MB/s'),
    ('fit', '13B', '--draft', '7B', '--machine', LINE),
    ('fit', 'Qwen2.5-7B', '--quant', 'Q4_K_M', '--machine', LINE + ' gpu:RTX 3060 12GB'),
    ('fit', 'Llama-3.1-70B', '--quant', 'Q4_K_M', '--machine', 'cpu:8 ram:64GiB gpu:RTX 4090, RTX 3060 12GB'),
    ('fit', 'GPT-4', '--machine', LINE + ' gpu:RTX 4090'),
    ('fit', 'Qwen2.5-7B', '--quant', 'Q4_K_M', '--machine', LINE + ' gpu:RTX 4090', '--kind', 'serve', '--parallel', '8'),
    ('fit', 'Llama-2-7B', '--machine', LINE, '--runtime', 'transformers', '--dtype', 'nf4', '--together', 'phi-3-mini'),
    ('fit', 'Qwen2.5-7B', '--machine', LINE + ' gpu:RTX 4090', '--runtime', 'vllm'),
    ('fit', 'phi-3-mini', '--kind', 'finetune', '--method', 'full', '--machine', LINE),
    ('fit', 'phi-3-mini', '--kind', 'hidden-states', '--samples', '10', '--machine', LINE + ' gpu:RTX 4090'),
    ('fit', 'Mixtral-8x7B', '--kind', 'snn-run', '--machine', LINE),
    ('fit', 'Qwen2.5-14B', '--quant', 'Q8_0', '--machine', LINE, '--reports', str(ROOT / 'data'), '--min-tps', '5'),
    ('fit', '--kind', 'cpu-job', '--ram', '4GiB', '--disk', '2GiB', '--machine', LINE),
    ('fit', 'phi-3-mini', '--kind', 'attention', '--place', 'disk', '--file-format', 'csv', '--machine', LINE),
    ('fit', 'phi-3-mini', '--kind', 'compare', '--other', 'Qwen2.5-0.5B', '--prompts', '10', '--machine', LINE),
    ('fit', 'phi-3-mini', '--kind', 'sweep', '--ranks', '8,16', '--samples', '10', '--machine', LINE),
    ('check', '--machine', LINE, '--no-save'),
    ('check', '--machine', LINE + ' gpu:RTX 4090 free 20GB, M2 Max', '--no-save'),
    ('check', '--root', str(ROOT / 'tests' / 'machines' / 'raspberry-pi'), '--no-save'),
    ('check', '-e', 'all', '--machine', LINE, '--no-save'),
    ('facts', 'gpu', 'RTX 3060'),
    ('facts', 'quant', 'Q8_0'),
    ('facts', 'model', 'DeepSeek-R1'),
    ('facts', 'cloud', '--filter', 'Azure'),
    ('facts', 'cpu'),
    ('facts', 'guide'),
    ('facts', 'source'),
    ('facts', 'software', '--filter', 'no such thing'),
    ('models', '--machine', LINE + ' gpu:RTX 3060 12GB', '--limit', '0'),
    ('models', '--machine', 'ram:8GiB', '--use', 'embed'),
    ('models', '--machine', LINE, '--use', 'code', '--min-tps', '500'),
    ('need', '7B'),
    ('need', 'Qwen3-30B-A3B', '--tps', '40', '--ctx', '16k'),
    ('need', 'GPT-4'),
    ('need', '--table'),
    ('doc', 'llm-memory'),
    ('doc', 'stac'),
    ('doc', 'local-ai', '--quant', 'Q8_0'),
    ('selftest',),
    ('models', '--installed', '--quick'),
    ('measure',),
    ('measure', '--print-machine'),
    ('trial', 'Llama-3.1-405B', '--quant', 'F16', '--quick'),
    ('trial', 'Llama-3.1-405B', '--quant', 'F16', '--kind', 'embed'),
]
# Needs llama.cpp: tests/engine/test_capture.py holds it against its schema.
ELSEWHERE = {'capture-1.json'}


class Schemas(unittest.TestCase):
    def test_documents(self):
        met = set()
        with tempfile.TemporaryDirectory() as home:
            for command in COMMANDS:
                with self.subTest(command=command):
                    run = subprocess.run([str(MUSTER), *command, '--json'], cwd=home, env={'HOME': home, 'PATH': '/usr/bin:/bin'},
                                         capture_output=True, text=True)
                    self.assertIn(run.returncode, (0, 1), run.stderr)
                    document = json.loads(run.stdout)
                    schema = ROOT / 'docs' / 'schema' / (document['schema'].replace('/', '-') + '.json')
                    jsonschema.validate(document, json.loads(schema.read_text()))
                    met.add(schema.name)
                    if command == ('measure',):
                        self.assertEqual([n for n in document['notes'] if "can't be used" in n], [], 'the engine says what was not asked for')
        self.assertEqual(met | ELSEWHERE, {p.name for p in (ROOT / 'docs' / 'schema').glob('*.json')}, 'schemas that no command was held against')


unittest.main(argv=sys.argv[:1], verbosity=1)
