package org.attune.trainers.heads;

import org.attune.datasets.formats.DatasetType;
import org.attune.error.ConfigException;
import org.attune.models.ModelSetup;
import org.attune.policy.Scorer;
import org.attune.trainers.config.TrainingConfig;
import org.attune.trainers.examples.LabelledExample;
import org.attune.trainers.examples.RowStream;
import org.attune.trainers.loop.RunContext;
import org.attune.trainers.opening.FirstRun;
import org.attune.trainers.opening.OpenedRun;
import org.attune.trainers.opening.PolicyPlan;
import org.attune.trainers.opening.RowMethod;
import org.attune.trainers.opening.RowSetup;
import org.attune.trainers.opening.RunRows;
import org.attune.trainers.prepare.Preview;
import org.attune.trainers.rows.GivenRows;
import org.attune.trainers.step.Trainer;

import java.util.Collection;
import java.util.EnumSet;
import java.util.Optional;
import java.util.Set;

/// The method `embed`, as the command line and the front door know it.
public record EmbedMethod() implements RowMethod<EmbedConfig, LabelledExample, LabelledForest> {
    @Override
    public String name() {
        return "embed";
    }

    @Override
    public String summary() {
        return "Train embeddings by InfoNCE, or by similarities of pairs.";
    }

    @Override
    public Kind kind() {
        return Kind.EMBEDS;
    }

    @Override
    public EmbedConfig defaults() {
        return EmbedConfig.defaults();
    }

    @Override
    public Set<DatasetType> rows() {
        return EnumSet.of(DatasetType.EMBEDDING);
    }

    @Override
    public FirstRun firstRun() {
        return FirstRun.of(
                "rows with anchor and positive, perhaps negatives",
                "scale",
                "20",
                "max_length",
                "512");
    }

    @Override
    public RunRows<LabelledExample> prepare(RowSetup setup, EmbedConfig config) {
        return setup.rows(
                config,
                rows(),
                setup.tokenizer().labelled(config.maxLength(), config.data().onBadRow()));
    }

    @Override
    public String show(Preview preview, LabelledExample row, Collection<String> columns) {
        return preview.labelled(row);
    }

    @Override
    public PolicyPlan policy(EmbedConfig config) {
        return PolicyPlan.predicting(config.lora(), config.training(), false)
                .withoutBalance(config.training(), "embeddings have no such loss")
                .also(model -> requireWidth(config, model));
    }

    @Override
    public EmbedConfig withTraining(EmbedConfig config, TrainingConfig training) {
        return config.withTraining(training);
    }

    @Override
    public Trainer<LabelledExample, LabelledForest> trainer(
            EmbedConfig config, OpenedRun<LabelledExample> run, Optional<Scorer> reference) {
        RunContext context = run.context();
        int width = run.model().source().config().hiddenSize();
        return GivenRows.trainer(
                config,
                EmbedObjective.of(config, width, RowStream.known(run.rows().train())),
                run.policy().policy(),
                Optional.empty(),
                run.rows().train(),
                run.rows().evalSets(),
                context.withModel(
                        new SentenceFolder(config.poolingMode(), width, config.maxLength())
                                .beside(context.model(), run.model())));
    }

    private static void requireWidth(EmbedConfig config, ModelSetup model) {
        int width = model.source().config().hiddenSize();
        if (config.matryoshkaDims().stream().anyMatch(d -> d > width)) {
            throw ConfigException.about(
                    "matryoshka_dims",
                    "%s; accepted: numbers from 1 to %d, the model's width"
                            .formatted(config.matryoshkaDims(), width));
        }
    }
}
