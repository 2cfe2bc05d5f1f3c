package org.attune.model.decode;

import org.attune.model.decode.CachedDecoder.NewTokens;
import org.attune.model.layer.Carried;
import org.attune.tensor.Kernels;
import org.attune.tensor.Tensor;

import java.util.Arrays;
import java.util.List;

/// The states of sequences that read tokens together, in a [KvCache].
///
/// @param states of the cache
/// @param numbers of the sequences' slots, `(S)`
/// @param slots likewise, int64
@SuppressWarnings("ArrayRecordComponent") // a named tuple, never compared
record SlotStates(StateCache states, int[] numbers, Tensor slots) {
    static SlotStates of(KvCache cache, List<NewTokens> additions) {
        int[] numbers = additions.stream().mapToInt(NewTokens::slot).toArray();
        long[] slots = Arrays.stream(numbers).asLongStream().toArray();
        StateCache states = cache.states().orElseThrow();
        return new SlotStates(states, numbers, Tensor.of(states.device(), slots, slots.length));
    }

    /// Those of one layer.
    Carried of(int layer) {
        return new Carried() {
            @Override
            public Tensor inputs() {
                return states.inputs(layer).indexSelect(0, slots);
            }

            @Override
            public Tensor matrices() {
                return states.matrices(layer).indexSelect(0, slots);
            }

            @Override
            public void keepInputs(Tensor inputs) {
                Kernels.indexCopy(states.inputs(layer), slots, inputs);
            }

            @Override
            public void keepMatrices(Tensor matrices) {
                Kernels.indexCopy(states.matrices(layer), slots, matrices);
            }

            @Override
            public Tensor allInputs() {
                return states.inputs(layer);
            }

            @Override
            public Tensor allMatrices() {
                return states.matrices(layer);
            }

            @Override
            public int[] slots() {
                return numbers;
            }
        };
    }
}
