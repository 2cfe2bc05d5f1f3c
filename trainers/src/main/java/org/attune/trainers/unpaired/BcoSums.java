package org.attune.trainers.unpaired;

import org.attune.policy.HeadStatistic;
import org.attune.policy.Measurement;
import org.attune.policy.Scorer;
import org.attune.trainers.examples.UnpairedExample;
import org.attune.trainers.layout.TargetRange;
import org.attune.trainers.layout.UnpairedForest;
import org.attune.trainers.loop.FiniteLoss;
import org.attune.trainers.loop.MetricKeys;
import org.attune.trainers.loop.MetricMeans;
import org.attune.trainers.loop.StepReport;
import org.attune.trainers.rows.PaddedLogits;
import org.attune.trainers.rows.RowValues;
import org.attune.trainers.step.HeadSlopes;
import org.attune.trainers.step.RowAt;
import org.attune.trainers.step.StepSums;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.BiFunction;
import java.util.function.Consumer;

/// The completions of a step or an evaluation: the models' log-probabilities, group by group, and
/// what follows for loss, gradients and metrics.
///
/// The step's loss is the mean over its micro-batches of their means over rows. A micro-batch's
/// rewards enter δ before its own loss is taken, and δ goes from micro-batch to micro-batch in
/// order; so a row's loss is known once all rows of its micro-batch and of those before were added.
final class BcoSums implements StepSums<UnpairedExample, UnpairedForest> {
    private final BcoLoss objective;
    private final Shift shift;
    private final List<RowAt<UnpairedExample>> rows;
    private final Optional<PaddedLogits> paddedLogits;
    private final List<MicroBatch> microBatches = new ArrayList<>();
    private final int[] placeOf;
    private RunningMean delta;
    private int ready;
    private long tokens;

    /// The sums of a logical micro-batch.
    private static final class MicroBatch {
        final double[] rewards;
        final boolean[] desirable;
        final String[] origins;
        final LabelSide chosen = LabelSide.chosen();
        final LabelSide rejected = LabelSide.rejected();
        int added;
        double delta;
        double loss;

        MicroBatch(int rows) {
            rewards = new double[rows];
            desirable = new boolean[rows];
            origins = new String[rows];
        }

        LabelSide side(boolean label) {
            return label ? chosen : rejected;
        }
    }

    /// How δ goes from micro-batch to micro-batch.
    ///
    /// @param before δ at the start
    /// @param move gives δ after a micro-batch's rewards
    /// @param then told of δ after the step
    record Shift(
            RunningMean before,
            BiFunction<RunningMean, double[], RunningMean> move,
            Consumer<RunningMean> then) {}

    /// @param rows all rows
    /// @param count number of logical micro-batches
    /// @param paddedLogits measures logits apart
    BcoSums(
            BcoLoss objective,
            Shift shift,
            List<RowAt<UnpairedExample>> rows,
            int count,
            Optional<PaddedLogits> paddedLogits) {
        this.objective = objective;
        this.shift = shift;
        this.rows = rows;
        this.paddedLogits = paddedLogits;
        delta = shift.before();
        placeOf = new int[rows.size()];
        int[] sizes = new int[count];
        for (RowAt<UnpairedExample> row : rows) {
            placeOf[row.position()] = sizes[row.microBatch()]++;
        }
        Arrays.stream(sizes).mapToObj(MicroBatch::new).forEach(microBatches::add);
    }

    /// Whether a group completes its micro-batches alone, so that its slopes are known as soon as
    /// it was added in its turn.
    @Override
    public boolean isWhole(List<RowAt<UnpairedExample>> group) {
        int[] rows = new int[microBatches.size()];
        group.forEach(row -> rows[row.microBatch()]++);
        for (int m = 0; m < rows.length; m++) {
            if (rows[m] > 0 && rows[m] < microBatches.get(m).rewards.length) {
                return false;
            }
        }
        return true;
    }

    @Override
    public HeadSlopes add(
            List<RowAt<UnpairedExample>> group,
            UnpairedForest forest,
            Measurement policy,
            List<double[]> reference) {
        note(group, forest, policy, reference);
        return slopes(group, forest, policy);
    }

    /// Notes what was measured of a group; rewards must be finite.
    ///
    /// @param policy with the mean logits, unless they are noted apart by [#addLogits]
    @Override
    public void note(
            List<RowAt<UnpairedExample>> group,
            UnpairedForest forest,
            Measurement policy,
            List<double[]> reference) {
        Optional<float[]> logits =
                Optional.ofNullable(policy.statistics().get(HeadStatistic.MEAN_LOGIT));
        for (int i = 0; i < group.size(); i++) {
            RowAt<UnpairedExample> row = group.get(i);
            MicroBatch m = microBatches.get(row.microBatch());
            int place = placeOf[row.position()];
            TargetRange targets = forest.completions().get(i);
            double logProb = Arrays.stream(targets.of(policy.tokenLogProbs())).sum();
            double reward = objective.reward(logProb, reference.get(i)[0]);
            String origin = row.row().origin().where();
            if (!Double.isFinite(reward)) { // before it could spoil δ
                throw FiniteLoss.diverged("the reward is " + reward, List.of(origin));
            }
            m.rewards[place] = reward;
            m.desirable[place] = row.row().desirable();
            m.origins[place] = origin;
            m.added++;
            m.side(row.row().desirable()).add(reward, logProb);
            if (logits.isPresent()) {
                addLogits(row, Arrays.stream(targets.of(logits.get())).sum(), targets.size());
            }
            tokens += row.row().length();
        }
        settle();
    }

