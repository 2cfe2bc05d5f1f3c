package org.attune.trainers.preference;

import org.attune.datasets.formats.DatasetType;
import org.attune.policy.Scorer;
import org.attune.trainers.config.TrainingConfig;
import org.attune.trainers.examples.PreferenceExample;
import org.attune.trainers.layout.PreferenceForest;
import org.attune.trainers.opening.FirstRun;
import org.attune.trainers.opening.OpenedRun;
import org.attune.trainers.opening.PolicyPlan;
import org.attune.trainers.opening.RowMethod;
import org.attune.trainers.opening.RowSetup;
import org.attune.trainers.opening.RunRows;
import org.attune.trainers.prepare.PreferenceOptions;
import org.attune.trainers.prepare.PreferencePreparation;
import org.attune.trainers.prepare.Preview;
import org.attune.trainers.step.Trainer;

import java.util.Collection;
import java.util.EnumSet;
import java.util.Optional;
import java.util.Set;

/// The method `dpo`, as the command line and the front door know it.
public record DpoMethod() implements RowMethod<DpoConfig, PreferenceExample, PreferenceForest> {
    @Override
    public String name() {
        return "dpo";
    }

    @Override
    public String summary() {
        return "Align on preference pairs: direct preference optimisation.";
    }

    @Override
    public DpoConfig defaults() {
        return DpoConfig.defaults();
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
                "loss_type",
                "sigmoid",
                "beta",
                "0.1");
    }

    @Override
    public RunRows<PreferenceExample> prepare(RowSetup setup, DpoConfig config) {
        var options =
                new PreferenceOptions(
                        config.length().maxLength(),
                        config.length().truncationMode(),
                        config.assistantOnlyLoss());
        return setup.rows(
                config,
                rows(),
                new PreferencePreparation(setup.tokenizer(), options, config.data().onBadRow()));
    }

    @Override
    public String show(Preview preview, PreferenceExample row, Collection<String> columns) {
        return preview.pair(row);
    }

    @Override
    public PolicyPlan policy(DpoConfig config) {
        return PolicyPlan.predicting(
                        config.lora(), config.training(), !config.loss().disableDropout())
                .balancing(config.training());
    }

    @Override
    public DpoConfig withTraining(DpoConfig config, TrainingConfig training) {
        return config.withTraining(training);
    }

    @Override
    public Trainer<PreferenceExample, PreferenceForest> trainer(
            DpoConfig config, OpenedRun<PreferenceExample> run, Optional<Scorer> reference) {
        return DpoObjective.trainer(
                config,
                run.policy().policy(),
                reference.orElseThrow(),
                run.rows().train(),
                run.rows().evalSets(),
                run.context());
    }
}
