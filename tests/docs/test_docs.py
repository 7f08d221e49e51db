#!/usr/bin/python3
"""Help, manual, completion and parser speak of the same options, and what they and the documents show as examples runs.

Usage: test_docs.py MUSTER SOURCE_ROOT. Needs mandoc and bash.
"""
import os
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile
import unittest

MUSTER, ROOT = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).resolve()
HOME = tempfile.TemporaryDirectory()
ENVIRONMENT = {'PATH': os.environ['PATH'], 'HOME': HOME.name}
OPTION = re.compile(r'^  (?:-(\w), )?--(\[no-\])?([a-z-]+)(?: (\S+))?', re.M)
# A value that the parser takes, by what stands for it in help; options with choices say them in brackets.
VALUES = {'TOKENS': '4k', 'N': '1', 'NAME=VALUE': 'context_tokens=4k', 'FORMAT': 'md', 'WHEN': 'never'}


def muster(*args, cwd=HOME.name, **more):
    return subprocess.run([str(MUSTER), *args], cwd=cwd, env=ENVIRONMENT, capture_output=True, text=True, timeout=100, **more)


def said(*args):
    run = muster(*args)
    if run.returncode:
        raise AssertionError(f'{args}: exit status {run.returncode}: {run.stderr}')
    return run.stdout


def verbs():
    block = re.search(r'^Commands\n(.*?)\n\n', said('--help'), re.M | re.S).group(1)
    return [v for v in re.findall(r'^  (\w+)  ', block, re.M) if v != 'help']


def options(verb, *kind):
    """(letter, negated, name, value, the words of help) of each option in a verb's help."""
    text = said(verb, *kind, '--help')
    found = list(OPTION.finditer(text))
    ends = [m.start() for m in found[1:]] + [len(text)]
    return [(m[1], bool(m[2]), m[3], m[4], text[m.end():end]) for m, end in zip(found, ends)]


def kinds(verb):
    """What selects the settings of each workload that a verb has: ['--kind', 'finetune']; nothing where it has one alone."""
    text = said('help', verb)
    if '--kind WORD --help' not in re.sub(r'\s+', ' ', text):
        return [[]]
    words = next(words for _, _, name, _, words in options(verb) if name == 'kind')
    return [['--kind', word] for word in re.findall(r'\(([\w\s-]+)\)', words)[-1].split()]


def value_for(value, words):
    choices = re.findall(r'\(([\w\s.+-]+)\)', words)
    return VALUES.get(value) or (choices[-1].split()[0] if choices and value in ('WORD', 'TYPE') else 'x')


def examples(verb):
    text = said('help', verb)
    return [line.strip() for line in text.split('\nExamples\n')[1].splitlines()] if '\nExamples\n' in text else []


def examples_of_documents():
    """Lines `$ muster ...` in fenced blocks of what people read; docs/design says what is still to come."""
    for path in [ROOT / 'README.md', ROOT / 'CONTRIBUTING.md', *sorted((ROOT / 'docs').glob('*.md'))]:
        if not path.exists():
            continue
        for block in re.findall(r'^```\w*\n(.*?)^```', path.read_text(), re.M | re.S):
            for line in re.findall(r'^\$ (muster\b.*)$', block, re.M):
                yield path.name, line


def completed(*words):
    """What bash offers for the last of these words."""
    script = said('help', 'bash') + f'COMP_WORDS=({" ".join(shlex.quote(w) for w in words)}); COMP_CWORD={len(words) - 1}\n_muster\n' \
        + 'printf "%s\\n" "${COMPREPLY[@]}"\n'
    run = subprocess.run(['bash', '-c', script], cwd=HOME.name, capture_output=True, text=True, check=True)
    if run.stderr:
        raise AssertionError(run.stderr)
    return set(run.stdout.split())


