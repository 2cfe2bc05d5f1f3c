package org.attune.trainers.scoring;

import org.attune.datasets.ColumnUse;
import org.attune.datasets.formats.DatasetType;
import org.attune.error.ConfigException;
import org.attune.models.ScorerPurpose;
import org.attune.models.StepSeparator;
import org.attune.policy.Scorer;
import org.attune.trainers.config.TrainingConfig;
import org.attune.trainers.examples.StepwiseExample;
import org.attune.trainers.layout.StepwiseForest;
import org.attune.trainers.loop.RunContext;
import org.attune.trainers.opening.FirstRun;
import org.attune.trainers.opening.OpenedRun;
import org.attune.trainers.opening.PolicyPlan;
import org.attune.trainers.opening.RowMethod;
import org.attune.trainers.opening.RowSetup;
import org.attune.trainers.opening.RunRows;
import org.attune.trainers.prepare.Preview;
import org.attune.trainers.prepare.StepwiseOptions;
import org.attune.trainers.prepare.StepwisePreparation;
import org.attune.trainers.step.Trainer;

import java.util.Collection;
import java.util.EnumSet;
import java.util.Optional;
import java.util.Set;

/// The method `prm`, as the command line and the front door know it.
public record PrmMethod() implements RowMethod<PrmConfig, StepwiseExample, StepwiseForest> {
    @Override
    public String name() {
        return "prm";
    }

    @Override
    public String summary() {
        return "Train a process reward model on judged steps.";
    }

    @Override
    public Kind kind() {
        return Kind.SCORES;
    }

    @Override
    public PrmConfig defaults() {
        return PrmConfig.defaults();
    }

    @Override
    public Set<DatasetType> rows() {
        return EnumSet.of(DatasetType.STEPWISE_SUPERVISION);
    }

    @Override
    public FirstRun firstRun() {
        return FirstRun.of(
                "rows with prompt, completions (a list of steps) and labels (one each)",
                "max_length",
                "1024",
                "step_separator",
                "\"\\n\"");
    }

    @Override
    public RunRows<StepwiseExample> prepare(RowSetup setup, PrmConfig config) {
        if (config.data().applyChatTemplate()) {
            throw new ConfigException(
                    "apply_chat_template: true is not for prm, whose steps are texts; give prompts"
                            + " as messages, or leave the key out");
        }
        StepwiseConfig steps = config.steps();
        var options =
                new StepwiseOptions(
                        steps.stepSeparator(),
                        steps.trainOnLastStepOnly(),
                        steps.maxLength(),
                        steps.maxCompletionLength());
        return setup.rows(
                config,
                rows(),
                new ColumnUse.RowsOnly(),
                preparation(setup, config, options),
                preparation(setup, config, options.ofAllSteps()));
    }

    private static StepwisePreparation preparation(
            RowSetup setup, PrmConfig config, StepwiseOptions options) {
        return new StepwisePreparation(setup.tokenizer(), options, config.data().onBadRow());
    }

    @Override
    public String show(Preview preview, StepwiseExample row, Collection<String> columns) {
        return preview.judged(row);
    }

    @Override
    public PolicyPlan policy(PrmConfig config) {
        return PolicyPlan.scoring(
                ScorerPurpose.PROCESS_REWARD,
                config.lora(),
                config.training(),
                !config.steps().disableDropout());
    }

    @Override
    public PrmConfig withTraining(PrmConfig config, TrainingConfig training) {
        return config.withTraining(training);
    }

    @Override
    public Trainer<StepwiseExample, StepwiseForest> trainer(
            PrmConfig config, OpenedRun<StepwiseExample> run, Optional<Scorer> reference) {
        var separator = new StepSeparator(config.steps().stepSeparator());
        RunContext context = run.context();
        return PrmObjective.trainer(
                config,
                run.policy().policy(),
                run.rows().train(),
                run.rows().evalSets(),
                context.withModel(separator.beside(context.model())));
    }
}
