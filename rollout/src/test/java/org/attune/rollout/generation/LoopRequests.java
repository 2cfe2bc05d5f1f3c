package org.attune.rollout.generation;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import org.attune.model.layer.Adapter;
import org.attune.model.layer.Decoder;
import org.attune.rollout.SampledCompletion;
import org.attune.rollout.sampling.SamplingConfig;
import org.attune.rollout.sampling.SamplingConfig.Distribution;
import org.attune.rollout.sampling.TokenConstraint;

import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;

/// Requests to a [GenerationLoop], and listeners and constraints for them.
final class LoopRequests {
    static final List<int[]> PROMPTS =
            List.of(
                    new int[] {1, 2, 3, 4, 5, 6, 7, 8, 9},
                    new int[] {1, 2, 3},
                    new int[] {17},
                    new int[] {1, 2, 3, 4, 5, 6, 7, 8, 9},
                    new int[] {30, 2, 21, 30, 4});
    static final int CAPACITY = 60;
    static final float ROUNDING = 1e-4f;

    private LoopRequests() {}

    static SamplingConfig plain(int tokens) {
        return SamplingConfig.of(Distribution.plain(), tokens, Set.of(), 11);
    }

    static List<SampledCompletion> generated(
            Decoder decoder, SamplingConfig config, Adapter adapter) {
        return new Generator(decoder, adapter, Optional.empty(), PROMPTS.size())
                .generate(PROMPTS, config, SequenceListener.NONE);
    }

    /// Hears tokens of a list.
    interface Tokens {
        /// @return whether the sequence goes on
        boolean hear(int index, int id);
    }

    static SequenceListener hearing(Tokens tokens) {
        return new SequenceListener() {
            @Override
            public Next sampled(Ticket ticket, int id, float logProb) {
                return tokens.hear(ticket.index(), id) ? Next.GO_ON : Next.END;
            }
        };
    }

    static SequenceRequest request(int i, SamplingConfig config) {
        return SequenceRequest.of(PROMPTS.get(i), config).withIndex(i);
    }

    /// Tokens are equal; log-probabilities but for the rounding of batched products.
    static void assertSame(SampledCompletion expected, SampledCompletion actual) {
        assertArrayEquals(expected.ids(), actual.ids());
        assertArrayEquals(expected.logProbs(), actual.logProbs(), ROUNDING);
        assertEquals(expected.reason(), actual.reason());
    }

    /// Pauses after four tokens, and goes on at once with tokens from outside.
    static final class Pausing implements SequenceListener {
        final int[] foreign;
        final AtomicInteger tokens = new AtomicInteger();
        final AtomicInteger pauses = new AtomicInteger();

        Pausing(int... foreign) {
            this.foreign = foreign;
        }

        @Override
        public Next sampled(Ticket ticket, int id, float logProb) {
            return tokens.incrementAndGet() == 4 ? Next.PAUSE : Next.GO_ON;
        }

        @Override
        public void paused(Ticket ticket) {
            pauses.incrementAndGet();
            ticket.goOn(Arrays.copyOf(foreign, Math.min(foreign.length, ticket.room())));
        }
    }

    /// Allows tokens from a position on, one for each.
    static final class Forced implements TokenConstraint {
        final int from;
        final int[] ids;
        int position;

        Forced(int from, int... ids) {
            this.from = from;
            this.ids = ids;
        }

        @Override
        public Optional<BitSet> allowed() {
            if (position < from || position >= from + ids.length) {
                return Optional.empty();
            }
            var one = new BitSet();
            one.set(ids[position - from]);
            return Optional.of(one);
        }

        @Override
        public void appended(int id, boolean foreign) {
            position++;
        }
    }
}
