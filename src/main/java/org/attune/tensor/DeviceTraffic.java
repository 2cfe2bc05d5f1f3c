package org.attune.tensor;

import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/// Counts what a GPU is asked for, while it is switched on: calls of
/// operators, copies to it, and waits for all that was asked before, such as copies from it. What
/// autograd calls within a backward pass isn't seen. On the engine thread.
/// ```
/// DeviceTraffic.start();
/// …
/// DeviceTraffic.Counts counts = DeviceTraffic.stop();
/// ```
public final class DeviceTraffic {
    private static final Set<String> NOTHING_TO_DO = Set.of("aten::requires_grad_", "aten::copy_");

    static final String RESHAPE = "aten::reshape";

    private static Map<String, Long> launches; // null while switched off
    private static long uploads;
    private static long uploadedBytes;
    private static long waits;
    private static long downloadedBytes;

    /// What was counted.
    ///
    /// @param byOperator calls of operators that make the device work, by ATen's name
    /// @param uploads copies from the host to the device
    /// @param uploadedBytes of them
    /// @param waits copies from the device to the host, and waits without one
    /// @param downloadedBytes of them
    public record Counts(
            Map<String, Long> byOperator,
            long uploads,
            long uploadedBytes,
            long waits,
            long downloadedBytes) {
        /// Calls of all operators.
        public long launches() {
            return byOperator.values().stream().mapToLong(n -> n).sum();
        }
    }

    private DeviceTraffic() {}

    /// Begins to count, from nothing.
    public static void start() {
        Engine.requireEngineThread();
        launches = new TreeMap<>();
        uploads = 0;
        uploadedBytes = 0;
        waits = 0;
        downloadedBytes = 0;
    }

    /// Ends counting.
    ///
    /// @return what was counted; nothing if it wasn't started
    public static Counts stop() {
        Engine.requireEngineThread();
        Map<String, Long> counted = launches == null ? Map.of() : launches;
        launches = null;
        return new Counts(counted, uploads, uploadedBytes, waits, downloadedBytes);
    }

    /// Stops counting for a while: what simulates a device isn't asked of it.
    ///
    /// @return what [#goOn] takes
    static Map<String, Long> pause() {
        Map<String, Long> counting = launches;
        launches = null;
        return counting;
    }

    /// Counts again, if it did before [#pause].
    static void goOn(Map<String, Long> counting) {
        launches = counting;
    }

    /// Counts a call.
    ///
    /// @param view whether its result is made without work of the device
    static void called(String operator, Device device, boolean view) {
        if (launches != null && device.isGpu() && !view && !NOTHING_TO_DO.contains(operator)) {
            launches.merge(operator, 1L, Long::sum);
        }
    }

    /// Counts a call with a result.
    ///
    /// @param view whether the result is a view, or may be one: that of `reshape` is one if it
    ///     begins where its argument does
    static void called(String operator, Tensor argument, Tensor result, boolean view) {
        if (launches != null && result.device.isGpu()) {
            boolean shared =
                    view && (!operator.equals(RESHAPE) || begin(argument) == begin(result));
            called(operator, result.device, shared);
        }
    }

    private static long begin(Tensor x) {
        return Libtorch.dataPointer(x.handle());
    }

    /// Counts a wait for all that was asked.
    static void waited() {
        if (launches != null) {
            waits++;
        }
    }

    /// Counts a copy.
    static void copied(Tensor from, Tensor to) {
        if (launches == null) {
            return;
        }
        long bytes = to.size() * to.dtype.bytes();
        if (to.device.isGpu() && from.device.isGpu()) {
            launches.merge("aten::copy_", 1L, Long::sum);
        } else if (to.device.isGpu()) {
            uploads++;
            uploadedBytes += bytes;
        } else if (from.device.isGpu()) {
            waits++;
            downloadedBytes += bytes;
        }
    }
}
