#!/usr/bin/python3
"""What the command line promises beside the answer: formats, where output goes, exit statuses, messages, colour, streams.

Usage: test_cli.py MUSTER SOURCE_ROOT.
"""
import csv
import io
import json
import os
import pathlib
import pty
import subprocess
import sys
import tempfile
import unittest

MUSTER = pathlib.Path(sys.argv[1]).resolve()
FIT = ['fit', 'phi-3-mini', '--quant', 'Q4_K_M', '--ctx', '4k', '--machine', 'cpu:4 ram:32GiB']
ESCAPE = '\x1b['


class Cli(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.cwd = pathlib.Path(folder.name)
        self.env = {'PATH': os.environ['PATH'], 'HOME': folder.name}

    def run_(self, *args, **more):
        how = {'stdout': subprocess.PIPE, 'stderr': subprocess.PIPE, **more}
        return subprocess.run([str(MUSTER), *args], cwd=self.cwd, env=self.env, text=True, timeout=60, **how)

    def fails(self, status, part, *args, **more):
        run = self.run_(*args, **more)
        self.assertEqual(run.returncode, status, run.stderr)
        self.assertRegex(run.stderr, r'\Amuster: [^\n]+\n\Z')
        self.assertIn(part, run.stderr)
        self.assertFalse(run.stdout)

    def test_formats(self):
        text = self.run_(*FIT)
        self.assertEqual((text.returncode, text.stderr), (0, ''))
        self.assertNotIn(ESCAPE, text.stdout)
        self.assertLessEqual(max(map(len, text.stdout.splitlines())), 100)
        document = json.loads(self.run_(*FIT, '--json').stdout)
        self.assertEqual(list(document)[:2], ['muster', 'schema'])
        self.assertEqual(json.loads(self.run_(*FIT, '--format', 'json').stdout), document)
        line = self.run_(*FIT, '--format', 'jsonl').stdout
        self.assertEqual(line.count('\n'), 1)
        self.assertEqual(json.loads(line), document)
        rows = list(csv.reader(io.StringIO(self.run_(*FIT, '--format', 'csv').stdout, newline='')))
        self.assertEqual(len({len(row) for row in rows}), 1)
        self.assertIn('KV cache', [row[1] for row in rows])
        self.assertIn('| KV cache |', self.run_(*FIT, '--format', 'md').stdout)
        self.assertTrue(self.run_(*FIT, '--format', 'html').stdout.startswith('<!doctype html>'))

    def test_output_file(self):
        run = self.run_(*FIT, '--json', '-o', 'answer.json')
        self.assertEqual((run.returncode, run.stdout, run.stderr), (0, '', ''))
        self.assertEqual((self.cwd / 'answer.json').read_text(), self.run_(*FIT, '--json', '-o-').stdout)
        self.assertEqual(self.run_('--version', '-o', 'v').returncode, 0)
        self.assertEqual((self.cwd / 'v').read_text(), self.run_('-V').stdout)
        self.fails(73, 'no/where', *FIT, '-o', 'no/where')
        self.fails(73, 'it is a folder', *FIT, '-o', '.')

    def test_exit_statuses(self):
        self.assertEqual(self.run_('fit', 'phi-3-mini', '--quant', 'F16', '--machine', 'cpu:4 ram:2GiB').returncode, 1)
        self.fails(64, "no command is called 'chek'; did you mean check?", 'chek')
        self.fails(64, 'did you mean --quick?', 'check', '--quik')
        self.fails(64, 'muster help fit', 'fit')
        self.fails(64, 'context_tokens', *FIT, '--ctx', 'much')
        self.fails(64, "no setting 'context'", *FIT, '--set', 'context=1')
        self.fails(64, 'two formats', *FIT, '--json', '--format', 'md')
        self.fails(64, 'takes one of', *FIT, '--kv-type', 'q9')
        self.fails(66, 'nowhere', 'check', '--quick', '--root', 'nowhere')
        self.fails(66, 'missing.json', 'check', '--machine', 'missing.json')
        self.fails(66, 'missing.gguf', 'fit', 'missing.gguf')

    def test_json_fails_like_text(self):
        self.fails(66, 'missing.json', 'check', '--machine', 'missing.json', '--json')

    def test_messages_are_visible(self):
        run = self.run_('\x1b[2Jx')
        self.assertEqual(run.returncode, 64)
        self.assertNotIn('\x1b', run.stderr)
        self.assertIn('\\x1b[2Jx', run.stderr)

    def test_full_disk(self):
        with open('/dev/full', 'w') as full:
            self.fails(74, 'standard output', *FIT, stdout=full)
            self.fails(74, 'standard output', '--help', stdout=full)

    def test_closed_pipe(self):
        read, write = os.pipe()
        os.close(read)
        with os.fdopen(write, 'w') as pipe:
            run = self.run_(*FIT, stdout=pipe)
        self.assertEqual((run.returncode, run.stderr), (74, ''))

    def test_closed_streams(self):
        run = subprocess.run(['sh', '-c', '"$@" >&-', 'sh', str(MUSTER), *FIT], cwd=self.cwd, env=self.env, capture_output=True, text=True)
        self.assertEqual(run.returncode, 74)
        self.assertIn('standard output', run.stderr)
        run = subprocess.run(['sh', '-c', '"$@" 2>&-', 'sh', str(MUSTER), 'nonsense'], cwd=self.cwd, env=self.env)
        self.assertEqual(run.returncode, 64)

    def on_terminal(self, *args, **env):
        master, slave = pty.openpty()
        self.env.update(TERM='xterm', **env)
        run = subprocess.Popen([str(MUSTER), *args], cwd=self.cwd, env=self.env, stdout=slave, stderr=subprocess.PIPE, text=True)
        os.close(slave)
        shown = b''
        try:
            while part := os.read(master, 65536):
                shown += part
        except OSError:  # Linux ends a terminal whose other side is closed with EIO
            pass
        os.close(master)
        stderr = run.communicate(timeout=60)[1]
        # Measuring is talked about on a standard error that is a terminal; here it is a pipe.
        self.assertEqual((run.returncode, stderr), (0, ''))
        return shown.decode()

    def test_colour(self):
        self.assertIn(ESCAPE, self.on_terminal('fit', 'phi-3-mini', '--machine', 'cpu:4 ram:32GiB'))
        self.assertIn(ESCAPE, self.run_(*FIT, '--colour', 'always').stdout)
        self.assertNotIn(ESCAPE, self.on_terminal(*FIT, '--colour=never'))
        self.assertNotIn(ESCAPE, self.on_terminal(*FIT, NO_COLOR='1'))
        self.assertIn(ESCAPE, self.on_terminal(*FIT, NO_COLOR=''))

    def test_knobs_by_any_name(self):
        document = json.loads(self.run_(*FIT, '--json').stdout)
        for given in (['--ctx', '8k', '--ctx=4k'], ['--set', 'context_tokens=4096'], ['--set=ctx=4k']):
            other = json.loads(self.run_(*FIT[:4], '--machine', 'cpu:4 ram:32GiB', *given, '--json').stdout)
            self.assertEqual(other, document)

    def test_bare_is_check(self):
        bare = self.run_('--quick', '--no-save', '--json')
        self.assertEqual(bare.stderr, '')
        self.assertEqual(json.loads(bare.stdout)['schema'], 'report/1')
        self.assertEqual(list(self.cwd.glob('*.json')), [])

    def test_folders_of_the_user(self):
        """A state folder that is given holds what is kept; a relative one is ignored."""
        self.env['XDG_STATE_HOME'] = 'relative'
        run = self.run_('measure')
        self.assertIn(run.returncode, (0, 69), run.stderr)
        self.assertFalse((self.cwd / 'relative').exists())
        self.assertEqual((self.cwd / '.local/state/muster').exists(), run.returncode == 0)

    def test_version(self):
        self.assertRegex(self.run_('--version').stdout, r'\Amuster \d+\.\d+\.\d+\n\Z')

    def test_root_shows_nothing_of_this_machine(self):
        (self.cwd / 'empty').mkdir()
        run = self.run_('check', '--quick', '--no-save', '--root', 'empty')
        self.assertNotIn(os.uname().release, run.stdout + run.stderr)
        self.assertIn(run.returncode, (0, 1, 65, 66), run.stderr)


if __name__ == '__main__':
    unittest.main(argv=sys.argv[:1], verbosity=2)
