package org.attune.tensor;

/// Grad mode of the engine thread. It is off unless switched on.
public final class Autograd {
    private static long passes;

    private Autograd() {}

    /// Backward passes so far: a leaf made since the last one has no gradient.
    public static long passes() {
        return passes;
    }

    static void countPass() {
        passes++;
    }

    /// Records operations until the result is closed.
    public static Mode enabled() {
        Engine.requireEngineThread();
        boolean before = Libtorch.gradMode();
        Libtorch.setGradMode(true);
        return () -> Libtorch.setGradMode(before);
    }

    /// Ends a change of mode.
    public interface Mode extends AutoCloseable {
        @Override
        void close();
    }
}
