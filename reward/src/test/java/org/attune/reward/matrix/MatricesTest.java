package org.attune.reward.matrix;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import org.apache.commons.rng.UniformRandomProvider;
import org.apache.commons.rng.simple.RandomSource;
import org.attune.reward.Advantages;
import org.attune.reward.Advantages.Aggregation;
import org.attune.reward.Advantages.ClipRange;
import org.attune.reward.Advantages.Scale;
import org.attune.reward.RewardTable;
import org.attune.reward.TokenAdvantages;
import org.junit.jupiter.api.Test;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.stream.Collectors;

/// Who computes doesn't decide what comes out: ND4J, which the tests have on their class path, and
/// plain arrays give the same bits.
class MatricesTest {
    private static final int[][] SHAPES = {
        {1, 1}, {1, 2}, {2, 1}, {1, 33}, {5, 3}, {3, 8}, {64, 1}, {2, 1025}, {1, 5000}, {700, 4}
    };

    private final UniformRandomProvider random = RandomSource.XO_RO_SHI_RO_128_PP.create(7L);

    private double[][] table(int rows, int columns) {
        double[][] table = new double[rows][columns];
        for (double[] row : table) {
            Arrays.setAll(row, _ -> Math.scalb(random.nextDouble(-1, 1), random.nextInt(20) - 10));
        }
        return table;
    }

    private static double[] by(Matrices who, Supplier<Matrix> work) {
        return who.using(() -> Matrices.compute(() -> work.get().toArray()));
    }

    private static void assertSame(String message, Supplier<Matrix> work) {
        assertArrayEquals(by(Matrices.PLAIN, work), by(Matrices.ND4J, work), message); // bits
    }

    @Test
    void everyOperationGivesTheSameBits() {
        for (int[] shape : SHAPES) {
            int rows = shape[0];
            int columns = shape[1];
            double[][] first = table(rows, columns);
            double[][] others = table(rows, columns);
            double[][] down = table(rows, 1);
            double[][] along = table(1, columns);
            Map<String, Function<Matrix, Matrix>> alone =
                    Map.ofEntries(
                            Map.entry("transpose", Matrix::transpose),
                            Map.entry("reshape", m -> m.reshape(columns, rows)),
                            Map.entry("turned", m -> m.transpose().reshape(rows, columns)),
                            Map.entry("flat", Matrix::flat),
                            Map.entry("plus", m -> m.plus(0.3)),
                            Map.entry("times", m -> m.times(0.3)),
                            Map.entry("over", m -> m.over(0.3)),
                            Map.entry("at least", m -> m.atLeast(0.1)),
                            Map.entry("abs", Matrix::abs),
                            Map.entry("sqrt", m -> m.abs().sqrt()),
                            Map.entry("greater", m -> m.greaterThan(0.1)),
                            Map.entry("sums", Matrix::rowSums),
                            Map.entry("sums down", m -> m.transpose().rowSums()),
                            Map.entry("maxima", Matrix::rowMaxima),
                            Map.entry("column", m -> m.column(columns / 2)),
                            Map.entry("sum", m -> m.times(m.sum()).plus(m.get(rows - 1))));
            String size = rows + " x " + columns + " ";
            alone.forEach(
                    (name, work) -> assertSame(size + name, () -> work.apply(Matrices.of(first))));
            for (double[][] second : List.of(others, down, along)) {
                String with = size + "with " + second.length + " x " + second[0].length;
                assertSame(with, () -> Matrices.of(first).plus(Matrices.of(second)));
                assertSame(with, () -> Matrices.of(first).minus(Matrices.of(second)));
                assertSame(with, () -> Matrices.of(first).times(Matrices.of(second)));
                assertSame(with, () -> Matrices.of(first).over(Matrices.of(second)));
            }
        }
    }

    @Test
    void sumsGoFromLeftToRight() {
        double[][] row = table(1, 5000);
        double sum = 0;
        for (double number : row[0]) {
            sum += number;
        }
        double expected = sum;
        for (Matrices who : Matrices.values()) {
            double[] sums = by(who, () -> Matrices.of(row).rowSums());
            assertArrayEquals(new double[] {expected}, sums, who.name());
        }
    }

