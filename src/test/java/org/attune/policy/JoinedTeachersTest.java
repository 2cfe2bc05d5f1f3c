package org.attune.policy;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.apache.commons.rng.UniformRandomProvider;
import org.apache.commons.rng.simple.RandomSource;
import org.attune.tensor.Engine;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;
import org.attune.testing.Devices;
import org.junit.jupiter.api.Test;

import java.util.Arrays;
import java.util.List;

/// What several teachers say of a forest is what each says of its rows.
class JoinedTeachersTest {
    private static final int VOCABULARY = 7;
    private static final int TOP = 2;

    private final UniformRandomProvider random = RandomSource.XO_SHI_RO_256_PP.create(5L);

    /// One teacher's likeliest tokens of `targets` places, row-major.
    private record Told(int[] ids, float[] logProbs) {
        Told places(int from, int to) {
            return new Told(
                    Arrays.copyOfRange(ids, from * TOP, to * TOP),
                    Arrays.copyOfRange(logProbs, from * TOP, to * TOP));
        }

        Teacher teacher() {
            return new TopTokens(TOP, ids, logProbs, true);
        }
    }

    private Told told(int targets) {
        int[] ids = new int[targets * TOP];
        float[] logProbs = new float[targets * TOP];
        for (int i = 0; i < targets; i++) {
            ids[i * TOP] = random.nextInt(VOCABULARY);
            ids[i * TOP + 1] = (ids[i * TOP] + 1 + random.nextInt(VOCABULARY - 1)) % VOCABULARY;
            logProbs[i * TOP] = -0.5f - random.nextFloat();
            logProbs[i * TOP + 1] = -1.5f - random.nextFloat();
        }
        return new Told(ids, logProbs);
    }

    private static Told joined(Told... parts) {
        int[] ids = Arrays.stream(parts).flatMapToInt(p -> Arrays.stream(p.ids())).toArray();
        float[] logProbs = new float[ids.length];
        int at = 0;
        for (Told part : parts) {
            System.arraycopy(part.logProbs(), 0, logProbs, at, part.logProbs().length);
            at += part.logProbs().length;
        }
        return new Told(ids, logProbs);
    }

    /// 60 forests of two to six rows of three teachers, cut into chunks of one to five targets.
    @Test
    void everyChunkIsThatOfItsRowsTeachers() {
        Engine.run(
                () -> {
                    for (int round = 0; round < 60; round++) {
                        int[] whose = random.ints(2 + random.nextInt(5), 0, 3).toArray();
                        int[] sizes = random.ints(whose.length, 1, 5).toArray();
                        compare(whose, sizes, 1 + random.nextInt(5));
                    }
                });
    }

    private void compare(int[] whose, int[] sizes, int chunk) {
        int targets = Arrays.stream(sizes).sum();
        Told all = told(targets);
        List<Teacher> parts =
                List.of(
                        part(all, whose, sizes, 0),
                        part(all, whose, sizes, 1),
                        part(all, whose, sizes, 2));
        Divergence divergence = Divergence.of(0.5);
        try (var _ = TensorScope.open("test");
                var one = all.teacher();
                var joined = Teacher.joined(parts, whose, sizes)) {
            assertEquals(targets, joined.targets());
            HeadTerm expected = HeadTerm.of(divergence, one);
            HeadTerm actual = HeadTerm.of(divergence, joined);
            for (int from = 0; from < targets; from += chunk) {
                int n = Math.min(chunk, targets - from);
                float[] logits = new float[n * VOCABULARY];
                for (int i = 0; i < logits.length; i++) {
                    logits[i] = 3 * random.nextFloat();
                }
                Tensor z = Tensor.of(Devices.usual(), logits, n, VOCABULARY);
                assertArrayEquals(
                        expected.values(z, from, 1).toFloats(),
                        actual.values(z, from, 1).toFloats());
                assertArrayEquals(
                        expected.slopes(z, from, 1).toFloats(),
                        actual.slopes(z, from, 1).toFloats());
            }
        }
    }

    /// The places of one teacher's rows, in their order.
    private static Teacher part(Told all, int[] whose, int[] sizes, int teacher) {
        Told own = new Told(new int[0], new float[0]);
        int start = 0;
        for (int i = 0; i < whose.length; i++) {
            if (whose[i] == teacher) {
                own = joined(own, all.places(start, start + sizes[i]));
            }
            start += sizes[i];
        }
        return own.teacher();
    }

    @Test
    void aTeacherThatHasReadOtherRowsIsRefused() {
        Teacher one = told(3).teacher();
        Teacher two = told(2).teacher();
        int[] whose = {0, 1};
        int[] sizes = {3, 3};
        assertThrows(
                IllegalArgumentException.class,
                () -> Teacher.joined(List.of(one, two), whose, sizes));
    }
}
