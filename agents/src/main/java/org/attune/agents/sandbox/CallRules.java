package org.attune.agents.sandbox;

import static org.attune.agents.sandbox.CallFilter.NOT_PERMITTED;
import static org.attune.agents.sandbox.CallFilter.NO_SUCH_CALL;

import java.util.ArrayList;
import java.util.List;

/// Which calls programs may make. What is not here is refused.
final class CallRules {
    private static final String ON_FILES =
            """
            read write pread64 pwrite64 readv writev preadv pwritev preadv2 pwritev2 lseek
            open openat creat close close_range dup dup2 dup3 pipe pipe2
            stat fstat lstat newfstatat statx statfs fstatfs access faccessat faccessat2
            getdents getdents64 getcwd chdir fchdir umask readlink readlinkat
            rename renameat renameat2 mkdir mkdirat rmdir link linkat unlink unlinkat
            symlink symlinkat ftruncate fallocate fsync fdatasync sync_file_range
            fadvise64 readahead sendfile copy_file_range splice tee
            getxattr lgetxattr fgetxattr listxattr llistxattr flistxattr
            poll ppoll select pselect6 epoll_create epoll_create1 epoll_ctl epoll_wait
            epoll_pwait epoll_pwait2 eventfd eventfd2 signalfd signalfd4
            timerfd_create timerfd_settime timerfd_gettime
            """;

    private static final String ON_MEMORY =
            "mmap mprotect munmap mremap msync mincore brk membarrier get_mempolicy";

    private static final String ON_ITSELF =
            """
            execve execveat exit exit_group wait4 waitid restart_syscall
            getpid getppid gettid getpgid getpgrp getsid getuid geteuid getgid getegid
            getresuid getresgid getgroups capget uname sysinfo getrusage times getrandom getcpu
            getrlimit setrlimit getpriority set_tid_address set_robust_list get_robust_list
            futex futex_waitv rseq sched_yield sched_getaffinity sched_getparam
            sched_getscheduler sched_getattr sched_get_priority_max sched_get_priority_min
            sched_rr_get_interval pause alarm getitimer setitimer
            rt_sigaction rt_sigprocmask rt_sigreturn rt_sigsuspend rt_sigpending
            rt_sigtimedwait sigaltstack
            time gettimeofday clock_gettime clock_getres clock_nanosleep nanosleep
            timer_create timer_settime timer_gettime timer_getoverrun timer_delete
            """;

    /// Calls on a pair of sockets; any other socket has no way to come about.
    private static final String ON_SOCKETS =
            "recvfrom recvmsg sendto sendmsg shutdown getsockname getpeername getsockopt";

    private static final String SIGNALS = "kill tkill tgkill rt_sigqueueinfo rt_tgsigqueueinfo";
    private static final String GROUPS = "setpgid setsid sched_setaffinity";
    private static final String RIGHTS_AND_TIMES =
            "chmod fchmod fchmodat fchmodat2 utime utimes futimesat utimensat";
    private static final String OWNERS = "chown fchown lchown fchownat";
    private static final String NOTES =
            "setxattr lsetxattr fsetxattr removexattr lremovexattr fremovexattr";

    private static final int NOT_SUPPORTED = 95; // EOPNOTSUPP
    private static final int NO_TERMINAL = 25; // ENOTTY
    private static final int INVALID = 22; // EINVAL

    /// CLONE_VM, FS, FILES, SIGHAND, VFORK, THREAD, SYSVSEM, SETTLS, PARENT_SETTID, CHILD_CLEARTID,
    /// DETACHED, CHILD_SETTID, and the signal at the end.
    private static final int PROCESS = 0x017D4FFF;

    private static final int SHARED_MEMORY = 0x21; // MAP_SHARED | MAP_ANONYMOUS
    private static final int SIGNAL = 0xFF; // CSIGNAL
    private static final int THREAD = 0x00010000; // CLONE_THREAD
    private static final int KIND_OF_FILE = 0xF000; // S_IFMT
    private static final int KIND_OF_SOCKET = 0xF;

    private CallRules() {}

