package org.attune.tensor;

/// Grad mode of the engine thread. It is off unless switched on.
public final class Autograd {
    private Autograd() {}

    /// Records operations until the result is closed.
    public static Mode enabled() {
        return switchTo(true);
    }

    /// Stops recording until the result is closed.
    public static Mode disabled() {
        return switchTo(false);
    }

    private static Mode switchTo(boolean on) {
        Engine.requireEngineThread();
        boolean before = Libtorch.gradMode();
        Libtorch.setGradMode(on);
        return () -> Libtorch.setGradMode(before);
    }

    /// Ends a change of mode.
    public interface Mode extends AutoCloseable {
        @Override
        void close();
    }
}
