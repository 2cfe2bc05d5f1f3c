package org.attune.model.layer;

import org.attune.tensor.DType;
import org.attune.tensor.Kernels;
import org.attune.tensor.OuterProducts;
import org.attune.tensor.PackedMatrix;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;

import java.lang.foreign.MemorySegment;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// The output layer and the adapter on it, the one place where hidden states become logits:
/// ```
/// z = h Wᵀ + c + u Bᵀ,     u = s · dropout(h) Aᵀ
/// ```
/// where some families scale hidden states first, `h = k · h'`.
/// The update doesn't stand in extra columns of the matrix as in [FusedLinear], since a tied `W` is
/// the embedding. The heads of token-classification models have a bias `c`, and the output
/// layers of some families. In some families logits are capped, `q tanh(z / q)`. `M` rows, `D`
/// width, `V` vocabulary, `R` rank.
public final class OutputLayer {
    private final Weight weight;
    private final Optional<Weight> bias;
    private final double scale;
    private final double softcap;
    private final Optional<TensorScope> packs;
    private PackedMatrix packed; // of the base weight, or null
    private boolean plain; // without that copy
    private LowRank trained;
    private final Map<Adapter, LowRank> frozen = new HashMap<>();

    /// @param weight `(V, D)`
    /// @param bias `(V)`
    /// @param scale `k`
    /// @param softcap `q`; 0 is none
    /// @param packs owner of a copy of the weight in the layout that products like best; empty: no
    ///     copy
    OutputLayer(
            Weight weight,
            Optional<Weight> bias,
            double scale,
            double softcap,
            Optional<TensorScope> packs) {
        this.weight = weight;
        this.bias = bias;
        this.scale = scale;
        this.softcap = softcap;
        this.packs = packs;
    }

    /// `W`, `(V, D)`. If tied, its base is the embedding's.
    public Weight weight() {
        return weight;
    }

    /// `c`, `(V)`.
    public Optional<Weight> bias() {
        return bias;
    }

    /// Sets or takes away the trained update.
    public void attachTrained(Optional<LowRank> update) {
        trained = update.orElse(null);
    }

    /// Sets or takes away the update of a frozen adapter.
    public void attachFrozen(Adapter adapter, Optional<LowRank> update) {
        update.ifPresentOrElse(u -> frozen.put(adapter, u), () -> frozen.remove(adapter));
    }

    /// Logits of all rows, float32 `(M, V)`, in the current scope.
    ///
    /// @param h after the final norm, `(M, D)`
    public Tensor logits(Tensor h, Adapter adapter) {
        return rows(h, adapter, Dropout.NONE).logits(0, h.size(0));
    }

    /// Whether [#logitsInto] can do it: there is no bias, scale, cap or update, and
    /// no copy is read.
    public boolean canWrite(Adapter adapter) {
        return bias.isEmpty()
                && scale == 1
                && softcap == 0
                && update(adapter) == null
                && !mayPack(weight.value(adapter));
    }

    /// Whether an adapter makes it another layer.
    boolean differs(Adapter adapter) {
        return update(adapter) != null
                || weight.differs(adapter)
                || bias.filter(b -> b.differs(adapter)).isPresent();
    }

    /// Logits of all rows, where [#canWrite], into memory that is there already.
    ///
    /// @param h after the final norm, `(M, D)`
    /// @param z written, `(M, V)`, in the compute dtype
    public void logitsInto(Tensor h, Adapter adapter, Tensor z) {
        Kernels.mm(h, weight.value(adapter).t(), z);
    }

    /// Prepares a pass over rows that go through the layer piece by piece. What it makes lives in
    /// the current scope.
    ///
    /// @param h after the final norm, `(M, D)`
    /// @param dropout of the trained adapter's input
    public Rows rows(Tensor h, Adapter adapter, Dropout dropout) {
        return new Rows(h, adapter, dropout);
    }

    /// Whether a matrix is the base model's and stays as it is.
    private boolean mayPack(Tensor w) {
        return packs.isPresent() && !plain && w == weight.base() && !weight.trainsBase();
    }

    /// Makes the copy that products read, where there is to be one.
    void pack() {
        if (packed == null && mayPack(weight.base())) {
            packed = PackedMatrix.of(weight.base(), packs.orElseThrow());
        }
    }

    /// Memory of the copy, whose numbers stay as they are; none without a copy.
    List<MemorySegment> frozenMemory() {
        return packed == null || !mayPack(weight.base()) ? List.of() : packed.matrixMemory();
    }

    /// Makes products read the matrix itself from now on.
    void keepPlain() {
        plain = true;
        if (packed != null) {
            packed.close();
            packed = null;
        }
    }

