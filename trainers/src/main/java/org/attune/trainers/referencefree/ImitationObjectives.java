package org.attune.trainers.referencefree;

import org.attune.policy.CausalPolicy;
import org.attune.policy.HeadStatistic;
import org.attune.trainers.config.ConfigCheck;
import org.attune.trainers.config.RunConfig;
import org.attune.trainers.config.TrainingConfig;
import org.attune.trainers.examples.ImitationPair;
import org.attune.trainers.layout.ImitationForest;
import org.attune.trainers.loop.EvalSet;
import org.attune.trainers.loop.RunContext;
import org.attune.trainers.loop.RunParts;
import org.attune.trainers.rows.GivenRows;
import org.attune.trainers.rows.PaddedLogits;
import org.attune.trainers.step.Trainer;

import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/// The trainers that configurations ask for.
public final class ImitationObjectives {
    private ImitationObjectives() {}

    /// What a run learns from.
    ///
    /// @param padId the tokenizer's padding token, which `trl_compat` alone needs
    /// @param train training rows, prepared
    /// @param evalSets may be empty
    public record Rows(
            OptionalInt padId, List<ImitationPair> train, List<EvalSet<ImitationPair>> evalSets) {}

    /// A run of ORPO.
    ///
    /// @param config checked here
    /// @param policy with the values to start from. The caller closes it
    /// @throws org.attune.error.ConfigException with all problems of the configuration, or if
    ///     `trl_compat` lacks the padding token
    public static Trainer<ImitationPair, ImitationForest> orpo(
            OrpoConfig config, CausalPolicy policy, Rows rows, RunContext context) {
        ConfigCheck.validate(config);
        var objective =
                new ImitationObjective(
                        "orpo",
                        new PairLoss.OddsRatio(config.loss().beta()),
                        1,
                        logits(config.rows(), config.training(), rows, 1));
        return trainer(config, objective, policy, rows, context);
    }

    /// A run of CPO, SimPO or AlphaPO.
    ///
    /// @param config as for [#orpo]
    /// @param policy likewise
    public static Trainer<ImitationPair, ImitationForest> cpo(
            CpoConfig config, CausalPolicy policy, Rows rows, RunContext context) {
        ConfigCheck.validate(config);
        var objective =
                new ImitationObjective(
                        "cpo",
                        config.loss().loss(),
                        config.loss().imitation(),
                        logits(config.rows(), config.training(), rows, 0));
        return trainer(config, objective, policy, rows, context);
    }

    /// A run of TPO.
    ///
    /// @param config as for [#orpo]
    /// @param policy likewise
    public static Trainer<ImitationPair, ImitationForest> tpo(
            TpoConfig config, CausalPolicy policy, Rows rows, RunContext context) {
        ConfigCheck.validate(config);
        var objective =
                new ImitationObjective(
                        "tpo", config.loss().loss(), config.loss().tpoAlpha(), Optional.empty());
        return trainer(config, objective, policy, rows, context);
    }

    private static Optional<PaddedLogits> logits(
            AnswerPairConfig config, TrainingConfig training, Rows rows, int unseen) {
        return config.trlCompat()
                ? Optional.of(
                        PaddedLogits.of(
                                rows.padId(),
                                HeadStatistic.MEAN_LOGIT,
                                unseen,
                                RunParts.budget(training.batch())))
                : Optional.empty();
    }

    private static <C extends Record & RunConfig> Trainer<ImitationPair, ImitationForest> trainer(
            C config,
            ImitationObjective objective,
            CausalPolicy policy,
            Rows rows,
            RunContext context) {
        return GivenRows.trainer(
                config,
                objective,
                policy,
                Optional.empty(),
                rows.train(),
                rows.evalSets(),
                context);
    }
}
