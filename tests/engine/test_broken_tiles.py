#!/usr/bin/python3
"""Matrix tiles that do not work here: whatever asks the engine afterwards tells it to leave them alone, measured or not, kept or not.

test_broken_tiles.py MUSTER ENGINE SOURCE_ROOT
"""
import json
import pathlib
import re
import subprocess

import small_model
from trying import ENGINE, Trying, main


class BrokenTiles(Trying):
    models = {"decoder": small_model.decoder(3, 64, 4), "encoder": small_model.encoder(2, 64, 4)}

    def setUp(self):
        """One engine for all: another one, even alike, would be checked anew. It measures one thing only, and that beforehand."""
        super().setUp()
        memory = pathlib.Path(self.folder) / "memory"
        request = json.dumps({"threads": 1, "bytes": 32 << 20, "seconds": 0.02})
        memory.write_text(subprocess.run([ENGINE, "memory"], input=request, capture_output=True, text=True, check=True).stdout)
        self.log = pathlib.Path(self.folder) / "asked"
        self.engine = self.script(f'echo "$*" >>{self.log}\n[ "$*" = amx ] && kill -ILL $$\n'
                                  f'[ $1 = memory ] && exec cat {memory}\ncase $1 in gemm|kernels|guide|disk) exit 70; esac\n'
                                  f'exec {ENGINE} "$@"')

    def asked(self, *words):
        """The tests that the engine was asked for, each with its options; the tiles trap in the first."""
        done = self.muster(*words, engine=self.engine, home=self.folder)
        self.assertEqual(done.returncode, 0, done.stderr)
        if tiles:
            self.assertIn("AMX does not work here", done.stdout)
        lines = self.log.read_text().splitlines()
        self.log.unlink()
        return lines

    def test_all_that_asks(self):
        option = " --no-amx" if tiles else ""
        capture = ["--kind", "hidden-states", "--tokens", "16"]
        check = ["amx", "amx --no-amx"] if tiles else []
        model, encoder = self.model["decoder"], self.model["encoder"]
        self.assertEqual(self.asked("trial", model, *capture, "--to", "a"), [*check, "capture" + option])
        self.assertEqual(self.asked("trial", encoder, "--kind", "embed"), [*check, "embed" + option])
        self.assertEqual(self.asked("measure")[:len(check) + 1], [*check, "memory" + option])
        # Now it is known, and said again.
        self.assertEqual(self.asked("trial", model, *capture, "--to", "b"), ["capture" + option])
        self.assertEqual(self.asked("trial", encoder, "--kind", "embed"), ["embed" + option])
        self.assertEqual(self.asked("fit", model, "--exact", "--quick"), ["exact" + option])
        self.assertEqual(self.asked("trial", model, "--quick", "--tokens", "2", "--prompt", "8"), ["trial" + option])


# The kernel spells the features amx_int8 and so on.
tiles = re.search(r"\bamx_", pathlib.Path("/proc/cpuinfo").read_text()) is not None
if __name__ == "__main__":
    main()
