package org.attune.trainers.scoring;

import org.attune.datasets.formats.DatasetType;
import org.attune.models.ScorerPurpose;
import org.attune.policy.Scorer;
import org.attune.trainers.config.TrainingConfig;
import org.attune.trainers.examples.RewardExample;
import org.attune.trainers.layout.RewardForest;
import org.attune.trainers.opening.FirstRun;
import org.attune.trainers.opening.OpenedRun;
import org.attune.trainers.opening.PolicyPlan;
import org.attune.trainers.opening.RowMethod;
import org.attune.trainers.opening.RowSetup;
import org.attune.trainers.opening.RunRows;
import org.attune.trainers.prepare.Preview;
import org.attune.trainers.prepare.RewardPreparation;
import org.attune.trainers.step.Trainer;

import java.util.Collection;
import java.util.EnumSet;
import java.util.Optional;
import java.util.Set;

/// The method `reward`, as the command line and the front door know it.
public record RewardMethod()
        implements RowMethod<RewardTrainerConfig, RewardExample, RewardForest> {
    @Override
    public String name() {
        return "reward";
    }

    @Override
    public String summary() {
        return "Train a reward model on preference pairs.";
    }

    @Override
    public Kind kind() {
        return Kind.SCORES;
    }

    @Override
    public RewardTrainerConfig defaults() {
        return RewardTrainerConfig.defaults();
    }

    @Override
    public Set<DatasetType> rows() {
        return EnumSet.of(DatasetType.PREFERENCE);
    }

    @Override
    public FirstRun firstRun() {
        return FirstRun.of(
                "rows with prompt, chosen and rejected",
                "max_length",
                "1024",
                "center_rewards_coefficient",
                "0.01");
    }

    @Override
    public RunRows<RewardExample> prepare(RowSetup setup, RewardTrainerConfig config) {
        var preparation =
                new RewardPreparation(
                        setup.tokenizer(), config.loss().maxLength(), config.data().onBadRow());
        return setup.rows(config, rows(), preparation);
    }

    @Override
    public String show(Preview preview, RewardExample row, Collection<String> columns) {
        return preview.rewardPair(row);
    }

    @Override
    public PolicyPlan policy(RewardTrainerConfig config) {
        return PolicyPlan.scoring(
                ScorerPurpose.REWARD,
                config.lora(),
                config.training(),
                !config.loss().disableDropout());
    }

    @Override
    public RewardTrainerConfig withTraining(RewardTrainerConfig config, TrainingConfig training) {
        return config.withTraining(training);
    }

    @Override
    public Trainer<RewardExample, RewardForest> trainer(
            RewardTrainerConfig config, OpenedRun<RewardExample> run, Optional<Scorer> reference) {
        return RewardObjective.trainer(
                config,
                run.policy().policy(),
                run.rows().train(),
                run.rows().evalSets(),
                run.context());
    }
}
