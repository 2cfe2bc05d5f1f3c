package org.attune.rollout.generation;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.error.ConfigException;
import org.attune.model.layer.Adapter;
import org.attune.model.layer.Decoder;
import org.attune.model.pass.Layout;
import org.attune.model.pass.Logits;
import org.attune.rollout.OngoingCompletions;
import org.attune.rollout.SampledCompletion;
import org.attune.rollout.StopReason;
import org.attune.rollout.sampling.SamplingConfig;
import org.attune.rollout.sampling.SamplingConfig.Distribution;
import org.attune.rollout.testing.RandomDecoder;
import org.attune.tensor.Engine;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Queue;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.IntStream;

/// Completions that several calls make.
final class OngoingSequencesTest {
    private static final List<int[]> PROMPTS =
            List.of(new int[] {1, 2, 3, 4, 5}, new int[] {1, 2, 3}, new int[] {17, 4});
    private static final SampledCompletion NOTHING =
            new SampledCompletion(new int[0], new float[0], StopReason.CANCELLED);
    private static Decoder decoder;

    @BeforeAll
    static void load() {
        decoder = Engine.call(RandomDecoder::load);
    }

    @AfterAll
    static void close() {
        Engine.run(decoder::close);
    }

    private static Generator generator() {
        return new Generator(decoder, Adapter.OFF, Optional.empty(), 2);
    }

    /// Every prompt as a batch of two completions.
    private static final class Work implements OngoingCompletions {
        private final Queue<Begun> waiting = new ArrayDeque<>();
        private final List<Begun> left = new ArrayList<>();
        private final Map<String, SampledCompletion> whole = new TreeMap<>();
        private final int tokens;
        private int asked;

        /// @param tokens after which a call ends
        Work(int tokens) {
            this.tokens = tokens;
            for (int batch = 0; batch < PROMPTS.size(); batch++) {
                for (int index = 0; index < 2; index++) {
                    waiting.add(new Begun(PROMPTS.get(batch), batch, index, NOTHING));
                }
            }
        }

        @Override
        public int places() {
            return 2;
        }

        @Override
        public int longestPrompt() {
            return 5;
        }

        @Override
        public List<Begun> next(int free) {
            return waiting.isEmpty() ? List.of() : List.of(waiting.remove());
        }

        @Override
        public void ended(Begun begun, SampledCompletion all) {
            whole.put(begun.batch() + " " + begun.index(), all);
        }

        @Override
        public void left(Begun b, SampledCompletion before) {
            left.add(new Begun(b.prompt(), b.batch(), b.index(), before));
        }

        @Override
        public boolean isEnough() {
            return whole.size() == 2 * PROMPTS.size() || asked++ >= tokens;
        }

        Work run(SamplingConfig config) {
            int calls = 0;
            while (whole.size() < 2 * PROMPTS.size()) {
                asked = 0;
                left.clear();
                generator().goOn(this, config);
                List<Begun> later = List.copyOf(waiting);
                waiting.clear();
                waiting.addAll(left);
                waiting.addAll(later);
                assertTrue(calls++ < 200, "it doesn't come to an end");
            }
            return this;
        }
    }

    private static SamplingConfig config(double temperature) {
        return SamplingConfig.of(
                        Distribution.plain().withTemperature(temperature), 12, Set.of(7, 9), 11)
                .withMinNewTokens(4);
    }

    @Test
    void completionsThatGoOnHaveTheTokensOfThoseThatDoNot() {
        Work whole = new Work(1000).run(config(1));
        Work cut = new Work(3).run(config(1));
        for (int batch = 0; batch < PROMPTS.size(); batch++) {
            List<SampledCompletion> alone =
                    generator()
                            .generate(
                                    List.of(PROMPTS.get(batch), PROMPTS.get(batch)),
                                    config(1).ofBatch(batch),
                                    SequenceListener.NONE);
            for (int index = 0; index < 2; index++) {
                String name = batch + " " + index;
                for (Work work : List.of(whole, cut)) {
                    SampledCompletion got = work.whole.get(name);
                    assertArrayEquals(alone.get(index).ids(), got.ids(), name);
                    assertEquals(alone.get(index).reason(), got.reason(), name);
                    assertArrayEquals(alone.get(index).logProbs(), got.logProbs(), 1e-4f, name);
                }
            }
        }
    }

    @Test
    void aCompletionIsTheSameBitsWhenItGoesOnTheSameWay() {
        Map<String, SampledCompletion> one = new Work(3).run(config(1)).whole;
        Map<String, SampledCompletion> other = new Work(3).run(config(1)).whole;
        one.forEach((name, c) -> assertArrayEquals(c.logProbs(), other.get(name).logProbs(), name));
    }

    @Test
    void logProbabilitiesAreThoseOfTheTemperature() {
        SamplingConfig hot = config(1.7).withTellsDrawn(true);
        Work work = new Work(5).run(hot);
        Work topK = new Work(5).run(hot.withDistribution(hot.distribution().withTopK(20)));
        for (Work done : List.of(work, topK)) {
            SampledCompletion got = done.whole.get("0 1");
            float[][] rows = logits(PROMPTS.getFirst(), got.ids());
            for (int t = 0; t < got.ids().length; t++) {
                float[] row = rows[PROMPTS.getFirst().length - 1 + t];
                double sum = 0;
                for (float z : row) {
                    sum += Math.exp(z / 1.7);
                }
                assertEquals(
                        row[got.ids()[t]] / 1.7 - Math.log(sum), got.logProbs()[t], 1e-4, "" + t);
            }
        }
    }

    @Test
    void placesThatDoNotExistAreRefused() {
        var narrow = new Generator(decoder, Adapter.OFF, Optional.empty(), 1);
        String message =
                assertThrows(ConfigException.class, () -> narrow.goOn(new Work(3), config(1)))
                        .getMessage();
        assertTrue(message.contains("max_inflight_tasks"), message);
    }

    /// Logits of all positions, from one pass without a cache.
    private static float[][] logits(int[] prompt, int[] completion) {
        int[] tokens = IntStream.concat(Arrays.stream(prompt), Arrays.stream(completion)).toArray();
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
}
