package org.attune.tensor;

import java.lang.foreign.MemorySegment;
import java.util.EnumMap;
import java.util.Map;
import java.util.Optional;

/// Small arrays on their way to a GPU. They gather in the processor's memory and go in one copy,
/// before the next operator that computes on a GPU. So arrays that are made one after the other
/// cost one copy. For a real GPU they gather in pinned memory, where libtorch has it: then nobody
/// waits for the copy. No place there is written twice, and libtorch frees it after the copies from
/// it. On the engine thread.
final class Uploads {
    /// Bytes of the largest array that is gathered.
    static final long LARGEST = 1L << 20;

    private static final long CHUNK = 4L << 20;
    private static final int LINE = 16;

    private static Chunk chunk; // the one that takes arrays; null before the first
    private static long sent; // of its bytes
    private static long used;

    /// Memory here and there of the same size.
    ///
    /// @param views of the memory there, as numbers of every type: so a place always has as many
    ///     tensors
    private record Chunk(
            TensorScope scope,
            Tensor here,
            boolean pinned,
            Tensor there,
            Map<DType, Tensor> views) {
        static Chunk on(Device device) {
            TensorScope scope = TensorScope.detached("uploads");
            try (var _ = scope.enter()) {
                long[] shape = {CHUNK / Long.BYTES};
                Optional<Tensor> pinned = Uploads.pinned(device, DType.INT64, shape);
                Tensor here =
                        pinned.orElseGet(() -> Tensor.empty(Device.cpu(), DType.INT64, shape));
                Tensor there = Tensor.empty(device, DType.INT64, shape);
                var views = new EnumMap<DType, Tensor>(DType.class);
                for (DType dtype : DType.values()) {
                    views.put(dtype, view(there, dtype));
                }
                return new Chunk(scope, here, pinned.isPresent(), there, views);
            }
        }

        private static Tensor view(Tensor x, DType dtype) {
            return Operators.VIEW_DTYPE.with(x).with((long) dtype.scalarType()).call();
        }
    }

    private Uploads() {}

    /// Memory of the processor from and to which nobody waits for copies. For a card it is pinned;
    /// empty where libtorch has none.
    static Optional<Tensor> pinned(Device device, DType dtype, long... shape) {
        if (device.isHostMemory()) {
            return Optional.of(Tensor.empty(Device.cpu(), dtype, shape));
        }
        long handle = Libtorch.emptyPinned(shape, dtype.scalarType());
        return handle == 0
                ? Optional.empty()
                : Optional.of(Tensor.adopt(handle, false, Device.cpu()));
    }

    /// Whether arrays of so many bytes gather for `device`.
    static boolean takes(Device device, long bytes) {
        return device.isGpu() && bytes > 0 && bytes <= LARGEST;
    }

    /// A tensor that will have these elements when an operator looks at it.
    ///
    /// @param data of a size that [#takes] accepts
    static Tensor gather(Device device, DType dtype, MemorySegment data, long... shape) {
        Engine.requireEngineThread();
        Capture.refuse(device, "an upload", "its numbers would be the same each time");
        long bytes = data.byteSize();
        if (chunk == null || !chunk.there().device.equals(device) || used + bytes > CHUNK) {
            send();
            if (chunk != null) {
                chunk.scope().close(); // tensors of it keep its memory
            }
            chunk = Chunk.on(device);
            sent = 0;
            used = 0;
        }
        MemorySegment.copy(data, 0, chunk.here().memory(), used, bytes);
        long first = used / dtype.bytes();
        used = (used + bytes + LINE - 1) / LINE * LINE;
        long handle = Libtorch.reinterpret(chunk.views().get(dtype).handle(), shape, first);
        return Tensor.adopt(handle, false, device);
    }

    /// Sends what has gathered, if anything has.
    static void send() {
        if (chunk == null || sent == used) {
            return;
        }
        Capture.refuse(
                chunk.there().device, "an upload", "its numbers would be the same each time");
        long from = sent / Long.BYTES;
        long numbers = used / Long.BYTES - from;
        sent = used;
        try (var _ = TensorScope.open("upload")) {
            Tensor here = part(chunk.here(), from, numbers);
            Tensor there = part(chunk.there(), from, numbers);
            Operators.SEND.with(there).with(here).with(chunk.pinned()).call();
            DeviceTraffic.copied(here, there);
        }
    }

    private static Tensor part(Tensor x, long from, long numbers) {
        return x.viewAs(new long[] {numbers}, new long[] {1}, from);
    }
}
