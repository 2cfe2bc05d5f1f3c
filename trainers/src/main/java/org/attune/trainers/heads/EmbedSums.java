package org.attune.trainers.heads;

import org.attune.error.DatasetException;
import org.attune.models.score.PoolingMode;
import org.attune.policy.HeadStatistic;
import org.attune.policy.Measurement;
import org.attune.trainers.examples.LabelledExample;
import org.attune.trainers.heads.HeadTask.Judged;
import org.attune.trainers.heads.InfoNce.Vectors;
import org.attune.trainers.loop.FiniteLoss;
import org.attune.trainers.loop.MetricKeys;
import org.attune.trainers.loop.StepReport;
import org.attune.trainers.rows.RowValues;
import org.attune.trainers.step.HeadSlopes;
import org.attune.trainers.step.RowAt;
import org.attune.trainers.step.StepSums;

import java.nio.IntBuffer;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// The embeddings of a step or an evaluation, and what follows for loss, gradients and metrics.
///
/// The documents of all rows of a step are each other's negatives, however the step is cut into
/// micro-batches and groups: groups are measured first, the slopes by their embeddings follow from
/// all of them, and groups are computed again to learn, as in
/// [Gao et al. 2021](https://arxiv.org/abs/2101.06983).
final class EmbedSums implements StepSums<LabelledExample, LabelledForest> {
    private final EmbedObjective objective;
    private final List<RowAt<LabelledExample>> rows;
    private final double[][][] vectors; // by position and sequence, (D)
    private final boolean scored;
    private double[][][] slopes; // dL/dvector, once all rows were noted
    private double[] losses; // by position
    private double[] cosines; // of scored pairs, by position
    private final RowValues byRow = new RowValues();
    private long tokens;

    /// @param rows all rows of the step
    EmbedSums(EmbedObjective objective, List<RowAt<LabelledExample>> rows) {
        this.objective = objective;
        this.rows = new ArrayList<>(rows);
        this.rows.sort((a, b) -> Integer.compare(a.position(), b.position()));
        vectors = new double[rows.size()][][];
        scored = !rows.getFirst().row().labels().isEmpty();
        rows.stream()
                .map(RowAt::row)
                .filter(r -> r.labels().isEmpty() == scored)
                .findFirst()
                .ifPresent(
                        row -> {
                            throw new DatasetException(
                                    row.origin().where()
                                            + ": some rows are pairs with a score and others have"
                                            + " none; one kind is accepted");
                        });
    }

    @Override
    public boolean isWhole(List<RowAt<LabelledExample>> group) {
        return group.size() == rows.size();
    }

    @Override
    public HeadSlopes add(
            List<RowAt<LabelledExample>> group,
            LabelledForest forest,
            Measurement policy,
            List<double[]> reference) {
        note(group, forest, policy, reference);
        return slopes(group, forest, policy);
    }

    @Override
    public void note(
            List<RowAt<LabelledExample>> group,
            LabelledForest forest,
            Measurement policy,
            List<double[]> reference) {
        float[] states = policy.statistic(HeadStatistic.STATE);
        int at = 0;
        for (RowAt<LabelledExample> placed : group) {
            List<int[]> sequences = placed.row().sequences();
            double[][] pooled = new double[sequences.size()][objective.width()];
            for (int s = 0; s < pooled.length; s++) {
                int places = places(sequences.get(s));
                for (int p = 0; p < places; p++) {
                    for (int k = 0; k < objective.width(); k++) {
                        pooled[s][k] += states[at++] / (double) places;
                    }
                }
                FiniteLoss.require(
                        InfoNce.dot(pooled[s], pooled[s], objective.width()),
                        placed.row().origins());
            }
            vectors[placed.position()] = pooled;
            tokens += placed.row().length();
        }
    }

    private int places(int[] sequence) {
        return objective.pooling() == PoolingMode.MEAN ? sequence.length : 1;
    }

    @Override
    public HeadSlopes slopes(
            List<RowAt<LabelledExample>> group, LabelledForest forest, Measurement policy) {
        settle();
        float[] states = new float[policy.statistic(HeadStatistic.STATE).length];
        int at = 0;
        for (RowAt<LabelledExample> placed : group) {
            List<int[]> sequences = placed.row().sequences();
            for (int s = 0; s < sequences.size(); s++) {
                int places = places(sequences.get(s));
                for (int p = 0; p < places; p++) {
                    for (int k = 0; k < objective.width(); k++) {
                        states[at++] = (float) (slopes[placed.position()][s][k] / places);
                    }
                }
            }
        }
        return new HeadSlopes(
                new float[forest.forest().targetCount()], Map.of(HeadStatistic.STATE, states));
    }

