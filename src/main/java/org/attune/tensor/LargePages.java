package org.attune.tensor;

import java.util.Arrays;

/// Memory that decoding reads for every token, in pages of 2 MiB where Linux gives them. Processors
/// read ahead within a page only, and look up fewer of them. Use it on the engine thread.
///
/// Not for what is made early in a run: on a virtual machine whose host hasn't backed all of its
/// memory yet, such pages cost several times as much as others when they are first touched.
public final class LargePages implements AutoCloseable {
    private static final long PAGE = 2L << 20;
    private static final long CACHE_LINE = 64;
    private static final int MADV_HUGEPAGE = 14;

    private final TensorScope scope = TensorScope.detached("large pages");
    private final Tensor all;
    private long used;

    /// Makes room.
    ///
    /// @param numbers that will be taken
    /// @param pieces in which they will be taken, at most
    public LargePages(Device device, DType dtype, long numbers, int pieces) {
        long room = numbers + pieces * lineOf(dtype);
        OwnPages.use(true); // memory that was used before has its small pages already
        try (var _ = scope.enter()) {
            all = Tensor.empty(device, dtype, room);
        } finally {
            OwnPages.use(false);
        }
        if (device.equals(Device.cpu())) {
            ask(VectorKernels.address(all), room * dtype.bytes());
        }
    }

    private static long lineOf(DType dtype) {
        return CACHE_LINE / dtype.bytes();
    }

    /// Takes the next numbers, from the beginning of a line of the processor's cache on. They stay
    /// when this is closed.
    ///
    /// @param owner of the tensor
    /// @param shape of it
    public Tensor take(TensorScope owner, long... shape) {
        long numbers = Arrays.stream(shape).reduce(1, Math::multiplyExact);
        long line = lineOf(all.dtype());
        long from = used;
        used += (numbers + line - 1) / line * line;
        if (from + numbers > all.size()) {
            throw new IllegalStateException("there is no room for so many numbers");
        }
        try (var _ = owner.enter()) {
            long handle = Libtorch.reinterpret(all.handle(), shape, from);
            return Tensor.adopt(handle, false, all.device());
        }
    }

    /// Asks for large pages within a range. A system that has none is left alone.
    private static void ask(long address, long bytes) {
        long from = (address + PAGE - 1) / PAGE * PAGE;
        long to = (address + bytes) / PAGE * PAGE;
        if (from < to && System.getProperty("os.name").startsWith("Linux")) {
            boolean _ = Pages.advise(from, to - from, MADV_HUGEPAGE); // another number elsewhere
        }
    }

    @Override
    public void close() {
        scope.close();
    }
}
