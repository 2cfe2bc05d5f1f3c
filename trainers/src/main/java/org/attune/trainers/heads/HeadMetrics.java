package org.attune.trainers.heads;

import org.apache.commons.rng.UniformRandomProvider;
import org.apache.commons.rng.simple.RandomSource;
import org.attune.trainers.heads.HeadTask.Judged;
import org.attune.trainers.loop.MetricKeys;

import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/// What is said of judged units: how good classes, numbers and rankings are.
final class HeadMetrics {
    static final String F1 = "f1";
    static final String MSE = "mse";
    static final String SPEARMAN = "spearman";
    static final String NDCG = "ndcg@10";
    static final String MRR = "mrr@10";

    private static final int AT = 10;
    private static final int DRAWS = 1000;
    private static final double TAIL = 0.025;
    private static final double THRESHOLD = 0.5;

    private HeadMetrics() {}

    /// Accuracy and the mean of the classes' F1 with its 95 % interval, the percentiles of a
    /// bootstrap over units with seed 0.
    static Map<String, Double> classes(List<Judged> units) {
        int labels = units.getFirst().scores().length;
        int[] said = units.stream().mapToInt(u -> ScoreSums.largest(u.scores())).toArray();
        int[] right = units.stream().mapToInt(u -> (int) u.target()[0]).toArray();
        double hits = IntStream.range(0, said.length).filter(i -> said[i] == right[i]).count();
        Map<String, Double> metrics = new LinkedHashMap<>();
        metrics.put(MetricKeys.ACCURACY, hits / said.length);
        interval(
                metrics,
                units.size(),
                rows -> {
                    long[][] counts = new long[labels][3]; // true, said, both
                    for (int i : rows) {
                        counts[right[i]][0]++;
                        counts[said[i]][1]++;
                        counts[right[i]][2] += said[i] == right[i] ? 1 : 0;
                    }
                    return macro(counts);
                });
        return metrics;
    }

    /// Accuracy and F1 of units with any number of labels: a label is said where its probability is
    /// above one half, and the accuracy is that of units whose labels are all right.
    static Map<String, Double> severalClasses(List<Judged> units) {
        int labels = units.getFirst().scores().length;
        double hits = units.stream().filter(HeadMetrics::allRight).count();
        Map<String, Double> metrics = new LinkedHashMap<>();
        metrics.put(MetricKeys.ACCURACY, hits / units.size());
        interval(
                metrics,
                units.size(),
                rows -> {
                    long[][] counts = new long[labels][3];
                    for (int i : rows) {
                        Judged unit = units.get(i);
                        for (int l = 0; l < labels; l++) {
                            boolean is = unit.target()[l] > THRESHOLD;
                            boolean says = unit.scores()[l] > 0;
                            counts[l][0] += is ? 1 : 0;
                            counts[l][1] += says ? 1 : 0;
                            counts[l][2] += is && says ? 1 : 0;
                        }
                    }
                    return macro(counts);
                });
        return metrics;
    }

    /// 1 where the class is right, else 0.
    static double isRight(Judged unit) {
        return ScoreSums.largest(unit.scores()) == (int) unit.target()[0] ? 1 : 0;
    }

    /// 1 where all labels are right, else 0.
    static double areRight(Judged unit) {
        return allRight(unit) ? 1 : 0;
    }

    /// The squared error of a number.
    static double squared(Judged unit) {
        double error = unit.scores()[0] - unit.target()[0];
        return error * error;
    }

    private static boolean allRight(Judged unit) {
        return IntStream.range(0, unit.scores().length)
                .allMatch(l -> unit.scores()[l] > 0 == unit.target()[l] > THRESHOLD);
    }

    /// The mean over classes of `2 both / (true + said)`, of those that occur.
    private static double macro(long[][] counts) {
        return Arrays.stream(counts)
                .filter(c -> c[0] + c[1] > 0)
                .mapToDouble(c -> 2.0 * c[2] / (c[0] + c[1]))
                .average()
                .orElse(0);
    }

    private interface OfRows {
        double of(int[] rows);
    }