    /// Takes the loss, once.
    private void settle() {
        if (slopes != null) {
            return;
        }
        losses = new double[rows.size()];
        List<double[]> first = new ArrayList<>();
        List<double[]> others = new ArrayList<>();
        int[] own = new int[rows.size()];
        for (int i = 0; i < rows.size(); i++) {
            first.add(vectors[i][0]);
            own[i] = others.size();
            others.addAll(List.of(vectors[i]).subList(1, vectors[i].length));
        }
        Vectors anchors = Vectors.of(first);
        Vectors documents = Vectors.of(others);
        if (scored) {
            double[] target = rows.stream().mapToDouble(row -> score(row.row())).toArray();
            cosines = InfoNce.similarity(anchors, documents, target, objective.parts(), losses);
        } else {
            InfoNce.contrast(anchors, documents, own, objective.parts(), objective.scale(), losses);
        }
        slopes = new double[rows.size()][][];
        for (int i = 0; i < rows.size(); i++) {
            slopes[i] = new double[vectors[i].length][];
            slopes[i][0] = anchors.slopes()[i];
            for (int s = 1; s < slopes[i].length; s++) {
                slopes[i][s] = documents.slopes()[own[i] + s - 1];
            }
            FiniteLoss.require(losses[i], rows.get(i).row().origins());
        }
    }

    private static double score(LabelledExample row) {
        if (row.labels().getFirst() instanceof Number number
                && Math.abs(number.doubleValue()) <= 1) {
            return number.doubleValue();
        }
        throw new DatasetException(
                "%s: the score is %s; numbers from -1 to 1 are accepted"
                        .formatted(row.origin().where(), row.labels().getFirst()));
    }

    private double loss() {
        settle();
        double sum = 0;
        for (double loss : losses) {
            sum += loss / losses.length;
        }
        return sum;
    }

    @Override
    public StepReport step() {
        return new StepReport(loss(), List.of(), tokens);
    }

    /// The loss is that of all rows at once. Rankings are of all documents of the evaluation.
    @Override
    public Map<String, Double> evaluation() {
        Map<String, Double> metrics = new LinkedHashMap<>();
        metrics.put(MetricKeys.LOSS, loss());
        if (scored) {
            double[] target = rows.stream().mapToDouble(row -> score(row.row())).toArray();
            metrics.put(HeadMetrics.SPEARMAN, HeadMetrics.spearman(cosines, target));
        } else {
            List<Judged> judged = found();
            for (int i = 0; i < judged.size(); i++) {
                byRow.put(i, HeadMetrics.NDCG, HeadMetrics.ndcg(judged.get(i)));
            }
            metrics.putAll(HeadMetrics.rankings(judged));
        }
        return metrics;
    }

    @Override
    public List<Map<String, Double>> evaluatedRows() {
        return byRow.inOrder();
    }

    /// Cosines of each anchor with every document of the evaluation; equal documents are one.
    private List<Judged> found() {
        Map<IntBuffer, Integer> numbers = new LinkedHashMap<>();
        List<double[]> documents = new ArrayList<>();
        for (int i = 0; i < rows.size(); i++) {
            List<int[]> sequences = rows.get(i).row().sequences();
            for (int s = 1; s < sequences.size(); s++) {
                if (numbers.putIfAbsent(IntBuffer.wrap(sequences.get(s)), numbers.size()) == null) {
                    documents.add(vectors[i][s]);
                }
            }
        }
        double[][] all = documents.toArray(double[][]::new);
        double[] norms = InfoNce.norms(all, objective.width());
        List<Judged> found = new ArrayList<>();
        for (int i = 0; i < rows.size(); i++) {
            double[] scores = new double[all.length];
            for (int d = 0; d < all.length; d++) {
                scores[d] = InfoNce.dot(vectors[i][0], all[d], objective.width()) / norms[d];
            }
            double[] target = new double[all.length];
            target[numbers.get(IntBuffer.wrap(rows.get(i).row().sequences().get(1)))] = 1;
            found.add(new Judged(scores, target));
        }
        return found;
    }
}
