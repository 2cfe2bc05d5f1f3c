package org.attune.model.layer;

import org.attune.files.FewBits;
import org.attune.files.TensorFile;
import org.attune.model.config.TensorNames;
import org.attune.tensor.DType;
import org.attune.tensor.Device;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Function;

/// Reads frozen weights into few bits, tensor by tensor, so that the whole model is never dense.
final class CodedLoader {
    /// Rows of each matrix by which the error is told.
    private static final int SAMPLE = 32;

    private static final double GIB = 1L << 30;

    private final TensorFile file;
    private final TensorNames names;
    private final TensorScope scope;
    private final DType dtype;
    private final Storage storage;
    private final DecodedPanel panel;
    private final Map<String, Integer> kinds = new TreeMap<>(); // how many matrices each has
    private int multiplied; // matrices of which products multiply codes
    private long bytes;
    private long numbers;
    private double squares;
    private double errors;

    private CodedLoader(
            TensorNames names, TensorFile file, TensorScope scope, DType dtype, Storage storage) {
        this.names = names;
        this.file = file;
        this.scope = scope;
        this.dtype = dtype;
        this.storage = storage;
        panel = new DecodedPanel(scope, dtype);
    }

    /// @param scope owner of the tensors
    /// @param storage empty result: everything is dense
    static Optional<CodedLoader> of(
            TensorNames names, TensorFile file, TensorScope scope, DType dtype, Storage storage) {
        boolean keeps =
                storage == Storage.KEEP
                        && file.entries().keySet().stream().anyMatch(n -> file.bits(n).isPresent());
        return keeps || storage.quantises()
                ? Optional.of(new CodedLoader(names, file, scope, dtype, storage))
                : Optional.empty();
    }

    /// Weights of linear layers that read the same input; empty if all of them are dense.
    ///
    /// @param dense reads one as its file has it, `(out, in)`
    Optional<LinearWeights> weights(
            List<FusedLinear.Part> parts, int in, Function<FusedLinear.Part, Tensor> dense) {
        if (parts.stream().noneMatch(p -> isCoded(p, in))) {
            return Optional.empty();
        }
        List<FrozenMatrix> matrices = new ArrayList<>();
        for (FusedLinear.Part part : parts) {
            matrices.add(matrix(part, in, dense));
        }
        var weights = new LinearWeights(scope, in, dtype, matrices, panel);
        weights.cameFrom(part -> original(parts.get(part), in, dense));
        multiplied += weights.multipliesCodes() ? matrices.size() : 0;
        return Optional.of(weights);
    }

    private Optional<Tensor> original(
            FusedLinear.Part part, int in, Function<FusedLinear.Part, Tensor> dense) {
        boolean changed = stored(part).isEmpty() && isCoded(part, in);
        return changed ? Optional.of(dense.apply(part)) : Optional.empty();
    }

    private Optional<FewBits> stored(FusedLinear.Part part) {
        return storage == Storage.KEEP && !names.transposed()
                ? file.bits(part.path() + ".weight")
                : Optional.empty();
    }

    private boolean isCoded(FusedLinear.Part part, int in) {
        return stored(part).isPresent()
                || storage.quantises() && !routes(part.path()) && (long) part.out() * in % 2 == 0;
    }

    /// Which experts compute is decided by small differences, and the matrices are small.
    private boolean routes(String path) {
        return names.experts()
                .filter(
                        e ->
                                path.endsWith("." + e.router())
                                        || e.hasSharedGate()
                                                && path.endsWith(
                                                        "." + e.shared().orElseThrow().gate()))
                .isPresent();
    }

    private FrozenMatrix matrix(
            FusedLinear.Part part, int in, Function<FusedLinear.Part, Tensor> dense) {
        Optional<FewBits> stored = stored(part);
        if (stored.isPresent()) {
            var matrix = FrozenMatrix.stored(scope, stored.get(), part.out());
            count(stored.get().kind(), matrix, in);
            return matrix;
        }
        try (var _ = TensorScope.open("load")) {
            Tensor own = dense.apply(part);
            if (!isCoded(part, in)) {
                return FrozenMatrix.dense(scope, own, dtype);
            }
            FrozenMatrix matrix = FrozenMatrix.of(scope, own, storage);
            count(storage.toString(), matrix, in);
            compare(matrix, own);
            return matrix;
        }
    }

    private void count(String kind, FrozenMatrix matrix, int in) {
        kinds.merge(kind, 1, Integer::sum);
        bytes += matrix.bytes();
        numbers += (long) matrix.out() * in;
    }

    private void compare(FrozenMatrix matrix, Tensor numbers) {
        int rows = Math.min(SAMPLE, matrix.out());
        int in = Math.toIntExact(numbers.size(1));
        Tensor was = numbers.narrow(0, 0, rows).to(DType.FLOAT32);
        Tensor is = Tensor.empty(Device.cpu(), DType.FLOAT32, rows, in);
        matrix.decode(0, rows, 0, in, is, 0);
        errors += is.subInPlace(was).square().sum().item();
        squares += was.square().sum().item();
    }

    /// What was read, for the log; empty if all of it was dense.
    Optional<String> summary() {
        if (kinds.isEmpty()) {
            return Optional.empty();
        }
        String how = storage == Storage.KEEP ? "as the file holds them" : "quantised while loading";
        String error =
                squares == 0
                        ? ""
                        : String.format(
                                Locale.ROOT,
                                "; their numbers are off by %.2f %% (root mean square of a sample)",
                                100 * Math.sqrt(errors / squares));
        String all =
                String.format(
                        Locale.ROOT,
                        "linear layers in few bits %s: %s (how many of each), %.2f GiB instead of"
                                + " %.2f in %s%s%s",
                        how,
                        kinds,
                        bytes / GIB,
                        numbers * dtype.bytes() / GIB,
                        dtype,
                        error,
                        multiplied == 0
                                ? ""
                                : "; products of %d multiply bytes by activations in two digits"
                                        .formatted(multiplied));
        return Optional.of(all);
    }
}
