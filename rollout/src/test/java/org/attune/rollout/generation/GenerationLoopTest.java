package org.attune.rollout.generation;

import static org.attune.rollout.generation.LoopRequests.CAPACITY;
import static org.attune.rollout.generation.LoopRequests.PROMPTS;
import static org.attune.rollout.generation.LoopRequests.ROUNDING;
import static org.attune.rollout.generation.LoopRequests.assertSame;
import static org.attune.rollout.generation.LoopRequests.generated;
import static org.attune.rollout.generation.LoopRequests.plain;
import static org.attune.rollout.generation.LoopRequests.request;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.apache.commons.rng.simple.RandomSource;
import org.attune.adapter.LoraConfig;
import org.attune.adapter.LoraInitialisation;
import org.attune.adapter.ModuleSelection;
import org.attune.error.RolloutException;
import org.attune.model.decode.CachedDecoder;
import org.attune.model.layer.Adapter;
import org.attune.model.layer.Decoder;
import org.attune.policy.Policy;
import org.attune.rollout.SampledCompletion;
import org.attune.rollout.generation.LoopRequests.Forced;
import org.attune.rollout.generation.LoopRequests.Pausing;
import org.attune.rollout.sampling.SamplingConfig;
import org.attune.rollout.sampling.SamplingConfig.Distribution;
import org.attune.rollout.sampling.TokenConstraint;
import org.attune.rollout.testing.RandomDecoder;
import org.attune.tensor.Engine;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.IntStream;

/// What a [GenerationLoop] generates, in any company.
final class GenerationLoopTest {
    private static Decoder decoder;

    @BeforeAll
    static void load() {
        decoder = Engine.call(RandomDecoder::load);
    }

    @AfterAll
    static void close() {
        Engine.run(decoder::close);
    }

    private static GenerationLoop loop(int slots) {
        return GenerationLoop.open(decoder, Optional.empty(), slots, CAPACITY);
    }

    @Test
    void tokensAreTheGeneratorsInAnyOrderAndCompany() {
        Distribution other = new Distribution(1.2, 0.1, 0.1, 1.5, 30, 0.95, 0.01, 1);
        List<SamplingConfig> configs =
                List.of(
                        plain(20),
                        SamplingConfig.greedy(20, Set.of()),
                        SamplingConfig.of(other, 20, Set.of(3), 5).withTopLogProbs(2),
                        plain(20).withMinNewTokens(3));
        List<List<SampledCompletion>> expected =
                configs.stream().map(c -> generated(decoder, c, Adapter.OFF)).toList();
        try (var loop = loop(3)) {
            List<Ticket> tickets = new ArrayList<>();
            for (int i = PROMPTS.size() - 1; i >= 0; i--) {
                for (SamplingConfig config : configs) {
                    tickets.add(loop.submit(request(i, config), SequenceListener.NONE));
                }
            }
            for (int i = PROMPTS.size() - 1; i >= 0; i--) {
                for (List<SampledCompletion> list : expected) {
                    SampledCompletion actual = tickets.removeFirst().await();
                    assertSame(list.get(i), actual);
                    assertEquals(list.get(i).top().size(), actual.top().size());
                }
            }
        }
    }

    /// Alone in a loop the passes are the same, so the bits are, also of a sequence that
    /// pauses meanwhile.
    @Test
    void aloneAllBitsAreTheGenerators() {
        SampledCompletion expected = oneByOne(PROMPTS.get(4), plain(20));
        var pausing = new Pausing(new int[0]);
        SequenceRequest request = SequenceRequest.of(PROMPTS.get(4), plain(20));
        for (SequenceListener listener : List.of(SequenceListener.NONE, pausing)) {
            try (var loop = loop(2)) {
                SampledCompletion actual = loop.submit(request, listener).await();
                assertArrayEquals(expected.ids(), actual.ids());
                assertArrayEquals(expected.logProbs(), actual.logProbs());
                assertTrue(actual.foreign().isEmpty());
            }
        }
        assertEquals(1, pausing.pauses.get());
    }

