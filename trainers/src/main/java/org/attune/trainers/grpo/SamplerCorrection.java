package org.attune.trainers.grpo;

import org.attune.records.CopyMethods;
import org.attune.trainers.config.ConfigNames;
import org.attune.trainers.config.ConfigProblem;
import org.attune.trainers.config.CrossChecked;
import org.attune.trainers.config.InRange;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.OptionalDouble;

/// How completions are weighted that another sampler wrote than the policy: a server, or what
/// recorded them. `ρ` is the ratio of old policy to sampler, of a token or of all tokens of a
/// completion that count:
/// ```
/// log ρ = Σ (log π_old − log π_sampler)
/// truncate: clip(ρ, min, max)        mask: ρ if min ≤ ρ ≤ max, else 0
/// ```
/// (truncated importance sampling, Yao et al. 2025;
/// TRL's `vllm_importance_sampling_*`). A token whose log-probability the sampler didn't tell adds
/// nothing.
///
/// @param vllmImportanceSamplingCorrection whether they are weighted
/// @param vllmImportanceSamplingMode ratio of what, and what it is outside the bounds
/// @param vllmImportanceSamplingClipMax upper bound; empty: none
/// @param vllmImportanceSamplingClipMin lower bound; empty: none
/// @param vllmImportanceSamplingCap older name of the upper bound, which it takes the place of
@CopyMethods
public record SamplerCorrection(
        boolean vllmImportanceSamplingCorrection,
        Mode vllmImportanceSamplingMode,
        @InRange(min = 0) OptionalDouble vllmImportanceSamplingClipMax,
        @InRange(min = 0) OptionalDouble vllmImportanceSamplingClipMin,
        @InRange(min = 0) OptionalDouble vllmImportanceSamplingCap)
        implements SamplerCorrectionCopies, CrossChecked {
    /// TRL's `vllm_importance_sampling_mode`.
    public enum Mode {
        /// Ratios of tokens, held within the bounds.
        TOKEN_TRUNCATE,
        /// Ratios of tokens; those outside the bounds are 0.
        TOKEN_MASK,
        /// Ratios of completions, held within the bounds.
        SEQUENCE_TRUNCATE,
        /// Ratios of completions; those outside the bounds are 0.
        SEQUENCE_MASK;

        boolean isOfSequences() {
            return this == SEQUENCE_TRUNCATE || this == SEQUENCE_MASK;
        }

        boolean truncates() {
            return this == TOKEN_TRUNCATE || this == SEQUENCE_TRUNCATE;
        }
    }

    /// The defaults, as listed at the parameters.
    public static SamplerCorrection defaults() {
        return SamplerCorrectionCopies.blank()
                .withVllmImportanceSamplingCorrection(true)
                .withVllmImportanceSamplingMode(Mode.SEQUENCE_MASK)
                .withVllmImportanceSamplingClipMax(3);
    }

    private OptionalDouble most() {
        return vllmImportanceSamplingCap.isPresent()
                ? vllmImportanceSamplingCap
                : vllmImportanceSamplingClipMax;
    }

    /// Weights of a completion.
    ///
    /// @param old log-probabilities under the policy that the run's own ratio is taken to, `(T)`
    /// @param sampling under the sampler, NaN where it told none, `(T)`
    /// @param mask 1 where a token counts, else 0, `(T)`
    /// @return one weight for each token, or a single one for all
    float[] ratio(float[] old, float[] sampling, float[] mask) {
        double[] logs = new double[mask.length];
        double sum = 0;
        for (int t = 0; t < logs.length; t++) {
            double difference = (double) old[t] - sampling[t];
            logs[t] = mask[t] == 0 || Double.isNaN(difference) ? 0 : difference;
            sum += logs[t];
        }
        if (vllmImportanceSamplingMode.isOfSequences()) {
            return new float[] {(float) bounded(Math.exp(sum))};
        }
        float[] ratios = new float[logs.length];
        for (int t = 0; t < ratios.length; t++) {
            ratios[t] = (float) bounded(Math.exp(logs[t]));
        }
        return ratios;
    }

    /// What is done, in the words of the keys.
    String words() {
        var words = new StringBuilder("importance sampling, ");
        words.append(ConfigNames.wireName(vllmImportanceSamplingMode));
        vllmImportanceSamplingClipMin.ifPresent(least -> words.append(", from ").append(least));
        most().ifPresent(most -> words.append(", up to ").append(most));
        return words.toString();
    }

    private double bounded(double ratio) {
        double low = vllmImportanceSamplingClipMin.orElse(0);
        double high = most().orElse(Double.POSITIVE_INFINITY);
        if (vllmImportanceSamplingMode.truncates()) {
            return Math.clamp(ratio, low, high);
        }
        return ratio < low || ratio > high ? 0 : ratio;
    }

    @Override
    public List<ConfigProblem> crossFieldProblems() {
        var problems = new ArrayList<ConfigProblem>();
        OptionalDouble least = vllmImportanceSamplingClipMin;
        if (least.isPresent()
                && most().isPresent()
                && least.getAsDouble() >= most().getAsDouble()) {
            problems.add(
                    new ConfigProblem(
                            "vllm_importance_sampling_clip_min",
                            least.getAsDouble(),
                            "less than vllm_importance_sampling_clip_max ("
                                    + most().getAsDouble()
                                    + ")"));
        }
        if (vllmImportanceSamplingCorrection
                && vllmImportanceSamplingMode.truncates()
                && least.isEmpty()
                && most().isEmpty()) {
            problems.add(
                    new ConfigProblem(
                            "vllm_importance_sampling_mode",
                            vllmImportanceSamplingMode.name().toLowerCase(Locale.ROOT),
                            "a *_mask mode where neither vllm_importance_sampling_clip_min nor"
                                    + " vllm_importance_sampling_clip_max is set"));
        }
        return problems;
    }
}
