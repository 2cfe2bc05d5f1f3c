package org.attune.trainers.onpolicy;

import static org.attune.api.Api.Status.EXPERIMENTAL;

import org.attune.api.Api;
import org.attune.trainers.config.BatchConfig;
import org.attune.trainers.config.ConfigProblem;
import org.attune.trainers.config.PeftType;
import org.attune.trainers.config.RunConfig;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeSet;

/// A run that generates completions, whatever it learns from them.
@Api(EXPERIMENTAL)
public interface GeneratingRun extends RunConfig {
    /// Fields of LoRA whose adapters servers don't load.
    Set<String> UNSERVED =
            Set.of("bias", "lora_bias", "trainable_token_indices", "target_parameters");

    /// How the tokens of completions are chosen.
    Sampling sampling();

    /// Whether log-probabilities are those of the distributions that tokens were drawn from, where
    /// sampling left tokens out.
    default boolean keepsSamplingMask() {
        return false;
    }

    /// Most tokens of a completion.
    int maxCompletionLength();

    /// Completions of a prompt in training.
    default int numGenerations() {
        return 1;
    }

    /// How many completions a round has, and how it is used.
    default RoundConfig rounds() {
        return RoundConfig.defaults().withReuseRolloutActivations(false);
    }

    /// Which prompts are completed, by whom, and where completions are kept.
    RolloutSourceConfig rollouts();

    /// Whether completions are written ahead of the steps that learn from them.
    default LagConfig lag() {
        return LagConfig.defaults();
    }

    /// Whether an opponent of the policy writes every second completion of a prompt.
    default boolean hasOpponent() {
        return false;
    }

    /// Tools and environments, with which completions are episodes.
    default AgentConfig agent() {
        return AgentConfig.defaults();
    }

    /// Whether rewards of an environment's roles are told apart; else it may have one speaker.
    default boolean tellsRoles() {
        return false;
    }

    /// Prompts that the run takes, where its length is given in steps; whole rounds of them.
    @Override
    default OptionalLong rowsOfRun() {
        OptionalLong completions = RunConfig.super.rowsOfRun();
        if (completions.isEmpty()) {
            return completions;
        }
        long round = (long) training().batch().perDeviceTrainBatchSize() * microBatchesPerRound();
        long uses = round * rounds().numIterations();
        return OptionalLong.of(
                Math.ceilDiv(completions.getAsLong(), uses) * (round / numGenerations()));
    }

    /// What doesn't fit of where completions come from.
    default List<ConfigProblem> sourceProblems() {
        List<ConfigProblem> problems = new ArrayList<>();
        if (agent().isOn() && rollouts().asksServers()) {
            problems.add(
                    new ConfigProblem(
                            "rollout_server_base_url",
                            rollouts().rolloutServerBaseUrl(),
                            "unset with tools or environments, whose episodes run in this"
                                    + " process"));
        }
        if (sampling().vllmStructuredOutputsRegex().isPresent() && rollouts().isElsewhere()) {
            problems.add(
                    new ConfigProblem(
                            "vllm_structured_outputs_regex",
                            sampling().vllmStructuredOutputsRegex().get(),
                            "unset with rollout_server_base_url or recorded_rollouts: what others"
                                    + " write isn't constrained here, and servers tell"
                                    + " log-probabilities of what the pattern left"));
        }
        rollouts().rolloutServerAdapterDir().flatMap(folder -> unserved()).ifPresent(problems::add);
        problems.addAll(lag().problems(this));
        return problems;
    }

    /// What servers couldn't load of what the run trains.
    private Optional<ConfigProblem> unserved() {
        boolean adapts = lora().usePeft() || model().adapterNameOrPath().isPresent();
        String serves = " with rollout_server_adapter_dir: ";
        if (!adapts) {
            return training().ranks().partsWeights()
                    ? Optional.of(
                            new ConfigProblem(
                                    "zero_stage",
                                    training().ranks().zeroStage(),
                                    "at most 2"
                                            + serves
                                            + "no process has the whole model at stage 3"))
                    : Optional.empty();
        }
        if (lora().peftType() != PeftType.LORA) {
            return Optional.of(
                    new ConfigProblem(
                            "peft_type", lora().peftType(), "lora" + serves + "vLLM has no other"));
        }
        if (lora().useDora()) {
            return Optional.of(
                    new ConfigProblem("use_dora", true, "false" + serves + "vLLM has no DoRA"));
        }
        var kwargs = new TreeSet<>(lora().peftKwargs().keySet());
        kwargs.retainAll(UNSERVED);
        if (!kwargs.isEmpty()) {
            return Optional.of(
                    new ConfigProblem(
                            "peft_kwargs", kwargs, "others" + serves + "vLLM has none of them"));
        }
        if (!lora().loraModulesToSave().isEmpty()) {
            return Optional.of(
                    new ConfigProblem(
                            "lora_modules_to_save",
                            lora().loraModulesToSave(),
                            "none" + serves + "vLLM refuses them"));
        }
        if (!lora().loraRankPattern().isEmpty() || !lora().loraAlphaPattern().isEmpty()) {
            return Optional.of(
                    new ConfigProblem(
                            lora().loraRankPattern().isEmpty()
                                    ? "lora_alpha_pattern"
                                    : "lora_rank_pattern",
                            "set",
                            "unset" + serves + "vLLM scales all modules by lora_alpha / lora_r"));
        }
        return Optional.empty();
    }

    /// How held-out prompts are completed.
    HeldOutConfig heldOut();

    /// What is shown and kept of completions.
    CompletionLogConfig completionLog();

    /// Tokens that end a completion; empty: those that the model names.
    default Optional<Set<Integer>> stopIds() {
        return Optional.empty();
    }

    /// Micro-batches of a round.
    default int microBatchesPerRound() {
        int rows = training().batch().perDeviceTrainBatchSize();
        if (rounds().generationBatchSize().isPresent()) {
            return Math.max(1, rounds().generationBatchSize().getAsInt() / rows);
        }
        BatchConfig batch = training().batch();
        return batch.devices()
                * rounds().stepsPerGeneration().orElse(batch.gradientAccumulationSteps());
    }
}
