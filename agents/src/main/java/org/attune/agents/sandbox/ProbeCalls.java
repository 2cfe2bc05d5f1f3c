package org.attune.agents.sandbox;

/// Calls that should fail in a jail, of each kind. One that doesn't tells `KIND: how`.
final class ProbeCalls {
    private static final long CURRENT_FOLDER = -100; // AT_FDCWD
    private static final int WRITE = 1; // O_…, equal on both machines
    private static final int CREATE = 0x40;
    private static final int APPEND = 0x400;
    private static final int READ_WRITE = 2;
    private static final int TRACE = 16; // PTRACE_ATTACH
    private static final int KILL = 9;

    private ProbeCalls() {}

    private static void attempt(
            JailCalls calls, Guarantee what, String how, String name, Object... arguments) {
        calls.attempt("%s: %s\n".formatted(what.key(), how), name, arguments);
    }

    static void files(JailCalls calls, String outside) {
        String secret = outside + "/secret";
        open(calls, "reads", secret, 0);
        open(calls, "writes", secret, WRITE);
        open(calls, "appends", secret, WRITE | APPEND);
        open(calls, "makes", outside + "/made", WRITE | CREATE);
        open(calls, "lists", outside, 0);
        calls.may("symlinkat", secret, CURRENT_FOLDER, "link");
        open(calls, "follows links", "link", 0);
        path(calls, "makes folders", "mkdirat", outside + "/folder", 0777);
        path(calls, "deletes", "unlinkat", secret, 0);
        path(calls, "links", "linkat", secret, CURRENT_FOLDER, "inside", 0);
        path(calls, "moves", "renameat2", secret, CURRENT_FOLDER, "inside", 0);
        // may succeed without doing anything: who asked looks at the rights afterwards
        calls.may("fchmodat", CURRENT_FOLDER, secret, 0777);
    }

    private static void open(JailCalls calls, String how, String path, int flags) {
        path(calls, how, "openat", path, flags, 0777);
    }

    private static void path(JailCalls calls, String how, String name, Object... arguments) {
        Object[] all = new Object[arguments.length + 1];
        all[0] = CURRENT_FOLDER;
        System.arraycopy(arguments, 0, all, 1, arguments.length);
        attempt(calls, Guarantee.FILES, how, name, all);
    }

    static void network(JailCalls calls) {
        String[] families = {"local", "internet"};
        for (int family = 1; family <= families.length; family++) {
            for (int type = 1; type <= 3; type++) {
                String how = "opens %s sockets of type %d".formatted(families[family - 1], type);
                attempt(calls, Guarantee.NETWORK, how, "socket", family, type, 0);
            }
        }
        var pair = calls.list().longs(0);
        attempt(calls, Guarantee.NETWORK, "opens datagrams", "socketpair", 1, 2, 0, pair);
    }

    static void processes(JailCalls calls, long victim) {
        attempt(calls, Guarantee.PROCESSES, "traces", "ptrace", TRACE, victim, 0, 0);
        attempt(calls, Guarantee.PROCESSES, "reaches other processes", "kill", victim, 0);
        // who asked looks whether it is still there
        calls.may("kill", victim, KILL);
    }

    static void memory(JailCalls calls, long limit) {
        attempt(
                calls,
                Guarantee.MEMORY,
                "takes " + (limit >> 20) + " MiB",
                "mmap",
                0,
                limit,
                3, // PROT_READ | PROT_WRITE
                0x22, // MAP_PRIVATE | MAP_ANONYMOUS
                -1,
                0);
        attempt(calls, Guarantee.MEMORY, "makes memory files", "memfd_create", "x", 0);
    }

    /// A file that is deleted takes its place until it is closed.
    static void disk(JailCalls calls, long limit) {
        for (int i = 0; i < 2; i++) {
            String how = "takes more than its files";
            var file = calls.may("openat", CURRENT_FOLDER, "large", CREATE | READ_WRITE, 0777);
            calls.may("unlinkat", CURRENT_FOLDER, "large", 0);
            long bytes = limit * 6 / 10;
            if (i == 0) {
                calls.may("fallocate", file.result(), 0, 0, bytes);
            } else {
                attempt(calls, Guarantee.DISK, how, "fallocate", file.result(), 0, 0, bytes);
            }
        }
    }
}