    /// Rewards with equal ones and missing ones among them.
    private RewardTable rewards(int completions, int functions) {
        double[][] values = table(completions, functions);
        for (double[] row : values) {
            for (int f = 0; f < functions; f++) {
                int kind = random.nextInt(4);
                row[f] = kind == 0 ? Double.NaN : kind == 1 ? 1 : row[f];
            }
        }
        List<String> names = List.of("a", "b", "c").subList(0, functions);
        return RewardTable.of(names, table(1, functions)[0], values);
    }

    private static void assertSameAdvantages(Supplier<Advantages> work) {
        Advantages plain = Matrices.PLAIN.using(work);
        Advantages nd4j = Matrices.ND4J.using(work);
        assertArrayEquals(plain.values(), nd4j.values());
        assertEquals(plain.metrics(), nd4j.metrics());
    }

    @Test
    void advantagesHaveTheSameBits() {
        for (int round = 0; round < 20; round++) {
            int group = 2 + random.nextInt(7);
            int completions = group * (1 + random.nextInt(round == 0 ? 400 : 12));
            RewardTable table = rewards(completions, 1 + random.nextInt(3));
            for (Scale scale : Scale.values()) {
                for (Aggregation aggregation : Aggregation.values()) {
                    assertSameAdvantages(() -> Advantages.grpo(table, group, scale, aggregation));
                }
            }
            double[] kl = table(1, completions)[0];
            for (boolean normalize : new boolean[] {false, true}) {
                assertSameAdvantages(
                        () ->
                                Advantages.rloo(
                                        table,
                                        group,
                                        kl,
                                        0.05,
                                        Optional.of(new ClipRange(-2, 2)),
                                        normalize));
            }
        }
    }

    @Test
    void advantagesOfTokensHaveTheSameBits() {
        for (int completions = 1; completions <= 5; completions++) {
            double[][] rewards = new double[completions][];
            double[][] values = new double[completions][];
            double[][] mask = new double[completions][];
            for (int i = 0; i < completions; i++) {
                int length = 1 + random.nextInt(completions == 5 ? 400 : 9);
                rewards[i] = table(1, length)[0];
                values[i] = table(1, length)[0];
                mask[i] = random.ints(length, 0, 4).mapToDouble(k -> k == 0 ? 0 : 1).toArray();
            }
            Supplier<TokenAdvantages> gae =
                    () -> TokenAdvantages.gae(rewards, values, mask, 0.99, 0.95);
            TokenAdvantages plain = Matrices.PLAIN.using(gae);
            TokenAdvantages nd4j = Matrices.ND4J.using(gae);
            for (int i = 0; i < completions; i++) {
                assertArrayEquals(plain.advantages()[i], nd4j.advantages()[i]);
                assertArrayEquals(plain.returns()[i], nd4j.returns()[i]);
            }
            for (boolean shift : new boolean[] {false, true}) {
                Supplier<double[][]> white = () -> TokenAdvantages.whitened(rewards, mask, shift);
                double[][] expected = Matrices.PLAIN.using(white);
                double[][] actual = Matrices.ND4J.using(white);
                for (int i = 0; i < completions; i++) {
                    assertArrayEquals(expected[i], actual[i]);
                }
            }
        }
    }

    /// What a program without ND4J on its class path does.
    static final class Without {
        private Without() {}

        public static void main(String[] args) {
            System.out.println(Matrices.found() + " " + advantages());
        }

        static String advantages() {
            double[][] values = {{1}, {2}, {4}, {8}};
            RewardTable table = RewardTable.of(List.of("a"), new double[] {1}, values);
            return Arrays.toString(
                    Advantages.grpo(table, 4, Scale.GROUP, Aggregation.SUM_THEN_NORMALIZE)
                            .values());
        }
    }

    @Test
    void withoutNd4jPlainArraysComputeAndTheJvmWarnsOfNothing() throws IOException {
        assertEquals(Matrices.ND4J, Matrices.found());
        String path =
                Arrays.stream(System.getProperty("java.class.path").split(File.pathSeparator))
                        .filter(entry -> !entry.matches(".*(nd4j|javacpp|openblas).*"))
                        .collect(Collectors.joining(File.pathSeparator));
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(List.of("-XX:TieredStopAtLevel=1", "-cp", path, Without.class.getName()));
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String said =
                new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
        assertEquals("PLAIN " + Without.advantages(), said);
    }
}
