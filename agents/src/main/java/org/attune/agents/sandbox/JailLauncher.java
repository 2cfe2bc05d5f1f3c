package org.attune.agents.sandbox;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.io.DataInputStream;
import java.io.FileDescriptor;
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/// A small JVM that reads a [JailPlan] from its input, restricts itself, and becomes the program
/// (`execve`). Knows nothing but the JDK. Everything happens on one thread, whose restrictions are
/// those of the program.
final class JailLauncher {
    private static final int SET_NO_NEW_PRIVS = 38;
    private static final int SET_PARENT_DEATH_SIGNAL = 1;
    private static final int DROP_FROM_BOUNDING_SET = 24;
    private static final int CAPABILITY_VERSION = 0x20080522;
    private static final int CLOSE_ON_EXEC = 4; // CLOSE_RANGE_CLOEXEC
    private static final long LAST_DESCRIPTOR = 0xFFFFFFFFL;
    private static final int KILL = 9;
    private static final int CPU = 0; // RLIMIT_…, equal on both machines
    private static final int FILE_BYTES = 1;
    private static final int DATA = 2;
    private static final int CORE = 4;
    private static final int TASKS = 6;
    private static final int FILES = 7;
    private static final int ADDRESSES = 9;
    private static final int MOST_FILES = 256;
    private static final int CAPABILITIES = 64;

    private final Kernel kernel;
    private final JailPlan plan;

    private JailLauncher(Kernel kernel, JailPlan plan) {
        this.kernel = kernel;
        this.plan = plan;
    }

    /// Prints a line that begins with the plan's mark if the program can't be started.
    ///
    /// @param args none
    public static void main(String[] args) throws IOException {
        var kernel = new Kernel(Machine.here().orElseThrow());
        kernel.landlockAbi(); // so that a waiting launcher has made its first call
        JailPlan plan;
        try (var in = new FileInputStream(FileDescriptor.in)) {
            plan = JailPlan.read(new DataInputStream(in));
            try {
                new JailLauncher(kernel, plan).become();
            } catch (JailException e) {
                report(plan, e.step(), e.getMessage());
            } catch (RuntimeException | IOException e) {
                report(plan, JailStep.EXEC, e.toString());
            }
        }
    }

    private static void report(JailPlan plan, JailStep step, String message) {
        var out =
                new PrintStream(
                        new FileOutputStream(FileDescriptor.out), true, StandardCharsets.UTF_8);
        out.print(plan.mark() + " " + step + " " + message + "\n");
        out.flush();
    }

    private void become() throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment program = arena.allocateFrom(plan.command().getFirst());
            MemorySegment arguments = texts(arena, plan.command());
            MemorySegment environment = texts(arena, plan.environment());
            kernel.need(JailStep.EXEC, "chdir", arena.allocateFrom(plan.work()).address());
            begin(arena);
            MemorySegment limits = arena.allocate(16);
            if (plan.steps().contains(JailStep.LIMITS)) {
                limit(limits, CPU, plan.limits().seconds());
                limit(limits, FILE_BYTES, plan.limits().fileBytes());
                limit(limits, CORE, 0);
                limit(limits, FILES, MOST_FILES);
            }
            if (plan.steps().contains(JailStep.LANDLOCK)) {
                new Landlock(kernel, plan.abi()).restrict(plan);
            }
            if (plan.steps().contains(JailStep.SECCOMP)) {
                CallFilter.install(kernel, plan);
            }
            if (plan.steps().contains(JailStep.LIMITS)) { // the JVM itself takes more
                limit(limits, DATA, plan.limits().memory());
                limit(limits, ADDRESSES, plan.limits().addresses());
            }
            if (plan.steps().contains(JailStep.TASKS)) {
                limit(JailStep.TASKS, limits, TASKS, plan.limits().tasks());
            }
            // as late as possible, since other threads of this JVM open files too
            kernel.call("close_range", 3, LAST_DESCRIPTOR, CLOSE_ON_EXEC);
            kernel.need(
                    JailStep.EXEC,
                    "execve",
                    program.address(),
                    arguments.address(),
                    environment.address());
        }
    }

    private void begin(Arena arena) {
        kernel.call("prctl", SET_PARENT_DEATH_SIGNAL, KILL);
        killedFirst();
        if (plan.steps().contains(JailStep.SESSION)) {
            kernel.need(JailStep.SESSION, "setsid");
        }
        if (plan.steps().contains(JailStep.PRIVILEGES)) {
            kernel.need(JailStep.PRIVILEGES, "prctl", SET_NO_NEW_PRIVS, 1);
            for (int i = 0; i < CAPABILITIES; i++) {
                // others than root have nothing to lose, and are refused
                kernel.call("prctl", DROP_FROM_BOUNDING_SET, i);
            }
            MemorySegment header = arena.allocate(8);
            header.set(JAVA_INT, 0, CAPABILITY_VERSION);
            kernel.need(
                    JailStep.PRIVILEGES, "capset", header.address(), arena.allocate(24).address());
        }
    }

    /// Where memory is short the kernel ends this process before the one that trains.
    private static void killedFirst() {
        try {
            Files.writeString(Path.of("/proc/self/oom_score_adj"), "1000");
        } catch (IOException e) {
            return; // no such file here: nothing is promised of it
        }
    }

    private void limit(MemorySegment pair, int what, long value) {
        limit(JailStep.LIMITS, pair, what, value);
    }

    private void limit(JailStep step, MemorySegment pair, int what, long value) {
        pair.set(JAVA_LONG, 0, value);
        pair.set(JAVA_LONG, 8, value);
        kernel.need(step, "prlimit64", 0, what, pair.address(), 0);
    }

    private static MemorySegment texts(Arena arena, List<String> texts) {
        MemorySegment all = arena.allocate(ADDRESS, texts.size() + 1L);
        for (int i = 0; i < texts.size(); i++) {
            all.setAtIndex(ADDRESS, i, arena.allocateFrom(texts.get(i)));
        }
        all.setAtIndex(ADDRESS, texts.size(), MemorySegment.NULL);
        return all;
    }
}
