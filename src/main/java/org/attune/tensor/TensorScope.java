package org.attune.tensor;

import static org.attune.api.Api.Status.EXPERIMENTAL;

import org.attune.api.Api;

import java.util.Arrays;
import java.util.Map;

/// Owner of tensors: everything created while a scope is the innermost open one dies with it,
/// unless it is moved out. One scope per training step or generated token; long-lived owners hold a
/// [#detached] scope for themselves. Only for the engine thread.
/// ```
/// try (var _ = TensorScope.open("dpo.step")) { … }
/// ```
@Api(EXPERIMENTAL)
public final class TensorScope implements AutoCloseable {
    private static TensorScope current;
    private static long liveBytes;
    private static long peakBytes;
    private static long liveTensors;
    private static long createdTensors;

    private final String name;
    private final TensorScope parent;
    private final boolean stacked;
    private Tensor[] tensors = new Tensor[16];
    private int size;
    private boolean closed;
    private boolean sealed;

    private TensorScope(String name, TensorScope parent, boolean stacked) {
        this.name = name;
        this.parent = parent;
        this.stacked = stacked;
    }

    /// Opens a scope inside the current one and makes it the current one.
    public static TensorScope open(String name) {
        Engine.requireEngineThread();
        current = new TensorScope(name, current, true);
        return current;
    }

    /// A scope that holds only what is moved into it with [#adopt] or made in [#enter].
    public static TensorScope detached(String name) {
        return new TensorScope(name, null, false);
    }

    /// Makes a detached scope the current one until the result is closed.
    public Entered enter() {
        Engine.requireEngineThread();
        requireOpen();
        TensorScope before = current;
        current = this;
        return () -> current = before;
    }

    /// Ends [#enter].
    public interface Entered extends AutoCloseable {
        @Override
        void close();
    }

    /// Forbids further tensors in this scope: a long-lived owner seals itself before training, so a
    /// misplaced allocation throws where it happens.
    public void seal() {
        sealed = true;
    }

    /// Moves a tensor into this scope from wherever it is.
    public Tensor adopt(Tensor tensor) {
        requireOpen();
        tensor.handle(); // throws if closed
        tensor.scope().remove(tensor);
        add(tensor);
        return tensor;
    }

    /// Moves a tensor to the parent scope, so that it outlives this one.
    public Tensor keep(Tensor tensor) {
        if (parent == null) {
            throw new IllegalStateException("scope " + name + " has no parent to keep tensors in");
        }
        return parent.adopt(tensor);
    }

    /// Frees everything in the scope. Closing twice does nothing.
    @Override
    public void close() {
        if (closed) {
            return;
        }
        Engine.requireEngineThread();
        if (stacked) {
            if (current != this) {
                throw new IllegalStateException(
                        "scope %s is closed while %s is the innermost"
                                .formatted(name, current == null ? "none" : current.name));
            }
            current = parent;
        }
        closed = true;
        for (int i = size - 1; i >= 0; i--) {
            Tensor t = tensors[i];
            tensors[i] = null;
            release(t);
        }
        size = 0;
    }

    /// Bytes in tensors that are alive, on all devices (views share theirs with what they look at).
    public static long liveBytes() {
        return liveBytes;
    }

    /// The most of [#liveBytes] since [#resetPeak].
    public static long peakBytes() {
        return peakBytes;
    }

    /// Lets [#peakBytes] and [#peaksOfGpus] begin at what is alive now.
    public static void resetPeak() {
        peakBytes = liveBytes;
        DeviceBytes.resetPeaks();
    }

    /// The most bytes that were alive on each GPU since [#resetPeak], by the device's name; those
    /// that had none are left out.
    public static Map<String, Long> peaksOfGpus() {
        return DeviceBytes.peaks();
    }

    /// Tensors that are alive, views included.
    public static long liveTensors() {
        return liveTensors;
    }

    /// Tensors created since the process started, views included.
    public static long createdTensors() {
        return createdTensors;
    }

    static TensorScope currentOrThrow() {
        if (current == null) {
            throw new IllegalStateException(
                    "a tensor was created outside any TensorScope; open one around the work");
        }
        return current;
    }

    void requireUnsealed() {
        if (sealed) {
            throw new IllegalStateException(
                    "scope " + name + " is sealed: nothing may be allocated in it any more");
        }
    }

    void add(Tensor tensor) {
        requireUnsealed();
        if (size == tensors.length) {
            tensors = Arrays.copyOf(tensors, 2 * size);
        }
        tensors[size] = tensor;
        tensor.place(this, size++);
    }

    void remove(Tensor tensor) {
        int slot = tensor.slot();
        Tensor last = tensors[--size];
        tensors[size] = null;
        if (last != tensor) {
            tensors[slot] = last;
            last.place(this, slot);
        }
    }

    static void created(long bytes) {
        liveBytes += bytes;
        peakBytes = Math.max(peakBytes, liveBytes);
        liveTensors++;
        createdTensors++;
    }

    static void release(Tensor tensor) {
        liveBytes -= tensor.ownedBytes();
        DeviceBytes.removed(tensor.device, tensor.ownedBytes());
        liveTensors--;
        tensor.free();
    }

    private void requireOpen() {
        if (closed) {
            throw new IllegalStateException("scope " + name + " is closed");
        }
    }

    @Override
    public String toString() {
        return "scope " + name + " (" + size + " tensors" + (closed ? ", closed)" : ")");
    }
}
