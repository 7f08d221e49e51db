#!/usr/bin/python3
"""Golden screens: what people see, held against the files beside this one, which change only with the code.

Usage: test_screens.py MUSTER SOURCE_ROOT [--update]. Each screen is one command run on a captured machine (tests/machines) or a machine
line, so that it is the same everywhere. Its file holds the command, its exit status and its standard output. A command that begins with
HOME=models runs in a home with models in it (tests/check/stored_models.py).
"""
import difflib
import pathlib
import shlex
import subprocess
import sys
import tempfile

MUSTER, ROOT = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).resolve()
sys.dont_write_bytecode = True
sys.path.insert(0, str(ROOT / 'tests' / 'check'))
import stored_models  # noqa: E402

STORED = 'HOME=models '
FOLDER = ROOT / 'tests' / 'screens'
WIDTH = 100


def screen(command):
    """The command's screen as its golden file holds it; MACHINES stands for the folder of captured trees."""
    args = [a.replace('MACHINES', str(ROOT / 'tests' / 'machines')) for a in shlex.split(command.removeprefix(STORED))[1:]]
    with tempfile.TemporaryDirectory() as home:
        env = {'HOME': home, 'PATH': '/usr/bin:/bin', 'XDG_CONFIG_HOME': home, 'XDG_STATE_HOME': home, 'LC_ALL': 'C.UTF-8'}
        if command.startswith(STORED):
            stored_models.fill(home)
        run = subprocess.run([str(MUSTER), *args], cwd=home, env=env, capture_output=True, text=True)
    talk = ''.join(f'stderr: {line}\n' for line in run.stderr.splitlines())
    return f'$ {command}\n{run.stdout}{talk}exit status {run.returncode}\n'


def main():
    wrong, files = [], sorted(FOLDER.glob('*.txt'))
    for path in files:
        golden = path.read_text()
        now = screen(golden.splitlines()[0].removeprefix('$ '))
        if '--update' in sys.argv:
            path.write_text(now)
            continue
        if now != golden:
            wrong += difflib.unified_diff(golden.splitlines(), now.splitlines(), path.name, 'now', lineterm='')
        wrong += [f'{path.name}: over {WIDTH} columns: {line}' for line in now.splitlines()[1:] if len(line) > WIDTH]
    print('\n'.join(wrong) or f'{len(files)} screens as they were')
    return bool(wrong) or not files


sys.exit(main())
