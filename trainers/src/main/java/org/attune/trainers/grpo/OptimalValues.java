package org.attune.trainers.grpo;

import org.attune.error.CheckpointException;
import org.attune.error.DatasetException;
import org.attune.error.StopRequest;
import org.attune.json.Json;
import org.attune.trainers.loop.CheckpointPart;
import org.attune.trainers.onpolicy.JudgedRounds;
import org.attune.trainers.onpolicy.RoundPlan;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.stream.IntStream;

/// What the best policy near the reference would be rewarded with on each prompt, estimated once
/// from the reference's own completions ([A*-PO, Brantley et al. 2025,
/// stage 1](https://arxiv.org/abs/2505.20686)):
/// ```
/// V*(x) = β₁ log(1/N Σ_i exp(r(x, y_i) / β₁)),    y_i from the reference
/// ```
/// The policy is the reference when a run begins, so it writes them before the first step. Later
/// ones take the values from the checkpoint.
///
/// @see AdvantageRegression
final class OptimalValues implements CheckpointPart {
    private static final Logger LOG = LoggerFactory.getLogger(OptimalValues.class);
    private static final String FILE = "optimal-values.json";
    private static final int NONE = -1; // number of no round: draws apart from those of rounds

    private final GrpoLossConfig config;
    private final JudgedRounds judged;
    private double[] values = new double[0]; // of each prompt; NaN: it is left out

    /// @param judged borrowed
    OptimalValues(GrpoLossConfig config, JudgedRounds judged) {
        this.config = config;
        this.judged = judged;
    }

    /// The value of a prompt's samples.
    ///
    /// @param rewards of them; NaN of those without one
    /// @return NaN where none has a reward, or where none is above 0 and such prompts are left out
    static double of(double[] rewards, double beta1, boolean filters) {
        double[] given = Arrays.stream(rewards).filter(r -> !Double.isNaN(r)).toArray();
        double sum = Arrays.stream(given).sum();
        if (given.length == 0 || filters && sum == 0) {
            return Double.NaN;
        }
        double largest = Arrays.stream(given).max().orElseThrow() / beta1;
        double mean =
                Arrays.stream(given).map(r -> Math.exp(r / beta1 - largest)).sum() / given.length;
        return beta1 * (largest + Math.log(mean));
    }

    /// Has the reference complete all prompts, unless that was done.
    ///
    /// @throws DatasetException if no prompt is left
    void estimate() {
        int prompts = judged.prompts().size();
        if (values.length == prompts) {
            return;
        }
        int samples = config.numValueSamples();
        int block =
                Math.max(
                        1, judged.plan().promptsPerRound() * judged.plan().generations() / samples);
        var estimated = new double[prompts];
        for (int from = 0; from < prompts; from += block) {
            StopRequest.check();
            int[] indices = IntStream.range(from, Math.min(prompts, from + block)).toArray();
            double[][] rewards =
                    judged.rounds().sampledRewards(NONE - from, indices, judged.prompts(), samples);
            for (int i = 0; i < indices.length; i++) {
                estimated[from + i] = of(rewards[i], config.beta1(), config.filterAllIncorrect());
            }
        }
        values = estimated;
        double[] kept = kept();
        LOG.info(
                "a2po: values of {} of {} prompts from {} samples each, {} in the mean; the others'"
                        + " samples have no reward above 0",
                kept.length,
                prompts,
                samples,
                "%.3f".formatted(Arrays.stream(kept).average().orElse(0)));
    }

    private double[] kept() {
        double[] kept = Arrays.stream(values).filter(v -> !Double.isNaN(v)).toArray();
        if (kept.length == 0) {
            throw new DatasetException(
                    "no sample of any prompt has a reward above 0, so that loss_type a2po has"
                        + " nothing to learn; give easier prompts, raise num_value_samples, or set"
                        + " filter_all_incorrect: false");
        }
        return kept;
    }

    /// Numbers of the prompts of a round: as [RoundPlan#promptsOf] takes them, from epochs of the
    /// prompts that have a value. An epoch of fewer than a round needs is repeated within it.
    int[] promptsOf(long round) {
        estimate();
        RoundPlan plan = judged.plan();
        int count = plan.promptsPerRound();
        long left = round;
        for (int epoch = 0; ; epoch++) {
            int[] order =
                    Arrays.stream(plan.order().permutation(epoch, plan.prompts()))
                            .filter(i -> !Double.isNaN(values[i]))
                            .toArray();
            int rounds = order.length == 0 ? 0 : Math.max(1, order.length / count);
            if (left < rounds) {
                int first = (int) left * count;
                return IntStream.range(first, first + count)
                        .map(i -> order[i % order.length])
                        .toArray();
            }
            left -= rounds;
        }
    }

    /// The value of a prompt of a round.
    double value(int index) {
        return values[index];
    }

    /// The mean value of some prompts.
    double mean(int[] indices) {
        return Arrays.stream(indices).mapToDouble(this::value).average().orElse(0);
    }

    @Override
    public void save(Path folder) throws IOException {
        if (values.length > 0) {
            Files.writeString(folder.resolve(FILE), Json.MAPPER.writeValueAsString(values));
        }
    }

    @Override
    public void restore(Path folder) {
        Path file = folder.resolve(FILE);
        try {
            values = Json.MAPPER.readValue(file.toFile(), double[].class);
        } catch (IOException e) {
            throw new CheckpointException(
                    "%s can't be read: %s; resume from another checkpoint".formatted(file, e), e);
        }
        kept();
    }
}