    private LowRank update(Adapter adapter) {
        return switch (adapter.kind()) {
            case OFF -> null;
            case TRAINED -> trained;
            case FROZEN -> frozen.get(adapter);
        };
    }

    /// Hidden states on their way through the layer with one adapter.
    public final class Rows {
        private final Tensor hidden; // (M, D)
        private final Tensor w; // (V, D)
        private final Tensor gradient; // (V, D) or null
        private final Weight.RowLearner learner; // or null
        private final Tensor c; // (V) or null
        private final Tensor biasGradient; // (V) or null
        private final LowRank update; // or null
        private final Dropout.Mask mask; // of h
        private final Tensor reduced; // u, (M, R), or null

        private Rows(Tensor hidden, Adapter adapter, Dropout dropout) {
            this.hidden = scale == 1 ? hidden : hidden.mul(scale);
            w = weight.value(adapter);
            gradient = weight.gradient(adapter);
            learner = weight.learner(adapter);
            c = bias.map(b -> b.value(adapter)).orElse(null);
            biasGradient = bias.map(b -> b.gradient(adapter)).orElse(null);
            update = update(adapter);
            if (update == null) {
                mask = Dropout.Mask.NONE;
                reduced = null;
            } else {
                mask = dropout.mask(weight.module());
                reduced =
                        Tensor.empty(
                                hidden.device(), hidden.dtype(), hidden.size(0), update.rank());
                update.reduce(this.hidden, mask, reduced);
            }
        }

        /// Whether [#backward] adds to gradients of parameters.
        public boolean learns() {
            return gradient != null
                    || learner != null
                    || biasGradient != null
                    || update != null && update.gradientA() != null;
        }

        /// Moves what [#backward] needs into a scope.
        public void moveTo(TensorScope scope) {
            scope.adopt(hidden);
            if (reduced != null) {
                scope.adopt(reduced);
            }
        }

        private Tensor product(Tensor h) {
            if (!mayPack(w)) {
                return h.mm(w.t());
            }
            pack();
            return packed.multiply(h);
        }

        /// Logits of rows `from … from + n`, float32 `(n, V)`.
        public Tensor logits(long from, long n) {
            return widened(rounded(from, n));
        }

        /// Logits of what [#rounded] gave, float32 `(n, V)`.
        public Tensor widened(Tensor rounded) {
            Tensor products = rounded.to(DType.FLOAT32);
            Tensor logits = c == null ? products : products.add(c.to(DType.FLOAT32));
            return softcap == 0 ? logits : logits.mul(1 / softcap).tanh().mulInPlace(softcap);
        }

        /// Whether [#rounded] are the logits: there is neither a bias nor a cap.
        public boolean roundsLogits() {
            return c == null && softcap == 0;
        }

        /// Slopes of logits with regard to what they are before the cap, `1 − (z / q)²`; empty
        /// where there is no cap.
        ///
        /// @param z logits over a temperature, `(n, V)`
        public Optional<Tensor> slopes(Tensor z, double temperature) {
            return softcap == 0
                    ? Optional.empty()
                    : Optional.of(z.mul(temperature / softcap).square().neg().add(1));
        }

        /// Products without the bias and the cap in the compute dtype, `(n, V)`, the caller's own.
        public Tensor rounded(long from, long n) {
            Tensor z = product(hidden.narrow(0, from, n));
            if (update != null) {
                Kernels.addmm(z, reduced.narrow(0, from, n), update.b().t(), 1, 1);
            }
            return z;
        }

        /// Takes the gradient of the logits of some rows, before the cap, back; adds to the
        /// gradients of parameters.
        ///
        /// @param dz `(n, V)`, in the compute dtype
        /// @param from first of the rows
        /// @param dh written: the gradient of their hidden states, `(n, D)`
        public void backward(Tensor dz, long from, Tensor dh) {
            long n = dz.size(0);
            Tensor h = hidden.narrow(0, from, n);
            Kernels.mm(dz, w, dh);
            if (gradient != null) {
                OuterProducts.add(List.of(OuterProducts.Product.of(gradient, dz, h, 1)));
            }
            if (learner != null) {
                learner.learnOutput(dz, h);
            }
            if (biasGradient != null) {
                Gradients.addRows(biasGradient, dz);
            }
            if (update != null) {
                Tensor du = dz.mm(update.b()); // (n, R)
                update.reduceBackward(du, h, mask.from(from), dh);
                Tensor u = reduced.narrow(0, from, n);
                OuterProducts.add(update.productB(dz, u).stream().toList());
            }
            if (scale != 1) {
                dh.mulInPlace(scale);
            }
        }
    }
}