class Agreement(unittest.TestCase):
    def test_every_option_everywhere(self):
        manual = said('help', 'man')
        for verb in verbs():
            offered = completed('muster', verb, '-')
            self.assertGreater(len(options(verb)), 6)
            for kind, (letter, negated, name, value, words) in ((k, o) for k in kinds(verb) for o in options(verb, *k)):
                with self.subTest(verb=verb, option=name):
                    tag = 'Fl \\-' + ('[no\\-]' if negated else '') + name + (f' Ar {value}' if value else '')
                    self.assertIn(f'{tag}\n', manual)
                    self.assertIn(f'--{name}', offered)
                    self.assertTrue(not negated or f'--no-{name}' in offered)
                    self.assertTrue(not letter or f'-{letter}' in offered)
                    given = [f'--{name}'] + ([value_for(value, words)] if value else [])
                    if name in ('set', 'kind') and kind:
                        given = []  # a setting of another kind, and the kind itself again
                    run = muster(verb, *kind, *given, '--help')
                    self.assertEqual((run.returncode, run.stderr), (0, ''))

    def test_completion_offers_nothing_else(self):
        for verb in verbs():
            known = set()
            for letter, negated, name, _, _ in (o for k in kinds(verb) for o in options(verb, *k)):
                known |= {f'--{name}'} | ({f'--no-{name}'} if negated else set()) | ({f'-{letter}'} if letter else set())
            self.assertEqual(completed('muster', verb, '-'), known)

    def test_completion_of_commands_and_choices(self):
        self.assertEqual(completed('muster', ''), set(verbs()) | {'help'})
        self.assertEqual(completed('muster', 'check', '--format', 'js'), {'json', 'jsonl'})
        self.assertEqual(completed('muster', 'check', '--format', '=', 'h'), {'html'})
        self.assertEqual(completed('muster', 'help', 'b'), {'bash'})

    def test_commands_in_the_manual(self):
        manual = said('help', 'man')
        for verb in verbs():
            self.assertIn(f'\n.Ss {verb}\n', manual)

    def test_help_fits_80_columns(self):
        for args in [['--help'], *(['help', v] for v in verbs())]:
            for line in said(*args).splitlines():
                self.assertLessEqual(len(line), 100 if line.startswith('  muster ') else 80, line)

    def test_two_ways_to_help(self):
        self.assertEqual(said('--help'), said('help'))
        for verb in verbs():
            self.assertEqual(said('help', verb), said(verb, '--help'))


class Manual(unittest.TestCase):
    def test_lint(self):
        run = subprocess.run(['mandoc', '-T', 'lint'], input=said('help', 'man'), capture_output=True, text=True)
        self.assertEqual((run.stdout, run.returncode), ('', 0))

    def test_exit_statuses_are_those_of_help(self):
        table = re.search(r'^Exit status\n(.*)', said('--help'), re.M | re.S).group(1)
        section = re.search(r'^\.Sh EXIT STATUS\n(.*?)^\.Sh', said('help', 'man'), re.M | re.S).group(1)
        statuses = re.findall(r'^ +(\d+)  (.*)$', table, re.M)
        self.assertGreater(len(statuses), 5)
        for status, words in statuses:
            self.assertIn(f'.It {status}\n{words}\n', section)

    def test_keys_of_machine_lines(self):
        """Those that a mistaken line is told of, which are the parser's own."""
        refused = muster('fit', '7B', '--machine', 'colour:red').stderr
        keys = refused.strip().split('keys are ')[1].split()
        self.assertIn('ram', keys)
        section = re.search(r'^\.Sh MACHINE LINES\n(.*?)^\.Sh', said('help', 'man'), re.M | re.S).group(1)
        self.assertEqual(sorted(re.findall(r'^\.It Cm (\w+)$', section, re.M)), sorted(keys))

    def test_variables_of_the_environment(self):
        """Every variable that the sources read is in the manual, and none that they do not."""
        names = r'"((?:HOME|PATH|TERM|NO_COLOR|(?:XDG|HF|HUGGINGFACE|LLAMA|OLLAMA|SLURM|MUSTER|CUDA|NVIDIA|ROCR|HIP|GPU|ZE|ONEAPI)_[A-Z_]+))"'
        sources = [p for p in (ROOT / 'src').rglob('*.c') if p.name != 'manual.c']
        named = {name for p in sources for name in re.findall(names, p.read_text())}
        asked = {name for p in sources for name in re.findall(r'\benv\("([^"]+)"', p.read_text())}
        of_libcurl = {'http_proxy', 'https_proxy', 'all_proxy', 'no_proxy'}  # read by the library; tests/http goes through one
        said_of = set(re.findall(r'^\.It Ev (\w+)', said('help', 'man'), re.M))
        self.assertEqual(named | asked | of_libcurl, said_of)


class Examples(unittest.TestCase):
    def run_example(self, line):
        words = shlex.split(line)
        self.assertEqual(words[0], 'muster')
        run = muster(*words[1:])
        if words[1:2] == ['trial'] and run.returncode == 69 and 'built without llama.cpp' in run.stderr:
            return
        self.assertIn(run.returncode, (0, 1), f'{line}: {run.stderr}')
        self.assertTrue(run.stdout, line)
        self.assertEqual(run.stderr, '', line)

    def test_of_help(self):
        seen = 0
        for verb in verbs():
            self.assertTrue(examples(verb), f'{verb} has no example')
            for line in examples(verb):
                with self.subTest(line):
                    self.run_example(line)
                    seen += 1
        self.assertGreater(seen, 5)

    def test_of_documents(self):
        for name, line in examples_of_documents():
            with self.subTest(f'{name}: {line}'):
                self.run_example(line)


if __name__ == '__main__':
    unittest.main(argv=sys.argv[:1], verbosity=2)
