package org.attune.model.layer;

import org.attune.tensor.Tensor;

import java.lang.foreign.MemorySegment;
import java.util.HashMap;
import java.util.Map;
import java.util.stream.Stream;

/// A weight of the base model and what may stand in its place: a version trained beside a LoRA
/// adapter (PEFT's `modules_to_save`) and those of frozen adapters. A pass names the adapter that
/// it uses and gets the weight that belongs to it, so with the adapter off it gets the original.
public final class Weight {
    /// Who learns from the gradient of a table with a row for each token, `T` of shape `(V, D)`,
    /// without a gradient of that size: trained values that the table was made of.
    public interface RowLearner {
        /// Adds to gradients where rows are read, `x = T[ids]`.
        ///
        /// @param ids of the rows, `N`
        /// @param d gradient of `x`, `(N, D)`
        /// @param stays row that learns nothing where it is read, or −1
        void learnRead(int[] ids, Tensor d, int stays);

        /// Adds to gradients where the table is the output layer, `z = h Tᵀ`.
        ///
        /// @param dz gradient of `z`, `(M, V)`
        /// @param h `(M, D)`
        void learnOutput(Tensor dz, Tensor h);
    }

    private final String name;
    private final Tensor base;
    private Tensor baseGradient;
    private Tensor trained;
    private Tensor trainedGradient;
    private RowLearner learner; // or null
    private final Map<Adapter, Tensor> frozen = new HashMap<>();

    /// @param name as Hugging Face spells it, e.g. `model.norm.weight`
    /// @param base in the compute dtype
    Weight(String name, Tensor base) {
        this.name = name;
        this.base = base;
    }

    public String name() {
        return name;
    }

    /// Path of the module that it belongs to, e.g. `model.norm`.
    public String module() {
        return name.substring(0, name.lastIndexOf('.'));
    }

    /// The base model's own.
    public Tensor base() {
        return base;
    }

    /// What a pass with this adapter computes with.
    public Tensor value(Adapter adapter) {
        Tensor version =
                switch (adapter.kind()) {
                    case OFF -> base;
                    case TRAINED -> trained;
                    case FROZEN -> frozen.get(adapter);
                };
        return version == null ? base : version;
    }

    /// What backward passes with this adapter add to, float32, or null if it isn't trained there.
    public Tensor gradient(Adapter adapter) {
        return switch (adapter.kind()) {
            case OFF -> baseGradient;
            case TRAINED -> trainedGradient;
            case FROZEN -> null;
        };
    }

    /// Who learns from what backward passes with this adapter give, where it is not the [#gradient]
    /// that learns, or null.
    public RowLearner learner(Adapter adapter) {
        return adapter.kind() == Adapter.Kind.TRAINED ? learner : null;
    }

    /// Whether passes with this adapter compute with another version than the base model's.
    boolean differs(Adapter adapter) {
        return value(adapter) != base;
    }

    /// Whether backward passes with this adapter teach something here.
    boolean learns(Adapter adapter) {
        return gradient(adapter) != null || learner(adapter) != null;
    }

    /// Trains the base model's own weight: passes without an adapter add to `gradient`.
    public void trainBase(Tensor gradient) {
        baseGradient = gradient;
    }

    /// Memory of the base model's own, if it stays as it is.
    Stream<MemorySegment> frozenMemory() {
        return trainsBase() ? Stream.empty() : Stream.of(base.memory());
    }

    boolean trainsBase() {
        return baseGradient != null;
    }

    /// Puts a trained version beside the base model's.
    public void attachTrained(Tensor version, Tensor gradient) {
        trained = version;
        trainedGradient = gradient;
        learner = null;
    }

    /// Puts a version that is made of other trained values beside the base model's.
    ///
    /// @param version with a row for each token
    public void attachTrained(Tensor version, RowLearner who) {
        attachTrained(version, (Tensor) null);
        learner = who;
    }

    /// Puts the version of a frozen adapter beside the base model's.
    public void attachFrozen(Adapter adapter, Tensor version) {
        frozen.put(adapter, version);
    }

    /// Takes the trained version away.
    public void detachTrained() {
        attachTrained(null, (Tensor) null);
    }

    /// Takes a frozen adapter's version away.
    public void detachFrozen(Adapter adapter) {
        frozen.remove(adapter);
    }
}
