package org.attune.rollout.generation;

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
import org.attune.rollout.StopReason;
import org.attune.rollout.TokenListener;
import org.attune.rollout.sampling.SamplingConfig;
import org.attune.rollout.sampling.SamplingConfig.Distribution;
import org.attune.rollout.sampling.TokenConstraint;
import org.attune.rollout.testing.ByteTokens;
import org.attune.rollout.testing.RandomDecoder;
import org.attune.tensor.Engine;
import org.attune.tensor.TensorScope;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

import java.time.Duration;
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

final class GenerationLoopTest {
    private static final List<int[]> PROMPTS =
            List.of(
                    new int[] {1, 2, 3, 4, 5, 6, 7, 8, 9},
                    new int[] {1, 2, 3},
                    new int[] {17},
                    new int[] {1, 2, 3, 4, 5, 6, 7, 8, 9},
                    new int[] {30, 2, 21, 30, 4});
    private static final int CAPACITY = 60;
    private static final float ROUNDING = 1e-4f;
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

    private static SamplingConfig sampled(int tokens) {
        return SamplingConfig.of(Distribution.plain(), tokens, Set.of(), 11);
    }

    private static List<SampledCompletion> generated(SamplingConfig config, Adapter adapter) {
        return new Generator(decoder, adapter, Optional.empty(), PROMPTS.size())
                .generate(PROMPTS, config, TokenListener.NONE);
    }

    private static SequenceRequest request(int i, SamplingConfig config) {
        return SequenceRequest.of(PROMPTS.get(i), config).withIndex(i);
    }

    /// Tokens are equal; log-probabilities but for the rounding of batched products.
    private static void assertSame(SampledCompletion expected, SampledCompletion actual) {
        assertArrayEquals(expected.ids(), actual.ids());
        assertArrayEquals(expected.logProbs(), actual.logProbs(), ROUNDING);
        assertEquals(expected.reason(), actual.reason());
    }

