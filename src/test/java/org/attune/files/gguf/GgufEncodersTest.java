package org.attune.files.gguf;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/// Numbers become the blocks that gguf's Python package makes of them, and of the types that it
/// doesn't write, blocks with no larger error than ggml's. Both were asked by a script that draws
/// the same numbers.
class GgufEncodersTest {
    private static final int ROWS = 64;
    private static final int COLUMNS = 256;
    private static final float[] NUMBERS = numbers();

    /// Sums of four numbers of a linear congruential generator; half of the rows have a column of
    /// larger ones.
    private static float[] numbers() {
        var all = new float[ROWS * COLUMNS];
        long state = 42;
        for (int i = 0; i < all.length; i++) {
            double sum = -2;
            for (int k = 0; k < 4; k++) {
                state = state * 6364136223846793005L + 1442695040888963407L;
                sum += (state >>> 40) / (double) (1 << 24);
            }
            all[i] = (float) sum * (i >= all.length / 2 && i % 32 == 5 ? 3 : 1);
        }
        return all;
    }

    private static byte[] encoded(GgufType type, float[] numbers, float[] weights) {
        int blocks = numbers.length / type.block();
        byte[] target = new byte[blocks * type.blockBytes()];
        type.encoder().encode(numbers, weights, target, blocks);
        return target;
    }

    private static float[] decoded(GgufType type, byte[] source) {
        int blocks = source.length / type.blockBytes();
        float[] target = new float[blocks * type.block()];
        type.decoder().decode(source, target, blocks);
        return target;
    }

    private static double error(float[] numbers, float[] others, float[] weights) {
        double sum = 0;
        double all = 0;
        for (int i = 0; i < numbers.length; i++) {
            double w = weights == null ? 1 : weights[i];
            sum += w * Math.pow((double) numbers[i] - others[i], 2);
            all += w;
        }
        return Math.sqrt(sum / all);
    }

    @ParameterizedTest
    @CsvSource({
        "Q8_0, d85166e2d6fcdf5a",
        "Q4_0, 23851cc9c8a6811d",
        "Q4_1, b33ef41c393a9d7c",
        "Q5_0, d21fec022f8e641c",
        "Q5_1, f322904563891615",
        "MXFP4, 2063a0ce746cbf5e"
    })
    void simpleBlocksAreThoseOfGguf(GgufType type, String digest) throws NoSuchAlgorithmException {
        byte[] blocks = encoded(type, NUMBERS, null);
        byte[] hash = MessageDigest.getInstance("SHA-256").digest(blocks);
        assertEquals(digest, HexFormat.of().formatHex(hash).substring(0, 16));
    }

    @ParameterizedTest
    @CsvSource({"Q4_K, 0.046057", "Q5_K, 0.0232653", "Q6_K, 0.0117742"})
    void superBlocksAreNearerThanThoseOfGgml(GgufType type, double ofGgml) {
        double error = error(NUMBERS, decoded(type, encoded(type, NUMBERS, null)), null);
        assertTrue(error <= ofGgml, type + " " + error);
        assertTrue(error > ofGgml / 2, "as few bits can't say so much: " + error);
    }

    @ParameterizedTest
    @CsvSource({"Q4_K", "Q5_K", "Q6_K"})
    void numbersThatCountMoreAreNearer(GgufType type) {
        float[] weights = new float[NUMBERS.length];
        for (int i = 0; i < weights.length; i++) {
            weights[i] = i % 4 == 0 ? 50 : 1;
        }
        double weighed = error(NUMBERS, decoded(type, encoded(type, NUMBERS, weights)), weights);
        double alike = error(NUMBERS, decoded(type, encoded(type, NUMBERS, null)), weights);
        assertTrue(weighed < 0.97 * alike, type + " " + weighed + " instead of " + alike);
    }

    @Test
    void extremesStayFinite() {
        float[] numbers = new float[COLUMNS];
        numbers[3] = 60000;
        numbers[40] = -1e-30f;
        numbers[100] = 1e-8f;
        for (GgufType type : GgufType.values()) {
            if (type.encoder() != null) {
                for (float value : decoded(type, encoded(type, numbers, null))) {
                    assertTrue(Float.isFinite(value), type + " " + value);
                }
                float[] zeros = new float[COLUMNS];
                assertEquals(0, error(zeros, decoded(type, encoded(type, zeros, null)), null));
            }
        }
    }
}
