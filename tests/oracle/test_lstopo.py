#!/usr/bin/python3
"""Holds what we read of a machine's build against hwloc's lstopo: packages, cores, threads, caches, NUMA nodes; on this machine and on
each captured tree of tests/machines.

Arguments: print_machine, the folder of trees. hwloc is told to read nothing but the tree (components linux,stop; not this system): with
anything less it silently answers with the machine it runs on. Its sums of memory are not compared, its per-node figures are not either:
it takes memory from cgroups off. Exits 77 (skipped) only when lstopo is not installed.
"""
import collections
import json
import os
import pathlib
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ElementTree

LEVEL = {'L1Cache': 'L1d', 'L1iCache': 'L1i', 'L2Cache': 'L2', 'L2iCache': 'L2i', 'L3Cache': 'L3', 'L4Cache': 'L4', 'L5Cache': 'L5'}


def lstopo(root):
    env = dict(os.environ, LC_ALL='C')
    if root != '/':
        env |= {'HWLOC_FSROOT': root, 'HWLOC_COMPONENTS': 'linux,stop', 'HWLOC_THISSYSTEM': '0'}
    out = subprocess.run(['lstopo', '--disallowed', '--no-io', '--of', 'xml', '-'], env=env, capture_output=True, text=True, check=True)
    objects = [o.attrib for o in ElementTree.fromstring(out.stdout).iter('object')]
    kinds = collections.Counter(o['type'] for o in objects)
    caches = collections.Counter((LEVEL[o['type']], int(o.get('cache_size', 0))) for o in objects if o['type'] in LEVEL)
    return {'packages': kinds['Package'], 'cores': kinds['Core'], 'threads': kinds['PU'], 'caches': dict(caches), 'nodes': kinds['NUMANode']}


def ours(program, root):
    out = subprocess.run([program, root], capture_output=True, text=True, check=True)
    m = json.loads(out.stdout)
    caches = {(c['name'], c['bytes']): c['instances'] for c in m['caches']}
    return {'packages': m['packages'], 'cores': m['cores'], 'threads': m['threads'], 'caches': caches, 'nodes': max(1, len(m['nodes']))}


def main(program, trees):
    if not shutil.which('lstopo'):
        print('skipped: lstopo is not installed (Debian: hwloc)')
        return 77
    roots = ['/'] + sorted(str(p) for p in pathlib.Path(trees).iterdir() if p.is_dir())
    differing = 0
    for root in roots:
        hwloc, we = lstopo(root), ours(program, root)
        for what in hwloc:
            if hwloc[what] != we[what]:
                differing += 1
                print(f'{root}: {what}: lstopo says {hwloc[what]}, we say {we[what]}')
    print(f'{len(roots)} machines compared with lstopo, {differing} differences')
    return 1 if differing or len(roots) < 2 else 0


sys.exit(main(*sys.argv[1:]))
