package org.attune.trainers.heads;

import org.attune.datasets.formats.DatasetType;
import org.attune.error.DatasetException;
import org.attune.model.config.ScoreKind;
import org.attune.models.ScorerPurpose;
import org.attune.policy.Scorer;
import org.attune.trainers.config.TrainingConfig;
import org.attune.trainers.examples.LabelledExample;
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

/// The method `rerank`, as the command line and the front door know it.
public record RerankMethod() implements RowMethod<RerankConfig, LabelledExample, LabelledForest> {
    private static final ScorerPurpose RERANKER =
            new ScorerPurpose(ScoreKind.SEQUENCE, 1, "a reranker");

    @Override
    public String name() {
        return "rerank";
    }

    @Override
    public String summary() {
        return "Train a reranker, which scores documents for a query.";
    }

    @Override
    public Kind kind() {
        return Kind.SCORES;
    }

    @Override
    public RerankConfig defaults() {
        return RerankConfig.defaults();
    }

    @Override
    public Set<DatasetType> rows() {
        return EnumSet.of(DatasetType.RANKING);
    }

    @Override
    public FirstRun firstRun() {
        return FirstRun.of(
                "rows with query, positive and negatives",
                "max_length",
                "512",
                "loss_type",
                "listwise");
    }

    @Override
    public RunRows<LabelledExample> prepare(RowSetup setup, RerankConfig config) {
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
    public PolicyPlan policy(RerankConfig config) {
        return PolicyPlan.scoring(
                RERANKER, config.lora(), config.training(), !config.disableDropout());
    }

    @Override
    public RerankConfig withTraining(RerankConfig config, TrainingConfig training) {
        return config.withTraining(training);
    }

    @Override
    public Trainer<LabelledExample, LabelledForest> trainer(
            RerankConfig config, OpenedRun<LabelledExample> run, Optional<Scorer> reference) {
        RunContext context = run.context();
        return GivenRows.trainer(
                config,
                new ScoreObjective(task(config.lossType())),
                run.policy().policy(),
                Optional.empty(),
                run.rows().train(),
                run.rows().evalSets(),
                context.withModel(
                        SentenceFolder.ranking(context.model(), run.model(), config.maxLength())));
    }

    static HeadTask task(RankingLossType type) {
        HeadLoss loss =
                switch (type) {
                    case POINTWISE -> new HeadLoss.BinaryCrossEntropy();
                    case PAIRWISE -> new HeadLoss.RankNet();
                    case LISTWISE -> new HeadLoss.SoftmaxList();
                };
        return new HeadTask(
                "rerank",
                RERANKER.labels(),
                loss,
                row -> List.of(relevance(row)),
                HeadMetrics.NDCG,
                HeadMetrics::ndcg,
                HeadTask.ofUnits(HeadMetrics::rankings),
                HeadMetrics.NDCG);
    }

    /// How relevant each document is, from 0 to 1.
    private static double[] relevance(LabelledExample row) {
        return row.labels().stream().mapToDouble(label -> relevance(label, row)).toArray();
    }

    private static double relevance(Object label, LabelledExample row) {
        double value =
                switch (label) {
                    case Boolean relevant -> relevant ? 1 : 0;
                    case Number number -> number.doubleValue();
                    default -> Double.NaN;
                };
        if (!(value >= 0 && value <= 1)) {
            throw new DatasetException(
                    "%s: the label of a document is %s; numbers from 0 to 1 are accepted"
                            .formatted(row.origin().where(), label));
        }
        return value;
    }
}
