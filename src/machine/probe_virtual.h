/* machine/probe_virtual.h - is this a virtual machine, a container, WSL? Part of probe_os, which knows the kernel's release by then. */
#pragma once
#include "machine/facts.h"
#include "machine/machine.h"

/* Sets virtual_machine, container and wsl; leaves them NULL where no evidence is seen. */
void probe_virtual(const struct looking *in, struct os_facts *os);
