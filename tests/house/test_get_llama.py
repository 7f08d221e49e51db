#!/usr/bin/python3
"""tools/get-llama without building anything: programs of the test's own stand where cmake, ninja, npm, git and tar would, and say when
they are called. What it prints, where it gives up and with which words, and that nothing half is ever left.

test_get_llama.py SOURCE_ROOT
"""
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

SCRIPT = pathlib.Path(sys.argv[1]).resolve() / 'tools' / 'get-llama'
REAL = 'sh dirname cat grep sed sha256sum cut mkdir rm mktemp df awk tail mv cp flock env sleep touch echo printf'.split()
LIMIT_S = 30

STUBS = {
    'g++': '''case " $* " in
*' - '*) cat >/dev/null; [ -z "${OLD_HEADERS:-}" ]; exit ;;
esac
echo "gcc version ${GCC:-12}" >&2''',
    'npm': '[ -z "${NPM_FAILS:-}" ] || { echo "npm ERR! network" >&2; exit 1; }\necho source >node-llama-cpp-3.22.1.tgz',
    'sha512sum': 'cat >/dev/null\n[ -z "${OTHER_PACKAGE:-}" ]',
    'tar': 'while [ "$1" != -C ]; do shift; done\nmkdir -p "$2/package/llama"',
    'git': 'while [ $# -gt 1 ]; do shift; done\nmkdir "$1"',
    'cmake': '''[ -z "${DISK_FULL:-}" ] || { echo "error: No space left on device"; exit 1; }
if [ "$1" = --install ]; then
    prefix=$(cat "$2/prefix")
    mkdir -p "$DESTDIR$prefix/lib" && echo built >"$DESTDIR$prefix/lib/libllama.a"
    exit
fi
while [ $# -gt 0 ]; do
    case $1 in
    -B) build=$2 ;;
    -DCMAKE_INSTALL_PREFIX=*) prefix=${1#*=} ;;
    esac
    shift
done
mkdir -p "$build/bin" && echo "$prefix" >"$build/prefix"''',
    'ninja': '''[ -z "${NINJA_FAILS:-}" ] || { echo "a.cpp:1: error: boom"; exit 1; }
if [ -n "${NINJA_WAITS:-}" ]; then
    touch "$NINJA_WAITS.began"
    while [ ! -e "$NINJA_WAITS" ]; do sleep 0.02; done
fi
for program in llama-bench llama-server llama-fit-params llama-quantize ggml-rpc-server; do
    echo "$program" >"$2/bin/$program"
done''',
    'glslc': 'cat >/dev/null\n[ -z "${OLD_GLSLC:-}" ]',
    'nvcc': '',
}


