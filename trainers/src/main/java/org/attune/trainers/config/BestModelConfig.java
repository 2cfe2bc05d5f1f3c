package org.attune.trainers.config;

import org.attune.records.CopyMethods;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/// Which evaluation counts as the best, and what follows from it, as in transformers.
///
/// @param loadBestModelAtEnd whether the result is the best checkpoint, not the last weights
/// @param metricForBestModel the metric that is compared, with or without `eval_`; unset: `loss`
///     where something asks for one
/// @param greaterIsBetter whether a larger value is better; unset: yes unless the name ends in
///     `loss`
/// @param earlyStoppingPatience the run ends after so many evaluations in a row that are not
///     better; unset: it does not
/// @param earlyStoppingThreshold better means by more than this
@CopyMethods
public record BestModelConfig(
        boolean loadBestModelAtEnd,
        Optional<String> metricForBestModel,
        Optional<Boolean> greaterIsBetter,
        @InRange(min = 1) OptionalInt earlyStoppingPatience,
        @InRange(min = 0) double earlyStoppingThreshold)
        implements BestModelConfigCopies {
    private static final String EVAL = "eval_";

    /// Nothing follows from evaluations.
    public static BestModelConfig defaults() {
        return BestModelConfigCopies.blank();
    }

    /// Key of the metric in logs, with `eval_`.
    public String metricKey() {
        String name = metricForBestModel.orElse("loss");
        return name.startsWith(EVAL) ? name : EVAL + name;
    }

    /// Whether a larger value is better.
    public boolean isGreaterBetter() {
        return greaterIsBetter.orElse(!metricKey().endsWith("loss"));
    }

    /// What doesn't fit: checkpoints, evaluations and these settings depend on each other.
    List<ConfigProblem> problems(EvalConfig eval, SaveConfig save, LogConfig log) {
        var problems = new ArrayList<ConfigProblem>();
        boolean evaluates = eval.evalStrategy() != IntervalStrategy.NO;
        if (earlyStoppingPatience.isPresent() && !evaluates) {
            problems.add(
                    new ConfigProblem(
                            "early_stopping_patience",
                            earlyStoppingPatience.getAsInt(),
                            "with eval_strategy: steps or epoch, which it counts"));
        }
        boolean best = save.saveStrategy() == SaveStrategy.BEST;
        if (best && !evaluates) {
            problems.add(
                    new ConfigProblem(
                            "save_strategy",
                            SaveStrategy.BEST,
                            "best with eval_strategy: steps or epoch, which finds the best"));
        }
        if (loadBestModelAtEnd && !best) {
            problems.addAll(unlike(eval, save, log));
        }
        return problems;
    }

    /// transformers' rules for what is to be loaded at the end.
    private static List<ConfigProblem> unlike(EvalConfig eval, SaveConfig save, LogConfig log) {
        if (eval.evalStrategy() != save.saveStrategy().interval()
                || eval.evalStrategy() == IntervalStrategy.NO) {
            return List.of(
                    new ConfigProblem(
                            "load_best_model_at_end",
                            true,
                            "with eval_strategy and save_strategy both steps or both epoch (now %s"
                                            .formatted(ConfigNames.wireName(eval.evalStrategy()))
                                    + " and %s), or save_strategy: best"
                                            .formatted(ConfigNames.wireName(save.saveStrategy()))));
        }
        double every = eval.evalSteps().orElse(log.loggingSteps());
        boolean alike = every < 1 == save.saveSteps() < 1;
        if (eval.evalStrategy() == IntervalStrategy.STEPS
                && !(alike && isMultiple(save.saveSteps(), every))) {
            return List.of(
                    new ConfigProblem(
                            "save_steps",
                            save.saveSteps(),
                            "a multiple of eval_steps (now %s) with load_best_model_at_end: true,"
                                            .formatted(every)
                                    + " both shares below 1 or both numbers of steps"));
        }
        return List.of();
    }

    private static boolean isMultiple(double number, double of) {
        double quotient = number / of;
        return Math.abs(quotient - Math.rint(quotient)) < 1e-9 * quotient && quotient >= 0.5;
    }
}
