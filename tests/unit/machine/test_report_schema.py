#!/usr/bin/python3
"""docs/schema/report-1.json held against real reports: of every captured tree, of this machine, of lines; and against broken ones,
so that a schema that accepts everything fails. Arguments: the write_report program, the source root."""
import copy
import json
import pathlib
import subprocess
import sys

import jsonschema

PROGRAM, ROOT = sys.argv[1], pathlib.Path(sys.argv[2])
SCHEMA = json.loads((ROOT / 'docs' / 'schema' / 'report-1.json').read_text())
GUIDE = ['timestamp', 'hostname', 'system', 'benchmark', 'capabilities']
SYSTEM = ['platform', 'processor', 'architecture', 'python_version', 'cpu_count', 'cpu_count_physical', 'ram_gb', 'ram_available_gb',
          'disk_free_gb', 'gpu']


def report(given):
    return json.loads(subprocess.run([PROGRAM, given], check=True, capture_output=True, text=True).stdout)


def without(document, *path):
    broken = copy.deepcopy(document)
    at = broken
    for step in path[:-1]:
        at = at[step]
    del at[path[-1]]
    return broken


def altered(document, value, *path):
    broken = copy.deepcopy(document)
    at = broken
    for step in path[:-1]:
        at = at[step]
    at[path[-1]] = value
    return broken


def main():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    validator = jsonschema.Draft202012Validator(SCHEMA)
    trees = sorted(str(p) for p in (ROOT / 'tests' / 'machines').iterdir() if p.is_dir())
    assert len(trees) >= 5, trees
    for given in trees + ['/', 'ram:8', 'cpu:8 ram:32GiB gpu:RTX 4090 x2 disk:500GiB bandwidth:60GB/s', 'ram:64 gpu:M2 Max']:
        document = report(given)
        validator.validate(document)
        assert list(document)[:7] == ['muster', 'schema'] + GUIDE, list(document)
        assert document['system']['gpu'] or 'gpu:' not in given, given
        assert list(document['system']) == SYSTEM + ['gpu_type'] * (document['system']['gpu'] is not None), list(document['system'])
    broken = [altered(document, 'report/2', 'schema'), without(document, 'pools'), without(document, 'system', 'ram_gb'),
              altered(document, 'much', 'system', 'ram_gb'), altered(document, [1], 'notes'), altered(document, None, 'rates'),
              altered(document, 'guessed', 'pools', 0, 'total_bytes', 'origin'), without(document, 'pools', 0, 'total_bytes', 'value'),
              altered(document, {}, 'facts', 'cpu')]
    for i, document in enumerate(broken):
        assert not validator.is_valid(document), f'the schema accepts broken report {i}'
    print(f'{len(trees) + 4} reports hold, {len(broken)} broken ones do not')


main()
