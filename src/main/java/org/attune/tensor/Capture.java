package org.attune.tensor;

import org.attune.tensor.kernel.GraphRecorder;

import java.util.Map;

/// A [DeviceGraph] while it is recorded. What a GPU is asked for is written down instead of
/// computed. Nothing may be asked for that can't be done again by itself: that allocates, looks at
/// the host's memory, or waits. All tensors that are touched are kept. On the engine thread.
final class Capture {
    private static Capture current; // null while nothing is recorded

    private final Device device;
    private final GraphRecorder recorder;
    private final TensorScope held = TensorScope.detached("graph");
    private Map<String, Long> counting;

    private Capture(Device device, GraphRecorder recorder) {
        this.device = device;
        this.recorder = recorder;
    }

    /// @throws IllegalStateException if another is under way
    static Capture begin(Device device, GraphRecorder recorder) {
        if (current != null) {
            throw new IllegalStateException("a graph of " + current.device + " is being recorded");
        }
        current = new Capture(device, recorder);
        current.counting = DeviceTraffic.pause();
        return current;
    }

    /// What is asked for from now on is computed again.
    void end() {
        current = null;
        DeviceTraffic.goOn(counting);
    }

    /// The one under way that a call belongs to; null if there is none.
    ///
    /// @param tensors of the call; null where an argument is none
    /// @param count of arguments
    static Capture of(Tensor[] tensors, int count) {
        if (current != null) {
            for (int i = 0; i < count; i++) {
                if (tensors[i] != null && current.isOf(tensors[i])) {
                    return current;
                }
            }
        }
        return null;
    }

    /// Whether a tensor is on the device whose graph it is.
    boolean isOf(Tensor x) {
        return x.device.equals(device);
    }

    /// Says that something can't be recorded.
    ///
    /// @param what is asked for, e.g. an operator
    /// @param why it can't
    /// @throws IllegalStateException if a graph of this device is being recorded
    static void refuse(Device device, String what, String why) {
        if (current != null && current.device.equals(device)) {
            throw refusal(what, why);
        }
    }

    /// Refuses what can't be part of a graph, whatever device records one.
    static void refuseAll(String what, String why) {
        if (current != null) {
            throw refusal(what, why);
        }
    }

    static IllegalStateException refusal(String what, String why) {
        return new IllegalStateException("%s can't be part of a graph: %s".formatted(what, why));
    }

    /// A tensor of the same memory that lives as long as the graph.
    Tensor hold(Tensor x) {
        try (var _ = held.enter()) {
            return Tensor.adopt(Libtorch.duplicate(x.handle()), true, x.device);
        }
    }

    /// Tensors of the same memory that live as long as the graph; null stays null.
    ///
    /// @param count of them; those behind are left out
    Tensor[] hold(Tensor[] tensors, int count) {
        var all = new Tensor[count];
        for (int i = 0; i < count; i++) {
            all[i] = tensors[i] == null ? null : hold(tensors[i]);
        }
        return all;
    }

    /// Has a launch recorded.
    ///
    /// @param launch does it again
    /// @return whether it is not to be made now
    boolean notes(Runnable launch) {
        return recorder.takes(launch);
    }

    /// Owner of what the launches touch.
    TensorScope held() {
        return held;
    }
}
