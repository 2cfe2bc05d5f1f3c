package org.attune.examples.margin;

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
import org.attune.trainers.prepare.TruncationMode;
import org.attune.trainers.rows.GivenRows;
import org.attune.trainers.step.Trainer;

import java.util.Collection;
import java.util.EnumSet;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;

/// The margin method, as the front door knows it.
record MarginMethod() implements RowMethod<MarginConfig, PreferenceExample, PreferenceForest> {
    private static final int MAX_LENGTH = 1024;

    @Override
    public String name() {
        return "margin";
    }

    @Override
    public String summary() {
        return "Align on preference pairs without a reference.";
    }

    @Override
    public MarginConfig defaults() {
        return MarginConfig.defaults();
    }

    @Override
    public Set<DatasetType> rows() {
        return EnumSet.of(DatasetType.PREFERENCE);
    }

    @Override
    public FirstRun firstRun() {
        return FirstRun.of("rows with prompt, chosen and rejected", "gamma", "1.0");
    }

    @Override
    public RunRows<PreferenceExample> prepare(RowSetup setup, MarginConfig config) {
        var options = new PreferenceOptions(OptionalInt.of(MAX_LENGTH), TruncationMode.KEEP_START);
        var preparation =
                new PreferencePreparation(setup.tokenizer(), options, config.data().onBadRow());
        return setup.rows(config, rows(), preparation);
    }

    @Override
    public String show(Preview preview, PreferenceExample row, Collection<String> columns) {
        return preview.pair(row);
    }

    @Override
    public PolicyPlan policy(MarginConfig config) {
        return PolicyPlan.predicting(config.lora(), config.training(), true);
    }

    @Override
    public MarginConfig withTraining(MarginConfig config, TrainingConfig training) {
        return config.withTraining(_ -> training);
    }

    @Override
    public Trainer<PreferenceExample, PreferenceForest> trainer(
            MarginConfig config, OpenedRun<PreferenceExample> run, Optional<Scorer> reference) {
        return GivenRows.trainer(
                config,
                new MarginObjective(new MarginLoss(config.gamma())),
                run.policy().policy(),
                Optional.empty(),
                run.rows().train(),
                run.rows().evalSets(),
                run.context());
    }
}
