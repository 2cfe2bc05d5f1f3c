package org.attune.trainers.unpaired;

import org.attune.datasets.formats.DatasetType;
import org.attune.policy.Scorer;
import org.attune.trainers.config.TrainingConfig;
import org.attune.trainers.examples.UnpairedExample;
import org.attune.trainers.layout.UnpairedForest;
import org.attune.trainers.opening.FirstRun;
import org.attune.trainers.opening.OpenedRun;
import org.attune.trainers.opening.PolicyPlan;
import org.attune.trainers.opening.RowMethod;
import org.attune.trainers.opening.RowSetup;
import org.attune.trainers.opening.RunRows;
import org.attune.trainers.prepare.BcoPreparation;
import org.attune.trainers.prepare.Preview;
import org.attune.trainers.step.Trainer;

import java.util.Collection;
import java.util.EnumSet;
import java.util.Optional;
import java.util.Set;

/// The method `bco`, as the command line and the front door know it.
public record BcoMethod() implements RowMethod<BcoConfig, UnpairedExample, UnpairedForest> {
    @Override
    public String name() {
        return "bco";
    }

    @Override
    public String summary() {
        return "Align on completions labelled good or not: BCO.";
    }

    @Override
    public BcoConfig defaults() {
        return BcoConfig.defaults();
    }

    @Override
    public Set<DatasetType> rows() {
        return EnumSet.of(DatasetType.UNPAIRED_PREFERENCE, DatasetType.PREFERENCE);
    }

    @Override
    public FirstRun firstRun() {
        return FirstRun.of(
                "rows with prompt, completion and label (true or false)",
                "max_length",
                "1024",
                "beta",
                "0.1");
    }

    @Override
    public RunRows<UnpairedExample> prepare(RowSetup setup, BcoConfig config) {
        var preparation =
                new BcoPreparation(
                        setup.tokenizer(), config.loss().maxLength(), config.data().onBadRow());
        return setup.rows(config, rows(), preparation);
    }

    @Override
    public String show(Preview preview, UnpairedExample row, Collection<String> columns) {
        return preview.labelled(row);
    }

    @Override
    public PolicyPlan policy(BcoConfig config) {
        return PolicyPlan.predicting(
                config.lora(), config.training(), !config.loss().disableDropout());
    }

    @Override
    public BcoConfig withTraining(BcoConfig config, TrainingConfig training) {
        return config.withTraining(training);
    }

    @Override
    public Trainer<UnpairedExample, UnpairedForest> trainer(
            BcoConfig config, OpenedRun<UnpairedExample> run, Optional<Scorer> reference) {
        return BcoObjective.trainer(
                config,
                run.policy().policy(),
                reference.orElseThrow(),
                run.model().text().tokenizer().padId(),
                run.rows().train(),
                run.rows().evalSets(),
                run.context());
    }
}
