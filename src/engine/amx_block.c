/* engine/amx_block.c - keeps AMX from llama.cpp, which has no switch for it alone.
 *
 * Linux gives a process the tile registers only when it asks (arch_prctl, ARCH_REQ_XCOMP_PERM; Documentation/arch/x86/xstate.rst), and
 * llama.cpp leaves AMX out where that is refused. A seccomp filter refuses it. On other architectures there is nothing to block. */
#include "engine/amx_block.h"

#if defined(__x86_64__) && defined(__linux__)

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "base/attr.h"

enum {
    REQUEST_PERMISSION = 0x1023
}; /* ARCH_REQ_XCOMP_PERM of asm/prctl.h, which is younger than some systems */

bool amx_block(struct mu_err *err)
{
    static struct sock_filter step[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 0, 5),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_arch_prctl, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[0])),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, REQUEST_PERMISSION, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EOPNOTSUPP),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const struct sock_fprog filter = {.len = COUNT_OF(step), .filter = step};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter, 0, 0) != 0) {
        err_errno(err, "cannot keep AMX from llama.cpp with a filter of system calls");
        err->code = MU_UNAVAILABLE;
        return false;
    }
    return true;
}

#else

bool amx_block(struct mu_err *err)
{
    (void)err;
    return true;
}

#endif
