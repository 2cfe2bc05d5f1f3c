package org.attune.model.layer;

import org.attune.tensor.PackedMatrix;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;
import org.attune.tensor.TokenPass;

import java.util.List;
import java.util.Optional;

/// The packed copy of linear layers that read the same input, where tokens are decoded with it: the
/// one of forward passes, or one in memory that all layers share.
public final class DecodingCopy {
    private final FusedLinear layer;
    private final LinearWeights weights;
    private final AttachedUpdates updates;
    private boolean serves;

    DecodingCopy(FusedLinear layer, LinearWeights weights, AttachedUpdates updates) {
        this.layer = layer;
        this.weights = weights;
        this.updates = updates;
    }

    /// Whether decoding can read the copy that forward passes read.
    ///
    /// @param few whether it may have few rows, whatever their number
    boolean canServe(boolean few) {
        return !layer.trainsBase()
                && weights.codedBytes().isEmpty()
                && PackedMatrix.servesTokens(few ? 0 : layer.out(), layer.in(), weights.extra());
    }

    /// Whether decoding reads the copy that forward passes read.
    boolean serves() {
        return serves;
    }

    /// How many numbers the copy has.
    long numbers() {
        return weights.packedNumbers();
    }

    /// Has decoding read the copy where it is.
    void serve() {
        weights.pack();
        serves = true;
    }

    /// Has all passes read a copy in memory of so many numbers.
    void serve(Tensor memory) {
        try (var _ = TensorScope.open("pack")) {
            weights.packInto(memory);
        }
        serves = true;
        updates.columnsMoved();
    }

    /// Says that the copy is gone or another one.
    void stop() {
        serves = false;
    }

    /// Makes what decoding reads of an adapter in company, where it reads the copy.
    void prepare(Adapter adapter) {
        if (serves) {
            updates.of(adapter).packed().make();
        }
    }

    /// What decoding reads, if there is that copy and the rows' adapters are such that it can have.
    public Optional<TokenPass.Linear> of(AdapterRows rows) {
        if (rows.isOne()) {
            return of(rows.elsewhere());
        }
        return serves
                ? Optional.of(
                        new TokenPass.Linear(
                                weights.packed(),
                                layer.biasOf(rows.elsewhere()),
                                null,
                                rows.runs().stream()
                                        .flatMap(run -> updates.update(run).stream())
                                        .toList()))
                : Optional.empty();
    }

    private Optional<TokenPass.Linear> of(Adapter adapter) {
        Attached attached = updates.of(adapter);
        if (!serves || !attached.fitsColumns()) {
            return Optional.empty();
        }
        Tensor bias = layer.biasOf(adapter);
        if (adapter.kind() == Adapter.Kind.OFF
                || weights.extra() == 0 && attached.lowRank().isEmpty()) {
            return Optional.of(linear(bias, null));
        }
        return adapter.kind() == Adapter.Kind.TRAINED
                ? Optional.of(linear(bias, updates.packed()))
                : Optional.empty();
    }

    private TokenPass.Linear linear(Tensor bias, PackedMatrix reduce) {
        return new TokenPass.Linear(weights.packed(), bias, reduce, List.of());
    }
}
