package org.attune.trainers.referencefree;

import org.attune.datasets.formats.DatasetType;
import org.attune.policy.Scorer;
import org.attune.trainers.config.TrainingConfig;
import org.attune.trainers.examples.ImitationPair;
import org.attune.trainers.layout.ImitationForest;
import org.attune.trainers.opening.FirstRun;
import org.attune.trainers.opening.OpenedRun;
import org.attune.trainers.opening.PolicyPlan;
import org.attune.trainers.opening.RowMethod;
import org.attune.trainers.opening.RowSetup;
import org.attune.trainers.opening.RunRows;
import org.attune.trainers.prepare.AnswerPairPreparation;
import org.attune.trainers.prepare.AnswerPairPreparation.Imitated;
import org.attune.trainers.prepare.Preview;
import org.attune.trainers.prepare.SampleTokenizer;
import org.attune.trainers.step.Trainer;

import java.util.Collection;
import java.util.EnumSet;
import java.util.Optional;
import java.util.Set;

/// The method `orpo`, as the command line and the front door know it.
public record OrpoMethod() implements RowMethod<OrpoConfig, ImitationPair, ImitationForest> {
    @Override
    public String name() {
        return "orpo";
    }

    @Override
    public String summary() {
        return "Align on pairs while imitating the chosen answers: ORPO.";
    }

    @Override
    public OrpoConfig defaults() {
        return OrpoConfig.defaults();
    }

    @Override
    public Set<DatasetType> rows() {
        return EnumSet.of(DatasetType.PREFERENCE);
    }

    @Override
    public FirstRun firstRun() {
        return FirstRun.of(
                "rows with prompt, chosen and rejected", "max_length", "1024", "beta", "0.1");
    }

    @Override
    public RunRows<ImitationPair> prepare(RowSetup setup, OrpoConfig config) {
        return setup.rows(config, rows(), preparation(setup.tokenizer(), config));
    }

    /// How ORPO's rows become tokens. A mean over no token is not a number, so no pair is kept that
    /// has such a completion.
    ///
    /// @param tokenizer borrowed
    public static AnswerPairPreparation preparation(SampleTokenizer tokenizer, OrpoConfig config) {
        return new AnswerPairPreparation(
                tokenizer,
                config.rows().maxLength(),
                Imitated.ALL,
                false,
                config.data().onBadRow());
    }

    @Override
    public String show(Preview preview, ImitationPair row, Collection<String> columns) {
        return preview.imitation(row);
    }

    @Override
    public PolicyPlan policy(OrpoConfig config) {
        return PolicyPlan.predicting(
                config.lora(), config.training(), !config.rows().disableDropout());
    }

    @Override
    public OrpoConfig withTraining(OrpoConfig config, TrainingConfig training) {
        return config.withTraining(training);
    }

    @Override
    public Trainer<ImitationPair, ImitationForest> trainer(
            OrpoConfig config, OpenedRun<ImitationPair> run, Optional<Scorer> reference) {
        return ImitationObjectives.orpo(
                config,
                run.policy().policy(),
                new ImitationObjectives.Rows(
                        run.model().text().tokenizer().padId(),
                        run.rows().train(),
                        run.rows().evalSets()),
                run.context());
    }
}