    /// @param isAlone whether the program sees files and processes of its episode only
    /// @param keepsSignals whether the kernel keeps its signals inside
    /// @param keepsTruncate whether the kernel looks at `truncate`
    /// @param limits of it, some of which the kernel doesn't keep by itself
    static List<CallRule> of(
            boolean isAlone, boolean keepsSignals, boolean keepsTruncate, JailPlan.Limits limits) {
        List<CallRule> rules = new ArrayList<>();
        if (limits.memory() < limits.addresses()) {
            // memory that is shared and of no file is in no other limit
            rules.add(CallRule.checked("mmap").withBits(3, SHARED_MEMORY, 0, 1, 0x20));
        }
        rules.addAll(CallRule.pass(ON_FILES));
        rules.addAll(CallRule.pass(ON_MEMORY));
        rules.addAll(CallRule.pass(ON_ITSELF));
        rules.addAll(CallRule.pass(ON_SOCKETS));
        rules.addAll(checked());
        rules.addAll(ofProcess());
        if (isAlone) {
            rules.addAll(CallRule.pass(GROUPS + " " + RIGHTS_AND_TIMES + " " + OWNERS));
        } else {
            // copying a file sets the copy's rights and times, and must not fail for that
            rules.addAll(CallRule.answer(RIGHTS_AND_TIMES, 0));
        }
        if (isAlone || keepsSignals) {
            rules.addAll(CallRule.pass(SIGNALS));
        }
        if (isAlone || keepsTruncate) {
            rules.addAll(CallRule.pass("truncate"));
        }
        rules.addAll(CallRule.answer(NOTES, NOT_SUPPORTED));
        rules.addAll(CallRule.answer("sync syncfs", 0));
        // programs then do without, where they don't know another reason
        rules.addAll(CallRule.answer("flock io_setup", NO_SUCH_CALL));
        CallRule clone =
                CallRule.checked("clone")
                        .withBits(0, ~PROCESS, 0)
                        .withBits(0, SIGNAL, 0, 17); // SIGCHLD
        rules.add(limits.mayFork() ? clone : clone.withBits(0, THREAD, THREAD));
        if (limits.mayFork()) {
            rules.addAll(CallRule.pass("fork vfork"));
        }
        return rules;
    }

    private static List<CallRule> checked() {
        return List.of(
                CallRule.checked("socketpair")
                        .with(0, NOT_PERMITTED, 1) // AF_UNIX
                        .withBits(1, KIND_OF_SOCKET, 1), // SOCK_STREAM
                // TCGETS TIOCGPGRP TIOCGWINSZ FIONREAD FIONBIO FIONCLEX FIOCLEX
                CallRule.checked("ioctl")
                        .with(
                                1,
                                NO_TERMINAL,
                                0x5401,
                                0x540F,
                                0x5413,
                                0x541B,
                                0x5421,
                                0x5450,
                                0x5451),
                // copies, flags, locks of records, sizes of pipes
                CallRule.checked("fcntl")
                        .with(1, INVALID, 0, 1, 2, 3, 4, 5, 6, 7, 36, 37, 38, 1030, 1032),
                // names, time of death, dumps, slack, huge pages, names of memory
                CallRule.checked("prctl")
                        .with(
                                0,
                                INVALID,
                                1,
                                2,
                                3,
                                4,
                                15,
                                16,
                                21,
                                23,
                                29,
                                30,
                                38,
                                39,
                                41,
                                42,
                                0x53564D41),
                CallRule.checked("arch_prctl")
                        .with(0, INVALID, 0x1001, 0x1002, 0x1003, 0x1004, 0x3001),
                CallRule.checked("madvise")
                        .with(
                                2, INVALID, 0, 1, 2, 3, 4, 8, 9, 10, 11, 14, 15, 16, 17, 18, 19, 20,
                                21, 22, 23, 25),
                CallRule.checked("personality").with(0, NOT_PERMITTED, -1, 0),
                // files and FIFOs: no devices, no sockets
                CallRule.checked("mknod").withBits(1, KIND_OF_FILE, 0, 0x8000, 0x1000),
                CallRule.checked("mknodat").withBits(2, KIND_OF_FILE, 0, 0x8000, 0x1000));
    }

    /// What a program may set of its process.
    private static List<CallRule> ofProcess() {
        return List.of(
                // the effective user alone: some that start programs make it the real one
                CallRule.checked("setresuid").with(0, NOT_PERMITTED, -1).with(2, NOT_PERMITTED, -1),
                CallRule.checked("setresgid").with(0, NOT_PERMITTED, -1).with(2, NOT_PERMITTED, -1),
                // its own priority, 0 or less urgent
                CallRule.checked("setpriority")
                        .with(0, NOT_PERMITTED, 0) // PRIO_PROCESS
                        .with(1, NOT_PERMITTED, 0)
                        .withBits(2, ~63, 0),
                // its own limits only
                CallRule.checked("prlimit64").with(0, NOT_PERMITTED, 0));
    }
}
