package org.attune.trainers.heads;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import org.attune.trainers.heads.EmbedObjective.Part;
import org.attune.trainers.heads.InfoNce.Vectors;
import org.junit.jupiter.api.Test;

import java.util.Arrays;
import java.util.List;
import java.util.function.Supplier;

class HeadLossTest {
    private static final double STEP = 1e-6;

    private static double of(HeadLoss loss, double[] z, double... y) {
        return loss.of(z, y, new double[z.length]);
    }

    /// log(e⁰ + e¹ + e⁰) − 1 = log(4.7182818285) − 1 = 0.5514447139; each document alone:
    /// log(1 + e⁻¹) = 0.3132616875, log(1 + e⁰) = 0.6931471806.
    @Test
    void lossesByHand() {
        double[] z = {0, 1, 0};
        assertEquals(0.5514447139, of(new HeadLoss.CrossEntropy(), z, 1), 1e-10);
        assertEquals(0.5514447139, of(new HeadLoss.SoftmaxList(), z, 0, 1, 0), 1e-10);
        assertEquals(
                (0.3132616875 + 2 * 0.6931471806) / 3,
                of(new HeadLoss.BinaryCrossEntropy(), z, 0, 1, 0),
                1e-10);
        assertEquals(0.3132616875, of(new HeadLoss.RankNet(), z, 0, 1, 0), 1e-10);
        assertEquals(6.25, of(new HeadLoss.SquaredError(), new double[] {0.5}, 3), 1e-12);
    }

    @Test
    void queriesThatTellNothingTeachNothing() {
        double[] slopes = new double[2];
        double[] z = {3, -1};
        assertEquals(0, new HeadLoss.RankNet().of(z, new double[] {1, 1}, slopes));
        assertEquals(0, new HeadLoss.SoftmaxList().of(z, new double[] {0, 0}, slopes));
        assertArrayEquals(new double[2], slopes);
    }

    @Test
    void slopesAreDerivatives() {
        double[] z = {0.3, -1.2, 0.8, 2};
        for (HeadLoss loss :
                List.of(
                        new HeadLoss.BinaryCrossEntropy(),
                        new HeadLoss.RankNet(),
                        new HeadLoss.SoftmaxList())) {
            derivatives(loss, z, 1, 0, 0.5, 0);
        }
        derivatives(new HeadLoss.CrossEntropy(), z, 2);
        derivatives(new HeadLoss.SquaredError(), new double[] {0.4}, -1);
    }

    private static void derivatives(HeadLoss loss, double[] z, double... y) {
        double[] slopes = new double[z.length];
        loss.of(z, y, slopes);
        for (int i = 0; i < z.length; i++) {
            assertEquals(slope(z, i, () -> loss.of(z, y, new double[z.length])), slopes[i], 1e-8);
        }
    }

    private static double slope(double[] values, int at, Supplier<Double> loss) {
        double before = values[at];
        values[at] = before + STEP;
        double above = loss.get();
        values[at] = before - STEP;
        double below = loss.get();
        values[at] = before;
        return (above - below) / (2 * STEP);
    }

    /// Cosines of (1, 0) with (1, 0) and (0, 2) are 1 and 0: log(1 + e⁻²) = 0.1269280110 at scale
    /// 2.
    @Test
    void contrastByHand() {
        double[] losses = new double[1];
        InfoNce.contrast(
                vectors(new double[] {1, 0}),
                vectors(new double[] {1, 0}, new double[] {0, 2}),
                new int[] {0},
                List.of(new Part(2, 1)),
                2,
                losses);
        assertEquals(0.1269280110, losses[0], 1e-10);
    }

    private static Vectors vectors(double[]... values) {
        return Vectors.of(List.of(values));
    }

    @Test
    void slopesOfEmbeddingsAreDerivatives() {
        double[][] a = {{0.3, -1, 0.5}, {1, 0.2, -0.4}};
        double[][] b = {{1, 1, 0.1}, {-0.3, 0.7, 2}, {0.5, 0.5, -1}};
        List<Part> parts = List.of(new Part(3, 1), new Part(2, 0.5));
        contrasts(a, b, parts);
        double[] target = {0.9, -0.2};
        double[][] pairs = {b[0], b[1]};
        Vectors left = vectors(a);
        Vectors right = vectors(pairs);
        InfoNce.similarity(left, right, target, parts, new double[2]);
        compare(
                a,
                left,
                () -> {
                    double[] losses = new double[2];
                    InfoNce.similarity(vectors(a), vectors(pairs), target, parts, losses);
                    return Arrays.stream(losses).average().orElseThrow();
                });
    }

    private static void contrasts(double[][] a, double[][] b, List<Part> parts) {
        int[] own = {2, 0};
        Vectors anchors = vectors(a);
        Vectors documents = vectors(b);
        InfoNce.contrast(anchors, documents, own, parts, 5, new double[2]);
        Supplier<Double> loss =
                () -> {
                    double[] losses = new double[2];
                    InfoNce.contrast(vectors(a), vectors(b), own, parts, 5, losses);
                    return Arrays.stream(losses).average().orElseThrow();
                };
        compare(a, anchors, loss);
        compare(b, documents, loss);
    }

    private static void compare(double[][] values, Vectors said, Supplier<Double> loss) {
        for (int i = 0; i < values.length; i++) {
            for (int k = 0; k < values[i].length; k++) {
                assertEquals(slope(values[i], k, loss), said.slopes()[i][k], 1e-8);
            }
        }
    }
}
