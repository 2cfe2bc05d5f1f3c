package org.attune.agents.sandbox;

import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;

/// How a program is put into its jail: which steps are taken, in which order, within which limits.
///
/// @param steps to take
/// @param abi version of Landlock's interface
/// @param work the folder that may be written, and where the program starts
/// @param read files and folders that may be read; those that don't exist are passed over
/// @param code a file to be read, if there is one
/// @param limits of each process
record JailPlan(
        Set<JailStep> steps,
        int abi,
        WorkFolder work,
        List<String> read,
        Optional<SourceFile> code,
        Limits limits) {
    private static final int DIE_WITH_PARENT = 1; // PR_SET_PDEATHSIG
    private static final int SET_DUMPABLE = 4; // PR_SET_DUMPABLE
    private static final int NAME = 15; // PR_SET_NAME
    private static final int KILL = 9;
    private static final long LAST_DESCRIPTOR = 0xFFFFFFFFL;
    private static final int CLOSE_ON_EXEC = 4; // CLOSE_RANGE_CLOEXEC
    private static final long CURRENT_FOLDER = -100; // AT_FDCWD
    private static final int PIPE_CLOSES = 0x80000; // O_CLOEXEC
    private static final int WRITE = 0x80001; // O_WRONLY | O_CLOEXEC

    /// Limits that the kernel keeps for each process.
    ///
    /// @param memory bytes of data
    /// @param addresses bytes of addresses, at least `memory`
    /// @param fileBytes of one file
    /// @param seconds of processor time
    /// @param tasks processes and threads that its user may have
    /// @param mayFork whether it may start processes
    record Limits(
            long memory,
            long addresses,
            long fileBytes,
            long seconds,
            long tasks,
            boolean mayFork) {
        private static final int CPU = 0; // RLIMIT_…, equal on both machines
        private static final int FILE_BYTES = 1;
        private static final int DATA = 2;
        private static final int CORE = 4;
        private static final int TASKS = 6;
        private static final int FILES = 7;
        private static final int LOCKED = 8;
        private static final int ADDRESSES = 9;
        private static final int SIGNALS = 11;
        private static final int MESSAGES = 12;
        private static final int MOST_FILES = 256;
        private static final int MOST_SIGNALS = 1024;

        private void set(JailCalls calls) {
            set(calls, JailStep.LIMITS, CPU, seconds);
            set(calls, JailStep.LIMITS, FILE_BYTES, fileBytes);
            set(calls, JailStep.LIMITS, CORE, 0);
            set(calls, JailStep.LIMITS, FILES, MOST_FILES);
            set(calls, JailStep.LIMITS, LOCKED, 0);
            set(calls, JailStep.LIMITS, SIGNALS, MOST_SIGNALS);
            set(calls, JailStep.LIMITS, MESSAGES, 0);
            set(calls, JailStep.LIMITS, DATA, memory);
            set(calls, JailStep.LIMITS, ADDRESSES, addresses);
        }

        private void setTasks(JailCalls calls) {
            set(calls, JailStep.TASKS, TASKS, tasks);
        }

        private static void set(JailCalls calls, JailStep step, int what, long value) {
            calls.need(step, "prlimit64", 0, what, calls.list().longs(value, value), 0);
        }
    }

    /// All calls, the last of which the program in its jail makes.
    JailCalls calls(Machine machine, Consumer<JailCalls> last) {
        var calls = new JailCalls(new CallList(machine));
        dieWithParent(calls);
        calls.may("prctl", NAME, "attune-jail");
        killedFirst(calls);
        work.spaces().ifPresent(spaces -> enter(calls, spaces));
        if (has(JailStep.SESSION)) {
            calls.need(JailStep.SESSION, "setsid");
        }
        calls.need(JailStep.EXEC, "chdir", work.path().toString());
        if (work.spaces().isEmpty() && has(JailStep.PRIVILEGES)) {
            JailUser.dropPrivileges(calls);
        }
        if (has(JailStep.LIMITS)) {
            limits.set(calls);
        }
        if (has(JailStep.TASKS)) {
            limits.setTasks(calls);
        }
        if (has(JailStep.LANDLOCK)) {
            landlock(calls);
        }
        // both outputs go into one
        calls.need(JailStep.EXEC, "dup3", 1, 2, 0);
        // whatever is open ends with the program's start
        calls.may("close_range", 3, LAST_DESCRIPTOR, CLOSE_ON_EXEC);
        if (has(JailStep.SECCOMP)) {
            CallFilter.install(calls, rules());
        }
        last.accept(calls);
        calls.finish();
        return calls;
    }

    private boolean has(JailStep step) {
        return steps.contains(step);
    }

    /// The thread that started this process lives as long as the sandbox.
    private static void dieWithParent(JailCalls calls) {
        calls.need(JailStep.EXEC, "prctl", DIE_WITH_PARENT, KILL);
    }

    /// Where memory is short the kernel ends this process before the one that trains.
    private static void killedFirst(JailCalls calls) {
        var file = calls.may("openat", CURRENT_FOLDER, "/proc/self/oom_score_adj", WRITE);
        calls.may("write", file.result(), "1000", 4);
        calls.may("close", file.result());
    }

    /// Three processes: one that was started, in which nothing else happens; the first of the
    /// namespace of processes, with which all others end; and the program.
    private void enter(JailCalls calls, Spaces spaces) {
        spaces.enter(calls);
        calls.need(JailStep.NAMESPACES, "unshare", Namespaces.NEW_PROCESSES | Namespaces.NEW_FILES);
        var pipe = calls.list().longs(0, 0, 0);
        calls.need(JailStep.NAMESPACES, "pipe2", pipe, PIPE_CLOSES);
        calls.inNewProcess(JailStep.NAMESPACES);
        calls.may("close", pipe.at(Integer.BYTES));
        Namespaces.processes(calls);
        code.ifPresent(file -> Namespaces.code(calls, file));
        spaces.user().become(calls);
        // the program may neither read nor change what watches it
        calls.need(JailStep.NAMESPACES, "prctl", SET_DUMPABLE, 0);
        dieWithParent(calls);
        calls.endIfClosed(pipe.at(0));
        calls.inWatchedProcess(JailStep.NAMESPACES);
    }

    private void landlock(JailCalls calls) {
        var landlock = new Landlock(calls, abi);
        landlock.read(read);
        if (work.spaces().isPresent()) {
            landlock.list("/"); // there is only what the program may see
            Namespaces.WRITABLE.forEach(landlock::write);
            landlock.readFolder(Namespaces.CODE);
            landlock.readFolder(Namespaces.PROCESSES);
        } else {
            landlock.write(work.path().toString());
            landlock.readFolder(work.code().toString());
        }
        landlock.restrict();
    }

    private List<CallRule> rules() {
        int keeps = has(JailStep.LANDLOCK) ? abi : 0;
        return CallRules.of(
                work.spaces().isPresent(),
                keeps >= Landlock.KEEPS_SIGNALS,
                keeps >= Landlock.KEEPS_TRUNCATE,
                limits);
    }
}
