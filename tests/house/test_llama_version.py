#!/usr/bin/python3
"""An installed llama.cpp that is older than what we are written for is refused when the build is set up, and named; where llama.cpp is
not insisted on, it is left out.

test_llama_version.py SOURCE_ROOT
"""
import pathlib
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(sys.argv[1]).resolve()
CONFIG = 'add_library(llama INTERFACE IMPORTED)\nset(llama_FOUND TRUE)\n'
VERSION = 'set(PACKAGE_VERSION "0.4.9")\nset(PACKAGE_VERSION_COMPATIBLE TRUE)\n'


class Version(unittest.TestCase):
    def setup(self, *options):
        with tempfile.TemporaryDirectory() as folder:
            cmake = pathlib.Path(folder) / 'prefix' / 'lib' / 'cmake' / 'llama'
            cmake.mkdir(parents=True)
            (cmake / 'llama-config.cmake').write_text(CONFIG)
            (cmake / 'llama-config-version.cmake').write_text(VERSION)
            done = subprocess.run(['meson', 'setup', f'{folder}/build', str(ROOT), f'-Dcmake_prefix_path={folder}/prefix', *options],
                                  capture_output=True, text=True, timeout=100)
        return done.returncode, done.stdout + done.stderr

    def test_too_old(self):
        status, talk = self.setup('-Dllama=enabled')
        self.assertNotEqual(status, 0)
        self.assertRegex(talk, r"ERROR: .*0\.5\.0.*0\.4\.9")

    def test_too_old_and_not_insisted_on(self):
        status, talk = self.setup('-Dllama=auto')
        self.assertEqual(status, 0, talk)
        self.assertIn('llama found: NO found 0.4.9', talk)

    def test_a_backend_needs_llama(self):
        status, talk = self.setup('-Dllama=disabled', '-Dengine_backends=vulkan')
        self.assertNotEqual(status, 0)
        self.assertIn('engine_backends needs llama.cpp', talk)


if __name__ == '__main__':
    unittest.main(argv=sys.argv[:1])