    private static void interval(Map<String, Double> metrics, int n, OfRows f1) {
        metrics.put(F1, f1.of(IntStream.range(0, n).toArray()));
        UniformRandomProvider random = RandomSource.XO_SHI_RO_256_PP.create(0L);
        double[] drawn = new double[DRAWS];
        for (int d = 0; d < DRAWS; d++) {
            drawn[d] = f1.of(IntStream.generate(() -> random.nextInt(n)).limit(n).toArray());
        }
        Arrays.sort(drawn);
        metrics.put("f1_low", drawn[(int) Math.floor(TAIL * DRAWS)]);
        metrics.put("f1_high", drawn[(int) Math.ceil((1 - TAIL) * DRAWS) - 1]);
    }

    /// Squared error and Spearman's rank correlation of numbers.
    static Map<String, Double> numbers(List<Judged> units) {
        double[] said = units.stream().mapToDouble(u -> u.scores()[0]).toArray();
        double[] right = units.stream().mapToDouble(u -> u.target()[0]).toArray();
        double squares = 0;
        for (int i = 0; i < said.length; i++) {
            squares += (said[i] - right[i]) * (said[i] - right[i]);
        }
        Map<String, Double> metrics = new LinkedHashMap<>();
        metrics.put(MSE, squares / said.length);
        metrics.put(SPEARMAN, spearman(said, right));
        return metrics;
    }

    /// The correlation of ranks, ties getting their mean rank; 0 where one side is all alike.
    static double spearman(double[] a, double[] b) {
        return correlation(ranks(a), ranks(b));
    }

    private static double[] ranks(double[] values) {
        Integer[] order = IntStream.range(0, values.length).boxed().toArray(Integer[]::new);
        Arrays.sort(order, Comparator.comparingDouble(i -> values[i]));
        double[] ranks = new double[values.length];
        for (int start = 0; start < order.length; ) {
            int end = start;
            while (end < order.length && values[order[end]] == values[order[start]]) {
                end++;
            }
            for (int i = start; i < end; i++) {
                ranks[order[i]] = (start + end - 1) / 2.0;
            }
            start = end;
        }
        return ranks;
    }

    private static double correlation(double[] a, double[] b) {
        double meanA = Arrays.stream(a).average().orElse(0);
        double meanB = Arrays.stream(b).average().orElse(0);
        double ab = 0;
        double aa = 0;
        double bb = 0;
        for (int i = 0; i < a.length; i++) {
            ab += (a[i] - meanA) * (b[i] - meanB);
            aa += (a[i] - meanA) * (a[i] - meanA);
            bb += (b[i] - meanB) * (b[i] - meanB);
        }
        return aa == 0 || bb == 0 ? 0 : ab / Math.sqrt(aa * bb);
    }

    /// NDCG and the reciprocal rank of the first relevant document, each of the ten best documents
    /// and the mean over queries that have a relevant document.
    static Map<String, Double> rankings(List<Judged> units) {
        double gain = 0;
        double reciprocal = 0;
        int queries = 0;
        for (Judged unit : units) {
            double[] ideal = Arrays.stream(unit.target()).sorted().toArray();
            if (ideal[ideal.length - 1] <= 0) {
                continue;
            }
            queries++;
            double best = 0;
            double got = 0;
            double first = 0;
            Integer[] order = order(unit.scores());
            for (int r = 0; r < Math.min(AT, order.length); r++) {
                double discount = Math.log(r + 2) / Math.log(2);
                best += ideal[ideal.length - 1 - r] / discount;
                got += unit.target()[order[r]] / discount;
                first = first == 0 && unit.target()[order[r]] > 0 ? 1.0 / (r + 1) : first;
            }
            gain += got / best;
            reciprocal += first;
        }
        Map<String, Double> metrics = new LinkedHashMap<>();
        metrics.put(NDCG, queries == 0 ? 0 : gain / queries);
        metrics.put(MRR, queries == 0 ? 0 : reciprocal / queries);
        return metrics;
    }

    /// NDCG of one query; 0 where no document is relevant.
    static double ndcg(Judged unit) {
        return rankings(List.of(unit)).get(NDCG);
    }

    /// Documents, the best first; of equal ones the later first, so that a model that can't tell
    /// them gets no credit for a positive document that stands before the others.
    private static Integer[] order(double[] scores) {
        Integer[] order = IntStream.range(0, scores.length).boxed().toArray(Integer[]::new);
        Arrays.sort(
                order,
                Comparator.<Integer>comparingDouble(i -> -scores[i])
                        .thenComparing(Comparator.reverseOrder()));
        return order;
    }
}
