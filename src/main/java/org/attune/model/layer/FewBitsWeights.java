package org.attune.model.layer;

import org.attune.error.ModelException;
import org.attune.tensor.Tensor;

/// Frozen weights in few bits, which stay in the one form that they have: no pass has a copy.
sealed interface FewBitsWeights extends WeightState permits CodedWeights, DigitWeights {
    @Override
    default void unpackFrozen() {
        // there are no copies
    }

    @Override
    default WeightState packed() {
        return this;
    }

    @Override
    default WeightState packedInto(Tensor memory) {
        throw new IllegalStateException("weights in few bits have no copy");
    }

    @Override
    default WeightState bothWays() {
        return this;
    }

    @Override
    default WeightState forwardOnly() {
        return this;
    }

    @Override
    default WeightState withColumnsApart() {
        return this;
    }

    @Override
    default WeightState plain() {
        throw new ModelException(
                "weights in few bits can't be trained or changed; train an adapter (use_peft:"
                        + " true), or load the model with quantization: none");
    }
}
