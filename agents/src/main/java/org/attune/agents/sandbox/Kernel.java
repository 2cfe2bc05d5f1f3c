package org.attune.agents.sandbox;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/// Calls of Linux by name. One foreign function serves all of them, since making each costs a
/// launcher of jails time. Not thread-safe.
@SuppressWarnings("restricted")
final class Kernel {
    private static final int ERRNO_BYTES = 64;

    private final Machine machine;
    private final MethodHandle syscall;
    private final MemorySegment state = Arena.ofAuto().allocate(ERRNO_BYTES);

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
                                JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG,
                                JAVA_LONG),
                        Linker.Option.captureCallState("errno"));
    }

    Machine machine() {
        return machine;
    }

    /// What the kernel answers to a call of up to five arguments: 0 or above, or −errno.
    long call(String name, long... arguments) {
        long[] a = new long[5];
        System.arraycopy(arguments, 0, a, 0, arguments.length);
        try {
            long result =
                    (long)
                            syscall.invokeExact(
                                    state,
                                    (long) machine.number(name),
                                    a[0],
                                    a[1],
                                    a[2],
                                    a[3],
                                    a[4]);
            return result == -1 ? -state.get(JAVA_INT, 0) : result;
        } catch (Throwable e) {
            throw new IllegalStateException("syscall can't be called", e);
        }
    }

    /// As [#call], where everything but success is a failure.
    ///
    /// @throws JailException if the kernel refuses
    long need(JailStep step, String name, long... arguments) {
        long result = call(name, arguments);
        if (result < 0) {
            throw new JailException(step, "%s: errno %d".formatted(name, -result));
        }
        return result;
    }

    /// The version of Landlock's interface, 0 if there is none.
    int landlockAbi() {
        return (int) Math.max(0, call("landlock_create_ruleset", 0, 0, 1));
    }

    /// Ends all processes of a group, at once.
    ///
    /// @return whether there were any
    boolean killGroup(long group) {
        return call("kill", -group, 9) == 0;
    }
}