    private static SampledCompletion oneByOne(int[] prompt, SamplingConfig config) {
        return new Generator(decoder, Adapter.OFF, Optional.empty(), 1)
                .generate(List.of(prompt), config, SequenceListener.NONE)
                .getFirst();
    }

    @Test
    void foreignTokensAreAsIfTheyHadBeenSampled() {
        int[] foreign = {12, 13, 14};
        try (var loop = loop(2)) {
            var forced = request(1, plain(20)).withConstraint(new Forced(4, foreign));
            SampledCompletion expected = loop.submit(forced, SequenceListener.NONE).await();
            SampledCompletion actual =
                    loop.submit(request(1, plain(20)), new Pausing(foreign)).await();
            assertArrayEquals(expected.ids(), actual.ids());
            assertEquals(
                    Optional.of(BitSet.valueOf(new long[] {0b1110000})),
                    Optional.of(actual.foreign()));
            for (int t = 0; t < 20; t++) {
                if (actual.foreign().get(t)) {
                    assertTrue(Float.isNaN(actual.logProbs()[t]));
                } else {
                    assertEquals(expected.logProbs()[t], actual.logProbs()[t], ROUNDING);
                }
            }
        }
    }

    /// One slot for two: a sequence that pauses gives it up, and is read again.
    @Test
    void pausedSequencesGiveUpTheirPlaceWithoutAnotherResult() {
        List<SampledCompletion> expected = generated(decoder, plain(20), Adapter.OFF);
        try (var loop = loop(1)) {
            var paused = new AtomicReference<Ticket>();
            SequenceListener listener =
                    new SequenceListener() {
                        private int tokens;

                        @Override
                        public Next sampled(Ticket ticket, int id, float logProb) {
                            return ++tokens == 4 ? Next.PAUSE : Next.GO_ON;
                        }

                        @Override
                        public void paused(Ticket ticket) {
                            paused.set(ticket);
                        }
                    };
            Ticket first = loop.submit(request(0, plain(20)), listener);
            Ticket second = loop.submit(request(4, plain(20)), SequenceListener.NONE);
            assertSame(expected.get(4), second.await());
            assertFalse(first.isDone());
            assertEquals(20 - 4 - 1, paused.get().room());
            assertThrows(RolloutException.class, () -> first.goOn(new int[20]));
            assertThrows(RolloutException.class, () -> first.goOn(RandomDecoder.VOCABULARY));
            first.goOn();
            assertSame(expected.get(0), first.await());
            assertThrows(IllegalStateException.class, first::goOn);
        }
    }

    @Test
    void constraintsAreKeptAndLogProbsStayTheModels() {
        var even = new BitSet();
        IntStream.range(0, 20).forEach(i -> even.set(2 * i));
        for (Distribution d :
                List.of(
                        Distribution.plain(),
                        Distribution.greedy(),
                        Distribution.plain().withTopK(3))) {
            SamplingConfig config = SamplingConfig.of(d, 20, Set.of(), 11);
            try (var loop = loop(2)) {
                var request = request(0, config).withConstraint(new Even(even));
                Ticket free = loop.submit(request(1, config), SequenceListener.NONE);
                SampledCompletion c = loop.submit(request, SequenceListener.NONE).await();
                Arrays.stream(c.ids()).forEach(id -> assertEquals(0, id % 2));
                assertTrue(Arrays.stream(free.await().ids()).anyMatch(id -> id % 2 == 1));
                int[] prefix =
                        IntStream.concat(
                                        Arrays.stream(PROMPTS.get(0)),
                                        Arrays.stream(c.ids(), 0, 19))
                                .toArray();
                var same =
                        SequenceRequest.of(prefix, plain(1))
                                .withConstraint(new Forced(0, c.ids()[19]));
                float own = loop.submit(same, SequenceListener.NONE).await().logProbs()[0];
                assertEquals(own, c.logProbs()[19], ROUNDING);
            }
        }
    }

