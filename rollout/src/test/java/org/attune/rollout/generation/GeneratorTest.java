package org.attune.rollout.generation;

import static org.attune.rollout.generation.LoopRequests.hearing;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.error.RolloutException;
import org.attune.model.decode.KvCache;
import org.attune.model.layer.Adapter;
import org.attune.model.layer.Decoder;
import org.attune.model.pass.Layout;
import org.attune.model.pass.Logits;
import org.attune.rollout.SampledCompletion;
import org.attune.rollout.StopReason;
import org.attune.rollout.TopTokens;
import org.attune.rollout.sampling.SamplingConfig;
import org.attune.rollout.sampling.SamplingConfig.Distribution;
import org.attune.rollout.testing.RandomDecoder;
import org.attune.tensor.Engine;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.IntStream;

final class GeneratorTest {
    private static final List<int[]> PROMPTS =
            List.of(
                    new int[] {1, 2, 3, 4, 5, 6, 7, 8, 9},
                    new int[] {1, 2, 3},
                    new int[] {17},
                    new int[] {1, 2, 3, 4, 5, 6, 7, 8, 9},
                    new int[] {30, 2, 21, 30, 4});
    private static Decoder decoder;

    @BeforeAll
    static void load() {
        decoder = Engine.call(RandomDecoder::load);
    }

    @AfterAll
    static void close() {
        Engine.run(decoder::close);
    }

    private static Generator generator(int slots) {
        return new Generator(decoder, Adapter.OFF, Optional.empty(), slots);
    }

    private static SamplingConfig sampled(int tokens) {
        return SamplingConfig.of(Distribution.plain(), tokens, Set.of(), 11);
    }

    private static List<SampledCompletion> generate(int slots, SamplingConfig config) {
        return generator(slots).generate(PROMPTS, config, SequenceListener.NONE);
    }

    /// Logits of all positions, from one pass without a cache.
    private static float[][] logits(int[] tokens) {
        return Engine.call(
                () -> {
                    int[] positions = IntStream.range(0, tokens.length).toArray();
                    var spans = List.of(new Layout.Span(-1, 0, tokens.length));
                    try (var _ = TensorScope.open("test")) {
                        Tensor all =
                                Logits.of(
                                        decoder, new Layout(tokens, positions, spans), Adapter.OFF);
                        float[][] rows = new float[tokens.length][];
                        for (int i = 0; i < rows.length; i++) {
                            rows[i] = all.narrow(0, i, 1).toFloats();
                        }
                        return rows;
                    }
                });
    }

    private static int[] joined(int[] prompt, int[] completion) {
        return IntStream.concat(Arrays.stream(prompt), Arrays.stream(completion)).toArray();
    }

    @Test
    void cachedGreedyIsUncachedGreedyWithTheSameLogProbs() {
        List<SampledCompletion> all = generate(3, SamplingConfig.greedy(20, Set.of()));
        for (int i = 0; i < PROMPTS.size(); i++) {
            SampledCompletion completion = all.get(i);
            assertEquals(20, completion.ids().length);
            assertEquals(StopReason.MAX_TOKENS, completion.reason());
            int[] prompt = PROMPTS.get(i);
            float[][] rows = logits(joined(prompt, completion.ids()));
            for (int t = 0; t < 20; t++) {
                float[] row = rows[prompt.length - 1 + t];
                int best = 0;
                double sum = 0;
                for (int v = 0; v < row.length; v++) {
                    best = row[v] > row[best] ? v : best;
                    sum += Math.exp(row[v]);
                }
                assertEquals(best, completion.ids()[t], "prompt " + i + " token " + t);
                assertEquals(row[best] - Math.log(sum), completion.logProbs()[t], 1e-4);
            }
        }
    }

    @Test
    void batchOfAnySizeIsOneByOne() {
        List<SampledCompletion> together = generate(PROMPTS.size(), sampled(20));
        for (int slots = 1; slots < PROMPTS.size(); slots++) {
            List<SampledCompletion> other = generate(slots, sampled(20));
            for (int i = 0; i < PROMPTS.size(); i++) {
                assertArrayEquals(together.get(i).ids(), other.get(i).ids(), slots + " slots");
            }
        }
        List<String> texts = together.stream().map(c -> Arrays.toString(c.ids())).toList();
        assertEquals(
                PROMPTS.size(), new HashSet<>(texts).size(), "equal prompts need different draws");
    }

    /// Groups of equal prompts are read once, long beginnings are taken over: with the same result
    /// as when each prompt is read alone.
    @Test
    void readingOnceForManyIsReadingForEach() {
        int[] beginning = IntStream.range(0, 45).map(i -> (i * 7) % 40).toArray();
        List<int[]> prompts = new ArrayList<>();
        for (int[] end : new int[][] {{1, 2}, {3}, {4, 5, 6}}) {
            prompts.addAll(Collections.nCopies(4, joined(beginning, end)));
            prompts.addAll(Collections.nCopies(2, end));
        }
        List<SampledCompletion> together =
                generator(7).generate(prompts, sampled(12), SequenceListener.NONE);
        for (int i = 0; i < prompts.size(); i++) {
            int index = i;
            SampledCompletion alone =
                    generator(1)
                            .generate(
                                    prompts.subList(0, i + 1),
                                    sampled(12),
                                    hearing((sequence, _) -> sequence == index))
                            .getLast();
            assertArrayEquals(alone.ids(), together.get(i).ids(), "prompt " + i);
            assertArrayEquals(alone.logProbs(), together.get(i).logProbs(), 1e-4f);
        }
    }

