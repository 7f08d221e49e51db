#!/usr/bin/python3
"""Whatever the engine does, muster says one sentence and ends as it promises: 70 for a crash or an answer that can't be used, 69 when
there is no engine or it hangs; muster check goes on without what it could not have. What was kept before stays. The engine here is a
script that does nothing but fail; real aborts of llama.cpp are in test_exact.py.

test_faults.py MUSTER ENGINE SOURCE_ROOT WITH_LLAMA
"""
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time
import unittest

MUSTER, ENGINE = (pathlib.Path(p).resolve() for p in sys.argv[1:3])
MODEL = 'smollm2-135m'
COMMANDS = {'fit': ['fit', MODEL, '--exact', '--quick'], 'trial': ['trial', MODEL, '--quick', '--timeout', '3'], 'measure': ['measure', '--full']}
LIMIT_S = 100
INTERNAL, UNAVAILABLE = 70, 69

# What the engine does; how fit and trial end; a word of the sentence. measure ends with 69, since then nothing is measured.
FAULTS = {
    'illegal instruction': ('kill -ILL $$', INTERNAL, 'SIGILL (illegal instruction)'),
    'invalid memory': ('kill -SEGV $$', INTERNAL, 'SIGSEGV'),
    'abort': ("echo 'ggml.c:7: GGML_ASSERT(x) failed' >&2; kill -ABRT $$", INTERNAL, 'GGML_ASSERT(x) failed'),
    'division by 0': ('kill -FPE $$', INTERNAL, 'SIGFPE'),
    'killed': ('kill -KILL $$', INTERNAL, 'SIGKILL'),
    'garbage': ('echo garbage', INTERNAL, "can't be used"),
    'half a line': ("printf '{\"work\": '", INTERNAL, "can't be used"),
    'bytes that are no text': ("printf '\\377\\376\\000\\n'", INTERNAL, "can't be used"),
    'deep nesting': ("head -c 100000 /dev/zero | tr '\\0' '['; echo", INTERNAL, "can't be used"),
    'a huge line': ("head -c 5000000 /dev/zero | tr '\\0' x; echo", INTERNAL, "can't be used"),
    'a line without end': ("exec cat /dev/zero", INTERNAL, ''),
    'too many rows': ("yes '{\"note\": \"again\"}' | head -100000", INTERNAL, "can't be used"),
    'another row': ("echo '{\"surprise\": 1}'", INTERNAL, "can't be used"),
    'rows and a crash': ("echo '{\"note\": \"all is well\"}'; kill -SEGV $$", INTERNAL, 'SIGSEGV'),
    'nothing at all': ('exit 0', INTERNAL, 'said nothing'),
    'its own fault': ("echo 'out of memory' >&2; exit 70", INTERNAL, 'out of memory'),
    'not available': ("echo 'the llama.cpp found is 9' >&2; exit 69", UNAVAILABLE, 'the llama.cpp found is 9'),
    'without llama.cpp': ('exit 64', UNAVAILABLE, 'built without llama.cpp'),
    'bad data': ("echo 'that is no model' >&2; exit 65", 65, 'that is no model'),
    'a status of no meaning': ('exit 3', INTERNAL, 'status 3'),
    'much talk': ("head -c 300000 /dev/zero | tr '\\0' y >&2; printf '\\n\\033[2J' >&2; exit 70", INTERNAL, 'status 70'),
}


