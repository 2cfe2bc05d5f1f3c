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
import org.attune.trainers.prepare.PreferenceOptions;
import org.attune.trainers.prepare.Preview;
import org.attune.trainers.prepare.SampleTokenizer;
import org.attune.trainers.prepare.TriplePreparation;
import org.attune.trainers.step.Trainer;

import java.util.Collection;
import java.util.EnumSet;
import java.util.Optional;
import java.util.Set;

/// The method `tpo`, as the command line and the front door know it.
public record TpoMethod() implements RowMethod<TpoConfig, ImitationPair, ImitationForest> {
    @Override
    public String name() {
        return "tpo";
    }

    @Override
    public String summary() {
        return "Align on pairs while imitating a third answer: TPO.";
    }

    @Override
    public TpoConfig defaults() {
        return TpoConfig.defaults();
    }

    @Override
    public Set<DatasetType> rows() {
        return EnumSet.of(DatasetType.TRIPLE_PREFERENCE);
    }

    @Override
    public FirstRun firstRun() {
        return FirstRun.of(
                "rows with prompt, reference, chosen and rejected",
                "max_length",
                "1024",
                "beta",
                "0.01",
                "tpo_alpha",
                "1.0");
    }

    @Override
    public RunRows<ImitationPair> prepare(RowSetup setup, TpoConfig config) {
        return setup.rows(config, rows(), preparation(setup.tokenizer(), config));
    }

    /// How TPO's rows become tokens.
    ///
    /// @param tokenizer borrowed
    public static TriplePreparation preparation(SampleTokenizer tokenizer, TpoConfig config) {
        return new TriplePreparation(
                tokenizer,
                new PreferenceOptions(
                        config.length().maxLength(), config.length().truncationMode()),
                config.loss().tpoAlpha() != 0,
                config.loss().trlCompat(),
                config.data().onBadRow());
    }

    @Override
    public String show(Preview preview, ImitationPair row, Collection<String> columns) {
        return preview.imitation(row);
    }

    @Override
    public PolicyPlan policy(TpoConfig config) {
        return PolicyPlan.predicting(
                config.lora(), config.training(), !config.loss().disableDropout());
    }

    @Override
    public TpoConfig withTraining(TpoConfig config, TrainingConfig training) {
        return config.withTraining(training);
    }

    @Override
    public Trainer<ImitationPair, ImitationForest> trainer(
            TpoConfig config, OpenedRun<ImitationPair> run, Optional<Scorer> reference) {
        return ImitationObjectives.tpo(
                config,
                run.policy().policy(),
                new ImitationObjectives.Rows(
                        run.model().text().tokenizer().padId(),
                        run.rows().train(),
                        run.rows().evalSets()),
                run.context());
    }
}