    @Tag("thorough")
    @Test
    void completionsEndWhenTheTimeIsOver() {
        SequenceListener slow =
                hearing(
                        (_, _) -> {
                            LockSupport.parkNanos(20_000_000);
                            return true;
                        });
        SamplingConfig config = sampled(1000).withMaxTime(Duration.ofSeconds(5));
        List<SampledCompletion> all = generator(2).generate(PROMPTS, config, slow);
        assertEquals(PROMPTS.size(), all.size());
        all.forEach(c -> assertEquals(StopReason.DEADLINE, c.reason()));
        assertTrue(all.get(0).ids().length > 0);
        assertEquals(0, all.getLast().ids().length);
    }

    @Test
    void likeliestTokensAreReportedAtEachPosition() {
        List<SampledCompletion> all = generate(2, sampled(5).withTopLogProbs(3));
        for (int i = 0; i < all.size(); i++) {
            SampledCompletion c = all.get(i);
            assertEquals(5, c.top().size());
            float[][] rows = logits(joined(PROMPTS.get(i), c.ids()));
            for (int t = 0; t < 5; t++) {
                float[] row = rows[PROMPTS.get(i).length - 1 + t];
                TopTokens top = c.top().get(t);
                assertEquals(3, top.ids().length);
                int best = top.ids()[0];
                for (float logit : row) {
                    assertTrue(logit <= row[best] + 1e-4);
                }
                assertEquals(
                        row[c.ids()[t]] - row[best], c.logProbs()[t] - top.logProbs()[0], 1e-4);
            }
        }
    }

    @Test
    void sequencesStopEarlyAndLeaveTheOthersAlone() {
        List<SampledCompletion> free = generate(5, sampled(20));
        int stop = free.get(1).ids()[4];
        SamplingConfig stopping = SamplingConfig.of(Distribution.plain(), 20, Set.of(stop), 11);
        List<SampledCompletion> stopped = generate(3, stopping);
        for (int i = 0; i < PROMPTS.size(); i++) {
            int[] ids = free.get(i).ids();
            int end = 0;
            while (end < ids.length && ids[end] != stop) {
                end++;
            }
            int length = Math.min(ids.length, end + 1);
            assertArrayEquals(Arrays.copyOf(ids, length), stopped.get(i).ids(), "prompt " + i);
            assertEquals(
                    end < ids.length ? StopReason.STOP_TOKEN : StopReason.MAX_TOKENS,
                    stopped.get(i).reason());
        }
        List<SampledCompletion> longer = generate(3, stopping.withMinNewTokens(20));
        longer.forEach(c -> assertEquals(20, c.ids().length));
    }

    @Test
    void listenerHearsEveryTokenAndCanStop() {
        List<List<Integer>> heard = new ArrayList<>();
        PROMPTS.forEach(_ -> heard.add(new ArrayList<>()));
        SequenceListener listener =
                hearing(
                        (sequence, id) -> {
                            heard.get(sequence).add(id);
                            return sequence != 2 || heard.get(2).size() < 3;
                        });
        List<SampledCompletion> all = generator(2).generate(PROMPTS, sampled(10), listener);
        for (int i = 0; i < PROMPTS.size(); i++) {
            int[] ids = heard.get(i).stream().mapToInt(Integer::intValue).toArray();
            assertArrayEquals(all.get(i).ids(), ids);
        }
        assertEquals(StopReason.CANCELLED, all.get(2).reason());
        assertEquals(3, all.get(2).ids().length);
    }

    /// The second turn begins with the first: only its new part is read, with the same result.
    @Test
    void ownCacheServesTheNextTurn() {
        SamplingConfig greedy = SamplingConfig.greedy(6, Set.of());
        KvCache cache = Engine.call(() -> generator(1).newCache(1, 24));
        try {
            int[] first = PROMPTS.get(0);
            int[] said = one(cache, first, greedy).ids();
            int[] second = joined(joined(first, said), new int[] {12, 13});
            int[] continued = one(cache, second, greedy).ids();
            List<SampledCompletion> fresh =
                    generator(1).generate(List.of(second), greedy, SequenceListener.NONE);
            assertArrayEquals(fresh.getFirst().ids(), continued);
            SampledCompletion full = one(cache, second, SamplingConfig.greedy(50, Set.of()));
            assertEquals(24 + 1, second.length + full.ids().length);
            assertThrows(RolloutException.class, () -> one(cache, new int[25], greedy));
        } finally {
            Engine.run(cache::close);
        }
    }

    private static SampledCompletion one(KvCache cache, int[] prompt, SamplingConfig config) {
        return generator(1)
                .generate(cache, List.of(prompt), config, SequenceListener.NONE)
                .getFirst();
    }

    @Test
    void nothingIsLeftBehindByTokensOrCalls() {
        List<Long> live = new ArrayList<>();
        long before = Engine.call(TensorScope::liveBytes);
        SequenceListener listener =
                hearing((sequence, _) -> sequence != 0 || live.add(TensorScope.liveBytes()));
        generator(2).generate(PROMPTS.subList(0, 2), sampled(30), listener);
        // The first token follows a prompt, all others a step of two sequences.
        assertEquals(1, new HashSet<>(live.subList(1, live.size())).size(), live.toString());
        assertEquals(before, Engine.call(TensorScope::liveBytes));
    }

    @Test
    void badPromptsAreRefused() {
        SamplingConfig config = sampled(2);
        for (int[] bad : new int[][] {{}, {-1}, {RandomDecoder.VOCABULARY}}) {
            assertThrows(
                    RolloutException.class,
                    () -> generator(1).generate(List.of(bad), config, SequenceListener.NONE));
        }
        assertThrows(
                RolloutException.class, () -> generate(1, config.withStopStrings(List.of("x"))));
    }
}
