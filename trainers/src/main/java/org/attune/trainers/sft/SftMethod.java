package org.attune.trainers.sft;

import org.attune.datasets.ColumnUse;
import org.attune.datasets.formats.DatasetType;
import org.attune.policy.Scorer;
import org.attune.trainers.config.TrainingConfig;
import org.attune.trainers.examples.PackedRow;
import org.attune.trainers.layout.SftForest;
import org.attune.trainers.opening.FirstRun;
import org.attune.trainers.opening.OpenedRun;
import org.attune.trainers.opening.PolicyPlan;
import org.attune.trainers.opening.RowMethod;
import org.attune.trainers.opening.RowSetup;
import org.attune.trainers.opening.RunRows;
import org.attune.trainers.prepare.PackingStrategy;
import org.attune.trainers.prepare.Preview;
import org.attune.trainers.prepare.SftOptions;
import org.attune.trainers.prepare.SftPreparation;
import org.attune.trainers.step.Trainer;

import java.util.Collection;
import java.util.EnumSet;
import java.util.Optional;
import java.util.Set;

/// The method `sft`, as the command line and the front door know it.
public record SftMethod() implements RowMethod<SftConfig, PackedRow, SftForest> {
    @Override
    public String name() {
        return "sft";
    }

    @Override
    public String summary() {
        return "Fine-tune on examples: supervised fine-tuning.";
    }

    @Override
    public SftConfig defaults() {
        return SftConfig.defaults();
    }

    @Override
    public Set<DatasetType> rows() {
        return EnumSet.of(DatasetType.LANGUAGE_MODELING, DatasetType.PROMPT_COMPLETION);
    }

    @Override
    public FirstRun firstRun() {
        return FirstRun.of(
                "rows with messages, or prompt and completion, or text", "max_length", "1024");
    }

    @Override
    public RunRows<PackedRow> prepare(RowSetup setup, SftConfig config) {
        boolean packing = config.rows().packing();
        return setup.streamed(
                config,
                rows(),
                config.rows().datasetTextField(),
                new ColumnUse.RowsOnly(
                        config.rows().rowWeightColumn().map(Set::of).orElse(Set.of())),
                preparation(setup, config, packing),
                preparation(setup, config, config.rows().evalPacking().orElse(packing)));
    }

    private static SftPreparation preparation(RowSetup setup, SftConfig config, boolean packing) {
        Optional<PackingStrategy> strategy =
                packing ? Optional.of(config.rows().packingStrategy()) : Optional.empty();
        var options =
                new SftOptions(
                        config.length().maxLength(),
                        config.length().truncationMode(),
                        config.loss().completionOnlyLoss(),
                        config.loss().assistantOnlyLoss(),
                        config.loss().trainImageTokens(),
                        strategy,
                        config.rows().rowWeightColumn());
        return new SftPreparation(setup.tokenizer(), options, config.data().onBadRow());
    }

    @Override
    public String show(Preview preview, PackedRow row, Collection<String> columns) {
        return preview.row(row);
    }

    @Override
    public PolicyPlan policy(SftConfig config) {
        return PolicyPlan.predicting(config.lora(), config.training(), true)
                .balancing(config.training());
    }

    @Override
    public SftConfig withTraining(SftConfig config, TrainingConfig training) {
        return config.withTraining(training);
    }

    @Override
    public Trainer<PackedRow, SftForest> trainer(
            SftConfig config, OpenedRun<PackedRow> run, Optional<Scorer> reference) {
        return SftObjective.trainer(
                config,
                run.policy().policy(),
                reference,
                run.rows().train(),
                run.rows().evalSets(),
                run.context());
    }
}