class GetLlama(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix='muster test '))
        self.addCleanup(shutil.rmtree, self.folder)
        self.bin = self.folder / 'bin'
        self.bin.mkdir()
        self.home = self.folder / 'home'
        self.home.mkdir()
        self.store = self.home / '.cache' / 'muster'
        for name in REAL:
            (self.bin / name).symlink_to(shutil.which(name))
        for name, text in STUBS.items():
            stub = self.bin / name
            stub.write_text(f'#!{shutil.which("sh")}\necho "{name}" >>"$CALLED"\n{text}\n')
            stub.chmod(0o755)
        self.called = self.folder / 'called'
        self.env = {'PATH': str(self.bin), 'HOME': str(self.home), 'CALLED': str(self.called)}

    def start(self, *args, shell='sh', **env):
        return subprocess.Popen([shutil.which(shell), str(SCRIPT), *args], env={**self.env, **env}, cwd=self.folder,
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                start_new_session=True)

    def run_it(self, *args, **more):
        child = self.start(*args, **more)
        out, err = child.communicate(timeout=LIMIT_S)
        return child.returncode, out, err

    def calls(self):
        text = self.called.read_text() if self.called.exists() else ''
        self.called.write_text('')
        return [name for name in text.split() if name != 'g++']

    def left(self):
        """What stands in the store besides the lock and the package."""
        return sorted(p.name for p in self.store.iterdir() if p.name != 'lock' and p.suffix != '.tgz')

    def refused(self, status, words, *args, **env):
        got, out, err = self.run_it(*args, **env)
        self.assertEqual((got, out), (status, ''), err)
        self.assertIn(words, err)
        self.assertTrue(err.rstrip().splitlines()[-1].startswith('llama.cpp: '), err)
        if self.store.is_dir():
            self.assertEqual(self.left(), [])
        return err

    def until(self, condition):
        end = time.monotonic() + LIMIT_S
        while not condition():
            self.assertLess(time.monotonic(), end)
            time.sleep(0.01)

    def test_built_once_and_then_found(self):
        for shell in [s for s in ('dash', 'bash') if shutil.which(s)]:
            with self.subTest(shell=shell):
                shutil.rmtree(self.store, ignore_errors=True)
                status, out, err = self.run_it(shell=shell)
                self.assertEqual(status, 0, err)
                prefix = pathlib.Path(out.strip())
                self.assertEqual(out, f'{prefix}\n')
                self.assertEqual((prefix / 'lib' / 'libllama.a').read_text(), 'built\n')
                self.assertEqual(self.left(), [prefix.name])
                self.assertEqual(self.calls(), ['npm', 'sha512sum', 'tar', 'git', 'cmake', 'ninja', 'cmake'])
                self.assertEqual(self.run_it(shell=shell), (0, out, ''))
                self.assertEqual(self.run_it('--find', shell=shell), (0, out, ''))
                self.assertEqual(self.calls(), [])

    def test_tools_backends_and_compilers_stand_apart(self):
        prefixes = {self.run_it(*args, **env)[1] for args, env in (
            ((), {}), (('--tools',), {}), (('--backend', 'vulkan'), {}), (('--backend', 'cuda'), {}), ((), {'GCC': '13'}))}
        self.assertEqual(len(prefixes), 5)
        self.assertEqual(len(self.left()), 5)
        tools = pathlib.Path(self.run_it('--tools')[1].strip())
        self.assertEqual((tools / 'bin' / 'llama-bench').read_text(), 'llama-bench\n')
        self.assertEqual(len(list(tools.glob('bin/*'))), 5)

    def test_settings_of_the_caller_do_not_reach_the_build(self):
        status, out, err = self.run_it(DESTDIR='/nowhere', CXXFLAGS='-O0', GIT_DIR='/nowhere', LANG='de_DE.UTF-8')
        self.assertEqual(status, 0, err)
        self.assertEqual(self.run_it(), (0, out, ''))

    def test_a_folder_of_the_callers_choice(self):
        for value in str(self.folder / 'a store'), 'beside us':
            status, out, err = self.run_it(MUSTER_LLAMA=value)
            self.assertEqual(status, 0, err)
            self.assertTrue(out.startswith(str(self.folder / value) + '/llama-'), out)
        status, out, _ = self.run_it(XDG_CACHE_HOME=str(self.folder / 'cache'))
        self.assertTrue(out.startswith(str(self.folder / 'cache' / 'muster')), out)
        status, out, _ = self.run_it(XDG_CACHE_HOME='not/absolute')
        self.assertTrue(out.startswith(str(self.store)), out)

    def test_no_home(self):
        del self.env['HOME']
        self.refused(69, 'MUSTER_LLAMA')
        self.assertEqual(self.run_it(MUSTER_LLAMA=str(self.folder / 'x'))[0], 0)

    def test_usage(self):
        for args in ('--tool',), ('x',), ('--backend',), ('--backend', 'rocm'):
            self.refused(64, 'backend', *args)

    def test_find_builds_nothing(self):
        self.refused(69, 'tools/get-llama --tools does it', '--tools', '--find')
        self.assertEqual(self.calls(), [])
        self.assertFalse(self.store.exists())

    def test_what_is_missing_is_named_before_anything_is_fetched(self):
        for name in 'cmake', 'ninja', 'git', 'tar', 'npm', 'g++':
            with self.subTest(name=name):
                (self.bin / name).rename(self.folder / 'away')
                self.refused(69, f'{name} is missing')
                (self.folder / 'away').rename(self.bin / name)
                self.assertEqual(self.calls(), [])

    def test_toolchains_of_backends(self):
        self.refused(69, 'cooperative matrices', '--backend', 'vulkan', OLD_GLSLC='1')
        self.refused(69, '1.3.272', '--backend', 'vulkan', OLD_HEADERS='1')
        (self.bin / 'glslc').unlink()
        self.refused(69, 'glslc is missing', '--backend', 'vulkan')
        (self.bin / 'nvcc').unlink()
        self.refused(69, 'nvcc is missing', '--backend', 'cuda')

    def test_offline(self):
        err = self.refused(69, 'MUSTER_LLAMA_TGZ', NPM_FAILS='1')
        self.assertIn('npm ERR! network', err)
        package = self.folder / 'a copy.tgz'
        package.write_text('source')
        (self.bin / 'npm').unlink()
        for value in str(package), 'a copy.tgz':
            status, out, err = self.run_it(MUSTER_LLAMA_TGZ=value, MUSTER_LLAMA=str(self.folder / value[:3]))
            self.assertEqual(status, 0, err)
        self.assertEqual(package.read_text(), 'source')

    def test_another_package_is_refused(self):
        package = self.folder / 'other.tgz'
        package.write_text('other')
        err = self.refused(65, 'sha512', MUSTER_LLAMA_TGZ=str(package), OTHER_PACKAGE='1')
        self.assertEqual(len(err.splitlines()), 1)
        self.assertEqual(package.read_text(), 'other')
        self.refused(65, 'sha512', OTHER_PACKAGE='1')  # what was fetched goes, so that the next try fetches again
        self.assertEqual([p.name for p in self.store.iterdir()], ['lock'])
        self.refused(66, 'names no file', MUSTER_LLAMA_TGZ=str(self.folder / 'none'))
        (self.bin / 'sha512sum').unlink()  # the real one, on a package that is none
        (self.bin / 'sha512sum').symlink_to(shutil.which('sha512sum'))
        self.refused(65, 'sha512', MUSTER_LLAMA_TGZ=str(package))

    def test_a_store_that_takes_nothing(self):
        self.refused(73, 'MUSTER_LLAMA', MUSTER_LLAMA='/dev/null/store')
        status, out, err = self.run_it()
        self.assertEqual(status, 0, err)
        (self.store / 'lock').unlink()
        (self.store / 'lock').mkdir()  # nothing can be locked there, not even by root
        self.assertEqual(self.run_it(), (0, out, ''))
        status, out, err = self.run_it('--tools')
        self.assertEqual((status, out), (73, ''))
        self.assertIn('MUSTER_LLAMA', err)

    def test_a_build_that_fails(self):
        err = self.refused(70, 'the build failed', NINJA_FAILS='1')
        self.assertIn('boom', err)
        self.assertEqual(self.run_it()[0], 0)

    def test_a_full_disk(self):
        self.refused(73, 'is full', DISK_FULL='1')

    def test_a_prefix_without_its_last_step_is_made_anew(self):
        prefix = pathlib.Path(self.run_it()[1].strip())
        (prefix / 'done').unlink()
        (prefix / 'rubbish').write_text('')
        self.assertEqual(self.run_it()[0], 0)
        self.assertEqual(sorted(p.name for p in prefix.iterdir()), ['done', 'lib'])

    def waiting(self):
        gate = self.folder / 'gate'
        child = self.start(NINJA_WAITS=str(gate))
        self.until(pathlib.Path(f'{gate}.began').exists)
        pathlib.Path(f'{gate}.began').unlink()
        return child, gate

    def test_interrupted(self):
        for number in signal.SIGTERM, signal.SIGINT, signal.SIGHUP:
            with self.subTest(number):
                child, _ = self.waiting()
                child.send_signal(number)  # to the script alone: what it runs must end with it
                out, _ = child.communicate(timeout=LIMIT_S)
                self.assertEqual((child.returncode, out), (128 + number, ''))
                self.assertEqual(self.left(), [])

    def test_killed(self):
        child, gate = self.waiting()
        os.killpg(child.pid, signal.SIGKILL)
        child.communicate(timeout=LIMIT_S)
        self.assertEqual(len(self.left()), 1)  # its work folder, and no prefix
        self.assertTrue(self.left()[0].startswith('build.'))
        status, out, err = self.run_it()
        self.assertEqual(status, 0, err)
        self.assertEqual(self.left(), [pathlib.Path(out.strip()).name])

    def test_two_at_once(self):
        first, gate = self.waiting()
        second = self.start()
        line = second.stderr.readline()
        self.assertIn('another build is under way', line)
        gate.touch()
        out, err = first.communicate(timeout=LIMIT_S)
        self.assertEqual(first.returncode, 0, err)
        self.assertEqual(second.communicate(timeout=LIMIT_S)[0], out)
        self.assertEqual(second.returncode, 0)
        self.assertEqual(self.calls().count('ninja'), 1)


if __name__ == '__main__':
    unittest.main(argv=sys.argv[:1])