class Faults(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.engine = self.folder / 'engine'

    def script(self, body):
        self.engine.write_text(f'#!/bin/sh\n{body}\n')
        self.engine.chmod(0o755)

    def start(self, *args, home='home', **more):
        env = {'PATH': os.environ['PATH'], 'HOME': str(self.folder / home), 'MUSTER_ENGINE': str(self.engine)}
        (self.folder / home).mkdir(exist_ok=True)
        return subprocess.Popen([str(MUSTER), *args], cwd=self.folder, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, text=True, errors='replace', **more)

    def ended(self, child):
        out, err = child.communicate(timeout=LIMIT_S)
        self.assertNotIn('\x1b', out + err)
        return child.returncode, out, err

    def one_sentence(self, err, words):
        self.assertEqual(err.count('\n'), 1, err)
        self.assertTrue(err.startswith('muster: '), err)
        self.assertLess(len(err), 1200)
        self.assertIn(words, err)

    def refused(self, command, status, words):
        got, out, err = self.ended(self.start(*COMMANDS[command]))
        self.assertEqual((got, out), (status, ''), err)
        self.one_sentence(err, words)

    def goes_on(self, words):
        got, out, err = self.ended(self.start('check', '--full', '--no-save', '--json'))
        self.assertIn(got, (0, 1), err)
        report = json.loads(out)
        self.assertEqual(report['rates'], [])
        self.assertTrue(any(words in note for note in report['notes']), report['notes'])
        self.assertIn('capabilities', report)

    def test_every_fault_in_every_command(self):
        for name, (body, status, words) in FAULTS.items():
            with self.subTest(name):
                self.script(body)
                self.refused('fit', status, words)
                self.refused('trial', status, words)
                measured = words if body != 'exit 64' else 'status 64'
                self.refused('measure', UNAVAILABLE, measured)
                self.goes_on(measured)
                got, out, err = self.ended(self.start('fit', MODEL, '--json', '--quick'))  # not insisted on: muster's own plan
                self.assertIn(got, (0, 1), err)
                self.assertTrue(json.loads(out)['notes'])

    def test_no_engine(self):
        self.engine.write_text('no program')
        self.engine.chmod(0o755)
        for make in (lambda: None, lambda: self.engine.chmod(0o644), self.engine.unlink, self.engine.mkdir):
            make()
            for command in COMMANDS:
                got, out, err = self.ended(self.start(*COMMANDS[command]))
                self.assertIn(got, (UNAVAILABLE, 77), err)
                self.assertEqual(out, '')
                self.one_sentence(err, '')
            self.goes_on('')

    def test_a_hang(self):
        self.script('exec sleep 90')
        commands = {**COMMANDS, 'measure': ['measure'], 'check': ['check', '--no-save', '--json']}
        children = {name: self.start(*args, home=name) for name, args in commands.items()}
        for name, child in children.items():
            with self.subTest(name):
                got, out, err = self.ended(child)
                if name == 'check':
                    self.assertIn(got, (0, 1), err)
                    self.assertIn('did not end', ' '.join(json.loads(out)['notes']))
                else:
                    self.assertEqual((got, out), (UNAVAILABLE, ''), err)
                    self.one_sentence(err, '')

    def kept(self):
        (path,) = (self.folder / 'home' / '.local' / 'state' / 'muster').glob('rates-*.json')
        return path

    def answers(self, *tests):
        """An engine that says what the real one said of a small size, of these tests alone; else it crashes."""
        for test in tests:
            request = json.dumps({'threads': 1, 'bytes': 32 << 20, 'seconds': 0.02})
            real = subprocess.run([ENGINE, test], input=request, capture_output=True, text=True, timeout=LIMIT_S, check=True)
            (self.folder / test).write_text(real.stdout)
        self.script('\n'.join(f'[ "$1" = {test} ] && exec cat {self.folder}/{test}' for test in tests) + '\nkill -SEGV $$')

    def test_what_was_kept_stays(self):
        self.answers('memory', 'gemm')
        got, _, err = self.ended(self.start('measure'))
        self.assertEqual(got, 0, err)
        kept = self.kept().read_bytes()
        rates = json.loads(kept)['rates']
        self.script('kill -SEGV $$')
        self.refused('measure', UNAVAILABLE, 'SIGSEGV')
        self.assertEqual(self.kept().read_bytes(), kept)
        # Part of a measurement takes no place of more of one.
        self.answers('memory')
        got, out, err = self.ended(self.start('measure', '--full', '--json'))
        self.assertEqual(got, 0, err)
        answer = json.loads(out)
        self.assertLess(len(answer['rates']), len(rates))
        self.assertTrue(any('not kept' in note for note in answer['notes']), answer['notes'])
        self.assertEqual(self.kept().read_bytes(), kept)
        # And what is kept is used where it would be measured anew, by another engine, and can't be.
        self.engine.unlink()
        self.script('kill -SEGV $$')
        got, out, err = self.ended(self.start('check', '--no-save', '--json'))
        self.assertIn(got, (0, 1), err)
        self.assertEqual(len(json.loads(out)['rates']), len(rates))

    def test_interrupted(self):
        self.script(f'echo $$ >{self.folder}/pid.new; mv {self.folder}/pid.new {self.folder}/pid; exec sleep 90')
        for command in COMMANDS:
            for number in signal.SIGINT, signal.SIGTERM:
                with self.subTest(command=command, signal=number):
                    child = self.start(*COMMANDS[command])
                    end = time.monotonic() + LIMIT_S
                    while not (self.folder / 'pid').exists():
                        self.assertLess(time.monotonic(), end)
                        time.sleep(0.01)
                    engine = int((self.folder / 'pid').read_text())
                    (self.folder / 'pid').unlink()
                    child.send_signal(number)
                    got, out, _ = self.ended(child)
                    self.assertEqual((got, out), (-number, ''))
                    self.assertFalse(pathlib.Path(f'/proc/{engine}/exe').exists())


if __name__ == '__main__':
    unittest.main(argv=sys.argv[:1])
