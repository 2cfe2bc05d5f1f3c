package org.attune.trainers.opening;

import org.attune.error.ConfigException;
import org.attune.files.HubCache;
import org.attune.models.ModelConfig;
import org.attune.models.ModelSetup;
import org.attune.models.ScorerPurpose;
import org.attune.trainers.config.EvalTask;
import org.attune.trainers.config.LoraSettings;
import org.attune.trainers.config.ReferenceConfig;
import org.attune.trainers.config.TrainingConfig;
import org.attune.trainers.examples.TrainingRow;

import java.util.List;
import java.util.Optional;
import java.util.function.BiFunction;
import java.util.function.Consumer;
import java.util.function.Supplier;

/// Plans how a run's policy is loaded into memory.
///
/// @param check refuses what can't work, from configurations and tables of contents: before rows
///     are read
/// @param load brings the weights to memory; may ask for the run's rows
/// @param tasks what the policy is asked at each evaluation
public record PolicyPlan(
        Consumer<ModelSetup> check,
        BiFunction<ModelSetup, Supplier<List<? extends TrainingRow>>, PolicySetup> load,
        List<EvalTask> tasks) {
    /// The plan for a model that predicts tokens.
    public static PolicyPlan predicting(
            LoraSettings lora, TrainingConfig training, boolean dropout) {
        return new PolicyPlan(
                predicts(lora, training, dropout),
                (model, rows) -> PolicySetup.load(model, lora, training, dropout, rows),
                training.eval().evalTasks());
    }

    /// The plan for a model that generates in the run.
    public static PolicyPlan generating(
            LoraSettings lora, TrainingConfig training, boolean dropout) {
        return new PolicyPlan(
                predicts(lora, training, dropout),
                (model, rows) -> PolicySetup.loadToGenerate(model, lora, training, dropout, rows),
                training.eval().evalTasks());
    }

    private static Consumer<ModelSetup> predicts(
            LoraSettings lora, TrainingConfig training, boolean dropout) {
        return model -> {
            PolicySetup.prepare(Optional.empty(), model, lora, dropout);
            RouterFactor.requireFits(model, training);
        };
    }

    /// Balances a mixture's experts unless a key says otherwise, as TRL does in methods that have
    /// `router_aux_loss_coef`. Elsewhere only models are balanced that ask for it.
    public PolicyPlan balancing(TrainingConfig training) {
        return new PolicyPlan(
                check,
                (model, rows) -> {
                    PolicySetup policy = load.apply(model, rows);
                    policy.balance(training);
                    return policy;
                },
                tasks);
    }

    /// Refuses to balance experts, where a key or the model asks for it.
    ///
    /// @param why for messages
    public PolicyPlan withoutBalance(TrainingConfig training, String why) {
        return also(model -> RouterFactor.requireNone(model, training, why));
    }

    /// The plan for a model that scores.
    public static PolicyPlan scoring(
            ScorerPurpose purpose, LoraSettings lora, TrainingConfig training, boolean dropout) {
        return new PolicyPlan(
                        model -> PolicySetup.prepare(Optional.of(purpose), model, lora, dropout),
                        (model, rows) ->
                                PolicySetup.loadScorer(
                                        purpose, model, lora, training, dropout, rows),
                        List.of())
                .withoutTasks(training)
                .withoutBalance(training, "models that score have no such loss");
    }

    /// The plan for a model whose score head follows from the run's rows: as many labels as they
    /// have.
    ///
    /// @param purpose of the model, from the run's rows
    public static PolicyPlan scoring(
            BiFunction<ModelSetup, List<? extends TrainingRow>, ScorerPurpose> purpose,
            LoraSettings lora,
            TrainingConfig training,
            boolean dropout) {
        return new PolicyPlan(
                        model ->
                                PolicySetup.prepare(
                                        Optional.of(anyOf(model)), model, lora, dropout),
                        (model, rows) ->
                                PolicySetup.loadScorer(
                                        purpose.apply(model, rows.get()),
                                        model,
                                        lora,
                                        training,
                                        dropout,
                                        rows),
                        List.of())
                .withoutTasks(training)
                .withoutBalance(training, "models that score have no such loss");
    }

    private PolicyPlan withoutTasks(TrainingConfig training) {
        return also(
                _ -> {
                    if (!training.eval().evalTasks().isEmpty()) {
                        throw new ConfigException(
                                "eval_tasks: a model that scores writes no answers; accepted:"
                                        + " none");
                    }
                });
    }

    private static ScorerPurpose anyOf(ModelSetup model) {
        return new ScorerPurpose(
                model.scoreKind(), Math.max(1, model.labels()), "a model with a score head");
    }

    /// Considers the reference too, if it is a separate model.
    public PolicyPlan with(ModelConfig config, ReferenceConfig reference, HubCache hub) {
        return also(_ -> ReferenceSetup.requireModel(config, reference, hub));
    }

    /// Adds a check to the plan.
    public PolicyPlan also(Consumer<ModelSetup> more) {
        return new PolicyPlan(check.andThen(more), load, tasks);
    }
}