    private record Even(BitSet ids) implements TokenConstraint {
        @Override
        public Optional<BitSet> allowed() {
            return Optional.of(ids);
        }

        @Override
        public void appended(int id, boolean foreign) {
            // all positions are alike
        }
    }

    @Test
    void adaptersTakeTurnsAndKeepTheirNumbers() {
        Decoder adapted = Engine.call(RandomDecoder::load);
        Policy policy =
                Engine.call(
                        () ->
                                Policy.withFreshAdapter(
                                        adapted,
                                        randomAdapter(),
                                        RandomSource.XO_SHI_RO_256_PP.create(1L),
                                        Policy.Options.defaults()));
        List<Adapter> adapters = List.of(Adapter.OFF, policy.adapterInUse());
        List<List<SampledCompletion>> expected = new ArrayList<>();
        for (Adapter adapter : adapters) {
            expected.add(
                    new Generator(adapted, adapter, Optional.empty(), PROMPTS.size())
                            .generate(PROMPTS, plain(20), SequenceListener.NONE));
        }
        assertNotEquals(
                Arrays.toString(expected.get(0).get(0).ids()),
                Arrays.toString(expected.get(1).get(0).ids()));
        try (var loop = GenerationLoop.open(adapted, Optional.empty(), 4, CAPACITY)) {
            List<Ticket> tickets = new ArrayList<>();
            for (int i = 0; i < PROMPTS.size(); i++) {
                for (Adapter adapter : adapters) {
                    tickets.add(
                            loop.submit(
                                    request(i, plain(20)).withAdapter(adapter),
                                    SequenceListener.NONE));
                }
            }
            for (int i = 0; i < PROMPTS.size(); i++) {
                for (int a = 0; a < adapters.size(); a++) {
                    assertSame(expected.get(a).get(i), tickets.removeFirst().await());
                }
            }
        }
        Engine.run(
                () -> {
                    policy.close();
                    adapted.close();
                });
    }

    /// Of rank 3, with two random matrices, so that it changes the model.
    private static LoraConfig randomAdapter() {
        return new LoraConfig(
                3,
                60,
                0,
                false,
                false,
                ModuleSelection.of("all-linear"),
                Optional.empty(),
                List.of(),
                List.of(),
                Map.of(),
                Map.of(),
                List.of(),
                false,
                LoraInitialisation.RANDOM_BOTH,
                "CAUSAL_LM",
                Optional.empty());
    }

    /// While a long prompt is read, others get a token after each part.
    @Test
    void longPromptsAreReadInParts() {
        int[] prompt =
                IntStream.range(0, 2 * CachedDecoder.CHUNK + 100).map(i -> i * 7 % 40).toArray();
        SamplingConfig five = plain(5);
        var heard = new AtomicInteger();
        var before = new AtomicInteger();
        var second = new AtomicReference<Ticket>();
        try (var loop = GenerationLoop.open(decoder, Optional.empty(), 2, 2 * prompt.length)) {
            SequenceListener reader =
                    new SequenceListener() {
                        @Override
                        public Next sampled(Ticket ticket, int id, float logProb) {
                            before.compareAndSet(0, heard.get());
                            return Next.GO_ON;
                        }
                    };
            SequenceListener talker =
                    new SequenceListener() {
                        @Override
                        public Next sampled(Ticket ticket, int id, float logProb) {
                            if (heard.incrementAndGet() == 3) {
                                second.set(loop.submit(SequenceRequest.of(prompt, five), reader));
                            }
                            return Next.GO_ON;
                        }
                    };
            loop.submit(request(1, plain(20)), talker).await();
            SampledCompletion long5 = second.get().await();
            assertEquals(3 + 2, before.get(), "a token after each of two parts");
            assertSame(oneByOne(prompt, five), long5);
        }
    }
}
