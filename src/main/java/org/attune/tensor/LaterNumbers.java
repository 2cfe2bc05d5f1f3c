package org.attune.tensor;

import java.lang.foreign.ValueLayout;
import java.util.Optional;

/// A few numbers that a GPU computes and the host looks at later: nobody waits for them, if the
/// host has waited for something else in between. Without pinned memory, which libtorch has from
/// 2.11 on, sending them waits. On the engine thread.
public final class LaterNumbers {
    /// How often the host has waited for a GPU.
    private static long waits;

    private final Tensor there;
    private final Tensor here;
    private final boolean pinned;
    private long sentAt;

    private LaterNumbers(Tensor there, Tensor here, boolean pinned) {
        this.there = there;
        this.here = here;
        this.pinned = pinned;
    }

    /// Memory for `count` numbers, in the current scope.
    ///
    /// @param device a GPU
    public static LaterNumbers on(Device device, int count) {
        Engine.requireEngineThread();
        long[] shape = {count};
        Optional<Tensor> pinned = Uploads.pinned(device, DType.FLOAT64, shape);
        Tensor here = pinned.orElseGet(() -> Tensor.empty(Device.cpu(), DType.FLOAT64, shape));
        Tensor there = Tensor.empty(device, DType.FLOAT64, shape);
        return new LaterNumbers(there, here, pinned.isPresent());
    }

    /// Counts a copy that the host has waited for.
    static void copied(Device from, Device to) {
        if (from.isGpu() && !to.isGpu()) {
            waits++;
        }
    }

    /// Counts a wait until a GPU has nothing left to do.
    static void finished() {
        waits++;
    }

    /// Where the GPU writes them, float64 `(n)`.
    public Tensor there() {
        return there;
    }

    /// Begins to copy them, after all that the GPU has still to do. Numbers sent before are lost.
    public void send() {
        if (pinned) {
            Operators.SEND.with(here).with(there).with(true).call();
            sentAt = waits;
        } else {
            here.copyInPlace(there);
            sentAt = waits - 1;
        }
    }

    /// The numbers that were [sent][#send] last; waits for the GPU if nobody has since.
    public double[] read() {
        if (sentAt == waits) {
            there.device().finish();
        }
        return here.memory().toArray(ValueLayout.JAVA_DOUBLE);
    }
}