    @Override
    public void measureMore(Scorer policy) {
        paddedLogits.ifPresent(
                logits ->
                        logits.measure(
                                rows,
                                UnpairedExample::sequences,
                                policy,
                                (row, sums, _) -> addLogits(row, sums[0], 1)));
    }

    /// Notes a sum of logits of a row.
    ///
    /// @param count how many values `sum` is of
    private void addLogits(RowAt<UnpairedExample> row, double sum, int count) {
        MicroBatch m = microBatches.get(row.microBatch());
        m.side(row.row().desirable()).addLogits(sum, count);
    }

    /// Takes the losses of the micro-batches that are complete.
    private void settle() {
        while (ready < microBatches.size()
                && microBatches.get(ready).added == microBatches.get(ready).rewards.length) {
            MicroBatch m = microBatches.get(ready++);
            delta = shift.move().apply(delta, m.rewards);
            m.delta = delta.mean();
            for (int i = 0; i < m.rewards.length; i++) {
                double loss = objective.of(m.rewards[i], m.delta, m.desirable[i]).loss();
                FiniteLoss.require(loss, List.of(m.origins[i]));
                m.loss += loss / m.rewards.length;
            }
        }
    }

    /// Derivatives of the loss by a group's log-probabilities.
    ///
    /// @throws IllegalStateException if rows of its micro-batches or of those before are missing
    @Override
    public HeadSlopes slopes(
            List<RowAt<UnpairedExample>> group, UnpairedForest forest, Measurement policy) {
        float[] slopes = new float[forest.forest().targetCount()];
        for (int i = 0; i < group.size(); i++) {
            RowAt<UnpairedExample> row = group.get(i);
            if (row.microBatch() >= ready) {
                throw new IllegalStateException("micro-batch " + row.microBatch() + " lacks rows");
            }
            MicroBatch m = microBatches.get(row.microBatch());
            int place = placeOf[row.position()];
            double slope = objective.of(m.rewards[place], m.delta, m.desirable[place]).slope();
            TargetRange targets = forest.completions().get(i);
            Arrays.fill(
                    slopes,
                    targets.start(),
                    targets.end(),
                    (float) (slope / m.rewards.length / microBatches.size()));
        }
        return HeadSlopes.of(slopes);
    }

    /// A step.
    @Override
    public StepReport step() {
        shift.then().accept(delta);
        double loss = 0;
        List<Map<String, Double>> deltas = new ArrayList<>();
        for (MicroBatch m : microBatches) {
            loss += m.loss / microBatches.size();
            deltas.add(Map.of(MetricKeys.DELTA, m.delta));
        }
        var sums = new MetricMeans();
        microBatches.forEach(m -> add(m, sums));
        return new StepReport(loss, deltas, tokens, Map.of(), sums.snapshot());
    }

    /// An evaluation: the loss is the mean over rows.
    @Override
    public Map<String, Double> evaluation() {
        double loss = 0;
        double right = 0;
        int rows = 0;
        var means = new MetricMeans();
        for (MicroBatch m : microBatches) {
            loss += m.loss * m.rewards.length;
            rows += m.rewards.length;
            right += right(m);
            add(m, means);
        }
        Map<String, Double> metrics = new LinkedHashMap<>();
        metrics.put(MetricKeys.LOSS, loss / rows);
        metrics.putAll(means.means());
        metrics.put(MetricKeys.DELTA, delta.mean());
        metrics.put(MetricKeys.ACCURACY, right / rows);
        return metrics;
    }

    @Override
    public List<Map<String, Double>> evaluatedRows() {
        var found = new RowValues();
        for (RowAt<UnpairedExample> row : rows) {
            MicroBatch m = microBatches.get(row.microBatch());
            int place = placeOf[row.position()];
            found.labelled(row.position(), m.desirable[place], m.rewards[place], right(m, place));
        }
        return found.inOrder();
    }

    private static double right(MicroBatch m) {
        double right = 0;
        for (int i = 0; i < m.rewards.length; i++) {
            right += right(m, i);
        }
        return right;
    }

    private static double right(MicroBatch m, int place) {
        double logit = m.desirable[place] ? m.rewards[place] - m.delta : m.delta - m.rewards[place];
        return logit > 0 ? 1 : logit == 0 ? 0.5 : 0;
    }

    private static void add(MicroBatch m, MetricMeans means) {
        m.chosen.sums().forEach(means::add);
        m.rejected.sums().forEach(means::add);
    }
}