    @Test
    void tokensAreTheGeneratorsInAnyOrderAndCompany() {
        Distribution other = new Distribution(1.2, 0.1, 0.1, 1.5, 30, 0.95, 0.01, 1);
        List<SamplingConfig> configs =
                List.of(
                        sampled(20),
                        SamplingConfig.greedy(20, Set.of()),
                        SamplingConfig.of(other, 20, Set.of(3), 5).withTopLogProbs(2),
                        sampled(20).withMinNewTokens(3));
        List<List<SampledCompletion>> expected =
                configs.stream().map(c -> generated(c, Adapter.OFF)).toList();
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

    /// Alone in a loop of its own the passes are the same, so the bits are, also of a sequence that
    /// pauses meanwhile.
    @Test
    void aloneAllBitsAreTheGenerators() {
        SampledCompletion expected = oneByOne(PROMPTS.get(4), sampled(20));
        var pausing = new Pausing(new int[0]);
        SequenceRequest request = SequenceRequest.of(PROMPTS.get(4), sampled(20));
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
                .generate(List.of(prompt), config, TokenListener.NONE)
                .getFirst();
    }

    /// Pauses after four tokens, and goes on at once with tokens from outside.
    private static final class Pausing implements SequenceListener {
        private final int[] foreign;
        private final AtomicInteger tokens = new AtomicInteger();
        private final AtomicInteger pauses = new AtomicInteger();

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
    private static final class Forced implements TokenConstraint {
        private final int from;
        private final int[] ids;
        private int position;

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

    @Test
    void foreignTokensAreAsIfTheyHadBeenSampled() {
        int[] foreign = {12, 13, 14};
        try (var loop = loop(2)) {
            var forced = request(1, sampled(20)).withConstraint(new Forced(4, foreign));
            SampledCompletion expected = loop.submit(forced, SequenceListener.NONE).await();
            SampledCompletion actual =
                    loop.submit(request(1, sampled(20)), new Pausing(foreign)).await();
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

    /// One slot for two: whoever pauses gives it up, and is read again.
    @Test
    void pausedSequencesGiveUpTheirPlaceWithoutAnotherResult() {
        List<SampledCompletion> expected = generated(sampled(20), Adapter.OFF);
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
            Ticket first = loop.submit(request(0, sampled(20)), listener);
            Ticket second = loop.submit(request(4, sampled(20)), SequenceListener.NONE);
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
    void cancellingFreesThePlace() {
        try (var loop = loop(1)) {
            Ticket running = loop.submit(request(0, sampled(1000)), new Pausing(1));
            Ticket waiting = loop.submit(request(1, sampled(5)), SequenceListener.NONE);
            Ticket last = loop.submit(request(2, sampled(5)), SequenceListener.NONE);
            waiting.cancel();
            running.cancel();
            assertEquals(StopReason.CANCELLED, running.await().reason());
            assertEquals(StopReason.CANCELLED, waiting.await().reason());
            assertEquals(5, last.await().ids().length);
            last.cancel();
        }
    }

    @Test
    void eachSequenceHasItsOwnStopsAndTime() {
        try (var loop = GenerationLoop.open(decoder, Optional.of(new ByteTokens()), 4, CAPACITY)) {
            int[] free = loop.submit(request(0, sampled(20)), SequenceListener.NONE).await().ids();
            SamplingConfig stopping =
                    SamplingConfig.of(Distribution.plain(), 20, Set.of(free[6]), 11);
            String text = new ByteTokens().decode(new int[] {free[4], free[5]}, false);
            Ticket all = loop.submit(request(0, sampled(20)), SequenceListener.NONE);
            Ticket byId = loop.submit(request(0, stopping), SequenceListener.NONE);
            Ticket byText =
                    loop.submit(
                            request(0, sampled(20).withStopStrings(List.of(text))),
                            SequenceListener.NONE);
            Ticket late =
                    loop.submit(
                            request(0, sampled(20).withMaxTime(Duration.ofNanos(1))),
                            SequenceListener.NONE);
            assertArrayEquals(free, all.await().ids());
            assertEquals(StopReason.STOP_TOKEN, byId.await().reason());
            assertEquals(StopReason.STOP_STRING, byText.await().reason());
            assertArrayEquals(Arrays.copyOf(free, 6), byText.await().ids());
            assertEquals(StopReason.DEADLINE, late.await().reason());
        }
        try (var loop = loop(1)) {
            var config = sampled(2).withStopStrings(List.of("x"));
            assertThrows(
                    RolloutException.class,
                    () -> loop.submit(request(0, config), SequenceListener.NONE));
        }
    }

    /// The stop token of a turn pauses the sequence, as where an agent calls a tool.
    @Test
    void aStopCanPauseInsteadOfEnding() {
        int stop = generated(sampled(20), Adapter.OFF).get(1).ids()[4];
        var config = SamplingConfig.of(Distribution.plain(), 20, Set.of(stop), 11);
        List<StopReason> reasons = new ArrayList<>();
        SequenceListener turns =
                new SequenceListener() {
                    @Override
                    public Next stopped(Ticket ticket, StopReason reason) {
                        reasons.add(reason);
                        return reasons.size() == 1 ? Next.PAUSE : Next.END;
                    }

                    @Override
                    public void paused(Ticket ticket) {
                        ticket.goOn(8, 9);
                    }
                };
        try (var loop = loop(1)) {
            SampledCompletion all = loop.submit(request(1, config), turns).await();
            int[] ids = all.ids();
            int end =
                    IntStream.range(0, ids.length)
                            .filter(t -> ids[t] == stop)
                            .findFirst()
                            .orElseThrow();
            assertArrayEquals(new int[] {8, 9}, Arrays.copyOfRange(ids, end + 1, end + 3));
            assertTrue(all.foreign().get(end + 1) && all.foreign().get(end + 2));
            assertEquals(2, all.foreign().cardinality());
            assertEquals(StopReason.STOP_TOKEN, reasons.getFirst());
        }
    }

    @Test
    void whatFailsInOneSequenceEndsThatOneOnly() {
        SequenceListener bad =
                new SequenceListener() {
                    @Override
                    public Next sampled(Ticket ticket, int id, float logProb) {
                        throw new IllegalStateException("no disk");
                    }
                };
        var nothing = new Forced(2, 1);
        try (var loop = loop(3)) {
            Ticket good = loop.submit(request(0, sampled(20)), SequenceListener.NONE);
            Ticket failing = loop.submit(request(1, sampled(20)), bad);
            Ticket constrained =
                    loop.submit(
                            request(
                                            1,
                                            SamplingConfig.of(
                                                            Distribution.plain(), 20, Set.of(1), 1)
                                                    .withMinNewTokens(9))
                                    .withConstraint(nothing),
                            SequenceListener.NONE);
            String message = assertThrows(RolloutException.class, failing::await).getMessage();
            assertTrue(message.contains("listener") && message.contains("no disk"), message);
            message = assertThrows(RolloutException.class, constrained::await).getMessage();
            assertTrue(message.contains("allows no token after 2 tokens"), message);
            assertSame(generated(sampled(20), Adapter.OFF).get(0), good.await());
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
                        SequenceRequest.of(prefix, sampled(1))
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
                            .generate(PROMPTS, sampled(20), TokenListener.NONE));
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
                                    request(i, sampled(20)).withAdapter(adapter),
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
        SamplingConfig five = sampled(5);
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
            loop.submit(request(1, sampled(20)), talker).await();
            SampledCompletion long5 = second.get().await();
            assertEquals(3 + 2, before.get(), "a token after each of two parts");
            assertSame(oneByOne(prompt, five), long5);
        }
    }

    /// Other work waits for the step that runs and for one that waits already.
    @Test
    void otherWorkOfTheEngineGetsItsTurn() {
        var tokens = new AtomicInteger();
        SequenceListener counting =
                new SequenceListener() {
                    @Override
                    public Next sampled(Ticket ticket, int id, float logProb) {
                        tokens.incrementAndGet();
                        return Next.GO_ON;
                    }
                };
        try (var loop = GenerationLoop.open(decoder, Optional.empty(), 1, 2000)) {
            Ticket ticket = loop.submit(request(0, sampled(1500)), counting);
            int most = 0;
            int calls = 0;
            while (!ticket.isDone()) {
                int before = tokens.get();
                most = Math.max(most, Engine.call(tokens::get) - before);
                calls++;
            }
            assertEquals(1500, ticket.await().ids().length);
            assertTrue(calls > 20, calls + " calls");
            assertTrue(most <= 3, most + " tokens before other work had its turn");
        }
    }

    @Test
    void closingEndsWhatRunsAndFreesAllMemory() {
        long before = Engine.call(TensorScope::liveBytes);
        GenerationLoop loop = loop(1);
        Ticket running = loop.submit(request(0, sampled(1000)), SequenceListener.NONE);
        Ticket waiting = loop.submit(request(1, sampled(5)), SequenceListener.NONE);
        loop.close();
        loop.close();
        assertTrue(running.isDone() && waiting.isDone());
        assertThrows(
                IllegalStateException.class,
                () -> loop.submit(request(0, sampled(5)), SequenceListener.NONE));
        running.cancel();
        assertEquals(before, Engine.call(TensorScope::liveBytes));
        GenerationLoop other = loop(1);
        SequenceListener closing =
                new SequenceListener() {
                    @Override
                    public Next sampled(Ticket ticket, int id, float logProb) {
                        other.close();
                        return Next.GO_ON;
                    }
                };
        assertEquals(1, other.submit(request(0, sampled(9)), closing).await().ids().length);
        other.close();
        assertEquals(before, Engine.call(TensorScope::liveBytes));
    }

    @Test
    void badPromptsAreRefusedAtOnce() {
        try (var loop = loop(1)) {
            for (int[] bad :
                    new int[][] {{}, {-1}, {RandomDecoder.VOCABULARY}, new int[CAPACITY + 1]}) {
                var request = SequenceRequest.of(bad, sampled(2));
                assertThrows(
                        RolloutException.class, () -> loop.submit(request, SequenceListener.NONE));
            }
        }
    }

    @Test
    void nothingIsLeftBehindByAThousandSequences() {
        try (var loop = loop(2)) {
            List<Long> live = new ArrayList<>();
            for (int i = 0; i < 1000; i++) {
                SequenceListener listener = i % 7 == 0 ? new Pausing(3) : SequenceListener.NONE;
                Ticket ticket = loop.submit(request(i % 5, sampled(1 + i % 9)), listener);
                if (i % 11 == 0) {
                    ticket.cancel();
                }
                if (i % 20 == 19) {
                    ticket.await();
                }
                if (i % 200 == 199) {
                    live.add(Engine.call(TensorScope::liveTensors));
                }
            }
            assertEquals(1, Set.copyOf(live).size(), live.toString());
        }
    }
}
