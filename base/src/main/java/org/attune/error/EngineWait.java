package org.attune.error;

import java.util.function.Supplier;

/// Says which work the engine thread waits for: its own, and what it hands to other threads. Those
/// can't use the engine, or both would wait for ever. Code that hands work on passes [#isOn] to the
/// other thread, as with [StopRequest].
public final class EngineWait {
    private static final ScopedValue<Boolean> ON = ScopedValue.newInstance();

    private EngineWait() {}

    /// Whether the engine thread waits for this thread's work, or is this thread.
    public static boolean isOn() {
        return ON.orElse(false);
    }

    /// Does work for which the engine thread waits, or doesn't.
    public static <T> T over(boolean waits, Supplier<T> work) {
        return ScopedValue.where(ON, waits).call(work::get);
    }
}
