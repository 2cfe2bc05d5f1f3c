package org.attune.rollout.generation;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.model.layer.Adapter;
import org.attune.model.layer.Decoder;
import org.attune.model.pass.Layout;
import org.attune.model.pass.Logits;
import org.attune.rollout.SampledCompletion;
import org.attune.rollout.sampling.SamplingConfig;
import org.attune.rollout.sampling.SamplingConfig.Distribution;
import org.attune.rollout.testing.RandomDecoder;
import org.attune.tensor.Engine;
import org.attune.tensor.TensorScope;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.IntStream;

/// Text by two models together, against passes of each over the whole sequence.
final class MixedGenerationTest {
    private static final int TOKENS = 12;
    private static Decoder own;
    private static Decoder other;

    @BeforeAll
    static void load() {
        own = Engine.call(() -> RandomDecoder.load(1));
        other = Engine.call(() -> RandomDecoder.load(2));
    }

    @AfterAll
    static void close() {
        Engine.run(own::close);
        Engine.run(other::close);
    }

    /// Prompts that begin alike, groups of equal ones, and one that is longer than a piece.
    private static List<int[]> prompts() {
        int[] beginning = IntStream.range(0, 30).map(i -> (i * 7) % 40).toArray();
        List<int[]> prompts = new ArrayList<>();
        for (int[] end : new int[][] {{1, 2}, {3}, {4, 5, 6}}) {
            prompts.addAll(Collections.nCopies(3, joined(beginning, end)));
            prompts.add(end);
        }
        return prompts;
    }

    private static int[] joined(int[] prompt, int[] completion) {
        return IntStream.concat(Arrays.stream(prompt), Arrays.stream(completion)).toArray();
    }

    private static Generator generator(Decoder decoder, int slots) {
        return new Generator(decoder, Adapter.OFF, Optional.empty(), slots);
    }

    private static Generator mixed(double share, int slots) {
        return generator(own, slots).mixedWith(other, Adapter.OFF, share);
    }

    private static List<SampledCompletion> generate(Generator generator, List<int[]> prompts) {
        var sampling = SamplingConfig.of(Distribution.plain(), TOKENS, Set.of(), 11);
        return generator.generate(prompts, sampling, SequenceListener.NONE);
    }

    /// `(T, V)`, from one pass without a cache.
    private static float[] logits(Decoder decoder, int[] tokens) {
        return Engine.call(
                () -> {
                    int[] positions = IntStream.range(0, tokens.length).toArray();
                    var spans = List.of(new Layout.Span(-1, 0, tokens.length));
                    try (var _ = TensorScope.open("test")) {
                        var layout = new Layout(tokens, positions, spans);
                        return Logits.of(decoder, layout, Adapter.OFF).toFloats();
                    }
                });
    }

    /// Log-probability of the token at a position under the mixture.
    private static double logProb(float[] one, float[] two, double share, int position, int token) {
        int vocabulary = own.config().vocabSize();
        int row = (position - 1) * vocabulary;
        double sum = 0;
        for (int v = 0; v < vocabulary; v++) {
            sum += Math.exp((1 - share) * one[row + v] + share * two[row + v]);
        }
        return (1 - share) * one[row + token] + share * two[row + token] - Math.log(sum);
    }

    private static void assertMixture(
            double share, List<int[]> prompts, List<SampledCompletion> completions) {
        for (int i = 0; i < prompts.size(); i++) {
            int[] ids = completions.get(i).ids();
            assertEquals(TOKENS, ids.length);
            int[] all = joined(prompts.get(i), ids);
            float[] one = logits(own, all);
            float[] two = logits(other, all);
            for (int t = 0; t < ids.length; t++) {
                int position = prompts.get(i).length + t;
                assertEquals(
                        logProb(one, two, share, position, ids[t]),
                        completions.get(i).logProbs()[t],
                        1e-4,
                        "prompt " + i + ", token " + t);
            }
        }
    }

    @Tag("thorough")
    @Test
    void eachTokenIsOfTheGeometricMixture() {
        for (double share : new double[] {0.25, 0.7}) {
            for (int slots : new int[] {2, 5, 32}) {
                List<SampledCompletion> all = generate(mixed(share, slots), prompts());
                assertMixture(share, prompts(), all);
            }
        }
    }

    @Test
    void aLongPromptIsReadByBoth() {
        int[] prompt = IntStream.range(0, 600).map(i -> (i * 11) % 40).toArray();
        List<int[]> prompts = List.of(prompt, new int[] {1});
        assertMixture(0.5, prompts, generate(mixed(0.5, 2), prompts));
    }

    @Tag("thorough")
    @Test
    void withoutAShareOneModelWritesAlone() {
        List<SampledCompletion> alone = generate(generator(own, 4), prompts());
        List<SampledCompletion> others = generate(generator(other, 4), prompts());
        List<SampledCompletion> none = generate(mixed(0, 4), prompts());
        List<SampledCompletion> all = generate(mixed(1, 4), prompts());
        boolean differ = false;
        for (int i = 0; i < alone.size(); i++) {
            assertArrayEquals(alone.get(i).ids(), none.get(i).ids());
            assertArrayEquals(others.get(i).ids(), all.get(i).ids());
            differ |= !Arrays.equals(alone.get(i).ids(), others.get(i).ids());
        }
        assertTrue(differ, "alike models prove nothing");
    }

    @Test
    void sharesOutOfRangeAreRefused() {
        for (double share : new double[] {-0.1, 1.1, Double.NaN}) {
            assertThrows(IllegalArgumentException.class, () -> mixed(share, 1));
        }
        assertFalse(prompts().isEmpty());
    }
}
