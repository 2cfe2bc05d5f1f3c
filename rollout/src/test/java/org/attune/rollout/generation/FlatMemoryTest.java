package org.attune.rollout.generation;

import static org.attune.rollout.generation.LoopRequests.plain;
import static org.attune.rollout.generation.LoopRequests.request;

import org.attune.model.layer.Adapter;
import org.attune.rollout.generation.LoopRequests.Pausing;
import org.attune.rollout.sampling.SamplingConfig;
import org.attune.rollout.sampling.SamplingConfig.Distribution;
import org.attune.rollout.testing.RandomDecoder;
import org.attune.tensor.Engine;
import org.attune.testing.Hardware;
import org.attune.testing.InterpretedJvm;
import org.attune.testing.MemoryGrowth;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

import java.util.List;
import java.util.Optional;
import java.util.Set;

/// Rollouts of one shape give back all memory they take, the cache of keys and values included.
@Tag("thorough")
class FlatMemoryTest {
    @BeforeAll
    static void requireGlibc() {
        Hardware.requireGlibc();
    }

    @Test
    void rolloutsGiveEverythingBack() {
        InterpretedJvm.run(Rollouts.class, "60").assertFine();
    }

    @Test
    @Tag("slow")
    void fiveHundredRolloutsGiveEverythingBack() {
        InterpretedJvm.run(Rollouts.class, "500").assertFine();
    }

    @Test
    void submittedSequencesGiveEverythingBack() {
        InterpretedJvm.run(Submits.class, "60").assertFine();
    }

    @Test
    @Tag("slow")
    void aThousandSubmittedSequencesGiveEverythingBack() {
        InterpretedJvm.run(Submits.class, "1000").assertFine();
    }

    /// Sequences that come one by one to a loop, pause and go on.
    static final class Submits {
        private Submits() {}

        /// @param arguments number of sequences
        public static void main(String[] arguments) {
            int sequences = Integer.parseInt(arguments[0]);
            var decoder = Engine.call(RandomDecoder::load);
            try (var loop = GenerationLoop.open(decoder, Optional.empty(), 2, 60)) {
                Runnable submit =
                        () -> {
                            loop.submit(request(0, plain(6)), new Pausing(3)).await();
                            Engine.run(() -> {}); // the step that ended it is over
                        };
                MemoryGrowth.of(sequences / 4, sequences - sequences / 4, submit)
                        .assertNone("a sequence that pauses");
            }
            Engine.run(decoder::close);
        }
    }

    /// Groups of completions, each with other draws.
    static final class Rollouts {
        private static final List<int[]> PROMPTS =
                List.of(new int[] {1, 2, 3, 4, 5, 6}, new int[] {1, 2, 3}, new int[] {1, 2, 3});
        private static final int TOKENS = 6;
        private static final int SLOTS = 2; // fewer than prompts: a place is used again

        private Rollouts() {}

        /// @param arguments number of rollouts
        public static void main(String[] arguments) {
            int rollouts = Integer.parseInt(arguments[0]);
            Engine.run(
                    () -> {
                        try (var decoder = RandomDecoder.load()) {
                            var off = Adapter.OFF;
                            var generator = new Generator(decoder, off, Optional.empty(), SLOTS);
                            int[] seed = new int[1];
                            Runnable rollout =
                                    () ->
                                            generator.generate(
                                                    PROMPTS,
                                                    sampled(seed[0]++),
                                                    SequenceListener.NONE);
                            MemoryGrowth.of(rollouts / 4, rollouts - rollouts / 4, rollout)
                                    .assertNone("a rollout of three prompts");
                        }
                    });
        }

        private static SamplingConfig sampled(long seed) {
            return SamplingConfig.of(Distribution.plain(), TOKENS, Set.of(), seed);
        }
    }
}
