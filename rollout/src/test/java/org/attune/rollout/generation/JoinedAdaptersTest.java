package org.attune.rollout.generation;

import static org.attune.rollout.generation.LoopRequests.CAPACITY;
import static org.attune.rollout.generation.LoopRequests.PROMPTS;
import static org.attune.rollout.generation.LoopRequests.assertSame;
import static org.attune.rollout.generation.LoopRequests.generated;
import static org.attune.rollout.generation.LoopRequests.plain;
import static org.attune.rollout.generation.LoopRequests.request;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.apache.commons.rng.simple.RandomSource;
import org.attune.model.layer.Adapter;
import org.attune.model.layer.Decoder;
import org.attune.model.layer.FusedLinear;
import org.attune.model.layer.LowRank;
import org.attune.rollout.SampledCompletion;
import org.attune.rollout.sampling.SamplingConfig;
import org.attune.rollout.testing.RandomDecoder;
import org.attune.tensor.Engine;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/// Sequences of a model and four adapters in one [GenerationLoop]: tokens and log-probabilities are
/// those of each adapter alone.
final class JoinedAdaptersTest {
    private static final List<Adapter> ADAPTERS =
            List.of(
                    Adapter.frozen(0),
                    Adapter.OFF,
                    Adapter.frozen(1),
                    Adapter.frozen(2),
                    Adapter.frozen(3));

    private static Decoder decoder;
    private static TensorScope matrices;

    @BeforeAll
    static void load() {
        Engine.run(
                () -> {
                    decoder = RandomDecoder.load();
                    matrices = TensorScope.detached("matrices");
                    try (var _ = matrices.enter()) {
                        for (int number = 0; number < 4; number++) {
                            attach(number);
                        }
                    }
                });
    }

    @AfterAll
    static void close() {
        Engine.run(
                () -> {
                    matrices.close();
                    decoder.close();
                });
    }

    private static void attach(int number) {
        var random = RandomSource.XO_SHI_RO_256_PP.create(number);
        int rank = number + 1;
        for (FusedLinear linear : decoder.linears()) {
            List<LowRank> own = new ArrayList<>();
            for (int part = 0; part < linear.parts().size(); part++) {
                float[] a = new float[rank * linear.in()];
                float[] b = new float[linear.parts().get(part).out() * rank];
                for (float[] numbers : List.of(a, b)) {
                    for (int i = 0; i < numbers.length; i++) {
                        numbers[i] = random.nextFloat() - 0.5f;
                    }
                }
                Tensor first = Tensor.of(decoder.device(), a, rank, linear.in());
                Tensor second = Tensor.of(decoder.device(), b, b.length / rank, rank);
                own.add(new LowRank(part, rank, 1, first, second, null, null));
            }
            linear.attachFrozen(Adapter.frozen(number), own);
        }
    }

    /// All adapters complete the same prompts, so beginnings are equal that must not be shared.
    private static void assertEachIsItself(SamplingConfig config, int slots) {
        List<List<SampledCompletion>> expected =
                ADAPTERS.stream().map(adapter -> generated(decoder, config, adapter)).toList();
        assertEquals(
                ADAPTERS.size(),
                expected.stream().map(e -> Arrays.toString(e.getFirst().ids())).distinct().count(),
                "alike adapters prove nothing");
        try (var loop = GenerationLoop.open(decoder, Optional.empty(), slots, CAPACITY)) {
            List<Ticket> tickets = new ArrayList<>();
            for (int i = 0; i < PROMPTS.size(); i++) {
                for (Adapter adapter : ADAPTERS) {
                    SequenceRequest request = request(i, config).withAdapter(adapter);
                    tickets.add(loop.submit(request, SequenceListener.NONE));
                }
            }
            for (int i = 0; i < PROMPTS.size(); i++) {
                for (List<SampledCompletion> list : expected) {
                    assertSame(list.get(i), tickets.removeFirst().await());
                }
            }
        }
    }

    @Test
    void likeliestTokensAreThoseOfEachAdapterAlone() {
        assertEachIsItself(SamplingConfig.greedy(20, Set.of()), 25);
    }

    @Test
    void drawsAreThoseOfEachAdapterAlone() {
        assertEachIsItself(plain(20), 25);
    }

    /// Slots change hands between adapters.
    @Test
    void soAreThoseOfMoreSequencesThanPlaces() {
        assertEachIsItself(plain(20), 4);
    }

    @Test
    void theyAreReadInOnePass() {
        try (var loop = GenerationLoop.open(decoder, Optional.empty(), 5, CAPACITY)) {
            List<Ticket> tickets = new ArrayList<>();
            Engine.run( // so that the loop has all of them before it steps
                    () ->
                            ADAPTERS.forEach(
                                    adapter ->
                                            tickets.add(
                                                    loop.submit(
                                                            request(1, plain(20))
                                                                    .withAdapter(adapter),
                                                            SequenceListener.NONE))));
            tickets.forEach(Ticket::await);
            long steps = Engine.call(loop::steps);
            assertTrue(steps <= 21, steps + " passes for one prompt pass and 20 tokens");
        }
    }
}
