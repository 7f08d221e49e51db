#!/usr/bin/python3
"""What PyTorch holds while small models train, are captured and spike, beside what `muster fit --kind` bills. Skipped where PyTorch is not
installed.

Usage: test_bills.py MUSTER [CASE...]. The cases and their bounds stand in cases.py.
"""
import sys
import time

import billing

SKIPPED = 77


def main():
    try:
        import cases
    except ImportError:
        print('no PyTorch')
        return SKIPPED
    asked = [case for case in cases.CASES if not sys.argv[2:] or case.__name__ in sys.argv[2:]]
    count = bad = 0
    began = time.monotonic()
    for case, row in cases.rows(billing.Muster(sys.argv[1]), asked):
        count += 1
        bad += cases.wrong(row)
        share = f'{row.predicted / row.measured:.5f}' if row.measured else '-'
        print(f'{"WRONG" if cases.wrong(row) else "ok":5}  {case}: {row.what}: {row.measured} measured, {row.predicted} predicted, '
              f'{share} (from -{row.bound.under:.1%} to +{row.bound.over:.1%})', flush=True)
    print(f'{count - bad} passed, {bad} failed; {time.monotonic() - began:.0f} s')
    return bad > 0 or count == 0


sys.exit(main())
