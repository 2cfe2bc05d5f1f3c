package org.attune.model.pass;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.tensor.Device;
import org.attune.tensor.Engine;
import org.attune.tensor.TensorScope;
import org.junit.jupiter.api.Test;

import java.util.Arrays;
import java.util.List;

class EmbeddingNoiseTest {
    private static final int WIDTH = 31; // odd, so that the last draw of a row stands alone

    /// Sequences that share nothing, the last token of each without a row.
    private static Layout layout(int[]... sequences) {
        int size = Arrays.stream(sequences).mapToInt(s -> s.length).sum();
        int[] tokens = new int[size];
        int[] positions = new int[size];
        var spans = new java.util.ArrayList<Layout.Span>();
        int start = 0;
        for (int[] sequence : sequences) {
            for (int i = 0; i < sequence.length; i++) {
                tokens[start + i] = sequence[i];
                positions[start + i] = i;
            }
            spans.add(new Layout.Span(-1, start, start + sequence.length, true, 1));
            start += sequence.length;
        }
        return new Layout(tokens, positions, List.copyOf(spans));
    }

    private static float[] noise(EmbeddingNoise noise, int[]... sequences) {
        return Engine.call(
                () -> {
                    try (var _ = TensorScope.open("test")) {
                        return noise.of(layout(sequences), WIDTH, Device.cpu()).toFloats();
                    }
                });
    }

    private static int[] tokens(int length, int first) {
        int[] tokens = new int[length];
        Arrays.setAll(tokens, i -> first + i % 7);
        return tokens;
    }

    /// A uniform draw has the variance a²/3. Of 12 369 draws the mean has a standard deviation of
    /// a/193, the variance one of a²/373.
    @Test
    void drawsAreUniformWithinAlphaOverTheRootOfTheSequencesSize() {
        float[] drawn = noise(new EmbeddingNoise(5, 1), tokens(399, 3));
        double bound = 5 / Math.sqrt(400.0 * WIDTH); // the token without a row counts
        double sum = 0;
        double squares = 0;
        double largest = 0;
        for (float x : drawn) {
            sum += x;
            squares += x * x;
            largest = Math.max(largest, Math.abs(x));
        }
        assertEquals(0, sum / drawn.length, 4 * bound / 193);
        assertEquals(bound * bound / 3, squares / drawn.length, 4 * bound * bound / 373);
        assertTrue(largest <= bound && largest > 0.999 * bound, largest + " of " + bound);
    }

    @Test
    void aSequencesNoiseIsItsOwnWhateverStandsBesideIt() {
        var noise = new EmbeddingNoise(5, 1);
        int[] first = tokens(6, 3);
        int[] second = tokens(9, 20);
        float[] together = noise(noise, second, first);
        assertArrayEquals(
                noise(noise, first),
                Arrays.copyOfRange(together, second.length * WIDTH, together.length));
        float[] alone = noise(noise, second);
        assertArrayEquals(alone, Arrays.copyOf(together, alone.length));
    }

    @Test
    void anotherStepAndAnotherPlaceDrawOthers() {
        float[] one = noise(new EmbeddingNoise(5, 1), tokens(6, 3));
        assertFalse(Arrays.equals(one, noise(new EmbeddingNoise(5, 2), tokens(6, 3))));
        float[] repeated = noise(new EmbeddingNoise(5, 1), new int[] {3, 3});
        assertFalse(
                Arrays.equals(
                        Arrays.copyOf(repeated, WIDTH),
                        Arrays.copyOfRange(repeated, WIDTH, 2 * WIDTH)));
    }

    @Test
    void sizesThatAreNoneAreRefused() {
        for (double alpha : new double[] {-1, Double.NaN, Double.POSITIVE_INFINITY}) {
            assertThrows(IllegalArgumentException.class, () -> new EmbeddingNoise(alpha, 1));
        }
        assertFalse(EmbeddingNoise.NONE.isOn());
    }
}
