package org.attune.tensor.kernel;

import org.attune.tensor.kernel.KernelSource.Kind;
import org.attune.tensor.kernel.KernelSource.Signature;

/// One launch of a kernel: its shape and its arguments, which fit its signature.
///
/// @param kernel what is launched
/// @param blocks of threads
/// @param threads of a block
/// @param arguments bits of each: an address, a whole number, or a float32 number's 32 bits
@SuppressWarnings("ArrayRecordComponent") // a named tuple, never compared
public record Launch(Signature kernel, int blocks, int threads, long[] arguments) {
    /// Most threads that a block may have on any GPU.
    public static final int MOST_THREADS = 1024;

    /// Query heads that a block of `attune_attend` computes together.
    public static final int HEADS = 4;

    /// Keys that such a block takes at once, and the number of its threads.
    public static final int KEYS = 128;

    /// @throws IllegalArgumentException if the shape is none, or the number of arguments is wrong
    public Launch {
        if (blocks < 1 || threads < 1 || threads > MOST_THREADS) {
            throw new IllegalArgumentException(
                    "%s in %d blocks of %d threads; accepted: at least 1 block of 1 to %d threads"
                            .formatted(kernel.name(), blocks, threads, MOST_THREADS));
        }
        if (arguments.length != kernel.parameters().size()) {
            throw new IllegalArgumentException(
                    "%s takes %d arguments, got %d"
                            .formatted(
                                    kernel.name(), kernel.parameters().size(), arguments.length));
        }
    }

    /// An argument by its place.
    ///
    /// @throws IllegalArgumentException if it isn't of that kind
    private long argument(int i, Kind kind) {
        if (kernel.parameters().get(i).kind() != kind) {
            throw new IllegalArgumentException(
                    "argument %d of %s is no %s".formatted(i, kernel.name(), kind));
        }
        return arguments[i];
    }

    /// A pointer argument; 0 is none.
    long address(int i) {
        return argument(i, Kind.POINTER);
    }

    int number(int i) {
        return (int) argument(i, Kind.INT);
    }

    long wide(int i) {
        return argument(i, Kind.LONG);
    }

    float real(int i) {
        return Float.intBitsToFloat((int) argument(i, Kind.FLOAT));
    }
}
