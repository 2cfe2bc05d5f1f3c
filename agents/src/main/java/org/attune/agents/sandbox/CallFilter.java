package org.attune.agents.sandbox;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/// A filter of calls (seccomp) for the calling thread and what it becomes. Calls that reach
/// outside of the jail, or only matter to administrators, are refused; others pass.
final class CallFilter {
    /// Sockets, other processes, the system's settings, and memory that no limit counts.
    private static final String REFUSED =
            """
            socket io_uring_setup io_uring_enter io_uring_register
            ptrace process_vm_readv process_vm_writev kcmp pidfd_open pidfd_getfd
            process_madvise process_mrelease migrate_pages move_pages
            setpriority ioprio_set sched_setparam sched_setscheduler sched_setattr sched_setaffinity
            setpgid setsid
            shmget shmat shmctl semget msgget mq_open memfd_create memfd_secret userfaultfd
            mount umount2 pivot_root chroot unshare setns open_tree open_tree_attr move_mount
            fsopen fsconfig fsmount fspick mount_setattr
            chown lchown fchownat setxattr lsetxattr removexattr lremovexattr setxattrat
            removexattrat file_setattr name_to_handle_at open_by_handle_at fanotify_init
            bpf perf_event_open kexec_load kexec_file_load init_module finit_module delete_module
            add_key request_key keyctl reboot swapon swapoff sethostname setdomainname
            settimeofday clock_settime adjtimex clock_adjtime acct quotactl quotactl_fd syslog
            iopl ioperm modify_ldt uselib vhangup lookup_dcookie
            """;

    /// Calls that Landlock doesn't look at. They do nothing, successfully: copying a file sets the
    /// copy's rights and times, and must not fail for that.
    private static final String IDLE = "chmod fchmodat fchmodat2 utime utimes futimesat utimensat";

    /// Where Landlock doesn't keep signals inside (before version 6), none may be sent.
    private static final String SIGNALS =
            "kill tkill tgkill rt_sigqueueinfo rt_tgsigqueueinfo pidfd_send_signal";

    private static final int LOAD = 0x20; // BPF_LD | BPF_W | BPF_ABS
    private static final int EQUAL = 0x15; // BPF_JMP | BPF_JEQ | BPF_K
    private static final int AT_LEAST = 0x35; // BPF_JMP | BPF_JGE | BPF_K
    private static final int ANY_BIT = 0x45; // BPF_JMP | BPF_JSET | BPF_K
    private static final int RETURN = 0x06; // BPF_RET | BPF_K
    private static final int KILL = 0x80000000; // SECCOMP_RET_KILL_PROCESS
    private static final int ERROR = 0x00050000; // SECCOMP_RET_ERRNO
    private static final int ALLOW = 0x7FFF0000; // SECCOMP_RET_ALLOW
    private static final int NUMBER_AT = 0; // of struct seccomp_data
    private static final int MACHINE_AT = 4;
    private static final int FIRST_ARGUMENT_AT =
            16; // its lower half: both machines are little-endian
    private static final int NOT_PERMITTED = 1; // EPERM
    private static final int NO_SUCH_CALL = 38; // ENOSYS
    private static final int X32 = 0x40000000;
    private static final int NEW_NAMESPACE = 0x7E020000; // CLONE_NEW…
    private static final int THREAD = 0x00010000; // CLONE_THREAD

    private final Machine machine;
    private final List<int[]> lines = new ArrayList<>();

    private CallFilter(Machine machine) {
        this.machine = machine;
    }

    /// @throws JailException if the kernel refuses
    static void install(Kernel kernel, JailPlan plan) {
        var filter = new CallFilter(kernel.machine());
        int abi = plan.steps().contains(JailStep.LANDLOCK) ? plan.abi() : 0;
        filter.build(abi, plan.limits().mayFork());
        filter.load(kernel);
    }

    private void build(int abi, boolean mayFork) {
        add(LOAD, 0, 0, MACHINE_AT);
        add(EQUAL, 1, 0, machine.audit());
        add(RETURN, 0, 0, KILL);
        add(LOAD, 0, 0, NUMBER_AT);
        if (machine == Machine.X86_64) {
            add(AT_LEAST, 0, 1, X32);
            add(RETURN, 0, 0, ERROR | NO_SUCH_CALL);
        }
        answer(REFUSED, ERROR | NOT_PERMITTED);
        answer(IDLE, ERROR);
        if (abi < 6) {
            answer(SIGNALS, ERROR | NOT_PERMITTED);
        }
        if (abi < 3) {
            answer("truncate", ERROR | NOT_PERMITTED);
        }
        // a filter can't look behind a pointer; the C library then asks by clone
        answer("clone3", ERROR | NO_SUCH_CALL);
        if (!mayFork) {
            answer("fork vfork", ERROR | NOT_PERMITTED);
        }
        // limits of oneself only
        add(EQUAL, 0, 4, machine.number("prlimit64"));
        add(LOAD, 0, 0, FIRST_ARGUMENT_AT);
        add(EQUAL, 1, 0, 0);
        add(RETURN, 0, 0, ERROR | NOT_PERMITTED);
        add(RETURN, 0, 0, ALLOW);
        add(EQUAL, 0, mayFork ? 3 : 5, machine.number("clone"));
        add(LOAD, 0, 0, FIRST_ARGUMENT_AT);
        add(ANY_BIT, 0, 1, NEW_NAMESPACE);
        add(RETURN, 0, 0, ERROR | NOT_PERMITTED);
        if (!mayFork) {
            add(ANY_BIT, 1, 0, THREAD);
            add(RETURN, 0, 0, ERROR | NOT_PERMITTED);
        }
        add(RETURN, 0, 0, ALLOW);
    }

    private void answer(String calls, int answer) {
        for (String call : calls.strip().split("\\s+")) {
            if (machine.has(call)) {
                add(EQUAL, 0, 1, machine.number(call));
                add(RETURN, 0, 0, answer);
            }
        }
    }

    private void add(int code, int ifTrue, int ifFalse, int value) {
        lines.add(new int[] {code, ifTrue, ifFalse, value});
    }

    private void load(Kernel kernel) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment filter = arena.allocate(8L * lines.size(), 8);
            for (int i = 0; i < lines.size(); i++) {
                int[] line = lines.get(i);
                filter.set(JAVA_SHORT, 8L * i, (short) line[0]);
                filter.set(JAVA_BYTE, 8L * i + 2, (byte) line[1]);
                filter.set(JAVA_BYTE, 8L * i + 3, (byte) line[2]);
                filter.set(JAVA_INT, 8L * i + 4, line[3]);
            }
            MemorySegment program = arena.allocate(16, 8);
            program.set(JAVA_SHORT, 0, (short) lines.size());
            program.set(ADDRESS, 8, filter);
            kernel.need(JailStep.SECCOMP, "seccomp", 1, 0, program.address());
        }
    }
}
