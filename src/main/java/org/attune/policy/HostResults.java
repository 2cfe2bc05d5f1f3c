package org.attune.policy;

import org.attune.tensor.DType;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;

/// Numbers of a pass that the host wants. A GPU's come together at the end, since each copy waits
/// for all that was computed before.
final class HostResults implements AutoCloseable {
    private final TensorScope scope = TensorScope.detached("results");
    private final List<Awaited> awaited = new ArrayList<>();

    /// @param numbers float32 `(n)`
    private record Awaited(Tensor numbers, Consumer<float[]> to) {}

    /// Has numbers given to `to`: at once, or by [#fetch].
    ///
    /// @param numbers of any shape
    void add(Tensor numbers, Consumer<float[]> to) {
        if (!numbers.device().isGpu()) {
            to.accept(numbers.toFloats());
            return;
        }
        try (var _ = scope.enter()) {
            Tensor flat = numbers.to(DType.FLOAT32).reshape(numbers.size());
            awaited.add(new Awaited(flat, to));
        }
    }

    /// Has numbers written into a part of an array: at once, or by [#fetch].
    void add(Tensor numbers, float[] into, int from) {
        add(numbers, values -> System.arraycopy(values, 0, into, from, values.length));
    }

    /// Gives what was put off.
    void fetch() {
        if (awaited.isEmpty()) {
            return;
        }
        float[] all;
        try (var _ = TensorScope.open("results")) {
            Tensor[] parts = awaited.stream().map(Awaited::numbers).toArray(Tensor[]::new);
            all = (parts.length == 1 ? parts[0] : Tensor.cat(0, parts)).toFloats();
        }
        int at = 0;
        for (Awaited one : awaited) {
            int end = at + Math.toIntExact(one.numbers().size());
            one.to().accept(Arrays.copyOfRange(all, at, end));
            at = end;
        }
        awaited.clear();
    }

    @Override
    public void close() {
        scope.close();
    }
}
