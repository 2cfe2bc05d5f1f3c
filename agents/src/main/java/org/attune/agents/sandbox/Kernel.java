package org.attune.agents.sandbox;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/// The few calls of Linux that this process makes itself. Thread-safe.
@SuppressWarnings("restricted")
final class Kernel {
    private static final int ERRNO_BYTES = 64;
    private static final long CURRENT_FOLDER = -100; // AT_FDCWD
    private static final int CLOSE_ON_EXEC = 0x80000; // O_CLOEXEC
    private static final int KILL = 9;

    private final Machine machine;
    private final MethodHandle syscall;
    private final MemorySegment state = Arena.ofAuto().allocate(ERRNO_BYTES); // guarded by this

    /// @throws IllegalStateException if the C library has no `syscall`
    Kernel(Machine machine) {
        this.machine = machine;
        var linker = Linker.nativeLinker();
        this.syscall =
                linker.downcallHandle(
                        linker.defaultLookup()
                                .find("syscall")
                                .orElseThrow(
                                        () ->
                                                new IllegalStateException(
                                                        "the C library has no function syscall")),
                        FunctionDescriptor.of(
                                JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG),
                        Linker.Option.captureCallState("errno"));
    }

    Machine machine() {
        return machine;
    }

    /// What the kernel answers to a call of up to four arguments: 0 or above, or −errno.
    private synchronized long call(String name, long... arguments) {
        long[] a = new long[4];
        System.arraycopy(arguments, 0, a, 0, arguments.length);
        try {
            long result =
                    (long)
                            syscall.invokeExact(
                                    state, (long) machine.number(name), a[0], a[1], a[2], a[3]);
            return result == -1 ? -state.get(JAVA_INT, 0) : result;
        } catch (Throwable e) {
            throw new IllegalStateException("syscall can't be called", e);
        }
    }

    private long need(String name, long... arguments) throws IOException {
        long result = call(name, arguments);
        if (result < 0) {
            throw new IOException("%s: errno %d".formatted(name, -result));
        }
        return result;
    }

    /// The version of Landlock's interface, 0 if there is none.
    int landlockAbi() {
        return (int) Math.max(0, call("landlock_create_ruleset", 0, 0, 1));
    }

    /// Opens a file to be held, and no more.
    ///
    /// @return its descriptor
    long open(String path) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            return need(
                    "openat", CURRENT_FOLDER, arena.allocateFrom(path).address(), CLOSE_ON_EXEC);
        }
    }

    /// Makes a file without a name.
    ///
    /// @return its descriptor
    long memoryFile(String name, int flags, byte[] content) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            long file = need("memfd_create", arena.allocateFrom(name).address(), flags);
            MemorySegment bytes = arena.allocateFrom(JAVA_BYTE, content);
            if (call("write", file, bytes.address(), content.length) != content.length) {
                close(file);
                throw new IOException("a file without a name can't be written");
            }
            return file;
        }
    }

    void close(long descriptor) {
        call("close", descriptor);
    }

    /// Ends all processes of a group, at once.
    void killGroup(long group) {
        call("kill", -group, KILL);
    }
}
