package org.attune.trainers.heads;

import org.attune.datasets.ColumnUse;
import org.attune.datasets.formats.DatasetType;
import org.attune.error.StopRequest;
import org.attune.files.HubCache;
import org.attune.model.config.ScoreKind;
import org.attune.model.layer.Decoder;
import org.attune.models.ModelSetup;
import org.attune.models.score.SentenceFiles;
import org.attune.policy.Policy;
import org.attune.policy.Scorer;
import org.attune.policy.TokenBudget;
import org.attune.trainers.config.DataConfig;
import org.attune.trainers.examples.LabelledExample;
import org.attune.trainers.opening.RowSetup;
import org.attune.trainers.rows.RowObjective;
import org.attune.trainers.step.RowAt;
import org.attune.trainers.step.StepSums;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;

/// Measures a model that classifies, ranks or embeds on rows with labels, as a run measures its
/// held-out rows. On the engine thread.
public final class HeadEval {
    private static final TokenBudget BUDGET = new TokenBudget(TokenBudget.DEFAULT_TOKENS);

    private final ModelSetup model;
    private final Optional<SentenceFiles> sentences;

    private HeadEval(ModelSetup model) {
        this.model = model;
        sentences = SentenceFiles.of(model.headFolder());
    }

    /// The metrics of a model on a file's rows.
    ///
    /// @param model scores or embeds; borrowed
    /// @throws org.attune.error.AttuneException if the model or a row can't be used
    public static Map<String, Double> of(ModelSetup model, DataConfig data, HubCache hub) {
        return new HeadEval(model).measured(data, hub);
    }

    private Map<String, Double> measured(DataConfig data, HubCache hub) {
        RowSetup setup = RowSetup.of(model, hub, Path.of(""));
        OptionalInt most = sentences.map(SentenceFiles::maxLength).orElseGet(OptionalInt::empty);
        List<LabelledExample> rows =
                setup.rows(
                                data,
                                0,
                                types(),
                                setup.tokenizer().labelled(most, data.onBadRow()),
                                new ColumnUse.RowsOnly())
                        .train();
        RowObjective<LabelledExample, LabelledForest> objective = objective(rows);
        List<RowAt<LabelledExample>> placed = new ArrayList<>();
        rows.forEach(row -> placed.add(new RowAt<>(row, placed.size(), 0, placed.size())));
        StepSums<LabelledExample, LabelledForest> sums = objective.evaluation(placed, 1);
        try (Decoder decoder = model.loadAsIs()) {
            Optional<Policy> adapted =
                    model.adapter()
                            .map(a -> Policy.withAdapter(decoder, a, Policy.Options.defaults()));
            decoder.keepForward();
            measure(placed, objective, sums, scorer(decoder, adapted));
            adapted.ifPresent(Policy::close);
        }
        return sums.evaluation();
    }

    private static Scorer scorer(Decoder decoder, Optional<Policy> adapted) {
        return adapted.isPresent() ? adapted.get() : Policy.reference(decoder);
    }

    private Set<DatasetType> types() {
        if (sentences.isPresent()) {
            return EnumSet.of(DatasetType.EMBEDDING);
        }
        if (model.scoreKind() == ScoreKind.TOKEN) {
            return EnumSet.of(DatasetType.TOKEN_CLASSIFICATION);
        }
        return model.labels() == 1
                ? EnumSet.of(DatasetType.CLASSIFICATION, DatasetType.RANKING)
                : EnumSet.of(DatasetType.CLASSIFICATION);
    }

    private RowObjective<LabelledExample, LabelledForest> objective(List<LabelledExample> rows) {
        if (sentences.isPresent()) {
            return EmbedObjective.of(
                    EmbedConfig.defaults().withPoolingMode(sentences.get().pooling()),
                    sentences.get().width(),
                    rows);
        }
        boolean ranks = rows.getFirst().labels().size() > 1 && model.labels() == 1;
        if (ranks) {
            return new ScoreObjective(RerankMethod.task(RankingLossType.POINTWISE));
        }
        ClassifyConfig config =
                model.labels() == 1
                        ? ClassifyConfig.defaults().withProblemType(ProblemType.REGRESSION)
                        : ClassifyConfig.defaults();
        return new ScoreObjective(ClassifyTask.of(LabelNames.of(config, model, rows)));
    }

    private void measure(
            List<RowAt<LabelledExample>> rows,
            RowObjective<LabelledExample, LabelledForest> objective,
            StepSums<LabelledExample, LabelledForest> sums,
            Scorer scorer) {
        boolean shares = model.sharesPrompts();
        for (List<RowAt<LabelledExample>> group :
                BUDGET.groups(rows, row -> row.row().sequences(), shares)) {
            StopRequest.check();
            LabelledForest forest = objective.layout(RowAt.rows(group), shares);
            sums.note(
                    group, forest, scorer.measure(forest.forest(), objective.request()), List.of());
        }
    }
}
