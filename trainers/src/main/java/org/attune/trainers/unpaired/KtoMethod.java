package org.attune.trainers.unpaired;

import org.attune.datasets.formats.DatasetType;
import org.attune.policy.Scorer;
import org.attune.trainers.config.TrainingConfig;
import org.attune.trainers.examples.KtoExample;
import org.attune.trainers.layout.UnpairedForest;
import org.attune.trainers.opening.FirstRun;
import org.attune.trainers.opening.OpenedRun;
import org.attune.trainers.opening.PolicyPlan;
import org.attune.trainers.opening.RowMethod;
import org.attune.trainers.opening.RowSetup;
import org.attune.trainers.opening.RunRows;
import org.attune.trainers.prepare.KtoPreparation;
import org.attune.trainers.prepare.Preview;
import org.attune.trainers.step.Trainer;

import java.util.Collection;
import java.util.EnumSet;
import java.util.Optional;
import java.util.Set;

/// The method `kto`, as the command line and the front door know it.
public record KtoMethod() implements RowMethod<KtoConfig, KtoExample, UnpairedForest> {
    @Override
    public String name() {
        return "kto";
    }

    @Override
    public String summary() {
        return "Align on completions labelled good or not: KTO and APO-zero.";
    }

    @Override
    public KtoConfig defaults() {
        return KtoConfig.defaults();
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
    public RunRows<KtoExample> prepare(RowSetup setup, KtoConfig config) {
        var preparation =
                new KtoPreparation(
                        setup.tokenizer(),
                        config.loss().maxLength(),
                        config.mismatchedRows(),
                        !config.loss().trlCompat(),
                        config.data().onBadRow());
        return setup.rows(config, rows(), preparation);
    }

    @Override
    public String show(Preview preview, KtoExample row, Collection<String> columns) {
        return preview.labelled(row.row());
    }

    @Override
    public PolicyPlan policy(KtoConfig config) {
        return PolicyPlan.predicting(
                        config.lora(), config.training(), !config.loss().disableDropout())
                .balancing(config.training());
    }

    @Override
    public KtoConfig withTraining(KtoConfig config, TrainingConfig training) {
        return config.withTraining(training);
    }

    @Override
    public Trainer<KtoExample, UnpairedForest> trainer(
            KtoConfig config, OpenedRun<KtoExample> run, Optional<Scorer> reference) {
        return KtoObjective.trainer(
                config,
                run.policy().policy(),
                reference.orElseThrow(),
                run.rows().train(),
                run.rows().evalSets(),
                run.context());
    }
}
