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
import org.attune.trainers.prepare.AnswerPairPreparation;
import org.attune.trainers.prepare.AnswerPairPreparation.Imitated;
import org.attune.trainers.prepare.Preview;
import org.attune.trainers.prepare.SampleTokenizer;
import org.attune.trainers.step.Trainer;

import java.util.Collection;
import java.util.EnumSet;
import java.util.Optional;
import java.util.Set;

/// The method `cpo`, as the command line and the front door know it.
public record CpoMethod() implements RowMethod<CpoConfig, ImitationPair, ImitationForest> {
    @Override
    public String name() {
        return "cpo";
    }

    @Override
    public String summary() {
        return "Align on pairs without a reference: CPO, SimPO, AlphaPO.";
    }

    @Override
    public CpoConfig defaults() {
        return CpoConfig.defaults();
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
                "simpo",
                "beta",
                "2.0",
                "simpo_gamma",
                "1.0");
    }

    @Override
    public RunRows<ImitationPair> prepare(RowSetup setup, CpoConfig config) {
        return setup.rows(config, rows(), preparation(setup.tokenizer(), config));
    }

    /// How CPO's rows become tokens. A mean over no token is not a number, so losses on means keep
    /// no pair that has such a completion.
    ///
    /// @param tokenizer borrowed
    public static AnswerPairPreparation preparation(SampleTokenizer tokenizer, CpoConfig config) {
        return new AnswerPairPreparation(
                tokenizer,
                config.rows().maxLength(),
                config.loss().imitation() == 0 ? Imitated.NOTHING : Imitated.COMPLETION,
                config.rows().trlCompat() && !config.loss().loss().averages(),
                config.data().onBadRow());
    }

    @Override
    public String show(Preview preview, ImitationPair row, Collection<String> columns) {
        return preview.imitation(row);
    }

    @Override
    public PolicyPlan policy(CpoConfig config) {
        return PolicyPlan.predicting(
                config.lora(), config.training(), !config.rows().disableDropout());
    }

    @Override
    public CpoConfig withTraining(CpoConfig config, TrainingConfig training) {
        return config.withTraining(training);
    }

    @Override
    public Trainer<ImitationPair, ImitationForest> trainer(
            CpoConfig config, OpenedRun<ImitationPair> run, Optional<Scorer> reference) {
        return ImitationObjectives.cpo(
                config,
                run.policy().policy(),
                new ImitationObjectives.Rows(
                        run.model().text().tokenizer().padId(),
                        run.rows().train(),
                        run.rows().evalSets()),
                run.context());
    }
}
