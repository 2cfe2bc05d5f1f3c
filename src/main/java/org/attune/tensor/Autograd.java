package org.attune.tensor;

/// Grad mode of the engine thread. It is off unless switched on.
public final class Autograd {
    private Autograd() {}

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
