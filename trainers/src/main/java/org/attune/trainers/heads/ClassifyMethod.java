package org.attune.trainers.heads;

import org.attune.datasets.formats.DatasetType;
import org.attune.error.DatasetException;
import org.attune.model.config.ScoreKind;
import org.attune.models.ModelSetup;
import org.attune.models.ScorerPurpose;
import org.attune.policy.Scorer;
import org.attune.trainers.config.TrainingConfig;
import org.attune.trainers.examples.LabelledExample;
import org.attune.trainers.examples.RowStream;
import org.attune.trainers.examples.TrainingRow;
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
import java.util.List;
import java.util.Optional;
import java.util.Set;

/// The method `classify`, as the command line and the front door know it.
public record ClassifyMethod()
        implements RowMethod<ClassifyConfig, LabelledExample, LabelledForest> {
    @Override
    public String name() {
        return "classify";
    }

    @Override
    public String summary() {
        return "Train a classifier of texts, or of their words.";
    }

    @Override
    public Kind kind() {
        return Kind.SCORES;
    }

    @Override
    public ClassifyConfig defaults() {
        return ClassifyConfig.defaults();
    }

    @Override
    public Set<DatasetType> rows() {
        return EnumSet.of(DatasetType.CLASSIFICATION, DatasetType.TOKEN_CLASSIFICATION);
    }

    @Override
    public FirstRun firstRun() {
        return FirstRun.of(
                "rows with text and label, or tokens and a label for each", "max_length", "512");
    }

    @Override
    public RunRows<LabelledExample> prepare(RowSetup setup, ClassifyConfig config) {
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
    public PolicyPlan policy(ClassifyConfig config) {
        return PolicyPlan.scoring(
                (model, rows) -> purpose(config, model, labelled(rows)),
                config.lora(),
                config.training(),
                !config.disableDropout());
    }

    @Override
    public ClassifyConfig withTraining(ClassifyConfig config, TrainingConfig training) {
        return config.withTraining(training);
    }

    @Override
    public Trainer<LabelledExample, LabelledForest> trainer(
            ClassifyConfig config, OpenedRun<LabelledExample> run, Optional<Scorer> reference) {
        List<LabelledExample> rows = run.rows().train();
        LabelNames names = LabelNames.of(config, run.model(), labelled(rows));
        RunContext context = run.context();
        return GivenRows.trainer(
                config,
                new ScoreObjective(ClassifyTask.of(names)),
                run.policy().policy(),
                Optional.empty(),
                rows,
                run.rows().evalSets(),
                context.withModel(names.beside(context.model())));
    }

    private static List<LabelledExample> labelled(List<? extends TrainingRow> rows) {
        return RowStream.known(rows).stream().map(LabelledExample.class::cast).toList();
    }

    private static ScorerPurpose purpose(
            ClassifyConfig config, ModelSetup model, List<LabelledExample> rows) {
        long words = rows.stream().filter(row -> row.places().length > 0).count();
        if (words > 0 && words < rows.size()) {
            throw new DatasetException(
                    "%d of %d rows have labels of words, the others of texts; one kind is accepted"
                            .formatted(words, rows.size()));
        }
        return new ScorerPurpose(
                words > 0 ? ScoreKind.TOKEN : ScoreKind.SEQUENCE,
                LabelNames.of(config, model, rows).size(),
                "this classifier");
    }
}
