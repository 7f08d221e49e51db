#!/usr/bin/python3
"""Files as their publishers' lists give their size (data/sources.json, gb), held against the size that fit says is fetched.

Usage: test_sources.py MUSTER SOURCE_ROOT. The lists give three digits; a file is its weights and some MB of vocabulary, of which fit counts the
weights. Files made before llama.cpp changed what a mix holds are among them, so that the worst is far: the bars are on the median, on nine in ten
and on the worst. A model whose shape gives no weights is passed over, and counted; a repository that is known to be of older making ("older")
is held to its names alone.
"""
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile

MUSTER, ROOT = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).resolve()
LINE = 'cpu:64 ram:1024GiB'
MEDIAN, NINE_IN_TEN, WORST, LEAST_FILES = 0.005, 0.02, 0.15, 100


def fetched(model, mix, home):
    run = subprocess.run([str(MUSTER), 'fit', model, '--quant', mix, '--machine', LINE, '--json'], capture_output=True, text=True, cwd=home,
                         env={'HOME': home, 'PATH': '/usr/bin:/bin', 'XDG_CONFIG_HOME': home, 'XDG_STATE_HOME': home})
    return json.loads(run.stdout)['fetch']


def main():
    rows = json.loads((ROOT / 'data' / 'sources.json').read_text())['entries']
    off, wrong, passed = [], [], 0
    with tempfile.TemporaryDirectory() as home:
        for row in rows:
            for mix, file, gb in zip(row['mixes'], row['files'], row['gb']):
                if not gb:
                    continue
                said = fetched(row['model'], mix, home)
                if not said:
                    passed += 1
                    continue
                if not row.get('older'):
                    off.append((abs(said['download_bytes'] / (gb * 1e9) - 1), row['repository'], mix))
                text = ' '.join(line['line'] for line in said['lines'])
                if said['repository'] == row['repository'] and (said['file'] != file or file not in text):
                    wrong.append(f'{row["repository"]} {mix}: fit names {said["file"]}, not {file}')
    off.sort()
    median, ninety = statistics.median(o[0] for o in off), off[int(len(off) * 0.9)][0]
    print(f'{len(off)} files, {passed} without computed weights: median {median:.2%}, nine in ten {ninety:.2%}, worst {off[-1]}')
    if len(off) < LEAST_FILES or median > MEDIAN or ninety > NINE_IN_TEN or off[-1][0] > WORST:
        wrong.append(f'over the bars: {MEDIAN:.1%}, {NINE_IN_TEN:.1%}, {WORST:.0%} of {LEAST_FILES} files or more')
    print('\n'.join(wrong))
    return bool(wrong)


sys.exit(main())
